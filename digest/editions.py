"""Rows become an edition: the very bytes readers will get, and their hash."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max

from digest import document, hugo
from digest.models import Edition, Issue, sha256
from digest.rows import document_of


@dataclass(frozen=True)
class Proof:
    """An issue as it would be published now.

    `sha256` is the file's hash. `seal` is what whoever signs must have seen: the file's hash, and
    the cover's where there is one, since both go out together.
    """

    document: document.Document
    content: bytes
    sha256: str
    seal: str


def proof_of(issue: Issue) -> Proof:
    """The proof of an issue (load it with `Issue.objects.whole()`)."""
    return proof_with(issue, document_of(issue))


def proof_with(issue: Issue, whole: document.Document) -> Proof:
    """The proof of an issue if this were its document."""
    content = hugo.write(whole)
    name = sha256(content)
    seal = sha256(f"{name} {issue.cover.sha256}".encode()) if issue.cover else name
    return Proof(whole, content, name, seal)


def make_edition(issue: Issue, proof: Proof, *, by, rule: str = "") -> Edition:
    """Freeze a proof as the issue's next edition. Call it with the issue's row locked.

    `rule` is the deadline rule that makes it under the signature of `by`, if no person does.
    """
    last = issue.editions.aggregate(last=Max("number"))["last"] or 0
    return Edition.objects.create(
        issue=issue,
        number=last + 1,
        sha256=proof.sha256,
        content=proof.content,
        document=proof.document.model_dump(mode="json"),
        slug=issue.slug,
        title=proof.document.title or str(issue.date),
        cover=issue.cover,
        signed_by=by,
        rule=rule,
    )


def signed_document(edition_id: int) -> document.Document:
    """The document of an edition, of which nothing else is read."""
    return document_in(Edition.objects.defer("content").get(pk=edition_id))


def document_in(edition: Edition) -> document.Document:
    """The document an edition holds, as a value."""
    return document.Document.model_validate(edition.document)

"""The proof: the issue as readers will see it, and the signature below it."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from digest import editions, rendering
from digest.hugo.frontmatter import write as write_front_matter
from digest.models import Picture
from editorial import queue
from editorial.access import issue_at, membership_at, signed_in
from editorial.decisions import DECISIONS, refusal
from editorial.pages import remarks_on, warnings_of, workplace_of
from editorial.publication import publication_of
from editorial.revision import Revision, revisions


@require_safe
@signed_in
def proof(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Show the proof; the form on it signs exactly what is shown."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    case = queue.case_of_issue(issue.pk)
    hour = case.issue.moment
    refused = refusal(DECISIONS["sign"], case, by)
    at = workplace_of(by, issue)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "at": at,
        "keys": at.keys,
        "case": case,
        "since": issue.last_event,
        "signs": refused is None,
        "refusal": refused,
        "hour": hour if hour > timezone.now() else None,
        "page": rendering.view_of(case.proof.document),
        "publication": publication_of(case),
        "revisions": _revisions_of(case),
        "front_matter": write_front_matter(case.proof.document.front_matter),
        "warnings": warnings_of(case.proof.document),
        "remarks": remarks_on(issue),
    }
    template = "_signing.html" if request.htmx else "proof.html"
    return render(request, f"editorial/{template}", context)


def _revisions_of(case: queue.IssueCase) -> list[Revision]:
    """What is different from the edition that was signed last; nothing where there is none."""
    last = case.last_edition
    if last is None:
        return []
    covers = (last.cover_id, case.issue.cover_id)
    hashes = dict(Picture.objects.filter(pk__in=covers).values_list("pk", "sha256"))
    return revisions(
        editions.signed_document(last.pk),
        case.proof.document,
        covers=tuple(hashes.get(pk, "")[:8] for pk in covers),
    )


@require_safe
@signed_in
def cover(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """The picture that goes out with the issue."""
    issue = issue_at(membership_at(request, desk), day)
    picture = get_object_or_404(Picture, pk=issue.cover_id)
    return HttpResponse(bytes(picture.content), content_type=picture.media_type)

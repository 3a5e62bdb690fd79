"""The passages of an insight or a reading list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from digest import hugo, rows
from digest.models import Issue, Passage, Section
from editorial.editing.values import (
    Change,
    Collision,
    Difference,
    Invalid,
    hash_of,
    record,
    sentences_of,
)
from editorial.locking import lock
from editorial.models import Membership
from editorial.sentences import translated


@dataclass(frozen=True)
class SavedPassages:
    """What became of a save of passages: the fields that are different now, and the insight's hash
    around it."""

    fields: list[str]
    before: str
    after: str


def change_passages(
    *, issue_id: int, changes: list[tuple[int, Change]], by: Membership | None
) -> list[str]:
    """Set title or body of passages of an issue; answers with the fields that are different now.

    A change goes with the id of its passage. All are kept or none, as with `change_card`. Raises
    `Passage.DoesNotExist` where a later draft has taken one away.
    """
    return save_passages(issue_id=issue_id, changes=changes, by=by).fields


def save_passages(
    *, issue_id: int, changes: list[tuple[int, Change]], by: Membership | None
) -> SavedPassages:
    """Set passages like `change_passages`; answers with the insight's hashes, too."""
    with transaction.atomic():
        issue, role = lock(by, pk=issue_id)
        whole = Issue.objects.whole().get(pk=issue_id)
        homes = {p.pk: (s, p) for s in whole.sections.all() for p in s.passages.all()}
        changed: list[tuple[Section, Passage, Change, str]] = []
        collided = []
        for pk, change in changes:
            if pk not in homes:
                raise Passage.DoesNotExist
            section, passage = homes[pk]
            present = getattr(passage, change.field)
            if change.value == present:
                continue
            if change.base != hash_of(present):
                base = _passage_value(issue, passage, change)
                collided.append(Difference(f"{change.field}.{pk}", base, change.value, present))
            changed.append((section, passage, change, present))
        if collided:
            raise Collision(collided)
        for _section, passage, change, _before in changed:
            setattr(passage, change.field, change.value)
        # Checked before it is saved: what cannot be kept must not even reach the database.
        for section in {section.pk: section for section, *_ in changed}.values():
            check_passages(section)
        for section, passage, change, before in changed:
            passage.save(update_fields=[change.field])
            record(
                issue,
                role,
                f"{section.kind}.edit",
                field=f"{change.field}.{passage.pk}",
                before=before,
                after=change.value,
            )
        after = refresh_insight(whole)
    fields = [f"{change.field}.{passage.pk}" for _, passage, change, _ in changed]
    return SavedPassages(fields, issue.insight_hash, after)


def _passage_value(issue: Issue, passage: Passage, change: Change) -> Any:
    if hash_of(passage.machine.get(change.field)) == change.base:
        return passage.machine.get(change.field)
    for event in issue.events.filter(field=f"{change.field}.{passage.pk}").order_by("-pk"):
        for value in (event.before, event.after):
            if hash_of(value) == change.base:
                return value
    return None


def check_passages(section: Section) -> None:
    """Refuse (Invalid) passages that would not survive their file. Nothing is read or saved."""
    try:
        value = rows.section_value(section)
    except ValidationError as errors:
        raise Invalid(
            {"": [each for found in sentences_of(errors).values() for each in found]}
        ) from None
    if faults := hugo.passage_faults(value):
        raise Invalid({"": list(map(translated, faults))})


def refresh_insight(whole: Issue) -> str:
    """Bring the hash that an approval of the insight must name up to date with these rows."""
    present = rows.insight_hash(whole)
    Issue.objects.filter(pk=whole.pk).update(insight_hash=present)
    return present


def put_passage(issue_id: int, passage_id: int, field: str, value: str) -> None:
    """Set title or body of a passage. Raises `Invalid`."""
    whole = Issue.objects.whole().get(pk=issue_id)
    section, passage = next(
        (s, p) for s in whole.sections.all() for p in s.passages.all() if p.pk == passage_id
    )
    setattr(passage, field, value)
    check_passages(section)
    passage.save(update_fields=[field])
    refresh_insight(whole)

"""The front matter of an issue, its lead and its footer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from pydantic import ValidationError

from digest import document, hugo, rows
from digest.models import Issue
from digest.sentences import Said
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

_FRONT_LIMITS = {
    "title": document.LINE_LIMIT,
    "description": document.FIELD_LIMIT,
    "summary": document.FIELD_LIMIT,
    "correction": document.FIELD_LIMIT,
}
#: The keys of the front matter that people change.
FRONT = (*_FRONT_LIMITS, "tags")


def front_values(issue: Issue) -> dict[str, Any]:
    """What people change of an issue's front matter: texts, empty where there are none, and tags.

    Load the issue with its `tag_items__tag`.
    """
    return front_values_in(rows.front_matter_value(issue))


def front_machine(issue: Issue) -> dict[str, Any]:
    """What the machine wrote last where people change the front matter; empty for a key it has
    not written, and nothing at all where it is not known."""
    wrote = issue.machine.get("front_matter")
    if wrote is None:
        return {}
    return front_values_in(document.FrontMatter.model_validate(wrote))


def front_values_in(front_matter: document.FrontMatter) -> dict[str, Any]:
    """The same of any front matter."""
    return {key: front_matter.text(key) for key in _FRONT_LIMITS} | {"tags": [*front_matter.tags]}


def change_front(*, issue_id: int, changes: list[Change], by: Membership | None) -> list[str]:
    """Set title, description, summary or tags of an issue; answers with those that are different.

    Values are as `front_values` gives them. All are kept or none, as with `change_card`. An event
    holds as `before` what stood in the front matter: None where the key was missing.
    """
    with transaction.atomic():
        issue, role = lock(by, pk=issue_id)
        fresh = Issue.objects.prefetch_related("tag_items__tag").get(pk=issue_id)
        present = front_values(fresh)
        changed = {c.field: c.value for c in changes if c.value != present[c.field]}
        collided = [
            Difference(c.field, _front_with_hash(issue, c), c.value, present[c.field])
            for c in changes
            if c.field in changed and c.base != hash_of(present[c.field])
        ]
        if collided:
            raise Collision(collided)
        faults = {key: _front_fault(key, value) for key, value in changed.items()}
        if any(faults.values()):
            raise Invalid({key: [fault] for key, fault in faults.items() if fault})
        before = {key: front_value(fresh, key) for key in changed}
        for key, value in changed.items():
            put_front(fresh, key, value)
            record(
                issue,
                role,
                "issue.edit",
                field=key,
                before=before[key],
                after=value,
            )
    return list(changed)


def front_value(issue: Issue, field: str) -> Any:
    """What stands in one of an issue's own fields: a key of its front matter (None where it is
    missing), its tags, the whole front matter, lead or footer."""
    if field == "front_matter":
        return rows.front_matter_value(issue).model_dump(mode="json")
    if field == "tags":
        return [*rows.front_matter_value(issue).tags]
    if field in FRONT:
        return document.FrontMatter(**issue.front_matter).values.get(field)
    return getattr(issue, field)


def _front_with_hash(issue: Issue, change: Change) -> Any:
    """The value an editor started from, whether it was changed alone or with the whole."""
    events = issue.events.filter(card=None, field__in=(change.field, "front_matter"))
    for event in events.order_by("-pk"):
        for stood in (event.before, event.after):
            value = "" if stood is None else stood
            if event.field == "front_matter":
                value = front_values_in(document.FrontMatter.model_validate(stood))[change.field]
            if hash_of(value) == change.base:
                return value
    wrote = front_machine(issue).get(change.field)
    return wrote if hash_of(wrote) == change.base else None


def _front_fault(key: str, value: Any) -> str | None:
    """Why a value cannot stand under this key; intake asks the same of a machine's tags."""
    limit = _FRONT_LIMITS.get(key, document.LINE_LIMIT)
    for text in value if key == "tags" else [value]:
        try:
            if key in ("title", "tags"):
                document.check_line(text)
            document.check_text(text)
        except ValueError as error:
            return translated(error.args[0])
        if len(text) > limit:
            return translated(Said.LONG_TEXT(count=limit))
        if key == "tags" and not text.strip():
            return translated(Said.TAG())
    if key == "title" and not value.strip():
        return translated(Said.NO_TITLE())
    return None


def put_front(issue: Issue, field: str, value: Any) -> None:
    """Set one of an issue's own fields (see `front_value`). Raises `Invalid`."""
    if field == "tags":
        rows.set_tags(issue, value)
        issue._prefetched_objects_cache = {}
    elif field in FRONT:
        values = dict(issue.front_matter.get("values", {}))
        values.pop(field, None) if value is None else values.update({field: value})
        issue.front_matter = {**issue.front_matter, "values": values}
    else:
        if field == "front_matter":
            rows.set_tags(issue, document.FrontMatter(**value).tags)
            issue._prefetched_objects_cache = {}
        setattr(issue, field, value)
    try:
        front_matter = rows.front_matter_value(issue)
    except ValidationError as errors:
        sentences = sentences_of(errors).values()
        raise Invalid({field: [each for found in sentences for each in found]}) from None
    # The front matter alone: the rest of the file is as it was and takes long to read.
    if faults := hugo.document_faults(document.Document(front_matter=front_matter)):
        raise Invalid({field: list(map(translated, faults))})
    issue.save(update_fields=["front_matter", "lead", "footer"])

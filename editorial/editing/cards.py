"""The fields of a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from digest import document, hugo, rows
from digest.models import Card, Event, new_batch
from editorial import glances
from editorial.editing.values import (
    Change,
    Collision,
    Difference,
    Invalid,
    hash_of,
    record,
    sentences_of,
)
from editorial.locking import lock, on_day
from editorial.models import Membership
from editorial.sentences import translated


def field_values(card: Card) -> dict[str, Any]:
    """The values of a card's editable fields as JSON has them, by name."""
    present = rows.card_value(card).model_dump(mode="json")
    return {name: present[name] for name in rows.EDITABLE}


@dataclass(frozen=True)
class Saved:
    """What became of a save: the fields that are different now, the card's hash around it, the card
    and what it says now, and the last event of it, if there was anything to save.

    `seen` is the hash of the card that its writer has seen last.
    """

    fields: list[str]
    before: str
    after: str
    card: Card
    value: document.Card
    event: Event | None = None
    seen: str | None = None


def change_card(*, card_id: int, changes: list[Change], by: Membership | None) -> list[str]:
    """Set fields of a card; answers with the names of those that are different now.

    Values are as `field_values` gives them. All changes are kept or none: raises `Collision`,
    `Invalid` or `Refused`.
    """
    return save_card(card_id=card_id, changes=changes, by=by).fields


def save_card(
    *, card_id: int, changes: list[Change], by: Membership | None, day: date | None = None
) -> Saved:
    """Set fields of a card like `change_card`; answers with what there is to know of it then.

    Raises `Issue.DoesNotExist` if it is not of the issue of that `day` at the desk of `by`.
    """
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card_id, **on_day(day, by))
        card, present_value = rows.read_card(card_id)
        present = present_value.model_dump(mode="json")
        before = {name: present[name] for name in rows.EDITABLE}
        changed = {c.field: c.value for c in changes if c.value != before[c.field]}
        _refuse_collisions(changes, before, card)
        hash_before = card.hash
        if not changed:
            return Saved([], hash_before, hash_before, card, present_value)
        value = valid_card(present | changed)
        rows.change_card(card, value, before=present_value)
        batch = new_batch() if len(changed) > 1 else ""
        for field in changed:
            event = record(
                issue,
                role,
                "card.edit",
                card=card,
                field=field,
                before=before[field],
                after=changed[field],
                batch=batch,
            )
        seen = glances.follow(role, card_id, hash_before, card.hash, event=event.pk)
    return Saved(list(changed), hash_before, card.hash, card, value, event, seen)


def _refuse_collisions(changes: list[Change], present: Mapping[str, Any], card: Card) -> None:
    collided = [
        Difference(c.field, _value_with_hash(card, c.field, c.base), c.value, present[c.field])
        for c in changes
        if c.base != hash_of(present[c.field]) and c.value != present[c.field]
    ]
    if collided:
        raise Collision(collided)


def _value_with_hash(card: Card, field: str, base: str) -> Any:
    """The value an editor started from: some earlier value of the field, found by its hash."""
    if hash_of(card.machine.get(field)) == base:
        return card.machine.get(field)
    for event in card.events.filter(field=field).order_by("-pk"):
        for value in (event.before, event.after):
            if hash_of(value) == base:
                return value
    return None


def valid_card(values: dict[str, Any]) -> document.Card:
    """The card these values make. Raises `Invalid` for one that would not survive its file."""
    try:
        value = document.Card.model_validate(values)
    except ValidationError as errors:
        raise Invalid(sentences_of(errors)) from None
    if faults := hugo.card_faults(value):
        raise Invalid({"": list(map(translated, faults))})
    return value


def put_field(card: Card, field: str, value: Any) -> None:
    """Set one field of a card. Raises `Invalid`."""
    before = rows.card_value(card)
    after = valid_card(before.model_dump(mode="json") | {field: value})
    rows.change_card(card, after, before=before)

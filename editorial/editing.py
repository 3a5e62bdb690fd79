"""Changing text and order: one field at a time, compare-and-set, nothing typed ever lost.

A change carries the hash of the value it started from (`base`). If the value has moved on, the
caller gets a `Collision` with base, mine and theirs instead of a silent overwrite; if it could not
be written to the file and read back, `Invalid` says where and why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from digest import document, hugo, rows
from digest.models import Card, Event, HeldCard, Issue, Passage, Section, Suggestion, sha256
from digest.reading import Unreadable
from editorial import queue
from editorial.decisions import Refusal, Refused, lock_issue
from editorial.labels import VALUE_SENTENCES
from editorial.models import Membership


def hash_of(value: Any) -> str:
    """The hash of a field's value (text, number or list), as `base` carries it."""
    return sha256(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@dataclass(frozen=True)
class Difference:
    """Three versions of one field: what the editor started from, typed, and what is there now."""

    field: str
    base: Any
    mine: Any
    theirs: Any


class Collision(Exception):
    """Somebody changed the same fields meanwhile. Nothing was saved."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__(", ".join(d.field for d in differences))
        self.differences = differences


class Invalid(Exception):
    """Values that cannot be kept: sentences by field. Nothing was saved."""

    def __init__(self, sentences: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(s for each in sentences.values() for s in each))
        self.sentences = dict(sentences)


@dataclass(frozen=True)
class Change:
    """A new value for one field and the hash of the value it started from."""

    field: str
    value: Any
    base: str


def lock(by: Membership | None, **which: int) -> tuple[Issue, Membership]:
    """The issue, locked as `lock_issue` does, and the role of somebody who may change it now.

    Raises `Refused` if they may not.
    """
    issue, role = lock_issue(by, **which)
    if role is None or role.desk_id != issue.desk_id or not role.may("review"):
        raise Refused(Refusal(_("Your role at this desk does not allow this."), "permission"))
    return issue, role


def _record(issue: Issue, by: Membership, verb: str, **columns) -> Event:
    return Event.objects.create(
        desk_id=issue.desk_id, issue=issue, actor=by.user, verb=verb, **columns
    )


# --- cards ---------------------------------------------------------------------------------------


def field_values(card: Card) -> dict[str, Any]:
    """The values of a card's editable fields as JSON has them, by name."""
    present = rows.card_value(card).model_dump(mode="json")
    return {name: present[name] for name in rows.EDITABLE}


@dataclass(frozen=True)
class Saved:
    """What became of a save: the fields that are different now, and the card's hash around it."""

    fields: list[str]
    before: str
    after: str


def change_card(*, card_id: int, changes: list[Change], by: Membership | None) -> list[str]:
    """Set fields of a card; answers with the names of those that are different now.

    Values are as `field_values` gives them. All changes are kept or none: raises `Collision`,
    `Invalid` or `Refused`.
    """
    return save_card(card_id=card_id, changes=changes, by=by).fields


def save_card(*, card_id: int, changes: list[Change], by: Membership | None) -> Saved:
    """Set fields of a card like `change_card`; answers with the card's hashes, too."""
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card_id)
        card = Card.objects.whole().get(pk=card_id)
        present = rows.card_value(card).model_dump(mode="json")
        before = {name: present[name] for name in rows.EDITABLE}
        changed = {c.field: c.value for c in changes if c.value != before[c.field]}
        _refuse_collisions(changes, before, card)
        hash_before = card.hash
        if not changed:
            return Saved([], hash_before, hash_before)
        rows.change_card(card, _valid_card(present | changed))
        for field in changed:
            _record(
                issue,
                role,
                "card.edit",
                card=card,
                field=field,
                before=before[field],
                after=changed[field],
            )
    return Saved(list(changed), hash_before, card.hash)


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


def _valid_card(values: dict[str, Any]) -> document.Card:
    """The card these values make. Raises `Invalid` for one that would not survive its file."""
    try:
        value = document.Card.model_validate(values)
    except ValidationError as errors:
        raise Invalid(_sentences(errors)) from None
    if faults := hugo.card_faults(value):
        raise Invalid({"": list(faults)})
    return value


def _sentences(errors: ValidationError) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in errors.errors(include_url=False, include_input=False):
        field, *place = error["loc"] or ("",)
        message = error["msg"].removeprefix("Value error, ")
        if "max_length" in error.get("ctx", {}):
            most = {"count": error["ctx"]["max_length"]}
            message = (
                _("At most %(count)d characters.") % most
                if error["type"] == "string_too_long"
                else _("At most %(count)d entries.") % most
            )
        message = str(VALUE_SENTENCES.get(message, message))
        number = next((f"{p + 1}: " for p in place if isinstance(p, int)), "")
        found.setdefault(str(field), []).append(number + message)
    return found


# --- the insight ---------------------------------------------------------------------------------


def change_passages(
    *, issue_id: int, changes: list[tuple[int, Change]], by: Membership | None
) -> list[str]:
    """Set title or body of passages of an issue; answers with the fields that are different now.

    A change goes with the id of its passage. All are kept or none, as with `change_card`.
    """
    with transaction.atomic():
        issue, role = lock(by, pk=issue_id)
        whole = Issue.objects.whole().get(pk=issue_id)
        homes = {p.pk: (s, p) for s in whole.sections.all() for p in s.passages.all()}
        changed: list[tuple[Section, Passage, Change, str]] = []
        collided = []
        for pk, change in changes:
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
            _check_passages(section)
        for section, passage, change, before in changed:
            passage.save(update_fields=[change.field])
            _record(
                issue,
                role,
                f"{section.kind}.edit",
                field=f"{change.field}.{passage.pk}",
                before=before,
                after=change.value,
            )
        _refresh_insight(whole)
    return [f"{change.field}.{passage.pk}" for _, passage, change, _ in changed]


def _passage_value(issue: Issue, passage: Passage, change: Change) -> Any:
    if hash_of(passage.machine.get(change.field)) == change.base:
        return passage.machine.get(change.field)
    for event in issue.events.filter(field=f"{change.field}.{passage.pk}").order_by("-pk"):
        for value in (event.before, event.after):
            if hash_of(value) == change.base:
                return value
    return None


def _check_passages(section: Section) -> None:
    """Refuse (Invalid) passages that would not survive their file. Nothing is read or saved."""
    try:
        value = rows.section_value(section)
    except ValidationError as errors:
        raise Invalid(
            {"": [each for found in _sentences(errors).values() for each in found]}
        ) from None
    if faults := hugo.passage_faults(value):
        raise Invalid({"": list(faults)})


def _refresh_insight(whole: Issue) -> None:
    """Bring the hash that an approval of the insight must name up to date with these rows."""
    Issue.objects.filter(pk=whole.pk).update(insight_hash=rows.insight_hash(whole))


# --- order ---------------------------------------------------------------------------------------


def move_card(
    *, card_id: int, section_id: int, after: int | None, seen: str, by: Membership | None
) -> None:
    """Put a card behind another one (`after`, a card's id) or first in a section.

    `seen` is the order the editor saw (`queue.order_of`). Positions are never counted from what a
    page shows: dropped cards keep their places between the others.
    """
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card_id)
        fresh = Issue.objects.whole().get(pk=issue.pk)
        if seen != queue.order_of(fresh):
            raise Refused(Refusal(_("The order has changed since you saw it."), "stale"))
        order = {
            section.pk: (section, list(section.cards.all()))
            for section in fresh.sections.all()
            if section.kind == Section.Kind.CARDS
        }
        home = next(pk for pk, (_s, cards) in order.items() if any(c.pk == card_id for c in cards))
        card = next(c for c in order[home][1] if c.pk == card_id)
        if section_id not in order:
            raise Refused(Refusal(_("Cards cannot be moved there.")))
        before = {"section": order[home][0].title, "position": card.position}
        order[home][1].remove(card)
        target = order[section_id][1]
        places = [c.pk for c in target]
        if after is not None and after not in places:
            raise Refused(Refusal(_("The order has changed since you saw it."), "stale"))
        target.insert(places.index(after) + 1 if after is not None else 0, card)
        rows.place_cards(order[pk] for pk in {home, section_id})
        _record(
            issue,
            role,
            "card.move",
            card=card,
            before=before,
            after={"section": order[section_id][0].title, "position": card.position},
        )


# --- what could not be read, and what the machine wrote later ------------------------------------


def repair_card(*, held_id: int, text: str, section_id: int, by: Membership | None) -> Card:
    """Make a held card a card of the issue, from Markdown a person has mended.

    Raises `Invalid` with the reasons if it still cannot be read.
    """
    try:
        value, _deviations = hugo.read_card(text.replace("\r\n", "\n"))
    except Unreadable as unreadable:
        raise Invalid({"text": [str(problem) for problem in unreadable.problems]}) from None
    with transaction.atomic():
        held = HeldCard.objects.select_related("issue").get(pk=held_id)
        issue, role = lock(by, pk=held.issue_id)
        held.refresh_from_db()
        if not held.is_open:
            raise Refused(Refusal(_("Somebody has dealt with this card already.")))
        section = issue.sections.get(pk=section_id, kind=Section.Kind.CARDS)
        last = section.cards.order_by("-position").values_list("position", flat=True).first() or 0
        [card] = rows.add_cards([(section, last + 1, value)], by_machine=False)
        held.card = card
        held.save(update_fields=["card"])
        _record(issue, role, "card.repair", card=card, before=held.text, after=text)
    return card


def dismiss_held(*, held_id: int, by: Membership | None) -> None:
    """Put a held card aside for good. Its text stays in the draft and in the event."""
    with transaction.atomic():
        held = HeldCard.objects.get(pk=held_id)
        issue, role = lock(by, pk=held.issue_id)
        held.refresh_from_db()
        if not held.is_open:
            raise Refused(Refusal(_("Somebody has dealt with this card already.")))
        held.dismissed = True
        held.save(update_fields=["dismissed"])
        _record(issue, role, "card.dismiss", before=held.text)


def answer_suggestion(
    *, suggestion_id: int, take: bool, by: Membership | None, seen: str = ""
) -> None:
    """Take what the machine wrote later for a touched field, or decline it.

    `seen` is the hash of the value that the taker saw it beside (`suggested_over`). Raises
    `Refused`, as stale if that value has moved on, and `Invalid`.
    """
    with transaction.atomic():
        issue_id = Suggestion.objects.values_list("issue", flat=True).get(pk=suggestion_id)
        issue, role = lock(by, pk=issue_id)
        suggestion = Suggestion.objects.select_related("passage__section", "card").get(
            pk=suggestion_id
        )
        if suggestion.state != Suggestion.State.OPEN:
            raise Refused(Refusal(_("Somebody has answered this suggestion already.")))
        before = suggested_over(suggestion)
        if take and seen != hash_of(before):
            raise Refused(Refusal(_("The text has changed since you saw it."), "stale"))
        suggestion.state = Suggestion.State.TAKEN if take else Suggestion.State.DECLINED
        suggestion.save(update_fields=["state"])
        if take:
            _take_over(suggestion)
        kind = f"{suggestion.passage.section.kind}." if suggestion.passage else ""
        _record(
            issue,
            role,
            "suggestion.take" if take else "suggestion.decline",
            card=suggestion.card,
            field=f"{kind}{suggestion.field}",
            before=before,
            after=suggestion.value,
        )


def suggested_over(suggestion: Suggestion) -> Any:
    """The value that stands where a suggestion would go."""
    field = suggestion.field
    if suggestion.passage:
        return getattr(suggestion.passage, field)
    if suggestion.card and field == "dropped":
        return suggestion.card.dropped
    if suggestion.card:
        card = Card.objects.whole().get(pk=suggestion.card_id)
        return rows.card_value(card).model_dump(mode="json")[field]
    if field == "front_matter":
        return rows.front_matter_value(suggestion.issue).model_dump(mode="json")
    return getattr(suggestion.issue, field)


def _take_over(suggestion: Suggestion) -> None:
    """Put a suggestion's value where it belongs."""
    field, value = suggestion.field, suggestion.value
    if suggestion.passage:
        whole = Issue.objects.whole().get(pk=suggestion.issue_id)
        section, passage = next(
            (s, p)
            for s in whole.sections.all()
            for p in s.passages.all()
            if p.pk == suggestion.passage_id
        )
        setattr(passage, field, value)
        _check_passages(section)
        passage.save(update_fields=[field])
        _refresh_insight(whole)
    elif suggestion.card and field == "dropped":
        Card.objects.filter(pk=suggestion.card_id).update(dropped=value)
    elif suggestion.card:
        card = Card.objects.whole().get(pk=suggestion.card_id)
        present = rows.card_value(card).model_dump(mode="json")
        rows.change_card(card, _valid_card(present | {field: value}))
    else:
        issue = suggestion.issue
        if field == "front_matter":
            rows.set_tags(issue, document.FrontMatter(**value).tags)
        setattr(issue, field, value)
        issue.save(update_fields=[field])

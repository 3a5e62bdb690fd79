"""Changing text and order: one field at a time, compare-and-set, nothing typed ever lost.

A change carries the hash of the value it started from (`base`). If the value has moved on, the
caller gets a `Collision` with base, mine and theirs instead of a silent overwrite; if it could not
be written to the file and read back, `Invalid` says where and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pydantic import ValidationError

from digest import document, hugo, rows
from digest.compiled import compiled
from digest.models import (
    Card,
    Event,
    HeldCard,
    Issue,
    Passage,
    Section,
    Suggestion,
    new_batch,
    sha256,
)
from digest.reading import Unreadable
from digest.sentences import Said
from editorial import glances, queue
from editorial.locking import lock, on_day
from editorial.models import Membership
from editorial.refusals import Refusal, Refused
from editorial.sentences import translated


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
        value = _valid_card(present | changed)
        rows.change_card(card, value, before=present_value)
        batch = new_batch() if len(changed) > 1 else ""
        for field in changed:
            event = _record(
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


def _valid_card(values: dict[str, Any]) -> document.Card:
    """The card these values make. Raises `Invalid` for one that would not survive its file."""
    try:
        value = document.Card.model_validate(values)
    except ValidationError as errors:
        raise Invalid(_sentences(errors)) from None
    if faults := hugo.card_faults(value):
        raise Invalid({"": list(map(translated, faults))})
    return value


def _sentences(errors: ValidationError) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in errors.errors(include_url=False, include_input=False):
        field, *place = error["loc"] or ("",)
        message = translated(error["msg"].removeprefix("Value error, "))
        number = next((f"{p + 1}: " for p in place if isinstance(p, int)), "")
        found.setdefault(str(field), []).append(number + message)
    return found


# --- the insight ---------------------------------------------------------------------------------


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
        after = _refresh_insight(whole)
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


def _check_passages(section: Section) -> None:
    """Refuse (Invalid) passages that would not survive their file. Nothing is read or saved."""
    try:
        value = rows.section_value(section)
    except ValidationError as errors:
        raise Invalid(
            {"": [each for found in _sentences(errors).values() for each in found]}
        ) from None
    if faults := hugo.passage_faults(value):
        raise Invalid({"": list(map(translated, faults))})


def _refresh_insight(whole: Issue) -> str:
    """Bring the hash that an approval of the insight must name up to date with these rows."""
    present = rows.insight_hash(whole)
    Issue.objects.filter(pk=whole.pk).update(insight_hash=present)
    return present


# --- order ---------------------------------------------------------------------------------------


def move_card(
    *,
    card_id: int,
    section_id: int | None,
    after: int | None,
    seen: str,
    by: Membership | None,
    day: date | None = None,
) -> tuple[Event | None, str]:
    """Put a card behind another one (`after`, a card's id) or first in a section; answers with the
    event, if it does not stand there already, and the order that all cards have now. Behind another
    one needs no section.

    `seen` is the order the editor saw (`queue.order_of`). Positions are never counted from what a
    page shows: dropped cards keep their places between the others. Raises `Issue.DoesNotExist` if
    the card is not of the issue of that `day` at the desk of `by`.
    """
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card_id, **on_day(day, by))
        order = cards_in_order(issue.pk)
        if seen != _order_text(order):
            raise Refused(Refusal(_("The order has changed since you saw it."), "stale"))
        homes = {c.pk: pk for pk, (_section, cards) in order.items() for c in cards}
        home = homes[card_id]
        card = next(c for c in order[home][1] if c.pk == card_id)
        section_id = homes.get(after) if section_id is None else section_id
        if section_id not in order:
            raise Refused(Refusal(_("Cards cannot be moved there.")))
        before = place_of(order.values(), card)
        order[home][1].remove(card)
        target = order[section_id][1]
        places = [c.pk for c in target]
        if after is not None and after not in places:
            raise Refused(Refusal(_("The order has changed since you saw it."), "stale"))
        target.insert(places.index(after) + 1 if after is not None else 0, card)
        place = place_of(order.values(), card)
        if place == before:
            return None, seen
        rows.place_cards(order[pk] for pk in {home, section_id})
        event = _record(issue, role, "card.move", card=card, before=before, after=place)
    return event, _order_text(order)


def _order_text(order: Mapping[int, tuple[Section, Sequence[Card]]]) -> str:
    return queue.order_as_text(
        (pk, card.pk) for pk, (_section, cards) in order.items() for card in cards
    )


# --- what could not be read, and what the machine wrote later ------------------------------------


def repair_card(*, held_id: int, text: str, section_id: int, by: Membership | None) -> Card:
    """Make a held card a card of the issue, from Markdown a person has mended.

    Raises `Invalid` with the reasons if it still cannot be read.
    """
    try:
        value, _deviations = hugo.read_card(text.replace("\r\n", "\n"))
    except Unreadable as unreadable:
        raise Invalid(
            {"text": [translated(problem.sentence) for problem in unreadable.problems]}
        ) from None
    with transaction.atomic():
        held = HeldCard.objects.select_related("issue").get(pk=held_id)
        issue, role = lock(by, pk=held.issue_id)
        held.refresh_from_db()
        if not held.is_open:
            raise Refused(Refusal(_("Somebody has dealt with this card already.")))
        section = issue.sections.filter(pk=section_id, kind=Section.Kind.CARDS).first()
        if section is None:  # a later draft has taken it away while the lock was waited for
            raise Invalid({"": [_("Choose a section.")]})
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
        found = Suggestion.objects.select_related("passage__section", "card")
        suggestion = found.filter(pk=suggestion_id).first()
        if suggestion is None:  # a later draft has landed while the lock was waited for
            raise Refused(Refusal(_("The machine has suggested something newer since.")))
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
        put_field(Card.objects.whole().get(pk=suggestion.card_id), field, value)
    else:
        issue = suggestion.issue
        if field == "front_matter":
            rows.set_tags(issue, document.FrontMatter(**value).tags)
        setattr(issue, field, value)
        issue.save(update_fields=[field])


# --- the front matter ----------------------------------------------------------------------------

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
            _record(
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


# --- putting a value where it belongs, for those that have compared it and will record it --------


def put_field(card: Card, field: str, value: Any) -> None:
    """Set one field of a card. Raises `Invalid`."""
    before = rows.card_value(card)
    after = _valid_card(before.model_dump(mode="json") | {field: value})
    rows.change_card(card, after, before=before)


def put_passage(issue_id: int, passage_id: int, field: str, value: str) -> None:
    """Set title or body of a passage. Raises `Invalid`."""
    whole = Issue.objects.whole().get(pk=issue_id)
    section, passage = next(
        (s, p) for s in whole.sections.all() for p in s.passages.all() if p.pk == passage_id
    )
    setattr(passage, field, value)
    _check_passages(section)
    passage.save(update_fields=[field])
    _refresh_insight(whole)


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
        raise Invalid({field: [s for each in _sentences(errors).values() for s in each]}) from None
    # The front matter alone: the rest of the file is as it was and takes long to read.
    if faults := hugo.document_faults(document.Document(front_matter=front_matter)):
        raise Invalid({field: list(map(translated, faults))})
    issue.save(update_fields=["front_matter", "lead", "footer"])


# --- where a card stands -------------------------------------------------------------------------


def cards_in_order(issue_id: int) -> dict[int, tuple[Section, list[Card]]]:
    """The sections of cards of an issue by id, in order, each with all its cards in order."""
    found = {section.pk: (section, []) for section in _sections_of_cards(issue_id)}
    for card in _places(issue_id):
        found[card.section_id][1].append(card)
    return found


@compiled
def _sections_of_cards(issue) -> QuerySet[Section]:
    found = Section.objects.filter(issue=issue, kind=Section.Kind.CARDS)
    return found.only("title").order_by("position")


@compiled
def _places(issue) -> QuerySet[Card]:
    cards = Card.objects.filter(section__issue=issue).order_by("position")
    return cards.only("section", "position", "dropped")  # no text: it only moves


def place_of(order: Iterable[tuple[Section, Sequence[Card]]], card: Card) -> dict[str, Any]:
    """Where a card stands, as a move records it.

    `position` counts the cards of its section, `place` those that readers of the whole issue would
    count (None for a dropped card). `after` is the id of the card it stands behind, `ahead` are
    those of all before it in its section, the nearest first.
    """
    placed = list(order)
    section, cards = next((s, cards) for s, cards in placed if card in cards)
    position = cards.index(card) + 1
    standing = [each for _section, cards in placed for each in cards if not each.dropped]
    ahead = [each.pk for each in reversed(cards[: position - 1])]
    return {
        "section": section.title,
        "section_id": section.pk,
        "position": position,
        "place": None if card.dropped else standing.index(card) + 1,
        "after": ahead[0] if ahead else None,
        "ahead": ahead,
    }

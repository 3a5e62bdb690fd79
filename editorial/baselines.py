"""Earlier versions of a card: as the machine wrote it, as one saw it last, as it was approved,
as readers have it, or as it was after any event; what has changed since, and the way back.

No version is stored. Each is made from what stands there now by taking the later events back one
by one, so it is as exact as the events are: a machine's later draft that put cards into a new order
of its own left no trace of the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest import editions, rows
from digest.models import Card, Edition, Event, Issue, Section
from editorial import editing
from editorial.changes import FieldChange, kind_of
from editorial.editing import Change, hash_of
from editorial.labels import FIELD_LABELS
from editorial.locking import lock
from editorial.models import Approval, Membership
from editorial.refusals import Refusal, Refused
from editorial.undo import DROPPING

#: The verbs of events that changed the field of a card they name.
_CHANGES = ("card.edit", "suggestion.take", "draft.change")
#: The verbs of events with which a card came into the issue.
_ARRIVALS = ("card.repair", "draft.add")


@dataclass(frozen=True)
class Baseline:
    """An earlier version of a card: its values (as `card_as_of` gives them), when and whose.

    `event` is that of the issue after which it was so; 0 for what the machine wrote.
    """

    name: str
    label: str | Promise
    values: dict[str, Any]
    at: datetime
    by: Any
    event: int


# --- as it was -----------------------------------------------------------------------------------


def card_as_of(card: Card, event_id: int) -> dict[str, Any] | None:
    """A card as it was right after an event of its issue: its fields, whether it was `dropped`, and
    its `place` as moves record it. None if it was not there yet.

    Load the card with `Card.objects.whole()`; it takes four queries more.
    """
    issue_id = Section.objects.values_list("issue", flat=True).get(pk=card.section_id)
    order = _Order(issue_id)
    order.take_back(event_id)
    place = order.place_of(card.pk)
    if place is None:
        return None
    return _fields_as_of(card, event_id) | {"dropped": card.pk in order.dropped, "place": place}


def _fields_as_of(card: Card, event_id: int) -> dict[str, Any]:
    values = editing.field_values(card)
    later = card.events.filter(pk__gt=event_id, verb__in=_CHANGES, field__in=rows.EDITABLE)
    for field, before in later.order_by("-pk").values_list("field", "before"):
        values[field] = before
    return values


class _Order:
    """The cards of an issue and where they stand, taken back event by event."""

    def __init__(self, issue_id: int) -> None:
        sections = Section.objects.filter(issue=issue_id, kind=Section.Kind.CARDS)
        self.issue_id = issue_id
        self.titles = dict(sections.order_by("position").values_list("pk", "title"))
        self.cards: dict[int, list[int]] = {pk: [] for pk in self.titles}
        self.dropped: set[int] = set()
        placed = Card.objects.filter(section__issue=issue_id).order_by("position")
        for pk, section, dropped in placed.values_list("pk", "section", "dropped"):
            self.cards[section].append(pk)
            if dropped:
                self.dropped.add(pk)

    def take_back(self, event_id: int, *, arrivals: bool = True) -> None:
        """Go back to right after an event. Without `arrivals` cards that came later stay."""
        events = Event.objects.filter(issue=self.issue_id, pk__gt=event_id, card__isnull=False)
        found = events.filter(DROPPING) | events.filter(verb__in=("card.move", *_ARRIVALS))
        for event in found.order_by("-pk"):
            if event.verb == "card.move":
                self._move_back(event.card_id, event.before)
            elif event.verb in _ARRIVALS:
                if arrivals:
                    self._remove(event.card_id)
            elif event.verb == "card.restore":
                self.dropped.add(event.card_id)
            else:
                self.dropped.discard(event.card_id)

    def _remove(self, card_id: int) -> None:
        for cards in self.cards.values():
            if card_id in cards:
                cards.remove(card_id)

    def _move_back(self, card_id: int, place: dict) -> None:
        self._remove(card_id)
        section = place.get("section_id")
        if section is None:  # an event of before it was recorded
            section = next((pk for pk, t in self.titles.items() if t == place["section"]), None)
        if section is not None:
            # A section that has been deleted since comes last: nothing says where it was.
            self.titles.setdefault(section, place["section"])
            self.cards.setdefault(section, []).insert(place["position"] - 1, card_id)

    def place_of(self, card_id: int) -> dict[str, Any] | None:
        """Where a card stands, as `editing.place_of` has it without the neighbours."""
        standing = [pk for cards in self.cards.values() for pk in cards if pk not in self.dropped]
        for section, cards in self.cards.items():
            if card_id in cards:
                return {
                    "section": self.titles[section],
                    "section_id": section,
                    "position": cards.index(card_id) + 1,
                    "place": standing.index(card_id) + 1 if card_id in standing else None,
                }
        return None


# --- the versions one key apart ------------------------------------------------------------------


def baseline(card: Card, name: str, by: Membership) -> Baseline | None:
    """One of `BASELINES` of a card, seen by a person; None where there is none.

    Load the card with `Card.objects.whole()`.
    """
    label, find = BASELINES[name]
    found = find(card, by)
    if found is None:
        return None
    values, at, who, event = found
    return Baseline(name, label, values, at, who, event)


Found = tuple[dict[str, Any], datetime, Any, int] | None


def _machine(card: Card, by: Membership) -> Found:
    """What the machine wrote last, standing where it stood before anybody moved a card."""
    if not card.machine:
        return None
    issue = Issue.objects.get(sections__cards=card)
    order = _Order(issue.pk)
    order.take_back(0, arrivals=False)
    wrote = {field: card.machine.get(field) for field in rows.EDITABLE}
    landed = issue.events.filter(verb="draft.land").select_related("actor").last()
    return (
        wrote | {"dropped": False, "place": order.place_of(card.pk)},
        landed.at if landed else issue.created_at,
        landed.actor if landed else None,
        0,
    )


def _seen(card: Card, by: Membership) -> Found:
    glance = card.glances.filter(user=by.user_id).first()
    values = card_as_of(card, glance.event) if glance else None
    return (values, glance.at, by.user, glance.event) if values else None


def _approved(card: Card, by: Membership) -> Found:
    valid = set(Approval.objects.valid().filter(card=card).values_list("pk", flat=True))
    events = card.events.filter(verb="card.approve").select_related("actor").order_by("-pk")
    event = next((each for each in events if each.after["approval"] in valid), None)
    values = card_as_of(card, event.pk) if event else None
    return (values, event.at, event.actor, event.pk) if values else None


def _published(card: Card, by: Membership) -> Found:
    issue = Issue.objects.select_related("published").get(sections__cards=card)
    if issue.published is None:
        return None
    signatures = issue.events.filter(verb__in=("issue.sign", "issue.sign_by_rule"))
    signed = signatures.filter(after__edition=issue.published.number)
    event = signed.select_related("actor").last()
    values = card_as_of(card, event.pk) if event else None
    if not values or values["dropped"] or _left_out(issue.published, values["headline"]):
        return None  # readers have the issue without it
    return values, event.at, event.actor, event.pk


def _left_out(edition: Edition, headline: str) -> bool:
    """Whether the rule that made an edition left a card out of it."""
    if not edition.rule:
        return False
    sections = editions.document_in(edition).sections
    return headline not in {card.headline for section in sections for card in section.cards}


#: The versions of a card that are one key away → what they are called, how they are found.
BASELINES: dict[str, tuple[Promise, Callable[[Card, Membership], Found]]] = {
    "machine": (gettext_lazy("The machine’s draft"), _machine),
    "seen": (gettext_lazy("What I saw last"), _seen),
    "approved": (gettext_lazy("Last approved"), _approved),
    "published": (gettext_lazy("Last published"), _published),
}


# --- what has changed since ----------------------------------------------------------------------


def against(card: Card, baseline: Baseline) -> list[FieldChange]:
    """What is different in a card now, field by field, then whether it was dropped and its
    place. Load the card with `Card.objects.whole()`.

    Its place counts where it was moved itself: others that went by it are no change of this card.
    """
    issue_id = Section.objects.values_list("issue", flat=True).get(pk=card.section_id)
    order = _Order(issue_id)
    present = editing.field_values(card) | {
        "dropped": card.dropped,
        "place": order.place_of(card.pk),
    }
    return [
        FieldChange(field, FIELD_LABELS[field], kind_of(field), baseline.values[field], value)
        for field, value in present.items()
        if (
            _is_moved(card, baseline, value)
            if field == "place"
            else value != baseline.values[field]
        )
    ]


def _is_moved(card: Card, baseline: Baseline, now: dict[str, Any]) -> bool:
    before = baseline.values["place"]
    if all(before[each] == now[each] for each in ("section_id", "position")):
        return False
    moves = card.events.filter(verb="card.move", pk__gt=baseline.event)
    later = dict(moves.values_list("pk", "undoes"))
    # A move and its undo cancel out, whoever else moved what meanwhile.
    return any(pk not in later.values() and undoes not in later for pk, undoes in later.items())


# --- the way back --------------------------------------------------------------------------------


def revert(
    *,
    card_id: int,
    to: str | int,
    by: Membership | None,
    seen: str,
    fields: Sequence[str] | None = None,
) -> list[str]:
    """Set fields of a card (all of them without `fields`) back to what they were; answers with the
    names of those that are different now.

    `to` is a name of `BASELINES` or the id of an event of the card's issue, `seen` the hash of the
    card as the person saw it. It is a save like any other: raises `Refused` and `Invalid`.
    """
    with transaction.atomic():
        issue, by = lock(by, sections__cards=card_id)
        card = Card.objects.whole().get(pk=card_id)
        if card.hash != seen:
            raise Refused(Refusal(_("The text has changed since you saw it."), "stale"))
        values = _values_at(card, issue, to, by)
        present = editing.field_values(card)
        wanted = rows.EDITABLE if fields is None else fields
        if values is None or not set(wanted) <= set(rows.EDITABLE):
            raise Refused(Refusal(_("There is no such version of this card.")))
        changes = [Change(field, values[field], hash_of(present[field])) for field in wanted]
        return editing.change_card(card_id=card_id, changes=changes, by=by)


def _values_at(card: Card, issue: Issue, to: str | int, by: Membership) -> dict[str, Any] | None:
    if isinstance(to, str):
        found = baseline(card, to, by) if to in BASELINES else None
        return found.values if found else None
    return card_as_of(card, to) if issue.events.filter(pk=to).exists() else None

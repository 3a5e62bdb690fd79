"""Where a card stands, and putting it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from digest import rows
from digest.compiled import compiled
from digest.models import Card, Event, Section
from editorial import queue
from editorial.editing.values import record
from editorial.locking import lock, on_day
from editorial.models import Membership
from editorial.refusals import Refusal, Refused


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
        event = record(issue, role, "card.move", card=card, before=before, after=place)
    return event, _order_text(order)


def _order_text(order: Mapping[int, tuple[Section, Sequence[Card]]]) -> str:
    return queue.order_as_text(
        (pk, card.pk) for pk, (_section, cards) in order.items() for card in cards
    )


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
    cards = Card.objects.filter(section__issue=issue, section__kind=Section.Kind.CARDS)
    # No text: they only move.
    return cards.order_by("position").only("section", "position", "dropped")


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

"""What a second signature is about: what has changed since the edition signed before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest import hugo
from digest.document import Card, Document


@dataclass(frozen=True)
class Revision:
    """A part that is different now: what it is called, and its text before and after.

    Empty before: it is new; empty after: it is gone.
    """

    what: str | Promise
    before: str
    after: str


def revisions(signed: Document, present: Document) -> list[Revision]:
    """The parts of an issue that are different from those of a signed edition, in reading order.

    A card is known by its headline, or by its place where only that was changed.
    """
    found = [r for r in _of_the_rest(signed, present) if r.before != r.after]
    return found + [r for r in _of_cards(signed, present) if r.before != r.after]


def _of_the_rest(signed: Document, present: Document) -> Iterator[Revision]:
    before, after = signed.front_matter.values, present.front_matter.values
    for key in [*after, *(key for key in before if key not in after)]:
        yield Revision(key, _as_text(before.get(key)), _as_text(after.get(key)))
    yield Revision(_("the text above the sections"), signed.lead, present.lead)
    yield Revision(_("the text below the sections"), signed.footer, present.footer)
    old = {s.title: hugo.write_section_passages(s) for s in signed.sections if s.passages}
    new = {s.title: hugo.write_section_passages(s) for s in present.sections if s.passages}
    for title in [*new, *(title for title in old if title not in new)]:
        yield Revision(title, old.get(title, ""), new.get(title, ""))
    yield Revision(_("the order"), _order_of(signed, present), _order_of(present, signed))


def _of_cards(signed: Document, present: Document) -> Iterator[Revision]:
    old = {(s.title, n): card for s in signed.sections for n, card in enumerate(s.cards)}
    new = {(s.title, n): card for s in present.sections for n, card in enumerate(s.cards)}
    by_headline = {card.headline: place for place, card in old.items()}
    kept = {c.headline for c in new.values()}
    matched: set[tuple[str, int]] = set()
    for place, card in new.items():
        home = by_headline.get(card.headline)
        if home is None and place in old and old[place].headline not in kept:
            home = place
        before = old[home] if home and home not in matched else None
        matched |= {home} if home else set()
        yield Revision(card.headline, _text_of(before), _text_of(card))
    for place, card in old.items():
        if place not in matched:
            yield Revision(card.headline, _text_of(card), "")


def _text_of(card: Card | None) -> str:
    return hugo.write_card(card) if card else ""


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)


def _order_of(whole: Document, other: Document) -> str:
    """The headlines that both have, as this one orders them."""
    shared = {card.headline for section in other.sections for card in section.cards}
    own = [card.headline for section in whole.sections for card in section.cards]
    return "\n".join(headline for headline in own if headline in shared)

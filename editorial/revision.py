"""What a second signature is about: what has changed since the edition signed before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest import hugo
from digest.document import Card, Document, Section


@dataclass(frozen=True)
class Revision:
    """A part that is different now: what it is called, and its text before and after.

    Empty before: it is new; empty after: it is gone.
    """

    what: str | Promise
    before: str
    after: str


#: The sections and cards of an issue in reading order, each by the place it is known by.
Parts = Mapping[Any, Section | Card]


def revisions(
    signed: Document, present: Document, *, covers: tuple[str, str] = ("", "")
) -> list[Revision]:
    """The parts of an issue that are different from those of a signed edition, in reading order.

    `covers` name the pictures of the one and of the other. A card is known by its headline, a
    section by its title, either by its place where only that was changed.
    """
    found = (
        *_of_front_matter(signed, present),
        Revision(_("the cover"), *covers),
        Revision(_("the text above the sections"), signed.lead, present.lead),
        *_of_parts(signed, present),
        Revision(_("the text below the sections"), signed.footer, present.footer),
    )
    return [revision for revision in found if revision.before != revision.after]


def _of_front_matter(signed: Document, present: Document) -> Iterator[Revision]:
    before, after = signed.front_matter.values, present.front_matter.values
    for key in after | before:
        yield Revision(key, _as_text(before.get(key)), _as_text(after.get(key)))


def _of_parts(signed: Document, present: Document) -> Iterator[Revision]:
    sections = {(s.kind, n): s for n, s in enumerate(signed.sections)}
    # First the sections: where a card stands hangs on which section is which.
    matched = _as_before(sections, {(s.kind, n): s for n, s in enumerate(present.sections)})
    before = _with_cards(sections)
    after = _as_before(before, _with_cards(matched))
    titles = {place: _title_of(part) for place, part in after.items() if place in before}
    yield Revision(_("the order"), _order_of(before, titles), _order_of(after, titles))
    for place in after | before:
        old, new = before.get(place), after.get(place)
        yield Revision(_title_of(new or old), _text_of(old), _text_of(new))


def _as_before(before: Parts, after: Parts) -> dict[Any, Section | Card]:
    """The later parts, in their order, each by the place it had before; what is new by none of
    those. Several of one name are matched in their order."""
    homes: dict[Any, list] = {}
    for place, part in before.items():
        homes.setdefault(_name_of(part), []).append(place)
    known = {
        place: free.pop(0) for place, part in after.items() if (free := homes.get(_name_of(part)))
    }
    left = {place for free in homes.values() for place in free}
    return {
        known.get(place, place if place in left else ("new", place)): part
        for place, part in after.items()
    }


def _with_cards(sections: Parts) -> dict[Any, Section | Card]:
    found: dict[Any, Section | Card] = {}
    for place, section in sections.items():
        found[place] = section
        found |= {(place, n): card for n, card in enumerate(section.cards)}
    return found


def _order_of(parts: Parts, titles: Mapping[Any, str]) -> str:
    """What both have, as this one orders it: `titles` names it by its place."""
    lines = [each for each in parts.items() if each[0] in titles or isinstance(each[1], Section)]
    # A heading that only this one has counts where it stands above a card that both have.
    return "\n".join(
        titles.get(place, _title_of(part))
        for (place, part), (_below, below) in pairwise([*lines, (None, None)])
        if place in titles or isinstance(below, Card)
    )


def _name_of(part: Section | Card) -> tuple[str, str]:
    """By what a part is known again. There is one insight and one reading list, whatever they are
    called."""
    if isinstance(part, Card):
        return "card", part.headline
    return part.kind, part.title if part.kind == "cards" else ""


def _title_of(part: Section | Card) -> str:
    return part.headline if isinstance(part, Card) else part.title


def _text_of(part: Section | Card | None) -> str:
    """A card, or what a section is besides its cards."""
    if part is None:
        return ""
    if isinstance(part, Card):
        return hugo.write_card(part)
    return hugo.write_section_passages(part.model_copy(update={"cards": ()}))


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)

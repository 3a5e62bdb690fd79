"""Drafts of any size, made from a real one. The tests of query counts use them as well."""

from __future__ import annotations

import itertools
from datetime import date

from digest import hugo
from digest.document import Document


def draft_of(whole: Document, *, day: date, cards: int) -> bytes:
    """A Markdown draft for a day with so many cards, dealt evenly to the sections of `whole`."""
    homes = [n for n, section in enumerate(whole.sections) if section.kind == "cards"]
    dealt = {n: [] for n in homes}
    for number, card in zip(range(1, cards + 1), itertools.cycle(whole.cards), strict=False):
        copy = card.model_copy(update={"headline": f"{card.headline} #{number}"})
        dealt[homes[number % len(homes)]].append(copy)
    sections = tuple(
        section.model_copy(update={"cards": tuple(dealt[n])}) if n in dealt else section
        for n, section in enumerate(whole.sections)
    )
    values = whole.front_matter.values | {"date": day.isoformat()}
    front_matter = whole.front_matter.model_copy(update={"values": values})
    return hugo.write(whole.model_copy(update={"sections": sections, "front_matter": front_matter}))

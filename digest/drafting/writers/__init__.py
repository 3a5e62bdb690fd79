"""Who writes: one card for each topic, and at the end what they come to together.

A writer never fails. What it could not do it says in `marks`, sentences for whoever edits the card.
What a reader should know of how a card came about is in its text; how it came about is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from digest.document import Card, Passage
from digest.drafting.articles import Placed

#: What a desk writes in. Cards quote English articles in English in either.
DeskLanguage = Literal["zh-Hant", "en"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent: requests, tokens, seconds of waiting; cost in the price's currency.

    The cost is None where no price is known or the endpoint did not say how much it read.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float | None = None

    def __add__(self, other: Usage) -> Usage:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.requests + other.requests,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
            sum(costs) if costs else None,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A card, and how it came about.

    `placed` is the topic, its articles as text only (see `carding.readable`); `writer` names who
    really wrote the card. `marks` are sentences about what an editor should look at.
    `evidence` holds answers that could not be used, verbatim.
    """

    placed: Placed
    card: Card
    writer: str
    marks: tuple[str, ...] = ()
    usage: Usage = Usage()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """All that was written for one day: sections by title, in order, and what they came from.

    `articles` and `topics` are how many were read and found, `hours` how far back; None where
    nobody knows.
    """

    date: date
    sections: tuple[tuple[str, tuple[Written, ...]], ...]
    articles: int
    topics: int
    hours: int | None
    language: DeskLanguage = "zh-Hant"

    @property
    def written(self) -> tuple[Written, ...]:
        """All cards in the order of the issue."""
        return tuple(written for _title, cards in self.sections for written in cards)


@dataclass(frozen=True, slots=True)
class Insight:
    """What the day comes to: its title, its summary in two lengths, three passages, what to watch.

    All text is set already (see `typesetting`): `title`, `description` and `summary` are plain,
    passages and the items of `watch` are Markdown.
    """

    title: str
    description: str
    summary: str
    passages: tuple[Passage, ...]
    watch: tuple[str, ...]
    writer: str
    marks: tuple[str, ...] = ()
    usage: Usage = Usage()
    evidence: tuple[str, ...] = field(default=())


class Writer(Protocol):
    """Whoever can write a day."""

    name: str

    def write_card(self, placed: Placed, *, language: DeskLanguage) -> Written:
        """The card of a topic. Never raises, whatever its articles hold."""

    def write_insight(self, day: Day) -> Insight:
        """What the day comes to. Nothing in it that is in no card."""


def total_usage(parts: Sequence[Usage]) -> Usage:
    """What several cards took together."""
    return sum(parts, Usage())

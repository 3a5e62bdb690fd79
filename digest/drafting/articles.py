"""What the machine works on: an article, a topic of several, its place in the issue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from digest.document import Importance

#: What an article may be written in, as BCP 47 has it; empty where nobody can tell.
Language = Literal["zh-Hant", "zh-Hans", "en", ""]
Novelty = Literal["new", "follow-up", "repeated"]


@dataclass(frozen=True, slots=True)
class Article:
    """One article of one feed.

    `url` is the link as the feed gave it, `key` the canonical link by which two are the same
    article. `title` is one line, `text` plain text without markup; neither holds control
    characters. `published` is None where the feed gave no date or none that can be right; both
    times are aware and in UTC. `outlet` names who published it (two feeds of one house are one
    outlet), `feed` the feed it came by. `section` is the feed's hint, or empty; `weight` (0 to 10,
    1 is usual) how much the feed counts.
    """

    url: str
    key: str
    title: str
    text: str
    fetched: datetime
    published: datetime | None = None
    outlet: str = ""
    feed: str = ""
    language: Language = ""
    author: str = ""
    section: str = ""
    weight: float = 1.0
    tags: tuple[str, ...] = ()

    @property
    def seen(self) -> datetime:
        """When it came into the world, as far as anybody knows."""
        return self.published or self.fetched


@dataclass(frozen=True, slots=True)
class Earlier:
    """A card of an earlier issue: what the machine remembers of the last fortnight.

    `path` leads to the issue as readers or editors find it.
    """

    day: date
    headline: str
    text: str
    urls: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """Articles on one story, the one that stands for it first, each canonical link once.

    `copies` are what says nothing more: the same links as they came by other feeds, and the same
    text under other links. `novelty` says whether it ran before; `earlier` is the card where it
    last did.
    """

    articles: tuple[Article, ...]
    novelty: Novelty = "new"
    earlier: Earlier | None = None
    copies: tuple[Article, ...] = ()

    @property
    def title(self) -> str:
        """The title of the article that stands for it."""
        return self.articles[0].title

    @property
    def found(self) -> tuple[Article, ...]:
        """All that was found of it, copies last."""
        return self.articles + self.copies

    @property
    def links(self) -> tuple[str, ...]:
        """Every link under which it was found, each canonical one once, in that order."""
        return tuple({article.key: article.url for article in reversed(self.found)}.values())[::-1]

    @property
    def outlets(self) -> tuple[str, ...]:
        """Who wrote about it, each once, in the order of the articles."""
        return tuple(dict.fromkeys(article.outlet for article in self.found))

    @property
    def first_seen(self) -> datetime:
        """When the first article came."""
        return min(article.seen for article in self.found)


@dataclass(frozen=True, slots=True)
class Placed:
    """A topic with its place in the issue: how much it matters, and a sentence that says why."""

    topic: Topic
    section: str
    score: float
    importance: Importance
    reason: str

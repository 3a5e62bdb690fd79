"""Reads the labelled articles: what belongs together, what must not, what ran before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from digest.drafting.articles import Article, Earlier, Topic

HERE = Path(__file__).parent
NOW = datetime(2026, 2, 12, 22, 0, tzinfo=UTC)


@dataclass
class Labelled:
    """Articles with the story each tells. `traps` and `ran` say more about some stories."""

    articles: list[Article] = field(default_factory=list)
    story: dict[Article, str] = field(default_factory=dict)
    traps: dict[str, str] = field(default_factory=dict)
    ran: dict[str, tuple[str, str]] = field(default_factory=dict)  # story → card, novelty
    cards: dict[str, Earlier] = field(default_factory=dict)


def read(name: str) -> Labelled:
    """Read one of the two files."""
    found = Labelled()
    story = ""
    for block in (HERE / name).read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        while lines:
            line = lines.pop(0)
            if line.startswith("-- "):
                _, card, days, headline = line.split(" ", 3)
                links = [each for each in lines if each.startswith("http")]
                text = " ".join(each for each in lines if not each.startswith("http"))
                day = (NOW - timedelta(days=int(days))).date()
                found.cards[card] = Earlier(day, headline, text, tuple(links), f"/{day}/#{card}")
                break
            if line.startswith("== "):
                line, _, ran = line.removeprefix("== ").partition(" <- ")
                story, _, trap = line.partition(" ~ ")
                assert story not in found.traps, f"{story} stands twice in {name}"
                found.traps[story] = trap
                if ran:
                    card, novelty = ran.split()
                    assert card in found.cards, card
                    found.ran[story] = (card, novelty)
                continue
            _add(found, story, line, lines)
    return found


def _add(found: Labelled, story: str, line: str, lines: list[str]) -> None:
    """Read one article; its text are the next lines, up to the next article."""
    outlet, language, title, *link = line.split(" | ")
    text = []
    while lines and lines[0].count(" | ") < 2 and not lines[0].startswith("== "):
        text.append(lines.pop(0))
    number = len(found.articles)
    url = link[0] if link else f"https://{number}.example.org/articles/{story}"
    article = Article(
        url=url,
        key=url,
        title=title,
        text="\n".join(text),
        fetched=NOW,
        published=NOW - timedelta(minutes=7 * number % 1440),
        outlet=outlet,
        feed=f"{outlet} feed",
        language=language,
    )
    found.articles.append(article)
    found.story[article] = story


def pairs_of(topics: list[Topic]) -> set[frozenset[Article]]:
    """Every two articles that stand in one topic."""
    return {
        frozenset(pair)
        for topic in topics
        for pair in combinations([*topic.articles, *topic.copies], 2)
    }


def true_pairs(labelled: Labelled) -> set[frozenset[Article]]:
    """Every two articles that tell one story."""
    return {
        frozenset((one, other))
        for one, other in combinations(labelled.articles, 2)
        if labelled.story[one] == labelled.story[other]
    }

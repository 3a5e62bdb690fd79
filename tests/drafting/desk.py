"""What the tests of the machine work on: articles, topics, their place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from digest.document import Importance
from digest.drafting.articles import Article, Language, Placed, Topic

NOW = datetime(2026, 11, 24, 22, 50, 13, tzinfo=UTC)


def article(
    title: str,
    text: str = "",
    outlet: str = "示例報",
    language: Language = "zh-Hant",
    url: str = "",
    **values,
) -> Article:
    """An article with what a test does not say filled in."""
    name = sha256(f"{outlet} {title}".encode("utf-8", "replace")).hexdigest()[:8]
    url = url or f"https://example.org/{name}"
    return Article(
        url=url,
        key=url,
        title=title,
        text=text,
        fetched=NOW - timedelta(hours=1),
        outlet=outlet,
        language=language,
        **values,
    )


def placed(
    *articles: Article,
    importance: Importance = Importance.HIGH,
    section: str = "今日焦點（Top Headlines）",
    reason: str = "1 篇文章、1 家來源；新題材",
    **topic,
) -> Placed:
    """A topic of these articles in its place."""
    return Placed(Topic(tuple(articles), **topic), section, 1.0, importance, reason)


def texts_of(card) -> str:
    """All that readers can read on a card."""
    texts: Sequence[str] = (
        card.headline, card.summary, card.details, card.applications, card.rest,
        ", ".join(card.entities), card.importance_note,
        " ".join(f"{source.title} {source.url}" for source in card.sources),
    )  # fmt: skip
    return "\n".join(texts)

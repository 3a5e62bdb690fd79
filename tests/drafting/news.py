"""A day of invented news in three scripts, with what real feeds bring along: names of houses in
titles, advertisements, previews cut short, articles without text, one that gives orders."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from digest.document import Importance
from digest.drafting.articles import Earlier, Placed
from tests.drafting.desk import article, placed


def _placed(topic: dict) -> Placed:
    articles = (
        article(**{**values, "text": "\n".join(values["text"])}) for values in topic.pop("articles")
    )
    if earlier := topic.pop("earlier", None):
        topic["earlier"] = Earlier(**{**earlier, "day": date.fromisoformat(earlier["day"])})
    importance = Importance.from_label(topic.pop("importance"))
    return placed(*articles, importance=importance, **topic)


_FILE = Path(__file__).with_name("news.json")
TOPICS = tuple(_placed(topic) for topic in json.loads(_FILE.read_text(encoding="utf-8")))
SECTIONS = tuple(dict.fromkeys(each.section for each in TOPICS))


def by_section(writer, language: str = "zh-Hant"):
    """All topics written, under the titles of their sections."""
    written = [writer.write_card(each, language=language) for each in TOPICS]
    return [(title, [w for w in written if w.placed.section == title]) for title in SECTIONS]

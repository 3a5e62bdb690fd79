"""A day from files instead of the network: what a collector wrote down, read into articles.

Two shapes. A snapshot of feeds is one JSON object, `{feed: [{title, url, description, author,
published, tags}]}`. Papers of arXiv are lines of JSON, `{id, title, abs, summary, authors,
categories}`; `abs` is the address of the paper's page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.drafting.articles import Article
from digest.drafting.entries import (
    Entry,
    Feed,
    Reading,
    Unreadable,
    articles_of,
    fault_of,
    told_of,
)
from digest.drafting.feeds import date_in, load_json, names_in, word_in, words_in
from digest.drafting.mending import decode
from digest.drafting.texts import one_line, tidy

#: How large a file may be, in bytes.
SIZE_LIMIT = 200_000_000
#: How many faults of lines are told one by one.
_LINES_TOLD = 20
_FIELDS = {"title", "url", "description"}


def read_snapshot(
    data: bytes, *, fetched: datetime, feeds: Mapping[str, Feed] | None = None
) -> Reading:
    """The articles of a file of either shape.

    `fetched` is when the file was made, as far as anybody knows; `feeds` has the section, weight
    and language of feeds by the names the file uses. Raises `Unreadable` with a sentence. What is
    wrong with one feed, line or entry is a fault; all others land.
    """
    if len(data) > SIZE_LIMIT:
        raise Unreadable(_("it is longer than %(limit)s bytes") % {"limit": f"{SIZE_LIMIT:,}"})
    text, flaw = decode(data)
    text = text.lstrip("\ufeff")
    if not text.strip():
        raise Unreadable(_("it is empty"))
    known = dict(feeds or {})
    try:
        value = load_json(text)
    except Unreadable:
        # Lines of JSON are no JSON together. One broken line is a fault, all of them are no file.
        reading = _papers(text, fetched, known)
    else:
        reading = _of_value(value, fetched, known, text)
    return Reading(reading.articles, tuple(filter(None, [flaw, *reading.faults])))


def as_of_itself(articles: Sequence[Article]) -> list[Article]:
    """The articles of a file as they were when it was made: what has no date came with the last
    that has one. Where none has, they came when they were read."""
    made = max((article.published for article in articles if article.published), default=None)
    return [replace(article, fetched=made or article.fetched) for article in articles]


def _of_value(value: Any, fetched: datetime, known: dict[str, Feed], text: str) -> Reading:
    if isinstance(value, dict) and ("abs" in value or "summary" in value) and "id" in value:
        return _papers(text, fetched, known)  # a single line
    if isinstance(value, list):
        value = {"": value}
    if not isinstance(value, dict) or not any(isinstance(items, list) for items in value.values()):
        raise Unreadable(_("it is JSON, but no snapshot: it has no feed with a list of entries"))
    articles: list[Article] = []
    faults: list[str] = []
    for key, items in value.items():
        name = one_line(tidy(key), 200) or "snapshot"
        if not isinstance(items, list):
            faults.append(told_of(name, _("it is not a list of entries and is left out")))
            continue
        objects = [item for item in items if isinstance(item, dict)]
        if len(objects) < len(items):
            what = _("not an object, left out")
            fault = fault_of(what, len(items) - len(objects), len(items))
            faults.append(told_of(name, fault))
        reading = articles_of(
            [_entry(item) for item in objects], _feed(known, key, name), fetched=fetched
        )
        articles += reading.articles
        faults += [told_of(name, fault) for fault in reading.faults]
    return Reading(tuple(articles), tuple(faults))


def _entry(item: dict[str, Any]) -> Entry:
    return Entry(
        title=word_in(item.get("title")),
        link=word_in(item.get("url")) or word_in(item.get("link")),
        text=word_in(item.get("description"))
        or word_in(item.get("content"))
        or word_in(item.get("summary")),
        date=date_in(item.get("published")),
        author=names_in(item.get("author")),
        tags=words_in(item.get("tags")),
    )


def _feed(known: dict[str, Feed], key: str, name: str) -> Feed:
    return replace(known[key], name=name) if key in known else Feed(name, "")


def _papers(text: str, fetched: datetime, known: dict[str, Feed]) -> Reading:
    entries, faults, count = [], [], 0
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    for number, line in lines:
        try:
            value = load_json(line)
            if not isinstance(value, dict):
                raise Unreadable(_("it is no object"))
        except Unreadable as error:
            count += 1
            if count <= _LINES_TOLD:
                said = _("line %(number)d is left out: %(reason)s")
                faults.append(said % {"number": number, "reason": error})
            continue
        entries.append(_paper(value))
    if not entries:
        raise Unreadable(_("it is neither a snapshot nor lines of JSON"))
    if count > _LINES_TOLD:
        said = ngettext(
            "%(count)s more line is left out, as it is no JSON",
            "%(count)s more lines are left out, as they are no JSON",
            count - _LINES_TOLD,
        )
        faults.append(said % {"count": f"{count - _LINES_TOLD:,}"})
    reading = articles_of(entries, _feed(known, "arXiv", "arXiv"), fetched=fetched)
    return Reading(reading.articles, (*faults, *reading.faults))


def _paper(value: dict[str, Any]) -> Entry:
    number = re.sub(r"^arxiv:", "", word_in(value.get("id")).strip(), flags=re.IGNORECASE)
    page = word_in(value.get("abs")).strip()
    if not page.startswith(("http://", "https://")):
        page = number if "://" in number else f"https://arxiv.org/abs/{number}" if number else ""
    categories = value.get("categories")
    return Entry(
        title=word_in(value.get("title")),
        link=page,
        text=word_in(value.get("summary")) or word_in(value.get("abstract")),
        date=date_in(value.get("published") or value.get("updated")),
        author=names_in(value.get("authors")),
        # arXiv's own files have them in one text with blanks between.
        tags=tuple(categories.split()) if isinstance(categories, str) else words_in(categories),
    )

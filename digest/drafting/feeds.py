"""The bytes of a feed, made into articles.

Four kinds, each one request a fetch:

- `feed`: RSS, Atom or JSON Feed.
- `arxiv`: the answer of arXiv's API (Atom), or one of its daily listings (RSS or Atom).
- `hackernews`: Algolia's search (`https://hn.algolia.com/api/v1/search?tags=front_page`). Hacker
  News' own API needs a request for each item; items it gave, one or a list, are read too.
- `github`: a repository's `releases.atom`, or its releases from GitHub's API.
"""

from __future__ import annotations

import calendar
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from digest.drafting.entries import (
    Entry,
    Feed,
    Kind,
    Reading,
    Unreadable,
    articles_of,
    fault_of,
)
from digest.drafting.mending import decode, well_formed
from digest.drafting.texts import one_line, plain


class _Read(NamedTuple):
    """Entries, the page the feed belongs to, and what is wrong with the feed as a whole."""

    entries: list[Entry]
    home: str = ""
    faults: tuple[str, ...] = ()


def read(
    feed: Feed, data: bytes, *, fetched: datetime, url: str = "", content_type: str = ""
) -> Reading:
    """The articles in the bytes of a feed.

    `fetched` is when they came, `url` the address that sent them after all redirects (relative
    links begin there), `content_type` the header of that name. Raises `Unreadable`, with a
    sentence, where it is no feed of its kind; whatever is wrong with single entries is a fault.
    """
    if not data.strip():
        raise Unreadable(_("it is empty"))
    text, flaw = decode(data, content_type)
    base = url or feed.url
    found = _READERS[feed.kind](text, base)
    reading = articles_of(found.entries, feed, fetched=fetched, base=base, home=found.home)
    faults = [*filter(None, [flaw]), *found.faults, *reading.faults]
    if not found.entries:
        faults.append(_("it has no entries"))
    return Reading(reading.articles, tuple(faults))


# --- RSS, Atom -----------------------------------------------------------------------------------


def _feed(text: str, base: str) -> _Read:
    if text.lstrip("\ufeff \t\r\n")[:1] == "{":
        return _json_feed(load_json(text), base)
    return _xml_feed(text, base)


def _xml_feed(text: str, base: str) -> _Read:
    import feedparser

    if re.match(r"\s*(<!doctype\s+html|<html)", text[:2000], re.IGNORECASE):
        raise Unreadable(_("it is a web page and no feed"))
    data, fault = well_formed(text)
    if not data:
        raise Unreadable(fault)
    try:
        found = feedparser.parse(
            # In a stream, as feedparser opens a file or an address that it is given as text.
            io.BytesIO(data),
            response_headers={
                "content-type": "application/xml; charset=utf-8",
                "content-location": base,
            },
            # What is kept is plain text: there is nothing to clean, no link in it to make absolute.
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:  # elements where they never stand are more than it bears
        said = one_line(f"{type(error).__name__}: {error}", 100)
        sentence = _("its elements stand in no order known (%(error)s)")
        raise Unreadable(sentence % {"error": said}) from error
    if not found.version and not found.entries:
        raise Unreadable(_("it is XML, but neither RSS nor Atom"))
    home = word_in(found.feed.get("link"))
    entries = [_xml_entry(entry) for entry in found.entries]
    return _Read(entries, home, (fault,) if fault else ())


def _xml_entry(entry: Any) -> Entry:
    contents = [word_in(c.get("value")) for c in entry.get("content") or () if isinstance(c, dict)]
    text = max([*contents, word_in(entry.get("summary"))], key=len)
    links = [entry.get("link")]
    links += [e.get("href") for e in entry.get("enclosures") or () if isinstance(e, dict)]
    source = entry.get("source")
    return Entry(
        title=word_in(entry.get("title")),
        link=next(filter(None, map(word_in, links)), ""),
        text=text,
        date=_xml_date(entry),
        author=word_in(entry.get("author")),
        tags=tuple(word_in(tag.get("term")) for tag in entry.get("tags") or ()),
        guid=word_in(entry.get("id")),
        source=word_in(source.get("href")) if isinstance(source, dict) else "",
    )


def _xml_date(entry: Any) -> datetime | str | None:
    values = dict(entry.items())  # asked for one date, feedparser answers with another
    written = [name for name in ("published", "updated", "created") if values.get(name)]
    for name in written:
        if parsed := values.get(f"{name}_parsed"):
            try:
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
            except (ValueError, OverflowError, OSError, TypeError):
                continue
    return word_in(values[written[0]]) if written else None


# --- JSON Feed -----------------------------------------------------------------------------------


def load_json(text: str) -> Any:
    """JSON, and nothing of what the standard parser takes beyond it. Raises `Unreadable`."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(text.lstrip("\ufeff"), parse_constant=refuse, strict=False)
    except ValueError as error:
        sentence = _("it is not JSON that can be read: %(error)s")
        raise Unreadable(sentence % {"error": error}) from None
    except RecursionError:
        raise Unreadable(_("it is JSON nested too deeply to be read")) from None


def _json_feed(value: Any, base: str) -> _Read:
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise Unreadable(_("it is JSON, but no JSON Feed: it has no list of items"))
    entries = [
        Entry(
            title=word_in(item.get("title")),
            link=word_in(item.get("url")) or word_in(item.get("external_url")),
            text=word_in(item.get("content_html"))
            or word_in(item.get("content_text"))
            or word_in(item.get("summary")),
            date=date_in(item.get("date_published") or item.get("date_modified")),
            author=names_in(item.get("authors") or item.get("author")),
            tags=words_in(item.get("tags")),
            guid=word_in(item.get("id")),
        )
        for item in _objects(items)
    ]
    return _Read(entries, word_in(value.get("home_page_url")), _not_objects(items))


def _objects(items: list[Any]) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)]


def _not_objects(items: list[Any]) -> tuple[str, ...]:
    count = len(items) - len(_objects(items))
    return (fault_of(_("not an object, left out"), count, len(items)),) if count else ()


def word_in(value: Any) -> str:
    """Text as it is, a number as text, anything else as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def date_in(value: Any) -> str | float | None:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def names_in(value: Any) -> str:
    """Authors as text: `A, B` out of a name, a list of them, or of objects with a `name`."""
    values = value if isinstance(value, list) else [value]
    names = (v.get("name") if isinstance(v, dict) else v for v in values)
    return ", ".join(filter(None, map(word_in, names)))


def words_in(value: Any) -> tuple[str, ...]:
    """Tags as a tuple, out of a list of them or one text with commas between."""
    if isinstance(value, str):
        value = re.split(r"[,;，、]", value)
    if not isinstance(value, list):
        return ()
    words = (v.get("term") or v.get("name") if isinstance(v, dict) else v for v in value)
    return tuple(word.strip() for word in map(word_in, words) if word.strip())


# --- arXiv ---------------------------------------------------------------------------------------

_ANNOUNCED = re.compile(
    r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
_IN_TITLE = re.compile(r"\s*\(arXiv:\S+\s*(?:\[[^\]]*\])?\s*(?P<updated>UPDATED)?\)\s*$")


_PAPER = re.compile(r"https?://(?:\w+\.)?arxiv\.org/abs/", re.IGNORECASE)


def _arxiv(text: str, base: str) -> _Read:
    found = _xml_feed(text, base)
    papers, revised = [], []
    for entry in found.entries:
        announced, titled = _ANNOUNCED.match(entry.text), _IN_TITLE.search(entry.title)
        paper = replace(
            entry,
            title=entry.title[: titled.start()] if titled else entry.title,
            text=entry.text[announced.end() :] if announced else entry.text,
        )
        if not (announced or titled) and _PAPER.match(entry.guid):
            paper = _as_submitted(paper)
        is_revised = (announced and announced["type"].lower().startswith("replace")) or (
            titled and titled["updated"]
        )
        (revised if is_revised else papers).append(paper)
    if not revised:
        return found._replace(entries=papers)
    what = _("new versions of earlier papers, left out")
    fault = fault_of(what, len(revised), len(found.entries), plain(revised[0].title))
    return _Read(papers, found.home, (*found.faults, fault))


def _as_submitted(paper: Entry) -> Entry:
    """A paper as the API answers it. It says when the paper was submitted, and the paper is shown
    a day later at the earliest: that is no date by which it could be new."""
    is_dated = isinstance(paper.date, datetime)
    return replace(paper, submitted=paper.date, date=None) if is_dated else paper


# --- Hacker News ---------------------------------------------------------------------------------

_ITEM = "https://news.ycombinator.com/item?id="


def _hackernews(text: str, base: str) -> _Read:
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return _xml_feed(text, base)
    value = load_json(text)
    items = value.get("hits", value) if isinstance(value, dict) else value
    items = [items] if isinstance(items, dict) else items
    if not isinstance(items, list) or not all(
        "objectID" in item or "id" in item for item in _objects(items)
    ):
        raise Unreadable(_("it is JSON, but no answer of Hacker News"))
    stories = [
        item
        for item in _objects(items)
        if not (item.get("deleted") or item.get("dead") or item.get("type") in ("comment", "job"))
    ]
    entries = []
    for item in stories:
        number = word_in(item.get("objectID") or item.get("id"))
        entries.append(
            Entry(
                title=word_in(item.get("title") or item.get("story_title")),
                link=word_in(item.get("url")) or _ITEM + number,
                text=word_in(item.get("story_text") or item.get("text")),
                date=date_in(
                    item.get("created_at_i") or item.get("time") or item.get("created_at")
                ),
                author=word_in(item.get("author") or item.get("by")),
                guid=_ITEM + number,
            )
        )
    return _Read(entries, "", _not_objects(items))


# --- GitHub --------------------------------------------------------------------------------------


def _github(text: str, base: str) -> _Read:
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        found = _github_api(load_json(text))
    else:
        found = _xml_feed(text, base)
    # A release is called `v0.27.0rc1`; whose it is stands only in its address.
    entries = [
        replace(
            entry,
            title=_with_name(entry.title, _repository(entry.link, base)),
            text="" if plain(entry.text) == "No content." else entry.text,
        )
        for entry in found.entries
    ]
    return _Read(entries, "", found.faults)


def _github_api(value: Any) -> _Read:
    if isinstance(value, dict) and "message" in value and "tag_name" not in value:
        said = one_line(word_in(value["message"]), 200)
        raise Unreadable(_("GitHub says: %(message)s") % {"message": said})
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise Unreadable(_("it is JSON, but no list of releases"))
    entries = [
        Entry(
            title=word_in(item.get("name")) or word_in(item.get("tag_name")),
            link=word_in(item.get("html_url")),
            text=word_in(item.get("body")),
            date=date_in(item.get("published_at") or item.get("created_at")),
            author=word_in((item.get("author") or {}).get("login"))
            if isinstance(item.get("author"), dict)
            else "",
            guid=word_in(item.get("node_id")) or word_in(item.get("id")),
        )
        for item in _objects(items)
        if not item.get("draft")
    ]
    return _Read(entries, "", _not_objects(items))


def _repository(link: str, base: str) -> str:
    """The name of a repository, out of an address below it; empty where none stands there."""
    for address in (link, base):
        try:
            parts = [part for part in urlsplit(address).path.split("/") if part]
        except ValueError:
            continue
        parts = parts[1:] if parts[:1] == ["repos"] else parts
        if len(parts) > 2 and parts[2].startswith("releases"):
            return parts[1]
    return ""


def _with_name(title: str, repository: str) -> str:
    if not title or not repository or repository.casefold() in title.casefold():
        return title
    return f"{repository} {title}"


_READERS: dict[Kind, Callable[[str, str], _Read]] = {
    "feed": _feed,
    "arxiv": _arxiv,
    "hackernews": _hackernews,
    "github": _github,
}

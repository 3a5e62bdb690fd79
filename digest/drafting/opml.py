"""Lists of feeds as OPML, the format feed readers exchange them in.

Folders are sections. What OPML has no word for stands in attributes of ours, which other programs
pass over: `copydeskKind`, `copydeskWeight`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from django.utils.translation import gettext as _

from digest.document import check_url
from digest.drafting.entries import KINDS, Feed, Kind, Unreadable
from digest.drafting.links import canonical
from digest.drafting.mending import decode, well_formed
from digest.drafting.texts import one_line, tidy

#: How large a list may be, in bytes and in feeds.
SIZE_LIMIT = 5_000_000
FEEDS_LIMIT = 2_000
_NAME_LIMIT = 200
_KINDS_BY_ADDRESS: tuple[tuple[str, Kind], ...] = (
    (r"https?://github\.com/[^/]+/[^/]+/releases\.atom", "github"),
    (r"https?://api\.github\.com/repos/[^/]+/[^/]+/releases", "github"),
    (r"https?://hn\.algolia\.com/api/", "hackernews"),
    (r"https?://(rss|export)\.arxiv\.org/", "arxiv"),
)
_LANGUAGES = {
    **dict.fromkeys(("zh-hant", "zh-tw", "zh-hk", "zh-mo"), "zh-Hant"),
    **dict.fromkeys(("zh-hans", "zh-cn", "zh-sg", "zh"), "zh-Hans"),
    **dict.fromkeys(("en", "en-us", "en-gb"), "en"),
}


class List(NamedTuple):
    """The feeds of a list in its order, and a sentence for each that could not be taken."""

    feeds: tuple[Feed, ...]
    faults: tuple[str, ...] = ()


def read_opml(data: bytes) -> List:
    """The feeds of an OPML file, each address once.

    The section is the innermost folder around a feed. Raises `Unreadable`, with a sentence, where
    it is no OPML or is made to do harm.
    """
    from lxml import etree

    if len(data) > SIZE_LIMIT:
        raise Unreadable(_("it is longer than %(limit)s bytes") % {"limit": f"{SIZE_LIMIT:,}"})
    text, flaw = decode(data)
    mended, fault = well_formed(text)
    if not mended:
        raise Unreadable(fault or _("it is empty"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(mended, parser)
    except etree.LxmlError:
        raise Unreadable(_("it is nested too deeply to be read")) from None
    if _name(root) != "opml":
        raise Unreadable(_("it is XML, but no OPML: its root is not <opml>"))
    feeds: dict[str, Feed] = {}
    faults = [said for said in (flaw, fault) if said]
    for outline, section in _outlines(root):
        values = {str(key).lower(): str(value) for key, value in outline.attrib.items()}
        url = tidy(values.get("xmlurl", ""))
        name = one_line(tidy(values.get("text") or values.get("title") or ""), _NAME_LIMIT)
        try:
            check_url(url)
        except ValueError as error:
            said = _("“%(name)s” is left out: %(reason)s")
            faults.append(said % {"name": name or one_line(url, 80), "reason": error})
            continue
        if len(feeds) >= FEEDS_LIMIT:
            said = _("feeds beyond the first %(limit)s are left out")
            faults.append(said % {"limit": f"{FEEDS_LIMIT:,}"})
            break
        key = canonical(url)
        if key in feeds:
            said = _("“%(name)s” is left out: %(url)s stands there twice")
            faults.append(said % {"name": name or url, "url": url})
            continue
        feeds[key] = Feed(
            name=name or one_line(url, _NAME_LIMIT),
            url=url,
            kind=_kind(values.get("copydeskkind", ""), url),
            section=one_line(tidy(section), _NAME_LIMIT),
            weight=_weight(values.get("copydeskweight", "")),
            language=_LANGUAGES.get(values.get("language", "").strip().lower(), ""),
        )
    return List(tuple(feeds.values()), tuple(faults))


def write_opml(feeds: Iterable[Feed], title: str) -> bytes:
    """The feeds as OPML 2.0, in folders by section. `read_opml` reads the same feeds from it.

    Sections stand in the order of their first feed; those without one stand at the end.
    """
    folders: dict[str, list[Feed]] = {}
    for feed in feeds:
        folders.setdefault(feed.section, []).append(feed)
    loose = folders.pop("", [])
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"  <head>{_element('title', title)}</head>",
        "  <body>",
    ]
    for section, members in folders.items():
        lines.append(f"    <outline text={_quoted(section)}>")
        lines += [f"      {_line(feed)}" for feed in members]
        lines.append("    </outline>")
    lines += [f"    {_line(feed)}" for feed in loose]
    return "\n".join([*lines, "  </body>", "</opml>", ""]).encode()


def _outlines(root) -> Iterator[tuple]:
    """Each outline with an address, and the text of the innermost folder around it."""
    waiting = [(child, "") for child in reversed(root) if _name(child) == "body"]
    while waiting:
        element, section = waiting.pop()
        if _name(element) == "outline":
            values = {str(key).lower(): str(value) for key, value in element.attrib.items()}
            if "xmlurl" in values:
                yield element, section
            else:
                section = values.get("text") or values.get("title") or section
        waiting += [(child, section) for child in reversed(element)]


def _name(element) -> str:
    """An element's name; comments and the like have none."""
    return element.tag.lower() if isinstance(element.tag, str) else ""


def _kind(word: str, url: str) -> Kind:
    """What a list of ours says it is; else what its address tells."""
    for kind in KINDS:
        if word == kind:
            return kind
    for pattern, kind in _KINDS_BY_ADDRESS:
        if re.match(pattern, url, re.IGNORECASE):
            return kind
    return "feed"


def _weight(word: str) -> float:
    try:
        weight = float(word)
    except ValueError:
        return 1.0
    return min(max(weight, 0.0), 10.0) if math.isfinite(weight) else 1.0


def _line(feed: Feed) -> str:
    values = {"type": "rss", "text": feed.name, "xmlUrl": feed.url}
    if feed.language:
        values["language"] = feed.language
    if feed.kind != "feed":
        values["copydeskKind"] = feed.kind
    if feed.weight != 1:
        values["copydeskWeight"] = f"{feed.weight:g}"
    return f"<outline {' '.join(f'{name}={_quoted(value)}' for name, value in values.items())}/>"


def _quoted(text: str) -> str:
    return quoteattr(one_line(tidy(text), 2_000))


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(one_line(tidy(text), 2_000))}</{name}>"

"""Which links are made, and where they lead."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

from digest.markup.characters import BIDI, INVISIBLE

SCHEMES = frozenset({"http", "https", "mailto"})
URL_LIMIT = 2_000  # characters

_UNFIT_FOR_LINKS = re.compile(rf"[\s\x00-\x20\x7f-\x9f\\<>\"`{BIDI}{INVISIBLE}\u200c\u200d]")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def link_target(href: str) -> str:
    """Where a link leads — a host in ASCII, or a mail address — or "" for a link we do not make.

    Links are absolute http(s) with a host or a plain mailto. No user names, backslashes, control
    or direction characters: they are how a link shows one host and opens another.
    """
    if len(href) > URL_LIMIT or _UNFIT_FOR_LINKS.search(href):
        return ""
    scheme, _, rest = href.partition(":")
    if scheme.lower() == "mailto":
        return rest if _PLAIN_ADDRESS.fullmatch(rest) else ""
    if scheme.lower() not in SCHEMES or not rest.startswith("//"):
        return ""
    try:
        parts = urlsplit(href)
        _ = parts.port  # raises where it is no number
        # A host of look-alike letters is named in the letters the network uses.
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else host


def decode(value: str) -> str:
    """`value` without entities, by CommonMark's rule: `&lt;` is one, a query's `&lt=` is not."""
    return re.sub(r"&#?[0-9A-Za-z]+;", lambda entity: html.unescape(entity[0]), value)

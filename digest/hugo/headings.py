"""Keeps the end of people's headings from being taken off by Hugo.

Hugo reads `{…}` at the end of a heading as its attributes (`{style="position:fixed"}` works) and
takes away `#`s there. `escape` puts the backslash before them with which readers see them as they
are; `unescape` is its inverse for every title that it has been through itself: a backslash that
`escape` would put there is not part of a title (see `tidy`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Before <, % and { stands no attribute; what shortcodes need is their own affair.
_OPENER = re.compile(r"(?<!\\)(\\*)\{(?=[ \t]*[^\s{<%\\])")
_QUOTES = re.compile("[\"']")
_CLOSING = re.compile(r"(^|[ \t])(\\?)(#+)$")


def escape(title: str) -> str:
    """A title, without blanks around it, as it may stand in a file."""
    if title.endswith("#"):
        return _CLOSING.sub(r"\1\\\3", title)
    return _with_openers(
        title, lambda backslashes: backslashes + "\\" * (len(backslashes) % 2 == 0)
    )


def unescape(title: str) -> str:
    """A title as people see and edit it."""
    if title.endswith("#"):
        return _CLOSING.sub(r"\1\3", title)
    return _with_openers(title, lambda backslashes: backslashes[len(backslashes) % 2 :])


def has_attributes(title: str) -> bool:
    """Whether Hugo would take `{…}` off the end of a heading."""
    title = title.rstrip(" \t#")
    return title.endswith("}") and escape(title) != title


def _with_openers(title: str, change: Callable[[str], str]) -> str:
    """A title with other backslashes before each brace that may begin attributes up to its end."""
    if not title.endswith("}"):
        return title
    out, done, brace, quote = [], 0, 0, 0
    for opener in _OPENER.finditer(title):
        start = opener.end()
        brace = brace if brace >= start else title.find("}", start)
        if quote < start:
            found = _QUOTES.search(title, start)
            quote = found.start() if found else len(title)
        if brace < min(quote, len(title) - 1):
            continue  # it ends early; only in quotes do attributes hold a brace
        out += [title[done : opener.start()], change(opener[1]), "{"]
        done = start
    return "".join(out) + title[done:]

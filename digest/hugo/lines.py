"""Lines of Markdown: what begins a list item, and where hard breaks go.

Hard breaks are a matter of the file. List items end with two blanks there and without them in a
`Document`; outside cards the last line of a text goes without. All other lines are prose and kept
as they are, blanks at their end included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.hugo import commonmark, shortcodes
from digest.reading import Notes
from digest.sentences import Said

HARD_BREAK = "  "
BLANKS = " \t"  # what Markdown takes for blank; an ideographic space is text

_LIST_ITEM = re.compile(r"[ \t]*(?:([-*+])|\d{1,9}\.)[ \t]+(?=[^ \t])")


class Line(NamedTuple):
    """A line of a file."""

    number: int
    text: str  # as people see it
    raw: str  # as it came
    # What CommonMark makes of it, see `commonmark.Mark`.
    code: bool = False
    endless: str = ""
    heading: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether Markdown takes it for an empty line."""
        return not self.text.strip(BLANKS)

    @property
    def list_item(self) -> re.Match[str] | None:
        """The indentation and marker of a list item; group 1 is the bullet, None for a number."""
        return None if self.code or _is_rule(self.text) else _LIST_ITEM.match(self.text)


def unify_newlines(text: str, notes: Notes) -> str:
    """A text with line feeds only."""
    for found, called in (("\r\n", "CRLF"), ("\r", "CR")):
        if found in text:
            above = text[: text.index(found)]
            notes.deviate(above.count("\n") + 1, Said.LINE_ENDING(ending=called))
            text = text.replace(found, "\n")
    return text


def number_lines(raw: Sequence[str], first: int = 1) -> list[Line]:
    """The lines of a file, numbered, shortcodes unescaped, with what CommonMark makes of them."""
    return _marked(
        [Line(first + i, shortcodes.unescape_line(text), text) for i, text in enumerate(raw)]
    )


def text_lines(text: str) -> list[Line]:
    """The lines of a text as a document holds it."""
    return _marked([Line(i, line, line) for i, line in enumerate(text.split("\n"), start=1)])


def trim(lines: list[Line]) -> tuple[list[Line], list[Line], list[Line]]:
    """Blank lines at the start, the lines between, blank lines at the end (all, if all are)."""
    start, end = 0, len(lines)
    while end and lines[end - 1].is_blank:
        end -= 1
    while start < end and lines[start].is_blank:
        start += 1
    return lines[:start], lines[start:end], lines[end:]


def settle(lines: list[Line], *, in_card: bool, notes: Notes | None = None) -> str:
    """The text of a field as a document holds it: no blank edges, no breaks after list items.

    In a card all bullets are dashes.
    """
    _, lines, _ = trim(lines)
    out = []
    for line in lines:
        text = line.text
        if item := line.list_item:
            text = text.rstrip(BLANKS)
            wanted = HARD_BREAK if in_card or line is not lines[-1] else ""
            found = line.text[len(text) :]
            if notes and found != wanted:
                is_short = len(found) < len(wanted)
                said = Said.ITEM_BREAK_MISSING if is_short else Said.ITEM_BREAK_WRONG
                notes.deviate(line.number, said())
            if in_card and item[1] in ("*", "+"):
                dashed = text[: item.start(1)] + "-" + text[item.end(1) :]
                if not _is_rule(dashed):
                    text = dashed
                    if notes:
                        notes.deviate(line.number, Said.ITEM_BULLET(bullet=item[1]))
        out.append(text)
    return "\n".join(out)


# The fields of a card are settled and broken several times with every save of one of them.
_remembered = lru_cache(maxsize=256)


@_remembered
def settle_text(text: str, *, in_card: bool) -> str:
    """`settle` for a text without a file."""
    return settle(text_lines(text), in_card=in_card)


@_remembered
def break_text(text: str, *, in_card: bool) -> str:
    """A settled text as it stands in a file: the inverse of `settle`."""
    lines = text_lines(text)
    return "\n".join(
        line.text + HARD_BREAK
        if line.list_item and (in_card or line is not lines[-1])
        else line.text
        for line in lines
    )


def _is_rule(text: str) -> bool:
    """Whether Markdown draws a horizontal rule (`* * *`), which looks like a list item."""
    marks = text.replace(" ", "").replace("\t", "")
    return len(marks) >= 3 and marks[0] in "-*_" and not marks.strip(marks[0])


def _marked(lines: list[Line]) -> list[Line]:
    """The lines, and what CommonMark makes of each."""
    marks = commonmark.trace([line.text for line in lines])
    return [
        line if mark is commonmark.PROSE else line._replace(**mark._asdict())
        for line, mark in zip(lines, marks, strict=True)
    ]

"""Lines of Markdown: what is code, what begins a list item, and where hard breaks go.

Hard breaks are a matter of the file. List items end with two blanks there and without them in a
`Document`; outside cards the last line of a text goes without. All other lines are prose and kept
as they are, blanks at their end included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from digest.hugo import shortcodes
from digest.reading import Notes

HARD_BREAK = "  "
BLANKS = " \t"  # what Markdown takes for blank; an ideographic space is text

# Fences may stand in quotes and list items.
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_FENCE_END = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,})[ \t]*$")
_LIST_ITEM = re.compile(r"[ \t]*(?:([-*+])|\d{1,9}\.)[ \t]+(?=[^ \t])")


class Line(NamedTuple):
    """A line of a file."""

    number: int
    text: str  # as people see it
    raw: str  # as it came
    code: bool = False  # inside a code fence, or one itself

    @property
    def is_blank(self) -> bool:
        """Whether Markdown takes it for an empty line."""
        return not self.text.strip(BLANKS)

    @property
    def list_item(self) -> re.Match[str] | None:
        """The indentation and marker of a list item; group 1 is the bullet, None for a number."""
        return None if self.code or _is_rule(self.text) else _LIST_ITEM.match(self.text)

    @property
    def fence(self) -> str:
        """The code fence this line would open, or the empty string."""
        found = _FENCE.match(self.text) if _may_fence(self.text) else None
        return found["fence"] if found else ""


def unify_newlines(text: str, notes: Notes) -> str:
    """A text with line feeds only."""
    for found, called in (("\r\n", "CRLF"), ("\r", "CR")):
        if found in text:
            above = text[: text.index(found)]
            notes.deviate(above.count("\n") + 1, f"{called} line ending")
            text = text.replace(found, "\n")
    return text


def number_lines(raw: Sequence[str], first: int = 1) -> list[Line]:
    """The lines of a file, numbered, shortcodes unescaped, code marked."""
    return _mark_code(
        [Line(first + i, shortcodes.unescape_line(text), text) for i, text in enumerate(raw)]
    )


def text_lines(text: str) -> list[Line]:
    """The lines of a text as a document holds it."""
    return _mark_code([Line(i, line, line) for i, line in enumerate(text.split("\n"), start=1)])


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
                kind = "missing" if len(found) < len(wanted) else "wrong"
                notes.deviate(line.number, f"{kind} hard break after a list item")
            if in_card and item[1] in ("*", "+"):
                dashed = text[: item.start(1)] + "-" + text[item.end(1) :]
                if not _is_rule(dashed):
                    text = dashed
                    if notes:
                        notes.deviate(line.number, f"list item with {item[1]}")
        out.append(text)
    return "\n".join(out)


def settle_text(text: str, *, in_card: bool) -> str:
    """`settle` for a text without a file."""
    return settle(text_lines(text), in_card=in_card)


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


def _may_fence(text: str) -> bool:
    return "```" in text or "~~~" in text


def _mark_code(lines: list[Line]) -> list[Line]:
    """Mark fenced code, fences included. A fence that is never closed is none."""
    if not any(_may_fence(line.text) for line in lines):
        return lines
    closable = _longest_closers(lines)
    fence = ""
    for i, line in enumerate(lines):
        if fence:
            lines[i] = line._replace(code=True)
            end = _FENCE_END.match(line.text)
            if end and end["fence"].startswith(fence):
                fence = ""
        elif (opened := line.fence) and closable[i].get(opened[0], 0) >= len(opened):
            lines[i] = line._replace(code=True)
            fence = opened
    return lines


def _longest_closers(lines: list[Line]) -> list[dict[str, int]]:
    """For each line, the longest closing fence of either kind below it.

    Known in advance, so that a text full of unclosed fences is still read in one pass.
    """
    longest: dict[str, int] = {}
    below = []
    for line in reversed(lines):
        below.append(longest)
        end = _FENCE_END.match(line.text) if _may_fence(line.text) else None
        if end and len(end["fence"]) > longest.get(end["fence"][0], 0):
            longest = {**longest, end["fence"][0]: len(end["fence"])}
    below.reverse()
    return below

"""What CommonMark makes of lines: where code and raw HTML begin, and whether they ever end.

A fence that its text does not close makes code of all that follows it in the file, and a comment
that it does not close hides it. Whether one is closed depends on the quotes and list items around
it: a fence inside a list item ends with the item. So this follows the blocks of a text the way
Hugo's own reader does (https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy, with
Hugo's footnotes and definition lists), but makes nothing of them.

Lines that give a file its structure end all that is open: no card reaches into the next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from digest.sentences import Said

#: What cuts a file into blocks, wherever it stands outside code.
HEADING = re.compile(r" {0,3}(##|###)(?:[ \t]+(.*))?$")
RULE = re.compile(r" {0,3}-{3,}[ \t]*$")

#: How deep quotes and list items may stand in each other; deeper ones are no one's prose.
DEPTH_LIMIT = 32
TOO_DEEP = "nesting"

_BLANK = re.compile(r"[ \t]*$")
_QUOTE = re.compile(r">[ ]?")
_ATX = re.compile(r"#{1,6}(?=[ \t]|$)(.*)")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_BREAK = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_FENCE_END = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*$")
_ITEM = re.compile(r"(?P<marker>[-+*]|(?P<number>\d{1,9})[.)])(?P<gap> +|$)")
_FOOTNOTE = re.compile(r"\[\^[^\]\[]+\]:")
_LINK = re.compile(r"\[[^\]\[]+\]:[ ]*\S+(?:[ ]+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?[ ]*$")
_DEFINITION = re.compile(r":(?P<gap> +)")

_TAG = r"(?!(?:script|pre|style|textarea)\b)[A-Za-z][A-Za-z0-9-]*"
_ATTRIBUTE = r"\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?"
_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details"
    "|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head"
    "|header|hr|html|iframe|legend|li|link|main|menu|menuitem|meta|nav|noframes|ol|optgroup"
    "|option|p|param|search|section|source|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
#: HTML that runs to its own end, blank lines and all: how it begins, how it ends, what it is.
_ENDLESS = (
    (
        re.compile(r"<(?:script|pre|style|textarea)(?=[\s>]|/>|$)", re.IGNORECASE),
        re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE),
        Said.HTML_ELEMENT,
    ),
    (re.compile(r"<!--"), re.compile(r"-->"), Said.HTML_COMMENT),
    (re.compile(r"<\?"), re.compile(r"\?>"), Said.HTML_INSTRUCTION),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>"), Said.HTML_CDATA),
    # Hugo's reader came to take small letters here only of late; closed, they are text to the old.
    (re.compile(r"<!(?:[A-Z]|[a-z][^>]*$)"), re.compile(r">"), Said.HTML_DECLARATION),
)
#: HTML that ends at a blank line, and such HTML that cannot stand in a paragraph.
_ENDING = re.compile(rf"</?(?:{_BLOCK_TAGS})(?=\s|/?>|$)", re.IGNORECASE)
_LONE_TAG = re.compile(rf"(?:<{_TAG}(?:{_ATTRIBUTE})*\s*/?>|</{_TAG}\s*>)[ \t]*$", re.IGNORECASE)


class Mark(NamedTuple):
    """What CommonMark makes of a line."""

    code: bool = False  # inside a code fence, or one itself
    endless: str = ""  # what begins here and never ends: the fence itself, or a `Sentence` of HTML
    heading: str = ""  # the text of a heading, where the line is one


PROSE = Mark()


@dataclass(slots=True)
class _Container:
    """A quote, a list item or the like; the whole text is one as well."""

    indent: int = -1  # columns that lines inside are indented by; -1 for a quote
    is_empty: bool = False  # a list item with nothing in it yet ends at a blank line
    last: str = ""  # its last block: "paragraph", "definition" or another


@dataclass(slots=True)
class _Reader:
    """The state between two lines."""

    closers: list[dict[str, int]]
    marks: list[Mark] = field(default_factory=list)
    inside: list[_Container] = field(default_factory=lambda: [_Container()])
    fence: str = ""
    html_end: re.Pattern[str] | None = None
    html_start: tuple[int, Said] = (0, Said.HTML_ELEMENT)
    has_paragraph: bool = False
    paragraph: str = ""  # its last line

    def read(self, text: str) -> None:
        """Take in the next line."""
        at, line = 0, text.expandtabs(4)
        depth = 1
        is_blank = _BLANK.match(line) is not None
        for container in self.inside[1:]:
            width = _indent(line, at)
            if is_blank:
                if container.indent < 0 or container.is_empty:
                    break
            elif container.indent < 0:
                quote = _QUOTE.match(line, at + width) if width <= 3 else None
                if not quote:
                    break
                at = quote.end()
                is_blank = _BLANK.match(line, at) is not None
            elif container.is_empty and width <= 3 and _ITEM.match(line, at + width):
                break  # Hugo's reader puts it beside the empty one, wherever it stands
            elif width >= container.indent:
                at += container.indent
            else:
                break
            depth += 1
        is_inside = depth == len(self.inside)
        if not (is_inside and self.fence) and (RULE.match(text) or HEADING.match(text)):
            self.end()
            found = HEADING.match(text)
            self.marks.append(Mark(heading=found[2] or "") if found else PROSE)
        elif is_inside and self.fence:
            end = _FENCE_END.match(line, at)
            if end and end["fence"].startswith(self.fence):
                self.fence = ""
            self.marks.append(Mark(code=True))
        elif is_inside and self.html_end:
            if is_blank if self.html_end is _BLANK else self.html_end.search(line, at):
                self.html_end = None
            self.marks.append(PROSE)
        else:
            if not is_inside:
                self._end_leaves()
            self.marks.append(PROSE)
            if is_blank:
                del self.inside[depth:]
                self.has_paragraph = False
            else:
                self._begin(line, at, depth)

    def end(self) -> None:
        """Nothing that is open reaches further."""
        self._end_leaves()
        self.inside = [_Container(last="other")]
        self.has_paragraph = False

    def _end_leaves(self) -> None:
        if self.html_end and self.html_end is not _BLANK:
            number, what = self.html_start
            self.marks[number] = Mark(endless=Said.NEVER_ENDS(what=what()))
        self.html_end = None
        self.fence = ""

    def _begin(self, line: str, at: int, depth: int) -> None:
        """Find the blocks that begin on a line, from a column on, `depth` containers deep."""
        lazy = self.has_paragraph  # a paragraph goes on without its containers' marks
        goes_on = lazy and depth == len(self.inside)
        for container in self.inside[:depth]:
            container.is_empty = False
        while True:
            width = _indent(line, at)
            at += width
            kind = "other"
            if width >= 4 or at == len(line):
                break
            if quote := _QUOTE.match(line, at):
                opened, at = _Container(), quote.end()
            elif self._begin_leaf(line, at, depth, goes_on=goes_on, lazy=lazy):
                return
            elif (item := _ITEM.match(line, at)) and _may_begin(item, goes_on, line):
                gap = len(item["gap"])
                is_empty = item.end() == len(line)
                gap = 1 if is_empty or gap > 4 else gap
                at = item.end("marker") + (0 if is_empty else gap)
                opened = _Container(width + len(item["marker"]) + gap, is_empty)
            elif note := _FOOTNOTE.match(line, at):
                opened, at = _Container(4), note.end()
            elif (
                width == 0
                and (definition := _DEFINITION.match(line, at))
                and self.inside[depth - 1].last in ("paragraph", "definition")
            ):
                gap = len(definition["gap"])
                gap = 4 if gap > 7 else gap
                opened, at, kind = _Container(1 + gap), at + 1 + gap, "definition"
            else:
                break
            self.inside[depth - 1].last = kind
            self.inside[depth:] = [opened]
            depth += 1
            self.has_paragraph = lazy = goes_on = False
            if depth > DEPTH_LIMIT:
                self.marks[-1] = Mark(endless=TOO_DEEP)
                return
        if at == len(line):
            del self.inside[depth:]
            self.has_paragraph = False
            return
        if not lazy:
            del self.inside[depth:]
            self.has_paragraph = width < 4
            if width >= 4:
                self.inside[-1].last = "other"
        self.paragraph = line[at:]
        # Links defined for later are not seen: what stands above them is the last block.
        if self.has_paragraph and not _LINK.match(line, at):
            self.inside[-1].last = "paragraph"

    def _begin_leaf(self, line: str, at: int, depth: int, *, goes_on: bool, lazy: bool) -> bool:
        """Whether a heading, a rule, a fence or HTML begins at a column."""
        mark, has_leaf = PROSE, True
        if atx := _ATX.match(line, at):
            mark = Mark(heading=atx[1])
        elif fence := _FENCE.match(line, at):
            ticks = fence["fence"]
            # At the top a fence needs its end; in a list item it ends with the item.
            if depth > 1 or self.closers[len(self.marks) - 1].get(ticks[0], 0) >= len(ticks):
                self.fence, mark = ticks, Mark(code=True)
            else:
                mark = Mark(endless=ticks)
        elif goes_on and _UNDERLINE.match(line, at):
            self.marks[-2] = Mark(heading=self.paragraph)
        elif _BREAK.match(line, at):
            pass
        elif line[at] != "<":
            has_leaf = False
        elif found := next((row for row in _ENDLESS if row[0].match(line, at)), None):
            start, end, what = found
            if end.search(line, at):
                pass
            elif depth > 1:
                # Readers of Markdown differ over where a list or quote cuts it off.
                mark = Mark(endless=Said.ENDS_ELSEWHERE(what=what()))
            else:
                self.html_end, self.html_start = end, (len(self.marks) - 1, what)
        elif _ENDING.match(line, at) or (not lazy and _LONE_TAG.match(line, at)):
            self.html_end = _BLANK
        else:
            has_leaf = False
        if has_leaf:
            self.marks[-1] = mark
            del self.inside[depth:]
            self.inside[-1].last = "other"
            self.has_paragraph = False
        return has_leaf


def trace(lines: Sequence[str]) -> list[Mark]:
    """What CommonMark makes of each line of a text."""
    reader = _Reader(_longest_closers(lines))
    for line in lines:
        reader.read(line)
    reader.end()
    return reader.marks


def _indent(line: str, at: int) -> int:
    end = at
    while end < len(line) and line[end] == " ":
        end += 1
    return end - at


def _may_begin(item: re.Match[str], goes_on: bool, line: str) -> bool:
    """In a paragraph a list begins with 1 and with some text, or it is part of it."""
    if not goes_on:
        return True
    return item.end() < len(line) and (item["number"] is None or int(item["number"]) == 1)


def _longest_closers(lines: Sequence[str]) -> list[dict[str, int]]:
    """For each line, the longest closing fence of either kind below it.

    Known in advance, so that a text full of unclosed fences is still read in one pass.
    """
    longest: dict[str, int] = {}
    below = []
    for line in reversed(lines):
        below.append(longest)
        end = _FENCE_END.match(line)
        if end and len(end["fence"]) > longest.get(end["fence"][0], 0):
            longest = {**longest, end["fence"][0]: len(end["fence"])}
    below.reverse()
    return below

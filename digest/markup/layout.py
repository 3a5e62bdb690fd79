"""Layout: lists stand where Python-Markdown finds them.

CommonMark (Hugo, the editor's habit) and Python-Markdown disagree on where a list may begin and how
deep its lines stand. Lines are read by CommonMark's rules and written the way Python-Markdown, with
tab_length=2, draws the same. Only the way to HTML does this: stored text stays as it came.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from digest.markup.guard import NESTING_LIMIT, TOO_DEEP, Refused, check, count_markers

FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}>")
_RULE = re.compile(r" {0,3}([-_*])(?:[ \t]*\1){2,}[ \t]*$")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_ITEM = re.compile(
    r"(?P<marker>[-+*]|(?P<number>[0-9]{1,9})[.)])(?:(?P<gap> +)(?=\S)|(?P<empty> *$))"
)


def lay_out(text: str) -> str:
    """Markdown for Python-Markdown. Raises `Refused` where that would be slow."""
    check(text)
    return "\n".join(_Layout().lay([line.expandtabs(4) for line in text.split("\n")]))


def _indent(line: str) -> int:
    """Blanks at the start. A full-width blank is a Chinese paragraph's indent and no markup."""
    return len(line) - len(line.lstrip(" "))


class _Level(NamedTuple):
    """An open list: the column its items' text starts in, and whether it is numbered."""

    column: int
    numbered: bool


class _Layout:
    """Reads the lines of one container: the text itself, or the inside of a quotation."""

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self.lines: list[str] = []
        self.levels: list[_Level] = []
        self.text_open = False  # the line before is a paragraph's and this one may continue it
        self.block_has_item = False  # a list began since the last blank line

    def lay(self, lines: list[str]) -> list[str]:
        """The lines, laid out."""
        waiting = list(reversed(lines))
        while waiting:
            line = waiting.pop()
            indent = _indent(line)
            column = self.levels[-1].column if self.levels else 0
            inside = line[column:] if indent >= column else line
            if not line.strip(" "):
                self._blank_line(again=True)
            elif _RULE.match(inside):
                self._lay_rule(line, indent)
            elif self._depth_of(line, indent) > NESTING_LIMIT:
                raise Refused(TOO_DEEP, NESTING_LIMIT)
            elif _QUOTE.match(line) and (indent < column or not column):
                waiting.append(line)
                self._lay_quote(waiting)
            elif fence := FENCE.match(inside):
                self._close_levels(indent)
                self._lay_fence(fence, waiting, indent)
            elif not self._lay_item(line, indent):
                self._lay_text(line, indent)
        return self.lines

    def _blank_line(self, again: bool = False) -> None:
        if again or (self.lines and self.lines[-1]):
            self.lines.append("")
        self.text_open = self.block_has_item = False

    def _close_levels(self, indent: int) -> bool:
        """Leave the lists a line of this indentation is outside of; whether there were any."""
        before = len(self.levels)
        while self.levels and indent < self.levels[-1].column:
            self.levels.pop()
        return len(self.levels) < before

    def _depth_of(self, line: str, indent: int) -> int:
        """How many lists and quotations are around what this line says."""
        around = self.depth + sum(level.column <= indent for level in self.levels)
        return around + count_markers(line)

    def _write(self, line: str) -> None:
        self.lines.append("  " * len(self.levels) + line)

    def _lay_quote(self, waiting: list[str]) -> None:
        """All lines of a quotation that starts at the margin, as a text of its own."""
        inner = []
        while waiting and (mark := _QUOTE.match(waiting[-1])):
            inner.append(waiting.pop()[mark.end() :].removeprefix(" "))
        self.levels.clear()
        self._blank_line()
        layout = _Layout(self.depth + 1)
        self.lines += [f"> {line}" if line else ">" for line in layout.lay(inner)]
        self.text_open = layout.text_open
        if not self.text_open:
            self._blank_line()

    def _lay_fence(self, fence: re.Match[str], waiting: list[str], indent: int) -> None:
        """A fenced block without its language. Python-Markdown sees fences at the margin only."""
        mark = fence[1]
        closing = re.compile(rf" *{mark[0]}{{{len(mark)},}} *$")
        code = []
        column = self.levels[-1].column if self.levels else 0
        while waiting and not closing.match(waiting[-1]):
            line = waiting[-1]
            depth = _indent(line)
            if line.strip(" ") and depth < column:
                break  # the list ends here, and the block with it
            code.append(waiting.pop()[min(indent, depth) :])
        else:
            del waiting[-1:]
        self._blank_line()
        if self.levels or self.depth:
            for line in code:
                self._write(f"  {line}")
        else:
            self.lines += [mark, *code, mark]
        self._blank_line()

    def _lay_rule(self, line: str, indent: int) -> None:
        # Straight after a list Python-Markdown would make its last item a heading.
        if self._close_levels(indent) or self.block_has_item:
            self._blank_line()
        self._write(line.strip())
        self.text_open = False

    def _lay_item(self, line: str, indent: int) -> bool:
        """Write the line if it starts an item of a list."""
        item = _ITEM.match(line, indent)
        base = next((lv.column for lv in reversed(self.levels) if lv.column <= indent), 0)
        if not item or indent - base > 3:
            return False
        numbered = item["number"] is not None
        outer = [level for level in self.levels if level.column <= indent]
        left = self.levels[len(outer)] if len(outer) < len(self.levels) else None
        # Within a paragraph only `1.` and a bullet with text start a list, so that a line
        # which happens to begin with a year stays prose.
        if (
            self.text_open
            and not left
            and (item["number"] not in (None, "1") or item["gap"] is None)
        ):
            return False
        if (left and left.numbered != numbered) or (self.text_open and not self.block_has_item):
            self._blank_line()
        self.levels = outer
        # Not `-` or `*`: before an empty item or `---` they would make a heading or a rule.
        marker = f"{item['number']}." if numbered else "+"
        self._write(f"{marker} {line[item.end() :].lstrip(' ')}")
        while item:
            gap = len(item["gap"] or " ")
            self.levels.append(_Level(item.end("marker") + (gap if gap < 5 else 1), numbered))
            item = _ITEM.match(line, item.end()) if item["gap"] else None
            numbered = bool(item and item["number"])
        self.text_open = self.block_has_item = True
        return True

    def _lay_text(self, line: str, indent: int) -> None:
        heading = bool(_HEADING.match(line))
        if self.text_open and not heading:
            # It continues the paragraph wherever it stands. One that looks like an item keeps
            # the depth that makes it none.
            self.lines.append(
                line
                if _ITEM.match(line, indent)
                else f"{'  ' * len(self.levels)}{line.lstrip(' ')}"
            )
            return
        if self._close_levels(indent) and self.block_has_item:
            self._blank_line()
        deeper = indent - (self.levels[-1].column if self.levels else 0)
        code = deeper > 3
        self._write(" " * (deeper - 2) * code + line.lstrip(" "))
        self.text_open = not heading and not code

"""What would make Python-Markdown slow, and the sentence that refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Python-Markdown is quadratic on hostile text; benign text of ten times the sample's longest
# field stays well within these. In characters where nothing else is said.
TEXT_LIMIT = 20_000
BLOCK_LIMIT = 4_000
BLOCK_LINES_LIMIT = 500
BLOCKS_LIMIT = 2_000
MARKERS_LIMIT = 3_000
BRACKET_LIMIT = 50
BACKTICK_LIMIT = 500
NESTING_LIMIT = 32


class Refused(Exception):
    """Text that is not given to Python-Markdown; as a `str` a sentence for whoever wrote it."""

    def __init__(self, sentence: Promise, limit: int) -> None:
        super().__init__(sentence, limit)
        self.sentence = sentence
        self.limit = limit

    def __str__(self) -> str:
        return self.sentence % {"limit": f"{self.limit:,}"}


_MARKER = re.compile(r">|[-+*](?= )|[0-9]{1,9}[.)](?= )")
_MARKERS = re.compile(rf"(?: *(?:{_MARKER.pattern}))+")


def count_markers(line: str) -> int:
    """How many items and quotations a line opens at its start."""
    markers = _MARKERS.match(line)
    # One character more, as a marker is told by the blank after it.
    return len(_MARKER.findall(line[: markers.end() + 1])) if markers else 0


def _open_brackets(block: str, opening: str, closing: str) -> int:
    """How many brackets stand open at once. For each, Python-Markdown reads on to its end."""
    deepest = depth = 0
    for bracket in re.findall(rf"[\{opening}\{closing}]", block):
        depth = depth + 1 if bracket == opening else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


_BLOCK_GUARDS: tuple[tuple[Callable[[str], bool], Promise, int], ...] = (
    (
        lambda block: len(block) > BLOCK_LIMIT,
        _(
            "This is shown as plain text: a block without a blank line is longer than "
            "%(limit)s characters. Shorten or divide it."
        ),
        BLOCK_LIMIT,
    ),
    (
        lambda block: block.count("\n") >= BLOCK_LINES_LIMIT,
        _(
            "This is shown as plain text: a block without a blank line has more than "
            "%(limit)s lines. Shorten or divide it."
        ),
        BLOCK_LINES_LIMIT,
    ),
    (
        lambda block: _open_brackets(block, "[", "]") > BRACKET_LIMIT,
        _(
            "This is shown as plain text: more than %(limit)s square brackets are open at once. "
            "Shorten or divide it."
        ),
        BRACKET_LIMIT,
    ),
    (
        lambda block: _open_brackets(block, "(", ")") > BRACKET_LIMIT,
        _(
            "This is shown as plain text: more than %(limit)s parentheses are open at once. "
            "Shorten or divide it."
        ),
        BRACKET_LIMIT,
    ),
    (
        lambda block: len(re.findall("`+", block)) > BACKTICK_LIMIT,
        _(
            "This is shown as plain text: a block without a blank line has more than "
            "%(limit)s backticks. Shorten or divide it."
        ),
        BACKTICK_LIMIT,
    ),
)
_TOO_LONG = _(
    "This is shown as plain text: the text is longer than %(limit)s characters. "
    "Shorten or divide it."
)
_TOO_MANY_BLOCKS = _(
    "This is shown as plain text: the text has more than %(limit)s blocks. Shorten or divide it."
)
_TOO_MANY_MARKERS = _(
    "This is shown as plain text: the text has more than %(limit)s items and quotation marks. "
    "Shorten or divide it."
)
TOO_DEEP = _(
    "This is shown as plain text: lists and quotations stand more than %(limit)s deep. "
    "Shorten or divide it."
)


def check(text: str) -> None:
    """Raise `Refused` where Python-Markdown would be slow. `TOO_DEEP` only the layout can tell."""
    if len(text) > TEXT_LIMIT:
        raise Refused(_TOO_LONG, TEXT_LIMIT)
    blocks = re.findall(r"[^\n]+(?:\n(?![ \t]*\n)[^\n]+)*", text)
    if len(blocks) > BLOCKS_LIMIT:
        raise Refused(_TOO_MANY_BLOCKS, BLOCKS_LIMIT)
    if sum(map(count_markers, text.split("\n"))) > MARKERS_LIMIT:
        raise Refused(_TOO_MANY_MARKERS, MARKERS_LIMIT)
    for block in blocks:
        for exceeds, sentence, limit in _BLOCK_GUARDS:
            if exceeds(block):
                raise Refused(sentence, limit)

"""Where in a text a search was found, as pieces that a page can mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.folding import fold

#: So many characters stand before the first hit of an excerpt, and at most so many in all.
_BEFORE, _LENGTH = 24, 90
# What Markdown puts around words; an excerpt is no place for it.
_MARKS = re.compile(r"\*\*|`|^[ \t]*(?:[-*+>]|#{1,6})[ \t]+", re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """Some text, and whether it is what was searched for."""

    text: str
    is_hit: bool = False


@lru_cache(maxsize=1 << 15)
def _folded(character: str) -> str:
    return fold(character)


def spans_in(text: str, parts: Iterable[str]) -> list[tuple[int, int]]:
    """Where in a text folded parts stand, as (start, end), in order and without overlaps.

    Folding can make one character several and leaves none out of others', so a place in the folded
    text is one in the text. (A pair that only together folds otherwise is found, but not marked.)
    """
    folded = [_folded(character) for character in text]
    whole = "".join(folded)
    if not any(part in whole for part in parts):
        return []
    owner = [n for n, piece in enumerate(folded) for _ in piece]
    found = []
    for part in parts:
        start = whole.find(part)
        while start >= 0:
            found.append((owner[start], owner[start + len(part) - 1] + 1))
            start = whole.find(part, start + len(part))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def marked(text: str, parts: Sequence[str]) -> list[Piece]:
    """A whole text in pieces."""
    return _cut(text, spans_in(text, parts), 0, len(text))


def excerpt(texts: Iterable[str], parts: Sequence[str]) -> list[Piece]:
    """A line of the first text in which a part stands; nothing where there is none."""
    for text in texts:
        line = " ".join(_MARKS.sub("", text).split())
        if spans := spans_in(line, parts):
            start = max(0, spans[0][0] - _BEFORE)
            end = min(len(line), max(start + _LENGTH, spans[0][1]))
            pieces = _cut(line, spans, start, end)
            before = [Piece("…")] if start else []
            return before + pieces + ([Piece("…")] if end < len(line) else [])
    return []


def _cut(text: str, spans: list[tuple[int, int]], start: int, end: int) -> list[Piece]:
    pieces = []
    for first, last in spans:
        if first < end and last > start:
            pieces += [Piece(text[start:first]), Piece(text[first : min(last, end)], is_hit=True)]
            start = last
    pieces.append(Piece(text[start:end]))
    return [piece for piece in pieces if piece.text]

"""Which asterisks pair up to emphasis: by CommonMark's rule, and by Python-Markdown's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple


class _Run(NamedTuple):
    """A run of asterisks that may open or close emphasis."""

    start: int
    length: int  # what is left of it
    opens: bool
    closes: bool


Flanking = Callable[[str, str], tuple[bool, bool]]


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def flanking_in_commonmark(before: str, after: str) -> tuple[bool, bool]:
    """Whether a run of asterisks between two characters opens and closes (CommonMark 0.31, 6.2).

    Chinese has no blanks between words, so a run between punctuation and a word, as after the
    closing corner bracket in `**「重點」**的`, opens only where a reader wants it to close.
    """
    left = not after.isspace() and (
        not _is_punctuation(after) or before.isspace() or _is_punctuation(before)
    )
    right = not before.isspace() and (
        not _is_punctuation(before) or after.isspace() or _is_punctuation(after)
    )
    return left, right


def flanking_here(before: str, after: str) -> tuple[bool, bool]:
    """The same for Python-Markdown: only blanks count."""
    return not after.isspace(), not before.isspace()


class Pairs(NamedTuple):
    """Emphasis as (start of the text in it, its end, 1 or 2 asterisks)."""

    pairs: set[tuple[int, int, int]]
    even: bool  # no asterisk is left over and none was paired with a run of another length


def pair_asterisks(masked: str, flanking: Flanking) -> Pairs:
    """CommonMark's algorithm, for its own rule of flanking or another.

    Without its "rule of three", which keeps runs of unequal length apart: those are not `even`,
    and nothing is concluded from their pairs.
    """
    padded = f" {masked} "
    openers: list[_Run] = []
    pairs = set()
    even = True
    for found in re.finditer(r"\*+", masked):
        opens, closes = flanking(padded[found.start()], padded[found.end() + 1])
        run = _Run(found.start(), len(found[0]), opens, closes)
        while run.closes and run.length and openers:
            opener = openers.pop()
            even &= opener.length == run.length
            used = 2 if min(opener.length, run.length) >= 2 else 1
            pairs.add((opener.start + opener.length, run.start, used))
            if opener.length > used:
                openers.append(opener._replace(length=opener.length - used))
            run = run._replace(start=run.start + used, length=run.length - used)
        if run.opens and run.length:
            openers.append(run)
        even &= run.opens or not run.closes or not run.length
    return Pairs(pairs, even and not openers)

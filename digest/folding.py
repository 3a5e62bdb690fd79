"""Folding text for search and comparison: keys beside the stored text, never instead of it."""

import unicodedata
from functools import cache

# All that people type for a hyphen, and all that nobody sees.
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—−－﹣"), "-")
_INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD]
)
_TABLE = _HYPHENS | _INVISIBLE


@cache
def _simplifier():
    from opencc import OpenCC  # loads its dictionaries, 40 ms: only where something is folded

    return OpenCC("t2s")


def fold(text: str) -> str:
    """The key under which a text is found.

    Width and compatibility forms (NFKC), case, hyphens and Traditional/Simplified characters all
    fall together, invisible characters fall away: `ＬＬＭ‑Bench 軟體` and `llm-bench 软体` are one.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_TABLE).casefold()
    return _simplifier().convert(folded)

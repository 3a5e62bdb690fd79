"""Folding text for search and comparison: keys beside the stored text, never instead of it."""

import re
import unicodedata
from functools import cache

# All that people type for a hyphen, and all that nobody sees.
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—−－﹣"), "-")
_INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD]
)
_TABLE = _HYPHENS | _INVISIBLE
_WORD_LIMIT = 40  # characters; PostgreSQL's lexemes and anybody's patience end somewhere


# What is looked up as it stands in a text: a run of Chinese, Japanese or Korean characters, or a
# word or number of any other script.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"([{_CJK}]+)|([^\W_{_CJK}]+)")


def words_of(folded: str) -> str:
    """What a folded text is found by, with blanks between: words, and pairs of CJK characters.

    Chinese has no blanks between words, so every two neighbours count as one (`記憶體` is `記憶`,
    `憶體` and, being its end, `體`). Each stands once, in the order of the text.
    """
    found: dict[str, None] = {}
    for cjk, word in _RUN.findall(folded):
        if cjk:
            found |= dict.fromkeys(cjk[n : n + 2] for n in range(len(cjk)))
        else:
            found[word[:_WORD_LIMIT]] = None
    return " ".join(found)


def sought_in(folded: str) -> tuple[list[str], list[str]]:
    """How `words_of` has the words of a folded search: those that stand there whole, and those of
    which only the beginning is known.

    The last word may go on (`bench` of `benchmark`), and so may a single Chinese character: it is
    the beginning of every pair it opens. Both are empty where there is nothing to look up.
    """
    whole: dict[str, None] = {}
    begun: dict[str, None] = {}
    for run in _RUN.finditer(folded):
        cjk, word = run.groups()
        if not cjk:
            kind = begun if run.end() == len(folded) else whole
            kind[word[:_WORD_LIMIT]] = None
        elif len(cjk) == 1:
            begun[cjk] = None
        else:
            whole |= dict.fromkeys(cjk[n : n + 2] for n in range(len(cjk) - 1))
    return list(whole), list(begun)


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


# Words in which OpenCC folds a character otherwise than alone: 乾 alone is 干 and stays 乾 in 乾坤.
# One for each such character of its dictionary (TSPhrases).
_IN_WORDS = (
    "乾坤 鍊子 回覆 傢俱 憑藉 彷彿 角徵 錢鍾書 幺麼 畢昇 於潛 沈默 計畫 鉅子 蒜薹 哪吒 衹得 明瞭"
    " 八濛山 土坏 二噁英"
)


@cache
def _inside_words() -> dict[str, str]:
    """What a folded character is inside of words, where it is something else there."""
    return {
        fold(character): folded
        for word in _IN_WORDS.split()
        for character, folded in zip(word, fold(word), strict=True)
        if fold(character) != folded
    }


def forms_of(folded: str) -> tuple[str, ...]:
    """All that a folded text is in longer texts: itself and, as a single Chinese character, what it
    is inside of words. (A longer one that ends in the middle of such a word is not known there.)"""
    inside = _inside_words().get(folded)
    return (folded, inside) if inside else (folded,)

"""What an article is compared by: names, numbers, ideas of the trade, pairs of characters.

Everything is folded first, so that width, case and Traditional or Simplified make no difference.
Each token says by its first characters what it is:

- `GPT-4o` → `n:gpt4o`: a name with a digit, hyphen or dot in it, in one spelling;
- `Lumira` → `w:lumira`: any other word of letters, in the singular; so are the names that
  `digest.drafting.terms` has in Chinese as well (`輝達` → `w:nvidia`);
- `$315 million`, `3.15 億` → `#3.15e+08`: a number, in one notation;
- `收購`, `acquires` → `c:acquire`: an idea of the trade that stands there in both languages;
- `輝達` → `z:辉达`: two neighbouring Chinese, Japanese or Korean characters.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from digest.drafting import terms
from digest.folding import fold

#: How far into a text is read, in characters. News says what it is about in its first lines, and
#: long texts would make all of a day's articles a little alike.
LEAD = 700
#: The token of a no, in whichever words.
NOT = "c:not"
WORD_LIMIT = 40  # characters of a word; what is longer is no word of anybody's

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
# A word may be joined inside by what names are joined by. `[^\W_]` alone would take a whole
# Chinese sentence for one word, as Python counts Chinese characters among the letters.
_LETTER = rf"[^\W_{_CJK}]"
_PIECE = re.compile(
    rf"(?P<cjk>[{_CJK}]+)"
    rf"|(?P<word>{_LETTER}+(?:[-._/'’+]{_LETTER}+)*\+*)"
    r"|(?P<percent>%)"
    r"|(?P<blank>[^\S\n]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_PLAIN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PAPER = re.compile(r"\d{4}\.\d{5}")  # as arXiv numbers them: a name, and no number
_GLUED = re.compile(r"(\d+(?:\.\d+)?)(k|m|b|bn|tn|t)")
_NAME = re.compile(r".\d|\d.|[-._/+]")  # a digit beside something, or what joins names
_JOINT = re.compile(r"[-_]")
_BREAK = re.compile(r"[-._/+]+")
_SCALES = {
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
    "t": 1e12,
}
# 兆 is 10^12 in Taiwan and Japan; the mainland writes 万亿 for it.
_CJK_SCALES = (
    ("万亿", 1e12),
    ("千亿", 1e11),
    ("百亿", 1e10),
    ("亿", 1e8),
    ("千万", 1e7),
    ("百万", 1e6),
    ("万", 1e4),
    ("兆", 1e12),
)
_CALENDAR = ("年", "月", "日", "号", "点", "时", "週", "周")  # what makes a date of a number
_MONTHS = frozenset(terms.MONTHS.split())
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(terms.NUMBERS.split())}
_CJK_DIGITS = "零一二三四五六七八九"
_TENTHS = re.compile("([一二三四五六七八九])成(?![为立功员果本分])")  # 五成 is 50%
_EMPTY = frozenset(terms.EMPTY.split())
_VARIANTS = frozenset(terms.VARIANTS.split())
_NEGATIVE = frozenset(["not", "wont", "dont", "never", "no", "cannot", "without"])
_CJK_NEGATIVE = re.compile("不会|不再|并未|不得|没有|未曾|从未")


@cache
def _ideas() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """English form → token, and first two characters → Chinese forms with their tokens."""
    english: dict[str, str] = {}
    chinese: dict[str, list[tuple[str, str]]] = {}
    for sign, table in (("c", terms.DEEDS), ("w", terms.NAMES), ("c", terms.THINGS)):
        for line in table.strip().splitlines():
            left, _, right = line.partition(" | ")
            forms = [" ".join(map(_singular, form.split())) for form in left.split(", ")]
            for form in forms:
                english.setdefault(form, f"{sign}:{forms[0]}")
            for form in fold(right).split():
                chinese.setdefault(form[:2], []).append((form, f"{sign}:{forms[0]}"))
    return english, chinese


@cache
def turns() -> frozenset[str]:
    """The tokens whose being there or not makes another story."""
    return frozenset({NOT, *(f"c:{_singular(turn)}" for turn in terms.TURNS)})


def fold_text(text: str) -> str:
    """A text folded, without halves of characters: OpenCC stops at those."""
    return fold(text.encode("utf-8", "ignore").decode())


def is_chinese(text: str) -> bool:
    """Whether a text is to be compared by its characters: at least one letter in seven is CJK."""
    cjk = sum(map(len, re.findall(f"[{_CJK}]+", text[:LEAD])))
    return cjk * 7 >= len(re.findall(rf"{_LETTER}", text[:LEAD])) + cjk and cjk > 0


@lru_cache(maxsize=50_000)
def _singular(word: str) -> str:
    """One spelling for the forms of an English word; crude, and the same for all."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]  # cutting → cut
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _number(value: float) -> str:
    return f"#{value:.4g}"


def tokens_of(folded: str) -> list[str]:
    """The tokens of a folded text, in its order, repeated as they repeat."""
    english, chinese = _ideas()
    found: list[str] = []
    pieces = [
        (match.lastgroup, match[0])
        for match in _PIECE.finditer(_COMMA.sub("", folded))
        if match.lastgroup != "blank"
    ]
    before = ""  # the word just before, in the singular
    for at, (kind, piece) in enumerate(pieces):
        following = pieces[at + 1][1] if at + 1 < len(pieces) else ""
        if kind == "cjk":
            found += _of_cjk(piece, chinese)
            before = ""
        elif kind == "word":
            piece = piece.replace("’", "'")
            piece = piece.removesuffix("'s").replace("'", "")
            if piece in _NUMBER_WORDS:
                piece, before = _NUMBER_WORDS[piece], ""  # `leaves two` names nothing
            if _PAPER.fullmatch(piece):
                found.append(f"n:{piece}")
                before = ""
                continue
            if _PLAIN.fullmatch(piece):
                found += _of_number(piece, before, following)
                before = ""
                continue
            if glued := _GLUED.fullmatch(piece):
                found.append(_number(float(glued[1]) * _SCALES[glued[2]]))
                before = ""
                continue
            for whole in dict.fromkeys((piece, *piece.split("/"))):
                if _NAME.search(whole):
                    found.append(f"n:{_JOINT.sub('', whole)}")
            if piece[0].isdigit() and before.isalpha():
                found.append(f"n:{before}{_JOINT.sub('', piece)}")  # `GPT 4o` is `GPT-4o`
            for part in _BREAK.split(piece):
                if not part.isalpha() or (len(part) == 1 and len(piece) > 1):
                    continue
                if part in _VARIANTS and found and found[-1].startswith("n:"):
                    found.append(found[-1] + part)  # `Gemini 3 Flash` is not `Gemini 3 Pro`
                word = _singular(part)
                pair = f"{before} {word}"
                if word in _NEGATIVE:
                    found.append(NOT)
                if pair in english:
                    found.append(english[pair])
                if word in english:
                    found.append(english[word])
                elif part not in _EMPTY and word not in _SCALES:
                    found.append(f"w:{word[:WORD_LIMIT]}")
                before = word
        elif piece not in "-–—":
            before = ""
    return found


def _of_number(digits: str, before: str, following: str) -> list[str]:
    """The tokens of a number between two pieces: none where it is part of a date or a count."""
    value = float(digits)
    found = []
    if following == "%":
        return [f"#{value:g}%"]
    scale = _SCALES.get(following)
    if scale is None:
        scale = next((s for word, s in _CJK_SCALES if following.startswith(word)), None)
    if scale is not None:
        return [_number(value * scale)]
    if following.startswith(_CALENDAR) or before in _MONTHS or following in _MONTHS:
        return []
    if before and before not in _EMPTY and before.isalpha() and value < 1000:
        found.append(f"n:{before}{digits}")  # `Llama 4` is `Llama-4`
    if 1990 <= value <= 2100 and value == int(value):
        return found
    if len(digits) > 1:
        found.append(_number(value))
    return found


def _of_cjk(run: str, chinese: dict[str, list[tuple[str, str]]]) -> list[str]:
    """The pairs of a run of characters, and the ideas that stand in it."""
    found = []
    for at in range(len(run) - 1):
        pair = run[at : at + 2]
        found.append(f"z:{pair}")
        for form, idea in chinese.get(pair, ()):
            if run.startswith(form, at):
                found.append(idea)
    found += [f"#{_CJK_DIGITS.index(tenths)}0%" for tenths in _TENTHS.findall(run)]
    if _CJK_NEGATIVE.search(run):
        found.append(NOT)
    return found

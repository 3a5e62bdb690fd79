"""Names and numbers: which a text holds, and which of them occur nowhere in what it rests on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from digest.drafting.sentences import is_chinese, split_sentences, words
from digest.folding import fold

# --- Latin names ---------------------------------------------------------------------------------

_WORD = r"[A-Za-z0-9\u00c0-\u024f]+(?:[-‑.+&’'/][A-Za-z0-9\u00c0-\u024f]+)*\+{0,2}"
_RUN = re.compile(rf"{_WORD}(?: (?:{_WORD}))*")
_HAS_CAPITAL = re.compile("[A-Z\u00c0-\u00de]")
_SMALL = words(
    "a an and are as at be been but by can could did do does for from had has have he her here "
    "his how i if in into is it its just like may might more most my new no not now of off on "
    "one only or other our out over s she should so some such than that the their them then "
    "there these they this those to today two under up us use used using via was we were what "
    "when where which while who why will with would yet you your after all also although among "
    "an any because before both during each even every first given however instead last many "
    "meanwhile much still since through together unlike until whether within without according "
    "additionally later earlier based despite compared people researchers users developers "
    "companies work results paper abstract introduction show here's let's it's we're don't "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june "
    "july august september october november december release version highlights chapter figure"
)
#: Words of the trade, units, titles and peoples: on every page of an AI daily, and nobody's name.
_COMMON = words(
    "ai api ceo cto cfo coo cpu gpu tpu npu llm ml nlp rl rag sdk ui ux it vr ar os pc usb url json"
    " html http https pdf faq usd gpt tv eu us u.s uk u.k un ok id qa r&d iot saas b2b agi asic pr"
    " fp16 int8 3d 2d 3g 4g 5g 6g gb mb tb kb gw mw kw hz ghz mhz ms nm dr mr mrs ms prof nordic"
    " chinese english american european british japanese korean french german indian taiwanese"
    " russian asian african western eastern northern southern internet web"
)
#: What is named after a place or a field with `of`.
_BODIES = words("University Institute Department Bank Ministry College School Academy")


_MEASURE = re.compile(
    r"\d[\d,.]*(?:x|k|m|b|t|s|ms|nm|gb|tb|mb|w|kw|mw|gw|hz|ghz|th|st|nd|rd|d|fps|am|pm)",
    re.IGNORECASE,
)


def latin_names(text: str) -> list[str]:
    """The proper names in Latin letters, each time they occur: `Llama 3.1`, `f-divergence` not.

    A capital alone makes no name at the start of a sentence, nor in a headline that capitalises
    every word; letters with digits in them, inner capitals and whole words of capitals do.
    """
    found: list[str] = []
    for line in text.split("\n"):
        for sentence in split_sentences(line):
            found += _names_of_sentence(sentence)
    return found


def _names_of_sentence(sentence: str) -> list[str]:
    runs = list(_RUN.finditer(sentence))
    words = [word for run in runs for word in run[0].split(" ")]
    letters = [word for word in words if word[0].isalpha() and len(word) > 3]
    capitalised = sum(bool(_HAS_CAPITAL.match(word)) for word in letters)
    is_title = (
        not sentence.endswith(".")
        and not is_chinese(sentence)
        and len(letters) >= 4
        and capitalised * 10 >= len(letters) * 7
    )
    found = []
    for run in runs:
        first = not re.search(r"\w", sentence[: run.start()])
        found += _names_of_run(run[0].split(" "), starts=first, is_title=is_title)
    return found


def _names_of_run(words: list[str], *, starts: bool, is_title: bool) -> list[str]:
    found: list[str] = []
    name: list[str] = []

    def close() -> None:
        while name and not (_is_name(name[-1]) or (len(name) > 1 and _is_version(name[-1]))):
            name.pop()
        has_weight = any(_is_distinct(word) for word in name)
        is_sure = has_weight or (not is_title and not (starts_here and len(name) == 1))
        says_something = not all(_is_common(word) or _is_version(word) for word in name)
        if is_sure and len(" ".join(name)) > 1 and says_something:
            found.append(" ".join(name).removesuffix("'s").removesuffix("’s"))
        name.clear()

    starts_here = False
    for place, word in enumerate(words):
        small = word.lower() in _SMALL
        if _is_name(word) and not small and not (is_title and name and not _is_distinct(word)):
            if not name:
                starts_here = starts and place == 0
            name.append(word)
        elif name and _goes_on(words, place, is_title=is_title):
            name.append(word)
        else:
            close()
        if len(name) >= 5 or word.endswith(("'s", "’s")):
            close()
    close()
    return found


def _goes_on(words: list[str], place: int, *, is_title: bool) -> bool:
    """Whether a word that is no name belongs to the one before it: `Llama 3.1`, `Bank of …`."""
    if not is_title and _is_version(words[place]):
        return True
    follows = words[place - 1] in _BODIES and place + 1 < len(words)
    return words[place] == "of" and follows and _is_name(words[place + 1])


def _is_name(word: str) -> bool:
    return bool(_HAS_CAPITAL.match(word)) or _is_distinct(word)


def _is_version(word: str) -> bool:
    return bool(re.fullmatch(r"v?\d{1,4}(?:\.\d{1,3}){0,3}[a-z]?", word))


def _is_distinct(word: str) -> bool:
    """Whether a word is a name whatever stands around it: `vLLM`, `GPT-5`, `NVIDIA`, `o3`."""
    has_letter = any(character.isalpha() for character in word)
    has_digit = any(character.isdigit() for character in word)
    if not has_letter or _is_common(word):
        return False
    if _MEASURE.fullmatch(word):
        return False  # a number with its unit
    if re.fullmatch(r"\d+-[a-z]+(?:-[a-z]+)*", word):
        return False  # 12-month, 7-day-old
    if has_digit and (word[0].isalpha() or _HAS_CAPITAL.search(word)):
        return True
    # A hyphen between two capitalised words makes no name of them; inner capitals do.
    return any(_HAS_CAPITAL.search(part[1:]) for part in re.split("[-‑/]", word))


def _is_common(word: str) -> bool:
    return word.lower() in _COMMON or word.lower().removesuffix("s") in _COMMON


# --- Chinese terms -------------------------------------------------------------------------------

_QUOTED = re.compile(
    "《([^《》\n]{2,24})》|〈([^〈〉\n]{2,24})〉|「([^「」\n]{2,10})」|『([^『』\n]{2,10})』"
)
_SAID = re.compile("[，。！？、；：,.!?;:]")
_HAN = re.compile("[\u4e00-\u9fff]{2,}")
# Characters with which words hold together and of which no term is made.
_GLUE = frozenset(
    "的了是在和與与及或就都也而但將将被把為为於于從从到對对向這这那有沒没不可以會会能說说已其他她它"
    "們们我你並并等之所個个至由該该則则讓让使更最很再還还又才只過过後后前時时年月日上下中內内外間间"
    "來来去做用得著着吧呢嗎吗哪些此每各幾几多少名位家項项次種种款萬万億亿元約约近逾比如若因當当並"
    "一二三四五六七八九十兩两未來曾表示指出認認为認為目前今"
)
_TERM_SIZES = range(3, 7)
#: Words of three characters and more that are in everybody's mouth.
_EVERYDAY = words(
    "開發者 使用者 研究人員 研究團隊 研究者 人工智慧 人工智能 資料中心 語言模型 大型語言模型 大模型"
    " 生成式 測試集 研究員 執行長 負責人 消費者 工程師 供應商 數據顯示 實驗顯示 官方數據 模型的"
    " 开发者 研究人员 研究团队 语言模型 大语言模型 数据中心 测试集 负责人 消费者 工程师 供应商"
)


def chinese_terms(texts: Iterable[str]) -> list[str]:
    """Chinese terms of several texts, the weightiest first: what they put in corner brackets or
    name as a work, and what they say again and again in changing company."""
    joined = "\n".join(texts)
    quoted = Counter(
        term
        for found in _QUOTED.finditer(joined)
        if (term := next(filter(None, found.groups())).strip()) and not _SAID.search(term)
    )
    works = {next(filter(None, f.groups())) for f in _QUOTED.finditer(joined) if f[1] or f[2]}
    kept = {
        term: count * 2
        for term, count in quoted.items()
        if (_HAN.search(term) and (count > 1 or term in works or joined.count(term) > 1))
    }
    for term, count in _repeated(joined).items():
        kept.setdefault(term, count)
    return sorted(kept, key=lambda term: (-kept[term] * len(term), joined.index(term)))


def _repeated(text: str) -> dict[str, int]:
    """Runs of Chinese characters that recur, with their counts: the longest that tell as much."""
    count: Counter[str] = Counter()
    left: dict[str, set[str]] = {}
    right: dict[str, set[str]] = {}
    for run in _HAN.finditer(text):
        padded = f"<{run[0]}>"
        for size in _TERM_SIZES:
            for at in range(1, len(padded) - size):
                term = padded[at : at + size]
                count[term] += 1
                left.setdefault(term, set()).add(padded[at - 1])
                right.setdefault(term, set()).add(padded[at + size])
    candidates = {
        term: n
        for term, n in count.items()
        if n >= 3
        and (len(left[term]) > 1 or "<" in left[term])
        and (len(right[term]) > 1 or ">" in right[term])
        and term not in _EVERYDAY
        and not _GLUE.intersection(term)
    }
    return {
        term: n
        for term, n in candidates.items()
        if not any(
            term in other and term != other and m * 5 >= n * 3 for other, m in candidates.items()
        )  # fmt: skip
    }


# --- numbers -------------------------------------------------------------------------------------

_DIGITS = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*"
_ARABIC = re.compile(
    rf"(?<![a-z0-9.])(?P<digits>{_DIGITS})"
    r"(?P<unit>\s?(?:%|percent\b|per cent\b|百分点|[十百千]?[万亿兆]|千|成(?![为立功果本长员])"
    r"|thousand\b|million\b|billion\b|trillion\b|bn\b)|[kmbt](?![a-z0-9]))?"
)
_DIGITS_LIMIT = 40
_HUNDREDTHS = re.compile(rf"百分之\s?(?P<digits>{_DIGITS}|[零〇一二两三四五六七八九十百千点]+)")
_HAN_NUMBER = re.compile(
    r"[零〇一二两三四五六七八九十百千万亿兆]+(?P<unit>成(?![为立功果本长员]))?"
)
_UNITS = {
    "千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
    "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "兆": 10**12, "万亿": 10**12,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9, "t": 10**12,
}  # fmt: skip
_PERCENT = {"%", "percent", "per cent", "百分点"}
_HAN_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_HAN_GROUPS = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_ENGLISH = {
    **{"zero": 0, "one": 1, "once": 1, "single": 1, "two": 2, "twice": 2, "second": 2, "double": 2},
    **{"pair": 2, "three": 3, "third": 3, "triple": 3, "four": 4, "fourth": 4, "five": 5},
    **{"fifth": 5, "six": 6, "sixth": 6, "seven": 7, "seventh": 7, "eight": 8, "eighth": 8},
    **{"nine": 9, "ninth": 9, "ten": 10, "tenth": 10, "eleven": 11, "twelve": 12, "dozen": 12},
    **{"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100},
}
_MONTHS = {
    **{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6},
    **{"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12},
}
_ENGLISH_WORD = re.compile(
    rf"\b(?:(?P<number>{'|'.join(_ENGLISH)})|(?P<month>{'|'.join(_MONTHS)})[a-z]*)\b"
    r"(?:[ -](?P<unit>thousand|million|billion|trillion|percent|per cent))?"
)


def numbers_of(text: str, *, written_out: bool) -> dict[str, str]:
    """The numbers of a text by a key under which two ways to write one fall together.

    1,000 is 1000 and １０００; 3.15 億 is 315 million; 50% is 百分之五十 and 5 成. The value is the
    number as the text has it. Digits in names (`GPT-5`, `H100`) are the names' own. With
    `written_out` the small numbers that words say count as well: an article may say so what a card
    says in digits.
    """
    folded = fold(text)
    shown = text if len(text) == len(folded) else folded
    found: dict[str, str] = {}
    taken = bytearray(len(folded))  # what is part of a number that was read already

    def take(number: re.Match[str]) -> None:
        taken[slice(*number.span())] = b"\1" * len(number[0])

    for number in _HUNDREDTHS.finditer(folded):
        value = _value(number["digits"])
        if value is not None:
            found.setdefault(_key(value, "%"), shown[slice(*number.span())])
            take(number)
    for number in _ARABIC.finditer(folded):
        if not taken[number.start()] and not _of_a_name(folded, number.start("digits")):
            take(number)
            unit = (number["unit"] or "").strip()
            found.setdefault(
                _key(_value(number["digits"]), unit, number["digits"]), shown[slice(*number.span())]
            )
    for number in _HAN_NUMBER.finditer(folded):
        value = _value(number[0].removesuffix("成"))
        if value is None or taken[number.start()]:
            continue
        if written_out or number["unit"] or (value >= 10 and len(shown[slice(*number.span())]) > 1):
            found.setdefault(_key(value, number["unit"] or ""), shown[slice(*number.span())])
    if written_out:
        for word in _ENGLISH_WORD.finditer(folded):
            value = _ENGLISH[word["number"]] if word["number"] else _MONTHS[word["month"]]
            found.setdefault(_key(Decimal(value), word["unit"] or ""), shown[slice(*word.span())])
    return found


def _of_a_name(folded: str, at: int) -> bool:
    """Whether digits hang on a Latin word by a hyphen or stand behind it like a version."""
    return bool(re.search(r"[a-z][a-z0-9.]*[-_/]$", folded[max(0, at - 30) : at]))


def _value(digits: str) -> Decimal | None:
    if len(digits) > _DIGITS_LIMIT:
        return None  # nobody's figure
    if digits[0].isdigit() and digits.isascii():
        try:
            return Decimal(digits.replace(",", ""))
        except InvalidOperation:
            return None  # 0.27.0: a version
    total, group, digit = 0, 0, 0
    for character in digits:
        if character in _HAN_DIGITS:
            digit = digit * 10 + _HAN_DIGITS[character]
        elif character in _HAN_PLACES:
            group, digit = group + (digit or 1) * _HAN_PLACES[character], 0
        elif character in _HAN_GROUPS:
            group += digit
            if not group:
                return None  # 萬 and 億 alone are words
            total, group, digit = total + group * _HAN_GROUPS[character], 0, 0
        else:
            return None
    if digits in ("百", "千", "十"):
        return None
    return Decimal(total + group + digit)


def _key(value: Decimal | None, unit: str, digits: str = "") -> str:
    if value is None:
        return digits
    if unit in _PERCENT:
        return f"{_plain(value)}%"
    if unit == "成":
        return f"{_plain(value * 10)}%"
    return _plain(value * _UNITS.get(unit, 1))


def _plain(value: Decimal) -> str:
    if value.adjusted() > 40:
        return str(value)
    return f"{value.normalize():f}"


# --- what rests on nothing -----------------------------------------------------------------------


class Ground:
    """What texts hold, to ask whether a name or a number of another text occurs in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        joined = "\n".join(texts)
        self._folded = fold(joined)
        self._words = frozenset(re.findall(r"[^\W_]+", self._folded))
        self._numbers = numbers_of(joined, written_out=True)
        self.has_chinese = len(_HAN.findall(joined)) > 20

    def strange_numbers(self, text: str) -> list[str]:
        """The numbers of a text that occur here in no way of writing them."""
        found = numbers_of(text, written_out=False)
        # The 10 of `10 至 20%` stands without its sign.
        return [
            said.strip()
            for key, said in found.items()
            if not self._numbers.keys() & {key, f"{key}%"}
        ]

    def strange_names(self, text: str) -> list[str]:
        """The names of a text that do not occur here, each once."""
        names = [*latin_names(text), *self._quoted(text)]
        return [name for name in dict.fromkeys(names) if not self.has_name(name)]

    def has_name(self, name: str) -> bool:
        """Whether a name occurs here, or all words of it do."""
        folded = fold(name)
        if folded in self._folded:
            return True
        words = re.findall(r"[^\W_]+", folded)
        return bool(words) and all(word in self._words for word in words)

    def _quoted(self, text: str) -> list[str]:
        """Works named in Chinese; in English articles they stand under another name."""
        if not self.has_chinese:
            return []
        return [found[1] or found[2] for found in _QUOTED.finditer(text) if found[1] or found[2]]

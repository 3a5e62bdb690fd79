"""Sentences: where they end in Chinese and English, which of them say something, and which speak
to the machine instead of to readers."""

from __future__ import annotations

import re
from functools import cache

from digest.document import FIELD_LIMIT
from digest.drafting.articles import Article, Language


def words(text: str) -> frozenset[str]:
    """The words of a list that is written with blanks between them."""
    return frozenset(text.split())


_CJK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_CLOSING = "」』）)】》〉”’\"'］]"
# Where a sentence may end: after Chinese marks anywhere, after others before a blank.
_END = re.compile(
    rf"[。！？!?…]+[{re.escape(_CLOSING)}]*(?=[^{re.escape(_CLOSING)}。！？]|$)"
    rf"|(?<=[^\s.])\.[{re.escape(_CLOSING)}]*(?=\s|$|(?<=[\u4e00-\u9fff]\.)|[\u4e00-\u9fff])"
    r"|；(?=.{12})"
)
#: Characters from which on a semicolon ends a sentence as well.
_CLAUSE = 80
_NEAR = 40
#: Words after which a full stop ends nothing, in lower case and without it.
_ABBREVIATIONS = words(
    "al approx cf co corp dept dr e.g eg eq est etc ex fig gen gov i.e ie inc jr ltd mr mrs ms "
    "no nos p pp ph.d prof rev sec sen sr st tech u.k u.s univ v ver vol vs jan feb mar apr jun "
    "jul aug sep sept oct nov dec a.m p.m"
)
_LAST_WORD = re.compile(r"(\d\s*)?\b([A-Za-z][A-Za-z.]*)\.$")
_BULLET = re.compile(r"^(?:[-*+•·‣▪◦●○]|\d{1,2}[.)、]|[（(]\d{1,2}[)）])\s*(?=\S)")

#: What feeds and pages add to every article.
_BOILERPLATE = re.compile(
    r"appeared first on|read (?:more|the full|on)\b|continue reading|sign up|subscribe|newsletter"
    r"|all rights reserved|cookie|click here|image (?:credit|source)|photo(?:graph)? (?:by|credit)"
    r"|getty images|article url:|comments url:|# comments|^points:|follow us|advertis|sponsored"
    r"|affiliate|this (?:post|article|story) (?:was|is|contains)|updated? (?:on|at) \d"
    r"|register now|share this|join (?:us|our)|view (?:comments|original)|skip to"
    r"|點擊|订阅|訂閱|延伸閱讀|延伸阅读|閱讀原文|阅读原文|閱讀全文|阅读全文|责任编辑|責任編輯"
    r"|圖片來源|图片来源|圖／|（圖|首圖|题图|版權所有|版权所有|轉載|转载|微信公众号|公眾號|公众号"
    r"|本文来自|本文來自|原文鏈接|原文链接|原文連結|加入.{0,6}(?:粉絲|LINE|好友)|追蹤我們|关注我们"
    r"|編譯[：/]|编译[：/]|作者[：|]|文[／|/]|記者.{1,8}報導$|更多.{0,6}(?:新聞|报道|報導)",
    re.IGNORECASE,
)
#: What is said to a machine that reads, and never to people.
_TO_THE_MACHINE = re.compile(
    r"(?:ignore|disregard|forget|override)\W+(?:(?:all|any|the|your|these|those|my|every)\W+)*"
    r"(?:(?:of|previous|prior|above|preceding|earlier|foregoing|other|system)\W+)+"
    r"(?:the\W+|your\W+)?(?:instructions?|prompts?|directions|rules|guidelines|messages|text)"
    r"|you are (?:now )?(?:an? )?(?:chatgpt|ai (?:assistant|model)|language model|helpful)"
    r"|as an ai (?:language )?model|new instructions?:|\bassistant\s*:"
    r"|(?:note to|attention|dear)\W+(?:any |all |the )?(?:ai|llms?|language models?|editors?"
    r"|summari[sz]ers?|assistants?)\b"
    r"|(?:you|summary|summari[sz]er|model|assistant)\s+must\s+(?:\w+\s+){0,2}?"
    r"(?:write|say|state|output|link|respond|reply|mention)"
    r"|(?:write|say|output|respond with|reply with|include|mention)\s+(?:\w+\s+){0,3}?"
    r"in (?:your|the) (?:summary|answer|response|output)"
    r"|<\|?(?:im_start|im_end|system|endoftext)"
    r"|(?:忽略|無視|无视|忘記|忘记|不要理會|不要理会|跳過|推翻)(?:.{0,4})(?:以上|上述|上面|之前|先前"
    r"|前面|所有|原本|原有|系統|系统).{0,6}(?:指令|指示|提示詞|提示词|提示|命令|規則|规则|要求|設定|设定)"
    r"|你(?:現在|现在)?是(?:一個|一个|一名)?.{0,6}(?:語言模型|语言模型|助理|助手)"
    r"|[請请](?:務必|务必|直接|改為|改为|改成)?(?:在摘要|在回答|輸出|输出|回覆|回复|寫出|写出|寫道|写道)"
    r"|(?:各位|致)?(?:AI|人工智慧|人工智能|語言模型|语言模型)(?:模型|助理|助手|系統|系统|摘要器)?"
    r"(?:請|请)(?:務必|务必|直接|寫|写|輸出|输出|忽略|在)",
    re.IGNORECASE,
)
_WEB_ADDRESS = re.compile(r"https?://|www\.|\w@\w+\.\w", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[\](){}<>`|\\]")
_UNEND = re.compile(r"[.。!！?？;；…」』”\"）)]$")


def is_chinese(text: str) -> bool:
    """Whether a text is Chinese, foreign names and all: a character weighs as much as a word."""
    return len(_CJK.findall(text)) * 4 > len(re.findall("[A-Za-z]", text))


def language_of(article: Article) -> Language:
    """What an article is written in, told by its characters where nobody said."""
    if article.language:
        return article.language
    text = f"{article.title}\n{article.text[:2000]}"
    if not is_chinese(text):
        return "en"
    return "zh-Hans" if is_simplified(text) else "zh-Hant"


def is_simplified(text: str) -> bool:
    """Whether more characters are of the simplified kind than of the traditional."""
    characters = _CJK.findall(text[:4000])
    to_traditional, to_simplified = _converter("s2t"), _converter("t2s")
    joined = "".join(characters)
    simplified = sum(a != b for a, b in zip(joined, to_traditional(joined), strict=False))
    traditional = sum(a != b for a, b in zip(joined, to_simplified(joined), strict=False))
    return simplified > traditional


@cache
def _converter(name: str):
    from opencc import OpenCC  # loads its dictionaries: only where Chinese has to be told apart

    return OpenCC(name).convert


def in_script(text: str, language: Language, wanted: str) -> str:
    """A text in the script of the desk's readers.

    Simplified text is written in Traditional characters, one for one, and its words stay its own.
    (OpenCC's conversion of words makes 文件 an 檔案 and 发布 a 釋出, in a court's files and a
    company's notice alike: what is quoted would no longer be what was said, and nobody could find
    it in the article.)
    """
    if wanted == "zh-Hant" and language == "zh-Hans":
        return _converter("s2tw")(text)
    return text


def split_sentences(text: str) -> list[str]:
    """The sentences of one paragraph, in order; nothing of it is left out."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if "." in end[0] and _ends_nothing(text, start, end.end()):
            continue
        if end[0] == "；" and end.end() - start < _CLAUSE:
            continue
        if not end[0].startswith(("。", "！", "？", "；")) and not _may_end(text, end.end()):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _may_end(text: str, at: int) -> bool:
    """Whether a Western mark is followed by a blank, by the end, or by Chinese."""
    return at >= len(text) or text[at].isspace() or bool(_CJK.match(text[at]))


def _ends_nothing(text: str, start: int, end: int) -> bool:
    """Whether a full stop belongs to a word: an abbreviation, an initial, a list's number."""
    # A few words on either side: whole sentences would make long lists of initials quadratic.
    piece = text[max(start, end - _NEAR) : end]
    following = text[end : end + _NEAR].lstrip()[:1]
    if word := _LAST_WORD.search(piece):
        name = word[2].lower()
        # `50 ms.` and `3 p.m.` are measures, and what follows them with a capital is new.
        is_initial = len(name) == 1 and word[2].isupper()
        is_short = not word[1] and (name in _ABBREVIATIONS or is_initial)
        return is_short or following.islower()
    return bool(re.search(r"(?:^|\s)\d{1,2}\.$", piece)) or following.islower()


class Sentence(str):
    """A sentence of an article; `level` says how deep in a list, `index` its place in the text.

    `leads` is true for a line that announces a list (`重點如下：`).
    """

    __slots__ = ("index", "is_item", "leads")
    index: int
    is_item: bool
    leads: bool

    def __new__(cls, text: str, index: int, *, is_item: bool = False, leads: bool = False):
        self = super().__new__(cls, text)
        self.index, self.is_item, self.leads = index, is_item, leads
        return self


def sentences_of(article: Article, limit: int = 60) -> list[Sentence]:
    """The sentences of an article that say something to readers, from its start, `limit` at most.

    Left out are headings, what feeds add to every article, what holds an address, what is no
    prose, and what speaks to the machine (`said_to_the_machine` has that).
    """
    found: list[Sentence] = []
    index = 0
    for line in article.text[: 4 * FIELD_LIMIT].split("\n"):
        is_item = bool(_BULLET.match(line))
        line = _BULLET.sub("", _without_dateline(line), count=1)
        for sentence in split_sentences(line):
            index += 1
            leads = sentence.endswith(("：", ":")) and 6 <= _width(sentence) <= 120
            if _says_something(sentence, is_item=is_item, leads=leads):
                found.append(Sentence(sentence, index, is_item=is_item, leads=leads))
                if len(found) >= limit:
                    return found
    return found


def said_to_the_machine(article: Article) -> list[str]:
    """The sentences of an article's title and text that speak to a machine, as they stand there."""
    lines = [article.title, *article.text[: 4 * FIELD_LIMIT].split("\n")]
    return [s for line in lines for s in split_sentences(line) if _TO_THE_MACHINE.search(s)]


def speaks_to_the_machine(text: str) -> bool:
    """Whether a text is addressed to whoever summarises it, and not to readers."""
    return bool(_TO_THE_MACHINE.search(text))


_DATELINE = re.compile(
    r"^(?:arXiv:\S+\s+Announce Type:\s*\S+\s*(?:Abstract:)?|Abstract:|摘要[：:]"
    r"|[A-Z][A-Z .,]{2,30}(?:\([A-Za-z]+\))?\s+[—–-]{1,2}\s+"
    r"|[（(〔【](?:中央社|記者|本報|綜合報導|编译|編譯)[^）)〕】]{0,30}[）)〕】]\s*"
    r"|(?:記者|本報記者)\S{2,8}[／/]\S{2,6}報導\s*"
    r"|(?:[\u4e00-\u9fff]{2,6})?\d{1,2}月\d{1,2}日(?:消息|电|電|訊|讯)[，,]\s*)"
)


def _without_dateline(line: str) -> str:
    return _DATELINE.sub("", line, count=1)


def _width(text: str) -> int:
    """Length with a Chinese character counted as two letters."""
    return len(text) + len(_CJK.findall(text))


def _says_something(sentence: str, *, is_item: bool, leads: bool) -> bool:
    width = _width(sentence)
    if not (10 if is_item or leads else 24) <= width <= 640:
        return False
    if _BOILERPLATE.search(sentence) or _WEB_ADDRESS.search(sentence):
        return False
    if _TO_THE_MACHINE.search(sentence):
        return False
    letters = sum(character.isalpha() for character in sentence)
    if letters * 2 < len(sentence) or len(_BRACKETS.findall(sentence)) > 12:
        return False
    # A line without a mark at its end is a heading, a caption or a menu.
    return is_item or leads or bool(_UNEND.search(sentence))

"""Plain text out of what feeds and pages hold, and the language it is in."""

from __future__ import annotations

import html
import re
from functools import cache

from digest.drafting.articles import Language
from digest.markup.characters import BIDI, INVISIBLE, without_controls

#: How much of an article is kept, in characters; what a field of a card may hold.
TEXT_LIMIT = 20_000
#: How long a title may be, in characters.
TITLE_LIMIT = 300
#: How much HTML of one article is read, in characters.
HTML_LIMIT = 400_000
#: How large a page may be to look for its article, in bytes and in elements. At these it takes
#: about a second.
PAGE_LIMIT = 2_000_000
ELEMENTS_LIMIT = 20_000

_BLOCKS = frozenset(
    str.split(
        "address article aside blockquote br caption dd details div dl dt fieldset figcaption "
        "figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary "
        "table tbody tfoot thead tr ul"
    )
)
_SILENT = frozenset(str.split("script style template head iframe object svg math noscript select"))
_INLINE = str.split(
    "a abbr acronym audio b bdi bdo big body button center cite code data del dfn em embed font "
    "html i img input ins kbd label link mark meta param picture q rp rt ruby s samp small source "
    "span strike strong sub sup time title track tt u var video wbr"
)
_NAMES = "|".join(sorted({*_BLOCKS, *_SILENT, *_INLINE, "td", "th"}))
# A `<` that opens no element one knows is a sign for less or a type in a program: it stays.
_TAG = rf"/?(?:{_NAMES})(?:[\s/][^<>]{{0,4000}}(?:\"[^\"<]{{0,4000}}\"[^<>]{{0,4000}})?)?>"
_LESS = re.compile(rf"<(?!{_TAG})", re.IGNORECASE)
_ANY_TAG = re.compile(rf"<{_TAG}", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_UNSEEN = re.compile(f"[{BIDI}{INVISIBLE}\u2028\u2029\ufffe\uffff]")


def plain(markup: str) -> str:
    """HTML as plain text, a line for each paragraph, item or row.

    Scripts and styles are left out, everything a reader would see stays. What was escaped twice, as
    many feeds do, is unescaped twice. The answer holds no control, direction-changing or unseen
    characters. It never raises.
    """
    text = _without_comments(without_controls(_beginning(markup)))
    for _ in range(3):
        if "<" in text and _ANY_TAG.search(text):
            text = _text_of(_LESS.sub("&lt;", text))
        elif _ENTITY.search(text):
            text = without_controls(html.unescape(text))
        else:
            break
    return tidy(text)


def tidy(text: str) -> str:
    """Plain text with single blanks, no empty lines and nothing unseen in it."""
    text = _UNSEEN.sub("", without_controls(text).replace("\u2028", "\n").replace("\u2029", "\n"))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """Plain text on one line; what is longer than `limit` characters ends in an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _beginning(markup: str) -> str:
    """As much as is read, without a tag that was cut in two."""
    if len(markup) <= HTML_LIMIT:
        return markup
    text = markup[:HTML_LIMIT]
    return text[: text.rfind("<")] if text.rfind("<") > text.rfind(">") else text


def _without_comments(text: str) -> str:
    if "<!--" not in text:
        return text
    pieces, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        pieces.append(text[position:start])
        position = end + 3
    return "".join([*pieces, text[position:]])


def _text_of(markup: str) -> str:
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(f"<html><body>{markup}</body></html>".encode(), parser)
    except (etree.LxmlError, ValueError):
        root = None
    # The parser leaves off below 2,048 elements within each other, and says so only there.
    if root is None or any("depth" in error.message for error in parser.error_log):
        return html.unescape(_ANY_TAG.sub(" ", markup))
    pieces: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        if name in _BLOCKS:
            pieces.append("\n")
        elif name in ("td", "th"):
            pieces.append(" ")
        if event == "start":
            silent += name in _SILENT
            if not silent and element.text:
                pieces.append(_on_one_line(element.text, name))
        else:
            silent -= name in _SILENT
            if not silent and element.tail:
                pieces.append(_on_one_line(element.tail, ""))
    return "".join(pieces)


def _on_one_line(text: str, name: str) -> str:
    # A line break in HTML is a blank; only `pre` draws it.
    return text if name == "pre" else re.sub(r"\s+", " ", text)


# --- languages -----------------------------------------------------------------------------------


@cache
def _characters() -> tuple[frozenset[str], frozenset[str]]:
    """The characters of Traditional Chinese only, and those of Simplified only.

    Big5 and GB 2312 each hold what was in everyday use on their side: what only one of them has
    tells the two apart, what both have (后, 里, 台) tells nothing.
    """

    def held(encoding: str) -> set[str]:
        pairs = (bytes((a, b)) for a in range(0xA1, 0xFF) for b in range(0x40, 0xFF))
        found = {pair.decode(encoding, "ignore") for pair in pairs}
        return {c for c in found if len(c) == 1 and "\u4e00" <= c <= "\u9fff"}

    traditional, simplified = held("big5"), held("gb2312")
    return frozenset(traditional - simplified), frozenset(simplified - traditional)


_HAN = re.compile("[\u4e00-\u9fff]")
_OTHER_ASIAN = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_ASCII_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
#: Words that few English sentences do without and that no neighbour's language shares.
_ENGLISH = frozenset(
    str.split(
        "the of and to is for that with this it its by from are was be at as an has have how what "
        "why will new can your you their they not or which more into than using over after we our"
    )
)


def language_of(text: str, hint: Language = "") -> Language:
    """What a text is written in, told by its characters; `hint` where they do not tell.

    Traditional and Simplified Chinese are counted by the characters only one of them has. What is
    mostly kana, hangul or another script is none of ours, whatever the hint.
    """
    sample = text[:4000]
    letters = len(_LETTER.findall(sample))
    if not letters:
        return hint
    chinese = len(_HAN.findall(sample))
    if len(_OTHER_ASIAN.findall(sample)) > max(2, chinese // 10):
        return ""
    words = _ASCII_WORD.findall(sample)
    # A Chinese character says about as much as half an English word.
    if chinese and chinese >= len(words) / 2:
        traditional, simplified = _characters()
        more = sum(c in traditional for c in sample) - sum(c in simplified for c in sample)
        if more:
            return "zh-Hant" if more > 0 else "zh-Hans"
        return hint if hint != "en" else ""
    if sum(map(len, words)) < 0.9 * (letters - chinese):
        return "" if hint != "en" else hint
    common = sum(word.lower() in _ENGLISH for word in words)
    if len(words) >= 20:
        return "en" if common >= len(words) / 20 else ""
    return "en" if common or not hint else hint


# --- pages ---------------------------------------------------------------------------------------


def full_text(page: bytes, url: str) -> str:
    """The article of a web page as plain text; empty where there is none to be found.

    For feeds that give only the beginning. Pages above `PAGE_LIMIT` bytes or `ELEMENTS_LIMIT`
    elements are not looked at, so that none takes long. It never raises.
    """
    if not page.strip() or len(page) > PAGE_LIMIT:
        return ""
    import trafilatura  # half a second to load
    from trafilatura.utils import load_html

    try:
        tree = load_html(page)
        if tree is None or sum(1 for _ in tree.iter()) > ELEMENTS_LIMIT:
            return ""
        found = trafilatura.extract(
            tree,
            url=url,
            output_format="txt",
            include_comments=False,
            include_tables=False,
            deduplicate=False,  # it remembers pages, and the same page would end empty
            with_metadata=False,
        )
    except Exception:  # a parser met a page nobody had thought of
        return ""
    return tidy(found or "")[:TEXT_LIMIT]

"""Feeds as the world serves them, made into XML that a parser reads: in the right characters, well
formed, and without what is only there to keep a parser busy.

feedparser mends by itself, with a parser in Python that takes minutes for hostile input. What comes
to it from here is well formed, and it never needs that.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from xml.parsers import expat

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from digest.markup.characters import CONTROLS

#: How many elements a feed may hold. feedparser takes 20 µs for each; the largest feed one meets
#: has a fifth of them.
ELEMENTS_LIMIT = 300_000

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Encodings by the names they are called → the larger ones that are meant.
_LARGER = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936"), "gb18030"),
    **dict.fromkeys(("big5", "big5-tw", "csbig5", "x-x-big5"), "cp950"),
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"), "cp1252"),
}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,1000}\?>")
#: Prefixes that feeds use without saying what they stand for.
_PREFIXES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def decode(data: bytes, content_type: str = "") -> tuple[str, str]:
    """The text of bytes, and a sentence on what could not be read; empty if all could.

    A byte order mark decides; then whether the bytes are UTF-8, whatever they are said to be, as
    nothing else looks like it by chance; then what HTTP and the document itself declare.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], encoding)
    text, read = codecs.utf_8_decode(data, "ignore", False)
    if read >= len(data) - 3 and (whole := _strict(data[:read], "utf-8")) is not None:
        return whole, ""
    declared = []
    if found := re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", content_type, re.IGNORECASE):
        declared.append(found[1].lower())
    if found := _DECLARED.search(data[:1000]):
        declared.append(found[1].decode("ascii").lower())
    for name in declared:
        if name not in ("utf-8", "utf8") and (
            (whole := _strict(data, _LARGER.get(name, name))) is not None
        ):
            return whole, ""
    last = next((name for name in declared if _is_known(name)), "utf-8")
    return _lenient(data, _LARGER.get(last, last))


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _is_known(encoding: str) -> bool:
    """Whether text can be read by it; Python calls some things encodings that are none."""
    try:
        b"a".decode(_LARGER.get(encoding, encoding), "replace")
    except (UnicodeError, LookupError):
        return False
    return True


def _lenient(data: bytes, encoding: str) -> tuple[str, str]:
    if (whole := _strict(data, encoding)) is not None:
        return whole, ""
    text = data.decode(encoding, "replace")
    count = text.count("\ufffd")
    values = {"encoding": encoding, "mark": "\ufffd", "count": f"{count:,}"}
    said = _("characters that are no %(encoding)s stand as %(mark)s (%(count)s of them)")
    return text, said % values


def well_formed(text: str) -> tuple[bytes, str]:
    """A document as well-formed XML in UTF-8, and a sentence on what had to be mended; empty if
    nothing had. The answer is empty where nothing could be made of it.
    """
    text = _DECLARATION.sub("", CONTROLS.sub("", text.replace("\ufeff", "")).lstrip())
    text, has_entities = _without_document_type(text)
    said = [_("it declares entities of its own, which are not read")] if has_entities else []
    data = text.encode()
    fault, count = _look_through(data)
    if fault:
        said.append(_("it is not well-formed XML (%(fault)s) and was mended") % {"fault": fault})
        data = _mended(text)
        fault, count = _look_through(data)
    if fault:
        return b"", _("it is no XML that can be read or mended")
    if count > ELEMENTS_LIMIT:
        return b"", _("it holds more than %(limit)s elements") % {"limit": f"{ELEMENTS_LIMIT:,}"}
    return data, pgettext("between sentences", "; ").join(said)


def _without_document_type(text: str) -> tuple[str, bool]:
    """Without DOCTYPE: no feed needs one, and its entities can be made to fill any memory."""
    start = re.search(r"<[\w:]", text)
    head = text[: start.start() if start else len(text)]
    found = head.upper().find("<!DOCTYPE")
    if found < 0:
        return text, False
    # With declarations inside of it, it ends at "]>", else at the first ">".
    inside = text[found:].find("[")
    simple = text[found:].find(">")
    end = simple
    if 0 <= inside < simple or simple < 0:
        closing = re.search(r"\]\s*>", text[found:])
        end = closing.end() - 1 if closing else simple
    declared = text[found : found + end + 1]
    return text[:found] + text[found + end + 1 :], "<!ENTITY" in declared.upper()


def _look_through(data: bytes, with_prefixes: bool = True) -> tuple[str, int]:
    """Why it is no well-formed XML, empty if it is; and how many elements it has."""
    count = 0

    def count_one(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1

    parser = expat.ParserCreate(namespace_separator=" " if with_prefixes else None)
    parser.StartElementHandler = count_one
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        values = {"fault": expat.ErrorString(error.code), "line": error.lineno}
        return _("%(fault)s in line %(line)d") % values, count
    return "", count


def _is_broken(entry: str) -> bool:
    # Its prefixes are declared outside of it.
    return bool(_look_through(entry.encode(), with_prefixes=False)[0])


def _mended(text: str) -> bytes:
    from lxml import etree

    def recovered(piece: str) -> str:
        parser = etree.XMLParser(
            recover=True, huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False
        )
        try:
            root = etree.fromstring(piece.encode(), parser)
            return "" if root is None else etree.tostring(root, encoding="unicode")
        except (etree.LxmlError, ValueError):
            return ""

    # Entry by entry, so that a tag left open in one does not swallow those after it.
    pieces = [
        (recovered(piece) or piece) if is_entry and _is_broken(piece) else piece
        for piece, is_entry in _entries("".join(_with_references(text)))
    ]
    return recovered(_with_prefixes("".join(pieces))).encode()


def _entries(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and which of them are entries."""
    position = 0
    for start in re.finditer(r"<(item|entry)(?=[\s>])", text):
        if start.start() < position:
            continue
        closing = f"</{start[1]}>"
        end = text.find(closing, start.end())
        if end < 0:
            break
        yield text[position : start.start()], False
        position = end + len(closing)
        yield text[start.start() : position], True
    yield text[position:], False


def _with_references(text: str) -> Iterator[str]:
    """The text in pieces, only with references that XML knows; CDATA holds none and stays."""
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        yield _referenced(text[position:start])
        yield text[start : end + 3]
        position = end + 3
    yield _referenced(text[position:])


# A `<` that opens nothing a parser would know.
_LESS = re.compile(r"<(?!/?[A-Za-z_][A-Za-z0-9_.:-]*[ \t\r\n/>]|!--|!\[CDATA\[|\?[A-Za-z_])")
_REFERENCE = re.compile(r"&(?:#(\d{1,7});|#[xX]([0-9a-fA-F]{1,6});|(\w{1,32});)?")


def _referenced(text: str) -> str:
    """`&nbsp;` as the number of its character, `&` and `<` alone as references to themselves."""

    def known(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            code = int(found[1]) if found[1] else int(found[2], 16)
            is_character = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0x110000
            return found[0] if is_character and code not in (0xFFFE, 0xFFFF) else ""
        if found[3] in ("amp", "lt", "gt", "quot", "apos"):
            return found[0]
        if found[3] and (character := html.unescape(found[0])) != found[0]:
            return "".join(f"&#{ord(c)};" for c in character)
        return "&amp;" + found[0][1:]

    return _LESS.sub("&lt;", _REFERENCE.sub(known, text))


def _with_prefixes(text: str) -> str:
    """With every prefix declared at the root that is used and nowhere declared."""
    used = set(re.findall(r"</?([A-Za-z_][\w.-]*):", text))
    used |= set(re.findall(r"\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*[\"']", text))
    declared = set(re.findall(r"\sxmlns:([\w.-]+)\s*=", text)) | {"xml", "xmlns"}
    missing = sorted(used - declared)[:100]
    names = "".join(
        f' xmlns:{prefix}="{_PREFIXES.get(prefix, "urn:undeclared:" + prefix)}"'
        for prefix in missing
    )
    return re.sub(r"<[A-Za-z_][\w.:-]*", lambda m: m[0] + names, text, count=1) if names else text

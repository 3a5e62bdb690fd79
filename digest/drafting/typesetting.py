"""Other people's words, set so that they are nothing but words in an issue.

What stands in an article may look like markup, like a Hugo shortcode or like a label of a card.
`prose` sets it as Markdown that every reader of Markdown shows as the very text; `bare` is for
lines that pages show as they are and Hugo reads as Markdown (headlines, names, titles of links):
there no backslash may stand, and what would be markup becomes its full-width form.
"""

from __future__ import annotations

import html
import re

# Controls, lone surrogates, and what turns the direction of text or shows nothing.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2069\ufeff\u00ad\ufff9-\uffff]"
)
_TAG = re.compile(
    r"<(?:/?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?|!--.{0,500}?--|![A-Za-z][^<>]*)>", re.DOTALL
)
_BREAKING = re.compile(r"</?(?:p|br|li|div|h[1-6]|ul|ol|tr|blockquote)\b[^<>]*>", re.IGNORECASE)

_ENTITY = re.compile(r"&(?=#?[0-9A-Za-z]+;)")
_LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ADDRESS = re.compile(r"(?<=\w)@(?=\w)")
_WEB = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
# A tag, a comment, an instruction or an autolink begins like this, and after a brace a shortcode.
_ANGLE = re.compile(r"<(?=[A-Za-z/!?$])|(?<=\{)<")
_PERCENT = re.compile(r"(?<=\{)%")
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)", re.ASCII)

#: What is markup in a line and has no backslash there, with what looks most like it.
_WIDE = {
    "*": "＊", "[": "［", "]": "］", "`": "'", "\\": "＼", "|": "｜",
}  # fmt: skip
#: More parentheses in a line than this are nobody's, and past fifty a preview shows plain text.
_PARENTHESES = 20
_WIDE_TABLE = str.maketrans(_WIDE)


def clean(text: str) -> str:
    """Text of a feed or a page without tags, entities and unseen characters; lines are kept.

    Feeds escape twice at times, so that tags come to light only with the entities undone.
    """
    for _ in range(3):
        undone = html.unescape(text)
        if undone == text:
            break
        text = undone
    if "<" in text:
        text = _TAG.sub("", _BREAKING.sub("\n", text))
    text = _UNSEEN.sub("", text.replace("\r\n", "\n"))
    lines = (" ".join(line.split()) for line in re.split("[\n\r\v\f\x85\u2028\u2029]", text))
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str) -> str:
    """`clean` for what is a single line."""
    return " ".join(clean(text).split())


def prose(text: str) -> str:
    """A line of text as Markdown that shows this very text, wherever in a card it stands.

    It is no heading, list, rule, quotation, label, table or definition, holds no link and no
    shortcode, and may follow a label's line or a bullet.
    """
    text = one_line(text)
    text = text.replace("\\", "\\\\")
    text = re.sub(r"[*`\[]|(?<=\])\(", r"\\\g<0>", text)
    text = _ENTITY.sub("&amp;", text)
    text = _LONE_UNDERSCORE.sub(r"\\_", text)
    text = _ANGLE.sub(r"\\<", text)
    text = _PERCENT.sub(r"\\%", text)
    text = _ADDRESS.sub(r"\\@", text)
    text = _WEB.sub(r"\\\g<0>", text)
    if text.count("~") > 1:
        text = text.replace("~", "\\~")
    if text[:1] in tuple("#>-+=:|~"):
        text = f"\\{text}"
    return _NUMBER.sub(r"\1\\\2", text, count=1) if _NUMBER.match(text) else text


def bare(text: str, limit: int = 0) -> str:
    """A line without any markup or escape, at most `limit` characters long (0 is no limit)."""
    text = one_line(text).translate(_WIDE_TABLE)
    if text.count("(") > _PARENTHESES:
        text = text.translate({ord("("): "（", ord(")"): "）"})
    text = _ENTITY.sub("＆", text)
    text = _LONE_UNDERSCORE.sub("＿", text)
    text = re.sub(r"<(?=[A-Za-z/!?$])|(?<=\{)<", "＜", text)
    text = _PERCENT.sub("％", text)
    text = _ADDRESS.sub("＠", text)
    text = _WEB.sub(lambda found: {":": "：", ".": "．"}[found[0]], text)
    if text.count("~") > 1:
        text = text.replace("~", "～")
    return shortened(text, limit) if limit else text


def shortened(text: str, limit: int) -> str:
    """A line of at most `limit` characters, cut at a word or a clause, with … where it was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    # Back to the last place where a reader would pause, if that costs less than a third.
    for pause in (r"[。！？；，、：,;:]", r"\s"):
        found = list(re.finditer(pause, head))
        if found and found[-1].start() >= limit * 2 // 3:
            head = head[: found[-1].start()]
            break
    return head.rstrip(" ，、：；,;:-–—") + "…"


def bullets(items: list[tuple[int, str]]) -> str:
    """A list in Markdown: each item with its level, from 0, and its text as `prose` has it."""
    return "\n".join(f"{'  ' * level}- {text}" for level, text in items)

"""Traps: what Hugo's readers would see otherwise than the preview shows it."""

from __future__ import annotations

import re
import string
import unicodedata

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.markup.asterisks import flanking_here, flanking_in_commonmark, pair_asterisks
from digest.markup.characters import BIDI, INVISIBLE, without_controls
from digest.markup.guard import Refused
from digest.markup.layout import FENCE, lay_out
from digest.markup.links import decode, link_target


def warnings(text: str) -> list[str]:
    """Sentences for the preview: what readers would see otherwise than it is shown here.

    The published file is drawn by Hugo, which reads CommonMark. Each sentence names the piece
    and what to do about it, in the language of whoever looks.
    """
    text = without_controls(text)
    try:
        lay_out(text)
    except Refused as refusal:
        return [str(refusal)]
    masked = _mask(text)
    found = [
        sentence % {"piece": _piece(text, match.start(), match.end())}
        for pattern, sentence in _TRAPS
        for match in pattern.finditer(masked)
    ]
    found += _refused_links(text, masked)
    found += _hidden_characters(text)
    for start, end in _split(masked):
        found += _emphasis_traps(text[start:end], masked[start:end])
    return list(dict.fromkeys(found))


_TRAPS: tuple[tuple[re.Pattern[str], Promise], ...] = (
    (
        re.compile(r"</?[A-Za-z](?![\w.+-]*:|[^\s<>]*@)[^<>]*>|<!--|<[?!][A-Za-z\[]"),
        gettext_lazy(
            "%(piece)s is shown as text here, but Hugo drops it: write \\< for the < at its start."
        ),
    ),
    (
        re.compile(r"(?<!~)~~(?=[^\s~])[^\n]*?(?<=[^\s~])~~(?!~)"),
        gettext_lazy(
            "%(piece)s is struck through by Hugo and keeps its tildes here: "
            "write \\~ for a tilde, or leave them out."
        ),
    ),
    (
        re.compile(r"^ {0,3}\[[^\]\n]+\]:[^\n]*$", re.MULTILINE),
        gettext_lazy(
            "%(piece)s is not shown, and in the published file it reaches into every other card: "
            "write the link where it belongs, as [text](address)."
        ),
    ),
    (
        re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)"),
        gettext_lazy(
            "%(piece)s is a picture: here its description stands for it, "
            "but readers of the published file would load it from its host. Make it a link."
        ),
    ),
)

_LINK = re.compile(
    r"(?<=\]\()[^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?=[)\s])|(?<=<)[a-z]+://[^<>\s]*(?=>)"
)
# An escape, a code span or a stray run of backticks, whichever comes first. What is masked by a
# dot was punctuation, what is masked by x stays between two backticks.
_ESCAPE_OR_CODE = re.compile(
    rf"\\[{re.escape(string.punctuation)}]|(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)|`+",
    re.DOTALL,
)


def _piece(text: str, start: int, end: int) -> str:
    piece = " ".join(text[start:end].split())
    return piece if len(piece) <= 60 else f"{piece[:59]}…"


def _mask(text: str) -> str:
    """`text` at its length, with nothing in code, escapes and addresses that could be markup."""
    lines, closing = [], None
    for line in text.split("\n"):
        fence = FENCE.match(line)
        if closing is None and fence:
            closing = re.compile(rf" *{fence[1][0]}{{{len(fence[1])},}} *$")
            line = " " * len(line)
        elif closing is not None:
            closing = None if closing.match(line) else closing
            line = " " * len(line)
        lines.append(line)
    blocks = re.split(r"(\n[ \t]*\n)", "\n".join(lines))
    return _LINK.sub(
        lambda link: re.sub("[*~!<]", "x", link[0]),
        "".join(_ESCAPE_OR_CODE.sub(_mask_match, block) for block in blocks),
    )


def _mask_match(match: re.Match[str]) -> str:
    if match["code"] is None:
        return "." * len(match[0]) if match[0][0] == "\\" else match[0]
    return match["ticks"] + re.sub(r"\S", "x", match["code"]) + match["ticks"]


def _split(masked: str) -> list[tuple[int, int]]:
    """The stretches emphasis cannot cross: paragraphs, items, headings, rows."""
    border = re.compile(r"\n(?=[ \t]*(?:\n|[-+*] |[0-9]{1,9}[.)] |#{1,6} |>|\|))")
    starts = [0, *(match.end() for match in border.finditer(masked))]
    return list(zip(starts, [*starts[1:], len(masked)], strict=True))


def _refused_links(text: str, masked: str) -> list[str]:
    return [
        _(
            "The link %(piece)s is left out and its words stay: a link starts "
            "with https://, http:// or mailto: and names a host or an address."
        )
        % {"piece": _piece(text, *match.span())}
        for match in _LINK.finditer(masked)
        if not link_target(decode(text[slice(*match.span())]))
    ]


def _hidden_characters(text: str) -> list[str]:
    found = dict.fromkeys(re.findall(f"[{BIDI}{INVISIBLE}]", decode(text)))
    return [
        _(
            "There is a hidden character (%(code)s, %(name)s): it can make text read otherwise "
            "than it is. Delete it unless it is meant."
        )
        % {"code": f"U+{ord(c):04X}", "name": unicodedata.name(c)}
        for c in found
    ]


def _emphasis_traps(text: str, masked: str) -> list[str]:
    here = pair_asterisks(masked, flanking_here)
    there = pair_asterisks(masked, flanking_in_commonmark)
    if not here.even:
        # Python-Markdown goes by rules of its own then. One lone run is an asterisk everywhere.
        lone = len(re.findall(r"\*+(?=\S)|(?<=[^\s*])\*+", masked)) == 1
        piece = _piece(text, masked.find("*"), masked.rfind("*") + 1)
        return [] if lone else [_UNEVEN % {"piece": piece}]
    found = []
    for start, end, stars in sorted(here.pairs - there.pairs):
        piece = _piece(text, start - stars, end + stars + 1)
        mended = _mended(text[start:end], stars)
        found.append(_NOT_IN_HUGO[stars, bool(mended)] % {"piece": piece, "mended": mended})
    return found


_EDGE = r"[^\w`\[\]()*\\]*"


def _mended(inner: str, stars: int) -> str:
    """The piece with its punctuation outside, or "" where that is none or markup itself."""
    head, body, tail = re.fullmatch(rf"({_EDGE})(.*?)({_EDGE})", inner, re.DOTALL).groups()
    if not body or not (head or tail):
        return ""
    mended = f"{head}{'*' * stars}{body}{'*' * stars}{tail}"
    return _piece(mended, 0, len(mended))


_UNEVEN = gettext_lazy(
    "The asterisks in %(piece)s do not pair up, and Hugo may draw them otherwise: "
    "complete the pair, or write \\* for an asterisk that is meant."
)
#: By the number of asterisks on each side, and whether there is an example to give.
_NOT_IN_HUGO: dict[tuple[int, bool], Promise] = {
    (1, True): gettext_lazy(
        "%(piece)s is italic here and not in Hugo, where asterisks between punctuation and a word "
        "do not count: write %(mended)s or put a blank beside the asterisks."
    ),
    (1, False): gettext_lazy(
        "%(piece)s is italic here and not in Hugo, where asterisks between punctuation and a word "
        "do not count: put a blank beside the asterisks."
    ),
    (2, True): gettext_lazy(
        "%(piece)s is bold here and not in Hugo, where asterisks between punctuation and a word "
        "do not count: write %(mended)s or put a blank beside the asterisks."
    ),
    (2, False): gettext_lazy(
        "%(piece)s is bold here and not in Hugo, where asterisks between punctuation and a word "
        "do not count: put a blank beside the asterisks."
    ),
}

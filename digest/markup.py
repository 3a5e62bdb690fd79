"""Markdown that people and machines wrote, made into HTML that may stand in a page.

`to_html` is the only door from text to markup and holds the project's only `mark_safe`. Text goes
through four stations: a guard (what would make Python-Markdown slow is shown as plain text), a
layout (lists stand where Python-Markdown finds them), Python-Markdown itself, and two cleaners
with one allow-list, bleach and then nh3, whose parsers share no code.

Two promises hold for every input. Nothing but the elements, attributes and links of the tables
below comes out. And people's words are not lost: raw HTML is shown as the text it is instead of
being stripped, a refused link leaves its words, an image its description.
"""

from __future__ import annotations

import html
import logging
import re
import string
import threading
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe

# bleach, markdown and nh3 are imported where they are used: 155 ms that a command or a worker
# which renders nothing should not wait for.

logger = logging.getLogger(__name__)

# --- The allow-list -----------------------------------------------------------------------------

#: Headings start at h4: h1 to h3 are the issue, its sections and its cards, and belong to the page.
TOP_HEADING = 4

TAGS = frozenset(
    ("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a")
    + ("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
)
#: `title` is ours (where the link leads), never the writer's. nh3 adds `rel` to every link.
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
REL = "noopener nofollow"

# --- Limits, in characters where nothing else is said -------------------------------------------

# Python-Markdown is quadratic on hostile text; benign text of ten times the sample's longest
# field stays well within these.
TEXT_LIMIT = 20_000
BLOCK_LIMIT = 4_000
BLOCK_LINES_LIMIT = 500
BLOCKS_LIMIT = 2_000
MARKERS_LIMIT = 3_000
BRACKET_LIMIT = 50
BACKTICK_LIMIT = 500
NESTING_LIMIT = 32
URL_LIMIT = 2_000

# C0 and C1 controls but tab and line feed, and lone surrogates. STX and ETX among them are
# Python-Markdown's own placeholders; a surrogate stops nh3.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NEW_LINES = re.compile("\r\n?")
# Characters that turn the direction of text or show nothing: how one thing is made to look like
# another. In links they are refused, in text the preview points them out.
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u200b\u2060\ufeff\u00ad"
_UNFIT_FOR_LINKS = re.compile(rf"[\s\x00-\x20\x7f-\x9f\\<>\"`{_BIDI}{_INVISIBLE}\u200c\u200d]")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class _Refused(Exception):
    """Text that is not given to Python-Markdown; says why."""


# --- Text to HTML -------------------------------------------------------------------------------


def to_html(text: str) -> SafeString:
    """`text`, which is Markdown from anybody at all, as HTML that is safe in any page.

    Text past the limits above is not formatted: it comes back escaped, in paragraphs, complete.
    The result is kept by content, so a card is rendered once and not once per reader.
    """
    text = _CONTROLS.sub("", _NEW_LINES.sub("\n", text))
    # Oversized text is cheap to escape and dear to keep.
    return _to_html(text) if len(text) <= TEXT_LIMIT else _to_html.__wrapped__(text)


@lru_cache(maxsize=2048)
def _to_html(text: str) -> SafeString:
    try:
        dirty = _clean_with_bleach(_run_markdown(_lay_out(text)))
    except _Refused:
        dirty = _escape(text)
    except Exception:
        # A fault in Python-Markdown or bleach (deep recursion is the known one) must not take
        # down a page on which other people's cards stand. Its instance may be left half-way
        # through a list, so the thread gets a new one.
        logger.exception("Markdown could not be rendered and is shown as plain text")
        vars(_mine).clear()
        dirty = _escape(text)
    return mark_safe(_clean_with_nh3(dirty))  # noqa: S308  the one place; see the module's promise


def _escape(text: str) -> str:
    """Every character of `text` in view, in paragraphs with their line breaks."""
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.strip("\n"))
    return "\n".join(
        f"<p>{html.escape(p, quote=False)}</p>".replace("\n", "<br>\n") for p in paragraphs if p
    )


# Building Markdown and bleach takes longer than using them, and neither may be shared by threads.
_mine = threading.local()


def _run_markdown(text: str) -> str:
    if not hasattr(_mine, "markdown"):
        _mine.markdown = _build_markdown()
    return _mine.markdown.reset().convert(text)


def _build_markdown() -> Any:
    from markdown import Markdown

    md = Markdown(extensions=["tables", "fenced_code", "sane_lists"], tab_length=2)
    # Without these two, raw HTML is ordinary text and gets escaped like all text.
    md.preprocessors.deregister("html_block")
    md.inlinePatterns.deregister("html")
    # As in CommonMark: `\<` is how an editor keeps Hugo from dropping a tag.
    md.ESCAPED_CHARS = list(string.punctuation)
    # After "unescape" (0), the last step that still changes the value of an attribute.
    md.treeprocessors.register(SimpleNamespace(run=_tidy), "copydesk", -10)
    for name in ("olist", "ulist"):
        processor = md.parser.blockprocessors[name]
        for attribute in ("RE", "CHILD_RE", "INDENT_RE"):
            # \d takes full-width digits too, and CommonMark stops at nine.
            pattern = getattr(processor, attribute).pattern.replace(r"\d+", "[0-9]{1,9}")
            setattr(processor, attribute, re.compile(pattern))
    return md


def _tidy(root: Any) -> None:
    """Demote headings, leave an image's description, mark links or leave their words."""
    for element in root.iter():
        if re.fullmatch("h[1-6]", str(element.tag)):
            element.tag = f"h{max(int(element.tag[1]), TOP_HEADING)}"
        elif element.tag == "img":
            # The serializer writes an element without a tag as its content alone.
            element.tag, element.text = None, element.get("alt")
        elif element.tag == "a":
            _tidy_link(element)


def _tidy_link(link: Any) -> None:
    from markdown.util import AMP_SUBSTITUTE

    # What a browser will read: entities undone, also those Python-Markdown hides addresses with.
    href = _decode(link.get("href", "").replace(AMP_SUBSTITUTE, "&"))
    link.attrib.clear()
    if target := link_target(href):
        # The serializer keeps what looks like an entity; here nothing is one any more.
        link.set("href", href.replace("&", "&amp;"))
        link.set("title", target)
    else:
        link.tag = None


def _decode(value: str) -> str:
    """`value` without entities, by CommonMark's rule: `&lt;` is one, a query's `&lt=` is not."""
    return re.sub(r"&#?[0-9A-Za-z]+;", lambda entity: html.unescape(entity[0]), value)


def link_target(href: str) -> str:
    """Where a link leads — a host in ASCII, or a mail address — or "" for a link we do not make.

    Links are absolute http(s) with a host or a plain mailto. No user names, backslashes, control
    or direction characters: they are how a link shows one host and opens another.
    """
    if len(href) > URL_LIMIT or _UNFIT_FOR_LINKS.search(href):
        return ""
    scheme, _, rest = href.partition(":")
    if scheme.lower() == "mailto":
        return rest if _PLAIN_ADDRESS.fullmatch(rest) else ""
    if scheme.lower() not in SCHEMES or not rest.startswith("//"):
        return ""
    try:
        parts = urlsplit(href)
        _ = parts.port  # raises where it is no number
        # A host of look-alike letters is named in the letters the network uses.
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else host


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Whether an attribute may stand, its value being what a browser would read."""
    if (tag, name) == ("a", "rel"):
        return value == REL  # nh3 asks about the one it has just added itself
    if name not in ATTRIBUTES.get(tag, ()):
        return False
    if name == "href":
        return bool(link_target(value))
    if name == "start":
        return bool(re.fullmatch("[0-9]{1,9}", value))
    return True


def _clean_with_bleach(dirty: str) -> str:
    if not hasattr(_mine, "bleach"):
        from bleach.sanitizer import Cleaner

        # bleach hands over attributes as written, with entities in them.
        allow = lambda tag, name, value: _is_allowed(tag, name, _decode(value))  # noqa: E731
        _mine.bleach = Cleaner(
            tags=TAGS,
            attributes=dict.fromkeys(ATTRIBUTES, allow),
            protocols=SCHEMES,
            strip=False,
            strip_comments=False,
        )
    return _mine.bleach.clean(dirty)


def _clean_with_nh3(dirty: str) -> str:
    import nh3

    clean = nh3.clean(
        dirty,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=lambda tag, name, value: value if _is_allowed(tag, name, value) else None,
        url_schemes=set(SCHEMES),
        link_rel=REL,
    )
    # `&#2;` is text until here and a control character from here on.
    return _CONTROLS.sub("", clean)


# --- Layout -------------------------------------------------------------------------------------

# CommonMark (Hugo, the editor's habit) and Python-Markdown disagree on where a list may begin and
# how deep its lines stand. Lines are read by CommonMark's rules and written the way
# Python-Markdown, with tab_length=2, draws the same. Only the way to HTML does this: stored text
# stays as it came.

_QUOTE = re.compile(r" {0,3}>")
_RULE = re.compile(r" {0,3}([-_*])(?:[ \t]*\1){2,}[ \t]*$")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_ITEM = re.compile(
    r"(?P<marker>[-+*]|(?P<number>[0-9]{1,9})[.)])(?:(?P<gap> +)(?=\S)|(?P<empty> *$))"
)
_MARKER = re.compile(r">|[-+*](?= )|[0-9]{1,9}[.)](?= )")
_MARKERS = re.compile(rf"(?: *(?:{_MARKER.pattern}))+")


def _indent(line: str) -> int:
    """Blanks at the start. A full-width blank is a Chinese paragraph's indent and no markup."""
    return len(line) - len(line.lstrip(" "))


def _count_markers(line: str) -> int:
    """How many items and quotations a line opens at its start."""
    markers = _MARKERS.match(line)
    # One character more, as a marker is told by the blank after it.
    return len(_MARKER.findall(line[: markers.end() + 1])) if markers else 0


class _Level(NamedTuple):
    """An open list: the column its items' text starts in, and whether it is numbered."""

    column: int
    numbered: bool


def _open_brackets(block: str, opening: str, closing: str) -> int:
    """How many brackets stand open at once. For each, Python-Markdown reads on to its end."""
    deepest = depth = 0
    for bracket in re.findall(rf"[\{opening}\{closing}]", block):
        depth = depth + 1 if bracket == opening else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


_BLOCK_GUARDS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (
        lambda block: len(block) > BLOCK_LIMIT,
        f"a block without a blank line is longer than {BLOCK_LIMIT:,} characters",
    ),
    (
        lambda block: block.count("\n") >= BLOCK_LINES_LIMIT,
        f"a block without a blank line has more than {BLOCK_LINES_LIMIT} lines",
    ),
    (
        lambda block: _open_brackets(block, "[", "]") > BRACKET_LIMIT,
        f"more than {BRACKET_LIMIT} square brackets are open at once",
    ),
    (
        lambda block: _open_brackets(block, "(", ")") > BRACKET_LIMIT,
        f"more than {BRACKET_LIMIT} parentheses are open at once",
    ),
    (
        lambda block: len(re.findall("`+", block)) > BACKTICK_LIMIT,
        f"a block without a blank line has more than {BACKTICK_LIMIT} backticks",
    ),
)


def _lay_out(text: str) -> str:
    """Markdown for Python-Markdown. Raises `_Refused` where that would be slow."""
    if len(text) > TEXT_LIMIT:
        raise _Refused(f"the text is longer than {TEXT_LIMIT:,} characters")
    blocks = re.findall(r"[^\n]+(?:\n(?![ \t]*\n)[^\n]+)*", text)
    if len(blocks) > BLOCKS_LIMIT:
        raise _Refused(f"the text has more than {BLOCKS_LIMIT:,} blocks")
    if sum(map(_count_markers, text.split("\n"))) > MARKERS_LIMIT:
        raise _Refused(f"the text has more than {MARKERS_LIMIT:,} items and quotation marks")
    for block in blocks:
        for exceeds, reason in _BLOCK_GUARDS:
            if exceeds(block):
                raise _Refused(reason)
    return "\n".join(_Layout().lay([line.expandtabs(4) for line in text.split("\n")]))


class _Layout:
    """Reads the lines of one container: the text itself, or the inside of a quotation."""

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self.lines: list[str] = []
        self.levels: list[_Level] = []
        self.text_open = False  # the line before is a paragraph's and this one may continue it
        self.block_has_item = False  # a list began since the last blank line

    def lay(self, lines: list[str]) -> list[str]:
        """The lines, laid out."""
        waiting = list(reversed(lines))
        while waiting:
            line = waiting.pop()
            indent = _indent(line)
            column = self.levels[-1].column if self.levels else 0
            inside = line[column:] if indent >= column else line
            if not line.strip(" "):
                self._blank_line(again=True)
            elif _RULE.match(inside):
                self._lay_rule(line, indent)
            elif self._is_too_deep(line, indent):
                raise _Refused(f"lists and quotations stand more than {NESTING_LIMIT} deep")
            elif _QUOTE.match(line) and (indent < column or not column):
                waiting.append(line)
                self._lay_quote(waiting)
            elif fence := _FENCE.match(inside):
                self._close_levels(indent)
                self._lay_fence(fence, waiting, indent)
            elif not self._lay_item(line, indent):
                self._lay_text(line, indent)
        return self.lines

    def _blank_line(self, again: bool = False) -> None:
        if again or (self.lines and self.lines[-1]):
            self.lines.append("")
        self.text_open = self.block_has_item = False

    def _close_levels(self, indent: int) -> bool:
        """Leave the lists a line of this indentation is outside of; whether there were any."""
        before = len(self.levels)
        while self.levels and indent < self.levels[-1].column:
            self.levels.pop()
        return len(self.levels) < before

    def _is_too_deep(self, line: str, indent: int) -> bool:
        around = self.depth + sum(level.column <= indent for level in self.levels)
        return around + _count_markers(line) > NESTING_LIMIT

    def _write(self, line: str) -> None:
        self.lines.append("  " * len(self.levels) + line)

    def _lay_quote(self, waiting: list[str]) -> None:
        """All lines of a quotation that starts at the margin, as a text of its own."""
        inner = []
        while waiting and (mark := _QUOTE.match(waiting[-1])):
            inner.append(waiting.pop()[mark.end() :].removeprefix(" "))
        self.levels.clear()
        self._blank_line()
        layout = _Layout(self.depth + 1)
        self.lines += [f"> {line}" if line else ">" for line in layout.lay(inner)]
        self.text_open = layout.text_open
        if not self.text_open:
            self._blank_line()

    def _lay_fence(self, fence: re.Match[str], waiting: list[str], indent: int) -> None:
        """A fenced block without its language. Python-Markdown sees fences at the margin only."""
        mark = fence[1]
        closing = re.compile(rf" *{mark[0]}{{{len(mark)},}} *$")
        code = []
        column = self.levels[-1].column if self.levels else 0
        while waiting and not closing.match(waiting[-1]):
            line = waiting[-1]
            depth = _indent(line)
            if line.strip(" ") and depth < column:
                break  # the list ends here, and the block with it
            code.append(waiting.pop()[min(indent, depth) :])
        else:
            del waiting[-1:]
        self._blank_line()
        if self.levels or self.depth:
            for line in code:
                self._write(f"  {line}")
        else:
            self.lines += [mark, *code, mark]
        self._blank_line()

    def _lay_rule(self, line: str, indent: int) -> None:
        # Straight after a list Python-Markdown would make its last item a heading.
        if self._close_levels(indent) or self.block_has_item:
            self._blank_line()
        self._write(line.strip())
        self.text_open = False

    def _lay_item(self, line: str, indent: int) -> bool:
        """Write the line if it starts an item of a list."""
        item = _ITEM.match(line, indent)
        base = next((lv.column for lv in reversed(self.levels) if lv.column <= indent), 0)
        if not item or indent - base > 3:
            return False
        numbered = item["number"] is not None
        outer = [level for level in self.levels if level.column <= indent]
        left = self.levels[len(outer)] if len(outer) < len(self.levels) else None
        # Within a paragraph only `1.` and a bullet with text start a list, so that a line
        # which happens to begin with a year stays prose.
        if (
            self.text_open
            and not left
            and (item["number"] not in (None, "1") or item["gap"] is None)
        ):
            return False
        if (left and left.numbered != numbered) or (self.text_open and not self.block_has_item):
            self._blank_line()
        self.levels = outer
        # Not `-` or `*`: before an empty item or `---` they would make a heading or a rule.
        marker = f"{item['number']}." if numbered else "+"
        self._write(f"{marker} {line[item.end() :].lstrip(' ')}")
        while item:
            gap = len(item["gap"] or " ")
            self.levels.append(_Level(item.end("marker") + (gap if gap < 5 else 1), numbered))
            item = _ITEM.match(line, item.end()) if item["gap"] else None
            numbered = bool(item and item["number"])
        self.text_open = self.block_has_item = True
        return True

    def _lay_text(self, line: str, indent: int) -> None:
        heading = bool(_HEADING.match(line))
        if self.text_open and not heading:
            # It continues the paragraph wherever it stands. One that looks like an item keeps
            # the depth that makes it none.
            self.lines.append(
                line
                if _ITEM.match(line, indent)
                else f"{'  ' * len(self.levels)}{line.lstrip(' ')}"
            )
            return
        if self._close_levels(indent) and self.block_has_item:
            self._blank_line()
        deeper = indent - (self.levels[-1].column if self.levels else 0)
        code = deeper > 3
        self._write(" " * (deeper - 2) * code + line.lstrip(" "))
        self.text_open = not heading and not code


# --- Warnings -----------------------------------------------------------------------------------


def warnings(text: str) -> list[str]:
    """Sentences for the preview: what readers would see otherwise than it is shown here.

    The published file is drawn by Hugo, which reads CommonMark. Each sentence names the piece
    and what to do about it.
    """
    text = _CONTROLS.sub("", _NEW_LINES.sub("\n", text))
    try:
        _lay_out(text)
    except _Refused as refusal:
        return [f"This is shown as plain text: {refusal}. Shorten or divide it."]
    masked = _mask(text)
    found = [
        sentence.format(piece=_piece(text, match.start(), match.end()))
        for pattern, sentence in _TRAPS
        for match in pattern.finditer(masked)
    ]
    found += _refused_links(text, masked)
    found += _hidden_characters(text)
    for start, end in _split(masked):
        found += _emphasis_traps(text[start:end], masked[start:end])
    return list(dict.fromkeys(found))


_TRAPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"</?[A-Za-z](?![\w.+-]*:|[^\s<>]*@)[^<>]*>|<!--|<[?!][A-Za-z\[]"),
        "{piece} is shown as text here, but Hugo drops it: write \\< for the < at its start.",
    ),
    (
        re.compile(r"(?<!~)~~(?=[^\s~])[^\n]*?(?<=[^\s~])~~(?!~)"),
        "{piece} is struck through by Hugo and keeps its tildes here: "
        "write \\~ for a tilde, or leave them out.",
    ),
    (
        re.compile(r"^ {0,3}\[[^\]\n]+\]:[^\n]*$", re.MULTILINE),
        "{piece} is not shown, and in the published file it reaches into every other card: "
        "write the link where it belongs, as [text](address).",
    ),
    (
        re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)"),
        "{piece} is a picture: here its description stands for it, "
        "but readers of the published file would load it from its host. Make it a link.",
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
        fence = _FENCE.match(line)
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
        f"The link {_piece(text, *match.span())} is left out and its words stay: a link starts "
        "with https://, http:// or mailto: and names a host or an address."
        for match in _LINK.finditer(masked)
        if not link_target(_decode(text[slice(*match.span())]))
    ]


def _hidden_characters(text: str) -> list[str]:
    found = dict.fromkeys(re.findall(f"[{_BIDI}{_INVISIBLE}]", _decode(text)))
    return [
        f"There is a hidden character (U+{ord(c):04X}, {unicodedata.name(c, 'without a name')}): "
        "it can make text read otherwise than it is. Delete it unless it is meant."
        for c in found
    ]


class _Run(NamedTuple):
    """A run of asterisks that may open or close emphasis."""

    start: int
    length: int  # what is left of it
    opens: bool
    closes: bool


Flanking = Callable[[str, str], tuple[bool, bool]]


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _flanking_in_commonmark(before: str, after: str) -> tuple[bool, bool]:
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


def _flanking_here(before: str, after: str) -> tuple[bool, bool]:
    """The same for Python-Markdown: only blanks count."""
    return not after.isspace(), not before.isspace()


class _Pairs(NamedTuple):
    """Emphasis as (start of the text in it, its end, 1 or 2 asterisks)."""

    pairs: set[tuple[int, int, int]]
    even: bool  # no asterisk is left over and none was paired with a run of another length


def _pair_asterisks(masked: str, flanking: Flanking) -> _Pairs:
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
    return _Pairs(pairs, even and not openers)


def _emphasis_traps(text: str, masked: str) -> list[str]:
    here = _pair_asterisks(masked, _flanking_here)
    there = _pair_asterisks(masked, _flanking_in_commonmark)
    if not here.even:
        # Python-Markdown goes by rules of its own then. One lone run is an asterisk everywhere.
        lone = len(re.findall(r"\*+(?=\S)|(?<=[^\s*])\*+", masked)) == 1
        return [] if lone else [_UNEVEN.format(piece=_piece(text, *_around_asterisks(masked)))]
    return [
        f"{_piece(text, start - stars, end + stars + 1)} is {'bold' if stars == 2 else 'italic'} "
        "here and not in Hugo, where asterisks between punctuation and a word do not count: "
        f"{_remedy(text[start:end], '*' * stars)}."
        for start, end, stars in sorted(here.pairs - there.pairs)
    ]


_UNEVEN = (
    "The asterisks in {piece} do not pair up, and Hugo may draw them otherwise: "
    "complete the pair, or write \\* for an asterisk that is meant."
)


def _around_asterisks(masked: str) -> tuple[int, int]:
    return masked.index("*"), masked.rindex("*") + 1


_EDGE = r"[^\w`\[\]()*\\]*"


def _remedy(inner: str, stars: str) -> str:
    """What to do, with an example where the punctuation is not markup itself."""
    head, body, tail = re.fullmatch(rf"({_EDGE})(.*?)({_EDGE})", inner, re.DOTALL).groups()
    if not body or not (head or tail):
        return "put a blank beside the asterisks"
    mended = f"{head}{stars}{body}{stars}{tail}"
    return f"write {_piece(mended, 0, len(mended))} or put a blank beside the asterisks"


# --- Plain text ---------------------------------------------------------------------------------


def to_text(text: str) -> str:
    """`text`, which is Markdown, as plain text for mail, feeds and search.

    Paragraphs keep a blank line between them, items their mark; a link is its words with the
    address after them. The answer is a plain `str`: it goes through escaping like any text.
    """
    plain = _PlainText()
    plain.feed(to_html(text))
    plain.close()
    return "".join(plain.pieces)


# How many line ends stand before and after what an element holds.
_BREAKS = dict.fromkeys(("p", "pre", "blockquote", "table", "h4", "h5", "h6", "hr"), 2)
_BREAKS |= dict.fromkeys(("li", "tr", "br"), 1)


class _PlainText(HTMLParser):
    """Reads what `to_html` made; knows no other HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.breaks = 0  # line ends to write before the next words
        self.mark = ""  # what goes before them on their line: `- `, `2. `
        self.lists: list[int | None] = []  # the next number of each open list; None has bullets
        self.link: tuple[str, int] = ("", 0)  # the address, and where the words for it begin
        self.cells = 0
        self.verbatim = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._break(tag)
        if tag in ("ul", "ol"):
            self.breaks = max(self.breaks, 1 if self.lists else 2)
            self.lists.append(int(values.get("start") or 1) if tag == "ol" else None)
        elif tag == "li":
            self.mark = "  " * (len(self.lists) - 1) + self._next_mark()
        elif tag == "a":
            self.link = (values.get("href") or "", len(self.pieces))
        elif tag == "tr":
            self.cells = 0
        elif tag in ("td", "th"):
            if self.cells:
                self.breaks = 0
                self._write(" | ")
            self.cells += 1
        elif tag == "hr":
            self._write("---")
            self._break(tag)
        self.verbatim |= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        if tag in ("ul", "ol"):
            self.lists.pop()
            self.breaks = max(self.breaks, 1 if self.lists else 2)
        elif tag == "a":
            href, start = self.link
            address = href.removeprefix("mailto:")
            if "".join(self.pieces[start:]).strip() != address:
                self._write(f" ({address})")
        elif tag == "pre":
            self.verbatim = False

    def handle_data(self, data: str) -> None:
        if self.verbatim:
            self._write(data.rstrip("\n"))
            return
        for number, line in enumerate(data.split("\n")):
            self.breaks = max(self.breaks, 1 if number else 0)
            if line.strip() or (line and not self.breaks):
                self._write(line)

    def _break(self, tag: str) -> None:
        self.breaks = max(self.breaks, _BREAKS.get(tag, 0))

    def _next_mark(self) -> str:
        number = self.lists[-1] if self.lists else None
        if number is None:
            return "- "
        self.lists[-1] = number + 1
        return f"{number}. "

    def _write(self, words: str) -> None:
        if self.pieces:
            self.pieces.append("\n" * self.breaks)
        self.pieces.append(self.mark + words)
        self.breaks, self.mark = 0, ""

"""Blocks of a file: cut at headings and `---`, compared with how the dialect spaces them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import ValidationError

from digest.document import check_text
from digest.hugo import commonmark, headings, shortcodes
from digest.hugo.commonmark import HEADING, RULE
from digest.hugo.lines import BLANKS, Line, text_lines, trim
from digest.reading import Notes, Refused, called, excerpt, first_reason
from digest.sentences import Said, Sentence

SEPARATOR = "---"
BETWEEN_BLOCKS = f"\n\n{SEPARATOR}\n\n"

T = TypeVar("T")


@dataclass
class Chunk:
    """A heading with the lines below it, or text that follows a separator without a heading."""

    kind: Literal["text", "section", "item"]
    first: Line
    title: str = ""
    gap: list[Line] = field(default_factory=list)  # blank lines and separators above
    below: list[Line] = field(default_factory=list)  # the lines below the first

    @property
    def where(self) -> str:
        """How a problem names it."""
        return called({"section": "section", "item": "card", "text": "text"}[self.kind], self.title)

    @property
    def all_lines(self) -> list[Line]:
        """Its first line and those below."""
        return [self.first, *self.below]


def scan(lines: list[Line]) -> tuple[list[Chunk], list[Line]]:
    """Cut lines at headings and separators; also returns what stands below the last chunk."""
    chunks: list[Chunk] = []
    gap: list[Line] = []
    is_open = False
    for line in lines:
        heading = None if line.code else HEADING.match(line.text)
        separates = not line.code and RULE.match(line.text)
        if is_open and (heading or separates):
            gap, is_open = _close(chunks[-1]), False
        if heading:
            kind = "section" if heading[1] == "##" else "item"
            title = headings.unescape((heading[2] or "").strip(BLANKS))
            chunks.append(Chunk(kind, line, title, gap))
            gap, is_open = [], True
        elif is_open:
            chunks[-1].below.append(line)
        elif separates or line.is_blank:
            gap.append(line)
        else:
            chunks.append(Chunk("text", line, gap=gap))
            gap, is_open = [], True
    return chunks, _close(chunks[-1]) if is_open else gap


def _close(chunk: Chunk) -> list[Line]:
    """Take the blank lines off a chunk's end."""
    _, _, blanks = trim(chunk.below)
    del chunk.below[len(chunk.below) - len(blanks) :]
    return blanks


def note_shortcodes(lines: list[Line], notes: Notes) -> None:
    """Note what Hugo would run, or what is escaped otherwise than it will be written."""
    for line in lines:
        if "{" in line.raw and line.raw != shortcodes.escape(line.text):
            notes.deviate(line.number, Said.SHORTCODE())


def note_gap(chunk: Chunk, wanted: list[str], notes: Notes) -> None:
    """Compare what stands above a chunk with what the dialect has there."""
    found = [line.text for line in chunk.gap]
    if found == wanted:
        return
    separators = sum(bool(text.strip(BLANKS)) for text in found) - wanted.count(SEPARATOR)
    blanks = len(found) - len(wanted)
    if separators:
        said = Said.RULE_MISSING if separators < 0 else Said.RULE_TOO_MANY
    elif blanks:
        said = Said.BLANK_LINE_MISSING if blanks < 0 else Said.BLANK_LINE_TOO_MANY
    else:
        said = Said.GAP_OTHERWISE
    title = excerpt(chunk.title or chunk.first.text)
    notes.deviate(chunk.first.number, said(rule=SEPARATOR, title=title))


def note_heading(chunk: Chunk, notes: Notes) -> None:
    """Note how a heading is written, and the blank lines below it."""
    hashes = "##" if chunk.kind == "section" else "###"
    if not chunk.title:
        notes.deviate(chunk.first.number, Said.HEADING_UNTITLED())
    elif not chunk.first.text.strip(BLANKS).endswith(headings.escape(chunk.title)):
        notes.deviate(chunk.first.number, Said.HEADING_ENDING(title=excerpt(chunk.title)))
    elif chunk.first.text != f"{hashes} {headings.escape(chunk.title)}":
        notes.deviate(chunk.first.number, Said.HEADING_BLANKS(title=excerpt(chunk.title)))
    blanks, text, _ = trim(chunk.below)
    if text:
        note_blanks(blanks, 1, f"“{excerpt(chunk.title)}”", text[0], notes)


def note_blanks(found: list[Line], wanted: int, above: str, below: Line, notes: Notes) -> None:
    """Compare the blank lines between two things with how many there should be."""
    if len(found) < wanted:
        notes.deviate(below.number, Said.TOO_FEW_BELOW(above=above))
    elif len(found) > wanted:
        notes.deviate(found[0].number, Said.TOO_MANY_BELOW(above=above))
    elif any(line.text for line in found):
        notes.deviate(found[0].number, Said.BLANKS_BELOW(above=above))


def attempt(make: Callable[[], T], where: str, lines: list[Line], notes: Notes) -> T | None:
    """What `make` returns; None, with a problem noted, where the block cannot be read."""
    before = len(notes.deviations)
    try:
        refuse_controls(lines)
        refuse_endless(lines)
        return make()
    except Refused as error:
        line, reason = error.line, error.reason
    except ValidationError as error:
        place, reason = first_reason(error)
        line, field = lines[0].number, ".".join(map(str, place))
        reason = Said.OF_FIELD(field=field, fault=reason) if field else reason
    del notes.deviations[before:]
    notes.refuse(where, line, reason, (line.raw for line in lines))
    return None


def refuse_controls(lines: Iterable[Line]) -> None:
    """Refuse characters that no file, feed or database can carry."""
    for line in lines:
        try:
            check_text(line.raw)
        except ValueError as error:
            raise Refused(line.number, error.args[0]) from None


def refuse_endless(lines: Iterable[Line]) -> None:
    """Refuse what would make code of all that follows, or hide it."""
    for line in lines:
        if line.endless:
            raise Refused(line.number, _of_endless(line))
        if headings.has_attributes(line.heading) and not HEADING.match(line.text):
            raise Refused(line.number, Said.ATTRIBUTES(what=Said.THIS_HEADING()))


def _of_endless(line: Line, where: Sentence | None = None) -> Sentence:
    what = line.endless
    if what[0] in "`~":
        return Said.FENCE_IN(where=where, fence=what) if where else Said.FENCE(fence=what)
    where = where or Said.THIS_LINE()
    if what == commonmark.TOO_DEEP:
        return Said.TOO_DEEP(where=where, limit=commonmark.DEPTH_LIMIT)
    return Said.OPENS(where=where, html=what)


_BEGINS = {
    "section": Said.STARTS_SECTION,
    "card": Said.STARTS_CARD,
    "passage": Said.STARTS_PASSAGE,
}


def text_faults(text: str, place: Sentence, item: Literal["card", "passage"]) -> Iterator[Sentence]:
    """Why a text would be taken for the structure around it. `item` is what ### begins there."""
    for line in text_lines(text):
        if line.code:
            continue
        where = Said.LINE_OF(line=line.number, place=place)
        if heading := HEADING.match(line.text):
            mark = heading[1]
            yield _BEGINS["section" if mark == "##" else item](where=where, mark=mark)
        elif RULE.match(line.text):
            yield Said.SEPARATES(where=where, rule=SEPARATOR)
        elif line.endless:
            yield _of_endless(line, where)
        elif headings.has_attributes(line.heading):
            yield Said.ATTRIBUTES(what=Said.HEADING_IN(where=where))

"""The issue as Hugo Markdown: read tolerantly, written byte-exact.

A file is a row of blocks with `---` between them: front matter, text before the first heading,
sections, cards, footer. The first card of a section shares its heading's block; the insight and
the reading list are one block each. There is no newline at the end.

Reading takes liberties with anything that can only mean one thing and lists each as a `Deviation`;
what cannot be understood becomes a `Problem` that holds its text. Writing takes none: one document
has one file, and a file read without deviations is written back byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from digest import frontmatter, shortcodes
from digest.document import (
    CARD_FIELDS,
    ENTITIES_LIMIT,
    SOURCES_LIMIT,
    Card,
    CardField,
    Document,
    FrontMatter,
    Importance,
    Passage,
    Section,
    Source,
    check_text,
)
from digest.lines import (
    BLANKS,
    HARD_BREAK,
    Line,
    break_text,
    number_lines,
    settle,
    settle_text,
    text_lines,
    trim,
)
from digest.reading import (
    Deviation,
    Notes,
    Problem,
    Reading,
    Refused,
    Unreadable,
    excerpt,
    first_reason,
    name,
)

__all__ = [
    "Deviation", "Problem", "Reading", "Unreadable",
    "parse", "read", "read_card", "kind_of",
    "write", "write_card", "write_section_passages",
    "tidy", "tidy_card", "tidy_section",
    "card_faults", "passage_faults", "document_faults",
]  # fmt: skip

#: Each card field's label; the first is the dialect's own, the others are read as well.
LABELS: dict[CardField, tuple[str, ...]] = {
    "summary": ("核心摘要", "摘要", "重點摘要", "Summary", "Core Summary", "Key Summary"),
    "details": ("技術細節", "技术细节", "Technical Details", "Details"),
    "applications": ("應用場景", "应用场景", "Applications", "Application Scenarios", "Use Cases"),
    "entities": ("關鍵實體", "关键实体", "Key Entities", "Entities"),
    "importance": ("重要性", "Importance"),
    "sources": ("來源", "来源", "資料來源", "參考來源", "Sources", "Source", "References"),
}
_FIELD_OF_LABEL = {label.casefold(): f for f, labels in LABELS.items() for label in labels}
_TEXT_FIELDS: tuple[CardField, ...] = ("summary", "details", "applications")

_SEPARATOR = "---"
_BETWEEN_BLOCKS = f"\n\n{_SEPARATOR}\n\n"

_HEADING = re.compile(r" {0,3}(##|###)(?:[ \t]+(.*))?$")
_RULE = re.compile(r" {0,3}-{3,}[ \t]*$")
_LABEL = re.compile(r" {0,3}\*\*([^*]{1,100})\*\*([ \t]*)([:：]?)(.*)$")
_VARIANT = re.compile(r"[ \t]*[（(][^（(]*[）)]$")
_HYPHENS = re.compile("(?<=中)[ \t]?[-‐‑‒–—−－][ \t]?(?=高)")
_BULLET = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_LINK_GLUE = re.compile(r"[ \t|｜,，、;；]+")
_BARE_LINK = re.compile(r"<(https?://[^\s<>]+)>|(https?://[^\s<>|，、；。]+)")
_FIRST_LINK = re.compile(
    r"\[(?P<title>[^\[\]]{1,500})\]\((?P<url>https?://[^\s()<>]+)\)"
    r"|(?P<bare>https?://[^\s()<>\[\]|，。；、]+)"
)
_INSIGHT = re.compile("編輯洞察|editor['’]s insight", re.IGNORECASE)
_READING = re.compile("延伸閱讀|further reading", re.IGNORECASE)

T = TypeVar("T")


def kind_of(title: str) -> Literal["cards", "insight", "reading"]:
    """What a section holds, which the dialect says by its title alone."""
    if _INSIGHT.search(title):
        return "insight"
    return "reading" if _READING.match(title.strip()) else "cards"


# --- reading: files


def parse(data: bytes) -> Reading:
    """Read a file, tolerantly. Never raises, whatever the bytes."""
    reading = _parse(data)
    if reading.deviations and not reading.problems and document_faults(reading.document):
        # The liberties taken add up to something else; better a question than a wrong issue.
        reason = "the file can be read in two ways: " + document_faults(reading.document)[0]
        problem = Problem("file", None, reason, data.decode("utf-8"))
        return Reading(reading.document, reading.deviations, (problem,))
    return reading


def read(data: bytes) -> Document:
    """Read a file that has to be whole. Raises Unreadable, listing every problem."""
    return parse(data).whole()


def read_card(text: str) -> tuple[Card, tuple[Deviation, ...]]:
    """Read the Markdown of one card. Raises Unreadable if there is more, less, or a problem."""
    notes = Notes()
    raw = _unify_newlines(text, notes).split("\n")
    chunks, _ = _scan(number_lines(raw))
    if [chunk.kind for chunk in chunks] == ["item"]:
        _note_heading(chunks[0], notes)
        card = _read_item(chunks[0], notes)
    else:
        card = None
        notes.refuse("card", None, _not_one_card(chunks), raw)
    if card is None:
        raise Unreadable(tuple(notes.problems))
    return card, tuple(sorted(notes.deviations))


def _parse(data: bytes) -> Reading:
    notes = Notes()
    text = _decode(data, notes)
    if not text.strip():
        if not notes.problems:
            notes.refuse("file", None, "there is nothing in it", [text])
        return notes.reading(Document())
    raw = text.split("\n")
    front_matter, start = _read_front_matter(raw, notes)
    lines = number_lines(raw[start:], start + 1)
    return notes.reading(_read_body(lines, front_matter, start > 0, notes))


def _not_one_card(chunks: list[_Chunk]) -> str:
    cards = sum(chunk.kind == "item" for chunk in chunks)
    if cards != 1:
        return f"one card begins with one ### line; here are {cards or 'none'}"
    other = next(chunk for chunk in chunks if chunk.kind != "item")
    return f"line {other.first.number} is outside the card: “{excerpt(other.first.text)}”"


def _decode(data: bytes, notes: Notes) -> str:
    """The text of a file; the empty string, with a problem noted, if it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte {error.start + 1} is 0x{data[error.start]:02X}"
        reason = f"not UTF-8: {byte}{_encoding_hint(data)}; save it as UTF-8"
        notes.refuse("file", line, reason, [data.decode("utf-8", "backslashreplace")])
        return ""
    if text.count("\0") > len(text) // 4:
        reason = "full of NUL characters, it looks like UTF-16; save it as UTF-8"
        notes.refuse("file", 1, reason, [text])
        return ""
    if text.startswith("\ufeff"):
        notes.deviate(1, "byte order mark at the start of the file")
        text = text[1:]
    return _unify_newlines(text, notes)


def _encoding_hint(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ", it looks like UTF-16"
    for codec, called in (("cp950", "Big5"), ("gb18030", "GB18030")):
        try:
            data.decode(codec)
        except UnicodeDecodeError:
            continue
        return f", it looks like {called}"
    return ""


def _unify_newlines(text: str, notes: Notes) -> str:
    for found, called in (("\r\n", "CRLF"), ("\r", "CR")):
        if found in text:
            above = text[: text.index(found)]
            notes.deviate(above.count("\n") + 1, f"{called} line ending")
            text = text.replace(found, "\n")
    return text


# --- reading: front matter


def _read_front_matter(raw: list[str], notes: Notes) -> tuple[FrontMatter, int]:
    """The front matter and the number of lines it takes, fences included."""
    fence = raw[0].rstrip(BLANKS)
    format = next((f for f, mark in frontmatter.FENCES.items() if mark == fence), None)
    # `---` with a blank line below it may as well separate blocks.
    is_sure = len(raw) < 2 or bool(raw[1].strip(BLANKS)) or format == "toml"
    closing = next((i for i, text in enumerate(raw) if i and text.rstrip(BLANKS) == fence), None)
    if format is None or (closing is None and not is_sure):
        notes.deviate(1, "no front matter")
        return FrontMatter(), 0
    if closing is None:
        end = next((i for i, text in enumerate(raw) if _HEADING.match(text)), len(raw))
        notes.refuse("front matter", 1, f"no second {fence} closes it", raw[:end])
        return FrontMatter(), end
    try:
        _refuse_controls(Line(i, text, text) for i, text in enumerate(raw[:closing], start=1))
        front_matter = frontmatter.read("\n".join(raw[1:closing]), format)
    except (frontmatter.FrontMatterError, Refused, ValidationError) as error:
        if is_sure:
            notes.refuse("front matter", *_trouble_inside(error), raw[: closing + 1])
            return FrontMatter(), closing + 1
        front_matter = FrontMatter()
    if not is_sure and not front_matter.values:
        notes.deviate(1, "no front matter")
        return FrontMatter(), 0
    if not front_matter.source.strip():
        notes.deviate(1, "empty front matter")
        front_matter = FrontMatter()
    for i in (0, closing):
        if raw[i] != fence:
            notes.deviate(i + 1, f"blanks after {fence}")
    return front_matter, closing + 1


def _trouble_inside(error: Exception) -> tuple[int | None, str]:
    if isinstance(error, frontmatter.FrontMatterError):
        return error.line and error.line + 1, str(error)
    if isinstance(error, ValidationError):
        return 1, first_reason(error)[1]
    return getattr(error, "line", None), str(error)


# --- reading: blocks


@dataclass
class _Chunk:
    """A heading with the lines below it, or text that follows a separator without a heading."""

    kind: Literal["text", "section", "item"]
    first: Line
    title: str = ""
    gap: list[Line] = field(default_factory=list)  # blank lines and separators above
    below: list[Line] = field(default_factory=list)  # the lines below the first

    @property
    def where(self) -> str:
        return name({"section": "section", "item": "card", "text": "text"}[self.kind], self.title)

    @property
    def all_lines(self) -> list[Line]:
        return [self.first, *self.below]


def _scan(lines: list[Line]) -> tuple[list[_Chunk], list[Line]]:
    """Cut lines at headings and separators; also returns what stands below the last chunk."""
    chunks: list[_Chunk] = []
    gap: list[Line] = []
    is_open = False
    for line in lines:
        heading = None if line.code else _HEADING.match(line.text)
        separates = not line.code and _RULE.match(line.text)
        if is_open and (heading or separates):
            gap, is_open = _close(chunks[-1]), False
        if heading:
            kind = "section" if heading[1] == "##" else "item"
            chunks.append(_Chunk(kind, line, (heading[2] or "").strip(BLANKS), gap))
            gap, is_open = [], True
        elif is_open:
            chunks[-1].below.append(line)
        elif separates or line.is_blank:
            gap.append(line)
        else:
            chunks.append(_Chunk("text", line, gap=gap))
            gap, is_open = [], True
    return chunks, _close(chunks[-1]) if is_open else gap


def _close(chunk: _Chunk) -> list[Line]:
    """Take the blank lines off a chunk's end."""
    _, _, blanks = trim(chunk.below)
    del chunk.below[len(chunk.below) - len(blanks) :]
    return blanks


def _read_body(
    lines: list[Line], front_matter: FrontMatter, has_front_matter: bool, notes: Notes
) -> Document:
    chunks, tail = _scan(lines)
    _note_shortcodes(lines, notes)
    if chunks and all(chunk.kind == "text" for chunk in chunks):
        reason = "no section heading (## …) and no card (### …)"
        notes.refuse("file", chunks[0].first.number, reason, (line.raw for line in lines))
        return Document(front_matter=front_matter)
    footer = chunks.pop() if chunks and chunks[-1].kind == "text" else None
    chunks = _join_strays(chunks, notes)
    _note_gaps(chunks + ([footer] if footer else []), has_front_matter, notes)
    _note_tail(tail, lines, notes)
    lead = chunks.pop(0) if chunks and chunks[0].kind == "text" else None
    return Document(
        front_matter=front_matter,
        lead=_read_text("text before the first section", lead, notes),
        sections=_read_sections(chunks, notes),
        footer=_read_text("footer", footer, notes),
    )


def _join_strays(chunks: list[_Chunk], notes: Notes) -> list[_Chunk]:
    """Text between separators that is neither lead nor footer belongs to what stands above it."""
    joined: list[_Chunk] = []
    for chunk in chunks:
        if chunk.kind == "text" and joined:
            notes.deviate(chunk.first.number, "text without a heading, joined to the one above")
            joined[-1].below += [Line(chunk.first.number, "", ""), *chunk.all_lines]
        else:
            joined.append(chunk)
    return joined


def _note_shortcodes(lines: list[Line], notes: Notes) -> None:
    for line in lines:
        if "{" in line.raw and line.raw != shortcodes.escape(line.text):
            notes.deviate(line.number, "Hugo shortcode, kept as text")


def _note_gaps(chunks: list[_Chunk], has_front_matter: bool, notes: Notes) -> None:
    between_blocks = ["", _SEPARATOR, ""]
    above: _Chunk | None = None
    kind = "cards"
    for chunk in chunks:
        if above is None:
            wanted = between_blocks if has_front_matter else []
        elif chunk.kind == "item" and (above.kind == "section" or kind != "cards"):
            wanted = [""]
        else:
            wanted = between_blocks
        _note_gap(chunk, wanted, notes)
        if chunk.kind != "text":
            _note_heading(chunk, notes)
        if chunk.kind == "section":
            kind = kind_of(chunk.title)
        above = chunk


def _note_gap(chunk: _Chunk, wanted: list[str], notes: Notes) -> None:
    found = [line.text for line in chunk.gap]
    if found == wanted:
        return
    separators = sum(bool(text.strip(BLANKS)) for text in found) - wanted.count(_SEPARATOR)
    blanks = len(found) - len(wanted)
    if separators:
        trouble = f"missing {_SEPARATOR}" if separators < 0 else f"one {_SEPARATOR} too many"
    elif blanks:
        trouble = "missing blank line" if blanks < 0 else "one blank line too many"
    else:
        trouble = f"{_SEPARATOR} or blank line written otherwise"
    title = excerpt(chunk.title or chunk.first.text)
    notes.deviate(chunk.first.number, f"{trouble} before “{title}”")


def _note_heading(chunk: _Chunk, notes: Notes) -> None:
    """Note how a heading is written, and the blank lines below it."""
    hashes = "##" if chunk.kind == "section" else "###"
    if not chunk.title:
        notes.deviate(chunk.first.number, "heading without a title")
    elif chunk.first.text != f"{hashes} {chunk.title}":
        notes.deviate(chunk.first.number, f"blanks around the heading “{excerpt(chunk.title)}”")
    blanks, text, _ = trim(chunk.below)
    if text:
        _note_blanks(blanks, 1, f"“{excerpt(chunk.title)}”", text[0], notes)


def _note_blanks(found: list[Line], wanted: int, above: str, below: Line, notes: Notes) -> None:
    """Compare the blank lines between two things with how many there should be."""
    if len(found) < wanted:
        notes.deviate(below.number, f"missing blank line below {above}")
    elif len(found) > wanted:
        notes.deviate(found[0].number, f"one blank line too many below {above}")
    elif any(line.text for line in found):
        notes.deviate(found[0].number, f"blanks on the empty line below {above}")


def _note_tail(tail: list[Line], lines: list[Line], notes: Notes) -> None:
    found = [line.text for line in tail]
    if found == ["", _SEPARATOR]:
        return
    last = lines[-1].number if lines else 1
    if found and not found[-1]:
        notes.deviate(last, "newline at the end of the file")
        found.pop()
    if not any(map(str.strip, found)):
        notes.deviate(last, f"missing {_SEPARATOR} at the end of the file")
    elif found != ["", _SEPARATOR]:
        notes.deviate(last, f"{_SEPARATOR} written otherwise at the end of the file")


def _read_sections(chunks: list[_Chunk], notes: Notes) -> tuple[Section, ...]:
    groups: list[tuple[_Chunk, list[_Chunk]]] = []
    for chunk in chunks:
        if chunk.kind == "section":
            groups.append((chunk, []))
            continue
        if not groups:
            notes.deviate(chunk.first.number, "card above all sections, put in one of its own")
            groups.append((_Chunk("section", Line(chunk.first.number, "##", "")), []))
        groups[-1][1].append(chunk)
    return tuple(filter(None, (_read_section(*group, notes) for group in groups)))


def _read_section(heading: _Chunk, items: list[_Chunk], notes: Notes) -> Section | None:
    title = _attempt(lambda: Section(title=heading.title), heading.where, [heading.first], notes)
    section = title or Section(title="")
    _, lead, _ = trim(heading.below)
    opening = _Chunk("text", lead[0], below=lead[1:]) if lead else None
    if kind_of(heading.title) == "cards":
        return section.model_copy(
            update={
                "lead": _read_text(f"text of {heading.where}", opening, notes),
                "cards": tuple(filter(None, (_read_item(item, notes) for item in items))),
            }
        )
    if title is None:
        # Without its title it would come back as a section of cards.
        whole = [line.raw for chunk in (heading, *items) for line in chunk.all_lines]
        notes.refuse(heading.where, *_last_trouble(notes), whole)
        return None
    passages = [_read_passage(chunk, notes) for chunk in ([opening] if opening else []) + items]
    return section.model_copy(
        update={
            "kind": kind_of(heading.title),
            "passages": _join_untitled(filter(None, passages)),
        }
    )


def _last_trouble(notes: Notes) -> tuple[int | None, str]:
    problem = notes.problems.pop()
    return problem.line, problem.reason


def _read_passage(chunk: _Chunk, notes: Notes) -> Passage | None:
    lines = chunk.all_lines if chunk.kind == "text" else chunk.below
    return _attempt(
        lambda: Passage(title=chunk.title, body=settle(lines, in_card=False, notes=notes)),
        name("passage", chunk.title),
        chunk.all_lines,
        notes,
    )


def _join_untitled(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Only the first passage can go without a title: another is part of the one above."""
    joined: list[Passage] = []
    for passage in passages:
        if passage.title or (passage.body and not joined):
            joined.append(passage)
        elif passage.body:
            body = "\n\n".join(filter(None, (joined[-1].body, passage.body)))
            joined[-1] = joined[-1].model_copy(update={"body": body})
    return tuple(joined)


def _read_text(where: str, chunk: _Chunk | None, notes: Notes) -> str:
    if chunk is None:
        return ""
    lines = chunk.all_lines
    passage = _attempt(
        lambda: Passage(body=settle(lines, in_card=False, notes=notes)), where, lines, notes
    )
    return passage.body if passage else ""


def _read_item(chunk: _Chunk, notes: Notes) -> Card | None:
    return _attempt(lambda: _read_card(chunk, notes), chunk.where, chunk.all_lines, notes)


def _attempt(make: Callable[[], T], where: str, lines: list[Line], notes: Notes) -> T | None:
    """What `make` returns; None, with a problem noted, where the block cannot be read."""
    before = len(notes.deviations)
    try:
        _refuse_controls(lines)
        _refuse_open_fence(lines)
        return make()
    except Refused as error:
        line, reason = error.line, error.reason
    except ValidationError as error:
        place, reason = first_reason(error)
        line, reason = lines[0].number, ": ".join([".".join(map(str, place)), reason])
    del notes.deviations[before:]
    notes.refuse(where, line, reason, (line.raw for line in lines))
    return None


def _refuse_controls(lines: Iterable[Line]) -> None:
    for line in lines:
        try:
            check_text(line.raw)
        except ValueError as error:
            raise Refused(line.number, str(error)) from None


def _refuse_open_fence(lines: Iterable[Line]) -> None:
    for line in lines:
        if line.fence and not line.code:
            raise Refused(line.number, f"the code fence {line.fence[:3]} is never closed")


# --- reading: cards


@dataclass
class _Field:
    """A label with the text on its line and the lines below it."""

    name: CardField
    label: str  # as written; empty for a summary without one
    line: Line
    value: str = ""
    below: list[Line] = field(default_factory=list)

    @property
    def text(self) -> list[Line]:
        """All lines of the field, the rest of the label's line among them."""
        number = self.line.number
        return ([Line(number, self.value, "")] if self.value else []) + self.below


def _read_item(chunk: _Chunk, notes: Notes) -> Card | None:
    def read() -> Card:
        before = len(notes.deviations)
        card = _read_card(chunk, notes)
        if len(notes.deviations) > before and (faults := card_faults(card)):
            raise Refused(chunk.first.number, f"cannot be kept as one card: {faults[0]}")
        return card

    return _attempt(read, chunk.where, chunk.all_lines, notes)


def _read_card(chunk: _Chunk, notes: Notes) -> Card:
    fields = _split_fields(trim(chunk.below)[1], notes)
    _note_blanks_between(fields, notes)
    values: dict[str, Any] = {"headline": chunk.title}
    rest: list[Line] = []
    for i, f in enumerate(fields):
        values[f.name], rest = _FIELD_READERS[f.name](f, notes)
        if rest and i + 1 < len(fields):
            reason = f"text between {f.label} and {fields[i + 1].label} belongs to no field"
            raise Refused(rest[0].number, reason)
    layout = [f.name for f in fields]
    if fields and not any(f.label for f in fields):
        values["sources"] = _first_link(chunk, notes)
        layout.append("sources")
    importance, note = values.pop("importance", (None, ""))
    card = Card(
        **values,
        importance=importance,
        importance_note=note,
        rest=settle(rest, in_card=True, notes=notes),
        labels={f.name: f.label for f in fields if f.label},
        layout=layout,
    )
    return tidy_card(card)


def _split_fields(lines: list[Line], notes: Notes) -> list[_Field]:
    """Cut a card at its labels. Text above the first is the summary's."""
    opening: list[Line] = []
    fields: list[_Field] = []
    for line in lines:
        f = _read_label(line, notes)
        if f and not fields:
            fields = _opening_field(trim(opening)[1], f, notes)
        if f and all(f.name != other.name for other in fields):
            _note_label(f, notes)
            fields.append(f)
            continue
        if f:
            notes.deviate(line.number, f"{f.label} a second time, kept as text")
        (fields[-1].below if fields else opening).append(line)
    return fields or _opening_field(trim(opening)[1], None, notes)


def _opening_field(opening: list[Line], first: _Field | None, notes: Notes) -> list[_Field]:
    """The field for text above all labels, or that text joined to the summary it stands above."""
    if not opening:
        return []
    notes.deviate(opening[0].number, "text without a label, taken as the summary")
    if first and first.name == "summary":
        first.below, first.value = [*opening, Line(first.line.number, "", ""), *first.text], ""
        return []
    return [_Field("summary", "", opening[0], below=opening)]


def _read_label(line: Line, notes: Notes) -> _Field | None:
    """The field a line begins, if it does."""
    found = None if line.code else _LABEL.match(line.text)
    if not found:
        return None
    label, _, colon, value = found.groups()
    label, value = label.strip(BLANKS), value.strip(BLANKS)
    if label.endswith((":", "：")):
        label, colon = label[:-1].rstrip(BLANKS), ":"
    if value and not colon:
        return None  # prose that begins with bold words
    f = _FIELD_OF_LABEL.get(_VARIANT.sub("", label).casefold())
    if f is None:
        if colon:
            notes.deviate(line.number, f"unknown label {excerpt(label)}, kept as text")
        return None
    return _Field(f, label, line, value)


def _note_label(f: _Field, notes: Notes) -> None:
    """Note how a label line differs from the dialect's."""
    found = _LABEL.match(f.line.text)
    written, _, colon, _ = found.groups() if found else ("", "", "", "")
    is_text = f.name in _TEXT_FIELDS
    on_line = "" if is_text or f.name == "sources" else f.value
    if f.line.text == f"**{f.label}**{'' if is_text else '：'}{on_line}{HARD_BREAK}":
        return
    troubles = [
        (written.strip(BLANKS).endswith((":", "：")), "colon inside the bold of"),
        (colon == ":", "ASCII colon after"),
        (colon and is_text, "colon after"),
        (not colon and not is_text and written == f.label, "no colon after"),
        (f.value and not on_line, "text on the line of"),
        (not f.line.text.endswith(HARD_BREAK), "missing hard break after"),
    ]
    for trouble in [said for is_so, said in troubles if is_so] or ["blanks around"]:
        notes.deviate(f.line.number, f"{trouble} {f.label}")


def _note_blanks_between(fields: list[_Field], notes: Notes) -> None:
    for f, following in zip(fields, [*fields[1:], None], strict=True):
        above, text, below = trim(f.below)
        if text and f.label and f.name in _TEXT_FIELDS:
            _note_blanks(above, 0, f.label, text[0], notes)
        if following:
            wanted = int(f.name in _TEXT_FIELDS or following.name in _TEXT_FIELDS)
            _note_blanks(below, wanted, f.label, following.line, notes)


def _read_text_field(f: _Field, notes: Notes) -> tuple[str, list[Line]]:
    return settle(f.text, in_card=True, notes=notes), []


def _read_entities(f: _Field, notes: Notes) -> tuple[list[str], list[Line]]:
    values, rest = _read_values(f, notes)
    entities: list[str] = []
    for value in values:
        has_comma = ", " in value or not re.search("[、，]", value)
        parts = value.split(", ") if has_comma else re.split("[、，]", value)
        kept = [part.strip() for part in parts if part.strip()]
        if ", ".join(kept) != value:
            notes.deviate(f.line.number, f"entities not joined by “, ” after {f.label}")
        entities += kept
    if len(entities) > ENTITIES_LIMIT:
        reason = f"{len(entities)} entities; a card holds {ENTITIES_LIMIT} at most"
        raise Refused(f.line.number, reason)
    return entities, rest


def _read_importance(f: _Field, notes: Notes) -> tuple[tuple[Importance | None, str], list[Line]]:
    values, rest = _read_values(f, notes)
    value = " ".join(values)
    word, paren, note = re.match("([^（(]*)([（(]?)(.*)", value).groups()  # type: ignore[union-attr]
    if paren and not note.endswith(("）", ")")):
        raise Refused(f.line.number, f"the note after “{excerpt(word)}” has no closing ）")
    note = note[:-1]
    label = _HYPHENS.sub("‑", word.strip(BLANKS))
    try:
        importance = Importance.from_label(label) if label else None
    except ValueError as error:
        raise Refused(f.line.number, str(error)) from None
    if value != label + (f"（{note}）" if note else ""):
        kind = "parentheses" if label == word.strip(BLANKS) else "hyphen"
        notes.deviate(f.line.number, f"{kind} written otherwise after {f.label}")
    return (importance, note), rest


def _read_values(f: _Field, notes: Notes) -> tuple[list[str], list[Line]]:
    """The value of a one-line field, wherever it stands, and what follows."""
    lines = f.below
    if f.value or not lines or lines[0].is_blank:
        return [f.value] if f.value else [], _following(f, lines, notes)
    notes.deviate(lines[0].number, f"text below {f.label}, not on its line")
    end = next((i for i, line in enumerate(lines) if line.is_blank), len(lines))
    values = [_BULLET.sub("", line.text, count=1).strip(BLANKS) for line in lines[:end]]
    return values, _following(f, lines[end:], notes)


def _following(f: _Field, lines: list[Line], notes: Notes) -> list[Line]:
    """The text that follows a one-line field."""
    blanks, text, _ = trim(lines)
    if text:
        _note_blanks(blanks, 1, f.label, text[0], notes)
    return text


def _read_sources(f: _Field, notes: Notes) -> tuple[list[Source], list[Line]]:
    blanks, lines, _ = trim(f.text)
    sources: list[Source] = []
    taken: list[str] = []
    for line in lines:
        links = None if line.is_blank or line.code else _links(line.text)
        if links is None:
            break
        taken.append(line.text)
        sources += [_source(line.number, title, url) for title, url in links]
    if lines and not taken and not blanks:
        said = excerpt(lines[0].text)
        raise Refused(lines[0].number, f"“{said}” is not a link like [title](https://…)")
    if len(sources) > SOURCES_LIMIT:
        reason = f"{len(sources)} sources; a card holds {SOURCES_LIMIT} at most"
        raise Refused(lines[0].number, reason)
    if not taken:
        return [], _following(f, f.below, notes)
    _note_blanks(blanks, 0, f.label, lines[0], notes)
    if len(taken) > 1:
        notes.deviate(lines[0].number, "sources on several lines")
    elif taken[0] != _write_sources(sources):
        kind = "as list items" if _BULLET.match(taken[0]) else "not written [title](link) | …"
        notes.deviate(lines[0].number, f"sources {kind}")
    return sources, _following(f, lines[len(taken) :], notes)


def _source(line: int, title: str, url: str) -> Source:
    try:
        return Source(title=title, url=url)
    except ValidationError as error:
        raise Refused(line, f"source “{excerpt(title)}”: {first_reason(error)[1]}") from None


def _links(text: str) -> list[tuple[str, str]] | None:
    """The (title, link) pairs of a line that holds nothing else; None if it holds more."""
    links: list[tuple[str, str]] = []
    bullet = _BULLET.match(text)
    at = bullet.end() if bullet else 0
    while True:
        if glue := _LINK_GLUE.match(text, at):
            at = glue.end()
        if at == len(text):
            return links or None
        if text[at] == "[":
            title_end = _closing(text, at, "[]")
            url_end = _closing(text, title_end + 1, "()") if title_end else 0
            if not url_end:
                return None
            links.append((text[at + 1 : title_end], text[title_end + 2 : url_end]))
            at = url_end + 1
        elif bare := _BARE_LINK.match(text, at):
            links.append((_host(bare[1] or bare[2]), bare[1] or bare[2]))
            at = bare.end()
        else:
            return None


def _closing(text: str, opening: int, pair: str) -> int:
    """Where the bracket closes that opens at this place; 0 if none opens or closes."""
    if not text.startswith(pair[0], opening):
        return 0
    depth = 0
    for found in re.compile(r"\\.|[\[\]()]").finditer(text, opening):
        depth += (found[0] == pair[0]) - (found[0] == pair[1])
        if depth == 0 and found[0] == pair[1]:
            return found.start()
    return 0


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _first_link(chunk: _Chunk, notes: Notes) -> list[Source]:
    """The source of a card that names none: the first link in its headline or text."""
    for line in chunk.all_lines:
        for found in _FIRST_LINK.finditer(line.text):
            url = found["url"] or found["bare"]
            try:
                source = Source(title=(found["title"] or _host(url)).strip(), url=url)
            except ValidationError:
                continue
            notes.deviate(line.number, "first link taken as the source")
            return [source]
    return []


_FIELD_READERS: dict[CardField, Callable[[_Field, Notes], tuple[Any, list[Line]]]] = {
    "summary": _read_text_field,
    "details": _read_text_field,
    "applications": _read_text_field,
    "entities": _read_entities,
    "importance": _read_importance,
    "sources": _read_sources,
}


# --- writing


def write(document: Document) -> bytes:
    """The document's file. What `tidy` removes is not in it."""
    document = tidy(document)
    blocks = [frontmatter.write(document.front_matter), shortcodes.escape(_broken(document.lead))]
    for section in document.sections:
        blocks += _section_blocks(section)
    blocks.append(shortcodes.escape(_broken(document.footer)))
    text = _BETWEEN_BLOCKS.join(filter(None, blocks))
    return f"{text}\n\n{_SEPARATOR}".encode() if text else b""


def write_card(card: Card) -> str:
    """The Markdown of one card, from its headline to its last line. Its SHA-256 is its identity."""
    card = tidy_card(card)
    lines = [f"### {card.headline}"]
    above: CardField = "summary"
    for f in _standing(card):
        if f in _TEXT_FIELDS or above in _TEXT_FIELDS:
            lines.append("")
        lines += _write_field(card, f)
        above = f
    if card.rest:
        lines += ["", break_text(card.rest, in_card=True)]
    return shortcodes.escape("\n".join(lines))


def write_section_passages(section: Section) -> str:
    """The Markdown of an insight or a reading list. Its SHA-256 is its identity."""
    return "\n\n".join(_section_blocks(tidy_section(section)))


def _section_blocks(section: Section) -> list[str]:
    """A section's blocks; the first holds the heading and all up to the end of the first card."""
    texts = [f"## {section.title}" if section.title else "##", _broken(section.lead)]
    for passage in section.passages:
        texts += [f"### {passage.title}" if passage.title else "", _broken(passage.body)]
    first = shortcodes.escape("\n\n".join(filter(None, texts)))
    cards = [write_card(card) for card in section.cards]
    return ["\n\n".join([first, *cards[:1]]), *cards[1:]]


def _broken(text: str) -> str:
    return break_text(text, in_card=False)


def _write_field(card: Card, f: CardField) -> list[str]:
    label = f"**{card.labels.get(f, LABELS[f][0])}**"
    if f == "entities":
        return [f"{label}：{', '.join(card.entities)}{HARD_BREAK}"]
    if f == "importance":
        rating = card.importance.label if card.importance else ""
        note = f"（{card.importance_note}）" if card.importance_note else ""
        return [f"{label}：{rating}{note}{HARD_BREAK}"]
    if f == "sources":
        return [f"{label}：{HARD_BREAK}", *([_write_sources(card.sources)] if card.sources else [])]
    text = getattr(card, f)
    return [f"{label}{HARD_BREAK}", *([break_text(text, in_card=True)] if text else [])]


def _write_sources(sources: Iterable[Source]) -> str:
    return " | ".join(f"[{source.title}]({source.url})" for source in sources)


def _filled(card: Card) -> tuple[CardField, ...]:
    """The fields that hold something, in the dialect's order."""
    return tuple(
        f for f in CARD_FIELDS if getattr(card, f) or (f == "importance" and card.importance_note)
    )


def _standing(card: Card) -> tuple[CardField, ...]:
    """The fields whose labels are written, in order: the layout, with no filled field left out."""
    filled = _filled(card)
    if not card.layout:
        return filled
    standing = list(card.layout)
    order = CARD_FIELDS.index
    for f in filled:
        if f not in standing:
            later = (i for i, other in enumerate(standing) if order(other) > order(f))
            standing.insert(next(later, len(standing)), f)
    return tuple(standing)


# --- tidying


def tidy(document: Document) -> Document:
    """The document as it comes back from its file, if it is free of faults.

    Blank edges, breaks after list items and other bullets than dashes in cards are not kept.
    """
    return document.model_copy(
        update={
            "front_matter": frontmatter.settle(document.front_matter),
            "lead": settle_text(document.lead, in_card=False),
            "sections": tuple(map(tidy_section, document.sections)),
            "footer": settle_text(document.footer, in_card=False),
        }
    )


def tidy_section(section: Section) -> Section:
    """`tidy` for one section. Text above the passages is a passage without a title."""
    lead = settle_text(section.lead, in_card=False)
    passages = [
        Passage(title=p.title.strip(BLANKS), body=settle_text(p.body, in_card=False))
        for p in section.passages
    ]
    if section.kind != "cards" and lead:
        passages.insert(0, Passage(body=lead))
        lead = ""
    return section.model_copy(
        update={
            "title": section.title.strip(BLANKS),
            "lead": lead,
            "cards": tuple(map(tidy_card, section.cards)),
            "passages": tuple(p for p in passages if p.title or p.body),
        }
    )


def tidy_card(card: Card) -> Card:
    """`tidy` for one card."""
    texts = (*_TEXT_FIELDS, "rest")
    card = card.model_copy(
        update={f: settle_text(getattr(card, f), in_card=True) for f in texts}
        | {"headline": card.headline.strip(BLANKS)}
    )
    standing = _standing(card)
    labels = {
        f: card.labels[f] for f in standing if card.labels.get(f, "") not in ("", LABELS[f][0])
    }
    layout = () if standing == _filled(card) else standing
    return card.model_copy(update={"labels": labels, "layout": layout})


# --- faults


def card_faults(card: Card) -> list[str]:
    """Why a card cannot be kept: sentences that say where and what to do; empty if it can.

    The rule is that its Markdown must be read back as this card and nothing else.
    """
    card = tidy_card(card)
    try:
        again = _read_alone(write_card(card))
    except Refused as error:
        general = error.reason
    except ValidationError as error:
        general = first_reason(error)[1]
    else:
        if again == card:
            return []
        changed = [f for f in type(card).model_fields if getattr(card, f) != getattr(again, f)]
        general = f"{', '.join(changed)} would be read back as something else"
    return list(_card_faults(card)) or [general]


def passage_faults(section: Section) -> list[str]:
    """`card_faults` for an insight or a reading list."""
    section = tidy_section(section)
    alone = _parse(write_section_passages(section).encode())
    if not alone.problems and alone.document.sections == (section,):
        return []
    faults = list(_section_faults(section))
    return (
        faults
        or [str(problem) for problem in alone.problems]
        or [f"{name('section', section.title)} would be read back as something else"]
    )


def document_faults(document: Document) -> list[str]:
    """`card_faults` for a whole document."""
    try:
        document = tidy(document)
    except frontmatter.FrontMatterError as error:
        return [f"front matter: {error}"]
    again = _parse(write(document))
    if not again.problems and again.document == document:
        return []
    return (
        list(_document_faults(document))
        or [str(problem) for problem in again.problems]
        or ["the document would be read back as something else"]
    )


def _read_alone(text: str) -> Card:
    """The card a text holds, if it holds one card. Raises Refused or ValidationError."""
    chunks, tail = _scan(number_lines(text.split("\n")))
    if [chunk.kind for chunk in chunks] != ["item"]:
        raise Refused(1, _not_one_card(chunks))
    _refuse_open_fence(chunks[0].all_lines)
    return _read_card(chunks[0], Notes())


def _document_faults(document: Document) -> Iterator[str]:
    if not document.sections and (document.lead or document.footer):
        yield "text needs a section with a title (## …) to stand in"
    yield from _text_faults(document.lead, "the text before the first section")
    yield from _text_faults(document.footer, "the footer")
    for section in document.sections:
        for card in section.cards if section.kind == "cards" else ():
            yield from (f"{name('card', card.headline)}: {fault}" for fault in card_faults(card))
        yield from _section_faults(section)


def _section_faults(section: Section) -> Iterator[str]:
    where = name("section", section.title)
    if kind_of(section.title) != section.kind:
        yield f"the title “{section.title}” stands for {kind_of(section.title)}, not {section.kind}"
    if section.kind == "cards" and section.passages:
        yield f"{where}: a section of cards has no passages"
    if section.kind != "cards" and section.cards:
        yield f"{where}: the {section.kind} has no cards"
    if not all(passage.title for passage in section.passages[1:]):
        yield f"{where}: only the first passage can go without a title"
    yield from _text_faults(section.lead, f"the text of {where}")
    for passage in section.passages:
        yield from _text_faults(passage.body, name("passage", passage.title))


def _card_faults(card: Card) -> Iterator[str]:
    for f, place in (
        ("summary", "the summary"),
        ("details", "the details"),
        ("applications", "the applications"),
        ("rest", "the text after the sources"),
    ):
        yield from _text_faults(getattr(card, f), place, in_card=True)
    for f, label in card.labels.items():
        if _FIELD_OF_LABEL.get(_VARIANT.sub("", label).casefold()) != f:
            own = LABELS[f][0]
            yield f"“{label}” is not a label of the {f}; write {own}, or {own}（…）"
    standing = _standing(card)
    if card.rest and (not standing or standing[-1] in _TEXT_FIELDS):
        yield "text after the labelled fields needs entities, importance or sources above it"
    for entity in card.entities:
        if len(card.entities) == 1 and re.search("[、，]", entity):
            yield f"“{entity}” would be read as several entities; put “, ” between them"


def _text_faults(text: str, place: str, *, in_card: bool = False) -> Iterator[str]:
    """Why a text would be taken for the structure around it."""
    for line in text_lines(text):
        if line.code:
            continue
        where = f"line {line.number} of {place}"
        if heading := _HEADING.match(line.text):
            begun = "section" if heading[1] == "##" else "card" if in_card else "passage"
            yield (
                f"{where} starts with {heading[1]}, which would begin a new {begun};"
                f" write #### or \\{heading[1]}"
            )
        elif _RULE.match(line.text):
            yield f"{where} is {_SEPARATOR}, which would end the block; write *** for a rule"
        elif line.fence:
            yield f"the code fence in {where} is never closed; close it with {line.fence}"
        elif in_card and (f := _read_label(line, Notes())):
            yield (
                f"{where} is the label {f.label}, which would begin another field;"
                " put a word before it"
            )

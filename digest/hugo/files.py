"""Whole files: front matter, sections, passages, footer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import ValidationError

from digest.document import Document, FrontMatter, Passage, Section, excess
from digest.hugo import frontmatter, headings, shortcodes
from digest.hugo.blocks import (
    BETWEEN_BLOCKS,
    SEPARATOR,
    Chunk,
    attempt,
    note_gap,
    note_heading,
    note_shortcodes,
    refuse_controls,
    scan,
    text_faults,
)
from digest.hugo.cards import card_faults, read_item, tidy_card, write_card
from digest.hugo.commonmark import HEADING
from digest.hugo.lines import (
    BLANKS,
    Line,
    break_text,
    number_lines,
    settle,
    settle_text,
    trim,
    unify_newlines,
)
from digest.reading import Notes, Problem, Reading, Refused, called, first_reason, refuse_whole
from digest.sentences import Said, Sentence

_INSIGHT = re.compile("編輯洞察|editor['’]s insight", re.IGNORECASE)
# At the start of a file these are front matter to Hugo, in JSON and in Org's way.
_JSON_OR_ORG = re.compile(r"\s*(?:\{|#\+)")
_READING = re.compile("延伸閱讀|further reading", re.IGNORECASE)
#: What sentences call the kinds of sections.
KINDS = {
    "cards": Said.KIND_CARDS,
    "insight": Said.KIND_INSIGHT,
    "reading": Said.KIND_READING,
}


def kind_of(title: str) -> Literal["cards", "insight", "reading"]:
    """What a section holds, which the dialect says by its title alone."""
    if _INSIGHT.search(title):
        return "insight"
    return "reading" if _READING.match(title.strip()) else "cards"


# --- reading


def parse(data: bytes) -> Reading:
    """Read a file, tolerantly. Never raises, whatever the bytes."""
    reading = _parse(data)
    document = reading.document
    if reading.deviations and document.sections and (faults := document_faults(document)):
        # The liberties taken add up to something else; better a question than a wrong issue.
        reason = Said.TWO_WAYS(fault=faults[0])
        problem = Problem(Said.FILE(), None, reason, data.decode("utf-8", "replace"))
        return Reading(document, reading.deviations, (*reading.problems, problem))
    return reading


def read(data: bytes) -> Document:
    """Read a file that has to be whole. Raises Unreadable, listing every problem."""
    return parse(data).whole()


def _parse(data: bytes) -> Reading:
    notes = Notes()
    text = _decode(data, notes)
    if not text.strip():
        if not notes.problems:
            notes.refuse(Said.FILE(), None, Said.NOTHING(), [text])
        return notes.reading(Document())
    raw = text.split("\n")
    front_matter, start = _read_front_matter(raw, notes)
    lines = number_lines(raw[start:], start + 1)
    return notes.reading(_read_body(lines, front_matter, start > 0, notes))


def _decode(data: bytes, notes: Notes) -> str:
    """The text of a file; the empty string, with a problem noted, if it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = {"byte": error.start + 1, "code": f"{data[error.start]:02X}"}
        encoding = _encoding_of(data)
        reason = Said.NOT_UTF8_BUT(**byte, encoding=encoding) if encoding else Said.NOT_UTF8(**byte)
        notes.refuse(Said.FILE(), line, reason, [data.decode("utf-8", "backslashreplace")])
        return ""
    if text.count("\0") > len(text) // 4:
        notes.refuse(Said.FILE(), 1, Said.NULS(), [text])
        return ""
    if text.startswith("\ufeff"):
        notes.deviate(1, Said.BYTE_ORDER_MARK())
        text = text[1:]
    return unify_newlines(text, notes)


def _encoding_of(data: bytes) -> str:
    """What a file that is not UTF-8 looks like; empty where it looks like nothing known."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    for codec, encoding in (("cp950", "Big5"), ("gb18030", "GB18030")):
        try:
            data.decode(codec)
        except UnicodeDecodeError:
            continue
        return encoding
    return ""


def _read_front_matter(raw: list[str], notes: Notes) -> tuple[FrontMatter, int]:
    """The front matter and the number of lines it takes, fences included."""
    fence = raw[0].rstrip(BLANKS)
    format = next((f for f, mark in frontmatter.FENCES.items() if mark == fence), None)
    # `---` with a blank line below it may as well separate blocks.
    is_sure = len(raw) < 2 or bool(raw[1].strip(BLANKS)) or format == "toml"
    closing = next((i for i, text in enumerate(raw) if i and text.rstrip(BLANKS) == fence), None)
    if format is None or (closing is None and not is_sure):
        notes.deviate(1, Said.NO_FRONT_MATTER())
        return FrontMatter(), 0
    if closing is None:
        end = next((i for i, text in enumerate(raw) if HEADING.match(text)), len(raw))
        reason = Said.FRONT_NOT_CLOSED(fence=fence)
        notes.refuse(Said.FRONT_MATTER(), 1, reason, raw[:end])
        return FrontMatter(), end
    try:
        refuse_controls(Line(i, text, text) for i, text in enumerate(raw[:closing], start=1))
        front_matter = frontmatter.read("\n".join(raw[1:closing]), format)
        _refuse_steering(front_matter)
    except (frontmatter.FrontMatterError, Refused, ValidationError) as error:
        if is_sure:
            notes.refuse(Said.FRONT_MATTER(), *_trouble_inside(error), raw[: closing + 1])
            return FrontMatter(), closing + 1
        front_matter = FrontMatter()
    if not is_sure and not front_matter.values:
        notes.deviate(1, Said.NO_FRONT_MATTER())
        return FrontMatter(), 0
    if not front_matter.source.strip():
        notes.deviate(1, Said.EMPTY_FRONT_MATTER())
        front_matter = FrontMatter()
    if frontmatter.hides_page(front_matter.values):
        line = frontmatter.line_of("draft", front_matter.source) or 0
        notes.deviate(line + 1, Said.HIDES())
    for i in (0, closing):
        if raw[i] != fence:
            notes.deviate(i + 1, Said.BLANKS_AFTER_FENCE(fence=fence))
    return front_matter, closing + 1


def _refuse_steering(front_matter: FrontMatter) -> None:
    values, source = front_matter.values, front_matter.source
    if keys := frontmatter.steering_keys(values):
        *others, last = keys
        fault = Said.STEERS(key=last)
        for key in reversed(others):
            fault = Said.STEERS_AND(key=key, further=fault)
        raise frontmatter.FrontMatterError(fault, frontmatter.line_of(keys[0], source) or 1)


def _trouble_inside(error: Exception) -> tuple[int | None, str]:
    if isinstance(error, frontmatter.FrontMatterError):
        return error.line and error.line + 1, error.reason
    if isinstance(error, ValidationError):
        return 1, first_reason(error)[1]
    return getattr(error, "line", None), error.args[0]


def _read_body(
    lines: list[Line], front_matter: FrontMatter, has_front_matter: bool, notes: Notes
) -> Document:
    chunks, tail = scan(lines)
    note_shortcodes(lines, notes)
    if not chunks and not front_matter.source and not notes.problems:
        notes.refuse(Said.FILE(), None, Said.NOTHING(), (line.raw for line in lines))
    elif chunks and all(chunk.kind == "text" for chunk in chunks):
        first = chunks[0].first.number
        notes.refuse(Said.FILE(), first, Said.NO_HEADING(), (line.raw for line in lines))
        return Document(front_matter=front_matter)
    if reason := _too_many(chunks):
        refuse_whole(reason, "\n".join(line.raw for line in lines), notes)
        return Document(front_matter=front_matter)
    footer = chunks.pop() if chunks and chunks[-1].kind == "text" else None
    chunks = _join_strays(chunks, notes)
    _note_gaps(chunks + ([footer] if footer else []), has_front_matter, notes)
    _note_tail(tail, lines, notes)
    lead = chunks.pop(0) if chunks and chunks[0].kind == "text" else None
    if lead and not front_matter.source and _JSON_OR_ORG.match(lead.first.raw):
        raw = (line.raw for line in lead.all_lines)
        notes.refuse(lead.where, lead.first.number, Said.OTHER_FRONT_MATTER(), raw)
        lead = None
    return Document(
        front_matter=front_matter,
        lead=_read_text(Said.LEAD_BLOCK(), lead, notes),
        sections=_read_sections(chunks, notes),
        footer=_read_text(Said.FOOTER_BLOCK(), footer, notes),
    )


def _too_many(chunks: list[Chunk]) -> str:
    """Why these are more blocks than one issue has; empty if they are not."""
    sections = sum(chunk.kind == "section" for chunk in chunks)
    cards = most = passages = 0
    kind = "cards"
    for chunk in chunks:
        if chunk.kind == "section":
            kind, passages = kind_of(chunk.title), 0
        elif kind == "cards":
            cards += chunk.kind == "item"
        else:
            passages += 1
            most = max(most, passages)
    return excess(sections=sections, cards=cards, passages=most)


def _join_strays(chunks: list[Chunk], notes: Notes) -> list[Chunk]:
    """Text between separators that is neither lead nor footer belongs to what stands above it."""
    joined: list[Chunk] = []
    for chunk in chunks:
        if chunk.kind == "text" and joined:
            notes.deviate(chunk.first.number, Said.STRAY())
            joined[-1].below += [Line(chunk.first.number, "", ""), *chunk.all_lines]
        else:
            joined.append(chunk)
    return joined


def _note_gaps(chunks: list[Chunk], has_front_matter: bool, notes: Notes) -> None:
    between_blocks = ["", SEPARATOR, ""]
    above: Chunk | None = None
    kind = "cards"
    for chunk in chunks:
        if above is None:
            wanted = between_blocks if has_front_matter else []
        elif chunk.kind == "item" and (above.kind == "section" or kind != "cards"):
            wanted = [""]
        else:
            wanted = between_blocks
        note_gap(chunk, wanted, notes)
        if chunk.kind != "text":
            note_heading(chunk, notes)
        if chunk.kind == "section":
            kind = kind_of(chunk.title)
        above = chunk


def _note_tail(tail: list[Line], lines: list[Line], notes: Notes) -> None:
    found = [line.text for line in tail]
    if found == ["", SEPARATOR]:
        return
    last = lines[-1].number if lines else 1
    if found and not found[-1]:
        last -= 1
        notes.deviate(last, Said.LAST_NEWLINE())
        found.pop()
    if not any(map(str.strip, found)):
        notes.deviate(last, Said.LAST_RULE_MISSING(rule=SEPARATOR))
    elif found != ["", SEPARATOR]:
        notes.deviate(last, Said.LAST_RULE_OTHERWISE(rule=SEPARATOR))


def _read_sections(chunks: list[Chunk], notes: Notes) -> tuple[Section, ...]:
    groups: list[tuple[Chunk, list[Chunk]]] = []
    for chunk in chunks:
        if chunk.kind == "section":
            groups.append((chunk, []))
            continue
        if not groups:
            notes.deviate(chunk.first.number, Said.CARD_ABOVE())
            groups.append((Chunk("section", Line(chunk.first.number, "##", "")), []))
        groups[-1][1].append(chunk)
    return tuple(filter(None, (_read_section(*group, notes) for group in groups)))


def _read_section(heading: Chunk, items: list[Chunk], notes: Notes) -> Section | None:
    title = attempt(lambda: Section(title=heading.title), heading.where, [heading.first], notes)
    section = title or Section(title="")
    _, lead, _ = trim(heading.below)
    opening = Chunk("text", lead[0], below=lead[1:]) if lead else None
    if kind_of(heading.title) == "cards":
        return section.model_copy(
            update={
                "lead": _read_text(Said.TEXT_OF(place=heading.where), opening, notes),
                "cards": tuple(filter(None, (read_item(item, notes) for item in items))),
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


def _read_passage(chunk: Chunk, notes: Notes) -> Passage | None:
    lines = chunk.all_lines if chunk.kind == "text" else chunk.below
    return attempt(
        lambda: Passage(title=chunk.title, body=settle(lines, in_card=False, notes=notes)),
        called("passage", chunk.title),
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


def _read_text(where: str, chunk: Chunk | None, notes: Notes) -> str:
    if chunk is None:
        return ""
    lines = chunk.all_lines
    passage = attempt(
        lambda: Passage(body=settle(lines, in_card=False, notes=notes)), where, lines, notes
    )
    return passage.body if passage else ""


# --- writing


def write(document: Document) -> bytes:
    """The document's file. What `tidy` removes is not in it."""
    document = tidy(document)
    blocks = [frontmatter.write(document.front_matter), shortcodes.escape(_broken(document.lead))]
    for section in document.sections:
        blocks += _section_blocks(section)
    blocks.append(shortcodes.escape(_broken(document.footer)))
    text = BETWEEN_BLOCKS.join(filter(None, blocks))
    return f"{text}\n\n{SEPARATOR}".encode() if text else b""


def write_section_passages(section: Section) -> str:
    """The Markdown of an insight or a reading list. Its SHA-256 is its identity."""
    return "\n\n".join(_section_blocks(tidy_section(section)))


def _section_blocks(section: Section) -> list[str]:
    """A section's blocks; the first holds the heading and all up to the end of the first card."""
    title = headings.escape(section.title)
    texts = [f"## {title}" if title else "##", _broken(section.lead)]
    for passage in section.passages:
        title = headings.escape(passage.title)
        texts += [f"### {title}" if title else "", _broken(passage.body)]
    first = shortcodes.escape("\n\n".join(filter(None, texts)))
    cards = [write_card(card) for card in section.cards]
    return ["\n\n".join([first, *cards[:1]]), *cards[1:]]


def _broken(text: str) -> str:
    return break_text(text, in_card=False)


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
        Passage(
            title=headings.unescape(p.title.strip(BLANKS)), body=settle_text(p.body, in_card=False)
        )
        for p in section.passages
    ]
    if section.kind != "cards" and lead:
        passages.insert(0, Passage(body=lead))
        lead = ""
    return section.model_copy(
        update={
            "title": headings.unescape(section.title.strip(BLANKS)),
            "lead": lead,
            "cards": tuple(map(tidy_card, section.cards)),
            "passages": tuple(p for p in passages if p.title or p.body),
        }
    )


# --- faults


def passage_faults(section: Section) -> list[Sentence]:
    """`card_faults` for an insight or a reading list."""
    section = tidy_section(section)
    alone = _parse(write_section_passages(section).encode())
    if not alone.problems and alone.document.sections == (section,):
        return []
    faults = list(_section_faults(section))
    return (
        faults
        or [problem.sentence for problem in alone.problems]
        or [Said.SECTION_DIFFERS(where=called("section", section.title))]
    )


def document_faults(document: Document) -> list[Sentence]:
    """`card_faults` for a whole document."""
    try:
        document = tidy(document)
    except frontmatter.FrontMatterError as error:
        return [Said.AT(where=Said.FRONT_MATTER(), fault=error.reason)]
    if fault := document.excess:
        return [fault]
    if steering := frontmatter.steering_faults(document.front_matter.values):
        return [Said.AT(where=Said.FRONT_MATTER(), fault=fault) for fault in steering]
    again = _parse(write(document))
    if not again.problems and again.document == document:
        return []
    return (
        list(_document_faults(document))
        or [problem.sentence for problem in again.problems]
        or [Said.DOCUMENT_DIFFERS()]
    )


def _document_faults(document: Document) -> Iterator[Sentence]:
    if not document.front_matter.source and _JSON_OR_ORG.match(document.lead):
        yield Said.OTHER_FRONT_MATTER()
    if not document.sections and (document.lead or document.footer):
        yield Said.NO_SECTION()
    yield from text_faults(document.lead, Said.LEAD(), "card")
    yield from text_faults(document.footer, Said.FOOTER(), "card")
    for section in document.sections:
        for card in section.cards if section.kind == "cards" else ():
            where = called("card", card.headline)
            yield from (Said.AT(where=where, fault=fault) for fault in card_faults(card))
        yield from _section_faults(section)


def _section_faults(section: Section) -> Iterator[Sentence]:
    where, kind = called("section", section.title), KINDS[section.kind]()
    if kind_of(section.title) != section.kind:
        meant = KINDS[kind_of(section.title)]()
        yield Said.OTHER_KIND(title=section.title, meant=meant, kind=kind)
    if section.kind == "cards" and section.passages:
        yield Said.HAS_PASSAGES(where=where)
    if section.kind != "cards" and section.cards:
        yield Said.HAS_CARDS(where=where, kind=kind)
    if not all(passage.title for passage in section.passages[1:]):
        yield Said.PASSAGE_NEEDS_TITLE(where=where)
    yield from text_faults(section.lead, Said.THE_TEXT_OF(place=where), "card")
    for passage in section.passages:
        yield from text_faults(passage.body, called("passage", passage.title), "passage")

"""Cards and their labelled fields, as Markdown and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from digest.document import (
    CARD_FIELDS,
    ENTITIES_LIMIT,
    SOURCES_LIMIT,
    Card,
    CardField,
    Importance,
    Source,
)
from digest.hugo import headings, shortcodes
from digest.hugo.blocks import (
    Chunk,
    attempt,
    note_blanks,
    note_heading,
    note_shortcodes,
    refuse_endless,
    scan,
    text_faults,
)
from digest.hugo.lines import (
    BLANKS,
    HARD_BREAK,
    Line,
    break_text,
    number_lines,
    settle,
    settle_text,
    text_lines,
    trim,
    unify_newlines,
)
from digest.reading import Deviation, Notes, Refused, Unreadable, excerpt, first_reason
from digest.sentences import Said, Sentence

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

_LABEL = re.compile(r" {0,3}\*\*([^*]{1,100})\*\*([ \t]*)([:：]?)(.*)$")
_VARIANT = re.compile(r"[ \t]*[（(][^（(]*[）)]$")
_HYPHENS = re.compile("(?<=中)[ \t]?[-‐‑‒–—−－][ \t]?(?=高)")
_DASH = re.compile(r"[ \t]*[-*+][ \t]+")
_BULLET = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_LINK_GLUE = re.compile(r"[ \t|｜,，、;；]+")
_BARE_LINK = re.compile(r"<(https?://[^\s<>]+)>|(https?://[^\s<>|，、；。]+)")
_BRACKET = re.compile(r"\\.|[\[\]()]")
_FIRST_LINK = re.compile(
    r"\[(?P<title>[^\[\]]{1,500})\]\((?P<url>https?://[^\s()<>]+)\)"
    r"|(?P<bare>https?://[^\s()<>\[\]|，。；、]+)"
)


# --- reading


def read_card(text: str) -> tuple[Card, tuple[Deviation, ...]]:
    """Read the Markdown of one card. Raises Unreadable if there is more, less, or a problem."""
    notes = Notes()
    raw = unify_newlines(text, notes).split("\n")
    lines = number_lines(raw)
    note_shortcodes(lines, notes)
    chunks, _ = scan(lines)
    if [chunk.kind for chunk in chunks] == ["item"]:
        note_heading(chunks[0], notes)
        card = read_item(chunks[0], notes)
    else:
        card = None
        notes.refuse(Said.ONE_CARD(), None, _not_one_card(chunks), raw)
    if card is None:
        raise Unreadable(tuple(notes.problems))
    return card, tuple(sorted(notes.deviations))


def _not_one_card(chunks: list[Chunk]) -> Sentence:
    cards = sum(chunk.kind == "item" for chunk in chunks)
    if cards != 1:
        return Said.SEVERAL_CARDS(count=cards) if cards else Said.NO_CARD()
    other = next(chunk for chunk in chunks if chunk.kind != "item")
    return Said.OUTSIDE_CARD(line=other.first.number, text=excerpt(other.first.text))


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


def read_item(chunk: Chunk, notes: Notes) -> Card | None:
    """The card below a ### line; None, with a problem noted, if it cannot be read."""

    def read() -> Card:
        before = len(notes.deviations)
        card = _read_card(chunk, notes)
        if len(notes.deviations) > before and (faults := card_faults(card)):
            raise Refused(chunk.first.number, Said.NOT_KEPT(fault=faults[0]))
        return card

    return attempt(read, chunk.where, chunk.all_lines, notes)


def _read_card(chunk: Chunk, notes: Notes) -> Card:
    fields = _split_fields(trim(chunk.below)[1], notes)
    _note_blanks_between(fields, notes)
    values: dict[str, Any] = {"headline": chunk.title}
    rest: list[Line] = []
    for i, f in enumerate(fields):
        values[f.name], rest = _FIELD_READERS[f.name](f, notes)
        if rest and i + 1 < len(fields):
            reason = Said.BETWEEN_FIELDS(label=f.label, next=fields[i + 1].label)
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
            notes.deviate(line.number, Said.LABEL_AGAIN(label=f.label))
        (fields[-1].below if fields else opening).append(line)
    return fields or _opening_field(trim(opening)[1], None, notes)


def _opening_field(opening: list[Line], first: _Field | None, notes: Notes) -> list[_Field]:
    """The field for text above all labels, or that text joined to the summary it stands above."""
    if not opening:
        return []
    notes.deviate(opening[0].number, Said.LABEL_MISSING())
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
            notes.deviate(line.number, Said.LABEL_UNKNOWN(label=excerpt(label)))
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
        (written.strip(BLANKS).endswith((":", "：")), Said.COLON_INSIDE),
        (colon == ":", Said.COLON_ASCII),
        (colon and is_text, Said.COLON_TOO_MANY),
        (not colon and not is_text and written == f.label, Said.COLON_MISSING),
        (f.value and not on_line, Said.TEXT_ON_LINE),
        (not f.line.text.endswith(HARD_BREAK), Said.BREAK_MISSING),
    ]
    for trouble in [said for is_so, said in troubles if is_so] or [Said.LABEL_BLANKS]:
        notes.deviate(f.line.number, trouble(label=f.label))


def _note_blanks_between(fields: list[_Field], notes: Notes) -> None:
    for f in fields:
        above, text, _ = trim(f.below)
        if text and f.label and f.name in _TEXT_FIELDS:
            note_blanks(above, 0, f.label, text[0], notes)
    for f, following in pairwise(fields):
        _, _, blanks = trim(f.below)
        wanted = int(f.name in _TEXT_FIELDS or following.name in _TEXT_FIELDS)
        note_blanks(blanks, wanted, f.label, following.line, notes)


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
            notes.deviate(f.line.number, Said.ENTITIES_JOINED(label=f.label))
        entities += kept
    if len(entities) > ENTITIES_LIMIT:
        reason = Said.ENTITIES(count=len(entities), limit=ENTITIES_LIMIT)
        raise Refused(f.line.number, reason)
    return entities, rest


def _read_importance(f: _Field, notes: Notes) -> tuple[tuple[Importance | None, str], list[Line]]:
    values, rest = _read_values(f, notes)
    value = " ".join(values)
    word, paren, note = re.match("([^（(]*)([（(]?)(.*)", value).groups()  # type: ignore[union-attr]  matches all
    if paren and not note.endswith(("）", ")")):
        raise Refused(f.line.number, Said.NOTE_OPEN(text=excerpt(word)))
    note = note[:-1]
    label = _HYPHENS.sub("‑", word.strip(BLANKS))
    try:
        importance = Importance.from_label(label) if label else None
    except ValueError as error:
        raise Refused(f.line.number, error.args[0]) from None
    if value != label + (f"（{note}）" if note else ""):
        is_note = label == word.strip(BLANKS)
        said = Said.PARENTHESES_OTHERWISE if is_note else Said.HYPHEN_OTHERWISE
        notes.deviate(f.line.number, said(label=f.label))
    return (importance, note), rest


def _read_values(f: _Field, notes: Notes) -> tuple[list[str], list[Line]]:
    """The value of a one-line field, wherever it stands, and what follows."""
    lines = f.below
    if f.value or not lines or lines[0].is_blank:
        return [f.value] if f.value else [], _following(f, lines, notes)
    notes.deviate(lines[0].number, Said.VALUE_BELOW(label=f.label))
    end = next((i for i, line in enumerate(lines) if line.is_blank), len(lines))
    values = [_DASH.sub("", line.text, count=1).strip(BLANKS) for line in lines[:end]]
    return values, _following(f, lines[end:], notes)


def _following(f: _Field, lines: list[Line], notes: Notes) -> list[Line]:
    """The text that follows a one-line field."""
    blanks, text, _ = trim(lines)
    if text:
        note_blanks(blanks, 1, f.label, text[0], notes)
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
        raise Refused(lines[0].number, Said.NO_LINK(text=excerpt(lines[0].text)))
    if len(sources) > SOURCES_LIMIT:
        reason = Said.SOURCES(count=len(sources), limit=SOURCES_LIMIT)
        raise Refused(lines[0].number, reason)
    if not taken:
        return [], _following(f, f.below, notes)
    note_blanks(blanks, 0, f.label, lines[0], notes)
    if len(taken) > 1:
        notes.deviate(lines[0].number, Said.SOURCES_LINES())
    elif taken[0] != _write_sources(sources):
        said = Said.SOURCES_LISTED if _BULLET.match(taken[0]) else Said.SOURCES_OTHERWISE
        notes.deviate(lines[0].number, said())
    return sources, _following(f, lines[len(taken) :], notes)


def _source(line: int, title: str, url: str) -> Source:
    try:
        return Source(title=title, url=url)
    except ValidationError as error:
        fault = first_reason(error)[1]
        raise Refused(line, Said.OF_SOURCE(title=excerpt(title), fault=fault)) from None


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
    for found in _BRACKET.finditer(text, opening):
        depth += (found[0] == pair[0]) - (found[0] == pair[1])
        if depth == 0 and found[0] == pair[1]:
            return found.start()
    return 0


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _first_link(chunk: Chunk, notes: Notes) -> list[Source]:
    """The source of a card that names none: the first link in its headline or text."""
    for line in chunk.all_lines:
        for found in _FIRST_LINK.finditer(line.text):
            url = found["url"] or found["bare"]
            try:
                source = Source(title=(found["title"] or _host(url)).strip(), url=url)
            except ValidationError:
                continue
            notes.deviate(line.number, Said.SOURCE_TAKEN())
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


def write_card(card: Card) -> str:
    """The Markdown of one card, from its headline to its last line. Its SHA-256 is its identity."""
    card = tidy_card(card)
    lines = [f"### {headings.escape(card.headline)}"]
    above: CardField = "summary"
    for f in _standing(card):
        if f in _TEXT_FIELDS or above in _TEXT_FIELDS:
            lines.append("")
        lines += _write_field(card, f)
        above = f
    if card.rest:
        lines += ["", break_text(card.rest, in_card=True)]
    return shortcodes.escape("\n".join(lines))


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


def tidy_card(card: Card) -> Card:
    """`tidy` for one card."""
    texts = (*_TEXT_FIELDS, "rest")
    card = card.model_copy(
        update={f: settle_text(getattr(card, f), in_card=True) for f in texts}
        | {"headline": headings.unescape(card.headline.strip(BLANKS))}
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
        general = Said.FIELDS_DIFFER(fields=", ".join(changed))
    return list(_card_faults(card)) or [general]


def _read_alone(text: str) -> Card:
    """The card a text holds, if it holds one card. Raises Refused or ValidationError."""
    chunks, _ = scan(number_lines(text.split("\n")))
    if [chunk.kind for chunk in chunks] != ["item"]:
        raise Refused(1, _not_one_card(chunks))
    refuse_endless(chunks[0].all_lines)
    return _read_card(chunks[0], Notes())


def _card_faults(card: Card) -> Iterator[Sentence]:
    for f, place in (
        ("summary", Said.SUMMARY()),
        ("details", Said.DETAILS()),
        ("applications", Said.APPLICATIONS()),
        ("rest", Said.REST()),
    ):
        text = getattr(card, f)
        yield from text_faults(text, place, "card")
        yield from _label_faults(text, place)
    for f, label in card.labels.items():
        if _FIELD_OF_LABEL.get(_VARIANT.sub("", label).casefold()) != f:
            own = LABELS[f][0]
            yield Said.NOT_ITS_LABEL(label=label, field=f, own=own)
    standing = _standing(card)
    if card.rest and (not standing or standing[-1] in _TEXT_FIELDS):
        yield Said.REST_ALONE()
    for entity in card.entities:
        if len(card.entities) == 1 and re.search("[、，]", entity):
            yield Said.SEVERAL_ENTITIES(name=entity)


def _label_faults(text: str, place: Sentence) -> Iterator[Sentence]:
    for line in text_lines(text):
        if f := _read_label(line, Notes()):
            where = Said.LINE_OF(line=line.number, place=place)
            yield Said.IS_LABEL(where=where, label=f.label)

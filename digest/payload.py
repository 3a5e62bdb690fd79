"""What a machine hands over: Markdown or JSON, bytes from outside, read into a document.

JSON is the shape of `digest.document.Document`. It gets the same treatment as Markdown: good cards
land, a bad one is a problem that holds its JSON and waits in sight. On top of that it is guarded
against what the standard parser lets through: keys given twice, NaN and numbers out of range,
nesting without end. Text that no file could carry is refused by the values themselves.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from digest import hugo
from digest.document import NESTING_LIMIT, Card, Document, FrontMatter, Passage, Section, excess
from digest.hugo import frontmatter
from digest.reading import Notes, Reading, first_reason, refuse_whole
from digest.sentences import Said

_MARKDOWN = {"text/markdown", "text/x-markdown", "text/plain"}
_ANY = {"", "application/octet-stream"}
_INTEGER_DIGITS = 19  # what fits in 64 bits has no more
_STRUCTURE = re.compile(r'["\\\[\]{}]')

M = TypeVar("M", bound=BaseModel)


def parse(data: bytes, media_type: str = "") -> Reading:
    """Read a payload by its media type; without one, by its first character. Never raises."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return from_json(data)
    if kind in _MARKDOWN:
        return hugo.parse(data)
    if kind in _ANY:
        is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
        return from_json(data) if is_json else hugo.parse(data)
    return _refused(Said.MEDIA_TYPE(type=kind[:100]), data.decode("utf-8", "replace"))


def from_json(data: bytes) -> Reading:
    """Read a document in JSON, tolerantly. Never raises, whatever the bytes.

    Problems name their place with a JSON pointer, such as `/sections/0/cards/3/importance`.
    """
    text = data.decode("utf-8-sig", "backslashreplace")
    try:
        data.decode("utf-8")
        _refuse_deep_nesting(text)
        payload = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        return _refused(Said.BYTE(byte=error.start + 1), text)
    except json.JSONDecodeError as error:
        return _refused(Said.JSON(detail=error.msg), text, error.lineno)
    except ValueError as error:
        return _refused(error.args[0], text)
    if not isinstance(payload, dict):
        return _refused(Said.NOT_JSON_OBJECT(), text)
    notes = Notes()
    if reason := _too_many(payload.get("sections")):
        refuse_whole(reason, text, notes)
        return notes.reading(Document())
    document = _document(payload, notes)
    if frontmatter.hides_page(document.front_matter.values):
        notes.deviate(1, Said.HIDES())
    if document == Document() and not notes.problems:
        return _refused(Said.NOTHING(), text)
    return notes.reading(document)


def _refused(reason: str, text: str, line: int | None = None) -> Reading:
    notes = Notes()
    notes.refuse(Said.FILE(), line, reason, [text])
    return notes.reading(Document())


# --- guards


def _refuse_deep_nesting(text: str) -> None:
    """Count brackets outside strings, before anything recursive sees the text."""
    depth, in_string, skipped = 0, False, -1
    for found in _STRUCTURE.finditer(text):
        character = found[0]
        if found.start() == skipped:
            continue
        if character == '"':
            in_string = not in_string
        elif in_string:
            if character == "\\":
                skipped = found.end()
        else:
            depth += (character in "[{") - (character in "]}")
            if depth > NESTING_LIMIT:
                raise ValueError(Said.DEEP(limit=NESTING_LIMIT))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(Said.JSON_KEY_TWICE(key=json.dumps(key)[:100]))
        # Browsers and Windows send CRLF, which no value may hold.
        found[key] = re.sub("\r\n?", "\n", value) if isinstance(value, str) else value
    return found


def _constant(name: str) -> None:
    raise ValueError(Said.JSON_CONSTANT(number=name))


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(Said.JSON_RANGE(number=digits[:40]))
    return number


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _INTEGER_DIGITS:
        raise ValueError(Said.JSON_DIGITS(number=digits[:40]))
    return int(digits)


# --- from JSON to values


def _document(payload: dict[str, Any], notes: Notes) -> Document:
    for key in payload.keys() - Document.model_fields.keys():
        reason = Said.UNKNOWN_KEY(keys=", ".join(Document.model_fields))
        notes.refuse(_pointer("", key), None, reason, [_json(payload[key])])
    front_matter = _value(FrontMatter, payload.get("front_matter", {}), "/front_matter", notes)
    sections = _each(_section, payload.get("sections", []), "/sections", notes)
    # A section stands in for those to come: text needs one beside it.
    shell = Document(front_matter=front_matter or FrontMatter(), sections=(Section(title="-"),))
    kept = _if_kept(shell, "front_matter", notes)
    texts = {key: _text(key, payload.get(key, ""), kept, notes) for key in ("lead", "footer")}
    if any(texts.values()) and not sections:
        notes.refuse("/sections", None, Said.TEXT_ALONE(), [_json(texts)])
        texts = {}
    return hugo.tidy(kept.model_copy(update={"sections": sections, **texts}))


def _too_many(sections: Any) -> str:
    """Why these are more sections, cards or passages than one issue has; empty if not."""

    def length(value: Any) -> int:
        return len(value) if isinstance(value, list) else 0

    listed = sections if isinstance(sections, list) else []
    shells = [shell for shell in listed if isinstance(shell, dict)]
    return excess(
        sections=len(listed),
        cards=sum(length(shell.get("cards")) for shell in shells),
        passages=max((length(shell.get("passages")) for shell in shells), default=0),
    )


def _text(key: str, raw: Any, above: Document, notes: Notes) -> str:
    passage = _value(Passage, {"body": raw}, f"/{key}", notes)
    if not passage:
        return ""
    shell = above.model_copy(update={key: passage.body})
    return getattr(_if_kept(shell, key, notes), key)


def _if_kept(document: Document, key: str, notes: Notes) -> Document:
    """A document, without a part that its file could not carry."""
    faults = hugo.document_faults(document)
    if not faults:
        return document
    part = getattr(document, key)
    raw = part.model_dump() if isinstance(part, BaseModel) else part
    notes.refuse(f"/{key}", None, faults[0], [_json(raw)])
    return document.model_copy(update={key: type(document).model_fields[key].default})


def _section(raw: Any, where: str, notes: Notes) -> Section | None:
    if not isinstance(raw, dict):
        notes.refuse(where, None, Said.NOT_AN_OBJECT(), [_json(raw)])
        return None
    cards = _each(_card, raw.get("cards", []), f"{where}/cards", notes)
    passages = _each(_passage, raw.get("passages", []), f"{where}/passages", notes)
    shell = {key: value for key, value in raw.items() if key not in ("cards", "passages")}
    if isinstance(raw.get("title"), str):
        shell.setdefault("kind", hugo.kind_of(raw["title"]))
    section = _value(Section, shell, where, notes)
    if section and (faults := hugo.passage_faults(_with(section, passages=passages))):
        notes.refuse(where, None, faults[0], [_json({**shell, "passages": raw.get("passages")})])
        section = None
    if section is None:
        # Its cards land all the same, in a section that still needs a title.
        return Section(title="", cards=cards) if cards else None
    if cards and section.kind != "cards":
        reason = Said.HAS_NO_CARDS(kind=hugo.KINDS[section.kind]())
        notes.refuse(f"{where}/cards", None, reason, [_json(raw["cards"])])
        cards = ()
    return _with(section, cards=cards, passages=passages)


def _with(section: Section, **values: Any) -> Section:
    return section.model_copy(update=values)


def _card(raw: Any, where: str, notes: Notes) -> Card | None:
    card = _value(Card, raw, where, notes)
    if card and (faults := hugo.card_faults(card)):
        notes.refuse(where, None, faults[0], [_json(raw)])
        return None
    return card


def _passage(raw: Any, where: str, notes: Notes) -> Passage | None:
    return _value(Passage, raw, where, notes)


def _each(
    make: Callable[[Any, str, Notes], M | None], raw: Any, where: str, notes: Notes
) -> tuple[M, ...]:
    """What can be made of a list's items."""
    if not isinstance(raw, list):
        notes.refuse(where, None, Said.NOT_A_LIST(), [_json(raw)])
        return ()
    made = (make(item, f"{where}/{i}", notes) for i, item in enumerate(raw))
    return tuple(item for item in made if item is not None)


def _value(model: type[M], raw: Any, where: str, notes: Notes) -> M | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        place, reason = first_reason(error)
        notes.refuse(_pointer(where, *place), None, reason, [_json(raw)])
        return None


def _pointer(where: str, *place: str | int) -> str:
    """A JSON pointer (RFC 6901) to a place below another."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "/".join([where, *parts])


def _json(raw: Any) -> str:
    return json.dumps(raw, ensure_ascii=False, indent=2)

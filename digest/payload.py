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
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from digest import hugo
from digest.document import NESTING_LIMIT, Card, Document, FrontMatter, Passage, Section
from digest.reading import Notes, Reading, first_reason

SIZE_LIMIT = 10_000_000  # bytes; the sample has 36,567

_MARKDOWN = {"text/markdown", "text/x-markdown", "text/plain"}
_ANY = {"", "application/octet-stream"}
_INTEGER_DIGITS = 19  # what fits in 64 bits has no more
_STRUCTURE = re.compile(r'["\\\[\]{}]')

M = TypeVar("M", bound=BaseModel)


def parse(data: bytes, media_type: str = "") -> Reading:
    """Read a payload by its media type; without one, by its first character. Never raises."""
    kind = media_type.partition(";")[0].strip().lower()
    if len(data) > SIZE_LIMIT:
        reason = f"{len(data):,} bytes; a draft has {SIZE_LIMIT:,} at most"
        return _refused(reason, data[:1000].decode("utf-8", "replace"))
    if kind == "application/json" or kind.endswith("+json"):
        return from_json(data)
    if kind in _MARKDOWN:
        return hugo.parse(data)
    if kind in _ANY:
        is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
        return from_json(data) if is_json else hugo.parse(data)
    reason = f"{kind[:100]} is not read; send text/markdown or application/json"
    return _refused(reason, data.decode("utf-8", "replace"))


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
        return _refused(f"not UTF-8: byte {error.start + 1}", text)
    except json.JSONDecodeError as error:
        return _refused(f"not valid JSON: {error.msg}", text, error.lineno)
    except ValueError as error:
        return _refused(str(error), text)
    if not isinstance(payload, dict):
        return _refused("not a JSON object", text)
    notes = Notes()
    return notes.reading(_document(payload, notes))


def _refused(reason: str, text: str, line: int | None = None) -> Reading:
    notes = Notes()
    notes.refuse("file", line, reason, [text])
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
                raise ValueError(f"nested deeper than {NESTING_LIMIT}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {json.dumps(key)[:100]} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]} is out of range")
    return number


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _INTEGER_DIGITS:
        raise ValueError(f"the integer {digits[:40]}… has too many digits")
    return int(digits)


# --- from JSON to values


def _document(payload: dict[str, Any], notes: Notes) -> Document:
    known = Document.model_fields
    for key in payload.keys() - known:
        notes.refuse(_pointer(key), None, f"unknown; a document has {_names(known)}", [_json(payload[key])])
    front_matter = _value(FrontMatter, payload.get("front_matter", {}), "/front_matter", notes)
    sections = _each(_section, payload.get("sections", []), "/sections", notes)
    return hugo.tidy(
        Document(
            front_matter=front_matter or FrontMatter(),
            lead=_text(payload.get("lead", ""), "/lead", notes),
            sections=tuple(sections),
            footer=_text(payload.get("footer", ""), "/footer", notes),
        )
    )


def _text(raw: Any, where: str, notes: Notes) -> str:
    passage = _value(Passage, {"body": raw}, where, notes)
    return passage.body if passage else ""


def _section(raw: Any, where: str, notes: Notes) -> Section | None:
    if not isinstance(raw, dict):
        notes.refuse(where, None, "not an object", [_json(raw)])
        return None
    shell = {k: v for k, v in raw.items() if k not in ("cards", "passages")}
    if isinstance(raw.get("title"), str):
        shell.setdefault("kind", hugo.kind_of(raw["title"]))
    section = _value(Section, shell, where, notes)
    cards = _each(_card, raw.get("cards", []), f"{where}/cards", notes)
    passages = _each(_passage, raw.get("passages", []), f"{where}/passages", notes)
    ...

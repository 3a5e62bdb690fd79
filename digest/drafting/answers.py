"""What a model answered, read: JSON found in it, mended where that is safe, and put into values."""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from digest.document import ENTITIES_LIMIT, LINE_LIMIT, NESTING_LIMIT

M = TypeVar("M", bound="Answer")

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|,(?=\s*[}\]])', re.DOTALL)
_THINKING = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_ANSWER_LIMIT = 200_000  # characters; a card has never had a tenth of it


class Malformed(ValueError):
    """An answer that is not what was asked for.

    As a `str` a sentence in the language of the moment: the model and the editor are both told.
    """

    def __init__(self, sentence: Promise | str, values: dict[str, object] | None = None) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return str(self.sentence) % self.values if self.values else str(self.sentence)


def _blank(value: Any) -> Any:
    return "" if value is None else value


def _nothing(value: Any) -> Any:
    """null and "" are how models say that a list is empty."""
    return [] if value in (None, "") else value


def _item(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


#: No paragraph of a daily is longer, and escaped it must still fit into a field.
_PARAGRAPH = 1_200

Said = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_PARAGRAPH)]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LINE_LIMIT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LINE_LIMIT // 4)]


class Answer(BaseModel):
    """Base of what is asked of a model. What was not asked for is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Item(Answer):
    """A bullet, with those below it."""

    text: Annotated[Said, Field(min_length=1)]
    points: Annotated[tuple[Said, ...], BeforeValidator(_nothing), Field(max_length=8)] = ()


Items = Annotated[
    tuple[Annotated[Item, BeforeValidator(_item)], ...],
    BeforeValidator(_nothing),
    Field(max_length=12),
]


class CardAnswer(Answer):
    """A card as a model gives it: plain text in the fields of `digest.document.Card`."""

    headline: Annotated[Phrase, Field(min_length=2)]
    summary: Annotated[Said, Field(min_length=10)]
    details: Items = ()
    applications: Items = ()
    entities: Annotated[
        tuple[Name, ...], BeforeValidator(_nothing), Field(max_length=ENTITIES_LIMIT)
    ] = ()


class PassageAnswer(Answer):
    """A passage of the insight: its paragraphs in plain text."""

    title: Annotated[Phrase, Field(min_length=1)]
    paragraphs: Annotated[tuple[Said, ...], Field(min_length=1, max_length=6)]


class InsightAnswer(Answer):
    """An insight as a model gives it."""

    title: Annotated[Phrase, Field(min_length=2)]
    description: Annotated[Phrase, Field(min_length=2)]
    summary: Annotated[Phrase, BeforeValidator(_blank)] = ""
    passages: Annotated[tuple[PassageAnswer, ...], Field(min_length=3, max_length=3)]
    watch: Annotated[tuple[Phrase, ...], BeforeValidator(_nothing), Field(max_length=10)] = ()


def read(text: str, model: type[M]) -> M:
    """The values in an answer. Raises Malformed with a sentence on what is wrong with it.

    Code fences, thinking out loud, words before and after the object, and commas before a closing
    bracket are passed over. Nothing else is guessed: a text that was cut off stays cut off.
    """
    if len(text) > _ANSWER_LIMIT:
        values = {"limit": f"{_ANSWER_LIMIT:,}"}
        raise Malformed(_("the answer has more than %(limit)s characters"), values)
    found = _find_object(_THINKING.sub("", text.removeprefix("\ufeff")))
    try:
        payload = json.loads(
            found, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_float
        )
    except json.JSONDecodeError as error:
        values = {"error": error.msg, "line": error.lineno, "column": error.colno}
        raise Malformed(
            _("not valid JSON: %(error)s at line %(line)d, column %(column)d"), values
        ) from None
    except (ValueError, RecursionError) as error:
        raise Malformed(_("not valid JSON: %(error)s"), {"error": str(error)[:200]}) from None
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_context=False, include_input=False)
        said = (f"{'.'.join(map(str, c['loc'])) or 'the object'}: {c['msg']}" for c in complaints)
        raise Malformed("; ".join(list(said)[:6])) from None


def _find_object(text: str) -> str:
    """The first object that closes, without commas before closing brackets."""
    start = text.find("{")
    if start < 0:
        raise Malformed(_("there is no JSON object in the answer"))
    pieces, done, depth = [], start, 0
    for token in _TOKEN.finditer(text, start):
        mark = token[0]
        if mark == ",":
            pieces.append(text[done : token.start()])
            done = token.end()
        elif mark in "{[":
            depth += 1
            if depth > NESTING_LIMIT:
                raise Malformed(_("nested deeper than %(limit)d"), {"limit": NESTING_LIMIT})
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return "".join(pieces) + text[done : token.end()]
    raise Malformed(_("the JSON object is not closed; answer with less text"))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:40]!r} stands twice in one object")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number

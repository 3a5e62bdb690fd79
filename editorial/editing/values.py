"""What a change carries, and what can come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from digest.models import Event, Issue, sha256
from editorial.models import Membership
from editorial.sentences import translated


def hash_of(value: Any) -> str:
    """The hash of a field's value (text, number or list), as `base` carries it."""
    return sha256(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@dataclass(frozen=True)
class Difference:
    """Three versions of one field: what the editor started from, typed, and what is there now."""

    field: str
    base: Any
    mine: Any
    theirs: Any


class Collision(Exception):
    """Somebody changed the same fields meanwhile. Nothing was saved."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__(", ".join(d.field for d in differences))
        self.differences = differences


class Invalid(Exception):
    """Values that cannot be kept: sentences by field. Nothing was saved."""

    def __init__(self, sentences: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(s for each in sentences.values() for s in each))
        self.sentences = dict(sentences)


@dataclass(frozen=True)
class Change:
    """A new value for one field and the hash of the value it started from."""

    field: str
    value: Any
    base: str


def record(issue: Issue, by: Membership, verb: str, **columns: Any) -> Event:
    """Write down what `by` did to an issue; `columns` are further ones of the event."""
    return Event.objects.create(
        desk_id=issue.desk_id, issue=issue, actor=by.user, verb=verb, **columns
    )


def sentences_of(errors: ValidationError) -> dict[str, list[str]]:
    """Why a value was refused, by field, in the reader's language."""
    found: dict[str, list[str]] = {}
    for error in errors.errors(include_url=False, include_input=False):
        field, *place = error["loc"] or ("",)
        message = translated(error["msg"].removeprefix("Value error, "))
        number = next((f"{p + 1}: " for p in place if isinstance(p, int)), "")
        found.setdefault(str(field), []).append(number + message)
    return found

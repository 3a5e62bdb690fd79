"""One thing before and after, as people read it: a text, a rating, a list, a place.

Histories show what an event changed this way, and comparisons with an earlier version what has
changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from editorial.diff import Piece, SetDifference, difference, set_difference

Kind = Literal["text", "rating", "list", "move", "dropped"]

#: How the value of a field is compared; all others are texts.
KINDS: dict[str, Kind] = {
    "importance": "rating",
    "entities": "list",
    "sources": "list",
    "tags": "list",
    "place": "move",
    "dropped": "dropped",
}


@dataclass(frozen=True)
class FieldChange:
    """A field before and after. Values are as events keep them; `text_of` makes them readable."""

    field: str
    label: str | Promise
    kind: Kind
    before: Any
    after: Any

    @property
    def short(self) -> str:
        """The change in one line: “中 → 高”, “8 → 1”; empty for texts and lists."""
        if self.kind in ("text", "list"):
            return ""
        if self.kind == "move":
            return " · ".join(f"{a} → {b}" for a, b in _places(self.before, self.after))
        return f"{text_of(self.before, self.kind)} → {text_of(self.after, self.kind)}"

    @property
    def pieces(self) -> list[Piece]:
        """A text as what stayed, what is gone and what is new."""
        return difference(text_of(self.before), text_of(self.after))

    @property
    def entries(self) -> SetDifference:
        """A list as the entries that were kept, are gone and are new."""
        return set_difference(entries_of(self.before), entries_of(self.after))


def kind_of(field: str) -> Kind:
    """How the values of a field are compared."""
    return KINDS.get(field, "text")


def text_of(value: Any, kind: Kind = "text") -> str:
    """A value as people read it; a decision's own record says nothing they need."""
    if kind == "rating":
        return value or _("not rated")
    if kind == "dropped":
        return _("dropped") if value else _("in the issue")
    if kind == "move":
        return f"{value['section']} {_number(value)}" if value else ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(entries_of(value))
    return ""


def entries_of(value: Sequence[Any] | None) -> list[str]:
    """The entries of a list as texts: names as they are, sources with their address."""
    return [
        f"{each.get('title', '')} {each.get('url') or each.get('body') or ''}".strip()
        if isinstance(each, dict)
        else str(each)
        for each in value or ()
    ]


def _number(place: dict) -> int:
    """The number readers would count, or the position in the section where none is known."""
    return place.get("place") or place["position"]


def _places(before: dict, after: dict) -> list[tuple[Any, Any]]:
    """What differs of two places: the numbers, and the sections where there are two."""
    # Both counted alike, or “8 → 1” would compare the places with a section's.
    counted = "place" if before.get("place") and after.get("place") else "position"
    found = [(before[counted], after[counted])]
    if before["section"] != after["section"]:
        found.append((before["section"], after["section"]))
    return found

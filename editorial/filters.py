"""What somebody asks the queue for, as its address says it.

An address can hold anything. What makes no sense is as if it were not there: no parameter reaches
the database but as one of these values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from digest.document import LINE_LIMIT, Importance
from digest.search import SEARCH_LIMIT

#: What a card can be looked for by → what of it has to be so, one of these is enough (none: any).
#: What `waits` is said by `queue.CardRow.attention`, too.
STATES: dict[str, tuple[str, ...]] = {
    "waits": ("waiting", "commented", "later"),
    "waiting": ("waiting",),
    "comments": ("commented",),
    "later": ("later",),
    "edited": ("edited",),
    "approved": ("approved",),
    "dropped": ("dropped",),
    "any": (),
}
UNRATED = 0
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_UNKEPT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # no name has them


@dataclass(frozen=True)
class Filters:
    """The filters of the queue. Their names are those of the parameters."""

    q: str = ""
    scope: str = ""
    state: str = ""
    day: date | None = None
    section: str = ""
    importance: int | None = None
    entity: str = ""
    host: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        """The filters of an address."""
        line = {name: _line(params.get(name, "")) for name in ("q", "host")}
        return cls(
            q=line["q"][:SEARCH_LIMIT],
            scope="all" if params.get("scope") == "all" else "",
            state=state if (state := params.get("state")) in STATES else "",
            day=_day(params.get("day", "")),
            section=_as_written(params.get("section", "")),
            importance=_rating(params.get("importance", "")),
            entity=_as_written(params.get("entity", "")).strip(),
            host=line["host"].lower(),
        ).plain()

    def plain(self) -> Filters:
        """The same without what would be so anyway, so that one list has one address."""
        bare = replace(self, state="") if self.state == self.usual_state else self
        return replace(bare, scope="") if bare.q else bare

    @property
    def is_archive(self) -> bool:
        """Whether all issues are looked through, not only those in work."""
        return bool(self.q) or self.scope == "all"

    @property
    def usual_state(self) -> str:
        """What is shown where no state is asked for."""
        return "any" if self.is_archive else "waits"

    @property
    def present_state(self) -> str:
        return self.state or self.usual_state

    @property
    def narrowing(self) -> dict[str, Any]:
        """What is asked for beyond the text and the usual state, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {n: v for n, v in values.items() if n not in ("q", "scope") and v not in ("", None)}

    def with_(self, **changes: Any) -> Filters:
        """The same with other values. A state stays what it was, though the usual may change."""
        return replace(self, **{"state": self.present_state} | changes).plain()

    @property
    def query(self) -> str:
        """The address's query, with its question mark; empty where nothing is asked for."""
        pairs = [(f.name, getattr(self, f.name)) for f in fields(self)]
        given = [(name, str(value)) for name, value in pairs if value not in ("", None)]
        return f"?{urlencode(given)}" if given else ""

    @property
    def open_query(self) -> str:
        """The same, ready for one more parameter."""
        return f"{self.query}&" if self.query else "?"


def _line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())[:LINE_LIMIT]


def _as_written(text: str) -> str:
    """A name, whose blanks are its own: `AI　產業` is another one than `AI 產業`."""
    return "" if _UNKEPT.search(text) else text[:LINE_LIMIT]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _rating(text: str) -> int | None:
    ratings = {str(UNRATED): UNRATED} | {str(int(i)): int(i) for i in Importance}
    return ratings.get(text)

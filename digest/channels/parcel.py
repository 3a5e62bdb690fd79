"""What a channel is handed, and how it says that something did not work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any


class Undeliverable(Exception):
    """A delivery that did not work, in a sentence for the desk.

    `is_final` says that another try would fail in the same way. `receipt` is what was done before
    it failed; the next try finds it as `Parcel.receipt`.
    """

    def __init__(
        self, sentence: str, *, is_final: bool = False, receipt: dict[str, Any] | None = None
    ):
        super().__init__(sentence)
        self.is_final = is_final
        self.receipt = receipt or {}


@dataclass(frozen=True)
class Parcel:
    """A signed edition, ready to go.

    `content` are the bytes whose hash was signed and `document` says the same as JSON values;
    `cover` is the picture that belongs at `cover_path` (as the front matter names it), if there is
    one; `tree` is the desk's Hugo tree. `correction` is the public note of a corrected edition.
    `url` is where readers find the issue. `key` names this piece of work: it is the same at every
    try, and another for publishing and for taking back. `receipt` is what an earlier try left
    behind (see `Undeliverable`).
    """

    slug: str
    content: bytes
    sha256: str
    cover: bytes | None
    cover_path: str
    tree: Path
    desk: str = ""
    desk_title: str = ""
    day: date = date.min
    number: int = 0
    title: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    correction: str = ""
    url: str = ""
    key: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """An alarm on its way out of the desk.

    `subject` names the desk and stands by itself; `url` is the page where something can be done;
    `key` is the same at every try.
    """

    desk: str
    desk_title: str
    kind: str
    subject: str
    text: str
    url: str
    key: str

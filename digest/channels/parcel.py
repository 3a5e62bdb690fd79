"""What a channel is handed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path


class Undeliverable(Exception):
    """A delivery that did not work, in a sentence for the desk."""

    is_final = False
    receipt: dict = {}


@dataclass(frozen=True)
class Parcel:
    """A signed edition, ready to go.

    `content` are the bytes whose hash was signed; `cover` is the picture that belongs at
    `cover_path` (as the front matter names it), if there is one; `tree` is the desk's Hugo tree.
    """

    slug: str
    content: bytes
    sha256: str
    cover: bytes | None
    cover_path: str
    tree: Path
    desk: str = ""
    desk_title: str = ""
    day: date | None = None
    number: int = 0
    title: str = ""
    document: dict = field(default_factory=dict)
    correction: str = ""
    url: str = ""
    key: str = ""
    receipt: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    desk: str
    desk_title: str
    kind: str
    subject: str
    text: str
    url: str
    key: str

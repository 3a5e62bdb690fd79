"""What a channel is handed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Undeliverable(Exception):
    """A delivery that did not work, in a sentence for the desk."""


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

"""An edition becomes a post in a Hugo tree, and its cover a static file beside it."""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

from digest.channels.parcel import Parcel, Undeliverable


def deliver(parcel: Parcel) -> dict[str, Any]:
    """Write the post and the cover; the receipt names the paths and the hash that was read back.

    The cover goes first: a post must never show before its picture is there.
    """
    receipt: dict[str, Any] = {}
    if parcel.cover is not None and parcel.cover_path:
        cover = _inside(parcel.tree, "static", parcel.cover_path.lstrip("/"))
        write_file(cover, parcel.cover)
        receipt["cover"] = str(cover)
    post = _inside(parcel.tree, "content/posts", f"{parcel.slug}.md")
    write_file(post, parcel.content)
    found = hashlib.sha256(post.read_bytes()).hexdigest()
    if found != parcel.sha256:
        raise Undeliverable(f"{post} reads back as {found[:12]}…, not as the signed bytes")
    return receipt | {"path": str(post), "sha256": found}


def _inside(tree: Path, folder: str, name: str) -> Path:
    """The path of a file in a folder of the tree, its links followed. Refuses to leave the tree."""
    root = tree.resolve()
    path = root / folder / name
    if not path.parent.resolve().is_relative_to(root) or ".." in Path(name).parts:
        raise Undeliverable(f"{folder}/{name} would lie outside of {tree}")
    return path


def write_file(path: Path, content: bytes) -> None:
    """Put a file in its place whole or not at all, on the disk when this returns.

    A file that already has this content is left alone: a second delivery wakes no file watcher.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for abandoned in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        abandoned.unlink(missing_ok=True)  # its writer was killed
    if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
        return
    # The dot keeps Hugo from reading the file while it grows.
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is on the disk, too, not only the bytes
    finally:
        os.close(folder)

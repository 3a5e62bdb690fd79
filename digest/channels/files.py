"""Files in their places: whole or not at all, on the disk, inside of the folder they belong to."""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from digest.channels.parcel import Undeliverable

#: After so many seconds a part that nobody has put in its place has lost its writer. Younger ones
#: may be another worker's: the schema and a cover belong to several deliveries.
_ABANDONED = 60 * 60


def inside(tree: Path, folder: str, name: str) -> Path:
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
    _clear_away(path)
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
    _keep_names(path.parent)


def _clear_away(path: Path) -> None:
    """Take away what killed writers of a file have left."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(FileNotFoundError):  # its writer was just done with it
            if part.stat().st_mtime < time.time() - _ABANDONED:
                part.unlink()


def remove_file(path: Path) -> bool:
    """Take a file away for good. False if there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _keep_names(path.parent)
    return True


def hash_of(path: Path) -> str:
    """The SHA-256 of what a file holds now."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _keep_names(folder: Path) -> None:
    """Have what was named and unnamed in a folder on the disk, not only the bytes of its files."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

"""The inbox: a folder that machines without HTTP drop their drafts into.

inbox/2026-02-11-ai-intel.md        taken in for the default desk (with a .png of that name)
inbox/<desk>/….md                   for another desk
inbox/done/…                        what has landed, with a .problems.txt where cards did not
inbox/broken/…                      what could not land, with a .problems.txt beside it
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import structlog
from django.conf import settings

from digest.intake import COVER_LIMIT, MEDIA_TYPES, Unacceptable, land_left_behind, receive
from digest.models import Desk, Draft
from digest.publishing import machine_account

log = structlog.get_logger(__name__)

#: A file younger than this is still being written, in seconds.
SETTLED = 2
COVER_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def read_inbox() -> int:
    """Take in every finished file of the inbox; answers with how many there were.

    May run twice at once: the same draft twice is one draft, and whoever is first moves the file.
    """
    inbox = Path(settings.INBOX_DIR)
    inbox.mkdir(parents=True, exist_ok=True)
    count = 0
    for desk, folder in _folders(inbox):
        for path in _finished(folder):
            try:
                _take_in(path, desk)
            except Exception:
                # One file that makes us stumble keeps no other out; it stays and is tried again.
                log.exception("draft file failed", path=str(path))
            else:
                count += 1
    land_left_behind()
    return count


def _folders(inbox: Path) -> Iterator[tuple[Desk, Path]]:
    desks = list(Desk.objects.all())
    if desks:
        yield desks[0], inbox
    for desk in desks:
        if (inbox / desk.slug).is_dir():
            yield desk, inbox / desk.slug


def _finished(folder: Path) -> list[Path]:
    """Plain files (no links) with a suffix we know that have settled, oldest name first."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in MEDIA_TYPES
        and not path.name.startswith(".")
        and _has_settled(path)
        and ((cover := _cover_of(path)) is None or _has_settled(cover))
    ]


def _has_settled(path: Path) -> bool:
    """Whether this is a plain file that nobody has written to for a while."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False  # the other reader was faster
    return stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime >= SETTLED


def _cover_of(path: Path) -> Path | None:
    """The picture that came with a draft: the plain file of its name."""
    named = (path.with_suffix(suffix) for suffix in COVER_SUFFIXES)
    # Not Path.is_file, which raises where a suffix makes the name too long.
    return next((c for c in named if os.path.isfile(c) and not c.is_symlink()), None)


def _take_in(path: Path, desk: Desk) -> None:
    cover = _cover_of(path)
    try:
        for file, limit in ((path, settings.DRAFT_LIMIT), (cover, COVER_LIMIT)):
            if file and file.stat().st_size > limit:
                size = file.stat().st_size
                raise Unacceptable(f"{file.name}: {size:,} bytes; it may have {limit:,} at most")
        draft = receive(
            desk=desk,
            content=path.read_bytes(),
            media_type=MEDIA_TYPES[path.suffix.lower()],
            by=machine_account("machine"),
            name=path.name,
            cover=cover.read_bytes() if cover else None,
        ).draft
    except FileNotFoundError:
        return  # the other reader was faster
    except Unacceptable as refusal:
        _put_away([path, cover], "broken", f"{refusal}\n")
        return
    landed = draft.state == Draft.State.LANDED
    _put_away([path, cover], "done" if landed else "broken", report_of(draft))


def report_of(draft: Draft) -> str:
    """A draft's problems as a text file says them, one a line; empty if there are none."""
    return "".join(
        f"{p['where']}{', line ' + str(p['line']) if p['line'] else ''}: {p['reason']}\n"
        for p in draft.problems
    )


def _put_away(paths: list[Path | None], folder: str, report: str) -> None:
    for path in filter(None, paths):
        target = path.parent / folder / path.name
        target.parent.mkdir(exist_ok=True)
        n = 1
        while target.exists():
            n += 1
            target = path.parent / folder / f"{path.stem}.{n}{path.suffix}"
        try:
            os.rename(path, target)
        except FileNotFoundError:
            continue
        if report and path is paths[0]:
            # A name has 255 bytes at most.
            name = os.fsdecode(os.fsencode(target.name)[:240])
            target.with_name(f"{name}.problems.txt").write_text(report, encoding="utf-8")

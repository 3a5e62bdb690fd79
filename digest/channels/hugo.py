"""An edition becomes a post in a Hugo tree, and its cover a static file beside it.

Where the operator wants it, what was written is committed with git, and a command of the operator's
makes the site anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from pydantic import BaseModel, ConfigDict

from digest.channels import git, programs
from digest.channels.files import hash_of, inside, remove_file, write_file
from digest.channels.parcel import Parcel, Undeliverable

#: Seconds that HUGO_BUILD may take; below the worker's own limit for a whole delivery.
BUILD_TIMEOUT = 60


class Config(BaseModel):
    """`build` only says whether: the command itself is HUGO_BUILD of the environment, so that an
    account that may edit channels does not have a shell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    git_commit: bool = False
    build: bool = False


PLAIN = Config()


def deliver(parcel: Parcel, config: Config = PLAIN) -> dict[str, Any]:
    """Write the post and the cover; the receipt names the paths and the hash that was read back.

    The cover goes first: a post must never show before its picture is there.
    """
    _check_build(config)
    written = []
    receipt: dict[str, Any] = {}
    if parcel.cover is not None and parcel.cover_path:
        cover = _cover_of(parcel)
        write_file(cover, parcel.cover)
        written.append(cover)
        receipt["cover"] = str(cover)
    post = _post_of(parcel)
    write_file(post, parcel.content)
    written.append(post)
    found = hash_of(post)
    if found != parcel.sha256:
        raise Undeliverable(f"{post} reads back as {found[:12]}…, not as the signed bytes")
    receipt |= {"path": str(post), "sha256": found}
    if config.git_commit:
        receipt["commit"] = git.commit_files(parcel.tree, written, _message(parcel, "Publish"))
        git.check_blob(parcel.tree, post)
    return receipt | _build(parcel.tree, config)


def withdraw(parcel: Parcel, config: Config = PLAIN) -> dict[str, Any]:
    """Take the post away, and its cover unless another post names it."""
    _check_build(config)
    post = _post_of(parcel)
    gone = [post]
    receipt: dict[str, Any] = {"path": str(post), "removed": remove_file(post)}
    if parcel.cover is not None and parcel.cover_path:
        cover = _cover_of(parcel)
        if not _is_named(parcel.cover_path, parcel.tree):
            gone.append(cover)
            receipt |= {"cover": str(cover), "cover_removed": remove_file(cover)}
    if config.git_commit:
        message = _message(parcel, "Withdraw")
        receipt["commit"] = git.commit_removal(parcel.tree, gone, message)
    return receipt | _build(parcel.tree, config)


def _post_of(parcel: Parcel) -> Path:
    return inside(parcel.tree, "content/posts", f"{parcel.slug}.md")


def _cover_of(parcel: Parcel) -> Path:
    return inside(parcel.tree, "static", parcel.cover_path.lstrip("/"))


def _is_named(cover_path: str, tree: Path) -> bool:
    """Whether anything in the tree's content still names a picture."""
    name = cover_path.lstrip("/").encode()
    texts = (path for path in (tree / "content").rglob("*") if path.suffix in (".md", ".html"))
    return any(name in path.read_bytes() for path in texts if path.is_file())


def _message(parcel: Parcel, what: str) -> str:
    number = f"edition {parcel.number} of {parcel.day}"
    return f"{what} {number}\n\n{parcel.title}\n\nsha256 {parcel.sha256}\n"


def _check_build(config: Config) -> None:
    """Say so before anything is written: a post without its page is half a delivery."""
    if config.build and not settings.HUGO_BUILD:
        raise Undeliverable(
            "this channel builds the site, and the environment names no HUGO_BUILD", is_final=True
        )


def _build(tree: Path, config: Config) -> dict[str, Any]:
    """Run the operator's command; the receipt keeps the end of what it said."""
    if not config.build:
        return {}
    name = settings.HUGO_BUILD[0]
    try:
        outcome = programs.run(settings.HUGO_BUILD, tree=tree, timeout=BUILD_TIMEOUT, env={})
    except OSError as error:
        raise Undeliverable(f"HUGO_BUILD cannot be run: {error}") from None
    except programs.Overtime as overtime:
        raise Undeliverable(
            f"HUGO_BUILD ({name}) was stopped after {BUILD_TIMEOUT} seconds. {overtime}"
        ) from None
    if outcome.code:
        raise Undeliverable(f"HUGO_BUILD ({name}) ended with code {outcome.code}: {outcome.end}")
    return {"build": outcome.end}

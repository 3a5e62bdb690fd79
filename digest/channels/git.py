"""Commits in the operator's tree: of the files we wrote, and of nothing else that lies there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from digest.channels import programs
from digest.channels.parcel import Undeliverable

#: Seconds for one call of git.
TIMEOUT = 20

# Hooks are off: one that reformats would change signed bytes, one that pushes or asks would hang.
# What the operator wants done after a commit has its place in HUGO_BUILD. Nobody is there to unlock
# a key for a signature, and no conversion of line ends may come between the file and its blob.
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.safecrlf": "false",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "user.name": "Copydesk",
    "user.email": "copydesk@localhost",
}
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",  # a file called `*.md` is that file
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
}


def commit_files(tree: Path, paths: Sequence[Path], message: str) -> str:
    """Have these files committed as they are on the disk; answers with the last commit of theirs.

    Nothing is committed where nothing has changed. Other changes in the tree and in git's index
    stay as they are. Raises `Undeliverable` with git's last words.
    """
    names = [str(path) for path in paths]
    _git(tree, "add", "--", *names)
    return _commit(tree, names, message)


def commit_removal(tree: Path, paths: Sequence[Path], message: str) -> str:
    """The same for files that were taken away."""
    names = [str(path) for path in paths]
    # Also forgets a file that was added but never committed, as a kill in between leaves it.
    _git(tree, "rm", "--cached", "--quiet", "--ignore-unmatch", "--", *names)
    return _commit(tree, names, message)


def check_blob(tree: Path, path: Path) -> None:
    """Refuse (`Undeliverable`) a commit that holds other bytes than the file on the disk."""
    kept = _last_id(_git(tree, "rev-parse", f"HEAD:./{path.relative_to(tree.resolve())}"))
    if kept != _last_id(_git(tree, "hash-object", "--no-filters", "--", str(path))):
        raise Undeliverable(
            f"git in {tree} keeps {path.name} with other bytes than the signed ones; "
            f"look for filters in .gitattributes"
        )


def _commit(tree: Path, names: Sequence[str], message: str) -> str:
    """Commit what is in the index of these files."""
    changed = ("diff", "--cached", "--quiet", "--no-ext-diff", "--", *names)
    if _run(tree, *changed).code == 1:
        ours = ("--quiet", "--no-verify", "--message", message, "--only", "--", *names)
        _git(tree, "commit", *ours)
    return _last_id(_git(tree, "log", "-1", "--format=%H", "--", *names))


def _last_id(said: str) -> str:
    """The id in what git said; there may be warnings before it."""
    ids = re.findall(r"^[0-9a-f]{40,64}$", said, re.MULTILINE)
    return ids[-1] if ids else ""


def _run(tree: Path, *words: str) -> programs.Outcome:
    config = [word for name, value in _CONFIG.items() for word in ("-c", f"{name}={value}")]
    try:
        return programs.run(["git", *config, *words], tree=tree, timeout=TIMEOUT, env=_ENVIRONMENT)
    except FileNotFoundError:
        raise Undeliverable(f"git in {tree}: there is no git or no such folder") from None
    except programs.Overtime as overtime:
        raise Undeliverable(
            f"git {words[0]} in {tree} was stopped after {TIMEOUT} seconds. {overtime}"
        ) from None


def _git(tree: Path, *words: str) -> str:
    """Run git in the tree; answers with what it said."""
    outcome = _run(tree, *words)
    if outcome.code:
        last = " ".join(outcome.end.split())[-500:] or f"code {outcome.code}"
        hint = ""
        if ".lock': File exists" in outcome.end:
            hint = " If no git is running there, a git that was killed left the file: remove it."
        raise Undeliverable(f"git {words[0]} in {tree}: {last}{hint}")
    return outcome.end

"""Programs that a channel runs in the operator's tree, never longer than told; what they said."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: How much of what a program said is kept: its end, in bytes.
END = 4000
#: Seconds a program has to put its things away after it was told to stop.
GRACE = 5

# Themes, hooks and filters are other people's code: they get to know what a shell needs and none of
# the desk's secrets.
_PASSED_ON = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "LOGNAME"}


class Overtime(Exception):
    """A program that was stopped because it ran for too long; the text is the end of its output."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its code, and the end of what it wrote to both its outputs."""

    code: int
    end: str


def run(argv: Sequence[str], *, tree: Path, timeout: float, env: dict[str, str]) -> Outcome:
    """Run a program in a folder, with a few variables of ours and `env`.

    Raises `Overtime`, and OSError if there is no such program. Whatever happens to us, the program
    and all it started are gone when this returns: first they are asked to stop, as git then removes
    its lock files, then they are stopped.
    """
    known = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # A file, not a pipe: a grandchild that outlives its parent would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        program = subprocess.Popen(  # noqa: S603 - the caller's words, and never through a shell
            list(argv),
            cwd=tree,
            env=known | env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = program.wait(timeout)
        except subprocess.TimeoutExpired:
            _stop(program)  # before its last words are read
            raise Overtime(_end_of(said)) from None
        finally:
            _stop(program)
        return Outcome(code, _end_of(said))


def _stop(program: subprocess.Popen) -> None:
    """End a program and its children."""
    if program.poll() is None:
        _signal(program, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            program.wait(GRACE)
    _signal(program, signal.SIGKILL)  # and what it left behind
    program.wait()


def _signal(program: subprocess.Popen, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # all gone; macOS says the latter
        os.killpg(program.pid, number)


def _end_of(said) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - END))
    return said.read().decode("utf-8", "replace").replace("\0", "").strip()

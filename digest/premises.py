"""One desk in one folder: the lock that says so, and the end of what a killed desk left behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

#: What is left of a killed desk gets this many seconds to end by itself.
PATIENCE = 10


class Occupied(Exception):
    """Another desk runs in this folder; the message is where, or empty while it still starts."""


class Premises:
    """A folder that is ours alone. The lock file also tells who is in it."""

    def __init__(self, file, address: str) -> None:
        self._file = file
        self._record = {"address": address, "pid": os.getpid(), "programs": []}
        self._write()

    def enter(self, pid: int) -> None:
        """Note a program that leads a session of its own, so that it can be found later."""
        started = psutil.Process(pid).create_time()
        self._record["programs"].append({"pid": pid, "started": started})
        self._write()

    def _write(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump(self._record, self._file)
        self._file.flush()


@contextmanager
def occupy(folder: Path, *, address: str) -> Iterator[Premises]:
    """Have a folder for ourselves as long as the context lasts.

    The kernel lets go of the lock however we end. Programs of a desk that was killed are ended
    first: two Redis servers on one file of data would ruin it.
    Raises Occupied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "desk.lock", "a+") as file:
        neighbour, programs = _read(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Occupied(neighbour) from None
        _end_leftovers(programs)
        yield Premises(file, address)
        file.truncate(0)


def _read(file) -> tuple[str, list[tuple[int, float]]]:
    """Where the last desk was, and its programs with the times they started at. May be unreadable:
    its owner is just writing it, or was killed while it did."""
    file.seek(0)
    try:
        record = json.load(file)
        return record["address"], [(each["pid"], each["started"]) for each in record["programs"]]
    except (ValueError, TypeError, KeyError):
        return "", []


def _end_leftovers(programs: list[tuple[int, float]]) -> None:
    """End what is left of the sessions that these programs led."""
    left = [process for program in programs for process in _session_of(*program)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    for process in psutil.wait_procs(left, timeout=PATIENCE)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _session_of(leader: int, started: float) -> list[psutil.Process]:
    """The living processes of a session, unless its number by now belongs to another."""
    with suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(leader).create_time() - started) > 1:
            return []
    return [process for process in psutil.process_iter() if _session(process.pid) == leader]


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None

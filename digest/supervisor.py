"""Runs the programs of the embedded desk: starts them, watches them, stops them in order.

Each program leads a session of its own, so that Ctrl-C reaches only us and the order in which they
stop is ours: who gives out work goes first, who keeps it goes last. Some are started again when
they fall; one that keeps falling ends the desk, as any other does at once.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

#: A log larger than this is put aside at the next start, in bytes.
LOG_LIMIT = 10 * 1024 * 1024
#: How often we look whether everything still runs, in seconds.
PAUSE = 0.1
#: A program is started again so many times within so many seconds; what then falls stays down.
MOST_RESTARTS = 5
RESTARTS_WITHIN = 60

_STDIN = 0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Stopped(Exception):
    """Somebody asked us to stop: Ctrl-C, SIGTERM, or the terminal was closed."""


class Fallen(Exception):
    """A program ended that should not have, or never got ready; the message tells which and why."""


@dataclass(frozen=True)
class Program:
    """What to run, how many seconds it gets to end by itself once it was told to, and whether it is
    started again when it ends unasked."""

    name: str
    argv: tuple[str, ...]
    patience: float = 5
    is_restarted: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A program that was started."""

    def __init__(self, program: Program, folder: Path, log: Path) -> None:
        self.program = program
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".1.log"))
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  our own programs
                program.argv,
                cwd=folder,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )

    @property
    def pid(self) -> int:
        """The process, which is also the number of its group and session."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with (minus the signal), None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Tell the program, and it alone, to end; it tells its own children."""
        self._process.terminate()

    def kill(self) -> None:
        """End whatever is left of the program, its children too, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of what it has logged since it was started."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _die_with_parent() -> Callable[[], None] | None:
    """What makes a child get SIGTERM should we be killed; only Linux can do that."""
    if _libc is None:
        return None
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed before we could ask to be told
            os._exit(1)

    return prepare


class Supervisor:
    """A context in which programs run; leaving it stops them, last started first."""

    def __init__(
        self,
        folder: Path,
        logs: Path,
        on_start: Callable[[int], None],
        on_restart: Callable[[str], None],
    ) -> None:
        """`folder` is where they run, `on_start` is told the process of each, `on_restart` a
        sentence for each that has fallen and is started again."""
        self._folder = folder
        self._logs = logs
        self._on_start = on_start
        self._on_restart = on_restart
        self._children: list[Child] = []
        self._restarts: dict[str, list[float]] = {}
        self._asked = self._impatient = self._interruptible = False
        self._handlers: dict[int, object] = {}
        self._terminal = select.poll()
        if os.isatty(_STDIN):
            self._terminal.register(_STDIN, 0)  # a hang-up is told even if nothing is asked for

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *exception) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame) -> None:
        # Asked a second time: they want it over with.
        self._impatient = self._asked
        self._asked = True
        if self._interruptible:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a request to stop interrupt the code inside. Nothing may be started there, or a child
        could be lost between being born and being written down."""
        self._interruptible = True
        try:
            self.check()
            yield
        finally:
            self._interruptible = False

    @property
    def has_started(self) -> bool:
        """Whether there is anything to stop."""
        return bool(self._children)

    def start(self, program: Program) -> None:
        """Start a program; it may not be ready yet."""
        self._children.append(self._born(program))

    def _born(self, program: Program) -> Child:
        child = Child(program, self._folder, self._logs / f"{program.name}.log")
        self._on_start(child.pid)
        return child

    def check(self) -> None:
        """Start again what has fallen and may be. Raise Stopped if somebody asked for it, Fallen if
        a program has ended for good."""
        # A shell passes SIGHUP on when its terminal is closed; make, as the first program of a
        # terminal, does not.
        if self._asked or self._terminal.poll(0):
            raise Stopped
        for place, child in enumerate(self._children):
            if child.exit_code is None:
                continue
            if not self._may_start_again(child.program):
                raise Fallen(f"{_end_of(child)}, so the desk stops.{_quoted(child.last_words())}")
            child.kill()  # what it has left behind would work beside its successor
            self._children[place] = self._born(child.program)
            self._on_restart(f"{_end_of(child)}; it was started again.")

    def _may_start_again(self, program: Program) -> bool:
        """Whether a program that has ended is started again; that is noted as done."""
        now = time.monotonic()
        lately = [t for t in self._restarts.get(program.name, ()) if now - t < RESTARTS_WITHIN]
        self._restarts[program.name] = [*lately, now]
        return program.is_restarted and len(lately) < MOST_RESTARTS

    def wait_for(self, name: str, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until a started program is ready. Raises Stopped or Fallen."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                child = next(c for c in self._children if c.program.name == name)
                raise Fallen(
                    f"{name} did not get ready within {seconds:.0f} seconds."
                    f"{_quoted(child.last_words())}"
                )
            time.sleep(PAUSE)

    def watch(self) -> None:
        """Stand by for as long as everything runs. Raises Stopped or Fallen."""
        while True:
            self.check()
            time.sleep(PAUSE)

    def stop(self) -> None:
        """Stop all programs, the last started first, each as gently as its patience allows."""
        self._asked = True
        while self._children:
            child = self._children[-1]
            child.ask_to_stop()
            deadline = time.monotonic() + child.program.patience
            while child.exit_code is None and not self._impatient and time.monotonic() < deadline:
                time.sleep(0.02)
            child.kill()
            self._children.pop()


def _end_of(child: Child) -> str:
    code = child.exit_code or 0
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"{child.program.name} {how}"


def _quoted(lines: str) -> str:
    if not lines.strip():
        return " It had logged nothing."
    return " Its last lines:\n" + "\n".join(f"    {line}" for line in lines.splitlines())

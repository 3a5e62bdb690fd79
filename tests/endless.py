"""An end for what would never come to one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _limited(timer: int, number: signal.Signals, seconds: float) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise AssertionError("this would take for ever")

    before = signal.signal(number, give_up)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)


def ends():
    """Fail what has taken a minute of this process's own time, however busy the machine is.

    For readers that take time in proportion to what they read: one that did not would take hours.
    """
    return _limited(signal.ITIMER_VIRTUAL, signal.SIGVTALRM, 60)


def does_not_wait():
    """Fail what waits for half a minute: some clients wait for ever for what never comes."""
    return _limited(signal.ITIMER_REAL, signal.SIGALRM, 30)

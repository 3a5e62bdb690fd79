"""Times in milliseconds, each beside something plain that was measured in turns with it.

Times depend on the machine they were taken on; the ratio of the two is what can be compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Milliseconds: the median and the 10th and 90th percentile of several runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: list[float]) -> Timing:
        tenths = statistics.quantiles(samples, n=10, method="inclusive")
        return cls(statistics.median(samples), tenths[0], tenths[-1])


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Task:
    """Something to measure: `run`. Its answer, if it is bytes, is what a browser would get.

    `before` is done ahead of each run, `after` behind it, and neither is timed; `after` fails where
    the run has not done its work.
    """

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = _nothing
    after: Callable[[], object] = _nothing

    def once(self) -> float:
        """Do it, and tell how long it took."""
        self.before()
        started = time.perf_counter_ns()
        self.run()
        took = time.perf_counter_ns() - started
        self.after()
        return took / 1e6


@dataclass(frozen=True)
class Row:
    """A line of the report. `queries` and `bytes` are None where there are none to count; `bar` is
    what the ratio is to stay below, if anything."""

    name: str
    timing: Timing
    peer: str
    peer_timing: Timing
    ratio: float
    queries: int | None = None
    bytes: int | None = None
    bar: float | None = None

    @property
    def verdict(self) -> str:
        """Whether it stays below its bar."""
        return "" if self.bar is None else "ok" if self.ratio <= self.bar else "MISSED"


def compare(
    task: Task, peer: Task, *, times: int = 30, bar: float | None = None, database: bool = True
) -> Row:
    """Time a task and its peer in turns, each after a run that does not count.

    With a `database`, its queries are counted in a run of their own.
    """
    queries, size = count(task) if database else (None, None)
    task.once()
    peer.once()
    peer.once()
    samples, yard = [], []
    for _ in range(times):
        samples.append(task.once())
        yard.append(peer.once())
    # The median of the pairs: what else the machine was busy with hit both halves of a pair.
    ratio = statistics.median(a / b for a, b in zip(samples, yard, strict=True))
    return Row(
        task.name,
        Timing.of(samples),
        peer.name,
        Timing.of(yard),
        ratio=ratio,
        queries=queries,
        bytes=size,
        bar=bar,
    )


def count(task: Task) -> tuple[int, int | None]:
    """How many queries a task takes (BEGIN and COMMIT among them), how many bytes it answers."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    task.before()
    with CaptureQueriesContext(connection) as captured:
        answer = task.run()
    task.after()
    return len(captured), len(answer) if isinstance(answer, bytes) else None

"""Threads that start together, each with a database connection and commits of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connections

PATIENCE = 120  # seconds; a thread that takes longer waits for a lock nobody gives back


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call all of these in threads that start together; answers with their results in this order.

    What a call raises is its result: who loses a race is told so by an exception.
    """
    results: list[Any] = [TimeoutError("never finished")] * len(calls)
    start = Barrier(len(calls))

    def run(n: int, call: Callable[[], Any]) -> None:
        try:
            connections["default"].ensure_connection()  # opening one takes longer than the race
            start.wait(PATIENCE)
            results[n] = call()
        except Exception as error:
            results[n] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results


def unexpected(results: list[Any], *allowed: type[Exception]) -> list[Exception]:
    """The exceptions among the results that no rule of the game explains."""
    return [r for r in results if isinstance(r, Exception) and not isinstance(r, allowed)]

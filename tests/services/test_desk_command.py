"""`manage.py desk`: the whole desk, as a stranger starts and stops it."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import urllib.error
import urllib.request

import psutil
import pytest
from django.conf import settings

from tests.services.conftest import DeskProcess, living, wait_until

ASKED_TO_STOP = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def test_desk_opens_in_an_empty_folder(new_desk):
    desk_process = new_desk()
    desk_process.start()
    assert status_of(f"{desk_process.address}/healthz") == 200
    assert status_of(f"{desk_process.address}/sign-in/") == 200
    for name in ("editor", "chief"):
        assert re.search(rf"sign in as {name} +password \S+", desk_process.output)
    assert desk_process.address in desk_process.output
    commands = "\n".join(command(process) for process in desk_process.family())
    for program in (
        *("redis-server", "granian", "digest beat"),
        *(f"--queues {queue.name}" for queue in settings.CELERY_TASK_QUEUES),
    ):
        assert program in commands


@pytest.mark.parametrize("number", ASKED_TO_STOP, ids=lambda number: number.name)
def test_desk_stops_everything_when_asked(desk_process, number):
    family = desk_process.family()
    desk_process.send(number)
    assert desk_process.end() == 0
    assert living(family) == []


def test_desk_is_there_again_after_a_second_start(new_desk):
    first = new_desk()
    first.start()
    first.send(signal.SIGTERM)
    assert first.end() == 0
    again = new_desk()
    again.start()
    assert "sign in as chief" in again.output


def test_desk_stops_while_it_is_still_setting_up(new_desk):
    desk = new_desk()
    desk.start(wait=False)
    wait_until(lambda: "database …" in desk.output, seconds=20, what="the desk sets up")
    family = desk.family()
    desk.send(signal.SIGINT)
    assert desk.end() == 0
    assert "Ready." not in desk.output
    assert living(family) == []


def test_second_desk_in_the_same_folder_is_refused(desk_process, new_desk):
    code, output = new_desk().run()
    assert code == 1
    assert f"already running at {desk_process.address}" in output
    assert status_of(f"{desk_process.address}/healthz") == 200


def test_taken_port_is_refused_before_anything_starts(new_desk, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, output = new_desk(port=other.getsockname()[1]).run()
    assert code == 1
    assert "another program is there" in output
    assert not (tmp_path / "var/logs").exists()


def test_killed_web_server_ends_the_desk_with_a_sentence(desk_process):
    family = desk_process.family()
    next(process for process in family if "granian" in command(process)).kill()
    assert desk_process.end() == 1
    assert "web was ended by SIGKILL, so the desk stops. Its last lines:" in desk_process.output
    assert "Listening at" in desk_process.output
    assert living(family) == []


def leader(desk: DeskProcess, words: str) -> psutil.Process:
    """The first process of one of the desk's programs."""
    children = psutil.Process(desk.process.pid).children()
    return next(child for child in children if words in command(child))


@pytest.mark.parametrize(
    "words", ["--queues publishing", "--queues network", "--queues slow", "digest beat"]
)
def test_killed_worker_or_beat_is_started_again(desk_process, words):
    first = leader(desk_process, words)
    left = [first, *first.children(recursive=True)]
    first.kill()
    wait_until(
        lambda: "was ended by SIGKILL; it was started again." in desk_process.output,
        seconds=10,
        what="the desk says so",
    )
    assert leader(desk_process, words).pid != first.pid
    wait_until(lambda: not living(left), seconds=10, what="its children end too")
    assert desk_process.process.poll() is None
    family = desk_process.family()
    desk_process.send(signal.SIGTERM)
    assert desk_process.end() == 0
    assert living(family) == []


def test_worker_that_keeps_falling_ends_the_desk(desk_process):
    family = desk_process.family()
    killed = set()
    while desk_process.process.poll() is None and len(killed) < 7:
        try:
            child = leader(desk_process, "--queues slow")
        except (StopIteration, psutil.Error):
            continue  # just between two of them
        if child.pid not in killed:
            killed.add(child.pid)
            child.kill()
    assert desk_process.end() == 1
    assert len(killed) == 6
    assert desk_process.output.count("it was started again.") == 5
    assert "worker-slow was ended by SIGKILL, so the desk stops." in desk_process.output
    assert living(family) == []


def test_killed_desk_leaves_nothing_behind(desk_process, new_desk):
    family = desk_process.family()
    desk_process.send(signal.SIGKILL)
    desk_process.end()
    wait_until(lambda: not living(family), seconds=15, what="its programs end too")
    again = new_desk()
    again.start()
    assert status_of(f"{again.address}/healthz") == 200


def test_desk_closes_with_its_terminal(new_desk):
    keyboard, terminal = pty.openpty()
    desk = new_desk()
    desk.start(stdin=terminal)
    os.close(terminal)
    family = desk.family()
    os.close(keyboard)
    assert desk.end() == 0
    assert living(family) == []


@pytest.mark.parametrize("name", ["x" * 110, "a b #%41中?"], ids=["long", "odd"])
def test_desk_opens_in_any_folder(new_desk, tmp_path, name):
    desk = new_desk(var_dir=tmp_path / name)
    desk.start()
    assert status_of(f"{desk.address}/healthz") == 200


def test_nonsense_for_a_port_is_refused(new_desk):
    desk = new_desk("--port", "70000")
    code, output = desk.run()
    assert code == 2
    assert "ports are numbers from 1 to 65535" in output


def test_desk_with_invented_news_drafts_from_it_and_from_nothing_else(new_desk, manage):
    desk = new_desk("--demo")
    desk.start()
    [port] = set(re.findall(r"demo_feeds --port (\d+)", "\n".join(map(command, desk.family()))))
    assert f"{desk.address}/desk/daily/machine/" in desk.output
    allowed = f"127.0.0.1:{port},localhost:{port}"
    drafted = manage("draft_today", OUTGOING_ALLOW=allowed)
    assert drafted.returncode == 0 or "Somebody else is at run" in drafted.stderr
    addresses = (
        "from digest.models import Feed, Desk; from urllib.parse import urlsplit;"
        "print({urlsplit(feed.url).netloc for feed in Feed.objects.all()})"
    )
    told = manage("shell", "-c", addresses).stdout
    assert set(re.findall(r"[\w.]+:\d+", told)) == set(allowed.split(","))
    desk.send(signal.SIGTERM)
    assert desk.end() == 0
    again = new_desk("--demo")
    again.start()
    moved = manage("shell", "-c", addresses).stdout
    assert len(set(re.findall(r"[\w.]+:\d+", moved))) == 2
    assert port not in moved


def test_invented_news_is_for_the_embedded_desk_only(new_desk):
    code, output = new_desk(
        "--demo", DATABASE_URL="postgres://nobody@127.0.0.1:1/x", SECRET_KEY="x"
    ).run()
    assert code == 1
    assert "embedded desk only" in output

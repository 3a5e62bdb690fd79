"""One desk in one folder, and nothing left of a desk that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from digest.premises import Occupied, occupy

#: Leads a session, starts a child that ignores SIGTERM, tells its number and stays.
FAMILY = """
import signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
print(subprocess.Popen([sys.executable, "-c", child]).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def family():
    """A process that leads a session, and its child."""
    leader = subprocess.Popen(
        [sys.executable, "-c", FAMILY], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(leader.stdout.readline()))
    yield leader, child
    for process in (leader, child):
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            process.kill()
        process.wait()
    leader.stdout.close()


def leave_behind(folder, leader, *, age: float = 0) -> None:
    """What a killed desk leaves: the lock file, but not the lock."""
    started = psutil.Process(leader.pid).create_time() - age
    record = {"address": "gone", "programs": [{"pid": leader.pid, "started": started}]}
    (folder / "desk.lock").write_text(json.dumps(record))


def test_a_folder_has_room_for_one(tmp_path):
    second = occupy(tmp_path, address="there")
    with occupy(tmp_path, address="here"), pytest.raises(Occupied, match="here"):
        second.__enter__()


def test_a_folder_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with occupy(tmp_path / "new", address="here"):
            pass


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '{"programs": [{}]}'])
def test_a_lock_file_that_says_nothing_is_no_obstacle(tmp_path, content):
    (tmp_path / "desk.lock").write_text(content)
    with occupy(tmp_path, address="here"):
        pass


def test_what_a_killed_desk_left_is_ended(tmp_path, family, monkeypatch):
    leader, child = family
    leave_behind(tmp_path, leader)
    monkeypatch.setattr("digest.premises.PATIENCE", 0.5)
    with occupy(tmp_path, address="here"):
        assert leader.poll() is not None
        child.wait(timeout=5)


def test_children_whose_parent_is_gone_are_ended(tmp_path, family, monkeypatch):
    leader, child = family
    leave_behind(tmp_path, leader)
    leader.kill()
    leader.wait()
    monkeypatch.setattr("digest.premises.PATIENCE", 0.5)
    with occupy(tmp_path, address="here"):
        child.wait(timeout=5)


def test_a_number_that_went_to_another_program_is_left_alone(tmp_path, family):
    leader, child = family
    leave_behind(tmp_path, leader, age=1000)
    with occupy(tmp_path, address="here"):
        assert leader.poll() is None
        assert child.is_running()


def test_programs_are_written_down_as_they_enter(tmp_path):
    with occupy(tmp_path, address="here") as premises:
        premises.enter(os.getpid())
        record = json.loads((tmp_path / "desk.lock").read_text())
        assert [program["pid"] for program in record["programs"]] == [os.getpid()]
        assert record["address"] == "here"

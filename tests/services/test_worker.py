"""A real Celery worker on a real Redis: what is asked for is done, once somebody is there."""

from __future__ import annotations

import hashlib
import os
import signal
import time

import pytest
from django.conf import settings as django_settings

from digest.celery import app
from digest.models import Delivery, Issue
from digest.tasks import publish_due, read_inbox, verify_editions, wake_publisher
from editorial.decisions import decide
from editorial.tasks import draft_due, tell_alarms, watch_deadlines
from tests.conftest import SAMPLE
from tests.endless import does_not_wait
from tests.services.conftest import wait_until

pytestmark = pytest.mark.usefixtures("redis_server")


def publish(signed, chief) -> None:
    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)


def is_delivered(edition) -> bool:
    return Delivery.objects.filter(edition=edition, state=Delivery.State.DELIVERED).exists()


def published_hash(edition, settings) -> str:
    """The hash of the one file that readers' Hugo builds this issue from."""
    [path] = settings.HUGO_TREE.rglob(f"{edition.slug}.md")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_worker_publishes_what_was_signed(celery_worker_process, signed, chief, settings):
    publish(signed, chief)
    wait_until(lambda: is_delivered(signed), seconds=20, what="the edition is delivered")
    assert published_hash(signed, settings) == signed.sha256


def test_what_was_asked_for_without_a_worker_is_done_by_the_next(worker, signed, chief, settings):
    publish(signed, chief)
    time.sleep(0.5)
    assert not is_delivered(signed)
    worker.start()
    wait_until(lambda: is_delivered(signed), seconds=20, what="the edition is delivered")
    assert published_hash(signed, settings) == signed.sha256


def test_killed_broker_keeps_what_was_asked_for(redis_server, worker, signed, chief):
    publish(signed, chief)
    wait_until(redis_server.has_written_all, seconds=5, what="the broker writes it down")
    redis_server.kill()
    redis_server.start()
    worker.start()
    wait_until(lambda: is_delivered(signed), seconds=20, what="the edition is delivered")


def test_worker_comes_back_to_a_broker_that_was_gone(
    redis_server, celery_worker_process, signed, chief
):
    redis_server.kill()
    wait_until(
        lambda: "onnection to broker lost" in celery_worker_process.output,
        seconds=20,
        what=f"the worker notices: {celery_worker_process.output}",
    )
    redis_server.start()
    publish(signed, chief)
    wait_until(lambda: is_delivered(signed), seconds=40, what="the edition is delivered")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "frozen"])
def test_nobody_waits_for_a_broker_that_does_not_answer(redis_server, number):
    redis_server.send(number)
    with does_not_wait():
        wake_publisher()


def test_worker_reads_the_inbox(celery_worker_process, transactional_db, settings):
    settings.INBOX_DIR.mkdir(parents=True)
    draft = settings.INBOX_DIR / SAMPLE.name
    draft.write_bytes(SAMPLE.read_bytes())
    os.utime(draft, (0, 0))  # written long ago, so that it counts as finished
    with app.connection_for_write() as connection:
        read_inbox.apply_async(connection=connection)
    wait_until(Issue.objects.exists, seconds=20, what="the draft lands")
    wait_until(lambda: not draft.exists(), seconds=5, what="the file is put away")
    assert (settings.INBOX_DIR / "done" / SAMPLE.name).exists()


def test_worker_gives_a_sign_of_life_as_long_as_it_has_its_broker(
    redis_server, celery_worker_process
):
    sign = celery_worker_process.heartbeat
    first = sign.stat().st_mtime
    wait_until(lambda: sign.stat().st_mtime > first, seconds=10, what="another sign")
    redis_server.send(signal.SIGSTOP)
    time.sleep(5)
    last = sign.stat().st_mtime
    time.sleep(5)
    assert sign.stat().st_mtime == last
    redis_server.send(signal.SIGCONT)


def test_beat_only_asks_for_tasks_that_exist():
    asked_for = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}
    ours = {task.name for task in (publish_due, read_inbox, verify_editions)}
    theirs = {task.name for task in (draft_due, tell_alarms, watch_deadlines)}
    assert ours | theirs == asked_for
    assert asked_for <= set(app.tasks)

"""What the operator sees of real workers on a real Redis; slow work keeps no edition waiting."""

from __future__ import annotations

import io
import json
import os
import signal
from base64 import b64decode
from datetime import timedelta

import psutil
import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils.translation import override

from digest import broker, operations
from digest.celery import app
from digest.models import Channel, Delivery, Edition, Tick
from digest.tasks import publish_due, read_inbox, verify_editions, wake_publisher
from editorial.decisions import decide
from tests.conftest import SAMPLE
from tests.services.conftest import wait_until

pytestmark = [pytest.mark.usefixtures("redis_server"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


def send(task, *arguments) -> None:
    with app.connection_for_write() as connection:
        task.apply_async(arguments, connection=connection, retry=False)


def waiting_in(redis_server) -> dict[str, list[tuple[str, list]]]:
    """The queues in which something waits: of each task its name and its arguments."""
    with redis_server.client() as client:
        found = {
            queue.name: [json.loads(each) for each in client.lrange(queue.name, 0, -1)]
            for queue in django_settings.CELERY_TASK_QUEUES
        }
    return {
        queue: [(m["headers"]["task"], json.loads(b64decode(m["body"]))[0]) for m in messages]
        for queue, messages in found.items()
        if messages
    }


def in_hands(redis_server) -> int:
    with redis_server.client() as client:
        return client.hlen("unacked")


def is_delivered(edition: Edition) -> bool:
    return Delivery.objects.filter(edition=edition, state=Delivery.State.DELIVERED).exists()


def publish(edition: Edition, by) -> None:
    decide("publish", issue_id=edition.issue_id, by=by, seen=edition.sha256)


def names(standing: operations.Standing) -> dict[str, tuple[str, ...]]:
    return {worker.name: worker.queues for worker in standing.broker.workers}


# --- three queues --------------------------------------------------------------------------------


def test_each_task_waits_in_its_own_queue(redis_server):
    for task in (publish_due, read_inbox, verify_editions):
        send(task)
    waiting = waiting_in(redis_server)
    assert waiting.keys() == {"publishing", "slow"}
    assert [task for task, _ in waiting["publishing"]] == [publish_due.name]
    slow = {task for task, _ in waiting["slow"]}
    assert slow == {read_inbox.name, verify_editions.name}


def test_each_delivery_waits_in_the_queue_of_its_kind(redis_server, signed, desk, chief):
    for kind in ("json", "webhook", "mail"):
        Channel.objects.create(desk=desk, name=kind, kind=kind)
    publish(signed, chief)
    with redis_server.client() as client:
        client.flushall()  # the wake-up; we are woken by hand
    publish_due()
    asked_for = {
        queue: {Delivery.objects.get(pk=pk).channel for task, [pk] in waiting}
        for queue, waiting in waiting_in(redis_server).items()
    }
    assert asked_for == {"publishing": {"hugo", "json"}, "network": {"webhook", "mail"}}


def test_a_slow_task_that_hangs_delays_no_publication(
    redis_server, new_worker, signed, chief, settings
):
    """The slow worker's processes stand still in the middle of their tasks, and more tasks wait."""
    settings.INBOX_DIR.mkdir(parents=True)
    draft = settings.INBOX_DIR / "late.md"
    draft.write_bytes(SAMPLE.read_bytes().replace(b"2026-02-12", b"2026-02-13"))
    os.utime(draft, (0, 0))
    publishing, slow = new_worker("publishing"), new_worker("slow")
    publishing.start()
    slow.start()
    stuck = psutil.Process(slow.process.pid).children()
    for process in stuck:
        process.suspend()
    for _ in range(2 * len(stuck)):
        send(read_inbox)
    wait_until(lambda: in_hands(redis_server) >= len(stuck), seconds=10, what="they are taken")
    publish(signed, chief)
    wait_until(lambda: is_delivered(signed), seconds=20, what="the edition is delivered")
    assert draft.exists(), "the slow tasks were not stuck: nothing was proved"
    for process in stuck:
        process.resume()
    wait_until(lambda: not draft.exists(), seconds=20, what="the draft is taken in")


# --- what the operator sees ----------------------------------------------------------------------


def test_a_worker_is_seen_with_its_queues_and_missed_once_it_has_left(new_worker):
    assert operations.standing_of().broker.workers == ()
    slow, other = new_worker("slow"), new_worker()
    slow.start()
    wait_until(lambda: names(operations.standing_of()), seconds=10, what="the worker is seen")
    standing = operations.standing_of()
    assert names(standing) == {"slow@test": ("slow",)}
    assert standing.broker.unserved == ["publishing", "network"]
    assert "No worker takes tasks from “publishing”." in standing.problems
    other.start()
    wait_until(lambda: len(names(operations.standing_of())) == 2, seconds=10, what="the other too")
    assert ("network", "publishing", "slow") in names(operations.standing_of()).values()
    assert operations.standing_of().broker.unserved == []
    slow.send(signal.SIGTERM)
    slow.process.wait(timeout=30)
    assert "slow@test" not in names(operations.standing_of())


def test_a_killed_worker_counts_as_dead_after_three_missed_signatures(new_worker):
    worker = new_worker("slow")
    worker.start()
    wait_until(lambda: names(operations.standing_of()), seconds=10, what="the worker is seen")
    worker.kill()
    signed_at = operations.standing_of().broker.workers[0].seen_at
    with time_machine.travel(signed_at + timedelta(seconds=3 * broker.SIGN_EVERY), tick=False):
        assert names(operations.standing_of())
    with time_machine.travel(signed_at + timedelta(seconds=broker.ALIVE_FOR + 1), tick=False):
        assert not names(operations.standing_of())


def test_what_waits_and_what_is_in_hands_is_counted(redis_server, new_worker):
    worker = new_worker("slow")
    worker.start()
    children = psutil.Process(worker.process.pid).children()
    for process in children:
        process.suspend()
    for _ in range(len(children) + 3):
        send(read_inbox)
    send(publish_due)
    wait_until(lambda: in_hands(redis_server) == len(children), seconds=10, what="tasks are taken")
    found = operations.standing_of().broker
    assert found.queues == {"publishing": 1, "network": 0, "slow": 3}
    assert found.unacked == len(children)


def test_beat_is_heard_when_its_tick_was_worked_on_and_a_wake_up_is_no_tick(worker):
    worker.start()
    wake_publisher()
    send(verify_editions)
    wait_until(
        lambda: Tick.objects.filter(name="verify_editions").exists(), seconds=10, what="it is done"
    )
    assert operations.standing_of().last_beat is None
    send(publish_due)
    wait_until(lambda: operations.standing_of().is_beating, seconds=10, what="the tick is noted")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "frozen"])
def test_a_broker_that_does_not_answer_is_part_of_the_answer(redis_server, client, number):
    operations.note_tick("publish_due")
    assert client.get("/readyz").content == b"ok\n"
    redis_server.send(number)
    # A guard against waiting for ever, not a measure: the socket itself waits a second.
    signal.alarm(30)
    try:
        assert operations.standing_of().broker is None
        answer = client.get("/readyz")
        gauges = client.get("/metrics").content.decode()
    finally:
        signal.alarm(0)
    assert (answer.status_code, answer.content) == (503, b"broker out of reach\n")
    assert "copydesk_broker_up 0.0" in gauges
    assert "copydesk_queued_tasks{" not in gauges


def test_status_is_right_with_workers_and_wrong_without(new_worker, redis_server):
    worker = new_worker()
    worker.start()
    wait_until(lambda: names(operations.standing_of()), seconds=10, what="the worker is seen")
    output = io.StringIO()
    call_command("desk_status", stdout=output)
    assert "takes from network, publishing, slow; seen" in output.getvalue()
    redis_server.kill()
    with pytest.raises(SystemExit) as end:
        call_command("desk_status", stdout=output)
    assert end.value.code == 1
    assert "! The broker is out of reach: nobody is woken up." in output.getvalue()


def test_metrics_name_each_queue(new_worker, client):
    new_worker("slow").start()
    wait_until(lambda: names(operations.standing_of()), seconds=10, what="the worker is seen")
    send(publish_due)
    lines = client.get("/metrics").content.decode().splitlines()
    assert 'copydesk_workers{queue="publishing"} 0.0' in lines
    assert 'copydesk_workers{queue="slow"} 1.0' in lines
    assert 'copydesk_queued_tasks{queue="publishing"} 1.0' in lines
    assert "copydesk_broker_up 1.0" in lines


def test_routes_name_tasks_and_queues_that_exist():
    queues = {queue.name for queue in django_settings.CELERY_TASK_QUEUES}
    for task, route in django_settings.CELERY_TASK_ROUTES.items():
        assert task in app.tasks
        assert route["queue"] in queues

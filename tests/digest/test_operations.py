"""What an operator is told of deliveries, hours and ticks, and at which doors. (What needs a broker
is in tests/services.)"""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from digest import alarms, operations
from digest.models import Delivery, Desk, Feed, Issue, Run, Tick
from digest.operations import SILENT_AFTER, note_tick, standing_of, undelivered
from digest.publishing import deliver, publish_due
from editorial.decisions import decide
from tests.conftest import approve_everything, land, sign

NO_BROKER = "The broker is out of reach: nobody is woken up."


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


@pytest.fixture
def released(signed, chief) -> Delivery:
    """A delivery that waits for its first attempt."""
    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)
    publish_due()
    return signed.deliveries.get()


def problems() -> list[str]:
    """What is wrong besides the broker, which is out of reach here."""
    first, *others = standing_of().problems
    assert first == NO_BROKER
    return others


def beat_ago(ago: timedelta) -> None:
    Tick.objects.update_or_create(name="publish_due", defaults={"at": timezone.now() - ago})


# --- the standing --------------------------------------------------------------------------------


def test_a_desk_without_anything_stands_well_but_for_its_broker(desk):
    standing = standing_of()
    assert standing.broker is None
    assert (standing.last_beat, standing.last_verification, standing.oldest_waiting) == (None,) * 3
    assert set(standing.deliveries.values()) == {0}
    assert problems() == []


def test_deliveries_are_counted_by_state(released):
    assert standing_of().deliveries["waiting"] == 1
    deliver(released.pk)
    assert standing_of().deliveries["delivered"] == 1
    assert standing_of().deliveries["waiting"] == 0


def test_the_oldest_waiting_delivery_is_as_old_as_its_release(released):
    published_at = Issue.objects.get().published_at
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1), attempts=3)
    assert standing_of().oldest_waiting == published_at
    Delivery.objects.update(state=Delivery.State.FAILED)
    assert standing_of().oldest_waiting is None


def test_a_delivery_nobody_has_tried_in_time_is_a_problem(released):
    assert problems() == []
    late = timezone.now() - SILENT_AFTER
    Delivery.objects.update(next_attempt_at=late)
    assert problems() == ["1 delivery should have been tried a while ago."]
    Delivery.objects.update(state=Delivery.State.RUNNING, claimed_until=late)
    assert problems() == ["1 delivery should have been tried a while ago."]
    Delivery.objects.update(claimed_until=timezone.now())
    assert problems() == []


def test_of_an_issue_that_somebody_holds_nothing_is_late(released):
    late = timezone.now() - SILENT_AFTER
    Delivery.objects.update(next_attempt_at=late)
    edition = released.edition
    soon = timezone.now() + timedelta(minutes=5)
    Issue.objects.update(held_at=timezone.now(), due_at=soon, due_edition=edition)
    assert problems() == []
    assert standing_of().scheduled == 0
    Issue.objects.update(held_at=None)
    assert len(problems()) == 2
    assert standing_of().scheduled == 1


def test_an_issue_stays_missed_once_that_was_said(signed):
    late = timezone.now() - timedelta(minutes=signed.issue.desk.grace + 5)
    Issue.objects.update(due_at=late, due_edition=signed)
    assert standing_of().missed == 1
    publish_due()
    assert Issue.objects.get().missed_at
    assert (standing_of().missed, standing_of().due) == (1, 0)


def test_a_failed_delivery_is_a_problem(released):
    Delivery.objects.update(state=Delivery.State.FAILED)
    assert problems() == ["1 delivery has failed and is not tried again by itself."]


def test_a_silent_beat_is_a_problem_while_an_issue_waits_for_its_hour(signed):
    beat_ago(SILENT_AFTER + timedelta(seconds=1))
    assert problems() == []
    for due_at in (timezone.now() + timedelta(hours=8), timezone.now()):
        Issue.objects.update(due_at=due_at, due_edition=signed)
        assert problems() == ["Beat is silent, and 1 issue waits for its hour."]
    beat_ago(SILENT_AFTER - timedelta(seconds=5))
    assert problems() == []
    Tick.objects.all().delete()
    assert len(problems()) == 1


def test_issues_are_told_by_their_hour(signed):
    desk = signed.issue.desk
    now = timezone.now()
    for due_at, expected in (
        (now + timedelta(minutes=5), (0, 1, 0)),
        (now - timedelta(minutes=5), (1, 0, 0)),
        (now - timedelta(minutes=desk.grace + 5), (0, 0, 1)),
    ):
        Issue.objects.update(due_at=due_at, due_edition=signed)
        standing = standing_of()
        assert (standing.due, standing.scheduled, standing.missed) == expected


def test_a_desk_is_told_of_its_own_alone(released, desk, other_desk):
    Delivery.objects.update(state=Delivery.State.FAILED)
    alarms.raise_alarm(desk, "no_draft", key="x", data={"day": "2026-02-12"})
    assert (standing_of(desk).failed, standing_of(desk).alarms) == (1, 1)
    assert (standing_of(other_desk).failed, standing_of(other_desk).alarms) == (0, 0)
    assert undelivered(desk) == [released]
    assert undelivered(other_desk) == []


def test_a_settled_alarm_is_not_counted(desk):
    alarms.raise_alarm(desk, "no_draft", key="x", data={"day": "2026-02-12"})
    alarms.raise_alarm(desk, "no_draft", key="x", data={"day": "2026-02-12"})
    assert standing_of().alarms == 1
    alarms.settle(desk, "x")
    assert standing_of().alarms == 0


def test_the_given_up_stand_first_and_the_delivered_not_at_all(released):
    edition = released.edition
    others = {
        state: Delivery.objects.create(edition=edition, channel=state, state=state)
        for state in ("running", "failed", "delivered", "replaced", "held")
    }
    expected = [others["failed"], others["held"], others["running"], released]
    assert undelivered(edition.issue.desk) == expected


def test_a_tick_is_one_row_however_often(db):
    note_tick("publish_due")
    first = Tick.objects.get().at
    note_tick("publish_due")
    assert Tick.objects.get().at > first


def test_the_standing_takes_as_many_queries_for_many_issues_as_for_one(
    released, desk, sample, editor, chief
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            standing_of()
            undelivered(desk)
        return len(captured)

    alone = queries()
    for n in range(3):
        issue = land(desk, sample.replace(b"2026-02-12", f"2026-02-{n + 13}".encode()))
        approve_everything(issue, editor)
        edition = sign(issue, chief)
        decide("publish", issue_id=issue.pk, by=chief, seen=edition.sha256)
        publish_due()
    assert len(undelivered(desk)) == 4
    assert queries() == alone


# --- manage.py desk_status -----------------------------------------------------------------------


def status(*arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    try:
        call_command("desk_status", *arguments, stdout=output)
    except SystemExit as end:
        return end.code, output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def broker_up(monkeypatch):
    """A broker that answers, for what is not about it."""
    there = operations.Broker(queues={"publishing": 0}, unacked=0, workers=())
    worker = operations.broker.Worker("publishing@a", ("publishing",), timezone.now())
    there = operations.Broker(there.queues, 0, (worker,))
    monkeypatch.setattr(operations, "look_at_broker", lambda: there)


def test_status_ends_with_0_while_all_is_well(released, broker_up):
    code, text = status()
    assert code == 0
    assert re.search(r"^deliveries +1 waiting$", text, re.MULTILINE)
    assert re.search(r"^last beat +never$", text, re.MULTILINE)


def test_status_ends_with_1_and_says_why(released, broker_up):
    Delivery.objects.update(state=Delivery.State.FAILED)
    code, text = status()
    assert code == 1
    assert "! 1 delivery has failed and is not tried again by itself." in text


def test_status_for_programs_is_json(released):
    beat_ago(timedelta(0))
    code, text = status("--json")
    told = json.loads(text)
    assert code == 1
    assert told["broker"] is None
    assert told["problems"] == [NO_BROKER]
    assert told["deliveries"]["waiting"] == 1
    assert told["last_beat"].startswith(f"{timezone.now():%Y-}")


# --- /healthz, /readyz ---------------------------------------------------------------------------


def test_health_asks_no_database(client):
    # Without the fixture of a database, pytest-django lets nobody reach one.
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok\n")


def test_health_and_readiness_answer_without_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200


def test_ready_is_who_has_a_beat_and_a_broker(client, db, broker_up):
    lacking = client.get("/readyz")
    assert (lacking.status_code, lacking.content) == (503, b"beat has not been heard of yet\n")
    beat_ago(SILENT_AFTER + timedelta(seconds=1))
    assert client.get("/readyz").content.startswith(b"no beat since 20")
    beat_ago(SILENT_AFTER - timedelta(seconds=5))
    assert (client.get("/readyz").status_code, client.get("/readyz").content) == (200, b"ok\n")


def test_not_ready_has_a_line_for_each_that_fails(client, db):
    def refuse(*arguments):
        raise OperationalError("the server is gone")

    assert client.get("/readyz").content == b"beat has not been heard of yet\nbroker out of reach\n"
    with connection.execute_wrapper(refuse):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.content == b"database out of reach\nbroker out of reach\n"


# --- /metrics ------------------------------------------------------------------------------------

#: A line of Prometheus's text format, as its specification has it.
_LINE = re.compile(
    r"# HELP [a-z_]+ \S.*|# TYPE [a-z_]+ gauge"
    r"|[a-z_]+(\{[a-z]+=\"[^\"\\\n]*\"(,[a-z]+=\"[^\"\\\n]*\")*\})? [0-9.e+]+"
)


def test_metrics_are_in_the_format_and_tell_the_standing(client, released):
    beat_ago(timedelta(0))
    answer = client.get("/metrics")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.content.decode()
    assert text.endswith("\n")
    lines = text.splitlines()
    assert [line for line in lines if not _LINE.fullmatch(line)] == []
    assert "copydesk_broker_up 0.0" in lines
    assert 'copydesk_deliveries{state="waiting"} 1.0' in lines
    assert "copydesk_overdue_deliveries 0.0" in lines
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert len(samples) == len([line for line in lines if not line.startswith("#")])
    beat = Tick.objects.get().at.timestamp()
    assert float(samples["copydesk_last_beat_timestamp_seconds"]) == pytest.approx(beat)
    assert "copydesk_last_verification_timestamp_seconds" not in samples


def test_without_a_token_only_this_machine_reads_metrics(db):
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    for address in ("192.0.2.7", "10.0.0.1", "172.17.0.1", ""):
        answer = Client(REMOTE_ADDR=address).get("/metrics")
        assert answer.status_code == 403
        assert b"METRICS_TOKEN" in answer.content
        assert b"copydesk_" not in answer.content


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"]
)
def test_what_a_proxy_on_this_machine_passes_on_is_not_from_this_machine(db, header):
    for value in ("127.0.0.1", "198.51.100.1, 127.0.0.1", ""):
        assert Client(headers={header: value}).get("/metrics").status_code == 403


def test_with_a_token_only_who_shows_it_reads_metrics(db, settings):
    settings.METRICS_TOKEN = "of the operator"
    for shown in (None, "", "Bearer", "Bearer of the", "Basic of the operator", "of the operator"):
        headers = {} if shown is None else {"Authorization": shown}
        answer = Client(headers=headers).get("/metrics")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), shown
        assert b"copydesk_" not in answer.content
    shows = Client(headers={"Authorization": "Bearer of the operator"}, REMOTE_ADDR="192.0.2.7")
    assert shows.get("/metrics").status_code == 200


def test_a_day_the_machine_never_began_is_a_problem_until_it_has(desk):
    """A schedule that never fired leaves no failure behind that anybody could find."""
    moment = datetime(2026, 11, 25, 5, 30, tzinfo=ZoneInfo(desk.zone))
    Feed.objects.create(desk=desk, name="feed", url="https://example.org/feed")

    def undrafted(minutes: int) -> int:
        with time_machine.travel(moment + timedelta(minutes=minutes), tick=False):
            return standing_of(desk).undrafted

    assert [undrafted(minutes) for minutes in (-5, 9, 10, 600)] == [0, 0, 1, 1]
    Run.objects.create(desk=desk, day=moment.date(), writer="extractive", started_at=moment)
    assert undrafted(600) == 0
    assert undrafted(24 * 60 + 10) == 1
    Desk.objects.update(drafts_at=None)
    assert undrafted(24 * 60 + 10) == 0

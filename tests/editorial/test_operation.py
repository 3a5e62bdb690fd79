"""The operator's page: to whom it is shown, what it tells, when it stays as it is."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override

from digest import operations
from digest.alarms import raise_alarm
from digest.broker import Broker, Worker
from digest.models import Delivery
from digest.publishing import publish_due
from editorial.decisions import decide
from tests.conftest import approve_everything, land, sign

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _in_english(client):
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"


@pytest.fixture
def address(desk) -> str:
    return reverse("operation", args=[desk.slug])


@pytest.fixture
def released(signed, chief) -> Delivery:
    """A delivery that waits for its first attempt."""
    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)
    publish_due()
    return signed.deliveries.get()


@pytest.fixture
def running(monkeypatch) -> Broker:
    """A broker with a worker for each queue."""
    queues = {"publishing": 0, "network": 0, "slow": 3}
    workers = tuple(Worker(f"{name}@a", (name,), timezone.now()) for name in queues)
    there = Broker(queues=queues, unacked=1, workers=workers)
    monkeypatch.setattr(operations, "look_at_broker", lambda: there)
    return there


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_a_superuser_sees_every_desk_and_no_way_into_it(client, address, admin_user, released):
    client.force_login(admin_user)
    page = client.get(address).content.decode()
    assert escape(released.edition.title) in page
    ways = {reverse("queue", args=["daily"]), reverse("archive", args=["daily"])}
    assert not ways & set(re.findall(r'(?:href|action)="([^"#]*)', page))
    assert reverse("issue", args=["daily", released.edition.issue.date]) not in page
    assert client.get(reverse("operation", args=["nowhere"])).status_code == 404


def test_the_queue_leads_there_whoever_may_go(client, address, issue, editor, chief):
    queue = reverse("queue", args=[issue.desk.slug])
    client.force_login(chief.user)
    assert f'href="{address}"' in client.get(queue).content.decode()
    client.force_login(editor.user)
    assert f'href="{address}"' not in client.get(queue).content.decode()


def test_all_is_well_is_said(client, address, chief, running):
    operations.note_tick("publish_due")
    client.force_login(chief.user)
    text = text_of(client.get(address))
    assert "All is well" in text
    assert "Queue slow 3 tasks wait slow@a" in text
    assert "None: everything that was released has arrived." in text


def test_while_there_are_alarms_not_all_is_well(client, address, chief, desk, running):
    operations.note_tick("publish_due")
    raise_alarm(desk, "no_draft", key="no_draft:x", data={"day": "2026-02-12"})
    client.force_login(chief.user)
    text = text_of(client.get(address))
    assert "All is well" not in text and "open alarms" in text


def test_what_is_wrong_is_said_first(client, address, chief):
    client.force_login(chief.user)
    text = text_of(client.get(address))
    assert "The broker is out of reach" in text
    assert "All is well" not in text


def test_a_failed_delivery_shows_its_issue_its_error_and_how_often_it_was_tried(
    client, address, chief, released
):
    error = "disk <full> & gone"
    Delivery.objects.update(state=Delivery.State.FAILED, attempts=8, error=error)
    client.force_login(chief.user)
    response = client.get(address)
    assert f"8 attempts {escape(error)}" in text_of(response)
    assert "1 delivery has failed" in text_of(response)
    link = reverse("issue", args=["daily", released.edition.issue.date])
    assert f'href="{link}#publication"' in response.content.decode()


def test_a_waiting_delivery_shows_when_it_is_tried_again(client, address, chief, released, desk):
    at = timezone.now() + timedelta(minutes=10)
    Delivery.objects.update(next_attempt_at=at, attempts=2, error="later")
    client.force_login(chief.user)
    shown = timezone.localtime(at, ZoneInfo(desk.zone))
    assert f"attempt 2; next at {shown:%H:%M:%S} later" in text_of(client.get(address))


def test_deliveries_of_other_desks_are_not_shown(client, address, released, stranger):
    client.force_login(stranger.user)
    response = client.get(reverse("operation", args=[stranger.desk.slug]))
    assert released.edition.title not in response.content.decode()
    assert client.get(address).status_code == 404


def test_the_page_asks_again_and_is_left_alone_until_something_changes(
    client, address, chief, released, running
):
    client.force_login(chief.user)
    page = client.get(address).content.decode()
    [again] = re.findall(r'hx-get="([^"]+)"', page)
    assert client.get(again, headers=HTMX).status_code == 204
    Delivery.objects.update(state=Delivery.State.FAILED)
    fragment = client.get(again, headers=HTMX)
    assert fragment.status_code == 200
    assert "<html" not in fragment.content.decode()
    assert "1 delivery has failed" in text_of(fragment)
    [next_] = re.findall(r'hx-get="([^"]+)"', fragment.content.decode())
    assert next_ != again
    assert client.get(next_, headers=HTMX).status_code == 204
    # Whoever follows the address without htmx gets the page.
    assert "<html" in client.get(next_).content.decode()


def test_the_page_speaks_both_languages(client, address, chief, released, running):
    Delivery.objects.update(state=Delivery.State.FAILED)
    client.force_login(chief.user)
    with override("zh-hant"):
        page = client.get(address, headers={"accept-language": "zh-TW"}).content.decode()
    assert "有 1 筆遞送失敗，不會再自動重試。" in page
    assert "佇列 <code>slow</code>" in page


def test_the_page_takes_as_many_queries_for_many_deliveries_as_for_one(
    client, address, desk, sample, editor, chief, released
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    client.force_login(chief.user)
    client.get(address)
    alone = queries()
    for n in range(3):
        issue = land(desk, sample.replace(b"2026-02-12", f"2026-02-{n + 13}".encode()))
        approve_everything(issue, editor)
        edition = sign(issue, chief)
        decide("publish", issue_id=issue.pk, by=chief, seen=edition.sha256)
    publish_due()
    assert client.get(address).content.count(b"undelivered__row") == 4
    assert queries() == alone

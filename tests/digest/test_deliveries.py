"""The publisher and its channels together: each delivered, tried again and reported on its own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone, translation

from digest import alarms
from digest.models import Alarm, Channel, Delivery, Issue
from digest.publishing import deliver, publish_due
from tests import publisher
from tests.digest.servers import answer, mail_server, web_server
from tests.publisher import do

DONE, WAITING, FAILED = (
    Delivery.State.DELIVERED,
    Delivery.State.WAITING,
    Delivery.State.FAILED,
)
SECRET = "a secret of the two of us"


@pytest.fixture(autouse=True)
def _outside(settings, tmp_path):
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    settings.JSON_TREE = tmp_path / "json"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 10
    with translation.override("en"):
        yield


@pytest.fixture
def due(signed, chief) -> Issue:
    """An issue somebody has just asked to publish."""
    do("publish", signed.issue, chief)
    return signed.issue


def channel(issue: Issue, kind: str, **config) -> Channel:
    return Channel.objects.create(desk=issue.desk, name=f"my-{kind}", kind=kind, config=config)


def hook(issue: Issue, url: str, **config) -> Channel:
    return channel(issue, "webhook", url=url, secret=SECRET, **config)


def work() -> None:
    """A tick of the publisher, long enough after the last for every pause to be over."""
    Delivery.objects.filter(state=WAITING).update(next_attempt_at=timezone.now())
    publisher.work()


def states(issue: Issue) -> dict[str, str]:
    found = Delivery.objects.filter(edition__issue=issue)
    return dict(found.values_list("channel", "state"))


def test_each_channel_of_the_desk_gets_the_edition_and_gives_its_receipt(due, settings):
    with web_server(answer(200, b"thanks")) as web, mail_server() as post:
        settings.EMAIL_PORT = post.port
        channel(due, "json")
        channel(due, "mail", to=["desk@example.org"])
        hook(due, web.url)
        work()
        work()  # a second tick does nothing
    assert states(due) == {"hugo": DONE, "my-json": DONE, "my-mail": DONE, "my-webhook": DONE}
    [file] = Path(settings.JSON_TREE).rglob(f"{due.slug}.json")
    envelope = json.loads(file.read_bytes())
    edition = due.editions.get()
    assert (envelope["sha256"], envelope["document"]) == (edition.sha256, edition.document)
    assert len(web.requests) == len(post.taken) == 1
    assert due.events.filter(verb="delivery.done").count() == 4


def test_a_webhook_that_fails_four_times_delays_no_other_and_is_delivered_once_by_its_key(due):
    with web_server(*[answer(500)] * 4, answer(200)) as web:
        hook(due, web.url)
        work()
        assert states(due) == {"hugo": DONE, "my-webhook": WAITING}
        for _ in range(4):
            work()
    assert states(due) == {"hugo": DONE, "my-webhook": DONE}
    assert len(web.requests) == 5
    assert len({request.headers["idempotency-key"] for request in web.requests}) == 1
    verbs = list(due.events.filter(field="my-webhook").values_list("verb", flat=True))
    assert verbs == ["delivery.fail"] * 4 + ["delivery.done"]


def test_what_is_delivered_again_carries_another_key(due, chief):
    with web_server(answer(200)) as web:
        hook(due, web.url)
        work()
        do("republish", due, chief)
        work()
    first, second = (request.headers["idempotency-key"] for request in web.requests)
    assert first != second


def test_a_webhook_that_says_gone_is_not_tried_again_and_alarms_the_desk_until_it_works(due, chief):
    with web_server(answer(410), answer(200)) as web:
        hook(due, web.url)
        work()
        work()
        assert states(due) == {"hugo": DONE, "my-webhook": FAILED}
        assert len(web.requests) == 1
        [alarm] = Alarm.objects.open()
        assert "my-webhook" in alarms.sentence_of(alarm)
        do("retry", due, chief)
        work()
    assert states(due) == {"hugo": DONE, "my-webhook": DONE}
    assert not Alarm.objects.open().exists()


def test_whoever_has_the_mail_does_not_get_it_again_when_somebody_elses_is_retried(due, settings):
    anna, bert = "anna@example.org", "bert@example.org"
    with mail_server(refused={bert: "450 mailbox is full"}) as post:
        settings.EMAIL_PORT = post.port
        channel(due, "mail", to=[anna, bert])
        work()
        delivery = Delivery.objects.get(channel="my-mail")
        assert (delivery.state, delivery.receipt["recipients"][anna]) == (WAITING, "accepted")
        post.refused.clear()
        work()
    assert sorted(recipient for recipient, _ in post.taken) == [anna, bert]
    assert states(due)["my-mail"] == DONE


@pytest.mark.parametrize("why", ["switched off", "removed", "badly set up", "of no kind"])
def test_a_channel_that_is_not_what_it_was_fails_in_a_sentence_and_alone(why, due):
    """Between the release and the delivery an operator has changed it."""
    mine = channel(due, "json")
    deliveries = publish_due()
    assert len(deliveries) == 2
    changes = {
        "switched off": {"enabled": False},
        "badly set up": {"config": {"folder": "../.."}},
        "of no kind": {"kind": "carrier pigeon"},
    }
    if why == "removed":
        mine.delete()
    else:
        Channel.objects.filter(pk=mine.pk).update(**changes[why])
    for pk in deliveries:
        deliver(pk)
    assert states(due) == {"hugo": DONE, "my-json": WAITING}
    error = Delivery.objects.get(channel="my-json").error
    assert "channel" in error


def test_a_channel_that_is_switched_off_before_the_release_gets_nothing(due):
    Channel.objects.filter(pk=channel(due, "json").pk).update(enabled=False)
    work()
    assert states(due) == {"hugo": DONE}


# --- alarms go the same ways ---------------------------------------------------------------------


def raise_one(issue: Issue) -> Alarm:
    data = {"day": str(issue.date)}
    return alarms.raise_alarm(issue.desk, "no_draft", key="no_draft:x", issue=issue, data=data)


def test_an_alarm_is_told_once_by_each_channel_that_can(issue, settings):
    with web_server(answer(200)) as web, mail_server() as post:
        settings.EMAIL_PORT = post.port
        hook(issue, web.url, alarms=True)
        channel(issue, "mail", to=["desk@example.org"])
        raise_one(issue)
        raise_one(issue)  # the same cause
        assert alarms.tell_due() == 1
        assert alarms.tell_due() == 0
    assert len(web.requests) == len(post.taken) == 1
    assert str(issue.date) in web.requests[0].body.decode()


def test_a_channel_that_cannot_tell_keeps_no_other_from_it_and_is_asked_again(issue, settings):
    with web_server(answer(500), answer(200)) as web, mail_server() as post:
        settings.EMAIL_PORT = post.port
        channel(issue, "json", nonsense=True)
        hook(issue, web.url, alarms=True)
        channel(issue, "mail", to=["desk@example.org"])
        alarm = raise_one(issue)
        assert alarms.tell_due() == 0
        alarm.refresh_from_db()
        assert alarm.told_at is None and "my-webhook" in alarm.error
        assert len(post.taken) == 1
        assert alarms.tell_due() == 0  # not at once
        assert alarms.tell_due(alarm.next_attempt_at + timedelta(seconds=1)) == 1
    assert len(post.taken) == 1  # nobody hears of it twice


def test_what_a_dead_worker_began_to_tell_is_told_by_another(issue):
    with web_server(answer(200)) as web:
        hook(issue, web.url, alarms=True)
        raise_one(issue)
        # Somebody holds it, and never comes back.
        Alarm.objects.update(next_attempt_at=timezone.now() + alarms._LEASE)
        assert alarms.tell_due() == 0
        assert alarms.tell_due(timezone.now() + alarms._LEASE + timedelta(seconds=1)) == 1
    assert len(web.requests) == 1


def test_an_alarm_that_nobody_could_be_told_for_days_is_still_told(issue):
    with web_server(answer(500)) as web:
        hook(issue, web.url, alarms=True)
        alarm = raise_one(issue)
        Alarm.objects.update(attempts=900)
        assert alarms.tell_due() == 0
        alarm.refresh_from_db()
        assert alarm.attempts == 901
        assert alarm.next_attempt_at < timezone.now() + timedelta(hours=1)


def test_one_broken_alarm_keeps_no_other_from_being_told(issue, monkeypatch):
    with web_server(answer(200)) as web:
        hook(issue, web.url, alarms=True)
        broken, _ = (
            raise_one(issue),
            alarms.raise_alarm(
                issue.desk, "no_draft", key="no_draft:y", data={"day": "2026-02-13"}
            ),
        )
        real = alarms._tell

        def break_the_first(alarm, now):
            if alarm.pk == broken.pk:
                raise RuntimeError("a bug that only this alarm meets")
            return real(alarm, now)

        monkeypatch.setattr(alarms, "_tell", break_the_first)
        assert alarms.tell_due() == 1

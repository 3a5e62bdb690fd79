"""Signed editions go out: at their hour, once, whole, whatever the disk and the worker do."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from digest import alarms, channels, publishing
from digest.channels import files, hugo
from digest.channels.parcel import Parcel, Undeliverable
from digest.models import Channel, Delivery, Desk, Edition, Event, Issue, sha256
from digest.publishing import deliver, publish_due
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from tests.conftest import COVER, SEED_SHA256, approve_everything, cards_of, land, sign

DONE = Delivery.State.DELIVERED


def publish(issue: Issue, by) -> None:
    """Press "publish" for the last signed edition."""
    seen = issue.editions.order_by("-number").first().sha256
    decide("publish", issue_id=issue.pk, by=by, seen=seen)


def work(now: datetime | None = None) -> None:
    """What the scheduled job does."""
    for delivery_id in publish_due(now):
        deliver(delivery_id, now=now)


def work_until_retried(delivery: Delivery) -> None:
    """What the scheduled job does once the pause after a failure is over."""
    delivery.refresh_from_db()
    work(max(delivery.next_attempt_at, timezone.now()) + timedelta(seconds=1))
    delivery.refresh_from_db()


def post_of(edition: Edition, settings) -> Path:
    return Path(settings.HUGO_TREE) / "content/posts" / f"{edition.slug}.md"


def hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit(card, by, **values) -> None:
    present = field_values(type(card).objects.whole().get(pk=card.pk))
    changes = [Change(field, value, hash_of(present[field])) for field, value in values.items()]
    change_card(card_id=card.pk, changes=changes, by=by)
    card.refresh_from_db()


def sign_another(issue: Issue, editor, chief, words: str) -> Edition:
    """Change a card, approve it again and sign the next edition."""
    card = cards_of(issue)[0]
    edit(card, editor, summary=words)
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    return sign(issue, chief)


def verbs_of(issue: Issue) -> list[str]:
    return list(issue.events.order_by("pk").values_list("verb", flat=True))


# --- what goes out -------------------------------------------------------------------------------


def test_an_untouched_draft_is_published_as_the_bytes_the_machine_sent(
    signed, chief, sample, settings
):
    publish(signed.issue, chief)
    work()
    post = post_of(signed, settings)
    assert post.name == "2026-02-12-ai-daily.md"
    assert post.read_bytes() == sample
    assert hash_of_file(post) == signed.sha256 == sha256(sample)
    [delivery] = signed.deliveries.all()
    assert delivery.state == DONE
    assert delivery.receipt["sha256"] == signed.sha256
    assert Path(delivery.receipt["path"]) == post


def test_the_real_draft_is_published_under_its_own_name_with_its_own_hash(
    desk, seed, editor, chief, settings
):
    issue = land(desk, seed)
    approve_everything(issue, editor)
    signed = sign(issue, chief)
    publish(issue, chief)
    work()
    post = post_of(signed, settings)
    assert post.name == "2026-02-11-ai-intel.md"
    assert hash_of_file(post) == SEED_SHA256


def test_the_cover_goes_where_the_front_matter_says(signed, chief, settings):
    publish(signed.issue, chief)
    work()
    cover = Path(settings.HUGO_TREE) / "static/images/2026-02-12-ai-daily.png"
    assert cover.read_bytes() == COVER.read_bytes()


def test_what_is_edited_after_the_signature_does_not_go_out(signed, editor, chief, settings):
    edit(cards_of(signed.issue)[0], editor, summary="簽署之後才改的一句。")
    publish(signed.issue, chief)
    work()
    post = post_of(signed, settings)
    assert hash_of_file(post) == signed.sha256
    assert "簽署之後".encode() not in post.read_bytes()


def test_publishing_twice_is_publishing_once(signed, chief, settings):
    publish(signed.issue, chief)
    work()
    post = post_of(signed, settings)
    before = (post.stat().st_ino, post.stat().st_mtime_ns, verbs_of(signed.issue))
    work()
    for delivery in Delivery.objects.all():
        deliver(delivery.pk)
    call_command("publish_due")
    assert (post.stat().st_ino, post.stat().st_mtime_ns, verbs_of(signed.issue)) == before
    assert before[2].count("issue.release") == before[2].count("delivery.done") == 1


def test_a_second_delivery_of_the_same_bytes_leaves_the_file_alone(tmp_path):
    parcel = parcel_with(tmp_path)
    hugo.deliver(parcel)
    post = tmp_path / "content/posts/a-day.md"
    before = post.stat()
    assert hugo.deliver(parcel)["sha256"] == parcel.sha256
    assert (post.stat().st_ino, post.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_nothing_goes_out_without_a_signature(ready, settings):
    with pytest.raises(IntegrityError), transaction.atomic():
        # Nobody's decision: a slip of the hand in SQL.
        Issue.objects.update(due_at=timezone.now())
    work()
    assert not Delivery.objects.exists()
    assert not Path(settings.HUGO_TREE).exists()


def test_the_next_edition_takes_the_place_of_the_last(signed, editor, chief, settings):
    publish(signed.issue, chief)
    work()
    second = sign_another(signed.issue, editor, chief, "第二版的摘要。")
    publish(signed.issue, chief)
    work()
    assert hash_of_file(post_of(second, settings)) == second.sha256 != signed.sha256
    assert [d.state for d in Delivery.objects.all()] == [DONE, DONE]
    signed.issue.refresh_from_db()
    assert signed.issue.published == second


def test_each_desk_has_a_tree_of_its_own(other_desk, sample, settings, stranger):
    issue = land(other_desk, sample)
    approve_everything(issue, stranger)
    edition = sign(issue, stranger)
    publish(issue, stranger)
    work()
    assert hash_of_file(
        Path(settings.HUGO_TREE) / "other/content/posts" / f"{edition.slug}.md"
    ) == sha256(sample)


# --- an older edition never comes back -----------------------------------------------------------


def broken_tree(settings) -> Path:
    """A Hugo tree into which nothing can be written: a file stands where a folder should be."""
    tree = Path(settings.HUGO_TREE)
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "content").write_text("in the way")
    return tree / "content"


def test_the_retry_of_an_older_edition_does_not_overwrite_a_newer_one(
    signed, editor, chief, settings
):
    in_the_way = broken_tree(settings)
    publish(signed.issue, chief)
    work()
    [first] = Delivery.objects.all()
    assert first.state == Delivery.State.WAITING
    in_the_way.unlink()
    second = sign_another(signed.issue, editor, chief, "第二版的摘要。")
    publish(signed.issue, chief)
    work()
    assert hash_of_file(post_of(second, settings)) == second.sha256
    work_until_retried(first)
    assert hash_of_file(post_of(second, settings)) == second.sha256
    assert first.state == Delivery.State.REPLACED
    assert "delivery.replace" in verbs_of(signed.issue)
    assert first.pk not in publish_due(timezone.now() + timedelta(days=1))


def test_a_failed_delivery_of_an_older_edition_is_not_offered_for_another_try(
    signed, editor, chief, settings
):
    publish(signed.issue, chief)
    work()
    Delivery.objects.update(state=Delivery.State.FAILED)
    sign_another(signed.issue, editor, chief, "第二版的摘要。")
    publish(signed.issue, chief)
    work()
    assert [d.state for d in Delivery.objects.all()] == [Delivery.State.REPLACED, DONE]


def test_what_a_dead_worker_left_of_an_older_edition_is_not_taken_up_again(
    signed, editor, chief, settings
):
    publish(signed.issue, chief)
    [first] = publish_due()
    stale = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(state=Delivery.State.RUNNING, claimed_until=stale, attempts=1)
    second = sign_another(signed.issue, editor, chief, "第二版的摘要。")
    publish(signed.issue, chief)
    work()
    work()
    assert hash_of_file(post_of(second, settings)) == second.sha256
    assert Delivery.objects.get(pk=first).state == Delivery.State.REPLACED


def test_a_newer_edition_waits_for_the_worker_that_still_writes_the_older_one(
    signed, editor, chief, settings
):
    publish(signed.issue, chief)
    publish_due()
    lease = timezone.now() + timedelta(seconds=60)
    Delivery.objects.update(state=Delivery.State.RUNNING, claimed_until=lease, attempts=1)
    second = sign_another(signed.issue, editor, chief, "第二版的摘要。")
    publish(signed.issue, chief)
    work()
    assert not post_of(second, settings).exists()
    work(lease + timedelta(seconds=1))
    assert hash_of_file(post_of(second, settings)) == second.sha256


# --- when ----------------------------------------------------------------------------------------


@pytest.fixture
def morning():
    """Before the hour of the sample's day in Taipei."""
    with time_machine.travel(datetime(2026, 2, 11, 20, 0, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def test_a_signed_issue_goes_out_at_the_desks_hour_in_the_desks_zone(
    morning, ready, chief, settings
):
    signed = sign(ready, chief)
    ready.refresh_from_db()
    assert ready.due_at == datetime(2026, 2, 11, 22, 50, tzinfo=UTC)  # 06:50 in Taipei
    morning.move_to(datetime(2026, 2, 11, 22, 49, 59, tzinfo=UTC))
    work()
    assert not post_of(signed, settings).exists()
    morning.move_to(datetime(2026, 2, 11, 22, 50, tzinfo=UTC))
    work()
    assert hash_of_file(post_of(signed, settings)) == signed.sha256
    ready.refresh_from_db()
    assert (ready.due_at, ready.published) == (None, signed)


@pytest.mark.parametrize(
    ("zone", "hour", "day", "moment"),
    [
        ("Asia/Taipei", "06:50", date(2026, 2, 12), "2026-02-11T22:50Z"),
        ("Europe/Berlin", "06:50", date(2026, 3, 28), "2026-03-28T05:50Z"),  # winter
        ("Europe/Berlin", "06:50", date(2026, 3, 29), "2026-03-29T04:50Z"),  # summer from here on
        ("Europe/Berlin", "02:30", date(2026, 3, 29), "2026-03-29T01:30Z"),  # there is no 02:30
        ("Europe/Berlin", "02:30", date(2026, 10, 25), "2026-10-25T00:30Z"),  # the first of two
        ("America/New_York", "23:59", date(2028, 2, 29), "2028-03-01T04:59Z"),
        ("Pacific/Kiritimati", "00:00", date(2026, 1, 1), "2025-12-31T10:00Z"),
    ],
)
def test_the_hour_of_a_day_is_the_newsrooms(zone, hour, day, moment):
    desk = Desk(zone=zone, publication_hour=clock_time.fromisoformat(hour))
    assert desk.hour_of(day) == datetime.fromisoformat(moment)


def test_in_a_zone_with_summer_time_every_day_has_one_hour_and_they_follow_each_other():
    desk = Desk(zone="Europe/Berlin", publication_hour=clock_time(2, 30))
    hours = [desk.hour_of(date(2026, 1, 1) + timedelta(days=n)) for n in range(365)]
    assert hours == sorted(set(hours))
    assert all(hour.astimezone(ZoneInfo("Europe/Berlin")).minute == 30 for hour in hours)


def test_an_issue_whose_hour_was_missed_does_not_go_out_by_itself(morning, ready, chief, settings):
    signed = sign(ready, chief)
    ready.refresh_from_db()
    last_moment = ready.due_at + timedelta(minutes=ready.desk.grace)
    morning.move_to(last_moment)
    work()
    ready.refresh_from_db()
    assert ready.is_missed and ready.missed_at == last_moment
    assert not Issue.objects.due(last_moment).exists()
    assert not Delivery.objects.exists()
    assert verbs_of(ready).count("issue.miss") == 1
    [alarm] = ready.alarms.open()
    assert (alarm.kind, alarm.data["at"]) == ("missed", "2026-02-12 06:50")
    # Missed is missed: a longer grace brings nothing old out days later.
    Desk.objects.update(grace=60_000 // 2)
    morning.shift(timedelta(days=3))
    work()
    assert not Delivery.objects.exists() and ready.alarms.count() == 1
    # A person decides, and then it goes.
    publish(ready, chief)
    work()
    assert hash_of_file(post_of(signed, settings)) == signed.sha256
    assert not ready.alarms.open().exists()


def test_files_are_handed_out_before_what_the_network_may_keep_waiting(
    signed, desk, other_desk, sample, editor, chief
):
    desk.channels.all().delete()
    for name, kind in (("chat", "webhook"), ("list", "mail"), ("programs", "json")):
        Channel.objects.create(desk=desk, name=name, kind=kind)
    # Of the same name, and something else at another desk.
    other_desk.channels.all().delete()
    Channel.objects.create(desk=other_desk, name="programs", kind="mail")
    Channel.objects.create(desk=other_desk, name="list", kind="hugo")
    publish(signed.issue, chief)
    elsewhere = other_desk.issues.create(date=signed.issue.date, slug="elsewhere")
    edition = Edition.objects.create(
        issue=elsewhere, number=1, content=b"", document={}, signed_by=chief.user
    )
    publishing.queue_deliveries(edition, Delivery.Action.PUBLISH, now=timezone.now())
    handed_out = [(Delivery.objects.get(pk=pk), local) for pk, local in publish_due().items()]
    assert [(d.edition.issue.desk, d.channel, is_local) for d, is_local in handed_out] == [
        (other_desk, "list", True),
        (desk, "programs", True),
        (other_desk, "programs", False),
        (desk, "chat", False),
        (desk, "list", False),
    ]


def test_no_desk_has_less_grace_than_a_publisher_needs_to_come(desk):
    """With none, every issue would be missed at its very hour."""
    desk.grace = 4
    with pytest.raises(ValidationError) as refused:
        desk.full_clean()
    assert refused.value.error_dict.keys() == {"grace"}
    with pytest.raises(IntegrityError), transaction.atomic():
        desk.save()
    desk.grace = 5
    desk.full_clean()
    desk.save()


@pytest.mark.django_db(transaction=True)
def test_a_desk_that_was_there_with_less_grace_is_given_five_minutes(desk):
    try:
        call_command("migrate", "digest", "0004", verbosity=0)
        Desk.objects.update(grace=0)
    finally:
        call_command("migrate", verbosity=0)
    desk.refresh_from_db()
    assert desk.grace == 5


def test_an_issue_goes_out_as_long_as_the_grace_lasts(morning, ready, chief, settings):
    signed = sign(ready, chief)
    ready.refresh_from_db()
    morning.move_to(ready.due_at + timedelta(minutes=ready.desk.grace, seconds=-1))
    work()
    assert hash_of_file(post_of(signed, settings)) == signed.sha256


def test_every_moment_an_issue_is_early_due_or_missed_and_only_one_of_them(morning, ready, chief):
    sign(ready, chief)
    ready.refresh_from_db()
    for minutes in (-1440, -1, 0, 1, 179, 180, 181, 1440):
        now = ready.due_at + timedelta(minutes=minutes)
        found = (Issue.objects.due(now).count(), Issue.objects.missed(now).count())
        assert found == ((0, 0) if minutes < 0 else (1, 0) if minutes < 180 else (0, 1))


def test_what_is_signed_after_the_hour_waits_for_a_person(ready, chief):
    sign(ready, chief)  # the sample's day is long over
    ready.refresh_from_db()
    assert ready.due_at is None
    assert publish_due() == {}


# --- one trouble does not make another -----------------------------------------------------------


@pytest.fixture
def three(desk, sample, editor, chief, settings) -> list[Edition]:
    """Three issues that are due."""
    found = []
    for day in ("2026-02-12", "2026-02-13", "2026-02-14"):
        issue = land(desk, sample.replace(b"2026-02-12", day.encode()))
        approve_everything(issue, editor)
        found.append(sign(issue, chief))
        publish(issue, chief)
    return found


def test_an_issue_that_cannot_be_released_keeps_no_other_in(three, settings, monkeypatch):
    release = publishing.release

    def break_the_first(issue, *, now):
        if issue.pk == three[0].issue_id:
            raise RuntimeError("a bug that only this issue meets")
        return release(issue, now=now)

    monkeypatch.setattr(publishing, "release", break_the_first)
    work()
    work()
    [alarm] = three[0].issue.alarms.all()  # once, however often it fails
    assert "a bug that only this issue meets" in alarms.sentence_of(alarm)
    assert [post_of(edition, settings).exists() for edition in three] == [False, True, True]
    monkeypatch.undo()
    settings.HUGO_TREE = Path(settings.HUGO_TREE)
    Issue.objects.filter(pk=three[0].issue_id).update(due_at=timezone.now(), due_edition=three[0])
    work()
    assert Event.objects.filter(verb="issue.release").count() == 3


def test_an_edition_that_cannot_be_delivered_keeps_no_other_in(three, settings, monkeypatch):
    real = channels.KINDS["hugo"]

    def break_the_first(parcel, config):
        if parcel.slug == three[0].slug:
            raise ZeroDivisionError("a bug that only this edition meets")
        return real.deliver(parcel, config)

    monkeypatch.setitem(channels.KINDS, "hugo", replace(real, deliver=break_the_first))
    work()
    assert [post_of(edition, settings).exists() for edition in three] == [False, True, True]
    failed = Delivery.objects.get(edition=three[0])
    assert failed.state == Delivery.State.WAITING
    assert failed.error == "ZeroDivisionError: a bug that only this edition meets"


# --- leases --------------------------------------------------------------------------------------


@pytest.fixture
def waiting(signed, chief) -> Delivery:
    """A delivery nobody has started on."""
    publish(signed.issue, chief)
    [delivery_id] = publish_due()
    return Delivery.objects.get(pk=delivery_id)


def test_a_delivery_somebody_works_on_is_left_to_them(waiting, settings):
    lease = timezone.now() + timedelta(seconds=60)
    Delivery.objects.update(state=Delivery.State.RUNNING, claimed_until=lease)
    deliver(waiting.pk)
    assert publish_due() == {}
    assert not Path(settings.HUGO_TREE).exists()


def test_a_delivery_whose_worker_died_is_taken_over_when_its_lease_has_run_out(waiting, settings):
    lease = timezone.now() + timedelta(seconds=60)
    Delivery.objects.update(state=Delivery.State.RUNNING, claimed_until=lease, attempts=1)
    work(lease)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts, waiting.claimed_until) == (DONE, 2, None)
    assert verbs_of(waiting.edition.issue).count("delivery.done") == 1


def test_a_worker_that_was_thought_dead_does_not_report_what_another_has_done(waiting, monkeypatch):
    real = channels.KINDS["hugo"]
    late = timezone.now() + timedelta(hours=1)

    def very_slow(parcel, config):
        monkeypatch.setitem(channels.KINDS, "hugo", real)
        deliver(waiting.pk, now=late)  # another worker takes over and is faster
        return real.deliver(parcel, config)

    monkeypatch.setitem(channels.KINDS, "hugo", replace(real, deliver=very_slow))
    deliver(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == (DONE, 2)
    assert verbs_of(waiting.edition.issue).count("delivery.done") == 1


# --- disks ---------------------------------------------------------------------------------------


def test_a_file_where_a_folder_should_be_is_said_and_tried_again(waiting, settings):
    in_the_way = broken_tree(settings)
    deliver(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == Delivery.State.WAITING
    assert str(in_the_way) in waiting.error
    assert waiting.next_attempt_at > timezone.now()
    event = waiting.edition.issue.events.get(verb="delivery.fail")
    assert event.note == waiting.error
    in_the_way.unlink()
    work_until_retried(waiting)
    assert (waiting.state, waiting.error) == (DONE, "")
    assert hash_of_file(post_of(waiting.edition, settings)) == waiting.edition.sha256


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_fails_leaves_the_old_file_whole(step, code, waiting, settings, monkeypatch):
    post = post_of(waiting.edition, settings)
    post.parent.mkdir(parents=True)
    post.write_text("yesterday's version")

    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, step, fail)
        deliver(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == Delivery.State.WAITING
    assert os.strerror(code) in waiting.error
    assert post.read_text() == "yesterday's version"
    assert [path.name for path in post.parent.iterdir()] == [post.name]
    work_until_retried(waiting)
    assert waiting.state == DONE
    assert hash_of_file(post) == waiting.edition.sha256


def test_bytes_are_on_the_disk_before_their_name_and_the_name_before_the_report(
    tmp_path, monkeypatch
):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            files.os, name, lambda *a, name=name, real=real: steps.append(name) or real(*a)
        )
    files.write_file(tmp_path / "a.md", b"text")
    assert steps == ["fsync", "replace", "fsync"]


def in_a_child(call: Callable[[], None]) -> tuple[int, str]:
    """Call something in a process of its own; answers with its exit code and what it raised."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        code, said = 0, ""
        try:
            call()
        except BaseException as error:
            code, said = 1, f"{type(error).__name__}: {error}"
        os.write(theirs, said.encode()[:4000])
        os._exit(code)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def parcel_with(tree: Path, **values) -> Parcel:
    content = values.pop("content", b"---\ndraft: false\n---\n" + b"text " * 500)
    given = {"slug": "a-day", "cover": None, "cover_path": "/images/a-day.png"} | values
    return Parcel(content=content, sha256=sha256(content), tree=tree, **given)


def test_a_limit_on_file_sizes_leaves_the_old_file_whole(tmp_path):
    post = tmp_path / "content/posts/a-day.md"
    post.parent.mkdir(parents=True)
    post.write_text("yesterday's version")

    def deliver_with_a_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        hugo.deliver(parcel_with(tmp_path))

    code, said = in_a_child(deliver_with_a_limit)
    assert code == 1
    assert os.strerror(errno.EFBIG) in said
    assert post.read_text() == "yesterday's version"
    assert [path.name for path in post.parent.iterdir()] == [post.name]
    hugo.deliver(parcel_with(tmp_path))
    assert post.read_bytes() == parcel_with(tmp_path).content


def test_a_delivery_is_given_up_after_eight_attempts_and_a_person_can_start_it_again(
    waiting, chief, settings
):
    in_the_way = broken_tree(settings)
    issue = waiting.edition.issue
    deliver(waiting.pk)
    for attempt in range(2, publishing.MOST_ATTEMPTS + 1):
        waiting.refresh_from_db()
        assert waiting.state == Delivery.State.WAITING, attempt
        work_until_retried(waiting)
    assert (waiting.state, waiting.attempts) == (Delivery.State.FAILED, 8)
    assert str(in_the_way) in waiting.error
    assert verbs_of(issue).count("delivery.fail") == 7
    assert verbs_of(issue).count("delivery.give_up") == 1
    assert publish_due(timezone.now() + timedelta(days=1)) == {}
    in_the_way.unlink()
    decide("retry", issue_id=issue.pk, by=chief, seen=waiting.edition.sha256)
    work()
    waiting.refresh_from_db()
    assert waiting.state == DONE
    assert hash_of_file(post_of(waiting.edition, settings)) == waiting.edition.sha256


def test_the_pauses_between_attempts_grow_and_stay_below_twelve_minutes(waiting, settings):
    broken_tree(settings)
    pauses = []
    deliver(waiting.pk)
    for _ in range(publishing.MOST_ATTEMPTS - 1):
        waiting.refresh_from_db()
        pauses.append((waiting.next_attempt_at - timezone.now()).total_seconds())
        work_until_retried(waiting)
    assert pauses == sorted(pauses)
    assert 3 < pauses[0] < 7
    assert pauses[-1] < 720


def test_a_file_that_reads_back_differently_is_not_reported_as_delivered(
    waiting, settings, monkeypatch
):
    monkeypatch.setattr(hugo, "write_file", _write_something_else)
    deliver(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == Delivery.State.WAITING
    assert "not as the signed bytes" in waiting.error


def _write_something_else(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content[:-1])


# --- paths ---------------------------------------------------------------------------------------

ELSEWHERE = [
    "../elsewhere",
    "../../elsewhere",
    "a/../../../elsewhere",
    "posts/../../../../elsewhere",
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_slug_cannot_lead_out_of_the_tree(name, tmp_path):
    tree = tmp_path / "hugo"
    with pytest.raises(Undeliverable, match="outside"):
        hugo.deliver(parcel_with(tree, slug=name))
    assert not list(tmp_path.rglob("*.md"))


@pytest.mark.parametrize("name", [*(f"{name}.png" for name in ELSEWHERE), "/../elsewhere.png"])
def test_a_covers_path_cannot_lead_out_of_the_tree(name, tmp_path):
    tree = tmp_path / "hugo"
    with pytest.raises(Undeliverable, match="outside"):
        hugo.deliver(parcel_with(tree, cover=b"picture", cover_path=name))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_absolute_cover_path_is_taken_from_the_static_folder(tmp_path):
    hugo.deliver(parcel_with(tmp_path, cover=b"picture", cover_path="//etc/cover.png"))
    assert (tmp_path / "static/etc/cover.png").read_bytes() == b"picture"


@pytest.mark.parametrize("link", ["content", "content/posts", "static", "static/images"])
def test_a_linked_folder_that_leaves_the_tree_is_not_followed(link, tmp_path):
    tree, outside = tmp_path / "hugo", tmp_path / "outside"
    outside.mkdir()
    (tree / link).parent.mkdir(parents=True)
    (tree / link).symlink_to(outside)
    with pytest.raises(Undeliverable, match="outside"):
        hugo.deliver(parcel_with(tree, cover=b"picture"))
    assert not [path for path in outside.rglob("*") if path.is_file()]


def test_a_linked_folder_that_stays_in_the_tree_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "content").symlink_to(tmp_path / "elsewhere")
    hugo.deliver(parcel_with(tmp_path))
    assert (tmp_path / "elsewhere/posts/a-day.md").exists()


def test_a_linked_post_is_replaced_and_what_it_pointed_at_is_untouched(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("not ours")
    tree = tmp_path / "hugo"
    post = tree / "content/posts/a-day.md"
    post.parent.mkdir(parents=True)
    post.symlink_to(secret)
    hugo.deliver(parcel_with(tree))
    assert secret.read_text() == "not ours"
    assert not post.is_symlink()
    assert post.read_bytes() == parcel_with(tree).content


def test_what_a_killed_writer_left_is_cleared_away_even_under_an_odd_name(tmp_path):
    folder = tmp_path / "static/images"
    folder.mkdir(parents=True)
    left = folder / ".a[1].png.0badcafe.part"
    other = folder / ".a1.png.0badcafe.part"
    left.write_bytes(b"half a pic")
    other.write_bytes(b"somebody else's")
    for path in (left, other):
        make_old(path)
    hugo.deliver(parcel_with(tmp_path, cover=b"picture", cover_path="/images/a[1].png"))
    assert not left.exists()
    assert other.exists()


def make_old(path: Path) -> None:
    """As if a file had been written yesterday."""
    yesterday = time.time() - 24 * 60 * 60
    os.utime(path, (yesterday, yesterday))


def test_what_another_writer_of_the_same_file_has_begun_is_left_to_it(tmp_path, monkeypatch):
    """The schema and a cover are written with several deliveries, and by several workers."""
    path = tmp_path / "schema.json"
    replace, writers = os.replace, []

    def wait_for_the_other(part, place):
        if not writers:  # the first is about to be done: now the second comes, and is faster
            writers.append("second")
            files.write_file(path, b"of both")
        replace(part, place)

    monkeypatch.setattr(os, "replace", wait_for_the_other)
    files.write_file(path, b"of both")
    assert writers
    assert [p.name for p in tmp_path.iterdir()] == ["schema.json"]
    assert path.read_bytes() == b"of both"


# --- death at any line ---------------------------------------------------------------------------


def die_at_line(n: int, call: Callable[[], None], *files: str) -> None:
    """Exit on the spot when the `n`th line of these files is about to run, as `kill -9` would."""
    lines = 0

    def trace(frame, event, arg):
        nonlocal lines
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            lines += 1
            if lines == n:
                os._exit(9)
        return trace

    sys.settrace(trace)
    call()


def test_a_worker_killed_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path):
    old = b"yesterday's version"
    parcel = parcel_with(tmp_path, cover=b"picture" * 1000)
    post = tmp_path / "content/posts/a-day.md"
    cover = tmp_path / "static/images/a-day.png"
    seen = set()
    for n in range(1, 500):
        for path in (post, cover):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(old)
        code, said = in_a_child(
            lambda n=n: die_at_line(n, lambda: hugo.deliver(parcel), hugo.__file__, files.__file__)
        )
        assert not said
        assert post.read_bytes() in (old, parcel.content)
        assert cover.read_bytes() in (old, parcel.cover)
        # Never the new post beside the old picture.
        assert (post.read_bytes(), cover.read_bytes()) != (parcel.content, old)
        seen.add((post.read_bytes() == old, cover.read_bytes() == old))
        # What Hugo would take for a post is the post alone, whatever lies about.
        assert [p.name for p in post.parent.iterdir() if not p.name.startswith(".")] == [post.name]
        for part in tmp_path.rglob("*.part"):
            make_old(part)
        hugo.deliver(parcel)
        assert post.read_bytes() == parcel.content
        assert not list(tmp_path.rglob("*.part"))
        if code == 0:
            break
    assert n > 30, "the trace saw too few lines to prove anything"
    assert seen == {(True, True), (True, False), (False, False)}


@pytest.mark.django_db(transaction=True)
def test_a_publication_killed_at_any_line_is_completed_by_the_next_run(signed, settings):
    issue = signed.issue
    post = post_of(signed, settings)
    for n in range(1, 1000):
        # As if it had been signed a moment ago: only what was recorded stays.
        Delivery.objects.all().delete()
        post.unlink(missing_ok=True)
        now = timezone.now()
        Issue.objects.filter(pk=issue.pk).update(due_at=now, due_edition=signed, published=None)
        before = issue.events.count()
        connections.close_all()  # no connection survives a fork
        code, said = in_a_child(
            lambda n=n, now=now: die_at_line(
                n, lambda: work(now), publishing.__file__, hugo.__file__
            )
        )
        assert not said
        if post.exists():
            assert hash_of_file(post) == signed.sha256
        work(now + timedelta(seconds=settings.DELIVERY_LEASE + 1))
        assert verbs_of(issue)[before:] == ["issue.release", "delivery.done"], n
        assert hash_of_file(post) == signed.sha256
        issue.refresh_from_db()
        assert issue.published == signed
        if code == 0:
            break
    assert n > 60, "the trace saw too few lines to prove anything"


# --- by hand -------------------------------------------------------------------------------------


def test_the_command_publishes_what_is_due_and_says_so(signed, chief, settings, capsys):
    publish(signed.issue, chief)
    call_command("publish_due")
    assert signed.sha256 in capsys.readouterr().out
    assert hash_of_file(post_of(signed, settings)) == signed.sha256


def test_the_receipt_can_be_kept_as_json(signed, chief):
    publish(signed.issue, chief)
    work()
    event = signed.issue.events.get(verb="delivery.done")
    assert event.field == "hugo"
    assert event.after["sha256"] == signed.sha256
    assert json.loads(json.dumps(event.after)) == event.after
    assert event.actor.username == "machine:publisher"

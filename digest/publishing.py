"""Signed editions go out: what is due is released, what is released is delivered.

The database is the queue; Celery only wakes us up. `publish_due` may run twice, late or by hand:
exactly one caller releases an issue, exactly one at a time works on a delivery, and a delivery that
a dead worker left behind is taken over when its lease has run out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from digest import alarms
from digest.channels import KINDS, Parcel, Undeliverable, configured
from digest.document import FrontMatter
from digest.models import Channel, Delivery, Desk, Edition, Event, Issue

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 8
FIRST_PAUSE = 5  # seconds; doubles with each attempt
LONGEST_PAUSE = 600


def machine_account(name: str):
    """The account under which a part of the machinery acts. It cannot sign in.

    No form accepts a colon in a user name, so no person can have taken it.
    """
    users = get_user_model().objects
    user = users.filter(username=f"machine:{name}").first()
    if user is None:
        user, created = users.get_or_create(
            username=f"machine:{name}", defaults={"first_name": name}
        )
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
    return user


def publish_due(now: datetime | None = None) -> dict[int, bool]:
    """Release every issue that is due; answers with the ids of all deliveries to work on now, each
    with whether it is local; local ones come first."""
    now = now or timezone.now()
    mark_missed(now)
    for issue in Issue.objects.due(now).select_related("desk"):
        try:
            release(issue, now=now)
        except Exception as error:
            # One broken issue must not keep the others in; the next tick tries it again.
            log.exception("release failed", issue=issue.pk)
            _tell_of_release(issue, error)
    return _local_first(Delivery.objects.takeable(now))


def _local_first(deliveries: QuerySet[Delivery]) -> dict[int, bool]:
    """The ids of deliveries and whether each writes files of this machine only. Whoever works on
    them one by one comes to those first, before somebody else's server keeps them waiting."""
    channels = Channel.objects.values_list("desk", "name", "kind")
    local = {tuple(of) for *of, kind in channels if kind in KINDS and KINDS[kind].is_local}
    found = deliveries.values_list("pk", "edition__issue__desk", "channel")
    is_local = {pk: tuple(of) in local for pk, *of in found}
    return dict(sorted(is_local.items(), key=lambda item: not item[1]))


def mark_missed(now: datetime) -> None:
    """Say of each issue whose grace has run out that it was missed. It stays so: what is old by
    then must not go out by itself when somebody makes the grace longer."""
    for issue in Issue.objects.missed(now).select_related("desk"):
        try:
            _mark_missed(issue, now)
        except Exception:
            # It is not due any more either way; what is must not wait for it.
            log.exception("missed issue not marked", issue=issue.pk)


def _mark_missed(issue: Issue, now: datetime) -> None:
    with transaction.atomic():
        found = Issue.objects.filter(pk=issue.pk, due_at=issue.due_at, missed_at=None)
        if found.update(missed_at=now) != 1:
            return  # another worker was first, or a person
        _record(issue, "issue.miss", after={"due_at": issue.due_at.isoformat()})
        at = issue.due_at.astimezone(ZoneInfo(issue.desk.zone))
        data = {"day": str(issue.date), "at": f"{at:%Y-%m-%d %H:%M}"}
        key = f"missed:{issue.date}:{issue.due_at.isoformat()}"
        alarms.raise_alarm(issue.desk, "missed", key=key, issue=issue, data=data)


def _tell_of_release(issue: Issue, error: Exception) -> None:
    data = {"day": str(issue.date), "reason": f"{type(error).__name__}: {error}"[:500]}
    key = f"release:{issue.date}:{issue.due_edition_id}"
    try:
        alarms.raise_alarm(issue.desk, "release", key=key, issue=issue, data=data)
    except DatabaseError:
        log.exception("alarm failed", issue=issue.pk)


def release(issue: Issue, *, now: datetime) -> Edition | None:
    """Make the edition that is due the published one and queue its deliveries.

    None if another worker was first. Readers' pages show it from here on.
    """
    with transaction.atomic():
        due = Issue.objects.filter(
            pk=issue.pk,
            due_at=issue.due_at,
            due_edition=issue.due_edition_id,
            held_at=None,
            missed_at=None,
        )
        claimed = due.update(
            due_at=None, due_edition=None, published=issue.due_edition_id, published_at=now
        )
        if claimed != 1:
            return None
        edition = Edition.objects.defer("content", "document").get(pk=issue.due_edition_id)
        left = Delivery.objects.filter(edition__issue=issue, state__in=Delivery.UNDONE)
        older = left.exclude(edition=edition, action=Delivery.Action.PUBLISH)
        _replace(older.select_related("edition").defer(*_BULKY), issue)
        queue_deliveries(edition, Delivery.Action.PUBLISH, now=now)
        _record(issue, "issue.release", after={"edition": edition.number, "sha256": edition.sha256})
        settled = ("unready", "unsigned", "rule_failed", "missed", "late", "release", "delivery")
        alarms.settle_all_of(issue, *settled)
    log.info("released", issue=issue.pk, edition=edition.number, sha256=edition.sha256)
    return edition


#: What a delivery does not need to know of its edition until it works on it.
_BULKY = ("edition__content", "edition__document")


def channels_with(deliveries: Iterable[Delivery]) -> set[str]:
    """The channels that may have something of an issue, by its deliveries.

    What was begun may be there, even if it failed; what was taken back since is not.
    """
    handed = {}
    for delivery in sorted(deliveries, key=lambda delivery: delivery.asked_at):
        if delivery.attempts or delivery.delivered_at:
            is_back = delivery.action == Delivery.Action.WITHDRAW
            handed[delivery.channel] = not (is_back and delivery.state == Delivery.State.DELIVERED)
    return {channel for channel, has_it in handed.items() if has_it}


def queue_deliveries(edition: Edition, action: str, *, now: datetime) -> int:
    """Have each channel of the desk publish or withdraw an edition, also if it has done so before.

    Answers with how many channels there are. A channel without a way back withdraws nothing; one
    that was switched off since withdraws what it has.
    """
    channels = Channel.objects.filter(desk__issues=edition.issue_id)
    if action == Delivery.Action.WITHDRAW:
        there = channels_with(Delivery.objects.filter(edition__issue=edition.issue_id))
        able = [c for c in channels if c.kind in KINDS and KINDS[c.kind].withdraw]
        channels = [c for c in able if c.enabled or c.name in there]
    else:
        channels = channels.filter(enabled=True)
    Delivery.objects.bulk_create(
        (
            Delivery(
                edition=edition,
                channel=channel.name,
                action=action,
                asked_at=now,
                next_attempt_at=now,
            )
            for channel in channels
        ),
        update_conflicts=True,
        unique_fields=["edition", "channel", "action"],
        update_fields=[
            *("state", "asked_at", "attempts", "next_attempt_at"),
            *("claimed_until", "error", "receipt"),
        ],
    )
    return len(channels)


def _record(issue: Issue, verb: str, **columns) -> Event:
    return Event.objects.create(
        desk_id=issue.desk_id,
        issue=issue,
        actor=machine_account("publisher"),
        verb=verb,
        **columns,
    )


def reschedule(desk: Desk, *, now: datetime) -> None:
    """Move what still waits for the desk's hour to the hour the desk has now."""
    for issue in Issue.objects.filter(desk=desk, due_at__gt=now, hour=None):
        Issue.objects.filter(pk=issue.pk, due_at=issue.due_at).update(
            due_at=max(desk.hour_of(issue.date), now)
        )


def deliver(delivery_id: int, *, now: datetime | None = None) -> None:
    """Work on one delivery, unless somebody else is at it or it is done."""
    if not _claim(delivery_id, now or timezone.now()):
        return
    delivery = Delivery.objects.select_related("edition__issue__desk", "edition__cover").get(
        pk=delivery_id
    )
    try:
        receipt = _run(delivery)
    except Exception as error:
        _failed(delivery, error)
    else:
        _done(delivery, receipt)


def _claim(delivery_id: int, now: datetime) -> bool:
    """Take a delivery if it may be worked on now. An older edition never follows a newer one."""
    lease = now + timedelta(seconds=settings.DELIVERY_LEASE)
    takeable = Delivery.objects.takeable(now).filter(pk=delivery_id)
    with transaction.atomic():
        # The lock keeps a release from coming between what we look at and what we claim.
        locked = Issue.objects.select_for_update(of=("self",), no_key=True)
        issue = locked.get(editions__deliveries=delivery_id)
        delivery = takeable.select_related("edition").defer(*_BULKY).first()
        if delivery is None or issue.held_at:
            return False
        is_published = delivery.edition_id == issue.published_id
        if is_published != (delivery.action == Delivery.Action.PUBLISH):
            _replace([delivery], issue)
            return False
        others = Delivery.objects.filter(edition__issue=issue, channel=delivery.channel)
        if others.at_work(now).exists():
            return False  # an older edition on its last steps; the next tick comes back
        claimed = takeable.update(
            state=Delivery.State.RUNNING, claimed_until=lease, attempts=F("attempts") + 1
        )
    return claimed == 1


def _replace(deliveries: Iterable[Delivery], issue: Issue) -> None:
    """Put deliveries aside for good: readers are to have something else by now."""
    for delivery in deliveries:
        Delivery.objects.filter(pk=delivery.pk).update(
            state=Delivery.State.REPLACED, claimed_until=None
        )
        _record(
            issue,
            "delivery.replace",
            field=delivery.channel,
            after={"edition": delivery.edition.number},
        )


def _run(delivery: Delivery) -> dict:
    """Have its channel do what a delivery asks for; answers with the receipt."""
    is_withdrawal = delivery.action == Delivery.Action.WITHDRAW
    channel = Channel.objects.filter(
        desk=delivery.edition.issue.desk, name=delivery.channel
    ).first()
    if channel is None or not (channel.enabled or is_withdrawal):
        raise Undeliverable("The desk has no such channel any more, or it is switched off.")
    try:
        kind, config = KINDS[channel.kind], configured(channel.kind, channel.config)
    except (KeyError, ValueError) as error:
        raise Undeliverable(f"This channel is not set up as it should be: {error}") from None
    parcel = parcel_of(delivery)
    if is_withdrawal:
        if kind.withdraw is None:
            raise Undeliverable("This channel cannot take anything back.")
        return kind.withdraw(parcel, config)
    return kind.deliver(parcel, config)


def parcel_of(delivery: Delivery) -> Parcel:
    """The edition of a delivery as channels take it."""
    edition = delivery.edition
    desk = edition.issue.desk
    front_matter = FrontMatter(**edition.document["front_matter"])
    cover_path = front_matter.cover
    return Parcel(
        desk=desk.slug,
        desk_title=desk.title,
        day=edition.issue.date,
        number=edition.number,
        title=edition.title,
        document=edition.document,
        correction=front_matter.text("correction"),
        url=f"{settings.SITE_URL}/at/{desk.slug}/{edition.issue.date}/",
        # The same over all attempts, another one when somebody asks for it once more.
        key=f"{delivery.action}-{edition.pk}-{delivery.channel}-{delivery.asked_at:%Y%m%d%H%M%S%f}",
        receipt=delivery.receipt,
        slug=edition.slug,
        content=bytes(edition.content),
        sha256=edition.sha256,
        cover=bytes(edition.cover.content) if edition.cover else None,
        # A cover elsewhere in the net is not ours to put anywhere.
        cover_path="" if "://" in cover_path else cover_path,
        tree=Path(settings.HUGO_TREE) / desk.hugo_folder,
    )


def _alarm_key(delivery: Delivery) -> str:
    return f"delivery:{delivery.pk}:"


def _tell_of_delivery(delivery: Delivery, sentence: str) -> None:
    issue, edition = delivery.edition.issue, delivery.edition
    data = {
        "day": str(issue.date),
        "number": edition.number,
        "channel": delivery.channel,
        "reason": sentence[:500],
    }
    # Given up again after somebody has tried again, it is news again.
    key = f"{_alarm_key(delivery)}{timezone.now().isoformat()}"
    alarms.raise_alarm(issue.desk, "delivery", key=key, issue=issue, data=data)


def _finish(delivery: Delivery, verb: str, **columns) -> bool:
    """Write down what became of a delivery that is still ours; False where it is not."""
    with transaction.atomic():
        # The lease is the proof that the delivery is still ours.
        held = Delivery.objects.filter(
            pk=delivery.pk, state=Delivery.State.RUNNING, claimed_until=delivery.claimed_until
        ).update(claimed_until=None, **columns)
        if held != 1:
            return False
        after = {"edition": delivery.edition.number, "attempt": delivery.attempts}
        _record(
            delivery.edition.issue,
            verb,
            field=delivery.channel,
            after=after | columns.get("receipt", {}),
            note=columns.get("error", ""),
        )
    return True


def _done(delivery: Delivery, receipt: dict) -> None:
    withdrawn = delivery.action == Delivery.Action.WITHDRAW
    _finish(
        delivery,
        "delivery.withdraw" if withdrawn else "delivery.done",
        state=Delivery.State.DELIVERED,
        delivered_at=timezone.now(),
        receipt=receipt,
        error="",
    )
    alarms.settle(delivery.edition.issue.desk, _alarm_key(delivery))
    log.info("delivered", delivery=delivery.pk, channel=delivery.channel, **receipt)


def _failed(delivery: Delivery, error: Exception) -> None:
    expected = isinstance(error, OSError | Undeliverable)
    sentence = str(error) if expected else f"{type(error).__name__}: {error}"
    log.error("delivery failed", delivery=delivery.pk, error=sentence, exc_info=not expected)
    # What a channel did in part must not be done again.
    partly = {"receipt": error.receipt} if getattr(error, "receipt", None) else {}
    if delivery.attempts >= MOST_ATTEMPTS or getattr(error, "is_final", False):
        gave_up = {"state": Delivery.State.FAILED, "error": sentence}
        if _finish(delivery, "delivery.give_up", **gave_up, **partly):
            _tell_of_delivery(delivery, sentence)
        return
    pause = min(FIRST_PAUSE * 2 ** (delivery.attempts - 1), LONGEST_PAUSE)
    _finish(
        delivery,
        "delivery.fail",
        state=Delivery.State.WAITING,
        error=sentence,
        **partly,
        # Jitter: what failed together should not come back together.
        next_attempt_at=timezone.now() + timedelta(seconds=pause * random.uniform(0.8, 1.2)),  # noqa: S311  no secret
    )

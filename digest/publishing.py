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

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from digest.channels import CHANNELS, Parcel, Undeliverable
from digest.document import FrontMatter
from digest.models import Delivery, Desk, Edition, Event, Issue

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


def publish_due(now: datetime | None = None) -> list[int]:
    """Release every issue that is due; answers with the ids of all deliveries to work on now."""
    now = now or timezone.now()
    for issue in Issue.objects.due(now).select_related("desk"):
        try:
            release(issue, now=now)
        except Exception:
            # One broken issue must not keep the others in; the next tick tries it again.
            log.exception("release failed", issue=issue.pk)
    return list(Delivery.objects.takeable(now).values_list("pk", flat=True))


def release(issue: Issue, *, now: datetime) -> Edition | None:
    """Make the edition that is due the published one and queue its deliveries.

    None if another worker was first. Readers' pages show it from here on.
    """
    with transaction.atomic():
        due = Issue.objects.filter(
            pk=issue.pk, due_at=issue.due_at, due_edition=issue.due_edition_id
        )
        claimed = due.update(
            due_at=None, due_edition=None, published=issue.due_edition_id, published_at=now
        )
        if claimed != 1:
            return None
        edition = Edition.objects.defer("content", "document").get(pk=issue.due_edition_id)
        left = Delivery.objects.filter(
            edition__issue=issue, state__in=(Delivery.State.WAITING, Delivery.State.FAILED)
        )
        older = left.exclude(edition=edition).select_related("edition")
        _replace(older.defer("edition__content", "edition__document"), issue)
        Delivery.objects.bulk_create(
            (
                Delivery(edition=edition, channel=channel, next_attempt_at=now)
                for channel in CHANNELS
            ),
            ignore_conflicts=True,
        )
        Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            actor=machine_account("publisher"),
            verb="issue.release",
            after={"edition": edition.number, "sha256": edition.sha256},
        )
    log.info("released", issue=issue.pk, edition=edition.number, sha256=edition.sha256)
    return edition


def reschedule(desk: Desk, *, now: datetime) -> None:
    """Move what still waits for the desk's hour to the hour the desk has now."""
    for issue in Issue.objects.filter(desk=desk, due_at__gt=now):
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
        receipt = CHANNELS[delivery.channel](parcel_of(delivery.edition))
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
        found = takeable.select_related("edition")
        delivery = found.defer("edition__content", "edition__document").first()
        if delivery is None:
            return False
        if delivery.edition_id != issue.published_id:
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
    """Put deliveries aside for good: a later edition of their issue is out."""
    for delivery in deliveries:
        Delivery.objects.filter(pk=delivery.pk).update(
            state=Delivery.State.REPLACED, claimed_until=None
        )
        Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            actor=machine_account("publisher"),
            verb="delivery.replace",
            field=delivery.channel,
            after={"edition": delivery.edition.number},
        )


def parcel_of(edition: Edition) -> Parcel:
    """An edition as channels take it."""
    desk = edition.issue.desk
    cover_path = FrontMatter(**edition.document["front_matter"]).cover
    return Parcel(
        slug=edition.slug,
        content=bytes(edition.content),
        sha256=edition.sha256,
        cover=bytes(edition.cover.content) if edition.cover else None,
        # A cover elsewhere in the net is not ours to put anywhere.
        cover_path="" if "://" in cover_path else cover_path,
        tree=Path(settings.HUGO_TREE) / desk.hugo_folder,
    )


def _finish(delivery: Delivery, verb: str, **columns) -> None:
    with transaction.atomic():
        # The lease is the proof that the delivery is still ours.
        held = Delivery.objects.filter(
            pk=delivery.pk, state=Delivery.State.RUNNING, claimed_until=delivery.claimed_until
        ).update(claimed_until=None, **columns)
        if held != 1:
            return
        issue = delivery.edition.issue
        Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            actor=machine_account("publisher"),
            verb=verb,
            field=delivery.channel,
            after={"edition": delivery.edition.number, "attempt": delivery.attempts}
            | columns.get("receipt", {}),
            note=columns.get("error", ""),
        )


def _done(delivery: Delivery, receipt: dict) -> None:
    _finish(
        delivery,
        "delivery.done",
        state=Delivery.State.DELIVERED,
        delivered_at=timezone.now(),
        receipt=receipt,
        error="",
    )
    log.info("delivered", delivery=delivery.pk, channel=delivery.channel, **receipt)


def _failed(delivery: Delivery, error: Exception) -> None:
    expected = isinstance(error, OSError | Undeliverable)
    sentence = str(error) if expected else f"{type(error).__name__}: {error}"
    log.error("delivery failed", delivery=delivery.pk, error=sentence, exc_info=not expected)
    if delivery.attempts >= MOST_ATTEMPTS:
        _finish(delivery, "delivery.give_up", state=Delivery.State.FAILED, error=sentence)
        return
    pause = min(FIRST_PAUSE * 2 ** (delivery.attempts - 1), LONGEST_PAUSE)
    _finish(
        delivery,
        "delivery.fail",
        state=Delivery.State.WAITING,
        error=sentence,
        # Jitter: what failed together should not come back together.
        next_attempt_at=timezone.now() + timedelta(seconds=pause * random.uniform(0.8, 1.2)),  # noqa: S311
    )

"""What an operator must know of the machinery: whether it runs, what waits, what went wrong.

One value, read in a constant number of queries and one round trip to Redis, is shown by every
door: `manage.py desk_status`, /metrics and the page of a desk. A broker out of reach is part of the
answer and no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest import broker
from digest.broker import Broker
from digest.celery import app
from digest.models import Alarm, Delivery, Desk, Issue, Run, Tick

#: Beat ticks every minute. Silent for so long, it is taken for dead; a delivery that should have
#: been tried so long ago was forgotten by the workers.
SILENT_AFTER = timedelta(minutes=3)
#: How long after its hour a run that has not begun is looked upon as forgotten.
DRAFTING_GRACE = timedelta(minutes=10)
#: So many deliveries are listed at most.
MOST = 50

State = Delivery.State


@dataclass(frozen=True)
class Standing:
    """How things stand at a moment, for one desk or for all; the machinery is the same for all.

    `broker` is None where it is out of reach. `last_beat` is when a task that beat had asked for
    last came to its end, `last_verification` when all editions had last been verified. `deliveries`
    counts by state; `overdue` are those that should have been tried a while ago, `oldest_waiting`
    is when the one that waits longest was released. Issues that are `due` should go out right now,
    those `scheduled` wait for their hour, those `missed` are too late for it. `undrafted` is how
    many desks' machine should have begun today and has not.
    """

    at: datetime
    broker: Broker | None
    last_beat: datetime | None
    last_verification: datetime | None
    deliveries: dict[str, int]
    overdue: int
    oldest_waiting: datetime | None
    due: int
    scheduled: int
    missed: int
    undrafted: int
    alarms: int

    @property
    def is_beating(self) -> bool:
        """Whether beat has given a sign of life lately."""
        return is_recent(self.last_beat, self.at)

    @property
    def failed(self) -> int:
        """How many deliveries were given up."""
        return self.deliveries[State.FAILED]

    @property
    def problems(self) -> list[str]:
        """What somebody has to do something about, a sentence each; empty while all is well.

        A silent beat is none while no issue waits to go out: nothing is late yet.
        """
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        if self.broker is None:
            yield _("The broker is out of reach: nobody is woken up.")
        else:
            for queue in self.broker.unserved:
                yield _("No worker takes tasks from “%(queue)s”.") % {"queue": queue}
        waiting = self.due + self.scheduled
        if waiting and not self.is_beating:
            yield ngettext(
                "Beat is silent, and %(count)d issue waits for its hour.",
                "Beat is silent, and %(count)d issues wait for their hour.",
                waiting,
            ) % {"count": waiting}
        if self.undrafted:
            yield ngettext(
                "The machine should have begun to draft a while ago.",
                "The machines of %(count)d desks should have begun to draft a while ago.",
                self.undrafted,
            ) % {"count": self.undrafted}
        if self.overdue:
            yield ngettext(
                "%(count)d delivery should have been tried a while ago.",
                "%(count)d deliveries should have been tried a while ago.",
                self.overdue,
            ) % {"count": self.overdue}
        if self.failed:
            yield ngettext(
                "%(count)d delivery has failed and is not tried again by itself.",
                "%(count)d deliveries have failed and are not tried again by themselves.",
                self.failed,
            ) % {"count": self.failed}


def standing_of(desk: Desk | None = None) -> Standing:
    """How things stand now: all of it, or as far as it concerns one desk."""
    now = timezone.now()
    issues, deliveries, alarms = Issue.objects.all(), Delivery.objects.all(), Alarm.objects.open()
    if desk is not None:
        issues, alarms = issues.filter(desk=desk), alarms.filter(desk=desk)
        deliveries = deliveries.filter(edition__issue__desk=desk)
    ticks = dict(Tick.objects.values_list("name", "at"))
    return Standing(
        at=now,
        broker=look_at_broker(),
        last_beat=ticks.get("publish_due"),
        last_verification=ticks.get("verify_editions"),
        due=issues.due(now).count(),
        missed=issues.missed(now).count() + issues.filter(missed_at__lte=now).count(),
        scheduled=issues.filter(due_at__gt=now, held_at=None).count(),
        undrafted=_undrafted(desk, now),
        alarms=alarms.count(),
        **_deliveries(deliveries, now),
    )


def _undrafted(desk: Desk | None, now: datetime) -> int:
    """How many desks have no run of today though their hour to draft is well over: what a schedule
    that never fired leaves behind is nothing, and nothing has to be looked for."""
    desks = Desk.objects.filter(feeds__enabled=True, drafts_at__isnull=False).distinct()
    if desk is not None:
        desks = desks.filter(pk=desk.pk)
    begun = set(
        Run.objects.filter(started_at__gte=now - timedelta(days=2)).values_list("desk", "day")
    )
    return sum(
        now >= each.drafting_hour_of(today) + DRAFTING_GRACE and (each.pk, today) not in begun
        for each in desks
        for today in [each.today(now)]
    )


def _deliveries(deliveries, now: datetime) -> dict:
    late = now - SILENT_AFTER
    waiting = Q(state=State.WAITING)
    # Of an issue that somebody holds nothing moves, and nothing is late.
    forgotten = waiting & Q(next_attempt_at__lte=late, edition__issue__held_at=None)
    forgotten |= Q(state=State.RUNNING, claimed_until__lte=late)
    found = deliveries.aggregate(
        **{f"in_{state}": Count("pk", filter=Q(state=state)) for state in State.values},
        overdue=Count("pk", filter=forgotten),
        oldest_waiting=Min(
            Coalesce("edition__issue__published_at", "next_attempt_at"), filter=waiting
        ),
    )
    return {
        "deliveries": {state: found[f"in_{state}"] for state in State.values},
        "overdue": found["overdue"],
        "oldest_waiting": found["oldest_waiting"],
    }


def look_at_broker() -> Broker | None:
    """What the broker holds, or None if it does not answer within a second or two."""
    try:
        return broker.look_into(app)
    except broker.OUT_OF_REACH:
        return None


def last_beat() -> datetime | None:
    """When a task that beat had asked for last came to its end."""
    return Tick.objects.filter(name="publish_due").values_list("at", flat=True).first()


def is_recent(beat: datetime | None, now: datetime) -> bool:
    """Whether a beat is so new that the next one is still to be expected."""
    return beat is not None and now - beat <= SILENT_AFTER


def undelivered(desk: Desk) -> list[Delivery]:
    """The desk's deliveries that are under way, held or given up, those given up first."""
    states = (State.FAILED, State.HELD, State.RUNNING, State.WAITING)  # also in the alphabet
    found = Delivery.objects.filter(edition__issue__desk=desk, state__in=states)
    found = found.select_related("edition__issue").defer("edition__content", "edition__document")
    return list(found.order_by("state", "next_attempt_at", "pk")[:MOST])


def note_tick(name: str) -> None:
    """Note that a task that beat starts has come to its end just now."""
    # One statement: two that end together do not fail each other.
    Tick.objects.bulk_create(
        [Tick(name=name, at=timezone.now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )

"""What a desk's pages say above everything: alarms, and deliveries that fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from digest.alarms import sentence_of
from digest.compiled import compiled
from digest.models import Alarm, Delivery, Desk


@dataclass(frozen=True)
class AlarmOnDesk:
    """An alarm as a page of the desk shows it. `day` is that of its issue, if it is about one."""

    pk: int
    at: datetime
    sentence: str
    day: date | None


def alarms_at(desk: Desk) -> list[AlarmOnDesk]:
    """What a desk is not yet done with, the newest first."""
    return [
        AlarmOnDesk(alarm.pk, alarm.at, sentence_of(alarm), alarm.issue and alarm.issue.date)
        for alarm in _open_alarms(desk.pk)
    ]


@compiled
def _open_alarms(desk) -> QuerySet[Alarm]:
    found = Alarm.objects.open().filter(desk=desk).select_related("issue").order_by("-pk")
    return found.only("kind", "data", "at", "issue__date")[:20]


def stuck_at(desk: Desk) -> list[Delivery]:
    """The deliveries of a desk that fail and are tried again: at the first failure they are a
    matter for people, although no alarm is told outside of the desk yet."""
    return _stuck(desk.pk)


@compiled
def _stuck(desk) -> QuerySet[Delivery]:
    found = Delivery.objects.failing().filter(edition__issue__desk=desk)
    found = found.select_related("edition__issue").defer("edition__content", "edition__document")
    return found.order_by("-pk")[:20]


def alarms_mark(alarms: Iterable[AlarmOnDesk], stuck: Iterable[Delivery] = ()) -> str:
    """A short text that differs where other alarms are shown."""
    return ".".join([*(f"{a.pk}" for a in alarms), *(f"d{d.pk}-{d.attempts}" for d in stuck)])


def alarms_of(desk: Desk) -> dict[str, Any]:
    """What the pages about the whole desk show above everything, as their templates take it."""
    alarms, stuck = alarms_at(desk), stuck_at(desk)
    return {"alarms": alarms, "stuck": stuck, "alarms_mark": alarms_mark(alarms, stuck)}

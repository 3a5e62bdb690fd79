"""What became of each day of a month: published when, late, missed, without a draft."""

from __future__ import annotations

from calendar import Calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Min
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest.models import Desk, Event, Issue

#: What goes out within so long of its moment is in time: beat ticks once a minute.
PUNCTUAL = timedelta(minutes=2)
STATES: dict[str, Promise] = {
    "published": _("published"),
    "late": _("late"),
    "missed": _("missed"),
    "none": _("no draft"),
    "unpublished": _("not published"),
    "withdrawn": _("taken back"),
    "held": _("held"),
    "signed": _("signed"),
    "review": _("in review"),
    "ahead": _("to come"),
    "before": "",
}


@dataclass(frozen=True)
class Day:
    """A day of the calendar: its state (a key of `STATES`), and when it first went out or will."""

    date: date
    state: str
    has_issue: bool
    is_today: bool
    in_month: bool
    at: datetime | None = None

    @property
    def label(self) -> str | Promise:
        """Its state in words."""
        return STATES[self.state]


def weeks_of(desk: Desk, month: date, now: datetime | None = None) -> list[list[Day]]:
    """The weeks of the month a day is in, Monday first, in a constant number of queries."""
    now = now or timezone.now()
    weeks = Calendar().monthdatescalendar(month.year, month.month)
    first, last = weeks[0][0], weeks[-1][-1]
    found = Issue.objects.filter(desk=desk, date__range=(first, last))
    found = found.defer("machine", "front_matter", "lead", "footer")
    issues = {issue.date: issue for issue in found}
    releases = Event.objects.filter(verb="issue.release", issue__in=issues.values())
    released = dict(releases.values("issue").annotate(at=Min("at")).values_list("issue", "at"))
    began = Issue.objects.filter(desk=desk).aggregate(first=Min("date"))["first"]

    def day_of(day: date) -> Day:
        issue = issues.get(day)
        if issue:
            issue.desk = desk
        at = released.get(issue.pk) if issue else None
        return Day(
            date=day,
            state=_state_of(issue, at, now) if issue else _without_issue(desk, day, began, now),
            has_issue=issue is not None,
            is_today=day == desk.today(now),
            in_month=day.month == month.month,
            at=at or (issue.due_at if issue and not issue.is_missed else None),
        )

    return [[day_of(day) for day in week] for week in weeks]


def _state_of(issue: Issue, released: datetime | None, now: datetime) -> str:
    if issue.held_at:
        return "held"
    if issue.published_id:
        return "late" if released and released > issue.moment + PUNCTUAL else "published"
    if issue.is_missed:
        return "missed"
    if issue.due_at:
        return "signed"
    if released:
        return "withdrawn"
    return "review" if now < issue.moment else "unpublished"


def _without_issue(desk: Desk, day: date, began: date | None, now: datetime) -> str:
    if desk.hour_of(day) > now:
        return "ahead"
    return "none" if began and day > began else "before"

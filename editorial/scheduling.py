"""When an issue goes out: at the desk's hour, or at one of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from digest import alarms
from digest.models import Event, Issue
from editorial import queue
from editorial.locking import lock
from editorial.models import Membership
from editorial.refusals import Refusal, Refused


def set_hour(
    *, issue_id: int, hour: datetime | None, seen: datetime | None, by: Membership | None
) -> Event:
    """Give an issue an hour of its own (aware), or with None the desk's again.

    What is signed goes out then, also if it was signed after the hour there was before. `seen` is
    the hour of its own that its maker had before their eyes. Raises `Refused` for an hour that has
    passed, that another issue of the desk has, or that somebody changed meanwhile, and for an issue
    that readers have.
    """
    with transaction.atomic():
        issue, role = lock(by, permission="publish", pk=issue_id)
        if issue.hour != seen:
            raise Refused(Refusal(_("Meanwhile somebody gave this issue another hour."), "stale"))
        if issue.published_id:
            raise Refused(Refusal(_("Readers have this issue. “Publish now” brings a correction.")))
        is_stopped = issue.held_at or issue.is_missed
        if issue.due_at and issue.due_at <= timezone.now() and not is_stopped:
            raise Refused(Refusal(_("It is being published right now.")))
        before, issue.hour = issue.hour, hour
        _refuse_moment(issue)
        # What was taken back comes to readers again only where somebody presses “publish”.
        if issue.due_edition_id is None:
            issue.due_edition = queue.waits_for_somebody(issue)
        if issue.due_edition_id:
            issue.due_at, issue.missed_at = issue.moment, None
        issue.save(update_fields=["hour", "due_at", "due_edition", "missed_at"])
        alarms.settle_all_of(issue, "unready", "unsigned", "rule_failed", "missed", "late")
        return Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            actor=role.user,
            verb="issue.hour",
            before=before and before.isoformat(),
            after=hour and hour.isoformat(),
        )


def _refuse_moment(issue: Issue) -> None:
    moment = issue.moment
    if moment <= timezone.now():
        raise Refused(Refusal(_("This hour has passed.")))
    # Another issue can have the moment as its own hour, or by the desk's on the day of it.
    days = [moment.date() + timedelta(days=n) for n in (-1, 0, 1)]
    others = Issue.objects.filter(desk=issue.desk_id).exclude(pk=issue.pk)
    near = others.filter(hour=moment) | others.filter(hour=None, date__in=days)
    for other in near.select_related("desk").only("date", "hour", "desk"):
        if other.moment == moment:
            taken = _("The issue of %(day)s goes out at this hour.") % {"day": other.date}
            raise Refused(Refusal(taken))

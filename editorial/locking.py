"""Where every change begins: the issue is locked, and what somebody may do there is read anew."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from django.db.models import QuerySet, Subquery
from django.utils.translation import gettext as _

from digest.compiled import Compiled, compiled
from digest.models import Issue
from editorial.models import Membership
from editorial.refusals import Refusal, Refused


@cache
def _locked(*columns: str) -> Compiled[Issue]:
    """The question for an issue that is found by these columns, and the role of a membership."""

    @compiled
    def locked(membership, *values) -> QuerySet[Issue]:
        role = Membership.objects.filter(pk=membership, user__is_active=True).values("role")
        issues = Issue.objects.select_for_update(of=("self",), no_key=True).select_related("desk")
        found = issues.filter(**dict(zip(columns, values, strict=True)))
        return found.annotate(role_now=Subquery(role))

    return locked


def lock_issue(by: Membership | None, **which: Any) -> tuple[Issue, Membership | None]:
    """The issue with its row locked until the transaction ends, and what `by` may do there now.

    `which` finds it: `pk=…`, or `sections__cards=…` for the issue of a card. Every change begins
    with this. The role is read anew: it may have been taken away since the page was loaded.
    """
    issue = _locked(*which).first(by and by.pk, *which.values())
    if issue is None:
        raise Issue.DoesNotExist
    if by is None or issue.role_now is None:
        return issue, None
    return issue, Membership(pk=by.pk, desk_id=by.desk_id, user=by.user, role=issue.role_now)


def on_day(day: date | None, by: Membership) -> dict[str, Any]:
    """What says to `lock` that the issue is that of a day at the desk of `by`; nothing for None."""
    return {"desk": by.desk_id, "date": day} if day else {}


def lock(
    by: Membership | None, *, permission: str = "review", **which: Any
) -> tuple[Issue, Membership]:
    """The issue, locked as `lock_issue` does, and the role of somebody who may change it now.

    Raises `Refused` if they may not.
    """
    issue, role = lock_issue(by, **which)
    if role is None or role.desk_id != issue.desk_id or not role.may(permission):
        raise Refused(Refusal(_("Your role at this desk does not allow this."), "permission"))
    return issue, role

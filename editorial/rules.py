"""A desk's rule for the deadline: what it would do, and a chief's signature below it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from digest.document import check_text
from digest.models import Alarm, Desk, Event, Issue, sha256
from editorial import deadlines, queue
from editorial.models import Membership
from editorial.refusals import Refusal, Refused

NOTICE_LIMIT = Desk._meta.get_field("notice").max_length  # characters


@dataclass(frozen=True)
class Outcome:
    """What a rule would do with an issue as it stands; `fault` says why it could not."""

    kept: int = 0
    left_out: int = 0
    fault: str = ""


def outcomes(issue: Issue, notice: str) -> dict[str, Outcome]:
    """What each rule would do with an issue if its hour came now."""
    case = queue.case_of_issue(issue.pk)
    found = {}
    for rule in (Desk.Rule.APPROVED, Desk.Rule.NOTICE):
        try:
            made = deadlines.proof_by_rule(case, rule, notice)
        except deadlines.NotFollowed as error:
            found[rule.value] = Outcome(fault=str(error))
        else:
            found[rule.value] = Outcome(kept=made.kept, left_out=made.left_out)
    return found


def mark_of(desk: Desk) -> str:
    """Names the rule a desk has, so that nobody signs over a change they have not seen."""
    return sha256(f"{desk.deadline_rule}\n{desk.rule_signed_at}\n{desk.notice}".encode())


def sign_rule(*, rule: str, notice: str, seen: str, by: Membership | None) -> Event:
    """Make a rule that of the desk, under the signature of `by`. Raises `Refused`."""
    if by is None:
        raise Refused(Refusal(_("Your role at this desk does not allow this."), "permission"))
    with transaction.atomic():
        desk = Desk.objects.select_for_update(no_key=True).get(pk=by.desk_id)
        role = Membership.objects.filter(pk=by.pk, user__is_active=True).first()
        if role is None or not role.may("sign"):
            raise Refused(Refusal(_("Only a chief editor signs and publishes."), "permission"))
        if seen != mark_of(desk):
            raise Refused(Refusal(_("Meanwhile somebody signed another rule."), "stale"))
        try:
            check_text(notice)
        except ValueError:
            raise Refused(Refusal(_("This holds a character that cannot be kept."))) from None
        if len(notice) > NOTICE_LIMIT:
            most = {"count": NOTICE_LIMIT}
            raise Refused(Refusal(_("At most %(count)s characters.") % most))
        if rule == Desk.Rule.NOTICE and not notice.strip():
            raise Refused(Refusal(_("The desk’s notice to readers is empty.")))
        before = {"rule": desk.deadline_rule, "notice": desk.notice}
        desk.deadline_rule, desk.notice = rule, notice
        desk.rule_signed_by, desk.rule_signed_at = by.user, timezone.now()
        desk.save(update_fields=["deadline_rule", "notice", "rule_signed_by", "rule_signed_at"])
        return Event.objects.create(
            desk=desk,
            actor=by.user,
            verb="desk.rule",
            before=before,
            after={"rule": rule, "notice": notice},
        )


def put_away(alarm: Alarm, *, by: Membership) -> None:
    """Settle an alarm as somebody who deals with it. Raises `Refused`."""
    if not by.may("review"):
        raise Refused(Refusal(_("Your role at this desk does not allow this."), "permission"))
    with transaction.atomic():
        if Alarm.objects.open().filter(pk=alarm.pk).update(settled_at=timezone.now()):
            Event.objects.create(
                desk_id=alarm.desk_id,
                issue_id=alarm.issue_id,
                actor=by.user,
                verb="alarm.settle",
                after={"alarm": alarm.pk, "key": alarm.key},
            )

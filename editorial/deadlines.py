"""What happens when the hour comes near and an issue is not signed: it is announced, and then the
desk's rule is followed.

The rule is a chief's decision made in advance. Under `hold` nothing goes out. Under `approved` and
`notice` an edition is made under that chief's signature, which says so itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from digest import alarms, document, editions, hugo
from digest.document import Document
from digest.models import Desk, Edition, Event, Issue, Section
from digest.publishing import machine_account
from digest.rows import document_of
from digest.tasks import wake_publisher
from editorial import queue
from editorial.models import Membership, name_of
from editorial.queue import IssueCase
from editorial.sentences import translated

log = structlog.get_logger(__name__)

#: So many minutes before its hour an issue that is not signed is announced.
THRESHOLDS = (5, 30, 60)
#: What was signed after its hour is published by hand, as a rule in so long.
LATE_AFTER = timedelta(minutes=5)
#: The pace of a morning is taken from what was judged within so long.
PACE_OVER = timedelta(hours=1)


class NotFollowed(Exception):
    """A rule that cannot be followed, in a sentence (lazy: in the language of whoever asks)."""


def watch(now: datetime | None = None) -> None:
    """Look after every desk's deadline. Safe to run twice, late, or by several workers."""
    now = now or timezone.now()
    for desk in Desk.objects.all():
        for day, issue in _near(desk, now):
            try:
                _watch(desk, day, issue, now)
            except Exception:
                # One broken issue must not keep another desk's alarm from being raised.
                log.exception("deadline not watched", desk=desk.slug, day=str(day))


def _near(desk: Desk, now: datetime) -> Iterator[tuple[date, Issue | None]]:
    """The days whose hour may be near, each with its issue if there is one."""
    today = desk.today(now)
    days = {today + timedelta(days=n) for n in (-1, 0, 1)}
    issues = Issue.objects.filter(desk=desk).defer("machine", "lead", "footer")
    around = (now - timedelta(minutes=desk.grace), now + timedelta(minutes=max(THRESHOLDS)))
    found = {issue.date: issue for issue in issues.filter(date__in=days)}
    found |= {issue.date: issue for issue in issues.filter(hour__range=around)}
    for day in sorted(days | found.keys()):
        issue = found.get(day)
        if issue:
            issue.desk = desk
        yield day, issue


def _watch(desk: Desk, day: date, issue: Issue | None, now: datetime) -> None:
    moment = issue.moment if issue else desk.hour_of(day)
    if issue is None:
        # Before its first issue a desk is being set up.
        if moment <= now and desk.issues.filter(date__lt=day).exists():
            alarms.raise_alarm(desk, "no_draft", key=f"no_draft:{day}", data={"day": str(day)})
        return
    alarms.settle(desk, f"no_draft:{day}")
    if issue.held_at or issue.published_id or issue.due_at:
        return
    minutes = -(-(moment - now) // timedelta(minutes=1))
    if issue.editions.exists():
        _remind(issue, now)
    elif 0 < minutes <= max(THRESHOLDS):
        _announce(issue, now, minutes)
    elif minutes <= 0:
        _follow_rule(issue, now)


def _remind(issue: Issue, now: datetime) -> None:
    """What a chief has signed after its hour goes out by hand: say so if nobody does it."""
    last = queue.waits_for_somebody(issue)
    if last and last.signed_at + LATE_AFTER <= now:
        data = {"day": str(issue.date), "number": last.number}
        alarms.raise_alarm(issue.desk, "late", key=f"late:{last.pk}", issue=issue, data=data)


def _announce(issue: Issue, now: datetime, minutes: int) -> None:
    threshold = min(t for t in THRESHOLDS if minutes <= t)
    base = f"unready:{issue.date}:{issue.moment.isoformat()}:"
    data = what_is_missing(queue.case_of_issue(issue.pk), now) | {"minutes": minutes}
    alarm = alarms.raise_alarm(
        issue.desk, "unready", key=f"{base}{threshold}", issue=issue, data=data
    )
    # The later announcement takes the place of the earlier ones.
    issue.alarms.open().filter(kind="unready", pk__lt=alarm.pk).update(settled_at=now)


def what_is_missing(case: IssueCase, now: datetime) -> dict:
    """What keeps an issue from being signed, and when its cards will be judged at this pace."""
    ready = case.readiness
    finish = projected_finish(case.issue, ready.waiting, now)
    zone = ZoneInfo(case.issue.desk.zone)
    return {
        "day": str(case.issue.date),
        "waiting": ready.waiting,
        "held": ready.held,
        "insight": ready.has_insight and not ready.insight_approved,
        "finish": f"{finish.astimezone(zone):%H:%M}" if finish else "",
    }


def projected_finish(issue: Issue, waiting: int, now: datetime) -> datetime | None:
    """When all cards are judged if it goes on as within the last hour; None without a pace."""
    judged = issue.events.filter(
        verb__in=("card.approve", "card.drop"), at__range=(now - PACE_OVER, now), undone_by=None
    )
    moments = list(judged.order_by("at").values_list("at", flat=True))
    if not waiting or len(moments) < 2 or moments[0] >= now:
        return None
    return now + (now - moments[0]) / len(moments) * waiting


# --- the rule ------------------------------------------------------------------------------------


def _follow_rule(issue: Issue, now: datetime) -> None:
    """Do what the desk's rule says, once for each hour: it is a rule for that moment, and not for
    the hours after it."""
    desk, hour = issue.desk, f"{issue.date}:{issue.moment.isoformat()}"
    if desk.alarms.filter(key__in=(f"unsigned:{hour}", f"rule_failed:{hour}")).exists():
        return
    data = what_is_missing(queue.case_of_issue(issue.pk), now)
    if not _binds(issue, now):
        alarms.raise_alarm(desk, "unsigned", key=f"unsigned:{hour}", issue=issue, data=data)
        return
    try:
        edition = _sign_by_rule(issue.pk, now)
    except NotFollowed as error:
        reason = {"day": str(issue.date), "reason": str(error)}
        key = f"rule_failed:{hour}"
        alarms.raise_alarm(desk, "rule_failed", key=key, issue=issue, data=reason)
        return
    if edition is None:
        return
    alarms.settle_all_of(issue, "unready")
    with translation.override(settings.LANGUAGE_CODE):
        rule = str(desk.get_deadline_rule_display())
    said = {"rule": rule, "name": name_of(desk.rule_signed_by), "number": edition.number}
    alarms.raise_alarm(desk, "by_rule", key=f"by_rule:{issue.date}", issue=issue, data=data | said)
    wake_publisher()


def _binds(issue: Issue, now: datetime) -> bool:
    """Whether a rule that lets something out is to be followed: signed before the hour, for an
    issue that was there by then, and no later than the desk lets an issue be."""
    desk, moment = issue.desk, issue.moment
    return (
        desk.deadline_rule != Desk.Rule.HOLD
        and desk.rule_signed_at is not None
        and max(desk.rule_signed_at, issue.created_at) <= moment <= now
        and now < moment + timedelta(minutes=desk.grace)
    )


def _sign_by_rule(issue_id: int, now: datetime) -> Edition | None:
    """Make the edition of the rule and have it go out now; None if somebody was faster."""
    with transaction.atomic():
        locked = Issue.objects.select_for_update(of=("self",), no_key=True)
        issue = locked.select_related("desk__rule_signed_by").get(pk=issue_id)
        if issue.held_at or issue.editions.exists() or not _binds(issue, now):
            return None
        chief = Membership.objects.filter(desk=issue.desk, user=issue.desk.rule_signed_by_id)
        signer = chief.select_related("user").first()
        if signer is None or not signer.user.is_active or not signer.may("sign"):
            raise NotFollowed(_("Nobody who may sign has signed this rule."))
        case = queue.case_of_issue(issue_id)
        made = proof_by_rule(case, issue.desk.deadline_rule, issue.desk.notice)
        edition = editions.make_edition(
            issue, made.proof, by=signer.user, rule=issue.desk.deadline_rule
        )
        Issue.objects.filter(pk=issue_id).update(due_at=now, due_edition=edition, missed_at=None)
        Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            actor=machine_account("publisher"),
            verb="issue.sign_by_rule",
            after={
                "edition": edition.number,
                "sha256": edition.sha256,
                "rule": edition.rule,
                "signed_by": signer.user_id,
            },
        )
    return edition


@dataclass(frozen=True)
class ByRule:
    """What would go out under a rule: the proof, how many cards it holds, how many it leaves."""

    proof: editions.Proof
    kept: int
    left_out: int


def proof_by_rule(case: IssueCase, rule: str, notice: str) -> ByRule:
    """What a rule (not `hold`) makes of an issue as it stands. Raises `NotFollowed`."""
    whole = Issue.objects.whole().get(pk=case.issue.pk)
    with translation.override(settings.LANGUAGE_CODE):
        made, kept = (
            _with_notice(whole, notice) if rule == Desk.Rule.NOTICE else _with_approved(whole, case)
        )
    if faults := hugo.document_faults(made):
        raise NotFollowed(translated(faults[0]))
    standing = sum(not each.card.dropped for each in case.cards.values())
    return ByRule(editions.proof_with(whole, made), kept, standing - kept)


def _with_approved(whole: Issue, case: IssueCase) -> tuple[Document, int]:
    kept = 0
    for section in whole.sections.all():
        for card in section.cards.all():
            # In memory only: the edition leaves it out, the desk does not.
            card.dropped = card.dropped or not case.cards[card.pk].is_approved
            kept += not card.dropped
    if not kept:
        raise NotFollowed(_("No card of this issue is approved."))
    made = document_of(whole)
    if case.insight and not (case.insight.is_approved and _may_go_out(case)):
        sections = tuple(s for s in made.sections if s.kind != Section.Kind.INSIGHT)
        made = made.model_copy(update={"sections": sections})
    sentence = ngettext(
        "This edition holds the %(n)d card that was reviewed by the deadline.",
        "This edition holds the %(n)d cards that were reviewed by the deadline.",
        kept,
    ) % {"n": kept}
    return _saying(made, sentence), kept


def _may_go_out(case: IssueCase) -> bool:
    """Whether the insight may go out under the name of who signed the rule, as by hand."""
    desk = case.issue.desk
    return not (desk.four_eyes and case.insight.last_change_by == desk.rule_signed_by_id)


def _with_notice(whole: Issue, notice: str) -> tuple[Document, int]:
    if not notice.strip():
        raise NotFollowed(_("The desk’s notice to readers is empty."))
    said = document.Section(kind=Section.Kind.CARDS, title=gettext("Notice"), lead=notice.strip())
    update = {"sections": (said,), "lead": "", "footer": ""}
    return document_of(whole).model_copy(update=update), 0


def _saying(made: Document, sentence: str) -> Document:
    return made.model_copy(update={"lead": f"{sentence}\n\n{made.lead}" if made.lead else sentence})

"""Every decision of the desk, said once: its verb, the permission it needs, its guards, its effect.

`refusal` answers with the sentence for which a decision cannot be made, or with nothing. The page
asks it to show a button disabled with the sentence beside it; `decide` asks it again under the
issue's lock before anything changes.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import uuid4

from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from digest import alarms, editions, hugo
from digest.document import Importance, check_text
from digest.markup import warnings
from digest.models import Card, Delivery, Edition, Event, Issue
from digest.publishing import queue_deliveries
from digest.tasks import wake_publisher
from editorial import glances, queue
from editorial.models import Approval, Membership, Withdrawal, name_of
from editorial.queue import Case, IssueCase

Guard = Callable[[Case, Membership], str | None]


@dataclass(frozen=True)
class Refusal:
    """Why a decision cannot be made. `stale` ones come with the difference to what was seen."""

    sentence: str
    kind: Literal["permission", "stale", "guard"] = "guard"

    def __str__(self) -> str:
        return self.sentence


class Refused(Exception):
    """A decision that was asked for and could not be made."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


@dataclass(frozen=True)
class Decision:
    """A decision about a card, the insight or the issue.

    `effect` makes the change and answers with what the event records as `after`; `leaves` says
    what a card's row is then, in the columns that are different. Whoever makes it must have seen
    what it `sees`: the text as it stands, the last signed edition, or nothing in particular.
    """

    verb: str
    permission: str
    subject: Literal["card", "insight", "issue"]
    label: Promise
    guards: tuple[Guard, ...]
    effect: Callable[[Case, Membership, str], dict | None]
    wakes_publisher: bool = False
    needs_note: bool = False
    sees: Literal["text", "edition", "nothing"] = "text"
    leaves: Callable[[Membership], dict[str, Any]] = lambda by: {}


@dataclass(frozen=True)
class Made:
    """A decision that was made: its event, and the case as it stands now."""

    event: Event
    case: Case


# --- guards --------------------------------------------------------------------------------------


def _not_approved(case: Case, by: Membership) -> str | None:
    if case.approver:
        return _("%(name)s has approved this text already.") % {"name": case.approver}
    return None


def _is_approved(case: Case, by: Membership) -> str | None:
    return None if case.approver else _("This text is not approved.")


def _is_standing(case: Case, by: Membership) -> str | None:
    return _("This card has been dropped.") if case.card.dropped else None


def _is_dropped(case: Case, by: Membership) -> str | None:
    return None if case.card.dropped else _("This card has not been dropped.")


def _is_rated(case: Case, by: Membership) -> str | None:
    return _("This card has no importance rating yet.") if case.card.importance is None else None


def _not_ones_own(case: Case, by: Membership) -> str | None:
    if case.issue.desk.four_eyes and case.last_change_by == by.user_id:
        return _("You changed this text last; at this desk somebody else approves it.")
    return None


def _has_insight(case: Case, by: Membership) -> str | None:
    return None if case.present else _("This issue has no insight.")


def _cards_judged(case: IssueCase, by: Membership) -> str | None:
    if all(each.card.dropped for each in case.cards.values()):
        return _("This issue has no cards.")
    waiting = case.readiness.waiting
    if waiting:
        return ngettext(
            "%(count)d card is neither approved nor dropped.",
            "%(count)d cards are neither approved nor dropped.",
            waiting,
        ) % {"count": waiting}
    return None


def _nothing_held(case: IssueCase, by: Membership) -> str | None:
    held = case.readiness.held
    if held:
        return ngettext(
            "%(count)d card could not be read and waits for repair.",
            "%(count)d cards could not be read and wait for repair.",
            held,
        ) % {"count": held}
    return None


def _insight_judged(case: IssueCase, by: Membership) -> str | None:
    if case.insight and not case.insight.is_approved:
        return _("The editor’s insight is not approved.")
    return None


def _not_signed(case: IssueCase, by: Membership) -> str | None:
    if case.is_signed_as_it_stands:
        return _("Edition %(number)d holds exactly this issue.") % {
            "number": case.last_edition.number
        }
    return None


def _no_faults(case: IssueCase, by: Membership) -> str | None:
    faults = hugo.document_faults(case.proof.document)
    return (
        _("The file would not hold what the desk shows: %(fault)s") % {"fault": faults[0]}
        if faults
        else None
    )


def _is_signed(case: IssueCase, by: Membership) -> str | None:
    return None if case.last_edition else _("Nothing of this issue is signed yet.")


def _not_out(case: IssueCase, by: Membership) -> str | None:
    last = case.last_edition
    if last and case.issue.published_id == last.pk:
        return _("Edition %(number)d is published already.") % {"number": last.number}
    return None


def _not_going_out(case: IssueCase, by: Membership) -> str | None:
    due = case.issue.due_at
    if due and due <= timezone.now() and not case.issue.is_missed:
        return _("It is being published right now.")
    return None


def _is_out(case: IssueCase, by: Membership) -> str | None:
    return None if case.issue.published_id else _("Nothing of this issue is published.")


def _not_held(case: IssueCase, by: Membership) -> str | None:
    if case.issue.held_at:
        return _("The presses are stopped for this issue. A chief editor lets them go on.")
    return None


def _is_held(case: IssueCase, by: Membership) -> str | None:
    return None if case.issue.held_at else _("Nothing holds this issue.")


def _correction_said(case: IssueCase, by: Membership) -> str | None:
    if not case.issue.published_id:
        return None
    said = case.proof.document.front_matter.text("correction")
    published = editions.signed_document(case.issue.published_id)
    if not said.strip() or said == published.front_matter.text("correction"):
        return _(
            "Readers have this issue. Tell them what is corrected: write it in the front matter, "
            "under “Correction”."
        )
    return None


def _insight_by_others(case: IssueCase, by: Membership) -> str | None:
    if case.insight and case.issue.desk.four_eyes and case.insight.last_change_by == by.user_id:
        return _("You changed the insight last; at this desk somebody else signs it.")
    return None


def _has_failed(case: IssueCase, by: Membership) -> str | None:
    failed = any(
        delivery.state == Delivery.State.FAILED
        for edition in case.edition_rows
        for delivery in edition.deliveries.all()
    )
    return None if failed else _("No delivery of this issue has failed.")


# --- effects -------------------------------------------------------------------------------------


def _approve(case: Case, by: Membership, note: str) -> dict:
    approval = Approval.objects.create(
        issue=case.issue, card_id=_card_id(case), hash=case.present, by=by.user
    )
    return {"approval": approval.pk}


def _withdraw(case: Case, by: Membership, note: str) -> dict:
    approvals = case.issue.approvals.valid().filter(card=_card_id(case), hash=case.present)
    found = list(approvals.order_by("pk"))
    Withdrawal.objects.bulk_create(Withdrawal(approval=each, by=by.user) for each in found)
    return {"approvals": [approval.pk for approval in found]}


def _card_id(case: Case) -> int | None:
    return case.card.pk if case.card else None


def _drop(case: Case, by: Membership, note: str) -> dict:
    Card.objects.filter(pk=case.card.pk).update(dropped=True)
    return {"dropped": True}


def _restore(case: Case, by: Membership, note: str) -> dict:
    Card.objects.filter(pk=case.card.pk).update(dropped=False)
    return {"dropped": False}


def _sign(case: IssueCase, by: Membership, note: str) -> dict:
    issue, now = case.issue, timezone.now()
    edition = editions.make_edition(issue, case.proof, by=by.user)
    # What waits gives way to what was signed last. What is on its way already is not exchanged, and
    # an hour that has passed is not made up for by itself: then a person presses "publish".
    if issue.due_at and (issue.due_at > now or issue.held_at or issue.is_missed):
        Issue.objects.filter(pk=issue.pk).update(due_edition=edition)
    elif not issue.due_at and issue.moment > now and not issue.published_id:
        Issue.objects.filter(pk=issue.pk).update(due_at=issue.moment, due_edition=edition)
    alarms.settle_all_of(issue, "unready", "unsigned", "rule_failed", "missed", "late")
    return {"edition": edition.number, "sha256": edition.sha256}


def _publish(case: IssueCase, by: Membership, note: str) -> dict:
    Issue.objects.filter(pk=case.issue.pk).update(
        due_at=timezone.now(), due_edition=case.last_edition, missed_at=None
    )
    return {"edition": case.last_edition.number, "sha256": case.last_edition.sha256}


def _publish_again(case: IssueCase, by: Membership, note: str) -> dict:
    published = Edition.objects.defer("content", "document").get(pk=case.issue.published_id)
    queue_deliveries(published, Delivery.Action.PUBLISH, now=timezone.now())
    return {"edition": published.number, "sha256": published.sha256}


def _unpublish(case: IssueCase, by: Membership, note: str) -> dict:
    published = Edition.objects.defer("content", "document").get(pk=case.issue.published_id)
    Issue.objects.filter(pk=case.issue.pk).update(
        published=None, published_at=None, due_at=None, due_edition=None
    )
    left = Delivery.objects.filter(edition__issue=case.issue, state__in=Delivery.UNDONE)
    left.update(state=Delivery.State.REPLACED, claimed_until=None)
    alarms.settle_all_of(case.issue, "delivery")
    queue_deliveries(published, Delivery.Action.WITHDRAW, now=timezone.now())
    return {"edition": published.number, "sha256": published.sha256}


def _hold(case: IssueCase, by: Membership, note: str) -> dict:
    Issue.objects.filter(pk=case.issue.pk).update(
        held_at=timezone.now(), held_by=by.user, held_note=note
    )
    waiting = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.WAITING)
    return {"deliveries": waiting.update(state=Delivery.State.HELD)}


def _let_go_on(case: IssueCase, by: Membership, note: str) -> dict:
    now, due = timezone.now(), case.issue.due_at
    # Its hour passed while it was held: somebody wants it out, or would not have let it go on.
    due = max(due, now) if due else None
    Issue.objects.filter(pk=case.issue.pk).update(
        held_at=None, held_by=None, held_note="", due_at=due
    )
    held = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.HELD)
    return {"deliveries": held.update(state=Delivery.State.WAITING, next_attempt_at=now)}


def _retry(case: IssueCase, by: Membership, note: str) -> dict:
    failed = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.FAILED)
    return {
        "deliveries": failed.update(
            state=Delivery.State.WAITING, attempts=0, next_attempt_at=timezone.now()
        )
    }


# --- the table -----------------------------------------------------------------------------------

DECISIONS: dict[str, Decision] = {
    "approve": Decision(
        "card.approve",
        "review",
        "card",
        gettext_lazy("Approve card"),
        (_is_standing, _not_approved, _is_rated, _not_ones_own),
        _approve,
        leaves=lambda by: {"approver": name_of(by.user)},
    ),
    "withdraw": Decision(
        "card.withdraw",
        "review",
        "card",
        gettext_lazy("Withdraw approval"),
        (_is_standing, _is_approved),
        _withdraw,
        leaves=lambda by: {"approver": ""},
    ),
    "drop": Decision(
        "card.drop",
        "review",
        "card",
        gettext_lazy("Drop card"),
        (_is_standing,),
        _drop,
        leaves=lambda by: {"dropped": True},
    ),
    "restore": Decision(
        "card.restore",
        "review",
        "card",
        gettext_lazy("Restore card"),
        (_is_dropped,),
        _restore,
        leaves=lambda by: {"dropped": False},
    ),
    "approve_insight": Decision(
        "insight.approve",
        "review",
        "insight",
        gettext_lazy("Approve insight"),
        (_has_insight, _not_approved, _not_ones_own),
        _approve,
    ),
    "withdraw_insight": Decision(
        "insight.withdraw",
        "review",
        "insight",
        gettext_lazy("Withdraw approval of the insight"),
        (_is_approved,),
        _withdraw,
    ),
    "sign": Decision(
        "issue.sign",
        "sign",
        "issue",
        gettext_lazy("Sign issue"),
        (
            _cards_judged,
            _nothing_held,
            _insight_judged,
            _insight_by_others,
            _not_signed,
            _correction_said,
            _no_faults,
        ),
        _sign,
    ),
    "publish": Decision(
        "issue.publish",
        "publish",
        "issue",
        gettext_lazy("Publish now"),
        (_is_signed, _not_held, _not_out, _not_going_out),
        _publish,
        wakes_publisher=True,
        sees="edition",
    ),
    "republish": Decision(
        "issue.republish",
        "publish",
        "issue",
        gettext_lazy("Deliver again"),
        (_is_out, _not_held),
        _publish_again,
        wakes_publisher=True,
        sees="edition",
    ),
    "unpublish": Decision(
        "issue.unpublish",
        "publish",
        "issue",
        gettext_lazy("Take back from readers"),
        (_is_out, _not_held),
        _unpublish,
        wakes_publisher=True,
        needs_note=True,
        sees="edition",
    ),
    "hold": Decision(
        "issue.hold",
        "review",
        "issue",
        gettext_lazy("Stop the presses"),
        (_not_held,),
        _hold,
        needs_note=True,
        sees="nothing",
    ),
    "unhold": Decision(
        "issue.unhold",
        "publish",
        "issue",
        gettext_lazy("Let the presses go on"),
        (_is_held,),
        _let_go_on,
        wakes_publisher=True,
        sees="edition",
    ),
    "retry": Decision(
        "issue.retry",
        "publish",
        "issue",
        gettext_lazy("Try again"),
        (_has_failed, _not_held),
        _retry,
        wakes_publisher=True,
        sees="edition",
    ),
}


def refusal(decision: Decision, case: Case, by: Membership | None) -> Refusal | None:
    """Why `by` cannot make this decision about this case now; nothing if they can."""
    if by is None or by.desk_id != case.issue.desk_id or not by.may(decision.permission):
        if decision.permission in ("sign", "publish"):
            return Refusal(_("Only a chief editor signs and publishes."), "permission")
        return Refusal(_("Your role at this desk does not allow this."), "permission")
    for guard in decision.guards:
        if sentence := guard(case, by):
            return Refusal(sentence)
    return None


def present_hash(decision: Decision, case: Case) -> str:
    """The hash that whoever makes this decision must have seen."""
    if decision.sees == "nothing":
        return ""
    if decision.sees == "edition":
        return case.last_edition.sha256 if case.last_edition else ""
    if isinstance(case, IssueCase):
        return case.proof.seal
    return case.present


def lock_issue(by: Membership | None, **which: Any) -> tuple[Issue, Membership | None]:
    """The issue with its row locked until the transaction ends, and what `by` may do there now.

    `which` finds it: `pk=…`, or `sections__cards=…` for the issue of a card. Every change begins
    with this. The role is read anew: it may have been taken away since the page was loaded.
    """
    locked = Issue.objects.select_for_update(of=("self",), no_key=True).select_related("desk")
    role = Membership.objects.filter(pk=by.pk if by else None, user__is_active=True)
    issue = locked.annotate(role_now=Subquery(role.values("role"))).get(**which)
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


def decide(
    name: str,
    *,
    issue_id: int,
    by: Membership | None,
    seen: str,
    card_id: int | None = None,
    note: str = "",
) -> Event:
    """Make a decision, or raise `Refused`; answers with its event. See `make`."""
    made = make(name, issue_id=issue_id, by=by, seen=seen, card_id=card_id, note=note)
    return made.event


def make(
    name: str,
    *,
    issue_id: int | None = None,
    day: date | None = None,
    by: Membership | None,
    seen: str,
    card_id: int | None = None,
    note: str = "",
) -> Made:
    """Make a decision, or raise `Refused`; answers with its event and the case as it is then.

    `name` is a key of `DECISIONS`; `seen` the hash its maker had before their eyes: a card's, the
    insight's, for `sign` the proof's seal and for `publish` the signed edition's. The issue is that
    of the id, or of the `day` at the desk of `by`.
    """
    decision = DECISIONS[name]
    which = {"pk": issue_id} if day is None else on_day(day, by)
    with transaction.atomic():
        issue, role = lock_issue(by, **which)
        case = _case(decision, issue, card_id)
        found = refusal(decision, case, role) or _unkeepable(note)
        if found is None and decision.needs_note and not note.strip():
            found = Refusal(_("Say why: whoever comes later wants to know."))
        present = present_hash(decision, case)
        if (found is None or found.kind == "guard") and seen != present:
            found = Refusal(_("The text has changed since you saw it."), "stale")
        if found:
            raise Refused(found)
        after = decision.effect(case, role, note)
        event = Event.objects.create(
            desk_id=issue.desk_id,
            issue=issue,
            card_id=_card_id(case),
            actor=role.user,
            verb=decision.verb,
            after=after,
            seen=seen,
            note=note,
        )
        if case.card:
            glances.see(role, [(case.card.pk, present)], event=event.pk)  # and seen it they have
        if decision.wakes_publisher:
            transaction.on_commit(wake_publisher, robust=True)
    if case.card:
        # The text is what it was, and of what was said about it nobody asked.
        row = dataclasses.replace(case.card, seen=present, **decision.leaves(role))
        case = dataclasses.replace(case, card=row, approver=row.approver)
    return Made(event, case)


def _unkeepable(note: str) -> Refusal | None:
    try:
        check_text(note)
    except ValueError:
        return Refusal(_("The reason holds a character that cannot be kept."))
    return None


def _case(decision: Decision, issue: Issue, card_id: int | None) -> Case:
    if decision.subject == "card":
        return queue.case_of_card(card_id, issue)
    if decision.subject == "insight":
        return queue.case_of_insight(issue)
    return queue.case_of_issue(issue.pk)


# --- several at once -----------------------------------------------------------------------------


def new_batch() -> str:
    """A name that joins the events of one action on several cards."""
    return uuid4().hex


def approve_section(
    *, section_id: int, seen: Mapping[int, str], by: Membership | None
) -> list[Event]:
    """Approve the unflagged cards rated 中 of a section that `by` has seen.

    Answers with the events. `seen` has the hashes of the cards on the page, by id. What does not
    qualify (see `approvable_in_bulk`) is left out; raises `Refused` if that leaves nothing.
    """
    # Before the lock: it takes a while, and the hash says whether it still is this text.
    clean = _without_warnings(pk for pk in seen)
    decision = DECISIONS["approve"]
    with transaction.atomic():
        issue, role = lock(by, permission=decision.permission, sections=section_id)
        cases = [
            case
            for case in _unflagged(queue.case_of_issue(issue.pk, for_user=role.user_id), role)
            if case.card.section_id == section_id
            and seen.get(case.card.pk) == case.present
            and case.present in clean
        ]
        if not cases:
            sentence = _("No card of this section can be approved without looking at it again.")
            raise Refused(Refusal(sentence))
        batch = new_batch()
        return [
            Event.objects.create(
                desk_id=issue.desk_id,
                issue=issue,
                card_id=case.card.pk,
                actor=role.user,
                verb=decision.verb,
                after=decision.effect(case, role, ""),
                seen=case.present,
                batch=batch,
            )
            for case in cases
        ]


def approvable_in_bulk(case: IssueCase, by: Membership) -> dict[int, list[tuple[int, str]]]:
    """The cards (id and hash) that `approve_section` would approve, by section: waiting and
    standing, rated 中, seen as they are now by whom the case was loaded for, without an open
    comment, an open suggestion of the machine or a warning, and not refused by a guard of the
    decision.
    """
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    unflagged = list(_unflagged(case, by))
    clean = _without_warnings(each.card.pk for each in unflagged) if unflagged else frozenset()
    for each in unflagged:
        if each.present in clean:
            found[each.card.section_id].append((each.card.pk, each.present))
    return dict(found)


def _unflagged(case: IssueCase, by: Membership) -> Iterator[Case]:
    """The cases of cards that can be approved together, but for warnings about their text."""
    for each in case.cards.values():
        row = each.card
        if (
            row.importance == Importance.MEDIUM
            and row.seen == row.hash
            and not (row.comments or row.suggestions)
            and refusal(DECISIONS["approve"], each, by) is None
        ):
            yield each


def _without_warnings(cards: Iterable[int]) -> frozenset[str]:
    """The hashes of those of these cards that readers will see as the desk shows them."""
    texts = ("headline", "summary", "details", "applications", "rest")
    found = Card.objects.filter(pk__in=list(cards)).values_list("hash", *texts)
    return frozenset(hash_ for hash_, *each in found if not any(map(warnings, each)))

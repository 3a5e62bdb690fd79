"""Every decision of the desk, said once: its verb, the permission it needs, its guards, its effect.

`refusal` answers with the sentence for which a decision cannot be made, or with nothing. The page
asks it to show a button disabled with the sentence beside it; `decide` asks it again under the
issue's lock before anything changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.document import check_text
from digest.models import Event, Issue
from digest.tasks import wake_publisher
from editorial import effects, glances, guards, queue
from editorial.guards import Guard
from editorial.locking import lock_issue, on_day
from editorial.models import Membership, name_of
from editorial.queue import Case, IssueCase
from editorial.refusals import Refusal, Refused


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


DECISIONS: dict[str, Decision] = {
    "approve": Decision(
        "card.approve",
        "review",
        "card",
        gettext_lazy("Approve card"),
        (guards.is_standing, guards.not_approved, guards.is_rated, guards.not_ones_own),
        effects.approve,
        leaves=lambda by: {"approver": name_of(by.user)},
    ),
    "withdraw": Decision(
        "card.withdraw",
        "review",
        "card",
        gettext_lazy("Withdraw approval"),
        (guards.is_standing, guards.is_approved),
        effects.withdraw,
        leaves=lambda by: {"approver": ""},
    ),
    "drop": Decision(
        "card.drop",
        "review",
        "card",
        gettext_lazy("Drop card"),
        (guards.is_standing,),
        effects.drop,
        leaves=lambda by: {"dropped": True},
    ),
    "restore": Decision(
        "card.restore",
        "review",
        "card",
        gettext_lazy("Restore card"),
        (guards.is_dropped,),
        effects.restore,
        leaves=lambda by: {"dropped": False},
    ),
    "approve_insight": Decision(
        "insight.approve",
        "review",
        "insight",
        gettext_lazy("Approve insight"),
        (guards.has_insight, guards.not_approved, guards.not_ones_own),
        effects.approve,
    ),
    "withdraw_insight": Decision(
        "insight.withdraw",
        "review",
        "insight",
        gettext_lazy("Withdraw approval of the insight"),
        (guards.is_approved,),
        effects.withdraw,
    ),
    "sign": Decision(
        "issue.sign",
        "sign",
        "issue",
        gettext_lazy("Sign issue"),
        (
            guards.cards_judged,
            guards.nothing_held,
            guards.insight_judged,
            guards.insight_by_others,
            guards.not_signed,
            guards.correction_said,
            guards.no_faults,
        ),
        effects.sign,
    ),
    "publish": Decision(
        "issue.publish",
        "publish",
        "issue",
        gettext_lazy("Publish now"),
        (guards.is_signed, guards.not_held, guards.not_out, guards.not_going_out),
        effects.publish,
        wakes_publisher=True,
        sees="edition",
    ),
    "republish": Decision(
        "issue.republish",
        "publish",
        "issue",
        gettext_lazy("Deliver again"),
        (guards.is_out, guards.not_held),
        effects.publish_again,
        wakes_publisher=True,
        sees="edition",
    ),
    "unpublish": Decision(
        "issue.unpublish",
        "publish",
        "issue",
        gettext_lazy("Take back from readers"),
        (guards.is_out, guards.not_held),
        effects.unpublish,
        wakes_publisher=True,
        needs_note=True,
        sees="edition",
    ),
    "hold": Decision(
        "issue.hold",
        "review",
        "issue",
        gettext_lazy("Stop the presses"),
        (guards.not_held,),
        effects.hold,
        needs_note=True,
        sees="nothing",
    ),
    "unhold": Decision(
        "issue.unhold",
        "publish",
        "issue",
        gettext_lazy("Let the presses go on"),
        (guards.is_held,),
        effects.let_go_on,
        wakes_publisher=True,
        sees="edition",
    ),
    "retry": Decision(
        "issue.retry",
        "publish",
        "issue",
        gettext_lazy("Try again"),
        (guards.has_failed, guards.not_held),
        effects.retry,
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
            card_id=case.card_id,
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

"""What can stand in the way of a decision: each guard answers with its sentence, or nothing."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest import editions, hugo
from digest.models import Delivery
from editorial.models import Membership
from editorial.queue import Case, IssueCase
from editorial.sentences import translated

Guard = Callable[[Case, Membership], str | None]


def not_approved(case: Case, by: Membership) -> str | None:
    if case.approver:
        return _("%(name)s has approved this text already.") % {"name": case.approver}
    return None


def is_approved(case: Case, by: Membership) -> str | None:
    return None if case.approver else _("This text is not approved.")


def is_standing(case: Case, by: Membership) -> str | None:
    return _("This card has been dropped.") if case.card.dropped else None


def is_dropped(case: Case, by: Membership) -> str | None:
    return None if case.card.dropped else _("This card has not been dropped.")


def is_rated(case: Case, by: Membership) -> str | None:
    return _("This card has no importance rating yet.") if case.card.importance is None else None


def not_ones_own(case: Case, by: Membership) -> str | None:
    if case.issue.desk.four_eyes and case.last_change_by == by.user_id:
        return _("You changed this text last; at this desk somebody else approves it.")
    return None


def has_insight(case: Case, by: Membership) -> str | None:
    return None if case.present else _("This issue has no insight.")


def cards_judged(case: IssueCase, by: Membership) -> str | None:
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


def nothing_held(case: IssueCase, by: Membership) -> str | None:
    held = case.readiness.held
    if held:
        return ngettext(
            "%(count)d card could not be read and waits for repair.",
            "%(count)d cards could not be read and wait for repair.",
            held,
        ) % {"count": held}
    return None


def insight_judged(case: IssueCase, by: Membership) -> str | None:
    if case.insight and not case.insight.is_approved:
        return _("The editor’s insight is not approved.")
    return None


def not_signed(case: IssueCase, by: Membership) -> str | None:
    if case.is_signed_as_it_stands:
        return _("Edition %(number)d holds exactly this issue.") % {
            "number": case.last_edition.number
        }
    return None


def no_faults(case: IssueCase, by: Membership) -> str | None:
    faults = hugo.document_faults(case.proof.document)
    return (
        _("The file would not hold what the desk shows: %(fault)s")
        % {"fault": translated(faults[0])}
        if faults
        else None
    )


def is_signed(case: IssueCase, by: Membership) -> str | None:
    return None if case.last_edition else _("Nothing of this issue is signed yet.")


def not_out(case: IssueCase, by: Membership) -> str | None:
    last = case.last_edition
    if last and case.issue.published_id == last.pk:
        return _("Edition %(number)d is published already.") % {"number": last.number}
    return None


def not_going_out(case: IssueCase, by: Membership) -> str | None:
    due = case.issue.due_at
    if due and due <= timezone.now() and not case.issue.is_missed:
        return _("It is being published right now.")
    return None


def is_out(case: IssueCase, by: Membership) -> str | None:
    return None if case.issue.published_id else _("Nothing of this issue is published.")


def not_held(case: IssueCase, by: Membership) -> str | None:
    if case.issue.held_at:
        return _("The presses are stopped for this issue. A chief editor lets them go on.")
    return None


def is_held(case: IssueCase, by: Membership) -> str | None:
    return None if case.issue.held_at else _("Nothing holds this issue.")


def correction_said(case: IssueCase, by: Membership) -> str | None:
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


def insight_by_others(case: IssueCase, by: Membership) -> str | None:
    if case.insight and case.issue.desk.four_eyes and case.insight.last_change_by == by.user_id:
        return _("You changed the insight last; at this desk somebody else signs it.")
    return None


def has_failed(case: IssueCase, by: Membership) -> str | None:
    failed = any(
        delivery.state == Delivery.State.FAILED
        for edition in case.edition_rows
        for delivery in edition.deliveries.all()
    )
    return None if failed else _("No delivery of this issue has failed.")

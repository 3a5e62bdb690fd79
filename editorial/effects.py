"""What a decision changes. Each effect answers with what the event records as `after`.

They run under the issue's lock, after all guards, and in the transaction that writes the event.
"""

from __future__ import annotations

from django.utils import timezone

from digest import alarms, editions
from digest.models import Card, Delivery, Edition, Issue
from digest.publishing import queue_deliveries
from editorial.models import Approval, Membership, Withdrawal
from editorial.queue import Case, IssueCase


def approve(case: Case, by: Membership, note: str) -> dict:
    approval = Approval.objects.create(
        issue=case.issue, card_id=case.card_id, hash=case.present, by=by.user
    )
    return {"approval": approval.pk}


def withdraw(case: Case, by: Membership, note: str) -> dict:
    approvals = case.issue.approvals.valid().filter(card=case.card_id, hash=case.present)
    found = list(approvals.order_by("pk"))
    Withdrawal.objects.bulk_create(Withdrawal(approval=each, by=by.user) for each in found)
    return {"approvals": [approval.pk for approval in found]}


def drop(case: Case, by: Membership, note: str) -> dict:
    Card.objects.filter(pk=case.card.pk).update(dropped=True)
    return {"dropped": True}


def restore(case: Case, by: Membership, note: str) -> dict:
    Card.objects.filter(pk=case.card.pk).update(dropped=False)
    return {"dropped": False}


def sign(case: IssueCase, by: Membership, note: str) -> dict:
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


def publish(case: IssueCase, by: Membership, note: str) -> dict:
    Issue.objects.filter(pk=case.issue.pk).update(
        due_at=timezone.now(), due_edition=case.last_edition, missed_at=None
    )
    return {"edition": case.last_edition.number, "sha256": case.last_edition.sha256}


def publish_again(case: IssueCase, by: Membership, note: str) -> dict:
    published = Edition.objects.defer("content", "document").get(pk=case.issue.published_id)
    queue_deliveries(published, Delivery.Action.PUBLISH, now=timezone.now())
    return {"edition": published.number, "sha256": published.sha256}


def unpublish(case: IssueCase, by: Membership, note: str) -> dict:
    published = Edition.objects.defer("content", "document").get(pk=case.issue.published_id)
    Issue.objects.filter(pk=case.issue.pk).update(
        published=None, published_at=None, due_at=None, due_edition=None
    )
    left = Delivery.objects.filter(edition__issue=case.issue, state__in=Delivery.UNDONE)
    left.update(state=Delivery.State.REPLACED, claimed_until=None)
    alarms.settle_all_of(case.issue, "delivery")
    queue_deliveries(published, Delivery.Action.WITHDRAW, now=timezone.now())
    return {"edition": published.number, "sha256": published.sha256}


def hold(case: IssueCase, by: Membership, note: str) -> dict:
    Issue.objects.filter(pk=case.issue.pk).update(
        held_at=timezone.now(), held_by=by.user, held_note=note
    )
    waiting = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.WAITING)
    return {"deliveries": waiting.update(state=Delivery.State.HELD)}


def let_go_on(case: IssueCase, by: Membership, note: str) -> dict:
    now, due = timezone.now(), case.issue.due_at
    # Its hour passed while it was held: somebody wants it out, or would not have let it go on.
    due = max(due, now) if due else None
    Issue.objects.filter(pk=case.issue.pk).update(
        held_at=None, held_by=None, held_note="", due_at=due
    )
    held = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.HELD)
    return {"deliveries": held.update(state=Delivery.State.WAITING, next_attempt_at=now)}


def retry(case: IssueCase, by: Membership, note: str) -> dict:
    failed = Delivery.objects.filter(edition__issue=case.issue, state=Delivery.State.FAILED)
    return {
        "deliveries": failed.update(
            state=Delivery.State.WAITING, attempts=0, next_attempt_at=timezone.now()
        )
    }

"""What the machine is unsure of in its cards is said where editors see it: as comments on them.

A number or a name that stands in no article, a card the model could not write, text that spoke to
the machine: each is a comment of the machine's account, is counted with the open ones, and is
resolved like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from digest.models import Card, Issue, Run, WrittenCard
from digest.publishing import machine_account
from editorial.commenting import COMMENT_LIMIT, record
from editorial.models import Comment, Membership
from editorial.roles import Role


def unmarked() -> list[int]:
    """Runs that have landed and whose cards nobody has been told about yet."""
    landed = Run.objects.filter(state=Run.State.DONE, marked_at=None, draft__isnull=False)
    return list(landed.order_by("pk").values_list("pk", flat=True))


def mark(run_id: int) -> int:
    """Comment on the cards of a run that has landed, once; answers with how many comments it took.

    A card that people have changed since, or that did not come to stand because people had changed
    it before, is not commented on: the mark is about the machine's text.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.state != Run.State.DONE or run.marked_at or run.draft is None:
            return 0
        # As people do who comment: nobody changes a card while it is looked whether it is changed.
        issue = Issue.objects.select_for_update(no_key=True).get(pk=run.draft.issue_id)
        made = sum(_mark_card(run, issue, written) for written in run.cards.exclude(marks=[]))
        Run.objects.filter(pk=run_id).update(marked_at=timezone.now())
    return made


def _mark_card(run: Run, issue: Issue, written: WrittenCard) -> bool:
    card = Card.objects.standing().filter(section__issue=issue, hash=written.hash).first()
    if card is None:
        return False
    body = _body(written.marks)
    if card.comments.filter(body=body).exists():
        return False
    by = Membership(desk_id=run.desk_id, user=machine_account("drafter"), role=Role.MACHINE)
    comment = Comment.objects.create(issue=issue, card=card, by=by.user, body=body, hash=card.hash)
    record(comment, by, "comment.add")
    return True


def _body(marks: Sequence[str]) -> str:
    """The marks as one comment; where they are too many it says how many stand elsewhere."""
    for left in range(len(marks)):
        said = list(marks[: len(marks) - left])
        if left:
            said.append(f"({left} more on the run’s page)")
        if len(body := "\n".join(said)) <= COMMENT_LIMIT:
            return body
    return f"({len(marks)} remarks on the run’s page)"

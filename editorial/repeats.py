"""What a page asks for again because the answer to its first try got lost: did that do it?

Only where the second try has to be refused; and what somebody has undone since is not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, Q, QuerySet

from digest.models import Event, Issue
from editorial.decisions import DECISIONS
from editorial.models import Membership

#: Verbs of one matter: the last of their events says how it stands.
_MATTERS = (
    {"card.approve", "card.withdraw"},
    {"card.drop", "card.restore"},
    {"insight.approve", "insight.withdraw"},
    {"issue.publish", "issue.republish", "issue.unpublish", "issue.hold", "issue.unhold"},
    {"comment.resolve", "comment.reopen"},
)


def was_made(
    name: str,
    *,
    issue: Issue,
    by: Membership,
    seen: str,
    since: int,
    card_id: int | None = None,
    note: str = "",
) -> bool:
    """Whether `by` has made this very decision after the event `since`, and it still holds."""
    verb = DECISIONS[name].verb
    last = _last(issue, since, verb, card=card_id)
    return _is_of(by, last) and (last.verb, last.seen, last.note) == (verb, seen, note)


def were_approved(
    seen: Mapping[int, str], *, issue: Issue, by: Membership, since: int
) -> list[Event]:
    """What of a section's bulk approval by `by` after the event `since` still holds; `seen` as
    `bulk.approve_section` takes it."""
    approved = _since(issue, since).filter(verb="card.approve", actor=by.user, card__in=seen)
    approved = approved.filter(card__hash=F("seen"))  # the text is still the one that was approved
    last = approved.exclude(batch="").last()
    if last is None:
        return []
    return [
        each
        for each in approved.filter(batch=last.batch)
        if each.seen == seen[each.card_id]
        and _last(issue, since, each.verb, card=each.card_id) == each
    ]


def was_settled(
    comment_id: int, *, resolve: bool, issue: Issue, by: Membership, since: int
) -> bool:
    """Whether `by` has resolved a comment after the event `since`, or opened it again."""
    verb = "comment.resolve" if resolve else "comment.reopen"
    last = _last(issue, since, verb, after__comment=comment_id)
    return _is_of(by, last) and last.verb == verb


def were_undone(event_id: int, *, issue: Issue, by: Membership, since: int) -> list[Event]:
    """By which events `by` has taken back an event, with its batch, after the event `since`."""
    [batch] = issue.events.filter(pk=event_id).values_list("batch", flat=True) or [""]
    which = Q(undoes=event_id) | Q(undoes__batch=batch) if batch else Q(undoes=event_id)
    return list(_since(issue, since).filter(which, actor=by.user))


def was_moved(
    card_id: int,
    *,
    issue: Issue,
    by: Membership,
    section_id: int | None,
    after: int | None,
    since: int,
) -> bool:
    """Whether `by` has moved a card to this place after the event `since`, and nobody has moved it
    again. The place is said as `editing.move_card` takes it."""
    last = _last(issue, since, "card.move", card=card_id)
    if not _is_of(by, last) or last.after["after"] != after:
        return False
    return section_id is None or last.after["section_id"] == section_id


def _since(issue: Issue, event: int) -> QuerySet[Event]:
    return issue.events.filter(pk__gt=event).order_by("pk")


def _last(issue: Issue, event: int, verb: str, **which: Any) -> Event | None:
    """The last event after another one that says how it stands with the matter of a verb."""
    verbs = next((verbs for verbs in _MATTERS if verb in verbs), {verb})
    return _since(issue, event).filter(verb__in=verbs, **which).last()


def _is_of(by: Membership, event: Event | None) -> bool:
    """Whether an event is what somebody did, and no taking back of something else."""
    return event is not None and event.actor_id == by.user_id and event.undoes_id is None

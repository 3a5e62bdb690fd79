"""What a page asks for again because the answer to its first try got lost: did that do it?

Only where the second try has to be refused; and what somebody has undone since is not done.
"""

from __future__ import annotations

from django.db.models import QuerySet

from digest.models import Event, Issue
from editorial.decisions import DECISIONS
from editorial.models import Membership

#: Verbs of one matter: the last of their events says how it stands.
_MATTERS = (
    {"card.approve", "card.withdraw"},
    {"card.drop", "card.restore"},
    {"insight.approve", "insight.withdraw"},
    {"issue.hold", "issue.unhold"},
    {"issue.publish", "issue.republish", "issue.unpublish"},
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
    matter = next((verbs for verbs in _MATTERS if verb in verbs), {verb})
    last = _since(issue, since).filter(verb__in=matter, card=card_id).last()
    return _is_of(by, last) and (last.verb, last.seen, last.note) == (verb, seen, note)


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
    last = _since(issue, since).filter(verb="card.move", card=card_id).last()
    if not _is_of(by, last) or last.after["after"] != after:
        return False
    return section_id is None or last.after["section_id"] == section_id


def _since(issue: Issue, event: int) -> QuerySet[Event]:
    return issue.events.filter(pk__gt=event).order_by("pk")


def _is_of(by: Membership, event: Event | None) -> bool:
    """Whether an event is what somebody did, and no taking back of something else."""
    return event is not None and event.actor_id == by.user_id and event.undoes_id is None

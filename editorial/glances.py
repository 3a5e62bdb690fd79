"""Who has seen which card as what: told by the page, implied by decisions and own changes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from digest.compiled import compiled
from editorial.models import Glance, Membership


def see(by: Membership, cards: Iterable[tuple[int, str]], *, event: int) -> None:
    """Record that somebody has seen these cards (id and hash), as of an event of the issue."""
    now = timezone.now()
    Glance.objects.bulk_create(
        (Glance(user_id=by.user_id, card_id=pk, hash=h, event=event, at=now) for pk, h in cards),
        update_conflicts=True,
        unique_fields=["card", "user"],
        update_fields=["hash", "event", "at"],
    )


def follow(by: Membership, card_id: int, before: str, after: str, *, event: int) -> str | None:
    """Whoever had seen a card before their own change has seen it after it, too.

    Answers with the hash they have seen last, if they have seen any.
    """
    theirs = Glance.objects.filter(card=card_id, user=by.user_id)
    if theirs.filter(hash=before).update(hash=after, event=event, at=timezone.now()):
        return after
    return _last_seen.first(card_id, by.user_id)


@compiled
def _last_seen(card, user) -> QuerySet[Glance, str]:
    return Glance.objects.filter(card=card, user=user).values_list("hash", flat=True)

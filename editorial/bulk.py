"""Approving several cards of a section at once: those that nothing speaks against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from digest.document import Importance
from digest.markup import warnings
from digest.models import Card, Event, new_batch
from editorial import queue
from editorial.decisions import DECISIONS, refusal
from editorial.locking import lock
from editorial.models import Membership
from editorial.queue import Case, IssueCase
from editorial.refusals import Refusal, Refused


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

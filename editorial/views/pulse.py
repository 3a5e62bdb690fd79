"""The page tells where somebody is and what they have seen, and hears what others did meanwhile."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from digest.models import Card, Issue
from editorial import glances, pages, queue
from editorial.access import issue_at, membership_at, signed_in
from editorial.alarms import alarms_at, alarms_mark
from editorial.forms import is_number
from editorial.models import Membership, Presence
from editorial.publication import publication_of
from editorial.responses import see_other

#: A page that has missed more than this is better loaded anew.
_TOO_MUCH = 200


@require_POST
@signed_in
def pulse(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Take in where somebody is (`card`) and what they have seen (`seen`, pairs of card and hash).

    Answers with what others changed after the event `since`, and who is here. Whatever the page
    shows of somebody's own doing it has got with the answer to that.
    """
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    now = issue.last_event
    _has_seen(issue, by, request.POST.getlist("seen"), now)
    if not request.htmx:
        return see_other(reverse("issue", args=[desk, day]))
    _is_here(issue, by, request.POST.get("card", ""))
    since = request.POST.get("since", "")
    since = int(since) if is_number(since) else now
    alarms = alarms_at(by.desk)
    context = {
        "people": pages.people_at(issue, but=by.user_id),
        "alarms": alarms,
        "alarms_mark": alarms_mark(alarms),
        "desk": by.desk,
        "issue": issue,
        "since": now,
        "oob": True,
    }
    if now > since:
        context |= _news(issue, by, since)
    return render(request, "editorial/_pulse.html", context)


def _has_seen(issue: Issue, by: Membership, pairs: list[str], now: int) -> None:
    """Remember what somebody has seen, as it stands: what has changed by now they have not seen."""
    told = {}
    for pair in pairs:
        card_id, _, hash_ = pair.partition(":")
        if is_number(card_id):
            told[int(card_id)] = hash_
    if not told:
        return
    present = Card.objects.filter(section__issue=issue, pk__in=told).values_list("pk", "hash")
    glances.see(by, [(pk, hash_) for pk, hash_ in present if told[pk] == hash_], event=now)


def _is_here(issue: Issue, by: Membership, card: str) -> None:
    card_id = int(card) if is_number(card) else None
    if card_id and not Card.objects.filter(pk=card_id, section__issue=issue).exists():
        card_id = None
    Presence.objects.bulk_create(
        [Presence(user_id=by.user_id, issue=issue, card_id=card_id, at=timezone.now())],
        update_conflicts=True,
        unique_fields=["issue", "user"],
        update_fields=["card", "at"],
    )


def _news(issue: Issue, by: Membership, since: int) -> dict:
    """What is different on the page after an event."""
    events = list(
        issue.events.filter(pk__gt=since)
        .order_by("pk")
        .values_list("verb", "card_id", "actor_id")[: _TOO_MUCH + 1]
    )
    verbs = {verb for verb, _card, _actor in events}
    at = pages.workplace_of(by, issue)
    case = queue.case_of(issue, for_user=by.user_id)
    added = {card for verb, card, _actor in events if verb in ("draft.add", "card.repair") and card}
    changed = {card for _verb, card, _actor in events if card} - added
    news: dict = {
        "at": at,
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "keys": at.keys,
        "cards": pages.cards_on(at, [each for pk, each in case.cards.items() if pk in changed]),
        "ready": case.readiness,
        "undoable": pages.undoable_of(at),
        "added": len(added),
        "reload": len(events) > _TOO_MUCH or "draft.land" in verbs,
    }
    if "card.move" in verbs and not added:
        news["order"] = case.order
    if verbs & {"insight.edit", "reading.edit", "issue.edit", "suggestion.take"}:
        news |= pages.beside_cards(at)
    elif verbs & {"insight.approve", "insight.withdraw"}:
        news["insight"] = pages.insight_on(at)
    # What is signed or out is not what the desk holds any more, once somebody works on that.
    is_signed = issue.due_at or issue.published_id
    if is_signed or any(verb.startswith(("issue.", "delivery.")) for verb in verbs):
        news |= {"case": case, "publication": publication_of(case)}
    return news

"""The answers that several views give.

A page of ours asks in one of two ways. A plain form wants to go on to a page; our own JavaScript
(it says so with HX-Request) wants the parts of the page that are different now, each of which
replaces the element with its id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from digest.compiled import compiled
from digest.models import Event, Issue
from editorial import pages, queue
from editorial.editing import Difference
from editorial.forms import is_number
from editorial.history import Line, changes_since
from editorial.models import Membership
from editorial.publication import publication_of
from editorial.queue import Case
from editorial.refusals import Refusal

STATUS = {"permission": 403, "stale": 409, "guard": 409}


def see_other(url: str) -> HttpResponseRedirect:
    """Go on to a page after a POST (303, so that "reload" repeats nothing)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def done(
    request: HttpRequest, by: Membership, issue: Issue, *, said: str, back: str, **shown: Any
) -> HttpResponse:
    """What somebody asked for has been done; `said` tells it in a sentence.

    `shown` says what is different now, as `parts` takes it.
    """
    if not request.htmx:
        messages.success(request, said)
        return see_other(back)
    return parts(request, by, issue, said=said, **shown)


def done_to_card(
    request: HttpRequest,
    by: Membership,
    issue: Issue,
    *,
    event: Event,
    said: str,
    back: str,
    case: Case | None = None,
    order: str = "",
) -> HttpResponse:
    """The same for what somebody did to one card; see `parts_of_card`."""
    if not request.htmx:
        messages.success(request, said)
        return see_other(back)
    return parts_of_card(request, by, issue, event=event, said=said, case=case, order=order)


def parts_of_card(
    request: HttpRequest,
    by: Membership,
    issue: Issue,
    *,
    event: Event,
    said: str = "",
    case: Case | None = None,
    text: bool = False,
    order: str = "",
) -> HttpResponse:
    """What one's own action on a card makes different: its row, with `text` its text, or the order.

    It is asked for with every key, so nothing is read that is known already: `event` is what undo
    takes back next, what others said of the card stays as it is there (_others.html), and what is
    on the page is counted there (counting.js).
    """
    at = pages.workplace_of(by, issue)
    show = pages.cards_on if text else pages.rows_on
    context = {
        "at": at,
        "keys": at.keys,
        "oob": True,
        "cards": show(at, [case]) if case else (),
        "undoable": event,
        "order": order,
        "said": said,
    }
    return render(request, "editorial/_card_answer.html", context)


def parts(
    request: HttpRequest,
    by: Membership,
    issue: Issue,
    *,
    said: str = "",
    cards: Collection[int] = (),
    order: bool = False,
    insight: bool = False,
    beside: bool = False,
    publication: bool = False,
    status: int = 200,
    refused: dict | None = None,
) -> HttpResponse:
    """Those parts of a day page that are different now, or that somebody has to look at again.

    The rows of these `cards` with their text; with `order` the order of all; with `insight` and
    `publication` these parts of the page, with `beside` all that stands beside the cards; how far
    the issue is, always.
    """
    at = pages.workplace_of(by, issue)
    case = queue.case_of(issue, for_user=by.user_id)
    cases = [each for pk, each in case.cards.items() if pk in cards]
    # A row's new hash never comes without its text: it would be approved unseen.
    shown = pages.cards_on(at, cases)
    context = {
        "at": at,
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "keys": at.keys,
        "oob": True,
        "cards": shown,
        "ready": case.readiness,
        "undoable": pages.undoable_of(at),
        "said": said,
        "refused": refused,
    }
    if order:
        context["order"] = case.order
    if beside:
        context |= pages.beside_cards(at)
    elif insight:
        context["insight"] = pages.insight_on(at)
    if publication:
        context |= {"case": case, "since": last_event(issue)}
        context["publication"] = publication_of(case)
    return render(request, "editorial/_parts.html", context, status=status)


def refused(
    request: HttpRequest,
    refusal: Refusal,
    *,
    back: str,
    by: Membership | None = None,
    issue: Issue | None = None,
    card_id: int | None = None,
    differences: Sequence[Difference] = (),
    before_that: Event | None = None,
) -> HttpResponse:
    """The sentence of a refusal, and for a stale one what has changed since the page was loaded.

    For an undo: the `differences` to what would be taken back, and the event `before_that`.
    """
    changes: Sequence[Line] = ()
    since = request.POST.get("since", "")
    if refusal.kind == "stale" and issue and not differences and is_number(since):
        changes = changes_since(issue, int(since), card_id=card_id)
    context = {
        "sentence": refusal.sentence,
        "kind": refusal.kind,
        "back": back,
        "changes": changes,
        "differences": differences,
        "before_that": before_that,
        "desk": issue.desk if issue else None,
        "typed": _said_in(request),
    }
    if request.htmx and by and issue:
        return parts(
            request,
            by,
            issue,
            cards=[card_id] if card_id else (),
            order=True,
            beside=True,
            status=STATUS[refusal.kind],
            refused=context | {"card_id": card_id},
        )
    return render(request, "editorial/refused.html", context, status=STATUS[refusal.kind])


def asked_again(request: HttpRequest) -> int | None:
    """For what is asked for once more as its answer got lost (sending.js says so in a header): the
    event that the page had seen last by the first time. None for all else."""
    since = request.POST.get("since", "")
    return int(since) if "Copydesk-Again" in request.headers and is_number(since) else None


def _said_in(request: HttpRequest) -> list[str]:
    """A reason or a comment in what was asked for, so that a page which says no can show it."""
    return [text for name in ("note", "quote", "body") if (text := request.POST.get(name))]


def last_event(issue: Issue) -> int:
    """The id of the issue's last event: what a page has seen goes into its forms as `since`."""
    return _last_event.first(issue.pk) or 0


@compiled
def _last_event(issue) -> QuerySet[Event, int]:
    return Event.objects.filter(issue=issue).order_by("-pk").values_list("pk", flat=True)[:1]


def not_kept(request: HttpRequest, sentences: Sequence[str], *, back: str) -> HttpResponse:
    """Why something could not be kept."""
    typed = _said_in(request)
    context = {"sentence": " ".join(sentences), "kind": "form", "back": back, "typed": typed}
    template = "editorial/_not_kept.html" if request.htmx else "editorial/refused.html"
    return render(request, template, context, status=422)


def bad_form(request: HttpRequest, back: str) -> HttpResponse:
    """Something no page of ours sends."""
    return not_kept(request, [_("This form was incomplete.")], back=back)

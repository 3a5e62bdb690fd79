"""Decisions by POST: about a card, about the issue, about several cards of a section."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from digest.models import Card, Issue, Section
from editorial import decisions, repeats
from editorial.access import issue_at, membership_at, signed_in
from editorial.bulk import approve_section
from editorial.decisions import DECISIONS, decide
from editorial.forms import is_number
from editorial.refusals import Refused
from editorial.responses import asked_again, done, done_to_card, refused

DONE = {
    "approve": gettext_lazy("Approved."),
    "withdraw": gettext_lazy("Approval withdrawn."),
    "drop": gettext_lazy("Dropped. It can be restored."),
    "restore": gettext_lazy("Restored."),
    "approve_insight": gettext_lazy("Insight approved."),
    "withdraw_insight": gettext_lazy("Approval of the insight withdrawn."),
    "sign": gettext_lazy("Signed."),
    "publish": gettext_lazy("Publication is on its way."),
    "retry": gettext_lazy("Another try is on its way."),
    "republish": gettext_lazy("It is delivered again."),
    "unpublish": gettext_lazy("Readers do not have it any more; the channels take it back."),
    "hold": gettext_lazy("The presses are stopped for this issue."),
    "unhold": gettext_lazy("The presses go on."),
}


def _known(name: str, *subjects: str) -> None:
    if name not in DECISIONS or DECISIONS[name].subject not in subjects:
        raise Http404("no such decision")


def _asked(request: HttpRequest) -> dict[str, str]:
    """What a form says of a decision: the hash its maker saw, and their reason."""
    return {
        "seen": request.POST.get("seen", ""),
        "note": request.POST.get("note", "")[:2000],
    }


def _asked_before(request: HttpRequest, error: Refused) -> int | None:
    """`asked_again`, but where the text has changed since: that is not what was decided about."""
    return asked_again(request) if error.refusal.kind == "guard" else None


@require_POST
@signed_in
def card(request: HttpRequest, desk: str, day: date, pk: int, name: str) -> HttpResponse:
    """Make a decision about a card."""
    by = membership_at(request, desk)
    _known(name, "card")
    back = f"{reverse('issue', args=[desk, day])}#card-{pk}"
    asked, said = _asked(request), str(DONE[name])
    try:
        made = decisions.make(name, day=day, card_id=pk, by=by, **asked)
    except (Issue.DoesNotExist, Card.DoesNotExist):
        raise Http404("no such card at this desk on this day") from None
    except Refused as error:
        issue = issue_at(by, day)
        since = _asked_before(request, error)
        if since is not None and repeats.was_made(
            name, issue=issue, card_id=pk, by=by, since=since, **asked
        ):
            return done(request, by, issue, said=said, back=back, cards=[pk])
        return refused(request, error.refusal, back=back, by=by, issue=issue, card_id=pk)
    case = made.case
    return done_to_card(request, by, case.issue, event=made.event, said=said, back=back, case=case)


@require_POST
@signed_in
def issue(request: HttpRequest, desk: str, day: date, name: str) -> HttpResponse:
    """Make a decision about the insight or the whole issue."""
    by = membership_at(request, desk)
    _known(name, "insight", "issue")
    found = issue_at(by, day)
    back = reverse("issue", args=[desk, day])
    is_insight = DECISIONS[name].subject == "insight"
    asked = _asked(request)
    try:
        decide(name, issue_id=found.pk, by=by, **asked)
    except Refused as error:
        since = _asked_before(request, error)
        if since is None or not repeats.was_made(name, issue=found, by=by, since=since, **asked):
            return refused(request, error.refusal, back=back, by=by, issue=found)
    found.refresh_from_db()
    return done(
        request,
        by,
        found,
        said=str(DONE[name]),
        back=f"{back}#{'insight' if is_insight else 'publication'}",
        insight=is_insight,
        publication=not is_insight,
    )


@require_POST
@signed_in
def section(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Approve those cards of a section that somebody has seen and that nothing speaks against."""
    by = membership_at(request, desk)
    found = issue_at(by, day)
    home = get_object_or_404(Section, pk=pk, issue=found)
    back = f"{reverse('issue', args=[desk, day])}#section-{pk}"
    seen = {}
    for pair in request.POST.getlist("seen"):
        card_id, _, hash_ = pair.partition(":")
        if is_number(card_id):
            seen[int(card_id)] = hash_
    try:
        events = approve_section(section_id=home.pk, seen=seen, by=by)
    except Issue.DoesNotExist:  # a later draft has taken the section away in this very moment
        raise Http404("no such section") from None
    except Refused as error:
        since = _asked_before(request, error)
        events = since is not None and repeats.were_approved(seen, issue=found, by=by, since=since)
        if not events:
            return refused(request, error.refusal, back=back, by=by, issue=found)
    cards = [event.card_id for event in events]
    said = ngettext("%(count)d card approved.", "%(count)d cards approved.", len(cards))
    return done(request, by, found, said=said % {"count": len(cards)}, back=back, cards=cards)

"""Decisions by POST. One view for those about a card, one for those about the issue."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from editorial.access import card_at, issue_at, membership_at, signed_in
from editorial.decisions import DECISIONS, Refused, decide
from editorial.responses import refused, see_other

DONE = {
    "approve": _("Approved."),
    "withdraw": _("Approval withdrawn."),
    "drop": _("Dropped. It can be restored."),
    "restore": _("Restored."),
    "approve_insight": _("Insight approved."),
    "withdraw_insight": _("Approval of the insight withdrawn."),
    "sign": _("Signed."),
    "publish": _("Publication is on its way."),
    "retry": _("Another try is on its way."),
}


def _known(name: str, *subjects: str) -> None:
    if name not in DECISIONS or DECISIONS[name].subject not in subjects:
        raise Http404("no such decision")


@require_POST
@signed_in
def card(request: HttpRequest, desk: str, day: date, pk: int, name: str) -> HttpResponse:
    """Make a decision about a card."""
    by = membership_at(request, desk)
    _known(name, "card")
    found = card_at(by, day, pk)
    back = reverse("issue", args=[desk, day])
    try:
        decide(
            name,
            issue_id=found.section.issue_id,
            card_id=pk,
            by=by,
            seen=request.POST.get("seen", ""),
            note=request.POST.get("note", "")[:2000],
        )
    except Refused as error:
        return refused(
            request,
            error.refusal,
            back=f"{back}#card-{pk}",
            issue=found.section.issue,
            card_id=pk,
        )
    messages.success(request, f"{found.headline[:60]} — {DONE[name]}")
    return see_other(f"{back}#card-{pk}")


@require_POST
@signed_in
def issue(request: HttpRequest, desk: str, day: date, name: str) -> HttpResponse:
    """Make a decision about the insight or the whole issue."""
    by = membership_at(request, desk)
    _known(name, "insight", "issue")
    found = issue_at(by, day)
    back = reverse("issue", args=[desk, day])
    try:
        decide(
            name,
            issue_id=found.pk,
            by=by,
            seen=request.POST.get("seen", ""),
            note=request.POST.get("note", "")[:2000],
        )
    except Refused as error:
        return refused(request, error.refusal, back=back, issue=found)
    messages.success(request, DONE[name])
    anchor = "insight" if DECISIONS[name].subject == "insight" else "publication"
    return see_other(f"{back}#{anchor}")

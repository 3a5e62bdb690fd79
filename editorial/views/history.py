"""What happened: the history of a card and of an issue, earlier versions, taking back."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from editorial import baselines, repeats
from editorial import undo as undoing
from editorial.access import card_at, issue_at, membership_at, signed_in
from editorial.editing import Invalid
from editorial.forms import is_number
from editorial.history import lines_of, taken_back
from editorial.refusals import Refused
from editorial.responses import asked_again, bad_form, done, not_kept, refused

MOST = 200
LATEST = 12  # below the day page


@require_safe
@signed_in
def of_issue(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """All that happened to an issue, the latest first; for the day page only the last of it."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "place": reverse("issue", args=[desk, day]),
        "lines": lines_of(issue.events.all(), most=LATEST if request.htmx else MOST, by=by),
    }
    template = "_lines.html" if request.htmx else "issue_history.html"
    return render(request, f"editorial/{template}", context)


@require_safe
@signed_in
def of_card(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """What happened to a card; with `against`, how it differs from an earlier version."""
    by = membership_at(request, desk)
    card = card_at(by, day, pk)
    name = request.GET.get("against", "")
    earlier = baselines.baseline(card, name, by) if name in baselines.BASELINES else None
    context = {
        "by": by,
        "desk": by.desk,
        "issue": card.section.issue,
        "card": card,
        "place": reverse("issue", args=[desk, day]),
        "against": name if name in baselines.BASELINES else "",
        "baselines": [
            (key, label, find(card, by) is not None)
            for key, (label, find) in baselines.BASELINES.items()
        ],
        "earlier": earlier,
        "changes": baselines.against(card, earlier) if earlier else (),
        "lines": () if name else lines_of(card.events.all(), most=MOST, by=by),
    }
    template = "_card_history.html" if request.htmx else "card_history.html"
    return render(request, f"editorial/{template}", context)


@require_POST
@signed_in
def revert(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Set one field (`field`) or all of a card back to an earlier version (`to`)."""
    by = membership_at(request, desk)
    issue = card_at(by, day, pk).section.issue
    back = f"{reverse('issue', args=[desk, day])}#card-{pk}"
    to = request.POST.get("to", "")
    field = request.POST.get("field", "")
    try:
        changed = baselines.revert(
            card_id=pk,
            to=int(to) if is_number(to) else to,
            by=by,
            seen=request.POST.get("seen", ""),
            fields=[field] if field else None,
        )
    except Refused as error:
        return refused(request, error.refusal, back=back, by=by, issue=issue, card_id=pk)
    except Invalid as invalid:
        sentences = [s for each in invalid.sentences.values() for s in each]
        return not_kept(request, sentences, back=back)
    said = _("Set back.") if changed else _("Nothing was changed.")
    return done(request, by, issue, said=said, back=back, cards=[pk])


@require_POST
@signed_in
def undo(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Take back somebody's latest action, or the one of an event (`event`)."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    back = reverse("issue", args=[desk, day])
    event = request.POST.get("event", "")
    if event and not is_number(event):
        return bad_form(request, back)
    try:
        events = undoing.undo(issue_id=issue.pk, by=by, event_id=int(event) if event else None)
    except undoing.Moved as moved:
        rest = [e for e in undoing.stack(issue, by, most=5) if e.pk < moved.event.pk]
        return refused(
            request,
            moved.refusal,
            back=back,
            by=by,
            issue=issue,
            card_id=moved.event.card_id,
            differences=moved.differences,
            before_that=rest[0] if rest else None,
        )
    except Refused as error:
        since = asked_again(request)
        events = (
            repeats.were_undone(int(event), issue=issue, by=by, since=since)
            if since is not None and event
            else []
        )
        if not events:
            return refused(request, error.refusal, back=back, by=by, issue=issue)
    issue.refresh_from_db()
    cards = {each.card_id for each in events if each.card_id}
    response = done(
        request,
        by,
        issue,
        said=taken_back(events),
        back=f"{back}#card-{min(cards)}" if cards else back,
        cards=cards,
        order=True,
        beside=True,
    )
    if len(cards) == 1:
        response["Copydesk-Card"] = str(min(cards))  # the page goes where the change happened
    return response

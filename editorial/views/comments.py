"""Comments: on an issue, on a card, on a phrase of a card."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from digest.models import Card
from editorial import commenting, repeats
from editorial.access import card_at, issue_at, membership_at, signed_in
from editorial.editing import Invalid
from editorial.forms import typed
from editorial.models import Comment
from editorial.refusals import Refused
from editorial.responses import asked_again, bad_form, done, not_kept, refused


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def of_card(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """The comments on a card, and a form for one more."""
    by = membership_at(request, desk)
    card = card_at(by, day, pk)
    issue = card.section.issue
    if request.method == "POST":
        return _added(request, by, issue, card)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "card": card,
        "place": reverse("issue", args=[desk, day]),
        "remarks": commenting.remarks_on(card),
    }
    template = "_comments.html" if request.htmx else "comments.html"
    return render(request, f"editorial/{template}", context)


def _added(request: HttpRequest, by, issue, card: Card) -> HttpResponse:
    back = request.path
    try:
        commenting.add_comment(
            card_id=card.pk,
            body=typed(request.POST.get("body", "")),
            quote=typed(request.POST.get("quote", "")),
            by=by,
        )
    except Refused as error:
        return refused(request, error.refusal, back=back, by=by, issue=issue, card_id=card.pk)
    except Invalid as invalid:
        sentences = [s for each in invalid.sentences.values() for s in each]
        return not_kept(request, sentences, back=back)
    return done(request, by, issue, said=_("Comment kept."), back=back, cards=[card.pk])


@require_POST
@signed_in
def comment(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Resolve a comment, or open it again."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    found = get_object_or_404(Comment, pk=pk, issue=issue)
    back = reverse("comments", args=[desk, day, found.card_id])
    if not {"resolve", "reopen"} & request.POST.keys():
        return bad_form(request, back)
    resolve = "resolve" in request.POST
    try:
        commenting.settle_comment(comment_id=pk, resolve=resolve, by=by)
    except Refused as error:
        since = asked_again(request)
        if since is None or not repeats.was_settled(
            pk, resolve=resolve, issue=issue, by=by, since=since
        ):
            return refused(request, error.refusal, back=back, by=by, issue=issue)
    said = _("Comment resolved.") if resolve else _("Comment opened again.")
    return done(request, by, issue, said=said, back=back, cards=[found.card_id])

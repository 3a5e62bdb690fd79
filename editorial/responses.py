"""The answers that several views give."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from digest.models import Event, Issue
from editorial.decisions import Refusal
from editorial.forms import is_number
from editorial.history import Change, changes_since

STATUS = {"permission": 403, "stale": 409, "guard": 409}


def see_other(url: str) -> HttpResponseRedirect:
    """Go on to a page after a POST (303, so that "reload" repeats nothing)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def refused(
    request: HttpRequest,
    refusal: Refusal,
    *,
    back: str,
    issue: Issue | None = None,
    card_id: int | None = None,
) -> HttpResponse:
    """The sentence of a refusal, and for a stale one what has changed since the page was loaded."""
    changes: Sequence[Change] = ()
    since = request.POST.get("since", "")
    if refusal.kind == "stale" and issue and is_number(since):
        changes = changes_since(issue, int(since), card_id=card_id)
    context = {
        "sentence": refusal.sentence,
        "kind": refusal.kind,
        "back": back,
        "changes": changes,
        "desk": issue.desk if issue else None,
    }
    return render(request, "editorial/refused.html", context, status=STATUS[refusal.kind])


def last_event(issue: Issue) -> int:
    """The id of the issue's last event: what a page has seen goes into its forms as `since`."""
    return (
        Event.objects.filter(issue=issue).order_by("-pk").values_list("pk", flat=True).first() or 0
    )


def not_kept(request: HttpRequest, sentences: Sequence[str], *, back: str) -> HttpResponse:
    """Why something could not be kept."""
    context = {"sentence": " ".join(sentences), "kind": "form", "back": back}
    return render(request, "editorial/refused.html", context, status=422)


def bad_form(request: HttpRequest, back: str) -> HttpResponse:
    """Something no page of ours sends."""
    return not_kept(request, [_("This form was incomplete.")], back=back)

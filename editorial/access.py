"""Load it or answer 404, and check the right to see it: one helper per noun.

To a stranger a desk does not exist: no page tells one that it does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from digest.compiled import compiled
from digest.models import Card, Desk, Draft, Event, HeldCard, Issue
from editorial.models import Membership

#: What our own forms carry besides what somebody typed.
_NOT_TYPED = (
    *("csrfmiddlewaretoken", "seen", "since", "order", "next"),
    # what was chosen or pressed
    *("to", "section", "place", "rate", "event", "field", "rule", "after", "first", "card"),
    *("take", "decline", "resolve", "reopen", "repair", "dismiss", "approve", "save", "stay"),
)


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view for those who are signed in. Whoever is not is asked to, and loses nothing typed."""

    @wraps(view)
    def asks(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if request.user.is_authenticated and _is_theirs(request):
            return view(request, *args, **kwargs)
        if request.htmx:
            # Not on to another page: there is text on this one. It asks for the password itself.
            return HttpResponse(status=401)
        if request.method != "POST":
            return redirect_to_login(request.get_full_path())
        typed = [
            value
            for name, value in request.POST.items()
            if value and name not in _NOT_TYPED and not name.startswith("base-")
        ]
        return render(request, "editorial/signed_out.html", {"typed": typed}, status=401)

    return asks


def _is_theirs(request: HttpRequest) -> bool:
    """Whether what asks is a page of whoever is signed in, as far as it says (sending.js).

    Somebody else may have signed in since, in another tab: what a page of the one before sends is
    not theirs to have decided.
    """
    return request.headers.get("Copydesk-Person", "") in ("", str(request.user.pk))


def address_behind_proxy(request: HttpRequest) -> str:
    """Where a request came from: what our own proxy wrote, not what the client claims before it."""
    return request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()


@compiled
def memberships(desk, user) -> QuerySet[Membership]:
    """What somebody is at the desk with this slug, for the id of their account."""
    found = Membership.objects.select_related("desk", "user__preference")
    return found.filter(desk__slug=desk, user=user)


def membership_at(request: HttpRequest, desk: str) -> Membership:
    """What the signed-in person is at the desk with this slug, or 404."""
    found = memberships.first(desk, request.user.pk)
    if found is None or not found.may("read"):
        raise Http404("no such desk for this person")
    timezone.activate(found.desk.zone)  # until PrivatePages ends the request
    return found


def may_operate(user, by: Membership | None) -> bool:
    """Whether somebody may see how the machinery behind a desk stands: who answers for what goes
    out there, and who keeps the whole installation."""
    return user.is_superuser or (by is not None and by.may("publish"))


def operated_at(request: HttpRequest, desk: str) -> tuple[Desk, Membership | None]:
    """The desk whose machinery the signed-in person may see, and what they are there, or 404."""
    by = memberships.first(desk, request.user.pk)
    if not may_operate(request.user, by):
        raise Http404("no such desk for this person, or not theirs to operate")
    found = by.desk if by else get_object_or_404(Desk, slug=desk)
    timezone.activate(found.zone)  # until PrivatePages ends the request
    return found, by if by and by.may("read") else None


@compiled
def _issues(desk, day) -> QuerySet[Issue]:
    events = Event.objects.filter(issue=OuterRef("pk")).order_by("-pk").values("pk")
    found = Issue.objects.defer("machine", "lead", "footer").filter(desk=desk, date=day)
    return found.annotate(last_event=Subquery(events[:1]))


def issue_at(by: Membership, day: date) -> Issue:
    """The desk's issue of a day, or 404. Its `last_event` is the id of what happened to it last:
    what a page has seen goes into its forms as `since`."""
    issue = _issues.first(by.desk_id, day)
    if issue is None:
        raise Http404("no such issue at this desk")
    issue.desk = by.desk
    issue.last_event = issue.last_event or 0
    return issue


def card_at(by: Membership, day: date, pk: int) -> Card:
    """A card of the desk's issue of a day, or 404."""
    return get_object_or_404(
        Card.objects.whole().select_related("section__issue__desk"),
        pk=pk,
        section__issue__desk=by.desk_id,
        section__issue__date=day,
    )


def held_card_at(by: Membership, day: date, pk: int) -> HeldCard:
    """A card that could not be read, of the desk's issue of a day, or 404."""
    return get_object_or_404(
        HeldCard.objects.select_related("issue__desk"),
        pk=pk,
        issue__desk=by.desk_id,
        issue__date=day,
    )


def draft_at(by: Membership, pk: int) -> Draft:
    """A draft the desk received, or 404."""
    return get_object_or_404(Draft, pk=pk, desk=by.desk_id)

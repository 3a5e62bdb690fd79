"""Load it or answer 404, and check the right to see it: one helper per noun.

To a stranger a desk does not exist: no page tells one that it does.
"""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from digest.models import Card, Draft, HeldCard, Issue
from editorial.models import Membership


def membership_at(request: HttpRequest, desk: str) -> Membership:
    """What the signed-in person is at the desk with this slug, or 404."""
    found = (
        Membership.objects.select_related("desk", "user")
        .filter(desk__slug=desk, user=request.user)
        .first()
    )
    if found is None or not found.may("read"):
        raise Http404("no such desk for this person")
    return found


def issue_at(by: Membership, day: date) -> Issue:
    """The desk's issue of a day, or 404."""
    return get_object_or_404(Issue.objects.select_related("desk"), desk=by.desk_id, date=day)


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

"""The product's addresses, the admin that is its peer, and two yardsticks behind all middleware: a
view that does nothing, and the least a change can be."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from benches.peers import site
from digest.models import Card, Event
from editorial.access import membership_at
from editorial.locking import lock


def constant(request: HttpRequest) -> HttpResponse:
    """Answer with a word; what it takes is what the middleware takes."""
    return HttpResponse("constant")


def least_change(request: HttpRequest, desk: str, card: int) -> HttpResponse:
    """Write what was typed, after asking who asks and what they may do now, under the issue's lock,
    with an event that tells of it. Nothing is compared, checked, hashed or shown."""
    by = membership_at(request, desk)
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card)
        Card.objects.filter(pk=card).update(summary=request.POST["value"])
        Event.objects.create(
            desk_id=issue.desk_id, issue=issue, actor=role.user, verb="card.edit", field="summary"
        )
    return HttpResponse(status=204)


urlpatterns = [
    path("constant", constant),
    path("least/<desk>/<int:card>", least_change),
    path("peer/", site.urls),
    path("", include("digest.urls")),
]

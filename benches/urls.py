"""The product's addresses, the admin that is its peer, and one yardstick: a view that does nothing,
behind all middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from benches.peers import site


def constant(request: HttpRequest) -> HttpResponse:
    """Answer with a word; what it takes is what the middleware takes."""
    return HttpResponse("constant")


urlpatterns = [
    path("constant", constant),
    path("peer/", site.urls),
    path("", include("digest.urls")),
]

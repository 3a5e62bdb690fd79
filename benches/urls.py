"""The product's addresses and one yardstick: a view that does nothing, behind all middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def constant(request: HttpRequest) -> HttpResponse:
    """Answer with a word; what it takes is what the middleware takes."""
    return HttpResponse("constant")


urlpatterns = [path("constant", constant), path("", include("digest.urls"))]

"""What holds for every request, and for every answer to somebody who is signed in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers


class OnlyUtf8:
    """Read whatever is sent as UTF-8, whatever it claims to be: out of UTF-7 come half characters
    that no database takes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.encoding:
            request.encoding = "utf-8"
        return self.get_response(request)


class PrivatePages:
    """Keep signed-in pages out of every cache: after signing out, "back" must show nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(None):  # a view may have activated its desk's zone
            response = self.get_response(request)
        user = getattr(request, "user", None)
        # accessed: asking whether somebody is signed in would load the session of every reader.
        if getattr(request, "session", None) and request.session.accessed and user.is_authenticated:
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store"
            patch_vary_headers(response, ["HX-Request"])
        return response

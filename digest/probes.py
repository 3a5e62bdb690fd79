"""Doors for programs that watch the desk: is it alive, can it work, how does it stand."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from digest import operations
from digest.metrics import CONTENT_TYPE, text_of

#: What a proxy adds to a request. One that carries any of these came from somewhere else, even if
#: the proxy itself runs on this machine.
_FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP"),
)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers. It asks nobody else: there a new process mends nothing."""
    return _text("ok\n")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while the desk can do its work; 503 with a line for each thing that it lacks."""
    lacking = list(_lacking())
    if lacking:
        return _text("".join(f"{line}\n" for line in lacking), status=503)
    return _text("ok\n")


def _lacking() -> Iterator[str]:
    try:
        beat = operations.last_beat()
    except Error:
        yield "database out of reach"
    else:
        now = timezone.now()
        if beat is None:
            yield "beat has not been heard of yet"
        elif not operations.is_recent(beat, now):
            yield f"no beat since {beat:%Y-%m-%dT%H:%M:%SZ}"
    if operations.look_at_broker() is None:
        yield "broker out of reach"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The standing of the desk for Prometheus: to whoever shows METRICS_TOKEN, or to this machine
    alone if there is no such token."""
    if settings.METRICS_TOKEN:
        shown = request.headers.get("Authorization", "")
        if not constant_time_compare(shown, f"Bearer {settings.METRICS_TOKEN}"):
            refusal = _text("Show METRICS_TOKEN as a bearer token.\n", status=401)
            refusal["WWW-Authenticate"] = "Bearer"
            return refusal
    elif not _is_from_this_machine(request):
        sentence = "Set METRICS_TOKEN to read this from another machine.\n"
        return _text(sentence, status=403)
    return HttpResponse(text_of(operations.standing_of()), content_type=CONTENT_TYPE)


def _is_from_this_machine(request: HttpRequest) -> bool:
    if any(header in request.META for header in _FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _text(content: str, status: int = 200) -> HttpResponse:
    answer = HttpResponse(content, status=status, content_type="text/plain; charset=utf-8")
    answer["Cache-Control"] = "no-store"
    return answer

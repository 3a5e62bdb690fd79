"""Somebody's keys: which they are, whether there are any, and that the first steps were shown."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from editorial import keymap
from editorial.access import signed_in
from editorial.models import Preference
from editorial.responses import see_other


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def keys(request: HttpRequest) -> HttpResponse:
    """Show somebody's keys; take the ones they choose, or switch all of them off or on."""
    preference = Preference.objects.filter(user=request.user).first() or Preference(
        user=request.user
    )
    chosen = keymap.keys_of(Preference(keys=preference.keys))
    faults: dict[str, str] = {}
    if request.method == "POST":
        if "usual" in request.POST:
            chosen = {name: action.key for name, action in keymap.ACTIONS.items()}
        else:
            # Not by its name alone: "next" is an action, and the page somebody came from.
            chosen = {n: request.POST.get(f"key-{n}", key) for n, key in chosen.items()}
        faults = keymap.faults_of(chosen)
        if not faults:
            own = {name: key for name, key in chosen.items() if key != keymap.ACTIONS[name].key}
            off = "on" not in request.POST and "usual" not in request.POST
            Preference.objects.update_or_create(
                user=request.user, defaults={"keys": own, "keys_off": off}
            )
            messages.success(request, _("Your keys are kept."))
            return see_other(_back(request))
    context = {
        "actions": [
            (name, action.label, chosen[name], action.key, faults.get(name))
            for name, action in keymap.ACTIONS.items()
        ],
        "fixed": keymap.FIXED.values(),
        "faults": faults,
        "off": preference.keys_off,
        "next": _back(request),
    }
    return render(request, "editorial/keys.html", context, status=422 if faults else 200)


@require_POST
@signed_in
def guided(request: HttpRequest) -> HttpResponse:
    """Somebody has read the first steps: do not show them again."""
    Preference.objects.update_or_create(user=request.user, defaults={"guided": True})
    # Not 204: htmx leaves the page alone then, and the first steps would stay on it.
    return HttpResponse() if request.htmx else see_other(_back(request))


def _back(request: HttpRequest) -> str:
    """The page somebody came from, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if wanted and safe else request.path

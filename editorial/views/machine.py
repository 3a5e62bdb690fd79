"""The machine as the desk sees it: its sources, its runs, and one run while it goes on."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from digest import machine
from digest.models import Run
from editorial.access import membership_at, signed_in
from editorial.models import name_of
from editorial.responses import see_other
from editorial.tasks import wake_drafter

#: How many runs are listed.
MOST = 30


class Step(NamedTuple):
    """A step of the funnel: how many were left after it. `width` is in percent of the first."""

    name: str
    count: int
    width: float


#: What the funnel counts, in order.
_FUNNEL = {
    "articles": gettext_lazy("articles read"),
    "distinct": gettext_lazy("after the same links and texts were joined"),
    "topics": gettext_lazy("topics on the shortlist"),
    "placed": gettext_lazy("cards"),
}


@require_safe
@signed_in
def sources(request: HttpRequest, desk: str) -> HttpResponse:
    """Where the machine looks, how its sources are, and its last runs."""
    by = membership_at(request, desk)
    feeds = list(by.desk.feeds.all())
    asked = [feed for feed in feeds if feed.enabled]
    context = {
        "by": by,
        "desk": by.desk,
        "feeds": sorted(feeds, key=lambda feed: (not feed.is_degraded, not feed.enabled)),
        "asked": len(asked),
        "degraded": sum(feed.is_degraded for feed in asked),
        "runs": list(by.desk.runs.defer("snapshot", "content").order_by("-pk")[:MOST]),
        "is_running": by.desk.runs.filter(state=Run.State.RUNNING).exists(),
    }
    return render(request, "editorial/machine.html", context)


@require_safe
@signed_in
def run(request: HttpRequest, desk: str, pk: int) -> HttpResponse:
    """One run. While it goes on the page asks for its middle again and says what it shows
    (`have`): where that is still so, 204 leaves it alone."""
    by = membership_at(request, desk)
    runs = by.desk.runs.defer("snapshot", "content").select_related("draft__issue")
    found = get_object_or_404(runs, pk=pk)
    shown = {"by": by, "desk": by.desk, "run": found} | _parts(found)
    middle = render_to_string("editorial/_run_body.html", shown, request)
    mark = hashlib.sha256(middle.encode()).hexdigest()[:16]
    if request.htmx and request.GET.get("have") == mark:
        return HttpResponse(status=204)
    template = "editorial/_run.html" if request.htmx else "editorial/run.html"
    return render(request, template, shown | {"middle": middle, "mark": mark})


def _parts(run: Run) -> dict:
    """What a run is made of, for its page."""
    most = max(run.counts.get("articles", 0), 1)
    stages = list(Run.Stage.choices)
    reached = [value for value, _label in stages].index(run.stage)
    return {
        "funnel": [
            Step(name, run.counts[key], round(100 * run.counts[key] / most, 2))
            for key, name in _FUNNEL.items()
            if key in run.counts
        ],
        "stages": [
            (label, run.seconds.get(value), _state(run, place, reached))
            for place, (value, label) in enumerate(stages)
        ],
        "cards": list(run.cards.all()),
        "writers": list(run.cards.values("writer").annotate(n=Count("pk")).order_by("-n")),
        "usage": machine.usage_of(run),
        "faults_kept": machine.FAULTS_KEPT,
    }


def _state(run: Run, place: int, reached: int) -> str:
    """Whether a stage is done, under way, to come, or the one it failed in."""
    if place != reached:
        return "done" if place < reached else "open"
    return {Run.State.DONE: "done", Run.State.FAILED: "failed"}.get(run.state, "now")


@require_POST
@signed_in
def draft(request: HttpRequest, desk: str) -> HttpResponse:
    """Have the machine draft today. What people have changed already stays as it is."""
    by = membership_at(request, desk)
    try:
        begun = machine.begin(by.desk, by.desk.today(), asked_by=name_of(by.user))
    except machine.Busy as busy:
        begun = busy.run
        messages.info(request, _("The machine is at it already."))
    except machine.Unwilling as error:
        said = _("The machine could not begin: %(reason)s.") % {"reason": error}
        messages.error(request, said)
        return see_other(reverse("machine", args=[desk]))
    wake_drafter(begun.pk)
    return see_other(reverse("run", args=[desk, begun.pk]))

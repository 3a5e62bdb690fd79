"""The way to a desk, and one issue with all its cards."""

from __future__ import annotations

import json
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from editorial import pages, queue
from editorial.access import issue_at, membership_at, signed_in
from editorial.alarms import alarms_at, alarms_mark
from editorial.publication import publication_of


@require_safe
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The person's desk; with none, a page that says whom to ask."""
    roles = [m for m in request.user.memberships.select_related("desk") if m.may("read")]
    if not roles:
        return render(request, "editorial/no_desk.html", status=403)
    if len(roles) == 1:
        return redirect("queue", roles[0].desk.slug)
    return render(request, "editorial/desks.html", {"roles": roles})


@require_safe
@signed_in
def issue(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """An issue: its cards in sections, the insight, and what stands between it and publication."""
    by = membership_at(request, desk)
    found = issue_at(by, day)
    at = pages.workplace_of(by, found)
    view = pages.day_page(at)
    alarms = alarms_at(by.desk)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": found,
        "at": at,
        "keys": at.keys,
        "keys_json": json.dumps(at.keys, ensure_ascii=False),
        "case": view.case,
        "signs": by.may("sign"),
        "ready": view.case.readiness,
        # Read before the rows: what happens in between counts as not seen.
        "since": found.last_event,
        "view": view,
        "front": pages.front_on(found),
        "alarms": alarms,
        "alarms_mark": alarms_mark(alarms),
        "people": pages.people_at(found, but=by.user_id),
        "undoable": pages.undoable_of(at),
        "publication": publication_of(view.case),
        "remarks": pages.remarks_on(found),
    }
    return render(request, "editorial/issue.html", context)


@require_safe
@signed_in
def publication(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Where the publication stands: a fragment that the page asks for while something moves.

    The page says what it shows (`have`): where that is still so, 204 leaves it alone.
    """
    by = membership_at(request, desk)
    found = issue_at(by, day)
    if not request.htmx:
        return redirect(reverse("issue", args=[desk, day]) + "#publication")
    case = queue.case_of_issue(found.pk)
    standing = publication_of(case)
    if request.GET.get("have") == standing.mark:
        return HttpResponse(status=204)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": found,
        "case": case,
        "since": found.last_event,
        "keys": pages.workplace_of(by, found).keys,
        "publication": standing,
        "fragment": True,
    }
    return render(request, "editorial/_publication.html", context)

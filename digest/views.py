"""The readers' pages. They show signed editions only, never working rows."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from digest import rendering
from digest.editions import document_in
from digest.models import Desk, Edition, Issue

FRONT_PAGE = 60  # issues listed on a front page


def _desk(slug: str | None) -> Desk:
    desks = Desk.objects.order_by("pk")
    found = desks.filter(slug=slug).first() if slug else desks.first()
    if found is None:
        raise Http404("no such paper")
    timezone.activate(found.zone)  # until PrivatePages ends the request
    return found


@require_safe
def front(request: HttpRequest, desk: str | None = None) -> HttpResponse:
    """What has been published, newest first."""
    paper = _desk(desk)
    issues = (
        Issue.objects.of(paper)
        .exclude(published=None)
        .values("date", title=F("published__title"))[:FRONT_PAGE]
    )
    return render(request, "digest/front.html", {"paper": paper, "named": desk, "issues": issues})


@require_safe
def edition(request: HttpRequest, day: date, desk: str | None = None) -> HttpResponse:
    """The published edition of a day."""
    paper = _desk(desk)
    issue = get_object_or_404(
        Issue.objects.only("published_id", "published_at", "desk_id"), desk=paper, date=day
    )
    if issue.published_id is None:
        return _not_published(request, issue, {"paper": paper, "named": desk, "day": day})
    published = (
        Edition.objects.defer("content", "document")
        .select_related("signed_by")
        .get(pk=issue.published_id)
    )
    context = {
        "paper": paper,
        "named": desk,
        "issue": issue,
        "edition": published,
        "page": _page(published.pk, published.sha256),
    }
    return render(request, "digest/edition.html", context)


def _not_published(request: HttpRequest, issue: Issue, context: dict) -> HttpResponse:
    """404; whoever looks for what was once published hears that it was taken back."""
    if not issue.events.filter(verb="issue.unpublish").exists():
        raise Http404("nothing is published of this day")
    return render(request, "digest/taken_back.html", context, status=404)


@lru_cache(maxsize=64)
def _page(edition_id: int, sha256: str) -> rendering.IssueView:
    """What a hash names never changes, so its page is made once."""
    return rendering.view_of(document_in(Edition.objects.defer("content").get(pk=edition_id)))

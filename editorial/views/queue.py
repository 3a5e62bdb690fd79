"""The queue of a desk: what waits, across days; what came in meanwhile; all issues there are."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from editorial import queue
from editorial.access import may_operate, membership_at, signed_in
from editorial.alarms import alarms_of
from editorial.filters import Filters
from editorial.forms import is_number
from editorial.listing import STATE_LABELS, facets_of, last_event_of, new_cards, rows_of, without
from editorial.search import MOST, find, issues_in_work

CARDS_A_PAGE = 30
ISSUES_A_PAGE = 30
#: So many issues in work stand above the list; the others are in the archive.
ISSUES_ON_TOP = 14


@require_safe
@signed_in
def cards(request: HttpRequest, desk: str) -> HttpResponse:
    """The cards that wait, or those somebody looks for; while typing, only the list of them."""
    by = membership_at(request, desk)
    since = last_event_of(by.desk)  # before the rows: what happens in between counts as not seen
    filters = Filters.read(request.GET)
    in_work = issues_in_work(by.desk)
    found = find(by.desk, filters, [pk for pk, _day in in_work])
    page = Paginator(found.hits, CARDS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "by": by,
        "desk": by.desk,
        "may_operate": may_operate(request.user, by),
        "today": by.desk.today(),
        "since": since,
        "filters": filters,
        "facets": facets_of(filters, found),
        "found": found,
        "most": MOST,
        "page": page,
        "rows": rows_of(by.desk, page.object_list, filters),
        "in_work_query": Filters().query,
        "archive_query": filters.with_(scope="all", state="any").query,
        "text_alone": Filters(q=filters.q).query,
        "state_label": STATE_LABELS[filters.present_state],
        "without_text": without(filters, "q"),
        "has_today": any(day == by.desk.today() for _pk, day in in_work),
        "is_empty_desk": not in_work and not by.desk.issues.exists(),
    }
    if request.htmx and request.htmx.target == "found":
        answer = render(request, "editorial/_found.html", context)
        return push_url(answer, reverse("queue", args=[desk]) + filters.query)
    if not filters.is_archive:
        on_top = [pk for pk, _day in in_work[:ISSUES_ON_TOP]]
        issues = list(queue.issues_of(by.desk).filter(pk__in=on_top))
        context |= {
            "busy": [issue for issue in issues if not queue.is_out(issue)],
            "settled": [issue for issue in issues if queue.is_out(issue)],
            "more_issues": len(in_work) - len(on_top),
            "refused": queue.drafts_refused(by.desk)[:10],
        }
    context |= alarms_of(by.desk)
    return render(request, "editorial/queue.html", context)


@require_safe
@signed_in
def news(request: HttpRequest, desk: str) -> HttpResponse:
    """How many cards came in after what a page of the queue has seen (`since`): a fragment that the
    page asks for now and then. What it shows already (`have`) is answered with 204."""
    by = membership_at(request, desk)
    filters = Filters.read(request.GET)
    if not request.htmx:
        return redirect(reverse("queue", args=[desk]) + filters.query)
    since = request.GET.get("since", "")
    count = new_cards(by.desk, int(since)) if is_number(since) else 0
    if request.GET.get("have", "0") == str(count):
        return HttpResponse(status=204)
    context = {"desk": by.desk, "since": since, "count": count, "filters": filters}
    return render(request, "editorial/_news.html", context)


@require_safe
@signed_in
def archive(request: HttpRequest, desk: str) -> HttpResponse:
    """All issues of the desk, newest first, with what each still waits for."""
    by = membership_at(request, desk)
    page = Paginator(queue.issues_of(by.desk), ISSUES_A_PAGE).get_page(request.GET.get("page"))
    context = {"by": by, "desk": by.desk, "page": page, "today": by.desk.today()}
    return render(request, "editorial/archive.html", context)

"""The proof: the issue as readers will see it, and the signature below it."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from digest import rendering
from editorial import queue
from editorial.access import issue_at, membership_at
from editorial.pages import publication_of
from editorial.responses import last_event


@require_safe
@login_required
def proof(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Show the proof; the form on it signs exactly what is shown."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    since = last_event(issue)
    case = queue.case_of_issue(issue.pk)
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "case": case,
        "since": since,
        "page": rendering.view_of(case.proof.document),
        "publication": publication_of(case),
    }
    return render(request, "editorial/proof.html", context)

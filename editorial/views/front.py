"""The front matter that people edit: title, description, summary, tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from editorial import editing, forms
from editorial.access import issue_at, membership_at, signed_in
from editorial.editing import Collision, Invalid
from editorial.labels import FRONT_LABELS
from editorial.models import Membership
from editorial.refusals import Refused
from editorial.responses import refused, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def front(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Show the front matter as a form; take what it changed."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    if request.method != "POST":
        return _form(request, by, issue)
    try:
        present = editing.front_values(issue)
        changes = forms.changes_in(request.POST, present, forms.FRONT_KINDS)
        changed = editing.change_front(issue_id=issue.pk, changes=changes, by=by)
    except Refused as error:
        return refused(request, error.refusal, back=request.path)
    except Invalid as invalid:
        return _form(request, by, issue, status=422, errors=invalid.sentences)
    except Collision as collision:
        issue.refresh_from_db()
        collided = {d.field: d for d in collision.differences}
        return _form(request, by, issue, status=409, collided=collided)
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return see_other(f"{reverse('issue', args=[desk, day])}#front")


def _form(
    request: HttpRequest,
    by: Membership,
    issue,
    *,
    status: int = 200,
    errors: Mapping | None = None,
    collided: Mapping | None = None,
) -> HttpResponse:
    fields = forms.fields_of(
        editing.front_values(issue),
        forms.FRONT_KINDS,
        machine=editing.front_machine(issue),
        labels=FRONT_LABELS,
        posted=request.POST if status != 200 else None,
        errors=errors,
        collided=collided,
    )
    place = reverse("issue", args=[by.desk.slug, issue.date])
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "since": issue.last_event,
        "fields": fields,
        "errors": (errors or {}).get("", ()),
        "collided": bool(collided),
        "save_at": f"{place}front/",
        "place": place,
        "about": f"front.{issue.pk}",
    }
    template = "_editor.html" if request.htmx else "front.html"
    return render(request, f"editorial/{template}", context, status=status)

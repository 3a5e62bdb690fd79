"""The editor's insight and the reading list: their passages, edited together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from digest.markup import to_html, warnings
from digest.models import Issue, Passage, Suggestion
from editorial import editing, pages, queue
from editorial.access import issue_at, membership_at, signed_in
from editorial.editing import Change, Collision, Invalid, hash_of
from editorial.forms import FieldView, typed
from editorial.labels import FIELD_LABELS
from editorial.models import Membership
from editorial.refusals import Refused
from editorial.responses import refused, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def passages(request: HttpRequest, desk: str, day: date, kind: str) -> HttpResponse:
    """Show the passages of the insight or the reading list as a form; take what it changed."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    if not issue.sections.filter(kind=kind).exists():
        raise Http404("this issue has none")
    if request.method != "POST":
        return _form(request, by, issue, kind)
    rows = _rows(issue, kind)
    if _typed_into_gone(request.POST, rows):
        return _form(request, by, issue, kind, status=409)
    changes = [
        (row.pk, Change(field, typed(request.POST[name]), request.POST[f"base-{name}"]))
        for row in rows
        for field in ("title", "body")
        if (name := f"{field}.{row.pk}") in request.POST
        and f"base-{name}" in request.POST
        and hash_of(typed(request.POST[name])) != request.POST[f"base-{name}"]
    ]
    try:
        changed = editing.change_passages(issue_id=issue.pk, changes=changes, by=by)
    except Refused as error:
        return refused(request, error.refusal, back=request.path)
    except Invalid as invalid:
        sentences = [s for each in invalid.sentences.values() for s in each]
        return _form(request, by, issue, kind, status=422, errors=sentences)
    except Passage.DoesNotExist:  # gone in this very moment
        return _form(request, by, issue, kind, status=409)
    except Collision as collision:
        collided = {d.field: d for d in collision.differences}
        return _form(request, by, issue, kind, status=409, collided=collided)
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return see_other(
        request.path if "stay" in request.POST else f"{reverse('issue', args=[desk, day])}#{kind}"
    )


def _typed_into_gone(posted: QueryDict, rows: Sequence[Passage]) -> list[str]:
    """What was typed into passages that a later draft has taken away meanwhile."""
    present = {row.pk for row in rows}
    return [
        typed(text)
        for name, text in posted.items()
        if (match := re.fullmatch(r"(?:title|body)\.([0-9]{1,18})", name))
        and int(match[1]) not in present
        and hash_of(typed(text)) != posted.get(f"base-{name}")
    ]


def _rows(issue: Issue, kind: str) -> list[Passage]:
    return list(
        Passage.objects.filter(section__issue=issue, section__kind=kind)
        .prefetch_related(
            Prefetch("suggestions", Suggestion.objects.filter(state=Suggestion.State.OPEN))
        )
        .order_by("section__position", "position")
    )


def _form(
    request: HttpRequest,
    by: Membership,
    issue: Issue,
    kind: str,
    *,
    status: int = 200,
    errors: Sequence[str] = (),
    collided: dict | None = None,
) -> HttpResponse:
    rows = _rows(issue, kind)
    posted = request.POST if status != 200 else None
    place = reverse("issue", args=[by.desk.slug, issue.date])
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "kind": kind,
        "place": place,
        "save_at": f"{place}passages/",
        "about": f"passages.{issue.pk}",
        "seen": issue.insight_hash if kind == "insight" else "",
        "case": queue.case_of_insight(issue),
        "since": issue.last_event,
        "remarks": pages.remarks_on(issue) if kind == "insight" else None,
        "passages": [
            {
                "row": row,
                "html": to_html(row.body),
                "warnings": warnings(row.body),
                "fields": [
                    _field(row, field, posted, (collided or {}).get(f"{field}.{row.pk}"))
                    for field in ("title", "body")
                ],
                "suggestions": [
                    (suggestion, hash_of(getattr(row, suggestion.field)))
                    for suggestion in row.suggestions.all()
                ],
            }
            for row in rows
        ],
        "errors": errors,
        "collided": bool(collided),
        "gone": _typed_into_gone(posted, rows) if posted else (),
    }
    context["fields"] = [field for each in context["passages"] for field in each["fields"]]
    template = "_editor.html" if request.htmx and status == 200 else "passages.html"
    return render(request, f"editorial/{template}", context, status=status)


def _field(row: Passage, field: str, posted, difference) -> FieldView:
    name, present = f"{field}.{row.pk}", getattr(row, field)
    wrote = row.machine.get(field)
    return FieldView(
        name=name,
        label=FIELD_LABELS[field],
        control="line" if field == "title" else "textarea",
        text=typed(posted[name]) if posted and name in posted else present,
        base=hash_of(present)
        if difference or not posted
        else posted.get(f"base-{name}", hash_of(present)),
        errors=[],
        theirs=difference.theirs if difference else None,
        started_from=difference.base if difference else None,
        machine=wrote if wrote is not None and wrote != present else None,
    )

"""What machines sent: the payload as it came and what could not be read of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from editorial.access import draft_at, membership_at, signed_in


@require_safe
@signed_in
def draft(request: HttpRequest, desk: str, pk: int) -> HttpResponse:
    """A draft with its problems and deviations."""
    by = membership_at(request, desk)
    found = draft_at(by, pk)
    context = {"by": by, "desk": by.desk, "draft": found, "size": len(found.payload)}
    return render(request, "editorial/draft.html", context)


@require_safe
@signed_in
def payload(request: HttpRequest, desk: str, pk: int) -> HttpResponse:
    """The payload, byte for byte, as a download: it is hostile until proven otherwise."""
    found = draft_at(membership_at(request, desk), pk)
    response = HttpResponse(bytes(found.payload), content_type="application/octet-stream")
    suffix = "json" if found.media_type == "application/json" else "md"
    response["Content-Disposition"] = f'attachment; filename="draft-{found.pk}.{suffix}"'
    return response

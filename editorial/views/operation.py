"""How the machinery behind a desk stands: for those who answer for what goes out."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from digest import operations
from editorial.access import operated_at, signed_in


@require_safe
@signed_in
def operation(request: HttpRequest, desk: str) -> HttpResponse:
    """Workers, queues, ticks, and the desk's deliveries that wait or failed.

    The page asks for its middle again and again and says what it shows (`have`): where that is
    still so, 204 leaves it alone. So it shows moments and no "seconds ago".
    """
    place, by = operated_at(request, desk)
    standing = operations.standing_of(place)
    shown = {
        "by": by,
        "place": place,
        "standing": standing,
        "deliveries": operations.undelivered(place),
    }
    middle = render_to_string("editorial/_operation_body.html", shown, request)
    mark = hashlib.sha256(middle.encode()).hexdigest()[:16]
    if request.htmx and request.GET.get("have") == mark:
        return HttpResponse(status=204)
    # Without a membership the masthead must not lead to a desk that is closed to them.
    context = shown | {"desk": by and place, "middle": middle, "mark": mark}
    template = "editorial/_operation.html" if request.htmx else "editorial/operation.html"
    return render(request, template, context)

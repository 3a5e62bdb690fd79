"""Names that begin as somebody types one: entities and tags that the desk knows already."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from digest.models import Term
from editorial.access import membership_at, signed_in

MOST = 8


@require_safe
@signed_in
def terms(request: HttpRequest, desk: str) -> JsonResponse:
    """The names that begin with `q`, whatever its case, width or script, the shortest first."""
    membership_at(request, desk)
    key = Term.key_of(request.GET.get("q", "")[:100].replace("\0", ""))
    found = Term.objects.filter(folded__startswith=key).order_by("folded") if key else ()
    names = [term.name for term in found[: 4 * MOST]] if key else []
    return JsonResponse({"names": sorted(names, key=len)[:MOST]})

"""Names that begin as somebody types one: entities and tags that the desk knows already."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from digest.models import CardEntity, IssueTag, Term
from editorial.access import membership_at, signed_in

MOST = 8


@require_safe
@signed_in
def terms(request: HttpRequest, desk: str) -> JsonResponse:
    """The names that begin with `q`, whatever its case, width or script, the shortest first."""
    by = membership_at(request, desk)
    key = Term.key_of(request.GET.get("q", "")[:100].replace("\0", ""))
    # Names are kept once for all desks: what another one is writing about is not told here.
    on_cards = CardEntity.objects.filter(content_object__section__issue__desk=by.desk_id)
    on_issues = IssueTag.objects.filter(content_object__desk=by.desk_id)
    ours = Q(Exists(on_cards.filter(tag=OuterRef("pk")).order_by())) | Q(
        Exists(on_issues.filter(tag=OuterRef("pk")).order_by())
    )
    found = Term.objects.filter(ours, folded__startswith=key).order_by("folded") if key else ()
    names = [term.name for term in found[: 4 * MOST]] if key else []
    return JsonResponse({"names": sorted(names, key=len)[:MOST]})

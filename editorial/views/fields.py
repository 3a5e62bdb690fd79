"""Saving one field: the value as it was typed, and the hash of the value it started from.

Only our own JavaScript asks here, so the answers are JSON: what the next save starts from, and the
parts of the page that are different now. Without JavaScript the same fields are saved by the forms
of their pages (views.cards, views.insight, views.front).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from digest.document import Importance
from digest.markup import to_html, warnings
from digest.models import Issue, Passage
from editorial import diff, editing, forms, pages, queue
from editorial.access import issue_at, membership_at, signed_in
from editorial.editing import Change, Collision, Difference, Invalid, hash_of
from editorial.forms import Kind, typed
from editorial.models import Membership
from editorial.refusals import Refused
from editorial.responses import (
    STATUS,
    bad_form,
    done,
    not_kept,
    parts,
    parts_of_card,
    refused,
)


@require_POST
@signed_in
def card_field(request: HttpRequest, desk: str, day: date, pk: int, field: str) -> HttpResponse:
    """Save one field of a card."""
    by = membership_at(request, desk)
    kind = forms.CARD_KINDS.get(field)
    if kind is None:
        raise Http404("no such field")

    def save(change: Change) -> dict[str, Any]:
        try:
            saved = editing.save_card(card_id=pk, changes=[change], by=by, day=day)
        except Issue.DoesNotExist:
            raise Http404("no such card at this desk on this day") from None
        answer = {"before": saved.before, "hash": saved.after}
        if saved.event:
            answer["parts"] = _parts_of_card(request, by, saved).content.decode()
        return answer

    return _saved(request, field, kind, save)


def _parts_of_card(
    request: HttpRequest, by: Membership, saved: editing.Saved, said: str = ""
) -> HttpResponse:
    pages.keep_body(saved.after, saved.value)
    event = saved.event
    case = queue.case_of_written(saved.card, event.issue, seen=saved.seen)
    return parts_of_card(request, by, event.issue, event=event, said=said, case=case, text=True)


@require_POST
@signed_in
def passage_field(request: HttpRequest, desk: str, day: date, pk: int, field: str) -> HttpResponse:
    """Save title or body of a passage of the insight or the reading list."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    kind = {"title": forms.LINE, "body": forms.TEXT}.get(field)
    passage = get_object_or_404(Passage.objects.select_related("section"), pk=pk)
    if kind is None or passage.section.issue_id != issue.pk:
        raise Http404("no such field")

    def save(change: Change) -> dict[str, Any]:
        try:
            saved = editing.save_passages(issue_id=issue.pk, changes=[(pk, change)], by=by)
        except Passage.DoesNotExist:  # a later draft has taken it away in this very moment
            raise Http404("no such passage") from None
        hashes = {"before": saved.before, "hash": saved.after}
        return hashes | (_parts_of_issue(request, by, issue) if saved.fields else {})

    return _saved(request, field, kind, save)


@require_POST
@signed_in
def front_field(request: HttpRequest, desk: str, day: date, field: str) -> HttpResponse:
    """Save one entry of the front matter."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    kind = forms.FRONT_KINDS.get(field)
    if kind is None:
        raise Http404("no such field")

    def save(change: Change) -> dict[str, Any]:
        changed = editing.change_front(issue_id=issue.pk, changes=[change], by=by)
        return _parts_of_issue(request, by, issue) if changed else {}

    return _saved(request, field, kind, save)


def _parts_of_issue(request: HttpRequest, by: Membership, issue: Issue) -> dict[str, Any]:
    issue.refresh_from_db()
    return {"parts": parts(request, by, issue, beside=True).content.decode()}


def _saved(
    request: HttpRequest, field: str, kind: Kind, save: Callable[[Change], dict[str, Any]]
) -> HttpResponse:
    """Save what was typed, and say what became of it."""
    if "value" not in request.POST:
        return JsonResponse({"errors": [_("This form was incomplete.")]}, status=422)
    text, base = typed(request.POST["value"]), request.POST.get("base", "")
    try:
        value = kind.from_text(text)
        answer = save(Change(field, value, base))
    except Refused as error:
        return JsonResponse({"errors": [error.refusal.sentence]}, status=STATUS[error.refusal.kind])
    except Invalid as invalid:
        errors = [sentence for each in invalid.sentences.values() for sentence in each]
        return JsonResponse({"errors": errors}, status=422)
    except Collision as collision:
        return JsonResponse(_collision(collision.differences[0], kind), status=409)
    return JsonResponse({"base": hash_of(value)} | answer)


def _collision(found: Difference, kind: Kind) -> dict[str, Any]:
    """The three versions of a field and what they are together."""
    mine, theirs = kind.to_text(found.mine), kind.to_text(found.theirs)
    # Nothing in common is the careful guess: then neither text gives way to the other unseen.
    base = kind.to_text(found.base) if found.base is not None else ""
    merged = diff.merge(
        base,
        mine,
        theirs,
        conflict=lambda mine, theirs: (
            _("〔mine: %(mine)s｜theirs: %(theirs)s〕") % {"mine": mine, "theirs": theirs}
        ),
    )
    context = {"base": base, "mine": mine, "theirs": theirs, "merged": merged}
    context["can_merge"] = kind.control != "rating"  # two words of five make no third
    return {
        "collision": render_to_string("editorial/_collision.html", context),
        "base": hash_of(found.theirs),
        "mine": mine,
        "theirs": theirs,
        "merged": merged.text,
    }


@require_POST
@signed_in
def rate(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Rate a card: `4.2` is "to 4 from the 2 that was shown", 0 standing for no rating."""
    by = membership_at(request, desk)
    back = f"{reverse('issue', args=[desk, day])}#card-{pk}"
    to, _dot, shown = request.POST.get("rate", "").partition(".")
    ranks = {str(rating.value): rating.label for rating in Importance} | {"0": None}
    if to not in ranks or shown not in ranks or to == "0":
        return bad_form(request, back)
    change = Change("importance", ranks[to], hash_of(ranks[shown]))
    try:
        saved = editing.save_card(card_id=pk, changes=[change], by=by, day=day)
    except Issue.DoesNotExist:
        raise Http404("no such card at this desk on this day") from None
    except Refused as error:
        issue = issue_at(by, day)
        return refused(request, error.refusal, back=back, by=by, issue=issue, card_id=pk)
    except Invalid as invalid:
        sentences = [sentence for each in invalid.sentences.values() for sentence in each]
        return not_kept(request, sentences, back=back)
    except Collision as collision:
        stale = _("Meanwhile somebody rated this card %(rating)s.")
        rating = collision.differences[0].theirs or "—"
        return parts(
            request,
            by,
            issue_at(by, day),
            cards=[pk],
            status=409,
            refused={"sentence": stale % {"rating": rating}, "kind": "guard", "card_id": pk},
        )
    said = f"{ranks[shown] or '—'} → {ranks[to]}"
    if request.htmx and saved.event:
        response = _parts_of_card(request, by, saved, said)
    else:
        response = done(request, by, issue_at(by, day), said=said, back=back, cards=[pk])
    # Whoever saw the card before has seen it now: the page follows its own changes (seen.js).
    response["Copydesk-Before"], response["Copydesk-After"] = saved.before, saved.after
    return response


@require_POST
@signed_in
def preview(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """What was typed, as readers will see it. Nothing is kept."""
    membership_at(request, desk)
    text = typed(request.POST.get("value", ""))[: 2 * 20_000]
    context = {"html": to_html(text), "warnings": warnings(text)}
    return HttpResponse(render_to_string("editorial/_preview.html", context))

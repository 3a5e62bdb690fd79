"""One card: its text, its order, what the machine wrote later, and cards that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST

from digest import document, rendering, rows
from digest.markup import warnings
from digest.models import Card, Issue, Section, Suggestion
from editorial import commenting, editing, forms, queue, repeats
from editorial.access import card_at, held_card_at, issue_at, membership_at, signed_in
from editorial.decisions import decide
from editorial.editing import Collision, Invalid
from editorial.history import lines_of
from editorial.labels import FIELD_LABELS
from editorial.models import Membership
from editorial.refusals import Refusal, Refused
from editorial.responses import (
    STATUS,
    asked_again,
    bad_form,
    done,
    done_to_card,
    last_event,
    not_kept,
    refused,
    see_other,
)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def card(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Show a card with its form; take what the form changed."""
    by = membership_at(request, desk)
    found = card_at(by, day, pk)
    if request.method != "POST":
        return _form(request, by, found)
    try:
        present = editing.field_values(found)
        changes = forms.changes_in(request.POST, present, forms.CARD_KINDS)
        changed = editing.change_card(card_id=pk, changes=changes, by=by)
    except Refused as error:
        return refused(request, error.refusal, back=request.path)
    except Invalid as invalid:
        return _form(request, by, found, status=422, errors=invalid.sentences)
    except Collision as collision:
        found = card_at(by, day, pk)
        collided = {d.field: d for d in collision.differences}
        return _form(request, by, found, status=409, collided=collided)
    if "approve" in request.POST:
        return _approve_as_typed(request, by, found, changes, back=_issue(desk, day))
    names = pgettext("between names", ", ").join(str(FIELD_LABELS[field]) for field in changed)
    messages.success(
        request, _("Saved: %(names)s.") % {"names": names} if changed else _("Nothing was changed.")
    )
    return see_other(request.path if "stay" in request.POST else f"{_issue(desk, day)}#card-{pk}")


def _approve_as_typed(
    request: HttpRequest, by: Membership, before: Card, changes: list[editing.Change], *, back: str
) -> HttpResponse:
    """Approve what the editor had before their eyes: the card they were shown with their changes.

    `before` is the card as it was when the form arrived. If it was not what the form showed, or if
    somebody else was faster since, the text is saved and the approval is refused as stale.
    """
    seen = ""
    if request.POST.get("seen") == before.hash:
        typed = {change.field: change.value for change in changes}
        values = rows.card_value(before).model_dump(mode="json") | typed
        seen = rows.card_columns(document.Card.model_validate(values))["hash"]
    issue = before.section.issue
    try:
        decide("approve", issue_id=issue.pk, card_id=before.pk, by=by, seen=seen)
    except Refused as error:
        return refused(request, error.refusal, back=request.path, issue=issue, card_id=before.pk)
    messages.success(request, _("Saved and approved."))
    return see_other(f"{back}#card-{before.pk}")


def _issue(desk: str, day: date) -> str:
    return reverse("issue", args=[desk, day])


def _form(
    request: HttpRequest,
    by: Membership,
    card: Card,
    *,
    status: int = 200,
    errors: dict | None = None,
    collided: dict | None = None,
) -> HttpResponse:
    issue = card.section.issue
    value = rows.card_value(card)
    stands = value.model_dump(mode="json") | {"dropped": card.dropped}
    address = reverse("card", args=[by.desk.slug, issue.date, card.pk])
    context = {
        "by": by,
        "desk": by.desk,
        "issue": issue,
        "card": card,
        "case": queue.case_of_card(card.pk, issue),
        "save_at": f"{address}fields/",
        "place": _issue(by.desk.slug, issue.date),
        "about": f"card.{card.pk}",
        "remarks": commenting.remarks_on(card),
        "since": last_event(issue),
        "view": rendering.view_of_card(value),
        "warnings": [
            w for t in (value.summary, value.details, value.applications) for w in warnings(t)
        ],
        "fields": forms.fields_of(
            editing.field_values(card),
            forms.CARD_KINDS,
            machine=card.machine,
            posted=request.POST if status != 200 else None,
            errors=errors,
            collided=collided,
        ),
        "errors": (errors or {}).get("", ()),
        "is_refused": status == 422,
        "seen": card.hash if status == 200 else request.POST.get("seen", ""),
        "can_approve": not card.dropped,
        "collided": bool(collided),
        "suggestions": [
            (
                s,
                FIELD_LABELS.get(s.field, s.field),
                _shown(s),
                editing.hash_of(stands[s.field]),
            )
            for s in card.suggestions.filter(state=Suggestion.State.OPEN)
        ],
        "sections": issue.sections.filter(kind=Section.Kind.CARDS).prefetch_related(
            Prefetch("cards", Card.objects.only("section", "position", "headline"))
        ),
        "order": queue.order_of(issue),
        "history": lines_of(card.events.all(), most=50),
    }
    template = "_editor.html" if request.htmx and status == 200 else "card.html"
    return render(request, f"editorial/{template}", context, status=status)


def _shown(suggestion: Suggestion) -> str:
    """A suggested value as text."""
    kind = forms.CARD_KINDS.get(suggestion.field)
    if kind:
        return kind.to_text(suggestion.value)
    return "" if isinstance(suggestion.value, bool) else str(suggestion.value)


@require_POST
@signed_in
def move(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Put a card behind another one (`after`) or first in a section (`first`); or, for plain forms,
    one place `up` or `down` among the cards that stand, or to the end of a section.

    `order` is the order that was on the page.
    """
    by = membership_at(request, desk)
    back = f"{_issue(desk, day)}#card-{pk}"
    target = _target(by, day, pk, request.POST)
    if target is None and request.POST.get("to") not in ("up", "down"):
        return bad_form(request, back)
    try:
        if target is None:
            raise Refused(Refusal(_("There is no place further up or down.")))
        event, order = editing.move_card(
            card_id=pk,
            section_id=target[0],
            after=target[1],
            seen=request.POST.get("order", ""),
            by=by,
            day=day,
        )
    except Issue.DoesNotExist:
        raise Http404("no such card at this desk on this day") from None
    except Refused as error:
        issue = issue_at(by, day)
        if _was_moved(request, by, issue, pk):
            return done(request, by, issue, said=_("Moved."), back=back, order=True)
        return refused(request, error.refusal, back=back, by=by, issue=issue)
    if event is None:
        said = _("It stands there already.")
        return done(request, by, issue_at(by, day), said=said, back=back, order=True)
    said = _("Moved.")
    return done_to_card(request, by, event.issue, event=event, said=said, back=back, order=order)


def _was_moved(request: HttpRequest, by: Membership, issue: Issue, pk: int) -> bool:
    """Whether a first try, of which this is the second, has moved the card as it was asked to."""
    since = asked_again(request)
    if since is None:
        return False
    # One place up is that from where the card stood by then.
    shown = _shown_order(request.POST.get("order", ""))
    target = _target(by, issue.date, pk, request.POST, shown)
    return target is not None and repeats.was_moved(
        pk, issue=issue, by=by, section_id=target[0], after=target[1], since=since
    )


def _shown_order(text: str) -> dict[int, list[int]]:
    """The cards by section in an order as a page sends it (`queue.order_of`)."""
    parts = (part.partition(":") for part in text.split(";"))
    return {
        int(section): [int(pk) for pk in cards.split(",") if forms.is_number(pk)]
        for section, _colon, cards in parts
        if forms.is_number(section)
    }


def _target(
    by: Membership,
    day: date,
    pk: int,
    posted: Mapping[str, str],
    shown: Mapping[int, list[int]] | None = None,
) -> tuple[int | None, int | None] | None:
    """The section and the predecessor that a form asks for; nothing if it asks for neither.

    Behind a card the section is that card's, and stays open here. `shown` is the order that `up`
    and `down` start from, if it is not the present one.
    """
    kind, _colon, place = posted.get("place", "").partition(":")  # of the form without JavaScript
    asked = dict(posted.items()) | ({kind: place} if kind and "to" not in posted else {})
    to, after, first = (asked.get(name, "") for name in ("to", "after", "first"))
    if forms.is_number(after):
        return None, int(after)
    if forms.is_number(first):
        return int(first), None
    return _step(issue_at(by, day), pk, to, shown)


def _step(
    issue: Issue, pk: int, to: str, shown: Mapping[int, list[int]] | None
) -> tuple[int, int | None] | None:
    """The same for `up`, `down` and the end of a section."""
    sections = list(
        issue.sections.filter(kind=Section.Kind.CARDS).prefetch_related(
            Prefetch("cards", Card.objects.only("section", "position", "dropped"))
        )
    )
    dropped = {card.pk for section in sections for card in section.cards.all() if card.dropped}
    if shown is None:
        shown = {section.pk: [card.pk for card in section.cards.all()] for section in sections}
    order = [(section.pk, shown.get(section.pk, [])) for section in sections]
    home = next((n for n, (_pk, cards) in enumerate(order) if pk in cards), None)
    if home is None:
        raise Http404("no such card in this issue")
    section, cards = order[home]
    before, behind = cards[: cards.index(pk)], cards[cards.index(pk) + 1 :]
    if to == "up":
        standing = [each for each in before if each not in dropped]
        if standing:
            place = before.index(standing[-1])
            return section, before[place - 1] if place else None
        return _end_of(*order[home - 1]) if home else None
    if to == "down":
        standing = [each for each in behind if each not in dropped]
        if standing:
            return section, standing[0]
        return (order[home + 1][0], None) if home + 1 < len(order) else None
    if forms.is_number(to):
        chosen = next((each for each in order if each[0] == int(to)), None)
        return _end_of(*chosen) if chosen and chosen[0] != section else None
    return None


def _end_of(section: int, cards: list[int]) -> tuple[int, int | None]:
    return section, cards[-1] if cards else None


@require_POST
@signed_in
def held(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Repair a card that could not be read, or put it aside."""
    by = membership_at(request, desk)
    found = held_card_at(by, day, pk)
    text = forms.typed(request.POST.get("text", found.text))
    section = request.POST.get("section", "")
    sections = found.issue.sections.filter(kind=Section.Kind.CARDS)
    chosen = sections.filter(pk=int(section)).first() if forms.is_number(section) else None
    status, errors = 422, []
    try:
        if "dismiss" in request.POST:
            if text != found.text:
                raise Invalid({"": [_("You changed this text. Repair it, or reload the page.")]})
            editing.dismiss_held(held_id=pk, by=by)
            return see_other(_issue(desk, day))
        if chosen is None:
            raise Invalid({"": [_("Choose a section.")]})
        card = editing.repair_card(held_id=pk, text=text, section_id=chosen.pk, by=by)
    except Refused as error:
        status, errors = STATUS[error.refusal.kind], [error.refusal.sentence]
    except Invalid as invalid:
        errors = [s for each in invalid.sentences.values() for s in each]
    else:
        messages.success(request, _("The card is part of the issue now."))
        return see_other(f"{_issue(desk, day)}#card-{card.pk}")
    context = {
        "by": by,
        "desk": by.desk,
        "issue": found.issue,
        "held": found,
        "text": text,
        "section": chosen.pk if chosen else None,
        "sections": sections,
        "errors": errors,
    }
    return render(request, "editorial/held.html", context, status=status)


@require_POST
@signed_in
def suggestion(request: HttpRequest, desk: str, day: date, pk: int) -> HttpResponse:
    """Take what the machine wrote later, or decline it."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    found = get_object_or_404(Suggestion, pk=pk, issue=issue)
    back = reverse("card", args=[desk, day, found.card_id]) if found.card_id else _issue(desk, day)
    if not {"take", "decline"} & request.POST.keys():
        return bad_form(request, back)
    try:
        editing.answer_suggestion(
            suggestion_id=pk,
            take="take" in request.POST,
            seen=request.POST.get("seen", ""),
            by=by,
        )
    except Refused as error:
        return refused(request, error.refusal, back=back, issue=issue, card_id=found.card_id)
    except Invalid as invalid:
        sentences = [s for each in invalid.sentences.values() for s in each]
        return not_kept(request, sentences, back=back)
    return see_other(back)

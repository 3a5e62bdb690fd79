"""Django admin and django-admin-sortable2 on the same rows: what an editor would have without us.

They are set up as somebody would who knows them well: related rows are selected along, there is no
sidebar of filters, no second count, and columns that are of our own making (what the machine wrote,
search keys) are not loaded. The answer to a POST is a redirect; the page it leads to, which an
editor waits for as well, is measured along with it where `follow` says so, for comparison. (Ours
answer with what is new on the page.)
"""

from __future__ import annotations

import itertools
import json
import time

from adminsortable2.admin import SortableAdminMixin
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from benches.measuring import Task
from benches.models import FoundCard, SortableCard
from benches.stage import get, post
from digest.models import Card, Issue

site = admin.AdminSite("peer")
_TEXTS = ("headline", "summary", "details", "applications", "importance_note", "rest")
_COLUMNS = ("headline", "importance", "dropped")
_OUR_OWN = ("machine", "folded", "words", "labels", "layout")


class _CardAdmin(admin.ModelAdmin):
    show_full_result_count = False
    list_select_related = ("section",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        return super().get_queryset(request).defer(*_OUR_OWN)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "section__issue" or super().lookup_allowed(lookup, value, request)


@admin.register(Card, site=site)
class EditableCards(_CardAdmin):
    """A list with three columns to edit in place, and a form for the rest."""

    list_display = ("section", *_COLUMNS)
    list_editable = _COLUMNS
    ordering = ("section__position", "position")
    fields = (*_TEXTS, "importance", "dropped")


@admin.register(FoundCard, site=site)
class SearchedCards(_CardAdmin):
    """A list to look for cards in: as many a page as ours, nothing to edit."""

    list_display = ("headline", "section", "importance")
    search_fields = ("headline", "summary", "details")
    ordering = ("-id",)
    list_per_page = 30


@admin.register(SortableCard, site=site)
class SortableCards(SortableAdminMixin, admin.ModelAdmin):
    """A list to drag rows in. Where one is dropped, sortable2's own view gets the new numbers of
    all rows between its old place and its new one."""

    show_full_result_count = False
    list_display = ("headline", "importance")
    ordering = ("order",)


class _Cards(admin.StackedInline):
    model = SortableCard
    fields = (*_TEXTS, "importance", "dropped")
    extra = 0


@admin.register(Issue, site=site)
class IssuesWithCards(admin.ModelAdmin):
    """An issue's form with a form for each of its cards."""

    fields = ("slug",)
    inlines = (_Cards,)


# --- what is measured of them --------------------------------------------------------------------


def changelist(client, issue: Issue) -> Task:
    """The list of an issue's cards, three columns of which can be edited."""
    url = _list_of(issue)
    return Task("admin: changelist, 3 editable columns", lambda: get(client, url))


def stacked_inlines(client, issue: Issue) -> Task:
    """The form of an issue with all its cards."""
    url = reverse("peer:digest_issue_change", args=[issue.pk])
    return Task("admin: issue form, cards as stacked inlines", lambda: get(client, url))


def save_form(client, card_id: int, *, follow: bool = False) -> Task:
    """A card's form, sent with another summary."""
    url = reverse("peer:digest_card_change", args=[card_id])
    state: dict[str, str] = {}

    def form() -> None:
        card = Card.objects.get(pk=card_id)
        state.clear()
        state.update({name: getattr(card, name) for name in _TEXTS})
        state.update(importance=card.importance or "", summary=_another(), _continue="1")

    def check() -> None:
        assert Card.objects.get(pk=card_id).summary == state["summary"]

    return _sent("admin: change form", client, url, lambda: state, form, check, follow)


def _sent(name, client, url, data, before, after, follow: bool) -> Task:
    """A form sent, as a task; with the page that it leads to, if it is to `follow`."""
    name += " and the page after it" if follow else ""
    status = 200 if follow else 302
    return Task(name, lambda: post(client, url, data(), status, follow=follow), before, after)


def save_in_list(client, issue: Issue, *, follow: bool = False) -> Task:
    """The list of an issue's cards, sent with another rating of one of them."""
    url = _list_of(issue)
    numbers = itertools.cycle(range(issue_cards(issue).count()))
    state: dict = {}

    def form() -> None:
        cards = list(issue_cards(issue))
        chosen = cards[next(numbers)]
        rating = 3 if chosen.importance == 4 else 4
        values = {f"form-{name}_FORMS": len(cards) for name in ("TOTAL", "INITIAL")}
        for n, card in enumerate(cards):
            values |= {
                f"form-{n}-id": card.pk,
                f"form-{n}-headline": card.headline,
                f"form-{n}-importance": card.importance or "",
            }
            values |= {f"form-{n}-dropped": "on"} if card.dropped else {}
            if card == chosen:
                values[f"form-{n}-importance"] = rating
        state.update(values=values | {"_save": "1"}, pk=chosen.pk, rating=rating)

    def check() -> None:
        assert Card.objects.get(pk=state["pk"]).importance == state["rating"]

    name = "admin: changelist, one value"
    return _sent(name, client, url, lambda: state["values"], form, check, follow)


def drag(client, issue: Issue, over: int) -> Task:
    """The first card of an issue dragged over so many others; the next time, back again."""
    url = reverse("peer:benches_sortablecard_sortable_update")
    state: dict = {}

    def drag_one() -> None:
        keys = list(SortableCard.objects.filter(issue=issue).values_list("pk", flat=True))
        moved = state.setdefault("pk", keys[0])
        keys.remove(moved)
        keys.insert(0 if state.get("away") else over, moved)
        state["away"] = not state.get("away")
        # As its JavaScript has them: pairs of a key, as text, and a number.
        items = [[str(pk), number] for number, pk in enumerate(keys[: over + 1], 1)]
        state.update(order=keys, body=json.dumps({"updatedItems": items}))

    def check() -> None:
        found = SortableCard.objects.filter(issue=issue).values_list("pk", flat=True)
        assert list(found) == state["order"]

    def run() -> bytes:
        return post(client, url, state["body"], content_type="application/json")

    return Task(f"sortable2: drag over {over}", run, drag_one, check)


def search(client, text: str) -> Task:
    """A text looked for in three columns of all cards."""
    url = reverse("peer:benches_foundcard_changelist")
    return Task("admin: search in 3 columns", lambda: _found(get(client, f"{url}?q={text}")))


def _found(page: bytes) -> bytes:
    assert b'<th class="field-headline">' in page
    return page


def issue_cards(issue: Issue) -> QuerySet[Card]:
    """The cards of an issue in reading order."""
    return Card.objects.filter(section__issue=issue).order_by("section__position", "position")


def _list_of(issue: Issue) -> str:
    return f"{reverse('peer:digest_card_changelist')}?section__issue={issue.pk}"


def _another() -> str:
    return f"第 {time.perf_counter_ns()} 版的摘要。"

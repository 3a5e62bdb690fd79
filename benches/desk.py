"""What editors do at the desk, as its pages do it: our JavaScript's requests, through the real
addresses and all middleware."""

from __future__ import annotations

import itertools
import time
from urllib.parse import quote

from django.urls import reverse

from benches.measuring import Task
from benches.stage import get, post
from digest.models import Card, Issue
from editorial import pages, queue
from editorial.access import memberships
from editorial.decisions import decide
from editorial.editing import cards_in_order, field_values, hash_of
from editorial.models import Membership
from editorial.responses import last_event

_OURS = {"HX-Request": "true"}


def day_page(client, issue: Issue) -> Task:
    """The day page, where everything can be edited."""
    return Task("day page", lambda: get(client, _place(issue)))


def day_page_anew(client, issue: Issue) -> Task:
    """The day page while nothing of it is kept, as after a start."""
    return Task("day page, first after a start", lambda: get(client, _place(issue)), forget_pages)


def forget_pages() -> None:
    """Empty what the desk keeps of pages in memory."""
    from benches.texts import forget_html

    forget_html()
    pages._bodies.clear()
    pages._card_html.cache_clear()


def save(client, issue: Issue, card_id: int) -> Task:
    """A field saved while somebody types."""
    url = f"{_place(issue)}cards/{card_id}/fields/summary/"
    state: dict[str, str] = {}

    def present() -> str:
        return field_values(Card.objects.whole().get(pk=card_id))["summary"]

    def typed() -> None:
        state["base"] = hash_of(present())
        state["value"] = f"第 {time.perf_counter_ns()} 版的摘要。"

    def check() -> None:
        assert present() == state["value"]

    return Task("save one field", lambda: post(client, url, state, headers=_OURS), typed, check)


def least_change(client, issue: Issue, card_id: int) -> Task:
    """What no change can do without: below this there is nothing to gain."""
    url = f"/least/{issue.desk.slug}/{card_id}"
    form = {"value": "摘要。"}
    return Task("the least a change can be", lambda: post(client, url, form, status=204))


def approve(client, issue: Issue, by: Membership) -> Task:
    """A card approved, one after the other."""
    keys = Card.objects.filter(section__issue=issue).values_list("pk", flat=True)
    cards = itertools.cycle(list(keys.order_by("pk")))
    state: dict = {}

    def is_approved() -> bool:
        card = Card.objects.get(pk=state["pk"])
        return card.approvals.valid().filter(hash=card.hash).exists()

    def choose() -> None:
        state["pk"] = next(cards)
        seen = Card.objects.values_list("hash", flat=True).get(pk=state["pk"])
        if is_approved():
            decide("withdraw", issue_id=issue.pk, card_id=state["pk"], by=by, seen=seen)
        state["form"] = {"seen": seen, "since": last_event(issue)}

    def run() -> bytes:
        url = f"{_place(issue)}cards/{state['pk']}/approve/"
        return post(client, url, state["form"], headers=_OURS)

    def check() -> None:
        assert is_approved()

    return Task("approve one card", run, choose, check)


def move(client, issue: Issue, over: int) -> Task:
    """The first card of an issue moved over so many others; the next time, back again."""
    state: dict = {}

    def keys() -> list[int]:
        cards = Card.objects.filter(section__issue=issue)
        return list(cards.order_by("section__position", "position").values_list("pk", flat=True))

    def choose() -> None:
        moved, home = state.setdefault("moved", (keys()[0], next(iter(cards_in_order(issue.pk)))))
        others = [pk for pk in keys() if pk != moved]
        away = state["away"] = not state.get("away")
        to = {"after": others[over - 1]} if away else {"first": home}
        others.insert(over if away else 0, moved)
        state.update(expected=others, form=to | {"order": queue.order_of(issue)})

    def run() -> bytes:
        url = f"{_place(issue)}cards/{state['moved'][0]}/move/"
        return post(client, url, state["form"], headers=_OURS)

    def check() -> None:
        assert keys() == state["expected"]

    return Task(f"move one card over {over}", run, choose, check)


def ask(by: Membership) -> Task:
    """One of the questions that every page begins with: who somebody is at a desk."""
    values = (by.desk.slug, by.user_id)
    return Task("ask who somebody is at a desk", lambda: memberships.first(*values))


def ask_anew(by: Membership) -> Task:
    """The same of a queryset, whose SQL Django writes each time."""
    values = (by.desk.slug, by.user_id)
    return Task("the same of a queryset", lambda: memberships.build(*values).first())


def search(client, issue: Issue, text: str, what: str) -> Task:
    """A text looked for in all cards, with what the queue's filters would show of it."""
    url = f"{reverse('queue', args=[issue.desk.slug])}?q={quote(text)}"

    def run() -> bytes:
        page = get(client, url)
        assert b"<mark>" in page
        return page

    return Task(f"search: {what}", run)


def page(client, name: str, url: str) -> Task:
    """Any other page."""
    return Task(name, lambda: get(client, url))


def _place(issue: Issue) -> str:
    return reverse("issue", args=[issue.desk.slug, issue.date])

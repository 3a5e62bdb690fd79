"""Pages take as many queries for a large issue as for a small one, whatever the archive holds.

Two sizes are compared and no number is named: a page may come to need one query more, but not one
for each card, and not one for each day.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benches.drafts import draft_of
from digest import hugo, views
from digest.intake import receive
from digest.models import Card, HeldCard, Issue, Suggestion
from digest.publishing import machine_account, publish_due
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from editorial.queue import case_of_issue
from tests.conftest import COVER, approve_everything, cards_of, land, sign

DAY = date(2026, 3, 2)
CARDS = (6, 18, 60)


@pytest.fixture
def whole(sample):
    return hugo.read(sample)


def _work_over(issue: Issue, editor, colleague, chief) -> None:
    """Leave on every card of an issue what a morning leaves: edits, approvals, later versions."""
    for number, card in enumerate(cards_of(issue)):
        base = hash_of(field_values(Card.objects.whole().get(pk=card.pk))["importance_note"])
        change = Change("importance_note", f"改過 {number}", base)
        change_card(card_id=card.pk, changes=[change], by=colleague)
    first = cards_of(issue)[0]
    decide("drop", issue_id=issue.pk, card_id=first.pk, by=editor, seen=first.hash)
    approve_everything(issue, editor)
    sign(issue, chief)
    seen = case_of_issue(issue.pk).last_edition.sha256
    decide("publish", issue_id=issue.pk, by=chief, seen=seen)
    publish_due()
    draft = issue.drafts.first()
    Suggestion.objects.bulk_create(
        Suggestion(issue=issue, card=card, draft=draft, field="summary", value="機器後來寫的。")
        for card in cards_of(issue)
    )
    HeldCard.objects.bulk_create(
        HeldCard(issue=issue, draft=draft, where=f"card {n}", line=n, reason="unreadable")
        for n in range(len(cards_of(issue)) // 6)
    )


def _pages(issue: Issue) -> dict[str, str]:
    """The address of every page there is about an issue, by name."""
    slug, day = issue.desk.slug, issue.date
    card = cards_of(issue)[-1]
    return {
        "queue": reverse("queue", args=[slug]),
        "search": reverse("queue", args=[slug]) + "?q=ai&state=later&section=x",
        "archive": reverse("archive", args=[slug]),
        "issue": reverse("issue", args=[slug, day]),
        "card": reverse("card", args=[slug, day, card.pk]),
        "insight": reverse("insight", args=[slug, day]),
        "reading": reverse("reading", args=[slug, day]),
        "proof": reverse("sign", args=[slug, day]),
        "publication": reverse("publication", args=[slug, day]),
        "draft": reverse("draft", args=[slug, issue.drafts.first().pk]),
        "edition": reverse("edition_of", args=[slug, day]),
        "front": reverse("front_of", args=[slug]),
    }


PAGES = (
    *(
        "queue",
        "search",
        "archive",
        "issue",
        "card",
        "insight",
        "reading",
        "proof",
        "publication",
        "draft",
    ),
    *("edition", "front"),
)


def _queries(client, url: str) -> list[str]:
    client.get(url, headers={"HX-Request": "true"})  # what is loaded once a process
    views._page.cache_clear()  # an edition's page is kept; its first reader pays
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return [query["sql"] for query in captured]


def _assert_same(counted: dict[int, list[str]]) -> None:
    """Fail with the queries that the larger size repeats."""
    (small, few), *others = counted.items()
    for large, many in others:
        more = "\n".join(many[len(few) :])
        assert len(many) == len(few), (
            f"{len(few)} queries for {small}, {len(many)} for {large}; the last are\n{more}"
        )


@pytest.mark.parametrize("four_eyes", [False, True], ids=["two eyes", "four eyes"])
def test_no_page_takes_more_queries_for_more_cards(
    four_eyes, client, desk, whole, editor, colleague, chief
):
    desk.four_eyes = four_eyes
    desk.save()
    issues = {}
    for number, cards in enumerate(CARDS):
        day = DAY + timedelta(days=number)
        issue = land(desk, draft_of(whole, day=day, cards=cards), cover=COVER.read_bytes())
        assert len(cards_of(issue)) == cards
        _work_over(issue, editor, colleague, chief)
        issues[cards] = issue
    client.force_login(chief.user)
    assert set(PAGES) == set(_pages(issues[CARDS[0]]))
    for page in PAGES:
        _assert_same({n: _queries(client, _pages(issue)[page]) for n, issue in issues.items()})


def test_a_page_of_untouched_cards_takes_no_more_queries_for_more_cards(
    client, desk, whole, editor
):
    """Where nobody has worked yet, other branches of the templates are walked."""
    issues = {
        cards: land(desk, draft_of(whole, day=DAY + timedelta(days=n), cards=cards))
        for n, cards in enumerate(CARDS)
    }
    client.force_login(editor.user)
    for page in PAGES[:-2]:  # nothing is published
        _assert_same({n: _queries(client, _pages(issue)[page]) for n, issue in issues.items()})


@time_machine.travel(DAY)  # what is published long ago is not on the queue
def test_no_page_takes_more_queries_in_a_larger_archive(
    client, desk, whole, editor, colleague, chief
):
    newest = land(desk, draft_of(whole, day=DAY, cards=6), cover=COVER.read_bytes())
    _work_over(newest, editor, colleague, chief)
    client.force_login(chief.user)
    alone = {page: _queries(client, _pages(newest)[page]) for page in PAGES}
    assert Issue.objects.count() == 1
    for number in range(1, 30):
        day = DAY - timedelta(days=number)
        issue = land(desk, draft_of(whole, day=day, cards=6), cover=COVER.read_bytes())
        if number % 3:  # some lie there published, some as the machine left them
            _work_over(issue, editor, colleague, chief)
        assert (
            receive(
                desk=desk,
                content=f"broken {number}".encode() + b"\xff",
                media_type="application/json",
                by=machine_account("machine"),
            ).draft.issue
            is None
        )
    assert Issue.objects.count() == 30
    for page in PAGES:
        _assert_same({1: alone[page], 30: _queries(client, _pages(newest)[page])})


def test_a_card_with_a_long_history_takes_no_more_queries(client, desk, whole, editor, colleague):
    """Twenty people-made changes of one card, and as many approvals that no longer count."""
    issue = land(desk, draft_of(whole, day=DAY, cards=6))
    card = cards_of(issue)[-1]
    client.force_login(editor.user)

    def change(number: int) -> None:
        present = Card.objects.whole().get(pk=card.pk)
        base = hash_of(field_values(present)["summary"])
        change_card(
            card_id=card.pk, changes=[Change("summary", f"第 {number} 版", base)], by=colleague
        )
        seen = Card.objects.get(pk=card.pk).hash
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=seen)

    counted = {}
    for number in range(1, 21):
        change(number)
        if number in (1, 20):
            counted[number] = {
                page: _queries(client, _pages(issue)[page]) for page in ("queue", "issue", "card")
            }
    for page in ("queue", "issue", "card"):
        _assert_same({n: pages[page] for n, pages in counted.items()})


def test_a_decision_takes_no_more_queries_for_more_cards(desk, whole, editor, chief):
    counted = {"approve": {}, "save": {}, "sign": {}}
    for number, cards in enumerate(CARDS):
        day = DAY + timedelta(days=number)
        issue = land(desk, draft_of(whole, day=day, cards=cards))
        card = cards_of(issue)[0]
        base = hash_of(field_values(Card.objects.whole().get(pk=card.pk))["summary"])
        with CaptureQueriesContext(connection) as captured:
            change_card(card_id=card.pk, changes=[Change("summary", "改過。", base)], by=editor)
        counted["save"][cards] = [query["sql"] for query in captured]
        card.refresh_from_db()
        with CaptureQueriesContext(connection) as captured:
            decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
        counted["approve"][cards] = [query["sql"] for query in captured]
        decide("withdraw", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
        approve_everything(issue, editor)
        seen = case_of_issue(issue.pk).proof.seal
        with CaptureQueriesContext(connection) as captured:
            decide("sign", issue_id=issue.pk, by=chief, seen=seen)
        counted["sign"][cards] = [query["sql"] for query in captured]
    for sizes in counted.values():
        _assert_same(sizes)

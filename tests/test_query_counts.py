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
from digest.models import Card, HeldCard, Issue, Passage, Suggestion
from digest.publishing import machine_account, publish_due
from editorial import glances, pages
from editorial.baselines import BASELINES
from editorial.commenting import add_comment
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from editorial.queue import case_of_issue, order_of
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
    for card in cards_of(issue):
        for number in range(1 + len(cards_of(issue)) // 6):
            add_comment(card_id=card.pk, body=f"第 {number} 句", quote=card.headline, by=colleague)
    for by in (editor, chief):
        seen = [(card.pk, card.hash) for card in cards_of(issue)]
        glances.see(by, seen, event=issue.events.last().pk)
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
        "history": reverse("issue_history", args=[slug, day]),
        "card history": reverse("card_history", args=[slug, day, card.pk]),
        **{
            f"against {name}": reverse("card_history", args=[slug, day, card.pk])
            + f"?against={name}"
            for name in BASELINES
        },
        "comments": reverse("comments", args=[slug, day, card.pk]),
        "front matter": reverse("front_matter", args=[slug, day]),
        "terms": reverse("terms", args=[slug]) + "?q=o",
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
    *("history", "card history", *(f"against {name}" for name in BASELINES)),
    *("comments", "front matter", "terms"),
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


def test_a_card_of_which_the_machine_wrote_much_later_takes_no_more_queries(
    client, desk, whole, editor
):
    issue = land(desk, draft_of(whole, day=DAY, cards=6))
    card, draft = cards_of(issue)[-1], issue.drafts.get()
    client.force_login(editor.user)
    counted = {}
    for number, field in enumerate(
        ("summary", "details", "applications", "entities", "dropped"), 1
    ):
        value = {"entities": ["vLLM"], "dropped": True}.get(field, "機器後來寫的。")
        Suggestion.objects.create(issue=issue, card=card, draft=draft, field=field, value=value)
        counted[number] = _queries(client, _pages(issue)["card"])
    _assert_same(counted)


HTMX = {"HX-Request": "true"}


def _answers(client, issue: Issue, colleague) -> dict[str, list[str]]:
    """The queries of everything that the day page asks for with a POST, one after the other."""
    place = [issue.desk.slug, issue.date]
    card = cards_of(issue)[-1]
    passage = Passage.objects.filter(section__issue=issue).first()
    since = issue.events.last().pk
    # The others have been at every card meanwhile.
    for number, each in enumerate(cards_of(issue)):
        whole = Card.objects.whole().get(pk=each.pk)
        base = hash_of(field_values(whole)["importance_note"])
        change = Change("importance_note", f"又改過 {number}", base)
        change_card(card_id=each.pk, changes=[change], by=colleague)
    card.refresh_from_db()
    counted = {}

    def post(what: str, name: str, *rest, **sent) -> None:
        address = reverse(name, args=[*place, *rest])
        pages._bodies.clear()  # rendered text is kept; whoever comes first pays
        with CaptureQueriesContext(connection) as captured:
            response = client.post(address, sent, headers=HTMX)
        assert response.status_code in (200, 409 if what.startswith("stale") else 200), what
        counted[what] = [query["sql"] for query in captured]

    def hash_now() -> str:
        return Card.objects.values_list("hash", flat=True).get(pk=card.pk)

    def text_now(what) -> str:
        what.refresh_from_db()
        return hash_of(what.summary if what == card else what.body)

    seen = [f"{pk}:{hash_}" for pk, hash_ in cards_of_hashes(issue)]
    post("pulse of nothing", "pulse", since=issue.events.last().pk, card=card.pk)
    post("pulse", "pulse", since=since, seen=seen, card=card.pk)
    post("approve", "decide_card", card.pk, "approve", seen=hash_now(), since=since)
    post("stale", "decide_card", card.pk, "withdraw", seen="x", since=since)
    post("withdraw", "decide_card", card.pk, "withdraw", seen=hash_now())
    post("undo", "undo")
    post("save", "card_field", card.pk, "summary", value="改過。", base=text_now(card))
    shown = card.importance or 0
    post("rate", "rate_card", card.pk, rate=f"{shown % 5 + 1}.{shown}")
    post("move", "move_card", card.pk, first=issue.sections.first().pk, order=order_of(issue))
    post("undo a move", "undo")
    post("passage", "passage_field", passage.pk, "body", value="改寫。", base=text_now(passage))
    post("front", "front_field", "title", value="新標題", base=hash_of(issue.title))
    post("comment", "comments", card.pk, body="？", quote=card.headline)
    post("resolve", "comment", card.comments.last().pk, resolve="")
    post("revert", "revert_card", card.pk, to="machine", seen=hash_now())
    post("preview", "preview", value="**粗**")
    section, one = _one_to_approve(client, issue, colleague)
    post("bulk", "approve_section", section, seen=one)
    post("undo in bulk", "undo")
    return counted


def cards_of_hashes(issue: Issue) -> list[tuple[int, str]]:
    return [(card.pk, card.hash) for card in cards_of(issue)]


def _one_to_approve(client, issue: Issue, colleague) -> tuple[int, list[str]]:
    """A section, and what was seen of the one card there that can be approved in bulk.

    One, whatever the size of the issue: each card approved is written with its event.
    """
    section = issue.sections.first()
    seen = []
    for card in section.cards.order_by("position")[:1]:
        present = field_values(Card.objects.whole().get(pk=card.pk))
        changes = [
            Change("importance", "中", hash_of(present["importance"])),
            Change("importance_note", "一張", hash_of(present["importance_note"])),
        ]
        change_card(card_id=card.pk, changes=changes, by=colleague)
        seen.append(f"{card.pk}:{Card.objects.get(pk=card.pk).hash}")
    client.post(reverse("pulse", args=[issue.desk.slug, issue.date]), {"seen": seen}, headers=HTMX)
    return section.pk, seen


@pytest.mark.parametrize("four_eyes", [False, True], ids=["two eyes", "four eyes"])
def test_no_answer_in_place_takes_more_queries_for_more_cards(
    four_eyes, client, desk, whole, editor, colleague
):
    desk.four_eyes = four_eyes
    desk.save()
    client.force_login(editor.user)
    counted: dict[str, dict[int, list[str]]] = {}
    for number, cards in enumerate(CARDS):
        day = DAY + timedelta(days=number)
        issue = land(desk, draft_of(whole, day=day, cards=cards))
        for what, queries in _answers(client, issue, colleague).items():
            counted.setdefault(what, {})[cards] = queries
    assert len(counted) > 15
    for what, sizes in counted.items():
        try:
            _assert_same(sizes)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None


def test_no_answer_in_place_takes_more_queries_in_a_larger_archive(
    client, desk, whole, editor, colleague, chief
):
    client.force_login(editor.user)
    # What is loaded once a process is loaded by an issue that is not counted.
    _answers(client, land(desk, draft_of(whole, day=DAY + timedelta(2), cards=6)), colleague)
    alone = _answers(client, land(desk, draft_of(whole, day=DAY, cards=6)), colleague)
    for number in range(1, 10):
        day = DAY - timedelta(days=number)
        _work_over(land(desk, draft_of(whole, day=day, cards=6)), editor, colleague, chief)
    another = land(desk, draft_of(whole, day=DAY + timedelta(days=1), cards=6))
    for what, queries in _answers(client, another, colleague).items():
        _assert_same({1: alone[what], 11: queries})


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

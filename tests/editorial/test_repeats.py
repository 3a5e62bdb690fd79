"""What a page sends once more because the answer got lost is answered as the first time."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from digest.models import Card, Event
from editorial import queue
from editorial.bulk import approve_section
from editorial.commenting import add_comment, settle_comment
from editorial.decisions import DECISIONS, decide, present_hash
from tests.conftest import cards_of
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change, look, make, move

ASKS = {"HX-Request": "true"}
AGAIN = ASKS | {"Copydesk-Again": "1"}


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


def now() -> int:
    return Event.objects.order_by("-pk").first().pk


def said(answer) -> str:
    html = answer.content.decode()
    return re.sub(r"\s+", " ", re.search(r'<p id="said"[^>]*>(.*?)</p>', html, re.DOTALL)[1])


def events() -> int:
    return Event.objects.count()


CARD = {"approve": (), "withdraw": ("approve",), "drop": (), "restore": ("drop",)}


@pytest.mark.parametrize(("name", "before"), CARD.items(), ids=CARD)
def test_a_decision_about_a_card_is_answered_as_if_done(name, before, page, issue, editor):
    card = cards_of(issue)[2]
    for each in before:
        make(each, issue, editor, card)
    where = address("decide_card", issue, card.pk, name)
    sent = {"seen": card.hash, "since": now(), "note": "重複了 " if name == "drop" else ""}
    first = page.post(where, sent, headers=ASKS)
    count = events()
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert said(again) == said(first)
    state = queue.case_of_card(card.pk, issue).card.state
    assert f'id="row-{card.pk}" hx-swap-oob="true" data-state="{state}"' in again.content.decode()
    assert 'id="undo"' in again.content.decode()
    assert events() == count


@pytest.mark.parametrize("name", ["approve_insight", "sign", "hold", "publish"])
def test_a_decision_about_the_issue_is_answered_as_if_done(name, issue, editor, chief, request):
    if name == "sign":
        request.getfixturevalue("ready")
    if name == "publish":
        request.getfixturevalue("signed")
    decision = DECISIONS[name]
    case = queue.case_of_issue(issue.pk)
    seen = present_hash(decision, case.insight if name == "approve_insight" else case)
    sent = {"seen": seen, "since": now(), "note": "查證中" if name == "hold" else ""}
    page, where = client_of(chief), address("decide_issue", issue, name)
    first = page.post(where, sent, headers=ASKS)
    count = events()
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert said(again) == said(first)
    assert events() == count


def _other_hand(card, issue, editor, colleague):
    make("drop", issue, colleague, card)


def _undone(card, issue, editor, colleague):
    make("drop", issue, editor, card)
    make("restore", issue, colleague, card)
    make("drop", issue, colleague, card)


def _other_reason(card, issue, editor, colleague):
    decide("drop", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash, note="別的原因")


def _other_card(card, issue, editor, colleague):
    make("drop", issue, colleague, card)
    make("drop", issue, editor, cards_of(issue)[5])


def _other_text(card, issue, editor, colleague):
    change(card, colleague, summary="別的文字。")
    make("drop", issue, editor, card)


@pytest.mark.parametrize("happens", [_other_hand, _undone, _other_reason, _other_card, _other_text])
def test_what_the_first_try_did_not_do_or_is_undone_is_refused(
    happens, page, issue, editor, colleague
):
    card = cards_of(issue)[2]
    sent = {"seen": card.hash, "since": now()}
    happens(card, issue, editor, colleague)
    count = events()
    where = address("decide_card", issue, card.pk, "drop")
    assert page.post(where, sent, headers=AGAIN).status_code == 409
    assert events() == count


def test_what_the_page_had_seen_already_is_not_what_it_asks_for_again(page, issue, editor):
    card = cards_of(issue)[2]
    make("drop", issue, editor, card)
    where = address("decide_card", issue, card.pk, "drop")
    for since in (str(now()), "", "²"):
        sent = {"seen": card.hash, "since": since}
        assert page.post(where, sent, headers=AGAIN).status_code == 409


def test_a_text_that_has_changed_since_is_shown_and_not_called_approved(
    page, issue, editor, colleague
):
    card = cards_of(issue)[2]
    sent = {"seen": card.hash, "since": now()}
    make("approve", issue, editor, card)
    change(card, colleague, summary="核可後才改的。")
    again = page.post(address("decide_card", issue, card.pk, "approve"), sent, headers=AGAIN)
    assert again.status_code == 409
    # A row's new hash never comes without its text.
    assert "核可後才改的。" in again.content.decode()


def test_what_was_published_and_then_held_is_not_called_published(signed, colleague, chief):
    issue, page = signed.issue, client_of(chief)
    sent = {"seen": signed.sha256, "since": now()}
    decide("publish", issue_id=issue.pk, by=chief, seen=signed.sha256)
    decide("hold", issue_id=issue.pk, by=colleague, seen="", note="查證中")
    where = address("decide_issue", issue, "publish")
    assert page.post(where, sent, headers=AGAIN).status_code == 409


def _place(name: str, cards: list[Card]) -> dict[str, str]:
    first, second, third = cards[:3]
    return {
        "up": {"to": "up"},
        "down": {"to": "down"},
        "behind": {"after": str(cards[6].pk)},
        "first": {"first": str(cards[-1].section_id)},
    }[name]


@pytest.mark.parametrize("name", ["up", "down", "behind", "first"])
def test_a_move_is_answered_as_if_done(name, page, issue, colleague):
    cards = cards_of(issue)
    card = cards[1]  # one up is where it ends
    sent = _place(name, cards) | {"order": queue.order_of(issue), "since": now()}
    where = address("move_card", issue, card.pk)
    first = page.post(where, sent, headers=ASKS)
    count, order = events(), queue.order_of(issue)
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert said(again) == said(first)
    assert f'id="order" form="act" name="order" value="{order}"' in again.content.decode()
    assert (events(), queue.order_of(issue)) == (count, order)
    # Somebody has moved another one meanwhile, or the very same.
    move(cards[9], colleague, cards[9].section_id, None)
    assert page.post(where, sent, headers=AGAIN).status_code == 200
    move(card, colleague, cards[12].section_id, cards[12].pk)
    assert page.post(where, sent, headers=AGAIN).status_code == 409


def test_a_move_that_led_elsewhere_or_was_taken_back_is_not_the_one(page, issue, editor):
    cards = cards_of(issue)
    sent = {"to": "up", "order": queue.order_of(issue), "since": now()}
    where = address("move_card", issue, cards[1].pk)
    move(cards[1], editor, cards[1].section_id, cards[2].pk)
    assert page.post(where, sent, headers=AGAIN).status_code == 409
    sent |= {"order": queue.order_of(issue), "since": now()}
    move(cards[1], editor, cards[1].section_id, cards[0].pk)
    assert page.post(address("undo", issue), {}, headers=ASKS).status_code == 200
    move(cards[5], editor, cards[5].section_id, None)
    assert page.post(where, sent, headers=AGAIN).status_code == 409


def test_a_bulk_approval_is_answered_as_if_done(page, issue, editor, colleague):
    cards = cards_of(issue)
    for card in cards:
        look(card, editor)
    section = cards[-1].section
    sent = {"seen": [f"{card.pk}:{card.hash}" for card in cards], "since": now()}
    where = address("approve_section", issue, section.pk)
    first = page.post(where, sent, headers=ASKS)
    count = events()
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert said(again) == said(first)
    assert events() == count
    assert page.post(address("undo", issue), {}, headers=ASKS).status_code == 200
    for card in cards:
        make("drop", issue, colleague, card)
    assert page.post(where, sent, headers=AGAIN).status_code == 409


def test_a_bulk_approval_asked_for_again_does_not_speak_of_a_text_that_has_changed(
    page, issue, editor, colleague
):
    cards = cards_of(issue)
    for card in cards:
        look(card, editor)
    home = cards[-1].section
    sent = {"seen": [f"{card.pk}:{card.hash}" for card in cards], "since": now()}
    where = address("approve_section", issue, home.pk)
    assert page.post(where, sent, headers=ASKS).status_code == 200
    approved = [each.card for each in Event.objects.filter(verb="card.approve")]
    for left in reversed(range(len(approved))):
        change(approved[left], colleague, summary="核可後才改的。")
        again = page.post(where, sent, headers=AGAIN)
        assert again.status_code == (200 if left else 409)
        if left:
            assert said(again).startswith(f"{left} card")


def test_a_comment_that_was_settled_is_answered_as_if_done(page, issue, editor, colleague):
    comment = add_comment(card_id=cards_of(issue)[0].pk, body="請查。", by=colleague)
    sent, where = {"resolve": "1", "since": now()}, address("comment", issue, comment.pk)
    first = page.post(where, sent, headers=ASKS)
    count = events()
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert said(again) == said(first)
    assert events() == count
    for resolve in (False, True):
        settle_comment(comment_id=comment.pk, resolve=resolve, by=colleague)
    assert page.post(where, sent, headers=AGAIN).status_code == 409


@pytest.mark.parametrize("together", [False, True])
def test_an_undo_is_answered_as_if_done(together, page, issue, editor):
    cards = cards_of(issue)
    if together:
        for card in cards:
            look(card, editor)
        seen = {card.pk: card.hash for card in cards}
        event = approve_section(section_id=cards[-1].section_id, seen=seen, by=editor)[-1]
    else:
        event = make("drop", issue, editor, cards[0])
    sent, where = {"event": event.pk, "since": now()}, address("undo", issue)
    first = page.post(where, sent, headers=ASKS)
    count = events()
    assert page.post(where, sent, headers=ASKS).status_code == 409, "asked for anew"
    again = page.post(where, sent, headers=AGAIN)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (said(again), again.get("Copydesk-Card")) == (said(first), first.get("Copydesk-Card"))
    assert events() == count
    sent["since"] = now()
    assert page.post(where, sent, headers=AGAIN).status_code == 409

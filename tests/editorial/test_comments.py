"""Comments: said on a card or on a phrase of it, resolved, opened again, never lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from digest.models import Card, Event
from editorial import queue
from editorial.commenting import COMMENT_LIMIT, remarks_on
from editorial.models import Comment
from tests.conftest import cards_of, land
from tests.editorial.test_pages import Forms, address, client_of
from tests.editorial.work import change

ASKS = {"HX-Request": "true"}


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


@pytest.fixture
def card(issue) -> Card:
    return cards_of(issue)[0]


def say(page: Client, card: Card, body: str, quote: str = "", headers=ASKS):
    where = address("comments", card.section.issue, card.pk)
    return page.post(where, {"body": body, "quote": quote}, headers=headers)


def settle(page: Client, comment: Comment, what: str, headers=ASKS):
    where = address("comment", comment.issue, comment.pk)
    return page.post(where, {what: "1"}, headers=headers)


def test_a_comment_is_kept_with_its_quote_and_counted(page, ready, editor):
    card = cards_of(ready)[0]
    quote = card.summary[3:12]
    response = say(page, card, "數字有誤？\r\n\r\n請查。 ", quote)
    html = response.content.decode()
    assert response.status_code == 200
    [comment] = Comment.objects.all()
    assert (comment.body, comment.quote) == ("數字有誤？\n\n請查。 ", quote)
    assert (comment.by, comment.card, comment.hash) == (editor.user, card, card.hash)
    [event] = Event.objects.filter(verb="comment.add")
    assert (event.card, event.actor, event.after) == (card, editor.user, {"comment": comment.pk})
    # The row asks for attention, the issue counts it, and a signature is not held up by it.
    assert f'id="row-{card.pk}"' in html and 'data-attention="waiting"' in html
    assert "1 comment<" in html and re.search(r"<b>1</b> <span[^>]*>open comment</span>", html)
    row = queue.case_of_issue(ready.pk).cards[card.pk].card
    assert (row.comments, row.attention, row.state) == (1, "waiting", "approved")
    ready_now = queue.case_of_issue(ready.pk).readiness
    assert (ready_now.comments, ready_now.is_ready) == (1, True)
    shown = page.get(address("comments", ready, card.pk), headers=ASKS).content.decode()
    assert f"<blockquote>{quote}</blockquote>" in shown
    assert "數字有誤？" in shown and "<html" not in shown
    assert "outdated" not in shown


def test_a_comment_sent_twice_as_its_answer_got_lost_stays_one(page, card, colleague):
    for who in (page, page, client_of(colleague)):
        say(who, card, "請查。", card.summary[:3])
    say(page, card, "請查。")  # about the whole card: something else
    assert Comment.objects.count() == Event.objects.filter(verb="comment.add").count() == 3
    # Later, or once it was resolved, somebody means it.
    settle(page, Comment.objects.first(), "resolve")
    say(page, card, "請查。", card.summary[:3])
    Comment.objects.update(at=timezone.now() - timedelta(minutes=3))
    say(page, card, "請查。")
    assert Comment.objects.count() == 5


def test_a_comment_is_resolved_and_opened_again_by_anybody(page, card, colleague):
    say(page, card, "數字有誤？")
    [comment] = Comment.objects.all()
    theirs = client_of(colleague)
    answer = settle(theirs, comment, "resolve").content.decode()
    comment.refresh_from_db()
    assert (comment.resolved_by, bool(comment.resolved_at)) == (colleague.user, True)
    assert 'data-count="comments" hidden' in answer
    assert queue.case_of_issue(card.section.issue_id).cards[card.pk].card.comments == 0
    html = page.get(address("comments", card.section.issue, card.pk)).content.decode()
    assert "resolved by colleague" in html and "數字有誤？" in html
    again = settle(page, comment, "resolve")
    assert (again.status_code, "resolved already" in again.content.decode()) == (409, True)
    assert settle(page, comment, "reopen").status_code == 200
    comment.refresh_from_db()
    assert (comment.resolved_by, comment.resolved_at) == (None, None)
    again = settle(page, comment, "reopen")
    assert (again.status_code, "is open" in again.content.decode()) == (409, True)
    assert settle(page, comment, "delete").status_code == 422
    verbs = Event.objects.filter(verb__startswith="comment.").values_list("verb", flat=True)
    assert list(verbs) == ["comment.add", "comment.resolve", "comment.reopen"]


def test_comments_work_without_javascript(page, card):
    where = address("comments", card.section.issue, card.pk)
    html = page.get(where).content.decode()
    [form] = [each for each in Forms(html).forms if "body" in each["fields"]]
    assert page.post(where, form["fields"] | {"body": "數字有誤？"}).status_code == 303
    html = page.get(where).content.decode()
    comment = Comment.objects.get()
    [form] = [f for f in Forms(html).forms if f["action"].endswith(f"/comments/{comment.pk}/")]
    assert page.post(form["action"], {"resolve": "1"}).status_code == 303
    assert not Comment.objects.open().exists()


@pytest.mark.parametrize(
    ("body", "quote", "sentence"),
    [
        ("", "", "A comment says something."),
        (" \r\n　", "", "A comment says something."),
        ("字" * (COMMENT_LIMIT + 1), "", "at most 4000 characters"),
        ("好", "字" * 20_001, "at most 4000 characters"),
        ("a\x00b", "", "cannot be kept"),
        ("好", "a\x00b", "cannot be kept"),
    ],
)
@pytest.mark.parametrize("headers", [{}, ASKS], ids=["plain", "in place"])
def test_what_cannot_be_kept_is_refused_in_a_sentence(body, quote, sentence, headers, page, card):
    events = Event.objects.count()
    response = say(page, card, body, quote, headers)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Comment.objects.exists() and Event.objects.count() == events


def test_a_comment_at_its_limit_is_kept(page, card):
    assert say(page, card, "字" * COMMENT_LIMIT).status_code == 200
    assert len(Comment.objects.get().body) == COMMENT_LIMIT


def test_comments_of_one_issue_are_not_settled_through_another(page, card, desk, sample):
    say(page, card, "數字有誤？")
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    where = address("comment", other, Comment.objects.get().pk)
    assert page.post(where, {"resolve": "1"}, headers=ASKS).status_code == 404
    assert page.post(address("comments", other, card.pk), {"body": "x"}).status_code == 404
    assert Comment.objects.open().count() == 1


# --- quotes --------------------------------------------------------------------------------------

TEXT = """公司發表 **Nova 2**，比[前一代](https://example.org/nova)快 *三成*，見 `run --fast`。

- 第一點 **很快**
- 第二點 &amp; 便宜

1. 先
2. 後"""


def outdated(card: Card) -> list[bool]:
    return [each.is_outdated for each in remarks_on(Card.objects.whole().get(pk=card.pk))]


@pytest.mark.parametrize(
    "quote",
    [
        "發表 Nova 2，比前一代快 三成",  # across bold, a link and italics, as a page shows them
        "比前一代快",
        "見 run --fast。",
        "第一點 很快\n第二點 & 便宜",  # across items: browsers put no mark before them
        "很快\n\n第二點",
        "便宜\n先\n後",
        "**Nova 2**，比[前一代](https://example.org/nova)",  # as it is written, from the editor
        "- 第二點 &amp; 便宜",
        "",
    ],
)
def test_a_phrase_that_stands_in_the_text_is_not_outdated(quote, page, card, editor):
    change(card, editor, summary=TEXT)
    say(page, card, "？", quote)
    assert outdated(card) == [False]


@pytest.mark.parametrize("heading", ["Technical details", "技術細節"])
def test_a_phrase_across_a_heading_of_the_page_is_not_outdated(heading, page, card, editor):
    change(card, editor, summary="前一段。", details="後一段，還有話。")
    say(page, card, "？", f"一段。\n{heading}\n\n後一段")
    say(page, card, "？", f"一段。\n{heading}\n\n後兩段")
    assert outdated(card) == [False, True]


@pytest.mark.parametrize("quote", ["Nova 3", "比前一代慢", "前一代(https://example.org/nova)快"])
def test_a_phrase_that_does_not_stand_there_is_outdated(quote, page, card, editor):
    change(card, editor, summary=TEXT)
    say(page, card, "？", quote)
    assert outdated(card) == [True]


def test_each_text_of_a_card_can_be_quoted(page, card, editor):
    change(card, editor, rest="還有一段。", importance_note="影響很廣")
    card = Card.objects.whole().get(pk=card.pk)
    quotes = [
        *(card.headline, card.importance_note, card.rest, card.applications[:8]),
        *(card.entity_items.first().tag.name, card.sources.first().title),
    ]
    for quote in quotes:
        say(page, card, "？", quote)
    assert outdated(card) == [False] * len(quotes)


def test_a_quote_is_outdated_when_its_phrase_goes_and_the_comment_stays(page, card, editor):
    before = card.summary
    say(page, card, "這裡？", before[:24])
    change(card, editor, summary="整段重寫。")
    assert outdated(card) == [True]
    html = page.get(address("comments", card.section.issue, card.pk)).content.decode()
    assert "outdated: this phrase is gone from the text" in html
    assert "這裡？" in html and before[:24] in html
    assert Comment.objects.open().count() == 1
    change(card, editor, summary=before)
    assert outdated(card) == [False]


def test_a_comment_is_in_the_history_and_can_be_taken_back(page, card):
    issue = card.section.issue
    say(page, card, "數字有誤？")
    html = page.get(address("issue_history", issue)).content.decode()
    assert "editor wrote a comment." in html and "<q>數字有誤？</q>" in html
    answer = page.post(address("undo", issue), headers=ASKS).content.decode()
    assert re.search(r'id="said"[^>]*>[^<]*editor took back: a comment\.', answer)
    assert not Comment.objects.open().exists() and Comment.objects.exists()

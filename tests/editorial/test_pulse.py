"""What a page tells while somebody works on it, and what it hears of the others."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from digest.models import Card, Event, Issue, Passage
from editorial import queue
from editorial.models import Glance, Presence
from tests.conftest import approve_everything, cards_of, land
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change, change_issue, make, move, rewrite

ASKS = {"HX-Request": "true"}


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


@pytest.fixture
def theirs(colleague) -> Client:
    return client_of(colleague)


def now() -> int:
    return Event.objects.order_by("-pk").first().pk


def pulse(page: Client, issue, *, since=None, card=None, seen=()) -> str:
    """What a page hears that shows what was there after the event `since`."""
    sent = {"since": now() if since is None else since, "card": card.pk if card else ""}
    sent["seen"] = [f"{each.pk}:{each.hash}" for each in seen]
    response = page.post(address("pulse", issue), sent, headers=ASKS)
    assert response.status_code == 200
    return response.content.decode()


def rows_in(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'id="row-(\d+)"', html)]


def parts_in(html: str) -> set[str]:
    return set(re.findall(r'id="([a-z-]+)"[^>]*hx-swap-oob="true"', html))


def attention(page: Client, issue) -> dict[int, str]:
    """The cards of the day page that ask to be looked at, and why."""
    html = page.get(address("issue", issue)).content.decode()
    found = re.findall(r'id="row-(\d+)"[^>]*data-attention="(\w+)"', html)
    return {int(pk): why for pk, why in found}


# --- who is here ---------------------------------------------------------------------------------


def test_two_tabs_of_one_person_are_one_person_where_they_were_last(page, theirs, editor, issue):
    first, second = cards_of(issue)[:2]
    for card in (first, second, first):
        pulse(page, issue, card=card)
        pulse(client_of(editor), issue, card=second)
    assert Presence.objects.count() == 1
    html = pulse(theirs, issue)
    assert html.count("<li data-person=") == 1
    assert f'<li data-person="editor" data-on="{second.pk}">' in html
    assert 'data-person="editor"' in theirs.get(address("issue", issue)).content.decode()


def test_one_does_not_see_oneself(page, issue):
    assert "data-person=" not in pulse(page, issue, card=cards_of(issue)[0])


@pytest.mark.parametrize(("seconds", "is_here"), [(43, True), (46, False)])
def test_somebody_is_gone_after_three_pulses_that_did_not_come(
    seconds, is_here, page, theirs, issue
):
    pulse(page, issue)
    Presence.objects.update(at=timezone.now() - timedelta(seconds=seconds))
    assert ('data-person="editor"' in pulse(theirs, issue)) is is_here


def test_a_place_that_is_no_card_of_the_issue_is_no_place(page, theirs, issue, desk, sample):
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    pulse(page, issue, card=cards_of(other)[0])
    assert Presence.objects.get().card is None
    for place in ("insight", "front", "-1", "²"):
        sent = {"card": place, "since": "x"}
        assert page.post(address("pulse", issue), sent, headers=ASKS).status_code == 200
    assert "data-on" not in pulse(theirs, issue)
    assert "data-person" not in pulse(theirs, other)


# --- what was seen -------------------------------------------------------------------------------


def test_only_what_was_told_as_it_stands_counts_as_seen(page, issue, editor, colleague):
    first, second, third = cards_of(issue)[:3]
    change(second, colleague, summary="趁隙改過。")
    last = now()
    pulse(page, issue, seen=[first, second])  # the second as it was
    [glance] = Glance.objects.all()
    assert (glance.user, glance.card, glance.hash) == (editor.user, first, first.hash)
    assert glance.event == last
    change(first, colleague, summary="又改。")
    first.refresh_from_db()
    pulse(page, issue, seen=[first])
    glance.refresh_from_db()
    assert (glance.hash, glance.event) == (first.hash, now())
    assert Glance.objects.count() == 1


def test_nonsense_and_cards_of_other_issues_are_not_seen(page, issue, desk, sample):
    other = cards_of(land(desk, sample.replace(b"2026-02-12", b"2026-02-13")))[0]
    card = cards_of(issue)[0]
    seen = [f"{other.pk}:{other.hash}", f"{card.pk}", f"{card.pk}:", "x:y", "", f"²:{card.hash}"]
    assert page.post(address("pulse", issue), {"seen": seen}, headers=ASKS).status_code == 200
    assert not Glance.objects.exists()


def test_looking_at_pages_records_nothing(page, issue):
    card = cards_of(issue)[0]
    for asked in ({}, ASKS):
        for name, rest in (("issue", []), ("card", [card.pk]), ("card_history", [card.pk])):
            page.get(address(name, issue, *rest), headers=asked)
    assert page.get(address("pulse", issue), headers=ASKS).status_code == 405
    assert not Glance.objects.exists() and not Presence.objects.exists()


def test_what_a_closing_page_tells_counts_but_its_reader_is_not_here(page, issue):
    card = cards_of(issue)[0]
    sent = {"seen": [f"{card.pk}:{card.hash}"], "card": card.pk}
    assert page.post(address("pulse", issue), sent).status_code == 303  # a beacon: no htmx
    assert Glance.objects.get().card == card
    assert not Presence.objects.exists()


# --- what the others did -------------------------------------------------------------------------


def test_nothing_happened_says_nothing_but_who_is_here(page, issue):
    html = pulse(page, issue)
    assert parts_in(html) == {"since", "people", "alarms"}
    assert rows_in(html) == []
    assert f'value="{now()}"' in html


def test_only_what_others_changed_comes_and_only_once(page, issue, colleague):
    since = now()
    first, second, *_rest = cards_of(issue)
    change(first, colleague, summary="同事改過的摘要。")
    make("approve", issue, colleague, second)
    html = pulse(page, issue, since=since)
    assert sorted(rows_in(html)) == sorted([first.pk, second.pk])
    assert "同事改過的摘要。" in html
    assert "approved · colleague" in html
    assert "readiness" in parts_in(html)
    assert not {"order", "insight", "publication", "news"} & parts_in(html)
    assert f'id="since" form="act" name="since" value="{now()}"' in html
    assert rows_in(pulse(page, issue)) == []


def test_each_part_of_the_page_comes_when_it_is_another(page, issue, chief, colleague):
    since = now()
    section = issue.sections.filter(kind="cards").last()
    move(cards_of(issue)[0], colleague, section.pk, None)
    html = pulse(page, issue, since=since)
    assert f'name="order" value="{queue.order_of(issue)}"' in html
    since = now()
    rewrite(issue.sections.get(kind="insight").passages.first(), colleague, "改寫。")
    present = Issue.objects.get(pk=issue.pk).insight_hash
    html = pulse(page, issue, since=since)
    assert f'id="row-insight" hx-swap-oob="true" data-state="waiting" data-hash="{present}"' in html
    since = now()
    change_issue(issue, colleague, title="新標題")
    assert "publication" in parts_in(pulse(page, issue, since=since))


def test_a_move_that_was_taken_back_brings_the_order_as_it_is(page, theirs, issue, colleague):
    section = issue.sections.filter(kind="cards").last()
    move(cards_of(issue)[0], colleague, section.pk, None)
    since = now()
    theirs.post(address("undo", issue), headers=ASKS)
    html = pulse(page, issue, since=since)
    assert f'name="order" value="{queue.order_of(issue)}"' in html


def _with_more_cards(sample: bytes, count: int) -> bytes:
    start = sample.index(b"### ")
    card = "### 補上的第 {} 張卡\n\n**核心摘要**  \n新的。\n\n**重要性**：中  \n\n---\n\n"
    return sample[:start] + "".join(map(card.format, range(count))).encode() + sample[start:]


def test_a_later_draft_says_how_many_cards_are_new_and_moves_no_row(page, issue, desk, sample):
    since, before = now(), {card.pk for card in cards_of(issue)}
    land(desk, _with_more_cards(sample, 3))
    added = {card.pk for card in cards_of(issue)} - before
    assert len(added) == 3
    html = pulse(page, issue, since=since)
    assert "3 new cards" in html
    assert not added & set(rows_in(html))  # they have no place on the page yet
    assert "order" not in parts_in(html)


def test_a_later_draft_without_new_cards_changes_rows_in_place(page, issue, desk, sample):
    since, card = now(), cards_of(issue)[0]
    land(desk, sample.replace(card.summary.encode(), "機器後來寫的。".encode()))
    html = pulse(page, issue, since=since)
    assert rows_in(html) == [card.pk]
    assert "機器後來寫的。" in html
    assert "A later draft has landed." in html


def test_a_page_that_missed_too_much_is_told_to_load_anew(page, issue, colleague):
    since, card = now(), cards_of(issue)[0]
    Event.objects.bulk_create(
        Event(desk=issue.desk, issue=issue, card=card, actor=colleague.user, verb="card.approve")
        for _ in range(201)
    )
    assert "Show" in pulse(page, issue, since=since)


# --- the second pass -----------------------------------------------------------------------------


def test_a_changed_card_asks_for_a_look_until_it_is_seen(page, ready, colleague):
    card, before = cards_of(ready)[0], cards_of(ready)[0]
    assert attention(page, ready) == {}
    pulse(page, ready, seen=cards_of(ready))
    assert attention(page, ready) == {}
    change(card, colleague, summary="同事改過。")
    assert attention(page, ready) == {card.pk: "waiting"}
    make("approve", ready, colleague, card)
    assert attention(page, ready) == {card.pk: "changed"}
    shown = page.get(address("issue", ready)).content.decode()
    assert "<b>1</b> changed since you looked" in shown
    pulse(page, ready, seen=[before])  # as it was: that was no look at this
    assert attention(page, ready) == {card.pk: "changed"}
    pulse(page, ready, seen=[Card.objects.get(pk=card.pk)])
    assert attention(page, ready) == {}
    assert 'data-count="changed" hidden' in page.get(address("issue", ready)).content.decode()


@pytest.mark.parametrize("count", [0, 1, 5, 17])
def test_on_the_second_pass_exactly_what_was_changed_asks_for_a_look(
    count, issue, editor, colleague, chief
):
    approve_everything(issue, editor)
    page = client_of(chief)
    pulse(page, issue, seen=cards_of(issue))
    changed = cards_of(issue)[:count]
    for card in changed:
        change(card, colleague, details="- 改過。")
        make("approve", issue, colleague, card)
    # What others did to a card without touching its text asks nobody to read it again.
    untouched = cards_of(issue)[-1]
    make("withdraw", issue, colleague, untouched)
    make("approve", issue, colleague, untouched)
    assert attention(page, issue) == {card.pk: "changed" for card in changed}
    assert queue.case_of_issue(issue.pk, for_user=chief.user_id).readiness.changed == count


def test_a_new_hash_of_the_insight_never_comes_without_its_text(page, issue, colleague):
    from editorial.editing import Change, change_passages, hash_of

    since = issue.events.last().pk
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").first()
    new = Change("body", "同事改寫的洞察。", hash_of(passage.body))
    change_passages(issue_id=issue.pk, changes=[(passage.pk, new)], by=colleague)
    html = page.post(address("pulse", issue), {"since": since}, headers=ASKS).content.decode()
    issue.refresh_from_db()
    assert issue.insight_hash in html and "同事改寫的洞察。" in html


def test_a_comment_brings_the_text_along_with_the_hash_that_stands_there(page, issue, colleague):
    card = cards_of(issue)[0]
    change(card, colleague, summary="同事改過，頁面還沒看到。")
    sent = {"body": "我的評論。"}
    html = page.post(address("comments", issue, card.pk), sent, headers=ASKS).content.decode()
    card.refresh_from_db()
    assert card.hash in html and "同事改過，頁面還沒看到。" in html


def test_taking_something_back_is_no_look_at_what_somebody_else_wrote(issue, editor, colleague):
    from editorial.undo import undo

    card = cards_of(issue)[0]
    make("approve", issue, editor, card)
    change(card, colleague, summary="同事改過。")
    undo(issue_id=issue.pk, by=editor)
    case = queue.case_of_issue(issue.pk, for_user=editor.user_id)
    assert case.cards[card.pk].card.has_changed_since_seen

"""Events as sentences, with what they changed and whether it can be taken back."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from digest.models import Event, Section
from editorial.bulk import approve_section
from editorial.history import SENTENCES, TAKEN_BACK, changes_since, lines_of, taken_back
from editorial.refusals import Refused
from editorial.undo import UNDOS, undo
from tests.conftest import cards_of, land
from tests.editorial.test_pages import address, client_of
from tests.editorial.test_undo import rated
from tests.editorial.work import Work, change, change_issue, make, move


def latest(issue, by=None):
    with override("en"):
        return lines_of(issue.events.all(), by=by)[0]


def test_every_undo_reads_as_what_it_took_back():
    assert TAKEN_BACK.keys() == UNDOS.keys()
    assert TAKEN_BACK.keys() <= SENTENCES.keys()


def test_what_a_later_draft_did_to_a_section_is_said_in_the_readers_language(desk, sample):
    title = next(line for line in sample.decode().split("\n") if line.startswith("## "))
    land(desk, sample)
    again = land(desk, sample.replace(title.encode(), "## 全新單元".encode()))
    with override("zh-hant"):
        said = {each.sentence for each in lines_of(again.events.filter(field="section"))}
    assert said == {"機器改寫了「單元」。"}


def test_a_rating_and_a_move_say_from_what_to_what(issue, editor):
    card = cards_of(issue)[7]
    rating = card.machine["importance"]
    change(card, editor, importance="極高")
    line = latest(issue)
    assert (line.sentence, line.change.short) == (
        "editor changed Importance.", f"{rating} → 極高",
    )  # fmt: skip
    assert line.event_id == Event.objects.last().pk
    first = issue.sections.first()
    home = card.section.title
    move(card, editor, first.pk, None)
    assert latest(issue).change.short == f"8 → 1 · {home} → {first.title}"
    move(card, editor, first.pk, first.cards.all()[1].pk)
    assert latest(issue).change.short == "1 → 2"


def test_a_change_of_text_comes_with_both_texts_and_their_difference(issue, editor):
    card = cards_of(issue)[0]
    change(card, editor, summary=f"{card.summary}補一句。")
    found = latest(issue).change
    assert (found.kind, found.before, found.after) == (
        "text", card.summary, f"{card.summary}補一句。",
    )  # fmt: skip
    assert [piece.kind for piece in found.pieces] == ["same", "new"]


def test_an_undo_reads_as_what_it_took_back(issue, editor):
    card = cards_of(issue)[0]
    change(card, editor, summary="改過。")
    undo(issue_id=issue.pk, by=editor)
    line = latest(issue)
    assert line.sentence == "editor took back: a change of Core summary."
    assert (line.change.before, line.change.after) == ("改過。", card.summary)
    make("approve", issue, editor, card)
    undo(issue_id=issue.pk, by=editor)
    assert latest(issue).sentence == "editor took back: the approval of this card."


def test_the_front_matter_has_labels_of_its_own(issue, editor):
    change_issue(issue, editor, summary="新的。")
    assert latest(issue).sentence == "editor changed Summary of the issue."
    change_issue(issue, editor, tags=["晶片"])
    assert latest(issue).change.kind == "list"


def test_a_bulk_approval_says_that_it_was_one(issue, editor):
    seen = rated(issue, editor)
    approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
    assert latest(issue).sentence == "editor approved this card together with others."


def test_taking_a_bulk_approval_back_speaks_of_all_its_cards(issue, editor):
    seen = rated(issue, editor)
    page = client_of(editor)

    def told(language: str) -> str:
        approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
        headers = {"HX-Request": "true", "accept-language": language}
        answer = page.post(address("undo", issue), {}, headers=headers).content.decode()
        return re.search(r'id="said"[^>]*>([^<]*)<', answer)[1].strip()

    assert len(seen) > 1
    assert told("en") == f"{len(seen)} approvals taken back."
    assert told("zh-TW") == f"已收回 {len(seen)} 項核可。"
    sentence = "editor took back: the approval of this card together with others."
    with override("en"):
        assert {line.sentence for line in lines_of(issue.events.all(), len(seen))} == {sentence}


def test_what_is_left_of_a_bulk_approval_is_taken_back_as_one_card(issue, editor, colleague):
    """The others have been withdrawn by somebody else: one is all that this undo took back."""
    seen = rated(issue, editor)
    made = approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
    for event in made[1:]:
        make("withdraw", issue, colleague, event.card)
    events = undo(issue_id=issue.pk, by=editor)
    with override("en"):
        assert taken_back(events) == "editor took back: the approval of this card."
    assert latest(issue).sentence == "editor took back: the approval of this card."


def test_taking_back_several_changes_speaks_of_all(issue, editor):
    change(cards_of(issue)[0], editor, summary="改過。", details="也改過。")
    events = undo(issue_id=issue.pk, by=editor)
    with override("en"):
        assert taken_back(events) == "2 changes taken back."


def test_each_sees_what_they_can_take_back(issue, editor, colleague, machine):
    card = cards_of(issue)[0]
    change(card, editor, summary="改過。")
    assert latest(issue, editor).undoable_by_me
    assert not latest(issue, colleague).undoable_by_me
    assert not latest(issue).undoable_by_me
    undo(issue_id=issue.pk, by=editor)
    lines = lines_of(issue.events.all(), by=editor)
    assert [line.undoable_by_me for line in lines[:3]] == [False, False, False]


def test_what_is_left_of_a_bulk_approval_that_was_taken_back_cannot_be(issue, editor, colleague):
    seen = rated(issue, editor)
    made = approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
    assert all(each.undoable_by_me for each in lines_of(issue.events.all(), len(made), by=editor))
    make("withdraw", issue, colleague, made[0].card)
    undo(issue_id=issue.pk, by=editor)
    lines = {line.event_id: line for line in lines_of(issue.events.all(), by=editor)}
    assert not any(lines[event.pk].undoable_by_me for event in made)


def test_the_queries_of_a_history_do_not_grow_with_it(issue, editor, colleague):
    work = Work(issue, [editor, colleague], 7)
    counted = []
    for steps in (30, 90):
        for _ in range(steps):
            work.step()
        undo(issue_id=issue.pk, by=editor)
        with CaptureQueriesContext(connection) as captured:
            lines = lines_of(issue.events.all(), by=editor)
        counted.append(len(captured))
        assert len(lines) > 10
        with CaptureQueriesContext(connection) as captured:
            assert changes_since(issue, 0)
        counted.append(len(captured))
    assert counted[:2] == counted[2:]


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_every_event_of_a_busy_day_is_a_sentence(language, issue, editor, colleague):
    work = Work(issue, [editor, colleague], 3)
    for number in range(150):
        work.step()
        if number % 4 == 0:
            with suppress(Refused):
                undo(issue_id=issue.pk, by=editor)
    with override(language):
        lines = lines_of(issue.events.all(), by=editor)
        assert len(lines) > 80
        for line in lines:
            assert "%" not in line.sentence
            if line.change:
                assert line.change.label
                assert isinstance(line.change.short, str)
                assert line.change.kind != "text" or line.change.pieces is not None


def test_what_has_changed_since_is_told_in_order(issue, editor):
    card = cards_of(issue)[0]
    last = Event.objects.last().pk
    change(card, editor, summary="改過。")
    change(card, editor, importance="低")
    section = issue.sections.filter(kind=Section.Kind.CARDS).last()
    move(card, editor, section.pk, None)
    first, second, third = changes_since(issue, last)
    assert (first.change.before, first.change.after) == (card.summary, "改過。")
    assert second.change.after == "低"
    assert section.title in third.change.short

"""Undo pressed in several tabs at once, and while others work."""

from __future__ import annotations

from functools import partial

import pytest

from digest.models import Event
from editorial.bulk import approve_section
from editorial.models import Approval
from editorial.refusals import Refused
from editorial.undo import undo, undoable
from tests.conftest import cards_of
from tests.editorial.work import change, look, order_in, proof_in
from tests.races.test_decisions import values_of
from tests.races.threads import at_once, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def test_tabs_pressing_undo_at_once_each_take_back_another_thing(issue, editor):
    card = cards_of(issue)[0]
    before = values_of(card)
    for number in range(12):
        change(card, editor, summary=f"第 {number} 版。")
    for _ in range(3):
        results = at_once(*[partial(undo, issue_id=issue.pk, by=editor)] * 4)
        assert not unexpected(results)
        taken = [event.undoes_id for [event] in results]
        assert len(set(taken)) == 4
    assert values_of(card) == before
    assert undoable(issue, editor) is None


def test_more_tabs_than_there_is_to_take_back_are_told_so(issue, editor):
    card = cards_of(issue)[0]
    before = values_of(card)
    change(card, editor, summary="一。")
    results = at_once(*[partial(undo, issue_id=issue.pk, by=editor)] * 4)
    assert not unexpected(results, Refused)
    assert [isinstance(result, Refused) for result in results].count(False) == 1
    assert values_of(card) == before


def test_one_event_undone_in_several_tabs_is_undone_once(issue, editor):
    cards = cards_of(issue)[:6]
    for card in cards:
        change(card, editor, summary="一。")
        event = Event.objects.last()
        asked = partial(undo, issue_id=issue.pk, by=editor, event_id=event.pk)
        results = at_once(asked, asked, asked)
        assert not unexpected(results, Refused)
        assert [isinstance(result, Refused) for result in results].count(False) == 1
        assert Event.objects.filter(undoes=event).count() == 1


def test_an_undo_while_somebody_saves_the_same_field_loses_neither(issue, editor, colleague):
    for card in cards_of(issue)[:8]:
        first = card.summary
        change(card, editor, summary="甲。")
        undone, saved = at_once(
            partial(undo, issue_id=issue.pk, by=editor),
            partial(change, card, colleague, summary="乙。"),
        )
        present = values_of(card)["summary"]
        # Whoever came first; the other sees it: by a refusal, or by a collision.
        if isinstance(undone, Refused):
            assert present == "乙。"
        elif isinstance(saved, Exception):
            assert present == first
        else:
            assert present == "乙。"
            events = Event.objects.filter(card=card).order_by("-pk")
            assert [events[0].before, events[0].after] == [first, "乙。"]


def test_a_bulk_approval_pressed_twice_approves_each_card_once(issue, editor, colleague):
    before = proof_in(issue)
    order = order_in(issue)
    section = issue.sections.first()
    cards = list(section.cards.all())
    for card in cards:
        change(card, editor, importance="中")
        look(card, editor)
        look(card, colleague)
    asked = {card.pk: card.hash for card in cards}
    results = at_once(
        *(
            partial(approve_section, section_id=section.pk, seen=asked, by=by)
            for by in (editor, editor, colleague)
        )
    )
    assert not unexpected(results, Refused)
    assert Approval.objects.count() == len(cards)
    while undoable(issue, editor):
        undo(issue_id=issue.pk, by=editor)
    assert (proof_in(issue), order_in(issue)) == (before, order)

"""Approving several cards at once, and only where that is honest."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from digest.models import Card, Event, Suggestion
from editorial.bulk import approvable_in_bulk, approve_section
from editorial.models import Approval, Comment, Glance
from editorial.queue import case_of_issue
from editorial.refusals import Refused
from tests.conftest import cards_of, land
from tests.editorial.test_undo import later, rated
from tests.editorial.work import change, look, make


@pytest.fixture
def seen(issue, editor) -> dict[int, str]:
    return rated(issue, editor)


@pytest.fixture
def section(issue):
    return issue.sections.first()


def offered(issue, by) -> dict[int, list[tuple[int, str]]]:
    """What a page that somebody looks at offers to approve together."""
    case = case_of_issue(issue.pk, for_user=by.user_id)
    return approvable_in_bulk(case, by)


def approved(section, seen, by) -> list[int]:
    """The cards that are approved when somebody presses the button."""
    expected = [pk for pk, _hash in offered(section.issue, by).get(section.pk, [])]
    try:
        made = approve_section(section_id=section.pk, seen=seen, by=by)
    except Refused as refused:
        assert refused.refusal.sentence
        made = []
    found = [event.card_id for event in made]
    assert found == expected  # the page offers what the server does
    assert sorted(found) == sorted(Approval.objects.valid().values_list("card", flat=True))
    return found


def test_what_one_has_seen_of_a_section_is_approved_in_one_action(section, seen, editor):
    assert approved(section, seen, editor) == list(seen)
    events = Event.objects.filter(verb="card.approve")
    [batch] = set(events.values_list("batch", flat=True))
    assert batch
    assert {e.card_id: e.seen for e in events} == seen
    assert {a.card_id: a.hash for a in Approval.objects.all()} == seen


def _rate(card, issue, editor, colleague):
    change(card, editor, importance="高")
    look(card, editor)


def _unrate(card, issue, editor, colleague):
    change(card, editor, importance=None)
    look(card, editor)


def _drop(card, issue, editor, colleague):
    make("drop", issue, editor, card)


def _not_looked(card, issue, editor, colleague):
    Glance.objects.filter(card=card, user=editor.user).delete()
    look(card, colleague)


def _changed(card, issue, editor, colleague):
    change(card, colleague, summary="看過之後又改。")


def _trapped(card, issue, editor, colleague):
    change(card, editor, details="一段 <b>文字</b>。")
    look(card, editor)


def _commented(card, issue, editor, colleague):
    Comment.objects.create(issue=issue, card=card, by=colleague.user, body="數字有誤？")


def _suggested(card, issue, editor, colleague):
    Suggestion.objects.create(
        issue=issue, card=card, draft=issue.drafts.first(), field="summary", value="新稿。"
    )


OBSTACLES = [_rate, _unrate, _drop, _not_looked, _changed, _trapped, _commented, _suggested]


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_card_with_something_to_look_at_is_left_out(
    obstacle, issue, section, seen, editor, colleague
):
    card = Card.objects.get(pk=next(iter(seen)))
    obstacle(card, issue, editor, colleague)
    if obstacle is not _changed:  # even if the page showed it as it is now
        seen[card.pk] = Card.objects.get(pk=card.pk).hash
    assert approved(section, seen, editor) == [pk for pk in seen if pk != card.pk]


def test_what_is_resolved_or_answered_is_no_flag(issue, section, seen, editor):
    card = Card.objects.get(pk=next(iter(seen)))
    _commented(card, issue, editor, editor)
    Comment.objects.update(resolved_by=editor.user, resolved_at=timezone.now())
    _suggested(card, issue, editor, editor)
    Suggestion.objects.update(state=Suggestion.State.DECLINED)
    assert approved(section, seen, editor) == list(seen)


def test_a_card_the_page_did_not_show_is_left_out(section, seen, editor):
    pk = next(iter(seen))
    stale = {**seen, pk: "0" * 64}
    made = approve_section(section_id=section.pk, seen=stale, by=editor)
    assert pk not in [event.card_id for event in made]


def test_cards_of_another_section_are_left_out(issue, section, seen, editor):
    other = next(c for c in cards_of(issue) if c.section_id != section.pk)
    change(other, editor, importance="中")
    look(other, editor)
    seen[other.pk] = other.hash
    made = approve_section(section_id=section.pk, seen=seen, by=editor)
    assert other.pk not in [event.card_id for event in made]


def test_nothing_to_approve_is_said(section, seen, editor):
    approve_section(section_id=section.pk, seen=seen, by=editor)
    with pytest.raises(Refused):
        approve_section(section_id=section.pk, seen=seen, by=editor)
    with pytest.raises(Refused):
        approve_section(section_id=section.pk, seen={}, by=editor)


def test_at_a_four_eyes_desk_ones_own_changes_are_left_out(issue, section, seen, editor, colleague):
    issue.desk.four_eyes = True
    issue.desk.save()
    section.issue.desk.refresh_from_db()
    first = Card.objects.get(pk=next(iter(seen)))
    change(first, colleague, summary="由同事改寫。")
    look(first, editor)
    seen[first.pk] = Card.objects.get(pk=first.pk).hash
    made = approve_section(section_id=section.pk, seen=seen, by=editor)
    # Those that were never rated otherwise than 中 nobody has changed.
    own = set(Event.objects.filter(verb="card.edit").values_list("card", flat=True)) - {first.pk}
    assert {e.card_id for e in made} == set(seen) - own
    assert own


@pytest.mark.parametrize("who", ["machine", "stranger", "nobody"])
def test_bulk_approval_asks_for_the_permission(who, section, seen, machine, stranger):
    by = {"machine": machine, "stranger": stranger}.get(who)
    with pytest.raises(Refused) as refused:
        approve_section(section_id=section.pk, seen=seen, by=by)
    assert refused.value.refusal.kind == "permission"
    assert approvable_in_bulk(case_of_issue(section.issue_id), by) == {}


def test_the_offer_takes_no_more_queries_for_more_cards(issue, seen, editor):
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            found = offered(issue, editor)
        counted.append((len(captured), sum(map(len, found.values()))))
        for card in cards_of(issue):
            change(card, editor, importance="中")
            look(card, editor)
    (few, small), (many, large) = counted
    assert few == many
    assert 0 < small < large


def test_a_suggestion_of_a_later_draft_is_a_flag(issue, desk, sample, section, seen, editor):
    card = Card.objects.get(pk=next(iter(seen)))
    change(card, editor, summary="由人改寫。")
    land(desk, later(sample))
    look(card, editor)
    assert Suggestion.objects.filter(card=card).exists()
    made = offered(issue, editor)
    assert card.pk not in dict(made.get(section.pk, []))

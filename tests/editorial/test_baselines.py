"""Earlier versions of a card, what has changed since, and the way back."""

from __future__ import annotations

from contextlib import suppress

import pytest

from digest.models import Card, Event, Suggestion
from digest.publishing import machine_account, publish_due
from editorial.baselines import BASELINES, against, baseline, card_as_of, revert
from editorial.decisions import decide
from editorial.editing import (
    answer_suggestion,
    field_values,
    hash_of,
    repair_card,
    suggested_over,
)
from editorial.refusals import Refused
from editorial.undo import undo
from tests.conftest import approve_everything, cards_of, land, sign
from tests.editorial.test_undo import held, later  # noqa: F401
from tests.editorial.work import Work, change, look, make, move


def whole(card: Card) -> Card:
    return Card.objects.whole().get(pk=card.pk)


def now(card: Card) -> dict:
    return field_values(whole(card))


def last_event() -> int:
    return Event.objects.order_by("-pk").first().pk


def snapshot(issue) -> dict[int, dict]:
    """All that is known of each card, read from the rows as they are now."""
    found = {}
    place = 0
    for section in issue.sections.prefetch_related("cards"):
        for position, card in enumerate(section.cards.all(), 1):
            place += not card.dropped
            found[card.pk] = now(card) | {
                "dropped": card.dropped,
                "place": {
                    "section": section.title,
                    "section_id": section.pk,
                    "position": position,
                    "place": None if card.dropped else place,
                },
            }
    return found


# --- as it was -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_card_as_of_an_event_is_what_it_was_after_it(seed, issue, editor, colleague):
    work = Work(issue, [editor, colleague], seed + 200)
    taken = {last_event(): snapshot(issue)}
    for number in range(200):
        work.step()
        if number % 5 == 0:
            with suppress(Refused):  # where the colleague has been since
                undo(issue_id=issue.pk, by=editor)
        if number % 20 == 0:
            taken[last_event()] = snapshot(issue)
    assert len(taken) > 8
    for event_id, seen in taken.items():
        for card in Card.objects.whole().filter(section__issue=issue):
            assert card_as_of(card, event_id) == seen[card.pk]


def test_what_the_machine_changes_and_adds_later_is_taken_back_as_well(issue, desk, sample, editor):
    cards = cards_of(issue)
    change(cards[1], editor, summary="由人改寫。")
    before, event = snapshot(issue), last_event()
    start = sample.index(b"### ")
    more = "### 補上的一張卡\n\n**核心摘要**  \n新的。\n\n**重要性**：中  \n\n---\n\n".encode()
    land(desk, later(sample[:start] + more + sample[start:]))
    added = next(c for c in cards_of(issue) if c.headline == "補上的一張卡")
    assert card_as_of(whole(added), event) is None
    assert now(cards[0]) != {f: before[cards[0].pk][f] for f in now(cards[0])}
    suggestion = Suggestion.objects.get(card=cards[1])
    answer_suggestion(
        suggestion_id=suggestion.pk,
        take=True,
        by=editor,
        seen=hash_of(suggested_over(suggestion)),
    )
    for card in cards:
        found = card_as_of(whole(card), event)
        # Its place the machine's new order has left no trace of.
        assert {**found, "place": None} == {**before[card.pk], "place": None}


def test_a_declined_suggestion_is_no_change(issue, desk, sample, editor):
    card = cards_of(issue)[0]
    change(card, editor, summary="由人改寫。")
    event = last_event()
    land(desk, later(sample))
    suggestion = Suggestion.objects.get(card=card)
    answer_suggestion(suggestion_id=suggestion.pk, take=False, by=editor)
    assert card_as_of(whole(card), event)["summary"] == "由人改寫。"


def test_a_repaired_card_was_not_there_before(issue, held, editor):  # noqa: F811
    event = last_event()
    card = repair_card(
        held_id=held.pk, text=held.text, section_id=issue.sections.first().pk, by=editor
    )
    assert card_as_of(whole(card), event) is None
    assert card_as_of(whole(card), last_event())["headline"] == "修好的卡"
    assert baseline(whole(card), "machine", editor) is None


def test_a_move_of_before_sections_were_recorded_is_found_by_its_title(issue, editor):
    card = cards_of(issue)[2]
    before, event = snapshot(issue), last_event()
    move(card, editor, card.section_id, None)
    Event.objects.create(
        desk=issue.desk,
        issue=issue,
        card=card,
        actor=editor.user,
        verb="card.move",
        before={"section": card.section.title, "position": 1},
        after={"section": card.section.title, "position": 1},
    )
    assert card_as_of(whole(card), event) == before[card.pk]


def test_the_queries_do_not_grow_with_what_has_happened(
    issue, editor, django_assert_max_num_queries
):
    card, other = cards_of(issue)[:2]
    event = last_event()
    for number in range(15):
        change(card, editor, summary=f"第 {number} 版。")
        move(other, editor, card.section_id, None if number % 2 else card.pk)
    row = Card.objects.whole().get(pk=card.pk)
    with django_assert_max_num_queries(5):
        card_as_of(row, event)


# --- the versions one key apart ------------------------------------------------------------------


def values_in(card: Card, name: str, by) -> dict | None:
    found = baseline(whole(card), name, by)
    return found and found.values


def test_each_version_is_the_one_it_is_called(issue, desk, editor, colleague, chief):
    card = cards_of(issue)[0]
    machine = now(card)
    assert {name: values_in(card, name, editor) is None for name in BASELINES} == {
        "machine": False,
        "seen": True,
        "approved": True,
        "published": True,
    }
    change(card, editor, summary="發布的摘要。")
    approve_everything(issue, editor)
    sign(issue, chief)
    decide("publish", issue_id=issue.pk, by=chief, seen=issue.editions.last().sha256)
    publish_due()
    change(card, editor, summary="核可的摘要。")
    make("approve", issue, colleague, card)
    change(card, editor, summary="看過的摘要。")
    look(card, editor)
    change(card, colleague, summary="現在的摘要。")
    assert {name: values_in(card, name, editor)["summary"] for name in BASELINES} == {
        "machine": machine["summary"],
        "seen": "看過的摘要。",
        "approved": "核可的摘要。",
        "published": "發布的摘要。",
    }
    found = {name: baseline(whole(card), name, editor) for name in BASELINES}
    assert (found["approved"].by, found["published"].by) == (colleague.user, chief.user)
    assert (found["seen"].by, found["machine"].by) == (editor.user, machine_account("machine"))
    assert all(each.at and each.label for each in found.values())
    # An approval is a look; a change of one's own on top of what one has not seen is none.
    assert values_in(card, "seen", colleague)["summary"] == "核可的摘要。"
    # An approval that was withdrawn is none.
    change(card, editor, summary="核可的摘要。")
    make("withdraw", issue, editor, card)
    assert values_in(card, "approved", editor)["summary"] == "發布的摘要。"


def test_a_card_that_was_dropped_is_not_what_readers_have(issue, editor, chief):
    card = cards_of(issue)[0]
    make("drop", issue, editor, card)
    approve_everything(issue, editor)
    sign(issue, chief)
    decide("publish", issue_id=issue.pk, by=chief, seen=issue.editions.last().sha256)
    publish_due()
    make("restore", issue, editor, card)
    assert baseline(whole(card), "published", editor) is None


# --- what has changed since ----------------------------------------------------------------------


def since(card: Card, name: str, by) -> dict:
    card = whole(card)
    return {each.field: each for each in against(card, baseline(card, name, by))}


def test_what_has_changed_is_shown_by_its_kind(issue, editor):
    card = cards_of(issue)[7]
    change(
        card,
        editor,
        importance="極高",
        summary=card.summary + "補一句。",
        entities=[*now(card)["entities"][1:], "台積電"],
    )
    gone = whole(card).machine["entities"][0]
    first = cards_of(issue)[0]
    move(card, editor, first.section_id, None)
    make("drop", issue, editor, card)
    make("restore", issue, editor, card)
    found = since(card, "machine", editor)
    assert {f: each.kind for f, each in found.items()} == {
        "summary": "text",
        "entities": "list",
        "importance": "rating",
        "place": "move",
    }
    assert found["place"].short.startswith("8 → 1 · ")
    machine = card.machine["importance"]
    assert found["importance"].short == f"{machine} → 極高"
    assert [(p.kind, p.text) for p in found["summary"].pieces][-1] == ("new", "補一句。")
    entries = found["entities"].entries
    assert (entries.new, entries.gone) == (("台積電",), (gone,))
    make("drop", issue, editor, card)
    assert since(card, "machine", editor)["dropped"].short


def test_others_that_went_by_are_no_move_of_this_card(issue, editor):
    card, second, third = cards_of(issue)[:3]
    move(third, editor, card.section_id, None)
    assert since(card, "machine", editor) == {}
    assert set(since(third, "machine", editor)) == {"place"}
    undo(issue_id=issue.pk, by=editor)
    assert since(third, "machine", editor) == {}
    # Moved and taken back, then passed by another: it still has not moved itself.
    move(second, editor, card.section_id, None)
    undo(issue_id=issue.pk, by=editor)
    move(third, editor, card.section_id, None)
    assert since(second, "machine", editor) == {}


# --- the way back --------------------------------------------------------------------------------


def test_one_field_goes_back_without_the_rest(issue, editor):
    card = cards_of(issue)[0]
    before = now(card)
    change(card, editor, summary="改過。", importance="低", headline="改過的標題")
    card.refresh_from_db()
    done = revert(card_id=card.pk, to="machine", fields=["summary"], by=editor, seen=card.hash)
    assert done == ["summary"]
    assert now(card) == before | {"importance": "低", "headline": "改過的標題"}
    event = Event.objects.last()
    assert (event.verb, event.field, event.after) == ("card.edit", "summary", before["summary"])


def test_a_whole_card_goes_back_and_only_that_card(issue, editor, colleague):
    card, other = cards_of(issue)[:2]
    before = now(card)
    change(card, editor, summary="改過。", entities=["台積電"], sources=[])
    change(other, editor, summary="別的卡。")
    event = last_event()
    middle = now(card)
    change(card, colleague, importance="極高", rest="多一段。")
    card.refresh_from_db()
    revert(card_id=card.pk, to=event, by=editor, seen=card.hash)
    assert now(card) == middle
    card.refresh_from_db()
    revert(card_id=card.pk, to="machine", by=editor, seen=card.hash)
    assert now(card) == before
    assert now(other)["summary"] == "別的卡。"


def test_a_way_back_from_a_text_that_has_moved_on_is_refused(issue, editor, colleague):
    card = cards_of(issue)[0]
    change(card, editor, summary="改過。")
    card.refresh_from_db()
    seen = card.hash
    change(card, colleague, importance="低")
    with pytest.raises(Refused) as refused:
        revert(card_id=card.pk, to="machine", by=editor, seen=seen)
    assert refused.value.refusal.kind == "stale"
    assert now(card)["summary"] == "改過。"


@pytest.mark.parametrize("to", ["approved", "nonsense", 10**9])
def test_a_way_to_no_version_is_refused(to, issue, editor):
    card = cards_of(issue)[0]
    with pytest.raises(Refused):
        revert(card_id=card.pk, to=to, by=editor, seen=card.hash)


def test_no_field_but_those_people_change_goes_back(issue, editor, stranger):
    card = cards_of(issue)[0]
    with pytest.raises(Refused):
        revert(card_id=card.pk, to="machine", fields=["dropped"], by=editor, seen=card.hash)
    with pytest.raises(Refused) as refused:
        revert(card_id=card.pk, to="machine", by=stranger, seen=card.hash)
    assert refused.value.refusal.kind == "permission"

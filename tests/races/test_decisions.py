"""Two people at one desk in the same moment: approvals, signatures, edits, moves."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial

import pytest

from digest import hugo
from digest.models import Card, Edition, Event, Passage, Section
from editorial import queue
from editorial.decisions import decide
from editorial.editing import (
    Change,
    Collision,
    change_card,
    change_passages,
    field_values,
    hash_of,
    move_card,
)
from editorial.models import Approval
from editorial.refusals import Refused
from tests.conftest import cards_of
from tests.races.threads import at_once, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def approve(card: Card | queue.CardRow, by):
    issue_id = Section.objects.values_list("issue", flat=True).get(pk=card.section_id)
    return decide("approve", issue_id=issue_id, card_id=card.pk, by=by, seen=card.hash)


def save(card: Card, by, **values) -> list[str]:
    """Save fields of a card as somebody who saw it as it stands in `card`."""
    seen = field_values(Card.objects.whole().get(pk=card.pk))
    return change_card(
        card_id=card.pk,
        changes=[Change(field, value, hash_of(seen[field])) for field, value in values.items()],
        by=by,
    )


def save_with(card: Card, by, base: dict, **values) -> list[str]:
    changes = [Change(field, value, hash_of(base[field])) for field, value in values.items()]
    return change_card(card_id=card.pk, changes=changes, by=by)


def values_of(card: Card) -> dict:
    return field_values(Card.objects.whole().get(pk=card.pk))


# --- approving -----------------------------------------------------------------------------------


def test_two_people_approving_one_card_give_exactly_one_approval(issue, editor, colleague):
    for card in cards_of(issue):
        results = at_once(partial(approve, card, editor), partial(approve, card, colleague))
        [refused] = [r for r in results if isinstance(r, Exception)]
        assert isinstance(refused, Refused), refused
        assert refused.refusal.kind == "guard"
        assert Approval.objects.filter(card=card).count() == 1
        assert Event.objects.filter(card=card, verb="card.approve").count() == 1


def test_an_approval_given_while_the_card_is_saved_names_the_text_that_was_seen(
    issue, editor, colleague
):
    for card in cards_of(issue):
        base = values_of(card)
        saved, approved = at_once(
            partial(save_with, card, colleague, base, summary=f"{base['summary']}又改了一句。"),
            partial(approve, card, editor),
        )
        assert saved == ["summary"]
        order = list(card.events.order_by("pk").values_list("verb", flat=True))
        present = Card.objects.get(pk=card.pk).hash
        assert present != card.hash
        if isinstance(approved, Event):
            # The approval was first; the save took it away by making another text of it.
            assert order == ["card.approve", "card.edit"]
            assert [a.hash for a in card.approvals.all()] == [card.hash]
        else:
            assert isinstance(approved, Refused), approved
            assert approved.refusal.kind == "stale"
            assert order == ["card.edit"]
            assert not card.approvals.exists()
        assert not card.approvals.filter(hash=present).exists()


def test_a_card_is_either_approved_or_dropped_when_both_are_asked_at_once(issue, editor, colleague):
    for card in cards_of(issue):
        drop = partial(
            decide, "drop", issue_id=issue.pk, card_id=card.pk, by=colleague, seen=card.hash
        )
        results = at_once(drop, partial(approve, card, editor))
        assert not unexpected(results, Refused)
        verbs = list(card.events.order_by("pk").values_list("verb", flat=True))
        # An approved card may be dropped; a dropped one is never approved.
        assert verbs in (["card.approve", "card.drop"], ["card.drop"])
        assert Card.objects.get(pk=card.pk).dropped


# --- signing -------------------------------------------------------------------------------------


def test_two_chiefs_signing_at_once_make_one_edition(ready, chief, desk, django_user_model):
    second = type(chief).objects.create(
        desk=desk, user=django_user_model.objects.create_user("second chief"), role=chief.role
    )
    proof = queue.case_of_issue(ready.pk).proof
    signing = [
        partial(decide, "sign", issue_id=ready.pk, by=by, seen=proof.seal) for by in (chief, second)
    ] * 2
    results = at_once(*signing)
    assert not unexpected(results, Refused)
    assert len([r for r in results if isinstance(r, Event)]) == 1
    assert [(e.number, e.sha256) for e in Edition.objects.all()] == [(1, proof.sha256)]


def _edit_card(issue, by, mark: str):
    card = random.choice(cards_of(issue))
    return partial(save_with, card, by, values_of(card), summary=f"{card.summary}{mark}")


def _edit_reading(issue, by, mark: str):
    """The reading list needs no approval: only the hash keeps it out of a signature."""
    passage = Passage.objects.filter(section__issue=issue, section__kind="reading").last()
    change = Change("body", f"{passage.body}\n\n{mark}", hash_of(passage.body))
    return partial(change_passages, issue_id=issue.pk, changes=[(passage.pk, change)], by=by)


def _move(issue, by, mark: str):
    fresh = type(issue).objects.whole().get(pk=issue.pk)
    section = next(s for s in fresh.sections.all() if s.cards.count() > 1)
    first, second = list(section.cards.all())[:2]
    return partial(
        move_card,
        card_id=first.pk,
        section_id=section.pk,
        after=second.pk,
        seen=queue.order_of(fresh),
        by=by,
    )


@pytest.mark.parametrize("change", [_edit_card, _edit_reading, _move])
def test_a_signature_given_while_something_is_saved_covers_exactly_what_was_seen(
    change, ready, chief, editor
):
    for n in range(6):
        proof = queue.case_of_issue(ready.pk).proof
        editions = Edition.objects.count()
        mark = f"【第 {n} 次】"
        saved, signed = at_once(
            change(ready, editor, mark),
            partial(decide, "sign", issue_id=ready.pk, by=chief, seen=proof.seal),
        )
        assert not unexpected([saved, signed], Refused)
        assert not isinstance(saved, Exception)
        if isinstance(signed, Event):
            edition = Edition.objects.get(number=signed.after["edition"])
            assert bytes(edition.content) == proof.content
            assert edition.sha256 == proof.sha256
            assert mark.encode() not in bytes(edition.content)
        else:
            assert Edition.objects.count() == editions
        # What was saved is in the working copy all the same, and in the next proof.
        after = queue.case_of_issue(ready.pk).proof
        assert after.sha256 != proof.sha256
        assert change is _move or mark.encode() in after.content
        for case in queue.case_of_issue(ready.pk).cards.values():
            if not case.is_approved:
                approve(case.card, editor)
    numbers = list(Edition.objects.order_by("pk").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


# --- editing -------------------------------------------------------------------------------------


def test_two_editors_on_different_fields_lose_no_update(issue, editor, colleague):
    cards = cards_of(issue)[:6]
    #: Whose field is whose; each writes only there, and always over what they themselves wrote.
    fields = {
        editor: ("summary", "importance_note"),
        colleague: ("details", "headline"),
    }
    last: dict[tuple[int, str], str] = {}

    def work(by, seed: int) -> None:
        dice = random.Random(seed)
        known = {card.pk: values_of(card) for card in cards}
        for n in range(30):
            card, field = dice.choice(cards), dice.choice(fields[by])
            value = f"第{seed}位的第{n}版"
            save_with(card, by, known[card.pk], **{field: value})
            known[card.pk][field] = last[card.pk, field] = value

    results = at_once(partial(work, editor, 1), partial(work, colleague, 2))
    assert not unexpected(results)
    for (pk, field), value in last.items():
        card = Card.objects.whole().get(pk=pk)
        assert field_values(card)[field] == value
        assert card.events.filter(field=field).last().after == value
    assert Event.objects.filter(verb="card.edit").count() == 60


def test_two_editors_on_one_field_are_told_and_lose_nothing(issue, editor, colleague):
    card = cards_of(issue)[0]

    def append_lines(by, name: str) -> int:
        """Add ten lines over the text as it stands, again whenever somebody was first."""
        collisions = 0
        for n in range(10):
            while True:
                base = values_of(card)
                mine = f"{base['rest']}\n\n{name}{n}。" if base["rest"] else f"{name}{n}。"
                try:
                    save_with(card, by, base, rest=mine)
                    break
                except Collision as collision:
                    [difference] = collision.differences
                    assert difference.mine == mine
                    assert difference.base == (base["rest"])
                    assert difference.theirs != difference.base
                    collisions += 1
        return collisions

    results = at_once(partial(append_lines, editor, "甲"), partial(append_lines, colleague, "乙"))
    assert not unexpected(results)
    lines = Card.objects.get(pk=card.pk).rest.split("\n\n")
    assert sorted(lines) == sorted(f"{name}{n}。" for name in "甲乙" for n in range(10))


# --- order ---------------------------------------------------------------------------------------


def test_random_moves_by_two_people_keep_all_cards_and_count_them_from_one(
    issue, editor, colleague
):
    sections = list(issue.sections.filter(kind=Section.Kind.CARDS).values_list("pk", flat=True))
    cards = sorted(card.pk for card in cards_of(issue))
    texts = sorted(card.hash for card in cards_of(issue))

    def shuffle(by, seed: int) -> Counter[bool]:
        """How often they had their way, by whether the card stood elsewhere before."""
        dice = random.Random(seed)
        made: Counter[bool] = Counter()
        for _ in range(200):
            fresh = type(issue).objects.prefetch_related("sections__cards").get(pk=issue.pk)
            card, section = dice.choice(cards), dice.choice(sections)
            places = [c.pk for s in fresh.sections.all() if s.pk == section for c in s.cards.all()]
            after = dice.choice([None, *(pk for pk in places if pk != card)])
            try:
                event, _order = move_card(
                    card_id=card,
                    section_id=section,
                    after=after,
                    seen=queue.order_of(fresh),
                    by=by,
                )
                made[event is not None] += 1
            except Refused as refused:
                assert refused.refusal.kind == "stale"
        return made

    results = at_once(partial(shuffle, editor, 3), partial(shuffle, colleague, 4))
    assert not unexpected(results)
    made = results[0] + results[1]
    assert made.total() >= 200  # of two who move at once, one at least has their way
    assert Event.objects.filter(verb="card.move").count() == made[True]
    found = cards_of(issue)
    assert sorted(card.pk for card in found) == cards
    assert sorted(card.hash for card in found) == texts
    for section in sections:
        positions = [card.position for card in found if card.section_id == section]
        assert positions == list(range(1, len(positions) + 1))
    assert len(hugo.read(queue.case_of_issue(issue.pk).proof.content).cards) == len(cards)

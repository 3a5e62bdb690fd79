"""Taking back: what comes back, what does not, and whose work is left alone."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from digest.models import Card, Event, HeldCard, Passage, Section, Suggestion
from editorial import queue
from editorial.bulk import approve_section
from editorial.decisions import decide
from editorial.editing import (
    Change,
    Collision,
    Invalid,
    answer_suggestion,
    change_front,
    dismiss_held,
    field_values,
    hash_of,
    repair_card,
    suggested_over,
)
from editorial.models import Approval, Comment, Membership
from editorial.refusals import Refused
from editorial.undo import STAYS, UNDOS, Moved, stack, undo, undoable
from tests.conftest import approve_everything, cards_of, land, sign
from tests.editorial.work import (
    Work,
    change,
    change_issue,
    front_of,
    look,
    make,
    move,
    order_in,
    proof_in,
    rewrite,
)

SEEDS = range(4)


def values_of(card: Card) -> dict:
    return field_values(Card.objects.whole().get(pk=card.pk))


def is_approved(card: Card) -> bool:
    present = Card.objects.get(pk=card.pk).hash
    return card.approvals.valid().filter(hash=present).exists()


def in_english(sentence) -> str:
    with override("en"):
        return str(sentence)


def refused(**asked) -> Refused:
    with pytest.raises(Refused) as raised, override("en"):
        undo(**asked)
    assert raised.value.refusal.sentence
    return raised.value


# --- text ----------------------------------------------------------------------------------------


def test_an_edit_is_taken_back_and_recorded_as_an_edit_that_names_it(issue, editor):
    card = cards_of(issue)[0]
    before = values_of(card)
    change(card, editor, summary="改過的摘要。")
    edit = Event.objects.last()
    [event] = undo(issue_id=issue.pk, by=editor)
    assert values_of(card) == before
    assert (event.verb, event.field, event.undoes, event.card) == (
        "card.edit", "summary", edit, card,
    )  # fmt: skip
    assert (event.before, event.after) == ("改過的摘要。", before["summary"])
    assert event.actor == editor.user


def test_fields_of_which_one_rests_on_the_other_are_taken_back_together(issue, editor):
    """Text after the fields needs a list or a rating above it, whichever comes back first."""
    card = cards_of(issue)[0]
    change(card, editor, sources=[], entities=[], rest="還有一段。")
    before = values_of(card)
    change(card, editor, importance=None, importance_note="", rest="")
    undo(issue_id=issue.pk, by=editor)
    assert values_of(card) == before


def test_undoing_an_edit_brings_the_approval_back_by_itself(ready, editor):
    card = cards_of(ready)[0]
    approvals = Approval.objects.count()
    change(card, editor, summary="改過的摘要。")
    assert not is_approved(card)
    undo(issue_id=ready.pk, by=editor)
    assert is_approved(card)
    assert Approval.objects.count() == approvals


def test_sixty_edits_are_taken_back_one_after_the_other(issue, editor):
    card = cards_of(issue)[0]
    first = card.summary
    for number in range(60):
        change(card, editor, summary=f"第 {number} 版。")
    assert len(stack(issue, editor)) == 50
    for number in reversed(range(60)):
        assert values_of(card)["summary"] == f"第 {number} 版。"
        undo(issue_id=issue.pk, by=editor)
    assert values_of(card)["summary"] == first
    assert undoable(issue, editor) is None
    assert stack(issue, editor) == []
    assert "nothing" in refused(issue_id=issue.pk, by=editor).refusal.sentence


def test_what_somebody_else_has_changed_since_is_left_and_offered(issue, editor, colleague):
    card = cards_of(issue)[0]
    first = card.summary
    change(card, editor, summary="甲的摘要。")
    change(card, colleague, summary="乙的摘要。")
    moved = refused(issue_id=issue.pk, by=editor)
    assert isinstance(moved, Moved)
    assert "colleague" in moved.refusal.sentence
    assert moved.refusal.kind == "stale"
    [difference] = moved.differences
    assert (difference.field, difference.base, difference.mine, difference.theirs) == (
        "summary", "甲的摘要。", first, "乙的摘要。",
    )  # fmt: skip
    assert values_of(card)["summary"] == "乙的摘要。"
    # When they take theirs back, mine can be.
    undo(issue_id=issue.pk, by=colleague)
    undo(issue_id=issue.pk, by=editor)
    assert values_of(card)["summary"] == first


def test_a_value_to_which_somebody_else_has_come_as_well_is_theirs(issue, editor, colleague):
    card = cards_of(issue)[0]
    change(card, editor, importance="極高")
    change(card, colleague, importance="低")
    change(card, colleague, importance="極高")
    assert isinstance(refused(issue_id=issue.pk, by=editor), Moved)
    assert values_of(card)["importance"] == "極高"


def test_other_peoples_changes_of_other_fields_stay(issue, editor, colleague):
    card = cards_of(issue)[0]
    before = values_of(card)
    change(card, editor, summary="甲的摘要。")
    change(card, colleague, importance="極高")
    undo(issue_id=issue.pk, by=editor)
    assert values_of(card) == before | {"importance": "極高"}


def test_an_older_edit_of_ones_own_asks_for_the_later_one_first(issue, editor):
    card = cards_of(issue)[0]
    change(card, editor, summary="一。")
    older = Event.objects.last()
    change(card, editor, summary="二。")
    sentence = refused(issue_id=issue.pk, by=editor, event_id=older.pk).refusal.sentence
    assert "take that back first" in sentence
    assert values_of(card)["summary"] == "二。"


def test_an_edit_that_cannot_be_read_back_as_things_are_now_is_refused(issue, editor, monkeypatch):
    card = cards_of(issue)[0]
    change(card, editor, summary="一。")

    def refuse(*args):
        raise Invalid({"": ["it would end the card"]})

    monkeypatch.setattr("editorial.editing.put_field", refuse)
    assert "end the card" in refused(issue_id=issue.pk, by=editor).refusal.sentence


@pytest.mark.parametrize("kind", [Section.Kind.INSIGHT, Section.Kind.READING])
def test_a_passage_comes_back_and_with_it_the_approval_of_the_insight(kind, ready, editor):
    passage = Passage.objects.filter(section__issue=ready, section__kind=kind).last()
    before, proof = passage.body, proof_in(ready)
    ready.refresh_from_db()
    approved = ready.insight_hash
    rewrite(passage, editor, "改寫的段落。")
    [event] = undo(issue_id=ready.pk, by=editor)
    passage.refresh_from_db()
    assert (passage.body, event.verb) == (before, f"{kind}.edit")
    ready.refresh_from_db()
    assert ready.insight_hash == approved
    assert proof_in(ready) == proof


def test_a_passage_that_somebody_has_changed_since_is_left(issue, editor, colleague):
    passage = Passage.objects.filter(section__issue=issue).first()
    rewrite(passage, editor, "甲。")
    rewrite(passage, colleague, "乙。")
    moved = refused(issue_id=issue.pk, by=editor)
    assert "colleague" in moved.refusal.sentence
    assert [d.theirs for d in moved.differences] == ["乙。"]


# --- decisions -----------------------------------------------------------------------------------


def test_an_approval_is_taken_back_by_withdrawing_that_very_one(issue, editor):
    card = cards_of(issue)[0]
    made = make("approve", issue, editor, card)
    [event] = undo(issue_id=issue.pk, by=editor)
    assert not is_approved(card)
    assert (event.verb, event.after) == ("card.withdraw", {"approvals": [made.after["approval"]]})


def test_an_approval_that_somebody_has_withdrawn_says_so(issue, editor, colleague):
    card = cards_of(issue)[0]
    make("approve", issue, editor, card)
    make("withdraw", issue, colleague, card)
    assert "colleague" in refused(issue_id=issue.pk, by=editor).refusal.sentence


def test_a_withdrawal_is_taken_back_in_the_name_of_whoever_had_approved(issue, editor, colleague):
    card = cards_of(issue)[0]
    make("approve", issue, editor, card)
    make("withdraw", issue, colleague, card)
    [event] = undo(issue_id=issue.pk, by=colleague)
    assert event.verb == "card.approve"
    [approval] = card.approvals.valid()
    assert (approval.by, approval.hash) == (editor.user, card.hash)
    # And the approval that stands in its place can be taken back as the one that was given.
    undo(issue_id=issue.pk, by=editor)
    assert not is_approved(card)


def test_a_withdrawal_of_a_text_that_has_changed_approves_nothing(issue, editor, colleague):
    card = cards_of(issue)[0]
    make("approve", issue, editor, card)
    make("withdraw", issue, editor, card)
    change(card, colleague, summary="另一段。")
    assert refused(issue_id=issue.pk, by=editor).refusal.kind == "stale"
    assert not card.approvals.valid().exists()


def test_a_withdrawal_is_moot_once_somebody_has_approved_again(issue, editor, colleague):
    card = cards_of(issue)[0]
    make("approve", issue, editor, card)
    make("withdraw", issue, editor, card)
    make("approve", issue, colleague, card)
    assert "colleague" in refused(issue_id=issue.pk, by=editor).refusal.sentence
    assert card.approvals.valid().count() == 1


def test_the_insight_is_approved_and_withdrawn_back_and_forth(issue, editor):
    make("approve_insight", issue, editor)
    make("withdraw_insight", issue, editor)
    [event] = undo(issue_id=issue.pk, by=editor)
    assert event.verb == "insight.approve"
    assert queue.case_of_issue(issue.pk).insight.is_approved
    [event] = undo(issue_id=issue.pk, by=editor)
    assert event.verb == "insight.withdraw"
    assert not queue.case_of_issue(issue.pk).insight.is_approved


def test_dropping_and_restoring_are_taken_back(issue, editor):
    card = cards_of(issue)[0]
    make("drop", issue, editor, card)
    make("restore", issue, editor, card)
    for verb, is_dropped in (("card.drop", True), ("card.restore", False)):
        [event] = undo(issue_id=issue.pk, by=editor)
        card.refresh_from_db()
        assert (event.verb, card.dropped) == (verb, is_dropped)


def test_a_card_that_somebody_has_restored_and_dropped_again_stays_theirs(issue, editor, colleague):
    card = cards_of(issue)[0]
    make("drop", issue, editor, card)
    assert make("restore", issue, colleague, card)
    make("drop", issue, colleague, card)
    assert "colleague" in refused(issue_id=issue.pk, by=editor).refusal.sentence
    card.refresh_from_db()
    assert card.dropped


# --- order ---------------------------------------------------------------------------------------


def test_a_move_into_another_section_is_taken_back_to_the_very_place(issue, editor):
    order = order_in(issue)
    card = cards_of(issue)[1]
    last = issue.sections.filter(kind=Section.Kind.CARDS).last()
    move(card, editor, last.pk, last.cards.first().pk)
    made = Event.objects.last()
    assert (made.before["place"], made.before["after"]) == (2, order[0][2])
    assert made.after["section_id"] == last.pk
    [event] = undo(issue_id=issue.pk, by=editor)
    assert order_in(issue) == order
    assert event.verb == "card.move"
    assert event.before == made.after
    assert event.after == made.before


def test_places_are_counted_through_the_cards_that_stand(issue, editor):
    first, second, third = cards_of(issue)[:3]
    make("drop", issue, editor, first)
    move(third, editor, third.section_id, None)
    event = Event.objects.last()
    assert (event.before["place"], event.after["place"]) == (2, 1)
    move(first, editor, third.section_id, second.pk)
    assert Event.objects.last().after["place"] is None


def _in_section(section, *names: Card) -> None:
    assert list(section.cards.order_by("position")) == list(names)


@pytest.fixture
def five(issue, editor):
    """A section of five cards, and another one."""
    first, second = issue.sections.filter(kind=Section.Kind.CARDS)[:2]
    for card in list(second.cards.all()):
        if first.cards.count() < 5:
            move(card, editor, first.pk, first.cards.last().pk)
    cards = list(first.cards.all())
    for card in cards[5:]:
        move(card, editor, second.pk, None)
    return first, second, cards[:5]


def test_later_moves_of_other_cards_by_other_people_stay(issue, five, editor, colleague):
    first, second, (a, b, c, d, e) = five
    move(c, editor, second.pk, None)
    move(e, colleague, first.pk, None)
    move(b, colleague, first.pk, e.pk)
    _in_section(first, e, b, a, d)
    undo(issue_id=issue.pk, by=editor)
    _in_section(first, e, b, c, a, d)  # behind b, as it was, wherever b is now


def test_a_card_whose_predecessor_has_gone_comes_behind_the_nearest_that_is_left(
    issue, five, editor, colleague
):
    first, second, (a, b, c, d, e) = five
    move(c, editor, second.pk, None)
    move(b, colleague, second.pk, None)
    undo(issue_id=issue.pk, by=editor)
    _in_section(first, a, c, d, e)


def test_a_card_of_whose_neighbours_none_is_left_comes_first(issue, five, editor, colleague):
    first, second, (a, b, c, d, e) = five
    move(c, editor, second.pk, None)
    move(b, colleague, second.pk, None)
    move(a, colleague, second.pk, None)
    undo(issue_id=issue.pk, by=editor)
    _in_section(first, c, d, e)


def test_a_card_that_somebody_has_moved_since_stays_there(issue, five, editor, colleague):
    first, second, (a, b, c, d, e) = five
    move(c, editor, second.pk, None)
    move(c, colleague, first.pk, None)
    moved = refused(issue_id=issue.pk, by=editor)
    assert "colleague" in moved.refusal.sentence
    assert [(d.field, d.theirs["place"]) for d in moved.differences] == [("place", 1)]
    _in_section(first, c, a, b, d, e)


def test_a_move_of_before_neighbours_were_recorded_goes_back_to_its_position(issue, editor):
    card = cards_of(issue)[2]
    home = card.section
    order = order_in(issue)
    move(card, editor, home.pk, None)
    made = Event.objects.last()
    old = Event.objects.create(
        desk=issue.desk,
        issue=issue,
        card=card,
        actor=editor.user,
        verb="card.move",
        before={"section": home.title, "position": 3},
        after={"section": home.title, "position": 1},
    )
    assert undoable(issue, editor) == old != made
    undo(issue_id=issue.pk, by=editor)
    assert order_in(issue) == order


# --- the front matter ----------------------------------------------------------------------------


def test_the_front_matter_is_changed_key_by_key_and_survives_its_file(issue, editor):
    from digest import hugo

    done = change_issue(
        issue, editor, title="新標題：「測試」", summary="兩行\n摘要", tags=["晶片", "c: d"]
    )
    assert done == ["title", "summary", "tags"]
    read = hugo.read(proof_in(issue)).front_matter
    assert (read.text("title"), read.text("summary")) == ("新標題：「測試」", "兩行\n摘要")
    assert read.tags == ("晶片", "c: d")
    events = Event.objects.filter(verb="issue.edit")
    assert [e.field for e in events] == done
    assert change_issue(issue, editor, title="新標題：「測試」") == []
    assert events.count() == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "  "),
        ("title", "兩\n行"),
        ("title", "長" * 501),
        ("summary", "長" * 20_001),
        ("description", "\x00"),
        ("tags", ["好", " "]),
        ("tags", ["兩\n行"]),
        ("tags", ["長" * 501]),
    ],
)
def test_front_matter_that_cannot_be_kept_is_refused(field, value, issue, editor):
    before = proof_in(issue)
    with pytest.raises(Invalid) as invalid:
        change_issue(issue, editor, summary="好的。", **{field: value}) if field != "summary" else (
            change_issue(issue, editor, **{field: value})
        )
    assert list(invalid.value.sentences) == [field]
    assert proof_in(issue) == before
    assert not Event.objects.filter(verb="issue.edit").exists()


def test_two_people_on_one_key_of_the_front_matter_collide(issue, editor, colleague):
    seen = front_of(issue)
    change_issue(issue, editor, title="甲")
    mine = Change("title", "乙", hash_of(seen["title"]))
    with pytest.raises(Collision) as collision:
        change_front(issue_id=issue.pk, changes=[mine], by=colleague)
    [difference] = collision.value.differences
    assert (difference.base, difference.mine, difference.theirs) == (seen["title"], "乙", "甲")
    other = Change("summary", "乙", hash_of(seen["summary"]))
    assert change_front(issue_id=issue.pk, changes=[other], by=colleague) == ["summary"]


def test_the_front_matter_comes_back_byte_for_byte(issue, editor):
    before = proof_in(issue)
    change_issue(issue, editor, title="新標題")
    change_issue(issue, editor, tags=["一", "二"], description="")
    assert proof_in(issue) != before
    while undoable(issue, editor):
        undo(issue_id=issue.pk, by=editor)
    assert proof_in(issue) == before


def test_a_key_that_was_missing_is_missing_again(desk, sample, editor):
    lines = [line for line in sample.split(b"\n") if not line.startswith(b"summary:")]
    issue = land(desk, b"\n".join(lines))
    before = proof_in(issue)
    assert b"\nsummary:" not in before
    change_issue(issue, editor, summary="有了。")
    assert b"\nsummary:" in proof_in(issue)
    undo(issue_id=issue.pk, by=editor)
    assert proof_in(issue) == before


def test_front_matter_that_somebody_has_changed_since_is_left(issue, editor, colleague):
    change_issue(issue, editor, title="甲")
    change_issue(issue, colleague, title="乙")
    assert "colleague" in refused(issue_id=issue.pk, by=editor).refusal.sentence
    assert front_of(issue)["title"] == "乙"


# --- what the machine wrote ----------------------------------------------------------------------

LABEL = "**核心摘要**  \n"


def later(sample: bytes) -> bytes:
    return sample.replace(LABEL.encode(), f"{LABEL}後來的一版：".encode())


def answer(suggestion: Suggestion, by: Membership, *, take: bool) -> None:
    seen = hash_of(suggested_over(suggestion))
    answer_suggestion(suggestion_id=suggestion.pk, take=take, by=by, seen=seen)


@pytest.fixture
def suggestion(issue, desk, sample, editor) -> Suggestion:
    card = cards_of(issue)[0]
    change(card, editor, summary="由人改寫。")
    land(desk, later(sample))
    return Suggestion.objects.get(card=card, state=Suggestion.State.OPEN)


def test_a_suggestion_that_was_taken_is_open_again_beside_the_old_text(issue, suggestion, editor):
    answer(suggestion, editor, take=True)
    [event] = undo(issue_id=issue.pk, by=editor)
    suggestion.refresh_from_db()
    assert suggestion.state == Suggestion.State.OPEN
    assert values_of(suggestion.card)["summary"] == "由人改寫。"
    assert event.verb == "card.edit"
    answer(suggestion, editor, take=True)
    assert values_of(suggestion.card)["summary"].startswith("後來的一版")


def test_whatever_the_machine_suggests_of_a_card_is_taken_back(desk, sample, editor):
    """Of a repaired card nothing is the machine's, so it suggests what nobody can edit, too."""
    broken = sample.replace("**重要性**：極高".encode(), "**重要性**：非常高".encode(), 1)
    issue = land(desk, broken)
    held = HeldCard.objects.get()
    section = issue.sections.filter(kind=Section.Kind.CARDS).first()
    text = held.text.replace("非常高", "極高").replace("**應用場景**", "**應用場景（風險面）**")
    card = repair_card(held_id=held.pk, text=text, section_id=section.pk, by=editor)
    before = Card.objects.get(pk=card.pk).hash
    land(desk, sample)
    suggested = Suggestion.objects.get(field="labels")
    answer(suggested, editor, take=True)
    assert Card.objects.get(pk=card.pk).hash != before
    undo(issue_id=issue.pk, by=editor)
    suggested.refresh_from_db()
    assert Card.objects.get(pk=card.pk).hash == before
    assert suggested.state == Suggestion.State.OPEN


def test_a_suggestion_that_was_declined_is_open_again(issue, suggestion, editor):
    answer(suggestion, editor, take=False)
    [event] = undo(issue_id=issue.pk, by=editor)
    suggestion.refresh_from_db()
    assert (event.verb, suggestion.state) == ("suggestion.reopen", Suggestion.State.OPEN)


def test_a_declined_suggestion_stays_so_once_there_is_a_newer_one(
    issue, desk, sample, suggestion, editor
):
    answer(suggestion, editor, take=False)
    land(desk, later(later(sample)))
    assert Suggestion.objects.filter(state=Suggestion.State.OPEN).count() == 1
    assert "newer" in refused(issue_id=issue.pk, by=editor).refusal.sentence
    suggestion.refresh_from_db()
    assert suggestion.state == Suggestion.State.DECLINED


def test_suggestions_for_the_insight_and_the_front_matter_are_taken_back(
    issue, desk, sample, editor
):
    passage = Passage.objects.filter(section__kind=Section.Kind.INSIGHT).last()
    rewrite(passage, editor, "由人改寫。")
    change_issue(issue, editor, title="由人改寫")
    before = proof_in(issue)
    told = sample.replace(b'2026/02/12"', b'2026/02/12 (2)"', 1)
    told = told.replace(passage.machine["body"][:8].encode(), "後來的".encode())
    assert told != sample
    land(desk, told)
    found = list(Suggestion.objects.filter(state=Suggestion.State.OPEN))
    assert {s.field for s in found} == {"body", "front_matter"}
    between = proof_in(issue)
    assert between == before
    for each in found:
        answer(each, editor, take=True)
    assert proof_in(issue) != before
    verbs = [undo(issue_id=issue.pk, by=editor)[0].verb for _each in found]
    assert set(verbs) == {"insight.edit", "issue.edit"}
    assert proof_in(issue) == before
    assert {s.state for s in Suggestion.objects.all()} == {Suggestion.State.OPEN}


def test_a_drop_the_machine_suggested_is_taken_back(issue, desk, sample, editor):
    card = cards_of(issue)[0]
    change(card, editor, summary="由人改寫。")
    start = sample.index(f"### {card.headline}".encode())
    end = sample.index(b"### ", start + 4)
    land(desk, sample[:start] + sample[end:])
    answer(Suggestion.objects.get(field="dropped"), editor, take=True)
    card.refresh_from_db()
    assert card.dropped
    [event] = undo(issue_id=issue.pk, by=editor)
    card.refresh_from_db()
    assert (card.dropped, event.verb) == (False, "card.restore")


@pytest.fixture
def held(issue, sample) -> HeldCard:
    draft = issue.drafts.get()
    text = "### 修好的卡\n\n**核心摘要**  \n摘要。\n\n**重要性**：中"
    return HeldCard.objects.create(issue=issue, draft=draft, where="card", reason="?", text=text)


def test_a_card_put_aside_waits_again(issue, held, editor):
    dismiss_held(held_id=held.pk, by=editor)
    [event] = undo(issue_id=issue.pk, by=editor)
    held.refresh_from_db()
    assert (held.is_open, event.verb) == (True, "card.reopen")


def test_a_repaired_card_stays_and_the_refusal_says_what_to_do(issue, held, editor):
    section = issue.sections.first()
    repair_card(held_id=held.pk, text=held.text, section_id=section.pk, by=editor)
    event = Event.objects.last()
    assert undoable(issue, editor) is None
    sentence = refused(issue_id=issue.pk, by=editor, event_id=event.pk).refusal.sentence
    assert sentence == in_english(STAYS["card.repair"])


# --- comments ------------------------------------------------------------------------------------


def said(issue, by: Membership, verb: str, comment: Comment) -> Event:
    return Event.objects.create(
        desk=issue.desk,
        issue=issue,
        card=comment.card,
        actor=by.user,
        verb=verb,
        after={"comment": comment.pk},
    )


def test_comments_are_resolved_and_opened_again(issue, editor, colleague):
    comment = Comment.objects.create(
        issue=issue, card=cards_of(issue)[0], by=editor.user, body="數字有誤？"
    )
    said(issue, editor, "comment.add", comment)
    [event] = undo(issue_id=issue.pk, by=editor)
    comment.refresh_from_db()
    assert (event.verb, comment.resolved_by) == ("comment.resolve", editor.user)
    comment.resolved_by = comment.resolved_at = None
    comment.save()
    said(issue, colleague, "comment.reopen", comment)
    [event] = undo(issue_id=issue.pk, by=colleague)
    comment.refresh_from_db()
    assert (event.verb, comment.resolved_by) == ("comment.resolve", colleague.user)
    resolved = said(issue, editor, "comment.resolve", comment)
    [event] = undo(issue_id=issue.pk, by=editor)
    comment.refresh_from_db()
    assert (event.verb, event.undoes, comment.resolved_at) == ("comment.reopen", resolved, None)


def test_a_comment_somebody_has_resolved_says_so(issue, editor, colleague):
    comment = Comment.objects.create(
        issue=issue, card=cards_of(issue)[0], by=editor.user, body="數字有誤？"
    )
    said(issue, editor, "comment.add", comment)
    Comment.objects.update(resolved_by=colleague.user, resolved_at=comment.at)
    assert "colleague" in refused(issue_id=issue.pk, by=editor).refusal.sentence


# --- whose, and what not -------------------------------------------------------------------------


def test_only_the_person_who_did_it_takes_it_back(issue, editor, colleague, chief):
    card = cards_of(issue)[0]
    change(card, editor, summary="甲。")
    event = Event.objects.last()
    for somebody in (colleague, chief):
        assert undoable(issue, somebody) is None
        found = refused(issue_id=issue.pk, by=somebody, event_id=event.pk)
        assert found.refusal.kind == "permission"
        assert "editor" in found.refusal.sentence
    assert values_of(card)["summary"] == "甲。"


@pytest.mark.parametrize("who", ["machine", "stranger", "nobody"])
def test_undo_asks_for_the_permission_to_review(who, issue, editor, machine, stranger):
    change(cards_of(issue)[0], editor, summary="甲。")
    event = Event.objects.last()
    by = {"machine": machine, "stranger": stranger}.get(who)
    assert refused(issue_id=issue.pk, by=by, event_id=event.pk).refusal.kind == "permission"


def test_a_role_taken_away_takes_the_undo_with_it(issue, editor):
    change(cards_of(issue)[0], editor, summary="甲。")
    loaded = Membership.objects.get(pk=editor.pk)
    Membership.objects.filter(pk=editor.pk).update(role="machine")
    assert refused(issue_id=issue.pk, by=loaded).refusal.kind == "permission"


def test_nothing_is_taken_back_twice_and_no_undo_undone(issue, editor):
    change(cards_of(issue)[0], editor, summary="甲。")
    event = Event.objects.last()
    [taken] = undo(issue_id=issue.pk, by=editor, event_id=event.pk)
    assert "already" in refused(issue_id=issue.pk, by=editor, event_id=event.pk).refusal.sentence
    assert refused(issue_id=issue.pk, by=editor, event_id=taken.pk)
    assert Event.objects.last() == taken


def test_a_signature_stays_and_undo_goes_past_it(issue, chief):
    change(cards_of(issue)[0], chief, summary="甲。")
    edit = Event.objects.last()
    approve_everything(issue, chief)
    sign(issue, chief)
    decide(
        "publish",
        issue_id=issue.pk,
        by=chief,
        seen=issue.editions.last().sha256,
    )
    for event in Event.objects.filter(verb__in=("issue.sign", "issue.publish")):
        found = refused(issue_id=issue.pk, by=chief, event_id=event.pk)
        assert found.refusal.sentence == in_english(STAYS[event.verb])
    assert undoable(issue, chief).verb == "insight.approve"
    # By name the older one can be taken back past the approvals, which name a text that is gone.
    undo(issue_id=issue.pk, by=chief, event_id=edit.pk)


def test_an_event_of_another_issue_or_of_the_machine_is_refused(issue, desk, sample, editor):
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    change(cards_of(other)[0], editor, summary="甲。")
    assert refused(issue_id=issue.pk, by=editor, event_id=Event.objects.last().pk)
    assert undoable(issue, editor) is None
    landed = issue.events.get(verb="draft.land")
    assert refused(issue_id=issue.pk, by=editor, event_id=landed.pk)


def test_every_verb_that_people_write_can_be_undone_or_says_why_not():
    from editorial.history import SENTENCES

    # Written by the machine or by the publisher; and what only an undo writes.
    others = {"draft", "delivery", "issue.release", "issue.miss", "issue.sign_by_rule"}
    others |= {"suggestion.reopen", "card.reopen"}
    people = {verb for verb in SENTENCES if not {verb, verb.split(".")[0]} & others}
    assert UNDOS.keys() | STAYS.keys() == people
    assert not UNDOS.keys() & STAYS.keys()


# --- several at once -----------------------------------------------------------------------------


def rated(issue, by: Membership) -> dict[int, str]:
    """Rate and look at all cards of the first section; answers with what was seen."""
    cards = list(issue.sections.first().cards.all())
    for card in cards:
        change(card, by, importance="中")
        look(card, by)
    return {card.pk: card.hash for card in cards}


def test_a_bulk_approval_is_taken_back_as_one(issue, editor):
    seen = rated(issue, editor)
    made = approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
    assert len(made) == len(seen) > 1
    top = stack(issue, editor)
    assert (top[0], top[1].verb) == (made[-1], "card.edit")
    events = undo(issue_id=issue.pk, by=editor, event_id=made[0].pk)
    assert {e.undoes_id for e in events} == {e.pk for e in made}
    assert len({e.batch for e in events}) == 1
    assert not Approval.objects.valid().exists()
    assert undoable(issue, editor).verb == "card.edit"
    assert "already" in refused(issue_id=issue.pk, by=editor, event_id=made[1].pk).refusal.sentence


def test_what_somebody_has_withdrawn_of_a_bulk_approval_is_no_reason_to_stop(
    issue, editor, colleague
):
    seen = rated(issue, editor)
    made = approve_section(section_id=issue.sections.first().pk, seen=seen, by=editor)
    make("withdraw", issue, colleague, made[-1].card)
    assert len(undo(issue_id=issue.pk, by=editor)) == len(made) - 1
    assert undoable(issue, editor).verb == "card.edit"


# --- at random -----------------------------------------------------------------------------------


def undo_everything(issue, by: Membership) -> int:
    """Take back, the latest first, all that can be taken back."""
    count = 0
    tried: set[int] = set()
    while left := [e for e in stack(issue, by, most=10_000) if e.pk not in tried]:
        tried.add(left[0].pk)
        try:
            count += bool(undo(issue_id=issue.pk, by=by, event_id=left[0].pk))
        except Refused:
            continue
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_when_one_person_takes_everything_back_the_issue_is_as_it_was(seed, issue, editor):
    before, order = proof_in(issue), order_in(issue)
    work = Work(issue, [editor], seed)
    for _ in range(200):
        work.step()
    assert work.done > 100
    assert proof_in(issue) != before
    while undoable(issue, editor):
        undo(issue_id=issue.pk, by=editor)
    assert order_in(issue) == order
    assert proof_in(issue) == before
    assert not Approval.objects.valid().exists()
    assert not Card.objects.filter(dropped=True).exists()


@pytest.mark.parametrize("seed", SEEDS)
def test_when_two_people_take_everything_back_neither_loses_their_words(
    seed, issue, editor, colleague
):
    work = Work(issue, [editor, colleague], seed + 100)
    for _ in range(200):
        work.step()
    assert work.done > 100
    last = {
        (event.card_id, event.field): event
        for event in issue.events.filter(verb__in=("card.edit", "issue.edit", "insight.edit"))
    }
    assert undo_everything(issue, editor) > 10
    for section in issue.sections.all():
        positions = [card.position for card in section.cards.order_by("position")]
        assert positions == list(range(1, len(positions) + 1))
    # What the other wrote last still stands.
    theirs = [e for e in last.values() if e.actor_id == colleague.user_id]
    assert len(theirs) > 5
    for event in theirs:
        if event.verb == "card.edit":
            assert values_of(event.card)[event.field] == event.after
        elif event.verb == "issue.edit":
            assert front_of(issue)[event.field] == event.after
        else:
            assert Passage.objects.get(pk=event.field.split(".")[1]).body == event.after
    undo_everything(issue, colleague)
    queue.case_of_issue(issue.pk).proof  # noqa: B018 - it can still be written

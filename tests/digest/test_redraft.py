"""A later run of the machine: what nobody touched follows it, all else gets a suggestion."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from digest import document, hugo
from digest.document import Card, Document, Importance, Passage, Section
from digest.intake import receive
from digest.models import Card as CardRow
from digest.models import Edition, Event, Issue, Suggestion, sha256
from digest.models import Passage as PassageRow
from digest.publishing import machine_account
from editorial import queue
from editorial.commenting import record
from editorial.decisions import decide
from editorial.editing import (
    Change,
    answer_suggestion,
    change_card,
    change_passages,
    field_values,
    hash_of,
    move_card,
    suggested_over,
)
from editorial.models import Comment, Membership
from editorial.refusals import Refused
from editorial.roles import Role
from tests.conftest import approve_everything, cards_of, land, sign


def take(suggestion: Suggestion, by) -> None:
    """Take a suggestion as somebody does who sees what is there now."""
    seen = hash_of(suggested_over(suggestion))
    answer_suggestion(suggestion_id=suggestion.pk, take=True, seen=seen, by=by)


@pytest.fixture
def first(sample) -> Document:
    """The first run's document."""
    return hugo.read(sample)


def with_sections(whole: Document, sections) -> Document:
    return whole.model_copy(update={"sections": tuple(sections)})


def with_cards(whole: Document, change: Callable[[Card], Card | None]) -> Document:
    """The document with each card changed; where `change` gives nothing, without it."""
    return with_sections(
        whole,
        (
            s.model_copy(
                update={"cards": tuple(c for card in s.cards if (c := change(card)) is not None)}
            )
            for s in whole.sections
        ),
    )


def with_card(whole: Document, n: int, **values) -> Document:
    """The document with values of its `n`th card changed."""
    target = whole.cards[n]
    return with_cards(whole, lambda c: c.model_copy(update=values) if c == target else c)


def proof_of(issue: Issue):
    return queue.case_of_issue(issue.pk).proof


def row_of(issue: Issue, headline: str) -> CardRow:
    return CardRow.objects.get(section__issue=issue, headline=headline)


def edit(card: CardRow, by, **values) -> None:
    present = field_values(CardRow.objects.whole().get(pk=card.pk))
    changes = [Change(field, value, hash_of(present[field])) for field, value in values.items()]
    change_card(card_id=card.pk, changes=changes, by=by)
    card.refresh_from_db()


def assert_follows(issue: Issue, whole: Document) -> None:
    """The issue is this document now, byte for byte, and its positions count from one."""
    wanted = hugo.write(whole)
    proof = proof_of(issue)
    assert proof.content.decode() == wanted.decode()
    assert proof.sha256 == sha256(wanted)
    for section in issue.sections.all():
        places = list(section.cards.values_list("position", flat=True))
        assert places == list(range(1, len(places) + 1))
    places = list(issue.sections.values_list("position", flat=True))
    assert places == list(range(1, len(places) + 1))
    assert not issue.suggestions.filter(state=Suggestion.State.OPEN).exists()


# --- an issue nobody touched ---------------------------------------------------------------------


def _new_texts(d: Document) -> Document:
    return with_cards(
        d, lambda c: c.model_copy(update={"summary": c.summary + "新", "details": "- 全新的一點"})
    )


def _new_ratings(d: Document) -> Document:
    return with_cards(
        d,
        lambda c: c.model_copy(
            update={"importance": Importance.HIGHEST, "importance_note": "（新評）"}
        ),
    )


def _new_links_and_names(d: Document) -> Document:
    return with_cards(
        d,
        lambda c: c.model_copy(
            update={
                "entities": ("全新實體", *c.entities[1:]),
                "sources": (
                    *c.sources[:1],
                    document.Source(title="新來源", url="https://example.org/new"),
                ),
            }
        ),
    )


def _new_headlines(d: Document) -> Document:
    return with_cards(d, lambda c: c.model_copy(update={"headline": f"改題：{c.headline}"}))


def _cards_backwards(d: Document) -> Document:
    return with_sections(d, (s.model_copy(update={"cards": s.cards[::-1]}) for s in d.sections))


def _sections_backwards(d: Document) -> Document:
    cards = [s for s in d.sections if s.kind == "cards"]
    return with_sections(d, [*cards[::-1], *(s for s in d.sections if s.kind != "cards")])


def _a_card_elsewhere(d: Document) -> Document:
    card = d.sections[0].cards[0]
    return with_sections(
        d,
        (
            s.model_copy(
                update={"cards": s.cards[1:] if n == 0 else (card, *s.cards) if n == 2 else s.cards}
            )
            for n, s in enumerate(d.sections)
        ),
    )


def _a_new_card_first(d: Document) -> Document:
    new = Card(headline="今天才有的一則", summary="剛剛發生。", importance=Importance.LOW)
    return with_sections(
        d,
        (
            s.model_copy(update={"cards": (new, *s.cards)}) if n == 1 else s
            for n, s in enumerate(d.sections)
        ),
    )


def _the_first_card_gone(d: Document) -> Document:
    return with_cards(d, lambda c: None if c == d.cards[0] else c)


def _every_other_card_gone(d: Document) -> Document:
    return with_cards(d, lambda c: None if d.cards.index(c) % 2 else c)


def _all_cards_others(d: Document) -> Document:
    return with_cards(
        d,
        lambda c: Card(
            headline=f"另一題 {d.cards.index(c)}", summary="另文。", importance=Importance.LOW
        ),
    )


def _a_section_gone(d: Document) -> Document:
    return with_sections(d, d.sections[1:])


def _a_section_renamed(d: Document) -> Document:
    return with_sections(
        d, (d.sections[0].model_copy(update={"title": "另一個名字"}), *d.sections[1:])
    )


def _a_section_new(d: Document) -> Document:
    new = Section(title="新單元", lead="一段引言。", cards=(Card(headline="新單元的第一則"),))
    return with_sections(d, (d.sections[0], new, *d.sections[1:]))


def _the_insight_gone(d: Document) -> Document:
    return with_sections(d, (s for s in d.sections if s.kind != "insight"))


def _the_reading_list_gone(d: Document) -> Document:
    return with_sections(d, (s for s in d.sections if s.kind != "reading"))


def _the_insight_rewritten(d: Document) -> Document:
    return with_sections(
        d,
        (
            s.model_copy(
                update={"passages": (Passage(title="全新一段", body="全新內容。"), *s.passages[2:])}
            )
            if s.kind == "insight"
            else s
            for s in d.sections
        ),
    )


def _the_passages_backwards(d: Document) -> Document:
    def turned(s: Section) -> Section:
        titled = [p for p in s.passages if p.title]
        return s.model_copy(
            update={"passages": (*(p for p in s.passages if not p.title), *titled[::-1])}
        )

    return with_sections(d, (turned(s) for s in d.sections))


def _another_front_matter(d: Document) -> Document:
    values = d.front_matter.values | {
        "title": "換了標題",
        "tags": ["新標籤", *d.front_matter.tags[1:]],
        "draft": True,
    }
    return d.model_copy(
        update={"front_matter": d.front_matter.model_copy(update={"values": values})}
    )


def _another_lead_and_footer(d: Document) -> Document:
    return d.model_copy(update={"lead": "今天的引言。", "footer": f"{d.footer}\n\n（更新）"})


CHANGES = [
    _new_texts,
    _new_ratings,
    _new_links_and_names,
    _new_headlines,
    _cards_backwards,
    _sections_backwards,
    _a_card_elsewhere,
    _a_new_card_first,
    _the_first_card_gone,
    _every_other_card_gone,
    _all_cards_others,
    _a_section_gone,
    _a_section_renamed,
    _a_section_new,
    _the_insight_gone,
    _the_reading_list_gone,
    _the_insight_rewritten,
    _the_passages_backwards,
    _another_front_matter,
    _another_lead_and_footer,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_an_untouched_issue_becomes_the_new_draft_and_the_old_one_again(change, desk, first):
    issue = land(desk, hugo.write(first))
    second = hugo.read(hugo.write(change(first)))
    assert second != first
    assert land(desk, hugo.write(second)) == issue
    assert_follows(issue, second)
    # And back: the same text, told from the first draft by its footer.
    third = first.model_copy(update={"footer": f"{first.footer}\n\n（第三次）"})
    land(desk, hugo.write(third))
    assert_follows(issue, third)


def test_a_section_with_a_lead_that_the_new_draft_no_longer_has_is_gone(desk, first):
    led = with_sections(
        first, (first.sections[0].model_copy(update={"lead": "引言。"}), *first.sections[1:])
    )
    issue = land(desk, hugo.write(led))
    second = _a_section_gone(first)
    land(desk, hugo.write(second))
    assert_follows(issue, second)


def test_two_cards_with_one_headline_stay_two(desk, first):
    twins = with_card(first, 1, headline=first.cards[0].headline)
    issue = land(desk, hugo.write(twins))
    second = _new_texts(twins)
    land(desk, hugo.write(second))
    assert_follows(issue, second)
    assert CardRow.objects.filter(section__issue=issue).count() == 18


@pytest.mark.parametrize("seed", range(8))
def test_an_untouched_issue_follows_a_machine_that_changes_its_mind_at_random(seed, desk, first):
    dice = random.Random(seed)
    issue = land(desk, hugo.write(first))
    whole = first
    for n in range(4):
        for change in dice.sample(CHANGES, 4):
            whole = change(whole)
        if dice.random() < 0.3:
            whole = first
        # Of a section without anything the desk keeps the dropped cards, not the bare heading.
        whole = with_sections(whole, (s for s in whole.sections if s.cards or s.passages or s.lead))
        whole = whole.model_copy(update={"footer": f"第 {n} 次"})
        whole = hugo.read(hugo.write(whole))
        land(desk, hugo.write(whole))
        assert_follows(issue, whole)


def test_what_the_machine_changes_is_recorded_with_before_and_after(desk, first):
    issue = land(desk, hugo.write(first))
    second = with_card(first, 0, summary="第二次寫的。")
    land(desk, hugo.write(second))
    event = issue.events.get(verb="draft.change")
    assert (event.field, event.before, event.after) == (
        "summary",
        first.cards[0].summary,
        "第二次寫的。",
    )
    assert event.actor.username == "machine:machine"


def test_an_approval_of_the_old_text_is_none_of_the_new(desk, first, editor):
    issue = land(desk, hugo.write(first))
    approve_everything(issue, editor)
    land(desk, hugo.write(with_card(first, 0, summary="第二次寫的。")))
    readiness = queue.case_of_issue(issue.pk).readiness
    assert (readiness.waiting, readiness.approved) == (1, 17)
    assert readiness.insight_approved


def test_a_signed_edition_stays_what_was_signed(desk, first, editor, chief):
    issue = land(desk, hugo.write(first))
    approve_everything(issue, editor)
    edition = sign(issue, chief)
    land(desk, hugo.write(_new_texts(first)))
    assert bytes(Edition.objects.get().content) == bytes(edition.content) == hugo.write(first)
    issue.refresh_from_db()
    assert issue.editions.count() == 1


# --- an issue people have touched ----------------------------------------------------------------


@pytest.fixture
def touched(desk, first, editor) -> Issue:
    """An issue whose first card has a summary that a person wrote."""
    issue = land(desk, hugo.write(first))
    edit(cards_of(issue)[0], editor, summary="人寫的摘要。")
    return issue


def test_a_touched_field_keeps_its_text_and_gets_a_suggestion(touched, desk, first):
    second = with_card(first, 0, summary="機器再寫的。", details="- 機器再寫的。")
    land(desk, hugo.write(second))
    card = cards_of(touched)[0]
    assert (card.summary, card.details) == ("人寫的摘要。", "- 機器再寫的。")
    suggestion = touched.suggestions.get()
    assert (suggestion.card, suggestion.field, suggestion.value, suggestion.state) == (
        card,
        "summary",
        "機器再寫的。",
        "open",
    )
    # But for that field, the issue is the new draft.
    assert proof_of(touched).content == hugo.write(with_card(second, 0, summary="人寫的摘要。"))


def test_a_suggestion_can_be_taken(touched, desk, first, editor):
    second = with_card(first, 0, summary="機器再寫的。")
    land(desk, hugo.write(second))
    take(touched.suggestions.get(), editor)
    assert_follows(touched, second)
    event = touched.events.get(verb="suggestion.take")
    assert (event.before, event.after) == ("人寫的摘要。", "機器再寫的。")
    # From here on the field is the machine's again.
    third = with_card(first, 0, summary="機器第三次寫的。")
    land(desk, hugo.write(third))
    assert_follows(touched, third)


def test_a_suggestion_can_be_declined_and_is_not_made_again(touched, desk, first, editor):
    second = with_card(first, 0, summary="機器再寫的。")
    land(desk, hugo.write(second))
    answer_suggestion(suggestion_id=touched.suggestions.get().pk, take=False, by=editor)
    assert cards_of(touched)[0].summary == "人寫的摘要。"
    land(desk, hugo.write(second.model_copy(update={"footer": "第三次"})))
    assert [s.state for s in touched.suggestions.all()] == ["declined"]
    # Something new for that field is another suggestion.
    land(desk, hugo.write(with_card(second, 0, summary="機器第四次寫的。")))
    assert [s.state for s in touched.suggestions.all()] == ["declined", "open"]


def test_a_suggestion_is_answered_once(touched, desk, first, editor, colleague):
    land(desk, hugo.write(with_card(first, 0, summary="機器再寫的。")))
    suggestion = touched.suggestions.get()
    answer_suggestion(suggestion_id=suggestion.pk, take=False, by=editor)
    with pytest.raises(Refused):
        take(suggestion, colleague)
    assert cards_of(touched)[0].summary == "人寫的摘要。"


def test_of_several_suggestions_for_a_field_the_latest_stays(touched, desk, first):
    for n in (2, 3, 4):
        land(desk, hugo.write(with_card(first, 0, summary=f"機器第 {n} 次寫的。")))
    assert touched.suggestions.get().value == "機器第 4 次寫的。"


def test_a_suggestion_the_machine_has_given_up_is_withdrawn(touched, desk, first):
    """The machine has come to the person's own words: nothing is left to answer."""
    land(desk, hugo.write(with_card(first, 0, summary="機器再寫的。")))
    assert touched.suggestions.filter(state="open").exists()
    land(desk, hugo.write(with_card(first, 0, summary="人寫的摘要。")))
    assert not touched.suggestions.filter(state="open").exists()
    assert cards_of(touched)[0].summary == "人寫的摘要。"


def test_a_draft_that_repeats_the_old_text_of_a_touched_field_suggests_nothing(
    touched, desk, first
):
    land(desk, hugo.write(with_card(first, 1, summary="另一張卡的新摘要。")))
    assert not touched.suggestions.exists()
    assert cards_of(touched)[0].summary == "人寫的摘要。"


def test_the_same_draft_again_after_edits_changes_nothing(touched, desk, first):
    before = (proof_of(touched).sha256, Event.objects.count(), Suggestion.objects.count())
    land(desk, hugo.write(first))
    assert (proof_of(touched).sha256, Event.objects.count(), Suggestion.objects.count()) == before


@pytest.mark.parametrize(
    ("field", "mine", "theirs"),
    [
        ("headline", "人改的標題", "機器再改的標題"),
        ("details", "- 人", "- 機器"),
        ("applications", "- 人", "- 機器"),
        ("entities", ["人"], ["機器"]),
        ("importance", "極高", "低"),
        ("importance_note", "（人）", "（機器）"),
        (
            "sources",
            [{"title": "人", "url": "https://example.org/a"}],
            [{"title": "機器", "url": "https://example.org/b"}],
        ),
        ("rest", "人加的一段。", "機器加的一段。"),
    ],
)
def test_every_field_that_people_change_is_kept_and_suggested(
    field, mine, theirs, desk, first, editor
):
    issue = land(desk, hugo.write(first))
    row = cards_of(issue)[0]
    edit(row, editor, **{field: mine})
    value = first.cards[0].model_dump(mode="json") | {field: theirs}
    second = with_cards(first, lambda c: Card.model_validate(value) if c == first.cards[0] else c)
    land(desk, hugo.write(second))
    assert field_values(CardRow.objects.whole().get(pk=row.pk))[field] == mine
    suggestion = issue.suggestions.get()
    assert (suggestion.field, suggestion.value) == (field, theirs)
    take(suggestion, editor)
    assert_follows(issue, second)


def test_an_order_that_people_made_is_kept_and_new_cards_come_to_the_end(desk, first, editor):
    issue = land(desk, hugo.write(first))
    fresh = Issue.objects.whole().get(pk=issue.pk)
    section = fresh.sections.all()[0]
    mover, *others = section.cards.all()
    move_card(
        card_id=mover.pk,
        section_id=section.pk,
        after=others[-1].pk,
        seen=queue.order_of(fresh),
        by=editor,
    )
    wanted = [card.headline for card in (*others, mover)]
    new = Card(headline="今天才有的一則", importance=Importance.LOW)
    second = _cards_backwards(first)
    opening = second.sections[0]
    second = with_sections(
        second,
        (opening.model_copy(update={"cards": (new, *opening.cards)}), *second.sections[1:]),
    )
    land(desk, hugo.write(second))
    found = list(section.cards.values_list("headline", "position"))
    assert found == [(h, n) for n, h in enumerate((*wanted, new.headline), 1)]


def test_a_card_that_people_dropped_stays_dropped(desk, first, editor):
    issue = land(desk, hugo.write(first))
    card = cards_of(issue)[0]
    decide("drop", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    land(desk, hugo.write(_new_texts(first)))
    card.refresh_from_db()
    assert card.dropped
    assert len(proof_of(issue).document.cards) == 17


# --- cards the new draft no longer has -----------------------------------------------------------


def _edited(card: CardRow, by) -> None:
    edit(card, by, summary="人寫的摘要。")


def _approved(card: CardRow, by) -> None:
    decide("approve", issue_id=card.section.issue_id, card_id=card.pk, by=by, seen=card.hash)


def _moved(card: CardRow, by) -> None:
    fresh = Issue.objects.whole().get(pk=card.section.issue_id)
    target = fresh.sections.all()[1]
    move_card(card_id=card.pk, section_id=target.pk, after=None, seen=queue.order_of(fresh), by=by)


@pytest.mark.parametrize("touch", [_edited, _approved, _moved])
def test_the_machine_cannot_drop_a_card_that_people_have_touched(touch, desk, first, editor):
    issue = land(desk, hugo.write(first))
    card = cards_of(issue)[0]
    touch(card, editor)
    land(desk, hugo.write(_the_first_card_gone(first)))
    card.refresh_from_db()
    assert not card.dropped
    suggestion = issue.suggestions.get()
    assert (suggestion.card, suggestion.field, suggestion.value) == (card, "dropped", True)
    take(suggestion, editor)
    card.refresh_from_db()
    assert card.dropped


def test_the_machine_drops_a_card_nobody_touched_and_it_can_be_restored(desk, first, editor):
    issue = land(desk, hugo.write(first))
    card = cards_of(issue)[0]
    land(desk, hugo.write(_the_first_card_gone(first)))
    card.refresh_from_db()
    assert card.dropped
    event = card.events.get(verb="card.drop")
    assert event.actor.username == "machine:machine"
    decide("restore", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    assert card.headline in {c.headline for c in proof_of(issue).document.cards}
    # A person wanted it: the machine cannot drop it a second time.
    land(desk, hugo.write(_the_first_card_gone(_new_texts(first))))
    card.refresh_from_db()
    assert not card.dropped


def test_two_machines_are_none_of_the_people(desk, first):
    """The desk's own machine marks its cards with comments; what comes through a door has another
    account. Neither is somebody whose work must be kept."""
    drafter = machine_account("drafter")
    options = {"desk": desk, "media_type": "text/markdown"}
    issue = receive(content=hugo.write(first), by=drafter, **options).draft.issue
    card = cards_of(issue)[0]
    role = Membership(desk=desk, user=drafter, role=Role.MACHINE)
    said = Comment.objects.create(issue=issue, card=card, by=drafter, body="查無此數。")
    record(said, role, "comment.add")
    land(desk, hugo.write(_the_first_card_gone(first)))
    card.refresh_from_db()
    assert card.dropped and not Suggestion.objects.exists()
    again = first.model_copy(update={"footer": f"{first.footer}\n\n（第三次）"})
    receive(content=hugo.write(again), by=drafter, **options)
    card.refresh_from_db()
    assert not card.dropped


def test_a_card_that_is_back_withdraws_the_suggestion_to_drop_it(touched, desk, first):
    land(desk, hugo.write(_the_first_card_gone(first)))
    assert touched.suggestions.get().field == "dropped"
    land(desk, hugo.write(with_card(first, 1, summary="另一張卡的新摘要。")))
    assert not touched.suggestions.filter(state="open").exists()


def test_a_card_that_people_repaired_is_theirs(desk, sample, editor):
    from editorial.editing import repair_card

    broken = sample.replace("**重要性**：高  ".encode(), "**重要性**：很高  ".encode(), 1)
    issue = land(desk, broken)
    held = issue.held_cards.get()
    card = repair_card(
        held_id=held.pk,
        text=held.text.replace("很高", "高"),
        section_id=issue.sections.first().pk,
        by=editor,
    )
    land(desk, broken.replace("**核心摘要**  \n".encode(), "**核心摘要**  \n再寫：".encode()))
    card.refresh_from_db()
    assert not card.dropped
    assert card in cards_of(issue)


# --- the insight ---------------------------------------------------------------------------------


@pytest.fixture
def insight(desk, first, editor) -> tuple[Issue, PassageRow]:
    """An issue and the passage of its insight that a person has rewritten."""
    issue = land(desk, hugo.write(first))
    passage = PassageRow.objects.filter(section__issue=issue, section__kind="insight").first()
    change = Change("body", "人寫的觀點。", hash_of(passage.body))
    change_passages(issue_id=issue.pk, changes=[(passage.pk, change)], by=editor)
    return issue, passage


def _with_insight(whole: Document, change: Callable[[int, Passage], Passage]) -> Document:
    return with_sections(
        whole,
        (
            s.model_copy(update={"passages": tuple(change(n, p) for n, p in enumerate(s.passages))})
            if s.kind == "insight"
            else s
            for s in whole.sections
        ),
    )


def test_a_touched_passage_is_kept_and_suggested_and_its_neighbours_follow(
    insight, desk, first, editor
):
    issue, passage = insight
    second = _with_insight(first, lambda n, p: p.model_copy(update={"body": f"機器再寫 {n}。"}))
    land(desk, hugo.write(second))
    wanted = _with_insight(
        second, lambda n, p: p.model_copy(update={"body": "人寫的觀點。"}) if n == 0 else p
    )
    assert proof_of(issue).content == hugo.write(wanted)
    suggestion = issue.suggestions.get()
    assert (suggestion.passage, suggestion.field, suggestion.value) == (
        passage,
        "body",
        "機器再寫 0。",
    )
    before = Issue.objects.get(pk=issue.pk).insight_hash
    take(suggestion, editor)
    assert_follows(issue, second)
    assert Issue.objects.get(pk=issue.pk).insight_hash != before


def test_a_passage_the_new_draft_no_longer_has_goes_unless_it_was_touched(insight, desk, first):
    issue, passage = insight
    second = with_sections(
        first,
        (
            s.model_copy(update={"passages": s.passages[:1]}) if s.kind == "insight" else s
            for s in first.sections
        ),
    )
    land(desk, hugo.write(second))
    rest = list(PassageRow.objects.filter(section__issue=issue, section__kind="insight"))
    assert rest == [passage]


def test_an_insight_that_was_touched_stays_though_the_new_draft_has_none(insight, desk, first):
    issue, passage = insight
    land(desk, hugo.write(_the_insight_gone(first)))
    passage.refresh_from_db()
    assert passage.body == "人寫的觀點。"
    assert "人寫的觀點。" in proof_of(issue).content.decode()

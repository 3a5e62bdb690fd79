"""Values into rows and back, the order of lists, the folded keys beside the text."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import document, editions, hugo, rows
from digest.folding import fold
from digest.models import Card, Issue, Term
from tests.conftest import SEED_SHA256, cards_of, land


def _whole(issue: Issue) -> Issue:
    return Issue.objects.whole().get(pk=issue.pk)


def test_the_sample_goes_through_the_rows_byte_for_byte(issue, sample):
    assert editions.proof_of(_whole(issue)).content == sample


def test_the_real_draft_goes_through_the_rows_byte_for_byte(desk, seed):
    issue = land(desk, seed)
    assert editions.proof_of(_whole(issue)).sha256 == SEED_SHA256
    assert issue.slug == "2026-02-11-ai-intel"


def test_entities_and_tags_keep_their_order_through_taggit(issue):
    card = cards_of(issue)[0]
    value = rows.card_value(Card.objects.whole().get(pk=card.pk))
    turned = value.model_copy(update={"entities": tuple(reversed(value.entities))})
    rows.change_card(card, turned, before=value)
    assert tuple(card.entities.names()) == turned.entities
    rows.set_tags(issue, ["乙", "甲", "LLM", "llm"])
    assert list(issue.tags.names()) == ["乙", "甲", "LLM", "llm"]
    assert rows.front_matter_value(_whole(issue)).tags == ("乙", "甲", "LLM", "llm")


def test_spellings_of_one_name_stay_apart_and_share_their_key(db):
    known = rows.terms(["LLM", "llm", "..", "C++", "C#"])
    assert len({term.slug for term in known.values()}) == 5
    assert known["LLM"].folded == known["llm"].folded
    assert Term.objects.filter(folded=fold("ＬＬＭ")).count() == 2


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("臺灣的軟體", "台湾的软体"),
        ("Vid‑LLM", "vid-llm"),
        ("ＧＰＴ－４", "gpt-4"),
        ("Straße", "STRASSE"),
        ("零\u200b寬", "零寬"),
    ],
)
def test_a_card_is_found_whatever_the_script_width_case_or_hyphen(stored, asked, issue):
    card = Card.objects.whole().get(pk=cards_of(issue)[0].pk)
    value = rows.card_value(card)
    rows.change_card(card, value.model_copy(update={"summary": stored}), before=value)
    assert list(Card.objects.containing(asked)) == [card]
    assert card.summary == stored


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


def test_the_hash_of_a_card_is_that_of_its_canonical_markdown(issue):
    card = Card.objects.whole().get(pk=cards_of(issue)[0].pk)
    text = hugo.write_card(rows.card_value(card))
    assert card.hash == hashlib.sha256(text.encode()).hexdigest()


def test_a_dropped_card_leaves_the_document_and_an_emptied_section_its_heading(issue):
    section = issue.sections.first()
    section.cards.update(dropped=True)
    left = editions.proof_of(_whole(issue)).document
    assert section.title not in [s.title for s in left.sections]
    assert len(left.cards) == 15


def test_a_section_that_came_empty_stays(desk, sample):
    heading = "## 今日焦點（Top Headlines）"
    extra = sample.replace(heading.encode(), f"## 空欄\n\n---\n\n{heading}".encode(), 1)
    issue = land(desk, extra)
    assert editions.proof_of(_whole(issue)).content == extra


@pytest.mark.parametrize("count", [0, 1, 100, 1000])
def test_any_number_of_cards_goes_through_the_rows(count, desk):
    cards = tuple(
        document.Card(headline=f"第 {n} 則", summary="摘要。", importance=3) for n in range(count)
    )
    whole = document.Document(
        front_matter=document.FrontMatter(values={"title": "多", "date": "2026-03-01"}),
        sections=(document.Section(title="一", cards=cards),),
    )
    content = hugo.write(whole)
    assert editions.proof_of(_whole(land(desk, content))).content == content

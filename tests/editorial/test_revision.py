"""A second signature shows what has changed since the first, and nothing else."""

from __future__ import annotations

import pytest

from digest import hugo
from digest.document import Document
from digest.editions import signed_document
from digest.models import Event
from editorial import queue
from editorial.decisions import decide
from editorial.publication import publication_of
from editorial.revision import revisions
from tests.conftest import COVER, cards_of, land, sign
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change, change_issue, move, rewrite

pytestmark = pytest.mark.usefixtures("english")


def since(edition) -> list[tuple[str, bool, bool]]:
    """What is different now: its name, whether it is new, whether it is gone."""
    present = queue.case_of_issue(edition.issue_id).proof.document
    found = revisions(signed_document(edition.pk), present)
    return [(str(each.what), not each.before, not each.after) for each in found]


def test_nothing_is_different_right_after_a_signature(signed):
    assert since(signed) == []


def test_each_changed_part_is_named_once(signed, editor):
    first, second, third, *_ = cards_of(signed.issue)
    change(first, editor, summary="改過的摘要。")
    change(second, editor, headline="改過的標題")
    decide("drop", issue_id=signed.issue_id, card_id=third.pk, by=editor, seen=third.hash)
    change_issue(signed.issue, editor, title="改過的題目")
    rewrite(signed.issue.sections.get(kind="insight").passages.first(), editor, "改過的觀點。")
    insight = signed.issue.sections.get(kind="insight").title
    assert since(signed) == [
        ("title", False, False),
        (first.headline, False, False),
        ("改過的標題", False, False),
        (insight, False, False),
        (third.headline, False, True),
    ]


def test_a_move_is_a_change_of_the_order_alone(signed, editor):
    first, second, *_ = cards_of(signed.issue)
    move(first, editor, first.section_id, second.pk)
    assert since(signed) == [("the order", False, False)]


def test_a_move_across_a_heading_is_one_of_the_order_too(signed, editor):
    """In the flat order of the cards nothing has moved."""
    section, following, *_ = signed.issue.sections.filter(kind="cards")
    move(section.cards.last(), editor, following.pk, None)
    assert since(signed) == [("the order", False, False)]


def draft_with(whole: Document, **sections: object) -> bytes:
    """A draft of the machine's in which the first section with cards is another one."""
    at = next(n for n, section in enumerate(whole.sections) if section.cards)
    changed = [*whole.sections]
    changed[at] = changed[at].model_copy(update=sections)
    return hugo.write(whole.model_copy(update={"sections": tuple(changed)}))


def test_the_lead_and_the_title_of_a_section_are_parts_of_the_issue(signed, desk, sample):
    whole = hugo.read(sample)
    first = next(section for section in whole.sections if section.cards)
    land(desk, draft_with(whole, lead="沒有人看過的一段。"))
    assert since(signed) == [(first.title, False, False)]
    land(desk, draft_with(whole, title="改名的單元"))
    assert since(signed) == [("改名的單元", False, False)]


def test_sections_that_come_and_go_are_named(signed):
    whole = signed_document(signed.pk)
    first, *others = whole.sections
    without = whole.model_copy(update={"sections": tuple(others)})
    gone = {(first.title, ""), *((card.headline, "") for card in first.cards)}
    assert {(str(r.what), r.after) for r in revisions(whole, without)} == gone
    assert {(str(r.what), r.before) for r in revisions(without, whole)} == gone
    turned = whole.model_copy(update={"sections": (*others, first)})
    assert [str(r.what) for r in revisions(whole, turned)] == ["the order"]


def test_two_cards_of_one_headline_stay_two():
    whole = Document.model_validate(
        {
            "sections": [
                {
                    "title": "單元",
                    "cards": [{"headline": "同題", "summary": text} for text in "甲乙"],
                }
            ]
        }
    )
    assert revisions(whole, whole) == []


def test_a_redraft_that_only_reorders_can_be_signed(signed, desk, sample, chief):
    whole = hugo.read(sample)
    cards = next(section.cards for section in whole.sections if len(section.cards) > 1)
    land(desk, draft_with(whole, cards=tuple(reversed(cards))))
    assert since(signed) == [("the order", False, False)]
    case = queue.case_of_issue(signed.issue_id)
    assert not case.is_signed_as_it_stands
    assert publication_of(case).changes == 0  # nothing that an event tells of
    assert sign(signed.issue, chief).number == 2


def test_a_redraft_that_changes_nothing_is_no_change(signed, desk, sample):
    land(desk, sample + b"\n")
    assert Event.objects.last().verb == "draft.land"
    case = queue.case_of_issue(signed.issue_id)
    assert case.is_signed_as_it_stands
    assert case.changes_since_signature == 0


def test_the_landing_is_not_counted_beside_what_it_changed(signed, desk, sample):
    land(desk, draft_with(hugo.read(sample), lead="沒有人看過的一段。"))
    case = queue.case_of_issue(signed.issue_id)
    assert not case.is_signed_as_it_stands
    assert case.changes_since_signature == 1


def test_where_nothing_was_written_since_the_signature_the_issue_is_not_written_out(
    signed, monkeypatch
):
    monkeypatch.setattr(queue.editions, "proof_of", lambda issue: pytest.fail("written out"))
    assert queue.case_of_issue(signed.issue_id).is_signed_as_it_stands


def proof_page(chief, issue) -> str:
    return client_of(chief).get(address("sign", issue)).content.decode()


def test_another_cover_is_a_part_that_is_different(signed, desk, sample, chief, tmp_path):
    from PIL import Image

    other = tmp_path / "other.png"
    Image.new("RGB", (8, 8), "teal").save(other)
    land(desk, sample + b"\n", cover=other.read_bytes())
    html = proof_page(chief, signed.issue)
    assert "1 part is different from edition 1" in html
    assert "<summary>the cover</summary>" in html
    land(desk, sample + b"\n\n", cover=COVER.read_bytes())
    assert 'class="revisions"' not in proof_page(chief, signed.issue)


def test_a_file_that_is_written_otherwise_is_said_to_be(signed, desk, sample, chief):
    sentence = "The file is not that of edition 1"
    assert sentence not in proof_page(chief, signed.issue)
    land(desk, sample.replace(b"\ntitle:", b"\n# a remark\ntitle:", 1))
    assert since(signed) == []
    assert sentence in proof_page(chief, signed.issue)


def test_the_proof_shows_it_in_the_dialog_and_on_its_page(signed, editor, chief):
    card = cards_of(signed.issue)[0]
    change(card, editor, summary="改過的摘要。")
    page = client_of(chief)
    for headers in ({}, {"HX-Request": "true"}):
        html = page.get(address("sign", signed.issue), headers=headers).content.decode()
        assert "1 part is different from edition 1" in html
        assert html.count('class="revision"') == 1

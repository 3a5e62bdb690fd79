"""A second signature shows what has changed since the first, and nothing else."""

from __future__ import annotations

import pytest

from digest.editions import signed_document
from editorial import queue
from editorial.decisions import decide
from editorial.revision import revisions
from tests.conftest import cards_of
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change, change_issue, rewrite

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
        (insight, False, False),
        (first.headline, False, False),
        ("改過的標題", False, False),
        (third.headline, False, True),
    ]


def test_a_move_is_a_change_of_the_order_alone(signed, editor):
    from editorial.editing import move_card

    first, second, *_ = cards_of(signed.issue)
    move_card(
        card_id=first.pk,
        section_id=None,
        after=second.pk,
        seen=queue.order_of(signed.issue),
        by=editor,
    )
    assert since(signed) == [("the order", False, False)]


def test_the_proof_shows_it_in_the_dialog_and_on_its_page(signed, editor, chief):
    card = cards_of(signed.issue)[0]
    change(card, editor, summary="改過的摘要。")
    page = client_of(chief)
    for headers in ({}, {"HX-Request": "true"}):
        html = page.get(address("sign", signed.issue), headers=headers).content.decode()
        assert "1 part is different from edition 1" in html
        assert html.count('class="revision"') == 1

"""Machines that deliver at once, and while people work."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from digest.inbox import read_inbox
from digest.intake import receive
from digest.models import Card, Draft, Event, Issue
from digest.publishing import machine_account
from editorial import queue
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from editorial.models import Approval
from editorial.refusals import Refused
from tests.conftest import cards_of, land
from tests.races.threads import at_once, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def deliver(desk, content: bytes):
    return receive(
        desk=desk, content=content, media_type="text/markdown", by=machine_account("machine")
    )


def test_a_hundred_simultaneous_deliveries_of_one_draft_make_one_issue(desk, sample):
    receipts = at_once(*[partial(deliver, desk, sample)] * 100)
    assert not unexpected(receipts)
    assert sum(receipt.landed for receipt in receipts) == 1
    assert {r.draft.state for r in receipts} == {Draft.State.LANDED}
    assert (Draft.objects.count(), Issue.objects.count(), Card.objects.count()) == (1, 1, 18)
    assert Event.objects.filter(verb="draft.land").count() == 1


def test_two_different_drafts_for_one_day_at_once_are_merged_into_one_issue(desk, sample):
    later = sample.replace("**核心摘要**  \n".encode(), "**核心摘要**  \n後來的一版：".encode())
    assert later != sample
    receipts = at_once(partial(deliver, desk, sample), partial(deliver, desk, later))
    assert not unexpected(receipts)
    assert [receipt.landed for receipt in receipts] == [True, True]
    issue = Issue.objects.get()
    assert Card.objects.count() == 18
    # Nobody touched anything, so the issue is what landed last, byte for byte.
    last = Event.objects.filter(verb="draft.land").last().after["draft"]
    proof = queue.case_of_issue(issue.pk).proof
    assert proof.sha256 == Draft.objects.get(pk=last).sha256


def test_a_later_draft_that_lands_while_an_editor_saves_loses_none_of_their_words(
    desk, sample, editor
):
    issue = land(desk, sample)
    cards = cards_of(issue)
    label, point = "**技術細節**  \n", "- 後來補上的一點。  \n"
    later = sample.replace(label.encode(), f"{label}{point}".encode())
    assert later.count(point.encode()) > 10

    def save_all() -> None:
        for card in cards:
            base = field_values(Card.objects.whole().get(pk=card.pk))
            change = Change("summary", f"{card.pk} 由人改寫。", hash_of(base["summary"]))
            change_card(card_id=card.pk, changes=[change], by=editor)

    results = at_once(save_all, partial(deliver, desk, later))
    assert not unexpected(results)
    found = Card.objects.filter(section__issue=issue)
    assert {card.pk: card.summary for card in found} == {
        card.pk: f"{card.pk} 由人改寫。" for card in cards
    }
    # And none of the machine's.
    content = queue.case_of_issue(issue.pk).proof.content
    assert content.count(point.encode()) == later.count(point.encode())


def test_a_later_draft_that_lands_while_cards_are_approved_leaves_no_stale_approval(
    desk, sample, editor
):
    issue = land(desk, sample)
    cards = cards_of(issue)
    later = sample.replace("**核心摘要**  \n".encode(), "**核心摘要**  \n後來的一版：".encode())

    def approve_all() -> list:
        refused = []
        for card in cards:
            try:
                decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
            except Refused as refusal:
                refused.append(refusal.refusal.kind)
        return refused

    refused, receipt = at_once(approve_all, partial(deliver, desk, later))
    assert not unexpected([refused, receipt])
    assert receipt.landed
    assert set(refused) <= {"stale"}
    # Each approval names the text its maker saw, and none the text that came after.
    seen = {card.pk: card.hash for card in cards}
    for case in queue.case_of_issue(issue.pk).cards.values():
        assert [a.hash for a in Approval.objects.filter(card=case.card.pk)] in (
            [],
            [seen[case.card.pk]],
        )
        assert not case.is_approved


def test_several_readers_of_one_inbox_take_each_file_once(desk, sample, settings):
    inbox = Path(settings.INBOX_DIR)
    inbox.mkdir(parents=True)
    for n in range(8):
        path = inbox / f"{n}.md"
        path.write_bytes(sample.replace(b"2026-02-12", f"2026-02-{n + 10}".encode()))
        os.utime(path, (0, 0))
    results = at_once(*[read_inbox] * 4)
    assert not unexpected(results)
    assert (Draft.objects.count(), Issue.objects.count()) == (8, 8)
    assert Event.objects.filter(verb="draft.land").count() == 8
    names = sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())
    assert names == [f"done/{n}.md" for n in range(8)]

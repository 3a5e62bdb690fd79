"""Many workers and one issue that is due."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from digest import channels, publishing
from digest.models import Delivery, Event, Issue
from editorial import queue
from editorial.decisions import decide
from editorial.refusals import Refused
from tests.conftest import approve_everything, cards_of, say_correction, sign
from tests.races.test_decisions import save
from tests.races.threads import at_once, unexpected

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    """What the scheduled job does."""
    for delivery_id in publishing.publish_due():
        publishing.deliver(delivery_id)


def publish(issue: Issue, by) -> None:
    seen = issue.editions.order_by("-number").first().sha256
    decide("publish", issue_id=issue.pk, by=by, seen=seen)


def post_of(issue: Issue, settings) -> Path:
    return Path(settings.HUGO_TREE) / "content/posts" / f"{issue.slug}.md"


def test_eight_workers_publish_one_due_issue_once(signed, chief, settings, monkeypatch):
    issue = signed.issue
    publish(issue, chief)
    runs = []
    original = channels.KINDS["hugo"]

    def count(parcel, config):
        runs.append(parcel.sha256)
        return original.deliver(parcel, config)

    monkeypatch.setitem(channels.KINDS, "hugo", replace(original, deliver=count))
    results = at_once(*[work] * 8)
    assert not unexpected(results)
    verbs = list(Event.objects.filter(issue=issue).values_list("verb", flat=True))
    assert verbs.count("issue.release") == 1
    assert verbs.count("delivery.done") == 1
    assert runs == [signed.sha256]
    [delivery] = Delivery.objects.all()
    assert (delivery.state, delivery.attempts) == (Delivery.State.DELIVERED, 1)
    post = post_of(issue, settings)
    assert hashlib.sha256(post.read_bytes()).hexdigest() == signed.sha256
    assert [path.name for path in post.parent.iterdir()] == [post.name]


def test_fifty_people_pressing_publish_start_one_publication(signed, chief, settings):
    issue = signed.issue

    def press() -> None:
        publish(issue, chief)
        work()

    results = at_once(*[press] * 50)
    assert not unexpected(results, Refused)
    verbs = list(Event.objects.filter(issue=issue).values_list("verb", flat=True))
    assert verbs.count("issue.publish") == 1
    assert verbs.count("issue.release") == 1
    assert verbs.count("delivery.done") == 1


def test_a_signature_given_while_the_last_edition_goes_out_leaves_the_file_that_readers_are_told(
    issue, chief, editor, settings
):
    approve_everything(issue, editor)
    card = cards_of(issue)[0]
    for n in range(5):
        sign(issue, chief)
        publish(issue, chief)
        save(card, editor, summary=f"第 {n} 次改過的摘要。")
        card.refresh_from_db()
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
        say_correction(issue, editor, f"第 {n} 次更正。")
        seen = queue.case_of_issue(issue.pk).proof.seal
        results = at_once(
            work, partial(decide, "sign", issue_id=issue.pk, by=chief, seen=seen), work
        )
        assert not unexpected(results)
        Delivery.objects.filter(state=Delivery.State.WAITING).update(next_attempt_at=timezone.now())
        work()
        issue.refresh_from_db()
        found = hashlib.sha256(post_of(issue, settings).read_bytes()).hexdigest()
        assert found == issue.published.sha256
        # The next round signs over it, whichever edition went out.
        save(card, editor, summary=f"第 {n} 次，再改。")
        card.refresh_from_db()
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)

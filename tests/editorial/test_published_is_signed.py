"""Whatever people and workers do, in whatever order: readers have exactly what was signed."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from pathlib import Path

from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from digest import channels, editions
from digest.models import Card, Delivery, Issue, sha256
from digest.publishing import deliver, publish_due
from editorial import queue
from editorial.decisions import DECISIONS, decide, present_hash
from editorial.models import Approval
from editorial.publication import publication_of
from editorial.refusals import Refused
from tests.conftest import SAMPLE, cards_of, land, say_correction
from tests.editorial.work import change, rewrite

#: Walks of `STEPS` steps each; `make test-faults` asks for more.
WALKS, STEPS = int(os.environ.get("WALKS", "40")), 50
NAMES = ("publish", "republish", "unpublish", "hold", "unhold", "retry")
CARDS = st.integers(0, 2)


def test_what_readers_have_is_what_was_signed_whatever_happens(desk, editor, chief, settings):
    done: Counter[str] = Counter()

    class Morning(Walk):
        cast = (desk, editor, chief)
        deeds = done

    run_state_machine_as_test(Morning, settings=PACE)
    # Walks that never get anywhere prove nothing.
    assert {"sign", "publish", "release", "unpublish", "hold", "stale signature"} <= done.keys()


PACE = settings(
    max_examples=WALKS,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
)


class Walk(RuleBasedStateMachine):
    """A morning at a desk. What somebody has on the screen may be older than what is there."""

    cast: tuple
    deeds: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.desk, self.editor, self.chief = self.cast
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self._folder = tempfile.TemporaryDirectory(prefix="copydesk-walk-")
        django_settings.HUGO_TREE = self._folder.name
        self.issue = land(self.desk, SAMPLE.read_bytes())
        self.keys = [card.pk for card in cards_of(self.issue)]
        for pk in self.keys[3:]:  # three cards are enough to go wrong with
            hash_ = Card.objects.get(pk=pk).hash
            decide("approve", issue_id=self.issue.pk, card_id=pk, by=self.editor, seen=hash_)
        self.words = itertools.count()
        self.screen: dict[str, str] = {}
        self.look()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)
        self._folder.cleanup()

    # --- people ---

    @rule()
    def look(self) -> None:
        """Load the page anew: what is on the screen is what is there."""
        self.issue.refresh_from_db()
        case = queue.case_of_issue(self.issue.pk)
        self.screen = {f"card {pk}": case.cards[pk].present for pk in self.keys}
        self.screen["insight"] = self.issue.insight_hash
        self.screen["seal"] = case.proof.seal

    @rule(n=CARDS)
    def edit(self, n: int) -> None:
        change(self.card(n), self.editor, summary=f"第 {next(self.words)} 次改寫。")

    @rule()
    def rewrite_insight(self) -> None:
        passage = self.issue.sections.get(kind="insight").passages.first()
        rewrite(passage, self.editor, f"第 {next(self.words)} 次改寫的洞察。")

    @rule(n=CARDS)
    def approve(self, n: int) -> None:
        seen = self.screen[f"card {self.keys[n]}"]
        if self.tried("approve", card_id=self.keys[n], seen=seen, by=self.editor):
            assert seen == self.card(n).hash, "a stale approval was taken"

    @rule()
    def approve_insight(self) -> None:
        if self.tried("approve_insight", seen=self.screen["insight"], by=self.editor):
            self.issue.refresh_from_db()
            assert self.screen["insight"] == self.issue.insight_hash

    @rule()
    def approve_what_is_there(self) -> None:
        self.look()
        for n in range(3):
            self.approve(n)
        self.approve_insight()

    @rule()
    def say_what_is_corrected(self) -> None:
        say_correction(self.issue, self.editor, f"第 {next(self.words)} 次更正。")

    @rule()
    def sign(self) -> None:
        present = queue.case_of_issue(self.issue.pk).proof.seal
        if self.tried("sign", seen=self.screen["seal"], by=self.chief):
            assert self.screen["seal"] == present, "a stale signature was taken"
        elif self.screen["seal"] != present:
            self.deeds["stale signature"] += 1

    @rule()
    def look_and_sign(self) -> None:
        self.approve_what_is_there()
        self.look()
        self.sign()

    @rule(name=st.sampled_from(NAMES))
    def decide(self, name: str) -> None:
        seen = present_hash(DECISIONS[name], queue.case_of_issue(self.issue.pk))
        self.tried(name, seen=seen, by=self.chief, note="因為。")

    @rule()
    def bring_it_out(self) -> None:
        self.say_what_is_corrected()
        self.look_and_sign()
        self.decide("publish")
        self.tick("never")

    @rule()
    def stop_mend_and_let_go(self) -> None:
        self.decide("hold")
        self.edit(0)
        self.look_and_sign()
        self.decide("unhold")
        self.issue.refresh_from_db()
        if self.issue.due_at:
            assert self.issue.due_edition == self.issue.editions.order_by("-number").first()

    @rule()
    def take_it_back(self) -> None:
        self.decide("unpublish")

    def tried(self, name: str, **how) -> bool:
        try:
            decide(name, issue_id=self.issue.pk, **how)
        except Refused:
            return False
        self.deeds[name] += 1
        return True

    def card(self, n: int) -> Card:
        return Card.objects.get(pk=self.keys[n])

    # --- machinery ---

    @rule(dies=st.sampled_from(["never", "before", "after"]))
    def tick(self, dies: str) -> None:
        """The publisher works; a worker may die before or after it has written the file."""
        Delivery.objects.filter(state=Delivery.State.WAITING).update(next_attempt_at=timezone.now())
        past = timezone.now()
        Delivery.objects.filter(state=Delivery.State.RUNNING).update(claimed_until=past)
        real = channels.KINDS["hugo"]
        before = self.issue.events.filter(verb="issue.release").count()
        named = publication_of(queue.case_of_issue(self.issue.pk)).due_edition
        try:
            if dies != "never":
                channels.KINDS["hugo"] = _dying(real, dies)
            for pk in publish_due():
                try:
                    deliver(pk)
                except _Death:
                    self.deeds[f"died {dies}"] += 1
        finally:
            channels.KINDS["hugo"] = real
        if self.issue.events.filter(verb="issue.release").count() > before:
            self.deeds["release"] += 1
            self.issue.refresh_from_db()
            assert self.issue.published == named, "the page named another edition"

    # --- what must hold ---

    @invariant()
    def readers_have_what_was_signed(self) -> None:
        issue = Issue.objects.select_related("published").get(pk=self.issue.pk)
        post = Path(django_settings.HUGO_TREE) / f"content/posts/{issue.slug}.md"
        signed = set(issue.editions.values_list("sha256", flat=True))
        if post.exists():
            assert sha256(post.read_bytes()) in signed
        if issue.published is None:
            return
        edition = issue.published
        assert sha256(bytes(edition.content)) == edition.sha256
        signatures = issue.events.filter(verb="issue.sign", after__edition=edition.number)
        [signature] = signatures
        assert signature.after["sha256"] == edition.sha256 and signature.actor == self.chief.user
        publishing = edition.deliveries.filter(action=Delivery.Action.PUBLISH)
        if publishing.filter(state=Delivery.State.DELIVERED).exists():
            assert sha256(post.read_bytes()) == edition.sha256

    @invariant()
    def an_approval_is_of_a_text_that_stood_there(self) -> None:
        for approval in Approval.objects.valid().filter(issue=self.issue, card__in=self.keys[:3]):
            event = self.issue.events.get(verb="card.approve", after__approval=approval.pk)
            assert event.seen == approval.hash

    @invariant()
    def an_edition_rebuilds_its_bytes(self) -> None:
        last = self.issue.editions.order_by("-number").first()
        if last:
            whole = editions.document_in(last)
            assert editions.hugo.write(whole) == bytes(last.content)


class _Death(BaseException):
    """What no handler of ours catches: the worker is gone."""


def _dying(kind: channels.Kind, when: str) -> channels.Kind:
    def deliver_and_die(parcel, config):
        if when == "after":
            kind.deliver(parcel, config)
        raise _Death

    return channels.Kind(kind.config, deliver_and_die, kind.withdraw, kind.tell)

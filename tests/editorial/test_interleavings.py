"""A thousand times two editors at one issue, whose steps fall into each other at random.

Beside the desk runs a model of a dozen lines that knows what each of them has seen. Whoever has
seen what stands there is let through, whoever has not is told so: the desk may lose nothing that
the model keeps, and may refuse nothing that the model allows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from benches.drafts import draft_of
from digest import hugo
from digest.document import Importance
from digest.models import Card, Issue, Section
from editorial import queue
from editorial.decisions import decide
from editorial.editing import Change, Collision, field_values, hash_of, move_card, save_card
from editorial.forms import CARD_KINDS
from editorial.models import Membership
from editorial.refusals import Refused
from tests.conftest import SAMPLE_DAY, cards_of, land
from tests.editorial.test_pages import address, client_of

FIELDS = ("summary", "importance_note", "entities")
SEEDS = range(14)
ROUNDS = 70  # a seed; with those of the test client a thousand
ROUNDS_OF_PAGES = 20


@dataclass
class Seen:
    """What somebody has before their eyes, or (one of them) what stands there."""

    values: dict[int, dict]
    hashes: dict[int, str]
    order: str

    def copy(self) -> Seen:
        values = {pk: dict(each) for pk, each in self.values.items()}
        return Seen(values, dict(self.hashes), self.order)


@dataclass
class Outcome:
    """What the desk answered: `done`, `collision`, `stale` or `guard`."""

    is_: str
    after: str = ""
    theirs: object = None


class Calls:
    """An editor by the functions that the pages call."""

    def __init__(self, issue: Issue, by: Membership) -> None:
        self.issue, self.by = issue, by

    def save(self, card: int, name: str, value, base) -> Outcome:
        try:
            change = Change(name, value, hash_of(base))
            saved = save_card(card_id=card, changes=[change], by=self.by)
        except Collision as collision:
            [found] = collision.differences
            assert found.mine == value
            assert found.base == base
            return Outcome("collision", theirs=found.theirs)
        return Outcome("done", saved.after)

    def rate(self, card: int, rating: str, shown: str | None) -> Outcome:
        return self.save(card, "importance", rating, shown)

    def move(self, card: int, section: int, after: int | None, order: str) -> Outcome:
        try:
            move_card(card_id=card, section_id=section, after=after, seen=order, by=self.by)
        except Refused as refused:
            return Outcome(refused.refusal.kind)
        return Outcome("done")

    def decide(self, name: str, card: int, seen: str) -> Outcome:
        try:
            decide(name, issue_id=self.issue.pk, card_id=card, by=self.by, seen=seen)
        except Refused as refused:
            return Outcome(refused.refusal.kind)
        return Outcome("done")


class Posts:
    """An editor by what their page sends."""

    def __init__(self, issue: Issue, by: Membership) -> None:
        self.issue, self.client = issue, client_of(by)

    def _post(self, where: str, sent: dict):
        return self.client.post(where, sent, headers={"HX-Request": "true"})

    def save(self, card: int, name: str, value, base) -> Outcome:
        kind = CARD_KINDS[name]
        sent = {"value": kind.to_text(value).replace("\n", "\r\n"), "base": hash_of(base)}
        response = self._post(address("card_field", self.issue, card, name), sent)
        answer = response.json()
        if response.status_code == 409:
            assert kind.from_text(answer["mine"]) == value
            theirs = kind.from_text(answer["theirs"])
            assert answer["base"] == hash_of(theirs)
            return Outcome("collision", theirs=theirs)
        assert answer["base"] == hash_of(value)
        return Outcome("done", answer["hash"])

    def rate(self, card: int, rating: str, shown: str | None) -> Outcome:
        ranks = {each.label: each.value for each in Importance} | {None: 0}
        sent = {"rate": f"{ranks[rating]}.{ranks[shown]}"}
        response = self._post(address("rate_card", self.issue, card), sent)
        if response.status_code == 409:
            rank = Card.objects.get(pk=card).importance
            return Outcome("collision", theirs=Importance(rank).label)
        return Outcome("done", response["Copydesk-After"])

    def move(self, card: int, section: int, after: int | None, order: str) -> Outcome:
        place = {"after": after} if after else {"first": section}
        response = self._post(address("move_card", self.issue, card), place | {"order": order})
        return Outcome({200: "done", 409: "stale"}[response.status_code])

    def decide(self, name: str, card: int, seen: str) -> Outcome:
        response = self._post(address("decide_card", self.issue, card, name), {"seen": seen})
        is_stale = "changed since you saw it" in response.content.decode()
        return Outcome({200: "done", 409: "stale" if is_stale else "guard"}[response.status_code])


@dataclass
class Table:
    """Two editors, what each has seen, and what the model says stands there."""

    issue: Issue
    dice: random.Random
    people: list[Calls | Posts]
    truth: Seen
    seen: list[Seen] = field(default_factory=list)
    approved: set[tuple[int, str]] = field(default_factory=set)
    told: dict[str, int] = field(default_factory=lambda: dict.fromkeys(
        ("done", "collision", "stale", "guard"), 0))  # fmt: skip
    count: int = 0

    def load(self) -> None:
        """Both load the page."""
        self.seen = [self.truth.copy(), self.truth.copy()]

    def step(self, who: int) -> None:
        """One thing somebody does, by what they have seen."""
        eyes, card = self.seen[who], self.dice.choice(list(self.truth.values))
        act = self.dice.choice((self._type, self._type, self._type, self._rate, self._move,
                                self._approve))  # fmt: skip
        outcome, expected = act(self.people[who], eyes, card)
        assert outcome.is_ == expected, (act.__name__, outcome)
        self.told[expected] += 1

    def _type(self, person, eyes: Seen, card: int) -> tuple[Outcome, str]:
        name = self.dice.choice(FIELDS)
        self.count += 1
        # Now and then both write the same, or somebody what stood there before.
        value = f"第 {self.dice.choice([self.count, self.count % 7])} 句"
        value = [value, "vLLM"] if name == "entities" else value
        return self._changed(person.save(card, name, value, eyes.values[card][name]),
                             eyes, card, name, value)  # fmt: skip

    def _rate(self, person, eyes: Seen, card: int) -> tuple[Outcome, str]:
        value, shown = self.dice.choice(list(Importance)).label, eyes.values[card]["importance"]
        outcome = person.rate(card, value, shown)
        return self._changed(outcome, eyes, card, "importance", value)

    def _changed(self, outcome, eyes: Seen, card: int, name: str, value) -> tuple[Outcome, str]:
        stands, saw = self.truth.values[card][name], eyes.values[card][name]
        if value != stands and saw != stands:
            assert outcome.theirs == stands
            if self.dice.random() < 0.5:  # they look at it and will go on from there
                eyes.values[card][name] = stands
            return outcome, "collision"
        self.truth.values[card][name] = eyes.values[card][name] = value
        # One's own saves are followed, those of others are not (static/js/seen.js).
        if eyes.hashes[card] == self.truth.hashes[card]:
            eyes.hashes[card] = outcome.after
        self.truth.hashes[card] = outcome.after
        return outcome, "done"

    def _approve(self, person, eyes: Seen, card: int) -> tuple[Outcome, str]:
        seen = eyes.hashes[card]
        outcome = person.decide("approve", card, seen)
        if seen != self.truth.hashes[card]:
            return outcome, "stale"
        if (card, seen) in self.approved:
            return outcome, "guard"
        self.approved.add((card, seen))
        return outcome, "done"

    def _move(self, person, eyes: Seen, card: int) -> tuple[Outcome, str]:
        order = {
            int(section): [int(pk) for pk in cards.split(",")]
            for section, cards in (part.split(":") for part in self.truth.order.split(";"))
        }
        section = self.dice.choice(list(order))
        after = self.dice.choice([None, *(pk for pk in order[section] if pk != card)])
        outcome = person.move(card, section, after, eyes.order)
        if eyes.order != self.truth.order:
            if self.dice.random() < 0.5:
                eyes.order = self.truth.order
            return outcome, "stale"
        next(cards for cards in order.values() if card in cards).remove(card)
        order[section].insert(order[section].index(after) + 1 if after else 0, card)
        places = [(pk, each) for pk, cards in order.items() for each in cards]
        self.truth.order = eyes.order = queue.order_as_text(places)
        return outcome, "done"

    def assert_kept(self) -> None:
        """What the desk has is what the model has: to the last field, hash and place."""
        assert _standing(self.issue) == self.truth
        rows = [case.card for case in queue.case_of_issue(self.issue.pk).cards.values()]
        assert {r.pk for r in rows if r.approver} == {
            pk for pk, hash_ in self.truth.hashes.items() if (pk, hash_) in self.approved
        }


def _standing(issue: Issue) -> Seen:
    cards = Card.objects.whole().filter(section__issue=issue)
    return Seen(
        values={card.pk: field_values(card) for card in cards},
        hashes={card.pk: card.hash for card in cards},
        order=queue.order_of(issue),
    )


@pytest.fixture
def table(desk, sample, editor, colleague):
    issue = land(desk, draft_of(hugo.read(sample), day=SAMPLE_DAY, cards=2))
    assert len(cards_of(issue)) == 2
    assert issue.sections.filter(kind=Section.Kind.CARDS).exists()

    def lay(kind, seed: int) -> Table:
        people = [kind(issue, editor), kind(issue, colleague)]
        return Table(issue, random.Random(seed), people, _standing(issue))

    return lay


def _interleave(table: Table, rounds: int) -> None:
    for number in range(rounds):
        table.load()
        turns = table.dice.choice([[0, 0, 1], [0, 1, 1], [0, 0, 1, 1]])
        table.dice.shuffle(turns)
        for who in turns:
            table.step(who)
        if number % 10 == 9:
            table.assert_kept()
    table.assert_kept()
    # Each way of ending has been there: none of them is asserted about nothing.
    assert all(table.told.values()), table.told
    assert table.told["done"] > rounds


@pytest.mark.parametrize("seed", SEEDS)
def test_two_editors_lose_nothing_and_are_refused_nothing_without_reason(seed, table):
    _interleave(table(Calls, seed), ROUNDS)


def test_nor_do_they_through_what_their_pages_send(table):
    _interleave(table(Posts, 1000), ROUNDS_OF_PAGES)

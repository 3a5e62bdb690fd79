"""People at random work on an issue: whatever the desk lets them do, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from digest.document import Importance
from digest.models import Card, Issue, Passage, Section
from editorial import queue
from editorial.bulk import approve_section
from editorial.decisions import DECISIONS, decide, present_hash
from editorial.editing import (
    FRONT,
    Change,
    Invalid,
    change_card,
    change_front,
    change_passages,
    field_values,
    front_values,
    hash_of,
    move_card,
)
from editorial.models import Glance, Membership
from editorial.refusals import Refused
from tests.conftest import cards_of

TEXTS = ("summary", "details", "applications")


def change(card: Card, by: Membership, **values: Any) -> list[str]:
    """Save fields of a card as somebody who sees it as it is now."""
    present = field_values(Card.objects.whole().get(pk=card.pk))
    return change_card(
        card_id=card.pk,
        changes=[Change(name, value, hash_of(present[name])) for name, value in values.items()],
        by=by,
    )


def front_of(issue: Issue) -> dict[str, Any]:
    return front_values(Issue.objects.prefetch_related("tag_items__tag").get(pk=issue.pk))


def change_issue(issue: Issue, by: Membership, **values: Any) -> list[str]:
    present = front_of(issue)
    return change_front(
        issue_id=issue.pk,
        changes=[Change(name, value, hash_of(present[name])) for name, value in values.items()],
        by=by,
    )


def rewrite(passage: Passage, by: Membership, body: str) -> list[str]:
    passage.refresh_from_db()
    return change_passages(
        issue_id=passage.section.issue_id,
        changes=[(passage.pk, Change("body", body, hash_of(passage.body)))],
        by=by,
    )


def move(card: Card, by: Membership, section_id: int, after: int | None) -> None:
    issue = Issue.objects.get(sections__cards=card)
    seen = queue.order_of(issue)
    move_card(card_id=card.pk, section_id=section_id, after=after, seen=seen, by=by)


def make(name: str, issue: Issue, by: Membership, card: Card | None = None):
    """Make a decision as somebody who sees what is there now."""
    issue = Issue.objects.select_related("desk").get(pk=issue.pk)
    if card:
        card.refresh_from_db()
        case = queue.case_of_card(card.pk, issue)
    else:
        case = queue.case_of_insight(issue)
    return decide(
        name,
        issue_id=issue.pk,
        card_id=card.pk if card else None,
        by=by,
        seen=present_hash(DECISIONS[name], case),
    )


def look(card: Card, by: Membership) -> None:
    """See a card as it is now."""
    last = card.events.model.objects.filter(issue__sections__cards=card).order_by("-pk").first()
    card.refresh_from_db()
    Glance.objects.update_or_create(
        card=card, user=by.user, defaults={"hash": card.hash, "event": last.pk if last else 0}
    )


def order_in(issue: Issue) -> list[tuple[int, int, int]]:
    """Which card stands where."""
    return [(card.section_id, card.position, card.pk) for card in cards_of(issue)]


def proof_in(issue: Issue) -> bytes:
    return queue.case_of_issue(issue.pk).proof.content


class Work:
    """Random work of some people on one issue."""

    def __init__(self, issue: Issue, people: list[Membership], seed: int) -> None:
        self.issue, self.people, self.dice = issue, people, random.Random(seed)
        self.done = 0
        self.passages = list(Passage.objects.filter(section__issue=issue))
        self.sections = list(
            issue.sections.filter(kind=Section.Kind.CARDS).values_list("pk", flat=True)
        )
        self.steps: tuple[Callable[[Membership], Any], ...] = (
            *[self.edit] * 4, self.rate, self.rate, self.list, self.move, self.move, self.drop,
            self.restore, self.approve, self.approve, self.withdraw, self.together, self.passage,
            self.insight, self.front, self.tags,
        )  # fmt: skip

    def step(self) -> None:
        """One thing somebody does, if the desk lets them."""
        try:
            self.dice.choice(self.steps)(self.dice.choice(self.people))
            self.done += 1
        except (Refused, Invalid):  # of what they may not do they are told
            pass

    @property
    def card(self) -> Card:
        return self.dice.choice(cards_of(self.issue))

    def text(self) -> str:
        return f"第 {self.dice.randrange(6)} 版的 text，{'很' * self.dice.randrange(3)}長。"

    def edit(self, by: Membership) -> None:
        change(self.card, by, **{self.dice.choice(TEXTS): self.text()})

    def rate(self, by: Membership) -> None:
        change(self.card, by, importance=self.dice.choice(list(Importance)).label)

    def list(self, by: Membership) -> None:
        names = self.dice.sample(["OpenAI", "台積電", "vLLM", "NVIDIA"], 2)
        change(self.card, by, entities=names, headline=self.text())

    def move(self, by: Membership) -> None:
        card, section = self.card, self.dice.choice(self.sections)
        others = Card.objects.filter(section=section).exclude(pk=card.pk)
        move(card, by, section, self.dice.choice([None, *others.values_list("pk", flat=True)]))

    def drop(self, by: Membership) -> None:
        make("drop", self.issue, by, self.card)

    def restore(self, by: Membership) -> None:
        make("restore", self.issue, by, self.card)

    def approve(self, by: Membership) -> None:
        make("approve", self.issue, by, self.card)

    def withdraw(self, by: Membership) -> None:
        make("withdraw", self.issue, by, self.card)

    def together(self, by: Membership) -> None:
        cards = cards_of(self.issue)
        for card in cards:
            look(card, by)
        section = self.dice.choice(self.sections)
        approve_section(section_id=section, seen={c.pk: c.hash for c in cards}, by=by)

    def passage(self, by: Membership) -> None:
        rewrite(self.dice.choice(self.passages), by, self.text())

    def insight(self, by: Membership) -> None:
        make(self.dice.choice(["approve_insight", "withdraw_insight"]), self.issue, by)

    def front(self, by: Membership) -> None:
        change_issue(self.issue, by, **{self.dice.choice(FRONT[:3]): self.text()})

    def tags(self, by: Membership) -> None:
        tags = self.dice.sample(["晶片", "open weights", "評測"], self.dice.randrange(3))
        change_issue(self.issue, by, tags=tags)

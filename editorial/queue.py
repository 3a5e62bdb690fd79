"""The read side: what stands where, and what still waits for whom.

Each function takes a constant number of queries, whatever the number of cards or issues.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import itemgetter

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from digest import editions
from digest.models import Card, Delivery, Desk, Draft, Edition, HeldCard, Issue
from editorial.models import Approval

#: The events by which people change the text of a card (`card` set) or of the insight.
_CARD_CHANGES = Q(card__isnull=False, verb__in=("card.edit", "card.repair", "suggestion.take"))
_INSIGHT_CHANGES = Q(card=None, verb="insight.edit") | Q(
    card=None, verb="suggestion.take", field__startswith="insight."
)


@dataclass
class Case:
    """What a decision is about, as it stands now.

    `present` is the hash a decision about it must have seen; `approvals` are the valid ones of
    that hash; `last_change_by` is the user id of who changed it last, for four-eyes desks only.
    """

    issue: Issue
    present: str
    card: Card | None = None
    held: HeldCard | None = None
    approvals: Sequence[Approval] = ()
    last_change_by: int | None = None

    @property
    def is_approved(self) -> bool:
        return bool(self.approvals)


@dataclass
class Readiness:
    """How far an issue is from a signature, counted in cards."""

    approved: int = 0
    dropped: int = 0
    waiting: int = 0
    held: int = 0
    has_insight: bool = False
    insight_approved: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in the way of a signature."""
        return not (self.waiting or self.held or (self.has_insight and not self.insight_approved))


@dataclass
class IssueCase(Case):
    """An issue with a case for each of its cards and for its insight."""

    cards: dict[int, Case] = field(default_factory=dict)
    insight: Case | None = None
    held_cards: Sequence[HeldCard] = ()
    edition_rows: Sequence[Edition] = ()

    @cached_property
    def proof(self) -> editions.Proof:
        """The issue as it would be published now."""
        return editions.proof_of(self.issue)

    @property
    def last_edition(self) -> Edition | None:
        return self.edition_rows[-1] if self.edition_rows else None

    @property
    def is_signed_as_it_stands(self) -> bool:
        """Whether the last edition holds this very issue, its cover included."""
        last = self.last_edition
        return (
            last is not None
            and last.sha256 == self.proof.sha256
            and last.cover_id == self.issue.cover_id
        )

    @property
    def readiness(self) -> Readiness:
        cards = [case.card for case in self.cards.values()]
        approved = sum(c.is_approved and not c.card.dropped for c in self.cards.values())
        dropped = sum(card.dropped for card in cards)
        return Readiness(
            approved=approved,
            dropped=dropped,
            waiting=len(cards) - approved - dropped,
            held=sum(held.is_open for held in self.held_cards),
            has_insight=self.insight is not None,
            insight_approved=self.insight is not None and self.insight.is_approved,
        )


def case_of_card(card: Card, issue: Issue) -> Case:
    """The case of one card."""
    return Case(
        issue=issue,
        card=card,
        present=card.hash,
        approvals=list(
            card.approvals.valid().filter(hash=card.hash).select_related("by").order_by("pk")
        ),
        last_change_by=_last_changes(issue, Q(card=card)).get(card.pk),
    )


def case_of_insight(issue: Issue) -> Case:
    """The case of an issue's insight; its `present` is empty where there is none."""
    approvals = issue.approvals.valid().filter(card=None, hash=issue.insight_hash)
    return Case(
        issue=issue,
        present=issue.insight_hash,
        approvals=list(approvals.select_related("by").order_by("pk")) if issue.insight_hash else (),
        last_change_by=_last_changes(issue, Q(card=None)).get(None),
    )


def _last_changes(issue: Issue, which: Q | None = None) -> dict[int | None, int]:
    """Who changed each card last, and the insight (under None), where a desk asks for four eyes."""
    if not issue.desk.four_eyes:
        return {}
    changes = issue.events.filter(_CARD_CHANGES | _INSIGHT_CHANGES).filter(which or Q())
    return dict(changes.order_by("pk").values_list("card_id", "actor_id"))


def case_of_issue(issue_id: int) -> IssueCase:
    """An issue whole, with the cases of all its cards and of its insight."""
    issue = Issue.objects.whole().get(pk=issue_id)
    approvals = defaultdict(list)
    for approval in issue.approvals.valid().select_related("by").order_by("pk"):
        approvals[approval.card_id, approval.hash].append(approval)
    changed_by = _last_changes(issue)
    cards = {
        card.pk: Case(
            issue=issue,
            card=card,
            present=card.hash,
            approvals=approvals[card.pk, card.hash],
            last_change_by=changed_by.get(card.pk),
        )
        for section in issue.sections.all()
        for card in section.cards.all()
    }
    insight = None
    if issue.insight_hash:
        insight = Case(
            issue=issue,
            present=issue.insight_hash,
            approvals=approvals[None, issue.insight_hash],
            last_change_by=changed_by.get(None),
        )
    return IssueCase(
        issue=issue,
        present="",
        cards=cards,
        insight=insight,
        held_cards=list(issue.held_cards.all()),
        edition_rows=list(
            issue.editions.defer("content", "document")
            .select_related("signed_by")
            .prefetch_related("deliveries")
            .order_by("number")
        ),
    )


def issues_of(desk: Desk) -> QuerySet[Issue]:
    """The desk's issues, newest first, each with its counts:

    `standing`, `approved`, `dropped`, `held` cards, `insight_approved`, whether a delivery of the
    published edition has `failed`, and the number of the last signed edition as `signed`.
    """
    approved = Exists(Approval.objects.of_present_card())
    cards = Card.objects.filter(section__issue=OuterRef("pk")).order_by().values("section__issue")
    held = HeldCard.objects.waiting().filter(issue=OuterRef("pk")).order_by().values("issue")

    # Subqueries, not joins: they are asked for the rows of one page, not for the whole archive.
    def count(rows: QuerySet, condition: Q | None = None) -> Coalesce:
        return Coalesce(Subquery(rows.annotate(n=Count("pk", filter=condition)).values("n")), 0)

    return (
        Issue.objects.of(desk)
        .select_related("desk")
        .defer("machine", "lead", "footer")
        .annotate(
            standing=count(cards, Q(dropped=False)),
            dropped=count(cards, Q(dropped=True)),
            approved=count(cards, Q(approved & Q(dropped=False))),
            held=count(held),
            insight_approved=Exists(
                Approval.objects.valid().filter(
                    issue=OuterRef("pk"), card=None, hash=OuterRef("insight_hash")
                )
            ),
            failed=Exists(
                Delivery.objects.filter(edition=OuterRef("published"), state=Delivery.State.FAILED)
            ),
            published_number=F("published__number"),
            signed=Subquery(
                Edition.objects.filter(issue=OuterRef("pk"))
                .order_by("-number")
                .values("number")[:1]
            ),
        )
    )


def is_out(issue: Issue) -> bool:
    """Whether readers have all that was signed of an issue (one of `issues_of`), everywhere."""
    is_last = issue.signed == issue.published_number
    return issue.published_id is not None and is_last and not issue.due_at and not issue.failed


def drafts_refused(desk: Desk) -> QuerySet[Draft]:
    """The desk's latest drafts that could not be filed, without their payloads."""
    return desk.drafts.filter(state=Draft.State.REFUSED).defer("payload")


def order_of(issue: Issue) -> str:
    """The order of an issue's cards as a text to compare, section by section: `3:1,2;4:5`."""
    places = (
        Card.objects.filter(section__issue=issue)
        .order_by("section__position", "position")
        .values_list("section", "pk")
    )
    return ";".join(
        f"{section}:{','.join(str(pk) for _, pk in cards)}"
        for section, cards in groupby(places, key=itemgetter(0))
    )

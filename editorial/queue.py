"""The read side: what stands where, and what still waits for whom.

Each function takes a constant number of queries, whatever the number of cards or issues. They are
plain ones, put together here, and those that every page asks are compiled once (digest.compiled):
Django takes longer to write a query than the database to answer it. Text is not read here: what a
card says is kept by its hash (editorial.pages), and what an issue says is only needed by a proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from digest import editions
from digest.compiled import compiled
from digest.document import Importance
from digest.models import (
    Card,
    Delivery,
    Desk,
    Draft,
    Edition,
    Event,
    HeldCard,
    Issue,
    Suggestion,
)
from editorial.models import Approval, Comment, Glance, approvers

#: The events by which people change the text of a card (`card` set) or of the insight.
_CARD_CHANGES = Q(card__isnull=False, verb__in=("card.edit", "card.repair", "suggestion.take"))
_INSIGHT_CHANGES = Q(card=None, verb="insight.edit") | Q(
    card=None, verb="suggestion.take", field__startswith="insight."
)


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card as a list shows it: everything but its text.

    `approver` is the name of who approved its present text first; `seen` the hash somebody saw
    last; `comments` and `suggestions` count the open ones. These are None where nobody asked.
    """

    pk: int
    section_id: int
    position: int
    headline: str
    importance: int | None
    hash: str
    machine_hash: str
    dropped: bool
    seen: str | None = None
    comments: int | None = None
    suggestions: int | None = None
    approver: str = ""

    @property
    def state(self) -> str:
        """`dropped`, `approved` or `waiting`."""
        if self.dropped:
            return "dropped"
        return "approved" if self.approver else "waiting"

    @property
    def rating(self) -> str:
        """The importance as its word, or a dash."""
        return Importance(self.importance).label if self.importance else "—"

    @property
    def dots(self) -> str:
        """The importance as a shape, so that it is never told by colour alone."""
        rank = self.importance or 0
        return "●" * rank + "○" * (5 - rank)

    @property
    def is_edited(self) -> bool:
        """Whether people have changed what the machine wrote."""
        return self.hash != self.machine_hash

    @property
    def has_changed_since_seen(self) -> bool:
        """Whether it is another text than the one that was seen last."""
        return bool(self.seen) and self.seen != self.hash

    @property
    def attention(self) -> str:
        """Why somebody should look at it before the issue is signed; empty if nobody has to.

        `waiting` for a decision, or `changed` since it was seen, which a look is enough for.

        An open comment or a later text of the machine is a question, and it waits for its answer
        wherever the card stands: neither approving nor dropping a card answers it, and what a
        colleague says of a dropped one may well be that it should come back. For the rest a
        dropped card is done. The queue counts the same as waiting (filters.STATES), and so does
        the walk from card to card (walking.js).
        """
        if self.comments or self.suggestions or self.state == "waiting":
            return "waiting"
        return "changed" if self.has_changed_since_seen and not self.dropped else ""


@dataclass
class Case:
    """What a decision is about, as it stands now.

    `present` is the hash a decision about it must have seen; `approver` is the name of who
    approved that hash; `last_change_by` is the user id of who changed it last, for four-eyes
    desks only.
    """

    issue: Issue
    present: str
    card: CardRow | None = None
    approver: str = ""
    last_change_by: int | None = None

    @property
    def is_approved(self) -> bool:
        return bool(self.approver)

    @property
    def card_id(self) -> int | None:
        return self.card.pk if self.card else None


@dataclass
class Readiness:
    """How far an issue is from a signature, counted in cards.

    `edited` ones differ from what the machine wrote, `changed` ones from what was seen last.
    """

    approved: int = 0
    dropped: int = 0
    waiting: int = 0
    edited: int = 0
    changed: int = 0
    held: int = 0
    comments: int = 0
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
    comments: int = 0

    @cached_property
    def edition_rows(self) -> Sequence[Edition]:
        """Its signed editions with their deliveries, the first one first."""
        return _editions_of(self.issue.pk)

    @property
    def order(self) -> str:
        """The order of its cards, as `order_of` writes it."""
        return order_as_text((case.card.section_id, pk) for pk, case in self.cards.items())

    @cached_property
    def proof(self) -> editions.Proof:
        """The issue as it would be published now. Reads all of its text."""
        return editions.proof_of(Issue.objects.whole().get(pk=self.issue.pk))

    @property
    def last_edition(self) -> Edition | None:
        return self.edition_rows[-1] if self.edition_rows else None

    @cached_property
    def is_signed_as_it_stands(self) -> bool:
        """Whether the last edition holds this very issue, its cover included."""
        last = self.last_edition
        if last is None or last.cover_id != self.issue.cover_id:
            return False
        # Nothing written since the signature: then there is no need to write the issue out.
        since = self.issue.events.filter(_WRITING | Q(verb="issue.sign")).order_by("-pk")
        if not last.rule and since.values_list("verb", flat=True).first() == "issue.sign":
            return True
        return last.sha256 == self.proof.sha256

    @cached_property
    def changes_since_signature(self) -> int:
        """How many changes of its content are in no signed edition, as far as events tell: the
        order that a draft comes with is told by none."""
        signed = self.issue.events.filter(verb__startswith="issue.sign").order_by("-pk")
        last = signed.values_list("pk", flat=True).first() or 0
        return self.issue.events.filter(_CHANGES, pk__gt=last).count()

    @property
    def readiness(self) -> Readiness:
        rows = [case.card for case in self.cards.values()]
        standing = [row for row in rows if not row.dropped]
        approved = sum(bool(row.approver) for row in standing)
        return Readiness(
            approved=approved,
            dropped=len(rows) - len(standing),
            waiting=len(standing) - approved,
            edited=sum(row.is_edited for row in standing),
            changed=sum(row.has_changed_since_seen for row in standing),
            held=sum(held.is_open for held in self.held_cards),
            comments=self.comments,
            has_insight=self.insight is not None,
            insight_approved=self.insight is not None and self.insight.is_approved,
        )


#: The events that each tell of a change of what a proof of the issue holds.
_CHANGES = Q(
    verb__in=(
        *("card.edit", "card.drop", "card.restore", "card.move", "card.repair"),
        *("draft.add", "draft.change", "suggestion.take"),
        *("insight.edit", "reading.edit", "issue.edit"),
    )
)
#: All after which a proof may hold something else: a draft that lands may only bring another order.
_WRITING = _CHANGES | Q(verb="draft.land")


#: What a row has of the card itself, in the order of its fields.
_COLUMNS = (
    *("pk", "section_id", "position", "headline", "importance"),
    *("hash", "machine_hash", "dropped"),
)


@compiled
def _cards_of(issue) -> QuerySet[Card, tuple]:
    found = Card.objects.filter(section__issue=issue)
    return found.order_by("section__position", "position").values_list(*_COLUMNS)


@compiled
def _card_of(issue, card) -> QuerySet[Card, tuple]:
    return Card.objects.filter(section__issue=issue, pk=card).values_list(*_COLUMNS)


@compiled
def _approvals_in(issue) -> QuerySet[Approval, tuple]:
    return Approval.objects.valid().filter(issue=issue).named()


@compiled
def _approvals_of_card(card, hash_) -> QuerySet[Approval, tuple]:
    return Approval.objects.valid().filter(card=card, hash=hash_).named()


@compiled
def _approvals_of_insight(issue, hash_) -> QuerySet[Approval, tuple]:
    return Approval.objects.valid().filter(issue=issue, card=None, hash=hash_).named()


@compiled
def _remarks_on(issue, user) -> QuerySet[Comment, tuple[str, int | None, str]]:
    """What is open about the cards of an issue, and what somebody saw of them last, each as its
    kind, its card and a hash: in one query, for what takes the time is going there and back."""
    suggestions = Suggestion.objects.filter(issue=issue, state=Suggestion.State.OPEN)
    glances = Glance.objects.filter(card__section__issue=issue, user=user)
    parts = [
        found.order_by().annotate(kind=Value(kind), saw=saw).values_list("kind", "card", "saw")
        for kind, found, saw in (
            ("comment", Comment.objects.open().filter(issue=issue), Value("")),
            ("suggestion", suggestions, Value("")),
            ("glance", glances, F("hash")),
        )
    ]
    return parts[0].union(*parts[1:], all=True)


@compiled
def _editions_of(issue) -> QuerySet[Edition]:
    found = Edition.objects.filter(issue=issue).defer("content", "document")
    found = found.select_related("signed_by")
    return found.prefetch_related("deliveries").order_by("number")


@compiled
def _held_cards(issue) -> QuerySet[HeldCard]:
    return HeldCard.objects.filter(issue=issue)


def _rows_of(
    cards: Iterable[tuple],
    given: Mapping[tuple[int | None, str], str],
    *,
    seen: Mapping[int, str] | None = None,
    comments: Mapping[int, int] | None = None,
    suggestions: Mapping[int, int] | None = None,
) -> list[CardRow]:
    """Rows of cards without their text, from their columns; what is not given is empty."""
    return [
        CardRow(
            *row,
            seen=(seen or {}).get(row[0]),
            comments=None if comments is None else comments.get(row[0], 0),
            suggestions=None if suggestions is None else suggestions.get(row[0], 0),
            approver=given.get((row[0], row[5]), ""),
        )
        for row in cards
    ]


def case_of_card(card_id: int, issue: Issue) -> Case:
    """The case of one card, as a decision about it needs it: what was seen or said is left out.

    Raises `Card.DoesNotExist` if the issue has none with this id.
    """
    found = _rows_of(_card_of(issue.pk, card_id), {})
    if not found:
        raise Card.DoesNotExist
    [row] = found
    row = replace(row, approver=_approver_of(row.pk, row.hash))
    return _case_of(row, issue, _last_changes(issue, Q(card=card_id)).get(card_id))


def case_of_written(card: Card, issue: Issue, *, seen: str | None) -> Case:
    """The same of a card that has just been written, so that it need not be read again; `seen` is
    the hash of it that its writer has seen."""
    columns = [getattr(card, column) for column in _COLUMNS]
    row = CardRow(*columns, seen=seen, approver=_approver_of(card.pk, card.hash))
    return _case_of(row, issue, _last_changes(issue, Q(card=card.pk)).get(card.pk))


def _approver_of(card_id: int, hash_: str) -> str:
    return approvers(_approvals_of_card(card_id, hash_)).get((card_id, hash_), "")


def _case_of(row: CardRow, issue: Issue, changed_by: int | None) -> Case:
    return Case(
        issue=issue,
        card=row,
        present=row.hash,
        approver=row.approver,
        last_change_by=changed_by,
    )


def case_of_insight(issue: Issue) -> Case:
    """The case of an issue's insight; its `present` is empty where there is none."""
    given = approvers(_approvals_of_insight(issue.pk, issue.insight_hash))
    return _case_of_insight(issue, given, _last_changes(issue, Q(card=None)))


def _case_of_insight(
    issue: Issue,
    given: Mapping[tuple[int | None, str], str],
    changed_by: Mapping[int | None, int],
) -> Case:
    return Case(
        issue=issue,
        present=issue.insight_hash,
        approver=given.get((None, issue.insight_hash), ""),
        last_change_by=changed_by.get(None),
    )


def _last_changes(issue: Issue, which: Q | None = None) -> dict[int | None, int]:
    """Who changed each card last, and the insight (under None), where a desk asks for four eyes.

    What was taken back has left the text to whoever wrote it before.
    """
    if not issue.desk.four_eyes:
        return {}
    standing = issue.events.filter(undoes=None, undone_by=None)
    changes = standing.filter(_CARD_CHANGES | _INSIGHT_CHANGES).filter(which or Q())
    return dict(changes.order_by("pk").values_list("card_id", "actor_id"))


def case_of_issue(issue_id: int, *, for_user: int | None = None) -> IssueCase:
    """An issue with the cases of all its cards and of its insight, read anew."""
    return case_of(Issue.objects.select_related("desk").get(pk=issue_id), for_user=for_user)


def case_of(issue: Issue, *, for_user: int | None = None) -> IssueCase:
    """An issue that has just been read, with the cases of all its cards and of its insight.

    `for_user` is the id of the person whose last look the cards are compared with.
    """
    given = approvers(_approvals_in(issue.pk))
    remarks = _remarks_on(issue.pk, for_user)
    said, suggested = (
        Counter(card for kind, card, _saw in remarks if kind == wanted)
        for wanted in ("comment", "suggestion")
    )
    seen = {card: saw for kind, card, saw in remarks if kind == "glance"} if for_user else None
    cards = _cards_of(issue.pk)
    rows = _rows_of(cards, given, seen=seen, comments=said, suggestions=suggested)
    changed_by = _last_changes(issue)
    return IssueCase(
        issue=issue,
        present="",
        cards={row.pk: _case_of(row, issue, changed_by.get(row.pk)) for row in rows},
        insight=_case_of_insight(issue, given, changed_by) if issue.insight_hash else None,
        held_cards=_held_cards(issue.pk),
        comments=said.total(),
    )


def issues_of(desk: Desk) -> QuerySet[Issue]:
    """The desk's issues, newest first, each with its counts:

    `standing`, `approved`, `dropped`, `held` cards, `insight_approved`, whether a delivery has
    `failed` for good or is `failing` and tried again, whether it was once `withdrawn` from readers,
    and the number of the last signed edition as `signed`.
    """
    approved = Exists(Approval.objects.of_present_card())
    cards = Card.objects.filter(section__issue=OuterRef("pk")).order_by().values("section__issue")
    held = HeldCard.objects.waiting().filter(issue=OuterRef("pk")).order_by().values("issue")
    # What a later edition has replaced says so in its state.
    deliveries = Delivery.objects.filter(edition__issue=OuterRef("pk"))

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
            failed=Exists(deliveries.filter(state=Delivery.State.FAILED)),
            failing=Exists(deliveries.failing()),
            withdrawn=Exists(Event.objects.filter(issue=OuterRef("pk"), verb="issue.unpublish")),
            published_number=F("published__number"),
            signed=Subquery(
                Edition.objects.filter(issue=OuterRef("pk"))
                .order_by("-number")
                .values("number")[:1]
            ),
        )
    )


def waits_for_somebody(issue: Issue) -> Edition | None:
    """The last edition, if a chief signed it and nobody has yet asked for it, nor taken it back:
    it was signed after its hour."""
    if issue.due_at or issue.published_id:
        return None
    last = issue.editions.order_by("-number").only("number", "signed_at", "rule").first()
    if last is None or last.rule:
        return None
    taken_back = issue.events.filter(verb="issue.unpublish", after__edition=last.number)
    return None if taken_back.exists() else last


def is_out(issue: Issue) -> bool:
    """Whether readers have all that was signed of an issue (one of `issues_of`), everywhere."""
    is_last = issue.signed == issue.published_number
    is_stuck = issue.failed or issue.failing
    return issue.published_id is not None and is_last and not issue.due_at and not is_stuck


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
    return order_as_text(places)


def order_as_text(places: Iterable[tuple[int, int]]) -> str:
    """Pairs of section and card, in reading order, as `order_of` writes them."""
    return ";".join(
        f"{section}:{','.join(str(pk) for _, pk in cards)}"
        for section, cards in groupby(places, key=itemgetter(0))
    )

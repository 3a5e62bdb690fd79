"""What the queue finds: cards across days, and how many more each filter would show.

The number of queries depends on which filters are set and on nothing else, and none of them reads
more than the newest 500 cards it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
)

from digest.compiled import compiled
from digest.models import Card, CardEntity, Delivery, Desk, Issue, Source, Suggestion, Term
from digest.search import FREQUENT, Search
from editorial.filters import STATES, UNRATED, Filters
from editorial.models import Approval, Comment

MOST = 500
#: An issue stays in work for so many days, even when it is published.
DAYS_IN_WORK = 7
#: Before all moments there are. (“Not NULL” would not lead SQLite to the index.)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Hit(NamedTuple):
    """A card that was found: where it stands, and what there is to say of it."""

    pk: int
    day: date
    section: str
    importance: int | None
    waiting: bool
    approved: bool
    dropped: bool
    commented: bool
    later: bool
    edited: bool


@dataclass(frozen=True)
class Choice:
    """A value of a filter, with how many cards there would be."""

    value: Any
    count: int


@dataclass(frozen=True)
class Found:
    """The newest cards there are, in order, and the choices of each filter by its name."""

    hits: list[Hit]
    is_cut: bool
    choices: dict[str, list[Choice]]


def issues_in_work(desk: Desk) -> list[tuple[int, date]]:
    """The issues people may have to do with, newest first, each as its id and its day: those that
    are not published, those of the last days, those on their way or stuck on it."""
    return _in_work(desk.pk, desk.today() - timedelta(days=DAYS_IN_WORK - 1))


@compiled
def _in_work(desk, since) -> QuerySet[Issue, tuple[int, date]]:
    ours = Issue.objects.filter(desk=desk).values_list("pk", "date").order_by()
    # One for each index: with OR, the whole archive would be asked.
    in_work = ours.filter(published=None).union(
        ours.filter(date__gte=since),
        ours.filter(due_at__gt=_LONG_AGO),
        ours.filter(published__deliveries__state__in=Delivery.UNDONE),
    )
    return in_work.order_by("-date")


def find(desk: Desk, filters: Filters, in_work: Iterable[int]) -> Found:
    """The desk's cards that all filters let through. `in_work`: ids of the issues in work."""
    cards = _Cards(desk, filters, list(in_work))
    # What a filter offers are the cards that all others let through.
    names = [name for name in _CHOICES if _is_set(filters, name)]
    found = {name: cards.rows(leave_out=name) for name in ("", *names)}
    hits = _as_hits(found)
    choices = {name: list(offer(hits.get(name, hits[""]))) for name, offer in _CHOICES.items()}
    return Found(hits[""], len(found[""]) > MOST, choices)


def _as_hits(found: dict[str, list[tuple]]) -> dict[str, list[Hit]]:
    """The rows with what other tables say of their cards, asked once for all of them.

    (Asked along with the rows, PostgreSQL would go through all approvals there are.)
    """
    keys = {row[0] for rows in found.values() for row in rows[:MOST]}
    approvals = Approval.objects.valid().filter(card__in=keys, hash=F("card__hash"))
    approved = set(approvals.order_by().values_list("card", flat=True))
    comments = Comment.objects.open().filter(card__in=keys)
    commented = set(comments.order_by().values_list("card", flat=True))
    suggestions = Suggestion.objects.filter(card__in=keys, state=Suggestion.State.OPEN)
    later = set(suggestions.order_by().values_list("card", flat=True))

    def hit(pk: int, *place: Any, dropped: bool, edited: bool) -> Hit:
        is_approved = pk in approved
        states = (not dropped and not is_approved, not dropped and is_approved, dropped)
        return Hit(pk, *place, *states, pk in commented, pk in later, edited)

    known: dict[int, Hit] = {}
    for rows in found.values():
        known |= {
            row[0]: hit(*row[:4], dropped=row[4], edited=row[5])
            for row in rows[:MOST]
            if row[0] not in known
        }
    return {name: [known[row[0]] for row in rows[:MOST]] for name, rows in found.items()}


def _is_set(filters: Filters, name: str) -> bool:
    if name == "state":
        return filters.present_state != "any"
    return name in filters.narrowing


class _Cards:
    """The cards of a search, with one or the other filter left out."""

    def __init__(self, desk: Desk, filters: Filters, in_work: list[int]) -> None:
        self.filters = filters
        self.base = Card.objects.filter(section__issue__desk=desk)
        if filters.q:
            search = Search.of(filters.q)
            self.base = self.base.containing(search.weighed()) if search else self.base.none()
        self.in_work = Q() if filters.is_archive else Q(section__issue__in=in_work)
        self.lists: dict[str, Q] = {}
        if filters.entity:
            terms = list(
                Term.objects.filter(folded=Term.key_of(filters.entity)).values_list("pk", flat=True)
            )
            self.lists["entity"] = _with(
                CardEntity.objects.filter(tag__in=terms), card="content_object"
            )
        if filters.host:
            self.lists["host"] = _with(Source.objects.filter(host=filters.host), card="card")

    def rows(self, leave_out: str = "") -> list[tuple]:
        """The newest of them, and one more where there are more."""
        asked = self.filters
        found = self.base
        # A day may be any, also one that nobody works on any more.
        if asked.day and leave_out != "day":
            found = found.filter(section__issue__date=asked.day)
        else:
            found = found.filter(self.in_work)
        if asked.section and leave_out != "section":
            found = found.filter(section__title=asked.section)
        if asked.importance is not None and leave_out != "importance":
            found = found.filter(importance=asked.importance or None)
        for name, condition in self.lists.items():
            if leave_out != name:
                found = found.filter(condition)
        if leave_out != "state":
            either = Q()
            for flag in STATES[asked.present_state]:
                either |= _FLAGS[flag]
            found = found.filter(either)
        rows = found.annotate(edited=ExpressionWrapper(_FLAGS["edited"], BooleanField()))
        return list(rows.order_by(*_ORDER).values_list(*_COLUMNS)[: MOST + 1])


def _with(items: QuerySet, *, card: str) -> Q:
    """That a card has one of these items. Where there are few, they lead to the cards; where there
    are many, each card that is come by is asked for them. (SQLite would not know.)"""
    if items.order_by()[:FREQUENT].count() < FREQUENT:
        return Q(pk__in=items.order_by().values(card))
    return Q(Exists(items.filter(**{card: OuterRef("pk")})))


_APPROVED = Q(Exists(Approval.objects.of_present_card()))
#: What can be asked of a card: the same that a Hit tells.
_FLAGS = {
    "waiting": Q(dropped=False) & ~_APPROVED,
    "approved": Q(dropped=False) & _APPROVED,
    "dropped": Q(dropped=True),
    "commented": Q(Exists(Comment.objects.open().filter(card=OuterRef("pk")))),
    "later": Q(Exists(Suggestion.objects.filter(card=OuterRef("pk"), state=Suggestion.State.OPEN))),
    "edited": ~Q(hash=F("machine_hash")),
}
#: The newest day first, and within it as readers have it. Nothing else stands at one place.
_ORDER = ("-section__issue__date", "section__position", "position")
#: What is read of each card.
_COLUMNS = (
    *("pk", "section__issue__date", "section__title", "importance"),
    *("dropped", "edited"),
)


# --- what a filter offers ------------------------------------------------------------------------


def _in_order(values: Iterable[Any]) -> list[Choice]:
    return [Choice(value, count) for value, count in Counter(values).items()]


def _states(hits: list[Hit]) -> Iterable[Choice]:
    alike = Counter(hit[4:] for hit in hits)  # there are few kinds of hits
    place = {flag: n for n, flag in enumerate(Hit._fields[4:])}
    for state, flags in STATES.items():
        places = [place[flag] for flag in flags]
        of_state = (n for told, n in alike.items() if not places or any(told[p] for p in places))
        yield Choice(state, sum(of_state))


def _ratings(hits: list[Hit]) -> Iterable[Choice]:
    counted = _in_order(hit.importance or UNRATED for hit in hits)
    return sorted(counted, key=lambda choice: -choice.value)


def _entities(hits: list[Hit]) -> Iterable[Choice]:
    """The entities, all spellings of one counted as one."""
    items = CardEntity.objects.filter(content_object__in=[hit.pk for hit in hits])
    named = (
        items.order_by()
        .values_list("tag__folded")
        .annotate(Min("tag__name"), Count("content_object", distinct=True))
    )
    return _most_first((name, count) for _folded, name, count in named)


def _hosts(hits: list[Hit]) -> Iterable[Choice]:
    sources = Source.objects.filter(card__in=[hit.pk for hit in hits]).exclude(host="")
    return _most_first(
        sources.order_by().values_list("host").annotate(Count("card", distinct=True))
    )


def _most_first(counted: Iterable[tuple[str, int]]) -> list[Choice]:
    ordered = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
    return [Choice(value, count) for value, count in ordered]


_CHOICES: dict[str, Callable[[list[Hit]], Iterable[Choice]]] = {
    "state": _states,
    "day": lambda hits: _in_order(hit.day for hit in hits),
    "section": lambda hits: _in_order(hit.section for hit in hits),
    "importance": _ratings,
    "entity": _entities,
    "host": _hosts,
}

"""What the queue finds: cards across days, and how many more each filter would show.

The number of queries depends on which filters are set and on nothing else, and none of them reads
more than the newest 500 cards it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from digest.models import Card, CardEntity, Delivery, Desk, Issue, Source, Suggestion, Term
from digest.search import FREQUENT, Search
from editorial.filters import STATES, UNRATED, Filters
from editorial.models import Approval, Comment

MOST = 500
#: An issue stays in work for so many days, even when it is published.
DAYS_IN_WORK = 7


@dataclass(frozen=True)
class Hit:
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

    def is_in(self, state: str) -> bool:
        """Whether it is in one of STATES."""
        flags = STATES[state]
        return not flags or any(getattr(self, flag) for flag in flags)


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
    since = desk.today() - timedelta(days=DAYS_IN_WORK - 1)
    ours = Issue.objects.of(desk).values_list("pk", "date").order_by()
    # One for each index: with OR, the whole archive would be asked.
    in_work = ours.filter(published=None).union(
        ours.filter(date__gte=since),
        ours.filter(due_at__isnull=False),
        ours.filter(published__deliveries__state=Delivery.State.FAILED),
    )
    return list(in_work.order_by("-date"))


def find(desk: Desk, filters: Filters, in_work: Iterable[int]) -> Found:
    """The desk's cards that all filters let through. `in_work`: ids of the issues in work."""
    cards = _Cards(desk, filters, list(in_work))
    hits, is_cut = cards.hits()
    # What a filter offers are the cards that all others let through.
    without = {
        name: cards.hits(leave_out=name)[0] if _is_set(filters, name) else hits
        for name in ("state", "day", "section", "importance", "entity", "host")
    }
    return Found(hits, is_cut, {n: list(_CHOICES[n](h)) for n, h in without.items()})


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

    def hits(self, leave_out: str = "") -> tuple[list[Hit], bool]:
        """The newest of them, and whether there are more."""
        asked = self.filters
        found = self.base.annotate(**_FLAGS)
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
                either |= Q(**{flag: True})
            found = found.filter(either)
        rows = found.order_by(*_ORDER).values_list(*_COLUMNS)[: MOST + 1]
        hits = [Hit(*row) for row in rows]
        return hits[:MOST], len(hits) > MOST


def _with(items: QuerySet, *, card: str) -> Q:
    """That a card has one of these items. Where there are few, they lead to the cards; where there
    are many, each card that is come by is asked for them. (SQLite would not know.)"""
    if items.order_by()[:FREQUENT].count() < FREQUENT:
        return Q(pk__in=items.order_by().values(card))
    return Q(Exists(items.filter(**{card: OuterRef("pk")})))


def _flag(condition: Q | Exists) -> ExpressionWrapper:
    return ExpressionWrapper(condition, BooleanField())


_APPROVED = Q(Exists(Approval.objects.of_present_card()))
#: What is told of a card and no column of it says.
_FLAGS = {
    "waiting": _flag(Q(dropped=False) & ~_APPROVED),
    "approved": _flag(Q(dropped=False) & _APPROVED),
    "commented": Exists(Comment.objects.open().filter(card=OuterRef("pk"))),
    "later": Exists(Suggestion.objects.filter(card=OuterRef("pk"), state=Suggestion.State.OPEN)),
    "edited": _flag(~Q(hash=F("machine_hash"))),
}
#: The newest day first, and within it as readers have it. Nothing else stands at one place.
_ORDER = ("-section__issue__date", "section__position", "position")
#: The columns of a Hit.
_COLUMNS = (
    *("pk", "section__issue__date", "section__title", "importance"),
    *("waiting", "approved", "dropped", "commented", "later", "edited"),
)


# --- what a filter offers ------------------------------------------------------------------------


def _in_order(values: Iterable[Any]) -> list[Choice]:
    return [Choice(value, count) for value, count in Counter(values).items()]


def _counted(values: Iterable[Any]) -> list[Choice]:
    return [Choice(value, count) for value, count in Counter(values).most_common()]


def _states(hits: list[Hit]) -> Iterable[Choice]:
    return (Choice(state, sum(hit.is_in(state) for hit in hits)) for state in STATES)


def _ratings(hits: list[Hit]) -> Iterable[Choice]:
    counted = _counted(hit.importance or UNRATED for hit in hits)
    return sorted(counted, key=lambda choice: -choice.value)


def _entities(hits: list[Hit]) -> Iterable[Choice]:
    """The entities by the spelling most of the cards have, all spellings counted as one."""
    items = CardEntity.objects.filter(content_object__in=[hit.pk for hit in hits])
    named = set(items.values_list("content_object", "tag__folded", "tag__name").order_by())
    spelling = {}
    for (folded, name), _count in Counter((f, n) for _, f, n in sorted(named)).most_common():
        spelling.setdefault(folded, name)
    counted = _counted(folded for _card, folded in sorted({(c, f) for c, f, _ in named}))
    return [replace(choice, value=spelling[choice.value]) for choice in counted]


def _hosts(hits: list[Hit]) -> Iterable[Choice]:
    sources = Source.objects.filter(card__in=[hit.pk for hit in hits]).exclude(host="")
    pairs = sources.values_list("host", "card").distinct().order_by()
    return _counted(host for host, _card in sorted(pairs))


_CHOICES: dict[str, Callable[[list[Hit]], Iterable[Choice]]] = {
    "state": _states,
    "day": lambda hits: _in_order(hit.day for hit in hits),
    "section": lambda hits: _in_order(hit.section for hit in hits),
    "importance": _ratings,
    "entity": _entities,
    "host": _hosts,
}

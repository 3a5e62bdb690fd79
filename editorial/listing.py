"""What the queue shows, as values: its filters with where each choice leads, its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, F, OuterRef, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest.compiled import compiled
from digest.document import Importance
from digest.models import Card, CardEntity, Desk, Event, Source, Term
from digest.search import Search
from editorial.excerpts import Piece, excerpt, marked
from editorial.filters import Filters
from editorial.models import Approval
from editorial.search import Found, Hit

STATE_LABELS: dict[str, Promise] = {
    "waits": _("waiting for somebody"),
    "waiting": _("not judged yet"),
    "comments": _("with open comments"),
    "later": _("with a later version by the machine"),
    "edited": _("edited"),
    "approved": _("approved"),
    "dropped": _("dropped"),
    "any": _("in any state"),
}
#: What each filter is called, and how many of its choices stand there without being asked for.
FACETS: dict[str, tuple[Promise, int]] = {
    "state": (_("State"), 8),
    "day": (_("Day"), 7),
    "section": (_("Section"), 8),
    "importance": (_("Importance"), 6),
    "entity": (_("Entity"), 8),
    "host": (_("Source"), 8),
}
_MOST_CHOICES = 12
_TEXTS = ("summary", "details", "applications", "rest", "importance_note")


def dots_of(importance: int | None) -> str:
    """A rating as a shape."""
    rank = importance or 0
    return "●" * rank + "○" * (5 - rank)


def word_of(importance: int | None) -> str | Promise:
    """A rating as the word the dialect has for it."""
    return Importance(importance).label if importance else _("not rated")


def _label(name: str) -> Callable[[Any], Any]:
    if name == "state":
        return STATE_LABELS.__getitem__
    return word_of if name == "importance" else str


@dataclass(frozen=True)
class Option:
    """A choice of a filter: its name, how many cards there would be, where it leads."""

    label: str | Promise
    shape: str
    count: int
    query: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A filter with its choices; `without` leads to the list without it."""

    name: str
    label: Promise
    options: list[Option]
    more: list[Option]
    value: str
    shown: str | Promise
    is_set: bool
    without: str

    @property
    def is_typed(self) -> bool:
        """Whether any value can be typed, too."""
        return self.name in ("day", "entity", "host")


def facets_of(filters: Filters, found: Found) -> list[Facet]:
    """The filters of the queue with what each of their choices would show."""
    facets = []
    for name, (label, most) in FACETS.items():
        present = filters.present_state if name == "state" else getattr(filters, name)
        options = [
            Option(
                label=_label(name)(choice.value),
                shape=dots_of(choice.value) if name == "importance" else "",
                count=choice.count,
                query=filters.with_(**{name: choice.value}).query,
                is_chosen=_is_same(name, choice.value, present),
            )
            for choice in found.choices[name][:_MOST_CHOICES]
        ]
        if name == "state":
            options = [option for option in options if option.count or option.is_chosen]
        facets.append(
            Facet(
                name=name,
                label=label,
                options=options[:most],
                more=options[most:],
                value="" if present is None or name == "state" else str(present),
                shown=_label(name)(present) if present not in ("", None) else "",
                is_set=name in filters.narrowing,
                without=without(filters, name),
            )
        )
    return facets


def _is_same(name: str, value: Any, present: Any) -> bool:
    if name == "entity":
        return bool(present) and Term.key_of(value) == Term.key_of(present)
    return value == present


def without(filters: Filters, name: str) -> str:
    """The address's query without one of the filters."""
    empty = {"state": filters.usual_state, "day": None, "importance": None}
    return filters.with_(**{name: empty.get(name, "")}).query


@dataclass(frozen=True)
class Row:
    """A card of the list; `place` is the address of its issue. Its headline comes in pieces, as
    does where a text was found in it."""

    hit: Hit
    place: str
    headline: list[Piece]
    excerpt: list[Piece]
    approved_by: AbstractBaseUser | None

    @property
    def rating_word(self) -> str | Promise:
        return word_of(self.hit.importance)

    @property
    def rating_dots(self) -> str:
        return dots_of(self.hit.importance)


def rows_of(desk: Desk, hits: Sequence[Hit], filters: Filters) -> list[Row]:
    """The rows of a page, in a constant number of queries."""
    keys = [hit.pk for hit in hits]
    search = Search.of(filters.q) if filters.q else None
    parts = search.parts if search else ()
    cards = Card.objects.only("headline", *(_TEXTS if parts else ())).in_bulk(keys)
    texts = _texts_of(cards) if parts else {}
    approvals = Approval.objects.valid().filter(card__in=keys, hash=F("card__hash"))
    approved_by = {a.card_id: a.by for a in approvals.select_related("by").order_by("-pk")}
    places = {day: reverse("issue", args=[desk.slug, day]) for day in {hit.day for hit in hits}}
    return [
        Row(
            hit=hit,
            place=places[hit.day],
            headline=marked(cards[hit.pk].headline, parts),
            excerpt=excerpt(texts[hit.pk], parts) if parts else [],
            approved_by=approved_by.get(hit.pk),
        )
        for hit in hits
        if hit.pk in cards
    ]


def _texts_of(cards: Mapping[int, Card]) -> dict[int, list[str]]:
    """Where a text can be found besides the headline, by card."""
    texts = {pk: [getattr(card, column) for column in _TEXTS] for pk, card in cards.items()}
    entities = CardEntity.objects.filter(content_object__in=cards)
    for pk, name in entities.values_list("content_object", "tag__name"):
        texts[pk].append(name)
    sources = Source.objects.filter(card__in=cards)
    for pk, title, host in sources.values_list("card", "title", "host"):
        texts[pk].append(f"{title} {host}")
    return texts


def new_cards(desk: Desk, since: int) -> int:
    """How many cards machines have brought to a desk after an event."""
    earlier = Event.objects.filter(issue=OuterRef("issue"), verb="draft.land", pk__lte=since)
    news = desk.events.filter(pk__gt=since, issue__isnull=False).alias(was_here=Exists(earlier))
    arrived = news.filter(verb="draft.land", was_here=False).values("issue")
    cards = Card.objects.filter(section__issue__in=arrived)
    return cards.count() + news.filter(verb="draft.add", was_here=True).count()


def last_event_of(desk: Desk) -> int:
    """The desk's last event: what a page of the queue has seen."""
    return _last_event.first(desk.pk) or 0


@compiled
def _last_event(desk) -> QuerySet[Event, int]:
    return Event.objects.filter(desk=desk).order_by("-pk").values_list("pk", flat=True)[:1]

"""What the issue page shows, as values: rows with their rendering and where things stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from digest import rendering, rows
from digest.document import Document
from digest.markup import to_html, warnings
from digest.models import Card, Delivery, Edition, Issue, Section
from editorial import queue
from editorial.models import Membership
from editorial.queue import Case, IssueCase


@dataclass(frozen=True)
class CardOnDesk:
    """A card of the issue page: its row, its case, its rendering."""

    row: Card
    case: Case
    view: rendering.CardView
    changed: bool
    suggestions: int
    is_first: bool
    is_last: bool

    @property
    def state(self) -> str:
        """`dropped`, `approved` or `waiting`."""
        if self.row.dropped:
            return "dropped"
        return "approved" if self.case.is_approved else "waiting"


@dataclass(frozen=True)
class SectionOnDesk:
    """A section of the issue page."""

    row: Section
    cards: list[CardOnDesk]
    passages: list[rendering.PassageView]

    @property
    def standing(self) -> int:
        """How many of its cards nobody has dropped."""
        return sum(not card.row.dropped for card in self.cards)


@dataclass(frozen=True)
class IssueOnDesk:
    """The issue page's content."""

    sections: list[SectionOnDesk]
    order: str

    @property
    def next_waiting(self) -> CardOnDesk | None:
        """The first card nobody has judged."""
        return next(
            (card for s in self.sections for card in s.cards if card.state == "waiting"), None
        )


def issue_page(case: IssueCase, by: Membership) -> IssueOnDesk:
    """The issue page's content, from an issue that is already loaded whole."""
    open_suggestions: dict[int | None, int] = {}
    for card_id in case.issue.suggestions.filter(state="open").values_list("card", flat=True):
        open_suggestions[card_id] = open_suggestions.get(card_id, 0) + 1
    sections = []
    first, last = _ends(case.issue)
    for row in case.issue.sections.all():
        cards = []
        for card in row.cards.all():
            value = rows.card_value(card)
            cards.append(
                CardOnDesk(
                    row=card,
                    case=case.cards[card.pk],
                    view=rendering.view_of_card(value),
                    changed=value.model_dump(mode="json") != card.machine,
                    suggestions=open_suggestions.get(card.pk, 0),
                    is_first=card.pk == first,
                    is_last=card.pk == last,
                )
            )
        passages = [rendering.PassageView(p.title, to_html(p.body)) for p in row.passages.all()]
        sections.append(SectionOnDesk(row, cards, passages))
    return IssueOnDesk(sections, queue.order_of(case.issue))


def _ends(issue: Issue) -> tuple[int | None, int | None]:
    """The ids of the cards that cannot go further up or down."""
    homes = [row for row in issue.sections.all() if row.kind == Section.Kind.CARDS]
    if not homes:
        return None, None
    top, bottom = (
        [card.pk for card in home.cards.all() if not card.dropped] for home in (homes[0], homes[-1])
    )
    return (top[0] if top else None), (bottom[-1] if bottom else None)


@dataclass(frozen=True)
class Publication:
    """Where an issue's way to its readers stands."""

    edition: Edition | None
    is_current: bool
    due_at: datetime | None
    is_missed: bool
    published: Edition | None
    published_at: datetime | None
    deliveries: list[Delivery]

    @property
    def is_out(self) -> bool:
        """Whether readers have the last edition."""
        return self.edition is not None and self.published == self.edition

    @property
    def is_going_out(self) -> bool:
        """Whether its hour has come and no worker has taken it yet."""
        return bool(self.due_at) and self.due_at <= timezone.now() and not self.is_missed

    @property
    def mark(self) -> str:
        """A short text that differs where what is shown differs."""
        deliveries = ",".join(f"{d.pk}{d.state}{d.attempts}" for d in self.deliveries)
        editions = f"{self.edition and self.edition.pk}-{self.published and self.published.pk}"
        return f"{editions}-{self.is_current}-{self.due_at}-{self.is_going_out}-{deliveries}"

    @property
    def is_moving(self) -> bool:
        """Whether the page should look again soon."""
        return self.is_going_out or any(
            d.state in (Delivery.State.WAITING, Delivery.State.RUNNING) for d in self.deliveries
        )


def publication_of(case: IssueCase) -> Publication:
    """Where an issue's publication stands."""
    issue, last = case.issue, case.last_edition
    published = next((e for e in case.edition_rows if e.pk == issue.published_id), None)
    due = issue.due_at
    return Publication(
        edition=last,
        is_current=case.is_signed_as_it_stands,
        due_at=due,
        is_missed=issue.is_missed,
        published=published,
        published_at=issue.published_at,
        deliveries=list(published.deliveries.all()) if published else [],
    )


def warnings_of(whole: Document) -> list[tuple[str, str]]:
    """What readers' Hugo would show otherwise than the desk: (where, sentence) pairs."""
    places = [("", whole.lead), ("", whole.footer)]
    for section in whole.sections:
        places.append((section.title, section.lead))
        for card in section.cards:
            places += [
                (card.headline, text)
                for text in (card.summary, card.details, card.applications, card.rest)
            ]
        places += [(p.title or section.title, p.body) for p in section.passages]
    return [(where, sentence) for where, text in places for sentence in warnings(text)]

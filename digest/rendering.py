"""A document as readers see it: values with clean HTML in the place of Markdown. No rows here."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from digest import document
from digest.markup import to_html


@dataclass(frozen=True)
class CardView:
    """A card with its Markdown as HTML."""

    headline: str
    summary: SafeString
    details: SafeString
    applications: SafeString
    rest: SafeString
    applications_label: str
    entities: tuple[str, ...]
    importance: document.Importance | None
    importance_note: str
    sources: tuple[document.Source, ...]

    @property
    def rating_dots(self) -> str:
        """The rating as a shape, so that it is never told by colour alone."""
        rank = int(self.importance or 0)
        return "●" * rank + "○" * (5 - rank)


@dataclass(frozen=True)
class PassageView:
    """A passage with its Markdown as HTML."""

    title: str
    body: SafeString


@dataclass(frozen=True)
class SectionView:
    """A section with what stands in it. `anchor` is its id on the page."""

    anchor: str
    kind: str
    title: str
    lead: SafeString
    cards: tuple[CardView, ...]
    passages: tuple[PassageView, ...]


@dataclass(frozen=True)
class IssueView:
    """A whole issue for a page."""

    title: str
    date: str
    description: str
    summary: str
    correction: str
    tags: tuple[str, ...]
    lead: SafeString
    sections: tuple[SectionView, ...]
    footer: SafeString


def view_of_card(card: document.Card) -> CardView:
    """A card for a page."""
    return CardView(
        headline=card.headline,
        summary=to_html(card.summary),
        details=to_html(card.details),
        applications=to_html(card.applications),
        rest=to_html(card.rest),
        applications_label=card.labels.get("applications", ""),
        entities=card.entities,
        importance=card.importance,
        importance_note=card.importance_note,
        sources=card.sources,
    )


def view_of(issue: document.Document) -> IssueView:
    """An issue for a page."""
    return IssueView(
        title=issue.title,
        date=issue.date,
        description=issue.front_matter.text("description"),
        summary=issue.front_matter.text("summary"),
        correction=issue.front_matter.text("correction"),
        tags=issue.front_matter.tags,
        lead=to_html(issue.lead),
        sections=tuple(
            SectionView(
                anchor=f"s{n}",
                kind=section.kind,
                title=section.title,
                lead=to_html(section.lead),
                cards=tuple(view_of_card(card) for card in section.cards),
                passages=tuple(PassageView(p.title, to_html(p.body)) for p in section.passages),
            )
            for n, section in enumerate(issue.sections, 1)
        ),
        footer=to_html(issue.footer),
    )

"""Values into rows, rows into values.

The one place that knows which column holds which part of a `digest.document.Document`. Reading
never queries beyond what `Issue.objects.whole()` and `Card.objects.whole()` prefetched; writing
takes a constant number of statements however many cards there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from digest import document, hugo
from digest.compiled import compiled
from digest.folding import fold, words_of
from digest.models import (
    Card,
    CardEntity,
    Issue,
    IssueTag,
    Passage,
    Section,
    Source,
    Term,
    sha256,
)

#: The fields of a card that one edit, one suggestion or one event is about.
EDITABLE = (
    "headline",
    "summary",
    "details",
    "applications",
    "entities",
    "importance",
    "importance_note",
    "sources",
    "rest",
)
_TEXT_COLUMNS = ("headline", "summary", "details", "applications", "importance_note", "rest")
# Far above any position there is: where rows wait while others take their places.
_PARKING = 1_000_000


# --- reading -------------------------------------------------------------------------------------


def card_value(row: Card) -> document.Card:
    """The value of a card row (load it with `Card.objects.whole()`)."""
    names = (item.tag.name for item in row.entity_items.all())
    return _card_value(row, names, ((s.title, s.url) for s in row.sources.all()))


def read_card(pk: int) -> tuple[Card, document.Card]:
    """A single card row and its value. (Three plain queries: what is loaded along with many rows
    takes Django several times as long for one.)

    Raises `Card.DoesNotExist`.
    """
    row = _card.first(pk)
    if row is None:
        raise Card.DoesNotExist
    return row, _card_value(row, _entities(pk), _sources(pk))


@compiled
def _card(pk) -> QuerySet[Card]:
    return Card.objects.filter(pk=pk)


@compiled
def _entities(card) -> QuerySet[CardEntity, str]:
    found = CardEntity.objects.filter(content_object=card).order_by("position")
    return found.values_list("tag__name", flat=True)


@compiled
def _sources(card) -> QuerySet[Source, tuple[str, str]]:
    return Source.objects.filter(card=card).order_by("position").values_list("title", "url")


def _card_value(
    row: Card, names: Iterable[str], sources: Iterable[tuple[str, str]]
) -> document.Card:
    return document.Card(
        **{column: getattr(row, column) for column in _TEXT_COLUMNS},
        entities=tuple(names),
        importance=row.importance,
        sources=tuple(document.Source(title=title, url=url) for title, url in sources),
        labels=row.labels,
        layout=tuple(row.layout),
    )


def section_value(row: Section) -> document.Section:
    """The value of a section row with its standing cards and its passages."""
    return document.Section(
        kind=row.kind,
        title=row.title,
        lead=row.lead,
        cards=tuple(card_value(card) for card in row.cards.all() if not card.dropped),
        passages=tuple(document.Passage(title=p.title, body=p.body) for p in row.passages.all()),
    )


def front_matter_value(issue: Issue) -> document.FrontMatter:
    """The front matter with the issue's present tags in the place of those it came with (load the
    issue with its `tag_items__tag`)."""
    return _front_matter_value(issue, (item.tag.name for item in issue.tag_items.all()))


def read_front_matter(issue: Issue) -> document.FrontMatter:
    """The same of an issue that was loaded without its tags."""
    return _front_matter_value(issue, _tags(issue.pk))


@compiled
def _tags(issue) -> QuerySet[IssueTag, str]:
    found = IssueTag.objects.filter(content_object=issue).order_by("position")
    return found.values_list("tag__name", flat=True)


def _front_matter_value(issue: Issue, names: Iterable[str]) -> document.FrontMatter:
    front_matter, tags = document.FrontMatter(**issue.front_matter), tuple(names)
    if tags == front_matter.tags:
        return front_matter
    return front_matter.model_copy(update={"values": front_matter.values | {"tags": [*tags]}})


def document_of(issue: Issue) -> document.Document:
    """The document an issue's rows stand for (load the issue with `Issue.objects.whole()`).

    Dropped cards are left out, and with them a section that people have emptied.
    """
    return document.Document(
        front_matter=front_matter_value(issue),
        lead=issue.lead,
        sections=tuple(
            section_value(row)
            for row in issue.sections.all()
            if row.kind != Section.Kind.CARDS
            or row.lead
            or row.came_empty
            or any(not card.dropped for card in row.cards.all())
        ),
        footer=issue.footer,
    )


def insight_hash(issue: Issue) -> str:
    """The hash an approval of the insight names; empty where there is no insight. A draft may have
    put it under several headings: it is approved as a whole."""
    insights = [row for row in issue.sections.all() if row.kind == Section.Kind.INSIGHT]
    texts = [hugo.write_section_passages(section_value(row)) for row in insights]
    return sha256("\n".join(texts).encode()) if texts else ""


# --- writing -------------------------------------------------------------------------------------


def card_hash(value: document.Card) -> str:
    """The hash that names a card's text: that of its canonical Markdown."""
    return sha256(hugo.write_card(value).encode())


def card_columns(value: document.Card) -> dict[str, Any]:
    """What the columns of a card row become for a value, its hash and search keys among them."""
    folded = fold(
        "\n".join(
            [
                *(getattr(value, column) for column in _TEXT_COLUMNS),
                *value.entities,
                *(f"{source.title} {source.host}" for source in value.sources),
            ]
        )
    )
    return {column: getattr(value, column) for column in _TEXT_COLUMNS} | {
        "importance": value.importance,
        "labels": dict(value.labels),
        "layout": list(value.layout),
        "hash": card_hash(value),
        "folded": folded,
        "words": words_of(folded),
    }


def is_empty(value: document.Section) -> bool:
    """Whether a section of a draft is no more than its heading."""
    return not (value.lead or value.cards or value.passages)


def new_section(issue: Issue, position: int, value: document.Section) -> Section:
    """The row, not saved yet, of a section of a draft, without its cards and passages."""
    return Section(
        issue=issue,
        position=position,
        kind=value.kind,
        title=value.title,
        lead=value.lead,
        came_empty=is_empty(value),
    )


def add_cards(
    cards: Iterable[tuple[Section, int, document.Card]], *, by_machine: bool
) -> list[Card]:
    """Store new cards at (section, position). A machine's value is kept as its baseline, too."""
    placed = list(cards)
    rows = Card.objects.bulk_create(
        _new_card(section, position, value, by_machine) for section, position, value in placed
    )
    _add_lists(zip(rows, (value for _, _, value in placed), strict=True))
    return rows


def _new_card(section: Section, position: int, value: document.Card, by_machine: bool) -> Card:
    card = Card(section=section, position=position, **card_columns(value))
    if by_machine:
        card.machine, card.machine_hash = value.model_dump(mode="json"), card.hash
    return card


def change_card(
    row: Card, value: document.Card, *, before: document.Card, also: Iterable[str] = ()
) -> None:
    """Make a card row, which stands for the value `before`, stand for another one.

    `also` names further columns of the row that are to be saved.
    """
    columns = card_columns(value)
    different = [name for name, content in columns.items() if content != getattr(row, name)]
    for name in different:
        setattr(row, name, columns[name])
    if update := [*different, *also]:
        row.save(update_fields=update)
    if before.sources != value.sources:
        row.sources.all().delete()
    if before.entities != value.entities:
        row.entity_items.all().delete()
    _add_lists(
        [(row, value)],
        sources=before.sources != value.sources,
        entities=before.entities != value.entities,
    )
    # What was prefetched is of yesterday.
    row._prefetched_objects_cache = {}


def _add_lists(
    cards: Iterable[tuple[Card, document.Card]], *, sources: bool = True, entities: bool = True
) -> None:
    cards = list(cards)
    if sources:
        Source.objects.bulk_create(
            Source(card=row, position=n, title=s.title, url=s.url, host=s.host[:255])
            for row, value in cards
            for n, s in enumerate(value.sources, 1)
        )
    if entities:
        known = terms(name for _, value in cards for name in value.entities)
        CardEntity.objects.bulk_create(
            CardEntity(content_object=row, tag=known[name], position=n)
            for row, value in cards
            for n, name in enumerate(value.entities, 1)
        )


def set_tags(issue: Issue, tags: Sequence[str]) -> None:
    """Give an issue these tags in this order."""
    known = terms(tags)
    issue.tag_items.all().delete()
    IssueTag.objects.bulk_create(
        IssueTag(content_object=issue, tag=known[name], position=n)
        for n, name in enumerate(tags, 1)
    )


def terms(names: Iterable[str]) -> dict[str, Term]:
    """The terms of these spellings, made where there are none yet."""
    wanted = set(names)
    known = Term.objects.in_bulk(wanted, field_name="name")
    if missing := sorted(wanted - known.keys()):
        # Two desks may meet a new name in the same moment; the second finds the first's row.
        Term.objects.bulk_create(
            (Term(name=n, slug=Term().slugify(n), folded=Term.key_of(n)) for n in missing),
            ignore_conflicts=True,
        )
        known |= Term.objects.in_bulk(missing, field_name="name")
    return known


def add_passages(section: Section, passages: Sequence[document.Passage]) -> None:
    """Store a machine's passages of a new section."""
    Passage.objects.bulk_create(_passage_row(section, n, p) for n, p in enumerate(passages, 1))


def _passage_row(section: Section, position: int, value: document.Passage) -> Passage:
    return Passage(
        section=section,
        position=position,
        title=value.title,
        body=value.body,
        machine=value.model_dump(mode="json"),
    )


def place_passages(section: Section, order: Sequence[Passage | document.Passage]) -> list[Passage]:
    """Give the passages of a section their places 1..n and store the new ones among them, which
    are a machine's; answers with the rows of those. `order` must name all of the section's rows."""
    moved = []
    for position, passage in enumerate(order, 1):
        if isinstance(passage, Passage) and passage.position != position:
            passage.position = position
            moved.append(passage)
    _step_aside(Passage, moved)
    Passage.objects.bulk_update(moved, ["position"])
    return Passage.objects.bulk_create(
        _passage_row(section, position, passage)
        for position, passage in enumerate(order, 1)
        if not isinstance(passage, Passage)
    )


def place_cards(order: Iterable[tuple[Section, Sequence[Card]]]) -> None:
    """Give the cards of each named section their places 1..n, moving them there if need be.

    `order` must name every card of every section that loses or gains one.
    """
    rows, columns = [], ["position"]
    for section, cards in order:
        for position, card in enumerate(cards, 1):
            if card.section_id != section.pk:
                columns = ["section", "position"]
            if (card.section_id, card.position) != (section.pk, position):
                card.section, card.position = section, position
                rows.append(card)
    _place(Card, rows, columns)


def place_sections(sections: Sequence[Section]) -> None:
    """Give the sections of one issue their places 1..n."""
    moved = []
    for position, section in enumerate(sections, 1):
        if section.position != position:
            section.position = position
            moved.append(section)
    _place(Section, moved, ["position"])


def _place(model: type[Card] | type[Section], rows: Sequence, columns: list[str]) -> None:
    if not rows:
        return
    if not connection.features.supports_deferrable_unique_constraints:
        _step_aside(model, rows)
    model.objects.bulk_update(rows, columns)


def _step_aside(model: type[Card] | type[Section] | type[Passage], rows: Sequence) -> None:
    """Clear the places of rows that are about to move: a unique index that cannot be deferred is
    checked after each row, not after the statement."""
    model.objects.filter(pk__in=[row.pk for row in rows]).update(position=F("position") + _PARKING)

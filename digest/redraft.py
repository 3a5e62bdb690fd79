"""A later run of the machine for a day that is on the desk already.

What people have not touched takes the new text; beside what they have touched the new text waits
as a `Suggestion`. A field is touched when it differs from what the machine last wrote for it.
"""

from __future__ import annotations

from typing import Any

from digest import document, rows
from digest.folding import fold
from digest.models import Card, Draft, Event, Issue, Passage, Section, Suggestion

_FIELDS = (*rows.EDITABLE, "labels", "layout")


def baseline_of(whole: document.Document) -> dict[str, Any]:
    """What the machine wrote for an issue's own fields."""
    return {
        "front_matter": whole.front_matter.model_dump(mode="json"),
        "lead": whole.lead,
        "footer": whole.footer,
    }


def merge(issue: Issue, whole: document.Document, *, draft: Draft) -> None:
    """Merge a new draft into an issue. Call it inside a transaction that holds the desk's lock."""
    issue = Issue.objects.whole().get(pk=issue.pk)
    _merge_issue(issue, whole, draft)
    sections = _merge_sections(issue, whole)
    cards = _merge_cards(issue, whole, sections, draft)
    if not _order_touched(issue):
        _arrange(issue, whole, sections, cards)
    for value in whole.sections:
        _merge_passages(issue, sections[value.kind, value.title], value, draft)
    fresh = Issue.objects.whole().get(pk=issue.pk)
    issue.insight_hash = rows.insight_hash(fresh)
    if draft.cover:
        issue.cover = draft.cover
    issue.save()


def _order_touched(issue: Issue) -> bool:
    return issue.events.filter(verb="card.move").exists()


def _change(
    draft: Draft,
    issue: Issue,
    *,
    field: str,
    before: Any,
    after: Any,
    card: Card | None = None,
    verb: str = "draft.change",
) -> None:
    Event.objects.create(
        desk_id=issue.desk_id,
        issue=issue,
        card=card,
        actor_id=draft.received_by_id,
        verb=verb,
        field=field,
        before=before,
        after=after,
    )


def _suggest(
    draft: Draft,
    issue: Issue,
    *,
    field: str,
    value: Any,
    card: Card | None = None,
    passage: Passage | None = None,
) -> None:
    """Put a machine's later text beside a person's; only its latest stays open."""
    issue.suggestions.filter(
        card=card, passage=passage, field=field, state=Suggestion.State.OPEN
    ).delete()
    Suggestion.objects.create(
        issue=issue, draft=draft, card=card, passage=passage, field=field, value=value
    )


def _merge_issue(issue: Issue, whole: document.Document, draft: Draft) -> None:
    new = baseline_of(whole)
    present = {
        "front_matter": rows.front_matter_value(issue).model_dump(mode="json"),
        "lead": issue.lead,
        "footer": issue.footer,
    }
    for field, value in new.items():
        if value == present[field]:
            continue
        if present[field] == issue.machine.get(field):
            setattr(issue, field, value)
            if field == "front_matter":
                rows.set_tags(issue, whole.front_matter.tags)
            _change(draft, issue, field=field, before=present[field], after=value)
        elif value != issue.machine.get(field):
            _suggest(draft, issue, field=field, value=value)
    issue.machine = new


def _merge_sections(issue: Issue, whole: document.Document) -> dict[tuple[str, str], Section]:
    """The section rows by kind and title, those of the new draft made where they are missing.

    There is one insight and one reading list whatever they are called, so those two match by kind.
    """
    sections = {(row.kind, row.title): row for row in issue.sections.all()}
    single = {row.kind: row for row in issue.sections.all() if row.kind != Section.Kind.CARDS}
    last = max((row.position for row in issue.sections.all()), default=0)
    for value in whole.sections:
        row = sections.get((value.kind, value.title)) or single.get(value.kind)
        if row is None:
            last += 1
            row = Section.objects.create(
                issue=issue, position=last, kind=value.kind, title=value.title, lead=value.lead
            )
        elif (row.title, row.lead) != (value.title, value.lead):
            row.title, row.lead = value.title, value.lead
            row.save(update_fields=["title", "lead"])
        sections[value.kind, value.title] = row
    return sections


# --- cards ---------------------------------------------------------------------------------------


def _pair_up(old: list[Card], new: list[document.Card]) -> dict[int, Card]:
    """Which row each new card (by its index) is a later version of.

    By headline first, in order, so that two cards with one headline stay two; then by shared links.
    """
    free = {row.pk: row for row in old if row.machine}
    pairs: dict[int, Card] = {}
    by_headline: dict[str, list[Card]] = {}
    for row in free.values():
        by_headline.setdefault(fold(row.machine["headline"]), []).append(row)
    for n, value in enumerate(new):
        if rows_left := by_headline.get(fold(value.headline)):
            pairs[n] = free.pop(rows_left.pop(0).pk)
    by_link: dict[str, list[Card]] = {}
    for row in free.values():
        for source in row.machine["sources"]:
            by_link.setdefault(source["url"], []).append(row)
    for n, value in enumerate(new):
        if n in pairs:
            continue
        shared: dict[int, int] = {}
        for url in {source.url for source in value.sources}:
            for row in by_link.get(url, ()):
                if row.pk in free:
                    shared[row.pk] = shared.get(row.pk, 0) + 1
        if shared:
            pairs[n] = free.pop(max(shared, key=lambda pk: shared[pk]))
    return pairs


def _merge_cards(
    issue: Issue,
    whole: document.Document,
    sections: dict[tuple[str, str], Section],
    draft: Draft,
) -> list[Card]:
    """Merge the cards; answers with the row of each new card, in the order of the draft."""
    present = [card for row in issue.sections.all() for card in row.cards.all()]
    pairs = _pair_up(present, list(whole.cards))
    known = {row.pk for row in pairs.values()}
    for row in present:
        if row.pk not in known:
            _leave_out(row, issue, draft)
    ends = {row.pk: 0 for row in sections.values()}
    for row in present:
        ends[row.section_id] = max(ends.get(row.section_id, 0), row.position)
    merged: list[Card] = []
    added: list[tuple[int, tuple[Section, int, document.Card]]] = []
    n = 0
    for section in whole.sections:
        row = sections[section.kind, section.title]
        for value in section.cards:
            if n in pairs:
                _merge_card(pairs[n], value, issue, draft)
                merged.append(pairs[n])
            else:
                ends[row.pk] += 1
                added.append((n, (row, ends[row.pk], value)))
                merged.append(None)  # filled in below, once the rows exist
            n += 1
    created = rows.add_cards((place for _, place in added), by_machine=True)
    for (index, _), card in zip(added, created, strict=True):
        merged[index] = card
        _change(
            draft, issue, field="", before=None, after=card.machine, card=card, verb="draft.add"
        )
    return merged


def _merge_card(row: Card, value: document.Card, issue: Issue, draft: Draft) -> None:
    new = value.model_dump(mode="json")
    present = rows.card_value(row).model_dump(mode="json")
    taken: dict[str, Any] = {}
    for field in _FIELDS:
        if new[field] == present[field]:
            continue
        if present[field] == row.machine.get(field):
            taken[field] = new[field]
        elif new[field] != row.machine.get(field):
            _suggest(draft, issue, field=field, value=new[field], card=row)
    if row.machine == new and not taken:
        return
    row.machine = new
    for field, after in taken.items():
        _change(draft, issue, field=field, before=present[field], after=after, card=row)
    rows.change_card(row, document.Card.model_validate(present | taken))


def _leave_out(row: Card, issue: Issue, draft: Draft) -> None:
    """The new draft no longer has this card: the machine may drop only what nobody touched."""
    if row.dropped or not row.machine:
        return
    if row.events.exclude(actor_id=draft.received_by_id).exists():
        _suggest(draft, issue, field="dropped", value=True, card=row)
        return
    row.dropped = True
    row.save(update_fields=["dropped"])
    _change(draft, issue, field="dropped", before=False, after=True, card=row, verb="card.drop")


def _arrange(
    issue: Issue,
    whole: document.Document,
    sections: dict[tuple[str, str], Section],
    cards: list[Card],
) -> None:
    """Nobody has moved anything: take the draft's order, what it no longer has goes last."""
    kept = [sections[value.kind, value.title] for value in whole.sections]
    kept_ids = {row.pk for row in kept}
    order: dict[int, list[Card]] = {row.pk: [] for row in kept}
    remaining = iter(cards)
    for row, value in zip(kept, whole.sections, strict=True):
        order[row.pk] += [next(remaining) for _ in value.cards]
    placed = {card.pk for card in cards}
    rest: list[Section] = [row for row in issue.sections.all() if row.pk not in kept_ids]
    for row in issue.sections.all():
        order.setdefault(row.pk, [])
        order[row.pk] += [card for card in row.cards.all() if card.pk not in placed]
    by_pk = {row.pk: row for row in (*kept, *rest)}
    rows.place_cards((by_pk[pk], order[pk]) for pk in order)
    for row in rest:
        if not order[row.pk] and row.kind == Section.Kind.CARDS:
            row.delete()
    rows.place_sections([row for row in (*kept, *rest) if row.pk])


# --- passages ------------------------------------------------------------------------------------


def _merge_passages(issue: Issue, section: Section, value: document.Section, draft: Draft) -> None:
    present = list(section.passages.all())
    touched = [p for p in present if {"title": p.title, "body": p.body} != p.machine]
    if not touched:
        if [p.machine for p in present] == [v.model_dump(mode="json") for v in value.passages]:
            return
        _change(
            draft,
            issue,
            field=f"{section.kind}.passages",
            before=[p.machine for p in present],
            after=[v.model_dump(mode="json") for v in value.passages],
        )
        issue.suggestions.filter(passage__in=present).delete()
        section.passages.all().delete()
        rows.add_passages(section, value.passages)
        return
    by_title = {p.machine.get("title", p.title): p for p in present}
    new_ones = []
    for new in value.passages:
        row = by_title.get(new.title)
        if row is None:
            new_ones.append(new)
        elif new.body != row.machine.get("body"):
            if row.body == row.machine.get("body"):
                _change(draft, issue, field=f"passage.{row.pk}", before=row.body, after=new.body)
                row.body = new.body
            else:
                _suggest(draft, issue, field="body", value=new.body, passage=row)
            row.machine = new.model_dump(mode="json")
            row.save()
    rows.add_passages(section, new_ones, after=max((p.position for p in present), default=0))

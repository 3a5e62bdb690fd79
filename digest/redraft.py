"""A later run of the machine for a day that is on the desk already.

What people have not touched takes the new text; beside what they have touched the new text waits
as a `Suggestion`. A field is touched when it differs from what the machine last wrote for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from digest import document, hugo, rows
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
    """Merge a new draft into an issue. Call it inside a transaction that holds the issue's lock."""
    issue = Issue.objects.whole().get(pk=issue.pk)
    _merge_issue(issue, whole, draft)
    sections = _sections_for(issue, whole, draft)
    cards = _merge_cards(issue, whole, sections, draft)
    for section, value in zip(sections, whole.sections, strict=True):
        if value.passages or section.kind != Section.Kind.CARDS:
            _merge_passages(issue, section, value.passages, draft)
    others = [row for row in issue.sections.all() if row not in sections]
    for section in others:
        _merge_passages(issue, section, (), draft)
    if _order_touched(issue):
        new = [row for row in sections if row not in issue.sections.all()]
        _clear_away([*others, *new])
        order = [*issue.sections.all(), *new]
    else:
        _arrange(issue, whole, sections, others, cards)
        _clear_away(others)
        order = [*sections, *others]
    rows.place_sections([row for row in order if row.pk])
    if draft.cover and draft.cover != issue.cover:
        change_cover(issue, draft)
    issue.save()
    # Not before: what was just suggested for its own fields would look like no suggestion at all.
    fresh = Issue.objects.whole().get(pk=issue.pk)
    fresh.insight_hash = rows.insight_hash(fresh)
    fresh.save(update_fields=["insight_hash"])
    _withdraw_suggestions(fresh, gone=_gone(fresh, cards))


def change_cover(issue: Issue, draft: Draft) -> None:
    """Give an issue the cover of a draft, and record it. The issue still has to be saved."""
    before = issue.cover.sha256 if issue.cover else None
    issue.cover = draft.cover
    _change(draft, issue, field="cover", before=before, after=draft.cover.sha256)


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


def _withdraw_suggestions(issue: Issue, *, gone: set[int]) -> None:
    """Take back what the machine no longer suggests, or what stands there by now."""
    present = {c.pk: c for row in issue.sections.all() for c in row.cards.all()}
    passages = {p.pk: p for row in issue.sections.all() for p in row.passages.all()}
    for suggestion in issue.suggestions.filter(state=Suggestion.State.OPEN):
        field, value = suggestion.field, suggestion.value
        if suggestion.card_id and field == "dropped":
            holds = suggestion.card_id in gone
        elif suggestion.card_id:
            card = present[suggestion.card_id]
            there = rows.card_value(card).model_dump(mode="json")[field]
            holds = value == card.machine.get(field) and value != there
        elif suggestion.passage_id:
            passage = passages[suggestion.passage_id]
            holds = value == passage.machine.get(field) and value != getattr(passage, field)
        else:
            holds = value == issue.machine.get(field) and value != _present(issue)[field]
        if not holds:
            suggestion.delete()


def _present(issue: Issue) -> dict[str, Any]:
    """An issue's own fields as they stand."""
    return {
        "front_matter": rows.front_matter_value(issue).model_dump(mode="json"),
        "lead": issue.lead,
        "footer": issue.footer,
    }


def _merge_issue(issue: Issue, whole: document.Document, draft: Draft) -> None:
    new = baseline_of(whole)
    present = _present(issue)
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


def _sections_for(issue: Issue, whole: document.Document, draft: Draft) -> list[Section]:
    """The row of each section of the new draft, made where there is none yet.

    There is one insight and one reading list whatever they are called, so those two match by kind.
    """
    free = list(issue.sections.all())
    last = max((row.position for row in free), default=0)
    found: list[Section] = []
    for value in whole.sections:
        alike = (row for row in free if row.kind == value.kind)
        if value.kind == Section.Kind.CARDS:
            alike = (row for row in alike if row.title == value.title)
        row = next(alike, None)
        if row is None:
            last += 1
            row = rows.new_section(issue, last, value)
            row.save()
            _change(draft, issue, field="section", before=None, after=value.title)
        else:
            free.remove(row)
            before, after = (row.title, row.lead), (value.title, value.lead)
            row.title, row.lead = after
            row.came_empty = rows.is_empty(value)
            row.save(update_fields=["title", "lead", "came_empty"])
            if before != after:
                _change(draft, issue, field="section", before=[*before], after=[*after])
        found.append(row)
    return found


def _clear_away(sections: Sequence[Section]) -> None:
    """Delete sections that hold nothing. One whose cards were all dropped loses only its lead."""
    for row in sections:
        # Not by `row.cards`: what was prefetched is of yesterday.
        cards = Card.objects.filter(section=row)
        passages = Passage.objects.filter(section=row)
        if passages.exists() or cards.standing().exists():
            continue
        if cards.exists():
            Section.objects.filter(pk=row.pk).update(lead="")
        else:
            row.delete()


# --- cards ---------------------------------------------------------------------------------------


def _pair_up(old: list[Card], new: list[document.Card]) -> dict[int, Card]:
    """Which row each new card (by its index) is a later version of.

    By headline first, in order, so that two cards with one headline stay two; then by shared links.
    """
    free = {row.pk: row for row in old}
    # A card that a person repaired has nothing of the machine's: it is known by its own words.
    known = {row.pk: row.machine or rows.card_value(row).model_dump(mode="json") for row in old}
    pairs: dict[int, Card] = {}
    by_headline: dict[str, list[Card]] = {}
    for row in free.values():
        by_headline.setdefault(fold(known[row.pk]["headline"]), []).append(row)
    for n, value in enumerate(new):
        if rows_left := by_headline.get(fold(value.headline)):
            pairs[n] = free.pop(rows_left.pop(0).pk)
    by_link: dict[str, list[Card]] = {}
    for row in free.values():
        for source in known[row.pk]["sources"]:
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
    sections: list[Section],
    draft: Draft,
) -> list[Card]:
    """Merge the cards; answers with the row of each new card, in the order of the draft."""
    present = [card for row in issue.sections.all() for card in row.cards.all()]
    pairs = _pair_up(present, list(whole.cards))
    known = {row.pk for row in pairs.values()}
    for row in present:
        if row.pk not in known:
            _leave_out(row, issue, draft)
    ends = {row.pk: 0 for row in sections}
    for row in present:
        ends[row.section_id] = max(ends.get(row.section_id, 0), row.position)
    merged: list[Card] = []
    added: list[tuple[int, tuple[Section, int, document.Card]]] = []
    n = 0
    for row, section in zip(sections, whole.sections, strict=True):
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
    if row.dropped:
        _bring_back(row, issue, draft)
    new = value.model_dump(mode="json")
    stood = rows.card_value(row)
    present = stood.model_dump(mode="json")
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
    merged = document.Card.model_validate(present | taken)
    if taken and hugo.card_faults(merged):
        # Half a person's and half the machine's, it would read back as something else.
        for field, after in taken.items():
            _suggest(draft, issue, field=field, value=after, card=row)
        taken, merged = {}, stood
    row.machine, row.machine_hash = new, rows.card_hash(value)
    for field, after in taken.items():
        _change(draft, issue, field=field, before=present[field], after=after, card=row)
    rows.change_card(row, merged, before=stood, also=("machine", "machine_hash"))


def _bring_back(row: Card, issue: Issue, draft: Draft) -> None:
    """The new draft has a card that was dropped: what the machine dropped it may restore."""
    last = row.events.filter(Q(verb__in=("card.drop", "card.restore")) | Q(field="dropped")).last()
    if last is None or last.actor_id not in _machines(issue, draft):
        return
    row.dropped = False
    row.save(update_fields=["dropped"])
    _change(draft, issue, field="dropped", before=True, after=False, card=row, verb="card.restore")


def _machines(issue: Issue, draft: Draft) -> QuerySet:
    """The accounts by which drafts of this issue came in: all others are people's."""
    drafts = Draft.objects.filter(Q(issue=issue) | Q(pk=draft.pk))
    return drafts.order_by().values_list("received_by", flat=True)


def _gone(issue: Issue, cards: list[Card]) -> set[int]:
    """Cards that still stand though the new draft (whose cards are these) no longer has them."""
    kept = {card.pk for card in cards}
    standing = (c for row in issue.sections.all() for c in row.cards.all() if not c.dropped)
    return {card.pk for card in standing if card.pk not in kept}


def _leave_out(row: Card, issue: Issue, draft: Draft) -> None:
    """The new draft no longer has this card: the machine may drop only what nobody touched."""
    if row.dropped or not row.machine:
        return
    if any(row.machine["headline"] in problem["text"] for problem in draft.problems):
        return  # it has it, only not readably: the better version stays
    if row.events.exclude(actor__in=_machines(issue, draft)).exists():
        _suggest(draft, issue, field="dropped", value=True, card=row)
        return
    row.dropped = True
    row.save(update_fields=["dropped"])
    _change(draft, issue, field="dropped", before=False, after=True, card=row, verb="card.drop")


def _arrange(
    issue: Issue,
    whole: document.Document,
    sections: list[Section],
    others: list[Section],
    cards: list[Card],
) -> None:
    """Nobody has moved anything: take the draft's order, what it no longer has goes last."""
    remaining = iter(cards)
    order: dict[int, list[Card]] = {
        row.pk: [next(remaining) for _ in value.cards]
        for row, value in zip(sections, whole.sections, strict=True)
    }
    placed = {card.pk for card in cards}
    for row in issue.sections.all():
        left = [card for card in row.cards.all() if card.pk not in placed]
        order[row.pk] = order.get(row.pk, []) + left
    rows.place_cards((row, order[row.pk]) for row in (*sections, *others))


# --- passages ------------------------------------------------------------------------------------


def _merge_passages(
    issue: Issue, section: Section, passages: Sequence[document.Passage], draft: Draft
) -> None:
    """Merge the passages of a section, which are the same where the machine's titles are."""
    free = list(section.passages.all())
    order: list[Passage | document.Passage] = []
    for value in passages:
        row = next((p for p in free if p.machine.get("title", p.title) == value.title), None)
        if row:
            free.remove(row)
            _merge_passage(row, value, issue, draft)
        order.append(row or value)
    for row in free:
        if {"title": row.title, "body": row.body} != row.machine:
            # A person's words stay; those without a title can only open a section.
            order.insert(len(order) if row.title else 0, row)
        else:
            _change(draft, issue, field=f"body.{row.pk}", before=row.body, after=None)
            row.suggestions.all().delete()
            row.delete()
    for row in rows.place_passages(section, order):
        _change(draft, issue, field=f"body.{row.pk}", before=None, after=row.body)


def _merge_passage(row: Passage, value: document.Passage, issue: Issue, draft: Draft) -> None:
    if value.body == row.machine.get("body"):
        return
    if row.body == row.machine.get("body"):
        _change(draft, issue, field=f"body.{row.pk}", before=row.body, after=value.body)
        row.body = value.body
    elif value.body != row.body:
        _suggest(draft, issue, field="body", value=value.body, passage=row)
    row.machine = value.model_dump(mode="json")
    row.save(update_fields=["body", "machine"])

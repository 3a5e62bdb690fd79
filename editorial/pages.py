"""What the day page shows, as values: rows, their text, and where things stand.

Text is rendered once and kept by its hash: a card that nobody has changed costs nothing the next
time, whoever looks. Nothing here reads the text of a card whose rendering is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language

from digest import document, rendering, rows
from digest.compiled import compiled
from digest.document import Document, Importance
from digest.markup import to_html, warnings
from digest.models import (
    Card,
    Event,
    Issue,
    Passage,
    Run,
    Section,
)
from editorial import decisions, editing, forms, keymap, queue, undo
from editorial.bulk import approvable_in_bulk
from editorial.decisions import DECISIONS
from editorial.labels import FRONT_LABELS
from editorial.models import Membership, Preference, Presence, as_name, columns_of_name
from editorial.queue import Case, IssueCase
from editorial.refusals import Refusal

#: Somebody who has not been heard of for so long is not here any more.
PRESENT_FOR = timedelta(seconds=45)
_KEPT_AT_MOST = 4096


@dataclass(frozen=True)
class Workplace:
    """Somebody at an issue: whose page it is, where its addresses are, which keys they use.

    `place` is the address of the issue; that of everything about it begins so.
    """

    by: Membership
    issue: Issue
    place: str
    keys: dict[str, str]
    guided: bool

    @property
    def dialogs(self) -> str:
        """The day page's dialogs, and the words its scripts say."""
        username = self.by.user.get_username()
        return _dialogs_html(tuple(self.keys.items()), self.place, username, get_language())


def workplace_of(by: Membership, issue: Issue) -> Workplace:
    """The workplace of somebody at an issue."""
    preference: Preference | None = getattr(by.user, "preference", None)
    return Workplace(
        by=by,
        issue=issue,
        place=reverse("issue", args=[by.desk.slug, issue.date]),
        keys=keymap.keys_of(preference),
        guided=preference is not None and preference.guided,
    )


@lru_cache(maxsize=256)
def _dialogs_html(
    keys: tuple[tuple[str, str], ...], place: str, username: str, language: str
) -> str:
    context = {"help": keymap.help_for(dict(keys)), "place": place, "username": username}
    return render_to_string("editorial/_dialogs.html", context)


# --- cards ---------------------------------------------------------------------------------------

_bodies: dict[tuple[str, str], str] = {}


def bodies_of(wanted: Iterable[tuple[int, str]]) -> dict[str, str]:
    """The text of cards as readers see it, by hash, for pairs of a card's id and hash."""
    language = get_language()
    pairs = {hash_: pk for pk, hash_ in wanted}
    bodies = {hash_: _bodies.get((hash_, language)) for hash_ in pairs}
    missing = [pairs[hash_] for hash_, body in bodies.items() if body is None]
    if missing:
        for card in Card.objects.whole().filter(pk__in=missing):
            bodies[card.hash] = keep_body(card.hash, rows.card_value(card))
    # A card that somebody has changed in this very moment comes with its next fragment.
    return {hash_: bodies[hash_] or "" for hash_ in pairs}


def keep_body(hash_: str, value: document.Card) -> str:
    """Render the text of a card, and keep it by its hash for whoever asks for it."""
    if len(_bodies) >= _KEPT_AT_MOST:
        _bodies.clear()
    view = rendering.view_of_card(value)
    body = render_to_string("editorial/_body.html", {"view": view})
    _bodies[hash_, get_language()] = body
    return body


@dataclass(frozen=True)
class CardOnDesk:
    """A card of the day page. `refusal` says why it cannot be approved now, or is empty.

    It is all that its markup is made of, so that markup is made once and kept.
    """

    row: queue.CardRow
    body: str
    refusal: str
    place: str
    keys: tuple[tuple[str, str], ...]
    language: str

    @property
    def html(self) -> str:
        """The whole card, its text included."""
        return _card_html(self, "editorial/_card.html")

    @property
    def parts(self) -> str:
        """What a decision changes of it, to take the place of what is on the page."""
        return _card_html(self, "editorial/_card_parts.html")


#: What a card's markup says whatever the card.
RATINGS = [(str(rating.value), rating.label) for rating in Importance]


@lru_cache(maxsize=_KEPT_AT_MOST)
def _card_html(card: CardOnDesk, template: str) -> str:
    context = {
        "row": card.row,
        "pk": str(card.row.pk),
        "body": card.body,
        "refusal": card.refusal,
        "address": f"{card.place}cards/{card.row.pk}/",
        "keys": dict(card.keys),
        "ratings": RATINGS,
        "shown": str(card.row.importance or 0),
    }
    return render_to_string(template, context)


def cards_on(at: Workplace, cases: Collection[Case]) -> list[CardOnDesk]:
    """Cards as the day page shows them."""
    bodies = bodies_of((case.card.pk, case.card.hash) for case in cases)
    return [_card_on(at, case, bodies[case.card.hash]) for case in cases]


def rows_on(at: Workplace, cases: Collection[Case]) -> list[CardOnDesk]:
    """The same without their text, where nobody has changed it."""
    return [_card_on(at, case, "") for case in cases]


def _card_on(at: Workplace, case: Case, body: str) -> CardOnDesk:
    return CardOnDesk(
        row=case.card,
        body=body,
        refusal=str(decisions.refusal(DECISIONS["approve"], case, at.by) or ""),
        place=at.place,
        keys=tuple(at.keys.items()),
        language=get_language(),
    )


# --- the page ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PassageOnDesk:
    """A passage of the insight or the reading list."""

    row: Passage
    html: str


@dataclass(frozen=True)
class SectionOnDesk:
    """A section of the day page. `bulk` are the cards that can be approved together.

    Insight and reading list are each one thing there, also where they stand under several headings:
    then `row` is the first of them, `title` names them all.
    """

    row: Section
    title: str
    number: int
    cards: list[CardOnDesk]
    passages: list[PassageOnDesk]
    bulk: list[tuple[int, str]] = field(default_factory=list)

    @property
    def standing(self) -> int:
        """How many of its cards nobody has dropped."""
        return sum(not card.row.dropped for card in self.cards)

    @property
    def waiting(self) -> int:
        """How many of its cards nobody has judged."""
        return sum(card.row.state == "waiting" for card in self.cards)


@dataclass(frozen=True)
class InsightOnDesk:
    """The editor's insight as one thing to judge. `refusal` says why it cannot be approved now."""

    title: str
    case: Case
    refusal: Refusal | None
    passages: list[PassageOnDesk]


def insight_on(at: Workplace) -> InsightOnDesk | None:
    """The insight of an issue as it stands; nothing where there is none."""
    if not at.issue.insight_hash:
        return None
    case = queue.case_of_insight(at.issue)
    # Read after the hash: a newer text is refused as stale, an older one would be approved.
    title, passages = _joined(_parts_on(at.issue, Section.Kind.INSIGHT))
    return _insight_on(at, title, passages, case)


def passages_on(issue: Issue) -> dict[int, list[PassageOnDesk]]:
    """The passages of an issue as readers see them, by their section."""
    shown: dict[int, list[PassageOnDesk]] = {}
    for passage in _passages_of(issue.pk):
        on_desk = PassageOnDesk(passage, to_html(passage.body))
        shown.setdefault(passage.section_id, []).append(on_desk)
    return shown


#: What stands under a heading: its title, its passages.
Part = tuple[str, list[PassageOnDesk]]


def _parts_on(issue: Issue, kind: str) -> list[Part]:
    """What stands under the headings of a kind."""
    found = issue.sections.filter(kind=kind).order_by("position")
    shown = passages_on(issue)
    return [(row.title, shown.get(row.pk, [])) for row in found]


def _joined(parts: Sequence[Part]) -> Part:
    """What stands under several headings as one."""
    title = " · ".join(title for title, _passages in parts)
    return title, [passage for _title, passages in parts for passage in passages]


def _insight_on(
    at: Workplace, title: str, passages: list[PassageOnDesk], case: Case
) -> InsightOnDesk:
    refusal = decisions.refusal(DECISIONS["approve_insight"], case, at.by)
    return InsightOnDesk(title, case, refusal, passages)


def beside_cards(at: Workplace) -> dict[str, Any]:
    """What stands beside the cards, as templates take it, where somebody has changed some of it."""
    _title, reading = _joined(_parts_on(at.issue, Section.Kind.READING))
    return {"insight": insight_on(at), "reading": reading, "front": front_on(at.issue)}


def front_on(issue: Issue) -> list[tuple[str | Promise, str]]:
    """What people change of the front matter, as the day page shows it: labels and texts."""
    present = editing.front_values_in(rows.read_front_matter(issue))
    return [
        (FRONT_LABELS[name], forms.FRONT_KINDS[name].to_text(value))
        for name, value in present.items()
    ]


@dataclass(frozen=True)
class DayPage:
    """The day page's content."""

    sections: list[SectionOnDesk]
    order: str
    case: IssueCase
    insight: InsightOnDesk | None


def day_page(at: Workplace) -> DayPage:
    """The day page of an issue: constant queries, and no text but what is not kept yet."""
    case = queue.case_of(at.issue, for_user=at.by.user_id)
    shown = {card.row.pk: card for card in cards_on(at, case.cards.values())}
    dealt: dict[int, list[CardOnDesk]] = {}
    for card in shown.values():
        dealt.setdefault(card.row.section_id, []).append(card)
    bulk = approvable_in_bulk(case, at.by)
    passages = passages_on(at.issue)
    number = 0
    sections = []
    for row in _sections_of(at.issue.pk):
        number += row.kind == Section.Kind.CARDS
        sections.append(
            SectionOnDesk(
                row=row,
                title=row.title,
                number=number if row.kind == Section.Kind.CARDS else 0,
                cards=dealt.get(row.pk, []),
                passages=passages.get(row.pk, []),
                bulk=bulk.get(row.pk, []),
            )
        )
    for kind in (Section.Kind.INSIGHT, Section.Kind.READING):
        sections = _with_one(kind, sections)
    if not case.insight:
        return DayPage(sections, case.order, case, None)
    whole = next(each for each in sections if each.row.kind == Section.Kind.INSIGHT)
    insight = _insight_on(at, whole.title, whole.passages, case.insight)
    return DayPage(sections, case.order, case, insight)


def _with_one(kind: str, sections: list[SectionOnDesk]) -> list[SectionOnDesk]:
    """These sections, those of a kind joined into the first of them: what is edited and judged as
    one thing stands there once."""
    parts = [each for each in sections if each.row.kind == kind]
    if len(parts) < 2:
        return sections
    title, passages = _joined([(each.title, each.passages) for each in parts])
    return [
        replace(each, title=title, passages=passages) if each == parts[0] else each
        for each in sections
        if each not in parts[1:]
    ]


@compiled
def _sections_of(issue) -> QuerySet[Section]:
    return Section.objects.filter(issue=issue).order_by("position")


@compiled
def _passages_of(issue) -> QuerySet[Passage]:
    found = Passage.objects.filter(section__issue=issue).defer("machine")
    return found.order_by("section", "position")


def remarks_on(issue: Issue) -> Run | None:
    """The run whose draft of an issue landed last, for its `flags`: what the machine says of the
    issue as a whole. (What it says of a card is a comment on that.)"""
    return _last_run.first(issue.pk)


@compiled
def _last_run(issue) -> QuerySet[Run]:
    landed = Run.objects.filter(draft__issue=issue, state=Run.State.DONE)
    return landed.only("flags").order_by("-pk")[:1]


@dataclass(frozen=True)
class Somebody:
    """Somebody who is at work on an issue now."""

    name: str
    card_id: int | None
    headline: str


def people_at(issue: Issue, *, but: int) -> list[Somebody]:
    """Who else is on an issue, and on which card: each person once."""
    found = _others_at(issue.pk, timezone.now() - PRESENT_FOR, but)
    return [Somebody(as_name(*name), card, headline or "") for card, headline, *name in found]


@compiled
def _others_at(issue, since, user) -> QuerySet[Presence, tuple]:
    here = Presence.objects.filter(issue=issue, at__gt=since).exclude(user=user)
    return here.order_by("user").values_list("card", "card__headline", *columns_of_name("user"))


def undoable_of(at: Workplace) -> Event | None:
    """What "undo" would take back."""
    return undo.undoable(at.issue, at.by)


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

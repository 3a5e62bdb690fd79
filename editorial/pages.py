"""What the day page shows, as values: rows, their text, and where things stand.

Text is rendered once and kept by its hash: a card that nobody has changed costs nothing the next
time, whoever looks. Nothing here reads the text of a card whose rendering is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from digest import document, rendering, rows
from digest.alarms import sentence_of
from digest.compiled import compiled
from digest.document import Document, Importance
from digest.markup import to_html, warnings
from digest.models import (
    Alarm,
    Card,
    Delivery,
    Desk,
    Edition,
    Event,
    Issue,
    Passage,
    Run,
    Section,
)
from digest.publishing import channels_with
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


# --- alarms --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlarmOnDesk:
    """An alarm as a page of the desk shows it. `day` is that of its issue, if it is about one."""

    pk: int
    at: datetime
    sentence: str
    day: date | None


def alarms_at(desk: Desk) -> list[AlarmOnDesk]:
    """What a desk is not yet done with, the newest first."""
    return [
        AlarmOnDesk(alarm.pk, alarm.at, sentence_of(alarm), alarm.issue and alarm.issue.date)
        for alarm in _open_alarms(desk.pk)
    ]


@compiled
def _open_alarms(desk) -> QuerySet[Alarm]:
    found = Alarm.objects.open().filter(desk=desk).select_related("issue").order_by("-pk")
    return found.only("kind", "data", "at", "issue__date")[:20]


def stuck_at(desk: Desk) -> list[Delivery]:
    """The deliveries of a desk that fail and are tried again: at the first failure they are a
    matter for people, although no alarm is told outside of the desk yet."""
    found = Delivery.objects.failing().filter(edition__issue__desk=desk)
    found = found.select_related("edition__issue").defer("edition__content", "edition__document")
    return list(found.order_by("-pk")[:20])


def alarms_mark(alarms: Iterable[AlarmOnDesk], stuck: Iterable[Delivery] = ()) -> str:
    """A short text that differs where other alarms are shown."""
    return ".".join([*(f"{a.pk}" for a in alarms), *(f"d{d.pk}-{d.attempts}" for d in stuck)])


def alarms_of(desk: Desk) -> dict[str, Any]:
    """What the pages about the whole desk show above everything, as their templates take it."""
    alarms, stuck = alarms_at(desk), stuck_at(desk)
    return {"alarms": alarms, "stuck": stuck, "alarms_mark": alarms_mark(alarms, stuck)}


# --- the way to readers --------------------------------------------------------------------------

#: How an issue stands on its way to readers, in a word or two, and how that is coloured.
PRESS: dict[str, tuple[Promise, str]] = {
    "held": (_("presses stopped"), "bad"),
    "missed": (_("hour missed"), "bad"),
    "failed": (_("a delivery failed"), "bad"),
    "failing": (_("a delivery fails"), "bad"),
    "moving": (_("going out"), "wait"),
    "waiting": (_("signed, waits for its hour"), "wait"),
    "behind": (_("published; a later edition waits"), "wait"),
    "published": (_("published"), "good"),
    "withdrawn": (_("taken back"), "wait"),
    "signed": (_("signed, not published"), "wait"),
    "unsigned": (_("not signed"), "none"),
}


@dataclass(frozen=True)
class Publication:
    """Where an issue's way to its readers stands: the last edition, the one whose hour comes, and
    the one that readers have.

    `withdrawn_at` is when it was taken back from them, if it was and has not come again; `kept` are
    the channels that then have it still, as nothing there can be taken back.
    """

    edition: Edition | None
    is_current: bool
    due_at: datetime | None
    due_edition: Edition | None
    is_missed: bool
    is_held: bool
    changes: int
    published: Edition | None
    published_at: datetime | None
    withdrawn_at: datetime | None
    deliveries: list[Delivery]
    kept: list[str]

    @property
    def is_out(self) -> bool:
        """Whether readers have the last edition."""
        return self.edition is not None and self.published == self.edition

    @property
    def is_going_out(self) -> bool:
        """Whether its hour has come and no worker has taken it yet."""
        return (
            bool(self.due_at)
            and self.due_at <= timezone.now()
            and not self.is_missed
            and not self.is_held
        )

    @property
    def delivered(self) -> int:
        """How many channels have done what was asked of them."""
        return sum(d.state == Delivery.State.DELIVERED for d in self.deliveries)

    @property
    def is_all_back(self) -> bool:
        """Whether every channel that had it has taken it back."""
        return not self.kept and self.delivered == len(self.deliveries)

    @property
    def state(self) -> str:
        """Where it stands, the most pressing first: a key of `PRESS`."""
        states = {d.state for d in self.deliveries}
        under_way = {Delivery.State.WAITING, Delivery.State.RUNNING}
        found = {
            "held": self.is_held,
            "missed": self.is_missed,
            "failed": Delivery.State.FAILED in states,
            "failing": any(d.is_failing for d in self.deliveries),
            "moving": self.is_going_out or bool(states & under_way),
            "waiting": self.due_at is not None,
            "published": self.is_out,
            "behind": self.published is not None,
            "withdrawn": self.withdrawn_at is not None,
            "signed": self.edition is not None,
        }
        return next((state for state, is_so in found.items() if is_so), "unsigned")

    @property
    def word(self) -> str | Promise:
        """The same in a word or two."""
        return PRESS[self.state][0]

    @property
    def tone(self) -> str:
        """How good that is: `good`, `wait`, `bad` or `none`."""
        return PRESS[self.state][1]

    @property
    def mark(self) -> str:
        """A short text that differs where what is shown differs."""
        deliveries = ",".join(f"{d.pk}{d.state}{d.attempts}" for d in self.deliveries)
        editions = f"{self.edition and self.edition.pk}-{self.published and self.published.pk}"
        return (
            f"{editions}-{self.changes}-{self.due_at}-{self.is_going_out}-{self.is_held}-"
            f"{deliveries}"
        )

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
    is_current = case.is_signed_as_it_stands
    taken_back = None
    if last and not published:
        taken_back = issue.events.filter(verb="issue.unpublish").order_by("-pk").first()
    everything = [d for edition in case.edition_rows for d in edition.deliveries.all()]
    if taken_back:
        asked, number = Delivery.Action.WITHDRAW, taken_back.after["edition"]
    else:
        asked, number = Delivery.Action.PUBLISH, published and published.number
    deliveries = [d for d in everything if (d.action, d.edition.number) == (asked, number)]
    kept = channels_with(everything) - {d.channel for d in deliveries} if taken_back else ()
    return Publication(
        edition=last,
        is_current=is_current,
        due_at=issue.due_at,
        due_edition=next((e for e in case.edition_rows if e.pk == issue.due_edition_id), None),
        is_missed=issue.is_missed,
        is_held=issue.held_at is not None,
        changes=0 if is_current or last is None else case.changes_since_signature,
        published=published,
        published_at=issue.published_at,
        withdrawn_at=taken_back and taken_back.at,
        deliveries=deliveries,
        kept=sorted(kept),
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

"""Events as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest.models import Event, Issue
from editorial.models import name_of
from editorial.labels import FIELD_LABELS

SENTENCES: dict[str, Promise] = {
    "draft.land": _("A draft landed."),
    "draft.add": _("The machine added this card."),
    "draft.change": _("The machine changed %(field)s."),
    "draft.refuse": _("A draft could not be filed."),
    "card.edit": _("%(name)s changed %(field)s."),
    "card.approve": _("%(name)s approved this card."),
    "card.withdraw": _("%(name)s withdrew the approval of this card."),
    "card.drop": _("%(name)s dropped this card."),
    "card.restore": _("%(name)s restored this card."),
    "card.move": _("%(name)s moved this card."),
    "card.repair": _("%(name)s repaired this card."),
    "card.dismiss": _("%(name)s put an unreadable card aside."),
    "suggestion.take": _("%(name)s took the machine’s later %(field)s."),
    "suggestion.decline": _("%(name)s declined the machine’s later %(field)s."),
    "insight.edit": _("%(name)s changed the insight."),
    "insight.approve": _("%(name)s approved the insight."),
    "insight.withdraw": _("%(name)s withdrew the approval of the insight."),
    "reading.edit": _("%(name)s changed the reading list."),
    "issue.sign": _("%(name)s signed the issue."),
    "issue.publish": _("%(name)s asked for publication."),
    "issue.retry": _("%(name)s asked for another try."),
    "issue.release": _("The edition was released to readers."),
    "delivery.done": _("Delivered: %(field)s."),
    "delivery.fail": _("A delivery did not work: %(field)s."),
    "delivery.give_up": _("A delivery was given up: %(field)s."),
    "delivery.replace": _("A delivery was not needed any more, a later edition is out: %(field)s."),
}


@dataclass(frozen=True)
class Line:
    """One line of a history."""

    at: datetime
    sentence: str
    about: str
    note: str


def lines_of(events: QuerySet[Event] | Iterable[Event], most: int = 200) -> list[Line]:
    """The latest events as lines, newest first."""
    if isinstance(events, QuerySet):
        events = events.select_related("actor", "card").order_by("-pk")[:most]
    return [
        Line(
            at=event.at,
            sentence=str(SENTENCES[event.verb])
            % {
                "name": name_of(event.actor),
                "field": FIELD_LABELS.get(event.field.split(".")[0], event.field),
            },
            about=event.card.headline if event.card else "",
            note=event.note,
        )
        for event in events
    ]


@dataclass(frozen=True)
class Change:
    """What an event did, with the text before and after it."""

    line: Line
    before: str
    after: str


def changes_since(issue: Issue, event_id: int, *, card_id: int | None = None) -> list[Change]:
    """What happened to an issue (or one of its cards) after an event, oldest first."""
    events = issue.events.filter(pk__gt=event_id).select_related("actor", "card")
    if card_id is not None:
        events = events.filter(card=card_id)
    return [
        Change(line, _as_text(event.before), _as_text(event.after))
        for event in events.order_by("pk")[:100]
        for line in lines_of([event])
    ]


def _as_text(value: Any) -> str:
    """A field's value as people read it; a decision's own record says nothing they need."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(
            f"{each.get('title', '')} {each.get('url') or each.get('body') or ''}".strip()
            if isinstance(each, dict)
            else str(each)
            for each in value
        )
    return ""

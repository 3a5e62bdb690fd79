"""Events as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from digest.models import Event, Issue
from editorial.changes import FieldChange, kind_of
from editorial.labels import label_of
from editorial.models import Membership, name_of
from editorial.undo import UNDOS

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
    "card.reopen": _("%(name)s took an unreadable card up again."),
    "suggestion.take": _("%(name)s took the machine’s later %(field)s."),
    "suggestion.decline": _("%(name)s declined the machine’s later %(field)s."),
    "suggestion.reopen": _("%(name)s opened the machine’s later %(field)s again."),
    "insight.edit": _("%(name)s changed the insight."),
    "insight.approve": _("%(name)s approved the insight."),
    "insight.withdraw": _("%(name)s withdrew the approval of the insight."),
    "reading.edit": _("%(name)s changed the reading list."),
    "issue.edit": _("%(name)s changed %(field)s of the issue."),
    "comment.add": _("%(name)s wrote a comment."),
    "comment.resolve": _("%(name)s resolved a comment."),
    "comment.reopen": _("%(name)s opened a comment again."),
    "issue.sign": _("%(name)s signed the issue."),
    "issue.publish": _("%(name)s asked for publication."),
    "issue.retry": _("%(name)s asked for another try."),
    "issue.republish": _("%(name)s had the published edition delivered again."),
    "issue.unpublish": _("%(name)s took the issue back from readers."),
    "issue.hold": _("%(name)s stopped the presses."),
    "issue.unhold": _("%(name)s let the presses go on."),
    "issue.hour": _("%(name)s set the hour of the issue."),
    "issue.sign_by_rule": _("The desk’s rule for the deadline made an edition."),
    "issue.miss": _("The hour of the issue was missed."),
    "alarm.settle": _("%(name)s put an alarm away."),
    "issue.release": _("The edition was released to readers."),
    "delivery.done": _("Delivered: %(field)s."),
    "delivery.withdraw": _("Taken back: %(field)s."),
    "delivery.fail": _("A delivery did not work: %(field)s."),
    "delivery.give_up": _("A delivery was given up: %(field)s."),
    "delivery.replace": _("A delivery was not needed any more, a later edition is out: %(field)s."),
}


#: The events of one action on several cards, where a sentence of its own says so.
TOGETHER: dict[str, Promise] = {
    "card.approve": _("%(name)s approved this card together with others."),
}
#: An undo reads as what it took back, by the verb of that.
TAKEN_BACK: dict[str, Promise] = {
    "card.edit": _("%(name)s took back: a change of %(field)s."),
    "card.approve": _("%(name)s took back: the approval of this card."),
    "card.withdraw": _("%(name)s took back: withdrawing the approval of this card."),
    "card.drop": _("%(name)s took back: dropping this card."),
    "card.restore": _("%(name)s took back: restoring this card."),
    "card.move": _("%(name)s took back: a move of this card."),
    "card.dismiss": _("%(name)s took back: putting an unreadable card aside."),
    "suggestion.take": _("%(name)s took back: taking the machine’s later %(field)s."),
    "suggestion.decline": _("%(name)s took back: declining the machine’s later %(field)s."),
    "insight.edit": _("%(name)s took back: a change of the insight."),
    "insight.approve": _("%(name)s took back: the approval of the insight."),
    "insight.withdraw": _("%(name)s took back: withdrawing the approval of the insight."),
    "reading.edit": _("%(name)s took back: a change of the reading list."),
    "issue.edit": _("%(name)s took back: a change of %(field)s of the issue."),
    "comment.add": _("%(name)s took back: a comment."),
    "comment.resolve": _("%(name)s took back: resolving a comment."),
    "comment.reopen": _("%(name)s took back: opening a comment again."),
}
#: The same, of one action on several cards.
TAKEN_BACK_TOGETHER: dict[str, Promise] = {
    "card.approve": _("%(name)s took back: the approval of this card together with others."),
}
#: The events whose before and after are the values of their field.
_OF_A_FIELD = {
    *("card.edit", "draft.change", "suggestion.take", "suggestion.decline", "suggestion.reopen"),
    *("insight.edit", "reading.edit", "issue.edit"),
}


@dataclass(frozen=True)
class Line:
    """One line of a history.

    `change` is what it changed, where that can be shown; `undoable_by_me` whether the person who
    looks can take it back.
    """

    at: datetime
    sentence: str
    about: str
    note: str
    event_id: int
    undoable_by_me: bool = False
    change: FieldChange | None = None


def lines_of(
    events: QuerySet[Event] | Iterable[Event], most: int = 200, *, by: Membership | None = None
) -> list[Line]:
    """The latest events as lines, newest first, as `by` sees them."""
    if isinstance(events, QuerySet):
        events = _whole(events).order_by("-pk")[:most]
    events = list(events)
    batches = {event.batch for event in events if event.batch}
    # Of an action on several cards what is left was moot: it is taken back as a whole.
    undone = (
        set(Event.objects.filter(undoes__batch__in=batches).values_list("undoes__batch", flat=True))
        if batches and by
        else set()
    )
    return [
        Line(
            at=event.at,
            sentence=_sentence(event),
            about=event.card.headline if event.card else "",
            note=event.note,
            event_id=event.pk,
            undoable_by_me=event.batch not in undone and _is_undoable(event, by),
            change=change_of(event),
        )
        for event in events
    ]


def _whole(events: QuerySet[Event]) -> QuerySet[Event]:
    return events.select_related("actor", "card", "undoes", "undone_by")


def _sentence(event: Event) -> str:
    old = event.undoes or event
    alone, together = (TAKEN_BACK, TAKEN_BACK_TOGETHER) if event.undoes else (SENTENCES, TOGETHER)
    sentence = (event.batch and together.get(old.verb)) or alone.get(old.verb)
    return str(sentence or SENTENCES[event.verb]) % {
        "name": name_of(event.actor),
        "field": label_of(old.verb, old.field),
    }


def taken_back(events: Sequence[Event]) -> str:
    """What an undo did, said of all that it took back: `events` are those it has made."""
    if len(events) == 1:
        return _sentence(events[0])
    if {event.undoes.verb for event in events} == {"card.approve"}:
        said = ngettext(
            "%(count)d approval taken back.", "%(count)d approvals taken back.", len(events)
        )
    else:
        said = ngettext(
            "%(count)d change taken back.", "%(count)d changes taken back.", len(events)
        )
    return said % {"count": len(events)}


def _is_undoable(event: Event, by: Membership | None) -> bool:
    return (
        by is not None
        and event.actor_id == by.user_id
        and by.may("review")
        and event.verb in UNDOS
        and event.undoes_id is None
        and not hasattr(event, "undone_by")
    )


def change_of(event: Event) -> FieldChange | None:
    """What an event changed, with the values before and after it, where it says so."""
    if event.verb == "card.move":
        if event.before is None or event.after is None:
            return None
        return _field_change(event, "place")
    if event.verb in _OF_A_FIELD:
        # `body.7` is the body of a passage, `insight.body` that of one of the insight.
        first, _dot, second = event.field.partition(".")
        return _field_change(event, second if second and not second.isdigit() else first)
    return None


def _field_change(event: Event, field: str) -> FieldChange:
    return FieldChange(
        field, label_of(event.verb, field), kind_of(field), event.before, event.after
    )


def changes_since(issue: Issue, event_id: int, *, card_id: int | None = None) -> list[Line]:
    """What happened to an issue (or one of its cards) after an event, oldest first."""
    events = _whole(issue.events.filter(pk__gt=event_id))
    if card_id is not None:
        events = events.filter(card=card_id)
    return lines_of(list(events.order_by("pk")[:100]))

"""Taking back what one did: an event of its own for each that is taken back, fifty deep and deeper.

Nothing here remembers a stack. What a person can take back are their events that nobody has taken
back yet, so it is the same after a reload and in another tab. An undo is recorded as what it does:
the undo of an edit is an edit, of an approval a withdrawal, with `undoes` naming the old event.

Somebody's later work is never taken back along with one's own: then `Moved` says whose it is and
carries the three versions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest import rows
from digest.compiled import compiled
from digest.models import Card, Event, HeldCard, Issue, Passage, Section, Suggestion, new_batch
from editorial import editing, glances
from editorial.editing import Difference, Invalid
from editorial.labels import label_of
from editorial.locking import lock
from editorial.models import Approval, Comment, Membership, Withdrawal, name_of
from editorial.refusals import Refusal, Refused

#: What the event of an undo says: its verb, and its field, before and after where it has them.
Columns = dict[str, Any]


class Moved(Refused):
    """What would be taken back, by `event`, has been changed since.

    `differences` hold what its maker had made of it (base), what taking it back would bring
    (mine) and what stands there now (theirs).
    """

    def __init__(self, sentence: str, event: Event, differences: list[Difference]) -> None:
        super().__init__(Refusal(sentence, "stale"))
        self.event = event
        self.differences = differences


class Moot(Refused):
    """What taking it back would bring about is so already: in a batch no reason to stop."""

    def __init__(self, sentence: str) -> None:
        super().__init__(Refusal(sentence))


# --- what has happened since ---------------------------------------------------------------------


def _later(event: Event, which: Q) -> Event | None:
    """The last later event of this kind that still holds, seen from the issue."""
    found = event.issue.events.filter(which, pk__gt=event.pk).select_related("actor")
    later = {each.pk: each for each in found.order_by("pk")}
    undone = {each.undoes_id for each in later.values()}
    holding = [e for e in later.values() if e.pk not in undone and e.undoes_id not in later]
    return holding[-1] if holding else None


def _moved(event: Event, later: Event | None, field: str, mine: Any, theirs: Any) -> Moved:
    """That it has been changed since, and by whom."""
    what = {"field": label_of(event.verb, field), "name": name_of(later.actor) if later else ""}
    if later is None:
        sentence = _("“%(field)s” has been changed since.")
    elif later.actor_id == event.actor_id:
        sentence = _("You have changed “%(field)s” once more since: take that back first.")
    else:
        sentence = _("%(name)s has changed “%(field)s” since: taking it back would undo that, too.")
    return Moved(sentence % what, event, [Difference(field, event.after, mine, theirs)])


def _refuse_moved(event: Event, field: str, present: Any, changes: Q) -> None:
    """Raise `Moved` unless what stands there is what this event made of it.

    The value alone does not say so: somebody else may have come to the same one.
    """
    later = _later(event, changes)
    if later or present != event.after:
        raise _moved(event, later, field, event.before, present)


def _gone() -> Refused:
    return Refused(Refusal(_("What this was about is not there any more.")))


# --- text ----------------------------------------------------------------------------------------


def _field(event: Event, by: Membership) -> Columns:
    """A card's field, back to what it was if it still is what was made of it."""
    card = Card.objects.whole().get(pk=event.card_id)
    # Not only what people edit: the machine's later labels and layout can be taken, too.
    present = rows.card_value(card).model_dump(mode="json")[event.field]
    changes = Q(verb__in=("card.edit", "suggestion.take", "draft.change"))
    _refuse_moved(event, event.field, present, changes & Q(card=card, field=event.field))
    editing.put_field(card, event.field, event.before)
    return _swapped(event, "card.edit")


def _swapped(event: Event, verb: str) -> Columns:
    return {"verb": verb, "field": event.field, "before": event.after, "after": event.before}


def _passage(event: Event, by: Membership) -> Columns:
    """Title or body of a passage; the field of an event is `body.7`."""
    name, _dot, number = event.field.partition(".")
    passage = Passage.objects.filter(pk=int(number), section__issue=event.issue_id).first()
    if passage is None:
        raise _gone()
    return _put_passage(event, passage, name)


def _put_passage(event: Event, passage: Passage, name: str) -> Columns:
    present = getattr(passage, name)
    field = f"{name}.{passage.pk}"
    kind = passage.section.kind
    _refuse_moved(event, field, present, Q(field=field))
    editing.put_passage(event.issue_id, passage.pk, name, event.before)
    return {"verb": f"{kind}.edit", "field": field, "before": event.after, "after": event.before}


def _front(event: Event, by: Membership) -> Columns:
    """One of the issue's own fields."""
    issue = Issue.objects.prefetch_related("tag_items__tag").get(pk=event.issue_id)
    present = editing.front_value(issue, event.field)
    same = Q(card=None, field__in=(event.field, "front_matter"))
    _refuse_moved(event, event.field, present, same & ~Q(verb="suggestion.decline"))
    editing.put_front(issue, event.field, event.before)
    return _swapped(event, "issue.edit")


# --- what the machine wrote later ----------------------------------------------------------------


def _suggestions(event: Event, state: Suggestion.State) -> list[Suggestion]:
    """The suggestions that an event can have been the answer to, the latest first."""
    kind, _dot, name = event.field.rpartition(".")
    found = event.issue.suggestions.filter(card=event.card_id, field=name, state=state)
    found = found.filter(passage__section__kind=kind) if kind else found.filter(passage=None)
    found = found.select_related("passage__section").order_by("-pk")
    return [each for each in found if each.value == event.after]


def _reopen(suggestion: Suggestion) -> bool:
    """Open a suggestion again, unless the machine has suggested something newer."""
    newer = suggestion.issue.suggestions.filter(
        card=suggestion.card_id,
        passage=suggestion.passage_id,
        field=suggestion.field,
        state=Suggestion.State.OPEN,
    )
    if newer.exists():
        return False
    suggestion.state = Suggestion.State.OPEN
    suggestion.save(update_fields=["state"])
    return True


def _take(event: Event, by: Membership) -> Columns:
    """What was taken from the machine goes back, and is a suggestion again."""
    answered = _suggestions(event, Suggestion.State.TAKEN)
    if "." in event.field:
        name = event.field.rpartition(".")[2]
        # Which passage it was the event does not say: the one that has that text, or had it.
        answered.sort(key=lambda each: getattr(each.passage, name) != event.after)
        if not answered:
            raise _gone()
        columns = _put_passage(event, answered[0].passage, name)
    elif event.card_id and event.field == "dropped":
        columns = _dropped(event, by)
    elif event.card_id:
        columns = _field(event, by)
    else:
        columns = _front(event, by)
    if answered:
        _reopen(answered[0])
    return columns


def _decline(event: Event, by: Membership) -> Columns:
    declined = _suggestions(event, Suggestion.State.DECLINED)
    if not declined:
        raise _gone()
    if not _reopen(declined[0]):
        raise Refused(Refusal(_("The machine has suggested something newer since.")))
    return _swapped(event, "suggestion.reopen")


# --- decisions -----------------------------------------------------------------------------------


def _approval(event: Event, by: Membership) -> Columns:
    """Withdraw that very approval, or the one that an undone withdrawal put in its place."""
    replaced: dict[str, int] = {}
    for each in event.issue.events.filter(verb=event.verb, undoes__isnull=False):
        replaced |= each.after.get("replaces", {})
    pk = event.after["approval"]
    while str(pk) in replaced:
        pk = replaced[str(pk)]
    approval = Approval.objects.select_related("withdrawal__by").get(pk=pk)
    if hasattr(approval, "withdrawal"):
        sentence = _("%(name)s has withdrawn this approval already.")
        raise Moot(sentence % {"name": name_of(approval.withdrawal.by)})
    Withdrawal.objects.create(approval=approval, by=by.user)
    verb = "card.withdraw" if event.card_id else "insight.withdraw"
    return {"verb": verb, "after": {"approvals": [approval.pk]}}


def _withdrawal(event: Event, by: Membership) -> Columns:
    """Approve again, in the name of whoever had approved, what was approved then.

    A withdrawal stays (rows are only added), so there is a new approval in the old one's place.
    """
    card, issue = event.card, Issue.objects.get(pk=event.issue_id)
    present = Card.objects.get(pk=card.pk).hash if card else issue.insight_hash
    old = list(Approval.objects.filter(pk__in=event.after["approvals"]).select_related("by"))
    if any(approval.hash != present for approval in old):
        raise Refused(Refusal(_("The text has changed since: look at it and approve it."), "stale"))
    standing = Approval.objects.valid().filter(issue=issue, card=card, hash=present)
    if given := standing.select_related("by").first():
        sentence = _("%(name)s has approved this text already.")
        raise Moot(sentence % {"name": name_of(given.by)})
    new = {
        str(each.pk): Approval.objects.create(issue=issue, card=card, hash=each.hash, by=each.by).pk
        for each in old
    }
    verb = "card.approve" if card else "insight.approve"
    return {"verb": verb, "after": {"approval": max(new.values()), "replaces": new}}


def _dropped(event: Event, by: Membership) -> Columns:
    """Restore what was dropped, drop what was restored."""
    back = event.verb == "card.restore" or event.before is True
    later = _later(event, Q(card=event.card_id) & DROPPING)
    if later:
        raise _moved(event, later, "dropped", back, not back)
    Card.objects.filter(pk=event.card_id).update(dropped=back)
    verb = "card.drop" if back else "card.restore"
    return {"verb": verb, "after": {"dropped": back}}


#: The events that drop a card or restore it, whoever did so.
DROPPING = Q(verb__in=("card.drop", "card.restore")) | Q(verb="suggestion.take", field="dropped")


def _dismissal(event: Event, by: Membership) -> Columns:
    held = HeldCard.objects.filter(issue=event.issue_id, dismissed=True).order_by("-pk")
    found = next((each for each in held if each.text == event.before), None)
    if found is None:
        raise _gone()
    found.dismissed = False
    found.save(update_fields=["dismissed"])
    return {"verb": "card.reopen", "before": event.before}


# --- order ---------------------------------------------------------------------------------------


def _move(event: Event, by: Membership) -> Columns:
    """Back behind the card it stood behind. What others did to other cards stays."""
    order = editing.cards_in_order(event.issue_id)
    home, card = next((s, c) for s, cards in order.values() for c in cards if c.pk == event.card_id)
    now = editing.place_of(order.values(), card)
    if later := _later(event, Q(verb="card.move", card=card)):
        raise _moved(event, later, "place", event.before, now)
    section = _section(event.before, [s for s, _cards in order.values()])
    if section is None:
        raise Refused(Refusal(_("The section it stood in is not there any more.")))
    order[home.pk][1].remove(card)
    cards = order[section.pk][1]
    cards.insert(_index(event.before, [each.pk for each in cards]), card)
    rows.place_cards(order[pk] for pk in {home.pk, section.pk})
    return {
        "verb": "card.move",
        "before": now,
        "after": editing.place_of(order.values(), card),
    }


def _section(place: dict, sections: list[Section]) -> Section | None:
    if "section_id" in place:
        return next((each for each in sections if each.pk == place["section_id"]), None)
    return next((each for each in sections if each.title == place["section"]), None)


def _index(place: dict, present: list[int]) -> int:
    """Where among these cards a card belongs that stood at this place."""
    if "ahead" not in place:  # an event of before they were recorded
        return min(place["position"] - 1, len(present))
    return next((present.index(pk) + 1 for pk in place["ahead"] if pk in present), 0)


# --- comments ------------------------------------------------------------------------------------


def _resolve(event: Event, by: Membership) -> Columns:
    comment = _comment(event)
    if comment.resolved_at:
        sentence = _("%(name)s has resolved this comment already.")
        raise Moot(sentence % {"name": name_of(comment.resolved_by)})
    comment.resolved_by, comment.resolved_at = by.user, timezone.now()
    comment.save(update_fields=["resolved_by", "resolved_at"])
    return {"verb": "comment.resolve", "after": {"comment": comment.pk}}


def _reopen_comment(event: Event, by: Membership) -> Columns:
    comment = _comment(event)
    if comment.resolved_at is None:
        raise Moot(_("This comment is open again already."))
    later = _later(event, Q(verb__startswith="comment.", after__comment=comment.pk))
    if later:
        # Reopened and resolved again by somebody else: that resolution is theirs.
        raise _moved(event, later, "comment", None, None)
    comment.resolved_by = comment.resolved_at = None
    comment.save(update_fields=["resolved_by", "resolved_at"])
    return {"verb": "comment.reopen", "after": {"comment": comment.pk}}


def _comment(event: Event) -> Comment:
    found = Comment.objects.select_related("resolved_by").filter(
        pk=event.after["comment"], issue=event.issue_id
    )
    if comment := found.first():
        return comment
    raise _gone()


# --- the tables ----------------------------------------------------------------------------------

#: What can be taken back, by the verb of its event → how, answering with what the undo records.
UNDOS: dict[str, Callable[[Event, Membership], Columns]] = {
    "card.edit": _field,
    "card.approve": _approval,
    "card.withdraw": _withdrawal,
    "card.drop": _dropped,
    "card.restore": _dropped,
    "card.move": _move,
    "card.dismiss": _dismissal,
    "suggestion.take": _take,
    "suggestion.decline": _decline,
    "insight.edit": _passage,
    "insight.approve": _approval,
    "insight.withdraw": _withdrawal,
    "reading.edit": _passage,
    "issue.edit": _front,
    "comment.add": _resolve,
    "comment.resolve": _reopen_comment,
    "comment.reopen": _resolve,
}
#: What people do that stays, and what to do instead.
STAYS: dict[str, Promise] = {
    "card.repair": gettext_lazy("A repaired card stays: drop it instead."),
    "issue.sign": gettext_lazy("A signature stays. Change the text and sign again."),
    "issue.publish": gettext_lazy("What readers have stays: sign again and publish that."),
    "issue.retry": gettext_lazy("A delivery that was tried again stays so."),
    "issue.republish": gettext_lazy("What was delivered again stays so."),
    "issue.unpublish": gettext_lazy("What readers have lost stays so: publish it again."),
    "issue.hold": gettext_lazy("A hold stays until a chief editor lets the presses go on."),
    "issue.unhold": gettext_lazy("The presses go on: stop them again."),
    "alarm.settle": gettext_lazy("An alarm that was put away stays away."),
    "issue.hour": gettext_lazy("An hour stays as it is: set another one."),
}


# --- asking and doing ----------------------------------------------------------------------------


def _standing(issue, actor) -> QuerySet[Event]:
    """What a person did to an issue that has not been taken back, the latest first."""
    own = Event.objects.filter(issue=issue, actor=actor, verb__in=UNDOS)
    return own.filter(undoes=None, undone_by=None).order_by("-pk")


def _undoable(issue: Issue, by: Membership) -> QuerySet[Event]:
    """What a person can still take back, the latest first; of each batch its last event."""
    batch = issue.events.exclude(batch="").filter(batch=OuterRef("batch"))
    return (
        _standing(issue, by.user_id)
        .exclude(Exists(batch.filter(pk__gt=OuterRef("pk"))))
        .exclude(Exists(batch.filter(undone_by__isnull=False)))
    )


def undoable(issue: Issue, by: Membership) -> Event | None:
    """The latest thing a person did to an issue that they can still take back."""
    latest = _latest.first(issue.pk, by.user_id)
    # Every answer asks this; only of an action on several cards is there more to know.
    return _undoable(issue, by).first() if latest and latest.batch else latest


@compiled
def _latest(issue, actor) -> QuerySet[Event]:
    return _standing(issue, actor)[:1]


def stack(issue: Issue, by: Membership, most: int = 50) -> list[Event]:
    """What a person can still take back, the latest first, one event for each action."""
    return list(_undoable(issue, by).select_related("actor", "card")[:most])


def undo(*, issue_id: int, by: Membership | None, event_id: int | None = None) -> list[Event]:
    """Take back the latest thing `by` did to an issue, or the one of this event, with its batch.

    Answers with the new events. Raises `Refused`, as `Moved` with the three versions where it has
    been changed since.
    """
    with transaction.atomic():
        issue, role = lock(by, pk=issue_id)
        event = undoable(issue, role) if event_id is None else _asked_for(issue, role, event_id)
        if event is None:
            raise Refused(Refusal(_("There is nothing of yours to take back.")))
        # The latest first: each finds things as it left them.
        events = [event]
        if event.batch:
            events = list(issue.events.filter(batch=event.batch).order_by("-pk"))
        before = _hashes(events)
        done, moot = [], None
        while events:
            impossible: dict[Event, Invalid] = {}
            for each in events:
                each.issue = issue
                try:
                    done.append((each, UNDOS[each.verb](each, role)))
                except Moot as so_already:
                    moot = moot or so_already
                except Invalid as invalid:
                    impossible[each] = invalid
            if len(impossible) == len(events):
                sentence = _("It cannot be taken back as things are now: %(reason)s")
                raise Refused(Refusal(sentence % {"reason": impossible[events[0]]}))
            events = list(impossible)  # one field may rest on another that is back by now
        if not done:
            raise moot
        batch = new_batch() if len(done) > 1 else ""
        events = [
            Event.objects.create(
                desk_id=issue.desk_id,
                issue=issue,
                card_id=each.card_id,
                actor=role.user,
                undoes=each,
                batch=batch,
                **columns,
            )
            for each, columns in done
        ]
        for pk, hash_ in _hashes(events).items():
            glances.follow(role, pk, before[pk], hash_, event=events[-1].pk)
        return events


def _hashes(events: list[Event]) -> dict[int, str]:
    """The present hashes of the cards that events are about."""
    cards = {each.card_id for each in events if each.card_id}
    return dict(Card.objects.filter(pk__in=cards).values_list("pk", "hash"))


def _asked_for(issue: Issue, by: Membership, event_id: int) -> Event:
    """An event that was named, or raises `Refused` with the reason why it stays."""
    event = issue.events.filter(pk=event_id).select_related("actor", "card").first()
    if event is None:
        raise Refused(Refusal(_("There is nothing of yours to take back.")))
    if event.actor_id != by.user_id:
        sentence = _("Only %(name)s can take this back.")
        raise Refused(Refusal(sentence % {"name": name_of(event.actor)}, "permission"))
    if event.undoes_id:
        raise Refused(Refusal(_("This took something back already: do it once more instead.")))
    if event.verb not in UNDOS:
        raise Refused(Refusal(str(STAYS.get(event.verb, _("This cannot be taken back.")))))
    undone = issue.events.filter(undoes=event.pk)
    if event.batch:
        undone = undone | issue.events.filter(undoes__batch=event.batch)
    if undone.exists():
        raise Refused(Refusal(_("This has been taken back already.")))
    return event

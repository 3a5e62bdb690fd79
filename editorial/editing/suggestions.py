"""What the machine wrote later for something that people had touched."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from digest import document, rows
from digest.models import Card, Suggestion
from editorial.editing.cards import put_field
from editorial.editing.passages import put_passage
from editorial.editing.values import hash_of, record
from editorial.locking import lock
from editorial.models import Membership
from editorial.refusals import Refusal, Refused


def answer_suggestion(
    *, suggestion_id: int, take: bool, by: Membership | None, seen: str = ""
) -> None:
    """Take what the machine wrote later for a touched field, or decline it.

    `seen` is the hash of the value that the taker saw it beside (`suggested_over`). Raises
    `Refused`, as stale if that value has moved on, and `Invalid`.
    """
    with transaction.atomic():
        issue_id = Suggestion.objects.values_list("issue", flat=True).get(pk=suggestion_id)
        issue, role = lock(by, pk=issue_id)
        found = Suggestion.objects.select_related("passage__section", "card")
        suggestion = found.filter(pk=suggestion_id).first()
        if suggestion is None:  # a later draft has landed while the lock was waited for
            raise Refused(Refusal(_("The machine has suggested something newer since.")))
        if suggestion.state != Suggestion.State.OPEN:
            raise Refused(Refusal(_("Somebody has answered this suggestion already.")))
        before = suggested_over(suggestion)
        if take and seen != hash_of(before):
            raise Refused(Refusal(_("The text has changed since you saw it."), "stale"))
        suggestion.state = Suggestion.State.TAKEN if take else Suggestion.State.DECLINED
        suggestion.save(update_fields=["state"])
        if take:
            _take_over(suggestion)
        kind = f"{suggestion.passage.section.kind}." if suggestion.passage else ""
        record(
            issue,
            role,
            "suggestion.take" if take else "suggestion.decline",
            card=suggestion.card,
            field=f"{kind}{suggestion.field}",
            before=before,
            after=suggestion.value,
        )


def suggested_over(suggestion: Suggestion) -> Any:
    """The value that stands where a suggestion would go."""
    field = suggestion.field
    if suggestion.passage:
        return getattr(suggestion.passage, field)
    if suggestion.card and field == "dropped":
        return suggestion.card.dropped
    if suggestion.card:
        card = Card.objects.whole().get(pk=suggestion.card_id)
        return rows.card_value(card).model_dump(mode="json")[field]
    if field == "front_matter":
        return rows.front_matter_value(suggestion.issue).model_dump(mode="json")
    return getattr(suggestion.issue, field)


def _take_over(suggestion: Suggestion) -> None:
    """Put a suggestion's value where it belongs."""
    field, value = suggestion.field, suggestion.value
    if suggestion.passage:
        put_passage(suggestion.issue_id, suggestion.passage_id, field, value)
    elif suggestion.card and field == "dropped":
        Card.objects.filter(pk=suggestion.card_id).update(dropped=value)
    elif suggestion.card:
        put_field(Card.objects.whole().get(pk=suggestion.card_id), field, value)
    else:
        issue = suggestion.issue
        if field == "front_matter":
            rows.set_tags(issue, document.FrontMatter(**value).tags)
        setattr(issue, field, value)
        issue.save(update_fields=[field])

"""Template tags of the desk's pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from digest.markup import to_html
from editorial import diff
from editorial.changes import text_of
from editorial.decisions import DECISIONS, present_hash, refusal
from editorial.models import Membership, name_of
from editorial.queue import Case

register = template.Library()
register.filter("name_of", name_of)
register.filter("readable", text_of)
register.filter("as_readers_see_it", to_html)


@register.inclusion_tag("editorial/_decision.html")
def decision(name: str, case: Case, by: Membership, since: int, **options: Any) -> dict[str, Any]:
    """The button of a decision; where it cannot be made, disabled with the sentence beside it.

    Options: `look` (a CSS class of the button), `quiet` (leave out a button that cannot work),
    `note` (ask for a reason, also where none is needed), `key` (shown on the button), `where`
    (tells two buttons of one decision on a page apart).
    """
    made = DECISIONS[name]
    refused = refusal(made, case, by)
    issue = case.issue
    place = [by.desk.slug, issue.date]
    if made.subject == "card":
        action = reverse("decide_card", args=[*place, case.card.pk, name])
        key = f"{name}-{case.card.pk}"
    else:
        action = reverse("decide_issue", args=[*place, name])
        key = f"{name}-{options.get('where', '')}"
    return options | {
        "action": action,
        "label": made.label,
        "refusal": refused,
        "name": name,
        "id": key,
        "seen": present_hash(made, case),
        "since": since,
        "about": case.card.headline if case.card else "",
        "needs_note": made.needs_note,
    }


@register.inclusion_tag("editorial/_difference.html")
def difference(before: str, after: str) -> dict[str, Any]:
    """What has changed from one text to another, marked in the later one."""
    return {"pieces": diff.difference(before or "", after or "")}


@register.inclusion_tag("editorial/_counts.html")
def counts(approved: int, waiting: int, dropped: int, held: int) -> dict[str, int]:
    """How many cards are approved, wait, are dropped, could not be read."""
    return {"approved": approved, "waiting": waiting, "dropped": dropped, "held": held}


@register.filter
def minus(left: int, right: int) -> int:
    """The difference of two counts."""
    return left - right

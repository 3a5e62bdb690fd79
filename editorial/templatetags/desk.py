"""Template tags of the desk's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.markup import to_html
from editorial import diff
from editorial.changes import text_of
from editorial.decisions import DECISIONS, present_hash, refusal
from editorial.models import Membership, name_of
from editorial.queue import Case
from editorial.sentences import translated

register = template.Library()
register.filter("name_of", name_of)
register.filter("readable", text_of)
register.filter("as_readers_see_it", to_html)
register.filter("translated", translated)


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


# --- moments and hashes, as a newsroom says them -------------------------------------------------

#: Zones are named in English; those with a name in the page's language have it here.
_CITIES: dict[str, Promise] = {"Asia/Taipei": gettext_lazy("Taipei")}


@register.filter
def city(zone: str) -> str | Promise:
    """The city a time zone is named after: `Asia/Taipei` is Taipei's."""
    return _CITIES.get(zone) or zone.rpartition("/")[2].replace("_", " ")


@register.filter
def moment(at: datetime) -> str:
    """A moment in the newsroom's time, without the day where that is today."""
    at, now = timezone.localtime(at), timezone.localtime()
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{at:%m-%d %H:%M}" if at.year == now.year else f"{at:%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class TimeLeft:
    """How long it is until a moment, in seconds and in `words`; `forms` is what hours.js needs to
    count it down: with hours, with minutes alone, and when there is nothing left."""

    seconds: int
    forms: tuple[str, str, str]

    @property
    def words(self) -> str:
        """As a sentence takes it: `in 1 h 12 m`."""
        hours, minutes = divmod(self.seconds // 60, 60)
        form = self.forms[0 if hours else 1 if minutes else 2]
        return form.format(hours=hours, minutes=minutes)


@register.filter
def time_left(at: datetime) -> TimeLeft:
    """How long it is until a moment, by the desk's clock, whatever the reader's own shows."""
    seconds = max(0, int((at - timezone.now()).total_seconds()))
    forms = (_("in {hours} h {minutes} m"), _("in {minutes} m"), _("any moment now"))
    return TimeLeft(seconds, forms)

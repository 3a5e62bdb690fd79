"""What the people of a desk have to know although nobody is looking: raised, told, settled.

An alarm is raised once for each key, shown at the desk until it is settled, and told outside of it
by those channels of the desk that can. Silence is never success: telling is tried again until it
has worked, and its last failure stands beside the alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from digest.channels import KINDS, Message, configured
from digest.models import Alarm, Channel, Desk, Issue

log = structlog.get_logger(__name__)

#: What each kind of alarm says; the gaps are filled from its `data`.
SENTENCES: dict[str, Promise] = {
    "unready": _(
        "The issue of %(day)s goes out in %(minutes)d minutes and is not signed. Missing: "
        "%(missing)s. %(projection)s"
    ),
    "unsigned": _(
        "The hour of the issue of %(day)s has come and it is not signed. Nothing goes out by "
        "itself. Missing: %(missing)s."
    ),
    "by_rule": _(
        "The issue of %(day)s was not signed by its hour. By the desk’s rule (%(rule)s, signed by "
        "%(name)s) edition %(number)d goes out."
    ),
    "rule_failed": _(
        "The issue of %(day)s was not signed by its hour, and the desk’s rule could not be "
        "followed: %(reason)s"
    ),
    "no_draft": _("The hour of %(day)s has come and no draft has landed for that day."),
    "run_failed": _("The machine could not draft %(day)s: %(reason)s"),
    "missed": _(
        "The issue of %(day)s was to go out at %(at)s, and nobody was there to publish it. It "
        "does not go out by itself any more."
    ),
    "late": _(
        "Edition %(number)d of %(day)s was signed after its hour. It waits for somebody to press "
        "“Publish now”, or for another hour."
    ),
    "release": _("The issue of %(day)s is due and could not be released: %(reason)s"),
    "delivery": _(
        "Edition %(number)d of %(day)s could not be delivered to %(channel)s: %(reason)s"
    ),
    "drift": _("Edition %(number)d of %(day)s is not what was signed: %(reason)s"),
}
_FIRST_PAUSE = timedelta(seconds=30)  # doubles with each attempt
_LONGEST_PAUSE = timedelta(minutes=30)
#: Who tells an alarm holds it for so long; longer than any channel takes.
_LEASE = timedelta(minutes=3)


def raise_alarm(
    desk: Desk,
    kind: str,
    *,
    key: str,
    issue: Issue | None = None,
    data: dict[str, Any] | None = None,
) -> Alarm:
    """Raise an alarm, once for each `key` of a desk; `data` fills the gaps of its sentence."""
    alarm, is_new = Alarm.objects.get_or_create(
        desk=desk, key=key, defaults={"kind": kind, "issue": issue, "data": data or {}}
    )
    if is_new:
        log.error("alarm", desk=desk.slug, kind=kind, key=key, sentence=sentence_of(alarm))
    return alarm


def settle(desk: Desk, key: str) -> int:
    """Put away the alarms whose key begins so: their cause is gone. Answers with how many."""
    found = Alarm.objects.open().filter(desk=desk, key__startswith=key)
    return found.update(settled_at=timezone.now())


def settle_all_of(issue: Issue, *kinds: str) -> int:
    """Put away what was raised about an issue; with `kinds` only those."""
    found = issue.alarms.open()
    return (found.filter(kind__in=kinds) if kinds else found).update(settled_at=timezone.now())


def sentence_of(alarm: Alarm) -> str:
    """An alarm in words, in the language of whoever asks."""
    data = alarm.data
    if "waiting" in data:
        data = data | {"missing": _missing(data), "projection": _projection(data)}
    return str(SENTENCES[alarm.kind]) % data


def _missing(data: Mapping[str, Any]) -> str:
    """What stands between an issue and its signature."""
    parts = []
    if count := data["waiting"]:
        parts.append(ngettext("%(n)d card to judge", "%(n)d cards to judge", count) % {"n": count})
    if count := data["held"]:
        parts.append(
            ngettext("%(n)d card to repair", "%(n)d cards to repair", count) % {"n": count}
        )
    if data["insight"]:
        parts.append(gettext("the insight"))
    return pgettext("between names", ", ").join([*parts, gettext("the signature")])


def _projection(data: Mapping[str, Any]) -> str:
    if not data.get("finish"):
        return ""
    sentence = gettext("At this morning’s pace the cards are judged at %(at)s.")
    return sentence % {"at": data["finish"]}


def tell_due(now: datetime | None = None) -> int:
    """Tell all alarms that nobody outside the desk has heard of yet; answers with how many were."""
    now = now or timezone.now()
    waiting = Alarm.objects.filter(told_at=None, next_attempt_at__lte=now)
    told = 0
    for alarm in waiting.select_related("desk", "issue"):
        try:
            told += _tell(alarm, now)
        except Exception:
            # One broken alarm must not keep the others; its lease lets it rest.
            log.exception("alarm not told", alarm=alarm.key)
    return told


def _tell(alarm: Alarm, now: datetime) -> bool:
    held = Alarm.objects.filter(pk=alarm.pk, told_at=None, next_attempt_at=alarm.next_attempt_at)
    if not held.update(next_attempt_at=now + _LEASE):
        return False  # another worker is at it
    told = set(alarm.data.get("told", ()))
    errors = []
    for channel in alarm.desk.channels.filter(enabled=True):
        if channel.name in told:
            continue
        try:
            _tell_through(channel, alarm)
        except Exception as error:
            # Whatever keeps one channel from telling must not keep the others.
            log.warning("alarm not told", alarm=alarm.key, channel=channel.name, error=str(error))
            errors.append(f"{channel.name}: {error}")
        else:
            told.add(channel.name)
    # Not 2 ** attempts alone: after a night without mail that is more than a time can be.
    pause = min(_FIRST_PAUSE * 2 ** min(alarm.attempts, 10), _LONGEST_PAUSE)
    Alarm.objects.filter(pk=alarm.pk).update(
        told_at=None if errors else timezone.now(),
        next_attempt_at=timezone.now() + pause,
        attempts=min(alarm.attempts + 1, 1_000),
        error="\n".join(errors),
        data=alarm.data | {"told": sorted(told)},
    )
    return not errors


def _tell_through(channel: Channel, alarm: Alarm) -> None:
    """Tell an alarm through a channel, if its kind can. Raises what the channel raises."""
    kind = KINDS.get(channel.kind)
    if kind is not None and kind.tell is not None:
        kind.tell(message_of(alarm), configured(channel.kind, channel.config))


def message_of(alarm: Alarm) -> Message:
    """An alarm as channels take it, in the newsroom's language."""
    day = f"{alarm.issue.date}/" if alarm.issue else ""
    with translation.override(settings.LANGUAGE_CODE):
        text = sentence_of(alarm)
    return Message(
        desk=alarm.desk.slug,
        desk_title=alarm.desk.title,
        kind=alarm.kind,
        subject=f"{alarm.desk.title}: {text}"[:200],
        text=text,
        url=f"{settings.SITE_URL}/desk/{alarm.desk.slug}/{day}",
        key=f"alarm-{alarm.pk}",
    )

"""Who makes an issue a day, and where its issues go: the desk and its channels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from digest.models.names import is_slug


def is_zone(name: str) -> None:
    """Refuse (ValidationError) a name that is not an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(_("“%(zone)s” is not a time zone."), params={"zone": name})


def is_no_inbox_folder(slug: str) -> None:
    """Refuse (ValidationError) a desk whose inbox would be where others' finished drafts lie."""
    if slug in ("done", "broken"):
        raise ValidationError(_("“%(slug)s” is a folder of the inbox."), params={"slug": slug})


#: The least `Desk.grace`, in minutes: the publisher comes once in a minute, and may come late.
LEAST_GRACE = 5
is_grace = MinValueValidator(
    LEAST_GRACE,
    _("At least %(limit_value)s minutes: with less an issue may be missed at its very hour."),
)


class Desk(models.Model):
    """Who makes an issue a day: its title, its sections, its hour and its rules.

    Its people are `editorial.Membership`s. One desk exists from the first migration on.
    """

    slug = models.CharField(max_length=50, unique=True, validators=[is_slug, is_no_inbox_folder])
    title = models.CharField(max_length=200)
    sections = models.JSONField(
        default=list, blank=True, help_text=_("Titles of the sections an issue usually has.")
    )
    zone = models.CharField(max_length=64, default="Asia/Taipei", validators=[is_zone])
    publication_hour = models.TimeField(default="06:50")
    grace = models.PositiveSmallIntegerField(
        default=180,
        help_text=_("Minutes a late issue may still go out by itself."),
        validators=[is_grace],
    )
    four_eyes = models.BooleanField(
        default=False,
        help_text=_(
            "Nobody approves what they changed last, or signs an issue whose insight they did."
        ),
    )

    drafts_at = models.TimeField(
        null=True,
        blank=True,
        default="05:30",
        help_text=_("When the machine drafts the day, where the desk has feeds; empty for never."),
    )

    class Rule(models.TextChoices):
        HOLD = "hold", _("nothing goes out unsigned")
        APPROVED = "approved", _("approved cards only")
        NOTICE = "notice", _("a notice to readers")

    deadline_rule = models.CharField(max_length=10, choices=Rule.choices, default=Rule.HOLD)
    notice = models.TextField(blank=True, max_length=2_000)
    rule_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    rule_signed_at = models.DateTimeField(null=True, blank=True)
    hugo_folder = models.CharField(
        max_length=50,
        blank=True,
        unique=True,
        validators=[is_slug],
        help_text=_("Folder of this desk's Hugo tree below HUGO_TREE; empty for its root."),
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(grace__gte=LEAST_GRACE), name="grace_lets_a_publisher_come"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs) -> None:
        """A new desk writes posts for Hugo until somebody gives it other channels."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            Channel.objects.create(desk=self, name="hugo", kind="hugo")

    def today(self, now: datetime | None = None) -> date:
        """The day it is in the newsroom."""
        return (now or timezone.now()).astimezone(ZoneInfo(self.zone)).date()

    def missed_before(self, now: datetime) -> datetime:
        """Issues due at or before this moment are too late to go out by themselves."""
        return now - timedelta(minutes=self.grace)

    def hour_of(self, day: date) -> datetime:
        """The moment (UTC) at which the issue of a day is to go out."""
        local = datetime.combine(day, self.publication_hour, ZoneInfo(self.zone))
        return local.astimezone(UTC)

    def drafting_hour_of(self, day: date) -> datetime:
        """The moment (UTC) at which the machine begins the draft of a day, if it has an hour."""
        return datetime.combine(day, self.drafts_at, ZoneInfo(self.zone)).astimezone(UTC)


class Channel(models.Model):
    """A place the editions of a desk go. `config` is what its kind asks for (digest.channels)."""

    desk = models.ForeignKey(Desk, models.CASCADE, related_name="channels")
    name = models.CharField(max_length=20, validators=[is_slug])
    kind = models.CharField(max_length=20)
    config = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["desk", "name"], name="one_channel_a_name")]

    def __str__(self) -> str:
        return self.name

"""What a machine handed in, and what of it waits for people: held cards and suggestions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from digest import document
from digest.models.cards import Card
from digest.models.desks import Desk
from digest.models.issues import Issue
from digest.models.pictures import Picture
from digest.models.sections import Passage


class Draft(models.Model):
    """A payload as a machine sent it, kept verbatim before anything parses it."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        LANDED = "landed", _("landed")
        REFUSED = "refused", _("refused")

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="drafts")
    sha256 = models.CharField(max_length=64)
    payload = models.BinaryField()
    media_type = models.CharField(max_length=50)
    name = models.CharField(max_length=255, blank=True, help_text=_("File name, if it had one."))
    cover = models.ForeignKey(Picture, models.PROTECT, null=True, blank=True)
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    received_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    issue = models.ForeignKey(Issue, models.PROTECT, null=True, blank=True, related_name="drafts")
    deviations = models.JSONField(default=list)
    problems = models.JSONField(default=list)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["desk", "sha256"], name="one_draft_a_payload")
        ]

    def __str__(self) -> str:
        return f"{self.name or self.media_type} {self.sha256[:12]}"


class HeldCardQuerySet(models.QuerySet):
    def waiting(self) -> HeldCardQuerySet:
        """Those a person still has to look at."""
        return self.filter(card=None, dismissed=False)


class HeldCard(models.Model):
    """A card of a draft that could not be read: kept in sight with its reason until a person has
    repaired it (then `card` is what it became) or dismissed it."""

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="held_cards")
    draft = models.ForeignKey(Draft, models.PROTECT, related_name="held_cards")
    where = models.CharField(max_length=document.LINE_LIMIT)
    line = models.PositiveIntegerField(null=True, blank=True)
    reason = models.TextField()
    text = models.TextField(blank=True)
    card = models.OneToOneField(Card, models.PROTECT, null=True, blank=True)
    dismissed = models.BooleanField(default=False)

    objects = HeldCardQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.where

    @property
    def is_open(self) -> bool:
        """Whether a person still has to look at it."""
        return self.card_id is None and not self.dismissed


class Suggestion(models.Model):
    """What a later run of the machine wrote for a field that people had touched."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        TAKEN = "taken", _("taken")
        DECLINED = "declined", _("declined")

    card = models.ForeignKey(Card, models.PROTECT, null=True, related_name="suggestions")
    passage = models.ForeignKey(Passage, models.PROTECT, null=True, related_name="suggestions")
    issue = models.ForeignKey(Issue, models.PROTECT, related_name="suggestions")
    draft = models.ForeignKey(Draft, models.PROTECT, related_name="suggestions")
    field = models.CharField(max_length=30)
    value = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.field}: {self.value}"

"""What happened, for ever."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from digest.models.cards import Card
from digest.models.desks import Desk
from digest.models.issues import Issue


class Event(models.Model):
    """Something that happened: who, what, before, after. Written in the transaction that did it.

    `seen` is the hash its maker had before their eyes. `undoes` is the event this one took back,
    which can be done once; `batch` joins the events of one action on several cards. Rows are never
    changed (trigger).
    """

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="events")
    issue = models.ForeignKey(Issue, models.PROTECT, null=True, related_name="events")
    card = models.ForeignKey(Card, models.PROTECT, null=True, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verb = models.CharField(max_length=30)
    field = models.CharField(max_length=30, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    seen = models.CharField(max_length=64, blank=True)
    note = models.TextField(blank=True)
    undoes = models.OneToOneField("self", models.PROTECT, null=True, related_name="undone_by")
    batch = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["issue", "id"], name="events_of_issue"),
            models.Index(fields=["card", "id"], name="events_of_card"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor_id}"


def new_batch() -> str:
    """A name that joins the events of one action on several cards."""
    return uuid4().hex

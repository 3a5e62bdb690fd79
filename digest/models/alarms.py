"""What people have to know, and the signs of life whose absence they have to know of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from digest.models.desks import Desk
from digest.models.issues import Issue


class AlarmQuerySet(models.QuerySet):
    def open(self) -> AlarmQuerySet:
        """Those whose cause is still there."""
        return self.filter(settled_at=None)


class Alarm(models.Model):
    """Something the people of a desk have to know: raised once for each `key`, told outside the
    desk until that has worked, and shown there until it is settled."""

    desk = models.ForeignKey(Desk, models.CASCADE, related_name="alarms")
    issue = models.ForeignKey(Issue, models.PROTECT, null=True, related_name="alarms")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=100)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["desk", "key"], name="one_alarm_a_key")]
        indexes = [
            models.Index(fields=["desk"], condition=Q(settled_at=None), name="alarms_open"),
            models.Index(
                fields=["next_attempt_at"], condition=Q(told_at=None), name="alarms_to_tell"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Tick(models.Model):
    """When a task that beat starts ran last: that it still runs is seen here."""

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"

"""What is on its way to readers, and what has arrived."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from digest.models.editions import Edition


class DeliveryQuerySet(models.QuerySet):
    def takeable(self, now: datetime) -> DeliveryQuerySet:
        """Deliveries a worker may start on: waiting and due, or left behind by a dead worker."""
        return self.filter(
            Q(state=Delivery.State.WAITING, next_attempt_at__lte=now)
            | Q(state=Delivery.State.RUNNING, claimed_until__lte=now)
        )

    def at_work(self, now: datetime) -> DeliveryQuerySet:
        """Deliveries a worker holds, as far as anybody can know."""
        return self.filter(state=Delivery.State.RUNNING, claimed_until__gt=now)

    def failing(self) -> DeliveryQuerySet:
        """Deliveries that have failed, be it once, and are tried again by themselves."""
        return self.filter(state__in=(Delivery.State.WAITING, Delivery.State.RUNNING)).exclude(
            error=""
        )


class Delivery(models.Model):
    """An edition on its way into one channel. It is the queue and the record at once."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("delivery", "waiting")  # cards wait otherwise
        RUNNING = "running", _("running")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        REPLACED = "replaced", _("replaced")
        HELD = "held", _("held")

    class Action(models.TextChoices):
        PUBLISH = "publish", _("publish")
        WITHDRAW = "withdraw", _("withdraw")

    #: What is left to do, or was left undone.
    UNDONE = (State.WAITING, State.FAILED, State.HELD)

    edition = models.ForeignKey(Edition, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=20, help_text=_("The name of a channel of the desk."))
    action = models.CharField(max_length=10, choices=Action.choices, default=Action.PUBLISH)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    receipt = models.JSONField(default=dict)
    delivered_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "channel", "action"], name="one_delivery_a_channel"
            )
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="deliveries_waiting")]

    def __str__(self) -> str:
        return f"{self.edition_id} → {self.channel}: {self.state}"

    @property
    def is_failing(self) -> bool:
        """Whether it has failed, be it once, and is tried again by itself."""
        return bool(self.error) and self.state in (self.State.WAITING, self.State.RUNNING)

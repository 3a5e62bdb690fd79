"""What people do at the desk: who works there, what they approved and took back.

Approvals and withdrawals are only ever added (digest.promises): a card is approved when
an approval without a withdrawal names its present hash, so nothing ever resets one.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q
from django.utils import timezone

from digest.models import Card, Desk, Issue
from editorial.roles import PERMISSIONS, Role


class Membership(models.Model):
    """That somebody works at a desk, and as what."""

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="people")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["desk", "user"], name="one_role_a_desk")]

    def __str__(self) -> str:
        return f"{self.user} — {self.get_role_display()}"

    def may(self, permission: str) -> bool:
        """Whether this role has a permission."""
        return permission in PERMISSIONS.get(self.role, frozenset())


class ApprovalQuerySet(models.QuerySet):
    def valid(self) -> ApprovalQuerySet:
        """Approvals nobody took back."""
        return self.filter(withdrawal=None)

    def of_present_card(self) -> ApprovalQuerySet:
        """As a subquery of cards: the valid approvals of the text a card has now."""
        return self.valid().filter(card=OuterRef("pk"), hash=OuterRef("hash"))


class Approval(models.Model):
    """This hash, this person, this moment: of a card, or (`card` empty) of the insight."""

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="approvals")
    card = models.ForeignKey(Card, models.PROTECT, null=True, related_name="approvals")
    hash = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["issue", "hash"], name="approvals_of_issue"),
            models.Index(fields=["card", "hash"], name="approvals_of_card"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(hash=""), name="approval_names_a_hash")]

    def __str__(self) -> str:
        return f"{self.hash[:12]} by {self.by_id}"


class Withdrawal(models.Model):
    """That an approval was taken back. One that was taken back once stays so."""

    approval = models.OneToOneField(Approval, models.PROTECT, related_name="withdrawal")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.approval_id} by {self.by_id}"

"""What people do at the desk: who works there, what they approved, saw, said, and where they are.

Approvals and withdrawals are only ever added (digest.promises): a card is approved when
an approval without a withdrawal names its present hash, so nothing ever resets one.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from digest.models import Card, Desk, Issue
from editorial.roles import PERMISSIONS, Role


def name_of(user) -> str:
    """How the desk calls somebody."""
    return user.get_full_name() or user.get_username()


def columns_of_name(who: str) -> tuple[str, str, str]:
    """The columns that `as_name` makes a name of, for the account that a column names."""
    return (f"{who}__first_name", f"{who}__last_name", f"{who}__username")


def as_name(first: str, last: str, username: str) -> str:
    """The same as `name_of`, from columns."""
    return f"{first} {last}".strip() or username


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

    @property
    def may_publish(self) -> bool:
        """Whether this role decides when an issue goes out; for templates."""
        return self.may("publish")


class ApprovalQuerySet(models.QuerySet):
    def valid(self) -> ApprovalQuerySet:
        """Approvals nobody took back."""
        return self.filter(withdrawal=None)

    def named(self) -> ApprovalQuerySet:
        """What was approved and by whom, the first one first, as `approvers` takes it."""
        return self.order_by("pk").values_list("card", "hash", *columns_of_name("by"))

    def of_present_card(self) -> ApprovalQuerySet:
        """As a subquery of cards: the valid approvals of the text a card has now."""
        return self.valid().filter(card=OuterRef("pk"), hash=OuterRef("hash"))


def approvers(named: Iterable[tuple]) -> dict[tuple[int | None, str], str]:
    """Who approved what first: a name by the card's id (None for the insight) and the hash."""
    names: dict[tuple[int | None, str], str] = {}
    for card_id, hash_, *name in named:
        names.setdefault((card_id, hash_), as_name(*name))
    return names


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


class Glance(models.Model):
    """That somebody has seen a card as it was: its hash, and the issue's last event by then.

    The hash tells whether it has changed since; the event, what it was.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="glances")
    card = models.ForeignKey(Card, models.CASCADE, related_name="glances")
    hash = models.CharField(max_length=64)
    event = models.PositiveBigIntegerField(help_text=_("The issue's last event at that time."))
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["card", "user"], name="one_glance_a_card_and_person")
        ]

    def __str__(self) -> str:
        return f"{self.hash[:12]} by {self.user_id}"


class CommentQuerySet(models.QuerySet):
    def open(self) -> CommentQuerySet:
        """Comments nobody has resolved."""
        return self.filter(resolved_at=None)


class Comment(models.Model):
    """A remark on a card, or on a phrase quoted from it.

    It stays when the text changes: a quote that no longer stands in the card is outdated, not gone.
    """

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="comments")
    card = models.ForeignKey(Card, models.PROTECT, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    body = models.TextField()
    quote = models.TextField(blank=True)
    hash = models.CharField(max_length=64, blank=True, help_text=_("What the card was then."))
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["issue", "card"], condition=Q(resolved_at=None), name="comments_open"
            )
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(body=""), name="comment_says_something"),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="comment_is_resolved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class Presence(models.Model):
    """Where somebody was last seen at work. One row a person and issue, however many tabs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, models.CASCADE, related_name="presences")
    card = models.ForeignKey(Card, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "user"], name="one_presence_an_issue")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.issue_id}/{self.card_id}"


class Preference(models.Model):
    """How somebody works: their keys where they differ from the usual, and what they were shown."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference")
    keys = models.JSONField(default=dict, blank=True)
    keys_off = models.BooleanField(default=False)
    guided = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"preference of {self.user_id}"

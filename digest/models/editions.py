"""What was signed, for ever."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from digest.models.issues import Issue
from digest.models.pictures import Picture


class Edition(models.Model):
    """A signed issue, whole and for ever: its bytes, its document, its cover, its signature.

    Rows are never changed or deleted (trigger).
    """

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="editions")
    number = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    document = models.JSONField()
    slug = models.CharField(max_length=100)
    title = models.TextField()
    cover = models.ForeignKey(Picture, models.PROTECT, null=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(default=timezone.now)
    rule = models.CharField(
        max_length=10,
        blank=True,
        help_text=_("The deadline rule that made it under its signature; empty if a person did."),
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "number"], name="one_edition_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.issue_id}/{self.number} {self.sha256[:12]}"

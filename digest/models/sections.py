"""The headings of an issue, and the passages below those that hold no cards."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from digest import document


class Section(models.Model):
    """A heading of an issue with the cards or the passages below it."""

    class Kind(models.TextChoices):
        CARDS = "cards", _("cards")
        INSIGHT = "insight", _("insight")
        READING = "reading", _("reading list")

    issue = models.ForeignKey("Issue", models.PROTECT, related_name="sections")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CARDS)
    title = models.CharField(max_length=document.LINE_LIMIT)
    lead = models.TextField(blank=True)
    came_empty = models.BooleanField(
        default=False, help_text=_("The draft had it without cards; others vanish when emptied.")
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "position"],
                name="one_section_a_position",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["cards", "insight", "reading"]), name="section_kind_known"
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="sections_count_from_one"),
        ]

    def __str__(self) -> str:
        return self.title


class Passage(models.Model):
    """A titled piece of Markdown in the insight or the reading list."""

    section = models.ForeignKey(Section, models.PROTECT, related_name="passages")
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=document.LINE_LIMIT, blank=True)
    body = models.TextField(blank=True)
    machine = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["section", "position"], name="one_passage_a_position"),
            models.CheckConstraint(condition=Q(position__gte=1), name="passages_count_from_one"),
        ]

    def __str__(self) -> str:
        return self.title or self.body[:40]

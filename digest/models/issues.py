"""The working copy of a day, with its tags, and the questions its hour is asked by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from taggit.managers import TaggableManager
from taggit.models import ItemBase

from digest import document
from digest.models.cards import Card
from digest.models.desks import Desk
from digest.models.names import is_slug
from digest.models.pictures import Picture
from digest.models.terms import Term


class IssueQuerySet(models.QuerySet):
    def of(self, desk: Desk) -> IssueQuerySet:
        """The issues of one desk, newest first."""
        return self.filter(desk=desk).order_by("-date")

    def whole(self) -> IssueQuerySet:
        """Issues with all that a document is made of, in a constant number of queries."""
        without_picture = self.select_related("desk", "cover").defer("cover__content")
        return without_picture.prefetch_related(
            "tag_items__tag", "sections__passages", models.Prefetch("sections__cards", Card.whole())
        )

    def due(self, now: datetime) -> IssueQuerySet:
        """Issues to publish now: their hour has come and the desk's grace has not run out."""
        return self.filter(
            _of_any_desk(lambda desk: Q(due_at__gt=desk.missed_before(now))),
            due_at__lte=now,
            missed_at=None,
            held_at=None,
        )

    def missed(self, now: datetime) -> IssueQuerySet:
        """Issues whose hour passed while nobody could publish them, and nobody has said so yet.
        What is held was not missed."""
        late = _of_any_desk(lambda desk: Q(due_at__lte=desk.missed_before(now)))
        return self.filter(late, missed_at=None, held_at=None)


def _of_any_desk(condition: Callable[[Desk], Q]) -> Q:
    """A condition that differs from desk to desk. (SQLite cannot subtract a column from a time.)"""
    either = Q(pk__in=[])
    for desk in Desk.objects.all():
        either |= Q(desk=desk) & condition(desk)
    return either


class Issue(models.Model):
    """The working copy of one day of one desk. What was signed of it stands in its editions.

    `machine` is what the machine last wrote for the fields that people may change (front matter,
    lead, footer): a field that still equals it is untouched.
    `hour` is its own moment to go out, where that is not the desk's. `due_at` and `due_edition`
    are set while a signed edition waits for its moment; `missed_at` says that nobody was there to
    publish it and that it does not go out by itself any more. While `held_at` is set, nothing of it
    moves. `published` is what readers see.
    """

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="issues")
    date = models.DateField()
    slug = models.CharField(max_length=100, validators=[is_slug])
    front_matter = models.JSONField(default=dict)
    lead = models.TextField(blank=True)
    footer = models.TextField(blank=True)
    machine = models.JSONField(default=dict)
    cover = models.ForeignKey(Picture, models.PROTECT, null=True, blank=True)
    insight_hash = models.CharField(max_length=64, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    due_edition = models.ForeignKey(
        "Edition", models.PROTECT, null=True, blank=True, related_name="+"
    )
    published = models.ForeignKey(
        "Edition", models.PROTECT, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    hour = models.DateTimeField(null=True, blank=True)
    missed_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    held_note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    tags = TaggableManager(through="IssueTag", blank=True, ordering=["issue_items__position"])

    objects = IssueQuerySet.as_manager()

    class Meta:
        ordering = ["-date", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["desk", "date"], name="one_issue_a_day"),
            models.UniqueConstraint(fields=["desk", "slug"], name="one_issue_a_slug"),
            models.CheckConstraint(
                condition=Q(due_at=None) | Q(due_edition__isnull=False),
                name="what_is_due_is_an_edition",
            ),
        ]
        indexes = [
            # What is still in work is found without looking through the archive.
            models.Index(
                fields=["desk", "date"], condition=Q(published=None), name="issues_in_work"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.desk.slug} {self.date}"

    @property
    def is_missed(self) -> bool:
        """Whether its hour has passed by more than the desk's grace."""
        if self.due_at is None or self.held_at:
            return False
        late = self.due_at <= self.desk.missed_before(timezone.now())
        return self.missed_at is not None or late

    @property
    def moment(self) -> datetime:
        """When it is to go out: at its own hour or at the desk's (UTC)."""
        return self.hour or self.desk.hour_of(self.date)

    @property
    def title(self) -> str:
        """The title as the front matter has it, or the day."""
        return document.FrontMatter(**self.front_matter).text("title") or str(self.date)


class IssueTag(ItemBase):
    """That an issue carries a tag, and at which place of its list."""

    content_object = models.ForeignKey(Issue, models.CASCADE, related_name="tag_items")
    tag = models.ForeignKey(Term, models.PROTECT, related_name="issue_items")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "position"], name="one_tag_a_position"
            )
        ]

"""The machine's rows: where it looks, what it read, and each of its runs."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from digest import document
from digest.drafting import articles, entries

LANGUAGES = [("zh-Hant", "zh-Hant"), ("zh-Hans", "zh-Hans"), ("en", "en")]


def is_link(url: str) -> None:
    """Refuse (ValidationError) what is no absolute http(s) address."""
    try:
        document.check_url(url)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Feed(models.Model):
    """A source the machine asks, and how it was when it was last asked.

    `section`, `weight` and `language` are said of its articles; `full_text` has the pages behind
    its links read as well. `errors` counts failures in a row.
    """

    desk = models.ForeignKey("digest.Desk", models.PROTECT, related_name="feeds")
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500, validators=[is_link])
    kind = models.CharField(max_length=20, choices=[(k, k) for k in entries.KINDS], default="feed")
    section = models.CharField(
        max_length=document.LINE_LIMIT,
        blank=True,
        help_text=_("Title of the section its articles probably belong to."),
    )
    weight = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0), MaxValueValidator(10)],
        help_text=_("How much its articles count, 0 to 10; 1 is usual."),
    )
    language = models.CharField(max_length=10, blank=True, choices=LANGUAGES)
    enabled = models.BooleanField(default=True)
    full_text = models.BooleanField(
        default=False, help_text=_("Read the pages behind its links: it has only their beginning.")
    )
    etag = models.CharField(max_length=300, blank=True, editable=False)
    modified = models.CharField(max_length=300, blank=True, editable=False)
    errors = models.PositiveIntegerField(default=0, editable=False)
    is_gone = models.BooleanField(default=False, editable=False)
    tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    read_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, editable=False)
    fault = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["desk", "url"], name="one_feed_an_address"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def value(self) -> entries.Feed:
        """The feed as the machine takes it."""
        return entries.Feed(
            name=self.name,
            url=self.url,
            kind=self.kind,
            section=self.section,
            weight=self.weight,
            language=self.language,
            etag=self.etag,
            modified=self.modified,
            errors=self.errors,
            last_tried=self.tried_at,
            next_try=self.next_try_at,
            is_gone=self.is_gone,
        )

    @property
    def is_degraded(self) -> bool:
        """Whether somebody should look at it."""
        return self.enabled and (self.errors > 0 or self.is_gone)


class Article(models.Model):
    """What a feed gave, kept as evidence for some weeks. What has no date stays, without its text:
    that it was read is all that tells it from news. `snapshot` names the file it came from (its
    hash) where it came from one; those are of that file's run alone."""

    desk = models.ForeignKey("digest.Desk", models.PROTECT, related_name="articles")
    snapshot = models.CharField(max_length=64, blank=True)
    feed = models.CharField(max_length=200)
    hash = models.CharField(max_length=64, help_text=_("Of its feed, its file and its key."))
    key = models.TextField()
    url = models.TextField()
    title = models.TextField()
    text = models.TextField(blank=True)
    author = models.TextField(blank=True)
    outlet = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=10, blank=True)
    section = models.CharField(max_length=document.LINE_LIMIT, blank=True)
    weight = models.FloatField(default=1.0)
    tags = models.JSONField(default=list)
    published_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            # By a hash: an index has no room for every link.
            models.UniqueConstraint(fields=["desk", "hash"], name="one_article_a_feed")
        ]
        indexes = [models.Index(fields=["desk", "fetched_at"], name="articles_by_age")]

    def __str__(self) -> str:
        return self.title[:80]

    @classmethod
    def of(cls, article: articles.Article, desk_id: int, snapshot: str = "") -> Article:
        """The row of an article, not yet saved."""
        named = "\n".join([snapshot, article.feed, article.key])
        return cls(
            desk_id=desk_id,
            snapshot=snapshot,
            feed=article.feed[:200],
            hash=hashlib.sha256(named.encode("utf-8", "replace")).hexdigest(),
            key=article.key,
            url=article.url,
            title=article.title,
            text=article.text,
            author=article.author,
            outlet=article.outlet[:300],
            language=article.language,
            section=article.section[: document.LINE_LIMIT],
            weight=article.weight,
            tags=list(article.tags),
            published_at=article.published,
            fetched_at=article.fetched,
        )

    @property
    def value(self) -> articles.Article:
        """The article as the machine takes it."""
        return articles.Article(
            url=self.url,
            key=self.key,
            title=self.title,
            text=self.text,
            fetched=self.fetched_at,
            published=self.published_at,
            outlet=self.outlet,
            feed=self.feed,
            language=self.language,
            author=self.author,
            section=self.section,
            weight=self.weight,
            tags=tuple(self.tags),
        )


class RunQuerySet(models.QuerySet):
    def takeable(self, now: datetime) -> RunQuerySet:
        """Runs somebody may go on with: nobody is at them, or whoever was is gone."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=now)
        return self.filter(free, state=Run.State.RUNNING)


class Run(models.Model):
    """One go at drafting a day, from asking the feeds to the draft on the desk.

    `stage` is what is done now or was done last; `seconds` and `counts` are told by stage and by
    what was counted, `faults` are sentences about feeds and articles, `flags` about the issue.
    `claimed_until` is the lease of whoever works on it; a run whose worker died is gone on with
    once it has run out. `content` is the finished draft, so that a run that is killed before the
    draft has landed does not write it twice.
    """

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("run", "running")
        DONE = "done", pgettext_lazy("run", "done")
        FAILED = "failed", pgettext_lazy("run", "failed")

    class Stage(models.TextChoices):
        COLLECT = "collect", pgettext_lazy("run", "collect")
        GROUP = "group", pgettext_lazy("run", "group")
        WRITE = "write", pgettext_lazy("run", "write")
        COMPOSE = "compose", pgettext_lazy("run", "compose")
        LAND = "land", pgettext_lazy("run", "land")

    desk = models.ForeignKey("digest.Desk", models.PROTECT, related_name="runs")
    day = models.DateField()
    writer = models.CharField(max_length=20)
    snapshot = models.BinaryField(default=bytes, editable=False)
    snapshot_name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.COLLECT)
    asked_by = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    seconds = models.JSONField(default=dict)
    faults = models.JSONField(default=list)
    flags = models.JSONField(default=list)
    error = models.TextField(blank=True)
    content = models.BinaryField(default=bytes, editable=False)
    insight = models.JSONField(default=dict)
    draft = models.ForeignKey(
        "digest.Draft", models.PROTECT, null=True, blank=True, related_name="runs"
    )
    marked_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["desk"], condition=Q(state="running"), name="one_run_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.desk_id} {self.day} #{self.pk}"

    @property
    def took(self) -> timedelta | None:
        """How long it took from the first request to the draft; None while it runs."""
        return self.finished_at and self.finished_at - self.started_at


class WrittenCard(models.Model):
    """A card a run has written, and how: what it costs to write is spent once."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="cards")
    topic = models.CharField(max_length=64, help_text=_("The hash of its articles."))
    card = models.JSONField()
    hash = models.CharField(max_length=64)
    writer = models.CharField(max_length=200)
    marks = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "topic"], name="one_card_a_topic")]

    def __str__(self) -> str:
        return self.card.get("headline", "")

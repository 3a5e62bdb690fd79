"""The rows: a desk, its issues and their parts, what came in, what was signed, what went out.

Promises that must hold whatever the Python does (unique, check, protect) stand here as constraints;
those Django cannot say (immutable editions, append-only events) are made by digest.promises.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from taggit.managers import TaggableManager
from taggit.models import ItemBase, TagBase

from digest import document
from digest.folding import fold
from digest.search import Search

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
is_slug = RegexValidator(rf"\A{SLUG}\Z", _("Lower-case letters, digits and single hyphens."))


def sha256(content: bytes) -> str:
    """The hash by which content is named, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def is_zone(name: str) -> None:
    """Refuse (ValidationError) a name that is not an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(_("“%(zone)s” is not a time zone."), params={"zone": name})


def is_no_inbox_folder(slug: str) -> None:
    """Refuse (ValidationError) a desk whose inbox would be where others' finished drafts lie."""
    if slug in ("done", "broken"):
        raise ValidationError(_("“%(slug)s” is a folder of the inbox."), params={"slug": slug})


#: The least `Desk.grace`, in minutes: the publisher comes once in a minute, and may come late.
LEAST_GRACE = 5
is_grace = MinValueValidator(
    LEAST_GRACE,
    _("At least %(limit_value)s minutes: with less an issue may be missed at its very hour."),
)


class Desk(models.Model):
    """Who makes an issue a day: its title, its sections, its hour and its rules.

    Its people are `editorial.Membership`s. One desk exists from the first migration on.
    """

    slug = models.CharField(max_length=50, unique=True, validators=[is_slug, is_no_inbox_folder])
    title = models.CharField(max_length=200)
    sections = models.JSONField(
        default=list, blank=True, help_text=_("Titles of the sections an issue usually has.")
    )
    zone = models.CharField(max_length=64, default="Asia/Taipei", validators=[is_zone])
    publication_hour = models.TimeField(default="06:50")
    grace = models.PositiveSmallIntegerField(
        default=180,
        help_text=_("Minutes a late issue may still go out by itself."),
        validators=[is_grace],
    )
    four_eyes = models.BooleanField(
        default=False,
        help_text=_(
            "Nobody approves what they changed last, or signs an issue whose insight they did."
        ),
    )

    drafts_at = models.TimeField(
        null=True,
        blank=True,
        default="05:30",
        help_text=_("When the machine drafts the day, where the desk has feeds; empty for never."),
    )

    class Rule(models.TextChoices):
        HOLD = "hold", _("nothing goes out unsigned")
        APPROVED = "approved", _("approved cards only")
        NOTICE = "notice", _("a notice to readers")

    deadline_rule = models.CharField(max_length=10, choices=Rule.choices, default=Rule.HOLD)
    notice = models.TextField(blank=True, max_length=2_000)
    rule_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    rule_signed_at = models.DateTimeField(null=True, blank=True)
    hugo_folder = models.CharField(
        max_length=50,
        blank=True,
        unique=True,
        validators=[is_slug],
        help_text=_("Folder of this desk's Hugo tree below HUGO_TREE; empty for its root."),
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(grace__gte=LEAST_GRACE), name="grace_lets_a_publisher_come"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args, **kwargs) -> None:
        """A new desk writes posts for Hugo until somebody gives it other channels."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new:
            Channel.objects.create(desk=self, name="hugo", kind="hugo")

    def today(self, now: datetime | None = None) -> date:
        """The day it is in the newsroom."""
        return (now or timezone.now()).astimezone(ZoneInfo(self.zone)).date()

    def missed_before(self, now: datetime) -> datetime:
        """Issues due at or before this moment are too late to go out by themselves."""
        return now - timedelta(minutes=self.grace)

    def hour_of(self, day: date) -> datetime:
        """The moment (UTC) at which the issue of a day is to go out."""
        local = datetime.combine(day, self.publication_hour, ZoneInfo(self.zone))
        return local.astimezone(UTC)

    def drafting_hour_of(self, day: date) -> datetime:
        """The moment (UTC) at which the machine begins the draft of a day, if it has an hour."""
        return datetime.combine(day, self.drafts_at, ZoneInfo(self.zone)).astimezone(UTC)


class Term(TagBase):
    """A tag or an entity, spelled as it was written; `folded` joins the spellings of one name."""

    name = models.CharField(max_length=document.LINE_LIMIT, unique=True)
    slug = models.CharField(max_length=100, unique=True)
    folded = models.CharField(max_length=document.LINE_LIMIT, db_index=True, editable=False)

    def save(self, *args, **kwargs) -> None:
        self.folded = self.key_of(self.name)
        super().save(*args, **kwargs)

    @staticmethod
    def key_of(name: str) -> str:
        """The key under which a name is found. (Folded, one character may become eighteen.)"""
        return fold(name)[: document.LINE_LIMIT]

    def slugify(self, tag: str, i: int | None = None) -> str:
        """A slug no other name has: `..` and `C++` have none of their own, `C` and `c` the same."""
        return f"{slugify(tag, allow_unicode=True)[:60] or 'term'}-{sha256(tag.encode())[:12]}"


class Picture(models.Model):
    """A cover, kept once however many drafts carry it.

    Rows are never changed or deleted (trigger).
    """

    sha256 = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    media_type = models.CharField(max_length=50)

    def __str__(self) -> str:
        return f"{self.media_type} {self.sha256[:12]}"


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


class Section(models.Model):
    """A heading of an issue with the cards or the passages below it."""

    class Kind(models.TextChoices):
        CARDS = "cards", _("cards")
        INSIGHT = "insight", _("insight")
        READING = "reading", _("reading list")

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="sections")
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


class CardQuerySet(models.QuerySet):
    def whole(self) -> CardQuerySet:
        """Cards with all that their value is made of."""
        entities = models.Prefetch("entity_items", CardEntity.objects.select_related("tag"))
        return self.prefetch_related("sources", entities)

    def standing(self) -> CardQuerySet:
        """Cards that are part of the issue: those nobody dropped."""
        return self.filter(dropped=False)

    def containing(self, text: str | Search) -> CardQuerySet:
        """Cards in which each part of a text stands, whatever its case, width, hyphens or script.

        Of Latin words and numbers the beginning is enough, of Chinese any piece. A text without a
        letter is in no card.
        """
        search = text if isinstance(text, Search) else Search.of(text)
        if search is None:
            return self.none()
        return self.filter(words__found_by=search)


class Card(models.Model):
    """A topic of an issue.

    `hash` names its present text; `machine` is what the machine wrote and `machine_hash` its name,
    so that a card people have changed is told by comparing the two. `folded` is what a search
    looks into, `words` how it gets there without reading every card (see `digest.folding`).
    """

    section = models.ForeignKey(Section, models.PROTECT, related_name="cards")
    position = models.PositiveIntegerField()
    headline = models.CharField(max_length=document.LINE_LIMIT)
    summary = models.TextField(blank=True)
    details = models.TextField(blank=True)
    applications = models.TextField(blank=True)
    importance = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=[(i.value, i.label) for i in document.Importance]
    )
    importance_note = models.CharField(max_length=document.LINE_LIMIT, blank=True)
    rest = models.TextField(blank=True)
    labels = models.JSONField(default=dict, blank=True)
    layout = models.JSONField(default=list, blank=True)
    machine = models.JSONField(default=dict)
    dropped = models.BooleanField(default=False)
    hash = models.CharField(max_length=64)
    machine_hash = models.CharField(max_length=64, blank=True, editable=False)
    folded = models.TextField(editable=False)
    words = models.TextField(default="", editable=False)

    entities = TaggableManager(through="CardEntity", blank=True, ordering=["card_items__position"])

    objects = CardQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["section", "position"],
                name="one_card_a_position",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="cards_count_from_one"),
            models.CheckConstraint(
                condition=Q(importance__isnull=True) | Q(importance__range=(1, 5)),
                name="importance_from_1_to_5",
            ),
        ]
        indexes = [models.Index(fields=["hash"])]

    def __str__(self) -> str:
        return self.headline

    @classmethod
    def whole(cls) -> CardQuerySet:
        """All cards with all that their value is made of."""
        return cls.objects.whole()


class Source(models.Model):
    """A link a card rests on."""

    card = models.ForeignKey(Card, models.CASCADE, related_name="sources")
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=document.LINE_LIMIT)
    url = models.CharField(max_length=document.URL_LIMIT)
    host = models.CharField(max_length=255, db_index=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["card", "position"], name="one_source_a_position")
        ]

    def __str__(self) -> str:
        return self.title


class CardEntity(ItemBase):
    """That a card names an entity, and at which place of its list."""

    content_object = models.ForeignKey(Card, models.CASCADE, related_name="entity_items")
    tag = models.ForeignKey(Term, models.PROTECT, related_name="card_items")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "position"], name="one_entity_a_position"
            )
        ]


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


class Channel(models.Model):
    """A place the editions of a desk go. `config` is what its kind asks for (digest.channels)."""

    desk = models.ForeignKey(Desk, models.CASCADE, related_name="channels")
    name = models.CharField(max_length=20, validators=[is_slug])
    kind = models.CharField(max_length=20)
    config = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["desk", "name"], name="one_channel_a_name")]

    def __str__(self) -> str:
        return self.name


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


class MachineToken(models.Model):
    """A machine's key to the API. Only its hash is kept; the key itself is shown once."""

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="tokens")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(cls, *, desk: Desk, user, name: str) -> tuple[MachineToken, str]:
        """A new token and its key, which cannot be had again.

        The key has 256 random bits, so a plain hash keeps it; a slow one would only slow requests.
        """
        key = f"cdk_{secrets.token_urlsafe(32)}"
        return cls.objects.create(desk=desk, user=user, name=name, digest=sha256(key.encode())), key

    @classmethod
    def holder(cls, key: str) -> MachineToken | None:
        """The unrevoked token a key belongs to, whose user is active."""
        return (
            cls.objects.select_related("desk", "user")
            .filter(digest=sha256(key.encode()), revoked_at=None, user__is_active=True)
            .first()
        )


# The machine's own rows. They name the desk's only as strings.
from digest.models.machine import Article, Feed, Run, WrittenCard  # noqa: E402, F401

"""The topics of an issue, with the links they rest on and the entities they name."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from taggit.managers import TaggableManager
from taggit.models import ItemBase

from digest import document
from digest.models.sections import Section
from digest.models.terms import Term
from digest.search import Search


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

"""Cards as Django admin and its sorting want them. (These tables exist in the bench's run only.)"""

from django.db import connection, models

from digest.document import LINE_LIMIT
from digest.models import Card, Issue


class FoundCard(Card):
    """The desk's own cards once more, for a second admin: one that searches."""

    class Meta:
        proxy = True


class SortableCard(models.Model):
    """A copy of a card with its issue and its place in it as columns.

    The admin's inlines need the one. django-admin-sortable2 needs the other, and it numbers rows
    one after the other, which the desk's unique places (`digest.promises`) refuse on SQLite: so
    this table promises nothing about them. What an admin would never show (hashes, search keys,
    what the machine wrote) is left out, which makes these the lighter rows.
    """

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="+")
    order = models.PositiveIntegerField(db_index=True)
    headline = models.CharField(max_length=LINE_LIMIT)
    summary = models.TextField(blank=True)
    details = models.TextField(blank=True)
    applications = models.TextField(blank=True)
    importance = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=Card._meta.get_field("importance").choices
    )
    importance_note = models.CharField(max_length=LINE_LIMIT, blank=True)
    rest = models.TextField(blank=True)
    dropped = models.BooleanField(default=False)

    class Meta:
        ordering = ["order"]

    def __str__(self) -> str:
        return self.headline


def copy_cards() -> None:
    """Make the copies of all the cards there are, in place of those there were."""
    same = [field.column for field in SortableCard._meta.fields if field.name in _OF_A_CARD]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM benches_sortablecard")
        cursor.execute(
            f'INSERT INTO benches_sortablecard (id, issue_id, "order", {", ".join(same)}) '
            "SELECT c.id, s.issue_id, row_number() OVER "
            "(PARTITION BY s.issue_id ORDER BY s.position, c.position), "
            f"{', '.join(f'c.{column}' for column in same)} "
            "FROM digest_card c JOIN digest_section s ON s.id = c.section_id"
        )


_OF_A_CARD = {field.name for field in Card._meta.fields} - {"id"}

"""Years of published issues, copied inside of the database from one that is there.

Reading, folding and rendering 65,700 cards would take the better part of an hour, and no page that
is measured over an archive asks who made it.
"""

from __future__ import annotations

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models import Max
from django.utils import timezone

from digest import search
from digest.editions import proof_of
from digest.models import Card, CardEntity, Desk, Edition, Issue, IssueTag, Passage, Section, Source
from editorial.models import Approval, Membership

#: What of an issue is copied, each after what it belongs to: model → the column that says so.
_COPIED: dict[type[models.Model], tuple[str, type[models.Model]]] = {
    Section: ("issue_id", Issue),
    Card: ("section_id", Section),
    Passage: ("section_id", Section),
    Source: ("card_id", Card),
    CardEntity: ("content_object_id", Card),
    IssueTag: ("content_object_id", Issue),
}


def build(desk: Desk, template_issue: Issue, days: int, by: Membership) -> None:
    """Fill the days before an issue with copies of it: approved card by card, signed, published.

    `days` is how many; the template itself is left as it is. The copies' editions hold no bytes:
    no page of the desk reads those.
    """
    step = {m: (m.objects.aggregate(n=Max("pk"))["n"] or 0) + 1 for m in (Issue, *_COPIED)}
    copies = f"(SELECT {template_issue.pk} + n * {step[Issue]} FROM days)"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Made anew when all is there: word by word it would take several times as long.
            cursor.execute(f"DROP INDEX {search.INDEX}")
            cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")

        def insert(model: type[models.Model], columns: dict[str, str], rest: str) -> None:
            cursor.execute(
                f"{_days(days)} INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
                f"SELECT {', '.join(columns.values())} {rest}"
            )

        columns = _columns(Issue) | {
            "id": f"t.id + n * {step[Issue]}",
            "desk_id": str(desk.pk),
            "date": "t.date - n" if connection.vendor == "postgresql" else _SQLITE_DAY,
            "slug": "t.slug || '-' || n",
            **dict.fromkeys(("published_id", "published_at", "due_at", "due_edition_id"), "NULL"),
        }
        insert(Issue, columns, f"FROM digest_issue t, days WHERE t.id = {template_issue.pk}")
        ours = {Issue: str(template_issue.pk)}
        for model, (column, owner) in _COPIED.items():
            table = model._meta.db_table
            ours[model] = f"SELECT id FROM {table} WHERE {column} IN ({ours[owner]})"
            columns = _columns(model) | {
                "id": f"t.id + n * {step[model]}",
                column: f"t.{column} + n * {step[owner]}",
            }
            # The template's rows by day, so that the copies of a day lie together.
            insert(model, columns, f"FROM days, {table} t WHERE t.id IN ({ours[model]}) ORDER BY n")
        now = f"'{timezone.now():%Y-%m-%d %H:%M:%S}+00'"
        if connection.vendor == "sqlite":
            now = now.replace("+00", "")
        approval = {"issue_id": "s.issue_id", "card_id": "c.id", "hash": "c.hash"} | {
            "by_id": str(by.user_id),
            "at": now,
        }
        insert(
            Approval,
            approval,
            "FROM digest_card c JOIN digest_section s ON s.id = c.section_id "
            f"WHERE NOT c.dropped AND s.issue_id IN {copies}",
        )
        insight = {"issue_id": "id", "card_id": "NULL", "hash": "insight_hash"}
        insert(
            Approval,
            approval | insight,
            f"FROM digest_issue WHERE insight_hash <> '' AND id IN {copies}",
        )
        proof = proof_of(Issue.objects.whole().get(pk=template_issue.pk))
        edition = {
            "issue_id": "id",
            "number": "1",
            "sha256": f"'{proof.sha256}'",
            "content": "''",
            "document": "'{}'",
            "slug": "slug",
            "title": "slug",
            "signed_by_id": str(by.user_id),
            "signed_at": now,
            "rule": "''",
        }
        insert(Edition, edition, f"FROM digest_issue WHERE id IN {copies}")
        cursor.execute(
            f"{_days(days)} UPDATE digest_issue SET published_at = {now}, published_id = "
            f"(SELECT e.id FROM digest_edition e WHERE e.issue_id = digest_issue.id) "
            f"WHERE id IN {copies}"
        )
        if connection.vendor == "postgresql":
            connection.check_constraints()  # no index is made while some still wait for the end
            cursor.execute(search.POSTGRESQL_INDEX)
        for statement in connection.ops.sequence_reset_sql(no_style(), [Issue, *_COPIED]):
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself in the course of years


_SQLITE_DAY = "date(t.date, '-' || n || ' days')"


def _days(days: int) -> str:
    return (
        "WITH RECURSIVE days(n) AS "
        f"(SELECT 1 UNION ALL SELECT n + 1 FROM days WHERE n < {int(days)})"
    )


def _columns(model: type[models.Model]) -> dict[str, str]:
    return {field.column: f't."{field.column}"' for field in model._meta.concrete_fields}

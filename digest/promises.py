"""Promises the database keeps that Django's models cannot say.

They are made after every migrate, not inside one: SQLite alters a table by building it anew, and
what a migration once attached to the old table is silently gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections

#: Rows of these tables are only ever added: signatures, approvals and the record of what happened.
APPEND_ONLY = ("digest_edition", "digest_event", "editorial_approval", "editorial_withdrawal")
#: SQLite has no deferrable unique constraints and Django leaves them out there: table → columns.
UNIQUE_ON_SQLITE = {
    "digest_section": ("issue_id", "position"),
    "digest_card": ("section_id", "position"),
}

_REFUSE_ON_POSTGRESQL = """
CREATE OR REPLACE FUNCTION copydesk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def make_promises(sender, using: str = "default", **kwargs) -> None:
    """Make the promises for the tables of one app (a `post_migrate` receiver)."""
    connection = connections[using]
    own = {model._meta.db_table for model in sender.get_models()}
    # An app can be migrated back to nothing: then there is nothing to promise.
    present = own & set(connection.introspection.table_names())
    statements = [
        *(s for table in APPEND_ONLY if table in present for s in _append_only(connection, table)),
        *(
            f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_place ON {table} ({', '.join(columns)})"
            for table, columns in UNIQUE_ON_SQLITE.items()
            if table in present and connection.vendor == "sqlite"
        ),
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _append_only(connection, table: str) -> Iterable[str]:
    if connection.vendor == "sqlite":
        for action in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{action.lower()} "
                f"BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
            )
    else:
        yield _REFUSE_ON_POSTGRESQL
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION copydesk_append_only()"
        )

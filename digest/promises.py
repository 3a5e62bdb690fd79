"""Promises the database keeps that Django's models cannot say.

They are made after every migrate, not inside one: SQLite alters a table by building it anew, and
what a migration once attached to the old table is silently gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections

from digest import search

#: Rows of these tables are only ever added: signatures, approvals, the record of what happened, and
#: the pictures that were signed with it.
APPEND_ONLY = (
    "digest_edition",
    "digest_event",
    "digest_picture",
    "editorial_approval",
    "editorial_withdrawal",
)
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
        if search.CARDS in own:
            _index_words(connection, cursor, has_cards=search.CARDS in present)


def let_go_of_words(sender, using: str = "default", plan=(), **kwargs) -> None:
    """Before migrations of this app, take away the triggers that would stand in their way (a
    `pre_migrate` receiver). What they missed is indexed when all is done."""
    connection = connections[using]
    if connection.vendor == "sqlite" and any(
        migration.app_label == sender.label for migration, _backwards in plan
    ):
        with connection.cursor() as cursor:
            for name in search.SQLITE_TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _index_words(connection, cursor, *, has_cards: bool) -> None:
    """Make the index of the cards' words, and make it true where it is not."""
    has_words = has_cards and any(
        column.name == "words"
        for column in connection.introspection.get_table_description(cursor, search.CARDS)
    )
    if connection.vendor == "sqlite":
        _index_words_on_sqlite(cursor, has_words=has_words)
    elif has_words:
        cursor.execute(search.POSTGRESQL_INDEX)


def _index_words_on_sqlite(cursor, *, has_words: bool) -> None:
    wanted = {
        name: f"CREATE TRIGGER {name} {does}" for name, does in search.SQLITE_TRIGGERS.items()
    } | {search.INDEX: search.SQLITE_INDEX}
    cursor.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name IN (%s, %s)",
        [
            search.CARDS,
            search.INDEX,
        ],
    )
    present = dict(cursor.fetchall())
    stands = {name: present.get(name) == sql for name, sql in wanted.items()}
    if has_words and all(stands.values()) and _knows_every_card(cursor):
        return
    for name in search.SQLITE_TRIGGERS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    if not (has_words and stands[search.INDEX]):
        cursor.execute(f"DROP TABLE IF EXISTS {search.INDEX}")
    if not has_words:
        return
    if not stands[search.INDEX]:
        cursor.execute(search.SQLITE_INDEX)
    # While a trigger was missing anything may have happened to the cards.
    cursor.execute(f"INSERT INTO {search.INDEX} ({search.INDEX}) VALUES ('rebuild')")  # noqa: S608  our name
    for name in search.SQLITE_TRIGGERS:
        cursor.execute(wanted[name])


def _knows_every_card(cursor) -> bool:
    cards = f"(SELECT count(*) FROM {search.CARDS})"  # noqa: S608  a name of ours
    known = f"(SELECT count(*) FROM {search.INDEX}_docsize)"  # noqa: S608  a name of ours
    cursor.execute(f"SELECT {cards} = {known}")
    return bool(cursor.fetchone()[0])


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

"""System checks: whether the settings we rely on really took effect.

An option of a database at the wrong level is not refused, it just does nothing. So the checks of
the database look at the open connection instead of the settings. `migrate` runs them, and so does
`check --database default`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

#: What each pragma has to answer, and what is at stake.
PRAGMAS = {
    "journal_mode": ("wal", "readers and the writer would lock each other out"),
    "synchronous": (2, "a signature could be lost in a power cut (2 is FULL)"),
    "foreign_keys": (1, "a row could refer to one that does not exist"),
    "recursive_triggers": (1, "REPLACE could take the place of a signed row"),
}


@register(Tags.database)
def check_sqlite(databases: Iterable[str] | None = None, **kwargs) -> list[CheckMessage]:
    """Every SQLite file among the databases has our pragmas and our kind of transaction."""
    return [
        problem
        for alias in databases or ()
        if connections[alias].vendor == "sqlite" and not connections[alias].is_in_memory_db()
        for problem in _problems_of_sqlite(connections[alias])
    ]


def _problems_of_sqlite(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    for pragma, (wanted, stake) in PRAGMAS.items():
        with connection.cursor() as cursor:
            found = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
        if found != wanted:
            yield Error(
                f"PRAGMA {pragma} is {found} instead of {wanted}: {stake}.",
                hint="It is set by OPTIONS['init_command'] of the database.",
                obj=connection.alias,
                id="digest.E001",
            )
    begin = _first_words_of_a_transaction(connection)
    if begin and not begin.startswith("BEGIN IMMEDIATE"):
        yield Error(
            f"Transactions start with {begin!r}: two that read and then write fail each other.",
            hint="OPTIONS['transaction_mode'] of the database must be 'IMMEDIATE'.",
            obj=connection.alias,
            id="digest.E002",
        )


def _first_words_of_a_transaction(connection: BaseDatabaseWrapper) -> str:
    """What the database is told when a transaction starts; empty inside of one."""
    if connection.in_atomic_block:
        return ""
    with CaptureQueriesContext(connection) as queries, transaction.atomic(connection.alias):
        pass
    return queries[0]["sql"]


@register(Tags.files, deploy=True)
def check_folders(**kwargs) -> list[CheckMessage]:
    """The folders that drafts come from and editions go to can be written, or made."""
    return [
        Warning(
            f"{name} is {folder}, where nothing can be written.",
            hint="Give the folder to the user that Copydesk runs as.",
            id="digest.W001",
        )
        for name in ("VAR_DIR", "INBOX_DIR", "HUGO_TREE")
        if not _is_writable(folder := Path(getattr(settings, name)))
    ]


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the one it would be made in."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


@register(Tags.security, deploy=True)
def check_hosts(**kwargs) -> list[CheckMessage]:
    """The host of a request is one of ours: links in mails and redirects are made from it."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS takes requests for any host: a forged one ends up in our links.",
            hint="Name the hosts, for example ALLOWED_HOSTS=desk.example.org.",
            id="digest.W002",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_broker(**kwargs) -> list[CheckMessage]:
    """A server's broker is named: the socket of `make desk` has nobody behind it elsewhere."""
    if settings.REDIS_SOCKET is None:
        return []
    return [
        Warning(
            "REDIS_URL is not set: without `make desk`, nothing answers at its socket.",
            hint="Name the Redis, for example REDIS_URL=redis://redis:6379/0.",
            id="digest.W003",
        )
    ]

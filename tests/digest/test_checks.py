"""The system checks find an SQLite whose settings did not take effect."""

from __future__ import annotations

import pytest
from django.db import connections

from digest import checks
from digest import settings as product

pytestmark = pytest.mark.django_db


@pytest.fixture
def sqlite(tmp_path):
    """Makes connections to a file of their own, known by the alias `extra`."""

    def connect(**options):
        settings = connections.configure_settings(
            {
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": str(tmp_path / "extra.sqlite3"),
                    "OPTIONS": options,
                }
            }
        )["default"]
        connections.settings["extra"] = settings
        connection = connections.create_connection("extra")
        connection.connect()  # pytest-django lets no alias connect that it does not know
        connections["extra"] = connection
        return connection

    yield connect
    connections["extra"].close()
    del connections["extra"], connections.settings["extra"]


@pytest.fixture
def ours():
    """The options that the settings give an SQLite."""
    if "init_command" not in product.DATABASES["default"].get("OPTIONS", {}):
        pytest.skip("these tests run on another database")
    return product.DATABASES["default"]["OPTIONS"]


def problems() -> list[str]:
    return [problem.msg for problem in checks.check_sqlite(databases=["extra"])]


@pytest.mark.django_db(transaction=True)
def test_the_database_of_the_tests_is_in_order():
    assert checks.check_sqlite(databases=["default"]) == []


def test_our_options_are_in_order(sqlite, ours):
    sqlite(**ours)
    assert problems() == []


def test_pragmas_that_are_not_in_effect_are_found(sqlite):
    connection = sqlite(transaction_mode="IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=OFF")
    found = problems()
    assert len(found) == 4
    for pragma in ("journal_mode is delete", "synchronous is 1", "foreign_keys is 0"):
        assert any(pragma in sentence for sentence in found)


def test_transactions_that_do_not_lock_at_once_are_found(sqlite, ours):
    sqlite(init_command=ours["init_command"])
    [problem] = problems()
    assert "start with 'BEGIN'" in problem


def test_other_databases_are_not_looked_at():
    assert checks.check_sqlite(databases=None) == []


def test_folder_that_cannot_be_written_is_found(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.HUGO_TREE = tmp_path / "file" / "tree"
    [problem] = checks.check_folders()
    assert "HUGO_TREE" in problem.msg


def test_any_host_and_no_broker_are_found(settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.REDIS_SOCKET = "redis.sock"
    assert checks.check_hosts() and checks.check_broker()
    settings.ALLOWED_HOSTS = ["desk.example.org"]
    settings.REDIS_SOCKET = None
    assert not checks.check_hosts() and not checks.check_broker()

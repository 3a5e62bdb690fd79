"""What the database itself refuses, whatever the Python above it does."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from digest import promises
from digest.models import Card, Desk, Edition, Event, Issue, Passage, Section
from editorial.decisions import decide
from editorial.models import Approval, Withdrawal
from tests.conftest import cards_of

APPEND_ONLY = (Edition, Event, Approval, Withdrawal)
sqlite_only = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL alters a table in its place"
)


def execute(statement: str, *values) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def rows_of(model) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY id")  # noqa: S608
        return cursor.fetchall()


@pytest.fixture
def history(signed, editor):
    """An issue that has a row in each table that only ever grows."""
    card = cards_of(signed.issue)[0]
    decide("withdraw", issue_id=signed.issue_id, card_id=card.pk, by=editor, seen=card.hash)
    assert all(model.objects.exists() for model in APPEND_ONLY)


@pytest.mark.parametrize("model", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"],
    ids=["change", "delete"],
)
def test_what_was_signed_approved_or_recorded_is_never_changed_or_deleted(
    statement, model, history
):
    before = rows_of(model)
    table, column = model._meta.db_table, model._meta.fields[1].column
    with pytest.raises(DatabaseError, match=f"rows of {table} are never changed or deleted"):
        execute(statement.format(table=table, column=column))
    assert rows_of(model) == before


@sqlite_only
@pytest.mark.parametrize("model", APPEND_ONLY)
def test_no_row_takes_the_place_of_one_that_was_signed_approved_or_recorded(model, history):
    """REPLACE deletes what stands in its way, on SQLite by default without asking the triggers."""
    before = rows_of(model)
    table = model._meta.db_table
    with pytest.raises(DatabaseError, match="never changed or deleted"):
        execute(f"REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
    assert rows_of(model) == before


def test_django_cannot_do_it_either(signed):
    signed.sha256 = "0" * 64
    for attempt in (signed.save, signed.delete, Event.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert Edition.objects.get().sha256 != "0" * 64


def test_every_table_whose_rows_are_never_changed_is_tested_here():
    assert set(promises.APPEND_ONLY) == {model._meta.db_table for model in APPEND_ONLY}


# --- unique, check, protect ----------------------------------------------------------------------


def test_two_cards_cannot_have_one_position(issue):
    first, second = cards_of(issue)[:2]
    with pytest.raises(IntegrityError):
        execute(
            "UPDATE digest_card SET section_id = %s, position = %s WHERE id = %s",
            first.section_id,
            first.position,
            second.pk,
        )


def test_two_sections_cannot_have_one_position(issue):
    first, second = issue.sections.all()[:2]
    with pytest.raises(IntegrityError):
        execute("UPDATE digest_section SET position = %s WHERE id = %s", first.position, second.pk)


def test_two_passages_cannot_have_one_position(issue):
    first, second = Passage.objects.filter(section__kind="insight")[:2]
    with pytest.raises(IntegrityError):
        execute("UPDATE digest_passage SET position = %s WHERE id = %s", first.position, second.pk)


def test_a_desk_has_one_issue_a_day_and_another_desk_its_own(issue, other_desk):
    Issue.objects.create(desk=other_desk, date=issue.date, slug=issue.slug)
    with pytest.raises(IntegrityError), transaction.atomic():
        Issue.objects.create(desk=issue.desk, date=issue.date, slug="another-slug")


def test_a_desk_has_one_issue_a_slug(issue):
    with pytest.raises(IntegrityError), transaction.atomic():
        Issue.objects.create(desk=issue.desk, date=date(2026, 3, 1), slug=issue.slug)


def test_an_edition_has_one_number_and_one_delivery_a_channel(signed):
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(
            issue=signed.issue, number=1, content=b"", document={}, signed_by=signed.signed_by
        )
    signed.deliveries.create(channel="hugo")
    with pytest.raises(IntegrityError), transaction.atomic():
        signed.deliveries.create(channel="hugo")


@pytest.mark.parametrize("importance", [0, 6, 100])
def test_an_importance_outside_of_1_to_5_is_refused(importance, issue):
    card = cards_of(issue)[0]
    with pytest.raises(IntegrityError):
        execute("UPDATE digest_card SET importance = %s WHERE id = %s", importance, card.pk)


@pytest.mark.parametrize("table", ["digest_card", "digest_section", "digest_passage"])
def test_positions_count_from_one(table, issue):
    with pytest.raises(IntegrityError):
        execute(f"UPDATE {table} SET position = 0 WHERE position = 1")  # noqa: S608


def test_an_approval_names_a_hash(issue, editor):
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(issue=issue, hash="", by=editor.user)


def test_an_approval_is_taken_back_once(history, editor):
    withdrawal = Withdrawal.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Withdrawal.objects.create(approval=withdrawal.approval, by=editor.user)


@pytest.mark.parametrize("model", [Desk, Issue, Section, Card])
def test_nothing_can_be_deleted_from_under_what_was_signed(model, history):
    row = Card.objects.exclude(approvals=None).first() if model is Card else model.objects.first()
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


# --- promises outlive migrations -----------------------------------------------------------------


def promised() -> set[str]:
    """The triggers and indexes that the promises made."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' OR name LIKE '%%\\_place' "
                "ESCAPE '\\'"
            )
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_the_promises_stand_after_a_migrate_and_after_another():
    made = promised()
    assert len(made) == (13 if connection.vendor == "sqlite" else 4)
    call_command("migrate", verbosity=0)
    assert promised() == made


@sqlite_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [*APPEND_ONLY, Card, Section])
def test_the_promises_come_back_when_a_migration_has_built_a_table_anew(model):
    made = promised()
    with connection.schema_editor() as editor:
        editor._remake_table(model)
    lost = made - promised()
    assert lost, "SQLite used to drop triggers with the old table: what is this test for now?"
    assert all(name.startswith(model._meta.db_table) for name in lost)
    call_command("migrate", verbosity=0)
    assert promised() == made


@sqlite_only
def test_a_missing_promise_would_be_noticed(issue):
    """Without its index SQLite takes two cards at one position: the index is what refuses them."""
    first, second = cards_of(issue)[:2]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX digest_card_place")
        execute(
            "UPDATE digest_card SET section_id = %s, position = %s WHERE id = %s",
            first.section_id,
            first.position,
            second.pk,
        )
        transaction.set_rollback(True)

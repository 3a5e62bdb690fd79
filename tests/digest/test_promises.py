"""What the database itself refuses, whatever the Python above it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from digest import promises
from digest import search as word_index
from digest.folding import fold, words_of
from digest.models import Card, Desk, Edition, Event, Issue, Passage, Picture, Section
from editorial.decisions import decide
from editorial.models import Approval, Withdrawal
from tests.conftest import cards_of

APPEND_ONLY = (Edition, Event, Picture, Approval, Withdrawal)
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
    assert len(made) == (15 if connection.vendor == "sqlite" else 5)
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


# --- the index of words --------------------------------------------------------------------------


def set_words(card: Card, text: str) -> None:
    folded = fold(text)
    Card.objects.filter(pk=card.pk).update(folded=folded, words=words_of(folded))


def indexed(word: str) -> set[int]:
    """The cards the index names for a word, whatever stands in them."""
    sought = replace(word_index.Search.of(word), parts=())
    return set(Card.objects.filter(words__found_by=sought).values_list("pk", flat=True))


def assert_index_is_true() -> None:
    """Fail where SQLite finds its index to be of another text than the cards hold."""
    if connection.vendor == "sqlite":
        name = word_index.INDEX
        execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")  # noqa: S608


def test_the_index_follows_what_happens_to_cards(issue):
    first, second = cards_of(issue)[:2]
    set_words(first, "罕見")
    set_words(second, "罕見 unusual")
    assert indexed("罕見") == {first.pk, second.pk}
    set_words(first, "常見")
    assert indexed("罕見") == {second.pk}
    second.sources.all().delete()
    second.entity_items.all().delete()
    execute("DELETE FROM digest_card WHERE id = %s", second.pk)
    assert indexed("罕見") == indexed("unusual") == set()
    assert_index_is_true()


@sqlite_only
def test_a_card_that_replaces_another_is_found_by_its_own_words(issue):
    first = cards_of(issue)[0]
    set_words(first, "罕見")
    columns = ", ".join(
        f"'{words_of(fold('常見'))}'" if f.column == "words" else f.column
        for f in Card._meta.concrete_fields
    )
    names = ", ".join(f.column for f in Card._meta.concrete_fields)
    execute(
        f"REPLACE INTO digest_card ({names}) SELECT {columns} FROM digest_card "  # noqa: S608
        "WHERE id = %s",
        first.pk,
    )
    assert (indexed("罕見"), first.pk in indexed("常見")) == (set(), True)
    assert_index_is_true()


@sqlite_only
def test_an_index_gone_wrong_would_be_noticed(issue):
    card = cards_of(issue)[0]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {word_index.INDEX}_update")
    set_words(card, "罕見")
    assert indexed("罕見") == set()
    with pytest.raises(DatabaseError), transaction.atomic():
        assert_index_is_true()


@pytest.mark.django_db(transaction=True)
def test_an_existing_archive_is_indexed(issue):
    """What stands in a database that has no index yet is found after the next migrate."""
    card = cards_of(issue)[0]
    set_words(card, "罕見")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in word_index.SQLITE_TRIGGERS:
                cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(f"DROP TABLE {word_index.INDEX}")
        else:
            cursor.execute(f"DROP INDEX {word_index.INDEX}")
    call_command("migrate", verbosity=0)
    assert indexed("罕見") == {card.pk}
    assert_index_is_true()


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_the_index_is_true_again_after_a_table_was_built_anew_and_filled_meanwhile(issue):
    card = cards_of(issue)[0]
    set_words(card, "罕見")
    with connection.schema_editor() as editor:
        editor._remake_table(Card)
    set_words(card, "常見")  # as a migration of data would, while there is no trigger
    call_command("migrate", verbosity=0)
    assert (indexed("罕見"), card.pk in indexed("常見")) == (set(), True)
    assert_index_is_true()


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_an_index_that_misses_a_card_is_made_anew(issue):
    card = cards_of(issue)[0]
    set_words(card, "罕見")
    name = word_index.INDEX
    execute(f"INSERT INTO {name} ({name}) VALUES ('delete-all')")  # noqa: S608
    assert indexed("罕見") == set()
    call_command("migrate", verbosity=0)
    assert indexed("罕見") == {card.pk}


@pytest.mark.django_db(transaction=True)
def test_migrations_can_go_back_behind_the_index_and_forth_again(issue):
    card = cards_of(issue)[0]
    set_words(card, "罕見")
    try:
        call_command("migrate", "editorial", "0001", verbosity=0)
        call_command("migrate", "digest", "0001", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    assert indexed("罕見") == {card.pk}
    assert_index_is_true()


@pytest.mark.django_db(transaction=True)
def test_a_search_goes_through_the_index(issue):
    plan = Card.objects.filter(words__found_by=word_index.Search.of("模型"))
    if connection.vendor == "sqlite":
        assert "VIRTUAL TABLE INDEX" in plan.explain()
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows are read at once
            assert f"Bitmap Index Scan on {word_index.INDEX}" in plan.explain()

"""Questions whose SQL is written once answer like the querysets they are made of."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.transaction import TransactionManagementError, atomic
from django.test.utils import CaptureQueriesContext

from digest.compiled import Compiled, compiled
from digest.models import Card, Desk, Issue, Section

pytestmark = pytest.mark.django_db


def _of_section(section, headline) -> QuerySet[Card]:
    return Card.objects.filter(section=section, headline=headline)


#: What a question may be, each with the values to ask it with for an issue and a card.
QUESTIONS = {
    "rows of a model": (
        lambda issue: Section.objects.filter(issue=issue).order_by("position"),
        lambda issue, card: [issue.pk],
    ),
    "with what belongs to them": (
        lambda card: Card.objects.filter(pk=card).select_related("section__issue__desk"),
        lambda issue, card: [card.pk],
    ),
    "some columns of a row": (
        lambda card: Card.objects.only("headline").filter(pk=card),
        lambda issue, card: [card.pk],
    ),
    "columns": (
        lambda issue: Card.objects.filter(section__issue=issue).values_list("pk", "headline"),
        lambda issue, card: [issue.pk],
    ),
    "one column": (
        lambda text: Card.objects.filter(headline=text).values_list("summary", flat=True),
        lambda issue, card: [card.headline],
    ),
    "by name": (
        lambda issue: Card.objects.filter(section__issue=issue).values("pk", "dropped"),
        lambda issue, card: [issue.pk],
    ),
    "a day": (
        lambda desk, day: Issue.objects.filter(desk=desk, date=day),
        lambda issue, card: [issue.desk_id, issue.date],
    ),
    "a moment": (
        lambda desk, moment: Issue.objects.filter(desk=desk, created_at__gt=moment),
        lambda issue, card: [issue.desk_id, issue.created_at - timedelta(seconds=1)],
    ),
    "a slice": (
        lambda issue: Card.objects.filter(section__issue=issue).order_by("-pk")[1:4],
        lambda issue, card: [issue.pk],
    ),
    "a value twice, and constants with a per cent sign": (
        lambda issue: (
            Card.objects.filter(section__issue=issue)
            .exclude(headline__contains="100 %")
            .filter(Exists(Section.objects.filter(pk=OuterRef("section"), issue=issue)))
        ),
        lambda issue, card: [issue.pk],
    ),
    "a subquery and a count": (
        lambda desk, issue: Issue.objects.filter(desk=desk).annotate(
            n=Count("sections"),
            last=Subquery(Section.objects.filter(issue=issue).order_by("-pk").values("pk")[:1]),
        ),
        lambda issue, card: [issue.desk_id, issue.pk],
    ),
    "rows read along": (
        lambda issue: Section.objects.filter(issue=issue).prefetch_related("cards__sources"),
        lambda issue, card: [issue.pk],
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_like_its_queryset(name, issue):
    build, values_for = QUESTIONS[name]
    ask = Compiled(build)
    for card in Card.objects.filter(section__issue=issue).select_related("section"):
        values = values_for(issue, card)
        expected = list(build(*values))
        for _again in range(2):
            found = ask(*values)
            assert found == expected
            if found and hasattr(found[0], "_meta"):
                assert [vars(row).keys() for row in found] == [vars(row).keys() for row in expected]
    assert expected


def test_what_belongs_to_a_row_is_there_without_another_query(issue):
    ask = compiled(lambda issue: Section.objects.filter(issue=issue).prefetch_related("cards"))
    ask(issue.pk)
    with CaptureQueriesContext(connection) as captured:
        assert [card for section in ask(issue.pk) for card in section.cards.all()]
    assert len(captured) == 2


def test_its_queryset_is_built_once(issue):
    built = []

    @compiled
    def cards(issue, text):
        """Cards with this headline."""
        built.append(text)
        return Card.objects.filter(section__issue=issue, headline=text)

    assert not built
    for card in Card.objects.filter(section__issue=issue):
        assert cards(issue.pk, card.headline)[0] == card
    assert len(built) == 1
    assert cards.__doc__ == "Cards with this headline."


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", '"; DROP TABLE x', "100 % %s %(a)s", "\\", "乾坤𠮷"]
)
def test_a_value_is_never_part_of_the_sql(text, issue):
    ask = compiled(_of_section)
    card = Card.objects.filter(section__issue=issue).first()
    assert ask(card.section_id, text) == []
    Card.objects.filter(pk=card.pk).update(headline=text)
    assert ask(card.section_id, text) == [card]
    with CaptureQueriesContext(connection) as captured:
        ask(card.section_id, text)
    assert len(captured) == 1


def test_none_is_equal_to_nothing(issue):
    ask = compiled(lambda hour: Issue.objects.filter(hour=hour))
    assert issue.hour is None
    assert ask(None) == []


def test_the_first_row_or_nothing(issue):
    ask = compiled(lambda slug: Desk.objects.filter(slug=slug))
    assert ask.first(issue.desk.slug) == issue.desk
    assert ask.first("nowhere") is None


def test_a_question_with_the_wrong_number_of_values_is_an_error(issue):
    ask = compiled(_of_section)
    ask(1, "x")
    for values in ([], [1], [1, "x", 2]):
        with pytest.raises(TypeError):
            ask(*values)
    assert ask(1, "x") == []


def test_answers_are_new_each_time(issue):
    ask = compiled(lambda issue: Section.objects.filter(issue=issue))
    first, again = ask(issue.pk), ask(issue.pk)
    assert first == again
    first[0].title = "另一個"
    assert again[0].title != "另一個"
    assert ask(issue.pk)[0].title != "另一個"


@pytest.mark.django_db(transaction=True)
def test_a_row_is_locked_in_a_transaction_or_not_at_all(issue):
    ask = compiled(lambda pk: Issue.objects.select_for_update().filter(pk=pk))
    for _again in range(2):
        with atomic():
            assert ask(issue.pk) == [issue]
        with pytest.raises(TransactionManagementError):
            ask(issue.pk)


@pytest.mark.django_db(transaction=True)
def test_it_is_answered_after_its_connection_was_closed(issue):
    ask = compiled(lambda pk: Issue.objects.filter(pk=pk))
    assert ask(issue.pk) == [issue]
    connection.close()
    assert ask(issue.pk) == [issue]


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_get_each_others_answers(issue):
    ask = compiled(lambda pk: Card.objects.filter(pk=pk).values_list("pk", flat=True))
    keys = list(Card.objects.filter(section__issue=issue).values_list("pk", flat=True))[:4]
    assert len(keys) == 4
    start, wrong = Barrier(len(keys)), []

    def work(pk: int) -> None:
        try:
            start.wait(timeout=10)
            wrong.extend(found for _ in range(200) if (found := ask(pk)) != [pk])
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work, args=[pk]) for pk in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong


def test_a_day_that_is_none_of_the_desk_finds_nothing(issue):
    ask = compiled(lambda desk, day: Issue.objects.filter(desk=desk, date=day))
    assert ask(issue.desk_id, date(1970, 1, 1)) == []

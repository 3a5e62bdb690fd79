"""Roles × decisions × states, walked from the table: a new decision arrives tested or fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from digest.models import Card, Delivery, Event, Issue, Passage
from digest.publishing import publish_due
from editorial import queue
from editorial.decisions import DECISIONS, decide, present_hash
from editorial.editing import Change, change_card, hash_of
from editorial.models import Approval
from editorial.refusals import Refused
from editorial.roles import PERMISSIONS, Role
from editorial.undo import undo
from tests.conftest import approve_everything, cards_of, sign
from tests.editorial.work import make, rewrite

ROLES = ("editor", "chief", "machine", "stranger", "nobody")


def _drop(issue: Issue, by) -> None:
    card = cards_of(issue)[0]
    decide("drop", issue_id=issue.pk, card_id=card.pk, by=by, seen=card.hash)


def _unrate(issue: Issue, by) -> None:
    Card.objects.filter(pk=cards_of(issue)[0].pk).update(importance=None)


def _prepare(state: str, issue: Issue, editor, chief) -> None:
    """Bring an issue into a state. Its first card is the card that decisions are tried on."""
    if state == "dropped":
        _drop(issue, editor)
    elif state == "unrated":
        _unrate(issue, editor)
    elif state != "fresh":
        approve_everything(issue, editor)
        if state != "approved":
            sign(issue, chief)
        if state in ("published", "failed"):
            _decide("publish", issue, chief)
            publish_due()
        if state == "failed":
            Delivery.objects.update(state=Delivery.State.FAILED)
        if state == "going out":
            _decide("publish", issue, chief)
        if state == "held":
            _decide("hold", issue, editor)


def _case(name: str, issue: Issue):
    issue.refresh_from_db()
    subject = DECISIONS[name].subject
    if subject == "card":
        return queue.case_of_card(cards_of(issue)[0].pk, issue)
    return queue.case_of_insight(issue) if subject == "insight" else queue.case_of_issue(issue.pk)


def _decide(name: str, issue: Issue, by) -> Event:
    case = _case(name, issue)
    return decide(
        name,
        issue_id=issue.pk,
        card_id=case.card.pk if case.card else None,
        by=by,
        seen=present_hash(DECISIONS[name], case),
        note="因為。",
    )


#: In which states a decision can be made by whoever has its permission.
POSSIBLE: dict[str, set[str]] = {
    "approve": {"fresh"},
    "withdraw": {"approved", "signed", "held", "going out", "published", "failed"},
    "drop": {"fresh", "unrated", "approved", "signed", "held", "going out", "published", "failed"},
    "restore": {"dropped"},
    "approve_insight": {"fresh", "dropped", "unrated"},
    "withdraw_insight": {"approved", "signed", "held", "going out", "published", "failed"},
    "sign": {"approved"},
    "publish": {"signed"},
    "republish": {"published", "failed"},
    "unpublish": {"published", "failed"},
    "hold": {
        *("fresh", "dropped", "unrated", "approved", "signed"),
        *("going out", "published", "failed"),
    },
    "unhold": {"held"},
    "retry": {"failed"},
}
STATES = sorted(set.union(*POSSIBLE.values()))


def test_every_decision_of_the_table_is_walked():
    assert POSSIBLE.keys() == DECISIONS.keys()


@contextmanager
def _as_if() -> Iterator[None]:
    """What happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("state", STATES)
def test_a_decision_is_made_exactly_where_role_and_state_allow(
    state, issue, editor, chief, machine, stranger, subtests
):
    cast = {"editor": editor, "chief": chief, "machine": machine, "stranger": stranger}
    _prepare(state, issue, editor, chief)
    before = Event.objects.count()
    for (name, decision), role in itertools.product(DECISIONS.items(), ROLES):
        allowed = role in ("editor", "chief") and decision.permission in PERMISSIONS[Role(role)]
        with subtests.test(f"{name} by {role}"), _as_if():
            if allowed and state in POSSIBLE[name]:
                event = _decide(name, issue, cast[role])
                assert (event.verb, event.actor) == (decision.verb, cast[role].user)
                assert Event.objects.count() == before + 1
            else:
                with pytest.raises(Refused) as refused:
                    _decide(name, issue, cast.get(role))
                assert (refused.value.refusal.kind == "permission") is not allowed
                assert refused.value.refusal.sentence
                assert Event.objects.count() == before


@pytest.mark.parametrize("name", [n for n, d in DECISIONS.items() if d.sees != "nothing"])
def test_a_decision_about_a_text_that_has_moved_on_is_refused_as_stale(name, issue, editor, chief):
    state = sorted(POSSIBLE[name])[0]
    _prepare(state, issue, editor, chief)
    case = _case(name, issue)
    with pytest.raises(Refused) as refused:
        decide(
            name,
            issue_id=issue.pk,
            card_id=case.card.pk if case.card else None,
            by=chief,
            seen="0" * 64,
        )
    assert refused.value.refusal.kind == "stale"


def _edit(card: Card, by, **values) -> None:
    present = card_values(card)
    change_card(
        card_id=card.pk,
        changes=[Change(f, v, hash_of(present[f])) for f, v in values.items()],
        by=by,
    )
    card.refresh_from_db()


def card_values(card: Card) -> dict:
    from editorial.editing import field_values

    return field_values(Card.objects.whole().get(pk=card.pk))


def _is_approved(card: Card) -> bool:
    return card.approvals.valid().filter(hash=Card.objects.get(pk=card.pk).hash).exists()


def test_changing_one_card_unapproves_exactly_that_card(ready, editor):
    first, *others = cards_of(ready)
    _edit(first, editor, summary="另一段摘要。")
    assert not _is_approved(first)
    assert all(_is_approved(card) for card in others)


def test_undoing_a_change_brings_the_approval_back(ready, editor):
    card = cards_of(ready)[0]
    before = card.summary
    _edit(card, editor, summary="另一段摘要。")
    _edit(card, editor, summary=before)
    assert _is_approved(card)


def test_saving_without_a_change_unapproves_nothing_and_records_nothing(ready, editor):
    card = cards_of(ready)[0]
    events = Event.objects.count()
    _edit(card, editor, summary=card.summary, importance=card_values(card)["importance"])
    assert _is_approved(card)
    assert Event.objects.count() == events


def test_an_approval_of_the_old_text_cannot_be_given_after_an_edit(issue, editor, colleague):
    card = cards_of(issue)[0]
    seen = card.hash
    _edit(card, colleague, summary="趁隙改過的摘要。")
    with pytest.raises(Refused) as refused:
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=seen)
    assert refused.value.refusal.kind == "stale"
    assert not Approval.objects.exists()


def test_at_a_four_eyes_desk_nobody_approves_what_they_changed_last(issue, editor, colleague):
    issue.desk.four_eyes = True
    issue.desk.save()
    card = cards_of(issue)[0]
    _edit(card, editor, summary="自己寫的，自己不能核可。")
    with pytest.raises(Refused):
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=colleague, seen=card.hash)
    assert _is_approved(card)


def test_what_was_taken_back_is_no_last_change_for_four_eyes(issue, editor, colleague):
    """The text is its author's again, whoever tried another one in between."""
    issue.desk.four_eyes = True
    issue.desk.save()
    card = cards_of(issue)[0]
    _edit(card, editor, summary="自己寫的，自己不能核可。")
    _edit(card, colleague, summary="同事試過的。")
    undo(issue_id=issue.pk, by=colleague)
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").first()
    rewrite(passage, editor, "自己寫的洞察。")
    rewrite(passage, colleague, "同事試過的洞察。")
    undo(issue_id=issue.pk, by=colleague)
    with pytest.raises(Refused):
        make("approve", issue, editor, card)
    make("approve", issue, colleague, card)
    with pytest.raises(Refused):
        make("approve_insight", issue, editor)
    make("approve_insight", issue, colleague)


def test_a_role_taken_away_while_the_page_was_open_counts(issue, editor):
    card = cards_of(issue)[0]
    loaded = type(editor).objects.get(pk=editor.pk)
    editor.delete()
    with pytest.raises(Refused):
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=loaded, seen=card.hash)


def test_every_page_asks_the_same_guards_as_the_server(ready, chief, django_assert_num_queries):
    """The page's cases and the server's agree on every refusal of every card."""
    from editorial.decisions import refusal

    page = queue.case_of_issue(ready.pk)
    ask: Callable = lambda name, case: str(refusal(DECISIONS[name], case, chief) or "")  # noqa: E731
    for card in cards_of(ready):
        server = queue.case_of_card(card.pk, ready)
        for name in ("approve", "withdraw", "drop", "restore"):
            assert ask(name, page.cards[card.pk]) == ask(name, server)

"""What machines wait for (intake), and what chiefs do to a whole issue (sign, publish)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.urls import reverse

from benches.measuring import Row, Task, compare
from benches.stage import post
from digest.intake import receive
from digest.models import Card, Issue, Term
from digest.publishing import deliver, publish_due
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from editorial.queue import case_of_issue


def measure_intake(desk, machine, contents: Iterator[bytes], times: int) -> Iterator[Row]:
    """A draft's way into rows, and the second delivery of one that is known."""
    made = iter(range(10**9))
    fresh: list[bytes] = []

    def insert() -> None:
        run = next(made)
        Term.objects.bulk_create(
            Term(name=f"bench {run} {n}", slug=f"bench-{run}-{n}", folded="") for n in range(18)
        )

    def take_in() -> None:
        assert receive(desk=desk, content=fresh[-1], media_type="text/markdown", by=machine)

    def select() -> list[Card]:
        issue = desk.issues.order_by("pk").last()
        return list(Card.objects.filter(section__issue_id=issue.pk))

    yield compare(
        Task("intake of a new draft", take_in, lambda: fresh.append(next(contents))),
        Task("INSERT of 18 rows, committed", insert),
        times=times,
    )
    assert Issue.objects.count() >= len(fresh)
    yield compare(
        Task("intake of the same draft again", take_in),
        Task("SELECT of 18 rows as instances", select),
        times=times,
    )


def measure_signing(client, issue: Issue, editor, chief, times: int) -> Iterator[Row]:
    """The POST of the button "Sign", and a publication from the decision to the written file; each
    time another text, as nobody signs the same text twice."""
    card = Card.objects.filter(section__issue=issue).order_by("pk").first()
    state: dict[str, str] = {}

    def save_a_row() -> None:
        person = get_user_model().objects.get(pk=editor.user_id)
        person.first_name = f"{time.perf_counter_ns()}"
        person.save(update_fields=["first_name"])

    one_row = Task("get and save one row, committed", save_a_row)

    for each in Card.objects.filter(section__issue=issue).exclude(pk=card.pk):
        decide("approve", issue_id=issue.pk, card_id=each.pk, by=editor, seen=each.hash)
    insight = Issue.objects.get(pk=issue.pk).insight_hash
    decide("approve_insight", issue_id=issue.pk, by=editor, seen=insight)

    def make_ready() -> None:
        present = field_values(Card.objects.whole().get(pk=card.pk))["summary"]
        text = f"第 {time.perf_counter_ns()} 版的摘要。"
        change = Change("summary", text, hash_of(present))
        change_card(card_id=card.pk, changes=[change], by=editor)
        seen = Card.objects.values_list("hash", flat=True).get(pk=card.pk)
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=seen)
        state["seen"] = case_of_issue(issue.pk).proof.seal

    def sign() -> None:
        url = reverse("decide_issue", args=[issue.desk.slug, issue.date, "sign"])
        post(client, url, {"seen": state["seen"]}, 303)

    yield compare(Task("sign the issue", sign, make_ready), one_row, times=times)

    def sign_again() -> None:
        # As if nobody had read it: a correction would have to say what it corrects.
        Issue.objects.filter(pk=issue.pk).update(published=None, published_at=None)
        make_ready()
        decide("sign", issue_id=issue.pk, by=chief, seen=state["seen"])

    def publish() -> None:
        decide("publish", issue_id=issue.pk, by=chief, seen=state["seen"])
        for delivery in publish_due():
            deliver(delivery)

    def is_out() -> None:
        issue.refresh_from_db()
        assert issue.published == issue.editions.order_by("number").last()

    yield compare(
        Task("publish: decide, release, write the file", publish, sign_again, is_out),
        one_row,
        times=times,
    )

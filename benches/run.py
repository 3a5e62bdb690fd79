"""Measures what an editor and a machine wait for, and prints it."""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from benches.measuring import Row, compare
from benches.report import growth_table, rows_table, say
from benches.stage import land, name_of_database, people_of, sign_in, stage

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "digest/sample/ai-daily.md"
SEED = ROOT.parent / "shared/seeds/2026-02-11-ai-intel.md"
CARDS = 18
MANY_CARDS = 90
#: How many issues there are when the same is measured again.
ARCHIVES = (1, 365, 3_650)
DAY = date(2026, 3, 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("database", nargs="?", default="sqlite", choices=["sqlite", "postgresql"])
    database = parser.parse_args().database
    started = time.monotonic()
    with stage(database):
        _measure()
    say(f"\nAll of this took {time.monotonic() - started:.0f} s.")


def _measure() -> None:
    from benches.texts import measure_texts

    say(
        f"Python {platform.python_version()}, {name_of_database()}, {os.cpu_count()} processors, "
        f"{sys.platform}; the desk and its peers in one process, on one core."
    )
    texts = {"the sample": SAMPLE.read_bytes()}
    if SEED.exists():
        texts["the real draft"] = SEED.read_bytes()
    else:
        say("The real draft is not here; only the sample is measured.")
    for name, content in texts.items():
        say(f"\n## Texts: {name}, {len(content):,} bytes\n")
        say(rows_table(list(measure_texts(content, times=20))))
    _measure_desk(texts.get("the real draft") or texts["the sample"])


def _measure_desk(content: bytes) -> None:
    from django.contrib.auth import get_user_model

    from benches import archive, drafting, publishing
    from benches.drafts import draft_of
    from benches.machines import measure_intake, measure_signing
    from digest import hugo
    from digest.models import Desk
    from digest.publishing import machine_account

    desk, whole = Desk.objects.get(), hugo.read(content)
    editor, chief = people_of(desk)
    admin = sign_in(get_user_model().objects.create_superuser("admin"))
    client = sign_in(chief.user)
    days = (DAY + timedelta(days=n) for n in itertools.count())

    def next_issue(cards: int = CARDS):
        return land(desk, draft_of(whole, day=next(days), cards=cards))

    # Each time an issue that has just come in, on top of a larger archive.
    measured: dict[int, list[Row]] = {}
    first = None
    for size in ARCHIVES:
        if first is not None:
            started = time.monotonic()
            archive.build(desk, first, size - 1 - desk.issues.count(), chief)
            say(f"\nAn archive of {size:,} issues was built in {time.monotonic() - started:.0f} s.")
        newest = next_issue()
        measured[size] = [
            *_measure_pairs(client, admin, newest, chief),
            publishing.measure_publication(publishing.sign_many(1)[0]),
        ]
        say(f"\n## The desk, {CARDS} cards, {size:,} issues\n")
        say(rows_table(measured[size]))
        first = desk.issues.order_by("date").first()
    say("\n## Growth with the archive\n")
    say(growth_table(measured, CARDS))

    say(f"\n## Other pages and whole issues, {desk.issues.count():,} issues\n")
    drafts = (draft_of(whole, day=day, cards=CARDS) for day in days)
    rows = [
        *_measure_pages(client, next_issue(), times=20),
        *_measure_pages(client, next_issue(MANY_CARDS), times=20),
        *measure_signing(client, next_issue(), editor, chief, times=20),
        *measure_intake(desk, machine_account("machine"), drafts, times=20),
    ]
    say(rows_table(rows))
    publishing.measure()
    if name_of_database().startswith("SQLite"):
        drafting.main()


def _measure_pairs(client, admin, issue, by) -> Iterator[Row]:
    """The desk and its peers on the same rows, with the bars of the issue about performance."""
    from benches import desk, peers
    from benches.models import copy_cards

    copy_cards()
    cards = list(peers.issue_cards(issue))
    # What changes things comes first: then the page has a morning's work behind it.
    save = desk.save(client, issue, cards[-1].pk)
    yield compare(save, peers.save_form(admin, cards[-2].pk), bar=0.6)
    yield compare(save, peers.save_form(admin, cards[-2].pk, follow=True))
    least = desk.least_change(client, issue, cards[-3].pk)
    yield compare(least, peers.save_form(admin, cards[-2].pk))
    approve = desk.approve(client, issue, by)
    yield compare(approve, peers.save_in_list(admin, issue), bar=0.3)
    yield compare(approve, peers.save_in_list(admin, issue, follow=True))
    for over in (CARDS - 1, 6, 1):
        yield compare(desk.move(client, issue, over), peers.drag(admin, issue, over), bar=0.5)
    page = desk.day_page(client, issue)
    yield compare(page, peers.changelist(admin, issue), bar=0.35)
    yield compare(page, peers.stacked_inlines(admin, issue))
    yield compare(desk.day_page_anew(client, issue), peers.changelist(admin, issue))
    yield compare(desk.ask(by), desk.ask_anew(by), times=200)
    for what, text in _searches(issue, cards[-1].pk).items():
        yield compare(
            desk.search(client, issue, text, what), peers.search(admin, text), times=7, bar=0.2
        )


def _searches(issue, card_id: int) -> Mapping[str, str]:
    """A text in one card of all, one in a third of the cards, and one of two parts."""
    from digest.models import Card

    summary = Card.objects.values_list("summary", flat=True).get(pk=card_id)
    return {"in one card": summary.split()[1], "in many cards": "推理", "a name": "CauScale"}


def _measure_pages(client, issue, times: int) -> Iterator[Row]:
    """Pages that have no peer in an admin, beside a view that does nothing."""
    from django.urls import reverse

    from benches import desk, peers

    constant = desk.page(client, "constant view, all middleware", "/constant")
    cards = peers.issue_cards(issue)
    place = [issue.desk.slug, issue.date]
    for name, url in {
        "queue": reverse("queue", args=[issue.desk.slug]),
        "archive": reverse("archive", args=[issue.desk.slug]),
        "day page": reverse("issue", args=place),
        "card page": reverse("card", args=[*place, cards.last().pk]),
    }.items():
        task = desk.page(client, f"{name}, {cards.count()} cards", url)
        yield compare(task, constant, times=times)

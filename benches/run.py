"""Measures what an editor and a machine wait for, on a database and folders of its own.

Times depend on the machine they were taken on. So each stands beside a yardstick, something
plain that was measured in turns with it, and the ratio of the two is what can be compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "digest/sample/ai-daily.md"
SEED = ROOT.parent / "shared/seeds/2026-02-11-ai-intel.md"
ARCHIVE = 200  # issues
ISSUE = 18  # cards
LARGE_ISSUE = 90
DAY = date(2026, 3, 2)


# --- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timing:
    """Milliseconds: the median and the 10th and 90th percentile of several runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: list[float]) -> Timing:
        tenths = statistics.quantiles(samples, n=10, method="inclusive")
        return cls(statistics.median(samples), tenths[0], tenths[-1])


@dataclass(frozen=True)
class Row:
    """A line of the report. `queries` and `bytes` are None where there are none to count."""

    name: str
    timing: Timing
    yardstick: str
    yard: Timing
    ratio: float
    queries: int | None = None
    bytes: int | None = None


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - started) / 1e6


@dataclass(frozen=True)
class Yardstick:
    """Something plain to measure by."""

    name: str
    run: Callable[[], object]


def compare(
    name: str,
    run: Callable[[], object],
    yardstick: Yardstick,
    *,
    times: int = 30,
    before: Callable[[], object] = lambda: None,
    **counts: int,
) -> Row:
    """Time `run` and its yardstick in turns, each after a run that does not count.

    `before` is done ahead of each run and not timed.
    """
    before()
    run()
    yardstick.run()
    samples, yard = [], []
    for _ in range(times):
        before()
        samples.append(_time(run))
        yard.append(_time(yardstick.run))
    # The median of the pairs: what else the machine was busy with hit both halves of a pair.
    ratio = statistics.median(a / b for a, b in zip(samples, yard, strict=True))
    return Row(name, Timing.of(samples), yardstick.name, Timing.of(yard), ratio, **counts)


# --- what is measured ----------------------------------------------------------------------------


def measure_texts(content: bytes, times: int) -> Iterator[Row]:
    """Reading, writing, hashing and rendering one issue, without a database."""
    from markdown_it import MarkdownIt

    from digest import hugo, markup, rendering
    from digest.document import Document

    whole = hugo.read(content)
    text = content.decode()
    as_json = whole.model_dump_json()
    commonmark = MarkdownIt()
    parse = Yardstick("markdown-it-py on the same file", lambda: commonmark.render(text))
    loads = Yardstick("json.loads of the same document", lambda: json.loads(as_json))
    plain = json.loads(as_json)
    dumps = Yardstick("json.dumps of the same document", lambda: json.dumps(plain))

    yield compare("read the file", lambda: hugo.read(content), parse, times=times)
    yield compare(
        "read its JSON", lambda: Document.model_validate_json(as_json), loads, times=times
    )
    yield compare("write the file", lambda: hugo.write(whole), dumps, times=times)
    yield compare(
        "hash the issue (write and SHA-256)",
        lambda: hashlib.sha256(hugo.write(whole)).hexdigest(),
        dumps,
        times=times,
    )
    yield compare(
        "hash its 18 cards",
        lambda: [hashlib.sha256(hugo.write_card(c).encode()).hexdigest() for c in whole.cards],
        dumps,
        times=times,
    )
    yield compare(
        "HTML, cold",
        lambda: rendering.view_of(whole),
        parse,
        times=times,
        before=forget_html,
    )
    yield compare("HTML, kept", lambda: rendering.view_of(whole), parse, times=times)
    assert markup.to_html(whole.footer)


def forget_html() -> None:
    """Empty every cache on the way to HTML."""
    from digest.markup import safe

    for each in vars(safe).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def measure_intake(desk, machine, contents: Iterator[bytes], times: int) -> Iterator[Row]:
    """A draft's way into rows, and the second delivery of one that is known."""
    from digest.intake import receive
    from digest.models import Issue, Term

    made = iter(range(10**9))

    def insert() -> None:
        run = next(made)
        Term.objects.bulk_create(
            Term(name=f"bench {run} {n}", slug=f"bench-{run}-{n}", folded="") for n in range(ISSUE)
        )

    def take_in(content: bytes):
        return receive(desk=desk, content=content, media_type="text/markdown", by=machine)

    fresh: list[bytes] = []
    insert_rows = Yardstick("INSERT of 18 rows, committed", insert)
    queries = count_queries(lambda: take_in(next(contents)))
    yield compare(
        "intake of a new draft, 18 cards",
        lambda: take_in(fresh[-1]),
        insert_rows,
        times=times,
        before=lambda: fresh.append(next(contents)),
        queries=queries,
    )
    assert Issue.objects.count() >= len(fresh)
    yield compare(
        "intake of the same draft again",
        lambda: take_in(fresh[-1]),
        select_of_cards(Issue.objects.order_by("pk").last()),
        times=times,
        queries=count_queries(lambda: take_in(fresh[-1])),
    )


def select_of_cards(issue) -> Yardstick:
    """One SELECT of an issue's cards as model instances."""
    from digest.models import Card

    return Yardstick(
        "SELECT of 18 rows as instances",
        lambda: list(Card.objects.filter(section__issue_id=issue.pk)),
    )


def pages_of(issue) -> dict[str, str]:
    """The addresses of the pages people look at most."""
    from django.urls import reverse

    from digest.models import Card

    place = [issue.desk.slug, issue.date]
    card = Card.objects.filter(section__issue=issue).order_by("pk").last()
    return {
        "queue page": reverse("queue", args=[issue.desk.slug]),
        "issue page": reverse("issue", args=place),
        "card page": reverse("card", args=[*place, card.pk]),
    }


def count_queries(run: Callable[[], object]) -> int:
    """How many queries something takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured)


def get(client, url: str) -> bytes:
    """A page's body. Anything but a page is an error of the bench."""
    response = client.get(url)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answers {response.status_code}")
    return response.content


def measure_pages(client, admin, issue, times: int) -> Iterator[Row]:
    """Pages through all middleware, in this process."""
    changelist = Yardstick(
        "Django admin, list of 18 cards",
        lambda: get(admin, f"/admin/digest/card/?section__issue__id__exact={issue.pk}"),
    )
    constant = Yardstick("constant view, all middleware", lambda: get(client, "/constant"))
    for name, url in pages_of(issue).items():
        counts = {
            "queries": count_queries(lambda url=url: get(client, url)),
            "bytes": len(get(client, url)),
        }
        for yardstick in (changelist, constant):
            yield compare(name, lambda url=url: get(client, url), yardstick, times=times, **counts)
    yield compare(
        "issue page, no HTML kept",
        lambda: get(client, pages_of(issue)["issue page"]),
        changelist,
        times=times,
        before=forget_html,
    )


def measure_decisions(client, issue, editor, chief, times: int) -> Iterator[Row]:
    """Each as the POST a button sends (save, approve, sign) or as the whole job (publish)."""
    from django.contrib.auth import get_user_model
    from django.urls import reverse

    from digest.models import Card, Issue
    from digest.publishing import deliver, publish_due
    from editorial.decisions import decide
    from editorial.editing import Change, change_card, field_values, hash_of
    from editorial.queue import case_of_issue

    place = [issue.desk.slug, issue.date]
    card = Card.objects.filter(section__issue=issue).order_by("pk").first()

    def save_a_row() -> None:
        person = get_user_model().objects.get(pk=editor.user_id)
        person.first_name = f"{time.perf_counter_ns()}"
        person.save(update_fields=["first_name"])

    one_row = Yardstick("get and save one row, committed", save_a_row)

    def post(url: str, **data: str) -> None:
        response = client.post(url, data)
        if response.status_code != 303:
            raise RuntimeError(f"{url} answers {response.status_code}")

    # --- save ---
    state: dict[str, str] = {}
    url = reverse("card", args=[*place, card.pk])

    def type_a_summary() -> None:
        present = field_values(Card.objects.whole().get(pk=card.pk))["summary"]
        state["base"] = hash_of(present)
        state["summary"] = f"第 {time.perf_counter_ns()} 版的摘要。"

    def save() -> None:
        post(url, **{"summary": state["summary"], "base-summary": state["base"]})

    type_a_summary()
    queries = count_queries(save)
    yield compare(
        "save one field", save, one_row, times=times, before=type_a_summary, queries=queries
    )

    # --- approve ---
    def present_hash() -> str:
        return Card.objects.values_list("hash", flat=True).get(pk=card.pk)

    def unapprove() -> None:
        state["seen"] = present_hash()
        if card.approvals.valid().filter(hash=state["seen"]).exists():
            decide("withdraw", issue_id=issue.pk, card_id=card.pk, by=editor, seen=state["seen"])

    def approve() -> None:
        post(reverse("decide_card", args=[*place, card.pk, "approve"]), seen=state["seen"])

    unapprove()
    queries = count_queries(approve)
    yield compare(
        "approve a card", approve, one_row, times=times, before=unapprove, queries=queries
    )

    # --- sign and publish: each time another text, as nobody signs the same text twice ---
    for each in Card.objects.filter(section__issue=issue).exclude(pk=card.pk):
        decide("approve", issue_id=issue.pk, card_id=each.pk, by=editor, seen=each.hash)
    insight = Issue.objects.get(pk=issue.pk).insight_hash
    decide("approve_insight", issue_id=issue.pk, by=editor, seen=insight)

    def make_ready() -> None:
        type_a_summary()
        change = Change("summary", state["summary"], state["base"])
        change_card(card_id=card.pk, changes=[change], by=editor)
        seen = present_hash()
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=seen)
        state["seen"] = case_of_issue(issue.pk).proof.seal

    def sign() -> None:
        post(reverse("decide_issue", args=[*place, "sign"]), seen=state["seen"])

    make_ready()
    queries = count_queries(sign)
    yield compare("sign the issue", sign, one_row, times=times, before=make_ready, queries=queries)

    def sign_again() -> None:
        make_ready()
        decide("sign", issue_id=issue.pk, by=chief, seen=state["seen"])

    def publish() -> None:
        decide("publish", issue_id=issue.pk, by=chief, seen=state["seen"])
        for delivery in publish_due():
            deliver(delivery)

    sign_again()
    queries = count_queries(publish)
    yield compare(
        "publish: decide, release, write the file",
        publish,
        one_row,
        times=times,
        before=sign_again,
        queries=queries,
    )


def measure_growth(client, measured: dict[str, object], times: int = 9) -> list[list[str]]:
    """For each page its queries and its time in each of several situations."""
    lines = []
    names = list(measured)
    for page in pages_of(measured[names[0]]):
        line = [page]
        for issue in measured.values():
            url = pages_of(issue)[page]
            get(client, url)
            queries = count_queries(lambda url=url: get(client, url))
            samples = [_time(lambda url=url: get(client, url)) for _ in range(times)]
            line.append(f"{queries} queries, {statistics.median(samples):.1f} ms")
        lines.append(line)
    return lines


# --- the stage -----------------------------------------------------------------------------------


@contextmanager
def stage() -> Iterator[None]:
    """Django on a new SQLite database, with folders that are removed at the end."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        for name in ("DATABASE_URL", "DEBUG", "INBOX_DIR", "HUGO_TREE", "STATIC_ROOT"):
            os.environ.pop(name, None)
        os.environ |= {
            "VAR_DIR": folder,
            "SITE_URL": "http://localhost",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "digest.settings",
        }
        import django
        from django.conf import settings

        settings.ROOT_URLCONF = "benches.urls"
        django.setup()
        from django.contrib import admin
        from django.core.management import call_command

        from digest.models import Card
        from editorial import decisions

        # The wake-up of the worker needs a broker, and an answer never waits for it.
        decisions.wake_publisher = lambda: None
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        if not admin.site.is_registered(Card):
            admin.site.register(Card, list_display=["headline", "section", "importance"])
        model_admin = admin.site._registry[Card]
        model_admin.list_select_related = ["section"]
        model_admin.list_filter = ["section__issue"]
        yield


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


def archive(issue, by) -> None:
    """Leave an issue as one that was approved, signed and published long ago."""
    from digest.editions import make_edition, proof_of
    from digest.models import Card, Issue
    from editorial.models import Approval

    Approval.objects.bulk_create(
        Approval(issue=issue, card=card, hash=card.hash, by=by)
        for card in Card.objects.filter(section__issue=issue)
    )
    edition = make_edition(issue, proof_of(Issue.objects.whole().get(pk=issue.pk)), by=by)
    Issue.objects.filter(pk=issue.pk).update(published=edition, published_at=edition.signed_at)


def sign_in(user):
    """A client of somebody who is signed in."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


# --- the report ----------------------------------------------------------------------------------


def table(head: list[str], lines: list[list[str]]) -> str:
    """Lines as a Markdown table, the first column to the left and numbers to the right."""
    widths = [max(len(line[n]) for line in [head, *lines]) for n in range(len(head))]

    def row(cells: list[str]) -> str:
        padded = (
            cell.ljust(width) if n == 0 or head[n] == "yardstick" else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if n == 0 or head[n] == "yardstick" else "-" * (width - 1) + ":"
        for n, width in enumerate(widths)
    ]
    return "\n".join([row(head), row(rule), *map(row, lines)])


def report(rows: list[Row]) -> str:
    """The rows as a table."""
    head = ["", "ms", "10–90 %", "queries", "bytes", "×", "yardstick", "its ms"]
    return table(
        head,
        [
            [
                row.name,
                f"{row.timing.median:.2f}",
                f"{row.timing.low:.2f}–{row.timing.high:.2f}",
                "" if row.queries is None else str(row.queries),
                "" if row.bytes is None else f"{row.bytes:,}",
                f"{row.ratio:.1f}" if row.ratio >= 0.1 else f"{row.ratio:.3f}",
                row.yardstick,
                f"{row.yard.median:.2f}",
            ]
            for row in rows
        ],
    )


def say(text: str = "") -> None:
    """Print, at once: the bench takes a while."""
    print(text, flush=True)


def main() -> None:
    """Measure and print."""
    with stage():
        _measure()


def _measure() -> None:
    from django.contrib.auth import get_user_model

    from benches.drafts import draft_of
    from digest import hugo
    from digest.models import Desk
    from digest.publishing import machine_account
    from editorial.models import Membership
    from editorial.roles import Role

    say(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} processors, {sys.platform}; all in this process, on one core."
    )
    texts = {"the sample": SAMPLE.read_bytes()}
    if SEED.exists():
        texts["the real draft"] = SEED.read_bytes()
    else:
        say("The real draft is not here; only the sample is measured.")
    for name, content in texts.items():
        say(f"\n## Texts: {name}, {len(content):,} bytes\n")
        say(report(list(measure_texts(content, times=20))))

    desk = Desk.objects.get()
    people = get_user_model().objects
    editor, chief = (
        Membership.objects.create(desk=desk, user=people.create_user(role), role=role)
        for role in (Role.EDITOR, Role.CHIEF)
    )
    client = sign_in(chief.user)
    admin = sign_in(people.create_superuser("admin"))
    whole = hugo.read(texts.get("the real draft") or SAMPLE.read_bytes())

    issue = land(desk, draft_of(whole, day=DAY, cards=ISSUE))
    say(f"\n## The desk, an issue of {ISSUE} cards\n")
    rows = [
        *measure_pages(client, admin, issue, times=20),
        *measure_decisions(client, issue, editor, chief, times=20),
    ]
    # While there is nothing else, but in the state it will be in then, too.
    alone = measure_growth(client, {"": issue})
    days = (DAY - timedelta(days=n) for n in range(1, 10**6))
    drafts = (draft_of(whole, day=day, cards=ISSUE) for day in days)
    rows += measure_intake(desk, machine_account("machine"), drafts, times=20)
    say(report(rows))

    say("\n## Growth: queries and median time of the same pages\n")
    while desk.issues.count() < ARCHIVE:
        archive(land(desk, next(drafts)), chief.user)
    head = ["", "1 issue", f"{ARCHIVE} issues, {ARCHIVE * ISSUE:,} cards"]
    lines = zip(alone, measure_growth(client, {"": issue}), strict=True)
    say(table(head, [[*one, many] for one, (_, many) in lines]))
    say()
    small = land(desk, draft_of(whole, day=DAY + timedelta(days=1), cards=ISSUE))
    large = land(desk, draft_of(whole, day=DAY + timedelta(days=2), cards=LARGE_ISSUE))
    sizes = {f"{ISSUE} cards": small, f"{LARGE_ISSUE} cards": large}
    say(table(["", *sizes], measure_growth(client, sizes)))

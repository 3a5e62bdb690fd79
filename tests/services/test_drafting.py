"""The machine with a real worker: it begins at its hour, and whoever kills it costs it little."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from digest import demonstration, hugo
from digest.drafting import feeds as reading
from digest.models import Alarm, Card, Desk, Draft, Feed, Issue, Run, WrittenCard
from editorial.models import Comment
from editorial.tasks import draft_due
from tests.digest.chat_server import Chat, chat_server, headline_of
from tests.digest.feed_server import Feeds, Handler, feed_server
from tests.services.conftest import Clock, Worker, send, wait_until

#: How often a worker is killed in one run; `make test-faults` may ask for more.
KILLS = min(int(os.environ.get("KILLS", "8")), 40)
#: 05:30 in Taipei.
HOUR = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)


@pytest.fixture
def feeds(transactional_db) -> Iterator[Feeds]:
    """The demonstration's feeds on the one desk, fresh at HOUR. They take a moment to answer."""

    def respond(handler: Handler) -> None:
        time.sleep(0.05)
        page = demonstration.page_at(handler.path, HOUR)
        handler.say(page.status, page.body, {"Content-Type": page.media_type})

    with feed_server(HOUR) as server:
        server.pages = {told["path"]: respond for told in demonstration.told()}
        demonstration.enter_feeds(Desk.objects.get(), server.port)
        yield server


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server(delay=0.2) as server:
        yield server


@pytest.fixture
def clock(tmp_path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def drafter(new_worker, feeds, clock) -> Callable[..., Worker]:
    """Makes workers that may ask the feeds, on the clock."""
    ours = {"OUTGOING_ALLOW": ",".join(demonstration.hosts(feeds.port))} | clock.environment
    return lambda **environment: new_worker(**ours | environment)


def is_over() -> bool:
    return Run.objects.exclude(state=Run.State.RUNNING).exists()


def check_landed(run: Run) -> None:
    """One draft, whole, of one run."""
    assert (run.state, run.error) == (Run.State.DONE, "")
    assert Draft.objects.get() == run.draft
    assert (run.draft.problems, run.draft.deviations) == ([], [])
    issue = Issue.objects.get()
    assert issue.date == run.day == Desk.objects.get().today(HOUR)
    assert Card.objects.filter(section__issue=issue).count() == 18
    assert run.cards.count() == 18
    assert hugo.write(hugo.read(bytes(run.content))) == bytes(run.content)
    assert not Alarm.objects.open().filter(kind="run_failed").exists()


def test_the_tick_drafts_the_day_at_its_hour_and_once(drafter, feeds, clock):
    clock.move_to(HOUR - timedelta(minutes=1))
    worker = drafter()
    worker.start()
    send(draft_due)
    wait_until(lambda: "draft_due" in worker.output, seconds=10, what="the tick comes")
    time.sleep(1)
    assert not Run.objects.exists()
    assert feeds.asked == []
    clock.move_to(HOUR)
    for _ in range(3):  # ticks do no harm
        send(draft_due)
    wait_until(is_over, seconds=60, what=f"the day is drafted: {worker.output[-3000:]}")
    run = Run.objects.get()
    check_landed(run)
    assert Counter(feeds.paths) == dict.fromkeys((t["path"] for t in demonstration.told()), 1)
    assert HOUR <= run.started_at < HOUR + timedelta(seconds=30)
    # What the machine is unsure of stands on the cards.
    marked = run.cards.exclude(marks=[]).count()
    wait_until(lambda: Comment.objects.count() == marked > 0, seconds=10, what="cards are marked")
    clock.move_to(HOUR + timedelta(hours=3))
    send(draft_due)
    time.sleep(2)
    assert Run.objects.count() == 1


def test_a_worker_killed_again_and_again_asks_and_writes_nothing_twice(drafter, feeds, clock, chat):
    """After each kill, what was kept is asked of nobody any more, be it a feed or a card."""
    worker = drafter(
        DRAFTING_LEASE="2",
        OPENAI_BASE_URL=chat.url,
        OPENAI_MODEL="small-model",
        OUTGOING_ALLOW="127.0.0.1,localhost",
    )
    paths: set[str] = set()
    cards: set[str] = set()
    killed_in: Counter[str] = Counter()

    def attempts() -> int:
        return Run.objects.values_list("attempts", flat=True).first() or 0

    def check_nothing_again() -> None:
        time.sleep(0.3)  # what was on the way arrives
        assert not paths & set(feeds.paths)
        assert not cards & {headline_of(title) for title in chat.asked}
        feeds.asked.clear()
        chat.asked.clear()
        read = Feed.objects.exclude(tried_at=None).values_list("url", flat=True)
        paths.update(urlsplit(url).path for url in read)
        cards.update(row.card["headline"] for row in WrittenCard.objects.all())

    for kill in range(KILLS):
        clock.move_to(HOUR + timedelta(seconds=30 * kill))  # the lease of the dead has run out
        worker.start()
        before, end = attempts(), time.monotonic() + random.uniform(0.5, 4)
        # On a busy machine it may not have begun by then: a kill that hits nothing proves nothing.
        while (now := time.monotonic()) < end or (
            now < end + 20 and attempts() == before and not is_over()
        ):
            send(draft_due)
            time.sleep(0.2)
        worker.kill()
        run = Run.objects.first()
        killed_in[run.stage if run and run.state == Run.State.RUNNING else "outside"] += 1
        check_nothing_again()
    clock.move_to(HOUR + timedelta(seconds=30 * KILLS))
    worker.start()
    deadline = time.monotonic() + 90
    while not is_over():
        assert time.monotonic() < deadline, worker.output[-3000:]
        send(draft_due)
        time.sleep(0.5)
    check_nothing_again()
    run = Run.objects.get()
    check_landed(run)
    assert {row.writer for row in run.cards.all()} == {"chat (small-model)"}
    assert len(cards) == 18
    assert killed_in.total() - killed_in["outside"] >= 3, "it was mostly faster than we"
    assert run.attempts > 3


# --- by hand -------------------------------------------------------------------------------------


def test_a_day_is_drafted_by_hand_from_a_file_on_a_desk_without_feeds(manage, tmp_path):
    assert manage("migrate", "-v", "0").returncode == 0
    nothing = manage("draft_today")
    assert nothing.returncode == 1
    assert "Nothing was begun: the desk has no feed that is switched on." in nothing.stderr
    file = tmp_path / "day.json"
    file.write_text(json.dumps(snapshot(), ensure_ascii=False))
    done = manage("draft_today", "--offline", str(file), "--date", "2026-11-25")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"Drafted 2026-11-25 in [\d.]+ s: 85 articles → \d+ → 36 topics → 18 cards", done.stdout
    )
    again = manage("draft_today", "--offline", str(file), "--date", "2026-11-25")
    assert again.returncode == 0, again.stderr
    told = manage("shell", "-c", SHOW).stdout
    assert "runs: ['done', 'done'] issues: ['2026-11-25'] suggestions: 0" in told
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps(paper) + "\n" for paper in PAPERS) + "{broken\n")
    done = manage("draft_today", "--offline", str(papers), "--date", "2026-11-26")
    assert done.returncode == 0, done.stderr
    assert re.search(r"第 3 (行|列)", done.stdout), done.stdout
    assert "工具與資源（Tools & Resources）" in done.stdout  # nothing was found for it


def test_what_cannot_be_drafted_by_hand_is_a_sentence(manage, tmp_path):
    assert manage("migrate", "-v", "0").returncode == 0
    for number, (content, options, said) in enumerate(UNDRAFTABLE):
        file = tmp_path / f"{number}.json"
        if content is not None:
            file.write_bytes(content)
        done = manage("draft_today", "--offline", str(file), *options)
        assert done.returncode in (1, 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


#: What a file holds, further options, and what is said of it.
UNDRAFTABLE = [
    (None, [], "cannot be read: No such file"),
    (b"", [], "is empty"),
    (b"nonsense", [], "failed: 2.json：不是快照，也不是一行一筆的 JSON"),
    (b"{}", ["--desk", "nobodys"], "There is no desk “nobodys”."),
    (b"{}", ["--writer", "chat"], "Nothing was begun: the chat writer needs OPENAI_BASE_URL"),
    (b"{}", ["--date", "yesterday"], "invalid fromisoformat value: 'yesterday'"),
]
#: For `manage.py shell`: what stands on the desk.
SHOW = """
from digest.models import Issue, Run, Suggestion
runs = list(Run.objects.order_by("pk").values_list("state", flat=True))
issues = [str(issue.date) for issue in Issue.objects.all()]
print("runs:", runs, "issues:", issues, "suggestions:", Suggestion.objects.count())
"""
PAPERS = [
    {
        "id": f"2611.2000{n}",
        "title": title,
        "abs": f"https://papers.example/abs/2611.2000{n}",
        "summary": f"We train a language model and measure {title.lower()} on three machines.",
        "authors": ["Ann Writer"],
        "categories": ["cs.CL"],
    }
    for n, title in enumerate(["Energy at the Wall", "Speech from Forty Hours"], start=1)
]


def snapshot() -> dict:
    """The demonstration's day as a collector would have written it down."""
    found = {}
    for told in demonstration.told():
        page = demonstration.page_at(told["path"], HOUR)
        if page.status != 200:
            continue
        feed = Feed(name=told["name"], url="http://127.0.0.1/x", kind=told["kind"]).value
        read = reading.read(feed, page.body, fetched=HOUR, content_type=page.media_type)
        found[told["name"]] = [
            {
                "title": article.title,
                "url": article.url,
                "description": article.text,
                "published": article.published.isoformat() if article.published else None,
            }
            for article in read.articles
        ]
    return found

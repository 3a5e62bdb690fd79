"""A day is drafted: feeds are asked, topics made, cards written, and the issue lands on the desk.

A run is taken forward piece by piece (`advance`), and each piece is kept as soon as it is there: a
feed's articles, a card, the finished draft. Whoever is killed on the way has spent only what was
under way; whoever comes next goes on behind it, and asks no feed and writes no card twice. What the
machine has made lands through `digest.intake`, as any other machine's draft does.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest import alarms, hugo, outgoing, rows
from digest.document import Card as CardValue
from digest.drafting import articles as values
from digest.drafting import collecting, composing, grouping, scoring, snapshots, texts
from digest.drafting.carding import readable
from digest.drafting.entries import Reading, Unreadable, told_of
from digest.drafting.writers import Usage, Writer, Written, total_usage
from digest.drafting.writers.chat import ChatWriter, Endpoint
from digest.drafting.writers.extractive import ExtractiveWriter
from digest.intake import receive
from digest.models import Article, Card, Desk, Draft, Feed, Run, WrittenCard
from digest.publishing import machine_account

log = structlog.get_logger(__name__)

WRITERS = ("extractive", "chat")
#: How long the machine remembers what ran, and how long articles are kept as evidence. That it has
#: read what has no date it never forgets.
MEMORY, KEPT = timedelta(days=14), timedelta(days=30)
#: A run that is not finished so long after it began is given up: its news is old, and while it is
#: there no other can begin.
GIVEN_UP = timedelta(hours=6)
#: How many articles' whole pages are read in one run, in how many seconds each.
FULL_TEXTS, FULL_TEXT_TIMEOUT, PAGE_LIMIT = 60, 10, 3_000_000
#: How many sentences on faults a run keeps, and how many on topics that ran before.
FAULTS_KEPT, RETURNS_TOLD = 200, 30

#: What a run learns of a feed; the rest is what somebody entered.
_LEARNED = (
    *("etag", "modified", "errors", "next_try_at", "is_gone", "tried_at", "read_at", "fault"),
)
#: What the machine writes in. It quotes English articles in English.
_LANGUAGE = "zh-Hant"

Stage, State = Run.Stage, Run.State


class Busy(Exception):
    """The desk has a run under way; it is `run`."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.pk} of {run.day} is under way")
        self.run = run


class Unwilling(Exception):
    """There is nothing to begin with, in a sentence that says what is missing."""


# --- begin ---------------------------------------------------------------------------------------


def begin(
    desk: Desk,
    day: date,
    *,
    writer: str = "",
    snapshot: bytes = b"",
    snapshot_name: str = "",
    asked_by: str = "",
    now: datetime | None = None,
) -> Run:
    """Begin a run for a day; nothing is done yet.

    `writer` is one of WRITERS, or empty for the best there is; `snapshot` is a file to read instead
    of asking feeds. Raises `Busy` while another run of the desk is under way, and `Unwilling`.
    """
    writer = writer or ("chat" if settings.CHAT_URL else "extractive")
    if writer not in WRITERS:
        said = _("there is no writer %(name)s; there are %(writers)s")
        raise Unwilling(said % {"name": repr(writer), "writers": ", ".join(WRITERS)})
    if writer == "chat" and not (settings.CHAT_URL and settings.CHAT_MODEL):
        raise Unwilling(_("the chat writer needs OPENAI_BASE_URL and OPENAI_MODEL"))
    if not snapshot and not desk.feeds.filter(enabled=True).exists():
        raise Unwilling(_("the desk has no feed that is switched on"))
    if not _sections(desk):
        raise Unwilling(_("the desk has no sections; an issue needs some to place topics in"))
    try:
        with transaction.atomic():
            return Run.objects.create(
                desk=desk,
                day=day,
                writer=writer,
                snapshot=snapshot,
                snapshot_name=snapshot_name[:255],
                asked_by=asked_by,
                started_at=now or timezone.now(),
            )
    except IntegrityError:
        raise Busy(Run.objects.get(desk=desk, state=State.RUNNING)) from None


def begin_due(now: datetime | None = None) -> list[int]:
    """Begin the day of every desk whose hour to draft has come; the ids of all runs to go on with.

    A day is begun once by itself, however its run ends; somebody may ask for more.
    """
    now = now or timezone.now()
    for run in Run.objects.takeable(now).filter(started_at__lte=now - GIVEN_UP):
        _give_up(run, now)
    for desk in Desk.objects.filter(feeds__enabled=True, drafts_at__isnull=False).distinct():
        day = desk.today(now)
        if now < desk.drafting_hour_of(day) or desk.runs.filter(day=day).exists():
            continue
        try:
            with _newsroom():  # what is missing goes into an alarm
                begin(desk, day, now=now)
        except Busy:
            pass  # somebody's own run; the next tick looks again
        except Unwilling as error:
            data = {"day": str(day), "reason": str(error)}
            alarms.raise_alarm(desk, "run_failed", key=f"run:{day}", data=data)
    return list(Run.objects.takeable(now).order_by("pk").values_list("pk", flat=True))


# --- go on ---------------------------------------------------------------------------------------


def advance(run_id: int, *, seconds: float = 60, now: datetime | None = None) -> bool:
    """Take a run forward for about so many seconds; whether there is more to do.

    Does nothing where somebody else is at it. A run that fails says why and raises an alarm; this
    raises only what a database raises that cannot be reached, and then the run is gone on with
    when its lease has run out. What it says is kept, and so in the newsroom's language, whoever
    asked for the run.
    """
    now = now or timezone.now()
    hand = _take(run_id, now, seconds)
    if hand is None:
        return False
    with _newsroom():
        return _go_on(hand)


def _go_on(hand: _Hand) -> bool:
    try:
        is_done = hand.work()
        if not is_done:
            hand.save(claimed_until=None)
    except _Lost:
        return False
    except (OperationalError, InterfaceError):
        raise  # of the database, and not of this run
    except (KeyboardInterrupt, SystemExit):
        hand.let_go()
        raise
    except Exception as error:
        if not isinstance(error, _NothingToWrite):
            log.exception("run failed", run=hand.run.pk)
        hand.fail(error)
        return False
    return not is_done


def _newsroom() -> translation.override:
    return translation.override(settings.LANGUAGE_CODE)


def _take(run_id: int, now: datetime, seconds: float) -> _Hand | None:
    """A run, if nobody is at it."""
    claimed = Run.objects.takeable(now).filter(pk=run_id)
    if not claimed.update(claimed_until=_lease(now), attempts=F("attempts") + 1):
        return None
    return _Hand(Run.objects.select_related("desk").get(pk=run_id), seconds)


def _give_up(run: Run, now: datetime) -> None:
    if hand := _take(run.pk, now, 0):
        with _newsroom():
            said = _("it was not finished within %(hours)d hours")
            hand.fail(_NothingToWrite(said % {"hours": int(GIVEN_UP / timedelta(hours=1))}))


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.DRAFTING_LEASE)


class _Lost(Exception):
    """The lease ran out, and somebody else has taken over."""


class _NothingToWrite(Exception):
    """There is nothing to make an issue of: that is no success."""


class _Hand:
    """Somebody at work on a run, until the time is up."""

    def __init__(self, run: Run, seconds: float) -> None:
        self.run, self.desk = run, run.desk
        self._until = time.monotonic() + seconds
        self._lease = run.claimed_until
        self._writer: Writer | None = None
        #: When each house was last asked for a page.
        self._asked: dict[str, float] = {}

    @property
    def is_time_up(self) -> bool:
        return time.monotonic() >= self._until

    def save(self, **columns) -> None:
        """Keep how far it has come, and the lease. Raises `_Lost` where it is not ours any more."""
        columns.setdefault("claimed_until", _lease(timezone.now()))
        run = self.run
        progress = {
            name: getattr(run, name) for name in ("stage", "counts", "seconds", "faults", "flags")
        }
        ours = Run.objects.filter(pk=run.pk, state=State.RUNNING, claimed_until=self._lease)
        if not ours.update(**progress, **columns):
            raise _Lost
        self._lease = columns["claimed_until"]
        for name, value in columns.items():
            setattr(run, name, value)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Keep what is written inside and how far the run has come, both or neither.

        Whoever has lost the lease keeps nothing, so that no two people write one card.
        """
        with transaction.atomic():
            yield
            self.save()

    def let_go(self) -> None:
        """Leave it to others at once, as far as it was kept."""
        Run.objects.filter(pk=self.run.pk, claimed_until=self._lease).update(claimed_until=None)

    def fail(self, error: Exception) -> None:
        """Say that it failed, and why. Where somebody else has taken over that is theirs to say."""
        run = self.run
        is_expected = isinstance(error, _NothingToWrite)
        reason = str(error) if is_expected else f"{type(error).__name__}: {error}"
        reason = reason.replace("\0", "␀")
        data = {"day": str(run.day), "reason": reason[:500]}
        end = {"state": State.FAILED, "finished_at": timezone.now(), "claimed_until": None}
        try:
            with transaction.atomic():
                self.save(error=reason, **end)
                alarms.raise_alarm(
                    self.desk, "run_failed", key=f"run:{run.day}:{run.pk}", data=data
                )
        except _Lost:
            log.warning("run was taken over", run=run.pk, error=reason)

    def work(self) -> bool:
        """Do what is left, stage by stage; whether all of it is done."""
        if self.run.stage == Stage.COLLECT:
            if not self._timed(Stage.COLLECT, self._collect):
                return False
            self.run.stage = Stage.GROUP
            self.save()
        if self.run.stage != Stage.LAND:
            placement = self._timed(Stage.GROUP, self._group)
            self.run.stage = Stage.WRITE
            self.save()
            written = self._timed(Stage.WRITE, lambda: self._write(placement))
            if written is None:
                return False
            self.run.stage = Stage.COMPOSE
            self.save()
            composed = self._timed(Stage.COMPOSE, lambda: self._compose(placement, written))
            # With the stage in one go: a model that has written the insight is not asked again.
            self.run.stage = Stage.LAND
            self.save(**composed)
        draft = self._timed(Stage.LAND, self._land)
        self.save(draft=draft, state=State.DONE, finished_at=timezone.now(), claimed_until=None)
        log.info("drafted", run=self.run.pk, day=str(self.run.day), **self.run.counts)
        return True

    def _timed(self, stage: str, work: Callable):
        """Do it, and add the seconds it took to the stage's."""
        started = time.monotonic()
        try:
            return work()
        finally:
            before = self.run.seconds.get(stage, 0)
            self.run.seconds[stage] = round(before + time.monotonic() - started, 3)

    def _note(self, sentences: Iterable[str], about: str = "") -> None:
        for sentence in sentences:
            said = told_of(about, sentence) if about else sentence
            if said not in self.run.faults and len(self.run.faults) < FAULTS_KEPT:
                self.run.faults.append(said)

    # --- collect

    def _collect(self) -> bool:
        run = self.run
        if run.snapshot:
            return self._read_snapshot()
        waiting = self.desk.feeds.filter(enabled=True).filter(
            Q(tried_at=None) | Q(tried_at__lt=run.started_at)
        )
        by_url = {feed.url: feed for feed in waiting}
        since = run.started_at - collecting.LOOK_BACK
        known = frozenset(
            Article.objects.filter(desk=self.desk, snapshot="", fetched_at__lt=since).values_list(
                "key", flat=True
            )
        )
        stop = threading.Event()
        results = collecting.collect(
            [feed.value for feed in by_url.values()], now=run.started_at, known=known, stop=stop
        )
        left = len(by_url)
        total = self.desk.feeds.filter(enabled=True).count()
        with closing(results):
            for fetched in results:
                left -= 1
                run.counts |= {"feeds": total, "feeds_asked": total - left}
                self._keep(by_url[fetched.feed.url], fetched)
                if self.is_time_up:
                    stop.set()
        if left:
            return False
        run.counts["feeds_degraded"] = sum(
            feed.is_degraded for feed in self.desk.feeds.filter(enabled=True)
        )
        return self._read_pages()

    def _keep(self, feed: Feed, fetched: collecting.Fetched) -> None:
        """Write down what one feed gave, and how it is."""
        run = self.run
        feed.etag, feed.modified = fetched.etag, fetched.modified
        feed.errors, feed.next_try_at = fetched.errors, fetched.next_try
        feed.is_gone = fetched.state == "gone"
        feed.tried_at = run.started_at
        if fetched.state in ("read", "unchanged"):
            feed.read_at = timezone.now()
        # Why it failed stays to be read while it is left alone for that.
        if fetched.state != "waiting" or not feed.errors:
            feed.fault = "\n".join(fetched.faults)
        self._note(fetched.faults, feed.name)
        if fetched.status in collecting.ASKED_TOO_MUCH:
            self._left_alone.append(collecting.house_at(feed.url))
        with self._together():
            Article.objects.bulk_create(
                (Article.of(article, self.desk.pk) for article in fetched.articles),
                ignore_conflicts=True,
            )
            # Not `save`: a feed that somebody has removed meanwhile is nobody's fault.
            learned = {name: getattr(feed, name) for name in _LEARNED}
            Feed.objects.filter(pk=feed.pk).update(**learned)

    def _read_snapshot(self) -> bool:
        run = self.run
        feeds = {feed.name: feed.value for feed in self.desk.feeds.all()}
        try:
            found = snapshots.read_snapshot(
                bytes(run.snapshot), fetched=run.started_at, feeds=feeds
            )
        except Unreadable as error:
            said = told_of(run.snapshot_name or _("the file"), str(error))
            raise _NothingToWrite(said) from None
        self._keep_snapshot(found)
        return True

    def _keep_snapshot(self, found: Reading) -> None:
        name = self._snapshot
        Article.objects.bulk_create(
            (Article.of(article, self.desk.pk, name) for article in found.articles),
            ignore_conflicts=True,
            batch_size=500,
        )
        self._note(found.faults)

    @property
    def _snapshot(self) -> str:
        return hashlib.sha256(self.run.snapshot).hexdigest() if self.run.snapshot else ""

    def _read_pages(self) -> bool:
        """The whole text of articles whose feeds have only its beginning, where somebody asked.
        Whether all are read."""
        run = self.run
        names = self.desk.feeds.filter(enabled=True, full_text=True).values_list("name", flat=True)
        articles = Article.objects.filter(
            desk=self.desk, snapshot="", feed__in=list(names), fetched_at=run.started_at
        )
        read = run.counts.get("pages", 0)
        for article in articles.order_by("pk")[read:FULL_TEXTS]:
            if self.is_time_up and run.counts.get("pages", 0) > read:
                return False
            text = self._page_of(article)
            run.counts["pages"] = run.counts.get("pages", 0) + 1
            with self._together():
                if len(text) > len(article.text):
                    Article.objects.filter(pk=article.pk).update(text=text)
        return True

    @property
    def _left_alone(self) -> list[str]:
        """The houses that were asked too much; kept with the run, for whoever goes on with it."""
        return self.run.counts.setdefault("left_alone", [])

    def _page_of(self, article: Article) -> str:
        """The text of the page behind an article's link; empty, with a fault, where none came."""
        house = collecting.house_at(article.url)
        if house in self._left_alone:
            return ""
        self._pause_before(house)
        try:
            answer = outgoing.get(
                article.url, headers={}, timeout=FULL_TEXT_TIMEOUT, limit=PAGE_LIMIT
            )
        except (outgoing.Refused, outgoing.NoAnswer) as error:
            self._note([str(error)], article.feed)
            return ""
        finally:
            self._asked[house] = time.monotonic()
        if answer.status != 200:
            where = outgoing.target_of(answer.url)
            told = {"where": where, "status": answer.status, "house": house}
            said = _("%(where)s answered %(status)d for a page")
            if answer.status in collecting.ASKED_TOO_MUCH:
                # Whoever only sends on to that house does so with the next link as well.
                self._left_alone.extend({house, collecting.house_at(answer.url)})
                said = _(
                    "%(where)s answered %(status)d for a page; no further page of %(house)s is read"
                    " in this run"
                )
            self._note([said % told], article.feed)
            return ""
        return texts.full_text(answer.body, answer.url)

    def _pause_before(self, house: str) -> None:
        """Wait until a house has had its pause since it was asked for a page."""
        if house in self._asked:
            due = self._asked[house] + collecting.pause_of(house)
            time.sleep(max(0, due - time.monotonic()))

    # --- group, score, place

    def _articles(self) -> list[values.Article]:
        """All of the day: what was asked for just now, and what earlier runs have read of it."""
        run, snapshot = self.run, self._snapshot
        found = Article.objects.filter(desk=self.desk, snapshot=snapshot)
        if not snapshot:
            since = run.started_at - collecting.LOOK_BACK
            found = found.annotate(seen=Coalesce("published_at", "fetched_at")).filter(
                seen__gte=since, fetched_at__lte=run.started_at
            )
        articles = [row.value for row in found.order_by("pk").iterator()]
        return snapshots.as_of_itself(articles) if snapshot else articles

    def _group(self) -> scoring.Placement:
        run, desk = self.run, self.desk
        articles = self._articles()
        if not articles:
            raise _NothingToWrite(_("no article came in: no feed gave any of the last hours"))
        topics = grouping.group(articles, earlier=earlier_cards(desk, run.day))
        # A file is judged by its own time.
        now = max(article.seen for article in articles) if run.snapshot else run.started_at
        rated = scoring.score(topics, now=now, zone=ZoneInfo(desk.zone))
        sections = _sections(desk)
        # Twice what the issue has room for, so that there is something to choose from.
        least = 2 * scoring.QUOTA * len(sections)
        shortlist = scoring.shortlist(rated, of=len(articles), least=least)
        placement = scoring.place(shortlist, sections=sections)
        novelty = Counter(placed.topic.novelty for placed in shortlist)
        run.counts |= {
            "articles": len(articles),
            "undated": sum(article.published is None for article in articles),
            "distinct": sum(len(topic.articles) for topic in topics),
            "stories": len(topics),
            "topics": len(shortlist),
            "placed": sum(len(placed) for _title, placed in placement.sections),
            "repeated": novelty["repeated"],
            "follow_ups": novelty["follow-up"],
        }
        run.flags = [*placement.flags, *_returns(placement)]
        if not run.counts["placed"]:
            said = ngettext(
                "none of %(count)d article found a place in the desk’s sections",
                "none of %(count)d articles found a place in the desk’s sections",
                len(articles),
            )
            raise _NothingToWrite(said % {"count": len(articles)})
        return placement

    # --- write

    @property
    def writer(self) -> Writer:
        """Who writes this run, the same for all its cards."""
        if self._writer is None:
            self._writer = ExtractiveWriter()
            if self.run.writer == "chat":
                failures = self.run.counts.get("chat_failures", 0)
                self._writer = ChatWriter(endpoint(), failures=failures)
        return self._writer

    def _write(self, placement: scoring.Placement) -> dict[str, Written] | None:
        """The cards by topic; None where the time was up before all were there."""
        kept = {row.topic: row for row in self.run.cards.all()}
        written: dict[str, Written] = {}
        found = len(kept)
        for _title, row in placement.sections:
            for placed in row:
                key = _key_of(placed)
                if key in kept:
                    written[key] = _written(kept[key], placed)
                    continue
                # Each time at least one, or what takes its time to group would never be written.
                if self.is_time_up and len(kept) > found:
                    return None
                written[key] = self.writer.write_card(placed, language=_LANGUAGE)
                self.run.counts["written"] = len(kept) + 1
                if isinstance(self.writer, ChatWriter):
                    self.run.counts["chat_failures"] = self.writer.failures
                with self._together():
                    kept[key] = self._keep_card(key, written[key])
        return written

    def _keep_card(self, key: str, written: Written) -> WrittenCard:
        return WrittenCard.objects.create(
            run=self.run,
            topic=key,
            card=written.card.model_dump(mode="json"),
            hash=rows.card_hash(written.card),
            writer=written.writer,
            marks=list(written.marks),
            usage=asdict(written.usage),
            evidence=list(written.evidence),
        )

    # --- compose and land

    def _compose(self, placement: scoring.Placement, written: dict[str, Written]) -> dict:
        """The finished draft and how its insight came about, as columns of the run."""
        run, desk = self.run, self.desk
        composed = composing.compose(
            run.day,
            [
                (title, [written[_key_of(placed)] for placed in row])
                for title, row in placement.sections
                if row  # the placement has said which are empty
            ],
            articles=run.counts["articles"],
            topics=run.counts["topics"],
            # A file has what it has, from whatever days.
            hours=None if run.snapshot else int(collecting.LOOK_BACK / timedelta(hours=1)),
            made_at=run.started_at,
            zone=ZoneInfo(desk.zone),
            language=_LANGUAGE,
            writer=self.writer,
            desk_title=desk.title,
        )
        for mark in composed.marks:
            if mark not in run.flags:
                run.flags.append(mark)
        insight = {
            "writer": composed.writer,
            "usage": asdict(composed.usage),
            "evidence": list(composed.evidence),
        }
        return {"content": hugo.write(composed.document), "insight": insight}

    def _land(self) -> Draft:
        """The draft on the desk. Done twice it comes to the same, as all of this may be."""
        run = self.run
        receipt = receive(
            desk=self.desk,
            content=bytes(run.content),
            media_type="text/markdown",
            by=machine_account("drafter"),
            name=f"{run.day}-drafted.md",
            day=run.day,
        )
        draft = receipt.draft
        if draft.issue is None:
            why = "; ".join(f"{each['where']}: {each['reason']}" for each in draft.problems)
            raise _NothingToWrite(_("the desk refused the draft: %(problems)s") % {"problems": why})
        alarms.settle(self.desk, f"run:{run.day}")
        _prune(self.desk, run.started_at)
        return draft


def _prune(desk: Desk, now: datetime) -> None:
    """Let go of articles and files that nobody needs as evidence any more."""
    old = now - KEPT
    articles = Article.objects.filter(desk=desk, fetched_at__lt=old)
    # What a feed lists without a date is new unless it is known: of that the row has to stay.
    undated = Q(snapshot="", published_at=None)
    articles.exclude(undated).delete()
    articles.filter(undated).exclude(text="").update(text="")
    desk.runs.filter(started_at__lt=old).exclude(snapshot=b"").update(snapshot=b"")


def _sections(desk: Desk) -> list[str]:
    return [title for title in desk.sections if isinstance(title, str) and title.strip()]


def _returns(placement: scoring.Placement) -> list[str]:
    """Which topics ran before, and where: what goes on in this issue, and what is left out."""
    seated = [placed for _title, row in placement.sections for placed in row]
    said = []
    for placed in (*seated, *placement.rest):
        earlier, novelty = placed.topic.earlier, placed.topic.novelty
        if earlier and (novelty == "repeated" or placed in seated):
            sentence = (
                _("Left out: “%(title)s”, as “%(headline)s” ran on %(day)s: %(path)s")
                if novelty == "repeated"
                else _("Goes on: “%(title)s”, after “%(headline)s” of %(day)s: %(path)s")
            )
            title, headline = placed.topic.title, earlier.headline
            told = {"title": title, "headline": headline, "day": earlier.day, "path": earlier.path}
            said.append(sentence % told)
    return said[:RETURNS_TOLD]


def _key_of(placed: values.Placed) -> str:
    """What names a topic in its place: its section, its rating and its articles."""
    named = [placed.section, str(int(placed.importance)), *sorted(placed.topic.links)]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def _written(row: WrittenCard, placed: values.Placed) -> Written:
    usage = Usage(**row.usage)
    card = CardValue.model_validate(row.card)
    marks, evidence = tuple(row.marks), tuple(row.evidence)
    return Written(readable(placed), card, row.writer, marks, usage, evidence)


def endpoint() -> Endpoint:
    """The model's endpoint, as the environment names it."""
    return Endpoint(
        url=settings.CHAT_URL,
        model=settings.CHAT_MODEL,
        key=settings.CHAT_KEY,
        timeout=settings.CHAT_TIMEOUT,
        price_in=settings.CHAT_PRICE_IN,
        price_out=settings.CHAT_PRICE_OUT,
    )


def earlier_cards(desk: Desk, day: date) -> list[values.Earlier]:
    """What the machine remembers: the standing cards of the fortnight before a day."""
    cards = (
        Card.objects.standing()
        .filter(
            section__issue__desk=desk,
            section__issue__date__lt=day,
            section__issue__date__gte=day - MEMORY,
        )
        .select_related("section__issue")
        .prefetch_related("sources")
        .order_by("section__issue__date", "pk")
    )
    return [
        values.Earlier(
            day=card.section.issue.date,
            headline=card.headline,
            text=f"{card.summary}\n{card.details}",
            urls=tuple(source.url for source in card.sources.all()),
            path=f"/desk/{desk.slug}/{card.section.issue.date}/cards/{card.pk}/",
        )
        for card in cards
    ]


def usage_of(run: Run) -> Usage:
    """What a run's writers took, cards and insight together."""
    parts = [Usage(**row.usage) for row in run.cards.all()]
    if run.insight.get("usage"):
        parts.append(Usage(**run.insight["usage"]))
    return total_usage(parts)

"""Asking all feeds: several houses at once, each house one request at a time, none for long.

A result is handed out as soon as it is there, so that the caller can keep it: whoever is killed on
the way loses only what was being fetched. Nothing here remembers; what the next run has to know is
in the result, for the caller to write down on the feed.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from typing import Literal
from urllib.parse import urlsplit

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from digest import outgoing
from digest.drafting import feeds as reading
from digest.drafting.articles import Article
from digest.drafting.entries import Feed, Unreadable
from digest.drafting.links import house_of
from digest.drafting.texts import one_line, tidy

#: How far a run looks back. Two hours more than a day: with 24 what comes out while the last run
#: is under way, or a little early the next day, is lost.
LOOK_BACK = timedelta(hours=26)
#: How much of a feed is read, in bytes once it is unpacked.
FEED_LIMIT = 10_000_000
#: How long one feed may take with all its redirects, in seconds, and all of them together.
TIMEOUT, BUDGET = 20.0, 300.0
#: How long a house is left alone between two requests, in seconds. arXiv asks for three.
PAUSE = 1.0
PAUSES = {"arxiv.org": 3.0}
#: What a server answers that is asked too much: its house is left alone for the rest of a run.
ASKED_TOO_MUCH = (429, 503)
#: How long a feed that failed is left alone: this after the first time, twice as long after each
#: further one. It ends below a day, so that a daily run asks every feed, however often it failed.
BACK_OFF, BACK_OFF_LIMIT = timedelta(minutes=5), timedelta(hours=20)
#: Longer than this no server is believed that it wants to be left alone: whatever it says beyond
#: may lie behind the end of the calendar.
LONGEST_WAIT = timedelta(days=365)

logger = logging.getLogger(__name__)

State = Literal["read", "unchanged", "failed", "gone", "waiting"]
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "application/json;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
_SENDABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,300}")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one feed.

    `state`: "read" (its articles are here), "unchanged" (it has nothing it had not before),
    "failed" (the first of `faults` says why), "gone" (it says it will not come back) or "waiting"
    (it was not asked; the fault says why). After "read", faults are about single entries and the
    feed is well. `status` is the HTTP status, 0 where there was none; `duration` in seconds.
    `etag`, `modified`, `errors` and `next_try` are what the feed is to carry from now on; `moved`
    is the address it says to use in future, empty if it says nothing.
    """

    feed: Feed
    state: State
    articles: tuple[Article, ...] = ()
    faults: tuple[str, ...] = ()
    etag: str = ""
    modified: str = ""
    errors: int = 0
    next_try: datetime | None = None
    duration: float = 0.0
    status: int = 0
    moved: str = ""


def house_at(url: str) -> str:
    """The house an address belongs to; empty where it is no address."""
    try:
        return house_of(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def pause_of(house: str) -> float:
    """How long a house is left alone between two requests, in seconds."""
    return PAUSES.get(house, PAUSE)


def is_due(feed: Feed, now: datetime) -> bool:
    """Whether a feed may be asked again."""
    return not feed.is_gone and (feed.next_try is None or feed.next_try <= now)


def next_try(errors: int, now: datetime) -> datetime:
    """When a feed that has failed `errors` times in a row may be asked again."""
    doubled = BACK_OFF * 2 ** min(max(errors - 1, 0), 20)
    return now + min(doubled, BACK_OFF_LIMIT)


def collect(
    feeds: Iterable[Feed],
    *,
    now: datetime,
    known: Collection[str] = (),
    look_back: timedelta = LOOK_BACK,
    workers: int = 8,
    pause: float | None = None,
    timeout: float = TIMEOUT,
    budget: float = BUDGET,
    limit: int = FEED_LIMIT,
    stop: threading.Event | None = None,
) -> Iterator[Fetched]:
    """Ask the feeds; one result for each, in the order they are done.

    `now` is the moment of the run: articles count as fetched then, so that a run's results do not
    depend on how fast it was. Older articles than `look_back` are dropped and counted; those
    without a date are dropped if their key is in `known`, the keys of earlier runs. Dated ones are
    not looked up there: a second run of a day needs them again.

    `pause` is between two requests to one house, in seconds (None: as the houses ask), `timeout`
    for one feed and `budget` for all. A feed that is not due or comes too late is "waiting". Set
    `stop` to end early: nothing further begins, and what is being fetched is still handed out;
    feeds without a result were not asked. Close the iterator and that is dropped, too.
    """
    known = frozenset(known)
    done: SimpleQueue[Fetched | BaseException | None] = SimpleQueue()  # None: a house is through
    stop = stop or threading.Event()
    run = _Run(now, now - look_back, known, pause, timeout, time.monotonic() + budget, limit, stop)
    houses: dict[str, list[Feed]] = {}
    for feed in feeds:
        if is_due(feed, now):
            houses.setdefault(house_at(feed.url), []).append(feed)
        else:
            done.put(_not_asked(feed, _why_not_due(feed)))
    # The longest queues first: what waits for its pauses should not begin at the end.
    queues = sorted(houses.items(), key=lambda item: -len(item[1]))
    pool = ThreadPoolExecutor(
        max(1, min(workers, len(queues))),
        thread_name_prefix="collecting",
        # Each thread has a language of its own; faults are said in that of whoever asked for all.
        initializer=translation.activate,
        initargs=(translation.get_language(),),
    )
    try:
        for house, members in queues:
            pool.submit(_visit, house, members, run, done)
        done.put(None)
        left = len(queues) + 1
        while left:
            result = done.get()
            if result is None:
                left -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def fetch(
    feed: Feed,
    *,
    now: datetime,
    known: Collection[str] = (),
    look_back: timedelta = LOOK_BACK,
    timeout: float = TIMEOUT,
    limit: int = FEED_LIMIT,
) -> Fetched:
    """Ask one feed, whether it is due or not. It never raises: what goes wrong is in the result."""
    began = time.monotonic()
    try:
        result = _asked(feed, now, frozenset(known), now - look_back, timeout, limit)
    except (outgoing.Refused, outgoing.NoAnswer) as error:
        result = _failed(feed, now, str(error))
    except Exception as error:  # nobody had thought of this feed; the others are none the worse
        logger.exception("reading the feed %r", feed.name)
        reason = one_line(tidy(f"{type(error).__name__}: {error}"), 200)
        said = _("what %(place)s sent cannot be read, by a fault of ours: %(error)s")
        result = _failed(feed, now, said % {"place": house_at(feed.url), "error": reason})
    return replace(result, duration=time.monotonic() - began)


def _failed(
    feed: Feed, now: datetime, why: str, status: int = 0, wait: timedelta | None = None
) -> Fetched:
    errors = feed.errors + 1
    again = next_try(errors, now)
    if wait is not None:
        again = max(again, now + min(wait, BACK_OFF_LIMIT))
    return Fetched(
        feed,
        "failed",
        faults=(why,),
        etag=feed.etag,
        modified=feed.modified,
        errors=errors,
        next_try=again,
        status=status,
    )


def _asked(
    feed: Feed, now: datetime, known: frozenset[str], since: datetime, timeout: float, limit: int
) -> Fetched:
    answer = outgoing.get(feed.url, headers=_headers(feed), timeout=timeout, limit=limit)
    place = outgoing.target_of(answer.url)
    if answer.status == 304:
        return Fetched(
            feed,
            "unchanged",
            etag=feed.etag,
            modified=feed.modified,
            status=304,
            moved=answer.moved,
        )
    if answer.status == 410:
        return Fetched(
            feed,
            "gone",
            faults=(
                _("%(place)s says that this feed is gone for good; remove it or find its heir")
                % {"place": place},
            ),
            errors=feed.errors + 1,
            status=410,
        )
    if not 200 <= answer.status < 300:
        wait = retry_after(answer.headers.get("retry-after", ""), now)
        said = str(_ANSWERED.get(answer.status, _("%(place)s answered %(status)d")))
        said %= {"place": place, "status": answer.status}
        if wait:
            asks = _("%(answered)s and asks to wait until %(until)s UTC")
            said = asks % {"answered": said, "until": f"{now + wait:%Y-%m-%d %H:%M}"}
        return _failed(feed, now, said, answer.status, wait)
    try:
        found = reading.read(
            feed,
            answer.body,
            fetched=now,
            url=answer.url,
            content_type=answer.headers.get("content-type", ""),
        )
    except Unreadable as error:
        reasons = [str(error), *filter(None, [answer.flaw])]
        values = {"place": place, "reason": pgettext("between sentences", "; ").join(reasons)}
        said = _("what %(place)s sent cannot be read: %(reason)s") % values
        return _failed(feed, now, said, answer.status)
    articles, dropped = _recent(found.articles, since, known)
    faults = [*dropped, *found.faults]
    if answer.flaw:
        said = _("only the beginning of the feed was read: %(reason)s")
        faults.insert(0, said % {"reason": answer.flaw})
    if answer.moved:
        faults.append(_("the feed has moved for good, to %(url)s") % {"url": answer.moved})
    return Fetched(
        feed,
        "read",
        articles,
        tuple(faults),
        # What came in part is asked for as a whole the next time.
        etag="" if answer.flaw else answer.headers.get("etag", "")[:300],
        modified="" if answer.flaw else answer.headers.get("last-modified", "")[:300],
        status=answer.status,
        moved=answer.moved,
    )


def retry_after(value: str, now: datetime) -> timedelta | None:
    """How long a Retry-After header (seconds, or a date) asks to wait, at most LONGEST_WAIT; None
    where it is neither."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value):
        return min(timedelta(seconds=int(value)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


#: What statuses mean, where it is known.
_ANSWERED = {
    401: gettext_lazy("%(place)s answered %(status)d (it wants a password)"),
    403: gettext_lazy("%(place)s answered %(status)d (it does not want us)"),
    404: gettext_lazy("%(place)s answered %(status)d (there is no feed at this address)"),
    429: gettext_lazy("%(place)s answered %(status)d (too many requests)"),
    503: gettext_lazy("%(place)s answered %(status)d (it is overloaded or being mended)"),
}


@dataclass(frozen=True)
class _Run:
    now: datetime
    since: datetime
    known: frozenset[str]
    pause: float | None
    timeout: float
    deadline: float
    limit: int
    stop: threading.Event


def _visit(
    house: str, members: list[Feed], run: _Run, done: SimpleQueue[Fetched | BaseException | None]
) -> None:
    """Ask the feeds of one house, one after the other."""
    pause = pause_of(house) if run.pause is None else run.pause
    asked_to_wait: Fetched | None = None
    try:
        for number, feed in enumerate(members):
            if number and not asked_to_wait:
                run.stop.wait(pause)
            if asked_to_wait:
                done.put(_also_waiting(feed, house, asked_to_wait))
                continue
            if run.stop.is_set():
                return
            left = run.deadline - time.monotonic()
            if left <= 0:
                why = _("it was not asked: the time for all feeds was used up")
                done.put(_not_asked(feed, why))
                continue
            result = fetch(
                feed,
                now=run.now,
                known=run.known,
                look_back=run.now - run.since,
                timeout=min(run.timeout, left),
                limit=run.limit,
            )
            if result.status in ASKED_TOO_MUCH:
                asked_to_wait = result
            done.put(result)
    except BaseException as error:  # a fault of ours: the caller must hear of it, not wait for ever
        done.put(error)
    finally:
        done.put(None)


def _not_asked(feed: Feed, why: str, again: datetime | None = None) -> Fetched:
    return Fetched(
        feed,
        "gone" if feed.is_gone else "waiting",
        faults=(why,),
        etag=feed.etag,
        modified=feed.modified,
        errors=feed.errors,
        next_try=again or feed.next_try,
    )


def _why_not_due(feed: Feed) -> str:
    if feed.is_gone or feed.next_try is None:
        return _("it said that it is gone for good and is not asked any more")
    values = {"until": f"{feed.next_try:%Y-%m-%d %H:%M}", "count": f"{feed.errors:,}"}
    if not feed.errors:
        return _("it is not asked before %(until)s UTC") % values
    sentence = ngettext(
        "it is not asked before %(until)s UTC: it failed once",
        "it is not asked before %(until)s UTC: it failed %(count)s times in a row",
        feed.errors,
    )
    return sentence % values


def _also_waiting(feed: Feed, house: str, first: Fetched) -> Fetched:
    why = _("it was not asked: %(house)s answered %(status)d to “%(name)s” before it")
    values = {"house": house, "status": first.status, "name": first.feed.name}
    return _not_asked(feed, why % values, first.next_try)


def _headers(feed: Feed) -> dict[str, str]:
    """Both conditions, as servers know one or the other; only what can stand in a header."""
    headers = {"Accept": _ACCEPT}
    for name, value in (("If-None-Match", feed.etag), ("If-Modified-Since", feed.modified)):
        if _SENDABLE.fullmatch(value):
            headers[name] = value
    return headers


def _recent(
    articles: tuple[Article, ...], since: datetime, known: frozenset[str]
) -> tuple[tuple[Article, ...], list[str]]:
    """What is not older than that, and sentences on what was dropped."""
    kept = tuple(
        article
        for article in articles
        if (article.published >= since if article.published else article.key not in known)
    )
    old = sum(1 for article in articles if article.published and article.published < since)
    seen = len(articles) - len(kept) - old
    said = []
    if old:
        sentence = ngettext(
            "older than %(since)s UTC: %(count)s of %(total)s article",
            "older than %(since)s UTC: %(count)s of %(total)s articles",
            len(articles),
        )
        values = {"since": f"{since:%Y-%m-%d %H:%M}", "count": f"{old:,}"}
        said.append(sentence % (values | {"total": f"{len(articles):,}"}))
    if seen:
        sentence = ngettext(
            "undated and read before: %(count)s of %(total)s article",
            "undated and read before: %(count)s of %(total)s articles",
            len(articles),
        )
        said.append(sentence % {"count": f"{seen:,}", "total": f"{len(articles):,}"})
    return kept, said

"""Asking feeds over real HTTP: what comes of servers that behave, and of those that do not."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from digest.drafting.collecting import (
    BACK_OFF_LIMIT,
    Fetched,
    collect,
    fetch,
    is_due,
    next_try,
    retry_after,
)
from digest.drafting.entries import Feed
from tests.digest.feed_server import ETAG, PAGES, feed_server, overloaded
from tests.digest.servers import listener
from tests.endless import does_not_wait

NOW = datetime(2026, 2, 11, 6, 0, tzinfo=UTC)


@pytest.fixture
def server(settings):
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with feed_server(NOW) as feeds:
        yield feeds


@pytest.fixture
def houses(monkeypatch, settings):
    """Names of hosts that all lead to the loopback."""
    settings.OUTGOING_ALLOW = [f"news{n}.test" for n in range(20)]
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        name = "127.0.0.1" if str(host).endswith(".test") else host
        return real(name, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def ask(server, path: str, **changes) -> Fetched:
    options = {k: changes.pop(k) for k in ("known", "timeout", "limit") if k in changes}
    feed = Feed(path, server.url(path), **changes)
    return fetch(feed, now=NOW, **({"timeout": 5} | options))


# --- one feed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "titles"),
    [
        ("/rss", "feed", 3),
        ("/atom", "feed", 3),
        ("/feed.json", "feed", 3),
        ("/gzip", "feed", 3),
        ("/slow", "feed", 3),
        ("/moved", "feed", 3),
        ("/arxiv", "arxiv", 2),
        ("/hn", "hackernews", 2),
        ("/releases.atom", "github", 2),
    ],
)
def test_a_feed_of_each_kind_is_read(server, path, kind, titles):
    found = ask(server, path, kind=kind)
    assert (found.state, found.status, found.errors, found.next_try) == ("read", 200, 0, None)
    assert len(found.articles) == titles
    assert all(article.published and article.url and article.key for article in found.articles)


def test_what_is_older_than_26_hours_is_dropped_and_counted(server):
    found = ask(server, "/rss")
    assert "An old story nobody needs twice" not in {a.title for a in found.articles}
    assert found.faults[0] == "older than 2026-02-10 04:00 UTC: 1 of 4 articles"


def test_relative_links_begin_where_the_feed_came_from(server):
    [first, *_] = ask(server, "/moved").articles
    assert first.url == server.url("/stories/1?utm_source=rss")
    assert first.key == server.url("/stories/1").replace("http:", "https:")


def test_a_feed_that_moved_for_good_says_where(server):
    found = ask(server, "/moved")
    assert found.moved == server.url("/rss")
    assert f"the feed has moved for good, to {server.url('/rss')}" in found.faults


def test_what_did_not_change_is_not_sent_again(server):
    first = ask(server, "/conditional")
    assert (first.etag, first.modified) == (ETAG, "Wed, 11 Feb 2026 05:00:00 GMT")
    second = ask(server, "/conditional", etag=first.etag, modified=first.modified, errors=2)
    assert (second.state, second.status, second.articles) == ("unchanged", 304, ())
    assert (second.etag, second.modified, second.errors) == (first.etag, first.modified, 0)
    headers = server.asked[-1][2]
    assert headers["If-None-Match"] == ETAG
    assert headers["If-Modified-Since"] == "Wed, 11 Feb 2026 05:00:00 GMT"


def test_an_etag_that_no_header_can_carry_is_not_sent(server):
    assert ask(server, "/conditional", etag="a\r\nX: y", modified="晨").state == "read"
    assert "If-None-Match" not in server.asked[-1][2]


def test_a_feed_that_is_gone_is_not_asked_again(server):
    found = ask(server, "/gone")
    assert (found.state, found.status) == ("gone", 410)
    assert "gone for good" in found.faults[0]
    feed = replace(found.feed, is_gone=True)
    assert not is_due(feed, NOW + timedelta(days=999))
    [again] = collect([feed], now=NOW)
    assert (again.state, server.paths) == ("gone", ["/gone"])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing", "answered 404 (there is no feed at this address)"),
        ("/forbidden", "answered 403 (it does not want us)"),
        ("/error", "answered 500"),
        ("/limited", "answered 429 (too many requests) and asks to wait until 2026-02-11 08:00"),
        ("/overloaded", "answered 503 (it is overloaded or being mended) and asks to wait until"),
        ("/ring", "send on more than 5 times"),
        ("/hang", "has not answered within 1 seconds"),
        ("/empty", "cannot be read: it is empty"),
        ("/page", "cannot be read: it is a web page and no feed"),
    ],
)
def test_a_failure_says_what_happened(server, path, said):
    found = ask(server, path, timeout=1, errors=1, etag='"old"')
    assert found.state == "failed"
    assert said in found.faults[0]
    assert found.errors == 2
    assert found.next_try and found.next_try > NOW
    assert found.etag == '"old"'


def test_a_server_is_left_alone_for_as_long_as_it_asks(server):
    assert ask(server, "/limited").next_try == NOW + timedelta(hours=2)
    assert ask(server, "/overloaded").next_try == NOW + timedelta(hours=3)


def test_what_breaks_off_is_read_as_far_as_it_came_and_asked_for_again(server):
    found = ask(server, "/cut-off")
    assert found.state == "read"
    assert len(found.articles) == 3
    assert found.faults[0] == "only the beginning of the feed was read: it broke off"
    assert found.etag == ""


def test_xml_that_ends_early_is_mended(server):
    found = ask(server, "/broken")
    assert [a.title for a in found.articles][:3] == [a.title for a in ask(server, "/rss").articles]
    assert any("not well-formed" in fault for fault in found.faults)


def test_a_feed_that_drips_ends_in_time(server):
    with does_not_wait():
        found = ask(server, "/drip", timeout=1)
    assert "it did not end within 1 seconds" in " ".join(found.faults)


def test_a_feed_above_the_limit_is_read_to_there(server):
    found = ask(server, "/huge", limit=1_000_000)
    assert found.state == "read"
    assert 400 < len(found.articles) < 600
    assert "longer than 1,000,000 bytes" in found.faults[0]


def test_a_bomb_stops_at_the_limit(server):
    found = ask(server, "/bomb", limit=1_000_000)
    assert found.state == "failed"
    assert "longer than 1,000,000 bytes" in found.faults[0]


def test_an_address_that_only_this_machine_reaches_is_not_asked(settings):
    settings.OUTGOING_ALLOW = []
    with listener() as (port, was_reached):
        found = fetch(Feed("F", f"http://127.0.0.1:{port}/"), now=NOW)
        assert not was_reached()
    assert found.state == "failed"
    assert "not on the open internet" in found.faults[0]


@pytest.mark.parametrize("url", ["", "ftp://x.test/", "no address", "http://[::1/", "http://a b/"])
def test_an_address_that_is_none_is_a_failure(url):
    [found] = collect([Feed("F", url)], now=NOW)
    assert found.state == "failed"
    assert found.faults[0]


# --- when ----------------------------------------------------------------------------------------


def test_each_further_failure_doubles_the_wait_until_just_below_a_day():
    waits = [next_try(errors, NOW) - NOW for errors in (0, 1, 2, 3, 8, 9, 99)]
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes == [5, 5, 10, 20, 640, 1200, 1200]
    assert timedelta(hours=23) > BACK_OFF_LIMIT


def test_a_feed_is_due_again_at_its_moment():
    feed = Feed("F", "http://x.test/", next_try=NOW)
    assert is_due(feed, NOW)
    assert not is_due(feed, NOW - timedelta(seconds=1))
    assert is_due(replace(feed, next_try=None), NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Wed, 11 Feb 2026 07:00:00 GMT", 3600),
        ("Wed, 11 Feb 2026 05:00:00 GMT", 0),
        *[(word, None) for word in ("", "soon", "-1", "1e9", "9" * 50)],
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_moment_beyond_all_calendars_is_a_year_to_wait():
    """In UTC it is no moment any more that a clock here could say."""
    assert retry_after("Fri, 31 Dec 9999 23:59:59 -1200", NOW) == timedelta(days=365)
    assert retry_after("9" * 9, NOW) == timedelta(days=365)


def test_a_server_that_asks_to_wait_beyond_all_calendars_is_a_failure_like_another(
    server, monkeypatch
):
    never = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -1200"}
    server.pages["/never"] = lambda handler: handler.say(429, b"", never)
    found = ask(server, "/never")
    assert (found.state, found.status) == ("failed", 429)
    assert found.next_try == NOW + BACK_OFF_LIMIT
    assert "answered 429" in found.faults[0]


def test_retry_after_a_year_is_cut_to_below_a_day(server, monkeypatch):
    from tests.digest import feed_server as module

    year = {"Retry-After": "31536000"}
    monkeypatch.setitem(module.BEHAVIOURS, "/limited", lambda handler: handler.say(429, b"", year))
    assert ask(server, "/limited").next_try == NOW + BACK_OFF_LIMIT


# --- all feeds -----------------------------------------------------------------------------------


def test_every_feed_has_one_result_whatever_becomes_of_the_others(server):
    kinds = {"/arxiv": "arxiv", "/hn": "hackernews", "/releases.atom": "github"}
    paths = [*PAGES, "/error", "/page", "/gone", "/missing"]
    feeds = [Feed(path, server.url(path), kind=kinds.get(path, "feed")) for path in paths]
    found = {result.feed.name: result for result in collect(feeds, now=NOW, pause=0, timeout=5)}
    assert set(found) == set(paths)
    assert all(found[path].state == "read" for path in PAGES)
    assert sum(result.errors > 0 for result in found.values()) == 4


def test_a_house_is_asked_one_request_at_a_time_with_a_pause(server):
    feeds = [Feed(str(n), server.url(f"/slow?{n}")) for n in range(3)]
    assert len(list(collect(feeds, now=NOW, pause=0.2, timeout=5))) == 3
    assert server.most_open == 1
    times = [when for when, _path, _headers in server.asked]
    assert min(b - a for a, b in zip(times, times[1:], strict=False)) >= 0.55


def test_several_houses_are_asked_at_once_but_not_more_than_allowed(houses):
    with feed_server(NOW) as server:
        feeds = [Feed(str(n), server.url("/slow", f"news{n}.test")) for n in range(9)]
        found = list(collect(feeds, now=NOW, workers=3, timeout=5))
        assert [result.state for result in found] == ["read"] * 9
        assert server.most_open == 3


def test_results_come_as_they_are_done(houses):
    with feed_server(NOW) as server:
        feeds = [
            Feed("slow", server.url("/hang", "news1.test")),
            Feed("fast", server.url("/rss", "news2.test")),
        ]
        results = collect(feeds, now=NOW, timeout=2)
        assert next(results).feed.name == "fast"
        assert next(results).state == "failed"


def test_a_house_that_wants_to_be_left_alone_is_left_alone(server):
    feeds = [Feed(path, server.url(path)) for path in ("/rss", "/limited", "/atom", "/feed.json")]
    found = {result.feed.name: result for result in collect(feeds, now=NOW, pause=0, timeout=5)}
    assert server.paths == ["/rss", "/limited"]
    assert found["/atom"].state == "waiting"
    assert "answered 429 to “/limited” before it" in found["/atom"].faults[0]
    assert found["/atom"].next_try == found["/limited"].next_try
    assert found["/atom"].errors == 0


def test_faults_are_said_in_the_language_of_whoever_asked_for_all(server):
    feeds = [Feed(path, server.url(path)) for path in ("/forbidden", "/limited", "/rss")]
    with translation.override("zh-hant"):
        found = [result.faults[0] for result in collect(feeds, now=NOW, pause=0, timeout=5)]
    assert found[0].endswith(" 回應 403（拒絕讀取）")
    assert "回應 429（請求過於頻繁），並要求等到 2026-02-11" in found[1]
    assert found[2].endswith("先前對「/limited」回應 429")


def test_a_feed_that_is_not_due_waits_and_says_so(server):
    feed = Feed("F", server.url("/rss"), errors=3, next_try=NOW + timedelta(minutes=20))
    [found] = collect([feed], now=NOW)
    assert server.paths == []
    assert (found.state, found.errors, found.next_try) == ("waiting", 3, feed.next_try)
    assert found.faults == (
        "it is not asked before 2026-02-11 06:20 UTC: it failed 3 times in a row",
    )


def test_what_comes_too_late_for_all_feeds_waits(server):
    feeds = [Feed(str(n), server.url("/slow")) for n in range(4)]
    found = list(collect(feeds, now=NOW, pause=0, timeout=5, budget=0.6))
    assert [result.state for result in found][0] == "read"
    assert found[-1].state == "waiting"
    assert "used up" in found[-1].faults[0]


def test_whoever_ends_early_gets_what_was_on_the_way_and_nothing_else_is_asked(server, houses):
    stop = threading.Event()
    feeds = [Feed(str(n), server.url("/slow", f"news{n % 2}.test")) for n in range(6)]
    got = []
    for result in collect(feeds, now=NOW, pause=0, stop=stop):
        got.append(result.feed.name)
        stop.set()
    assert len(got) == len(server.asked) <= 4
    assert len(got) == len(set(got)) >= 2


def test_a_house_that_asks_to_wait_is_told_of_as_a_whole_even_to_whoever_ends_early(server):
    stop = threading.Event()

    def overload(handler) -> None:
        stop.set()
        overloaded(handler)

    server.pages["/last"] = overload
    feeds = [Feed("a", server.url("/last")), Feed("b", server.url("/rss"))]
    states = [result.state for result in collect(feeds, now=NOW, pause=0, stop=stop)]
    assert states == ["failed", "waiting"]
    assert server.paths == ["/last"]


def test_whoever_stops_is_not_kept(server):
    feeds = [Feed(str(n), server.url("/slow")) for n in range(9)]
    results = collect(feeds, now=NOW, pause=5, timeout=5)
    next(results)
    with does_not_wait():
        results.close()
    assert len(server.paths) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("collecting")]


def test_a_fault_of_ours_is_raised_and_not_waited_for(server, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr("digest.drafting.collecting.fetch", fail)
    with pytest.raises(RuntimeError, match="ours"):
        list(collect([Feed("F", server.url("/rss"))], now=NOW))


def test_a_feed_that_meets_a_fault_of_ours_harms_no_other(server, monkeypatch):
    from digest.drafting import feeds as reading

    real = reading.read

    def read(feed, *args, **kwargs):
        if feed.name == "/atom":
            raise KeyError("links")
        return real(feed, *args, **kwargs)

    monkeypatch.setattr(reading, "read", read)
    feeds = [Feed(path, server.url(path)) for path in ("/rss", "/atom", "/feed.json")]
    found = {result.feed.name: result for result in collect(feeds, now=NOW, pause=0)}
    assert [found[feed.name].state for feed in feeds] == ["read", "failed", "read"]
    assert "by a fault of ours: KeyError: 'links'" in found["/atom"].faults[0]


def test_whatever_a_feed_meets_on_the_way_is_that_feeds_failure(server, monkeypatch):
    from digest import outgoing

    real = outgoing.get

    def get(url, **options):
        if url.endswith("/atom"):
            raise OverflowError("date value\0 out of range")
        return real(url, **options)

    monkeypatch.setattr(outgoing, "get", get)
    feeds = [Feed(path, server.url(path), errors=1) for path in ("/rss", "/atom", "/feed.json")]
    found = {result.feed.name: result for result in collect(feeds, now=NOW, pause=0)}
    assert [found[feed.name].state for feed in feeds] == ["read", "failed", "read"]
    assert found["/atom"].next_try == NOW + timedelta(minutes=10)
    [said] = found["/atom"].faults
    assert said.endswith("by a fault of ours: OverflowError: date value out of range")


def test_undated_articles_come_once_and_dated_ones_again(server, monkeypatch):
    from tests.digest import feed_server as module

    def undated(*, now):
        body = module.rss(now=now)
        start, end = body.index(b"<pubDate>"), body.index(b"</pubDate>") + 10
        return body[:start] + body[end:]

    monkeypatch.setitem(module.PAGES, "/rss", ("application/rss+xml", undated))
    first = ask(server, "/rss")
    assert [article.published is None for article in first.articles] == [True, False, False]
    second = ask(server, "/rss", known={article.key for article in first.articles})
    assert second.articles == first.articles[1:]
    assert "undated and read before: 1 of 4 articles" in second.faults


def test_no_feeds_are_no_results():
    assert list(collect([], now=NOW)) == []

"""The invented news: feeds as real ones are, and nobody's but the demonstration's."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import translation

from digest import demonstration
from digest.drafting import feeds as reading
from digest.drafting.collecting import LOOK_BACK
from digest.models import Feed

NOW = datetime(2026, 11, 25, 5, 30, tzinfo=UTC)


def read(told: dict, now: datetime = NOW):
    page = demonstration.page_at(told["path"], now)
    feed = Feed(name=told["name"], url="http://127.0.0.1/x", kind=told["kind"]).value
    return reading.read(feed, page.body, fetched=now, content_type=page.media_type)


def alive() -> list[dict]:
    return [told for told in demonstration.told() if told["format"] != "down"]


def test_there_is_a_day_of_news_in_three_scripts_and_six_formats():
    articles = [article for told in alive() for article in read(told).articles]
    assert 80 <= len(articles) <= 120
    assert {told["format"] for told in alive()} == set(demonstration._FORMATS)
    assert {article.language for article in articles} == {"zh-Hant", "zh-Hans", "en"}
    assert sum(article.published is None for article in articles) == 1
    assert sum(not article.text for article in articles) > 5
    fresh = [a for a in articles if not a.published or a.published >= NOW - LOOK_BACK]
    assert len(articles) - len(fresh) == 1


def test_nobody_real_is_linked_to():
    for told in alive():
        assert told["host"].endswith(".example")
        for article in read(told).articles:
            assert urlsplit(article.url).hostname.endswith(".example")


@pytest.mark.parametrize("told", alive(), ids=lambda told: told["path"])
def test_each_feed_can_be_read_and_is_as_fresh_tomorrow(told):
    with translation.override("en"):
        today, tomorrow = read(told), read(told, NOW + timedelta(days=1))
    assert len(today.articles) == len(told["entries"])
    dated = [fault for fault in today.faults if not fault.startswith("without ")]
    assert dated == []
    links = {
        article.url
        for article in today.articles
        if "/2026" in article.url or "?2026" in article.url
    }
    assert not links & {article.url for article in tomorrow.articles}


def test_a_feed_changes_once_an_hour():
    path = alive()[0]["path"]
    at = [demonstration.page_at(path, NOW + timedelta(minutes=m)).body for m in (0, 29, 30)]
    assert at[0] == at[1] != at[2]


# --- on the desk ---------------------------------------------------------------------------------


def test_feeds_are_entered_on_a_desk_that_has_none_and_move_with_their_port(desk):
    count = len(demonstration.told())
    assert demonstration.enter_feeds(desk, 4001) == count
    assert demonstration.enter_feeds(desk, 4002) == count
    assert desk.feeds.count() == count
    for feed in desk.feeds.all():
        feed.full_clean()
        assert f":4002{urlsplit(feed.url).path}" in feed.url
    houses = {urlsplit(feed.url).hostname for feed in desk.feeds.all()}
    assert houses == {host.partition(":")[0] for host in demonstration.hosts(4002)}


def test_a_desk_with_feeds_of_its_own_is_left_alone(desk):
    Feed.objects.create(desk=desk, name="晨間科技報", url="https://real.example/morning.xml")
    assert demonstration.enter_feeds(desk, 4001) == 0
    assert desk.feeds.get().url == "https://real.example/morning.xml"


def test_what_somebody_has_removed_or_switched_off_stays_so(desk):
    demonstration.enter_feeds(desk, 4001)
    desk.feeds.filter(name="市場快訊").delete()
    desk.feeds.filter(name="Front Page").update(enabled=False)
    demonstration.enter_feeds(desk, 4002)
    assert not desk.feeds.filter(name="市場快訊").exists()
    assert not desk.feeds.get(name="Front Page").enabled


# --- the server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address() -> str:
    ready, ports = threading.Event(), []

    def tell(port: int) -> None:
        ports.append(port)
        ready.set()

    threading.Thread(target=demonstration.serve, args=(0, tell), daemon=True).start()
    assert ready.wait(5)
    return f"http://127.0.0.1:{ports[0]}"


def ask(url: str, **headers: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:  # noqa: S310
            return answer.status, answer.headers.get("ETag", ""), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("ETag", ""), error.read()


def test_the_server_knows_what_somebody_has_already(address):
    status, etag, body = ask(f"{address}/morning.xml?x=1")
    assert (status, body[:5]) == (200, b"<?xml")
    assert re.fullmatch('"[0-9a-f]{16}"', etag)
    assert ask(f"{address}/morning.xml", **{"If-None-Match": etag}) == (304, etag, b"")


def test_one_feed_is_down_and_elsewhere_stands_where_feeds_are(address):
    assert ask(f"{address}/markets.xml")[0] == 503
    status, _, body = ask(address)
    assert status == 404
    assert b"/morning.xml" in body

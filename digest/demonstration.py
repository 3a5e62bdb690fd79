"""A demonstration of the machine: feeds of invented news, served on the loopback, fresh every day.

What they tell stands in `digest/sample/feeds.json`, in the formats that feeds really have and with
what real feeds bring along: stories that several outlets tell, a column with one title, articles
without a date or a text, one that gives orders, a feed that does not answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from digest.models import Desk, Feed

FILE = Path(__file__).parent / "sample" / "feeds.json"
#: What stands in a link for the day, so that tomorrow's articles are others than today's.
_DAY = "@"


class Page(NamedTuple):
    """What the server answers at a path."""

    status: int
    media_type: str
    body: bytes


@cache
def told() -> list[dict[str, Any]]:
    """The feeds of the file."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def page_at(path: str, now: datetime) -> Page:
    """The feed at a path as it is at a moment. It changes once an hour, as if just written."""
    moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    feed = next((each for each in told() if each["path"] == path), None)
    if feed is None:
        listed = "\n".join(each["path"] for each in told())
        return Page(404, "text/plain; charset=utf-8", f"Feeds are at:\n{listed}\n".encode())
    if feed["format"] == "down":
        return Page(503, "text/plain; charset=utf-8", b"Being mended.\n")
    media_type, write = _FORMATS[feed["format"]]
    return Page(200, media_type, write(feed, [_entry(feed, e, moment) for e in feed["entries"]]))


# --- the desk's side -----------------------------------------------------------------------------


def hosts(port: int) -> list[str]:
    """What OUTGOING_ALLOW has to name for the desk to reach the feeds."""
    return [f"127.0.0.1:{port}", f"localhost:{port}"]


def enter_feeds(desk: Desk, port: int) -> int:
    """Enter the feeds on a desk that has none; answers with how many there are.

    Where they were entered before they move to this port. On a desk with feeds of its own nothing
    is touched.
    """
    known = {feed.name: feed for feed in desk.feeds.all()}
    count = 0
    for feed in told():
        there = known.get(feed["name"])
        if known and not (there and _is_ours(there.url, feed["path"])):
            continue
        # In a house of its own, or nobody would ask the others after it has said to wait.
        host = "localhost" if feed["format"] == "down" else "127.0.0.1"
        values = {name: feed[name] for name in ("kind", "language", "section", "weight")}
        url = f"http://{host}:{port}{feed['path']}"
        if there:
            Feed.objects.filter(pk=there.pk).update(url=url)
        else:
            Feed.objects.create(desk=desk, name=feed["name"], url=url, **values)
        count += 1
    return count


def _is_ours(url: str, path: str) -> bool:
    return bool(re.fullmatch(rf"http://(?:127\.0\.0\.1|localhost):\d+{re.escape(path)}", url))


# --- the server ----------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Answers with the feeds as they are now; with 304 to whoever has them."""

    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds for a request

    def do_GET(self) -> None:
        page = page_at(self.path.partition("?")[0], datetime.now(UTC))
        etag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        status, body = page.status, page.body
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.send_response(status)
        self.send_header("Content-Type", page.media_type)
        if status in (200, 304):
            self.send_header("ETag", etag)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        print(format % arguments, flush=True)


def serve(port: int, ready: Callable[[int], None]) -> None:
    """Serve the feeds on the loopback until the process ends; port 0 is one that is free.

    `ready` is told the port once somebody may ask.
    """
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        ready(server.server_address[1])
        server.serve_forever()


# --- the formats ---------------------------------------------------------------------------------


class _Entry(NamedTuple):
    title: str
    link: str
    text: str
    moment: datetime | None


def _entry(feed: dict[str, Any], entry: dict[str, Any], now: datetime) -> _Entry:
    link, day = entry["link"], f"{now:%Y/%m/%d}"
    if feed["format"] == "github":
        link = (
            f"https://{feed['host']}/seamist/petrel-run/releases/tag/{entry['link']}?{now:%Y%m%d}"
        )
    elif feed["format"] == "arxiv":
        link = f"https://{feed['host']}/abs/{entry['link']}?{now:%Y%m%d}"
    elif "://" not in link:
        link = f"https://{feed['host']}/{_DAY}/{link}"
    hours = entry["hours"]
    moment = None if hours is None else now - timedelta(hours=hours)
    return _Entry(entry["title"], link.replace(_DAY, day), entry.get("text", ""), moment)


def _rss(feed: dict[str, Any], entries: list[_Entry]) -> bytes:
    items = "".join(
        f"<item><title>{escape(e.title)}</title><link>{escape(e.link)}?utm_source=rss</link>"
        f"<guid>{escape(e.link)}</guid><description><![CDATA[<p>{escape(e.text)}</p>]]>"
        f"</description>{f'<pubDate>{format_datetime(e.moment)}</pubDate>' if e.moment else ''}"
        "</item>"
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(feed['name'])}</title><link>https://{feed['host']}/</link>{items}"
        "</channel></rss>"
    ).encode()


def _atom(feed: dict[str, Any], entries: list[_Entry]) -> bytes:
    items = "".join(
        f"<entry><title>{escape(e.title)}</title><id>{escape(e.link)}</id>"
        f"<link rel='alternate' href={quoteattr(e.link)}/>"
        f"{f'<updated>{e.moment.isoformat()}</updated>' if e.moment else ''}"
        f"<content type='html'>{escape(f'<p>{escape(e.text)}</p>')}</content></entry>"
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(feed['name'])}</title><link href='https://{feed['host']}/'/>{items}</feed>"
    ).encode()


def _json(feed: dict[str, Any], entries: list[_Entry]) -> bytes:
    items = [
        {"id": e.link, "url": e.link, "title": e.title, "content_text": e.text}
        | ({"date_published": e.moment.isoformat()} if e.moment else {})
        for e in entries
    ]
    version = "https://jsonfeed.org/version/1.1"
    whole = {"version": version, "title": feed["name"], "items": items}
    return json.dumps(whole, ensure_ascii=False).encode()


def _arxiv(feed: dict[str, Any], entries: list[_Entry]) -> bytes:
    items = "".join(
        f"<item><title>{escape(e.title)}</title><link>{escape(e.link)}</link>"
        f"<description>arXiv:0000.00000v1 Announce Type: new \nAbstract: {escape(e.text)}"
        f"</description><guid isPermaLink='false'>{escape(e.link)}</guid>"
        f"<pubDate>{format_datetime(e.moment)}</pubDate></item>"
        for e in entries
        if e.moment
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(feed['name'])}</title><link>https://{feed['host']}/</link>{items}"
        "</channel></rss>"
    ).encode()


def _hn(feed: dict[str, Any], entries: list[_Entry]) -> bytes:
    hits = [
        {
            "objectID": f"{number}",
            "title": e.title,
            "url": e.link,
            "created_at_i": int(e.moment.timestamp()),
        }
        for number, e in enumerate(entries, start=1)
        if e.moment
    ]
    return json.dumps({"hits": hits}, ensure_ascii=False).encode()


_FORMATS: dict[str, tuple[str, Callable[[dict[str, Any], list[_Entry]], bytes]]] = {
    "rss": ("application/rss+xml; charset=utf-8", _rss),
    "atom": ("application/atom+xml; charset=utf-8", _atom),
    "json": ("application/feed+json; charset=utf-8", _json),
    "arxiv": ("application/rss+xml; charset=utf-8", _arxiv),
    "hn": ("application/json; charset=utf-8", _hn),
    "github": ("application/atom+xml; charset=utf-8", _atom),
}

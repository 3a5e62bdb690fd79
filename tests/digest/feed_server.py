"""A server of feeds on the loopback: real formats, and whatever real servers do to their readers.

The addresses are `PAGES` and `BEHAVIOURS`. Dates in the feeds are written relative to `now`, so
that a run at that moment finds them fresh. `python -m tests.digest.feed_server` serves it by hand.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from xml.sax.saxutils import escape

from tests.digest.servers import served

#: Stories as (hours before now, title, text).
STORIES = [
    (
        1,
        "vLLM 0.9 halves the memory of long contexts",
        "The new release pages its key-value cache.",
    ),
    (3, "NVIDIA opens a laboratory in Taipei", "Two hundred engineers will work on robots."),
    (
        20,
        "A small model reads X-rays as well as doctors",
        "A trial with 4,000 patients ended today.",
    ),
    (40, "An old story nobody needs twice", "It happened the day before yesterday."),
]


def rss(stories=STORIES, *, now: datetime, host: str = "news.example.org") -> bytes:
    """RSS 2.0 as most blogs have it: HTML in CDATA, relative links, a date in RFC 822."""
    items = "".join(
        f"<item><title>{escape(title)}</title><link>/stories/{number}?utm_source=rss</link>"
        f"<guid isPermaLink='false'>{host}-{number}</guid>"
        f"<description><![CDATA[<p>{text}</p>]]></description>"
        f"<pubDate>{format_datetime(now - timedelta(hours=hours))}</pubDate></item>"
        for number, (hours, title, text) in enumerate(stories, start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>News</title><link>http://{host}/</link>{items}</channel></rss>"
    ).encode()


def atom(stories=STORIES, *, now: datetime, host: str = "blog.example.com") -> bytes:
    """Atom 1.0 with escaped HTML and an author."""
    entries = "".join(
        f"<entry><title type='html'>{escape(escape(title))}</title>"
        f"<link rel='alternate' href='https://{host}/{number}/'/><id>tag:{host},{number}</id>"
        f"<updated>{(now - timedelta(hours=hours)).isoformat()}</updated>"
        f"<author><name>Ann Writer</name></author>"
        f"<content type='html'>{escape(f'<p>{text}</p>')}</content></entry>"
        for number, (hours, title, text) in enumerate(stories, start=1)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>Blog</title><link href='https://{host}/'/>{entries}</feed>"
    ).encode()


def json_feed(stories=STORIES, *, now: datetime, host: str = "json.example.net") -> bytes:
    """JSON Feed 1.1."""
    items = [
        {
            "id": f"{host}/{number}",
            "url": f"https://{host}/{number}",
            "title": title,
            "content_html": f"<p>{text}</p>",
            "date_published": (now - timedelta(hours=hours)).isoformat(),
            "authors": [{"name": "Ann Writer"}, {"name": "Ben Reader"}],
            "tags": ["ai"],
        }
        for number, (hours, title, text) in enumerate(stories, start=1)
    ]
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": "J", "items": items}).encode()


def arxiv_listing(*, now: datetime) -> bytes:
    """A day's listing of arXiv: a new paper, one of another subject, a new version of one."""
    papers = [
        ("2602.00001", "Paging the\n  Cache", "new", "We page the\ncache of $a<b$ models."),
        ("2602.00002", "Crossing Subjects", "cross", "We cross."),
        ("2501.09999", "An Earlier Paper", "replace-cross", "We corrected a typo."),
    ]
    items = "".join(
        f"<item><title>{title}</title><link>https://arxiv.org/abs/{number}</link>"
        f"<description>arXiv:{number}v1 Announce Type: {kind} \nAbstract: {escape(text)}"
        f"</description><guid isPermaLink='false'>oai:arXiv.org:{number}v1</guid>"
        f"<category>cs.CL</category><pubDate>{format_datetime(now - timedelta(hours=2))}</pubDate>"
        f"<arxiv:announce_type>{kind}</arxiv:announce_type>"
        f"<dc:creator>Ann Writer, Ben Reader</dc:creator></item>"
        for number, title, kind, text in papers
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><rss xmlns:arxiv='http://arxiv.org/schemas/atom' "
        "xmlns:dc='http://purl.org/dc/elements/1.1/' version='2.0'><channel>"
        f"<title>cs.CL updates</title><link>http://rss.arxiv.org/rss/cs.CL</link>{items}"
        "</channel></rss>"
    ).encode()


def arxiv_answer(papers: Iterable[tuple[str, datetime]]) -> bytes:
    """What arXiv's API answers: papers by their number, with the moment they were submitted."""
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{number}v1</id><title>The Paper {number}</title>"
        f"<updated>{submitted:%Y-%m-%dT%H:%M:%SZ}</updated>"
        f"<link href='https://arxiv.org/abs/{number}v1' rel='alternate' type='text/html'/>"
        f"<summary>A model is trained.</summary><category term='cs.CL'/>"
        f"<published>{submitted:%Y-%m-%dT%H:%M:%SZ}</published><author><name>Ann</name></author>"
        f"</entry>"
        for number, submitted in papers
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><feed xmlns='http://www.w3.org/2005/Atom'>"
        "<id>https://arxiv.org/api/cHxbiOdZaP56ODnBPIenZhzg5f8</id><title>arXiv Query</title>"
        f"{entries}</feed>"
    ).encode()


def hacker_news(*, now: datetime) -> bytes:
    """Algolia's answer: a story that links somewhere, a question that does not."""
    hits = [
        {
            "objectID": "43000001",
            "title": "Show HN: vector<int> in Rust & C++",
            "url": "https://www.example.dev/post?utm_source=hn",
            "author": "ann",
            "points": 120,
            "created_at_i": int(now.timestamp()) - 3600,
            "story_text": None,
        },
        {
            "objectID": "43000002",
            "title": "Ask HN: What do you read?",
            "url": None,
            "author": "ben",
            "created_at_i": int(now.timestamp()) - 7200,
            "story_text": "I read <i>everything</i>.<p>And you?",
        },
    ]
    return json.dumps({"hits": hits, "nbPages": 1}).encode()


def github_releases(*, now: datetime) -> bytes:
    """A repository's releases as Atom."""
    entries = "".join(
        f"<entry><id>tag:github.com,2008:Repository/1/{tag}</id>"
        f"<updated>{(now - timedelta(hours=hours)).isoformat()}</updated>"
        f"<link rel='alternate' type='text/html' "
        f"href='https://github.com/vllm-project/vllm/releases/tag/{tag}'/>"
        f"<title>{tag}</title><content type='html'>{escape(text)}</content>"
        f"<author><name>bot</name></author></entry>"
        for hours, tag, text in [
            (1, "v0.27.0rc2", "<h2>Highlights</h2><ul><li>Faster &amp; smaller</li></ul>"),
            (5, "v0.27.0rc1", "No content."),
        ]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        "<title>Release notes from vllm</title>"
        f"<link href='https://github.com/vllm-project/vllm/releases'/>{entries}</feed>"
    ).encode()


#: Path → (content type, what makes the body).
PAGES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "/rss": ("application/rss+xml; charset=utf-8", rss),
    "/atom": ("application/atom+xml", atom),
    "/feed.json": ("application/feed+json", json_feed),
    "/arxiv": ("text/xml", arxiv_listing),
    "/hn": ("application/json", hacker_news),
    "/releases.atom": ("application/atom+xml; charset=utf-8", github_releases),
}
ETAG = '"one"'


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; `server.feeds` is the `Feeds` it works for."""

    feeds: Feeds
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        feeds = self.feeds
        with feeds.lock:
            feeds.asked.append((time.monotonic(), path, dict(self.headers.items())))
            feeds.open += 1
            feeds.most_open = max(feeds.most_open, feeds.open)
        try:
            with suppress(OSError):  # whoever asked has gone, as they should have
                if path in feeds.pages:
                    feeds.pages[path](self)
                elif path in PAGES:
                    kind, make = PAGES[path]
                    self.say(200, make(now=feeds.now), {"Content-Type": kind})
                else:
                    BEHAVIOURS.get(path, missing)(self)
        finally:
            with feeds.lock:
                feeds.open -= 1

    def say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args) -> None:
        pass


def missing(handler: Handler) -> None:
    handler.say(404, b"not here")


def slow(handler: Handler) -> None:
    time.sleep(0.4)
    handler.say(200, rss(now=handler.feeds.now))


def hang(handler: Handler) -> None:
    handler.connection.settimeout(30)
    handler.connection.recv(1)  # until whoever asked goes


def drip(handler: Handler) -> None:
    body = rss(now=handler.feeds.now)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.02)


def zipped(handler: Handler) -> None:
    body = gzip.compress(rss(now=handler.feeds.now))
    handler.say(200, body, {"Content-Encoding": "gzip", "Content-Type": "application/rss+xml"})


def bomb(handler: Handler) -> None:
    handler.say(200, gzip.compress(b" " * 100_000_000), {"Content-Encoding": "gzip"})


def huge(handler: Handler) -> None:
    stories = [(1, f"Story {n}", "word " * 400) for n in range(6_000)]
    handler.say(200, rss(stories, now=handler.feeds.now), {"ETag": ETAG})


def moved(handler: Handler) -> None:
    handler.say(301, b"", {"Location": "/rss"})


def ring(handler: Handler) -> None:
    handler.say(302, b"", {"Location": "/ring"})


def conditional(handler: Handler) -> None:
    if handler.headers.get("If-None-Match") == ETAG:
        handler.say(304)
    else:
        validators = {"ETag": ETAG, "Last-Modified": "Wed, 11 Feb 2026 05:00:00 GMT"}
        handler.say(200, rss(now=handler.feeds.now), validators)


def limited(handler: Handler) -> None:
    handler.say(429, b"slow down", {"Retry-After": "7200"})


def overloaded(handler: Handler) -> None:
    later = format_datetime(handler.feeds.now + timedelta(hours=3))
    handler.say(503, b"", {"Retry-After": later})


def broken(handler: Handler) -> None:
    body = rss(now=handler.feeds.now)
    handler.say(200, body[: body.rindex(b"</title>")])


def cut_off(handler: Handler) -> None:
    body = rss(now=handler.feeds.now)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("ETag", ETAG)
    handler.end_headers()
    handler.wfile.write(body[: body.rindex(b"<item>")])
    handler.close_connection = True


def web_page(handler: Handler) -> None:
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    handler.say(200, page, {"Content-Type": "text/html"})


BEHAVIOURS: dict[str, Callable[[Handler], None]] = {
    "/slow": slow,
    "/hang": hang,
    "/drip": drip,
    "/gzip": zipped,
    "/bomb": bomb,
    "/huge": huge,
    "/moved": moved,
    "/ring": ring,
    "/conditional": conditional,
    "/gone": lambda handler: handler.say(410),
    "/limited": limited,
    "/overloaded": overloaded,
    "/error": lambda handler: handler.say(500, b"Traceback"),
    "/forbidden": lambda handler: handler.say(403),
    "/empty": lambda handler: handler.say(200),
    "/broken": broken,
    "/cut-off": cut_off,
    "/page": web_page,
}


@dataclass
class Feeds:
    """The server's memory: who asked for what and when, and how many at once."""

    now: datetime
    port: int = 0
    #: What a test answers itself, by path.
    pages: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    asked: list[tuple[float, str, dict[str, str]]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for _when, path, _headers in self.asked]


@contextmanager
def feed_server(now: datetime | None = None) -> Iterator[Feeds]:
    """The server for as long as the block lasts. Feeds are fresh at `now`, which is aware."""
    feeds = Feeds(now or datetime.now(UTC))
    with served(type("Handler", (Handler,), {"feeds": feeds})) as port:
        feeds.port = port
        yield feeds


if __name__ == "__main__":
    with feed_server() as feeds:
        print("\n".join(feeds.url(path) for path in [*PAGES, *BEHAVIOURS]))
        threading.Event().wait()

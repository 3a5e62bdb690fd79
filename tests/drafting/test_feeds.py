"""The bytes of feeds as the world serves them: nothing crashes, the rest lands, faults are said."""

from __future__ import annotations

import json
import random
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.document import check_line, check_text, check_url
from digest.drafting.articles import Article
from digest.drafting.entries import Feed, Reading, Unreadable
from digest.drafting.feeds import read
from digest.drafting.links import canonical
from tests.digest import feed_server
from tests.endless import ends

NOW = datetime(2026, 2, 11, 6, 0, tzinfo=UTC)
FEED = Feed("The Feed", "https://news.test/feed.xml", section="今日焦點", weight=2.0)
DATE = "<pubDate>Tue, 10 Feb 2026 10:00:00 GMT</pubDate>"


def rss(*items: str, head: str = "", before: str = "") -> bytes:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    return (
        f"{declaration}{before}<rss version='2.0' xmlns:content="
        f"'http://purl.org/rss/1.0/modules/content/'><channel><title>T</title>"
        f"<link>https://news.test/</link>{head}{''.join(items)}</channel></rss>"
    ).encode()


def item(title: str = "Title", link: str = "/one", text: str = "Text.", more: str = DATE) -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link>"
        f"<description>{text}</description>{more}</item>"
    )


def reading(data: bytes, content_type: str = "", **changes) -> Reading:
    return read(replace(FEED, **changes), data, fetched=NOW, content_type=content_type)


def one(data: bytes, content_type: str = "", **changes) -> Article:
    [article] = reading(data, content_type, **changes).articles
    return article


# --- what an article is --------------------------------------------------------------------------


def test_an_entry_becomes_an_article_with_what_its_feed_knows():
    more = (
        DATE + "<author>ann@news.test (Ann)</author><category>AI</category><category>GPU</category>"
    )
    found = reading(rss(item("A title", "/one?utm_source=rss", "&lt;p&gt;Text.&lt;/p&gt;", more)))
    assert found.faults == ()
    assert found.articles == (
        Article(
            url="https://news.test/one?utm_source=rss",
            key="https://news.test/one",
            title="A title",
            text="Text.",
            fetched=NOW,
            published=datetime(2026, 2, 10, 10, tzinfo=UTC),
            outlet="news.test",
            feed="The Feed",
            language="en",
            author="ann@news.test (Ann)",
            section="今日焦點",
            weight=2.0,
            tags=("AI", "GPU"),
        ),
    )


def test_the_same_bytes_are_the_same_articles():
    data = rss(*[item(f"Title {n}", "/same") for n in range(9)])
    assert reading(data) == reading(data)


@pytest.mark.parametrize("make", [feed_server.rss, feed_server.atom, feed_server.json_feed])
def test_the_three_formats_say_the_same(make):
    articles = reading(make(now=NOW)).articles
    assert [(a.title, a.text, a.published) for a in articles] == [
        (title, text, NOW - timedelta(hours=hours)) for hours, title, text in feed_server.STORIES
    ]


def test_the_longer_of_summary_and_content_is_the_text():
    more = DATE + "<content:encoded><![CDATA[<p>All of the text.</p>]]></content:encoded>"
    assert one(rss(item(text="All", more=more))).text == "All of the text."


def test_a_feed_that_passes_on_names_who_published():
    more = DATE + '<source url="https://paper.example.org/rss">The Paper</source>'
    assert one(rss(item(link="https://aggregator.test/x", more=more))).outlet == "example.org"


# --- traps ---------------------------------------------------------------------------------------


def test_one_link_for_all_entries_is_not_one_article():
    data = rss(*[item(f"Title {n}", "https://news.test/column?x=1") for n in range(3)])
    found = reading(data)
    assert [a.title for a in found.articles] == ["Title 0", "Title 1", "Title 2"]
    keys = [a.key for a in found.articles]
    assert len(set(keys)) == 3
    assert all(canonical(key) == key for key in keys)
    assert {a.url for a in found.articles} == {"https://news.test/column?x=1"}
    assert found.faults == (
        "whose link is not theirs alone, told apart by title: 3 of 3 entries, the first “Title 0”",
    )


def test_an_entry_that_only_links_to_the_front_page_keeps_its_key_from_day_to_day():
    today = reading(rss(item("Title 1", "https://www.news.test/"))).articles
    tomorrow = reading(rss(item("Title 2", "/"), item("Title 1", "/"))).articles
    assert today[0].key == tomorrow[1].key != tomorrow[0].key


def test_an_address_in_the_guid_stands_in_for_a_link_that_all_share():
    items = [
        item(f"Title {n}", "/", more=f"{DATE}<guid>https://news.test/story/{n}</guid>")
        for n in range(2)
    ]
    found = reading(rss(*items)).articles
    assert [a.url for a in found] == ["https://news.test/story/0", "https://news.test/story/1"]
    assert [a.key for a in found] == [a.url for a in found]


def test_an_entry_that_stands_there_twice_is_one_article_with_the_fuller_text():
    found = reading(rss(item(text="Short."), item(text="Rather longer."), item(text="Short.")))
    assert [a.text for a in found.articles] == ["Rather longer."]
    assert found.faults == ("that stand there twice, kept once: 2 of 3 entries, the first “Title”",)


def test_an_entry_without_a_date_has_none():
    found = reading(rss(item(more=""), item(link="/two")))
    assert [a.published is None for a in found.articles] == [True, False]
    assert found.articles[0].seen == NOW
    assert found.faults == ("without a date: 1 of 2 entries, the first “Title”",)


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Thu, 12 Feb 2026 10:00:00 GMT", "dated in the future, taken as undated"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "dated before there was a web, taken as undated"),
        ("Mon, 01 Jan 0001 00:00:00 GMT", ""),
        ("the day before yesterday", "with a date that cannot be read"),
        ("Tue, 99 Feb 2026 10:00:00 GMT", "with a date that cannot be read"),
        ("9" * 500, "dated in the future, taken as undated"),
    ],
)
def test_a_date_that_cannot_be_right_is_none(date, said):
    found = reading(rss(item(more=f"<pubDate>{date}</pubDate>")))
    assert found.articles[0].published is None
    assert said in found.faults[0]


def test_a_clock_that_is_a_little_ahead_is_forgiven():
    date = "<pubDate>Wed, 11 Feb 2026 06:20:00 GMT</pubDate>"
    assert one(rss(item(more=date))).published == NOW + timedelta(minutes=20)


def test_an_entry_without_text_has_its_title():
    found = reading(rss("<item><title>Title</title><link>/one</link>" + DATE + "</item>"))
    assert (found.articles[0].title, found.articles[0].text) == ("Title", "")
    assert found.faults == ("without any text but a title: 1 of 1 entry, the first “Title”",)


def test_an_entry_without_a_title_is_called_by_its_text():
    found = reading(rss(item("", text="A note of " + "many words " * 40)))
    assert found.articles[0].title.startswith("A note of many words")
    assert len(found.articles[0].title) <= 100
    assert "without a title" in found.faults[0]


def test_an_entry_without_both_is_left_out_and_said():
    found = reading(rss(item("", text=""), item()))
    assert len(found.articles) == 1
    assert "without title and text, left out: 1 of 2 entries" in found.faults[0]


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("&lt;b&gt;Bold&lt;/b&gt; news", "Bold news"),
        ("<![CDATA[<b>Bold</b> &amp; news]]>", "Bold & news"),
        ("AT&amp;amp;T", "AT&T"),
        ("AT&amp;amp;amp;T", "AT&T"),
        ("It&amp;#8217;s", "It’s"),
        ("Two\n   lines", "Two lines"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Title", "Title"),
        ("a &lt; b", "a < b"),
        ("Vec&lt;u8&gt; is fast", "Vec<u8> is fast"),
        ("Title\u202e gnp.exe", "Title gnp.exe"),
    ],
)
def test_a_title_is_one_line_of_plain_text(title, plain):
    assert one(rss(item(title))).title == plain


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/one", "https://news.test/one"),
        ("one", "https://news.test/one"),
        ("//other.test/one", "https://other.test/one"),
        ("?id=3", "https://news.test/feed.xml?id=3"),
        (" https://news.test/one\n", "https://news.test/one"),
        ("https://news.test/a b", "https://news.test/a%20b"),
        ("https://news.test/(a", "https://news.test/%28a"),
        ("https://news.test/晨", "https://news.test/晨"),
    ],
)
def test_a_link_is_made_absolute_and_kept_as_it_came(link, url):
    assert one(rss(item(link=link))).url == url


def test_the_base_of_the_document_counts():
    data = (
        b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://base.test/sub/">'
        b"<title>T</title><entry><title>Title</title><link href='one'/><id>1</id>"
        b"<updated>2026-02-10T10:00:00Z</updated><summary>Text.</summary></entry></feed>"
    )
    assert one(data).url == "https://base.test/sub/one"


@pytest.mark.parametrize(
    "link",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "mailto:a@b.test"),
        *("http://", "https://me@news.test/", "https://news.test\\@evil.test/"),
        "https://news.test/" + "a" * 3000,
    ],
)
def test_a_link_that_no_card_may_carry_leaves_its_entry_out(link):
    found = reading(rss(item("Bad", link), item("Good", "/two")))
    assert [a.title for a in found.articles] == ["Good"]
    assert found.faults[0].startswith("with a link that cannot be opened, left out: 1 of 2 entries")
    assert "“Bad " in found.faults[0]


def test_an_entry_without_a_link_is_left_out_and_said():
    found = reading(rss("<item><title>Lost</title></item>", item()))
    assert len(found.articles) == 1
    assert found.faults[0] == "without a link, left out: 1 of 2 entries, the first “Lost”"


def test_an_entry_may_link_by_its_enclosure_or_guid_alone():
    enclosure = '<enclosure url="https://news.test/a.mp3" type="audio/mpeg" length="1"/>'
    guid = "<guid isPermaLink='false'>https://news.test/two</guid>"
    found = reading(
        rss(
            f"<item><title>Listen</title>{DATE}{enclosure}</item>",
            f"<item><title>Read</title>{DATE}{guid}</item>",
        )
    )
    assert [a.url for a in found.articles] == ["https://news.test/a.mp3", "https://news.test/two"]


def test_a_long_text_is_cut_and_said():
    found = reading(rss(item(text="word " * 10_000)))
    assert len(found.articles[0].text) == 20_000
    assert found.faults[0].startswith("longer than 20,000 characters, of which only those are kept")


# --- bytes ---------------------------------------------------------------------------------------

TITLE = "模型發布：記憶體減半"


def encoded(encoding: str, declared: str = "") -> bytes:
    text = rss(item(TITLE)).decode().replace("UTF-8", declared or encoding)
    return text.encode(encoding)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (encoded("utf-8"), ""),
        (encoded("utf-8"), "text/xml"),
        (encoded("utf-8"), "application/rss+xml; charset=iso-8859-1"),
        (encoded("utf-8", "gb2312"), "text/xml; charset=big5"),
        (encoded("utf-8-sig"), ""),
        (encoded("utf-16"), ""),
        (encoded("utf-16", "utf-8"), "text/xml; charset=utf-8"),
        (encoded("utf-32"), ""),
        (encoded("big5"), ""),
        (encoded("big5", "utf-8"), "text/xml; charset=Big5"),
        (encoded("gb18030", "gb2312"), ""),
        (b"\n \n" + encoded("utf-8"), ""),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + encoded("utf-8"), ""),
    ],
)
def test_characters_are_read_whatever_they_are_said_to_be(data, content_type):
    assert one(data, content_type).title == TITLE


def test_a_few_wrong_bytes_cost_their_characters_and_no_more():
    data = rss(item(TITLE, text="half a \xff character")).replace("\xff".encode(), b"\xe6\x99")
    found = reading(data)
    assert found.articles[0].title == TITLE
    assert found.articles[0].text == "half a \ufffd character"
    assert found.faults[0] == "characters that are no utf-8 stand as \ufffd (1 of them)"


@pytest.mark.parametrize("name", ["no-such-encoding", "base64", "rot13", "undefined", "idna"])
def test_a_name_that_is_no_encoding_is_passed_over(name):
    assert one(encoded("utf-8", name), f"text/xml; charset={name}").title == TITLE
    assert reading(encoded("big5", name), f"text/xml; charset={name}").faults


@pytest.mark.parametrize(
    "wrong",
    ["\x00", "\x0b", "\x1f", "&#0;", "&#x1F;", "&#xD800;", "&#xFFFF;", "&nbsp;", "&nosuch;", "& "],
)
def test_what_xml_does_not_allow_costs_no_entry(wrong):
    found = reading(rss(item(f"Ti{wrong}tle"), item("Two", "/two")))
    assert len(found.articles) == 2
    check_line(found.articles[0].title)
    assert found.articles[0].title.startswith("Ti")
    assert found.articles[0].title.endswith("tle")


@pytest.mark.parametrize(
    "data",
    [
        rss(item(), item("Two", "/two"))[:-30],
        rss(item(), item("Two", "/two"), "<media:x url='a'>b</media:x>"),
        rss(item(), item("Two", "/two"), "<p>unclosed<br>"),
        rss(item(), item("Two", "/two"), "<a b=c d>"),
        rss(item("1 < 2"), item("Two", "/two")),
        rss(item(), item("Two", "/two")) + b"<!-- more -->trailing",
    ],
)
def test_xml_that_is_not_well_formed_is_mended_and_said(data):
    found = reading(data)
    assert [a.url for a in found.articles][-2:] == [
        "https://news.test/one",
        "https://news.test/two",
    ]
    assert any("it is not well-formed XML" in fault for fault in found.faults)


def test_a_tag_left_open_costs_its_own_entry_and_no_other():
    items = [item(f"Title {n}", f"/{n}") for n in range(4)]
    items[1] = items[1].replace("</title>", "")
    found = reading(rss(*items))
    assert [a.title for a in found.articles if a.title.startswith("Title")][-2:] == [
        "Title 2",
        "Title 3",
    ]
    assert "/0" in found.articles[0].url
    assert any("1 of 4 entries" in fault for fault in found.faults)


def test_prefixes_that_nobody_declared_mean_what_they_usually_do():
    data = rss(item(more=DATE + "<dc:creator>Ann</dc:creator>"))
    assert one(data).author == "Ann"


def test_entities_of_ones_own_are_not_read():
    lol = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = rss(
        item("&l9;"),
        item("Two", "/two"),
        before=f"<!DOCTYPE rss [<!ENTITY l0 'lol'>{lol}]>",
    )
    tracemalloc.start()
    try:
        found = reading(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [a.title for a in found.articles] == ["&l9;", "Two"]
    assert "it declares entities of its own" in found.faults[0]
    assert peak < 10_000_000


def test_one_large_entity_many_times_is_not_read():
    data = rss(item("&a;" * 10_000), before=f"<!DOCTYPE rss [<!ENTITY a '{'a' * 100_000}'>]>")
    assert len(one(data).title) <= 300


def test_files_of_this_machine_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    data = rss(item("&x;"), before=f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>")
    assert "secret" not in one(data).title
    assert reading(rss(item()) + f"<!-- {secret} -->".encode()).articles


def test_a_document_type_that_does_no_harm_is_passed_over():
    before = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x.test/rss.dtd">'
    found = reading(rss(item(), before=before))
    assert (len(found.articles), found.faults) == (1, ())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b" \n ", "it is empty"),
        (b"\xef\xbb\xbf", "no XML that can be read"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page and no feed"),
        (b"<html><body>Log in</body></html>", "a web page and no feed"),
        (b"<opml version='2.0'><body/></opml>", "neither RSS nor Atom"),
        (b"Service unavailable", "no XML that can be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "no XML that can be read"),
        (b'{"a": 1}', "no JSON Feed"),
        (b'{"items": {}}', "no JSON Feed"),
        (b'{"items": [', "not JSON that can be read"),
        (b'{"items": [NaN]}', "NaN is no number"),
        (b'{"items": [' + b"9" * 10_000 + b"]}", "not JSON that can be read"),
        (b'{"items":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_feed_says_what_it_is(data, said):
    with pytest.raises(Unreadable, match=said):
        reading(data)


def test_a_feed_without_entries_says_so():
    assert reading(rss()) == Reading((), ("it has no entries",))


def test_five_thousand_entries_are_read():
    found = reading(rss(*[item(f"Title {n}", f"/{n}", "word " * 60) for n in range(5_000)]))
    assert len(found.articles) == 5_000


def test_ten_megabytes_are_read():
    found = reading(rss(item(text="word &lt;b&gt;x&lt;/b&gt; " * 400_000), item("Two", "/two")))
    assert len(found.articles) == 2


def test_more_entries_than_anybody_publishes_are_cut_and_said():
    items = [{"id": f"/{n}", "url": f"/{n}", "title": f"T {n}"} for n in range(10_050)]
    found = reading(json.dumps({"items": items}).encode())
    assert len(found.articles) == 10_000
    assert "beyond the first 10,000" in found.faults[0]
    assert "50 of 10,050" in found.faults[0]


def test_a_feed_of_nothing_but_elements_is_refused():
    with pytest.raises(Unreadable, match="more than 300,000 elements"):
        reading(rss(item(), "<item>" + "<b></b>" * 300_001 + "</item>"))


@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", '<a b="', "<![CDATA[", "<!--", "<item>", "</x:", "&", "&a", "<x:y ", "]]>"],
)
def test_no_bytes_take_for_ever(piece):
    try:
        with ends():
            reading(rss(item(), "<item>" + piece * (1_000_000 // len(piece))))
    except Unreadable as error:
        assert "elements" in str(error)


def sound(found: Reading) -> None:
    """Every article can be kept, and every fault is a sentence."""
    for article in found.articles:
        check_line(article.title)
        check_text(article.text)
        check_text(article.author)
        check_url(article.url)
        assert article.title
        assert canonical(article.key) == article.key
    assert len({article.key for article in found.articles}) == len(found.articles)
    for fault in found.faults:
        check_line(fault)
        assert len(fault) < 500


def test_feeds_with_bytes_changed_at_random_never_crash():
    wheel = random.Random(5)
    seeds = [
        (kind, make(now=NOW))
        for kind, make in [
            ("feed", feed_server.rss),
            ("feed", feed_server.atom),
            ("feed", feed_server.json_feed),
            ("arxiv", feed_server.arxiv_listing),
            ("hackernews", feed_server.hacker_news),
            ("github", feed_server.github_releases),
        ]
    ]
    read_whole = 0
    for number in range(600):
        kind, seed = seeds[number % len(seeds)]
        data = bytearray(seed)
        for _ in range(wheel.randint(1, 12)):
            position = wheel.randrange(len(data))
            if wheel.random() < 0.5:
                data[position] = wheel.randrange(256)
            else:
                del data[position : position + wheel.randint(1, 40)]
        try:
            found = reading(bytes(data), kind=kind)
        except Unreadable as error:
            check_line(str(error))
            continue
        sound(found)
        read_whole += bool(found.articles)
    assert read_whole > 250


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "term", "title"]), inner, max_size=3)
    ),
    max_leaves=5,
)
_ITEMS = st.dictionaries(
    st.sampled_from(
        [
            *("id", "url", "external_url", "title", "content_html", "content_text", "summary"),
            *("date_published", "authors", "author", "tags", "objectID", "story_text", "time"),
            *("created_at_i", "html_url", "name", "tag_name", "body", "published_at", "draft"),
        ]
    ),
    _VALUES,
)


@settings(max_examples=400)
@given(st.lists(_ITEMS | _VALUES, max_size=4), st.sampled_from(["feed", "hackernews", "github"]))
def test_json_of_any_shape_never_crashes(items, kind):
    value = {"items": items} if kind == "feed" else {"hits": items}
    for shape in (value, items):
        try:
            sound(reading(json.dumps(shape).encode(), kind=kind))
        except Unreadable as error:
            check_line(str(error))


# --- JSON Feed, arXiv, Hacker News, GitHub -------------------------------------------------------


def test_json_with_what_no_text_can_hold_loses_only_that():
    items = r'[{"url": "/one", "title": "A\ud800B\u0000C", "content_text": "x\u0007y"}, 7, null]'
    found = reading(b'{"items": ' + items.encode() + b"}")
    assert (found.articles[0].title, found.articles[0].text) == ("ABC", "xy")
    assert found.faults[0] == "not an object, left out: 2 of 3 entries"


def test_a_json_feed_names_all_authors():
    assert reading(feed_server.json_feed(now=NOW)).articles[0].author == "Ann Writer, Ben Reader"


def test_a_listing_of_arxiv_leaves_out_new_versions_and_says_so():
    found = reading(feed_server.arxiv_listing(now=NOW), kind="arxiv")
    assert [(a.title, a.text, a.key) for a in found.articles] == [
        (
            "Paging the Cache",
            "We page the\ncache of $a<b$ models.",
            "https://arxiv.org/abs/2602.00001",
        ),
        ("Crossing Subjects", "We cross.", "https://arxiv.org/abs/2602.00002"),
    ]
    assert found.articles[0].author == "Ann Writer, Ben Reader"
    assert found.articles[0].outlet == "arxiv.org"
    assert found.faults == (
        "new versions of earlier papers, left out: 1 of 3 entries, the first “An Earlier Paper”",
    )


def test_the_answer_of_arxivs_api_is_read():
    data = b"""<?xml version='1.0' encoding='UTF-8'?>
    <feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>
    <entry><id>http://arxiv.org/abs/2602.00001v1</id><title>Paging the
      Cache</title><updated>2026-02-10T10:00:00Z</updated>
    <link href="https://arxiv.org/abs/2602.00001v1" rel="alternate" type="text/html"/>
    <link href="https://arxiv.org/pdf/2602.00001v1" rel="related" type="application/pdf"/>
    <summary>We page
    the cache.</summary><category term="cs.CL"/><published>2026-02-10T10:00:00Z</published>
    <author><name>Ann</name></author><author><name>Ben</name></author></entry></feed>"""
    article = one(data, kind="arxiv")
    assert article.key == "https://arxiv.org/abs/2602.00001"
    assert article.title == "Paging the Cache"
    assert article.text == "We page\nthe cache."
    assert article.tags == ("cs.CL",)


def test_the_day_a_paper_was_submitted_is_not_the_day_it_came_out():
    """arXiv shows a batch a day later, over a weekend three; what is older than that is no news."""
    hours = {"2602.00001": 1, "2602.00002": 27, "2602.00003": 119, "2602.00004": 121}
    data = feed_server.arxiv_answer((n, NOW - timedelta(hours=h)) for n, h in hours.items())
    found = reading(data, kind="arxiv")
    assert [(a.title, a.published, a.seen) for a in found.articles] == [
        (f"The Paper {number}", None, NOW) for number in list(hours)[:3]
    ]
    what = "submitted more than 5 days ago, left out"
    assert found.faults == (f"{what}: 1 of 4 entries, the first “The Paper 2602.00004”",)


def test_a_listing_of_arxiv_tells_when_its_papers_came_out():
    found = reading(feed_server.arxiv_listing(now=NOW), kind="arxiv").articles
    assert {article.published for article in found} == {NOW - timedelta(hours=2)}


def test_a_story_of_hacker_news_belongs_to_the_page_it_links():
    found = reading(feed_server.hacker_news(now=NOW), kind="hackernews").articles
    assert [(a.title, a.url, a.outlet, a.text) for a in found] == [
        (
            "Show HN: vector<int> in Rust & C++",
            "https://www.example.dev/post?utm_source=hn",
            "example.dev",
            "",
        ),
        (
            "Ask HN: What do you read?",
            "https://news.ycombinator.com/item?id=43000002",
            "ycombinator.com",
            "I read everything.\nAnd you?",
        ),
    ]


def test_items_of_hacker_news_own_api_are_read():
    story = {"id": 1, "type": "story", "by": "ann", "time": 1770717600, "title": "T", "url": "/x"}
    story["url"] = "https://a.test/x"
    dead = {"id": 2, "type": "story", "title": "D", "dead": True}
    comment = {"id": 3, "type": "comment", "text": "no"}
    assert one(json.dumps(story).encode(), kind="hackernews").published == datetime(
        2026, 2, 10, 10, tzinfo=UTC
    )
    assert one(json.dumps([story, dead, comment, None]).encode(), kind="hackernews").author == "ann"


def test_a_release_bears_the_name_of_what_is_released():
    found = reading(feed_server.github_releases(now=NOW), kind="github").articles
    assert [(a.title, a.text, a.outlet) for a in found] == [
        ("vllm v0.27.0rc2", "Highlights\nFaster & smaller", "vllm-project/vllm"),
        ("vllm v0.27.0rc1", "", "vllm-project/vllm"),
    ]
    assert len({a.key for a in found}) == 2


def test_releases_from_githubs_api_are_read():
    releases = [
        {
            "html_url": "https://github.com/ggml-org/llama.cpp/releases/tag/b4567",
            "name": None,
            "tag_name": "b4567",
            "body": "* faster",
            "published_at": "2026-02-10T10:00:00Z",
            "author": {"login": "bot"},
        },
        {"draft": True, "tag_name": "b4568"},
    ]
    article = one(json.dumps(releases).encode(), kind="github")
    assert (article.title, article.author) == ("llama.cpp b4567", "bot")
    with pytest.raises(Unreadable, match="GitHub says: API rate limit exceeded"):
        reading(b'{"message": "API rate limit exceeded"}', kind="github")

"""Lists of feeds, from other programs and our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.drafting import opml
from digest.drafting.entries import KINDS, Feed, Unreadable
from digest.drafting.links import canonical
from digest.drafting.opml import read_opml, write_opml

LIST = """<?xml version="1.0"?><opml version="1.0"><head><title>Mine</title></head><body>
<outline text="AI"><outline text="Labs">
  <outline type="rss" text="One" title="No" xmlUrl="https://one.test/feed" htmlUrl="https://x.test"/>
</outline><outline TITLE="Two" XMLURL="https://two.test/feed" language="zh-TW"/></outline>
<outline xmlUrl="https://three.test/feed"/>
</body></opml>"""


def listed(*outlines: str, head: str = "") -> bytes:
    return f"{head}<opml version='2.0'><body>{''.join(outlines)}</body></opml>".encode()


def test_feeds_are_read_with_the_innermost_folder_as_their_section():
    assert read_opml(LIST.encode()) == (
        (
            Feed("One", "https://one.test/feed", section="Labs"),
            Feed("Two", "https://two.test/feed", section="AI", language="zh-Hant"),
            Feed("https://three.test/feed", "https://three.test/feed"),
        ),
        (),
    )


def test_what_is_written_is_read_back():
    feeds = (
        Feed("A & <B> \"c\" 'd'", "https://a.test/feed?x=1&y=2", section="模型（Models & more）"),
        Feed("晨報", "https://b.test/feed", kind="arxiv", weight=2.5, language="zh-Hant"),
        Feed("C", "https://c.test/", section="模型（Models & more）", kind="github", weight=0),
    )
    data = write_opml(feeds, "List & title")
    assert read_opml(data) == ((feeds[0], feeds[2], feeds[1]), ())
    assert write_opml(read_opml(data).feeds, "List & title") == data


_NAMES = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=300)
@given(
    st.lists(
        st.builds(
            Feed,
            name=_NAMES,
            url=st.text("abc&'\"=?%", max_size=12).map(lambda rest: f"https://a.test/{rest}"),
            kind=st.sampled_from(KINDS),
            section=_NAMES,
            weight=st.floats(-5, 50) | st.just(float("nan")),
            language=st.sampled_from(["", "en", "zh-Hant", "zh-Hans"]),
        ),
        max_size=6,
        unique_by=lambda feed: canonical(feed.url),
    )
)
def test_any_list_is_a_fixed_point_once_it_was_read(feeds):
    once = read_opml(write_opml(feeds, "T"))
    assert len(once.feeds) == len(feeds)
    again = read_opml(write_opml(once.feeds, "T"))
    assert write_opml(again.feeds, "T") == write_opml(once.feeds, "T")


@pytest.mark.parametrize(
    ("outline", "said"),
    [
        ("<outline text='X' xmlUrl='javascript:alert(1)'/>", "“X” is left out: a link starts with"),
        ("<outline text='X' xmlUrl=''/>", "“X” is left out"),
        ("<outline text='X' xmlUrl='https://me:word@x.test/'/>", "cannot carry a user name"),
        ("<outline text='X' xmlUrl='HTTPS://ONE.test/feed/'/>", "stands there twice"),
    ],
)
def test_a_feed_that_cannot_be_taken_is_said_and_the_others_land(outline, said):
    found = read_opml(listed("<outline text='One' xmlUrl='https://one.test/feed'/>", outline))
    assert [feed.name for feed in found.feeds] == ["One"]
    assert said in found.faults[0]


@pytest.mark.parametrize("weight", ["NaN", "inf", "-3", "x", "1e400"])
def test_a_weight_that_is_none_is_within_bounds(weight):
    data = listed(f"<outline text='X' xmlUrl='https://x.test/' copydeskWeight='{weight}'/>")
    assert 0 <= read_opml(data).feeds[0].weight <= 10


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://github.com/a/b/releases.atom", "github"),
        ("https://hn.algolia.com/api/v1/search?tags=front_page", "hackernews"),
        ("https://rss.arxiv.org/rss/cs.AI", "arxiv"),
        ("https://export.arxiv.org/api/query?search_query=x", "arxiv"),
        ("https://github.com/a/b/commits.atom", "feed"),
        ("https://news.test/", "feed"),
    ],
)
def test_a_list_of_another_program_tells_the_kind_by_the_address(url, kind):
    data = listed(f"<outline text='X' xmlUrl='{url.replace('&', '&amp;')}'/>")
    assert read_opml(data).feeds[0].kind == kind


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no XML"),
        (b"words", "no XML"),
        (b"<rss version='2.0'/>", "no OPML"),
        (listed("<outline text='x'>" * 5_000), "nested too deeply"),
        (b" " * (opml.SIZE_LIMIT + 1), "longer than 5,000,000 bytes"),
    ],
)
def test_what_is_no_list_is_refused_with_a_sentence(data, said):
    with pytest.raises(Unreadable, match=said):
        read_opml(data)


def test_entities_of_a_list_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    head = f"<!DOCTYPE opml [<!ENTITY x SYSTEM 'file://{secret}'><!ENTITY y 'lol'>]>"
    outline = "<outline text='&x;&y;' xmlUrl='https://x.test/'/>"
    found = read_opml(listed(outline, head=head))
    assert found.feeds[0].name == "&x;&y;"
    assert "it declares entities of its own" in found.faults[0]


def test_more_feeds_than_anybody_reads_are_cut_and_said():
    found = read_opml(
        listed(*[f"<outline text='{n}' xmlUrl='https://x.test/{n}'/>" for n in range(2_100)])
    )
    assert len(found.feeds) == 2_000
    assert found.faults == ("feeds beyond the first 2,000 are left out",)


def test_the_starter_list_fits_the_sections_of_the_sample():
    root = Path(opml.__file__).parent
    found = read_opml((root / "starter.opml").read_bytes())
    assert found.faults == ()
    assert len(found.feeds) == 36
    assert all(feed.url.startswith("https://") and feed.language for feed in found.feeds)
    sample = (root.parent / "sample/ai-daily.md").read_text(encoding="utf-8")
    titles = [line.removeprefix("## ") for line in sample.split("\n") if line.startswith("## ")]
    assert list(dict.fromkeys(feed.section for feed in found.feeds)) == titles[:6]

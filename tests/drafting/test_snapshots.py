"""A day from files: the same traps as from the network, without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.document import check_line, check_text, check_url
from digest.drafting.entries import Feed, Reading, Unreadable
from digest.drafting.snapshots import read_snapshot

NOW = datetime(2026, 2, 11, 6, 0, tzinfo=UTC)
ENTRY = {
    "title": "Title &amp; more",
    "url": "https://a.test/one?utm_source=x",
    "description": "<p>Text.</p>",
    "author": "Ann",
    "published": "2026-02-10T10:00:00Z",
    "tags": ["ai", "gpu"],
}
PAPER = {
    "id": "2602.00001v1",
    "title": "Paging the\n Cache",
    "abs": "https://arxiv.org/abs/2602.00001v1",
    "summary": "We page.",
    "authors": ["Ann", "Ben"],
    "categories": ["cs.CL", "cs.LG"],
}


def load(value, **options) -> Reading:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_snapshot(data, fetched=NOW, **options)


def lines(*values) -> bytes:
    return b"\n".join(v if isinstance(v, bytes) else json.dumps(v).encode() for v in values)


def test_a_snapshot_of_feeds_is_read():
    found = load({"Blog": [ENTRY], "News": [ENTRY | {"url": "https://b.test/"}]})
    assert [(a.feed, a.title, a.text, a.key) for a in found.articles] == [
        ("Blog", "Title & more", "Text.", "https://a.test/one"),
        ("News", "Title & more", "Text.", "https://b.test/"),
    ]
    first = found.articles[0]
    assert (first.author, first.tags, first.fetched) == ("Ann", ("ai", "gpu"), NOW)
    assert first.published == datetime(2026, 2, 10, 10, tzinfo=UTC)
    assert found.faults == ()


def test_feeds_that_are_known_lend_section_weight_and_language():
    feed = Feed("Other", "https://a.test/", section="工具", weight=3.0)
    found = load({"Blog": [ENTRY]}, feeds={"Blog": feed})
    assert (found.articles[0].feed, found.articles[0].section) == ("Blog", "工具")
    assert found.articles[0].weight == 3.0


def test_papers_are_read_line_by_line():
    other = {
        "id": "2602.00002",
        "title": "Two",
        "summary": "S",
        "authors": "Cy",
        "categories": "a b",
    }
    found = load(lines(PAPER, other))
    assert [(a.title, a.key, a.author, a.tags) for a in found.articles] == [
        ("Paging the Cache", "https://arxiv.org/abs/2602.00001", "Ann, Ben", ("cs.CL", "cs.LG")),
        ("Two", "https://arxiv.org/abs/2602.00002", "Cy", ("a", "b")),
    ]
    assert {a.feed for a in found.articles} == {"arXiv"}
    assert found.faults == ("without a date: 2 of 2 entries, the first “Paging the Cache”",)


def test_a_single_paper_is_no_snapshot_of_feeds():
    assert len(load(PAPER).articles) == 1


def test_a_broken_line_is_said_and_the_others_land():
    found = load(lines(PAPER, b'{"id": "26', b"", b"[1]", PAPER | {"id": "2", "abs": "x"}))
    assert len(found.articles) == 2
    assert found.faults[0].startswith("line 2 is left out: it is not JSON that can be read")
    assert found.faults[1] == "line 4 is left out: it is no object"


def test_a_thousand_broken_lines_are_not_a_thousand_sentences():
    found = load(lines(PAPER, *[b"{"] * 1_000))
    assert len(found.articles) == 1
    assert len(found.faults) < 25
    assert "980 more lines are left out" in found.faults[20]


def test_the_traps_of_feeds_hold_here_too():
    found = load(
        {
            "Column": [ENTRY | {"title": f"T {n}", "url": "https://a.test/column"} for n in "12"],
            "Odd": [
                ENTRY | {"url": "javascript:alert(1)"},
                ENTRY | {"published": "2099-01-01"},
                ENTRY | {"url": "https://a.test/2", "published": None, "description": None},
                7,
            ],
            "Broken": {"title": "no list"},
        }
    )
    assert len({a.key for a in found.articles}) == 4
    said = "\n".join(found.faults)
    assert "Column: whose link is not theirs alone" in said
    assert "Odd: with a link that cannot be opened, left out: 1 of 3 entries" in said
    assert "Odd: dated in the future, taken as undated: 1 of 3" in said
    assert "Odd: without a date: 1 of 3" in said
    assert "Odd: without any text but a title: 1 of 3" in said
    assert "Odd: not an object, left out: 1 of 4" in said
    assert "Broken: it is not a list of entries and is left out" in said


@pytest.mark.parametrize("data", [lines(PAPER), json.dumps({"B": [ENTRY]}).encode()])
def test_a_byte_order_mark_is_passed_over(data):
    assert len(load(b"\xef\xbb\xbf" + data).articles) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (b"words", "neither a snapshot nor lines of JSON"),
        (b"7", "no snapshot"),
        (b"{}", "no snapshot"),
        (b'{"a": 1}', "no snapshot"),
        (b"[" * 100_000, "neither a snapshot nor"),
        (b'{"a": [' + b"9" * 10_000 + b"]}", "neither a snapshot nor"),
        (b"\x00\x01\xff", "neither a snapshot nor"),
    ],
)
def test_what_is_no_snapshot_is_refused_with_a_sentence(data, said):
    with pytest.raises(Unreadable, match=said):
        load(data)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, *PAPER]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=500)
@given(st.dictionaries(st.text(max_size=9), _VALUES, max_size=3) | st.lists(_VALUES, max_size=4))
def test_json_of_any_shape_never_crashes(value):
    for data in (json.dumps(value).encode(), lines(*(value if isinstance(value, list) else []))):
        try:
            found = load(data)
        except Unreadable as error:
            check_line(str(error))
            continue
        for article in found.articles:
            check_line(article.title)
            check_text(article.text)
            check_url(article.url)
        for fault in found.faults:
            check_line(fault)

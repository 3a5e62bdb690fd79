"""What a machine hands over, by media type, and the guards around its JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import hugo, payload
from digest.document import Document, Importance
from tests.endless import ends

MARKDOWN = '---\ntitle: "一"\n---\n\n---\n\n## 節\n\n### 卡\n\n**重要性**：高  \n\n---'.encode()


def an_issue(**changes: object) -> dict:
    """A document in JSON with two good cards; `changes` go into the first."""
    cards = [{"headline": "甲", "summary": "話。", **changes}, {"headline": "乙"}]
    return {
        "front_matter": {"values": {"title": "一"}},
        "sections": [{"title": "節", "cards": cards}],
        "footer": "完",
    }


def from_json(value: object) -> hugo.Reading:
    return payload.from_json(json.dumps(value).encode())


@pytest.mark.parametrize(
    "media_type",
    [
        "text/markdown; charset=utf-8",
        "text/plain",
        "Text/X-Markdown",
        "",
        "application/octet-stream",
    ],
)
def test_markdown_is_read_under_its_names_and_under_none(media_type):
    reading = payload.parse(MARKDOWN, media_type)
    assert reading.problems == ()
    assert hugo.write(reading.document) == MARKDOWN


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.x+json", ""])
def test_the_json_of_a_document_is_the_same_document(media_type):
    document = hugo.read(MARKDOWN)
    reading = payload.parse(document.model_dump_json().encode(), media_type)
    assert reading.problems == ()
    assert hugo.write(reading.document) == MARKDOWN


def test_another_media_type_is_a_problem():
    [problem] = payload.parse(b"%PDF", "application/pdf").problems
    assert problem.reason.startswith("application/pdf is not read")


def test_how_large_a_payload_may_be_is_for_the_door_to_say():
    much = b" " * 10_400_000  # less than settings.DRAFT_LIMIT
    assert payload.parse(MARKDOWN + b"\n" + much, "text/markdown").problems == ()
    assert payload.parse(json.dumps(an_issue()).encode() + much, "application/json").problems == ()


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ([{"title": "節", "cards": [{}] * 600}] * 2, "1,200 cards; an issue has 1,000 at most"),
        ([5] * 101, "101 sections; an issue has 100 at most"),
        (
            [{"title": "延伸閱讀", "passages": [{"title": "x"}] * 101}],
            "101 passages; a section has 100 at most",
        ),
    ],
)
def test_more_than_one_issue_holds_is_one_problem(sections, reason):
    reading = from_json({**an_issue(), "sections": sections})
    [problem] = reading.problems
    assert (problem.where, problem.reason) == ("file", reason)
    assert len(problem.text) <= 1000
    assert reading.document == Document()


def test_front_matter_that_would_steer_hugo_is_a_problem():
    reading = from_json(
        {**an_issue(), "front_matter": {"values": {"title": "一", "Markup": "html"}}}
    )
    [problem] = reading.problems
    assert problem.where == "/front_matter"
    assert problem.reason == (
        "front matter: `Markup` would change how the page is built; take it out"
    )
    assert reading.document.title == ""
    assert len(reading.document.cards) == 2


def test_a_draft_that_hugo_would_not_show_is_said():
    reading = from_json({**an_issue(), "front_matter": {"values": {"draft": True}}})
    [deviation] = reading.deviations
    assert deviation.text == "draft: true: Hugo will not show this post"


@pytest.mark.parametrize("number", ["1e22", "1e+16", "-0.0", "9007199254740992.0"])
def test_a_number_that_a_database_would_change_is_a_problem(number):
    source = f'{{"front_matter": {{"values": {{"weight": {number}}}}}, "sections": []}}'
    [problem] = payload.from_json(source.encode()).problems
    assert problem.where == "/front_matter/values"


def test_what_may_be_left_out_may_be_left_out():
    reading = from_json(an_issue())
    assert reading.problems == ()
    assert reading.document.sections[0].kind == "cards"
    assert from_json({"sections": [{"title": "編輯洞察"}]}).document.insight is not None


def test_line_endings_of_windows_become_line_feeds():
    assert from_json(an_issue(summary="a\r\nb")).document.cards[0].summary == "a\nb"


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"importance": "很高"}, "/importance", "importance is one of"),
        ({"sources": [{"title": "a", "url": "javascript:x"}]}, "/sources/0/url", "a link starts"),
        ({"headline": "\ud800"}, "/headline", "unable to parse raw data as a unicode string"),
        ({"summary": "a\u0000"}, "/summary", "character U+0000"),
        ({"summary": 5}, "/summary", "valid string"),
        ({"a/b~c": 1}, "/a~1b~0c", "not permitted"),
        ({"summary": "x\n### y"}, "", "line 2 of the summary starts with ###"),
        ({"sources": [{"title": "t", "url": "https://a.org"}] * 101}, "/sources", "at most 100"),
    ],
)
def test_a_bad_card_waits_with_its_json_and_the_others_land(changes, where, reason):
    reading = from_json(an_issue(**changes))
    [problem] = reading.problems
    assert problem.where == f"/sections/0/cards/0{where}"
    assert reason in problem.reason
    assert "話。" in problem.text or "summary" in problem.text
    assert [card.headline for card in reading.document.cards] == ["乙"]
    assert reading.document.footer == "完"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lead": "## 假"}, "/lead"),
        ({"footer": "---"}, "/footer"),
        ({"footer": 5}, "/footer/body"),
        ({"front_matter": {"values": {"a": "\u0001"}}}, "/front_matter/values"),
        ({"front_matter": 3}, "/front_matter"),
        ({"surprise": 1}, "/surprise"),
        ({"sections": [*an_issue()["sections"], 5]}, "/sections/1"),
        ({"sections": [*an_issue()["sections"], {"title": 5}]}, "/sections/1/title"),
        (
            {
                "sections": [
                    *an_issue()["sections"],
                    {"title": "延伸閱讀", "cards": [{"headline": "x"}]},
                ]
            },
            "/sections/1/cards",
        ),
        ({"sections": [*an_issue()["sections"], {"title": "x", "kind": "insight"}]}, "/sections/1"),
    ],
)
def test_a_bad_part_leaves_the_rest(change, where):
    reading = from_json({**an_issue(), **change})
    assert [problem.where for problem in reading.problems] == [where]
    assert [card.headline for card in reading.document.cards] == ["甲", "乙"]
    assert hugo.document_faults(reading.document) == []


def test_text_that_hugo_would_take_for_front_matter_waits_unless_there_is_some():
    lead = {"lead": '{"url": "/"}'}
    assert from_json({**an_issue(), **lead}).problems == ()
    [problem] = from_json({**an_issue(), **lead, "front_matter": {}}).problems
    assert problem.where == "/lead"


def test_text_without_any_section_waits():
    reading = from_json({"lead": "前言", "front_matter": {"values": {"title": "一"}}})
    assert [problem.where for problem in reading.problems] == ["/sections"]
    assert "前言" in reading.problems[0].text
    assert reading.document.title == "一"


def test_cards_outlive_a_bad_title():
    reading = from_json({"sections": [{"title": "a\nb", "cards": [{"headline": "卡"}]}]})
    assert [problem.where for problem in reading.problems] == ["/sections/0/title"]
    assert reading.document.cards[0].headline == "卡"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "there is nothing in it"),
        (b'{"a": 1, "a": 2}', 'the key "a" stands twice'),
        (b'{"lead": {"x": [{"k": 1, "k": 1}]}}', 'the key "k" stands twice'),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "-Infinity is not a number"),
        (b'{"a": 1e400}', "the number 1e400 is out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "has too many digits"),
        (b"[" * 10**6, "nested deeper than 32"),
        (b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}", "nested deeper than 32"),
        (b'{"a": "\xff"}', "not UTF-8: byte 8"),
        (b'"' + b'\\"' * 10**6, "not valid JSON"),
    ],
)
def test_json_that_a_machine_should_not_send_is_refused_by_name(data, reason):
    with ends():
        [problem] = payload.from_json(data).problems
    assert problem.where == "file"
    assert reason in problem.reason


def test_brackets_inside_text_are_no_nesting():
    reading = from_json(an_issue(summary='"[\\"' * 40))
    assert reading.problems == ()


def test_problems_hold_nothing_a_database_refuses():
    reading = from_json(an_issue(**{"headline": "\ud800", "\ud801\u0000": 1}))
    for problem in reading.problems:
        for text in (problem.where, problem.reason, problem.text):
            assert "\0" not in text
            text.encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["高", "### x", "---", "節", "延伸閱讀", "https://a.org"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "sections",
                    "cards",
                    "title",
                    "headline",
                    "summary",
                    "sources",
                    "url",
                    "kind",
                    "lead",
                    "importance",
                    "front_matter",
                    "values",
                    "passages",
                    "body",
                    "layout",
                    "labels",
                    "rest",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=500)
@given(JSON, st.sampled_from([None, "sections", "cards"]))
def test_no_json_makes_the_reader_raise_or_lands_what_cannot_be_written(value, wrap):
    if wrap == "cards":
        value = {"sections": [{"title": "節", "cards": [value]}]}
    elif wrap:
        value = {"sections": [value]}
    reading = from_json(value)
    if reading.document != Document():
        assert hugo.document_faults(reading.document) == []


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(data):
    for media_type in ("application/json", "", "text/markdown"):
        payload.parse(data, media_type)


def test_numbers_name_importance_too():
    assert from_json(an_issue(importance=5)).document.cards[0].importance is Importance.HIGHEST

"""The values: what they refuse and what they answer."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from digest.document import (
    Card,
    Document,
    FrontMatter,
    Importance,
    Passage,
    Section,
    Source,
    check_url,
)
from digest.models import Desk, Issue


def test_importance_is_ordered_and_named_in_the_dialects_words():
    labels = [importance.label for importance in Importance]
    assert labels == ["低", "中", "中\u2011高", "高", "極高"]
    assert [Importance.from_label(label) for label in labels] == sorted(Importance)


@pytest.mark.parametrize("label", ["中-高", "High", "", " 高", "中高"])
def test_any_other_word_is_no_importance(label):
    with pytest.raises(ValueError, match="importance is one of 低、中、中‑高、高、極高"):
        Importance.from_label(label)


def test_a_card_takes_importance_by_label_or_number_and_gives_the_label():
    assert Card(headline="卡", importance="高") == Card(headline="卡", importance=4)
    assert Card(headline="卡", importance=4).model_dump(mode="json")["importance"] == "高"
    assert Card(headline="卡").model_dump(mode="json")["importance"] is None


@pytest.mark.parametrize("importance", ["很高", 0, 6, True])
def test_a_card_refuses_other_importance(importance):
    with pytest.raises(ValidationError):
        Card(headline="卡", importance=importance)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://example.org/a_(b)?c=d#e",
        "https://例え.jp/路徑",
        "https://[2001:db8::1]/",
    ],
)
def test_absolute_links_are_taken(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//example.org",
        "/path",
        "ftp://example.org",
        "https://",
        "https://user@example.org",
        "https://example.org\\@evil.org",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://example.org/\u202egnp.exe",
        "https://example.org/(",
        "https://example.org/)(",
        "https://example.org/<b>",
        "https://[broken",
    ],
)
def test_other_links_are_refused(url):
    with pytest.raises(ValueError, match="."):
        check_url(url)


@pytest.mark.parametrize("title", ["報", "[甲] 乙", "a | b", r"\[", "a](b"[:1]])
def test_a_sources_title_may_hold_paired_or_escaped_brackets(title):
    assert Source(title=title, url="https://a.org").title == title


@pytest.mark.parametrize("title", ["", "  ", "[", "]", "][", "a\\", "a\nb"])
def test_a_sources_title_that_would_end_its_link_early_is_refused(title):
    with pytest.raises(ValidationError):
        Source(title=title, url="https://a.org")


def test_a_source_knows_the_host_a_reader_lands_on():
    assert Source(title="報", url="https://News.Example.org:8443/x").host == "news.example.org"


@pytest.mark.parametrize(
    "changes",
    [
        {"headline": " "},
        {"headline": "a\nb"},
        {"summary": "\x00"},
        {"summary": "\x85"},
        {"summary": "\ud800"},
        {"summary": "長" * 20_001},
        {"entities": ["a, b"]},
        {"entities": [" a"]},
        {"entities": [""]},
        {"entities": ["a"] * 101},
        {"importance_note": "a\nb"},
        {"layout": ["summary", "summary"]},
        {"layout": ["rest"]},
        {"labels": {"rest": "其他"}},
        {"surprise": 1},
    ],
)
def test_a_card_refuses_what_its_file_could_not_hold(changes):
    with pytest.raises(ValidationError):
        Card(**{"headline": "卡", **changes})


def test_values_cannot_be_changed():
    with pytest.raises(ValidationError):
        Card(headline="卡").headline = "別的"


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, 2**63, "\x00", ["\ud800"], {"\x01": 1}),
        *(1e22, 1e16, -1e300, 2.0**53, -0.0, [1e17]),
    ],
)
def test_front_matter_refuses_what_json_or_a_file_cannot_hold(value):
    with pytest.raises(ValidationError):
        FrontMatter(values={"key": value})


def through_jsonb(number: float | int) -> float | int:
    """A number as PostgreSQL's jsonb gives it back: a decimal, written out without exponent."""
    return json.loads(f"{Decimal(json.dumps(number)) + 0:f}")


@given(st.floats() | st.integers() | st.floats(-1e17, 1e17) | st.integers(-(2**54), 2**54))
@example(1e16)
@example(5e-324)
@example(2.0**53 - 1)
@example(1e15)
@example(-0.0)
def test_every_number_that_is_kept_comes_back_from_a_database_as_it_went(number):
    try:
        values = FrontMatter(values={"n": number}).values
    except ValidationError:
        assert not abs(number) < 2**53 or str(number) == "-0.0"
        return
    kept = values["n"]
    with localcontext() as exact:
        exact.prec = 2000
        for again in (through_jsonb(kept), json.loads(json.dumps(kept))):
            assert json.dumps(again) == json.dumps(kept)


@pytest.mark.django_db
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(numbers=st.lists(st.floats(-(2.0**53), 2.0**53) | st.integers(-(2**63), 2**63 - 1)))
@example(numbers=[5e-324, 0.1, 2.0**53 - 1, 1.0, 2**63 - 1, 1e15, 1.5e-7])
def test_this_database_gives_numbers_back_as_they_went(numbers):
    kept = [n for n in numbers if abs(n) < 2**53 or isinstance(n, int)]
    kept = [n for n in kept if str(n) != "-0.0"]
    values = FrontMatter(values={"n": kept}).model_dump(mode="json")
    desk = Desk.objects.get()
    issue = Issue.objects.update_or_create(
        desk=desk, date="2026-03-01", slug="numbers", defaults={"front_matter": values}
    )[0]
    issue.refresh_from_db()
    assert json.dumps(issue.front_matter["values"]) == json.dumps(values["values"])


def test_front_matter_refuses_deep_nesting():
    value: list = []
    for _ in range(40):
        value = [value]
    with pytest.raises(ValidationError):
        FrontMatter(values={"key": value})


def test_front_matter_answers_for_the_issue():
    matter = FrontMatter(
        values={
            "title": "晨報",
            "date": "2026-03-01T06:00:00+08:00",
            "tags": ["甲", 2, "乙"],
            "cover": {"image": "/a.png"},
        }
    )
    document = Document(front_matter=matter)
    assert document.title == "晨報"
    assert document.date == "2026-03-01"
    assert matter.tags == ("甲", "乙")
    assert matter.cover == "/a.png"


def test_an_empty_document_answers_all_the_same():
    document = Document()
    assert (document.title, document.date) == ("", "")
    assert document.front_matter.tags == ()
    assert document.front_matter.cover == ""
    assert document.cards == document.watch_list == document.keywords == ()
    assert document.insight is document.reading is None
    assert document.stats == (None, None)


def test_the_watch_list_is_the_numbered_list_below_its_name():
    body = "1. 不是\n\n**關注清單**：\n\n1. 甲事\n2. 乙事"
    section = Section(kind="insight", title="編輯洞察", passages=(Passage(title="望", body=body),))
    assert Document(sections=(section,)).watch_list == ("甲事", "乙事")


def test_keywords_are_the_code_spans_of_their_passage():
    passages = (
        Passage(title="文章", body="`不算`"),
        Passage(title="本日關鍵詞", body="`甲` `乙 丙`"),
    )
    section = Section(kind="reading", title="延伸閱讀", passages=passages)
    assert Document(sections=(section,)).keywords == ("甲", "乙 丙")


def test_stats_come_from_the_footer_thousands_separators_and_all():
    footer = "*資料來源：1,234 篇文章 | 分析主題：80 個*"
    assert Document(footer=footer).stats == (1234, 80)
    assert Document(footer="*資料來源：不明*").stats == (None, None)

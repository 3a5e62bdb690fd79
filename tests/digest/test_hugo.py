"""Reading and writing the dialect: byte for byte, without loss, without crashes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digest import hugo
from digest.document import (
    CARD_FIELDS,
    FIELD_LIMIT,
    Card,
    Document,
    FrontMatter,
    Importance,
    Passage,
    Section,
    Source,
)
from digest.hugo import frontmatter
from tests.endless import ends

SEED = Path(__file__).parents[3] / "shared" / "seeds" / "2026-02-11-ai-intel.md"
SEED_HASH = "8b9c3397a74c9e74dfd08e559e34ebbe1d453905e05dcb0a8ba5565acde72117"

# `··` stands for the two blanks of a hard break.
ISSUE = """\
---
title: "晨間簡報"
date: 2026-03-01T06:00:00+08:00
draft: false
tags:
  - "測試"
---

---

## 今日焦點

### 第一張卡

**核心摘要**··
第一句話。

**技術細節**··
- 甲項··
- 乙項··
  - 細項··

**應用場景（風險面）**··
1. 丙項··

**關鍵實體**：Alpha, Beta··
**重要性**：中‑高（理由）··
**來源**：··
[甲](https://example.org/a) | [乙](https://example.org/b_(c))

---

### 第二張卡

**核心摘要**··
第二句話。

**關鍵實體**：Gamma··
**重要性**：低··
**來源**：··
[丙](https://example.org/c)

---

## 編輯洞察（Editor’s Insight）

### 總結

一段話。··
又一段話。

1. 先看這個。··
2. 再看那個。

---

## 延伸閱讀

### 文章

* [書](https://example.org/d) — 值得讀。··
* 另一本

### 本日關鍵詞

`甲` `乙`

---

*資料來源：12 篇文章 | 分析主題：3 個*··
*結束*

---""".replace("··", "  ")


def parsed(text: str) -> hugo.Reading:
    return hugo.parse(text.encode())


def said(reading: hugo.Reading) -> list[str]:
    return [str(deviation) for deviation in reading.deviations]


def an_issue(card: str) -> str:
    """A file with one card, given as the lines below its headline."""
    return f'---\ntitle: "一"\n---\n\n---\n\n## 節\n\n### 卡\n\n{card}\n\n---'


def the_card(card: str) -> Card:
    return hugo.read(an_issue(card).encode()).cards[0]


# --- the sample


@pytest.fixture(scope="module")
def seed() -> bytes:
    if not SEED.exists():
        pytest.skip("the sample lies beside the repository and is not here")
    return SEED.read_bytes()


def test_the_sample_survives_reading_json_and_writing_byte_for_byte(seed):
    document = hugo.read(seed)
    again = Document.model_validate_json(document.model_dump_json())
    assert again == document
    assert hugo.write(again) == seed
    assert hashlib.sha256(hugo.write(again)).hexdigest() == SEED_HASH


def test_the_sample_has_neither_deviations_nor_problems(seed):
    reading = hugo.parse(seed)
    assert reading.deviations == ()
    assert reading.problems == ()
    assert hugo.document_faults(reading.document) == []


def test_the_sample_is_understood_not_just_copied(seed):
    document = hugo.read(seed)
    assert [section.kind for section in document.sections] == ["cards"] * 6 + ["insight", "reading"]
    assert [len(section.cards) for section in document.sections[:6]] == [3, 3, 3, 3, 3, 3]
    assert len(document.insight.passages) == 3
    assert len(document.watch_list) == 5
    assert len(document.reading.passages) == 3
    assert len(document.keywords) == 20
    assert document.stats == (820, 80)
    assert document.date == "2026-02-11"
    assert len(document.front_matter.tags) == 5
    assert document.front_matter.values["draft"] is False
    assert document.front_matter.cover.startswith("/images/")
    assert {card.importance for card in document.cards} == set(Importance) - {Importance.LOW}
    assert sum(bool(card.importance_note) for card in document.cards) == 3
    assert sum(card.labels != {} for card in document.cards) == 2
    assert all(card.entities and card.sources and not card.layout for card in document.cards)
    assert not any(card.rest for card in document.cards)


def test_each_card_of_the_sample_stands_in_the_file_as_it_is_hashed(seed):
    text = seed.decode()
    document = hugo.read(seed)
    for card in document.cards:
        assert hugo.write_card(card) in text
        assert hugo.read_card(hugo.write_card(card)) == (card, ())
        assert hugo.card_faults(card) == []
    for section in document.sections[6:]:
        assert hugo.write_section_passages(section) in text
        assert hugo.passage_faults(section) == []


@pytest.mark.parametrize("part", range(50))
def test_the_sample_cut_anywhere_loses_nothing_and_raises_nothing(seed, part):
    cut = seed[: len(seed) * part // 50]
    assert_nothing_is_lost(cut.decode("utf-8", "ignore"))
    hugo.parse(cut)


# --- the dialect


def test_an_issue_in_the_dialect_is_read_without_deviations_and_written_back():
    reading = parsed(ISSUE)
    assert said(reading) == []
    assert reading.problems == ()
    assert hugo.write(reading.document) == ISSUE.encode()


def test_fields_hold_text_without_labels_and_hard_breaks():
    first, second = hugo.read(ISSUE.encode()).cards
    assert first.headline == "第一張卡"
    assert first.summary == "第一句話。"
    assert first.details == "- 甲項\n- 乙項\n  - 細項"
    assert first.applications == "1. 丙項"
    assert first.labels == {"applications": "應用場景（風險面）"}
    assert first.entities == ("Alpha", "Beta")
    assert first.importance is Importance.MEDIUM_HIGH
    assert first.importance_note == "理由"
    assert [source.url for source in first.sources] == [
        "https://example.org/a",
        "https://example.org/b_(c)",
    ]
    assert second.layout == ()


def test_passages_keep_breaks_in_prose_and_go_without_one_at_their_end():
    document = hugo.read(ISSUE.encode())
    assert document.insight.passages == (
        Passage(title="總結", body="一段話。  \n又一段話。\n\n1. 先看這個。\n2. 再看那個。"),
    )
    assert document.reading.passages[0].body.endswith("值得讀。\n* 另一本")
    assert document.footer == "*資料來源：12 篇文章 | 分析主題：3 個*  \n*結束*"


def test_layout_remembers_order_and_empty_labels():
    card = the_card("**來源**：  \n[a](https://a.org/)\n\n**技術細節**  \n\n**核心摘要**  \n話。")
    assert card.layout == ("sources", "details", "summary")
    assert hugo.read_card(hugo.write_card(card))[0] == card


def test_a_field_filled_later_finds_its_place_in_the_layout():
    card = the_card("**來源**：  \n[a](https://a.org/)\n\n**核心摘要**  \n話。")
    filled = card.model_copy(update={"importance": Importance.HIGH, "details": "新"})
    assert hugo.tidy_card(filled).layout == ("details", "importance", "sources", "summary")
    assert hugo.card_faults(filled) == []


def test_text_after_the_sources_is_kept_as_the_rest():
    card = the_card("**核心摘要**  \n話。\n\n**來源**：  \n[a](https://a.org/)\n\n編按：待查。")
    assert card.rest == "編按：待查。"
    assert hugo.read_card(hugo.write_card(card)) == (card, ())


def test_an_untitled_passage_may_open_a_section():
    text = "## 編輯洞察\n\n開場白。\n\n### 甲\n\n話。\n\n---"
    assert hugo.read(text.encode()).sections[0].passages == (
        Passage(body="開場白。"),
        Passage(title="甲", body="話。"),
    )
    assert hugo.write(hugo.read(text.encode())) == text.encode()


def test_text_before_the_first_section_is_the_lead():
    document = hugo.read("# 大標\n\n前言。\n\n---\n\n## 節\n\n節首。\n\n### 卡\n\n---".encode())
    assert document.lead == "# 大標\n\n前言。"
    assert document.sections[0].lead == "節首。"


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("編輯洞察（Editor’s Insight）", "insight"),
        ("Editor's Insight", "insight"),
        ("延伸閱讀與資源", "reading"),
        ("Further Reading", "reading"),
        ("今日焦點", "cards"),
        ("我的延伸閱讀", "cards"),
    ],
)
def test_a_sections_title_says_what_it_holds(title, kind):
    assert hugo.kind_of(title) == kind


def test_nothing_in_fenced_code_is_structure():
    code = "```md\n### 不是卡\n---\n**來源**：x\n* 不是項目\n```"
    card = the_card(f"**核心摘要**  \n說明：\n{code}\n\n**重要性**：高  ")
    assert card.summary == f"說明：\n{code}"
    assert hugo.read_card(hugo.write_card(card)) == (card, ())


def test_front_matter_alone_is_a_whole_file():
    text = '---\ntitle: "空"\n---\n\n---'
    assert hugo.parse(text.encode()).deviations == ()
    assert hugo.write(hugo.read(text.encode())) == text.encode()


def test_english_labels_are_read_and_kept():
    card = the_card(
        "**Summary**  \nWords.\n\n**Importance**：高  \n**Sources**：  \n[a](https://a.org)"
    )
    assert card.labels == {"summary": "Summary", "importance": "Importance", "sources": "Sources"}
    assert hugo.read_card(hugo.write_card(card)) == (card, ())


# --- deviations: each is put right, and said with its line


DEVIATIONS = [
    ("crlf", "\n", "\r\n", ["line 1: CRLF line ending"]),
    ("cr", "\n", "\r", ["line 1: CR line ending"]),
    (
        "byte order mark",
        ISSUE,
        "\ufeff" + ISSUE,
        ["line 1: byte order mark at the start of the file"],
    ),
    (
        "newline at end",
        "結束*\n\n---",
        "結束*\n\n---\n",
        ["line 73: newline at the end of the file"],
    ),
    (
        "no closing separator",
        "結束*\n\n---",
        "結束*",
        ["line 71: missing --- at the end of the file"],
    ),
    ("blanks after a fence", "---\ntitle", "--- \ntitle", ["line 1: blanks after ---"]),
    (
        "no separator after front matter",
        '測試"\n---\n\n---\n',
        '測試"\n---\n',
        ["line 9: missing --- before “今日焦點”"],
    ),
    (
        "no separator between cards",
        "(c))\n\n---\n",
        "(c))\n",
        ["line 31: missing --- before “第二張卡”"],
    ),
    (
        "no blank line above a separator",
        "(c))\n\n---",
        "(c))\n---",
        ["line 32: missing blank line before “第二張卡”"],
    ),
    (
        "two blank lines",
        "---\n\n### 第二",
        "---\n\n\n### 第二",
        ["line 34: one blank line too many before “第二張卡”"],
    ),
    (
        "longer separator",
        "---\n\n### 第二",
        "-----\n\n### 第二",
        ["line 33: --- or blank line written otherwise before “第二張卡”"],
    ),
    (
        "separator between passages",
        "另一本\n\n###",
        "另一本\n\n---\n\n###",
        ["line 66: one --- too many before “本日關鍵詞”"],
    ),
    (
        "no blank line below a headline",
        "第二張卡\n\n",
        "第二張卡\n",
        ["line 34: missing blank line below “第二張卡”"],
    ),
    (
        "blanks around a headline",
        "### 第二張卡",
        "###   第二張卡 ",
        ["line 33: blanks around the heading “第二張卡”"],
    ),
    (
        "no blank line between fields",
        "話。\n\n**技術",
        "話。\n**技術",
        ["line 17: missing blank line below 核心摘要"],
    ),
    (
        "blank line below a label",
        "**技術細節**  \n",
        "**技術細節**  \n\n",
        ["line 19: one blank line too many below 技術細節"],
    ),
    (
        "blank line between one-line fields",
        "Beta  \n",
        "Beta  \n\n",
        ["line 27: one blank line too many below 關鍵實體"],
    ),
    (
        "blanks on an empty line",
        "話。\n\n**技術",
        "話。\n \n**技術",
        ["line 17: blanks on the empty line below 核心摘要"],
    ),
    (
        "no break after a label",
        "**技術細節**  ",
        "**技術細節**",
        ["line 18: missing hard break after 技術細節"],
    ),
    (
        "colon after a text label",
        "**技術細節**  ",
        "**技術細節**：  ",
        ["line 18: colon after 技術細節"],
    ),
    (
        "text on a label's line",
        "**核心摘要**  \n第一句",
        "**核心摘要**：第一句",
        [
            "line 15: colon after 核心摘要",
            "line 15: missing hard break after 核心摘要",
            "line 15: text on the line of 核心摘要",
        ],
    ),
    ("ascii colon", "**重要性**：中", "**重要性**: 中", ["line 27: ASCII colon after 重要性"]),
    (
        "colon inside the bold",
        "**重要性**：中",
        "**重要性：**中",
        ["line 27: colon inside the bold of 重要性"],
    ),
    ("no colon", "**來源**：  \n[甲]", "**來源**  \n[甲]", ["line 28: no colon after 來源"]),
    (
        "no break after a value",
        "（理由）  ",
        "（理由）",
        ["line 27: missing hard break after 重要性"],
    ),
    (
        "ascii parentheses",
        "（理由）",
        "(理由)",
        ["line 27: parentheses written otherwise after 重要性"],
    ),
    ("hyphen-minus", "中‑高", "中-高", ["line 27: hyphen written otherwise after 重要性"]),
    ("en dash", "中‑高", "中–高", ["line 27: hyphen written otherwise after 重要性"]),
    ("hyphen U+2010", "中‑高", "中‐高", ["line 27: hyphen written otherwise after 重要性"]),
    (
        "no break after a list item",
        "- 甲項  ",
        "- 甲項",
        ["line 19: missing hard break after a list item"],
    ),
    (
        "three blanks after a list item",
        "- 甲項  ",
        "- 甲項   ",
        ["line 19: wrong hard break after a list item"],
    ),
    (
        "break at the end of a passage",
        "* 另一本",
        "* 另一本  ",
        ["line 62: wrong hard break after a list item"],
    ),
    ("star in a card", "- 甲項", "* 甲項", ["line 19: list item with *"]),
    ("plus in a card", "- 甲項", "+ 甲項", ["line 19: list item with +"]),
    (
        "entities by 、",
        "Alpha, Beta",
        "Alpha、Beta",
        ["line 26: entities not joined by “, ” after 關鍵實體"],
    ),
    (
        "entities below their label",
        "：Alpha, Beta  ",
        "：  \n- Alpha\n- Beta",
        ["line 27: text below 關鍵實體, not on its line"],
    ),
    ("sources one per line", "/a) | [乙]", "/a)\n[乙]", ["line 29: sources on several lines"]),
    ("sources as list items", "[丙]", "- [丙]", ["line 41: sources as list items"]),
    (
        "source on the label's line",
        "：  \n[丙]",
        "：[丙]",
        ["line 40: missing hard break after 來源", "line 40: text on the line of 來源"],
    ),
    (
        "sources by another sign",
        "/a) | [乙]",
        "/a)、[乙]",
        ["line 29: sources not written [title](link) | …"],
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "deviations"),
    [pytest.param(*row[1:], id=row[0]) for row in DEVIATIONS],
)
def test_a_deviation_is_named_with_its_line_and_put_right(old, new, deviations):
    assert old in ISSUE
    changed = ISSUE.replace(old, new) if old == "\n" else ISSUE.replace(old, new, 1)
    reading = parsed(changed)
    assert said(reading) == deviations
    assert reading.problems == ()
    assert hugo.write(reading.document) == ISSUE.encode()


def test_a_bare_link_gets_its_host_as_title():
    reading = parsed(an_issue("**來源**：  \nhttps://example.org/x?y=1"))
    assert said(reading) == ["line 12: sources not written [title](link) | …"]
    assert reading.document.cards[0].sources == (
        Source(title="example.org", url="https://example.org/x?y=1"),
    )


def test_an_unknown_label_is_text_of_the_field_it_stands_in():
    reading = parsed(an_issue("**核心摘要**  \n話。\n**背景**：舊聞。\n\n**重要性**：高  "))
    assert said(reading) == ["line 13: unknown label 背景, kept as text"]
    assert reading.document.cards[0].summary == "話。\n**背景**：舊聞。"


def test_a_label_that_stands_twice_is_text_the_second_time():
    reading = parsed(an_issue("**核心摘要**  \n話。\n\n**技術細節**  \n甲\n**核心摘要**  \n乙"))
    assert said(reading) == ["line 16: 核心摘要 a second time, kept as text"]
    assert reading.document.cards[0].details == "甲\n**核心摘要**  \n乙"


def test_text_above_the_summarys_label_becomes_its_beginning():
    reading = parsed(an_issue("先說。\n\n**核心摘要**  \n後說。"))
    assert said(reading) == ["line 11: text without a label, taken as the summary"]
    assert reading.document.cards[0].summary == "先說。\n\n後說。"


def test_a_star_that_would_become_a_rule_stays_a_star():
    card = the_card("**核心摘要**  \n* - -  ")
    assert card.summary == "* - -"
    assert hugo.read_card(hugo.write_card(card))[0] == card


def test_a_separator_inside_a_card_does_not_cut_its_text_off():
    reading = parsed(an_issue("**核心摘要**  \n甲\n\n---\n\n乙") + "\n\n### 下一張\n\n---")
    assert "line 16: text without a heading, joined to the one above" in said(reading)
    assert reading.document.cards[0].summary == "甲\n\n乙"


def test_a_card_above_all_sections_gets_a_section_of_its_own():
    reading = parsed("### 卡\n\n**重要性**：高  \n\n---")
    assert "line 1: card above all sections, put in one of its own" in said(reading)
    assert reading.document.sections[0].title == ""
    assert reading.document.cards[0].importance is Importance.HIGH


def test_a_shortcode_in_a_draft_is_noted():
    assert said(parsed(an_issue("**核心摘要**  \n{{< evil >}}"))) == [
        "line 12: Hugo shortcode, kept as text"
    ]


def test_missing_front_matter_is_a_deviation():
    reading = parsed("## 節\n\n---")
    assert said(reading) == ["line 1: no front matter"]
    assert reading.document.front_matter == FrontMatter()


def test_a_file_that_begins_with_a_separator_has_no_front_matter():
    reading = parsed("---\n\n## 節\n\n### 卡\n\n---")
    assert reading.problems == ()
    assert reading.document.cards[0].headline == "卡"


# --- other people's dailies


def test_a_plain_daily_lands_with_its_text_as_summary_and_its_first_link_as_source():
    reading = parsed(
        "# Daily\n\n## News\n\n### A thing happened\n\nSee [Post](https://a.org/1) and"
        " https://b.org/2.\n- one\n- two\n\n### Another\n\nNo link here.\n"
    )
    assert reading.problems == ()
    first, second = reading.document.cards
    assert first.summary.startswith("See [Post](https://a.org/1)")
    assert first.summary.endswith("- one\n- two")
    assert first.sources == (Source(title="Post", url="https://a.org/1"),)
    assert first.importance is None
    assert second.sources == ()
    assert "line 7: text without a label, taken as the summary" in said(reading)
    assert "line 7: first link taken as the source" in said(reading)
    assert reading.document.lead == "# Daily"


def test_items_without_headings_stay_as_the_sections_text():
    reading = parsed("## Links\n\n- [A](https://a.org)\n- [B](https://b.org)\n")
    assert reading.problems == ()
    assert reading.document.sections[0].lead == "- [A](https://a.org)\n- [B](https://b.org)"


def test_text_without_any_heading_is_a_problem_that_keeps_it():
    [problem] = parsed("Dear readers,\n\nnothing today.").problems
    assert (problem.where, problem.line) == ("file", 1)
    assert "no section heading" in problem.reason
    assert problem.text == "Dear readers,\n\nnothing today."


# --- problems


GOOD = "### 好卡\n\n**重要性**：高  "


@pytest.mark.parametrize(
    ("card", "line", "reason"),
    [
        ("**重要性**：很高  ", 11, "importance is one of 低、中、中‑高、高、極高, not '很高'"),
        ("**重要性**：高（沒完  ", 11, "the note after “高” has no closing ）"),
        ("**來源**：  \n某報報導", 12, "“某報報導” is not a link like [title](https://…)"),
        ("**來源**：  \n[a](javascript:alert)", 12, "source “a”: a link starts with http:// or"),
        (
            "**來源**：  \n[a](https://x@evil.org)",
            12,
            "source “a”: a link cannot carry a user name",
        ),
        ("**核心摘要**  \n\x00", 12, "character U+0000 at position 1 cannot be kept"),
        ("**核心摘要**  \n好\x1b壞", 12, "character U+001B at position 2 cannot be kept"),
        ("**核心摘要**  \n```\n沒關", 12, "the code fence ``` is never closed"),
        (
            "**關鍵實體**：A  \n\n閒話\n\n**重要性**：高  ",
            13,
            "text between 關鍵實體 and 重要性 belongs to no",
        ),
        ("**核心摘要**  \n" + "長" * (FIELD_LIMIT + 1), 9, "summary: String should have at most"),
        ("**關鍵實體**：" + ", ".join(["A"] * 101), 11, "101 entities; a card holds 100 at most"),
        (
            "**來源**：  \n" + " | ".join(["[t](https://a.org)"] * 10_000),
            12,
            "10000 sources; a card",
        ),
    ],
)
def test_a_bad_card_is_a_problem_and_the_others_land(card, line, reason):
    reading = parsed(an_issue(card) + f"\n\n{GOOD}\n\n---")
    [problem] = reading.problems
    assert problem.where == "card “卡”"
    assert problem.line == line
    assert problem.reason.startswith(reason)
    assert problem.text == f"### 卡\n\n{card}".replace("\0", "␀")
    assert [c.headline for c in reading.document.cards] == ["好卡"]


def test_a_card_whose_reading_would_not_last_is_a_problem():
    # On a line of its own the fence would make code of all that follows.
    reading = parsed(an_issue(f"**核心摘要**：```\n\n---\n\n{GOOD}"))
    [problem] = reading.problems
    assert problem.where == "card “卡”"
    assert problem.reason.startswith("cannot be kept as one card: the code fence in line 1")
    assert [card.headline for card in reading.document.cards] == ["好卡"]


def test_strict_reading_raises_with_all_problems_in_its_message():
    bad = an_issue("**重要性**：無  \n\n---\n\n### 二\n\n**重要性**：怪  ")
    with pytest.raises(hugo.Unreadable) as caught:
        hugo.read(bad.encode())
    assert len(caught.value.problems) == 2
    assert "card “卡”, line 11: importance is one of" in str(caught.value)
    assert "card “二”, line 17: importance is one of" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"a\nb\xff\n", 2, "byte 4 is 0xFF"),
        ("## 節".encode("utf-16"), 1, "looks like UTF-16"),
        ("## abc".encode("utf-16-le"), 1, "looks like UTF-16"),
        ("一行\n二行".encode("cp950"), 1, "looks like Big5"),
        (b"", None, "there is nothing in it"),
        (b" \n\n", None, "there is nothing in it"),
        (b"---\n\n---", None, "there is nothing in it"),
    ],
)
def test_a_file_that_is_no_text_says_why(data, line, reason):
    [problem] = hugo.parse(data).problems
    assert problem.where == "file"
    assert problem.line == line
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("title: a\ntitle: b", 3, "the key “title” stands twice"),
        ("a: &x [1, 1]\nb: [*x, *x]", 2, "anchors and aliases"),
        ("title: [", 2, "not valid YAML"),
        ("- a", 2, "not a list of keys and values"),
        ("title: \x01", 2, "character U+0001"),
    ],
)
def test_bad_front_matter_is_a_problem_and_the_cards_land(source, line, reason):
    reading = parsed(f"---\n{source}\n---\n\n---\n\n## 節\n\n{GOOD}\n\n---")
    [problem] = reading.problems
    assert problem.where == "front matter"
    assert problem.line == line
    assert reason in problem.reason
    assert problem.text == f"---\n{source}\n---"
    assert len(reading.document.cards) == 1


@pytest.mark.parametrize("key", [*frontmatter.STEERING, "MARKUP", "Url"])
@pytest.mark.parametrize(("mark", "sign"), [("---", ": "), ("+++", " = ")])
def test_front_matter_that_would_steer_hugo_is_a_problem(key, mark, sign):
    source = f'title{sign}"一"\n"{key}"{sign}"x"'
    reading = parsed(f"{mark}\n{source}\n{mark}\n\n---\n\n## 節\n\n{GOOD}\n\n---")
    [problem] = reading.problems
    assert str(problem) == (
        f"front matter, line 3: `{key}` would change how the page is built; take it out"
    )
    assert problem.text == f"{mark}\n{source}\n{mark}"
    # Nothing of it lands: half a front matter is not the one that was sent.
    assert reading.document.front_matter == FrontMatter()
    assert len(reading.document.cards) == 1


def test_keys_that_steer_hugo_are_faults_of_a_document():
    document = Document(front_matter=FrontMatter(values={"Aliases": ["/"], "layout": "x"}))
    assert hugo.document_faults(document) == [
        "front matter: `Aliases` would change how the page is built; take it out",
        "front matter: `layout` would change how the page is built; take it out",
    ]


def test_keys_that_steer_nothing_are_kept():
    kept = "weight: 3\nseries: [a]\nmenu: main\nparams:\n  url: x\nlastmod: 2026-03-01"
    text = f"---\n{kept}\n---\n\n---\n\n## 節\n\n---"
    assert parsed(text).problems == ()
    assert hugo.write(parsed(text).document) == text.encode()


@pytest.mark.parametrize(
    ("source", "line"),
    [("draft: true", 2), ('title: x\nDraft: "true"', 3), ("draft: 1", 2), ("draft: false", 0)],
)
def test_a_draft_that_hugo_would_not_show_is_said(source, line):
    reading = parsed(f"---\n{source}\n---\n\n---\n\n## 節\n\n---")
    wanted = [f"line {line}: draft: true: Hugo will not show this post"] if line else []
    assert said(reading) == wanted
    assert reading.problems == ()


def test_a_number_that_would_not_come_back_is_a_problem():
    [problem] = parsed(f"---\na: 1e22\n---\n\n---\n\n## 節\n\n{GOOD}\n\n---").problems
    assert str(problem).startswith("front matter, line 2: “1e22” is not a number that can be kept")


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ("## 節\n\n" + "### 卡\n\n" * 1001, "1,001 cards; an issue has 1,000 at most"),
        ("### 卡\n\n" * 1001, "1,001 cards; an issue has 1,000 at most"),
        ("## 節\n\n" * 101, "101 sections; an issue has 100 at most"),
        (
            "## 延伸閱讀\n\n" + "### 文\n\n" * 101 + "## 節\n\n### 卡\n\n",
            "101 passages; a section has 100 at most",
        ),
    ],
)
def test_more_than_one_issue_holds_is_a_problem_with_the_start_of_the_file(blocks, reason):
    head = '---\ntitle: "一"\n---\n\n---\n\n'
    reading = parsed(f"{head}{blocks}---")
    [problem] = reading.problems
    assert (problem.where, problem.reason) == ("file", reason)
    assert 0 < len(problem.text) <= 1000
    assert reading.document.sections == ()
    assert reading.document.title == "一"


def test_as_much_as_one_issue_holds_is_read():
    text = ("## 節\n\n" + "### 卡\n\n" * 100) * 10 + ("## 延伸閱讀\n\n" + "### 文\n\n" * 100) * 90
    reading = parsed(text)
    assert reading.problems == ()
    assert len(reading.document.cards) == 1000
    assert hugo.document_faults(reading.document) == []


def test_a_document_with_too_much_in_it_has_a_fault():
    section = Section(title="節", cards=(Card(headline="卡"),) * 600)
    [fault] = hugo.document_faults(Document(sections=(section, section)))
    assert fault == "1,200 cards; an issue has 1,000 at most"


def test_twenty_thousand_cards_are_refused():
    with ends():
        assert parsed("## 節\n\n" + "### 卡\n\n話\n\n" * 20_000).problems


def test_front_matter_that_is_not_closed_is_a_problem():
    [problem] = parsed(f"---\ntitle: a\n\n## 節\n\n{GOOD}").problems
    assert problem.where == "front matter"
    assert problem.text == "---\ntitle: a\n"


def test_an_impossible_date_is_kept_as_text():
    reading = parsed("---\ndate: 9999-99-99\n---\n\n---\n\n## 節\n\n---")
    assert reading.problems == ()
    assert reading.document.front_matter.values == {"date": "9999-99-99"}


def test_a_bad_passage_leaves_the_others():
    reading = parsed("## 編輯洞察\n\n### 甲\n\n\x02\n\n### 乙\n\n話。\n\n---")
    assert [problem.where for problem in reading.problems] == ["passage “甲”"]
    assert reading.document.insight.passages == (Passage(title="乙", body="話。"),)


def test_a_title_too_long_costs_the_title_not_the_cards():
    reading = parsed(f"## {'長' * 501}\n\n{GOOD}\n\n---")
    [problem] = reading.problems
    assert "at most 500 characters" in problem.reason
    assert len(reading.document.cards) == 1


HOSTILE = {
    "brackets": "[" * 10**6,
    "stars": "*" * 10**6,
    "hashes": "#" * 10**6,
    "dashes": "- " * 10**5,
    "backticks": "`" * 10**6,
    "open fences": "```a\n" * 10**5,
    "shortcodes": "{{<" * 10**5,
    "commented shortcodes": "{{</*" * 10**5,
    "links": "### 卡\n\n**來源**：  \n" + "[t](" * 10**5,
    "half links": "### 卡\n\n" + "[a" * 10**5,
    "blanks": "### 卡\n\n**重要性**：高" + " " * 10**6 + "x",
    "list items": "- a\n" * 10**5,
    "separators": "a\n---\n" * 10**5,
}


@pytest.mark.parametrize("text", [pytest.param(t, id=n) for n, t in HOSTILE.items()])
def test_hostile_text_takes_time_in_proportion_to_its_length(text):
    with ends():
        parsed(f"## 節\n\n{text}")


# --- shortcodes


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{< x >}}", "{{</* x */>}}"),
        ("{{% x %}}", "{{%/* x */%}}"),
        ("{{< a", r"{\{< a"),
        ("a {{< b {{% c %}}", r"a {\{< b {{%/* c */%}}"),
        ("{{</* x */>}}", "{{</*/* x */*/>}}"),
        (r"{\{< x", r"{\\{< x"),
    ],
)
def test_shortcodes_in_peoples_text_never_run(text, written):
    card = Card(headline="卡", summary=text)
    assert written in hugo.write_card(card)
    assert hugo.read_card(hugo.write_card(card)) == (card, ())


# --- faults: what an edit may not do


ENDS_BLOCK = "is ---, which would end the block; write *** for a rule"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"summary": "甲\n乙\n### 丙"},
            "line 3 of the summary starts with ###, which would begin a new card;"
            " write #### or \\###",
        ),
        (
            {"details": "## 丙"},
            "line 1 of the details starts with ##, which would begin a new section;"
            " write #### or \\##",
        ),
        (
            {"summary": "甲\n---\n乙"},
            "line 2 of the summary " + ENDS_BLOCK,
        ),
        (
            {"summary": "甲\n---"},
            "line 2 of the summary " + ENDS_BLOCK,
        ),
        (
            {"summary": "甲\n**來源**：乙"},
            "line 2 of the summary is the label 來源, which would begin another field;"
            " put a word before it",
        ),
        (
            {"applications": "~~~\n甲"},
            "the code fence in line 1 of the applications is never closed; close it with ~~~",
        ),
        (
            {"labels": {"summary": "大意"}},
            "“大意” is not a label of the summary; write 核心摘要, or 核心摘要（…）",
        ),
        (
            {"rest": "甲"},
            "text after the labelled fields needs entities, importance or sources above it",
        ),
        (
            {"entities": ("甲、乙",)},
            "“甲、乙” would be read as several entities; put “, ” between them",
        ),
    ],
)
def test_a_card_that_would_be_read_as_something_else_is_refused(changes, fault):
    card = Card(**{"headline": "卡", "summary": "話。", "details": "甲", **changes})
    assert hugo.card_faults(card) == [fault]


@pytest.mark.parametrize(
    "summary",
    [
        "#### 小標",
        "\\### 不是標題",
        "***",
        "a --- b",
        "**重點**：話",
        "* 甲\n* 乙",
        "\n\n甲\n\n",
        "1. 甲  ",
    ],
)
def test_ordinary_markdown_in_a_card_is_fine(summary):
    assert hugo.card_faults(Card(headline="卡", summary=summary, details="話")) == []


def test_reading_one_card_refuses_more_and_less():
    for text in ("話。", "### 一\n\n### 二", "### 一\n\n---\n\n話。", "## 節\n\n### 一"):
        with pytest.raises(hugo.Unreadable):
            hugo.read_card(text)


def test_one_card_may_come_from_a_browser_with_blank_lines_around():
    card, deviations = hugo.read_card("\r\n### 一\r\n\r\n**重要性**：高  \r\n\r\n")
    assert card == Card(headline="一", importance=Importance.HIGH)
    assert [str(d) for d in deviations] == ["line 1: CRLF line ending"]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (
            Section(kind="insight", title="洞見", passages=(Passage(body="話"),)),
            "the title “洞見” stands for cards, not insight",
        ),
        (Section(title="延伸閱讀"), "the title “延伸閱讀” stands for reading, not cards"),
        (
            Section(kind="reading", title="延伸閱讀", passages=(Passage(title="甲", body="---"),)),
            "line 1 of passage “甲” " + ENDS_BLOCK,
        ),
        (
            Section(
                kind="reading", title="延伸閱讀", passages=(Passage(title="甲"), Passage(body="乙"))
            ),
            "section “延伸閱讀”: only the first passage can go without a title",
        ),
        (
            Section(kind="reading", title="延伸閱讀", cards=(Card(headline="卡"),)),
            "section “延伸閱讀”: the reading has no cards",
        ),
        (
            Section(title="節", passages=(Passage(body="話"),)),
            "section “節”: a section of cards has no passages",
        ),
    ],
)
def test_a_section_that_would_be_read_as_something_else_is_refused(section, fault):
    assert hugo.passage_faults(section) == [fault]
    assert fault in hugo.document_faults(Document(sections=(section,)))


def test_a_document_names_the_card_at_fault():
    card = Card(headline="卡", summary="### 甲")
    [fault] = hugo.document_faults(Document(sections=(Section(title="節", cards=(card,)),)))
    assert fault.startswith("card “卡”: line 1 of the summary starts with ###")


def test_a_footer_needs_something_above_it():
    assert hugo.document_faults(Document(footer="話。"))
    assert hugo.document_faults(Document())


# --- properties


STRUCTURE = set("*+-_#:：|｜,，、;；()（）[]{}<>\\/‐‑‒–—`~1 ")

KNOWN_LABEL = re.compile(rf"\*\*(?:{'|'.join(sum(hugo.LABELS.values(), ()))})\b")


def visible(text: str) -> str:
    """The characters of a text that no normalisation touches: all but blanks, marks and labels."""
    text = KNOWN_LABEL.sub("", text)
    return "".join(c for c in text if c not in STRUCTURE and not c.isspace() and c != "\ufeff")


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


def assert_nothing_is_lost(text: str) -> None:
    """What could be read is written back stably and in order; what could not is in the problems."""
    reading = parsed(text)
    written = hugo.write(reading.document)
    if not reading.problems:
        assert is_subsequence(visible(text), visible(written.decode()))
        assert hugo.read(written) == reading.document
        assert hugo.write(hugo.read(written)) == written
        if not reading.deviations:
            assert written == text.encode()
        return
    kept = written.decode() + "".join(problem.text for problem in reading.problems)
    assert not Counter(visible(text.replace("\0", "␀"))) - Counter(visible(kept))


LINES = (
    "### 甲¦### 乙¦## 丙¦## 編輯洞察¦## 延伸閱讀¦---¦---¦¦¦¦##¦###¦-----¦ ---¦  ### 己"
    "¦**核心摘要**  ¦**技術細節**  ¦**應用場景（丁）**  ¦**關鍵實體**：a, b  ¦**關鍵實體**："
    "¦**重要性**：高（n）  ¦**重要性**：中-高¦**重要性：**低¦**重要性**：怪"
    "¦**來源**：  ¦**來源**：¦[t](https://a.b/c)¦[t](https://a.b/c) | [u](https://d.e/f_(g))"
    "¦https://x.y/z¦[壞](x y)¦](¦**背景**：舊¦**Summary**: s¦**粗**字¦A、B"
    "¦- x¦- y  ¦* z¦+ w¦2. n¦  - m  ¦2) p¦* - -¦- - -¦***¦> 引¦    碼¦話¦話  "
    "¦```¦~~~¦```py¦- ```¦> ```¦{{< s >}}¦{{</* s */>}}¦{\\{<¦{{¦# 大¦#### 小"
    "¦+++¦title: x¦\ufeff庚¦\u3000¦ ¦\t¦\x00¦前\r後¦\u2028"
)
FRAGMENTS = LINES.split("¦")
HEAD = '---\ntitle: "頭"\n---\n\n---\n\n## 節\n\n'


@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(
    head=st.sampled_from(["", HEAD, HEAD + "### 卡\n\n"]),
    lines=st.lists(st.sampled_from(FRAGMENTS), max_size=14),
    tail=st.sampled_from(["", "\n\n---", "\n"]),
)
@example(head="", lines=["", "+++", "### 甲"], tail="")
@example(head="", lines=["---", "---"], tail="")
@example(head="", lines=["", "\ufeff庚", "## 丙"], tail="")
@example(head=HEAD, lines=["### 甲", "* - -"], tail="")
def test_no_text_is_lost_reordered_or_written_two_ways(head, lines, tail):
    assert_nothing_is_lost(head + "\n".join(lines) + tail)


@settings(max_examples=500)
@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda t: HEAD.encode() + t.encode("utf-8", "ignore"))
)
def test_no_bytes_make_the_reader_raise(data):
    reading = hugo.parse(data)
    assert reading.problems or reading.document.sections or reading.document.front_matter.source


@settings(max_examples=300)
@given(st.data())
def test_a_sprinkling_of_noise_never_loses_text(data):
    lines = ISSUE.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines)))
        lines[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.lists(st.sampled_from(FRAGMENTS), max_size=2)
        )
    assert_nothing_is_lost("\n".join(lines))


WORDS = st.text(
    alphabet=st.sampled_from(
        "abcXYZ 研究模型，。「」（）!?&<>|*_`[]{}%\\/#:：'\"0123456789\u3000‑é😀\u2028"
    ),
    min_size=1,
    max_size=12,
).map(lambda text: f"字{text}字")
PROSE = st.builds(
    lambda before, words, after: before + words + after,
    st.sampled_from(["", "", "> ", "    ", "**粗** ", "1）", "{{< x >}}", "{{%", "{\\{<", "#"]),
    WORDS.filter(lambda text: "```" not in text),
    st.sampled_from(["", "", "  ", " "]),
)
ITEM = st.builds(
    lambda indent, mark, words: f"{indent}{mark} {words}",
    st.sampled_from(["", "  ", "    "]),
    st.sampled_from(["-", "1.", "12."]),
    WORDS,
)
CODE = st.sampled_from(
    [
        "```\n### 甲\n---\n```",
        "~~~ md\n**來源**：\n* 乙  \n~~~",
        "````\n```\n````",
        "- ```\n  ## 丙\n  ```",
    ]
)
TEXT = st.lists(PROSE | ITEM | CODE | st.just("字\n\n字"), min_size=1, max_size=5).map("\n".join)
LINE = WORDS
URL = st.builds(
    lambda host, path: f"https://{host}.org/{path}",
    st.sampled_from(["a", "新聞", "x-1"]),
    st.sampled_from(["", "a_(b)", "q?r=s|t&u=[v]", "%28", "{{%a%}}"]),
)
SOURCE = st.builds(
    Source, title=st.sampled_from(["報", "a | b", "[甲] 乙", "\\[", "arXiv:1", "a](b"[0]]), url=URL
)
ENTITY = st.sampled_from(["GPU", "a,b", "台積電", "x (y)", "中‑高", "**粗**", "{{<", "1.", "- d"])


@st.composite
def cards(draw: st.DrawFn) -> Card:
    card = Card(
        headline=draw(LINE),
        summary=draw(TEXT | st.just("")),
        details=draw(TEXT | st.just("")),
        applications=draw(TEXT | st.just("")),
        entities=draw(st.lists(ENTITY, max_size=4)),
        importance=draw(st.none() | st.sampled_from(Importance)),
        importance_note=draw(st.just("") | st.sampled_from(["理由", "（雙）", "a) b", " x "])),
        sources=draw(st.lists(SOURCE, max_size=3)),
    )
    filled = hugo.tidy_card(card.model_copy(update={"layout": CARD_FIELDS})).layout or CARD_FIELDS
    if draw(st.booleans()):
        card = card.model_copy(update={"layout": tuple(draw(st.permutations(filled)))})
    card = hugo.tidy_card(card)
    has_label = [f for f in CARD_FIELDS if getattr(card, f)]
    if has_label and draw(st.booleans()):
        field = draw(st.sampled_from(has_label))
        label = draw(st.sampled_from(hugo.LABELS[field])) + draw(st.sampled_from(["", "（變體）"]))
        card = hugo.tidy_card(card.model_copy(update={"labels": {field: label}}))
    last = (
        card.layout[-1]
        if card.layout
        else next((f for f in CARD_FIELDS[::-1] if getattr(card, f)), "")
    )
    if last in ("entities", "importance", "sources") and draw(st.booleans()):
        card = card.model_copy(update={"rest": draw(TEXT)})
    return card


PASSAGES = st.builds(
    lambda first, others: ((Passage(body=first),) if first else ()) + tuple(others),
    st.just("") | TEXT,
    st.lists(st.builds(Passage, title=LINE, body=TEXT | st.just("")), max_size=3),
)
SECTIONS = st.one_of(
    st.builds(Section, title=LINE, lead=st.just("") | TEXT, cards=st.lists(cards(), max_size=3)),
    st.builds(Section, kind=st.just("insight"), title=st.just("編輯洞察"), passages=PASSAGES),
    st.builds(Section, kind=st.just("reading"), title=st.just("延伸閱讀（x）"), passages=PASSAGES),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-(2.0**53), 2.0**53, exclude_min=True, exclude_max=True).filter(
        lambda number: str(number) != "-0.0"
    )
    | st.sampled_from(
        [
            "",
            "yes",
            "null",
            "2026-03-01",
            "2026-03-01T06:00:00+08:00",
            "12:30",
            "#",
            "a: b",
            "'",
            "- x",
            "\u2028",
            "\ufeff",
            "0x1F",
            "1_000",
            "~",
        ]
    )
    | st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=10)
)
VALUES = st.dictionaries(
    st.sampled_from(["title", "date", "draft", "n", "on", "a b", "標題", "", "-", "x:y", "1"])
    | st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=5).filter(
        lambda key: key != "<<"  # YAML's merge key, which is refused
    ),
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(alphabet="abc:#-", max_size=3), inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=4,
).filter(lambda values: not frontmatter.steering_keys(values))  # those are refused


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(cards())
def test_every_card_in_the_dialect_comes_back_as_it_went(card):
    assert hugo.tidy_card(card) == card
    again, deviations = hugo.read_card(hugo.write_card(card))
    assert again == card
    assert all("kept as text" in str(deviation) for deviation in deviations)
    assert hugo.card_faults(card) == []


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(
    values=VALUES,
    format=st.sampled_from(["yaml", "yaml", "toml"]),
    lead=st.just("") | TEXT,
    sections=st.lists(SECTIONS, min_size=1, max_size=3),
    footer=st.just("") | TEXT,
)
def test_every_document_in_the_dialect_comes_back_as_it_went(
    values, format, lead, sections, footer
):
    if not values and lead.startswith("{"):
        lead = f"字{lead}"  # Hugo would take it for front matter
    document = hugo.tidy(
        Document(
            front_matter=FrontMatter(format=format, values=values),
            lead=lead,
            sections=sections,
            footer=footer,
        )
    )
    assert document.lead == lead
    assert document.footer == footer
    assert document.sections == tuple(sections)
    assert document.front_matter.values == values
    again = hugo.parse(hugo.write(document))
    assert again.problems == ()
    assert again.document == document
    told = ("kept as text", "no front matter", "draft: true")
    assert all(any(part in str(d) for part in told) for d in again.deviations)
    assert Document.model_validate_json(document.model_dump_json()) == document


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(st.text(alphabet=st.sampled_from("#- *`~\n\t字:：**來源[](){<%}\\|"), max_size=60))
def test_a_card_is_either_refused_or_comes_back(summary):
    card = hugo.tidy_card(Card(headline="卡", summary=summary, details="話"))
    if faults := hugo.card_faults(card):
        assert all(len(fault) > 10 for fault in faults)
        return
    assert hugo.read_card(hugo.write_card(card))[0] == card
    one = Document(sections=(Section(title="節", cards=(card, card)),))
    assert hugo.read(hugo.write(one)) == one

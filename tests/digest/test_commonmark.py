"""What we take for code, HTML and headings is what a real Hugo takes for them."""

from __future__ import annotations

import html
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from digest import hugo
from digest.document import Card, Document, FrontMatter, Passage, Section
from digest.hugo import headings
from digest.hugo.commonmark import DEPTH_LIMIT, trace
from tests.endless import ends

needs_hugo = pytest.mark.skipif(
    shutil.which("hugo") is None, reason="hugo is not installed (Debian: apt install hugo)"
)

#: Texts that leave something open, and what is said of them.
ENDLESS = [
    ("- ```\ncode\n```", "the code fence in line 3 of the summary is never closed"),
    ("> ```\ncode\n```", "the code fence in line 3 of the summary is never closed"),
    ("1. 甲\n   ```\n碼\n```", "the code fence in line 4 of the summary is never closed"),
    ("詞\n: 解\n  ```\n碼\n```", "the code fence in line 5 of the summary is never closed"),
    ("[^1]: ```\n碼\n```", "the code fence in line 3 of the summary is never closed"),
    ("```\n碼\n    ```", "the code fence in line 1 of the summary is never closed"),
    ("甲\n\n<!-- 註", "line 3 of the summary opens an HTML comment that never ends"),
    ("甲\n<!-- 註\n乙", "line 2 of the summary opens an HTML comment that never ends"),
    ("<script>alert(1)", "line 1 of the summary opens an HTML element that never ends"),
    ("<PRE\n>甲", "line 1 of the summary opens an HTML element that never ends"),
    ("<style", "line 1 of the summary opens an HTML element that never ends"),
    ("<textarea>", "line 1 of the summary opens an HTML element that never ends"),
    ("<?php", "line 1 of the summary opens an HTML instruction (<?) that never ends"),
    ("<!DOCTYPE", "line 1 of the summary opens an HTML declaration (<!) that never ends"),
    ("<![CDATA[ x", "line 1 of the summary opens a CDATA section that never ends"),
    # Where Hugo lets HTML through, a comment in a list item hides what follows all the same.
    ("- <!-- 註\n  -->", "line 1 of the summary opens an HTML comment that does not end on its"),
    ("> " * 40 + "深", "line 1 of the summary puts lists or quotes more than 32 deep"),
]

#: Texts with the same signs that end what they begin.
ENDED = [
    "- ```\n  碼",
    "- ```\n  碼\n  ```\n後",
    "> ```\n> 碼\n\n後",
    "```\n碼\n```",
    "    ```\n    碼",
    "`<!--` 是註解的開頭",
    "文 <!-- 註",
    "<!-- 註 -->",
    "<!-- 一\n\n```\n\n二 -->",
    "<pre>\n\n```\n</pre>",
    "\\<!-- 註",
    "\\```",
    "```\n<!--\n```",
    "<div>\n```\n\n後",
]


@pytest.mark.parametrize(("text", "fault"), ENDLESS)
def test_a_card_that_leaves_something_open_is_refused_with_the_line(text, fault):
    [said] = hugo.card_faults(Card(headline="卡", summary="", details=text))
    assert said.startswith(fault.replace("summary", "details"))
    # A label above makes a paragraph of the first line; below a blank line it may be another thing.
    section = Section(kind="reading", title="延伸閱讀", passages=(Passage(title="卡", body=text),))
    [said] = hugo.passage_faults(section)
    assert said.startswith(fault.replace("the summary", "passage “卡”"))
    assert hugo.document_faults(Document(sections=(section,))) == [said]


@pytest.mark.parametrize("text", ENDED)
def test_a_card_that_ends_what_it_begins_is_fine(text):
    assert hugo.card_faults(Card(headline="卡", summary=text)) == []


@pytest.mark.parametrize(("text", "fault"), ENDLESS)
def test_a_draft_card_that_leaves_something_open_is_held_and_the_next_lands(text, fault):
    card = f"### 壞卡\n\n**核心摘要**  \n{text}"
    file = f'---\ntitle: "一"\n---\n\n---\n\n## 節\n\n{card}\n\n---\n\n### 好卡\n\n---'
    reading = hugo.parse(file.encode())
    [problem] = reading.problems
    assert problem.where == "card “壞卡”"
    assert problem.text == card
    assert [card.headline for card in reading.document.cards] == ["好卡"]


def test_the_sentence_says_what_to_do():
    [said] = hugo.card_faults(Card(headline="卡", summary="一\n二\n<!-- 三"))
    assert said == (
        "line 3 of the summary opens an HTML comment that never ends;"
        " readers would not see what follows. Put a backslash before <"
    )
    assert hugo.card_faults(Card(headline="卡", summary="一\n二\n\\<!-- 三")) == []


@pytest.mark.parametrize(
    "line", ["> " * 10**5, "- " * 10**5 + "a", "{a" * 10**5 + "}", "<b " * 10**5]
)
@pytest.mark.parametrize("start", ["", "### ", "\\" * 10**5, "- a\n  " * 10**4])
def test_hostile_lines_take_time_in_proportion_to_their_length(line, start):
    with ends():
        hugo.parse(f"## 節\n\n{start}{line}\n".encode() + b"<!--\n```\n  - x\n\n" * 10**4)


def test_nesting_is_followed_as_deep_as_people_write():
    assert not any(mark.endless for mark in trace(["> " * (DEPTH_LIMIT - 2) + "甲"]))


# --- headings

TITLES = [
    ('標題 {.x style="position:fixed"}', '標題 \\{.x style="position:fixed"}'),
    ("標題 {#id}", "標題 \\{#id}"),
    ('標題 {a="}"}', '標題 \\{a="}"}'),
    ("{.x} {.y}", "{.x} \\{.y}"),
    ("{}", "\\{}"),
    ("{{.Title}}", "{{.Title}}"),
    ("學 C #", "學 C \\#"),
    ("標題 ##", "標題 \\##"),
    ("{{< x >}}", "{{</* x */>}}"),
    ("學 C#", "學 C#"),
    ("集合 {a} 與", "集合 {a} 與"),
]


@pytest.mark.parametrize(("title", "written"), TITLES)
def test_what_hugo_would_take_off_a_heading_is_escaped_and_comes_back(title, written):
    document = Document(
        sections=(
            Section(title=title, cards=(Card(headline=title),)),
            Section(
                kind="reading",
                title=f"延伸閱讀 {title}",
                passages=(Passage(title=title, body="話"),),
            ),
        )
    )
    assert hugo.document_faults(document) == []
    file = hugo.write(document).decode()
    assert file.count(f"## {written}\n") == 3
    assert hugo.read(file.encode()) == document
    assert hugo.write_card(document.cards[0]) == f"### {written}"


def test_a_draft_with_attributes_at_a_heading_keeps_them_as_text():
    reading = hugo.parse('---\ntitle: "一"\n---\n\n---\n\n## 節\n\n### 卡 {.x}\n\n---'.encode())
    assert reading.problems == ()
    assert reading.document.cards[0].headline == "卡 {.x}"
    assert [str(deviation) for deviation in reading.deviations] == [
        "line 9: what Hugo would take off the heading “卡 {.x}”, kept as text"
    ]


def test_a_backslash_that_is_only_for_hugo_is_not_part_of_a_headline():
    assert hugo.tidy_card(Card(headline="卡 \\{.x}")).headline == "卡 {.x}"
    assert hugo.tidy_card(Card(headline="卡 \\{x} 是")).headline == "卡 \\{x} 是"


@pytest.mark.parametrize("text", ["#### 小標 {.x}", "- # 小標 {.x}", "小標 {.x}\n==="])
def test_a_heading_in_peoples_text_cannot_set_attributes(text):
    [said] = hugo.card_faults(Card(headline="卡", details=text, rest=""))
    assert said == (
        "Hugo would take the {…} at the end of the heading in line 1 of the details for settings;"
        " put a backslash before {"
    )
    assert hugo.card_faults(Card(headline="卡", details=text.replace("{", "\\{"))) == []


# --- the start of the file


@pytest.mark.parametrize("lead", ['{"url": "/"}', "#+URL: /"])
def test_text_at_the_start_of_a_file_cannot_pose_as_front_matter(lead):
    [problem] = hugo.parse(f"{lead}\n\n---\n\n## 節\n\n### 卡\n\n---".encode()).problems
    assert problem.reason.startswith("Hugo would take { or #+ at the start of the file")
    assert problem.text == lead
    document = Document(lead=lead, sections=(Section(title="節"),))
    assert len(hugo.document_faults(document)) == 1
    with_front_matter = document.model_copy(
        update={"front_matter": FrontMatter(values={"title": "一"})}
    )
    assert hugo.document_faults(with_front_matter) == []


# --- the oracle: a real Hugo

STARTS = [
    *[""] * 3, " ", "  ", "   ", "    ", "\t", "- ", "1. ", "2. ", "> ", "-   ", ": ", "[^1]: ",
    "- - ", "> - ", "-\t", "* ", "10. ", "> > ", "  - ", "    - ", ": : ", ">", "-      ", "     ",
]  # fmt: skip
PIECES = [
    "```", "~~~", "````", "```py", "字", "字", "", "", "<!--", "-->", "<!-- x", "<!-- x -->",
    "字 -->", "<script>", "</script>", "<pre", "</pre>", "<div>", "</div>", "<b>", "</b>", "<?",
    "?>", "<!X", ">", "<![CDATA[", "]]>", "字 <!--", "===", "***", "#### 小", "\\<!--", "\\```",
    "[a]: http://x", "<!-->", "<b", "a | b", "--- | ---", "<textarea>", "<style", "`字", "<hr/>",
    "<pre/>", "<!x>", "<b a='x'>",
]  # fmt: skip
TITLE_PIECES = [
    "{", "}", "{.x}", "{#i}", 'a="b"', "a=b", " ", "字", "\\", "\\{", "#", " #", '"', ".x", "{}",
    "{{.y}}", "[1]", ":", "=", ",", '{style="position:fixed"}', '{a=[1,"}"]}',
]  # fmt: skip


def pages_of(tree: Path, files: list[bytes]) -> list[str]:
    """The pages that Hugo makes of files."""
    (tree / "content/posts").mkdir(parents=True)
    (tree / "layouts/_default").mkdir(parents=True)
    (tree / "layouts/_default/single.html").write_text("{{ .Content }}")
    (tree / "config.toml").write_text(
        'baseURL = "https://example.org/"\n'
        'disableKinds = ["taxonomy", "term", "RSS", "sitemap", "home", "section"]\n'
        "[markup.goldmark.extensions]\ntypographer = false\n"
    )
    for i, file in enumerate(files):
        (tree / f"content/posts/p{i}.md").write_bytes(file)
    subprocess.run(["hugo", "--quiet"], cwd=tree, check=True, capture_output=True, timeout=120)
    pages = (tree / f"public/posts/p{i}/index.html" for i in range(len(files)))
    return [page.read_text(errors="replace") for page in pages]


def file_of(*cards: Card) -> bytes:
    matter = FrontMatter(values={"title": "一"})
    return hugo.write(
        Document(front_matter=matter, sections=(Section(title="節", cards=cards),), footer="終")
    )


LAST = Card(headline="哨兵 *x*", summary="話")


def shows_all(page: str) -> bool:
    return "哨兵 <em>x</em></h3>" in page and "<strong>重要性</strong>" in page


@needs_hugo
def test_hugo_shows_the_cards_below_every_text_we_let_through(tmp_path):
    draw = random.Random(20260211)
    files, wrong = [], []
    for _ in range(6000):
        text = "\n".join(
            draw.choice(STARTS) + draw.choice(PIECES) for _ in range(draw.randint(1, 6))
        )
        fields = {draw.choice(("summary", "rest")): text, "importance": "高"}
        card = Card(headline="卡", **fields)
        if not hugo.card_faults(card):
            files.append(file_of(card, LAST))
    assert len(files) > 1000
    for file, page in zip(files, pages_of(tmp_path, files), strict=True):
        if not shows_all(page):
            wrong.append(file.decode())
    assert wrong == []


@needs_hugo
def test_hugo_hides_the_cards_below_the_texts_we_refuse(tmp_path):
    # The last two hide nothing under Hugo's own settings; they are refused all the same.
    files = [file_of(Card(headline="卡", details=text), LAST) for text, _ in ENDLESS[:-2]]
    for file, page in zip(files, pages_of(tmp_path, files), strict=True):
        assert "哨兵 <em>x</em></h3>" not in page, file.decode()


@needs_hugo
def test_hugo_shows_every_headline_to_the_letter(tmp_path):
    draw = random.Random(20260211)
    titles = [title for title, _ in TITLES]
    for _ in range(3000):
        drawn = "字" + "".join(draw.choice(TITLE_PIECES) for _ in range(draw.randint(1, 6)))
        titles.append(headings.unescape(drawn.strip()))
    # Below the headline the same text stands as a paragraph, where Hugo takes nothing off.
    files = [file_of(Card(headline=t, importance="高", rest=f"字 {t}終")) for t in titles]
    for title, page in zip(titles, pages_of(tmp_path, files), strict=True):
        headline = re.search(r"<h3[^>]*>(.*)</h3>", page)
        below = re.search(r"<p>字 (.*)終</p>", page)
        assert headline and below
        assert html.unescape(headline[1]) == html.unescape(below[1]), title
        assert "style=" not in headline[0].split(">")[0]

"""The whole issue: whatever came in, it is a file of the dialect, and the desk takes it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import hugo, markup
from digest.document import Document
from digest.drafting.composing import Composed, compose
from digest.drafting.typesetting import one_line
from digest.drafting.writers import total_usage
from digest.drafting.writers.chat import ChatWriter, Endpoint
from digest.drafting.writers.extractive import ExtractiveWriter
from digest.folding import fold
from digest.intake import receive
from digest.models import Draft
from digest.publishing import machine_account
from editorial import queue
from tests.digest.servers import answer, web_server
from tests.drafting import news
from tests.drafting.desk import NOW, article, placed, texts_of
from tests.drafting.test_extractive import HOSTILE

TAIPEI = ZoneInfo("Asia/Taipei")
DAY = date(2026, 11, 25)
WRITER = ExtractiveWriter()
GOLDEN = Path(__file__).with_name("issue.md")


def composed(sections, *, writer=WRITER, language="zh-Hant", **values) -> Composed:
    facts = {"articles": 820, "topics": 80, "hours": 26, "made_at": NOW, "zone": TAIPEI}
    facts |= {"desk_title": "AI 日報", **values}
    return compose(DAY, sections, writer=writer, language=language, **facts)


def the_day(language="zh-Hant", **values) -> Composed:
    return composed(news.by_section(WRITER, language), language=language, **values)


def check_is_whole(document: Document) -> bytes:
    """The file, which is a fixed point of reading and writing and shows nothing by accident."""
    written = hugo.write(document)
    reading = hugo.parse(written)
    assert (reading.problems, reading.deviations) == ((), ())
    assert reading.document == document
    assert hugo.write(reading.document) == written
    for section in document.sections:
        for card in section.cards:
            for f in ("headline", "summary", "details", "applications"):
                assert markup.warnings(getattr(card, f)) == []
        for passage in section.passages:
            assert markup.warnings(passage.body) == []
    assert markup.warnings(document.footer) == []
    return written


# --- a day of news -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_the_issue_is_a_fixed_point_of_the_dialect(language):
    issue = the_day(language)
    check_is_whole(issue.document)
    assert issue.marks == ()
    assert len(issue.document.cards) == len(news.TOPICS)
    assert [s.kind for s in issue.document.sections] == ["cards"] * 6 + ["insight", "reading"]


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_where_nobody_knows_how_far_back_was_looked_nothing_is_said_of_it(language):
    issue = the_day(language, hours=None)
    assert issue.document.stats == (820, 80)
    written = check_is_whole(issue.document).decode()
    assert "過去" not in written
    assert "the past" not in written
    assert "None" not in written


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_the_document_finds_its_figures_its_watch_list_and_its_keywords(language):
    document = the_day(language).document
    assert document.stats == (820, 80)
    assert len(document.watch_list) == 5
    assert len(document.keywords) == 20
    assert document.keywords[0] == "Polaris 3"
    assert "26" in document.footer
    assert "2026/11/25 06:50:13 CST" in document.footer


def test_the_front_matter_stands_in_the_samples_order(sample):
    ours = the_day(cover="/images/2026-11-25-ai-daily.png").document.front_matter
    theirs = hugo.read(sample).front_matter
    assert list(ours.values) == list(theirs.values)
    assert ours.values["date"] == "2026-11-25T06:50:13+08:00"
    assert ours.values["draft"] is False
    assert ours.values["title"].endswith(" — 2026/11/25")
    assert 1 <= len(ours.tags) <= 5
    shape = re.compile(r'"(?:[^"\\]|\\.)*"|\d[\dT:+-]*')
    masks = [shape.sub("_", f.source) for f in (ours, theirs)]
    lines = [[line for line in mask.split("\n") if "- _" not in line] for mask in masks]
    assert lines[0] == lines[1]
    assert "cover" not in the_day().document.front_matter.values


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_every_name_of_the_watch_list_is_on_a_card(language):
    document = the_day(language).document
    cards = fold("\n".join(map(texts_of, document.cards)))
    for item in document.watch_list:
        names = re.split("[：:]", item, maxsplit=1)[0]
        for name in re.split("[、,]", names):
            assert fold(name).strip() in cards


def test_the_labels_are_in_the_language_of_the_desk():
    assert "**核心摘要**" in hugo.write(the_day("zh-Hant").document).decode()
    english = hugo.write(the_day("en").document).decode()
    assert "**Key Entities**：" in english
    assert "核心摘要" not in english


def test_a_run_for_another_day_is_filed_under_that_day():
    late = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    issue = the_day(made_at=late)
    assert issue.document.date == "2026-11-25"
    assert "2026/11/27 11:00:00 CST" in issue.document.footer


def test_an_empty_section_is_left_out_and_said():
    written = news.by_section(WRITER)
    issue = composed([*written, ("空的一欄", [])])
    assert "空的一欄" not in hugo.write(issue.document).decode()
    assert issue.marks == ("The section “空的一欄” has no card.",)


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_a_day_without_anything_is_said_honestly(language):
    issue = composed([("今日焦點", [])], language=language, articles=3, topics=1)
    check_is_whole(issue.document)
    assert issue.document.cards == ()
    assert issue.document.watch_list == ()
    assert issue.document.stats == (3, 1)
    assert any("There is no card" in mark for mark in issue.marks)
    assert issue.document.title == "AI 日報 — 2026/11/25"


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_a_thin_day_is_an_issue_of_one_card(language):
    topic = placed(article("Acme ships Foo", "", "Wire", "en"))
    card = WRITER.write_card(topic, language=language)
    issue = composed([("今日焦點", [card])], language=language)
    check_is_whole(issue.document)
    assert issue.document.title == "Acme ships Foo — 2026/11/25"


# --- the desk takes it ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
@pytest.mark.django_db
def test_the_intake_takes_the_issue_without_a_warning(desk, language):
    content = check_is_whole(the_day(language).document)
    receipt = receive(
        desk=desk, content=content, media_type="text/markdown", by=machine_account("machine")
    )
    draft = receipt.draft
    assert receipt.landed
    assert (draft.state, draft.problems, draft.deviations) == (Draft.State.LANDED, [], [])
    assert draft.issue.date == DAY
    proof = queue.case_of_issue(draft.issue.pk).proof
    assert proof.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.django_db
def test_a_day_without_cards_is_no_crash_of_the_intake(desk):
    content = check_is_whole(composed([]).document)
    receipt = receive(
        desk=desk, content=content, media_type="text/markdown", by=machine_account("machine")
    )
    assert receipt.draft.problems == []


# --- the same in, the same out -------------------------------------------------------------------


def test_the_issue_is_the_one_that_was_looked_at():
    """After a change that is meant: read the difference, then `python -m tests.drafting.golden`."""
    assert hugo.write(the_day().document) == GOLDEN.read_bytes()


@pytest.mark.parametrize("seed", ["1", "4711"])
def test_another_process_with_other_hashes_writes_the_same_bytes(seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    found = subprocess.run(
        [sys.executable, "-m", "tests.drafting.golden", "--show"],
        env=environment, cwd=Path(__file__).parents[2], capture_output=True, check=True,
    )  # fmt: skip
    assert found.stdout == GOLDEN.read_bytes()


# --- with a model --------------------------------------------------------------------------------


@pytest.fixture
def _loopback_is_allowed(settings):
    settings.OUTGOING_ALLOW = ["127.0.0.1"]


def model_that_copies(body: bytes) -> str:
    """What a diligent model answers: the first words of what it was given, in the asked form."""
    asked = json.loads(body)["messages"]
    data = asked[1]["content"]
    if '"passages"' in asked[0]["content"]:
        text = "今天的卡片彼此沒有關聯，各自成篇，讀者可以分開閱讀。"
        passages = [{"title": title, "paragraphs": [text]} for title in ("一", "二", "三")]
        head = {"title": "今日題材各自成篇", "description": "今日題材。", "summary": "重點：各篇。"}
        return json.dumps(head | {"passages": passages, "watch": ["Polaris 3 的後續"]})
    lines = [line for line in data.split("\n") if len(line) > 8 and not line.startswith("===")]
    title = re.sub(r"^\d+\. | \([^()]*\)$", "", lines[1])
    return json.dumps(
        {
            "headline": title[:60],
            "summary": f"這則消息的原文標題是「{title[:100]}」，詳情見來源。",
            "details": [],
            "applications": None,
            "entities": [],
        }  # fmt: skip
    )


@pytest.mark.usefixtures("_loopback_is_allowed")
def test_a_day_with_a_model_is_whole_and_adds_up_what_it_took():
    def reply(web):
        def talk(connection) -> None:
            content = model_that_copies(web.requests[-1].body)
            usage = {"prompt_tokens": 1000, "completion_tokens": 100}
            body = {"choices": [{"message": {"content": content}}], "usage": usage}
            connection.sendall(answer(200, json.dumps(body).encode()))

        return talk

    with web_server(b"") as web:
        web.answers[:] = [reply(web)]
        endpoint = Endpoint(f"http://127.0.0.1:{web.port}", "m", "", 5, 1.0, 10.0)
        writer = ChatWriter(endpoint, sleep=lambda _: None)
        written = news.by_section(writer)
        issue = composed(written, writer=writer)
    check_is_whole(issue.document)
    cards = [each for _title, several in written for each in several]
    assert {each.writer for each in cards} == {"chat (m)"}
    assert issue.writer == "chat (m)"
    assert issue.document.watch_list == ("Polaris 3 的後續",)
    total = total_usage([issue.usage, *(each.usage for each in cards)])
    assert total.requests == len(news.TOPICS) + 1
    assert total.cost == pytest.approx(total.requests * 0.002)


# --- anything at all -----------------------------------------------------------------------------

_anything = st.text(max_size=40) | st.lists(
    st.sampled_from([*HOSTILE, "北辰科技發布新模型，", "Acme Corp is a firm. ", "\n", "。"]),
    max_size=12,
).map("".join)


@given(
    st.lists(st.tuples(_anything, _anything, _anything), min_size=1, max_size=4),
    _anything,
    _anything,
    st.sampled_from(["zh-Hant", "en"]),
)
@settings(max_examples=150)
def test_any_articles_are_an_issue_of_the_dialect(articles, section, desk_title, language):
    written = [
        WRITER.write_card(
            placed(article(title, text, outlet, "", url=f"https://x.test/{n}")), language=language
        )
        for n, (title, text, outlet) in enumerate(articles)
    ]
    sections = [(f"第一欄 {one_line(section)}", written[:2]), ("第二欄", written[2:])]
    if hugo.kind_of(sections[0][0]) != "cards":
        return
    issue = composed(sections, language=language, desk_title=desk_title)
    check_is_whole(issue.document)

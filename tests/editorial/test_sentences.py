"""What the dialect refuses is said in the reader's language, wherever the desk shows it."""

from __future__ import annotations

import ast
import copy
import json
import re
from pathlib import Path
from string import Formatter

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from digest import hugo, payload
from digest.document import Card, Document, FrontMatter, Passage, Section
from digest.models import Draft
from digest.sentences import Said, recognise
from editorial.sentences import SENTENCES, translated
from tests.conftest import cards_of, land
from tests.digest.test_intake import take_in
from tests.editorial.test_fields import field_at, save, values_of
from tests.editorial.test_pages import address
from tests.endless import ends

ROOT = Path(__file__).resolve().parent.parent.parent
#: Words as English has them in a row: what no Chinese sentence holds.
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


@pytest.fixture
def chinese(editor) -> Client:
    client = Client(headers={"accept-language": "zh-TW"})
    client.force_login(editor.user)
    return client


# --- every sentence ------------------------------------------------------------------------------

#: What fills a pattern, where that is not just any text.
FILLING = {
    **dict.fromkeys(("byte", "count", "limit", "line", "position"), "7"),
    "code": "0F",
    "field": "summary",
    "fields": "summary, details",
    "fence": "```",
    "further": Said.STEERS(key="甲"),
    "fault": Said.NO_HEADLINE(),
    "html": Said.NEVER_ENDS(what=Said.HTML_COMMENT()),
    "instance": "",
    "kind": Said.KIND_READING(),
    "known": "'甲'",
    "meant": Said.KIND_INSIGHT(),
    "place": Said.REST(),
    "what": Said.THIS_HEADING(),
    "where": Said.LINE_OF(line="7", place=Said.CARD_CALLED(title="甲”: 乙")),
}


def names_in(said: Said) -> set[str]:
    return {name for _words, name, *_rest in Formatter().parse(said.value) if name}


def filled(said: Said) -> str:
    return said(**{name: FILLING.get(name, "甲") for name in names_in(said)})


@pytest.mark.parametrize("said", Said)
def test_every_sentence_is_said_in_chinese(said):
    with override("zh-hant"):
        text = translated(filled(said))
    assert re.search(r"[\u4e00-\u9fff]", text.replace("甲", "").replace("乙", ""))
    assert not ENGLISH.search(text), text


@pytest.mark.parametrize("said", Said)
def test_every_sentence_says_all_that_fills_it(said):
    """Also in English: what a sentence is about must not get lost on the way to the desk."""
    if not isinstance(SENTENCES[said], str):
        written = set(re.findall(r"%\((\w+)\)", str(SENTENCES[said])))
        # Of entries the limit is enough; which class pydantic would have is nothing to readers.
        beside = {Said.MANY_ITEMS: {"count"}, Said.NOT_A_DICTIONARY: {"instance"}}
        assert written == names_in(said) - beside.get(said, set())


@pytest.mark.parametrize("said", Said)
def test_a_sentence_is_recognised_when_it_was_kept_as_text(said):
    sentence = filled(said)
    found = recognise(str(sentence))
    assert type(str(sentence)) is str
    assert found is not None
    with override("zh-hant"):
        assert translated(found) == translated(sentence)


def test_other_text_is_left_as_it_is():
    for text in ("", "甲", "Hello world", "file: file: " * 2000, "card: " * 150, "a" * 5000):
        assert recognise(text) is None
        assert translated(text) == text


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.ClassDef | ast.Module]:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Module)
    return [node for node in ast.walk(tree) if isinstance(node, kinds) and node.body]


def sentences_in(source: str) -> list[str]:
    """The English in a Python file that is no docstring."""
    tree = ast.parse(source)
    beside = {id(node.body[0].value) for node in _functions(tree) if hasattr(node.body[0], "value")}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ENGLISH.search(node.value)
        and id(node) not in beside
    ]


def test_no_sentence_of_the_dialect_is_written_outside_of_its_table():
    """One written where it is said would reach Chinese readers in English."""
    no_sentences = {
        "延伸閱讀|further reading",  # titles that are read
        "Value error, ",  # what pydantic puts before ours
    }
    names = ("document", "reading", "payload")
    files = [*(ROOT / "digest/hugo").glob("*.py"), *(ROOT / f"digest/{n}.py" for n in names)]
    found = {path.name: sentences_in(path.read_text("utf-8")) for path in files}
    assert {n: s for n, said in found.items() if (s := set(said) - no_sentences)} == {}


def test_a_sentence_outside_of_the_table_is_found():
    assert sentences_in('"""A docstring."""\nraise Refused(1, f"{n} cards are too many")') == [
        " cards are too many"
    ]


# --- as they are made ----------------------------------------------------------------------------

CARDS = [
    {"summary": "甲\n### 乙"},
    {"details": "## 乙"},
    {"applications": "甲\n---"},
    {"rest": "甲\n**來源**：乙", "importance": 3},
    {"summary": "~~~\n甲"},
    {"summary": "甲\n<!-- 乙"},
    {"summary": "- <script>\n- 乙"},
    {"summary": "> " * 40 + "甲"},
    {"summary": "#### 甲 {style=\"a:b\"}"},
    {"labels": {"summary": "大意"}},
    {"details": "甲", "rest": "甲"},
    {"entities": ("甲、乙",)},
    {"importance_note": "甲）（乙"},
    {"headline": "甲", "summary": "**應用場景**：都是標籤"},
]  # fmt: skip
SECTIONS = [
    Section(kind="insight", title="節", passages=(Passage(body="話"),)),
    Section(title="節", passages=(Passage(body="話"),)),
    Section(kind="reading", title="延伸閱讀", cards=(Card(headline="卡"),)),
    Section(kind="insight", title="編輯洞察", passages=(Passage(title="a", body="### 甲"),)),
    Section(kind="insight", title="編輯洞察", passages=(Passage(title="a"), Passage(body="b"))),
    Section(kind="insight", title="編輯洞察", lead="```", passages=(Passage(title="a"),)),
]
DOCUMENTS = [
    Document(),
    Document(footer="話"),
    Document(lead="{甲", sections=(Section(title="節"),)),
    Document(lead="## 甲", sections=(Section(title="節"),)),
    Document(front_matter=FrontMatter(values={"url": "甲", "type": "乙"})),
    Document(sections=(Section(title="節", cards=(Card(headline="卡", summary="### 甲"),)),)),
    Document(sections=tuple(Section(title="節") for _ in range(101))),
]
FILES = [
    b"", b"\xff\xfe", "甲".encode("big5"), b"\0" * 9, "甲".encode(),
    b"---\ntitle: a: b\n---\n## x", b"---\n- a\n---\n## x", b"---\na: &b 1\n---\n## x",
    b"---\na: 1\na: 2\n---\n## x", b"---\na: .inf\n---\n## x", b"+++\na = \n+++\n## x",
    b"---\nurl: a\ntype: b\n---\n## x", b"---\ntitle: a\n## x", b"---\na: !!set\n---\n## x",
    "## 節\n\n### 卡\n\n**重要性**：甲".encode(), "## 節\n\n### 卡\n\n**重要性**：高（甲".encode(),
    "## 節\n\n### 卡\n\n**來源**：甲".encode(), "## 節\n\n### 卡\n\n**來源**：[]( )".encode(),
    "## 節\n\n### 卡\n\n**來源**：[a](b)".encode(), "## 節\n\n### 卡\a".encode(),
    "## 節\n\n###\n\n甲".encode(), ("## 節\n\n### 卡\n\n" + "甲" * 20001).encode(),
    ("## 節\n\n### 卡\n\n**關鍵實體**：" + "甲, " * 101 + "乙").encode(),
]  # fmt: skip
UNTIDY = [
    each.encode()
    for each in (
        "\ufeff---\r\ntitle: a\r\n--- \r\n話\r\n\r\n### 卡\r\n話 https://a.example",
        "---\n\n---\n##  節 \n### 卡\n\n\n**核心摘要：**話\n- 甲\n* 乙   \n\n話",
        "## 節\n\n### 卡 {{.甲}}\n**核心摘要**：\n**其他**：話\n**核心摘要**\n",
        "## 節\n\n### 卡\n\n**重要性**: 中-高(甲)",
        "## 節\n\n\n### 卡\n**關鍵實體**甲、乙\n**來源**\n- [甲](https://a.example)\n\n---\n\n話\n##",
        "## 節\n \n### 卡\n\n**來源**：  \nhttps://a.example\nhttps://b.example\n\n{{< 甲 >}}\n",
        "---\ndraft: true\n---\n\n## 節\n\n### 卡\n\n**關鍵實體**：  \n甲, 乙\n\n---\n----\n",
    )
]
JSON = [
    b"{", b"[]", b'{"a": 1}', b'{"sections": 1}', b'{"sections": [1]}', b'{"a": 1, "a": 2}',
    b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 99999999999999999999}', b"[" * 99,
    b'{"sections": [{"title": 1}]}', b'{"sections": [{"cards": [{}]}]}',
    b'{"sections": [{"title": "a", "cards": [{"headline": "a", "b": 1}]}]}',
    b'{"sections": [{"title": "a", "cards": [{"headline": "a", "importance": 9}]}]}',
    b'{"sections": [{"title": "a", "cards": [{"headline": "a", "labels": 9}]}]}', b'{"lead": "a"}',
]  # fmt: skip


def _of_cards() -> list[str]:
    made = [Card(**{"headline": "卡", "summary": "話。", **changes}) for changes in CARDS]
    return [fault for card in made for fault in hugo.card_faults(card)]


def _of_readings() -> list[str]:
    readings = [*map(hugo.parse, FILES), *map(payload.from_json, JSON)]
    problems = [problem for reading in readings for problem in reading.problems]
    # What JSON is refused is found by its pointer, which is no sentence.
    return [p.reason if p.where.startswith("/") else p.sentence for p in problems]


def _put_right() -> list[str]:
    return [each.text for data in [*UNTIDY, *FILES] for each in hugo.parse(data).deviations]


@pytest.mark.parametrize(
    "faults",
    [
        _of_cards,
        lambda: [fault for section in SECTIONS for fault in hugo.passage_faults(section)],
        lambda: [fault for document in DOCUMENTS for fault in hugo.document_faults(document)],
        _of_readings,
        _put_right,
    ],
    ids=["cards", "passages", "documents", "files", "put right"],
)
@pytest.mark.parametrize("kept", [False, True])
def test_what_is_refused_is_said_in_chinese(faults, kept):
    """As it comes and, `kept`, as it lies in the database; parsers' own words may follow."""
    for fault in faults():
        assert recognise(str(fault)), fault
        with override("zh-hant"):
            said = translated(str(fault) if kept else fault)
        said = re.sub(r"(不是有效的 (?:YAML|TOML|JSON)：).*", r"\1", said)
        assert not ENGLISH.search(said), (fault, said)


def test_fields_are_called_as_the_desk_calls_them():
    [fault] = hugo.card_faults(Card(headline="卡", summary="甲\n乙\n### 丙"))
    with override("zh-hant"):
        assert translated(fault) == (
            "核心摘要，第 3 行：以 ### 開頭，會另起一張卡；請改寫成 #### 或 \\###。"
        )
    with override("en"):
        said = translated(fault)
    assert said.startswith("Line 3 of Core summary starts with ###, which would begin a new card;")
    with override("zh-hant"):
        assert translated(Said.FIELDS_DIFFER(fields="summary, importance_note")).startswith(
            "核心摘要、重要性說明："
        )


def test_what_people_wrote_is_never_translated():
    """A headline that reads like a sentence of ours stays a headline."""
    card = Card(headline="the summary", summary="### 甲")
    document = Document(sections=(Section(title="footer", cards=(card,)),))
    [fault] = hugo.document_faults(document)
    with override("zh-hant"):
        assert "卡片「the summary」" in translated(fault)
        assert "卡片「the summary」" in translated(str(fault))


# --- where the desk shows them -------------------------------------------------------------------


def test_a_save_is_refused_in_the_editors_language(chinese, issue):
    card = cards_of(issue)[0]
    where = field_at(card, "summary")
    status, answer = save(chinese, where, "甲\n### 乙", values_of(card)["summary"])
    assert status == 422
    [sentence] = answer["errors"]
    assert "核心摘要，第 2 行：以 ### 開頭" in sentence


def test_a_held_card_says_in_the_readers_language_why(chinese, desk, sample):
    unfinished = "**重要性**：高（甲".encode()
    issue = land(desk, re.sub("\\*\\*重要性\\*\\*：[^\n]+".encode(), unfinished, sample, count=1))
    held = issue.held_cards.get()
    assert ENGLISH.search(held.reason)  # as machines have it
    shown = chinese.get(address("issue", issue)).content.decode()
    assert "之後的註記缺少結尾的「）」。" in shown and held.reason not in shown
    section = issue.sections.filter(kind="cards").first()
    sent = {"text": held.text, "section": section.pk, "repair": ""}
    answer = chinese.post(address("held_card", issue, held.pk), sent)
    assert "之後的註記缺少結尾的「）」。" in answer.content.decode()
    draft = Draft.objects.get()
    page = chinese.get(reverse("draft", args=[desk.slug, draft.pk])).content.decode()
    assert "之後的註記缺少結尾的「）」。" in page and "卡片「" in page
    # The machine's door says what it said.
    assert draft.problems[0]["reason"] == held.reason


def test_what_was_put_right_in_a_draft_is_said_in_the_readers_language(chinese, desk, sample):
    land(desk, sample.replace("**重要性**：".encode(), "**重要性**:".encode(), 1))
    draft = Draft.objects.get()
    assert [each["text"] for each in draft.deviations] == ["ASCII colon after 重要性"]
    page = chinese.get(reverse("draft", args=[desk.slug, draft.pk])).content.decode()
    assert "「重要性」之後是半形冒號。" in page and "ASCII colon" not in page


# --- what a stranger may send --------------------------------------------------------------------

DEEP = {
    "names": ": ".join(chr(0x4E00 + n) for n in range(333)),
    "fields": "a: " * 332 + "file",
    "lines": "line 1 of " * 99 + "the file",
    "texts": "the text of " * 80 + "card “a”",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_looks_like_sentences_in_sentences_is_left_as_it_is(text):
    assert len(text) <= 1000
    with ends():
        assert translated(text) == text


def test_keys_that_look_like_sentences_keep_no_page_from_opening(chinese, desk):
    for where in DEEP.values():
        take_in(desk, json.dumps({where: 1}).encode(), media_type="application/json")
    with ends():
        assert chinese.get(reverse("queue", args=[desk.slug])).status_code == 200
        for draft in desk.drafts.all():
            assert draft.problems
            page = chinese.get(reverse("draft", args=[desk.slug, draft.pk]))
            assert page.status_code == 200


def test_a_sentence_can_be_copied():
    sentence = Said.LINE_OF(line=3, place=Said.SUMMARY())
    for copied in (copy.copy(sentence), copy.deepcopy(sentence)):
        assert (copied, copied.said, copied.filling) == (sentence, sentence.said, sentence.filling)

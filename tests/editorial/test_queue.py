"""What waits, across days: searching, filters and their numbers, the order, what came in since."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db.models import F
from django.http import QueryDict
from django.urls import reverse

from benches.drafts import draft_of
from digest import hugo
from digest.folding import fold, forms_of, words_of
from digest.models import Card, Section, Suggestion
from digest.search import Search
from editorial import queue, search
from editorial.decisions import decide
from editorial.excerpts import excerpt, marked, spans_in
from editorial.filters import STATES, Filters
from editorial.models import Comment
from editorial.search import find, issues_in_work
from editorial.views.queue import CARDS_A_PAGE
from tests.conftest import SAMPLE_DAY, approve_everything, cards_of, land, sign
from tests.editorial.work import change

DAY = date(2026, 3, 2)


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.fixture
def page(client, editor):
    client.force_login(editor.user)
    return client


@pytest.fixture
def queue_address(desk) -> str:
    return reverse("queue", args=[desk.slug])


@pytest.fixture
def other_issue(desk, sample):
    """A second day of the desk, of twelve cards."""
    return land(desk, draft_of(hugo.read(sample), day=DAY, cards=12))


def set_text(card: Card, text: str) -> None:
    """Make a card hold this text and nothing else, as far as searching goes."""
    folded = fold(text)
    Card.objects.filter(pk=card.pk).update(summary=text, folded=folded, words=words_of(folded))


# --- searching -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sought", "is_found"),
    [
        ("推論省下記憶體", "記憶體", True),
        ("推論省下記憶體", "记忆体", True),  # simplified
        ("推论省下记忆体", "記憶體", True),  # and back
        ("推論省下記憶體", "體", True),  # one character, at the end of a run
        ("推論省下記憶體", "推", True),
        ("推論省下記憶體", "下記", True),
        ("推論省下記憶體", "記體", False),
        ("推論省下，記憶體", "下記", False),
        ("使用LLM‑Bench測試", "llm-bench", True),
        ("使用LLM‑Bench測試", "ＬＬＭ－ＢＥＮＣＨ", True),  # full-width
        ("使用LLM‑Bench測試", "llm bench", True),  # two parts
        ("使用LLM‑Bench測試", "用llm", True),
        ("使用LLM‑Bench測試", "bench測", True),
        ("使用LLM‑Bench測試", "llmbench", False),
        ("GPT-5.2 發表", "gpt-5.2", True),
        ("GPT-5.2 發表", "gpt-5.3", False),
        ("a benchmark of models", "Bench", True),  # how a word begins
        ("a benchmark of models", "mark", False),  # not where it ends
        ("a benchmark of models", "models a", True),
        ("the C++ compiler", "c++", True),
        ("the C compiler", "c++", False),
        ("100% sure", "100%", True),
        ("1000 times", "100%", False),
        ("snake_case", "snake_case", True),
        ("snakeXcase", "snake_case", False),
        ("扭轉乾坤的一年", "乾", True),  # alone it folds otherwise than in this word
        ("扭轉乾坤的一年", "乾坤", True),
        ("餅乾", "乾", True),
        ("扭转乾坤的一年", "乾 一年", True),
        ("計畫", "畫", True),
        ("繪畫", "畫", True),
        ("扭轉坤乾的一年", "坤", True),
        ("一年", "乾", False),
        ("x" * 60 + " end", "x" * 60, True),  # longer than a word of the index
        ("x" * 60 + " end", "x" * 61, False),
    ],
)
def test_a_search_finds(text, sought, is_found, issue):
    card = cards_of(issue)[3]
    set_text(card, text)
    assert (card in Card.objects.containing(sought)) is is_found


def matches(folded: str, sought: str) -> bool:
    """By brute force: each part stands there, and its words begin words."""
    words = words_of(folded).split()
    parts = fold(sought).split()
    asked = Search.of(sought)
    return (
        bool(asked)
        and all(any(form in folded for form in forms_of(part)) for part in parts)
        and all(word in words for word in asked.whole)
        and all(any(word.startswith(forms_of(begun)) for word in words) for begun in asked.begun)
    )


def test_a_search_finds_what_comparing_every_text_finds(issue):
    """Generated texts of few characters, so that there are many near misses."""
    chance = random.Random(7)
    alphabet = [
        "模",
        "型",
        "體",
        "体",
        "記",
        "ai",
        "AI",
        "gpt",
        "-",
        "‑",
        " ",
        "，",
        "5",
        "%",
        "_",
        "é",
        "𠮷",
        "乾",
        "坤",
    ]
    home = cards_of(issue)[0].section
    texts = ["".join(chance.choices(alphabet, k=chance.randint(1, 12))) for _ in range(300)]
    Card.objects.bulk_create(
        Card(
            section=home,
            position=100 + n,
            headline=text,
            hash="0" * 64,
            folded=fold(text),
            words=words_of(fold(text)),
        )
        for n, text in enumerate(texts)
    )
    ours = Card.objects.filter(section=home, position__gte=100)
    folded = dict(ours.values_list("position", "folded"))
    hits = 0
    for _ in range(400):
        sought = "".join(chance.choices(alphabet, k=chance.randint(1, 4)))
        found = set(ours.containing(sought).values_list("position", flat=True))
        assert found == {n for n, text in folded.items() if matches(text, sought)}, sought
        if asked := Search.of(sought):
            often = ours.containing(replace(asked, is_frequent=True))
            assert found == set(often.values_list("position", flat=True)), sought
        hits += len(found)
        # Of Chinese alone, any piece is found.
        if all(part and not re.search(r"[a-z0-9é]", part) for part in fold(sought).split()):
            pieces = [forms_of(part) for part in fold(sought).split()]
            plain = {
                n for n, t in folded.items() if all(any(f in t for f in forms) for forms in pieces)
            }
            assert found == (plain if Search.of(sought) else set()), sought
    assert hits > 500


@pytest.mark.parametrize(
    "text",
    [
        "'", '"', '"ai', "ai*", "*", "^ai", "NEAR(a b)", "words:ai", "a AND", "OR", "NOT a", "(",
        ")", "-ai", "a\0b", "\0", "\\", "'; DROP TABLE digest_card; --", "!!!", "——", "😀", "%",
        "_", "&|!:", "ai:*", "<->", "\ud83d", "模" * 10_000, "a " * 5_000, "\u202e\u200b",
        "ﷺ" * 300, "ß" * 300,
    ],
)  # fmt: skip
def test_no_text_breaks_a_search(text, issue, page, queue_address):
    list(Card.objects.containing(text))
    list(Card.objects.containing(search.Search.of(text).weighed()) if Search.of(text) else ())
    if text.isprintable() or "\0" in text:
        assert page.get(queue_address, {"q": text}).status_code == 200


def test_frequent_and_rare_words_find_the_same(issue, desk, monkeypatch):
    """The database is asked in two ways; which one must make no difference."""
    rare = Search.of("模型").weighed()
    monkeypatch.setattr("digest.search.FREQUENT", 0)
    assert (rare.is_frequent, Search.of("模型").weighed().is_frequent) == (False, True)
    set_text(cards_of(issue)[0], "扭轉乾坤")
    for text in ("模型", "模", "乾", "模 乾", "mod", "開源 ai", "gpt-5", "ai 模型"):
        found = list(Card.objects.containing(Search.of(text)).order_by("pk"))
        assert list(Card.objects.containing(Search.of(text).weighed()).order_by("pk")) == found


def test_a_search_looks_into_the_text_as_it_is_now(issue):
    card = cards_of(issue)[0]
    set_text(card, "罕見的詞")
    set_text(card, "另外的詞")
    assert card not in Card.objects.containing("罕見")
    assert card in Card.objects.containing("另外")


# --- excerpts ------------------------------------------------------------------------------------


def pieces(found) -> list[str]:
    return [f"[{piece.text}]" if piece.is_hit else piece.text for piece in found]


def test_a_hit_is_marked_as_it_is_written():
    assert pieces(marked("使用ＬＬＭ‑Bench測試", ["llm-bench"])) == [
        "使用",
        "[ＬＬＭ‑Bench]",
        "測試",
    ]
    assert pieces(marked("記憶體與记忆体", [fold("記憶體")])) == ["[記憶體]", "與", "[记忆体]"]
    assert pieces(marked("ab", ["a", "ab"])) == ["[ab]"]
    assert pieces(marked("ﬁne", ["i"])) == ["[ﬁ]", "ne"]  # one character, folded into two
    assert pieces(marked("plain", ["x"])) == ["plain"]


def test_an_excerpt_is_a_short_line_around_the_first_hit():
    text = "前" * 60 + "\n- **記憶體** 很貴\n" + "後" * 200
    found = excerpt(["沒有", text], ["记忆体"])
    line = "".join(piece.text for piece in found)
    assert "**" not in line and "\n" not in line and len(line) < 100
    assert line.startswith("…前") and line.endswith("後…")
    assert [piece.text for piece in found if piece.is_hit] == ["記憶體"]
    assert excerpt(["沒有"], ["記憶體"]) == []


def test_spans_do_not_overlap():
    chance = random.Random(3)
    for _ in range(300):
        text = "".join(chance.choices("abA體体ﬁß", k=12))
        parts = ["".join(chance.choices("ab体fis", k=chance.randint(1, 3))) for _ in range(3)]
        spans = spans_in(text, parts)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
        assert all(any(p in fold(text[s:e]) for p in parts) for s, e in spans)


# --- filters and their numbers -------------------------------------------------------------------


@pytest.fixture
def morning(issue, other_issue, editor, chief):
    """Two days with cards in every state."""
    first, second = cards_of(issue), cards_of(other_issue)
    for card in first[:5]:
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    decide("withdraw", issue_id=issue.pk, card_id=first[1].pk, by=editor, seen=first[1].hash)
    decide("drop", issue_id=issue.pk, card_id=first[6].pk, by=editor, seen=first[6].hash)
    Card.objects.filter(pk=second[0].pk).update(importance=None)
    Card.objects.filter(pk=second[1].pk).update(machine_hash="1" * 64)
    for card in (first[0], first[7], second[2]):
        Comment.objects.create(issue=card.section.issue, card=card, by=chief.user, body="?")
    done = Comment.objects.create(issue=issue, card=first[8], by=chief.user, body="!")
    Comment.objects.filter(pk=done.pk).update(resolved_by=editor.user, resolved_at=done.at)
    for card, state in ((first[2], "open"), (second[3], "open"), (first[3], "taken")):
        Suggestion.objects.create(
            issue=card.section.issue, card=card, draft=issue.drafts.first(), field="summary",
            value="x", state=state,
        )  # fmt: skip
    return SimpleNamespace(first=first, second=second)


def facts(desk) -> list[dict]:
    """What there is to know of every card, card by card and without the code under test."""
    cards = Card.objects.filter(section__issue__desk=desk).select_related("section__issue").whole()
    found = []
    for card in cards:
        home = card.section
        approved = any(
            a.hash == card.hash and not hasattr(a, "withdrawal") for a in card.approvals.all()
        )
        flags = {
            "dropped": card.dropped,
            "approved": approved and not card.dropped,
            "waiting": not approved and not card.dropped,
            "commented": any(c.resolved_at is None for c in card.comments.all()),
            "later": any(s.state == "open" for s in card.suggestions.all()),
            "edited": card.hash != card.machine_hash,
        }
        found.append(
            {
                "pk": card.pk,
                "place": (-home.issue.date.toordinal(), home.position, card.position),
                "folded": card.folded,
                "state": {s for s, any_of in STATES.items()
                          if not any_of or any(flags[f] for f in any_of)},
                "day": {card.section.issue.date},
                "section": {card.section.title},
                "importance": {card.importance or 0},
                "entity": {fold(item.tag.name) for item in card.entity_items.all()},
                "host": {s.host for s in card.sources.all() if s.host},
            }
        )  # fmt: skip
    return sorted(found, key=lambda fact: fact["place"])


NAMES = ("state", "day", "section", "importance", "entity", "host")


def lets_through(fact: dict, filters: Filters, leave_out: str = "") -> bool:
    values = filters.narrowing | {"state": filters.present_state}
    return all(
        (fold(value) if name == "entity" else value) in fact[name]
        for name, value in values.items()
        if name != leave_out
    ) and (not filters.q or matches(fact["folded"], filters.q))


def some_filters(known: list[dict]) -> list[Filters]:
    chance = random.Random(11)
    values = {name: sorted({v for fact in known for v in fact[name]}) for name in NAMES}
    made = [Filters(), Filters(scope="all"), Filters(q="模型"), Filters(q="ai", state="waiting")]
    for _ in range(60):
        names = chance.sample(NAMES, chance.choice([1, 1, 1, 2, 2, 3]))
        given = {name: chance.choice(values[name]) for name in names}
        given |= chance.choice([{"scope": "all"}, {"scope": ""}, {"q": "模型"}])
        made.append(Filters(**given).plain())
    return made


def test_the_cards_and_the_numbers_of_every_filter_are_those_of_counting(desk, morning):
    known = facts(desk)
    in_work = [pk for pk, _day in issues_in_work(desk)]
    found_any = 0
    for filters in some_filters(known):
        found = find(desk, filters, in_work)
        expected = [fact["pk"] for fact in known if lets_through(fact, filters)]
        assert [hit.pk for hit in found.hits] == expected, filters
        found_any += bool(expected)
        for name in NAMES:
            others = [fact for fact in known if lets_through(fact, filters, leave_out=name)]
            counted: dict = {}
            for fact in others:
                for value in fact[name]:
                    counted[value] = counted.get(value, 0) + 1
            told = {
                fold(c.value) if name == "entity" else c.value: c.count
                for c in found.choices[name]
                if c.count
            }
            assert told == counted, (name, filters)
    assert found_any > 30


def test_the_day_page_stops_at_what_waits_in_the_queue(page, desk, morning, issue, chief):
    """A question about a dropped card is open until somebody answers it."""
    dropped, asked = (card for card in morning.first[6:8])
    decide("drop", issue_id=issue.pk, card_id=asked.pk, by=chief, seen=asked.hash)
    waits = {hit.pk for hit in find(desk, Filters(), [issue.pk]).hits}
    rows = [case.card for case in queue.case_of_issue(issue.pk).cards.values()]
    assert {row.pk for row in rows if row.attention == "waiting"} == waits
    assert asked.pk in waits and dropped.pk not in waits
    html = page.get(reverse("issue", args=[desk.slug, issue.date])).content.decode()
    stops = re.findall(r'id="row-(\d+)"[^>]*data-attention="waiting"', html)
    assert {int(pk) for pk in stops} == waits


def test_frequent_entities_and_hosts_find_the_same(desk, morning, monkeypatch):
    known = facts(desk)
    entity = next(iter(known[0]["entity"]))
    host = next(iter(known[0]["host"]))
    asked = [Filters(scope="all", entity=entity), Filters(scope="all", host=host)]
    few = [find(desk, filters, []) for filters in asked]
    monkeypatch.setattr(search, "FREQUENT", 1)
    assert [find(desk, filters, []) for filters in asked] == few
    assert all(found.hits for found in few)


def test_the_order_is_the_newest_day_first_and_then_the_readers(desk, morning):
    found = find(desk, Filters(scope="all"), [])
    expected = [fact["pk"] for fact in facts(desk)]
    assert [hit.pk for hit in found.hits] == expected
    assert found.hits[0].day == DAY and found.hits[-1].day == SAMPLE_DAY
    Card.objects.filter(pk__in=expected[::2]).update(details=F("details"))  # rows that were touched
    assert [hit.pk for hit in find(desk, Filters(scope="all"), []).hits] == expected


def test_more_cards_than_the_most_are_said_to_be_more(
    desk, morning, page, queue_address, monkeypatch
):
    monkeypatch.setattr(search, "MOST", 10)
    monkeypatch.setattr("editorial.views.queue.MOST", 10)
    found = find(desk, Filters(scope="all"), [])
    assert (len(found.hits), found.is_cut) == (10, True)
    assert [hit.pk for hit in found.hits] == [fact["pk"] for fact in facts(desk)][:10]
    answer = page.get(queue_address, {"scope": "all"}, headers={"accept-language": "en"})
    assert "More than 10 cards" in text_of(answer)


def test_what_is_published_long_ago_is_not_in_work_and_what_is_stuck_is(desk, ready, chief):
    signed = sign(ready, chief)
    ready.refresh_from_db()
    ready.due_at = None
    ready.due_edition = None
    ready.published = signed
    ready.save()
    with time_machine.travel(SAMPLE_DAY + timedelta(days=6)):
        assert issues_in_work(desk) == [(ready.pk, SAMPLE_DAY)]
    with time_machine.travel(SAMPLE_DAY + timedelta(days=8)):
        assert issues_in_work(desk) == []
        delivery = signed.deliveries.create(channel="hugo", state="failed")
        assert issues_in_work(desk) == [(ready.pk, SAMPLE_DAY)]
        delivery.delete()
        ready.published = None
        ready.save()
        assert issues_in_work(desk) == [(ready.pk, SAMPLE_DAY)]


# --- the page ------------------------------------------------------------------------------------


def test_the_queue_lists_what_waits_with_a_link_to_its_place(page, morning, queue_address, issue):
    html = page.get(queue_address).content.decode()
    waiting, approved = morning.first[5], morning.first[4]
    place = reverse("issue", args=[issue.desk.slug, issue.date])
    assert f"{place}#card-{waiting.pk}" in html
    assert f"#card-{approved.pk}" not in html
    assert f"#card-{morning.first[0].pk}" in html, "approved, with an open comment"
    assert f"#card-{morning.first[2].pk}" in html, "approved, with a later version"


def test_every_state_is_a_word_with_who_approved(page, morning, queue_address):
    answer = page.get(queue_address, {"state": "any"}, headers={"accept-language": "en"})
    said = text_of(answer)
    assert "approved · editor" in said
    for word in (
        "dropped",
        "waiting",
        "edited",
        "comments open",
        "the machine wrote a later version",
    ):
        assert word in said
    assert "not rated" in said and "○○○○○" in said


@pytest.mark.parametrize(
    "params",
    [
        {"day": "yesterday"}, {"day": "2026-02-30"}, {"day": "99999-01-01"}, {"day": "\0"},
        {"importance": "9"}, {"importance": "-1"}, {"importance": "٣"}, {"importance": "1e3"},
        {"state": "waiting' OR 1=1"}, {"state": "__class__"}, {"scope": "everything"},
        {"section": "x" * 100_000}, {"section": "'\"\\%_"}, {"entity": "\0\x01"},
        {"entity": "' --"}, {"host": "\0"}, {"host": "%"}, {"page": "-1"}, {"page": "9" * 5000},
        {"page": "x"},
        {"section__issue__desk": "2"}, {"q": "", "entity": "ﷺ" * 500},
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_never_break_the_page(params, page, issue, queue_address):
    for more in ({}, {"scope": "all"}, {"q": "模型"}):
        for address in (queue_address, f"{queue_address}news/", f"{queue_address}issues/"):
            headers = {"HX-Request": "true"} if "news" in address else {}
            answer = page.get(address, params | more | {"since": "0"}, headers=headers)
            assert answer.status_code in (200, 204)


def test_an_address_says_what_is_asked_for_and_nothing_more():
    assert Filters().query == ""
    read = Filters.read({"q": " 模型  x ", "state": "any", "scope": "all", "page": "3", "day": ""})
    assert read == Filters(q="模型 x")
    for filters in (read, Filters(day=DAY, state="dropped"), Filters(scope="all", importance=0)):
        assert Filters.read(QueryDict(filters.query[1:])) == filters
    assert read.with_(q="").query == "?state=any", "what was shown in any state still is"


def test_a_name_is_filtered_by_as_it_is_written(desk, sample, editor):
    """A full-width blank, or two: the number beside a choice is that of the cards behind it."""
    title = next(line for line in sample.decode().split("\n") if line.startswith("## "))
    odd = land(desk, sample.replace(title.encode(), "## AI　基礎  設施".encode()))
    change(cards_of(odd)[0], editor, entities=["GPT  5"])
    found = find(desk, Filters(), [odd.pk])
    for name, value in (("section", "AI　基礎  設施"), ("entity", "GPT  5")):
        [choice] = [each for each in found.choices[name] if each.value == value]
        query = Filters().with_(**{name: value}).query
        again = find(desk, Filters.read(QueryDict(query[1:])), [odd.pk])
        assert len(again.hits) == choice.count > 0


@pytest.mark.parametrize("name", ["q", "section", "entity", "host"])
def test_half_characters_break_no_search(name, page, issue, queue_address):
    utf7 = {"CONTENT_TYPE": "text/plain; charset=utf-7"}
    assert page.get(f"{queue_address}?{name}=%2B2AA-", **utf7).status_code == 200
    assert page.get(f"{queue_address}terms/?q=%2B2AA-", **utf7).status_code == 200


def test_filters_survive_paging(page, desk, sample, queue_address):
    land(desk, draft_of(hugo.read(sample), day=DAY, cards=120))
    one = page.get(queue_address, {"q": "模型", "state": "waiting"}).content.decode()
    [link] = set(re.findall(r'rel="next" href="([^"]+)"', one))
    two = page.get(link.replace("&amp;", "&")).content.decode()
    seen = [re.findall(r'id="hit-(\d+)"', html) for html in (one, two)]
    assert len(seen[0]) == CARDS_A_PAGE and seen[1] and not set(seen[0]) & set(seen[1])
    assert 'value="模型"' in two and 'name="state" value="waiting"' in two


def test_a_hit_is_marked_and_nothing_of_a_text_becomes_markup(page, issue, queue_address):
    card = cards_of(issue)[0]
    set_text(card, "<script>x</script>罕見 <b>字</b>")
    html = page.get(queue_address, {"q": "罕见"}).content.decode()
    assert "<mark>罕見</mark>" in html
    assert "<script>x" not in html and "&lt;script&gt;x" in html


def test_while_typing_only_the_list_is_sent_and_the_address_follows(page, issue, queue_address):
    answer = page.get(
        queue_address,
        {"q": "模型", "day": "", "entity": "", "host": ""},
        headers={"HX-Request": "true", "HX-Target": "found"},
    )
    assert "<html" not in answer.content.decode() and 'id="found"' in answer.content.decode()
    assert answer["HX-Push-Url"] == f"{queue_address}?q=%E6%A8%A1%E5%9E%8B"


def test_an_empty_queue_says_so_and_leads_on(page, desk, ready, queue_address):
    with time_machine.travel(SAMPLE_DAY):
        answer = page.get(queue_address, headers={"accept-language": "en"})
    assert "Nothing waits." in text_of(answer)
    assert f'href="{reverse("issue", args=[desk.slug, SAMPLE_DAY])}"' in answer.content.decode()


def test_no_hit_says_what_was_looked_for(page, issue, queue_address):
    answer = page.get(queue_address, {"q": "zzznope"}, headers={"accept-language": "en"})
    assert "No card in all issues has “zzznope” in it." in text_of(answer)
    answer = page.get(queue_address, {"entity": "zzznope"}, headers={"accept-language": "en"})
    assert "?scope=all&amp;entity=zzznope" in answer.content.decode()


def test_a_desk_without_a_draft_says_how_one_comes(page, desk, queue_address):
    for address in (queue_address, reverse("archive", args=[desk.slug])):
        answer = page.get(address, headers={"accept-language": "en"})
        assert "No draft has landed on this desk yet." in text_of(answer)


def test_a_search_stays_within_its_desk(page, issue, other_desk, queue_address, sample):
    theirs = land(other_desk, sample)
    card = cards_of(theirs)[0]
    set_text(card, "只在別家")
    section = Section.objects.get(pk=card.section_id).title
    for params in ({"q": "只在別家"}, {"scope": "all"}, {"scope": "all", "section": section}):
        html = page.get(queue_address, params).content.decode()
        assert not {f'id="hit-{c.pk}"' for c in cards_of(theirs)} & set(
            re.findall(r'id="hit-\d+"', html)
        )


def test_the_archive_lists_every_issue(page, desk, issue, other_issue):
    html = page.get(reverse("archive", args=[desk.slug])).content.decode()
    dates = re.findall(r'queue__date" href="[^"]*/(\d{4}-\d\d-\d\d)/', html)
    assert dates == [str(DAY), str(SAMPLE_DAY)]


# --- what came in since --------------------------------------------------------------------------


def since_of(html: str) -> str:
    return re.search(r"since=(\d+)", html)[1]


def ask(page, desk, since: str, **params):
    address = reverse("queue_news", args=[desk.slug])
    headers = {"HX-Request": "true", "accept-language": "en"}
    return page.get(address, {"since": since} | params, headers=headers)


def test_new_cards_wait_behind_a_number(page, desk, issue, sample, queue_address):
    since = since_of(page.get(queue_address).content.decode())
    assert ask(page, desk, since).status_code == 204
    whole = hugo.read(sample)
    land(desk, draft_of(whole, day=DAY, cards=7))
    answer = ask(page, desk, since, q="模型")
    assert "7 new cards" in text_of(answer)
    assert f'href="{queue_address}?q=%E6%A8%A1%E5%9E%8B"' in answer.content.decode()
    assert ask(page, desk, since, have="7").status_code == 204
    # A later draft of a day that was there brings cards one by one.
    land(desk, draft_of(whole, day=DAY, cards=9))
    assert "9 new cards" in text_of(ask(page, desk, since))
    seen = since_of(page.get(queue_address).content.decode())
    assert ask(page, desk, seen).status_code == 204
    land(desk, draft_of(whole, day=DAY, cards=10))
    assert "1 new card" in text_of(ask(page, desk, seen))


def test_people_s_work_and_other_desks_are_no_news(page, desk, issue, editor, other_desk, sample):
    since = since_of(page.get(reverse("queue", args=[desk.slug])).content.decode())
    approve_everything(issue, editor)
    land(other_desk, sample)
    assert ask(page, desk, since).status_code == 204


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 30, "²"])
def test_a_page_that_saw_nonsense_has_no_news(since, page, desk, issue):
    assert ask(page, desk, since).status_code == 204


def test_without_htmx_news_lead_to_the_queue(page, desk, issue, queue_address):
    answer = page.get(reverse("queue_news", args=[desk.slug]), {"since": "0", "state": "any"})
    assert (answer.status_code, answer["Location"]) == (302, f"{queue_address}?state=any")

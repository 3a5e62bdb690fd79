"""One story is one topic: measured on labelled articles, tried with hostile ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.drafting.articles import Article, Earlier
from digest.drafting.grouping import group
from tests.drafting import labelled

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    *("stories.txt", "stories_more.txt", "stories_third.txt", "stories_fourth.txt"),
    "stories_held_out.txt",  # never looked at while tuning
)
NOW = datetime(2026, 2, 12, 22, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=[*FILES, "all"])
def told(request):
    """A file of labelled articles, or all of them as one day, with the topics made of it."""
    files = FILES if request.param == "all" else [request.param]
    whole = labelled.Labelled()
    for part in map(labelled.read, files):
        whole.articles += part.articles
        for name in ("story", "traps", "ran", "cards"):
            getattr(whole, name).update(getattr(part, name))
    return whole, group(whole.articles, earlier=list(whole.cards.values()))


def test_there_is_enough_to_measure_by():
    parts = [labelled.read(file) for file in FILES]
    articles = [article for part in parts for article in part.articles]
    assert len(articles) >= 300
    for language in ("zh-Hant", "zh-Hans", "en"):
        assert sum(article.language == language for article in articles) >= 40
    assert len({trap for part in parts for trap in part.traps.values()}) >= 40
    assert sum(len(part.ran) for part in parts) >= 15


def test_what_is_together_tells_one_story(told):
    whole, topics = told
    found = labelled.pairs_of(topics)
    assert len(found & labelled.true_pairs(whole)) >= 0.95 * len(found)


def test_what_tells_one_story_is_together(told):
    whole, topics = told
    true = labelled.true_pairs(whole)
    assert len(labelled.pairs_of(topics) & true) >= 0.85 * len(true)


def test_no_trap_snaps(told):
    whole, topics = told
    snapped = [
        sorted(article.title for article in pair)
        for pair in labelled.pairs_of(topics) - labelled.true_pairs(whole)
        if len({whole.traps[whole.story[article]] for article in pair}) == 1
        and whole.traps[whole.story[min(pair, key=lambda article: article.key)]]
    ]
    assert not snapped


def test_what_ran_before_is_remembered_with_its_card(told):
    whole, topics = told
    kept = known = 0
    for topic in topics:
        for article in topic.found:
            card, _novelty = whole.ran.get(whole.story[article], ("", ""))
            if card:
                kept += 1
                known += topic.earlier is whole.cards[card]
            else:
                assert topic.novelty == "new", article.title
                assert topic.earlier is None
    assert known >= 0.9 * kept > 0


def test_what_has_something_new_is_never_taken_for_repeated(told):
    """The other mistake costs an editor a glance; this one would cost readers the news."""
    whole, topics = told
    for topic in topics:
        for article in topic.found:
            if whole.ran.get(whole.story[article], ("", ""))[1] == "follow-up":
                assert topic.novelty != "repeated", article.title


# --- links ---------------------------------------------------------------------------------------


def _article(number: int = 0, **given) -> Article:
    url = given.pop("url", f"https://example.org/{number}")
    values = {"key": url, "title": "", "text": "", "outlet": "", "fetched": NOW} | given
    return Article(url=url, **values)


def test_one_link_by_two_feeds_is_one_article_and_both_outlets_count():
    paper = _article(1, title="A paper", text="We study something at length.", outlet="arXiv")
    talk = replace(paper, url=paper.url + "?utm_source=hn", text="", outlet="Hacker News")
    (topic,) = group([talk, paper])
    assert topic.articles == (paper,)
    assert topic.copies == (talk,)
    assert topic.links == (paper.url,)
    assert set(topic.outlets) == {"arXiv", "Hacker News"}


def test_one_text_under_two_links_keeps_both_links():
    text = "The ministry said on Monday that it would buy eleven thousand sensors for rivers."
    here = _article(1, title="Sensors for rivers", text=text, outlet="Here")
    there = _article(2, title="Sensors for rivers", text=text, outlet="There")
    (topic,) = group([there, here])
    assert len(topic.articles) == 1
    assert set(topic.links) == {here.url, there.url}
    assert set(topic.outlets) == {"Here", "There"}


def test_a_column_with_the_same_words_every_day_is_not_one_article():
    text = "Every morning we bring you the five links that our editors talked about yesterday."
    days = [_article(n, title="Daily links", text=text, outlet="Column") for n in range(3)]
    assert len(group(days)) == 3


def test_a_link_that_ran_is_repeated_however_it_is_written():
    card = Earlier(
        NOW.date() - timedelta(days=3), "別的標題", "別的內容", ("http://www.example.org/a/",), "/x"
    )
    (topic,) = group([_article(url="https://example.org/a#top", title="Something")], earlier=[card])
    assert (topic.novelty, topic.earlier) == ("repeated", card)


def test_the_latest_card_of_a_story_is_the_one_named():
    cards = [
        Earlier(NOW.date() - timedelta(days=days), "一張卡", "", ("https://example.org/a",))
        for days in (9, 2, 5)
    ]
    (topic,) = group([_article(url="https://example.org/a", title="Something")], earlier=cards)
    assert topic.earlier is cards[1]


# --- whatever comes ------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["OpenAI", "Nvidia", "發表", "发布", "模型", "v1.2", "v1.3", "日報", "weekly", "30%", "3", "億"]
    + ["not", "deny", "🦙", "。", "：", "\n", "the"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))
ARTICLES = st.lists(
    st.builds(
        _article,
        st.integers(0, 12),
        title=TEXTS,
        text=TEXTS,
        outlet=st.sampled_from(["", "A", "B"]),
        weight=st.sampled_from([0.0, 1.0]),
    ),
    max_size=14,
)
CARDS = st.lists(
    st.builds(Earlier, st.dates(), TEXTS, TEXTS, st.tuples(st.just("https://example.org/1"))),
    max_size=3,
)


@given(ARTICLES, CARDS, st.randoms())
@settings(max_examples=150)
def test_each_article_is_in_one_topic_and_order_makes_no_difference(articles, cards, luck):
    topics = group(articles, earlier=cards)
    found = [article for topic in topics for article in topic.found]
    assert len(found) == len(articles)
    assert sorted(map(repr, found)) == sorted(map(repr, articles))
    for topic in topics:
        keys = [article.key for article in topic.articles]
        assert len(keys) == len(set(keys))
    mixed, shuffled = list(articles), list(cards)
    luck.shuffle(mixed)
    luck.shuffle(shuffled)
    assert group(mixed, earlier=shuffled) == topics


def test_nothing_makes_no_topic():
    assert group([]) == []
    assert group([], earlier=[Earlier(NOW.date(), "標題", "內容")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "。。。！？",
        "🦙" * 50,
        "中" * 20_000,
        "a" * 20_000,
        "a." * 10_000,
        "\ud800",
        "\u202e%",
    ],
    ids=lambda text: ascii(text[:3]),
)
def test_odd_text_makes_topics_like_any_other(text):
    odd = [_article(n, title=text[: 500 * n], text=text, outlet="Odd") for n in range(3)]
    plain = _article(9, title="Nvidia launches a chip", text="A chip for data centers.")
    topics = group([*odd, plain])
    assert sum(len(topic.found) for topic in topics) == 4
    assert [topic for topic in topics if plain in topic.found][0].found == (plain,)


def test_thousands_that_are_the_same_are_one_topic():
    text = "The same announcement was sent to everybody on the list at the same minute."
    many = [
        _article(n, title="An announcement", text=text, outlet=f"{n % 40}") for n in range(2_000)
    ]
    (topic,) = group(many)
    assert len(topic.links) == 2_000
    assert len(topic.outlets) == 40


def test_thousands_that_differ_by_a_number_stay_apart():
    many = [
        _article(n, title=f"nightly build {n}", text="Built by the robot.", outlet="Builds")
        for n in range(2_000)
    ]
    assert len(group(many)) == 2_000


def test_another_process_comes_to_the_same():
    code = (
        "import json, sys; from tests.drafting import labelled; "
        "from digest.drafting.grouping import group; "
        "told = labelled.read('stories_more.txt'); "
        "topics = group(told.articles, earlier=list(told.cards.values())); "
        "json.dump([[a.key for a in t.found] + [t.novelty] for t in topics], sys.stdout)"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "4711")
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())


def test_what_is_heavy_is_loaded_only_where_it_is_used():
    code = "import sys, digest.drafting.grouping; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

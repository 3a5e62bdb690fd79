"""How much a topic matters, in a sentence, and where it stands."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from digest.document import Importance
from digest.drafting.articles import Article, Earlier, Topic
from digest.drafting.grouping import group
from digest.drafting.scoring import explain, place, score, shortlist
from digest.drafting.sections import PROFILES, kind_of
from tests.drafting import labelled

NOW = datetime(2026, 2, 12, 22, 0, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")
SECTIONS = (
    "今日焦點（Top Headlines）",
    "模型與技術更新（Model & Research Updates）",
    "工具與資源（Tools & Resources）",
    "產業與應用動態（Industry Applications）",
    "產業趨勢與觀點（Industry Trends & Insights）",
    "市場動態精選（Key Market Updates）",
)


def _topic(title="A title", outlets=1, hours=0.0, novelty="new", text="", **more) -> Topic:
    articles = tuple(
        Article(
            url=(url := f"https://{n}.example.org/{abs(hash_of(title))}"),
            key=url,
            title=title,
            text=text,
            fetched=NOW,
            published=NOW - timedelta(hours=hours),
            outlet=f"Outlet {n}",
            **more,
        )
        for n in range(outlets)
    )
    earlier = None
    if novelty != "new":
        earlier = Earlier(date(2026, 2, 9), "先前", "內容", path="/2026-02-09/")
    return Topic(articles, novelty, earlier)


def hash_of(title: str) -> int:
    """The same in every process, unlike `hash`."""
    return sum(ord(character) * at for at, character in enumerate(title, 1))


def _score(*topics, language="zh-Hant"):
    return score(topics, now=NOW, zone=TAIPEI, language=language)


def _values(*topics):
    rated = {id(placed.topic): placed.score for placed in _score(*topics)}
    return [rated[id(topic)] for topic in topics]


# --- how much ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"outlets": 4}, {"outlets": 2}),
        ({"hours": 1}, {"hours": 20}),
        ({"weight": 2.0}, {"weight": 1.0}),
        ({}, {"novelty": "follow-up"}),
        ({"novelty": "follow-up"}, {"novelty": "repeated"}),
    ],
)
def test_what_counts_more_scores_more(more, less):
    one, other = _values(_topic("One", **more), _topic("Other", **less))
    assert one > other


def test_a_half_life_halves():
    fresh, old = _values(_topic("Fresh"), _topic("Old", hours=24))
    assert old == pytest.approx(fresh / 2, abs=1e-3)


def test_a_date_in_the_future_is_no_fresher_than_now():
    ahead, now = _values(_topic("Ahead", hours=-500), _topic("Now"))
    assert ahead == now


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, -3.0, 1e300])
def test_a_weight_out_of_bounds_breaks_nothing(weight):
    (value,) = _values(_topic("Odd", weight=weight))
    assert 0 <= value <= 10


def test_the_five_ratings_are_all_given():
    rated = _score(
        _topic("a", 8), _topic("b", 3, hours=3), _topic("c", 2, hours=9), _topic("d"),
        _topic("e", hours=40),
    )  # fmt: skip
    assert [placed.importance for placed in rated] == sorted(Importance, reverse=True)


@pytest.mark.parametrize(
    ("topic", "chinese", "english"),
    [
        (
            _topic("a", 4, hours=8.5),
            "4 家媒體共 4 篇，最早見於 21:30；新題",
            "4 articles in 4 outlets, first seen 21:30; new",
        ),
        (
            _topic("a", hours=26, novelty="follow-up"),
            "1 家媒體共 1 篇，最早見於 2 月 12 日 04:00；延續 2 月 9 日的報導",
            "1 article in 1 outlet, first seen 12 Feb 04:00; follows up 9 Feb",
        ),
        (
            _topic("a", 2, novelty="repeated", weight=2.5),
            "2 家媒體共 2 篇，最早見於 06:00，來源權重 2.5；2 月 9 日已刊出",
            "2 articles in 2 outlets, first seen 06:00, feeds of weight 2.5; ran already: 9 Feb",
        ),
    ],
)
def test_a_sentence_says_why(topic, chinese, english):
    assert explain(topic, now=NOW, zone=TAIPEI) == chinese
    assert explain(topic, now=NOW, zone=TAIPEI, language="en") == english


def test_the_shortlist_is_a_tenth():
    rated = _score(*(_topic(f"Topic {n}") for n in range(200)))
    assert len(shortlist(rated, of=820)) == 82
    assert shortlist(rated, of=820) == rated[:82]
    assert len(shortlist(rated, of=3)) == 1
    assert shortlist([], of=0) == []


def test_ties_do_not_depend_on_the_order():
    topics = [_topic(f"Topic {n}") for n in range(9)]
    assert _score(*topics) == _score(*reversed(topics))


# --- where ---------------------------------------------------------------------------------------


def test_the_six_sections_are_known():
    assert {kind_of(title) for title in SECTIONS} == set(PROFILES)
    assert kind_of("農業與教育") == kind_of("") == ""


def _places(*topics, sections=SECTIONS, **more):
    placement = place(_score(*topics), sections=sections, **more)
    return {
        placed.topic.title: placed.section for _, row in placement.sections for placed in row
    }, placement


def test_the_best_three_are_the_headlines():
    topics = [_topic(f"Big {n}", outlets=9 - n) for n in range(3)]
    found, placement = _places(*topics, _topic("A model for text"))
    assert [placed.topic.title for placed in placement.sections[0][1]] == [
        "Big 0",
        "Big 1",
        "Big 2",
    ]
    assert found["A model for text"] != SECTIONS[0]


@pytest.mark.parametrize(
    ("title", "section"),
    [
        ("We present a sparse attention transformer for pretraining", 1),
        ("新論文提出稀疏注意力架構，預訓練更省", 1),
        ("Show HN: an open source command line tool in Rust", 2),
        ("命令列工具套件釋出新版本", 2),
        ("Hospital deploys delivery robot for its clinical staff", 3),
        ("醫院導入機器人配送，物流業者跟進部署", 3),
        ("Parliament passes AI act on copyright and privacy", 4),
        ("立法院三讀通過法案，明定隱私與著作權監管", 4),
        ("Startup raises funding at a valuation of 5 billion", 5),
        ("新創完成融資，估值上看 53 億美元", 5),
    ],
)
def test_a_topic_stands_in_the_section_its_words_belong_to(title, section):
    found, _ = _places(*(_topic(f"Big {n}", 9) for n in range(3)), _topic(title))
    assert found[title] == SECTIONS[section]


def test_a_feed_s_hint_weighs_more_than_words():
    topic = _topic("Startup raises funding", section="research")
    found, _ = _places(*(_topic(f"Big {n}", 9) for n in range(3)), topic)
    assert found["Startup raises funding"] == SECTIONS[1]


def test_no_section_holds_more_than_its_quota():
    topics = [_topic(f"Startup {n} raises funding") for n in range(40)]
    _, placement = _places(*topics, quota=2)
    assert all(len(row) <= 2 for _, row in placement.sections)
    placed = sum(len(row) for _, row in placement.sections)
    assert placed + len(placement.rest) == 40


def test_a_thin_or_empty_section_is_said():
    topics = [*(_topic(f"Big {n}", 9) for n in range(3)), _topic("A speech model")]
    with translation.override("zh-hant"):
        _, placement = _places(*topics)
    assert f"「{SECTIONS[1]}」只有 1 則主題，應有 3 則。" in placement.flags
    assert f"「{SECTIONS[5]}」沒有主題，應有 3 則。" in placement.flags
    assert not any(SECTIONS[0] in flag for flag in placement.flags)
    assert f"“{SECTIONS[1]}” has 1 of 3 topics." in _places(*topics)[1].flags
    _, empty = _places()
    assert empty.flags == tuple(f"“{title}” has none of 3 topics." for title in SECTIONS)


def test_what_ran_is_left_out_and_said():
    old = _topic("Old", 20, novelty="repeated")
    found, placement = _places(old, _topic("Follows", novelty="follow-up"))
    assert "Old" not in found
    assert "Follows" in found
    assert placement.rest[-1].topic == old
    left_out = "1 topic was left out because an issue of the last fortnight has it."
    assert placement.flags[-1] == left_out


def test_sections_of_another_desk_go_by_their_own_words_and_then_take_turns():
    topics = [_topic("稻田病害判讀，農業無人機上路")] + [
        _topic(f"Thing {n}", hours=1 + n) for n in range(4)
    ]
    found, _ = _places(*topics, sections=("農業", "其他", "雜項"), quota=2)
    assert found[topics[0].title] == "農業"
    assert found["Thing 0"] != found["Thing 1"]
    assert len(found) == 5


def test_a_desk_without_sections_gets_a_placement_without_any():
    _, placement = _places(_topic("One"), sections=())
    assert placement.sections == ()
    assert len(placement.rest) == 1


def test_a_day_fills_the_issue():
    told = labelled.read("stories.txt")
    rated = _score(*group(told.articles, earlier=list(told.cards.values())))
    placement = place(rated, sections=SECTIONS)
    assert [len(row) for _, row in placement.sections] == [3] * 6
    placed = [each for _, row in placement.sections for each in row]
    assert len({id(each.topic) for each in placed}) == 18
    assert len(placed) + len(placement.rest) == len(rated)

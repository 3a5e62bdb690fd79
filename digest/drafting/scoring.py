"""How much a topic matters, said in one sentence, and where in the issue it stands.

The score is a product that an editor can check by hand: how many outlets tell the story, how much
their feeds count, how long ago the last of them did, whether it ran before. Ratings have fixed
bounds, so that a quiet day has no 極高.

A day has far more stories than cards. The funnel's numbers are: all articles, those left when the
same links and texts are one, the `shortlist` (the best tenth of the articles' number: 820 make 80
topics), and what `place` puts into the issue. Stories are not thrown together into themes to come
down to a tenth: a card on one event can be checked, and what to join is the editor's to judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.document import Importance
from digest.drafting.articles import Article, Placed, Topic
from digest.drafting.sections import HEADLINES, HOSTS, kind_of, profile_of
from digest.drafting.words import LEAD, fold_text, tokens_of

#: Why is said in one of these.
Wording = Literal["zh-Hant", "en"]

HALF_LIFE = timedelta(hours=24)
#: What a story counts that ran before.
NOVELTY = {"new": 1.0, "follow-up": 0.8, "repeated": 0.2}
#: Lowest score of each rating. One outlet's fresh article of usual weight has 1, four outlets'
#: about 2.3, eight outlets' about 3.2.
RATINGS = (
    (2.4, Importance.HIGHEST),
    (1.7, Importance.HIGH),
    (1.1, Importance.MEDIUM_HIGH),
    (0.5, Importance.MEDIUM),
    (0.0, Importance.LOW),
)
#: One in so many articles makes a topic of the shortlist.
SHARE = 10
#: How many topics a section has.
QUOTA = 3
#: What belongs to a section: a feed's hint, the host, a word in the title, a word in the text.
_HINT, _HOST, _IN_TITLE, _IN_TEXT = 3.0, 1.0, 1.0, 0.3
_READ = 5  # articles of a topic that are read to find its section
#: How much less a section may suit than the best one, where that one is full.
_NEARLY = 0.6


@dataclass(frozen=True, slots=True)
class Placement:
    """The sections in the desk's order with their topics, and what an editor should know.

    `rest` is what found no place, best first; what ran before is among it.
    """

    sections: tuple[tuple[str, tuple[Placed, ...]], ...]
    flags: tuple[str, ...] = ()
    rest: tuple[Placed, ...] = ()


# --- how much ------------------------------------------------------------------------------------


def score(
    topics: Iterable[Topic],
    *,
    now: datetime,
    zone: tzinfo,
    language: Wording = "zh-Hant",
    half_life: timedelta = HALF_LIFE,
) -> list[Placed]:
    """Rate topics, the most important first; they have no section yet.

    `now` is aware; `zone` is the one in which the sentences say times.
    """
    rated = [_rate(topic, now, zone, language, half_life) for topic in topics]
    return sorted(rated, key=_rank)


def _rank(placed: Placed) -> tuple[float, datetime, str, str]:
    """The order of topics; ties go to what came first, then by the link."""
    first = placed.topic.articles[0]
    return (-placed.score, placed.topic.first_seen, first.key, first.url)


def _rate(
    topic: Topic, now: datetime, zone: tzinfo, language: Wording, half_life: timedelta
) -> Placed:
    outlets = len(topic.outlets)
    breadth = math.log2(1 + outlets) + math.log2(len(topic.found) / outlets) / 4
    # A clock that runs ahead makes nothing more recent than now.
    age = max(timedelta(0), now - max(article.seen for article in topic.found))
    fresh = 0.5 ** (age / half_life)
    value = round(breadth * _weight(topic) * fresh * NOVELTY[topic.novelty], 4)
    importance = next(rating for least, rating in RATINGS if value >= least)
    return Placed(
        topic, "", value, importance, explain(topic, now=now, zone=zone, language=language)
    )


def _weight(topic: Topic) -> float:
    """How much its feeds count: halfway between the best one and all of them."""
    weights = [_bounded(article.weight) for article in topic.found]
    return (max(weights) + sum(weights) / len(weights)) / 2


def _bounded(weight: float) -> float:
    """0 to 10. What is no number counts as usual."""
    return 1.0 if math.isnan(weight) else min(10.0, max(0.0, weight))


def explain(topic: Topic, *, now: datetime, zone: tzinfo, language: Wording = "zh-Hant") -> str:
    """Why a topic has its rating, in one sentence without a full stop."""
    articles, outlets = len(topic.found), len(topic.outlets)
    seen, weight = topic.first_seen.astimezone(zone), _weight(topic)
    is_old = now - topic.first_seen > timedelta(hours=24)
    ran = topic.earlier.day if topic.earlier else None
    if language == "en":
        when = f"{seen:%d %b %H:%M}".lstrip("0") if is_old else f"{seen:%H:%M}"
        said = f"{articles} {'article' if articles == 1 else 'articles'} in "
        said += f"{outlets} {'outlet' if outlets == 1 else 'outlets'}, first seen {when}"
        if abs(weight - 1) >= 0.05:
            said += f", feeds of weight {weight:.1f}"
        day = f" {ran.day} {ran:%b}" if ran else " an earlier issue"
        return (
            said
            + {
                "new": "; new",
                "follow-up": f"; follows up{day}",
                "repeated": f"; ran already:{day}",
            }[topic.novelty]
        )
    when = f"{seen.month} 月 {seen.day} 日 {seen:%H:%M}" if is_old else f"{seen:%H:%M}"
    said = f"{outlets} 家媒體共 {articles} 篇，最早見於 {when}"
    if abs(weight - 1) >= 0.05:
        said += f"，來源權重 {weight:.1f}"
    day = f" {ran.month} 月 {ran.day} 日" if ran else "先前"
    return (
        said
        + {
            "new": "；新題",
            "follow-up": f"；延續{day}的報導",
            "repeated": f"；{day.strip()}已刊出",
        }[topic.novelty]
    )


def shortlist(rated: Sequence[Placed], *, of: int, least: int = 1) -> list[Placed]:
    """The best tenth of a day with `of` articles, and at least so many where there are any: of a
    quiet day's articles a tenth fills no issue."""
    return list(rated[: max(least, round(of / SHARE))])


# --- where ---------------------------------------------------------------------------------------


def place(
    rated: Iterable[Placed],
    *,
    sections: Sequence[str],
    quota: int = QUOTA,
) -> Placement:
    """Put topics into the desk's sections, at most `quota` into each.

    The best stand in the section of headlines, if there is one; each other topic in the section
    it belongs to by its feed's hint, its host and its words. A topic is left out rather than put
    where it does not belong, but for sections about which nothing is known: these take turns at
    what is left. What ran before is left out. Every section that is thin or empty is flagged.
    """
    waiting = sorted(rated, key=_rank)
    repeated = [placed for placed in waiting if placed.topic.novelty == "repeated"]
    waiting = [placed for placed in waiting if placed.topic.novelty != "repeated"]
    titles = list(dict.fromkeys(sections))
    rows: dict[str, list[Placed]] = {title: [] for title in titles}
    for title in titles:
        if kind_of(title) == HEADLINES:
            rows[title], waiting = waiting[:quota], waiting[quota:]
            break
    others = [title for title in titles if kind_of(title) != HEADLINES]
    fits = {id(placed): _fits(placed.topic, others) for placed in waiting}
    for least in (_NEARLY, 0.0):  # first where it suits, then where it suits at all
        waiting = _seat(waiting, rows, fits, quota, least)
    open_to_all = [title for title in others if not kind_of(title)]
    waiting = _take_turns(waiting, rows, open_to_all, quota)
    placed = tuple(
        (title, tuple(replace(each, section=title) for each in sorted(rows[title], key=_rank)))
        for title in titles
    )
    flags = [_flag(title, len(row), quota) for title, row in placed if len(row) < quota]
    if repeated:
        flags.append(_flag_repeated(len(repeated)))
    return Placement(placed, tuple(flags), (*waiting, *repeated))


def _seat(
    waiting: list[Placed],
    rows: dict[str, list[Placed]],
    fits: dict[int, dict[str, float]],
    quota: int,
    least: float,
) -> list[Placed]:
    """Seat each in the section with room that suits it most, unless it suits much less than the
    best; the rest is given back."""
    left = []
    for placed in waiting:
        suits = fits[id(placed)]
        best = max(suits.values(), default=0.0)
        for title, suit in sorted(suits.items(), key=lambda each: -each[1]):
            if suit > 0 and suit >= least * best and len(rows[title]) < quota:
                rows[title].append(placed)
                break
        else:
            left.append(placed)
    return left


def _take_turns(
    waiting: list[Placed], rows: dict[str, list[Placed]], titles: list[str], quota: int
) -> list[Placed]:
    left = list(waiting)
    while left and (free := [title for title in titles if len(rows[title]) < quota]):
        for title in free[: len(left)]:
            rows[title].append(left.pop(0))
    return left


def _fits(topic: Topic, titles: Sequence[str]) -> dict[str, float]:
    """How much a topic belongs to each section; 0 where nothing speaks for it."""
    fits = dict.fromkeys(titles, 0.0)
    articles = topic.articles[:_READ]
    for article in articles:
        title = set(tokens_of(fold_text(article.title)))
        text = set(tokens_of(fold_text(article.text[:LEAD]))) - title
        size = math.sqrt(1 + len(title) * _IN_TITLE + len(text) * _IN_TEXT)
        for section in titles:
            profile = profile_of(section)
            words = _IN_TITLE * len(title & profile) + _IN_TEXT * len(text & profile)
            fits[section] += (words / size + _by_source(article, section)) / len(articles)
    return fits


def _by_source(article: Article, section: str) -> float:
    """What speaks for a section before anything is read: the feed's hint and the host."""
    kind, found = kind_of(section), 0.0
    if article.section and (
        fold_text(article.section) == fold_text(section)
        or (kind and kind_of(article.section) == kind)
    ):
        found += _HINT
    host = (_host(article.key) or _host(article.url)).removeprefix("www.")
    return found + _HOST * (host in HOSTS.get(kind, ()))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # what is in brackets is no address
        return ""


def _flag(title: str, count: int, quota: int) -> str:
    none = _("“%(title)s” has none of %(quota)d topics.")
    sentence = _("“%(title)s” has %(count)d of %(quota)d topics.") if count else none
    return sentence % {"title": title, "count": count, "quota": quota}


def _flag_repeated(count: int) -> str:
    sentence = ngettext(
        "%(count)d topic was left out because an issue of the last fortnight has it.",
        "%(count)d topics were left out because an issue of the last fortnight has it.",
        count,
    )
    return sentence % {"count": count}

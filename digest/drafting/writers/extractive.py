"""The writer without a model: all it writes stands in the articles. The same in, the same out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from digest.drafting import carding, insight
from digest.drafting.articles import Article, Language, Placed
from digest.drafting.names import Ground, chinese_terms, latin_names, numbers_of
from digest.drafting.sentences import (
    Sentence,
    in_script,
    is_chinese,
    language_of,
    said_to_the_machine,
    sentences_of,
    speaks_to_the_machine,
)
from digest.drafting.typesetting import bullets, prose
from digest.drafting.writers import Day, DeskLanguage, Insight, Written
from digest.folding import fold, words_of

#: Articles read of one topic, and sentences of one article.
_ARTICLES, _SENTENCES = 12, 40
#: How much each field takes: sentences at most, and columns (a Chinese character is two).
_SUMMARY, _SUMMARY_WIDTH = 3, 420
_DETAILS, _DETAIL_WIDTH = 4, 300
_APPLICATIONS, _APPLICATION_WIDTH = 3, 220
_SUB_ITEMS = 5
#: Columns that make a summary by themselves.
_PARAGRAPH = 60
_ENTITIES, _TERMS = 10, 4
#: How much a sentence's own weight counts against what was said already.
_RELEVANCE = 0.7
#: How much of a sentence may stand in another that is taken, 0 to 1.
_TOO_ALIKE = 0.5

_USE = re.compile(
    r"適用於|適合(?!作)|應用(?:於|在|場景)|可(?:以)?用(?:於|來|在)|用於|使用場景|情境|導入"
    r"|部署(?:於|在|到)|场景|适用于|适合|应用(?:于|在|场景)|可(?:以)?用(?:于|来|在)|用于"
    r"|(?:協助|幫助|讓)(?:企業|開發者|使用者|用戶|醫師|醫院|工程師|團隊|學生)"
    r"|(?:帮助|让)(?:企业|开发者|用户|医生|医院|工程师|团队|学生)"
    r"|\b(?:can|could|may) be (?:used|applied|deployed)|\buse[ds]? (?:it )?(?:to|for)\b"
    r"|\b(?:enables?|allows?|lets?|helps?) (?:users|developers|teams|companies|researchers"
    r"|doctors|engineers|customers|enterprises|organi[sz]ations|anyone|people|clinicians)\b"
    r"|\bdesigned (?:for|to)\b|\bsuit(?:ed|able) (?:for|to)\b|\bintended for\b|\buse cases?\b"
    r"|\bapplications? (?:in|include|such as)\b|\bdeployed (?:in|on|across|at)\b|\baimed at\b",
    re.IGNORECASE,
)
#: A headline's tail that names the house: ` - The Verge`, `｜TechNews`.
_TAIL = re.compile(r"\s*(?:\s[-–—|·]\s|[|｜]|\s*_|\s»\s)\s*([^-–—|｜·_»]{2,40})$")
_HEAD = re.compile(
    r"^(?:\[(?:R|D|P|N|Project|Research|Discussion|News)\]|(?:Show|Ask|Tell|Launch) HN:"
    r"|【[^】]{1,8}】|\[[^\]]{1,10}\]|(?:快訊|獨家|更新|Breaking|Exclusive|Update)\s*[：:/／]"
    r"|arXiv:\S+\s*)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\s*\((?:19|20)\d\d\)$|\s*\[(?:pdf|video)\]$", re.IGNORECASE)
#: Sentences of somebody about himself, and those that point to the one before.
_PERSONAL = re.compile(r"I\b|我")
_POINTING = re.compile(
    r"(?:It|They|He|She|This|These|That|Those|Its|Their|But|However|And|So)\b"
    r"|該|此|這|其|他|她|它|但|不過|然而|因此|该|这|但是|不过|公司表示|官方數據|官方数据"
)
_LABELLED = re.compile(r"^([^：:，。；,;!?！？]{2,24})[：:]\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that may be taken: what it is found by, what it weighs, where it is from."""

    text: str
    words: frozenset[str]
    weight: float
    place: tuple[int, int]  # article, sentence
    is_item: bool
    leads: bool

    @property
    def width(self) -> int:
        return _width(self.text)


class ExtractiveWriter:
    """Writes by choosing: sentences that say most and repeat least, names that recur."""

    name = "extractive"

    def write_card(self, placed: Placed, *, language: DeskLanguage) -> Written:
        """The card of a topic, out of nothing but its articles."""
        placed = carding.readable(placed)
        frame = carding.frame_card(placed, language)
        articles = _by_language(placed.topic.articles, language)[:_ARTICLES]
        trusted = _trusted(articles)
        candidates = _candidates(trusted, language)
        if language == "en":  # readers of Chinese read English; the other way round they may not
            candidates = [c for c in candidates if not is_chinese(c.text)] or candidates
        headline = carding.headline_of(_best_title(trusted, language))
        taken: list[_Candidate] = []
        telling = _in_one_language([c for c in candidates if not c.leads and not c.is_item])
        summary = _choose(telling or candidates, taken, _SUMMARY, _SUMMARY_WIDTH, headline)
        summary = _led_in(sorted(summary, key=lambda c: c.place), candidates)
        taken += summary
        uses = [c for c in candidates if _USE.search(c.text) and not c.leads]
        uses = [c for c in uses if c.width <= _APPLICATION_WIDTH]
        applications = _choose(_without(uses, taken), taken, _APPLICATIONS, 480, headline)
        taken += applications
        details = _details(candidates, taken, headline)
        values = {
            **frame.values,
            "headline": headline,
            "summary": _joined([c.text for c in summary]),
            "details": bullets(details),
            "applications": bullets([(0, prose(_unlabelled(c.text))) for c in applications]),
            "entities": carding.entities_of(_entities(trusted, language)),
        }
        card, troubles = carding.settle_card(values)
        marks = [*frame.marks, *troubles, *_said_of(articles, language, has_summary=bool(summary))]
        return Written(placed, card, self.name, tuple(marks))

    def write_insight(self, day: Day) -> Insight:
        """What the day comes to, counted and quoted from its cards."""
        return insight.survey(day, writer=self.name)


# --- which articles ------------------------------------------------------------------------------


def _by_language(articles: tuple[Article, ...], language: DeskLanguage) -> list[Article]:
    """The articles readers understand best first; within a language in the topic's order."""
    order: tuple[Language, ...] = (
        ("zh-Hant", "zh-Hans", "en", "") if language == "zh-Hant" else ("en", "zh-Hant", "zh-Hans")
    )
    rank = {name: place for place, name in enumerate(order)}
    return sorted(articles, key=lambda article: rank.get(language_of(article), len(order)))


def _trusted(articles: list[Article]) -> list[Article]:
    """Without those that speak to the machine, as long as others tell the story."""
    honest = [article for article in articles if not said_to_the_machine(article)]
    return honest if any(sentences_of(article, 1) for article in honest) else articles


def _said_of(articles: list[Article], language: str, *, has_summary: bool) -> Iterable[str]:
    if language == "zh-Hant":
        outlets = [a.outlet or a.feed for a in articles if language_of(a) == "zh-Hans"]
        if names := carding.listed(dict.fromkeys(filter(None, outlets)), 120):
            said = _(
                "Sentences of %(outlets)s were in Simplified characters; the characters are "
                "converted, the words are the source's."
            )
            yield said % {"outlets": names}
    if not has_summary:
        yield _(
            "No article has text that could be quoted: the card has its headline and links only."
        )


# --- headline ------------------------------------------------------------------------------------


def _best_title(articles: list[Article], language: DeskLanguage) -> str:
    """The title that stands for the topic: in the readers' language, of a telling length."""
    first = language_of(articles[0])
    titles = [
        (abs(_width(title) - 48), place, title)
        for place, article in enumerate(articles)
        if language_of(article) == first
        and (title := _clean_title(in_script(article.title, first, language), article))
        and not speaks_to_the_machine(title)
    ]
    if not titles:
        return next((t for a in articles if (t := _clean_title(a.title, a))), "")
    # The topic's own title stands, unless it says next to nothing or goes on for ever.
    distance, _place, title = titles[0]
    return title if distance <= 36 else min(titles)[2]


def _clean_title(title: str, article: Article) -> str:
    title = _YEAR.sub("", _HEAD.sub("", title, count=1))
    houses = {fold(name) for name in (article.outlet, article.feed, article.author) if name}
    while tail := _TAIL.search(title):
        said = fold(tail[1]).strip()
        is_house = said in houses or any(said in h or h in said for h in houses if len(h) > 2)
        if not is_house and not re.fullmatch(r"[a-z0-9-]+\.(?:com|net|org|io|ai|tw|cn)", said):
            break
        title = title[: tail.start()]
    return title.strip()


# --- which sentences -----------------------------------------------------------------------------


def _candidates(articles: list[Article], language: DeskLanguage) -> list[_Candidate]:
    """All sentences that may be taken, weighed: by the words they share with the rest of the topic
    and with its titles, by how early they come, by how well readers understand them."""
    found: list[tuple[int, Sentence, str]] = []
    for place, article in enumerate(articles):
        written_in = language_of(article)
        for sentence in sentences_of(article, _SENTENCES):
            found.append((place, sentence, in_script(sentence, written_in, language)))
    words = [_words(text) for _place, _sentence, text in found]
    spread: Counter[str] = Counter()
    for each in words:
        spread.update(each)
    titles = _words(" ".join(article.title for article in articles))
    candidates: list[_Candidate] = []
    seen: set[str] = set()
    for (place, sentence, text), own in zip(found, words, strict=True):
        key = fold(text)
        if key in seen or not own:
            continue
        seen.add(key)
        shared = sum(min(spread[word], 6) - 1 for word in own) / (len(own) ** 0.5 * 6)
        title = len(own & titles) / (len(titles) ** 0.5 or 1)
        early = 1 / (1 + sentence.index / 3)
        length = min(_width(text), 120) / 120
        foreign = 0.6 if is_chinese(text) != (language == "zh-Hant") else 1.0
        facts = 0.15 * min(len(re.findall(r"\d", text)), 4) / 4
        weight = (shared + 0.6 * title + 0.9 * early + 0.3 * length + facts) * foreign
        weight *= 1.0 if place == 0 else 0.9
        weight *= 0.6 if _PERSONAL.match(text) else 0.85 if _POINTING.match(text) else 1.0
        candidates.append(
            _Candidate(text, own, weight, (place, sentence.index), sentence.is_item, sentence.leads)
        )
    return candidates


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in words_of(fold(text)).split() if len(word) > 1)


def _in_one_language(candidates: list[_Candidate]) -> list[_Candidate]:
    """Those in the language that comes first, if they are enough for a paragraph of their own."""
    first = is_chinese(candidates[0].text) if candidates else True
    same = [c for c in candidates if is_chinese(c.text) == first]
    return same if sum(c.width for c in same) >= _PARAGRAPH else candidates


def _choose(
    candidates: list[_Candidate], taken: list[_Candidate], count: int, width: int, headline: str
) -> list[_Candidate]:
    """Sentences by maximal marginal relevance: each as weighty as may be, and as unlike what is
    taken already; within `width` columns, but one at least."""
    top = max((c.weight for c in candidates), default=1.0)
    heading = _words(headline)
    chosen: list[_Candidate] = []
    left = [c for c in candidates if len(c.words & heading) <= 0.9 * len(c.words)]
    used = 0
    while left and len(chosen) < count:
        best = max(
            left,
            key=lambda c: (
                _RELEVANCE * c.weight / top
                - (1 - _RELEVANCE)
                * max((_alike(c.words, t.words) for t in (*taken, *chosen)), default=0.0),
                (-c.place[0], -c.place[1]),
            ),
        )
        left.remove(best)
        likeness = max((_alike(best.words, t.words) for t in (*taken, *chosen)), default=0.0)
        if likeness > _TOO_ALIKE or (chosen and used + best.width > width):
            continue
        chosen.append(best)
        used += best.width
    return chosen


def _led_in(summary: list[_Candidate], candidates: list[_Candidate]) -> list[_Candidate]:
    """The sentences of a summary, with the one before the first where that points to it."""
    if not summary or not _POINTING.match(summary[0].text):
        return summary
    article, index = summary[0].place
    before = [c for c in candidates if c.place == (article, index - 1) and not c.is_item]
    return [*before, *summary]


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of the shorter of two texts stands in the other, 0 to 1."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0


def _without(candidates: list[_Candidate], taken: list[_Candidate]) -> list[_Candidate]:
    return [c for c in candidates if c not in taken]


def _details(
    candidates: list[_Candidate], taken: list[_Candidate], headline: str
) -> list[tuple[int, str]]:
    """Bullets with their level: weighty sentences, and with a line that announces a list its items
    a level below it."""
    free = _without(candidates, taken)
    items_of = {c.place: _items_below(c, candidates) for c in free if c.leads}
    below = {item.place for items in items_of.values() for item in items}
    free = [
        c
        for c in free
        if c.place not in below and (items_of.get(c.place) or not c.leads)
    ]  # fmt: skip
    free = [c for c in _untold(free, candidates) if c.width <= _DETAIL_WIDTH]
    found: list[tuple[int, str]] = []
    for c in sorted(_choose(free, taken, _DETAILS, 1000, headline), key=lambda c: c.place):
        found.append((0, prose(c.text)))
        items = [item for item in items_of.get(c.place, []) if item not in taken]
        found += [(1, prose(item.text)) for item in items[:_SUB_ITEMS]]
    return found


def _untold(free: list[_Candidate], candidates: list[_Candidate]) -> list[_Candidate]:
    """Without the sentences of another language whose facts stand in the first one as well: all
    their numbers, or, where they have none, two names or more."""
    first = is_chinese(candidates[0].text) if candidates else True
    ground = Ground([c.text for c in candidates if is_chinese(c.text) == first])

    def is_told(text: str) -> bool:
        if is_chinese(text) == first:
            return False
        if numbers := numbers_of(text, written_out=False):
            return len(ground.strange_numbers(text)) < len(numbers) / 2
        return len(set(latin_names(text))) > 1 and not ground.strange_names(text)

    return [c for c in free if not is_told(c.text)]


def _items_below(leading: _Candidate, candidates: list[_Candidate]) -> list[_Candidate]:
    """The list items that follow a line in its article without anything between."""
    article, index = leading.place
    found = []
    for c in candidates:
        if c.place == (article, index + len(found) + 1) and c.is_item:
            found.append(c)
    return found if len(found) > 1 else []


def _unlabelled(text: str) -> str:
    """A sentence without the word that only says what it is about."""
    label = _LABELLED.match(text)
    is_about_use = label and re.search("應用|用途|場景|应用|场景|use|application", label[1], re.I)
    return text[label.end() :] if label and is_about_use else text


def _joined(texts: list[str]) -> str:
    """Sentences as one paragraph, with a blank after those that end in a Western mark."""
    paragraph = ""
    for text in texts:
        paragraph += f" {text}" if paragraph and paragraph[-1].isascii() else text
    return prose(paragraph)


# --- entities ------------------------------------------------------------------------------------


def _entities(articles: list[Article], language: DeskLanguage) -> list[str]:
    """Names of the topic: Latin ones by how many articles have them, then Chinese terms."""
    count: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    houses = {fold(name) for a in articles for name in (a.outlet, a.feed) if name}
    for article in articles:
        title = _clean_title(article.title, article)
        said = sentences_of(article, _SENTENCES)
        in_title = latin_names(title)
        for name in dict.fromkeys([*in_title, *(n for s in said for n in latin_names(s))]):
            key = fold(name)
            spelling.setdefault(key, name)
            count[key] += 3 if name in in_title else 1
    latin = sorted(count.keys() - houses, key=lambda key: (-count[key], list(count).index(key)))
    # `Claude` says nothing where `Claude Sonnet 4.5` stands beside it.
    kept = [
        key
        for key in latin
        if not any(key != other and f" {key} " in f" {other} " for other in latin)
    ][:_ENTITIES]
    chinese = [
        in_script(
            f"{article.title}\n{' '.join(sentences_of(article, _SENTENCES))}", written_in, language
        )  # fmt: skip
        for article in articles
        if (written_in := language_of(article)) in ("zh-Hant", "zh-Hans")
    ]
    terms = chinese_terms(chinese)[: _TERMS if kept else 2 * _TERMS] if chinese else []
    return [spelling[key] for key in kept] + terms


def _width(text: str) -> int:
    """Length in columns: Chinese characters take two."""
    return sum(1 if character < "\u2e80" else 2 for character in text)

"""What a day comes to, counted and quoted from its cards: nothing in it is anybody's guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from digest.document import Importance, Passage
from digest.drafting.sentences import language_of
from digest.drafting.typesetting import prose, shortened
from digest.drafting.writers import Day, Insight, Written
from digest.folding import fold

WATCH_LIMIT = 5
TAGS_LIMIT = 5
#: Headlines inside a sentence, titles of issues: characters at most.
_QUOTED, _TITLE = 44, 34

_TITLES = {
    "zh-Hant": ("今日概況", "前後脈絡", "接下來看什麼"),
    "en": ("The day at a glance", "What went before", "What comes next"),
}


def survey(day: Day, *, writer: str) -> Insight:
    """The insight of a day from its cards alone."""
    say = _Chinese(day) if day.language == "zh-Hant" else _English(day)
    glance, before, after = _TITLES[day.language]
    passages = tuple(
        Passage(title=title, body="\n\n".join(prose(text) for text in paragraphs if text))
        for title, paragraphs in (
            (glance, (say.counts(), say.weighty(), say.shared())),
            (before, (say.followed(), say.languages())),
            (after, (say.lonely(),)),
        )
    )
    watched = _worth_watching(day)
    return Insight(
        title=title_of(day),
        description=say.description(),
        summary=say.summary(),
        passages=tuple(p for p in passages if p.body),
        watch=tuple(prose(say.watch(written)) for written in watched),
        writer=writer,
    )


def recurring_names(day: Day) -> list[str]:
    """The names of the day: by how many cards have them, by how much these matter, in order."""
    cards: Counter[str] = Counter()
    weight: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for written in day.written:
        for place, name in enumerate(written.card.entities):
            key = fold(name)
            spelling.setdefault(key, name)
            cards[key] += 1
            weight[key] += int(written.card.importance or 0) * 10 - min(place, 9)
    return [spelling[k] for k in sorted(spelling, key=lambda k: (-cards[k], -weight[k]))]


def tags_of(day: Day) -> list[str]:
    """What the issue is filed under: its most frequent short names, as single lines."""
    return [name for name in recurring_names(day) if len(name) <= 24][:TAGS_LIMIT]


def title_of(day: Day) -> str:
    """The day's title: what its first card is about, and the second where there is room."""
    heads = [_clause(written.card.headline) for written in day.written[:2]]
    if not heads:
        return ""
    joined = ("，" if day.language == "zh-Hant" else "; ").join(heads)
    return joined if _columns(joined) <= 2 * _TITLE else shortened(heads[0], 2 * _TITLE)


def _clause(headline: str) -> str:
    """A headline up to where it takes breath, if that says enough."""
    for mark in ("：", "，", "；", "——", ": ", "; ", ", ", " – ", " — "):
        head = headline.partition(mark)[0].strip()
        if head != headline and _columns(head) >= 14:
            headline = head
    return headline


def _columns(text: str) -> int:
    return sum(1 if character < "\u2e80" else 2 for character in text)


def _outlets(written: Written) -> int:
    return len(written.placed.topic.outlets)


def _worth_watching(day: Day) -> list[Written]:
    """What goes on first, then what matters most, then what most write about."""
    ranked = sorted(
        day.written,
        key=lambda w: (
            w.placed.topic.novelty != "follow-up",
            -int(w.card.importance or 0),
            -_outlets(w),
        ),
    )
    return ranked[:WATCH_LIMIT]


def _weighty(day: Day) -> list[Written]:
    return [w for w in day.written if w.card.importance and w.card.importance >= Importance.HIGH]


def _shared(day: Day) -> list[tuple[str, list[str]]]:
    """Names that stand in several cards, with these cards' headlines; three names at most."""
    found: dict[str, tuple[str, list[str]]] = {}
    for written in day.written:
        for name in written.card.entities:
            found.setdefault(fold(name), (name, []))[1].append(written.card.headline)
    several = [(name, cards) for name, cards in found.values() if len(cards) > 1]
    return sorted(several, key=lambda each: -len(each[1]))[:3]


def _by_language(day: Day) -> Counter[str]:
    return Counter(language_of(a) for w in day.written for a in w.placed.topic.articles)


class _Chinese:
    """The sentences of a survey in Traditional Chinese."""

    def __init__(self, day: Day) -> None:
        self.day = day

    def _quote(self, headlines: Sequence[str], limit: int = 4) -> str:
        quoted = [f"〈{shortened(h, _QUOTED)}〉" for h in headlines[:limit]]
        return "、".join(quoted) + ("等" if len(headlines) > limit else "")

    def counts(self) -> str:
        day = self.day
        past = f"過去 {day.hours} 小時的" if day.hours else ""
        head = (
            f"本期讀了{past} {day.articles:,} 篇文章，歸成 {day.topics:,} 個主題，"
            f"收錄 {len(day.written)} 則。"
        )
        several = [w for w in day.written if _outlets(w) > 1]
        if not several:
            return head
        most = max(several, key=_outlets)
        return (
            f"{head}其中 {len(several)} 則不只一家報導，"
            f"來源最多的是{self._quote([most.card.headline])}，共 {_outlets(most)} 家。"
        )

    def weighty(self) -> str:
        heads = [w.card.headline for w in _weighty(self.day)]
        return f"評為高度重要的有 {len(heads)} 則：{self._quote(heads)}。" if heads else ""

    def shared(self) -> str:
        said = [f"{name} 見於{self._quote(cards, 3)}" for name, cards in _shared(self.day)]
        return f"把各則放在一起看，{'；'.join(said)}。" if said else ""

    def followed(self) -> str:
        said = []
        for written in self.day.written:
            earlier = written.placed.topic.earlier
            if earlier:
                head = f"{_slashed(earlier.day)} 的{self._quote([earlier.headline])}"
                kind = "是舊題再現，先前見" if _is_repeated(written) else "接續"
                said.append(f"{self._quote([written.card.headline])}{kind} {head}。")
        if said:
            return "".join(said)
        return "收錄的題材，近兩週的各期都沒有刊過。" if self.day.written else ""

    def languages(self) -> str:
        names = {"zh-Hant": "繁體中文", "zh-Hans": "簡體中文", "en": "英文", "": "語言不明"}
        count = _by_language(self.day)
        said = "、".join(f"{names[code]} {count[code]} 篇" for code in names if count[code])
        return f"各則所據的文章有{said}。" if said else ""

    def lonely(self) -> str:
        if not self.day.written:
            return "今天沒有可以刊出的題材。"
        heads = [w.card.headline for w in self.day.written if _outlets(w) < 2]
        if not heads:
            return "收錄的題材都有兩家以上的來源。"
        return f"有 {len(heads)} 則目前只有一個來源，留待其他報導印證：{self._quote(heads)}。"

    def watch(self, written: Written) -> str:
        head = self._quote([written.card.headline])
        names = "、".join(written.card.entities[:2])
        if _outlets(written) > 1:
            text = f"{head}的後續，目前 {_outlets(written)} 家報導"
        else:
            text = f"{head}有沒有其他來源印證"
        return f"{names}：{text}。" if names else f"{text}。"

    def description(self) -> str:
        day = self.day
        names = "、".join(tags_of(day))
        about = f"，涵蓋{_spaced(names)}" if names else ""
        return f"從 {day.articles:,} 篇文章選出 {len(day.written)} 則{about}。"

    def summary(self) -> str:
        heads = [shortened(_clause(w.card.headline), _QUOTED) for w in self.day.written[:4]]
        return f"重點：{'；'.join(heads)}。" if heads else "今天沒有可以刊出的題材。"


class _English:
    """The sentences of a survey in English."""

    def __init__(self, day: Day) -> None:
        self.day = day

    def _quote(self, headlines: Sequence[str], limit: int = 4) -> str:
        quoted = [f"“{shortened(h, 2 * _QUOTED)}”" for h in headlines[:limit]]
        return ", ".join(quoted) + (" and others" if len(headlines) > limit else "")

    def counts(self) -> str:
        day = self.day
        past = f" of the past {day.hours} hours" if day.hours else ""
        head = (
            f"This issue rests on {day.articles:,} articles{past}, on"
            f" {day.topics:,} topics; {len(day.written)} of them are in it."
        )
        several = [w for w in day.written if _outlets(w) > 1]
        if not several:
            return head
        most = max(several, key=_outlets)
        return (
            f"{head} More than one outlet wrote about {len(several)} of them, most of all"
            f" ({_outlets(most)}) about {self._quote([most.card.headline])}."
        )

    def weighty(self) -> str:
        heads = [w.card.headline for w in _weighty(self.day)]
        return f"Rated high: {self._quote(heads)}." if heads else ""

    def shared(self) -> str:
        said = [f"{name} is in {self._quote(cards, 3)}" for name, cards in _shared(self.day)]
        return f"Read together, {'; '.join(said)}." if said else ""

    def followed(self) -> str:
        said = []
        for written in self.day.written:
            earlier = written.placed.topic.earlier
            if earlier:
                kind = "repeats" if _is_repeated(written) else "follows"
                head = f"{self._quote([earlier.headline])} of {earlier.day.isoformat()}"
                said.append(f"{self._quote([written.card.headline])} {kind} {head}.")
        if said:
            return " ".join(said)
        return "None of this ran in the past two weeks." if self.day.written else ""

    def languages(self) -> str:
        names = {
            "en": "English",
            "zh-Hant": "Traditional Chinese",
            "zh-Hans": "Simplified Chinese",
            "": "a language nobody named",
        }
        count = _by_language(self.day)
        said = ", ".join(f"{count[code]} in {names[code]}" for code in names if count[code])
        return f"Articles the cards rest on: {said}." if said else ""

    def lonely(self) -> str:
        if not self.day.written:
            return "There is nothing to print today."
        heads = [w.card.headline for w in self.day.written if _outlets(w) < 2]
        if not heads:
            return "All of it was reported by more than one outlet."
        return f"Only one source so far, for {len(heads)}: {self._quote(heads)}."

    def watch(self, written: Written) -> str:
        head = self._quote([written.card.headline])
        names = ", ".join(written.card.entities[:2])
        if _outlets(written) > 1:
            text = f"what follows on {head}, with {_outlets(written)} outlets so far"
        else:
            text = f"whether another source confirms {head}"
        return f"{names}: {text}." if names else f"{text[0].upper()}{text[1:]}."

    def description(self) -> str:
        day = self.day
        names = ", ".join(tags_of(day))
        about = f": {names}" if names else ""
        return f"{len(day.written)} topics out of {day.articles:,} articles{about}."

    def summary(self) -> str:
        heads = [shortened(_clause(w.card.headline), 2 * _QUOTED) for w in self.day.written[:4]]
        return f"In brief: {'; '.join(heads)}." if heads else "There is nothing to print today."


def _is_repeated(written: Written) -> bool:
    return written.placed.topic.novelty == "repeated"


def _spaced(text: str) -> str:
    """A text as it follows a Chinese character: Latin letters with a blank before them."""
    return f" {text}" if text[:1].isascii() else text


def _slashed(day: date) -> str:
    return f"{day:%Y/%m/%d}"

"""The whole issue out of the cards: front matter, insight, reading list, the footer's real figures.

What comes out is a fixed point: `hugo.parse(hugo.write(document))` is the same document, without a
problem and without a deviation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from digest import hugo
from digest.document import LINE_LIMIT, Card, Document, FrontMatter, Passage, Section, check_url
from digest.drafting import insight as insights
from digest.drafting.articles import Article
from digest.drafting.sentences import in_script, language_of, sentences_of, speaks_to_the_machine
from digest.drafting.typesetting import bare, one_line, prose, shortened
from digest.drafting.writers import Day, DeskLanguage, Insight, Usage, Writer, Written
from digest.folding import fold

DEEP_ARTICLES, BACKGROUND, KEYWORDS = 5, 5, 20
#: Characters of text from which an article is one to sit down with.
_LONG = 1_500

_TITLES = {
    "zh-Hant": ("編輯洞察（Editor’s Insight）", "延伸閱讀與資源"),
    "en": ("Editor’s Insight", "Further Reading"),
}
_READING = {
    "zh-Hant": ("深度文章推薦", "相關技術背景", "本日關鍵詞"),
    "en": ("Long reads", "Background", "Keywords"),
}
# The document finds its watch list and its figures by these very words, in whatever language.
_WATCH = {"zh-Hant": "**關注清單**：", "en": "Watch list, **關注清單**："}
_FIGURES = {
    "zh-Hant": "*資料來源：{articles} 篇文章 | 分析主題：{topics} 個*  \n"
    "*{collected}報告生成時間：{made_at}*",
    "en": "*資料來源：{articles} 篇文章 (articles read) | 分析主題：{topics} 個 (topics found)*  \n"
    "*{collected}drafted {made_at}*",
}
_COLLECTED = {
    "zh-Hant": "資料收集時間：過去 {hours} 小時 | ",
    "en": "Collected over the past {hours} hours | ",
}
_DEFINES = re.compile(
    r"(?:\s*[（(][^（）()]{1,60}[）)])?[，,]?\s*(?:是(?:一|指|由|以|用|種|种)|指的是|為一|为一"
    r"|\bis an?\b|\bare (?:a|the)\b|\brefers to\b|, an? )",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Composed:
    """An issue, and what an editor should know of it.

    `marks` are about the issue as a whole (the cards have their own). `writer` names who wrote the
    insight, `usage` and `evidence` are what that took; the cards' own are not in it.
    """

    document: Document
    writer: str
    marks: tuple[str, ...] = ()
    usage: Usage = Usage()
    evidence: tuple[str, ...] = ()


def compose(
    day: date,
    sections: Sequence[tuple[str, Sequence[Written]]],
    *,
    articles: int,
    topics: int,
    hours: int | None,
    made_at: datetime,
    zone: ZoneInfo,
    language: DeskLanguage,
    writer: Writer,
    desk_title: str,
    cover: str = "",
) -> Composed:
    """Make the issue of a day.

    `sections` are titles with their cards, in order; one without cards is left out and said to be.
    `articles` and `topics` are the counts of what was read and found, `hours` how far back was
    really looked (None: nobody knows), `made_at` an aware time, shown in `zone`. `cover` is the
    path of a picture (`/images/….png`), left out where there is none.
    """
    without = _("The section “%(title)s” has no card.")
    marks = [without % {"title": title} for title, cards in sections if not cards]
    filled = tuple((bare(title, LINE_LIMIT), tuple(cards)) for title, cards in sections if cards)
    hand = Day(day, filled, articles, topics, hours, language)
    insight = writer.write_insight(hand)
    if not hand.written:
        marks.append(_("There is no card: nothing came in, or nothing could be used."))
    document = hugo.tidy(
        Document(
            front_matter=_front_matter(hand, insight, made_at.astimezone(zone), desk_title, cover),
            sections=(
                *(
                    Section(title=title, cards=tuple(written.card for written in cards))
                    for title, cards in filled
                ),
                _insight_section(insight, language),
                *_reading_sections(hand),
            ),
            footer=_FIGURES[language].format(
                articles=articles,
                topics=topics,
                collected=_COLLECTED[language].format(hours=hours) if hours else "",
                made_at=f"{made_at.astimezone(zone):%Y/%m/%d %H:%M:%S %Z}",
            ),
        )
    )
    if fault := next(iter(hugo.document_faults(document)), ""):
        marks.append(_("The issue will not come in whole: %(reason)s.") % {"reason": fault})
    return Composed(
        document, insight.writer, (*insight.marks, *marks), insight.usage, insight.evidence
    )


def _front_matter(
    hand: Day, insight: Insight, made_at: datetime, desk_title: str, cover: str
) -> FrontMatter:
    values: dict = {}
    if cover:
        values["cover"] = {"image": cover, "alt": one_line(desk_title), "relative": True}
    values["title"] = f"{insight.title or one_line(desk_title)} — {hand.date:%Y/%m/%d}"
    # The issue is the day's, whenever it was made: a run for another day must not land on today's.
    is_same_day = made_at.date() == hand.date
    moment = made_at if is_same_day else made_at.replace(
        year=hand.date.year, month=hand.date.month, day=hand.date.day
    )  # fmt: skip
    values["date"] = moment.replace(microsecond=0).isoformat()
    values["draft"] = False
    values["tags"] = insights.tags_of(hand)
    values["description"] = insight.description
    values["summary"] = insight.summary
    return FrontMatter(values=values)


# --- insight and reading list --------------------------------------------------------------------


def _insight_section(insight: Insight, language: DeskLanguage) -> Section:
    passages = list(insight.passages) or [Passage(title=_TITLES[language][0])]
    if insight.watch:
        items = "\n".join(f"{n}. {item}" for n, item in enumerate(insight.watch, 1))
        last = passages[-1]
        body = "\n\n".join(filter(None, (last.body, _WATCH[language], items)))
        passages[-1] = Passage(title=last.title, body=body)
    return Section(kind="insight", title=_TITLES[language][0], passages=tuple(passages))


def _reading_sections(hand: Day) -> tuple[Section, ...]:
    deep, background, keywords = _READING[hand.language]
    texts = (
        (deep, _list(_deep_articles(hand))),
        (background, _list(_background(hand))),
        (keywords, " ".join(f"`{name}`" for name in _keywords(hand))),
    )
    passages = tuple(Passage(title=title, body=body) for title, body in texts if body)
    if not passages:
        return ()
    return (Section(kind="reading", title=_TITLES[hand.language][1], passages=passages),)


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"* {item}" for item in items)


def _deep_articles(hand: Day) -> list[str]:
    """The longest article of each topic, the longest topics first: links with how long they are."""
    longest = [
        (max(written.placed.topic.articles, key=lambda a: len(a.text)), written.card)
        for written in hand.written
    ]
    longest = [each for each in longest if len(each[0].text) >= _LONG or "arxiv.org" in each[0].url]
    found: dict[str, str] = {}
    for article, card in sorted(longest, key=lambda each: -len(each[0].text)):
        title = bare(in_script(article.title, language_of(article), hand.language), 120)
        if not title or speaks_to_the_machine(title) or not _can_be_linked(article.url):
            continue
        found.setdefault(article.url, f"[{title}]({article.url}) — {_why(article, card, hand)}")
    return list(found.values())[:DEEP_ARTICLES]


def _can_be_linked(url: str) -> bool:
    try:
        check_url(url)
    except ValueError:
        return False
    # Markdown in prose sees more in a link than a source's line does.
    return not re.search(r"[*_~`\[\]{}\"']", re.sub(r"(?<=\w)_(?=\w)", "", url))


def _why(article: Article, card: Card, hand: Day) -> str:
    outlet = prose(article.outlet)
    headline = prose(shortened(card.headline, 40))
    if fold(card.headline) == fold(bare(article.title)):
        return f"{outlet or headline}{'.' if hand.language == 'en' else '。'}"
    if hand.language == "en":
        return f"{f'{outlet}, ' if outlet else ''}on “{headline}”."
    return f"{f'{outlet}；' if outlet else ''}本期〈{headline}〉的依據。"


def _background(hand: Day) -> list[str]:
    """What articles say something is: sentences that define one of the day's names."""
    found: dict[str, str] = {}
    for written in hand.written:
        names = {fold(name): name for name in written.card.entities}
        said = fold(f"{written.card.summary}\n{written.card.details}")
        for article in written.placed.topic.articles:
            spoken = language_of(article)
            for sentence in sentences_of(article):
                text = in_script(sentence, spoken, hand.language)
                for key, name in names.items():
                    if (
                        key not in found
                        and text.startswith(name)
                        and _DEFINES.match(text, len(name))
                        and fold(text)[:40] not in said
                    ):
                        found[key] = prose(text)
    return list(found.values())[:BACKGROUND]


def _keywords(hand: Day) -> list[str]:
    return [name for name in insights.recurring_names(hand) if "`" not in name][:KEYWORDS]

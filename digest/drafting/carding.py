"""What every card has, whoever writes its text: rating, sources, labels; whether it can stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from pydantic import ValidationError

from digest import hugo, markup
from digest.document import LINE_LIMIT, Card, CardField, Source
from digest.drafting import sentences
from digest.drafting.articles import Article, Placed
from digest.drafting.typesetting import bare, clean, one_line, shortened

#: How much of an article is read at all, in characters: a book among the feeds is no article.
_TEXT_LIMIT, _TITLE_LIMIT = 200_000, 2_000
#: How many links of one outlet stand under a card, and how many in all.
PER_OUTLET = 2
SOURCES = 10
#: Longest title of a link, headline, note and name, in characters.
SOURCE_TITLE, HEADLINE, NOTE, NAME = 60, 90, 120, 60

_LABELS_EN: dict[CardField, str] = {
    "summary": "Summary",
    "details": "Details",
    "applications": "Applications",
    "entities": "Key Entities",
    "importance": "Importance",
    "sources": "Sources",
}
_LEFT_OUT: dict[str, Promise] = {
    "summary": gettext_lazy("The summary could not be kept and is left out: %(reason)s"),
    "details": gettext_lazy("The details could not be kept and are left out: %(reason)s"),
    "applications": gettext_lazy("The applications could not be kept and are left out: %(reason)s"),
}
_ARXIV = re.compile(r"^/(?:abs|pdf|html)/(\d{4}\.\d{4,5})(?:v\d+)?(?:\.pdf)?$")
#: Hosts where everybody publishes: two links there are not two of one outlet.
_SHARED = ("arxiv.org", "github.com", "huggingface.co")


@dataclass(frozen=True, slots=True)
class Frame:
    """What a card has before anybody writes: values for `Card`, and what to say about them."""

    values: dict[str, object]
    marks: tuple[str, ...]


def readable(placed: Placed) -> Placed:
    """A topic whose articles hold text only: what a feed reader let through is taken out here."""
    topic = placed.topic
    articles, copies = (tuple(map(_cleaned, some)) for some in (topic.articles, topic.copies))
    return replace(placed, topic=replace(topic, articles=articles, copies=copies))


def _cleaned(article: Article) -> Article:
    return replace(
        article,
        title=one_line(article.title[:_TITLE_LIMIT]),
        text=clean(article.text[:_TEXT_LIMIT]),
        outlet=one_line(article.outlet),
        feed=one_line(article.feed),
        author=one_line(article.author),
        tags=tuple(map(one_line, article.tags)),
    )


def frame_card(placed: Placed, language: str) -> Frame:
    """Rating, note, sources and labels of a topic's card."""
    sources, marks = _sources_of(placed.topic.found)
    spoke = _(
        "%(article)s speaks to whoever summarises it: “%(said)s”. It was not obeyed; see that "
        "nothing of it is in the card."
    )
    found = [
        spoke % {"article": _named(article), "said": shortened(said[0], 120)}
        for article in placed.topic.articles
        if (said := sentences.said_to_the_machine(article))
    ]
    values: dict[str, object] = {
        "importance": placed.importance,
        "importance_note": bare(placed.reason, NOTE),
        "sources": sources,
        "labels": labels_of(language),
    }
    return Frame(values, (*found, *marks))


def labels_of(language: str) -> dict[CardField, str]:
    """The labels of a card as a desk of this language has them."""
    return dict(_LABELS_EN) if language == "en" else {}


def _named(article: Article) -> str:
    title, outlet = shortened(article.title, 60), shortened(article.outlet, 40)
    if outlet:
        return _("An article of %(outlet)s (“%(title)s”)") % {"outlet": outlet, "title": title}
    return _("The article “%(title)s”") % {"title": title}


def listed(names: Iterable[str], limit: int = 200) -> str:
    """Names as a sentence of a mark has them, in so many characters."""
    return shortened(pgettext("between names", ", ").join(names), limit)


def _sources_of(articles: tuple[Article, ...]) -> tuple[tuple[Source, ...], list]:
    """Every link once, no outlet with more than two; and what was left out."""
    kept: list[Source] = []
    known: set[str] = set()
    of_outlet: Counter[str] = Counter()
    thinned: Counter[str] = Counter()
    marks: list[str] = []
    titles: set[str] = set()
    for article in articles:
        if article.url in known or article.key in known:
            continue
        known.add(article.url)
        outlet = _outlet_of(article)
        title = _title_of(article, outlet, titles)
        try:
            source = Source(title=title, url=article.url)
        except ValueError as error:  # pydantic's is one
            said = _("The link of %(article)s is left out (%(url)s): %(reason)s.")
            url, reason = shortened(one_line(article.url), 80), reason_of(error)
            marks.append(said % {"article": _named(article), "url": url, "reason": reason})
            continue
        known.add(article.key or article.url)  # a copy may have it where this one's is refused
        is_full = len(kept) >= SOURCES
        if is_full or (of_outlet[outlet] >= PER_OUTLET and source.host not in _SHARED):
            thinned[outlet] += 1
            continue
        of_outlet[outlet] += 1
        titles.add(title)
        kept.append(source)
    if thinned:
        each = _("%(count)d of %(outlet)s")
        outlets = [each % {"count": n, "outlet": outlet} for outlet, n in thinned.items()]
        said = _("Links left out because there are enough: %(links)s.")
        marks.append(said % {"links": listed(outlets)})
    if not kept:
        marks.append(_("There is no link that readers could follow."))
    return tuple(kept), marks


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _outlet_of(article: Article) -> str:
    return bare(article.outlet or _host_of(article.url) or article.feed or "?", NAME)


def _title_of(article: Article, outlet: str, taken: set[str]) -> str:
    """What the link says: the paper's or repository's name, or who published it."""
    host = _host_of(article.url)
    path = urlsplit(article.url).path if host else ""
    if host == "arxiv.org" and (paper := _ARXIV.match(path)):
        return f"arXiv:{paper[1]}"
    parts = [part for part in path.split("/") if part]
    if host == "github.com" and len(parts) >= 2:
        return bare(f"GitHub:{parts[0]}/{parts[1]}", SOURCE_TITLE)
    if outlet in taken and (title := bare(article.title)):
        return shortened(f"{outlet}：{title}", SOURCE_TITLE)
    return outlet


def reason_of(error: ValueError) -> str:
    """Why a value was refused, in its own sentence."""
    if not isinstance(error, ValidationError):
        return str(error)
    complaint = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in complaint["loc"])
    said = complaint["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def settle_card(values: dict[str, object]) -> tuple[Card, list[str]]:
    """The card with these values, and what had to be left out so that it can be kept.

    The setting of text is meant to leave nothing to do here. If something slips through, one field
    is lost and said to be, not the day.
    """
    marks: list[str] = []
    for f, left_out in _LEFT_OUT.items():
        if (text := values.get(f)) and (reason := _trouble(f, str(text), values)):
            values = {**values, f: ""}
            marks.append(str(left_out) % {"reason": reason})
    card = hugo.tidy_card(Card.model_validate(values))
    if faults := hugo.card_faults(card):
        said = _("The card could not be kept as it was written: %(reason)s.")
        marks.append(said % {"reason": faults[0]})
        plain = {"headline": "（無標題）", "importance": card.importance, "sources": card.sources}
        card = hugo.tidy_card(Card.model_validate(plain))
    return card, marks


def _trouble(f: str, text: str, values: dict[str, object]) -> str:
    try:
        card = Card.model_validate({"headline": "-", f: text})
    except ValidationError as error:
        return reason_of(error)
    faults = hugo.card_faults(card)
    return faults[0] if faults else next(iter(markup.warnings(text)), "")


def headline_of(title: str) -> str:
    """A line as a headline; never empty."""
    return bare(title, HEADLINE) or "（無標題）"


def entities_of(names: list[str]) -> tuple[str, ...]:
    """Names as a card can hold them, each once whatever its capitals."""
    found: dict[str, str] = {}
    for name in names:
        name = bare(name, NAME).replace(", ", "，").strip()
        if name and len(name) <= LINE_LIMIT:
            found.setdefault(name.casefold(), name)
    if len(found) == 1:
        # A lone name with a Chinese comma in it would be read as several.
        found = {key: re.sub("[、，]", " ", name) for key, name in found.items()}
    return tuple(found.values())

"""What a feed gave, made into articles: the one place where the traps of feeds are met.

Whatever kind a feed is of, its reader makes `Entry` values of it and `articles_of` does the rest.
An entry that cannot be used is named in a fault, and the others land.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urljoin

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.document import URL_LIMIT, check_url
from digest.drafting.articles import Article, Language
from digest.drafting.links import canonical, outlet_of
from digest.drafting.moments import is_believable, moment_of
from digest.drafting.texts import HTML_LIMIT, TEXT_LIMIT, language_of, one_line, plain, tidy

Kind = Literal["feed", "arxiv", "hackernews", "github"]
KINDS: tuple[Kind, ...] = ("feed", "arxiv", "hackernews", "github")

#: How many entries of one feed are read.
ENTRIES_LIMIT = 10_000
#: How long after it was submitted a paper may be news. A batch is shown the evening after, which
#: is three days later over a weekend, and a holiday and a day until the next run come on top.
SUBMITTED_BACK = timedelta(days=5)
#: How many tags of one entry are kept, and how long one may be, in characters.
TAGS_LIMIT, TAG_LIMIT = 30, 100


class Unreadable(Exception):
    """Nothing can be made of it; a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as somebody entered it, and how it was when it was last asked.

    `section` is where its articles probably belong, `weight` (0 to 10, 1 is usual) how much they
    count, `language` what they are in where their text does not tell. `etag` and `modified` are the
    server's own words on what it last sent, `errors` how many times in a row it failed,
    `next_try` the moment before which it is not asked again. `is_gone` once it said that it is.
    """

    name: str
    url: str
    kind: Kind = "feed"
    section: str = ""
    weight: float = 1.0
    language: Language = ""
    etag: str = ""
    modified: str = ""
    errors: int = 0
    last_tried: datetime | None = None
    next_try: datetime | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as its feed gave it, nothing checked.

    `text` is HTML unless `is_plain`, and so is `title`. `date` is as it was written, or a moment.
    `guid` is what the feed tells its entries apart by, `source` the address of who really published
    it, where the feed only passes it on. `submitted` is when it was handed in, where all that is
    known of the day it came out is that it was later; it has no `date` then.
    """

    title: str = ""
    link: str = ""
    text: str = ""
    date: str | float | datetime | None = None
    author: str = ""
    tags: tuple[str, ...] = ()
    guid: str = ""
    source: str = ""
    submitted: datetime | None = None
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the articles in the feed's order, and a sentence for each kind of fault."""

    articles: tuple[Article, ...]
    faults: tuple[str, ...] = ()


@dataclass
class Notes:
    """What was wrong with entries, gathered so that a thousand alike are one sentence."""

    total: int
    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, example: str) -> None:
        """Note that `what` is the matter with the entry that `example` names."""
        self.found.setdefault(what, []).append(example)

    def sentences(self) -> tuple[str, ...]:
        """A sentence for each matter: `without a date: 15 of 439 entries, the first “…”`."""
        return tuple(
            fault_of(what, len(examples), self.total, examples[0])
            for what, examples in self.found.items()
        )


def fault_of(what: str, count: int, total: int, first: str = "") -> str:
    """A sentence on `what` is the matter with so many of a feed's entries; `first` names one."""
    values = {"what": what, "count": f"{count:,}", "total": f"{total:,}"}
    if first := one_line(tidy(first), 80):
        sentence = ngettext(
            "%(what)s: %(count)s of %(total)s entry, the first “%(first)s”",
            "%(what)s: %(count)s of %(total)s entries, the first “%(first)s”",
            total,
        )
        return sentence % (values | {"first": first})
    sentence = ngettext(
        "%(what)s: %(count)s of %(total)s entry", "%(what)s: %(count)s of %(total)s entries", total
    )
    return sentence % values


def told_of(name: str, fault: str) -> str:
    """A fault with the name of what has it."""
    return _("%(name)s: %(fault)s") % {"name": name, "fault": fault}


def articles_of(
    entries: Sequence[Entry], feed: Feed, *, fetched: datetime, base: str = "", home: str = ""
) -> Reading:
    """Articles out of a feed's entries, and what was wrong with those that had faults.

    `base` is the address relative links begin at, `home` the page the feed belongs to: an entry
    that only links there has no link of its own. `fetched` is when the feed was fetched; what is
    dated more than an hour after it, or before there was a web, has no date.
    """
    notes = Notes(len(entries))
    for entry in entries[ENTRIES_LIMIT:]:
        what = _("beyond the first %(limit)s and left out") % {"limit": f"{ENTRIES_LIMIT:,}"}
        notes.add(what, entry.title)
    found: list[tuple[Entry, Article]] = []
    for entry in entries[:ENTRIES_LIMIT]:
        if article := _article(entry, feed, fetched=fetched, base=base, notes=notes):
            found.append((entry, article))
    articles = _told_apart(found, canonical(_joined(base, home)), notes)
    return Reading(tuple(articles), notes.sentences())


def _article(
    entry: Entry, feed: Feed, *, fetched: datetime, base: str, notes: Notes
) -> Article | None:
    read = tidy if entry.is_plain else plain
    text = read(entry.text)
    title = one_line(read(entry.title)) or one_line(text, 100)
    if not title:
        notes.add(_("without title and text, left out"), entry.link or entry.guid)
        return None
    url = next(filter(None, (_opened(link, base) for link in (entry.link, entry.guid))), "")
    if not url:
        unopened = _("with a link that cannot be opened, left out")
        what = unopened if entry.link else _("without a link, left out")
        notes.add(what, f"{title} {entry.link}")
        return None
    if not read(entry.title):
        notes.add(_("without a title, called by the beginning of the text"), title)
    if len(text) > TEXT_LIMIT or len(entry.text) > HTML_LIMIT:
        what = _("longer than %(limit)s characters, of which only those are kept")
        notes.add(what % {"limit": f"{TEXT_LIMIT:,}"}, title)
        text = text[:TEXT_LIMIT]
    if not text:
        notes.add(_("without any text but a title"), title)
    if entry.submitted and entry.submitted < fetched - SUBMITTED_BACK:
        what = _("submitted more than %(days)d days ago, left out")
        notes.add(what % {"days": SUBMITTED_BACK.days}, title)
        return None
    publisher = _opened(entry.source, base) if entry.source else ""
    tags = dict.fromkeys(one_line(plain(tag), TAG_LIMIT) for tag in entry.tags[:TAGS_LIMIT])
    return Article(
        url=url,
        key=canonical(url),
        title=title,
        text=text,
        fetched=fetched,
        published=_published(entry, title, fetched, notes),
        outlet=outlet_of(publisher or url, feed.name),
        feed=feed.name,
        language=language_of(f"{title}\n{text}", feed.language),
        author=one_line(read(entry.author), 200),
        section=feed.section,
        weight=feed.weight,
        tags=tuple(filter(None, tags)),
    )


def _published(entry: Entry, title: str, fetched: datetime, notes: Notes) -> datetime | None:
    date = entry.date
    moment = date if isinstance(date, datetime) else moment_of(date)
    if moment and is_believable(moment, fetched):
        return moment
    if moment:
        early = _("dated before there was a web, taken as undated")
        what = _("dated in the future, taken as undated") if moment > fetched else early
        notes.add(what, f"{title} ({moment:%Y-%m-%d %H:%M})")
    elif date:
        notes.add(_("with a date that cannot be read"), f"{title} ({date})")
    elif not entry.submitted:
        notes.add(_("without a date"), title)
    return None


def _joined(base: str, link: str) -> str:
    """`link` as an absolute address; empty where there is none or it cannot be read."""
    try:
        return urljoin(base, link.strip()) if link.strip() else ""
    except ValueError:
        return ""


def _opened(link: str, base: str) -> str:
    """A link as a web address that a card can carry; empty where it is none."""
    # The spellings of a link that feeds get wrong without changing where it leads.
    link = _joined(base, tidy(link).replace("\n", ""))
    link = "".join(quote(c) if c in ' <>"' else c for c in link)
    if link.count("(") != link.count(")"):
        link = link.replace("(", "%28").replace(")", "%29")
    try:
        return check_url(link) if len(link) <= URL_LIMIT else ""
    except ValueError:
        return ""


def _told_apart(found: Iterable[tuple[Entry, Article]], home: str, notes: Notes) -> list[Article]:
    """The articles with a key each, where a feed gives several of them one link.

    An entry's own address may stand in its guid. Else its key is the link's with a mark made of
    its guid or title: the same entry has the same key tomorrow.
    """
    found = list(found)
    titles: dict[str, set[str]] = {}
    for _entry, article in found:
        titles.setdefault(article.key, set()).add(article.title)
    guids = Counter(entry.guid for entry, _article in found)
    articles: dict[str, Article] = {}
    for entry, article in found:
        if article.key == home or len(titles[article.key]) > 1:
            notes.add(_("whose link is not theirs alone, told apart by title"), article.title)
            own = _opened(entry.guid, "")
            if own and guids[entry.guid] == 1 and canonical(own) not in (home, *titles):
                article = replace(article, url=own, key=canonical(own))
            else:
                mark = entry.guid if entry.guid and guids[entry.guid] == 1 else article.title
                digest = hashlib.sha256(mark.encode("utf-8", "replace")).hexdigest()[:12]
                article = replace(article, key=f"{article.key}#/entry/{digest}")
        if article.key in articles:
            notes.add(_("that stand there twice, kept once"), article.title)
            # The longer text is the fuller of the two.
            if len(articles[article.key].text) >= len(article.text):
                continue
        articles[article.key] = article
    return list(articles.values())

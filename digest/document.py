"""The day's issue as frozen values.

A `Document` is what a machine sends, what the desk edits (taken apart into rows) and what a signed
edition holds. It knows no database, no Markdown dialect and no HTML: `digest.hugo` reads and writes
its Markdown, `digest.rendering` shows it to readers.

Text is kept as it came. The only rules here are those without which a value could not be written
to a file and read back: single lines where the dialect has single lines, absolute links, limits.
"""

from __future__ import annotations

import math
import re
from enum import IntEnum
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_serializer,
    field_validator,
)

from digest.sentences import Said

# Limits, in characters. A field is one edit in a browser; longer text makes Markdown's
# quadratic corners dangerous (see digest.markup) and no daily has ever come near them.
FIELD_LIMIT = 20_000
LINE_LIMIT = 500
URL_LIMIT = 2_000
SOURCES_LIMIT = 100
ENTITIES_LIMIT = 100
NESTING_LIMIT = 32

# Limits, in numbers. A page shows all cards of a day, and a person has to approve each.
SECTIONS_LIMIT = 100
CARDS_LIMIT = 1_000
PASSAGES_LIMIT = 100  # of one section

#: The years an issue can be of.
YEARS = range(2000, 2100)

#: The labelled fields of a card, in the order the dialect writes them.
CARD_FIELDS = ("summary", "details", "applications", "entities", "importance", "sources")
CardField = Literal["summary", "details", "applications", "entities", "importance", "sources"]

# C0 and C1 controls but tab and line feed, and lone surrogates: no file, feed or database column
# can carry all of them. U+2028 and U+2029 are text and stay.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Importance(IntEnum):
    """How much a card matters, 1 (低) to 5 (極高)."""

    LOW = 1
    MEDIUM = 2
    MEDIUM_HIGH = 3
    HIGH = 4
    HIGHEST = 5

    @property
    def label(self) -> str:
        """The word the dialect uses; the hyphen in 中‑高 is U+2011."""
        return ("低", "中", "中‑高", "高", "極高")[self - 1]

    @classmethod
    def from_label(cls, label: str) -> Importance:
        """The rating a label names. Raises ValueError, naming the five, for any other word."""
        for importance in cls:
            if importance.label == label:
                return importance
        known = "、".join(i.label for i in cls)
        raise ValueError(Said.IMPORTANCE(known=known, word=repr(label)))


def check_text(text: str) -> str:
    """Refuse (ValueError) a character that no file, feed or database can carry."""
    if found := _UNWRITABLE.search(text):
        code = f"U+{ord(found[0]):04X}"
        raise ValueError(Said.CHARACTER(code=code, position=found.start() + 1))
    return text


def check_line(text: str) -> str:
    """Refuse (ValueError) a line break where the dialect has a single line."""
    if "\n" in check_text(text):
        raise ValueError(Said.LINE_BREAK())
    return text


def check_url(url: str) -> str:
    """Refuse (ValueError) all but absolute http(s) links that Markdown can carry unescaped.

    Backslashes, user names, control and direction-changing characters are refused as well:
    they are how a link shows one host and opens another.
    """
    check_line(url)
    if re.search(r"[\s<>\\]", url) or _BIDI.search(url):
        raise ValueError(Said.LINK_CHARACTERS())
    try:
        parts = urlsplit(url)
    except ValueError:  # no host can be read out of it
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(Said.LINK_START())
    if "@" in parts.netloc:
        raise ValueError(Said.LINK_USER())
    depth = 0
    for character in url:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
    if depth:
        raise ValueError(Said.LINK_PARENTHESES())
    return url


def check_float(number: float) -> None:
    """Refuse (ValueError) a number that would come back from a file or a database as another.

    PostgreSQL's jsonb writes 1e22 out as an integer, and knows no negative zero.
    """
    if not math.isfinite(number):
        raise ValueError(Said.NOT_A_NUMBER(number=number))
    if abs(number) >= 2**53:
        raise ValueError(Said.INEXACT_NUMBER(number=number))
    if number == 0 and math.copysign(1, number) < 0:
        raise ValueError(Said.NEGATIVE_ZERO())


def excess(*, sections: int, cards: int, passages: int) -> str:
    """Why these are more than one issue has, `passages` in any one section; empty if not."""
    for count, limit, said in (
        (sections, SECTIONS_LIMIT, Said.SECTIONS),
        (cards, CARDS_LIMIT, Said.CARDS),
        (passages, PASSAGES_LIMIT, Said.PASSAGES),
    ):
        if count > limit:
            return said(count=f"{count:,}", limit=f"{limit:,}")
    return ""


def check_values(value: Any, depth: int = 0) -> Any:
    """Refuse (ValueError) text, numbers and nesting that JSON or a file cannot carry."""
    if depth > NESTING_LIMIT:
        raise ValueError(Said.DEEP_VALUES(limit=NESTING_LIMIT))
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, float):
        check_float(value)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(Said.LONG_INTEGER())
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key)
            check_values(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_values(item, depth + 1)
    return value


Text = Annotated[str, StringConstraints(max_length=FIELD_LIMIT)]
Line = Annotated[str, StringConstraints(max_length=LINE_LIMIT)]


class Value(BaseModel):
    """Base of all values: frozen, equal by content, strict about unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _can_be_written(cls, value: Any) -> Any:
        return check_text(value) if isinstance(value, str) else value


class Source(Value):
    """A link a card rests on. `title` is inline Markdown and holds brackets only in pairs."""

    title: Line
    url: Annotated[str, StringConstraints(max_length=URL_LIMIT)]

    @field_validator("title")
    @classmethod
    def _title_fits_brackets(cls, title: str) -> str:
        check_line(title)
        depth = 0
        for character in re.sub(r"\\.", "", title):
            depth += (character == "[") - (character == "]")
            if depth < 0:
                break
        if depth or title.endswith("\\"):
            raise ValueError(Said.SOURCE_BRACKETS())
        if not title.strip():
            raise ValueError(Said.SOURCE_UNTITLED())
        return title

    @field_validator("url")
    @classmethod
    def _url_is_safe(cls, url: str) -> str:
        return check_url(url)

    @property
    def host(self) -> str:
        """The host a reader lands on."""
        return urlsplit(self.url).hostname or ""


class Card(Value):
    """One topic of the day.

    `summary`, `details` and `applications` are Markdown without the dialect's hard breaks.
    `rest` is Markdown that followed the last labelled field.
    `labels` holds the label as written where it differs from the dialect's own
    (`{"applications": "應用場景（風險面）"}`). `layout` is empty where the fields stand in the
    dialect's order and none is empty; otherwise it names the labels in the order they stand.
    """

    headline: Line
    summary: Text = ""
    details: Text = ""
    applications: Text = ""
    entities: Annotated[tuple[Line, ...], Field(max_length=ENTITIES_LIMIT)] = ()
    importance: Importance | None = None
    importance_note: Line = ""
    sources: Annotated[tuple[Source, ...], Field(max_length=SOURCES_LIMIT)] = ()
    rest: Text = ""
    labels: dict[CardField, Line] = {}
    layout: tuple[CardField, ...] = ()

    @field_validator("headline", "importance_note")
    @classmethod
    def _single_line(cls, value: str) -> str:
        return check_line(value)

    @field_validator("headline")
    @classmethod
    def _has_headline(cls, headline: str) -> str:
        if not headline.strip():
            raise ValueError(Said.NO_HEADLINE())
        return headline

    @field_validator("entities")
    @classmethod
    def _entities_are_names(cls, entities: tuple[str, ...]) -> tuple[str, ...]:
        for entity in entities:
            check_line(entity)
            if not entity or entity != entity.strip() or ", " in entity:
                raise ValueError(Said.NOT_ONE_NAME(name=repr(entity)))
        return entities

    @field_validator("layout")
    @classmethod
    def _layout_names_once(cls, layout: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(layout)) != len(layout):
            raise ValueError(Said.LAYOUT_TWICE())
        return layout

    @field_validator("importance", mode="before")
    @classmethod
    def _importance_by_label(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError(Said.IMPORTANCE_RANGE())
        return Importance.from_label(value) if isinstance(value, str) else value

    @field_serializer("importance")
    def _importance_as_label(self, value: Importance | None) -> str | None:
        return value.label if value else None


class Passage(Value):
    """A titled piece of Markdown in the insight or the reading list. An untitled one opens it."""

    title: Line = ""
    body: Text = ""

    @field_validator("title")
    @classmethod
    def _single_line(cls, value: str) -> str:
        return check_line(value)


class Section(Value):
    """A heading with what stands below it: cards, or passages (insight, reading list)."""

    kind: Literal["cards", "insight", "reading"] = "cards"
    title: Line
    lead: Text = ""
    cards: tuple[Card, ...] = ()
    passages: tuple[Passage, ...] = ()

    @field_validator("title")
    @classmethod
    def _single_line(cls, value: str) -> str:
        return check_line(value)


class FrontMatter(Value):
    """What stands above the text.

    `values` are its keys in order, dates as the text they were written in. `source` is the very
    text between the fences, kept so that order, quoting and comments survive; where the two
    disagree, `values` win and the source is mended key by key (see `digest.hugo.write`).
    """

    format: Literal["yaml", "toml"] = "yaml"
    values: dict[str, JsonValue] = {}
    source: Annotated[str, StringConstraints(max_length=4 * FIELD_LIMIT)] = ""

    @field_validator("values")
    @classmethod
    def _values_can_be_kept(cls, values: dict[str, Any]) -> dict[str, Any]:
        return check_values(values)

    def text(self, key: str) -> str:
        """The value of a key where it is text, else the empty string."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """The issue's tags, in order."""
        tags = self.values.get("tags")
        return tuple(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else ()

    @property
    def cover(self) -> str:
        """The cover's path as the front matter names it (`/images/….png`), or empty."""
        cover = self.values.get("cover")
        image = cover.get("image") if isinstance(cover, dict) else cover
        return image if isinstance(image, str) else ""


class Stats(NamedTuple):
    """What the machine says it read: counts as the footer gives them, None where it is silent."""

    articles: int | None
    topics: int | None


class Document(Value):
    """The whole issue of one day, in the order of its file."""

    front_matter: FrontMatter = FrontMatter()
    lead: Text = ""
    sections: tuple[Section, ...] = ()
    footer: Text = ""

    @property
    def title(self) -> str:
        """The issue's title as the front matter has it."""
        return self.front_matter.text("title")

    @property
    def date(self) -> str:
        """The day, `YYYY-MM-DD`, or empty where the front matter gives none."""
        found = re.match(r"\d{4}-\d{2}-\d{2}", self.front_matter.text("date"))
        return found[0] if found else ""

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards in reading order."""
        return tuple(card for section in self.sections for card in section.cards)

    @property
    def excess(self) -> str:
        """Why there is too much in it for one issue; empty if there is not.

        No validator says so: what lies in the database already must still be shown.
        """
        return excess(
            sections=len(self.sections),
            cards=len(self.cards),
            passages=max((len(section.passages) for section in self.sections), default=0),
        )

    @property
    def insight(self) -> Section | None:
        """The editor's insight."""
        return next((s for s in self.sections if s.kind == "insight"), None)

    @property
    def reading(self) -> Section | None:
        """Further reading, background and keywords."""
        return next((s for s in self.sections if s.kind == "reading"), None)

    @property
    def watch_list(self) -> tuple[str, ...]:
        """What to watch next: the numbered items under 關注清單 in the insight."""
        for passage in self.insight.passages if self.insight else ():
            _, found, after = passage.body.partition("**關注清單**")
            if found:
                return tuple(re.findall(r"^\d+\. +(.*?) *$", after, re.MULTILINE))
        return ()

    @property
    def keywords(self) -> tuple[str, ...]:
        """The day's keywords: the code spans of the reading list's passage on 關鍵詞."""
        for passage in self.reading.passages if self.reading else ():
            if "關鍵詞" in passage.title or "Keywords" in passage.title:
                return tuple(re.findall(r"`([^`]+)`", passage.body))
        return ()

    @property
    def stats(self) -> Stats:
        """Articles read and topics found, from the footer."""
        articles = re.search(r"資料來源：([\d,]+) 篇", self.footer)
        topics = re.search(r"分析主題：([\d,]+) 個", self.footer)
        return Stats(*(int(m[1].replace(",", "")) if m else None for m in (articles, topics)))

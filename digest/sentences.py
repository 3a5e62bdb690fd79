"""What the dialect says of a text: why values, Markdown and JSON are refused, what is put right.

Machines read them in English, as the patterns here have them. A `Sentence` is that English text and
remembers what it was made of, so that it can be said in another language as well; `recognise` finds
it out again for a text that has been through a database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from string import Formatter
from typing import Self

#: What fills a pattern, by the names in it. Names in NESTED stand for sentences or parts of one.
Filling = str | int
NESTED = frozenset({"fault", "further", "html", "kind", "meant", "place", "what", "where"})


class Said(StrEnum):
    """The sentences and their parts, as patterns for `str.format`; calling one fills it in."""

    # single values
    NO_HEADLINE = "a card needs a headline"
    LINE_BREAK = "this is a single line and cannot contain a line break"
    CHARACTER = "character {code} at position {position} cannot be kept"
    SOURCE_UNTITLED = "a source needs a title"
    SOURCE_BRACKETS = "square brackets in a source's title must pair up"
    LINK_CHARACTERS = "a link cannot contain blanks, <, >, \\ or direction marks"
    LINK_START = "a link starts with http:// or https:// and names a host"
    LINK_USER = "a link cannot carry a user name"
    LINK_PARENTHESES = "a link's parentheses must pair up; write %28 and %29 otherwise"
    NOT_ONE_NAME = "{name} is not one name (entities are joined by ', ')"
    IMPORTANCE = "importance is one of {known}, not {word}"
    IMPORTANCE_RANGE = "importance is a label or 1 to 5"
    LAYOUT_TWICE = "a field stands in the layout once"
    NO_TITLE = "an issue needs a title"
    TAG = "a tag is a single line with something in it"
    NOT_A_NUMBER = "{number} is not a number that can be kept"
    INEXACT_NUMBER = "{number} is too large to be kept exactly; put it in quotes"
    NEGATIVE_ZERO = "-0.0 is not a number that can be kept; write 0.0"
    LONG_INTEGER = "an integer does not fit in 64 bits"
    DEEP_VALUES = "values cannot be nested deeper than {limit}"

    # how much there is
    SECTIONS = "{count} sections; an issue has {limit} at most"
    CARDS = "{count} cards; an issue has {limit} at most"
    PASSAGES = "{count} passages; a section has {limit} at most"
    ENTITIES = "{count} entities; a card holds {limit} at most"
    SOURCES = "{count} sources; a card holds {limit} at most"

    # what a text would do to the file around it
    STARTS_SECTION = (
        "{where} starts with {mark}, which would begin a new section; write #### or \\{mark}"
    )
    STARTS_CARD = "{where} starts with {mark}, which would begin a new card; write #### or \\{mark}"
    STARTS_PASSAGE = (
        "{where} starts with {mark}, which would begin a new passage; write #### or \\{mark}"
    )
    SEPARATES = "{where} is {rule}, which would end the block; write *** for a rule"
    IS_LABEL = "{where} is the label {label}, which would begin another field; put a word before it"
    FENCE = "the code fence {fence} is never closed; close it with {fence}"
    FENCE_IN = "the code fence in {where} is never closed; close it with {fence}"
    TOO_DEEP = "{where} puts lists or quotes more than {limit} deep in each other"
    OPENS = "{where} opens {html}; readers would not see what follows. Put a backslash before <"
    NEVER_ENDS = "{what} that never ends"
    ENDS_ELSEWHERE = "{what} that does not end on its line"
    HTML_ELEMENT = "an HTML element"
    HTML_COMMENT = "an HTML comment"
    HTML_INSTRUCTION = "an HTML instruction (<?)"
    HTML_CDATA = "a CDATA section"
    HTML_DECLARATION = "an HTML declaration (<!)"
    ATTRIBUTES = (
        "Hugo would take the {{…}} at the end of {what} for settings; put a backslash before {{"
    )
    OTHER_FRONT_MATTER = (
        "Hugo would take {{ or #+ at the start of the file for front matter; put a word before it"
    )

    # cards
    NO_CARD = "one card begins with one ### line; here are none"
    SEVERAL_CARDS = "one card begins with one ### line; here are {count}"
    OUTSIDE_CARD = "line {line} is outside the card: “{text}”"
    NOT_KEPT = "cannot be kept as one card: {fault}"
    BETWEEN_FIELDS = "text between {label} and {next} belongs to no field"
    NOTE_OPEN = "the note after “{text}” has no closing ）"
    NO_LINK = "“{text}” is not a link like [title](https://…)"
    OF_SOURCE = "source “{title}”: {fault}"
    FIELDS_DIFFER = "{fields} would be read back as something else"
    NOT_ITS_LABEL = "“{label}” is not a label of the {field}; write {own}, or {own}（…）"
    REST_ALONE = "text after the labelled fields needs entities, importance or sources above it"
    SEVERAL_ENTITIES = "“{name}” would be read as several entities; put “, ” between them"

    # sections and files
    OTHER_KIND = "the title “{title}” stands for {meant}, not {kind}"
    HAS_PASSAGES = "{where}: a section of cards has no passages"
    HAS_CARDS = "{where}: the {kind} has no cards"
    HAS_NO_CARDS = "the {kind} has no cards"
    PASSAGE_NEEDS_TITLE = "{where}: only the first passage can go without a title"
    SECTION_DIFFERS = "{where} would be read back as something else"
    DOCUMENT_DIFFERS = "the document would be read back as something else"
    NO_SECTION = "text needs a section with a title (## …) to stand in"
    NOTHING = "there is nothing in it"
    NO_HEADING = "no section heading (## …) and no card (### …)"
    TWO_WAYS = "can be read in two ways: {fault}"
    NOT_UTF8 = "not UTF-8: byte {byte} is 0x{code}; save it as UTF-8"
    NOT_UTF8_BUT = "not UTF-8: byte {byte} is 0x{code}, it looks like {encoding}; save it as UTF-8"
    NULS = "full of NUL characters, it looks like UTF-16; save it as UTF-8"
    AT_LINE = "{where}, line {line}: {fault}"
    AT = "{where}: {fault}"
    OF_FIELD = "{field}: {fault}"

    # front matter
    STEERS = "`{key}` would change how the page is built; take it out"
    STEERS_AND = "`{key}` would change how the page is built; take it out; {further}"
    FRONT_UNWRITABLE = "these values cannot be written as front matter"
    FRONT_NOT_CLOSED = "no second {fence} closes it"
    YAML = "not valid YAML: {detail}"
    TOML = "not valid TOML: {detail}"
    NO_KEYS = "not a list of keys and values"
    ALIASES = "anchors and aliases (&, *) are not read"
    DEEP = "nested deeper than {limit}"
    KEY_NOT_TEXT = "a key has to be text"
    KEY_TWICE = "the key “{key}” stands twice"
    NUMBER = "“{number}” is not a number that can be kept"
    YAML_TAG = "the tag {tag} is not plain data"

    # JSON
    MEDIA_TYPE = "{type} is not read; send text/markdown or application/json"
    BYTE = "not UTF-8: byte {byte}"
    JSON = "not valid JSON: {detail}"
    JSON_KEY_TWICE = "the key {key} stands twice in one object"
    JSON_CONSTANT = "{number} is not a number"
    JSON_RANGE = "the number {number} is out of range"
    JSON_DIGITS = "the integer {number}… has too many digits"
    NOT_JSON_OBJECT = "not a JSON object"
    NOT_AN_OBJECT = "not an object"
    NOT_A_LIST = "not a list"
    UNKNOWN_KEY = "unknown; a document has {keys}"
    TEXT_ALONE = "text needs a section to stand beside"

    # where a draft is filed
    DAY_UNKNOWN = "it cannot be read, so the day it belongs to is unknown"
    DRAFT_TAG = "the tag {tag} is empty, too long or has two lines"
    COVER_ELSEWHERE = "the cover's path {path} leads elsewhere"
    COVER_HIDDEN = "the cover's path {path} has a part that is hidden or too long"
    COVER_NO_PICTURE = "the cover's path {path} does not end in one of {suffixes}"
    NOT_A_DAY = "the date {day} is not a day (YYYY-MM-DD)"
    OTHER_YEARS = "the date {day} does not lie between {first} and {last}"
    SLUG = "the slug {slug} is not lower-case letters, digits and hyphens"

    # what pydantic says of values, in its own words
    LONG_TEXT = "String should have at most {count} characters"
    MANY_ITEMS = "Tuple should have at most {limit} items after validation, not {count}"
    MISSING = "Field required"
    EXTRA = "Extra inputs are not permitted"
    NOT_TEXT = "Input should be a valid string"
    NOT_A_TUPLE = "Input should be a valid tuple"
    NOT_A_DICTIONARY = "Input should be a valid dictionary{instance}"
    ONE_OF = "Input should be {known}"

    # what was put right
    LINE_ENDING = "{ending} line ending"
    BYTE_ORDER_MARK = "byte order mark at the start of the file"
    NO_FRONT_MATTER = "no front matter"
    EMPTY_FRONT_MATTER = "empty front matter"
    HIDES = "draft: true: Hugo will not show this post"
    BLANKS_AFTER_FENCE = "blanks after {fence}"
    NO_DATE = "no date in the front matter; filed on {day}"
    SHORTCODE = "Hugo shortcode, kept as text"
    RULE_MISSING = "missing {rule} before “{title}”"
    RULE_TOO_MANY = "one {rule} too many before “{title}”"
    BLANK_LINE_MISSING = "missing blank line before “{title}”"
    BLANK_LINE_TOO_MANY = "one blank line too many before “{title}”"
    GAP_OTHERWISE = "{rule} or blank line written otherwise before “{title}”"
    HEADING_UNTITLED = "heading without a title"
    HEADING_ENDING = "what Hugo would take off the heading “{title}”, kept as text"
    HEADING_BLANKS = "blanks around the heading “{title}”"
    TOO_FEW_BELOW = "missing blank line below {above}"
    TOO_MANY_BELOW = "one blank line too many below {above}"
    BLANKS_BELOW = "blanks on the empty line below {above}"
    STRAY = "text without a heading, joined to the one above"
    CARD_ABOVE = "card above all sections, put in one of its own"
    LAST_NEWLINE = "newline at the end of the file"
    LAST_RULE_MISSING = "missing {rule} at the end of the file"
    LAST_RULE_OTHERWISE = "{rule} written otherwise at the end of the file"
    ITEM_BREAK_MISSING = "missing hard break after a list item"
    ITEM_BREAK_WRONG = "wrong hard break after a list item"
    ITEM_BULLET = "list item with {bullet}"
    LABEL_AGAIN = "{label} a second time, kept as text"
    LABEL_UNKNOWN = "unknown label {label}, kept as text"
    LABEL_MISSING = "text without a label, taken as the summary"
    COLON_INSIDE = "colon inside the bold of {label}"
    COLON_ASCII = "ASCII colon after {label}"
    COLON_TOO_MANY = "colon after {label}"
    COLON_MISSING = "no colon after {label}"
    TEXT_ON_LINE = "text on the line of {label}"
    BREAK_MISSING = "missing hard break after {label}"
    LABEL_BLANKS = "blanks around {label}"
    ENTITIES_JOINED = "entities not joined by “, ” after {label}"
    PARENTHESES_OTHERWISE = "parentheses written otherwise after {label}"
    HYPHEN_OTHERWISE = "hyphen written otherwise after {label}"
    VALUE_BELOW = "text below {label}, not on its line"
    SOURCES_LINES = "sources on several lines"
    SOURCES_LISTED = "sources as list items"
    SOURCES_OTHERWISE = "sources not written [title](link) | …"
    SOURCE_TAKEN = "first link taken as the source"

    # what sentences call the parts of an issue; last, for a whole sentence may begin like one
    SUMMARY = "the summary"
    DETAILS = "the details"
    APPLICATIONS = "the applications"
    REST = "the text after the sources"
    LEAD = "the text before the first section"
    FOOTER = "the footer"
    FILE = "file"
    FRONT_MATTER = "front matter"
    LEAD_BLOCK = "text before the first section"
    FOOTER_BLOCK = "footer"
    ONE_CARD = "card"
    CARD_CALLED = "card “{title}”"
    CARD_UNTITLED = "untitled card"
    SECTION_CALLED = "section “{title}”"
    SECTION_UNTITLED = "untitled section"
    PASSAGE_CALLED = "passage “{title}”"
    PASSAGE_UNTITLED = "untitled passage"
    TEXT_CALLED = "text “{title}”"
    TEXT_UNTITLED = "untitled text"
    TEXT_OF = "text of {place}"
    THE_TEXT_OF = "the text of {place}"
    LINE_OF = "line {line} of {place}"
    THIS_LINE = "this line"
    HEADING_IN = "the heading in {where}"
    THIS_HEADING = "this heading"
    KIND_CARDS = "cards"
    KIND_INSIGHT = "insight"
    KIND_READING = "reading"

    def __call__(self, **filling: Filling) -> Sentence:
        return Sentence(self, filling)


class Sentence(str):
    """A sentence in English, with its pattern and what fills it."""

    __slots__ = ("filling", "said")
    said: Said
    filling: Mapping[str, Filling]

    def __new__(cls, said: Said, filling: Mapping[str, Filling]) -> Self:
        sentence = super().__new__(cls, str.format(said, **filling))
        sentence.said, sentence.filling = said, filling
        return sentence

    def __getnewargs__(self) -> tuple[Said, Mapping[str, Filling]]:
        return self.said, self.filling


#: Longest text that `recognise` looks at, in characters; no sentence comes near it.
_LONGEST = 1000
#: How many sentences stand in each other at most: a fault of a part of a line of a text of a card.
_DEEPEST = 6
#: What a name of a pattern can stand for, where that is not just any text.
_STANDS_FOR = {
    **dict.fromkeys(("byte", "count", "limit", "line", "position"), r"[\d,]+"),
    "code": r"U\+\w+|[0-9A-F]{2}",
    "field": r"\w+(?:\.\w+)*",
    "fields": r"\w+(?:, \w+)*",
    "fence": r"`+|~+|---|\+\+\+",
    "instance": r"(?: or instance of \w+)?",
    "key": r"[^`]+",
    "number": r"[^\s“”]+",
    "rule": r"\S+",
}


def recognise(text: str) -> Sentence | None:
    """The sentence that a text is, found by its pattern where it does not know it itself."""
    if isinstance(text, Sentence):
        return text
    return _recognised(text, _DEEPEST) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _recognised(text: str, depth: int) -> Sentence | None:
    """The same for a sentence with others in it, `depth` deep. Most texts are none, and fail at
    their first part: what a stranger sent must not be taken apart in every way there is."""
    if not depth:
        return None
    for said, pattern in _patterns():
        if found := pattern.fullmatch(text):
            filling: dict[str, Filling] = found.groupdict()
            for name in [name for name in filling if name in NESTED]:
                part = _recognised(filling[name], depth - 1)
                if part is None:
                    break
                filling[name] = part
            else:
                return said(**filling)
    return None


@cache
def _patterns() -> list[tuple[Said, re.Pattern[str]]]:
    """Each pattern as a regular expression, with parts as two of them: where people's text holds
    words of ours (a card called `a”: b`), a part may end where these stand last, not first."""
    return [
        (said, re.compile(expression, re.DOTALL))
        for said in Said
        for expression in dict.fromkeys(_expression(said.value, part) for part in (".+?", ".+"))
    ]


def _expression(pattern: str, part: str) -> str:
    """A regular expression for what a pattern can become; `part` is one for the sentences in it."""
    expression, named = "", set()
    for words, name, _format, _conversion in Formatter().parse(pattern):
        expression += re.escape(words)
        if name in named:
            expression += f"(?P={name})"
        elif name:
            stands_for = part if name in NESTED else _STANDS_FOR.get(name, ".*?")
            expression += f"(?P<{name}>{stands_for})"
            named.add(name)
    return expression

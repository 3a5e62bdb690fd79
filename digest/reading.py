"""What came of reading a draft: the document, what was put right, what could not be read.

A reading never fails as a whole. Good cards stand in `document`; each bad block is a `Problem` that
holds its text, so that a person can mend it; each liberty the reader took is a `Deviation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from digest.document import Document
from digest.sentences import Said, Sentence

#: Longest excerpt of someone's text inside a sentence, in characters.
_EXCERPT = 40
#: How much of a file that is too much stands in its problem, in characters.
_START = 1000


@dataclass(frozen=True, slots=True, order=True)
class Deviation:
    """Something not written as the dialect has it, read all the same. Lines count from 1."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A block that could not be read.

    `where` names it (`card “headline”`, `front matter`, `file`, or a JSON pointer), `line` is where
    the trouble starts, None where there are no lines, and `text` is the whole block as it came.
    """

    where: str
    line: int | None
    reason: str
    text: str

    @property
    def sentence(self) -> Sentence:
        """Where and why."""
        if self.line is None:
            return Said.AT(where=self.where, fault=self.reason)
        return Said.AT_LINE(where=self.where, line=self.line, fault=self.reason)

    def __str__(self) -> str:
        return str(self.sentence)


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of reading a draft, in the order of its file."""

    document: Document
    deviations: tuple[Deviation, ...] = ()
    problems: tuple[Problem, ...] = ()

    def whole(self) -> Document:
        """The document, if all of it could be read. Raises Unreadable otherwise."""
        if self.problems:
            raise Unreadable(self.problems)
        return self.document


class Unreadable(ValueError):
    """A text that had to be read whole has problems; they are in `problems` and the message."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Refused(Exception):
    """A block cannot be read: the line where, and the sentence why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass
class Notes:
    """What a reader gathers on its way."""

    deviations: list[Deviation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def deviate(self, line: int, text: str) -> None:
        """Note a liberty taken."""
        self.deviations.append(Deviation(line, _storable(text)))

    def refuse(self, where: str, line: int | None, reason: str, raw: Iterable[str]) -> None:
        """Note a block, given as its lines, that cannot be read."""
        text = "\n".join(raw)
        self.problems.append(Problem(_storable(where), line, _storable(reason), _storable(text)))

    def reading(self, document: Document) -> Reading:
        """The outcome, deviations by line."""
        return Reading(document, tuple(sorted(self.deviations)), tuple(self.problems))


def refuse_whole(reason: str, text: str, notes: Notes) -> None:
    """Note a file that is too much to be read. Whoever took it in keeps it; its start will do."""
    notes.refuse(Said.FILE(), None, reason, [text[:_START]])


def _storable(text: str) -> str:
    """Text without NUL and lone surrogates, which databases refuse; they stay visible."""
    storable = text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode()
    return text if text == storable else storable  # a `Sentence` stays one


def excerpt(text: str) -> str:
    """Text short enough to stand in a sentence."""
    text = " ".join(text[: 2 * _EXCERPT].split())
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


_CALLED = {
    "card": (Said.CARD_CALLED, Said.CARD_UNTITLED),
    "passage": (Said.PASSAGE_CALLED, Said.PASSAGE_UNTITLED),
    "section": (Said.SECTION_CALLED, Said.SECTION_UNTITLED),
    "text": (Said.TEXT_CALLED, Said.TEXT_UNTITLED),
}


def called(kind: str, title: str) -> Sentence:
    """How sentences call a block: `card “Title”`, or `untitled card`."""
    named, untitled = _CALLED[kind]
    return named(title=excerpt(title)) if title.strip() else untitled()


def first_reason(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """Where in a value pydantic's first complaint lies, and its sentence."""
    complaint = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return complaint["loc"], complaint["msg"].removeprefix("Value error, ")

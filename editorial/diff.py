"""What changed between two texts, and two people's changes to one text brought together.

Texts are compared by tokens: an English word or a number is one, and so is each Chinese character.
Whatever comes out is exact: the pieces put together are the texts, character for character.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from diff_match_patch import diff_match_patch

#: How long the search for the smallest difference may go on. What is unsettled then counts as
#: changed as a whole, so a hostile text costs an editor a coarser answer, not the desk its worker.
SECONDS = 0.3
#: Two texts longer than this together are not compared. Every character might need a letter of
#: its own in `_spelled`, and Unicode has about a million.
MOST = 400_000

# Not \w: to Python a Chinese character is a letter too ("中".isalnum()), and a sentence would be a
# word. Named are the Latin blocks, full-width letters, and accents that follow their letter.
_LATIN = "A-Za-zªºÀ-ÖØ-öø-\u02af\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"
_TOKEN = re.compile(
    rf"[{_LATIN}][{_LATIN}\u0300-\u036f]*|\d+(?:[.,]\d+)*[%％]?|.",
    re.DOTALL,
)


def tokens(text: str) -> list[str]:
    """The words, numbers and single characters of a text. Joined they are the text."""
    return _TOKEN.findall(text)


# --- two texts -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A stretch of text that stands in both versions, only in the earlier, or only in the later."""

    kind: Literal["same", "gone", "new"]
    text: str


def difference(before: str, after: str) -> list[Piece]:
    """The later text as pieces of the earlier one and what is new; never two alike in a row.

    What is highlighted is the least possible, or at most half as much again where two changes with
    a single character between them read better as one. The search is diff-match-patch's: as small
    as a table of all tokens against all gives, in a fraction of its time and within a deadline,
    where difflib highlights more and takes most of a minute over texts made to be slow.
    """
    old = tokens(before)
    pieces = []
    at = 0
    for change in _changes(old, tokens(after)):
        pieces += [
            Piece("same", "".join(old[at : change.start])),
            Piece("gone", "".join(old[change.start : change.end])),
            Piece("new", change.text),
        ]
        at = change.end
    pieces.append(Piece("same", "".join(old[at:])))
    return [piece for piece in pieces if piece.text]


def highlighted(pieces: Iterable[Piece]) -> int:
    """How many characters are shown as gone or as new."""
    return sum(len(piece.text) for piece in pieces if piece.kind != "same")


@dataclass(frozen=True)
class _Change:
    """The tokens from `start` to `end` of the earlier text give way to a text."""

    start: int
    end: int
    text: str
    parts: tuple[_Change, ...] = ()  # those it was joined from

    @property
    def is_insertion(self) -> bool:
        return self.start == self.end


def _changes(old: list[str], new: list[str]) -> list[_Change]:
    """What turns one text into the other: in order, with unchanged tokens between any two."""
    changes = []
    start = begin = 0
    for same_old, same_new in [*_unchanged(old, new), (len(old), len(new))]:
        if same_old > start or same_new > begin:
            changes.append(_Change(start, same_old, "".join(new[begin:same_new])))
        start, begin = same_old + 1, same_new + 1
    return _without_islands(changes, old)


def _unchanged(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Where the tokens that stay are in both texts."""
    if sum(map(len, old)) + sum(map(len, new)) > MOST:
        return []
    letters: dict[tuple[str, int], str] = {}
    old_text, old_tokens = _spelled(old, letters)
    new_text, new_tokens = _spelled(new, letters)
    search = diff_match_patch()
    # Without a timeout of its own the library leaves out a shortcut that overlooks smaller
    # differences; the deadline bounds it all the same.
    search.Diff_Timeout = 0
    found = search.diff_main(old_text, new_text, False, time.time() + SECONDS)
    pairs = []
    at, by = 0, 0
    for kind, text in found:
        if kind == search.DIFF_EQUAL:
            for pair in zip(
                old_tokens[at : at + len(text)], new_tokens[by : by + len(text)], strict=True
            ):
                # Letters of one token may have met letters of two equal ones. The whole token
                # goes with the first of these: they cannot have met more letters than it has.
                if not pairs or (pair[0] > pairs[-1][0] and pair[1] > pairs[-1][1]):
                    pairs.append(pair)
        at += len(text) if kind != search.DIFF_INSERT else 0
        by += len(text) if kind != search.DIFF_DELETE else 0
    return pairs


def _spelled(words: list[str], letters: dict[tuple[str, int], str]) -> tuple[str, list[int]]:
    """Tokens as a text in which no two share a letter, and which token each letter belongs to.

    A token has as many letters as it has characters. So the library, which counts letters, finds
    the difference with the fewest characters; counting tokens it would rather keep a comma than
    one of the two names that changed places around it.
    """
    text, owners = [], []
    for number, word in enumerate(words):
        for place in range(len(word)):
            count = len(letters)
            # Surrogates are no characters, so they are stepped over.
            letter = chr(count if count < 0xD800 else count + 0x800)
            text.append(letters.setdefault((word, place), letter))
            owners.append(number)
    return "".join(text), owners


def _without_islands(changes: list[_Change], old: list[str]) -> list[_Change]:
    """Make one change of two with a single unchanged character between them.

    Only where it adds at most half to what these changes highlight by themselves: around one
    letter that is gone and one that is new, the character between them is easier to read alone.
    """
    joined: list[_Change] = []
    spare = 0  # what may still be added to the last change, in halves of a character
    for change in changes:
        own = sum(map(len, old[change.start : change.end])) + len(change.text)
        island = "".join(old[joined[-1].end : change.start]) if joined else ""
        cost = 4 * len(island)  # it is highlighted twice, as gone and as new
        if len(island) == 1 and cost <= spare + own:
            last = joined.pop()
            change = _Change(
                last.start,
                change.end,
                last.text + island + change.text,
                (*(last.parts or [last]), change),
            )
            spare += own - cost
        else:
            spare = own
        joined.append(change)
    return joined


# --- three texts ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Merge:
    """Two people's changes in one text; clean if they never changed the same place differently."""

    text: str
    is_clean: bool


def _both(mine: str, theirs: str) -> str:
    return f"〔{mine}｜{theirs}〕"


def merge(base: str, mine: str, theirs: str, conflict: Callable[[str, str], str] = _both) -> Merge:
    """Take what either changed in `base`; where they differ, `conflict` of the two stands there.

    An insertion at the edge of the other's change is at the same place: nobody can tell which of
    the two should come first. Two replaced words side by side are not.
    """
    if mine == theirs:  # also where time ran out at different points of the same comparison
        return Merge(mine, True)
    old = tokens(base)
    changes = [(change, True) for change in _changes(old, tokens(mine))]
    changes += [(change, False) for change in _changes(old, tokens(theirs))]
    text = []
    at = 0
    is_clean = True
    for place in _places(changes):
        start, end = _extent(place)
        settled = _settled(place, old)
        if settled is None:
            settled = _settled_by_parts(place, old)
        if settled is None:
            settled = conflict(_applied(place, old, True), _applied(place, old, False))
            is_clean = False
        text += [*old[at:start], settled]
        at = end
    return Merge("".join(text + old[at:]), is_clean)


#: Changes at one place, each with whether it is mine.
_Place = list[tuple[_Change, bool]]


def _settled(place: _Place, old: list[str]) -> str | None:
    """What stands at a place that one changed, or both in the same way."""
    sides = {is_mine for _change, is_mine in place}
    found = {_applied(place, old, is_mine) for is_mine in sides}
    return found.pop() if len(found) == 1 else None


def _settled_by_parts(place: _Place, old: list[str]) -> str | None:
    """The same after a closer look: changes that were joined for reading may not overlap at all.

    Not if it puts one person's words between those that the other reads as one change.
    """
    parts = [(part, is_mine) for change, is_mine in place for part in change.parts or [change]]
    text = []
    at, until = _extent(place)
    for each in _places(parts):
        settled = _settled(each, old)
        if settled is None:
            return None
        start, end = _extent(each)
        text += [*old[at:start], settled]
        at = end
    whole = "".join(text + old[at:until])
    return whole if all(change.text in whole for change, _is_mine in place) else None


def _extent(place: _Place) -> tuple[int, int]:
    return place[0][0].start, max(change.end for change, _is_mine in place)


def _places(changes: _Place) -> list[_Place]:
    """Changes by place: those that overlap, directly or through others, share one."""
    places: list[_Place] = []
    end = -1
    for change, is_mine in sorted(changes, key=lambda each: (each[0].start, each[0].end)):
        touches = change.start == end and (
            change.is_insertion or any(c.is_insertion and c.end == end for c, _ in places[-1])
        )
        if change.start < end or touches:
            places[-1].append((change, is_mine))
        else:
            places.append([(change, is_mine)])
        end = max(end, change.end)
    return places


def _applied(place: _Place, old: list[str], by_me: bool) -> str:
    """What one of the two made of the tokens at a place."""
    text = []
    start, end = _extent(place)
    for change, is_mine in place:
        if is_mine is by_me:
            text += [*old[start : change.start], change.text]
            start = change.end
    return "".join(text + old[start:end])


# --- lists ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetDifference:
    """What became of the entries of a list in which order and repetition mean little."""

    kept: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    is_only_reordered: bool


def set_difference(before: Sequence[str], after: Sequence[str]) -> SetDifference:
    """Compare two lists as sets; each entry counts once, where it stands first.

    What is kept or new comes in the later list's order, what is gone in the earlier one's.
    """
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    return SetDifference(
        kept=tuple(entry for entry in new if entry in old),
        gone=tuple(entry for entry in old if entry not in new),
        new=tuple(entry for entry in new if entry not in old),
        is_only_reordered=old == new and list(old) != list(new),
    )

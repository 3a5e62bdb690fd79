"""The words of cards as an index of the database, and how it is asked.

No parser of SQLite or PostgreSQL knows where a Chinese word ends, so none is asked: the words come
from `digest.folding`, and the index takes them as they stand. What it is made of is here, when it
is made is in `digest.promises`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, models

from digest.folding import fold, forms_of, sought_in

CARDS = "digest_card"
#: SQLite's index: an FTS5 table that keeps no text of its own. (PostgreSQL: the index's name.)
INDEX = "digest_card_words"
#: `ascii` takes every character beyond ASCII for a letter: words end at blanks and nowhere else.
SQLITE_INDEX = (
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5(words, content='{CARDS}', content_rowid='id', "
    "detail=none, tokenize='ascii', prefix='1')"
)
# An index without text must be told what to forget: the words as it was given them.
_LEARN = f"INSERT INTO {INDEX} (rowid, words) VALUES (new.id, new.words);"  # noqa: S608  names of ours
_FORGET = f"INSERT INTO {INDEX} ({INDEX}, rowid, words) VALUES ('delete', old.id, old.words);"  # noqa: S608  as above
SQLITE_TRIGGERS = {
    f"{INDEX}_insert": f"AFTER INSERT ON {CARDS} BEGIN {_LEARN} END",
    f"{INDEX}_delete": f"AFTER DELETE ON {CARDS} BEGIN {_FORGET} END",
    f"{INDEX}_update": f"AFTER UPDATE OF id, words ON {CARDS} "
    f"WHEN old.id <> new.id OR old.words <> new.words BEGIN {_FORGET} {_LEARN} END",
}
_VECTOR = "array_to_tsvector(string_to_array({words}, ' '))"
#: Without the list of what is still to be sorted in: every search would read it.
POSTGRESQL_INDEX = (
    f"CREATE INDEX IF NOT EXISTS {INDEX} ON {CARDS} USING gin ({_VECTOR.format(words='words')}) "
    "WITH (fastupdate = off)"
)
#: Longer searches are cut: nobody types them.
SEARCH_LIMIT = 200
#: From here on, walking through the days until enough is found beats sorting all there is.
FREQUENT = 2000


@dataclass(frozen=True)
class Search:
    """A text as it is looked up: its folded parts, and the words of the index they imply."""

    parts: tuple[str, ...]
    whole: tuple[str, ...]
    begun: tuple[str, ...]
    is_frequent: bool = False

    @classmethod
    def of(cls, text: str) -> Search | None:
        """The search for a text; None where it has no letter or digit to look up."""
        # Half a character, as only code can send it, is none.
        sayable = text[:SEARCH_LIMIT].encode("utf-8", "ignore").decode().replace("\0", " ")
        folded = fold(sayable)[: 2 * SEARCH_LIMIT]
        parts = tuple(dict.fromkeys(folded.split()))
        whole: dict[str, None] = {}
        begun: dict[str, None] = {}
        for part in parts:
            words, beginnings = sought_in(part)
            whole |= dict.fromkeys(words)
            begun |= dict.fromkeys(beginnings)
        return cls(parts, tuple(whole), tuple(begun)) if whole or begun else None

    def weighed(self) -> Search:
        """The same with the knowledge (one query) whether it names many cards.

        SQLite counts as far as it must; PostgreSQL tells what it expects, which costs it nothing.
        """
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    f"SELECT count(*) FROM (SELECT 1 FROM {INDEX} WHERE {INDEX} MATCH %s LIMIT %s)",  # noqa: S608  our name
                    [self.for_sqlite(), FREQUENT],
                )
                cards = cursor.fetchone()[0]
            else:
                vector = _VECTOR.format(words="words")
                cursor.execute(
                    f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {CARDS} WHERE {vector} @@ %s::tsquery",  # noqa: S608
                    [self.for_postgresql()],
                )
                cards = cursor.fetchone()[0][0]["Plan"]["Plan Rows"]
        return replace(self, is_frequent=cards >= FREQUENT)

    def for_sqlite(self) -> str:
        """What FTS5 is to MATCH."""
        begun = (_any_of(" OR ", (f"{_string(w)}*" for w in forms_of(b))) for b in self.begun)
        return " AND ".join([*map(_string, self.whole), *begun])

    def for_postgresql(self) -> str:
        """The same as a literal `tsquery`."""
        begun = (_any_of(" | ", (f"{_lexeme(w)}:*" for w in forms_of(b))) for b in self.begun)
        return " & ".join([*map(_lexeme, self.whole), *begun])


def _any_of(either: str, conditions: Iterable[str]) -> str:
    found = list(conditions)
    return f"({either.join(found)})" if len(found) > 1 else found[0]


def _string(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _lexeme(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


@models.TextField.register_lookup
class FoundBy(models.Lookup):
    """`words__found_by=Search`, for `Card.words` and no other column.

    The index names candidates, and `folded` has the last word. For a frequent search the cards are
    gone through in their order until there are enough: fetching and sorting all that the index
    names would take as long as the archive is large.
    """

    lookup_name = "found_by"
    prepare_rhs = False

    def as_sql(self, compiler, connection) -> tuple[str, list[Any]]:
        search: Search = self.rhs
        words, _no_params = self.process_lhs(compiler, connection)
        table = compiler.quote_name_unless_alias(self.lhs.alias)
        confirmed, params = _alike(
            f"{table}.folded LIKE %s ESCAPE '\\'",
            ([f"%{_verbatim(form)}%" for form in forms_of(part)] for part in search.parts),
        )
        if connection.vendor == "sqlite":
            # A sum is no key: SQLite then asks of each card it comes by whether it is among these.
            key = f"({table}.id + 0)" if search.is_frequent else f"{table}.id"
            named = f"{key} IN (SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s)"  # noqa: S608
            return " AND ".join([named, *confirmed]), [search.for_sqlite(), *params]
        if search.is_frequent:
            whole = ([f"% {w} %"] for w in search.whole)
            begun = ([f"% {w}%" for w in forms_of(b)] for b in search.begun)
            named, patterns = _alike(f"' ' || {words} || ' ' LIKE %s", [*whole, *begun])
            confirmed += named
            # PostgreSQL takes a CASE for true of every other card and so does not sort them all.
            # Of each LIKE it would expect next to nothing.
            return (
                f"CASE WHEN {' AND '.join(confirmed)} THEN TRUE ELSE FALSE END",
                params + patterns,
            )
        named = f"{_VECTOR.format(words=words)} @@ %s::tsquery"
        return " AND ".join([named, *confirmed]), [search.for_postgresql(), *params]


def _alike(condition: str, sought: Iterable[list[str]]) -> tuple[list[str], list[str]]:
    """A condition for each pattern sought, of which any form will do; and all forms in order."""
    forms = list(sought)
    return [_any_of(" OR ", [condition] * len(each)) for each in forms], sum(forms, [])


def _verbatim(text: str) -> str:
    """A text that LIKE takes as it stands."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text

"""Questions to the database whose SQL is written once.

Django writes the SQL of a query anew each time it is asked, which takes several times as long as
the database takes to answer a small one (benches, “ask who somebody is at a desk”). What every page
and every change asks is therefore asked by functions that `compiled` has made: their queryset is
built at the first call and its SQL kept, with a gap for each argument.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")


class Parameter(models.Expression):
    """The gap in the SQL for the argument of this number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler, connection) -> tuple[str, list[Any]]:
        return "%s", [self]


class Compiled(Generic[Row]):
    """A question that is asked with other values each time, and answers with a list of rows.

    `build` makes its queryset of what may stand for the values, each as one side of a comparison.
    It is called once for all, so nothing in it may depend on the values or on the moment: a time is
    a value, too. A value of None is equal to nothing, as in SQL.

    (One compiler for each thread: it belongs to a connection, as that does to a thread.)
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, Row]]) -> None:
        update_wrapper(self, build)
        self.build = build
        self._own = threading.local()

    def __call__(self, *values: Any) -> list[Row]:
        """The rows for these values. Raises what asking the queryset would raise."""
        question = getattr(self._own, "question", None)
        if question is None or not question.fits(values):
            question = self._own.question = _Question(self.build, len(values))
        return question.ask(values)

    def first(self, *values: Any) -> Row | None:
        """The first of the rows, or nothing if there are none."""
        return next(iter(self(*values)), None)


#: As a decorator: a function that answers with a queryset becomes one that answers with its rows.
compiled = Compiled


class _Question:
    """A queryset with its SQL, on one connection."""

    def __init__(self, build: Callable[..., models.QuerySet], count: int) -> None:
        self._count = count
        self._queryset = build(*map(Parameter, range(count)))
        query = self._queryset.query
        self._compiler = query.get_compiler(self._queryset.db)
        self._locks = query.select_for_update
        self._sql, self._gaps = self._compiler.as_sql()
        # Whatever reads the queryset asks its query for a compiler, and that for the SQL. A copy of
        # the query, as `all` makes one, has this one as well.
        self._compiler.as_sql = lambda *args, **kwargs: (self._sql, self._params)
        query.get_compiler = lambda *args, **kwargs: self._compiler

    def fits(self, values: tuple[Any, ...]) -> bool:
        """Whether it has a gap for each value, and the connection is still that of this thread."""
        is_ours = connections[self._queryset.db] is self._compiler.connection
        return is_ours and self._count == len(values)

    def ask(self, values: tuple[Any, ...]) -> list:
        connection = self._compiler.connection
        if self._locks and connection.get_autocommit():
            raise TransactionManagementError("a row is locked in a transaction, or not at all")
        adapted = [connection.ops.adapt_unknown_value(value) for value in values]
        self._params = tuple(
            adapted[gap.number] if isinstance(gap, Parameter) else gap for gap in self._gaps
        )
        return list(self._queryset.all())

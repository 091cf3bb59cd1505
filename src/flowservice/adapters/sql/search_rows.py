"""The search table beside a table of resources: its rows, and conditions and orders over them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from flowservice.adapters.sql.lines import ByCodePoint, has_line, lines, sort_keys, stored_text
from flowservice.domain.epoch import milliseconds
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Order
from flowservice.domain.resource import Resource
from flowservice.domain.search import Column, SearchForm, bound, leaves, wholes, without_ordering

R = TypeVar("R", bound=Resource)

FEW: Final = 20_000
"""Entries of an index that are read or sorted within milliseconds."""

_LEAST, _MOST = -(2**63), 2**63 - 1
_ID: Final = Column(name="id")
_CREATED: Final = Column(name="created_at_ms", is_number=True)
_SLACK_MS: Final = 86_400_000
"""How far the clocks of two machines may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Generic[R]):
    """One search table and the form that fills it."""

    table: sa.Table
    form: SearchForm[R]
    few: int = FEW
    """How many rows are read one by one, or sorted, before another plan is tried."""

    def row(self, resource: R) -> dict[str, Any]:
        """What a resource has there, besides its id, place and creation."""
        document = self.form.shown(resource)
        row: dict[str, Any] = {column.name: None for column in self.form.columns.values()}
        for path, value in leaves(document):
            column = self.form.columns.get(path)
            if column is not None and value is not None:
                row[column.name] = int(value) if column.is_number else stored_text(self.form, path, value)
        numbers, texts = lines(self.form, document)
        return row | {"numbers": numbers, "texts": texts}

    def new_row(self, resource: R) -> dict[str, Any]:
        """Its whole row."""
        stamp = resource.stamp
        at = milliseconds(stamp.created.at)
        place = {"id": resource.id, "sandbox_id": stamp.scope.sandbox_id, "created_at_ms": at}
        return place | self.row(resource)

    def column(self, condition: Condition) -> sa.Column[Any] | None:
        """The column of the condition's path."""
        known = self._column(".".join(condition.path))
        return None if known is None else self.table.c[known.name]

    def where(self, condition: Condition, scope: Scope) -> sa.ColumnElement[bool]:
        """`condition` as SQL. Raises BadFilterValue, BadValueType, UnsupportedForField."""
        path = ".".join(condition.path)
        placed = self.form.placed.get(path)
        if placed is not None:
            if condition.operator not in {Operator.EQ, Operator.NE}:
                raise without_ordering(condition)
            is_equal = placed(scope) in condition.values
            return sa.true() if is_equal is (condition.operator is Operator.EQ) else sa.false()
        if path in self.form.aliases:
            return self.where(replace(condition, path=tuple(self.form.aliases[path].split("."))), scope)
        known = self._column(path)
        if condition.operator not in {Operator.EQ, Operator.NE} and path in self.form.words:
            raise without_ordering(condition)
        if known is None:
            return has_line(self.form, self.table, condition)
        column = self.table.c[known.name]
        if condition.operator in {Operator.EQ, Operator.NE}:
            found = column.in_(self.values(condition))
            return found if condition.operator is Operator.EQ else sa.or_(column.is_(None), sa.not_(found))
        if not known.is_number:
            raise without_ordering(condition)
        return _ordered(column, condition.operator, bound(condition))

    def values(self, condition: Condition) -> list[Any]:
        """The values of an equality on a path with a column. Raises BadFilterValue."""
        path = ".".join(condition.path)
        known = self._column(path)
        if known is not None and known.is_number:
            return sorted({value for value in wholes(condition) if _LEAST <= value <= _MOST})
        return sorted({stored_text(self.form, path, value) for value in condition.values})

    def implied(self, condition: Condition) -> sa.ColumnElement[bool] | None:
        """What a condition says about the time of creation, if anything."""
        known = self._column(".".join(condition.path))
        if known is None or not known.follows_creation or condition.operator not in {Operator.LT, Operator.LE}:
            return None
        return _ordered(self.table.c.created_at_ms, Operator.LE, bound(condition) + _SLACK_MS)

    def keys(self, order: Order) -> list[sa.ColumnElement[Any]]:
        """Sort keys, none of them ever null."""
        path = ".".join(order.path)
        if path in self.form.placed:
            return []
        if path in self.form.aliases:
            return self.keys(replace(order, path=tuple(self.form.aliases[path].split("."))))
        known = self._column(path)
        if known is None:
            return sort_keys(self.form, self.table, order)
        column = self.table.c[known.name]
        if known.is_number:
            return [column.is_(None).cast(sa.Integer), sa.func.coalesce(column, 0)]
        return [column.is_(None).cast(sa.Integer), ByCodePoint(sa.func.coalesce(column, ""))]

    def key_types(self, order: Order) -> list[type]:
        """What `keys` gives."""
        path = ".".join(order.path)
        if path in self.form.placed:
            return []
        known = self._column(path)
        if known is None:
            return [int, float, str]
        return [int, int if known.is_number else str]

    def _column(self, path: str) -> Column | None:
        if path == "id":
            return _ID
        return _CREATED if path == "createdAt" else self.form.columns.get(path)


def _ordered(column: sa.Column[Any], operator: Operator, limit: Decimal) -> sa.ColumnElement[bool]:
    # Whole bounds: a database that compares with a fraction would not use the index.
    above, below = (min(max(rounded(limit), _LEAST), _MOST) for rounded in (math.ceil, math.floor))
    comparisons: Mapping[Operator, sa.ColumnElement[bool]] = {
        Operator.LT: column < above,
        Operator.LE: column <= below,
        Operator.GT: column > below,
        Operator.GE: column >= above,
    }
    return comparisons[operator]

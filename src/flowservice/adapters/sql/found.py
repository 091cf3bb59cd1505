"""Pages of what a filter finds, in few steps whether it fits much, little or nothing.

No statistics tell the databases how a filter and the default order go together, so the plan is made here. Newest first:

1. An equality on an indexed column alone: its entries are in the list's order; several values are several such reads,
   merged.
2. A condition on an indexed column that few fit: they are read by that index and sorted.
3. Otherwise the newest resources are looked at one by one, and only if too few of those fit, all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from flowservice.adapters.sql.lines import Unindexed
from flowservice.adapters.sql.search_rows import Search
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query

Key: TypeAlias = tuple[Any, ...]

_VALUES_AT_ONCE: Final = 4
"""Reads of an index that cost less than looking first how much it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one query finds in one search table."""

    search: Search[Any]
    connection: sa.Connection
    scope: Scope
    query: Query
    after: Key | None
    """The keys of the last row of the page before."""

    def count(self) -> int:
        """How many there are."""
        by_index = all(self.search.column(condition) is not None for condition in self.query.shown)
        here = self._here if by_index or self._is_small() else self._somewhere
        select = sa.select(sa.func.count()).select_from(self._table).where(here, *self._conditions())
        return int(self.connection.execute(select).scalar_one())

    def page(self, limit: int) -> Sequence[tuple[str, Key]]:
        """Ids and keys of the next `limit`."""
        if self.query.order:
            return self._sorted(limit)
        for condition in self.query.shown:
            if self._is_ordered_by(condition) and len(condition.values) <= _VALUES_AT_ONCE:
                return self._by_values(condition, limit)
        for condition in self.query.shown:
            if condition.operator is not Operator.NE and self._is_indexed(condition):
                few = self._if_few(condition, limit)
                if few is not None:
                    return few
                if self._is_ordered_by(condition):
                    return self._by_values(condition, limit)
        return self._newest(limit)

    @property
    def _table(self) -> sa.Table:
        return self.search.table

    @property
    def _here(self) -> sa.ColumnElement[bool]:
        return self._table.c.sandbox_id == self.scope.sandbox_id

    @property
    def _somewhere(self) -> sa.ColumnElement[bool]:
        """As `_here`, where the sandbox's own index would be the wrong one."""
        return Unindexed(self._table.c.sandbox_id) == self.scope.sandbox_id

    @property
    def _keys(self) -> tuple[sa.Column[Any], sa.Column[Any]]:
        return self._table.c.created_at_ms, self._table.c.id

    def _is_small(self) -> bool:
        """Whether the sandbox has few: reading them by its index is faster than reading those of all sandboxes."""
        some = sa.select(self._table.c.id).where(self._here).limit(self.search.few + 1).subquery()
        counted = sa.select(sa.func.count()).select_from(some)
        return int(self.connection.execute(counted).scalar_one()) <= self.search.few

    def _conditions(self) -> list[sa.ColumnElement[bool]]:
        return [self.search.where(condition, self.scope) for condition in self.query.shown]

    def _is_indexed(self, condition: Condition) -> bool:
        column = self.search.column(condition)
        return column is not None and column.name != "created_at_ms"

    def _is_ordered_by(self, condition: Condition) -> bool:
        """Whether the index of an equality gives this very list, in its order."""
        return condition.operator is Operator.EQ and condition.path != ("id",) and self._is_alone(condition)

    def _is_alone(self, condition: Condition) -> bool:
        """Whether its index knows all that is asked: there is nothing else, or the time of creation."""
        others = [other for other in self.query.shown if other is not condition]
        return self._is_indexed(condition) and all(other.path == ("createdAt",) for other in others)

    def _beyond(self) -> list[sa.ColumnElement[bool]]:
        """Where in the default order to look: past the page before, and when what is sought can have been created."""
        after = [] if self.after is None else [sa.tuple_(*self._keys) < self.after]
        created = [self.search.where(one, self.scope) for one in self.query.shown if one.path == ("createdAt",)]
        implied = [self.search.implied(condition) for condition in self.query.shown]
        return [*after, *created, *(bound for bound in implied if bound is not None)]

    def _read(self, select: sa.Select[Any] | sa.CompoundSelect[Any]) -> Sequence[tuple[str, Key]]:
        return [(row.id, (row.created_at_ms, row.id)) for row in self.connection.execute(select)]

    def _by_values(self, condition: Condition, limit: int) -> Sequence[tuple[str, Key]]:
        column = self.search.column(condition)
        assert column is not None
        others = [self.search.where(other, self.scope) for other in self.query.shown if other is not condition]
        parts = [
            self._descending(
                sa.select(*self._keys).where(self._here, column == value, *others, *self._beyond()), limit
            ).subquery()
            for value in self.search.values(condition)
        ]
        if not parts:
            return []
        merged = sa.union_all(*(sa.select(part) for part in parts)).subquery()
        return self._read(sa.select(merged).order_by(merged.c.created_at_ms.desc(), merged.c.id.desc()).limit(limit))

    def _if_few(self, condition: Condition, limit: int) -> Sequence[tuple[str, Key]] | None:
        # Without statistics SQLite would read the whole sandbox rather than a few ids.
        here = self._somewhere if condition.path == ("id",) else self._here
        fits = self.search.where(condition, self.scope)
        fitting = sa.select(*self._keys).where(here, fits, *self._beyond()).limit(self.search.few + 1)
        count = sa.select(sa.func.count()).select_from(fitting.subquery())
        if self.connection.execute(count).scalar_one() > self.search.few:
            return None
        few = fitting.cte("few")
        if self._is_alone(condition):
            return self._read(sa.select(few).order_by(few.c.created_at_ms.desc(), few.c.id.desc()).limit(limit))
        joined = sa.select(*self._keys).select_from(few.join(self._table, self._table.c.id == few.c.id))
        return self._read(self._descending(joined.where(*self._conditions()), limit))

    def _newest(self, limit: int) -> Sequence[tuple[str, Key]]:
        beyond, fits = self._beyond(), self._conditions()
        newest = sa.select(*self._keys).where(self._here, *beyond)
        edge = self.connection.execute(self._descending(newest, 1).offset(self.search.few)).first()
        if edge is None:
            return self._read(self._descending(newest.where(*fits), limit))
        near = newest.where(sa.tuple_(*self._keys) >= tuple(edge), *fits)
        found = self._read(self._descending(near, limit))
        if len(found) == limit:
            return found
        # From one end of the table to the other: in the order of an index it takes longer.
        whole = sa.select(*self._keys).where(self._somewhere, *beyond, *fits)
        return self._read(self._descending(whole, limit))

    def _sorted(self, limit: int) -> Sequence[tuple[str, Key]]:
        keys = [(key, order.descending) for order in self.query.order for key in self.search.keys(order)]
        keys += [(key, True) for key in self._keys]
        named = [key.label(f"key{number}") for number, (key, _) in enumerate(keys)]
        select = sa.select(self._table.c.id, *named).where(self._here, *self._conditions())
        if self.after is not None:
            select = select.where(_past(keys, self.after))
        ordered = select.order_by(*(key.desc() if down else key.asc() for key, down in keys)).limit(limit)
        return [(row[0], tuple(row[1:])) for row in self.connection.execute(ordered)]

    def _descending(self, select: sa.Select[Any], limit: int) -> sa.Select[Any]:
        return select.order_by(*(key.desc() for key in self._keys)).limit(limit)


def _past(keys: Sequence[tuple[sa.ColumnElement[Any], bool]], last: Key) -> sa.ColumnElement[bool]:
    """Whether a row comes after the one with the keys `last`; some keys ascend and some descend."""
    (key, down), value = keys[0], _bound(last[0])
    ahead = key < value if down else key > value
    return ahead if len(keys) == 1 else sa.or_(ahead, sa.and_(key == value, _past(keys[1:], last[1:])))


def _bound(value: Any) -> sa.BindParameter[Any]:
    """A key of a token, which a client may have made up: as wide as its type can be."""
    return sa.literal(value, sa.BigInteger() if isinstance(value, int) else None)

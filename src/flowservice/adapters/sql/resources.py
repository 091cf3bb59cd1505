"""Resources of one kind in one table."""

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql.conditions import matches
from flowservice.adapters.sql.found import Found
from flowservice.adapters.sql.lines import Unindexed
from flowservice.adapters.sql.search_rows import Search
from flowservice.domain.epoch import milliseconds
from flowservice.domain.identity import Scope
from flowservice.domain.query import Operator, Page, Query
from flowservice.domain.resource import Resource
from flowservice.errors import BadToken, Conflict, NotFound, Stale

R = TypeVar("R", bound=Resource)

_PLACE: Final = ("id", "sandbox_id", "org_id")


class Connect(Protocol):
    """A connection for one call."""

    def __call__(self, *, reading: bool = False) -> AbstractContextManager[sa.Connection]:
        """Committed at the end, or part of the caller's transaction. What only reads says so: it needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStore(Generic[R]):
    """Fills `ports.database.Store`. `own` gives the values of the table's extra columns."""

    noun: str
    """What one of them is called in a message."""
    table: sa.Table
    adapter: TypeAdapter[R]
    connect: Connect
    own: Callable[[R], Mapping[str, Any]] = field(default=lambda _: {})
    search: Search[R] | None = None
    """Where it is searched by what clients see. Without it a list takes no `shown` and no `order`."""

    def get(self, scope: Scope, resource_id: str) -> R:
        place = {"id": resource_id, "sandbox_id": scope.sandbox_id, "org_id": scope.org_id}
        with self.connect(reading=True) as connection:
            document = connection.execute(_by_id(self.table), place).scalar_one_or_none()
        if document is None:
            raise self._missing(resource_id)
        return self.adapter.validate_python(document)

    def add(self, resource: R) -> None:
        with self.connect() as connection:
            try:
                connection.execute(self.table.insert().values(self.new_row(resource)))
            except sa.exc.IntegrityError:
                raise Conflict(f"the {self.noun} {resource.id} exists already") from None
            if self.search is not None:
                connection.execute(self.search.table.insert().values(self.search.new_row(resource)))

    def replace(self, old: R, new: R) -> None:
        with self.connect() as connection:
            changed = connection.execute(self._at(self.table.update(), old).values(self._changing(new))).rowcount
            if not changed:
                raise self._lost(connection, old)
            if self.search is not None:
                found = self.search.table
                connection.execute(found.update().where(found.c.id == new.id).values(self.search.row(new)))

    def add_all(self, resources: Sequence[R]) -> None:
        if not resources:
            return
        with self.connect() as connection:
            try:
                connection.execute(self.table.insert(), [self.new_row(resource) for resource in resources])
            except sa.exc.IntegrityError:
                raise Conflict(f"one of {len(resources)} {self.noun}s exists already") from None
            if self.search is not None:
                search = self.search
                connection.execute(search.table.insert(), [search.new_row(resource) for resource in resources])

    def replace_all(self, pairs: Sequence[tuple[R, R]]) -> None:
        if not pairs:
            return
        # In one order for all writers: else two of them, each with some rows of the other's, would wait for each other.
        ordered = sorted(pairs, key=lambda pair: pair[0].id)
        with self.connect() as connection:
            changed = connection.execute(
                _replacing(self.table), [_old_row(old) | _new_values(self._changing(new)) for old, new in ordered]
            ).rowcount
            if changed != len(ordered):
                raise Stale(f"{len(ordered) - changed} of {len(ordered)} {self.noun}s changed since they were read")
            if self.search is not None:
                search = self.search
                rows = [{"old_id": new.id} | _new_values(search.row(new)) for _, new in ordered]
                connection.execute(_rewriting(search.table), rows)

    def delete(self, resource: R) -> None:
        with self.connect() as connection:
            if not connection.execute(self._at(self.table.delete(), resource)).rowcount:
                raise self._lost(connection, resource)

    def list(self, scope: Scope, query: Query) -> Page[R]:
        if query.shown or query.order:
            return self._found(scope, query)
        table = self.table
        select = self._selected(sa.select(table.c.created_at_ms, table.c.id, table.c.document), scope, query)
        select = select.order_by(table.c.created_at_ms.desc(), table.c.id.desc())
        if query.after is not None:
            after = _read_token(query.after, [int, str])
            select = select.where(sa.tuple_(table.c.created_at_ms, table.c.id) < after)
        with self.connect(reading=True) as connection:
            # One more than asked for tells whether there is a next page.
            rows = connection.execute(select.limit(query.limit + 1)).all()
        shown = rows[: query.limit]
        token = _token((shown[-1][0], shown[-1][1])) if len(rows) > len(shown) and shown else None
        return Page(items=[self.adapter.validate_python(row.document) for row in shown], next=token)

    def count(self, scope: Scope, query: Query) -> int:
        if query.shown:
            with self.connect(reading=True) as connection:
                return self._finding(connection, scope, query).count()
        select = self._selected(sa.select(sa.func.count()).select_from(self.table), scope, query)
        with self.connect(reading=True) as connection:
            return int(connection.execute(select).scalar_one())

    def _found(self, scope: Scope, query: Query) -> Page[R]:
        table = self.table
        with self.connect(reading=True) as connection:
            found = self._finding(connection, scope, query).page(query.limit + 1)
            keys = dict(found[: query.limit])
            # Only the ids have an index here: without statistics SQLite would take the sandbox's.
            select = sa.select(table.c.id, table.c.document).where(table.c.id.in_(keys), *self._within(scope))
            documents = {row.id: row.document for row in connection.execute(select)} if keys else {}
        token = _token(found[query.limit - 1][1]) if len(found) > query.limit else None
        return Page(
            # One that was deleted since is not there.
            items=[self.adapter.validate_python(documents[key]) for key in keys if key in documents],
            next=token,
        )

    def _finding(self, connection: sa.Connection, scope: Scope, query: Query) -> Found:
        if self.search is None or query.conditions:
            raise RuntimeError(f"the {self.noun} cannot be searched so")
        after = None
        if query.after is not None:
            types = [kind for order in query.order for kind in self.search.key_types(order)]
            after = _read_token(query.after, [*types, int, str])
        return Found(search=self.search, connection=connection, scope=scope, query=query, after=after)

    def new_row(self, resource: R) -> dict[str, Any]:
        """Its whole row, in the table of the resources themselves."""
        scope = resource.stamp.scope
        return {
            "id": resource.id,
            "org_id": scope.org_id,
            "sandbox_id": scope.sandbox_id,
            "created_at_ms": milliseconds(resource.stamp.created.at),
            **self._changing(resource),
        }

    def _in(self, scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
        return tuple(column == value for column, value in self._place(scope))

    def _within(self, scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
        return tuple(Unindexed(column) == value for column, value in self._place(scope))

    def _place(self, scope: Scope) -> tuple[tuple[sa.Column[Any], str], ...]:
        return ((self.table.c.sandbox_id, scope.sandbox_id), (self.table.c.org_id, scope.org_id))

    def _selected(self, select: sa.Select[Any], scope: Scope, query: Query) -> sa.Select[Any]:
        equalities = {condition.path for condition in query.conditions if condition.operator is Operator.EQ}
        indexed = {(column.name,) for column in self.table.columns if column.primary_key or column.index}
        # Where another index finds few, the sandbox's, which has the order of the list, would go through all of it.
        here = self._within if equalities & indexed else self._in
        return select.where(*here(scope), *(matches(self.table, condition) for condition in query.conditions))

    def _at(self, statement: Any, resource: R) -> Any:
        table = self.table
        return statement.where(
            table.c.id == resource.id, *self._in(resource.stamp.scope), table.c.revision == resource.stamp.revision
        )

    def _changing(self, resource: R) -> dict[str, Any]:
        return {
            "name": resource.name,
            "state": str(getattr(resource, "state", "")),
            "updated_at_ms": milliseconds(resource.stamp.updated.at),
            "revision": resource.stamp.revision,
            "document": self.adapter.dump_python(resource, mode="json"),
            **self.own(resource),
        }

    def _lost(self, connection: sa.Connection, resource: R) -> NotFound | Stale:
        there = sa.select(self.table.c.id).where(self.table.c.id == resource.id, *self._in(resource.stamp.scope))
        if connection.execute(there).first() is None:
            return self._missing(resource.id)
        return Stale(
            f"the {self.noun} {resource.id} changed since it was read",
            advice="Read it again and repeat the change with its new etag.",
        )

    def _missing(self, resource_id: str) -> NotFound:
        return NotFound(
            f"{self.noun} not found with the given id",
            advice="Check the id and the sandbox (x-sandbox-name): a resource is invisible in any other sandbox.",
            resource_id=resource_id,
        )


@cache
def _by_id(table: sa.Table) -> sa.Select[Any]:
    # Built once a table: it is what the service asks most.
    return sa.select(table.c.document).where(*(table.c[name] == sa.bindparam(name) for name in _PLACE))


_FIXED: Final = frozenset({*_PLACE, "created_at_ms"})
"""Columns that never change."""


@cache
def _replacing(table: sa.Table) -> sa.Update:
    place = (table.c[name] == sa.bindparam(f"old_{name}") for name in (*_PLACE, "revision"))
    return _rewritten(table).where(*place)


@cache
def _rewriting(table: sa.Table) -> sa.Update:
    return _rewritten(table).where(table.c.id == sa.bindparam("old_id"))


def _rewritten(table: sa.Table) -> sa.Update:
    return table.update().values(
        {column: sa.bindparam(f"new_{column.name}") for column in table.c if column.name not in _FIXED}
    )


def _old_row(resource: Resource) -> dict[str, Any]:
    scope = resource.stamp.scope
    place = {"old_id": resource.id, "old_sandbox_id": scope.sandbox_id, "old_org_id": scope.org_id}
    return place | {"old_revision": resource.stamp.revision}


def _new_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def _token(keys: tuple[Any, ...]) -> str:
    # Clients cut the token at `=` and put it back unquoted: base64url without padding is all they can carry.
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def _read_token(token: str, types: Sequence[type]) -> tuple[Any, ...]:
    try:
        keys = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        keys = None
    if not isinstance(keys, list) or len(keys) != len(types) or not all(map(_is_key, keys, types)):
        raise BadToken("the continuation token is not one of this list", advice="Follow the link in _links.next.href.")
    return tuple(keys)


def _is_key(value: object, kind: type) -> bool:
    if type(value) is not kind:
        return False
    if isinstance(value, str):
        # Neither database takes a NUL or half of a surrogate pair.
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return -(2**63) <= value < 2**63 if isinstance(value, int) else isinstance(value, float) and math.isfinite(value)

"""Resources of one kind in one table."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql.conditions import matches, sort_key
from flowservice.domain.identity import Scope
from flowservice.domain.query import Page, Query
from flowservice.domain.resource import Resource
from flowservice.errors import BadQuery, Conflict, NotFound, Stale

R = TypeVar("R", bound=Resource)

Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
"""A connection for one call: committed at the end, or part of the caller's transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStore(Generic[R]):
    """Fills `ports.database.Store`. `own` gives the values of the table's extra columns."""

    noun: str
    """What one of them is called in a message."""
    table: sa.Table
    adapter: TypeAdapter[R]
    connect: Connect
    own: Callable[[R], Mapping[str, Any]] = field(default=lambda _: {})

    def get(self, scope: Scope, resource_id: str) -> R:
        table = self.table
        query = sa.select(table.c.document).where(table.c.id == resource_id, *self._in(scope))
        with self.connect() as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise self._missing()
        return self.adapter.validate_python(document)

    def add(self, resource: R) -> None:
        scope = resource.stamp.scope
        row = {
            "id": resource.id,
            "org_id": scope.org_id,
            "sandbox_id": scope.sandbox_id,
            "created_at_ms": epoch_ms(resource.stamp.created.at),
            **self._changing(resource),
        }
        with self.connect() as connection:
            try:
                connection.execute(self.table.insert().values(row))
            except sa.exc.IntegrityError:
                raise Conflict(f"the {self.noun} {resource.id} exists already") from None

    def replace(self, old: R, new: R) -> None:
        with self.connect() as connection:
            changed = connection.execute(self._at(self.table.update(), old).values(self._changing(new))).rowcount
            if not changed:
                raise self._lost(connection, old)

    def delete(self, resource: R) -> None:
        with self.connect() as connection:
            if not connection.execute(self._at(self.table.delete(), resource)).rowcount:
                raise self._lost(connection, resource)

    def list(self, scope: Scope, query: Query) -> Page[R]:
        table = self.table
        select = self._selected(sa.select(table.c.created_at_ms, table.c.id, table.c.document), scope, query)
        skip = 0
        if query.order:
            select = select.order_by(*(sort_key(table, order) for order in query.order), table.c.id)
            skip = _read_token(query.after, int)[0] if query.after else 0
            select = select.offset(skip)
        else:
            select = select.order_by(table.c.created_at_ms.desc(), table.c.id.desc())
            if query.after:
                created_at_ms, last_id = _read_token(query.after, int, str)
                select = select.where(sa.tuple_(table.c.created_at_ms, table.c.id) < (created_at_ms, last_id))
        with self.connect() as connection:
            # One more than asked for tells whether there is a next page.
            rows = connection.execute(select.limit(query.limit + 1)).all()
        shown = rows[: query.limit]
        token = None
        if len(rows) > len(shown) and shown:
            token = _token(skip + len(shown)) if query.order else _token(shown[-1][0], shown[-1][1])
        return Page(items=[self.adapter.validate_python(row.document) for row in shown], next=token)

    def count(self, scope: Scope, query: Query) -> int:
        select = self._selected(sa.select(sa.func.count()).select_from(self.table), scope, query)
        with self.connect() as connection:
            return int(connection.execute(select).scalar_one())

    def _in(self, scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
        return (self.table.c.sandbox_id == scope.sandbox_id, self.table.c.org_id == scope.org_id)

    def _selected(self, select: sa.Select[Any], scope: Scope, query: Query) -> sa.Select[Any]:
        return select.where(*self._in(scope), *(matches(self.table, condition) for condition in query.conditions))

    def _at(self, statement: Any, resource: R) -> Any:
        table = self.table
        return statement.where(
            table.c.id == resource.id, *self._in(resource.stamp.scope), table.c.revision == resource.stamp.revision
        )

    def _changing(self, resource: R) -> dict[str, Any]:
        return {
            "name": resource.name,
            "state": str(getattr(resource, "state", "")),
            "updated_at_ms": epoch_ms(resource.stamp.updated.at),
            "revision": resource.stamp.revision,
            "document": self.adapter.dump_python(resource, mode="json"),
            **self.own(resource),
        }

    def _lost(self, connection: sa.Connection, resource: R) -> NotFound | Stale:
        there = sa.select(self.table.c.id).where(self.table.c.id == resource.id, *self._in(resource.stamp.scope))
        if connection.execute(there).first() is None:
            return self._missing()
        return Stale(
            f"the {self.noun} {resource.id} changed since it was read",
            advice="Read it again and repeat the change with its new etag.",
        )

    def _missing(self) -> NotFound:
        return NotFound(
            f"{self.noun} not found with the given id",
            advice="Check the id and the sandbox (x-sandbox-name): a resource is invisible in any other sandbox.",
        )


def epoch_ms(at: datetime) -> int:
    """An aware time as epoch milliseconds."""
    return round(at.timestamp() * 1000)


def _token(*parts: int | str) -> str:
    # Clients cut the token at `=` and put it back unquoted: base64url without padding is all they can carry.
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _read_token(token: str, *types: type) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise BadQuery("the continuation token is not one of this list", advice="Follow the link in _links.next.href.")
    return parts

"""Stores in memory, with the behaviour that `ports.database` promises."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from operator import eq, ge, gt, le, lt, ne
from threading import RLock
from typing import Any, Final, Generic, TypeVar

from flowservice.domain.dataset import Batch, Dataset
from flowservice.domain.identity import Scope
from flowservice.domain.mapping import MappingSet
from flowservice.domain.query import Condition, Operator, Page, Query
from flowservice.domain.resource import Resource
from flowservice.domain.schema import SchemaResource
from flowservice.errors import BadQuery, Conflict, NotFound, Stale

R = TypeVar("R", bound=Resource)

_COMPARE: Final = {
    Operator.EQ: eq,
    Operator.NE: ne,
    Operator.LE: le,
    Operator.GE: ge,
    Operator.LT: lt,
    Operator.GT: gt,
}


@dataclass
class MemoryStore(Generic[R]):
    """Resources of one kind, by id."""

    rows: dict[str, R] = field(default_factory=dict)

    def get(self, scope: Scope, resource_id: str) -> R:
        found = self.rows.get(resource_id)
        if found is None or found.stamp.scope != scope:
            raise NotFound(f"no resource {resource_id!r}")
        return found

    def add(self, resource: R) -> None:
        if resource.id in self.rows:
            raise Conflict(f"{resource.id!r} exists")
        self.rows[resource.id] = resource

    def replace(self, old: R, new: R) -> None:
        self._unchanged(old)
        self.rows[new.id] = new

    def delete(self, resource: R) -> None:
        self._unchanged(resource)
        del self.rows[resource.id]

    def list(self, scope: Scope, query: Query) -> Page[R]:
        found = sorted(self._found(scope, query), key=lambda row: (row.stamp.created.at, row.id), reverse=True)
        for order in reversed(query.order):
            found.sort(key=lambda row: _value(row, order.path), reverse=order.descending)
        ids = [row.id for row in found]
        if query.after is not None and query.after not in ids:
            raise BadQuery("unknown continuation token")
        first = 0 if query.after is None else ids.index(query.after) + 1
        items = found[first : first + query.limit]
        more = first + query.limit < len(found)
        return Page(items=items, next=items[-1].id if more and items else None)

    def count(self, scope: Scope, query: Query) -> int:
        return len(self._found(scope, query))

    def _found(self, scope: Scope, query: Query) -> Sequence[R]:
        mine = (row for row in self.rows.values() if row.stamp.scope == scope)
        return [row for row in mine if all(_holds(row, condition) for condition in query.conditions)]

    def _unchanged(self, old: R) -> None:
        if self.get(old.stamp.scope, old.id).stamp.revision != old.stamp.revision:
            raise Stale(f"{old.id!r} has changed")


def _value(row: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        row = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
    return row.value if isinstance(row, Enum) else row


def _holds(row: Resource, condition: Condition) -> bool:
    value = _value(row, condition.path)
    values = value if isinstance(value, tuple | list) else [value]
    compare = _COMPARE[condition.operator]
    return any(compare(item, _like(item, text)) for item in values for text in condition.values if item is not None)


def _like(item: Any, text: str) -> Any:
    if isinstance(item, bool):
        return text.lower() == "true"
    if isinstance(item, datetime):
        return datetime.fromisoformat(text)
    return type(item)(text)


@dataclass
class MemoryDatabase:
    """The stores that the registry, the catalog and Data Prep use."""

    schemas: MemoryStore[SchemaResource] = field(default_factory=MemoryStore)
    datasets: MemoryStore[Dataset] = field(default_factory=MemoryStore)
    batches: MemoryStore[Batch] = field(default_factory=MemoryStore)
    mapping_sets: MemoryStore[MappingSet] = field(default_factory=MemoryStore)
    lock: Any = field(default_factory=RLock)

    @contextmanager
    def transaction(self) -> Iterator["MemoryDatabase"]:
        stores: list[MemoryStore[Any]] = [self.schemas, self.datasets, self.batches, self.mapping_sets]
        with self.lock:
            before = [dict(store.rows) for store in stores]
            try:
                yield self
            except BaseException:
                for store, rows in zip(stores, before, strict=True):
                    store.rows = rows
                raise

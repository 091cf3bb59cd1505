"""An honest sample of a table: rows from all over its keys, and the columns they tell of.

A table has no schema, and its first page is often not like the rest: one tenant, the oldest rows. Positions are
found by asking for the entities at or after a key midway in a gap between known keys; the answer is sample and probe
in one. A table of one partition is sampled by row key, and so is a partition that fills a whole answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import pyarrow as pa

from flowservice.connectors.azure_table import edm, portable
from flowservice.connectors.azure_table.columns import field_of, in_order
from flowservice.connectors.azure_table.keys import KeyRange, order
from flowservice.connectors.azure_table.probing import ceiling, spread
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.sdk import MixedColumn, Sample

_POSITIONS: Final = 8
_HOT_PARTITIONS: Final = 2
# Of a sample as it came. Entities may have 1 MiB each: a thousand of them would be gigabytes once they are objects.
_MOST_BYTES: Final = 16_000_000
# The size of entities is not known before some are there.
_FIRST_ROWS: Final = 100


def sample(service: TableService, table: str, *, rows: int) -> Sample:
    """About `rows` entities spread over `table`, fewer if they are large, in key order.

    Raises NoSuchObject, else as `faults` says.
    """
    reach = _Reach(service, table)
    found, token, size = service.entities(table, {"$top": str(min(rows, _FIRST_ROWS))})
    while token is not None and len(found) < rows and size < _MOST_BYTES:
        left = rows - len(found)
        affordable = max(1, (_MOST_BYTES - size) * len(found) // size) if found else _FIRST_ROWS
        more, token, more_bytes = service.entities(table, {"$top": str(min(left, affordable, 1000)), **token})
        found += more
        size += more_bytes
    if token is None:
        return to_sample(found[:rows])
    rows = min(rows, max(_POSITIONS, _MOST_BYTES * len(found) // size))
    portion = -(-rows // _POSITIONS)
    reach.keep(found[:portion])
    first = portable.key_of(found[0])
    one = KeyRange(partition=first[0])
    del found  # much of it is of no more use
    if not reach.ask(KeyRange(after=one.partition), 1):
        _spread(reach, one, first[1], portion, positions=_POSITIONS - 1)
        return to_sample(_thinned(reach.entities(), rows))
    _spread(reach, KeyRange(), str(one.partition), portion, positions=_POSITIONS - 1)
    for partition in reach.hot[:_HOT_PARTITIONS]:
        hot = KeyRange(partition=partition)
        _spread(reach, hot, reach.keys(hot)[0], max(1, portion // 4), positions=4)
    return to_sample(_thinned(reach.entities(), rows))


def to_sample(entities: list[portable.Entity]) -> Sample:
    """Entities with the types that hold for all of them: Int32 widens to Int64 or Double, other mixes are text."""
    arrays, fields, mixed = [], [], []
    for column in in_order(portable.columns(entities)):
        kind = widened(column.seen)
        if len(column.seen) > 1:
            mixed.append(MixedColumn(name=column.name, seen=tuple(sorted(column.seen)), widened_to=kind))
        arrays.append(column.array_as(kind))
        fields.append(field_of(column.name, kind))
    return Sample(rows=pa.Table.from_arrays(arrays, schema=pa.schema(fields)), mixed=tuple(mixed))


def widened(seen: frozenset[str]) -> str:
    """The Edm type that holds every value of the types `seen`. Int64 and Double is text: neither holds the other."""
    if len(seen) == 1:
        return next(iter(seen))
    if seen == {edm.INT32, edm.INT64}:
        return edm.INT64
    return edm.DOUBLE if seen == {edm.INT32, edm.DOUBLE} else edm.STRING


@dataclass(slots=True)
class _Reach:
    """What was found of a table so far."""

    service: TableService
    table: str
    by_key: dict[tuple[bytes, bytes], portable.Entity] = field(default_factory=dict)
    hot: list[str] = field(default_factory=list)
    """Partitions that filled a whole answer, each once."""

    def ask(self, part: KeyRange, rows: int) -> list[portable.Entity]:
        """The first entities of a range; goes on over empty pages until there is one."""
        query = {"$top": str(min(rows, 1000))}
        if (condition := part.filter()) is not None:
            query["$filter"] = condition
        return self.service.first_entities(self.table, query)

    def keep(self, found: list[portable.Entity]) -> None:
        keys = [portable.key_of(entity) for entity in found]
        for (partition, row), entity in zip(keys, found, strict=True):
            self.by_key[order(partition), order(row)] = entity
        partitions = {partition for partition, _ in keys}
        if len(found) > 1 and len(partitions) == 1:
            self.hot += partitions - set(self.hot)

    def keys(self, within: KeyRange) -> list[str]:
        """The partitions that are known or, of a range in one partition, its row keys."""
        if within.partition is None:
            return [str(entity["PartitionKey"]) for entity in self.entities()]
        return [str(entity["RowKey"]) for entity in self.entities() if entity["PartitionKey"] == within.partition]

    def entities(self) -> list[portable.Entity]:
        """All, in the service's order."""
        return [self.by_key[key] for key in sorted(self.by_key)]


def _spread(reach: _Reach, within: KeyRange, first: str, portion: int, *, positions: int) -> None:
    """Keep `portion` entities at each of up to `positions` places of a range whose first key is `first`."""
    key = "PartitionKey" if within.partition is None else "RowKey"
    found: list[portable.Entity] = []

    def key_from(start: str) -> str | None:
        found[:] = reach.ask(replace(within, start=start), portion)
        return str(found[0][key]) if found else None

    high = ceiling(first, lambda above: bool(reach.ask(replace(within, start=above), 1)))
    for _ in islice(spread(first, high, known=lambda: reach.keys(within), key_from=key_from), positions):
        reach.keep(found)


def _thinned(entities: list[portable.Entity], rows: int) -> list[portable.Entity]:
    """At most `rows` of them, evenly taken."""
    return list(_evenly(entities, rows)) if len(entities) > rows else entities


def _evenly(entities: list[portable.Entity], rows: int) -> Iterator[portable.Entity]:
    for number in range(rows):
        yield entities[number * len(entities) // rows]

"""Columns of decoded pages: the parts that a decoder hands over, and the batch that they become.

A property may have several Edm types, even within a page. A decoder gives each of them as an array of its own over all
rows, null where the row has another type or none; here they become one column.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.connectors.azure_table import edm
from flowservice.sdk import SOURCE_TYPE, to_text

SYSTEM: Final = ("PartitionKey", "RowKey", "Timestamp")


@dataclass(frozen=True, slots=True)
class Column:
    """A property over the rows of a page or batch."""

    name: str
    parts: Mapping[str, pa.Array] = field(default_factory=dict)
    """Edm type to an array over all rows. At most one of the arrays has a value in a row."""

    @property
    def seen(self) -> frozenset[str]:
        """The Edm types that occur; nulls have none."""
        return frozenset(self.parts)

    def array(self) -> tuple[pa.Array, str]:
        """One array, and the Edm type it has; canonical text if types are mixed, but Int32 and Int64 are Int64."""
        if len(self.parts) == 1:
            ((kind, values),) = self.parts.items()
            return values, kind
        kind = edm.INT64 if self.seen == {edm.INT32, edm.INT64} else edm.STRING
        return self.array_as(kind), kind

    def array_as(self, kind: str) -> pa.Array:
        """One array in which every value is widened to `kind`."""
        widened = [
            to_text(values) if kind == edm.STRING else values.cast(edm.ARROW[kind]) for values in self.parts.values()
        ]
        return reduce(pc.coalesce, widened)


def to_batch(columns: Iterable[Column], rows: int) -> pa.RecordBatch:
    """Columns as one batch of `rows` rows, `in_order`. Field metadata holds the Edm type."""
    arrays, fields = [], []
    for column in in_order(columns):
        array, kind = column.array()
        arrays.append(array)
        fields.append(field_of(column.name, kind))
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def in_order(columns: Iterable[Column]) -> list[Column]:
    """PartitionKey, RowKey and Timestamp, then the others as they are given, but for those without any value."""
    given = [column for column in columns if column.parts]
    return sorted(given, key=lambda column: SYSTEM.index(column.name) if column.name in SYSTEM else len(SYSTEM))


def field_of(name: str, kind: str) -> pa.Field:
    """The Arrow field of a property of an Edm type."""
    return pa.field(name, edm.ARROW[kind], metadata={SOURCE_TYPE: kind})

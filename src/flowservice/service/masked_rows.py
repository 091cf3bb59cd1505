"""Rows without what is hidden in them: columns of Arrow become null, values of JSON a mark."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as t

from flowservice.domain.dataset_labels import FieldPath

MARK: Final = "********"
"""Stands in JSON in place of a hidden value, as in place of a secret."""

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def masked(rows: Rows, hidden: AbstractSet[FieldPath]) -> Rows:
    """The rows with null in the fields at these paths, whatever lies below them; the columns' types stay.

    Lists have no part in a path. Where a path leads into a value whose fields Arrow does not know (a map, a text), the
    whole value is null. Columns and fields that are not there are passed over. What is not hidden is not copied.
    """
    for place, field in enumerate(rows.schema):
        inside = _below(hidden, field.name)
        if inside:
            column = rows.column(place)
            if isinstance(column, pa.ChunkedArray):
                column = pa.chunked_array(
                    [_without(chunk, inside) for chunk in column.chunks], _type(field.type, inside)
                )
            else:
                column = _without(column, inside)
            # What must have a value elsewhere need not have one here.
            shown = pa.field(field.name, column.type, nullable=True, metadata=field.metadata)
            rows = rows.set_column(place, shown, column)
    return rows


def marked_columns(rows: pa.Table, names: Collection[str]) -> pa.Table:
    """The rows with `MARK` in place of every value of these columns, as text."""
    for place, name in enumerate(rows.schema.names):
        if name in names:
            has_value = pc.is_valid(rows.column(place))
            rows = rows.set_column(place, name, pc.if_else(has_value, MARK, pa.scalar(None, pa.string())))
    return rows


def marked(row: Mapping[str, Any], hidden: AbstractSet[FieldPath]) -> dict[str, Any]:
    """A JSON row with `MARK` in place of every value of the fields at these paths. What is null stays so."""
    return {name: _marked(value, inside) if (inside := _below(hidden, name)) else value for name, value in row.items()}


def _below(hidden: AbstractSet[FieldPath], name: str) -> frozenset[FieldPath]:
    """What of the paths leads into the field, as paths from there; the empty path is the field itself."""
    return frozenset(path[1:] for path in hidden if path[:1] == (name,))


def _marked(value: Any, hidden: frozenset[FieldPath]) -> Any:
    if value is None:
        return None
    if () not in hidden:
        if isinstance(value, Mapping):
            return marked(value, hidden)
        if isinstance(value, list):
            return [_marked(item, hidden) for item in value]
    return MARK


def _without(array: pa.Array, hidden: frozenset[FieldPath]) -> pa.Array:
    kind = _type(array.type, hidden)
    if () not in hidden and t.is_struct(array.type):
        if not kind.num_fields:
            # Arrow makes no struct of no children.
            return array
        children = [
            _without(array.field(at), inside) if (inside := _below(hidden, field.name)) else array.field(at)
            for at, field in enumerate(array.type)
        ]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    if () not in hidden and (t.is_list(array.type) or t.is_large_list(array.type)):
        of = pa.LargeListArray if t.is_large_list(array.type) else pa.ListArray
        # A slice's offsets count from the values of the whole; as an array of their own they may stand with a mask.
        offsets = pc.add(array.offsets, 0)
        return of.from_arrays(offsets, _without(array.values, hidden), type=kind, mask=array.is_null())
    return pa.nulls(len(array), kind)


def _type(kind: pa.DataType, hidden: frozenset[FieldPath]) -> pa.DataType:
    """The type with every hidden field nullable."""
    if () in hidden:
        return kind
    if t.is_struct(kind):
        return pa.struct(
            [
                field.with_type(_type(field.type, inside)).with_nullable(True)
                if (inside := _below(hidden, field.name))
                else field
                for field in kind
            ]
        )
    if t.is_list(kind) or t.is_large_list(kind):
        item = kind.value_field.with_type(_type(kind.value_type, hidden))
        return pa.large_list(item) if t.is_large_list(kind) else pa.list_(item)
    return kind

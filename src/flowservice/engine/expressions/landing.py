"""Results of expressions as the types of a schema: docs/expressions.md, "What lands"."""

from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl
import pyarrow as pa

from flowservice.domain.expressions.kinds import Array, Dictionary, Kind, Moment, Object, Scalar, is_scalar
from flowservice.domain.xdm_arrow import arrow_type
from flowservice.domain.xdm_tree import ArrayField, Leaf, MapField, Node, ObjectField
from flowservice.domain.xdm_types import XdmType
from flowservice.engine.coercion import coerced
from flowservice.engine.expressions.column import (
    Column,
    by_value,
    either,
    field,
    flattened,
    rows_of,
    text,
)
from flowservice.engine.expressions.evaluation import member
from flowservice.engine.expressions.functions import mapping
from flowservice.errors import BadMapping


@dataclass(frozen=True, slots=True)
class Landed:
    """Values in a field's type, and the rows in which some value was lost on the way, at any depth (None: in none)."""

    values: pa.Array
    lost: pl.Series | None = None

    @property
    def lost_rows(self) -> pa.BooleanArray | None:
        """The same as Arrow has it."""
        return arrow_rows(self.lost)


def arrow_rows(lost: pl.Series | None) -> pa.BooleanArray | None:
    """Rows as Arrow has them; None where there are none."""
    return None if lost is None or not lost.any() else _arrow(lost)


def landed(column: Column, node: Node) -> Landed:
    """A full column in the type of a field. What cannot be that becomes null, and is lost.

    Raises BadMapping for a kind that never can, BadSchema where the field can hold nothing.
    """
    match node:
        case Leaf():
            made = _leaf(column, node)
        case ArrayField():
            made = _list(column, node)
        case MapField():
            made = _map(column, node)
        case ObjectField():
            made = _object(column, node)
    return made if column.lost is None else Landed(made.values, either(made.lost, column.lost))


def _leaf(column: Column, leaf: Leaf) -> Landed:
    if not is_scalar(column.kind):
        raise _unfit("a single value", column.kind)
    if column.kind is Scalar.JSON or (isinstance(column.kind, Moment) and leaf.type is XdmType.STRING):
        column = text(column)
    values = coerced(_arrow(column.values), leaf)
    if values.null_count == column.values.null_count():
        return Landed(values)
    return Landed(values, pl.Series(values.is_null()) & column.values.is_not_null())


def _arrow(values: pl.Series) -> pa.Array:
    return values.to_arrow(compat_level=pl.CompatLevel.oldest())


def _unfit(wanted: str, kind: Kind) -> BadMapping:
    held = "a single value" if is_scalar(kind) else "an array" if isinstance(kind, Array) else "an object"
    return BadMapping(
        f"the expression gives {held}, the field takes {wanted}", advice="Map to another field, or convert the result."
    )


def _nulls(column: Column, node: Node) -> Landed:
    return Landed(pa.nulls(len(column.values), arrow_type(node)))


def _list(column: Column, node: ArrayField) -> Landed:
    if column.kind is Scalar.NULL:
        return _nulls(column, node)
    if column.kind is Scalar.JSON:
        column = by_value(column, json_items, Array(Scalar.JSON))
    if not isinstance(column.kind, Array):
        raise _unfit("an array", column.kind)
    items, lens = flattened(column)
    values = landed(items, node.items)
    made = pa.ListArray.from_arrays(_offsets(lens), values.values, mask=_mask(column.values))
    return Landed(made.cast(arrow_type(node)), either(column.lost, _of_rows(values.lost, lens)))


def _of_rows(lost: pl.Series | None, lens: pl.Series) -> pl.Series | None:
    """The rows of which an item was lost."""
    if lost is None or not lost.any():
        return None
    return pl.int_range(len(lens), eager=True).is_in(rows_of(lens).filter(lost).unique().implode())


def _offsets(lens: pl.Series) -> pa.Array:
    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lens.cum_sum().cast(pl.Int64)])
    return _arrow(offsets.cast(pl.Int32))


def _mask(values: pl.Series) -> pa.Array | None:
    return _arrow(values.is_null()) if values.null_count() else None


def json_items(value: str) -> list[str | None]:
    """The items of a JSON array, each as JSON. Raises ValueError for other JSON."""
    held = orjson.loads(value)
    if not isinstance(held, list):
        raise ValueError(type(held).__name__)
    return [None if item is None else orjson.dumps(item).decode() for item in held]


def _map(column: Column, node: MapField) -> Landed:
    if column.kind is Scalar.NULL:
        return _nulls(column, node)
    if is_scalar(column.kind) and column.kind is not Scalar.JSON:
        raise _unfit("a map", column.kind)
    if isinstance(column.kind, Array):
        raise _unfit("a map", column.kind)
    column = mapping(column)
    items, lens = flattened(column)
    assert isinstance(items.kind, Object)
    keys = _arrow(items.values.struct.field("key")).cast(pa.string())
    values = landed(field(items, "value"), node.values)
    offsets: Any = _offsets(lens)
    made = pa.MapArray.from_arrays(offsets, keys, values.values, mask=_mask(column.values))
    return Landed(made.cast(arrow_type(node)), either(column.lost, _of_rows(values.lost, lens)))


def _object(column: Column, node: ObjectField) -> Landed:
    wanted = arrow_type(node)
    if column.kind is Scalar.NULL or wanted is None:
        return Landed(pa.nulls(len(column.values), wanted or pa.null()))
    below = [landed(of, node.fields[name]) for name, of in fields_of(column, [each.name for each in wanted]).items()]
    lost: pl.Series | None = None
    for each in below:
        lost = each.lost if lost is None else either(lost, each.lost)
    made = pa.StructArray.from_arrays([each.values for each in below], fields=list(wanted), mask=_mask(column.values))
    return Landed(made, lost)


def fields_of(column: Column, names: list[str]) -> dict[str, Column]:
    """The fields of objects, maps or JSON objects by these names; null where one is not there.

    Raises BadMapping for a kind that has no fields.
    """
    if isinstance(column.kind, Object):
        return {name: field(column, name) for name in names}
    if column.kind is Scalar.NULL:
        return dict.fromkeys(names, column)
    if column.kind is not Scalar.JSON and not isinstance(column.kind, Dictionary):
        raise _unfit("an object", column.kind)
    return {name: member(column, name, at=0) for name in names}

"""The product's own evaluation, over columns, as tests run it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from flowservice.domain.expressions import kinds as columnar_kinds
from flowservice.domain.expressions.checking import check
from flowservice.domain.expressions.parsing import parse
from flowservice.engine.expressions import Column, Scope, source_column, values
from flowservice.engine.expressions.column import text
from tests.expressions.dates import NOW
from tests.expressions.kinds import NULL, Array, Kind, Object, Shape, of_source

Error = "<error>"


def columnar(expression: str, rows: Sequence[Mapping[str, Any]], shape: Shape) -> list[Any]:
    """The values of an expression over a batch of these rows."""
    tree = parse(expression)
    check(tree)
    columns = {
        name: source_column(pa.array([of_source(row.get(name), kind) for row in rows], arrow_type(kind)))
        for name, kind in shape.items()
    }
    made = values(tree, Scope(len(rows), columns, now=NOW))
    lost = [False] * len(rows) if made.lost is None else made.lost.to_list()
    held = plain(made)
    return [Error if failed else value for failed, value in zip(lost, held, strict=True)]


def arrow_type(kind: Kind) -> pa.DataType:
    """How a source would hold values of a kind."""
    if isinstance(kind, Array):
        return pa.list_(arrow_type(kind.item))
    if isinstance(kind, Object):
        return pa.struct([pa.field(name, arrow_type(field)) for name, field in kind.fields])
    return pa.null() if kind is NULL else pa.string()


def plain(column: Column) -> list[Any]:
    """Results for a comparison: JSON's own values; moments as texts; fields that are null are left out."""
    return [_plain(value, column.kind) for value in column.values.to_list()]


def _plain(value: Any, kind: columnar_kinds.Kind) -> Any:
    if value is None:
        return None
    match kind:
        case columnar_kinds.Moment():
            moment = Column(kind, pl.Series([value], dtype=pl.Datetime("us", "UTC")))
            return text(moment).values[0]
        case columnar_kinds.Scalar.JSON:
            return json.loads(value)
        case columnar_kinds.Array():
            return [_plain(item, kind.of) for item in value]
        case columnar_kinds.Dictionary():
            return {entry["key"]: _plain(entry["value"], kind.of) for entry in value}
        case columnar_kinds.Object():
            fields = {name: _plain(value[name], of) for name, of in kind.fields.items()}
            return {name: held for name, held in fields.items() if held is not None}
        case _:
            return value

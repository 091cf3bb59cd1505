"""Columns of a source as expressions see them: single values as loose text, others as what they are."""

import polars as pl
import pyarrow as pa

from flowservice.domain.expressions.kinds import Array, Kind, Object, Scalar
from flowservice.engine.expressions.column import Column, lists_of
from flowservice.sdk.text import text_of


def source_column(values: pa.Array) -> Column:
    """A column of a batch. Raises TypeError for a type that has no canonical text."""
    if pa.types.is_dictionary(values.type):
        return source_column(values.dictionary_decode())
    series = pl.Series(values)
    kind, loose = _loose(series)
    return Column(kind, loose)


def _loose(values: pl.Series) -> tuple[Kind, pl.Series]:
    dtype = values.dtype
    if dtype == pl.Null:
        return Scalar.NULL, values
    if isinstance(dtype, pl.List | pl.Array):
        lists = values.cast(pl.List(dtype.inner))
        kind, items = _loose(lists.explode(empty_as_null=False, keep_nulls=False))
        # The items alone change: the lists keep their lengths and nulls.
        lens = lists.list.len().fill_null(0)
        return Array(kind), lists_of(items, lens, lists.is_null())
    if isinstance(dtype, pl.Struct):
        fields = {field.name: _loose(values.struct.field(field.name)) for field in dtype.fields}
        kinds = Object({name: kind for name, (kind, _) in fields.items()})
        if not fields:
            return kinds, values
        whole = pl.DataFrame([column.alias(name) for name, (_, column) in fields.items()]).to_struct()
        return kinds, pl.select(pl.when(pl.lit(values.is_not_null())).then(pl.lit(whole))).to_series()
    return Scalar.LOOSE, pl.select(text_of(pl.lit(values), dtype)).to_series()

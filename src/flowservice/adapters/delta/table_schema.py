"""Which Arrow types a Delta table holds, and when one schema fits into another.

Everything is nullable in the table: what is required is checked while mapping, and a column that is added later has
no value in older files.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.types as t

from flowservice.errors import LakeError

_REFUSED: Final = (t.is_unsigned_integer, t.is_null, t.is_time, t.is_duration)
_LANDED: Final = (
    (t.is_timestamp, pa.timestamp("us", "UTC")),
    (t.is_large_string, pa.string()),
    (t.is_string_view, pa.string()),
    (t.is_large_binary, pa.binary()),
    (t.is_fixed_size_binary, pa.binary()),
    (t.is_binary_view, pa.binary()),
    (t.is_date64, pa.date32()),
    (t.is_float16, pa.float32()),
)
"""The kinds of Arrow that land as another type; all others land as they are."""


def landed(schema: pa.Schema) -> pa.Schema:
    """`schema` as Delta holds it: one width a kind, timestamps in UTC us. Raises LakeError naming a column."""
    return pa.schema([pa.field(field.name, _landed(field.type, field.name)) for field in schema])


def landed_rows(rows: pa.Table) -> pa.Table:
    """`rows` as Delta holds them. Raises LakeError naming a column."""
    return rows.cast(landed(rows.schema))


def missing(table: pa.Schema, wanted: pa.Schema) -> tuple[pa.Field, ...]:
    """The columns of `wanted` that `table` lacks, each named by its dotted path, an object by the fields in it.

    Raises LakeError if a column has another type: every one is looked at, so a clash shows behind a missing one.
    """
    return tuple(_missing({field.name: field.type for field in table}, wanted, ""))


def fits(part: pa.Schema, table: pa.Schema, path: str) -> None:
    """Return if a file of schema `part` may join the table. Raises LakeError naming the column that does not fit."""
    if lacking := missing(table, part):
        unknown = ", ".join(sorted(field.name for field in lacking))
        raise LakeError(f"the part {path} has a column that its table lacks: {unknown}")


def _landed(kind: pa.DataType, column: str) -> pa.DataType:
    if t.is_struct(kind):
        return pa.struct([pa.field(child.name, _landed(child.type, f"{column}.{child.name}")) for child in kind])
    if t.is_map(kind):
        return pa.map_(_landed(kind.key_type, f"{column}.key"), _landed(kind.item_type, f"{column}.value"))
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return pa.list_(pa.field("element", _landed(kind.value_type, f"{column}[]")))
    if t.is_dictionary(kind):
        return _landed(kind.value_type, column)
    if any(refused(kind) for refused in _REFUSED):
        raise LakeError(
            f"column {column}: a Delta table has no type for {kind}",
            advice="Give the field of the target schema another type.",
        )
    return next((wanted for is_of, wanted in _LANDED if is_of(kind)), kind)


def _missing(known: Mapping[str, pa.DataType], wanted: Iterable[pa.Field], at: str) -> Iterator[pa.Field]:
    for field in wanted:
        column = f"{at}{field.name}"
        if field.name in known:
            yield from _widening(known[field.name], field.type, column)
        else:
            yield from _leaves(field.type, column)


def _widening(table: pa.DataType, wanted: pa.DataType, column: str) -> Iterator[pa.Field]:
    """What the column lacks to hold `wanted`. Children of lists and maps compare by place, not name."""
    if t.is_struct(table) and t.is_struct(wanted):
        yield from _missing({child.name: child.type for child in table}, wanted, f"{column}.")
    elif t.is_list(table) and t.is_list(wanted):
        yield from _widening(table.value_type, wanted.value_type, f"{column}[]")
    elif t.is_map(table) and t.is_map(wanted):
        yield from _widening(table.key_type, wanted.key_type, f"{column}.key")
        yield from _widening(table.item_type, wanted.item_type, f"{column}.value")
    elif table != wanted:
        raise LakeError(
            f"column {column} is {table} in the table and cannot become {wanted}",
            advice="Land into a new dataset, or restore the field's type in the schema.",
        )


def _leaves(kind: pa.DataType, column: str) -> Iterator[pa.Field]:
    if t.is_struct(kind) and kind.num_fields:
        for child in kind:
            yield from _leaves(child.type, f"{column}.{child.name}")
    else:
        yield pa.field(column, kind)

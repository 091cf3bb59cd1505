"""Which Arrow types a Delta table holds, and when one schema fits into another.

Everything is nullable in the table: what is required is checked while mapping, and a column that is added later has
no value in older files.
"""

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


def missing(table: pa.Schema, wanted: pa.Schema) -> bool:
    """Whether `table` lacks a column of `wanted`, nested ones too. Raises LakeError if one has another type."""
    # A list, not a generator: every column is looked at, so that a clash shows behind a missing one.
    lacks = [
        field.name not in table.names or _lacks(table.field(field.name).type, field.type, field.name)
        for field in wanted
    ]
    return any(lacks)


def fits(part: pa.Schema, table: pa.Schema, path: str) -> None:
    """Return if a file of schema `part` may join the table. Raises LakeError naming the column that does not fit."""
    if missing(table, part):
        unknown = sorted(set(part.names) - set(table.names)) or ["a nested one"]
        raise LakeError(f"the part {path} has a column that its table lacks: {', '.join(unknown)}")


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


def _lacks(table: pa.DataType, wanted: pa.DataType, column: str) -> bool:
    """Whether the column must be widened to hold `wanted`. Children of lists and maps compare by place, not name."""
    if t.is_struct(table) and t.is_struct(wanted):
        known = {child.name: child.type for child in table}
        lacks = [
            child.name not in known or _lacks(known[child.name], child.type, f"{column}.{child.name}")
            for child in wanted
        ]
        return any(lacks)
    if t.is_list(table) and t.is_list(wanted):
        return _lacks(table.value_type, wanted.value_type, f"{column}[]")
    if t.is_map(table) and t.is_map(wanted):
        keys = _lacks(table.key_type, wanted.key_type, f"{column}.key")
        return _lacks(table.item_type, wanted.item_type, f"{column}.value") or keys
    if table != wanted:
        raise LakeError(
            f"column {column} is {table} in the table and cannot become {wanted}",
            advice="Land into a new dataset, or restore the field's type in the schema.",
        )
    return False

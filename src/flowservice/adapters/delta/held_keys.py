"""Which keys the rows of a table have."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

_BATCH_ROWS: Final = 131_072


def held(table: ds.Dataset, keys: pa.Table) -> int:
    """How many rows of `keys`, which are distinct, are keys in `table`. A null equals nothing.

    Each column of `keys` is named by the dotted path of a field, and has its type. Reads these fields of the whole
    table, unless all keys were found before.
    """
    if not all(_has(table.schema, name) for name in keys.column_names):
        return 0
    left = keys
    columns = {name: pc.field(*name.split(".")) for name in keys.column_names}
    for batch in table.to_batches(columns=columns, batch_size=_BATCH_ROWS):
        rows = pa.Table.from_batches([batch])
        left = left.join(rows, keys.column_names, join_type="left anti")
        if not left.num_rows:
            break
    return int(keys.num_rows - left.num_rows)


def _has(schema: pa.Schema, path: str) -> bool:
    """Whether there is a field at the dotted path."""
    fields: Any = schema
    for level in path.split("."):
        index = fields.get_field_index(level)
        if index < 0:
            return False
        kind = fields.field(index).type
        fields = kind if pa.types.is_struct(kind) else pa.struct([])
    return True

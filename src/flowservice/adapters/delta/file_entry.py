"""The entry of a finished part in the Delta log: its size, and statistics that let readers skip the file."""

import json
import re
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as t
from deltalake.transaction import AddAction
from pyarrow import fs

from flowservice.adapters.delta.table_schema import fits
from flowservice.domain.staging import Part
from flowservice.errors import LakeError

# Readers compare bounds as prefixes of at most this many characters; a longer one would have to be cut with care.
_BOUND_LENGTH: Final = 32
_PLAIN_NAME: Final = re.compile(r"[^.]+")


def entry(files: fs.FileSystem, root: str, part: Part, *, table: pa.Schema) -> AddAction:
    """The log entry of `part` in the table at `root`.

    Raises LakeError if the file is not what was recorded, or does not fit the schema `table`; OSError.
    """
    footer = footer_of(files, root, part)
    schema = footer.schema.to_arrow_schema()
    fits(schema, table, part.path)
    written_ns = files.get_file_info(f"{root}/{part.path}").mtime_ns or 0
    return AddAction(
        path=part.path,
        size=part.size_bytes,
        partition_values={},
        modification_time=written_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(_statistics(footer, schema)),
    )


def footer_of(files: fs.FileSystem, root: str, part: Part) -> pq.FileMetaData:
    """What the file of `part` says of itself. Raises LakeError if the file is not what was recorded; OSError."""
    try:
        with files.open_input_file(f"{root}/{part.path}") as file:
            size_bytes, footer = file.size(), pq.read_metadata(file)
    except (FileNotFoundError, pa.ArrowInvalid):
        raise LakeError(f"the staged part {part.path} is missing or broken", advice="Run the flow again.") from None
    if (size_bytes, footer.num_rows) != (part.size_bytes, part.rows):
        raise LakeError(f"the staged part {part.path} is not what was recorded", advice="Run the flow again.")
    return footer


def _statistics(footer: pq.FileMetaData, schema: pa.Schema) -> dict[str, Any]:
    """`numRecords`, and for plain top-level columns the count of nulls and, where exact and short, the bounds."""
    nulls: dict[str, int] = {}
    lowest: dict[str, Any] = {}
    highest: dict[str, Any] = {}
    for leaf in range(footer.num_columns):
        name = footer.schema.column(leaf).path
        if not _PLAIN_NAME.fullmatch(name) or t.is_nested(schema.field(name).type):
            continue
        chunks = [footer.row_group(group).column(leaf).statistics for group in range(footer.num_row_groups)]
        if any(chunk is None or not chunk.has_null_count for chunk in chunks):
            continue
        nulls[name] = sum(chunk.null_count for chunk in chunks)
        filled = [chunk for chunk in chunks if chunk.num_values]
        # Floats have no order around NaN, and timestamps would need rounding to the log's milliseconds.
        if filled and _has_exact_bounds(schema.field(name).type) and all(chunk.has_min_max for chunk in filled):
            bounds = min(chunk.min for chunk in filled), max(chunk.max for chunk in filled)
            if all(len(str(bound)) <= _BOUND_LENGTH for bound in bounds):
                lowest[name], highest[name] = map(_json, bounds)
    return {"numRecords": footer.num_rows, "minValues": lowest, "maxValues": highest, "nullCount": nulls}


def _has_exact_bounds(kind: pa.DataType) -> bool:
    return bool(t.is_integer(kind) or t.is_string(kind) or t.is_date32(kind))


def _json(bound: int | str | date) -> int | str:
    return bound.isoformat() if isinstance(bound, date) else bound

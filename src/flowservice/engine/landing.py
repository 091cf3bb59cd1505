"""The tables' own columns: what the engine adds to mapped and to rejected rows."""

from datetime import datetime
from typing import Final

import pyarrow as pa

from flowservice.domain.run import Run
from flowservice.domain.write_mode import WriteMode
from flowservice.engine.row_mapper import REJECTS

SYSTEM_COLUMN: Final = "_flowservice"
_INSTANT: Final = pa.timestamp("us", "UTC")
_SYSTEM: Final = pa.struct([("batchId", pa.string()), ("ingestedAt", _INSTANT)])
_ORIGIN: Final = pa.schema(
    [
        ("runId", pa.string()),
        ("batchId", pa.string()),
        ("flowId", pa.string()),
        ("mappingVersion", pa.int32()),
        ("split", pa.int32()),
        ("ingestedAt", _INSTANT),
    ]
)

VERSION_COLUMN: Final = "_flowservice_version"
"""Of rows on their way to be upserted, and of no table: the time in the delta column, by which the last one wins."""
_VERSION: Final = pa.field(VERSION_COLUMN, _INSTANT)

QUARANTINE: Final = pa.schema([*REJECTS, *_ORIGIN])
"""Schema of a quarantine table."""


def data_schema(rows: pa.Schema) -> pa.Schema:
    """The schema of a data table whose mapped rows have the schema `rows`."""
    return rows.append(pa.field(SYSTEM_COLUMN, _SYSTEM))


def data_rows(rows: pa.Table, run: Run, *, at: datetime) -> pa.Table:
    """Mapped rows with the system column."""
    system = pa.scalar({"batchId": run.batch_id, "ingestedAt": at}, _SYSTEM)
    return rows.append_column(pa.field(SYSTEM_COLUMN, _SYSTEM), pa.repeat(system, rows.num_rows))


def staged_schema(rows: pa.Schema, mode: WriteMode) -> pa.Schema:
    """The schema of the parts of a run: that of its table, and for upserts the version."""
    return data_schema(rows).append(_VERSION) if mode.is_upsert else data_schema(rows)


def versioned(rows: pa.Table, versions: pa.Array | None) -> pa.Table:
    """Rows with the version of each; None: they have none."""
    column = pa.nulls(rows.num_rows, _INSTANT) if versions is None else versions.cast(_INSTANT)
    return rows.append_column(_VERSION, column)


def rejected_rows(rejects: pa.Table, run: Run, *, mapping_version: int, split: int, at: datetime) -> pa.Table:
    """Rejected rows with where they come from."""
    values = (run.id, run.batch_id, run.flow_id, mapping_version, split, at)
    origin = [
        pa.repeat(pa.scalar(value, field.type), rejects.num_rows) for value, field in zip(values, _ORIGIN, strict=True)
    ]
    return pa.Table.from_arrays([*rejects.select(REJECTS.names).columns, *origin], schema=QUARANTINE)

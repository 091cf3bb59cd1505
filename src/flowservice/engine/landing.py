"""The tables' own columns: what the engine adds to mapped and to rejected rows."""

from datetime import datetime
from typing import Final

import pyarrow as pa

from flowservice.domain.run import Run
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

QUARANTINE: Final = pa.schema([*REJECTS, *_ORIGIN])
"""Schema of a quarantine table."""


def data_schema(rows: pa.Schema) -> pa.Schema:
    """The schema of a data table whose mapped rows have the schema `rows`."""
    return rows.append(pa.field(SYSTEM_COLUMN, _SYSTEM))


def data_rows(rows: pa.Table, run: Run, *, at: datetime) -> pa.Table:
    """Mapped rows with the system column."""
    system = pa.scalar({"batchId": run.batch_id, "ingestedAt": at}, _SYSTEM)
    return rows.append_column(pa.field(SYSTEM_COLUMN, _SYSTEM), pa.repeat(system, rows.num_rows))


def rejected_rows(rejects: pa.Table, run: Run, *, mapping_version: int, split: int, at: datetime) -> pa.Table:
    """Rejected rows with where they come from."""
    values = (run.id, run.batch_id, run.flow_id, mapping_version, split, at)
    origin = [
        pa.repeat(pa.scalar(value, field.type), rejects.num_rows) for value, field in zip(values, _ORIGIN, strict=True)
    ]
    return pa.Table.from_arrays([*rejects.select(REJECTS.names).columns, *origin], schema=QUARANTINE)

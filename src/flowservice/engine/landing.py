"""The tables' own columns: what the engine adds to mapped and to rejected rows."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.dataset import SYSTEM_COLUMN
from flowservice.domain.quarantine import Told, row_id
from flowservice.domain.run import Run
from flowservice.domain.write_mode import WriteMode
from flowservice.engine.row_mapper import REJECTS
from flowservice.sdk import to_text

_INSTANT: Final = pa.timestamp("us", "UTC")
_SYSTEM: Final = pa.struct([("batchId", pa.string()), ("ingestedAt", _INSTANT)])

ORIGIN: Final = pa.schema(
    [
        ("runId", pa.string()),
        ("split", pa.int32()),
        ("rowId", pa.string()),
        ("key", pa.string()),
        ("deltaTime", _INSTANT),
    ]
)
"""What a rejected row keeps for ever: the run that read it and where, its name, its key at the source as JSON, and its
time in the delta column."""
_TELLING: Final = pa.schema(
    [
        ("state", pa.string()),
        ("runNumber", pa.int64()),
        ("replayRunId", pa.string()),
        ("batchId", pa.string()),
        ("flowId", pa.string()),
        ("mappingVersion", pa.int32()),
        ("ingestedAt", _INSTANT),
    ]
)
"""What the run that writes a line says: the one that read the row, or one that replayed it. The last line counts."""

VERSION_COLUMN: Final = "_flowservice_version"
"""Of rows on their way to be upserted, and of no table: the time in the delta column, by which the last one wins."""
_VERSION: Final = pa.field(VERSION_COLUMN, _INSTANT)

QUARANTINE: Final = pa.schema([*REJECTS, *ORIGIN, *_TELLING])
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


def origin_of(
    rows: pa.RecordBatch, times: pa.Array | None, run: Run, *, split: int, first: int, key: Sequence[str]
) -> pa.Table:
    """The origin of rows that `run` has just rejected, the first of them being the split's reject number `first`."""
    count = rows.num_rows
    columns = [
        pa.repeat(pa.scalar(run.id, pa.string()), count),
        pa.repeat(pa.scalar(split, pa.int32()), count),
        pa.array([row_id(run.id, split, number) for number in range(first, first + count)], pa.string()),
        _keys(rows, key),
        pa.nulls(count, _INSTANT) if times is None else times.cast(_INSTANT),
    ]
    return pa.Table.from_arrays(columns, schema=ORIGIN)


def quarantined(
    rejects: pa.Table, origin: pa.Table, run: Run, *, told: Told, mapping_version: int, at: datetime
) -> pa.Table:
    """Lines of quarantine: rejected rows, where they come from, and what `run` says of them."""
    replays = run.id if run.replays is not None else None
    values = (told.value, run.number, replays, run.batch_id, run.flow_id, mapping_version, at)
    telling = [
        pa.repeat(pa.scalar(value, field.type), rejects.num_rows) for value, field in zip(values, _TELLING, strict=True)
    ]
    columns = [*rejects.select(REJECTS.names).columns, *origin.select(ORIGIN.names).columns, *telling]
    return pa.Table.from_arrays(columns, schema=QUARANTINE)


def _keys(rows: pa.RecordBatch, key: Sequence[str]) -> pa.Array:
    """The values of the key columns of each row, as a JSON object of texts; null where the source names none."""
    known = [name for name in key if name in rows.schema.names]
    if not known:
        return pa.nulls(rows.num_rows, pa.string())
    texts = [to_text(_plain(rows.column(name))).to_pylist() for name in known]
    return pa.array(
        [json.dumps(dict(zip(known, values, strict=True)), ensure_ascii=False) for values in zip(*texts, strict=True)],
        pa.string(),
    )


def _plain(values: pa.Array) -> pa.Array:
    return pc.dictionary_decode(values) if pa.types.is_dictionary(values.type) else values

"""Which rows of a batch pass a run's row filter and lie in its window."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.domain.run import Tally
from flowservice.domain.window import DeltaColumn, Late, Window
from flowservice.engine.delta_times import times
from flowservice.sdk import RowFilter, passing

NO_VALUE: Final = "delta-column-empty"
"""Code of rows whose delta column is null or missing."""
NO_TIME: Final = "delta-column-unreadable"
"""Code of rows whose delta column holds something that is no time."""
TOO_LATE: Final = "delta-column-late"
"""Code of rows that were written after the window of their time was decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The rows of a batch that a run wants; how many do not pass its filter or lie outside its window; and those that
    lie in no window, by reason."""

    rows: pa.RecordBatch
    outside: int = 0
    skipped: tuple[Tally, ...] = ()
    times: pa.Array | None = None
    """Of each row, by the delta column: microseconds, UTC; None where no window is asked for."""
    earlier: pa.Table | None = None
    """Of each row, the line that quarantine has; None for rows of a source."""


def selected(
    batch: pa.RecordBatch, window: Window | None, wanted: RowFilter | None = None, late: Late | None = None
) -> Selected:
    """The rows that pass `wanted` and lie in `window` (None: all), in their order.

    A row without a time in its delta column is in no window, and told of if it passes, as is one that came `late`:
    whether the source leaves out the others itself plays no part.
    """
    read = batch.num_rows
    if wanted is not None:
        batch = batch.filter(passing(batch, wanted))
    if window is None:
        return Selected(rows=batch, outside=read - batch.num_rows)
    name = window.column.name
    index = batch.schema.get_field_index(name)
    values = pa.nulls(batch.num_rows) if index < 0 else batch.column(index)
    moments = times(values, window.column)
    inside = moments.is_not_null()
    if window.start is not None:
        inside &= (moments >= _naive(window.start)).fill_null(value=False)
    if window.end is not None:
        inside &= (moments < _naive(window.end)).fill_null(value=False)
    timeless, empty = moments.null_count(), values.null_count
    tallies = (
        Tally(code=NO_VALUE, field=name, message="the delta column is empty: the row is in no window", count=empty),
        Tally(
            code=NO_TIME,
            field=name,
            message="the delta column holds no time: the row is in no window",
            count=timeless - empty,
        ),
        Tally(
            code=TOO_LATE,
            field=name,
            message="the row was written or changed after the window of its time was read: it lands in none",
            count=_late(batch, moments, window.start, late),
        ),
    )
    chosen = inside.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.bool_())
    rows = batch.filter(chosen)
    return Selected(
        rows=rows,
        outside=read - rows.num_rows - sum(tally.count for tally in tallies),
        skipped=tuple(tally for tally in tallies if tally.count),
        times=moments.to_arrow(compat_level=pl.CompatLevel.oldest()).filter(chosen),
    )


def _late(batch: pa.RecordBatch, moments: pl.Series, start: datetime | None, late: Late | None) -> int:
    """How many rows lie before the window's start and were written late."""
    index = batch.schema.get_field_index(late.column) if late is not None else -1
    if late is None or start is None or index < 0:
        return 0
    written = times(batch.column(index), DeltaColumn(name=late.column))
    return int(((moments < _naive(start)) & (written >= _naive(late.since))).sum())


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)

"""Which rows of a batch pass a run's row filter and lie in its window."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.domain.run import Tally
from flowservice.domain.window import Window
from flowservice.engine.delta_times import times
from flowservice.sdk import RowFilter, passing

NO_VALUE: Final = "delta-column-empty"
"""Code of rows whose delta column is null or missing."""
NO_TIME: Final = "delta-column-unreadable"
"""Code of rows whose delta column holds something that is no time."""


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


def selected(batch: pa.RecordBatch, window: Window | None, wanted: RowFilter | None = None) -> Selected:
    """The rows that pass `wanted` and lie in `window` (None: all), in their order.

    A row without a time in its delta column is in no window, and told of if it passes: whether the source leaves out
    the others itself plays no part.
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
    )
    chosen = inside.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.bool_())
    rows = batch.filter(chosen)
    return Selected(
        rows=rows,
        outside=read - rows.num_rows - timeless,
        skipped=tuple(tally for tally in tallies if tally.count),
        times=moments.to_arrow(compat_level=pl.CompatLevel.oldest()).filter(chosen),
    )


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)

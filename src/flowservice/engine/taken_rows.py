"""The first rows that a run would take, and what became of them: counted, and a few of them kept to be shown."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.dry_run import Cut, Reject, ShownRow
from flowservice.domain.run import Counts, Tally, merged
from flowservice.engine.plan import Plan
from flowservice.engine.row_mapper import REJECTS, Mapped, RowMapper
from flowservice.engine.windowing import Selected, selected
from flowservice.sdk import Batch

_SHOWN_ROWS: Final = 20
_SHOWN_REJECTS: Final = 100
_SHOWN_BYTES: Final = 2**20
"""Of rows and of rejects, each, and one more: a single row may have as much."""
_MOST_BYTES: Final = 64 * 2**20
"""Of Arrow data that a run would take."""


@dataclass(slots=True, kw_only=True)
class TakenRows:
    """Grows by batches until `cut` says why it has enough. Not shared between threads."""

    plan: Plan
    mapper: RowMapper
    wanted: int
    """Rows that pass the filter and lie in the window."""
    cut: Cut | None = None
    counts: Counts = field(default_factory=Counts)
    """Rows that the mapper lets pass count as written."""
    shown: list[ShownRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    warnings: tuple[Tally, ...] = ()
    rejections: tuple[Tally, ...] = ()
    skipped: tuple[Tally, ...] = ()
    _keys: list[pa.Table] = field(default_factory=list)
    _taken: int = 0
    _taken_bytes: int = 0
    _shown_bytes: int = 0
    _rejected_bytes: int = 0

    @property
    def keys(self) -> pa.Table:
        """The distinct keys of the rows that would be upserted; a column for each key field, named by its path."""
        names = list(self.plan.mode.keys)
        return (
            pa.concat_tables([_keys(self.mapper.schema.empty_table(), names), *self._keys])
            .group_by(names)
            .aggregate([])
        )

    def leave_off(self) -> None:
        """Take no more: the time is up."""
        self.cut = self.cut or Cut.TIME

    def add(self, batch: Batch) -> None:
        """Take what there is room for: rows after the last one that is wanted are left unread."""
        rows, left = batch.rows, self.wanted - self._taken
        if not left and rows.num_rows:
            self.cut = Cut.ROWS
            return
        taken = self._selected(rows)
        if taken.rows.num_rows > left:
            self.cut = Cut.ROWS
            rows = rows.slice(0, self._length(rows, left))
            taken = self._selected(rows)
        self._taken += taken.rows.num_rows
        self._taken_bytes += taken.rows.nbytes
        skipped = taken.outside + sum(tally.count for tally in taken.skipped)
        self.counts += Counts(read=rows.num_rows, filtered=skipped, input_bytes=batch.wire_bytes)
        self.skipped = merged((*self.skipped, *taken.skipped))
        if taken.rows.num_rows:
            self._keep(taken.rows, self.mapper.apply(taken.rows))
        if self._taken_bytes >= _MOST_BYTES and self.cut is None:
            self.cut = Cut.SIZE

    def _selected(self, rows: pa.RecordBatch) -> Selected:
        return selected(rows, self.plan.window, self.plan.filter, self.plan.late)

    def _length(self, rows: pa.RecordBatch, wanted: int) -> int:
        """How many of the first of `rows` have so many that a run takes. What becomes of a row is its own affair."""
        lengths = range(rows.num_rows + 1)
        return bisect_left(lengths, wanted, key=lambda length: self._selected(rows.slice(0, length)).rows.num_rows)

    def _keep(self, rows: pa.RecordBatch, mapped: Mapped) -> None:
        self.counts += Counts(
            rejected=mapped.rejects.num_rows,
            written=mapped.rows.num_rows,
            warnings=sum(tally.count for tally in mapped.warnings),
        )
        self.warnings = merged((*self.warnings, *mapped.warnings))
        self.rejections = merged((*self.rejections, *mapped.rejections))
        self._show(rows if mapped.kept is None else rows.filter(mapped.kept), mapped.rows)
        self._show_rejects(mapped.rejects)
        if self.plan.mode.is_upsert:
            self._keys.append(_keys(mapped.rows, self.plan.mode.keys))

    def _show(self, before: pa.RecordBatch, after: pa.Table) -> None:
        for at in range(min(before.num_rows, _SHOWN_ROWS - len(self.shown))):
            if self._shown_bytes >= _SHOWN_BYTES:
                return
            came, goes = before.slice(at, 1), after.slice(at, 1)
            self._shown_bytes += came.nbytes + goes.nbytes
            self.shown.append(ShownRow(before=_row(came), after=_row(goes)))

    def _show_rejects(self, rejects: pa.Table) -> None:
        for row in rejects.slice(0, _SHOWN_REJECTS - len(self.rejects)).select(REJECTS.names).to_pylist():
            if self._rejected_bytes >= _SHOWN_BYTES:
                return
            self._rejected_bytes += len(row["row"])
            self.rejects.append(Reject(**{**row, "row": json.loads(row["row"])}))


def _row(rows: pa.RecordBatch | pa.Table) -> dict[str, Any]:
    """The one row there is; maps as objects. Of a key that comes twice the last value counts."""
    found: dict[str, Any] = rows.to_pylist(maps_as_pydicts="lossy")[0]
    return found


def _keys(rows: pa.Table, paths: Sequence[str]) -> pa.Table:
    """The fields at these dotted paths, as columns of those names."""
    return pa.table({path: _at(rows, path) for path in paths})


def _at(rows: pa.Table, path: str) -> pa.ChunkedArray:
    column, *below = path.split(".")
    values = rows.column(column)
    for name in below:
        values = pc.struct_field(values, name)
    return values

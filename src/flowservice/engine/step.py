"""A step of a split: the parts that grow until they are recorded together with the place to read on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.dataset import Dataset, TableRef
from flowservice.domain.quarantine import Told
from flowservice.domain.run import Counts, Run, Tally, merged
from flowservice.domain.staging import Part, SplitProgress, Staged, run_folder
from flowservice.domain.write_mode import WriteMode
from flowservice.engine.landing import QUARANTINE, data_rows, origin_of, quarantined, staged_schema, versioned
from flowservice.engine.row_mapper import Mapped
from flowservice.engine.windowing import Selected
from flowservice.ports.lake import Lake, PartWriter
from flowservice.sdk import Batch

_GROUP_ROWS: Final = 16 * 2**10
_GROUP_BYTES: Final = 16 * 2**20
_READERS: Final = 4
"""So many may each fill a row group; more share what they may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLimits:
    """When a part is finished, and how much waits in memory before it is written as one row group."""

    part_rows: int = 250_000
    part_bytes: int = 128 * 2**20
    """Of Arrow data; the file is several times smaller."""
    part_time: timedelta = timedelta(minutes=5)
    """However little has come by then: so much reading is repeated after a crash at most."""
    group_rows: int = _GROUP_ROWS
    group_bytes: int = _GROUP_BYTES

    @classmethod
    def of(cls, *, part_rows: int, readers: int) -> "PartLimits":
        """Limits for so many readers of a run, who share what may wait in memory."""
        share = min(1.0, _READERS / readers)
        return cls(part_rows=part_rows, group_rows=int(share * _GROUP_ROWS), group_bytes=int(share * _GROUP_BYTES))


_READ_FOR_NOTHING: Final = 4
"""Times the rows of a part: that many rows read are recorded, also when few of them are wanted."""


@dataclass(slots=True, kw_only=True)
class Step:
    """Fills at most one part of mapped rows and one of rejected rows. Not shared between threads."""

    run: Run
    dataset: Dataset
    rows_schema: pa.Schema
    mapping_version: int
    mode: WriteMode
    lake: Lake
    progress: SplitProgress
    limits: PartLimits
    row_key: tuple[str, ...] = ()
    """Columns of the source's key."""
    at: datetime
    """When it began, and what the rows say about when they came."""
    _data: "_Stream" = field(init=False)
    _rejects: "_Stream" = field(init=False)
    _counts: Counts = field(init=False, default=Counts())
    _warnings: list[Tally] = field(init=False, default_factory=list)
    _rejections: list[Tally] = field(init=False, default_factory=list)
    _skipped: list[Tally] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        # Attempts have numbers of their own, and each records its steps in order: a name is never used twice.
        progress = self.progress
        name = f"{run_folder(self.run.id)}{progress.number}-{progress.attempt}-{len(progress.staged)}.parquet"
        schema = staged_schema(self.rows_schema, self.mode)
        self._data = _Stream(self.lake, self.dataset.table, name, schema, self.limits)
        self._rejects = _Stream(self.lake, self.dataset.quarantine, name, QUARANTINE, self.limits)

    def is_full(self, now: datetime) -> bool:
        """Whether the parts have reached a limit, or so much was read that reading it again would be a pity.

        It may hold no rows then: finding that there are none takes hours in a large table.
        """
        rows = self._data.rows + self._rejects.rows
        return (
            rows >= self.limits.part_rows
            or self._data.size + self._rejects.size >= self.limits.part_bytes
            or self._counts.read >= _READ_FOR_NOTHING * self.limits.part_rows
            or now - self.at >= self.limits.part_time
        )

    def add(self, batch: Batch, selected: Selected, mapped: Mapped | None) -> None:
        """Take what became of `batch`; None: no row of it was selected. Raises LakeUnavailable."""
        skipped = selected.outside + sum(tally.count for tally in selected.skipped)
        self._counts += Counts(read=batch.rows.num_rows, filtered=skipped, input_bytes=batch.wire_bytes)
        self._skipped[:] = merged([*self._skipped, *selected.skipped])
        if mapped is not None:
            self._keep(mapped, selected)

    @property
    def rejected(self) -> int:
        """How many rows of the split were rejected so far, in earlier steps too."""
        return self._counts.rejected + self.progress.rejected

    def _keep(self, mapped: Mapped, selected: Selected) -> None:
        times = selected.times
        rows = data_rows(mapped.rows, self.run, at=self.at)
        if self.mode.is_upsert:
            rows = versioned(rows, times if times is None or mapped.kept is None else times.filter(mapped.kept))
        self._data.write(rows)
        if mapped.kept is not None and mapped.rejects.num_rows:
            refused = pc.invert(mapped.kept)
            self._tell(mapped.rejects, self._origin(selected, refused), Told.REJECTED)
        if selected.earlier is not None:
            passed = selected.earlier if mapped.kept is None else selected.earlier.filter(mapped.kept)
            self._tell(passed, passed, Told.REPLAYED)
        self._counts += Counts(
            rejected=mapped.rejects.num_rows,
            written=mapped.rows.num_rows,
            warnings=sum(tally.count for tally in mapped.warnings),
        )
        # Merged at once: there are few kinds of trouble, but there may be many batches.
        self._warnings[:] = merged([*self._warnings, *mapped.warnings])
        self._rejections[:] = merged([*self._rejections, *mapped.rejections])

    def _origin(self, selected: Selected, refused: pa.BooleanArray) -> pa.Table:
        if selected.earlier is not None:
            return selected.earlier.filter(refused)
        times = None if selected.times is None else selected.times.filter(refused)
        rows, split = selected.rows.filter(refused), self.progress.number
        return origin_of(rows, times, self.run, split=split, first=self.rejected, key=self.row_key)

    def _tell(self, rejects: pa.Table, origin: pa.Table, told: Told) -> None:
        version = self.mapping_version
        self._rejects.write(quarantined(rejects, origin, self.run, told=told, mapping_version=version, at=self.at))

    def finished(self, resume: Mapping[str, Any] | None) -> Staged:
        """Close the parts, safe on disk. Raises LakeUnavailable."""
        data, rejects = self._data.closed(), self._rejects.closed()
        return Staged(
            data=data,
            rejects=rejects,
            counts=replace(
                self._counts,
                output_bytes=data.size_bytes if data else 0,
                output_files=1 if data else 0,
            ),
            warnings=tuple(self._warnings),
            rejections=tuple(self._rejections),
            skipped=tuple(self._skipped),
            resume=resume,
        )

    def abandon(self) -> None:
        """Give up what is not finished."""
        self._data.abandon()
        self._rejects.abandon()

    def discard(self) -> None:
        """Remove what is finished, and certainly was not recorded."""
        self._data.discard()
        self._rejects.discard()


@dataclass(slots=True)
class _Stream:
    """Rows on their way into one part. The file is started by the first row group: no rows, no file."""

    lake: Lake
    table: TableRef
    name: str
    schema: pa.Schema
    limits: PartLimits
    rows: int = 0
    size: int = 0
    _waiting: list[pa.Table] = field(default_factory=list)
    _waiting_rows: int = 0
    _waiting_bytes: int = 0
    _writer: PartWriter | None = None
    _finished: PartWriter | None = None

    def write(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        self._waiting_bytes += rows.nbytes
        self.rows += rows.num_rows
        self.size += rows.nbytes
        if self._waiting_rows >= self.limits.group_rows or self._waiting_bytes >= self.limits.group_bytes:
            self._write_group()

    def closed(self) -> Part | None:
        self._write_group()
        if self._writer is None:
            return None
        part = self._writer.close()
        self._finished, self._writer = self._writer, None
        return part

    def abandon(self) -> None:
        self._waiting.clear()
        if self._writer is not None:
            self._writer.abandon()

    def discard(self) -> None:
        if self._finished is not None:
            self._finished.abandon()

    def _write_group(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            self._writer = self.lake.writer(self.table, self.name, self.schema)
        self._writer.write(pa.concat_tables(self._waiting))
        self._waiting.clear()
        self._waiting_rows = self._waiting_bytes = 0

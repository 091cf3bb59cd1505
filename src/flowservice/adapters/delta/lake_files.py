"""Files in the folders of tables as bytes, and files made of rows of a table."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from pyarrow import fs

from flowservice.adapters.delta.lake import path_of
from flowservice.adapters.delta.part_file import PartFile
from flowservice.adapters.delta.storage import Storage, refusing
from flowservice.domain.dataset import TableRef
from flowservice.errors import LakeError
from flowservice.ports.lake import MADE, Marked, StoredFile

_PIECE_BYTES: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 8
_READ_ROWS: Final = 16_384
_AHEAD: Final = 4
"""Batches that are read before they are asked for: each may be large."""
_GROUP_ROWS: Final = 131_072
_GROUP_BYTES: Final = 64 * 1024 * 1024
"""A row group of a made file is written once it has so many rows or bytes: it is in memory until then."""


@dataclass(frozen=True, slots=True)
class DeltaFiles:
    """Fills ports.lake.LakeFiles in `storage`, beside DeltaLake."""

    storage: Storage

    def find(self, table: TableRef, path: str) -> StoredFile | None:
        """The file there; None if there is none, or no table. Raises LakeUnavailable."""
        if {"", ".", ".."} & set(path.split("/")):
            return None
        folder = path_of(table)
        with refusing(self.storage):
            if not self.storage.may_hold_table(folder):
                return None
            info = self.storage.filesystem.get_file_info(f"{folder}/{path}")
        if info.type is not fs.FileType.File:
            return None
        modified_at = datetime.fromtimestamp((info.mtime_ns or 0) / 1e9, UTC)
        return StoredFile(path=path, size_bytes=info.size, modified_at=modified_at)

    def read(self, table: TableRef, path: str, *, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file from `start` up to `end`. Raises LakeUnavailable, also later."""
        with refusing(self.storage):
            file = self._opened(f"{path_of(table)}/{path}")
        return self._pieces(file, start, end)

    def counts(self, table: TableRef, paths: Sequence[str], rows: Marked) -> Sequence[int]:
        """How many of these rows each of the Parquet files holds. Raises LakeUnavailable."""
        count = partial(self._count, path_of(table), rows)
        with refusing(self.storage), ThreadPoolExecutor(_AT_ONCE) as looking:
            return list(looking.map(count, paths))

    def make(
        self,
        table: TableRef,
        path: str,
        paths: Sequence[str],
        rows: Marked,
        *,
        schema: pa.Schema,
        change: Callable[[pa.Table], pa.Table],
    ) -> StoredFile:
        """The Parquet file `path` below `MADE`, made of these rows if it is not there. Raises LakeUnavailable."""
        known = self.find(table, MADE + path)
        if known is None:
            writer = PartFile(self.storage, path_of(table), MADE + path, change(schema.empty_table()).schema)
            try:
                with refusing(self.storage):
                    for group in _groups_of(self._rows(path_of(table), paths, rows, schema)):
                        writer.write(change(group))
                known = self.find(table, writer.close().path)
                if known is None:
                    # The table was removed meanwhile, and nobody would find the file again.
                    raise self.storage.refused(FileNotFoundError(2, "the table is gone"))
            except BaseException:
                writer.abandon()
                raise
        return known

    def _opened(self, path: str) -> Any:
        return self.storage.filesystem.open_input_file(path)

    def _pieces(self, file: Any, start: int, end: int) -> Iterator[bytes]:
        with refusing(self.storage), file:
            file.seek(start)
            while start < end:
                piece = file.read(min(_PIECE_BYTES, end - start))
                if not piece:
                    raise OSError(5, "a file ended before its end")
                start += len(piece)
                yield piece

    def _count(self, folder: str, rows: Marked, path: str) -> int:
        with _sound(), self._opened(f"{folder}/{path}") as file, pq.ParquetFile(file) as parquet:
            groups = _groups_with(parquet.metadata, rows)
            if not groups:
                return 0
            read = parquet.iter_batches(row_groups=groups, columns=[rows.column])
            return sum(pc.sum(_are_marked(batch, rows)).as_py() or 0 for batch in read)

    def _rows(self, folder: str, paths: Sequence[str], rows: Marked, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """In the order of the files' names, and that in which they stand."""
        parquet, filesystem = pads.ParquetFileFormat(), self.storage.filesystem
        fragments = []
        for path in (f"{folder}/{name}" for name in sorted(paths)):
            with _sound(), self._opened(path) as file:
                groups = _groups_with(pq.read_metadata(file), rows)
            if groups:
                fragments.append(parquet.make_fragment(path, filesystem=filesystem, row_groups=groups))
        found = pads.FileSystemDataset(fragments, schema, parquet, filesystem)
        scanner = found.scanner(batch_size=_READ_ROWS, batch_readahead=_AHEAD, fragment_readahead=1)
        with _sound():
            for batch in scanner.to_batches():
                yield batch.filter(_are_marked(batch, rows))


@contextmanager
def _sound() -> Iterator[None]:
    """For as long as files of a table are read. Raises LakeError for one that is broken."""
    try:
        yield
    except pa.ArrowInvalid:
        # Its text may quote what stands in the file.
        raise LakeError(
            "a file of the table is broken", advice="Restore it from a backup, or land its rows again."
        ) from None


def _groups_with(footer: pq.FileMetaData, rows: Marked) -> list[int]:
    """The row groups that may hold such rows: a file that was put together of many batches has each in few of them."""
    leaf = next((at for at in range(footer.num_columns) if footer.schema.column(at).path == rows.column), None)
    if leaf is None:
        return []
    groups = range(footer.num_row_groups)
    return [at for at in groups if _may_hold(footer.row_group(at).column(leaf).statistics, rows.value)]


def _may_hold(statistics: pq.Statistics | None, value: str) -> bool:
    if statistics is None or not statistics.has_min_max or not isinstance(statistics.min, str):
        return True
    return bool(statistics.min <= value <= statistics.max)


def _are_marked(batch: pa.RecordBatch, rows: Marked) -> pa.BooleanArray:
    top, *steps = rows.column.split(".")
    values = batch.column(top)
    for step in steps:
        values = pc.struct_field(values, step)
    # Delta's own writer leaves texts as views, which Arrow does not compare with texts.
    return pc.fill_null(pc.equal(values.cast(pa.string()), rows.value), False)


def _groups_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together as they are written."""
    waiting: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size_bytes += batch.nbytes
        if rows >= _GROUP_ROWS or size_bytes >= _GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, rows, size_bytes = [], 0, 0
    if rows:
        yield pa.Table.from_batches(waiting)

"""A part: one Parquet file that grows under a temporary name and appears under its own when it is whole."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from flowservice.adapters.delta.table_schema import landed
from flowservice.domain.staging import Part
from flowservice.errors import LakeUnavailable

UNFINISHED: Final = ".unfinished"
"""Ending of a file that is still being written."""


@dataclass(slots=True)
class PartFile:
    """Fills ports.lake.PartWriter. Each `write` becomes one row group."""

    root: Path
    name: str
    schema: pa.Schema
    _writer: pq.ParquetWriter = field(init=False)
    _rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.schema = landed(self.schema)
        try:
            self._unfinished.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._unfinished, self.schema, compression="zstd")
        except OSError as error:
            raise unavailable(error, self.root) from error

    @property
    def _unfinished(self) -> Path:
        return self.root / f"{self.name}{UNFINISHED}"

    def write(self, rows: pa.Table) -> None:
        """Append one row group of rows. Raises LakeUnavailable."""
        if not rows.num_rows:
            return
        fitting = rows if rows.schema.equals(self.schema) else rows.cast(self.schema)
        try:
            self._writer.write_table(fitting, row_group_size=rows.num_rows)
        except OSError as error:
            raise unavailable(error, self.root) from error
        self._rows += rows.num_rows

    def close(self) -> Part:
        """Finish the file, safe on disk under its own name. Raises LakeUnavailable."""
        path = self.root / self.name
        try:
            self._writer.close()
            _flush(self._unfinished)
            self._unfinished.rename(path)
            # The new name is safe only once its directory is, and that one's entry in the table's.
            _flush(path.parent)
            _flush(self.root)
            size_bytes = path.stat().st_size
        except OSError as error:
            raise unavailable(error, self.root) from error
        return Part(path=self.name, rows=self._rows, size_bytes=size_bytes)

    def abandon(self) -> None:
        """Give up: remove what was written, finished or not."""
        # A full disk fails the close too; what matters is that the file goes.
        with suppress(OSError):
            self._writer.close()
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)
            (self.root / self.name).unlink(missing_ok=True)


def unavailable(error: OSError, root: Path) -> LakeUnavailable:
    """What the operating system refused, as an error that may pass."""
    return LakeUnavailable(
        f"the lake could not be used: {error.strerror or 'input/output error'}",
        advice=f"Check that the disk has room and that {root} can be written; the run goes on by itself.",
    )


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

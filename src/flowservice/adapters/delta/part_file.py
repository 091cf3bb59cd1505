"""A part: one Parquet file that appears under its name when it is whole."""

from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from flowservice.adapters.delta.storage import REFUSALS, Storage
from flowservice.adapters.delta.table_schema import landed
from flowservice.domain.staging import Part


@dataclass(slots=True)
class PartFile:
    """Fills ports.lake.PartWriter for the file `name` of the table at `table`. Each `write` becomes one row group."""

    storage: Storage
    table: str
    name: str
    schema: pa.Schema
    _unfinished: str = field(init=False)
    _writer: pq.ParquetWriter = field(init=False)
    _rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.schema = landed(self.schema)
        try:
            self._unfinished = self.storage.unfinished(self._path)
            self._writer = pq.ParquetWriter(
                self._unfinished, self.schema, filesystem=self.storage.filesystem, compression="zstd"
            )
        except REFUSALS as error:
            raise self.storage.refused(error) from None

    @property
    def _path(self) -> str:
        return f"{self.table}/{self.name}"

    def write(self, rows: pa.Table) -> None:
        """Append one row group of rows. Raises LakeUnavailable."""
        if not rows.num_rows:
            return
        fitting = rows if rows.schema.equals(self.schema) else rows.cast(self.schema)
        try:
            self._writer.write_table(fitting, row_group_size=rows.num_rows)
        except OSError as error:
            raise self.storage.refused(error) from None
        self._rows += rows.num_rows

    def close(self) -> Part:
        """Finish the file, safe under its own name. Raises LakeUnavailable."""
        try:
            self._writer.close()
            self.storage.settle(self._path, self.table)
            size_bytes = self.storage.filesystem.get_file_info(self._path).size
            if size_bytes is None:
                raise FileNotFoundError(2, "a file that was written is gone")
        except OSError as error:
            raise self.storage.refused(error) from None
        return Part(path=self.name, rows=self._rows, size_bytes=size_bytes)

    def abandon(self) -> None:
        """Give up: remove what was written, finished or not."""
        # A full disk fails the close too; what matters is that the file goes.
        with suppress(OSError):
            self._writer.close()
        with suppress(OSError):
            self.storage.filesystem.delete_file(self._unfinished)
        if self._unfinished != self._path:
            with suppress(OSError):
                self.storage.filesystem.delete_file(self._path)

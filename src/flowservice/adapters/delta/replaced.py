"""What an upsert replaced: the rows that a table held, before it, under the keys that it brought.

They are in the files that the upsert took out of the table, which stay on disk for readers of earlier versions until
somebody vacuums it. DuckDB picks them, in bounded memory and the rest on disk.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow import fs

from flowservice.adapters.delta.newest import BATCH_ROWS, comparing, fitting, quoted, text
from flowservice.adapters.delta.storage import Storage
from flowservice.errors import ChangedSince, EarlierRowsGone
from flowservice.ports.lake import Change, Upserted

_AT_ONCE: Final = 8
_GONE: Final = "the lake no longer has the rows that the run replaced; nothing was undone"
_GONE_ADVICE: Final = "Vacuuming a table removes them. Correct the rows at the source, and run the flow again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedRows:
    """The rows that `upserted` replaced in the table at `path`, which is `known` as it is now."""

    storage: Storage
    path: str
    known: DeltaTable
    upserted: Upserted
    change: Change
    """What the upsert's commit did."""

    @contextmanager
    def reader(self, table: pa.Schema) -> Iterator[pa.RecordBatchReader]:
        """One row that has nothing but the upsert's mark, then the rows, all with the columns of `table`.

        Raises ChangedSince, EarlierRowsGone; LakeUnavailable, also while it is read.
        """
        before = self._before()
        with comparing() as connection:
            self._select_keys(connection)
            rows = iter(())
            failures: list[Exception] = []
            if before is not None:
                connection.register("before", before.scanner().to_reader())
                found = connection.sql(self._sql()).to_arrow_reader(BATCH_ROWS)
                rows = fitting(table, found, failures)
            try:
                yield pa.RecordBatchReader.from_batches(table, _after(self._mark(table), rows))
            except Exception:
                if failures:
                    # Whoever read made an error of its own of it, which does not tell that it may pass.
                    raise failures[0] from None
                raise

    def _select_keys(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the table `keys` of what the upsert left, one row each. Raises ChangedSince."""
        rows, keys = self.upserted.rows, self.upserted.keys
        columns = dict.fromkeys(path.split(".")[0] for path in (rows.column, *keys))
        connection.register("held", self._rows(self.known).scanner(columns=list(columns)).to_reader())
        named = ", ".join(f"{quoted(key)} AS k{number}" for number, key in enumerate(keys))
        marked = f"{quoted(rows.column)} = {text(rows.value)}"
        connection.execute(f"CREATE TEMP TABLE keys AS SELECT {named} FROM held WHERE {marked}").fetchall()  # noqa: S608
        left = int(connection.execute("SELECT count(*) FROM keys").fetchall()[0][0])
        brought = self.change.inserted + self.change.updated
        if left != brought:
            raise ChangedSince(
                f"of the {brought} rows that the run wrote, {brought - left} were changed or deleted after it; "
                "nothing was undone",
                advice="Undo the later runs first, the newest one at the start.",
            )

    def _sql(self) -> str:
        same = " AND ".join(f"before.{quoted(key)} = keys.k{number}" for number, key in enumerate(self.upserted.keys))
        sql = f"SELECT before.* FROM before SEMI JOIN keys ON {same}"  # noqa: S608
        if not self.upserted.withdrawn:
            return sql
        values = ", ".join(map(text, sorted(self.upserted.withdrawn)))
        return f"{sql} WHERE coalesce(before.{quoted(self.upserted.rows.column)} NOT IN ({values}), true)"

    def _before(self) -> pads.Dataset | None:
        """The files that the upsert took out of the table, as it held them; None: there are none.

        Raises EarlierRowsGone.
        """
        try:
            after = {file.path for file in self._rows(self._at(self.change.version)).get_fragments()}
            old = self._rows(self._at(self.change.version - 1))
        except DeltaError:
            raise gone() from None
        taken = [file for file in old.get_fragments() if file.path not in after]
        # An upsert may take out many files, and each question takes an answer of an object store.
        with ThreadPoolExecutor(_AT_ONCE) as looking:
            if not all(looking.map(self._is_there, [file.path for file in taken])):
                raise gone()
        return pads.FileSystemDataset(taken, old.schema, old.format, old.filesystem) if taken else None

    def _at(self, version: int) -> DeltaTable:
        options = dict(self.storage.options)
        return DeltaTable(self.storage.url(self.path), version=version, storage_options=options)

    def _rows(self, known: DeltaTable) -> pads.Dataset:
        return known.to_pyarrow_dataset(filesystem=self.storage.within(self.path))

    def _is_there(self, name: str) -> bool:
        info = self.storage.filesystem.get_file_info(f"{self.path}/{name}")
        return bool(info.type is fs.FileType.File)

    def _mark(self, table: pa.Schema) -> pa.RecordBatch:
        """One row of nulls but for the mark."""
        top, *steps = self.upserted.rows.column.split(".")
        value: Any = self.upserted.rows.value
        for step in reversed(steps):
            value = {step: value}
        return pa.RecordBatch.from_pylist([{top: value}], schema=table)


def change_of(known: DeltaTable, note: dict[str, str]) -> Change | None:
    """What the newest commit with that note did; None if the log does not know it (any more). Raises DeltaError."""
    # The log is read from its end, and what is asked for is mostly there.
    for limit in (100, None):
        for entry in known.history(limit):
            if all(entry.get(name) == value for name, value in note.items()):
                metrics = entry.get("operationMetrics") or {}
                return Change(
                    version=int(entry["version"]),
                    inserted=int(metrics.get("num_target_rows_inserted", 0)),
                    updated=int(metrics.get("num_target_rows_updated", 0)),
                    deleted=int(metrics.get("num_target_rows_deleted", metrics.get("num_deleted_rows", 0))),
                )
    return None


def gone() -> EarlierRowsGone:
    """The refusal where the log does not know the upsert any more."""
    return EarlierRowsGone(_GONE, advice=_GONE_ADVICE)


def _after(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest

"""Of staged rows with the same key, the last one: no two rows of an upsert may mean the same row of a table.

Last by the version; where that is equal or missing, by the values of the row, so that the outcome does not depend on
the order in which rows were read. DuckDB does it, in bounded memory and the rest on disk.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pyarrow import fs

from flowservice.adapters.delta.storage import without_urls
from flowservice.errors import LakeUnavailable
from flowservice.ports.lake import Earlier

_MEMORY: Final = "512MB"
BATCH_ROWS: Final = 16_384
_AHEAD: Final = 4
"""Batches that are read before they are asked for: each may be large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestRows:
    """The rows of some Parquet files of one schema. `keys` are dotted paths, `version` a column of timestamps."""

    filesystem: fs.FileSystem
    files: Sequence[str]
    keys: Sequence[str]
    version: str
    untold: frozenset[str]
    """Columns that play no part in which row is the last."""
    rows: int
    """How many there are in the files."""

    def superseded(self) -> int:
        """How many rows are not the last of their key. Raises LakeUnavailable."""
        if not self.files:
            return 0
        # Of a nested key no more than its own column is read.
        columns = {f"k{number}": pc.field(*key.split(".")) for number, key in enumerate(self.keys)}
        with self._opened(columns) as connection:
            distinct = connection.execute("SELECT count(*) FROM (SELECT DISTINCT * FROM staged)").fetchall()
            return self.rows - int(distinct[0][0])

    @contextmanager
    def reader(self, table: pa.Schema) -> Iterator[pa.RecordBatchReader]:
        """The last row of each key, with the columns of `table`; those that the files lack are null.

        Raises LakeUnavailable, also while it is read.
        """
        with self._opened() as connection:
            columns = [row[0] for row in connection.execute("DESCRIBE staged").fetchall()]
            told = [_name(column) for column in columns if column not in self.untold | {self.version}]
            order = ", ".join(f"{column} DESC NULLS LAST" for column in (_name(self.version), *told))
            keys = ", ".join(map(quoted, self.keys))
            last = f"row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
            sql = f"SELECT * EXCLUDE ({_name(self.version)}) FROM staged QUALIFY {last}"  # noqa: S608
            found = connection.sql(sql).to_arrow_reader(BATCH_ROWS)
            failures: list[Exception] = []
            try:
                yield pa.RecordBatchReader.from_batches(table, fitting(table, found, failures))
            except Exception:
                if failures:
                    # Whoever read made an error of its own of it, which does not tell that it may pass.
                    raise failures[0] from None
                raise

    @contextmanager
    def _opened(self, columns: Mapping[str, pc.Expression] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """With `staged`, which can be read once: the rows, or columns made of them."""
        with comparing() as connection:
            staged = pads.dataset(list(self.files), filesystem=self.filesystem, format="parquet")
            ahead = {"batch_readahead": _AHEAD, "fragment_readahead": 1}
            connection.register("staged", staged.scanner(columns=columns and dict(columns), **ahead).to_reader())
            yield connection


@contextmanager
def comparing() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in bounded memory, the rest on disk, for as long as rows are compared. Raises LakeUnavailable."""
    try:
        with tempfile.TemporaryDirectory(prefix="flowservice-") as spilled:
            config: dict[str, str | bool | int | float | list[str]] = {
                "memory_limit": _MEMORY,
                "temp_directory": spilled,
                "preserve_insertion_order": False,
            }
            with duckdb.connect(config=config) as connection:
                connection.execute("SET TimeZone = 'UTC'").fetchall()
                connection.execute("SET enable_progress_bar = false").fetchall()
                yield connection
    except (duckdb.Error, OSError) as error:
        raise LakeUnavailable(
            f"rows could not be compared by their keys: {without_urls(str(error))[:200]}",
            advice="Check that the lake and the folder of temporary files have room; the run goes on by itself.",
        ) from None


def quoted(path: str) -> str:
    """A dotted path in SQL, its levels quoted: DuckDB and Delta understand the same."""
    return ".".join(map(_name, path.split(".")))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def giving_way(earlier: Earlier, alias: str) -> str:
    """In Delta's SQL: which rows of the table `alias` are older than those of an upsert."""
    before = text(earlier.before.astimezone(UTC).isoformat())
    instant = f"arrow_cast({before}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    older = f"{alias}.{quoted(earlier.time)} < {instant}"
    if not earlier.marked:
        return older
    return f"{older} OR {alias}.{quoted(earlier.mark)} IN ({', '.join(map(text, sorted(earlier.marked)))})"


def fitting(schema: pa.Schema, found: pa.RecordBatchReader, failures: list[Exception]) -> Iterator[pa.RecordBatch]:
    """What was found, with the columns of `schema`. What fails while it is read is kept in `failures`, too."""
    try:
        for batch in found:
            yield _as(schema, batch)
    except (duckdb.Error, OSError) as error:
        failures.append(error)
        raise


def _as(schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    known = batch.schema.names
    columns = [
        batch.column(field.name).cast(field.type) if field.name in known else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

"""Rejected rows out of quarantine tables: of each row the last line, in bounded memory and the rest on disk."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from flowservice.domain.dataset import TableRef
from flowservice.domain.quarantine import Quarantined, RejectState, RejectTally, Told, Wanted
from flowservice.errors import LakeUnavailable
from flowservice.ports.lake import Lake

_MEMORY: Final = "512MB"
_BATCH_ROWS: Final = 4_096
_REASON: Final = ("code", "field", "message")
_SHOWN: Final = (
    *_REASON, "value", "row", "key", "runId", "flowId", "mappingVersion", "split", "replayRunId", "ingestedAt",
)  # fmt: skip
_NEEDED: Final = ("rowId", "runId", "split", "batchId", "state", "runNumber", "replayRunId", "ingestedAt")
# Lines of earlier versions have no name: that of their content, and equal ones of a split are numbered.
_NAME: Final = """coalesce("rowId", "runId" || '-' || lpad("split"::VARCHAR, 5, '0') || '-' || md5("row") || '-' ||
    row_number() OVER (PARTITION BY "runId", "split", md5("row"), "rowId" IS NULL))"""
_STATE: Final = f"""CASE WHEN "state" = '{Told.REPLAYED.value}' THEN '{RejectState.REPLAYED.value}'
    WHEN "replayRunId" IS NOT NULL THEN '{RejectState.REPLAY_FAILED.value}' ELSE '{RejectState.NEW.value}' END"""


@dataclass(frozen=True, slots=True)
class LakeQuarantine:
    """Fills ports.quarantine.Quarantine. Each question has a database of its own in memory: any thread may ask."""

    lake: Lake

    def tallies(self, table: TableRef, wanted: Wanted) -> Sequence[RejectTally]:
        """How many rows there are of each code and field, the most frequent first."""
        counts = 'SELECT "code", "field", min("message"), "now", count(*) FROM found GROUP BY ALL'
        found: dict[tuple[str, str], tuple[str, dict[RejectState, int]]] = {}
        with self._opened(table, wanted, _REASON) as connection:
            rows = [] if connection is None else connection.execute(counts).fetchall()
            for code, field, message, now, count in rows:
                _, states = found.setdefault((code, field), (message, {}))
                states[RejectState(now)] = int(count)
        tallies = [
            RejectTally(code=code, field=field, message=message, states=states)
            for (code, field), (message, states) in found.items()
        ]
        return sorted(tallies, key=lambda tally: (-tally.count, tally.code, tally.field))

    def page(
        self, table: TableRef, wanted: Wanted, *, after: str | None = None, start: int = 0, limit: int
    ) -> Sequence[Quarantined]:
        """Rows as they stand, by their names, past `after` and past `start` further ones."""
        columns = ", ".join(f'"{name}"' for name in _SHOWN)
        sql = (
            f'SELECT "name", "now", "first_at", {columns} FROM found WHERE "name" > ? ORDER BY "name" LIMIT ? OFFSET ?'  # noqa: S608
        )
        with self._opened(table, wanted, _SHOWN) as connection:
            if connection is None:
                return []
            return [_row(*values) for values in connection.execute(sql, [after or "", limit, start]).fetchall()]

    def lines(
        self, table: TableRef, wanted: Wanted, schema: pa.Schema, *, after: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The last line of each row, by their names, past `after`, with the columns of `schema`."""
        columns = ", ".join('"name" AS "rowId"' if name == "rowId" else f'"{name}"' for name in schema.names)
        sql = f'SELECT {columns} FROM found WHERE "name" > ? ORDER BY "name"'  # noqa: S608
        with self._opened(table, wanted, schema.names) as connection:
            if connection is None:
                return
            reader: pa.RecordBatchReader = connection.sql(sql, params=[after or ""]).to_arrow_reader(_BATCH_ROWS)
            for batch in reader:
                arrays = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def lines_of(self, table: TableRef, batch_id: str) -> int:
        """How many lines the run of that batch wrote."""
        with self._opened(table, Wanted(batch_id=batch_id), ()) as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM found").fetchall()[0][0])

    @contextmanager
    def _opened(
        self, table: TableRef, wanted: Wanted, columns: Sequence[str]
    ) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """A database whose view `found` has the rows that are wanted, named `name`, in state `now`; None: no table.

        Raises LakeUnavailable.
        """
        try:
            dataset = self.lake.dataset(table)
            if dataset is None:
                yield None
                return
            with tempfile.TemporaryDirectory(prefix="flowservice-") as spilled, _connected(spilled) as connection:
                read = [name for name in dict.fromkeys((*_NEEDED, "row", *columns)) if name in dataset.schema.names]
                connection.register("kept", dataset.scanner(columns=read).to_reader())
                absent = [name for name in dict.fromkeys((*_NEEDED, *columns)) if name not in read]
                _make_found(connection, absent, wanted)
                yield connection
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise LakeUnavailable(
                f"rejected rows could not be read: {str(error)[:200]}",
                advice="Check that the lake can be read and the folder of temporary files has room; then try again.",
            ) from error


@contextmanager
def _connected(spilled: str) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": spilled,
        "preserve_insertion_order": False,
        "python_enable_replacements": False,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        connection.execute("SET enable_progress_bar = false").fetchall()
        yield connection


def _make_found(connection: duckdb.DuckDBPyConnection, absent: Sequence[str], wanted: Wanted) -> None:
    nulls = "".join(f', NULL AS "{name}"' for name in absent)
    early = [(name, value) for name, value in (("runId", wanted.run_id), ("batchId", wanted.batch_id)) if value]
    late: dict[str, Sequence[str]] = {
        "code": wanted.codes,
        "field": wanted.fields,
        "name": wanted.rows,
        "now": [state.value for state in wanted.states],
    }
    where = " AND ".join([f'"{name}" = ?' for name, _ in early] or ["true"])
    # The row that a line is of stays the same, so this leaves out whole rows, but for a batch: that is a line's own.
    connection.execute(
        f"""CREATE TEMP TABLE latest AS SELECT *, min("ingestedAt") OVER (PARTITION BY "name") AS "first_at"
        FROM (SELECT *, {_NAME} AS "name", {_STATE} AS "now" FROM (SELECT *{nulls} FROM kept) WHERE {where})
        QUALIFY row_number() OVER (PARTITION BY "name" ORDER BY coalesce("runNumber", 0) DESC) = 1""",  # noqa: S608
        [value for _, value in early],
    ).fetchall()
    picked = [
        f'"{name}" IN ({", ".join(map(_text, values))})' for name, values in late.items() if values
    ] or ["true"]  # fmt: skip
    connection.execute(f"CREATE TEMP VIEW found AS SELECT * FROM latest WHERE {' AND '.join(picked)}").fetchall()  # noqa: S608


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _row(name: str, now: str, first_at: Any, *values: Any) -> Quarantined:
    line = dict(zip(_SHOWN, values, strict=True))
    return Quarantined(
        id=name,
        run_id=line["runId"],
        flow_id=line["flowId"],
        state=RejectState(now),
        code=line["code"],
        field=line["field"],
        message=line["message"],
        value=line["value"],
        row=json.loads(line["row"]),
        key=_object(line["key"]),
        mapping_version=line["mappingVersion"],
        split=line["split"],
        rejected_at=first_at,
        changed_at=line["ingestedAt"],
        replay_run_id=line["replayRunId"],
    )


def _object(text: str | None) -> Mapping[str, str] | None:
    return None if text is None else json.loads(text)

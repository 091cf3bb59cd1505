"""One SQL statement over tables of the lake.

The tables are those that the statement names; nothing else can be reached: no files, no network, no variables of this
process. The system column stays out of `*` unless the statement speaks of it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from flowservice.domain.dataset import SYSTEM_COLUMN
from flowservice.domain.staging import run_folder
from flowservice.errors import Error, Invalid

Resolve: TypeAlias = Callable[[str], Any]
"""A table's name to its pyarrow dataset, or to an empty pyarrow table. Raises NotFound, Invalid (ambiguous)."""

_OF_A_RUN: Final = f"/{run_folder('').rstrip('/')}"
_BATCH_ROWS: Final = 10_000
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_ADVICE: Final = (
    'Name a dataset by its id or name in double quotes, nested fields by dots: SELECT person.name FROM "<dataset>".'
)


@dataclass(frozen=True, slots=True)
class LakeSql:
    """Queries. Each has a database of its own in memory, so any thread may run one."""

    memory_limit: str = "1GB"

    def run(self, sql: str, resolve: Resolve) -> pa.RecordBatchReader:
        """The result of `sql`, one SELECT (or DESCRIBE, SUMMARIZE), as it comes.

        Raises Invalid with DuckDB's message, and what `resolve` raises. Reading on may raise Invalid too: a cast can
        fail in the last row.
        """
        connection = duckdb.connect(config={**_SETTINGS, "memory_limit": self.memory_limit})
        with _translated():
            connection.execute("SET TimeZone = 'UTC'").fetchall()
            # After two seconds it would be drawn into the output, also where that is no terminal.
            connection.execute("SET enable_progress_bar = false").fetchall()
            sources = {name: resolve(name) for name in sorted(_tables(connection, sql))}
            if any(map(_holds_views, sources.values())):
                connection.execute("SET disabled_optimizers = 'filter_pushdown,join_filter_pushdown'").fetchall()
            for place, (name, source) in enumerate(sources.items()):
                raw = f"{SYSTEM_COLUMN}_{place}"
                connection.register(raw, source)
                columns = "*"
                if SYSTEM_COLUMN not in sql and SYSTEM_COLUMN in source.schema.names:
                    columns = f"* EXCLUDE ({SYSTEM_COLUMN})"
                # The view does not keep filters and columns from reaching the files.
                connection.execute(f"CREATE VIEW {_quoted(name)} AS SELECT {columns} FROM {raw}").fetchall()  # noqa: S608
            connection.execute("SET lock_configuration = true").fetchall()
            reader = connection.sql(sql).to_arrow_reader(_BATCH_ROWS)
        return pa.RecordBatchReader.from_batches(reader.schema, _batches(connection, reader))


def _holds_views(source: Any) -> bool:
    """Whether a file of the table holds texts as views, as Delta's own writer leaves them after an upsert.

    Arrow does not compare these with the texts of a filter: then all rows come to DuckDB, which does.
    """
    if not isinstance(source, ds.Dataset):
        return False
    # Those of runs are looked at by their names alone: there may be many.
    others = (fragment for fragment in source.get_fragments() if _OF_A_RUN not in fragment.path)
    return any(_has_views(field.type) for fragment in others for field in fragment.physical_schema)


def _has_views(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_has_views(kind.field(place).type) for place in range(kind.num_fields))
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _tables(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """The names of the tables that `sql` reads. Raises Invalid unless it is one statement that only reads."""
    parsed = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if parsed.get("error"):
        # What this function cannot take may still be good SQL: a write, which is not for here.
        raise Invalid(f"the statement was refused: {parsed['error_message']}", advice=f"Send one SELECT. {_ADVICE}")
    if len(parsed["statements"]) != 1:
        raise Invalid("exactly one statement is expected", advice=_ADVICE)
    names: set[str] = set()
    of_the_statement: set[str] = set()
    for node in _nodes(parsed):
        if node.get("type") == "BASE_TABLE":
            if node["catalog_name"] or node["schema_name"]:
                raise Invalid(
                    "a table's name was understood as several parts",
                    advice=f"A name that holds a dot needs double quotes. {_ADVICE}",
                )
            names.add(node["table_name"])
        of_the_statement |= {entry["key"] for entry in node.get("cte_map", {}).get("map", [])}
    return names - of_the_statement


def _nodes(parsed: Any) -> Iterator[dict[str, Any]]:
    """Every object within a parsed statement."""
    waiting = [parsed]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _batches(connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        with _translated():
            yield from reader
    finally:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Error:
        raise
    # An error in the middle of the result comes through Arrow, as OSError or one of its own kinds.
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise Invalid(str(error).strip()[:1000], advice=_ADVICE) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

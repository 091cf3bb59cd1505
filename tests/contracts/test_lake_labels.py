"""Labels of a table's columns: what every lake must carry, whatever else is done to the table."""

import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableRef
from flowservice.domain.dataset_labels import ColumnLabels
from flowservice.errors import LakeUnavailable
from tests.contracts.lake_files import table_of
from tests.contracts.test_lake import NESTED, SCHEMA, TABLE, commit, landed, numbers, staged

PERSON = {"person": ColumnLabels(fields={("name",): frozenset({"I1"}), ("name", "fullName"): frozenset({"I1", "C2"})})}


def labels(*names: str) -> ColumnLabels:
    return ColumnLabels(own=frozenset(names))


def told(lake: DeltaLake, column: str, table: TableRef = TABLE) -> dict[str, Any]:
    """What a column says, as pyarrow shows it."""
    (known,) = (field for field in pa.schema(table_of(lake, table).schema()) if field.name == column)
    return {name.decode(): json.loads(text) for name, text in (known.metadata or {}).items()}


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


def test_a_column_says_its_labels_until_it_has_others(lake: DeltaLake) -> None:
    assert lake.label(TABLE, {"text": labels("I1", "C2"), "n": labels()}) == 1
    assert told(lake, "text") == {"flowservice.labels": ["C2", "I1"], "flowservice.fieldLabels": {}}
    assert told(lake, "n") == {}
    assert lake.label(TABLE, {"text": labels("C2", "I1"), "n": labels()}) == 0
    assert lake.label(TABLE, {"text": labels(), "n": labels("C9")}) == 2
    assert told(lake, "text") == {"flowservice.labels": [], "flowservice.fieldLabels": {}}
    assert told(lake, "n")["flowservice.labels"] == ["C9"]


def test_a_column_says_the_labels_of_the_fields_that_it_has(lake: DeltaLake) -> None:
    table = TableRef(sandbox_id="s1", dataset_id="nested")
    lake.prepare(table, NESTED)
    column = PERSON["person"]
    more = {**column.fields, ("nothing",): frozenset({"C1"}), ("birthDate", "day"): frozenset({"C1"})}
    assert lake.label(table, {"person": ColumnLabels(own=frozenset({"C9"}), fields=more)}) == 1
    assert told(lake, "person", table) == {
        "flowservice.labels": ["C9"],
        "flowservice.fieldLabels": {"name": ["I1"], "name.fullName": ["C2", "I1"]},
    }


def test_a_table_that_is_not_there_and_columns_that_it_lacks_say_nothing(lake: DeltaLake) -> None:
    assert lake.label(TableRef(sandbox_id="s1", dataset_id="nothing"), {"n": labels("C1")}) == 0
    assert lake.label(TABLE, {"other": labels("C1")}) == 0


def test_labels_change_no_row_and_stay_with_what_is_done_to_the_table(lake: DeltaLake) -> None:
    assert commit(lake, [staged(lake, "run=a/0.parquet", numbers(1))], 1)
    lake.label(TABLE, {"text": labels("I1")})
    assert commit(lake, [staged(lake, "run=b/0.parquet", numbers(2))], 2)
    lake.prepare(TABLE, SCHEMA.append(pa.field("more", pa.bool_())))
    lake.compact(TABLE, target_bytes=1_000_000, least_files=2)
    assert landed(lake) == [1, 2]
    assert lake.committed(TABLE, "flow") == 2
    assert told(lake, "text")["flowservice.labels"] == ["I1"]
    assert lake.dataset(TABLE).schema.field("text").metadata[b"flowservice.labels"] == b'["I1"]'


def test_other_engines_find_them(in_folder: DeltaLake) -> None:
    """DuckDB reads the log of the table, in which Delta keeps the metadata of columns."""
    in_folder.prepare(TABLE, SCHEMA)
    in_folder.label(TABLE, {"text": labels("I1")})
    log = Path(in_folder.location(TABLE).removeprefix("file://")) / "_delta_log" / "*.json"
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT metaData.schemaString FROM read_json(?) WHERE metaData IS NOT NULL ORDER BY filename DESC",
            [str(log)],
        ).fetchall()
        table = connection.from_arrow(in_folder.dataset(TABLE).to_table())
        assert [name for name, *_ in table.description] == ["n", "text"]
    fields = {field["name"]: field["metadata"] for field in json.loads(found[0][0])["fields"]}
    assert fields == {"n": {}, "text": {"flowservice.labels": '["I1"]', "flowservice.fieldLabels": "{}"}}


def test_labels_and_runs_that_meet_both_come_in(lake: DeltaLake) -> None:
    """Whoever comes second tries again: no row is lost or doubled, and the last labels stand."""
    parts = [staged(lake, f"run={number}/0.parquet", numbers(number)) for number in range(1, 13)]
    begin = threading.Barrier(2)

    def outlasting(call: Any) -> Any:
        for _ in range(50):
            try:
                return call()
            except LakeUnavailable:
                continue
        raise AssertionError("never came in")

    def label() -> None:
        begin.wait()
        for number in range(1, 13):
            outlasting(lambda number=number: lake.label(TABLE, {"text": labels(f"C{number}"), "n": labels("I1")}))

    thread = threading.Thread(target=label)
    thread.start()
    begin.wait()
    for number, part in enumerate(parts, 1):
        outlasting(lambda number=number, part=part: commit(lake, [part], number))
    thread.join()
    assert landed(lake) == list(range(1, 13))
    assert lake.committed(TABLE, "flow") == 12
    assert told(lake, "text")["flowservice.labels"] == ["C12"]
    assert DeltaTable(lake.location(TABLE), storage_options=dict(lake.storage.options)).version() >= 24

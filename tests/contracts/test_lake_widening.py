"""A table that somebody widens or makes anew while the rows of a run are on their way: they land, or are refused by
name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableRef
from flowservice.domain.staging import Part
from flowservice.errors import LakeError, LakeUnavailable
from flowservice.ports.lake import Versions

TABLE = TableRef(sandbox_id="s1", dataset_id="d1")
SCHEMA = pa.schema([("n", pa.int64()), ("own", pa.struct([("text", pa.string())]))])
WIDER = pa.schema([("n", pa.int64()), ("own", pa.struct([("text", pa.string()), ("more", pa.int64())]))])
ROW = {"n": 1, "own": {"text": "x"}}
WIDE_ROW = {"n": 2, "own": {"text": "y", "more": 7}}


@dataclass(frozen=True, slots=True)
class Overtaken(DeltaLake):
    """Whoever commits finds the table, and before the commit `meanwhile` happens to it, once."""

    meanwhile: Any = None

    def _open(self, table: TableRef) -> Any:
        known = DeltaLake._open(self, table)
        if self.meanwhile:
            self.meanwhile.pop()()
        return known


def staged(lake: DeltaLake, name: str, row: dict[str, Any], schema: pa.Schema) -> Part:
    writer = lake.writer(TABLE, f"run={name}/0.parquet", schema)
    writer.write(pa.Table.from_pylist([row], schema))
    return writer.close()


def append(lake: DeltaLake, name: str, number: int, row: dict[str, Any], schema: pa.Schema) -> bool:
    part = staged(lake, name, row, schema)
    return lake.commit(TABLE, [part], app_id="flow", number=number, note={"flowRun": name})


def upsert(lake: DeltaLake, name: str, number: int, row: dict[str, Any], schema: pa.Schema) -> bool:
    with_version = schema.append(pa.field("version", pa.timestamp("us", "UTC")))
    part = staged(lake, name, {**row, "version": None}, with_version)
    rows = Versions(parts=[part], keys=["n"], version="version")
    return lake.upsert(TABLE, rows, app_id="flow", number=number, note={"flowRun": name})


Write = Callable[[DeltaLake, str, int, dict[str, Any], pa.Schema], bool]
WRITES = pytest.mark.parametrize("write", [append, upsert])


def rows(lake: DeltaLake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.dataset(TABLE).to_table().to_pylist()
    return sorted(found, key=lambda row: int(row["n"]))


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


@WRITES
def test_rows_staged_before_the_table_was_widened_land_without_the_new_column(lake: DeltaLake, write: Write) -> None:
    lake.prepare(TABLE, WIDER)
    assert write(lake, "late", 1, ROW, SCHEMA)
    assert write(lake, "new", 2, WIDE_ROW, WIDER)
    assert rows(lake) == [{"n": 1, "own": {"text": "x", "more": None}}, WIDE_ROW]


@WRITES
def test_a_table_widened_during_a_commit_stays_wide_and_the_rows_land_once(lake: DeltaLake, write: Write) -> None:
    meanwhile = [lambda: lake.prepare(TABLE, WIDER)]
    overtaken = Overtaken(lake.storage, meanwhile=meanwhile)
    for _ in range(2):
        try:
            landed = write(overtaken, "run", 1, ROW, SCHEMA)
            break
        except LakeUnavailable:
            # That may pass: whoever commits looks again.
            assert lake.committed(TABLE, "flow") is None
    assert (landed, meanwhile) == (True, [])
    assert lake.schema(TABLE) == WIDER
    assert write(lake, "wide", 2, WIDE_ROW, WIDER)
    assert rows(lake) == [{"n": 1, "own": {"text": "x", "more": None}}, WIDE_ROW]


@WRITES
def test_rows_of_a_type_that_the_table_has_no_more_are_refused_and_nothing_lands(lake: DeltaLake, write: Write) -> None:
    lake.remove(TABLE)
    lake.prepare(TABLE, pa.schema([("n", pa.int64()), ("own", pa.struct([("text", pa.int64())]))]))
    with pytest.raises(LakeError, match=r"own\.text is int64 in the table and cannot become string"):
        write(lake, "run", 1, ROW, SCHEMA)
    assert (rows(lake), lake.committed(TABLE, "flow")) == ([], None)

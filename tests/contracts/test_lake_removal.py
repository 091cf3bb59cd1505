"""What every lake must do when tables are to go, and what it tells of their files."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.staging import run_folder, run_of
from flowservice.errors import LakeUnavailable
from flowservice.ports.lake import Lake
from tests.contracts.lake_files import paths, size_of
from tests.contracts.test_lake import SCHEMA, TABLE, landed, numbers, staged

OTHER = TableRef(sandbox_id="s1", dataset_id="d2")
ELSEWHERE = TableRef(sandbox_id="s2", dataset_id="d1")
QUARANTINE = TableRef(sandbox_id="s1", dataset_id="d1", kind=TableKind.QUARANTINE)


def filled(lake: Lake, table: TableRef, *values: int, run: str = "r1", number: int = 1) -> None:
    lake.prepare(table, SCHEMA)
    part = staged(lake, f"{run_folder(run)}0-1-0.parquet", numbers(*values), table)
    assert lake.commit(table, [part], app_id="f", number=number, note={})


def test_files_are_told_with_their_rows_and_sizes(lake: DeltaLake) -> None:
    assert lake.files(TABLE) == []
    lake.prepare(TABLE, SCHEMA)
    assert lake.files(TABLE) == []
    filled(lake, TABLE, 1, 2, 3)
    filled(lake, TABLE, 4, run="r2", number=2)
    staged(lake, "run=r3/orphan.parquet", numbers(9))
    files = {file.path: file for file in lake.files(TABLE)}
    assert {run_of(path): file.rows for path, file in files.items()} == {"r1": 3, "r2": 1}
    for path, file in files.items():
        assert file.size_bytes == size_of(lake, f"s1/d1/{path}")
        assert file.modified_at.tzinfo is not None
    assert run_of("part-0.parquet") is None


def test_a_removed_table_is_gone_and_may_be_made_again(lake: Lake) -> None:
    for table in (TABLE, OTHER, ELSEWHERE, QUARANTINE):
        filled(lake, table, 1, 2)
    lake.remove(TABLE)
    assert lake.dataset(TABLE) is None
    assert (lake.schema(TABLE), lake.files(TABLE), lake.committed(TABLE, "f")) == (None, [], None)
    for table in (OTHER, ELSEWHERE, QUARANTINE):
        assert landed(lake, table) == [1, 2]
    lake.remove(TABLE)
    filled(lake, TABLE, 7)
    assert landed(lake) == [7]


def test_a_sandbox_is_removed_with_all_its_tables(lake: DeltaLake) -> None:
    for table in (TABLE, OTHER, ELSEWHERE, QUARANTINE):
        filled(lake, table, 1, 2)
    lake.remove_sandbox("s1")
    for table in (TABLE, OTHER, QUARANTINE):
        assert lake.dataset(table) is None
    assert landed(lake, ELSEWHERE) == [1, 2]
    lake.remove_sandbox("s1")
    lake.remove_sandbox("never")
    lake.tidy()
    assert {path.partition("/")[0] for path in paths(lake)} == {"s2"}


def test_files_of_what_was_removed_go_with_the_tidying(lake: DeltaLake) -> None:
    for _ in range(2):
        filled(lake, TABLE, 1)
        lake.remove(TABLE)
    assert paths(lake, ".removed")
    lake.tidy()
    lake.tidy()
    assert paths(lake) == set()


def test_what_cannot_be_deleted_keeps_nothing_else_from_it(in_folder: DeltaLake, tmp_path: Path) -> None:
    lake = in_folder
    for number in range(3):
        filled(lake, replace(TABLE, dataset_id=f"d{number}"), 1)
        lake.remove(replace(TABLE, dataset_id=f"d{number}"))
    (tmp_path / "lake" / ".removed" / "0").write_text("no folder")
    with pytest.raises(LakeUnavailable):
        lake.tidy()
    assert [path.name for path in (tmp_path / "lake" / ".removed").iterdir()] == ["0"]


def test_tables_are_removed_while_others_tidy(lake: DeltaLake) -> None:
    tables = [replace(TABLE, dataset_id=f"d{number}") for number in range(40)]
    for table in tables:
        filled(lake, table, 1)
    stop = threading.Event()

    def tidying() -> None:
        while not stop.is_set():
            lake.tidy()

    with ThreadPoolExecutor(3) as pool:
        tidied = [pool.submit(tidying) for _ in range(2)]
        list(pool.map(lake.remove, tables))
        stop.set()
    assert [done.result() for done in tidied] == [None, None]
    lake.tidy()
    assert paths(lake) == set()
    assert all(lake.dataset(table) is None for table in tables)


def test_a_lake_that_cannot_be_written_says_so(in_folder: DeltaLake, tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    with pytest.raises(LakeUnavailable):
        in_folder.remove(TABLE)

"""Small files put together and old ones deleted: what every lake must do, and must leave alone."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from flowservice.adapters.delta import DeltaLake
from flowservice.adapters.delta.upkeep import compacted
from flowservice.adapters.duckdb import LakeSql
from flowservice.domain.dataset import TableRef
from flowservice.errors import EarlierRowsGone, LakeUnavailable
from flowservice.ports.lake import Compacted, Vacuumed
from tests.contracts.keyed_rows import SCHEMA, TABLE, keyed_row
from tests.contracts.lake_files import paths, table_of
from tests.contracts.test_lake_undo import append, held, restore, rows, staged, upsert, withdraw

NOWHERE = TableRef(sandbox_id="s1", dataset_id="nothing")
LARGE = 1_000_000


@pytest.fixture
def lake(lake: DeltaLake) -> DeltaLake:
    lake.prepare(TABLE, SCHEMA)
    return lake


def compact(lake: DeltaLake, least_files: int = 2) -> Compacted | None:
    return lake.compact(TABLE, target_bytes=LARGE, least_files=least_files)


def vacuum(lake: DeltaLake, *at_work: str, dry_run: bool = False) -> Vacuumed:
    return lake.vacuum(TABLE, lambda: set(at_work), dry_run=dry_run)


def forgetful(lake: DeltaLake) -> DeltaLake:
    """The same lake, of which nothing can be undone: what was taken out may go at once."""
    return replace(lake, undo=timedelta(0))


def names(lake: DeltaLake) -> set[str]:
    return {path.removeprefix("s1/d1/") for path in paths(lake, "s1/d1") if "_delta_log" not in path}


# --- compaction ------------------------------------------------------------------------------------------------------


def test_many_small_files_become_one_and_no_row_changes(lake: DeltaLake) -> None:
    for number in range(1, 5):
        append(lake, number, keyed_row("a", number, f"{number}"))
    before = rows(lake)
    assert compact(lake, least_files=5) is None
    assert compact(lake, least_files=4) == Compacted(before=4, after=1)
    assert (rows(lake), len(lake.files(TABLE)), lake.committed(TABLE, "flow")) == (before, 1, 4)
    assert compact(lake) is None
    assert lake.compact(NOWHERE, target_bytes=LARGE, least_files=2) is None


def test_files_of_the_target_size_are_left_alone(lake: DeltaLake) -> None:
    for number in range(1, 4):
        append(lake, number, keyed_row("a", number, f"{number}"))
    assert lake.compact(TABLE, target_bytes=100, least_files=2) is None
    assert len(lake.files(TABLE)) == 3


def test_appends_and_upserts_are_undone_after_a_compaction_too(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("x", 1, "one"), flow="another")
    upsert(lake, 2, keyed_row("a", 1, "old"), keyed_row("b", 1, "stays"))
    before = held(lake)
    upsert(lake, 3, keyed_row("a", 1, "new"), keyed_row("c", 1, "more"))
    assert compact(lake)
    assert vacuum(lake) == Vacuumed(files=0, size_bytes=0)
    assert restore(lake, 3, 4)
    assert held(lake) == before
    assert withdraw(lake, 1, 5)
    assert set(held(lake)) == {("a", 1), ("b", 1)}


def test_every_engine_reads_what_upserts_and_compactions_left(lake: DeltaLake) -> None:
    append(lake, 1, keyed_row("b", 1, "appended"), flow="another")
    upsert(lake, 2, keyed_row("a", 1, "1"), keyed_row("b", 2, "1"))
    upsert(lake, 3, keyed_row("a", 1, "2"), keyed_row("b", 3, "2"))
    assert compact(lake)
    assert lake.dataset(TABLE).to_table().schema.equals(SCHEMA)
    assert table_of(lake, TABLE).to_pyarrow_table().num_rows == 4
    # How often to try again is said to Delta as text; Polars takes a number.
    options = {name: value for name, value in lake.storage.options.items() if name != "max_retries"}
    assert pl.scan_delta(lake.location(TABLE), storage_options=options).select(pl.len()).collect().item() == 4
    sql = LakeSql().run("SELECT count(*) AS n FROM \"t\" WHERE _tenant.rowKey = 'b'", lambda _: lake.dataset(TABLE))
    assert sql.read_all().to_pylist() == [{"n": 3}]


def test_of_a_compaction_and_a_deletion_that_meet_the_second_changes_nothing(lake: DeltaLake) -> None:
    for number in range(1, 4):
        append(lake, number, keyed_row("a", number, f"{number}"))
    late = Stale(lake.storage, lake.undo)
    object.__setattr__(late, "known", table_of(lake, TABLE))
    assert withdraw(lake, 2, 4)
    with pytest.raises(LakeUnavailable):
        late.compact(TABLE, target_bytes=LARGE, least_files=2)
    assert set(held(lake)) == {("a", 1), ("a", 3)}
    assert compact(lake)
    assert set(held(lake)) == {("a", 1), ("a", 3)}


def test_an_append_that_meets_a_compaction_lands(lake: DeltaLake) -> None:
    for number in (1, 2):
        append(lake, number, keyed_row("a", number, f"{number}"))
    known = table_of(lake, TABLE)
    append(lake, 3, keyed_row("a", 3, "3"))
    assert compacted(known, target_bytes=LARGE, least_files=2) == Compacted(before=2, after=1)
    assert set(held(lake)) == {("a", 1), ("a", 2), ("a", 3)}


class Stale(DeltaLake):
    """Has opened its table before others wrote to it."""

    known: DeltaTable

    def _open(self, table: TableRef) -> DeltaTable:
        return self.known


# --- vacuum ----------------------------------------------------------------------------------------------------------


def part(lake: DeltaLake, run: str) -> str:
    return staged(lake, run, [keyed_row("s", 1, "staged")], SCHEMA).path


def test_only_what_is_old_and_needed_by_nobody_goes(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "old"))
    upsert(lake, 2, keyed_row("a", 1, "new"))
    at_work, ended = part(lake, "works"), part(lake, "ended")
    with lake.storage.filesystem.open_output_stream("s1/d1/part-of-another-writer.parquet") as file:
        file.write(b"PAR1")
    before, current = names(lake), {file.path for file in lake.files(TABLE)}
    assert vacuum(lake, "works") == Vacuumed(files=0, size_bytes=0)
    would = vacuum(forgetful(lake), "works", dry_run=True)
    assert (would.files > 1, names(lake)) == (True, before)
    assert vacuum(forgetful(lake), "works") == would
    gone = before - names(lake)
    assert (len(gone), ended in gone) == (would.files, True)
    # Of the upserts, which have ended, no staged part is left either.
    assert names(lake) == current | {at_work, "part-of-another-writer.parquet"}
    assert held(lake) == {("a", 1): ("new", "b2")}


def test_a_part_that_waited_longer_than_anything_is_kept_lands(lake: DeltaLake) -> None:
    writer = lake.writer(TABLE, "run=slow/0.parquet", SCHEMA)
    writer.write(pa.Table.from_pylist([keyed_row("s", 1, "slow") | {"_flowservice": {"batchId": "b9"}}], SCHEMA))
    waiting = writer.close()
    for _ in range(2):
        vacuum(forgetful(lake), "slow")
    assert lake.commit(TABLE, [waiting], app_id="flow", number=9, note={})
    vacuum(forgetful(lake))
    assert held(lake) == {("s", 1): ("slow", "b9")}


def test_within_its_days_an_upsert_can_be_undone_after_a_vacuum_and_not_after_them(lake: DeltaLake) -> None:
    upsert(lake, 1, keyed_row("a", 1, "one"))
    upsert(lake, 2, keyed_row("a", 1, "two"))
    upsert(lake, 3, keyed_row("a", 1, "three"))
    vacuum(lake)
    assert restore(lake, 3, 4)
    assert held(lake) == {("a", 1): ("two", "b2")}
    vacuum(forgetful(lake))
    with pytest.raises(EarlierRowsGone):
        restore(lake, 2, 5)
    assert held(lake) == {("a", 1): ("two", "b2")}


def test_the_log_remembers_as_long_as_upserts_can_be_undone(lake: DeltaLake) -> None:
    def kept_days() -> list[str]:
        known = table_of(lake, TABLE).metadata().configuration
        return [known["delta.logRetentionDuration"], known["delta.deletedFileRetentionDuration"]]

    assert kept_days() == ["interval 31 days", "interval 60 days"]
    vacuum(replace(lake, undo=timedelta(days=90)))
    assert kept_days() == ["interval 91 days", "interval 120 days"]


def test_old_ends_of_the_log_go_and_what_each_flow_committed_stays_known(in_folder: DeltaLake) -> None:
    lake = in_folder
    lake.prepare(TABLE, SCHEMA)
    for number in range(1, 4):
        append(lake, number, keyed_row("a", number, f"{number}"), flow="old flow")
    vacuum(lake)
    upsert(lake, 4, keyed_row("a", 1, "four"))
    upsert(lake, 5, keyed_row("a", 1, "five"))
    old = aged(lake, days=40, versions=range(4))
    vacuum(lake)
    left = paths(lake, "s1/d1/_delta_log")
    assert not left & set(old[:3])
    assert (lake.committed(TABLE, "old flow"), lake.committed(TABLE, "flow")) == (3, 5)
    assert restore(lake, 5, 6)
    assert held(lake)["a", 1] == ("four", "b4")


def aged(lake: DeltaLake, *, days: int, versions: Sequence[int]) -> list[str]:
    """The files of these versions of the log, as if written so long ago."""
    moment = time.time() - 86_400 * days
    found: list[str] = sorted(
        path
        for path in paths(lake, "s1/d1/_delta_log")
        if (head := path.rpartition("/")[2][:20]).isdigit() and int(head) in versions
    )
    for path in found:
        os.utime(f"{lake.storage.url()}/{path}", (moment, moment))
    return [path for path in found if path.endswith(".json")]


def test_of_no_table_nothing_goes(lake: DeltaLake) -> None:
    nothing: Any = lake.vacuum(NOWHERE, set, dry_run=False)
    assert nothing == Vacuumed(files=0, size_bytes=0)

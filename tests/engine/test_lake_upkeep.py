"""The lake is kept while runs go on: what is under way is left alone, whatever its age."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.dataset import TableKind, TableRef
from flowservice.domain.run import RunState
from flowservice.errors import LakeUnavailable
from flowservice.ports.lake import Compacted, Vacuumed
from flowservice.service.lake_upkeep import LakeUpkeep
from flowservice.service.leadership import Leadership
from flowservice.serving import keep_lake
from tests.engine.test_resumption import Fate, Killed
from tests.engine.world import AtOnce, Doubling, Numbers, World


def upkeep(world: World, *, undo: timedelta = timedelta(0)) -> LakeUpkeep:
    """Of a lake that keeps what nobody needs for so long."""
    lake = replace(world.lake, undo=undo)
    return LakeUpkeep(database=world.database, lake=lake, target_bytes=1_000_000, least_files=2)


def done(kept: LakeUpkeep, *, vacuum: bool = False) -> list[Compacted | Vacuumed | None]:
    did = kept.vacuum(kept.datasets()) if vacuum else kept.compact(kept.datasets())
    return [one.done for one in did]


def landing(home: Path, hook: Callable[[str], Any] = lambda _: None) -> World:
    numbers = Numbers(rows=120, splits=2, batch_rows=20, hook=hook)
    return World(home, numbers, Doubling(reject_every=30), tolerated_percent=5, part_rows=40, threads=1)


def test_files_of_both_tables_are_put_together_and_the_runs_are_undone_after_it(tmp_path: Path) -> None:
    world = landing(tmp_path)
    world.executed(1)
    world.executed(2)
    assert done(upkeep(world, undo=timedelta(days=30))) == [Compacted(before=8, after=1), Compacted(before=4, after=1)]
    assert len(world.landed()) == 2 * 116
    assert done(upkeep(world), vacuum=True) != [Vacuumed(files=0, size_bytes=0)] * 2
    assert world.undone(1, by=3).counts.deleted == 116
    assert {row["runId"] for row in world.quarantined()} == {"run2"}


def test_a_dataset_with_a_run_at_work_is_not_compacted(tmp_path: Path) -> None:
    world = landing(tmp_path)
    world.executed(1)
    world.add_run(2)
    assert done(upkeep(world)) == []
    world.execution.execute("run2", AtOnce())
    assert len(done(upkeep(world))) == 2


def test_a_run_that_was_cut_off_long_ago_finds_its_parts_again(tmp_path: Path) -> None:
    cut_off = landing(tmp_path, Fate(6).strike)
    cut_off.add_run()
    with pytest.raises(Killed):
        cut_off.execution.execute("run1", AtOnce())
    staged = cut_off.files()
    assert staged
    assert set(done(upkeep(cut_off), vacuum=True)) == {Vacuumed(files=0, size_bytes=0)}
    assert cut_off.files() == staged
    going_on = landing(tmp_path)
    going_on.execution.execute("run1", AtOnce())
    assert (going_on.run().state, going_on.run().counts.written) == (RunState.PARTIAL_SUCCESS, 116)
    assert going_on.landed() == [n for n in range(120) if n % 30]


def test_a_table_that_cannot_be_kept_keeps_no_other_from_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class HalfAway(DeltaLake):
        def compact(self, table: TableRef, **more: Any) -> Compacted | None:
            if table.kind is TableKind.DATA:
                raise LakeUnavailable("no answer")
            return super().compact(table, **more)

    world = landing(tmp_path)
    world.executed(1)
    kept = replace(upkeep(world), lake=HalfAway(world.lake.storage))
    with caplog.at_level(logging.INFO):
        kept.go_round(vacuum=False)
    told = [record.getMessage() for record in caplog.records if record.name.endswith("lake_upkeep")]
    assert told == [
        "the table dataset (data) is kept later: no answer",
        "2 files of the table dataset (quarantine) became 1",
    ]


@pytest.mark.parametrize("leads", [True, False])
def test_the_process_that_leads_keeps_the_lake(tmp_path: Path, leads: bool) -> None:
    world = landing(tmp_path)
    world.executed(1)
    if not leads:
        Leadership(database=world.database, holder="another").lead()
    rounds = keep_lake(upkeep(world), Leadership(database=world.database, holder="this"), every_s=60)
    # The first round waits for the service to have caught up.
    assert [rounds.go_round() for _ in range(2)] == [60, 60]
    dataset = world.database.datasets.get(world.run().stamp.scope, "dataset")
    assert len(world.lake.files(dataset.table)) == (1 if leads else 4)

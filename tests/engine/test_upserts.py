"""Rows of a run in place of those with the same key, each once, wherever the run is cut off."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.run import RunState
from flowservice.errors import LakeUnavailable, OutcomeUnknown
from tests.engine.events import Events, Recurring
from tests.engine.test_resumption import Fate, Killed, Mortal
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, World


def doubles(world: World) -> dict[int, int]:
    """What is in the dataset: `double` by key. Fails for a key that is there twice."""
    dataset = world.database.datasets.get(SCOPE, "dataset")
    rows = world.lake.dataset(dataset.table).to_table().to_pylist()
    found = {row["n"]: row["nested"]["double"] for row in rows}
    assert len(found) == len(rows)
    return found


def orphans(world: World) -> set[str]:
    """Files of runs that no table names; what an upsert took out of the table stays for those who still read it."""
    return {name for name in world.files() if not name.startswith("part-")}


def upserting(home: Path, *, rows: int = 120, **more: Any) -> World:
    settings: dict[str, Any] = {"source": Numbers(rows=rows, splits=2, batch_rows=20), "part_rows": 40}
    return World(home, mapper=Doubling(modulo=50), keys=("n",), **(settings | more))


def test_of_rows_with_one_key_one_lands_and_the_others_are_counted(tmp_path: Path) -> None:
    world = upserting(tmp_path)
    run = world.executed()
    # 0 … 119 have 50 keys; of rows that no delta column tells apart the greatest stays.
    assert doubles(world) == {key: 2 * (key + (100 if key < 20 else 50)) for key in range(50)}
    assert (run.state, run.counts.read, run.counts.written, run.counts.superseded) == (RunState.SUCCESS, 120, 50, 70)
    assert orphans(world) == set()
    batch = world.database.batches.get(SCOPE, "batch1")
    assert (batch.metrics["outputRecordCount"], batch.metrics["failedRecordCount"]) == (50, 0)


def test_a_later_run_replaces_the_rows_of_an_earlier_one(tmp_path: Path) -> None:
    world = upserting(tmp_path)
    world.executed(1)
    world.source = Numbers(rows=30, splits=3)
    run = world.executed(2)
    assert doubles(world) == {key: 2 * key if key < 30 else 2 * (key + 50) for key in range(50)}
    assert (run.counts.read, run.counts.written, run.counts.superseded) == (30, 30, 0)
    dataset = world.database.datasets.get(SCOPE, "dataset")
    brought = world.lake.dataset(dataset.table).to_table().to_pylist()
    assert {row["n"] for row in brought if row["_flowservice"]["batchId"] == "batch2"} == set(range(30))


@pytest.mark.parametrize("splits", [1, 7])
@pytest.mark.parametrize("batch_rows", [1, 10, 1000])
def test_the_outcome_does_not_depend_on_splits_and_batches(tmp_path: Path, splits: int, batch_rows: int) -> None:
    world = upserting(tmp_path, source=Numbers(rows=120, splits=splits, batch_rows=batch_rows))
    world.executed()
    assert doubles(world) == {key: 2 * (key + (100 if key < 20 else 50)) for key in range(50)}


def test_the_last_change_wins_by_the_delta_column(tmp_path: Path) -> None:
    def at(minutes: int) -> Any:
        return NOON - timedelta(hours=1) + timedelta(minutes=minutes)

    events = Events(rows=[(3, at(9)), (13, at(7)), (23, at(8)), (4, at(1)), (14, at(5))])
    world = World(tmp_path, mapper=Doubling(modulo=10), keys=("n",), clock=lambda: NOON)
    run = Recurring.at(world, events).run(1)
    assert (run.state, run.counts.superseded) == (RunState.SUCCESS, 3)
    assert doubles(world) == {3: 2 * 3, 4: 2 * 14}


def test_rejected_rows_go_to_quarantine_and_supersede_nothing(tmp_path: Path) -> None:
    world = upserting(tmp_path, tolerated_percent=5)
    world.mapper = Doubling(modulo=50, reject_every=55)
    run = world.executed()
    # 0, 55 and 110 are refused: of the keys 0, 5 and 10 the next row down counts.
    assert (run.counts.read, run.counts.rejected, run.counts.superseded, run.counts.written) == (120, 3, 67, 50)
    assert sorted(int(row["value"]) for row in world.quarantined()) == [0, 55, 110]
    assert {key: double for key, double in doubles(world).items() if key in {0, 5, 10}} == {0: 200, 5: 210, 10: 120}


def test_above_the_threshold_nothing_is_replaced(tmp_path: Path) -> None:
    world = upserting(tmp_path, tolerated_percent=1)
    world.executed(1)
    before = doubles(world)
    world.mapper = Doubling(modulo=50, reject_every=30)
    world.source = Numbers(rows=31)
    run = world.executed(2)
    assert (run.state, run.counts.written, run.counts.superseded) == (RunState.FAILED, 0, 0)
    assert doubles(world) == before
    assert orphans(world) == set()


@pytest.mark.parametrize("has_landed", [True, False])
def test_after_an_unknown_outcome_the_run_looks_and_upserts_once(tmp_path: Path, has_landed: bool) -> None:
    class Vague(DeltaLake):
        """Its first answer to an upsert tells nothing."""

        answers = iter([OutcomeUnknown("no answer"), LakeUnavailable("busy")])

        def upsert(self, *args: Any, **kwargs: Any) -> bool:
            error = next(self.answers, None)
            done = super().upsert(*args, **kwargs) if has_landed or error is None else True
            if error is not None:
                raise error
            return done

    world = upserting(tmp_path, lake=Vague(Folder(tmp_path / "lake")))
    run = world.executed()
    assert (run.state, run.counts.written, run.counts.superseded) == (RunState.SUCCESS, 50, 70)
    assert len(doubles(world)) == 50


def mortal_world(home: Path) -> tuple[World, Fate]:
    fate = Fate(None)
    world = upserting(
        home,
        source=Numbers(rows=120, splits=2, batch_rows=20, hook=fate.strike),
        lake=Mortal(DeltaLake(Folder(home / "lake")), fate),
    )
    event.listen(world.database.engine, "commit", fate.strike)
    return world, fate


def check_whole(world: World) -> None:
    run = world.run(2)
    assert (run.state, run.counts.read, run.counts.written, run.counts.superseded) == (RunState.SUCCESS, 120, 50, 70)
    kept, replaced = range(50, 71), range(50)
    assert doubles(world) == {key: 2 * key for key in kept} | {
        key: 2 * (key + (100 if key < 20 else 50)) for key in replaced
    }
    assert orphans(world) == set()


def prepared(home: Path) -> tuple[World, Fate]:
    """A dataset with 0 … 70 of an earlier run, and a run of the keys 0 … 49 that waits."""
    earlier = upserting(home, source=Numbers(rows=71))
    earlier.mapper = Doubling()
    earlier.executed(1)
    earlier.database.engine.dispose()
    world, fate = mortal_world(home)
    world.add_run(2)
    fate.points = 0
    return world, fate


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.faults), 11])
def test_an_upsert_that_is_cut_off_at_any_point_ends_as_if_it_was_not(tmp_path: Path, stride: int) -> None:
    (tmp_path / "whole").mkdir()
    world, fate = prepared(tmp_path / "whole")
    world.execution.execute("run2", AtOnce())
    check_whole(world)
    assert fate.points > 40
    for fatal in range(1, fate.points + 1, stride):
        home = tmp_path / str(fatal)
        home.mkdir()
        world, mine = prepared(home)
        mine.fatal = fatal
        with pytest.raises(Killed):
            world.execution.execute("run2", AtOnce())
        world.database.engine.dispose()
        restarted, _ = mortal_world(home)
        restarted.execution.execute("run2", AtOnce())
        check_whole(restarted)
        restarted.database.engine.dispose()

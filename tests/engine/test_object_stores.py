"""Runs into a lake in an object store: killed, upserted, undone, and asked by SQL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowservice.adapters.delta import DeltaLake
from flowservice.domain.run import RunState
from tests.contracts.lake_files import paths
from tests.engine.test_resumption import Fate, Killed
from tests.engine.test_upserts import doubles, upserting
from tests.engine.world import AtOnce, Doubling, Numbers, World
from tests.object_stores import Shelf


@pytest.fixture(params=["azure_blobs", "s3"])
def lake(request: pytest.FixtureRequest) -> DeltaLake:
    shelf: Shelf = request.getfixturevalue(request.param)
    return shelf.new_lake()


def test_a_killed_run_ends_with_each_row_once_and_is_undone(tmp_path: Path, lake: DeltaLake) -> None:
    def world(hook: Callable[[str], Any]) -> World:
        numbers = Numbers(rows=120, splits=2, batch_rows=20, hook=hook)
        return World(
            tmp_path, numbers, Doubling(reject_every=30), tolerated_percent=5, part_rows=40, lake=lake, threads=1
        )

    cut_off = world(Fate(5).strike)
    cut_off.add_run()
    with pytest.raises(Killed):
        cut_off.execution.execute("run1", AtOnce())
    going_on = world(lambda _: None)
    going_on.execution.execute("run1", AtOnce())
    run = going_on.run()
    assert (run.state, run.counts.written, run.counts.rejected) == (RunState.PARTIAL_SUCCESS, 116, 4)
    assert going_on.landed() == [n for n in range(120) if n % 30]
    assert len(going_on.quarantined()) == 4
    named = {file.path for file in lake.files(going_on.database.datasets.get(run.stamp.scope, "dataset").table)}
    assert {path.removeprefix("sandbox/dataset/") for path in paths(lake, "sandbox/dataset/run=run1")} == named
    assert going_on.undone(1, by=2).counts.deleted == 116
    assert (going_on.landed(), going_on.quarantined()) == ([], [])


def test_an_upsert_and_its_undo_leave_what_was_there(tmp_path: Path, lake: DeltaLake) -> None:
    world = upserting(tmp_path, lake=lake)
    world.executed(1)
    before = doubles(world)
    world.source = Numbers(rows=30, splits=3)
    world.mapper = Doubling(modulo=50)
    world.executed(2)
    assert {key: double for key, double in doubles(world).items() if key < 30} == {key: 2 * key for key in range(30)}
    undo = world.undone(2, by=3)
    assert (undo.state, undo.counts.restored) == (RunState.SUCCESS, 30)
    assert doubles(world) == before

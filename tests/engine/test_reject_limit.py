"""How many rows a run may reject, and that what it rejected is kept whatever it fails for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.dataset import TableKind
from flowservice.domain.flow import Flow
from flowservice.domain.identity import SandboxState
from flowservice.domain.run import RunState
from flowservice.engine.rehearsal import Rehearsal
from flowservice.errors import Denied, LakeError
from tests.engine.test_resumption import Fate, Killed
from tests.engine.world import SCOPE, AtOnce, Doubling, Numbers, World


def limited(home: Path, **options: Any) -> World:
    """Every tenth of 1,000 numbers is rejected; the flow has these options."""
    world = World(home, Numbers(splits=1), Doubling(reject_every=10))
    flow: Flow = world.database.flows.get(SCOPE, "flow")
    world.database.flows.replace(flow, replace(flow, options=options, stamp=flow.stamp.touched()))
    return world


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"maxRejectedRecords": 100}, RunState.PARTIAL_SUCCESS),
        ({"maxRejectedRecords": 99}, RunState.FAILED),
        ({"maxRejectedRecords": 0}, RunState.FAILED),
        ({"maxRejectedRecords": 100, "partialIngestionPercent": 10}, RunState.PARTIAL_SUCCESS),
        ({"maxRejectedRecords": 100, "partialIngestionPercent": 9.9}, RunState.FAILED),
        ({"maxRejectedRecords": 99, "partialIngestionPercent": 100}, RunState.FAILED),
        ({}, RunState.FAILED),
    ],
)
def test_a_run_publishes_up_to_a_number_of_rejects_and_up_to_a_share(
    tmp_path: Path, options: dict[str, Any], state: RunState
) -> None:
    world = limited(tmp_path, **options)
    run = world.executed()
    assert run.state is state
    assert len(world.landed()) == (900 if state is RunState.PARTIAL_SUCCESS else 0)
    if state is RunState.FAILED:
        assert [error.code for error in run.errors] == ["rejected-above-threshold"]


def test_a_run_stops_reading_once_it_has_rejected_too_many(tmp_path: Path) -> None:
    world = limited(tmp_path, maxRejectedRecords=10)
    batches: list[str] = []
    world.source.hook = batches.append
    run = world.executed()
    (error,) = run.errors
    assert (run.state, error.code) == (RunState.FAILED, "rejected-above-threshold")
    assert "12 rows were rejected, more than the 10" in error.message
    assert batches.count("batch") == 3  # of 25
    assert sorted(world.rejects()) == list(range(0, 120, 10))
    assert (world.landed(), world.files()) == ([], set())


def test_the_count_goes_on_where_a_killed_run_left_it(tmp_path: Path) -> None:
    def halfway() -> World:
        """Two splits, one after the other: the first has 20 rejects, and the second as many."""
        world = limited(tmp_path, maxRejectedRecords=25)
        world.source = Numbers(rows=400, splits=2)
        world.part_rows, world.threads = 40, 1
        return world

    world = halfway()
    world.source.hook = Fate(8).strike
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    again = halfway()
    again.execution.execute("run1", AtOnce())
    assert again.run().state is RunState.FAILED
    assert sorted(again.rejects()) == list(range(0, 280, 10))


def test_rejects_are_kept_when_the_source_fails_the_run(tmp_path: Path) -> None:
    world = limited(tmp_path, partialIngestionPercent=50)
    calls: list[str] = []

    def hook(what: str) -> None:
        calls.append(what)
        if calls.count("batch") > 10:
            raise Denied("no more")

    world.source.hook = hook
    run = world.executed()
    assert (run.state, [error.code for error in run.errors]) == (RunState.FAILED, [Denied.code])
    # Those of finished parts: what was not recorded was read for nothing.
    assert sorted(world.rejects()) == list(range(0, 360, 10))
    assert (world.landed(), world.files()) == ([], set())


def test_rejects_are_kept_when_the_lake_refuses_the_rows(tmp_path: Path) -> None:
    class Refusing(DeltaLake):
        """Takes no rows but rejected ones."""

        def commit(self, table: Any, *args: Any, **kwargs: Any) -> bool:
            if table.kind is TableKind.DATA:
                raise LakeError("refused")
            return super().commit(table, *args, **kwargs)

    world = limited(tmp_path, partialIngestionPercent=50)
    world.lake = Refusing(Folder(tmp_path / "lake"))
    run = world.executed()
    assert (run.state, [error.code for error in run.errors]) == (RunState.FAILED, ["lake"])
    assert len(world.rejects()) == 100


def test_in_a_sandbox_that_is_closed_nothing_is_written(tmp_path: Path) -> None:
    world = limited(tmp_path, partialIngestionPercent=50)

    def hook(what: str) -> None:
        if what == "batch" and world.database.progress.splits("run1")[0].staged:
            known = world.database.tenancy.sandbox("org", "prod")
            if known.state is SandboxState.ACTIVE:
                closed = replace(known, state=SandboxState.RESETTING, revision=known.revision + 1)
                world.database.tenancy.put_sandbox(closed)
            raise Denied("no more")

    world.source.hook = hook
    run = world.executed()
    assert (run.state, world.quarantined()) == (RunState.FAILED, [])


@pytest.mark.parametrize(("most", "is_tolerable"), [(9, False), (10, True)])
def test_a_dry_run_tells_whether_its_rejects_are_too_many(tmp_path: Path, most: int, is_tolerable: bool) -> None:
    world = limited(tmp_path, maxRejectedRecords=most)
    execution = world.execution
    rehearsal = Rehearsal(
        database=world.database,
        lake=world.lake,
        sources=world.source,
        mapper_for=execution.mapper_for,
        now=world.clock,
        window_lag=execution.window_lag,
    )
    flow: Flow = world.database.flows.get(SCOPE, "flow")
    flow = replace(flow, target=replace(flow.target, params={"dataSetId": "dataset"}))
    done = rehearsal.dry_run(flow, rows=100)
    assert (done.counts.rejected, done.most_rejected, done.is_tolerable) == (10, most, is_tolerable)

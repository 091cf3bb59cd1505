"""Rejected rows are replayed through another mapping: those that pass land once, wherever the replay is cut off."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.duckdb.quarantine import LakeQuarantine
from flowservice.domain.dataset import Dataset, TableKind
from flowservice.domain.quarantine import RejectState, Wanted
from flowservice.domain.run import Run, RunState
from flowservice.engine.row_mapper import Mapped
from flowservice.errors import LakeError
from tests.engine.events import Recurring, TimedEvents
from tests.engine.test_resumption import Fate, Killed, Mortal
from tests.engine.test_upserts import doubles
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NEW, REPLAYED, FAILED = "new", "replayed", "replayFailed"


def rejecting(home: Path, **more: Any) -> World:
    """Of 0 … 59 each tenth is rejected, in two splits."""
    home.mkdir(exist_ok=True)
    settings: dict[str, Any] = {"source": Numbers(rows=60, splits=2, batch_rows=20), "part_rows": 20}
    return World(home, mapper=Doubling(reject_every=10), tolerated_percent=50, **(settings | more))


def quarantine(world: World) -> DeltaTable:
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    return DeltaTable(world.lake.location(dataset.quarantine))


def told(world: World, **wanted: Any) -> list[Any]:
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    return list(LakeQuarantine(world.lake).page(dataset.quarantine, Wanted(**wanted), limit=1_000))


def batches(world: World) -> dict[int, str]:
    """By key, the batch that landed it."""
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    rows = world.lake.dataset(dataset.table).to_table().to_pylist()
    return {row["n"]: row["_flowservice"]["batchId"] for row in rows}


def test_rows_that_pass_land_once_and_say_by_which_run(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    assert world.rejects() == dict.fromkeys(range(0, 60, 10), NEW)
    opened = world.source.opened
    world.mapper = Doubling()
    replay = world.replayed(1, by=2)
    assert (replay.state, replay.errors, replay.counts.read, replay.counts.written) == (RunState.SUCCESS, (), 6, 6)
    assert world.landed() == list(range(60))
    assert world.rejects() == dict.fromkeys(range(0, 60, 10), REPLAYED)
    assert {row.replay_run_id for row in told(world, run_id="run1")} == {"run2"}
    assert {batches(world)[n] for n in range(0, 60, 10)} == {"batch2"}
    assert world.source.opened == opened
    assert world.files() == set()


def test_what_fails_again_stays_with_its_new_reason(tmp_path: Path) -> None:
    class Pickier(Doubling):
        """Says something else."""

        def apply(self, batch: pa.RecordBatch) -> Mapped:
            mapped = super().apply(batch)
            reason = pa.array(["still not"] * mapped.rejects.num_rows)
            return replace(mapped, rejects=mapped.rejects.set_column(2, "message", reason))

    world = rejecting(tmp_path)
    world.executed(1)
    names = {row.id: row.row for row in told(world, run_id="run1")}
    world.mapper = Pickier(reject_every=20)
    replay = world.replayed(1, by=2)
    assert (replay.state, replay.counts.read, replay.counts.written, replay.counts.rejected) == (
        RunState.PARTIAL_SUCCESS, 6, 3, 3,
    )  # fmt: skip
    assert world.rejects() == {0: FAILED, 10: REPLAYED, 20: FAILED, 30: REPLAYED, 40: FAILED, 50: REPLAYED}
    rows = told(world, run_id="run1")
    assert {row.id: row.row for row in rows} == names
    assert {(row.message, row.state) for row in rows} == {
        ("still not", RejectState.REPLAY_FAILED), ("not wanted", RejectState.REPLAYED),
    }  # fmt: skip
    world.mapper = Doubling()
    assert world.replayed(1, by=3).counts.written == 3
    assert world.landed() == list(range(60))


def test_two_replays_of_the_same_rows_land_them_once(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    world.mapper = Doubling()
    for number in (2, 3):
        world.add_run(number, replays="run1")
    # The later one is there already while the first is at work, and has to wait for its turn.
    for number in (2, 3):
        world.execution.execute(f"run{number}", AtOnce())
    assert [world.run(number).counts.written for number in (2, 3)] == [6, 0]
    assert world.run(3).state is RunState.SUCCESS
    assert world.landed() == list(range(60))


def test_only_the_chosen_rows_are_replayed(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    first, *_, last = told(world, run_id="run1")
    world.mapper = Doubling()
    replay = world.replayed(1, by=2, params={"rows": [first.id, last.id], "codes": ["INGEST-1555-400"]})
    assert replay.counts.read == 2
    assert [n for n, state in world.rejects().items() if state == REPLAYED] == [0, 50]
    assert world.replayed(1, by=3, params={"codes": ["other"]}).counts.read == 0
    assert world.replayed(1, by=4, params={"fields": ["n"]}).counts.read == 4
    assert world.landed() == list(range(60))


def test_rows_have_the_same_names_wherever_the_run_was_cut_off(tmp_path: Path) -> None:
    """Splits and batches as they are, the names follow from the order of reading."""
    whole = rejecting(tmp_path / "a", part_rows=1_000)
    cut = rejecting(tmp_path / "b", part_rows=1)
    for world in (whole, cut):
        world.executed(1)
    assert [(row.id, row.row) for row in told(whole, run_id="run1")] == [
        (row.id, row.row) for row in told(cut, run_id="run1")
    ]
    assert told(whole, run_id="run1")[4].id == "run1-00001-0000000001"


def test_an_undone_run_is_not_replayed(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    world.undone(1, by=2)
    replay = world.replayed(1, by=3)
    assert (replay.state, replay.errors[0].code) == (RunState.FAILED, "run-not-replayable")
    assert "undone" in replay.errors[0].message


def test_rejects_of_a_failed_run_are_diagnostics_and_not_replayed(tmp_path: Path) -> None:
    world = rejecting(tmp_path, source=Numbers(rows=60))
    world.mapper = Doubling(reject_every=1)
    assert world.executed(1).state is RunState.FAILED
    assert len(world.rejects()) == 60
    world.mapper = Doubling()
    replay = world.replayed(1, by=2)
    assert (replay.state, replay.errors[0].code) == (RunState.FAILED, "run-not-replayable")
    assert "re-trigger" in replay.errors[0].advice
    assert (world.landed(), set(world.rejects().values())) == ([], {NEW})


# --- undo ------------------------------------------------------------------------------------------------------------


def test_after_the_undo_of_a_replay_its_rows_wait_again(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    world.mapper = Doubling()
    world.replayed(1, by=2)
    undo = world.undone(2, by=3)
    assert (undo.state, undo.counts.deleted, undo.rewinds) == (RunState.SUCCESS, 6, False)
    assert world.landed() == [n for n in range(60) if n % 10]
    assert set(world.rejects().values()) == {NEW}
    assert world.replayed(1, by=4).counts.written == 6
    assert world.landed() == list(range(60))


def test_a_run_is_undone_only_after_the_replay_of_its_rows(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    world.mapper = Doubling()
    world.replayed(1, by=2)
    refused = world.undone(1, by=3)
    assert (refused.state, refused.errors[0].code) == (RunState.FAILED, "run-not-undoable")
    assert "/v1/runs/run2/undo" in refused.errors[0].advice
    assert world.landed() == list(range(60))
    world.undone(2, by=4)
    assert world.undone(1, by=5).state is RunState.SUCCESS
    assert (world.landed(), world.rejects()) == ([], {})


def test_what_a_replay_said_of_rows_goes_with_the_run_that_read_them(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    assert world.replayed(1, by=2).counts.rejected == 6
    assert world.undone(1, by=3).state is RunState.SUCCESS
    assert (world.landed(), world.quarantined()) == ([], [])


# --- upserts ---------------------------------------------------------------------------------------------------------


def upserting(home: Path) -> World:
    return rejecting(home, keys=("n",), source=Numbers(rows=20, splits=1, batch_rows=20))


def bettered(world: World, number: int, *, factor: int) -> Run:
    """A run that takes the same keys with other values."""

    class Times(Doubling):
        """Another factor."""

        def apply(self, batch: pa.RecordBatch) -> Mapped:
            mapped = super().apply(batch)
            doubled = pa.array([factor * n for n in mapped.rows.column("n").to_pylist()], pa.int64())
            nested = pa.StructArray.from_arrays([doubled], fields=list(self.schema.field("nested").type))
            return replace(mapped, rows=mapped.rows.set_column(1, self.schema.field("nested"), nested))

    world.mapper = Times()
    return world.executed(number)


def test_a_replayed_row_replaces_what_was_there_before_its_run(tmp_path: Path) -> None:
    world = upserting(tmp_path)
    bettered(world, 1, factor=7)
    world.mapper = Doubling(reject_every=10)
    world.executed(2)
    assert {n: doubles(world)[n] for n in (0, 10)} == {0: 0, 10: 70}
    world.mapper = Doubling()
    replay = world.replayed(2, by=3)
    assert (replay.counts.read, replay.counts.written, replay.counts.superseded) == (2, 2, 0)
    assert doubles(world) == {n: 2 * n for n in range(20)}
    assert world.undone(3, by=4).counts.restored == 2
    assert doubles(world)[10] == 70


def test_a_replayed_row_does_not_replace_one_of_a_later_run(tmp_path: Path) -> None:
    world = upserting(tmp_path)
    world.executed(1)
    world.source = Numbers(rows=5, splits=1)
    bettered(world, 2, factor=7)
    world.mapper = Doubling()
    replay = world.replayed(1, by=3)
    assert (replay.state, replay.counts.read, replay.counts.written, replay.counts.superseded) == (
        RunState.SUCCESS, 2, 1, 1,
    )  # fmt: skip
    assert (batches(world)[0], batches(world)[10], doubles(world)[10]) == ("batch2", "batch3", 20)
    assert set(world.rejects().values()) == {REPLAYED}


def test_where_all_rows_are_older_nothing_is_written_and_the_replay_is_done_once(tmp_path: Path) -> None:
    world = upserting(tmp_path)
    world.executed(1)
    bettered(world, 2, factor=7)
    before = doubles(world)
    world.mapper = Doubling()
    replay = world.replayed(1, by=3)
    assert (replay.state, replay.counts.written, replay.counts.superseded) == (RunState.SUCCESS, 0, 2)
    assert doubles(world) == before
    assert world.replayed(1, by=4).counts.read == 0


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_runs_whose_rows_are_replayed_the_later_one_wins(tmp_path: Path, order: tuple[int, int]) -> None:
    world = upserting(tmp_path)
    for number in (1, 2):
        world.mapper = Doubling(reject_every=10)
        world.executed(number)
    for by, number in enumerate(order, start=3):
        world.mapper = Doubling(modulo=0)
        world.replayed(number, by=by)
    assert batches(world)[10] == f"batch{3 + order.index(2)}"


# --- windows ---------------------------------------------------------------------------------------------------------


def test_a_replay_moves_no_window(tmp_path: Path) -> None:
    world = World(tmp_path, mapper=Doubling(reject_every=3), tolerated_percent=50)
    events = TimedEvents([(n, NOON + (n - 6) * 10 * MINUTE) for n in range(30)])
    flow = Recurring.at(world, events)

    def at(hour: int, number: int, **more: Any) -> Run:
        events.clock = NOON + hour * HOUR
        return flow.run(number, **more)

    first, second = at(0, 1), at(1, 2)
    world.mapper = Doubling()
    replay = at(2, 3, slot_at=None, replays="run1", window=first.window)
    assert (replay.state, replay.counts.written) == (RunState.SUCCESS, first.counts.rejected)
    third = at(2, 4)
    assert third.window is not None
    assert second.window is not None
    assert third.window.start == second.window.end
    assert at(2, 5, slot_at=None, undoes="run3", window=replay.window).rewinds is False
    # Neither the replay nor its undo took rows of the third run's window.
    assert at(2, 6, slot_at=None, undoes="run4", window=third.window).rewinds is True


# --- cut off ---------------------------------------------------------------------------------------------------------


def mortal(home: Path, fatal: int | None, keys: tuple[str, ...]) -> Fate:
    """A replay of six rows, of which three pass, in a process that ends at the point `fatal`; the world goes on."""
    fate = Fate(None)
    world = rejecting(home, keys=keys, lake=Mortal(DeltaLake(Folder(home / "lake")), fate))
    world.executed(1)
    world.mapper = Doubling(reject_every=20)
    world.add_run(2, replays="run1")
    event.listen(world.database.engine, "commit", fate.strike)
    fate.points, fate.fatal = 0, fatal
    world.execution.execute("run2", AtOnce())
    return fate


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.faults), 13])
@pytest.mark.parametrize("keys", [(), ("n",)])
def test_a_replay_that_is_cut_off_anywhere_lands_each_row_once(
    tmp_path: Path, keys: tuple[str, ...], stride: int
) -> None:
    points = mortal(tmp_path / "whole", None, keys).points
    assert points > 30
    for fatal in range(1, points + 1, stride):
        home = tmp_path / str(fatal)
        with pytest.raises(Killed):
            mortal(home, fatal, keys)
        world = rejecting(home, keys=keys)
        world.mapper = Doubling(reject_every=20)
        world.execution.execute("run2", AtOnce())
        run = world.run(2)
        assert (run.state, run.counts.read, run.counts.written) == (RunState.PARTIAL_SUCCESS, 6, 3), fatal
        assert world.landed() == [n for n in range(60) if n % 20], fatal
        assert list(world.rejects().values()) == [FAILED, REPLAYED] * 3, fatal


def test_what_landed_and_is_not_told_by_quarantine_is_not_replayed_again(tmp_path: Path) -> None:
    class Untold(DeltaLake):
        """Refuses what a replay says of its rows."""

        def commit(self, table: Any, *args: Any, **kwargs: Any) -> bool:
            if table.kind is TableKind.QUARANTINE and kwargs["number"] == 2:
                raise LakeError("refused")
            return super().commit(table, *args, **kwargs)

    world = rejecting(tmp_path, lake=Untold(Folder(tmp_path / "lake")))
    world.executed(1)
    world.mapper = Doubling()
    assert world.replayed(1, by=2).state is RunState.PARTIAL_SUCCESS
    assert world.landed() == list(range(60))
    again = world.replayed(1, by=3)
    assert (again.state, again.errors[0].code) == (RunState.FAILED, "lake")
    assert world.landed() == list(range(60))
    world.undone(2, by=4)
    assert world.replayed(1, by=5).counts.written == 6
    assert world.landed() == list(range(60))


def test_lines_of_an_earlier_version_have_names_and_are_replayed(tmp_path: Path) -> None:
    world = rejecting(tmp_path)
    world.executed(1)
    new = ["rowId", "key", "deltaTime", "state", "runNumber", "replayRunId"]
    table = quarantine(world)
    old = table.to_pyarrow_table().drop_columns(new)
    write_deltalake(table, old, mode="overwrite", schema_mode="overwrite")
    names = [row.id for row in told(world, run_id="run1")]
    assert len(set(names)) == 6
    world.mapper = Doubling(reject_every=20)
    world.replayed(1, by=2)
    assert [row.id for row in told(world, run_id="run1")] == names
    assert sorted(world.rejects().values()) == [FAILED] * 3 + [REPLAYED] * 3
    assert world.landed() == [n for n in range(60) if n % 20]

"""A run is taken back: its rows, what they replaced, its rejects and its window, each once, wherever it is cut off."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.dataset import Dataset
from flowservice.domain.run import Run, RunState
from flowservice.engine.row_mapper import Mapped
from flowservice.errors import LakeUnavailable, OutcomeUnknown
from tests.engine.events import LAG, Recurring, TimedEvents
from tests.engine.test_resumption import Fate, Killed, Mortal
from tests.engine.test_upserts import doubles, upserting
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def appending(home: Path, **more: Any) -> World:
    return World(home, Numbers(rows=60, splits=2, batch_rows=20), part_rows=20, **more)


def batch_status(world: World, number: int) -> str:
    return str(world.database.batches.get(SCOPE, f"batch{number}").status.value)


def table(world: World) -> DeltaTable:
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    return DeltaTable(world.lake.location(dataset.table))


# --- appends ---------------------------------------------------------------------------------------------------------


def test_rows_of_an_append_are_gone_and_the_run_and_its_batch_say_so(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    opened = world.source.opened
    undo = world.undone(1, by=2)
    assert (undo.state, undo.errors, undo.counts.deleted, undo.counts.restored) == (RunState.SUCCESS, (), 60, 0)
    assert (undo.counts.read, undo.counts.written) == (0, 0)
    assert world.landed() == []
    run = world.run(1)
    assert (run.state, run.counts.written, run.undone_by) == (RunState.SUCCESS, 60, "run2")
    assert (batch_status(world, 1), batch_status(world, 2)) == ("inactive", "success")
    assert world.source.opened == opened


def test_of_two_appends_one_is_undone_wherever_its_rows_are_by_now(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    world.source = Numbers(rows=30)
    world.executed(2)
    table(world).optimize.compact()
    undo = world.undone(1, by=3)
    assert (undo.state, undo.counts.deleted) == (RunState.SUCCESS, 60)
    assert world.landed() == list(range(30))


def test_after_an_undo_the_flow_runs_again(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    world.undone(1, by=2)
    run = world.executed(3)
    assert (run.state, world.landed()) == (RunState.SUCCESS, list(range(60)))
    assert world.undone(3, by=4).counts.deleted == 60
    assert world.landed() == []


def test_rejected_rows_go_with_the_run_and_those_of_others_stay(tmp_path: Path) -> None:
    world = appending(tmp_path, tolerated_percent=10)
    world.mapper = Doubling(reject_every=20)
    world.executed(1)
    world.executed(2)
    undo = world.undone(1, by=3)
    assert (undo.state, undo.counts.deleted) == (RunState.SUCCESS, 57)
    assert {row["runId"] for row in world.quarantined()} == {"run2"}
    assert len(world.quarantined()) == 3


def test_rows_that_are_missing_are_told_and_the_others_go(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    table(world).delete("n < 10")
    undo = world.undone(1, by=2)
    assert (undo.state, undo.counts.deleted, world.landed()) == (RunState.PARTIAL_SUCCESS, 50, [])
    (note,) = undo.errors
    assert note.code == "undone-rows-missing"
    assert "10 of the 60 rows" in note.message
    assert world.run(1).undone_by == "run2"


def test_a_run_is_undone_once(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    world.undone(1, by=2)
    again = world.undone(1, by=3)
    assert (again.state, again.errors[0].code) == (RunState.FAILED, "run-not-undoable")
    assert (world.run(1).undone_by, batch_status(world, 3)) == ("run2", "failed")


def test_without_its_dataset_an_undo_fails_and_says_why(tmp_path: Path) -> None:
    world = appending(tmp_path)
    world.executed(1)
    world.database.datasets.delete(world.database.datasets.get(SCOPE, "dataset"))
    undo = world.undone(1, by=2)
    assert (undo.state, undo.errors[0].code) == (RunState.FAILED, "not-found")
    assert world.run(1).undone_by is None


@pytest.mark.parametrize("has_landed", [True, False])
def test_after_an_unknown_outcome_the_undo_looks_and_takes_back_once(tmp_path: Path, has_landed: bool) -> None:
    class Vague(DeltaLake):
        """Its first answers tell nothing."""

        answers = iter([OutcomeUnknown("no answer"), LakeUnavailable("busy")])

        def withdraw(self, *args: Any, **kwargs: Any) -> bool:
            error = next(self.answers, None)
            done = super().withdraw(*args, **kwargs) if has_landed or error is None else True
            if error is not None:
                raise error
            return done

    world = appending(tmp_path, lake=Vague(Folder(tmp_path / "lake")))
    world.executed(1)
    world.executed(2)
    undo = world.undone(1, by=3)
    assert (undo.state, undo.counts.deleted, len(world.landed())) == (RunState.SUCCESS, 60, 60)


# --- upserts ---------------------------------------------------------------------------------------------------------


def test_what_an_upsert_replaced_is_back_and_what_it_added_is_gone(tmp_path: Path) -> None:
    world = upserting(tmp_path, source=Numbers(rows=30))
    world.executed(1)
    before = table(world).to_pyarrow_table().sort_by("n").to_pylist()
    world.source = Numbers(rows=120, splits=2, batch_rows=20)
    world.executed(2)
    assert len(doubles(world)) == 50
    undo = world.undone(2, by=3)
    assert (undo.state, undo.errors, undo.counts.deleted, undo.counts.restored) == (RunState.SUCCESS, (), 20, 30)
    assert table(world).to_pyarrow_table().sort_by("n").to_pylist() == before
    assert (world.run(2).undone_by, batch_status(world, 2)) == ("run3", "inactive")


def test_an_upsert_whose_keys_a_later_run_touched_stays_until_that_one_is_undone(tmp_path: Path) -> None:
    world = upserting(tmp_path, source=Numbers(rows=30))
    world.executed(1)
    world.source = Numbers(rows=10)
    world.executed(2)
    after = doubles(world)
    refused = world.undone(1, by=3)
    (reason,) = refused.errors
    assert (refused.state, reason.code) == (RunState.FAILED, "rows-changed-since")
    assert "10 were changed" in reason.message
    assert "later runs first" in reason.advice
    assert (doubles(world), world.run(1).undone_by) == (after, None)
    assert world.undone(2, by=4).state is RunState.SUCCESS
    assert world.undone(1, by=5).state is RunState.SUCCESS
    assert doubles(world) == {}


def test_a_later_upsert_of_other_keys_keeps_no_undo_from_it(tmp_path: Path) -> None:
    world = upserting(tmp_path, source=Numbers(rows=20))
    world.executed(1)

    class Beyond(Doubling):
        """Keys of its own."""

        def apply(self, batch: pa.RecordBatch) -> Mapped:
            mapped = super().apply(batch)
            beyond = pc.add(mapped.rows.column("n"), 100)
            return replace(mapped, rows=mapped.rows.set_column(0, mapped.rows.schema.field("n"), beyond))

    world.mapper = Beyond()
    world.executed(2)
    assert world.undone(1, by=3).state is RunState.SUCCESS
    assert set(doubles(world)) == set(range(100, 120))


def test_without_the_rows_of_before_nothing_is_undone(tmp_path: Path) -> None:
    world = upserting(tmp_path, source=Numbers(rows=20))
    world.executed(1)
    world.executed(2)
    table(world).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    after = doubles(world)
    undo = world.undone(2, by=3)
    assert (undo.state, undo.errors[0].code) == (RunState.FAILED, "earlier-rows-gone")
    assert (doubles(world), world.run(2).undone_by) == (after, None)


# --- windows ---------------------------------------------------------------------------------------------------------


def hourly(home: Path) -> Recurring:
    """An hourly flow over events that come every ten minutes; the first run takes all there are."""
    return Recurring.at(World(home), TimedEvents([(n, NOON - HOUR + n * 10 * MINUTE) for n in range(30)]))


def run_at(flow: Recurring, number: int, at: datetime, **more: Any) -> Run:
    assert isinstance(flow.events, TimedEvents)
    flow.events.clock = at
    return flow.run(number, **more)


def undone(flow: Recurring, number: int, *, by: int) -> Run:
    return flow.run(by, slot_at=None, undoes=f"run{number}", window=flow.world.run(number).window)


def until(at: datetime) -> list[int]:
    return [n for n in range(30) if NOON - HOUR + n * 10 * MINUTE < at - LAG]


def test_after_the_undo_of_the_newest_run_the_next_one_takes_its_rows_again(tmp_path: Path) -> None:
    flow = hourly(tmp_path)
    first = run_at(flow, 1, NOON)
    second = run_at(flow, 2, NOON + HOUR)
    undo = undone(flow, 2, by=3)
    assert (undo.state, undo.rewinds, undo.window) == (RunState.SUCCESS, True, second.window)
    assert flow.world.landed() == until(NOON)
    third = run_at(flow, 4, NOON + 2 * HOUR)
    assert third.window is not None
    assert first.window is not None
    assert third.window.start == first.window.end
    assert flow.world.landed() == until(NOON + 2 * HOUR)


def test_after_the_undo_of_an_earlier_run_the_next_one_goes_on_and_that_one_is_run_again(tmp_path: Path) -> None:
    flow = hourly(tmp_path)
    run_at(flow, 1, NOON)
    second = run_at(flow, 2, NOON + HOUR)
    third = run_at(flow, 3, NOON + 2 * HOUR)
    undo = undone(flow, 2, by=4)
    assert (undo.state, undo.rewinds) == (RunState.SUCCESS, False)
    fourth = run_at(flow, 5, NOON + 3 * HOUR)
    assert fourth.window is not None
    assert third.window is not None
    assert fourth.window.start == third.window.end
    assert flow.world.landed() == [n for n in until(NOON + 3 * HOUR) if n in until(NOON) or n not in until(NOON + HOUR)]
    again = run_at(flow, 6, NOON, parent_id="run2", root_id="run2", window=second.window)
    assert (again.state, again.window) == (RunState.SUCCESS, second.window)
    assert flow.world.landed() == until(NOON + 3 * HOUR)
    # The one that was run again is the newest in the lake, and yet others have taken what comes after its window.
    assert undone(flow, 6, by=7).rewinds is False
    run_at(flow, 8, NOON + 4 * HOUR)
    assert flow.world.landed() == [n for n in range(30) if n in until(NOON) or n not in until(NOON + HOUR)]


def test_undone_from_the_newest_on_all_is_taken_again(tmp_path: Path) -> None:
    flow = hourly(tmp_path)
    for number in (1, 2, 3):
        run_at(flow, number, NOON + (number - 1) * HOUR)
    for number, by in ((3, 4), (2, 5), (1, 6)):
        assert undone(flow, number, by=by).rewinds
    assert flow.world.landed() == []
    run = run_at(flow, 7, NOON + 3 * HOUR)
    assert run.window is not None
    assert run.window.start is None
    assert flow.world.landed() == until(NOON + 3 * HOUR)


def test_runs_without_rows_do_not_stand_in_the_way(tmp_path: Path) -> None:
    flow = hourly(tmp_path)
    run_at(flow, 1, NOON)
    run_at(flow, 2, NOON + HOUR)
    rows, flow.events.rows = flow.events.rows, flow.events.rows[:10]
    run_at(flow, 3, NOON + 2 * HOUR)
    undone(flow, 3, by=4)
    run_at(flow, 5, NOON + 2 * HOUR)
    assert undone(flow, 2, by=6).rewinds
    flow.events.rows = rows
    run_at(flow, 7, NOON + 3 * HOUR)
    assert flow.world.landed() == until(NOON + 3 * HOUR)


def test_an_undo_that_fails_moves_no_window(tmp_path: Path) -> None:
    flow = hourly(tmp_path)
    run_at(flow, 1, NOON)
    undone(flow, 1, by=2)
    second = run_at(flow, 3, NOON + HOUR)
    assert undone(flow, 1, by=4).state is RunState.FAILED
    third = run_at(flow, 5, NOON + 2 * HOUR)
    assert third.window is not None
    assert second.window is not None
    assert third.window.start == second.window.end
    assert flow.world.landed() == until(NOON + 2 * HOUR)


# --- cut off ---------------------------------------------------------------------------------------------------------


def mortal(world: World, home: Path) -> tuple[World, Fate]:
    fate = Fate(None)
    world.lake = Mortal(DeltaLake(Folder(home / "lake")), fate)
    event.listen(world.database.engine, "commit", fate.strike)
    return world, fate


def appended(home: Path) -> World:
    """Two appends, each with rejected rows."""
    world = appending(home, tolerated_percent=10)
    world.mapper = Doubling(reject_every=20)
    for number in (1, 2):
        world.executed(number)
    return world


def check_appended(world: World) -> None:
    undo = world.run(3)
    assert (undo.state, undo.counts.deleted, undo.counts.restored) == (RunState.SUCCESS, 57, 0)
    assert world.landed() == [n for n in range(60) if n % 20]
    assert {row["runId"] for row in world.quarantined()} == {"run2"}


def upserted(home: Path) -> World:
    """An upsert of 30 rows, and one of 50 in place of them."""
    world = upserting(home, source=Numbers(rows=30))
    world.executed(1)
    world.source = Numbers(rows=120, splits=2, batch_rows=20)
    world.executed(2)
    return world


def check_upserted(world: World) -> None:
    undo = world.run(3)
    assert (undo.state, undo.counts.deleted, undo.counts.restored) == (RunState.SUCCESS, 20, 30)
    assert doubles(world) == {key: 2 * key for key in range(30)}


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.faults), 3])
@pytest.mark.parametrize(
    ("made", "number", "check"),
    [(appended, 1, check_appended), (upserted, 2, check_upserted)],
    ids=["append", "upsert"],
)
def test_an_undo_that_is_cut_off_at_any_point_ends_as_if_it_was_not(
    tmp_path: Path, made: Callable[[Path], World], number: int, check: Callable[[World], None], stride: int
) -> None:
    def prepared(name: str) -> tuple[World, Fate]:
        home = tmp_path / name
        home.mkdir()
        world, fate = mortal(made(home), home)
        world.add_run(3, undoes=f"run{number}")
        fate.points = 0
        return world, fate

    def checked(world: World) -> None:
        check(world)
        assert world.run(number).undone_by == "run3"
        assert (batch_status(world, number), batch_status(world, 3)) == ("inactive", "success")

    world, fate = prepared("whole")
    world.execution.execute("run3", AtOnce())
    checked(world)
    assert fate.points > 8
    for fatal in range(1, fate.points + 1, stride):
        world, mine = prepared(str(fatal))
        mine.fatal = fatal
        with pytest.raises(Killed):
            world.execution.execute("run3", AtOnce())
        world.database.engine.dispose()
        restarted = World(tmp_path / str(fatal), keys=world.keys)
        restarted.execution.execute("run3", AtOnce())
        checked(restarted)
        restarted.database.engine.dispose()

"""Runs of a recurring flow: each takes the rows of its window, and no row is lost or comes twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.flow import Flow
from flowservice.domain.run import Run, RunState
from flowservice.domain.window import DeltaColumn, Window
from flowservice.errors import Denied, SourceUnavailable
from flowservice.sdk import Batch, Cursor, Source, Split
from flowservice.sdk.testing import Rows, SourceContract
from tests.engine.events import LAG, DatedEvents, Events, Recurring, TimedEvents
from tests.engine.test_resumption import Fate, Killed, Mortal
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, World, nothing

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class TestEvents(SourceContract):
    """The source of these tests is one."""

    path = "numbers"
    key = ("n",)
    delta_column = "changed"

    @pytest.fixture
    def source(self) -> Source:
        return Events([(n, NOON + n * MINUTE) for n in range(20)])

    def expected(self) -> Rows:
        return sorted(((str(n),) for n in range(20)), key=repr)


def every_minute(first: int, last: int) -> list[tuple[int, datetime]]:
    """Row n was changed n minutes after noon."""
    return [(n, NOON + n * MINUTE) for n in range(first, last)]


def bounds(run: Run) -> tuple[datetime | None, datetime | None]:
    assert run.window is not None
    return run.window.start, run.window.end


@pytest.fixture
def hourly(tmp_path: Path) -> Recurring:
    return Recurring.at(World(tmp_path), TimedEvents())


def tell(hourly: Recurring, clock: datetime) -> None:
    assert isinstance(hourly.events, TimedEvents)
    hourly.events.clock = clock


# --- windows follow each other ---------------------------------------------------------------------------------------


def test_the_first_run_takes_all_up_to_the_sources_clock_and_the_next_ones_go_on_from_there(hourly: Recurring) -> None:
    hourly.events.rows = every_minute(-500, 60)
    first = hourly.run(1)
    assert bounds(first) == (None, NOON - LAG)
    assert hourly.world.landed() == list(range(-500, -2))
    assert (first.counts.read, first.counts.filtered, first.counts.written) == (560, 62, 498)
    tell(hourly, NOON + HOUR)
    hourly.events.rows += every_minute(60, 90)
    assert bounds(hourly.run(2)) == (NOON - LAG, NOON + HOUR - LAG)
    assert hourly.world.landed() == list(range(-500, 58))
    tell(hourly, NOON + 9 * HOUR)
    assert bounds(hourly.run(3)) == (NOON + HOUR - LAG, NOON + 9 * HOUR - LAG)
    assert hourly.world.landed() == list(range(-500, 90))


def test_without_backfill_the_first_run_takes_what_appeared_since_the_start(tmp_path: Path) -> None:
    events = TimedEvents(every_minute(-9, 9), clock=NOON + 5 * MINUTE)
    hourly = Recurring.at(World(tmp_path), events, backfill=False, takes_from=NOON)
    assert bounds(hourly.run(1)) == (NOON, NOON + 3 * MINUTE)
    assert hourly.world.landed() == [0, 1, 2]


def test_a_first_run_at_the_very_start_without_backfill_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    events = TimedEvents(every_minute(-9, 9), clock=NOON)
    hourly = Recurring.at(World(tmp_path), events, backfill=False, takes_from=NOON)
    assert bounds(hourly.run(1)) == (NOON, NOON)
    tell(hourly, NOON + HOUR)
    assert bounds(hourly.run(2)) == (NOON, NOON + HOUR - LAG)
    assert hourly.world.landed() == list(range(9))


def test_a_run_that_failed_moves_nothing_and_the_next_one_takes_its_rows(hourly: Recurring) -> None:
    hourly.events.rows = every_minute(-9, 60)
    hourly.run(1)
    tell(hourly, NOON + HOUR)
    hourly.events.hook = _down
    assert hourly.run(2).state is RunState.FAILED
    hourly.events.hook = nothing
    tell(hourly, NOON + 2 * HOUR)
    assert bounds(hourly.run(3)) == (NOON - LAG, NOON + 2 * HOUR - LAG)
    assert hourly.world.landed() == list(range(-9, 60))


def _down(place: str) -> None:
    raise SourceUnavailable("down")


def test_batches_without_rows_and_columns_are_in_no_window_and_harm_none(tmp_path: Path) -> None:
    class Halting(TimedEvents):
        """With a batch of nothing before each one."""

        def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
            for batch in super().read(split, after=after):
                yield Batch(rows=pa.RecordBatch.from_pydict({}), resume=after or {"n": -100})
                yield batch

    hourly = Recurring.at(World(tmp_path), Halting(every_minute(-9, 9), clock=NOON + 5 * MINUTE))
    run = hourly.run(1)
    assert hourly.world.landed() == list(range(-9, 3))
    assert (run.state, run.counts.read, run.counts.filtered, run.skipped) == (RunState.SUCCESS, 18, 6, ())


def test_a_clock_that_goes_back_gives_an_empty_window(hourly: Recurring) -> None:
    hourly.run(1)
    tell(hourly, NOON - HOUR)
    assert bounds(hourly.run(2)) == (NOON - LAG, NOON - LAG)
    tell(hourly, NOON + HOUR)
    assert bounds(hourly.run(3)) == (NOON - LAG, NOON + HOUR - LAG)


def test_a_source_without_a_clock_is_read_up_to_the_slot(tmp_path: Path) -> None:
    clock = [NOON + 7 * MINUTE]
    world = World(tmp_path, clock=lambda: clock[0])
    hourly = Recurring.at(world, Events(every_minute(-9, 300)))
    assert bounds(hourly.run(1)) == (None, NOON - LAG)
    # A run that had to wait stands for the slots that went by meanwhile.
    clock[0] = NOON + 3 * HOUR + MINUTE
    assert bounds(hourly.run(2)) == (NOON - LAG, NOON + 3 * HOUR - LAG)
    assert world.landed() == list(range(-9, 178))


def test_rows_at_the_edges_belong_to_one_window(hourly: Recurring) -> None:
    end = NOON - LAG
    micro = timedelta(microseconds=1)
    hourly.events.rows = [(1, end - micro), (2, end), (3, end + micro)]
    hourly.run(1)
    assert hourly.world.landed() == [1]
    tell(hourly, NOON + HOUR)
    hourly.run(2)
    assert hourly.world.landed() == [1, 2, 3]


def test_a_row_that_changes_again_lands_again(hourly: Recurring) -> None:
    hourly.events.rows = [(1, NOON - HOUR), (2, NOON - HOUR)]
    hourly.run(1)
    hourly.events.rows[0] = (1, NOON + MINUTE)
    tell(hourly, NOON + HOUR)
    hourly.run(2)
    assert hourly.world.landed() == [1, 1, 2]


def test_the_delta_column_is_read_beside_the_mapped_ones(hourly: Recurring) -> None:
    hourly.events.rows = every_minute(-9, -5)
    hourly.run(1)
    (selection, *_) = [asked for asked in hourly.events.asked if asked.window is not None]
    assert selection.columns == ("n", "changed")
    assert selection.window == ("changed", None, NOON - LAG)
    plan = hourly.world.database.progress.plan("run1")
    assert plan["columns"] == ["n"]
    assert plan["window"] == {"column": {"name": "changed"}, "from": None, "to": (NOON - LAG).isoformat()}
    assert plan["watermark"] == (NOON - LAG).isoformat()


# --- rows in no window -----------------------------------------------------------------------------------------------


def test_rows_without_a_time_are_left_out_counted_and_told_of(tmp_path: Path) -> None:
    texts = [(0, "2026-03-01 10:00:00"), (1, None), (2, "soon"), (3, ""), (4, "2026-03-01T10:00:00Z"), (5, "7")]
    hourly = Recurring.at(World(tmp_path), TimedEvents(list(texts), kind=pa.string()))
    run = hourly.run(1)
    assert run.state is RunState.SUCCESS
    assert hourly.world.landed() == [0, 4]
    assert [(tally.code, tally.field, tally.count) for tally in run.skipped] == [
        ("delta-column-unreadable", "changed", 3),
        ("delta-column-empty", "changed", 1),
    ]
    assert (run.counts.read, run.counts.filtered, run.counts.written) == (6, 4, 2)


def test_a_batch_without_the_delta_column_has_no_row_in_any_window(tmp_path: Path) -> None:
    hourly = Recurring.at(World(tmp_path), TimedEvents([(n, None) for n in range(4)], kind=pa.null()))
    run = hourly.run(1)
    assert (run.state, run.counts.filtered, run.skipped[0].count) == (RunState.SUCCESS, 4, 4)


def test_a_long_read_outside_the_window_is_recorded_on_its_way(tmp_path: Path) -> None:
    events = TimedEvents([(n, NOON + HOUR) for n in range(100)], splits=1)
    hourly = Recurring.at(World(tmp_path, part_rows=5), events)
    hourly.run(1)
    (split,) = hourly.world.database.progress.splits("run1")
    assert [staged.counts.read for staged in split.staged] == [21, 21, 21, 21, 16]
    assert {staged.data for staged in split.staged} == {None}


# --- windows that someone asked for, and runs that repeat others -----------------------------------------------------


def asked_for(start: datetime | None, end: datetime | None) -> Window:
    return Window(column=DeltaColumn(name="changed"), start=start, end=end)


def test_a_run_over_a_window_of_its_own_takes_just_that(tmp_path: Path) -> None:
    world = World(tmp_path)
    once = Recurring(world, TimedEvents(every_minute(0, 30)))
    run = once.run(1, window=asked_for(NOON + 5 * MINUTE, NOON + 8 * MINUTE), slot_at=None)
    assert (world.landed(), bounds(run)) == ([5, 6, 7], (NOON + 5 * MINUTE, NOON + 8 * MINUTE))
    once.run(2, window=asked_for(NOON + 28 * MINUTE, None), slot_at=None)
    assert world.landed() == [5, 6, 7, 28, 29]
    once.run(3, slot_at=None)
    assert len(world.landed()) == 5 + 30


def test_a_failed_run_is_repeated_over_its_window_and_the_next_one_goes_on_from_its_end(hourly: Recurring) -> None:
    hourly.events.rows = every_minute(-9, 200)
    hourly.run(1)
    tell(hourly, NOON + HOUR)
    failed = _failed_while_reading(hourly, 2)
    tell(hourly, NOON + 2 * HOUR)
    again = hourly.run(3, window=failed.window, parent_id="run2", root_id="run2")
    assert bounds(again) == bounds(failed) == (NOON - LAG, NOON + HOUR - LAG)
    assert bounds(hourly.run(4)) == (NOON + HOUR - LAG, NOON + 2 * HOUR - LAG)
    assert hourly.world.landed() == list(range(-9, 118))


def test_a_repeated_run_takes_nothing_that_a_later_one_has_taken_meanwhile(hourly: Recurring) -> None:
    hourly.events.rows = every_minute(-9, 200)
    hourly.run(1)
    tell(hourly, NOON + HOUR)
    failed = _failed_while_reading(hourly, 2)
    tell(hourly, NOON + 2 * HOUR)
    hourly.run(3)
    again = hourly.run(4, window=failed.window, parent_id="run2", root_id="run2")
    assert (again.state, again.counts.written) == (RunState.SUCCESS, 0)
    tell(hourly, NOON + 3 * HOUR)
    assert bounds(hourly.run(5)) == (NOON + 2 * HOUR - LAG, NOON + 3 * HOUR - LAG)
    assert hourly.world.landed() == list(range(-9, 178))


def test_a_run_that_found_nothing_is_repeated_for_what_came_late_and_moves_no_window(hourly: Recurring) -> None:
    empty = hourly.run(1)
    tell(hourly, NOON + HOUR)
    hourly.events.rows = every_minute(0, 30)
    hourly.run(2)
    hourly.events.rows += [(-7, NOON - 7 * MINUTE)]
    again = hourly.run(3, window=empty.window, parent_id="run1", root_id="run1")
    assert (bounds(again), again.counts.written) == (bounds(empty), 1)
    tell(hourly, NOON + 2 * HOUR)
    assert bounds(hourly.run(4)) == (NOON + HOUR - LAG, NOON + 2 * HOUR - LAG)
    assert hourly.world.landed() == [-7, *range(30)]


def _failed_while_reading(hourly: Recurring, number: int) -> Run:
    hourly.events.hook = lambda place: _down(place) if place == "batch" else None
    run = hourly.run(number)
    hourly.events.hook = nothing
    assert (run.state, run.window is None) == (RunState.FAILED, False)
    return run


def test_a_table_that_the_store_knows_nothing_of_is_not_read_again(hourly: Recurring, tmp_path: Path) -> None:
    hourly.events.rows = every_minute(-9, 0)
    hourly.run(1)
    (tmp_path / "store.db").unlink()
    restored = Recurring.at(World(tmp_path), hourly.events)
    run = restored.run(2)
    assert (run.state, run.errors[0].code) == (RunState.FAILED, "lake")
    assert restored.world.landed() == list(range(-9, -2))


def test_a_recurring_flow_without_a_delta_column_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    hourly = Recurring.at(World(tmp_path), TimedEvents())
    flow: Flow = hourly.world.database.flows.get(SCOPE, "flow")
    bare = replace(flow, transformations=flow.transformations[1:], stamp=flow.stamp.touched())
    hourly.world.database.flows.replace(flow, bare)
    assert hourly.run(1).errors[0].code == "delta-column-missing"


# --- killed at any point ---------------------------------------------------------------------------------------------


def mortal(home: Path) -> tuple[Recurring, Fate]:
    """Everything that a run touches, and what may end the process at each touch."""
    fate = Fate(None)
    lake = Mortal(DeltaLake(Folder(home / "lake")), fate)
    world = World(home, mapper=Doubling(reject_every=30), tolerated_percent=50, part_rows=10, lake=lake)
    event.listen(world.database.engine, "commit", fate.strike)
    return Recurring.at(world, TimedEvents(hook=fate.strike)), fate


def cut_off(home: Path, fatal: int | None) -> int:
    """Three runs, each cut off at `fatal` and again later, as far as it gets there; the points of the first one."""
    hourly, fate = mortal(home)
    first = 0
    for number in (1, 2, 3):
        hourly.added(number)
        clock, late = NOON + (number - 1) * HOUR, 0
        for fatal_now in (fatal, 2 * fatal if fatal else None, None):
            # A process that goes on meets another time and more rows.
            tell(hourly, clock + late * MINUTE)
            hourly.events.rows = [*every_minute(-30, 60 * number), *[(1000 + n, NOON + 9 * HOUR) for n in range(late)]]
            fate.points, fate.fatal = 0, fatal_now
            try:
                hourly.execution.execute(f"run{number}", AtOnce())
            except Killed:
                hourly.world.database.engine.dispose()
                hourly, fate = mortal(home)
                late += 1
            else:
                break
        fate.fatal = None
        first = first or fate.points
    check_windows(hourly)
    hourly.world.database.engine.dispose()
    return first


def check_windows(hourly: Recurring) -> None:
    windows = [bounds(hourly.world.run(number)) for number in (1, 2, 3)]
    assert [start for start, _ in windows] == [None, *[end for _, end in windows[:2]]]
    rejected = [int(row["value"]) for row in hourly.world.quarantined()]
    end = windows[-1][1]
    assert end is not None
    assert sorted([*hourly.world.landed(), *rejected]) == [n for n in range(-30, 180) if NOON + n * MINUTE < end]
    assert hourly.world.files() == set()


@pytest.mark.parametrize("stride", [pytest.param(2, marks=pytest.mark.faults), 17])
def test_windows_are_whole_however_often_their_runs_are_cut_off(tmp_path: Path, stride: int) -> None:
    (tmp_path / "whole").mkdir()
    points = cut_off(tmp_path / "whole", None)
    assert points > 60
    for fatal in range(1, points + 1, stride):
        home = tmp_path / str(fatal)
        home.mkdir()
        cut_off(home, fatal)


# --- rows that come late ---------------------------------------------------------------------------------------------


def late_rows(run: Run) -> dict[str, int]:
    return {tally.code: tally.count for tally in run.skipped}


def test_a_row_that_is_written_after_the_window_of_its_time_is_counted_once_and_lands_in_none(tmp_path: Path) -> None:
    events = DatedEvents(every_minute(-500, 60))
    hourly = Recurring.at(World(tmp_path), events)
    assert late_rows(hourly.run(1)) == {}
    tell(hourly, NOON + HOUR)
    # Two come late, one of the window is in time, and one from before is changed without a new time.
    events.rows += [(1000, NOON - HOUR), (1001, NOON - LAG - timedelta(microseconds=1)), (1002, NOON - LAG)]
    events.written = {
        1000: NOON + MINUTE,
        1001: NOON,
        1002: NOON + MINUTE,
        -400: NOON + 2 * MINUTE,
        -300: NOON - MINUTE,
    }
    events.written |= {n: NOON - HOUR for n in range(-500, 0) if n not in events.written}
    second = hourly.run(2)
    assert late_rows(second) == {"delta-column-late": 3}
    assert second.counts.filtered + second.counts.written == second.counts.read
    assert 1002 in hourly.world.landed()
    assert not {1000, 1001} & set(hourly.world.landed())
    assert events.asked[-1].late == ("written", NOON)
    tell(hourly, NOON + 2 * HOUR)
    assert late_rows(hourly.run(3)) == {}


def test_rows_count_as_late_since_the_last_run_that_landed(tmp_path: Path) -> None:
    events = DatedEvents(every_minute(0, 60))
    events.written = dict.fromkeys(range(60), NOON - HOUR)
    hourly = Recurring.at(World(tmp_path), events)
    hourly.run(1)
    events.rows += [(1000, NOON - HOUR)]
    events.written[1000] = NOON + MINUTE
    tell(hourly, NOON + HOUR)

    def failing(_: str) -> None:
        raise Denied("no more")

    events.hook = failing
    assert hourly.run(2).state is RunState.FAILED
    events.hook = nothing
    tell(hourly, NOON + 2 * HOUR)
    assert late_rows(hourly.run(3)) == {"delta-column-late": 1}


@pytest.mark.parametrize("reason", ["the source does not tell", "the delta column is that time"])
def test_without_another_time_to_go_by_nothing_counts_as_late(tmp_path: Path, reason: str) -> None:
    events = DatedEvents(every_minute(0, 60), tells=reason != "the source does not tell")
    hourly = Recurring.at(World(tmp_path), events)
    if events.tells:
        flow = hourly.world.database.flows.get(SCOPE, "flow")
        by_change = flow.keeping(DeltaColumn(name="written"))
        hourly.world.database.flows.replace(flow, replace(by_change, stamp=flow.stamp.touched()))
    hourly.run(1)
    events.rows += [(1000, NOON - HOUR)]
    events.written[1000] = NOON - LAG - MINUTE
    tell(hourly, NOON + HOUR)
    assert late_rows(hourly.run(2)) == {}
    assert events.asked[-1].late is None


def test_after_an_undo_the_rows_that_would_have_been_late_land_with_the_others(tmp_path: Path) -> None:
    events = DatedEvents(every_minute(0, 60))
    events.written = dict.fromkeys(range(60), NOON - HOUR)
    hourly = Recurring.at(World(tmp_path), events)
    hourly.run(1)
    again = hourly.run(2, undoes="run1", window=hourly.world.run(1).window)
    assert (again.state, again.rewinds) == (RunState.SUCCESS, True)
    events.rows += [(1000, NOON - HOUR)]
    events.written[1000] = NOON + MINUTE
    tell(hourly, NOON + HOUR)
    assert late_rows(hourly.run(3)) == {}
    assert 1000 in hourly.world.landed()

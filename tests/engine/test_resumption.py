"""A run goes on where it was cut off, wherever that was, and loses and doubles nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from sqlalchemy import event

from flowservice.adapters.dbos import DbosRuns
from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.domain.dataset import Dataset, TableKind, TableRef
from flowservice.domain.flow import Transformation
from flowservice.domain.mapping import MappingSet
from flowservice.domain.run import RunState
from flowservice.errors import LakeError, LakeUnavailable, OutcomeUnknown
from flowservice.ports.runtime import Interrupted
from tests.engine.world import NOON, SCOPE, AtOnce, Doubling, Numbers, Sparse, World

ROWS = 1000


class Killed(BaseException):
    """Stands for the end of the process: nothing in the service may take it for an error and act on it."""


class Mortal:
    """Passes calls through to `inner`; before or after the `fatal`-th of all of them, the process ends."""

    def __init__(self, inner: Any, fate: "Fate") -> None:
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name in ("location", "dataset", "schema"):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fate.strike()
            result = found(*args, **kwargs)
            self._fate.strike()
            return Mortal(result, self._fate) if name == "writer" else result

        return call


class Fate:
    """Counts the points at which the process might end, and ends it at one."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal = fatal
        self.points = 0

    def strike(self, *_: object) -> None:
        self.points += 1
        if self.points == self.fatal:
            raise Killed


def mortal_world(home: Path, fatal: int | None) -> tuple[World, Fate]:
    fate = Fate(fatal)
    world = World(
        home,
        Numbers(rows=120, splits=2, batch_rows=20, hook=fate.strike),
        Doubling(reject_every=30),
        tolerated_percent=5,
        part_rows=40,
        lake=Mortal(DeltaLake(Folder(home / "lake")), fate),
    )
    # Before each commit of the database: it is undone. After it: the next point.
    event.listen(world.database.engine, "commit", fate.strike)
    return world, fate


def points_of_a_whole_run(home: Path) -> int:
    world, fate = mortal_world(home, None)
    world.add_run()
    fate.points = 0
    world.execution.execute("run1", AtOnce())
    points = fate.points
    check_whole(world)
    return points


def check_whole(world: World) -> None:
    run = world.run()
    assert run.state is RunState.PARTIAL_SUCCESS
    assert world.landed() == [n for n in range(120) if n % 30]
    assert sorted(int(row["value"]) for row in world.quarantined()) == [0, 30, 60, 90]
    assert (run.counts.read, run.counts.rejected, run.counts.written) == (120, 4, 116)
    assert world.files() == set()
    batch = world.database.batches.get(SCOPE, "batch1")
    assert (batch.status.value, batch.metrics["outputRecordCount"]) == ("success", 116)


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.faults), 9])
def test_a_run_that_is_cut_off_at_any_point_ends_as_if_it_was_not(tmp_path: Path, stride: int) -> None:
    (tmp_path / "whole").mkdir()
    points = points_of_a_whole_run(tmp_path / "whole")
    assert points > 40
    for fatal in range(1, points + 1, stride):
        home = tmp_path / str(fatal)
        home.mkdir()
        world, fate = mortal_world(home, None)
        world.add_run()
        fate.points, fate.fatal = 0, fatal
        with pytest.raises(Killed):
            world.execution.execute("run1", AtOnce())
        world.database.engine.dispose()
        restarted, _ = mortal_world(home, None)
        restarted.execution.execute("run1", AtOnce())
        check_whole(restarted)
        restarted.database.engine.dispose()


def test_a_run_reads_on_from_its_last_recorded_part(tmp_path: Path) -> None:
    batches = Fate(9)
    world = World(tmp_path, Numbers(splits=1, hook=batches.strike))
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    assert [split.resume for split in world.database.progress.splits("run1")] == [{"next": 240}]
    again = Fate(None)
    restarted = World(tmp_path, Numbers(splits=1, hook=again.strike))
    restarted.execution.execute("run1", AtOnce())
    assert restarted.landed() == list(range(ROWS))
    # (1000 - 240) rows by 40
    assert again.points == 19
    assert restarted.run().counts.read == ROWS


def test_a_worker_that_stops_leaves_the_run_to_the_next_one(tmp_path: Path) -> None:
    batches = 0

    def count(_: str) -> None:
        nonlocal batches
        batches += 1

    world = World(tmp_path, Numbers(hook=count), stopping=lambda: batches > 10)
    world.add_run()
    with pytest.raises(Interrupted):
        world.execution.execute("run1", AtOnce())
    assert world.run().state is RunState.IN_PROGRESS
    restarted = World(tmp_path)
    restarted.execution.execute("run1", AtOnce())
    assert restarted.run().state is RunState.SUCCESS
    assert restarted.landed() == list(range(ROWS))


def test_two_processes_that_read_the_same_run_at_the_same_time_end_it_once(tmp_path: Path) -> None:
    both = Barrier(2)

    def meet(_: str) -> None:
        # At each batch, for as long as both are reading.
        with suppress(BrokenBarrierError):
            both.wait(0.05)

    worlds = [World(tmp_path, Numbers(splits=2, hook=meet)) for _ in range(2)]
    worlds[0].add_run()
    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(world.execution.execute, "run1", AtOnce()) for world in worlds]:
            ended.result()
    run = worlds[0].run()
    assert (run.state, run.errors, run.counts.read) == (RunState.SUCCESS, (), ROWS)
    assert worlds[0].landed() == list(range(ROWS))
    assert worlds[0].files() == set()


class Minutes:
    """A clock that goes on a minute with each batch, which is counted; the `fatal`-th one is not survived."""

    def __init__(self, fatal: int | None = None) -> None:
        self.batches = Fate(fatal)

    def __call__(self) -> datetime:
        return NOON + timedelta(minutes=self.batches.points)


def sparse_world(home: Path, clock: Minutes, **more: Any) -> World:
    return World(home, Sparse(rows=500, splits=1, hook=clock.batches.strike), clock=clock, **more)


def test_a_run_that_finds_nothing_for_long_reads_on_from_a_place_of_minutes_ago(tmp_path: Path) -> None:
    world = sparse_world(tmp_path, Minutes(fatal=90))
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    (split,) = world.database.progress.splits("run1")
    assert split.resume is not None
    assert 80 < split.resume["next"] <= 89
    assert all(step.data is None and step.rejects is None for step in split.staged)
    assert len(split.staged) == 89 // 5
    assert world.files() == set()
    again = Minutes()
    restarted = sparse_world(tmp_path, again)
    restarted.execution.execute("run1", AtOnce())
    assert again.batches.points == 500 - split.resume["next"]
    assert restarted.landed() == [99, 199, 299, 399, 499]
    run = restarted.run()
    assert (run.state, run.counts.read, run.counts.output_files) == (RunState.SUCCESS, 5, 5)
    assert run.counts.input_bytes == 500
    assert restarted.files() == set()


def test_a_run_that_finds_nothing_stops_when_it_is_told_to(tmp_path: Path) -> None:
    clock = Minutes()
    world = sparse_world(tmp_path, clock, stopping=lambda: clock.batches.points > 30)
    world.add_run()
    with pytest.raises(Interrupted):
        world.execution.execute("run1", AtOnce())
    assert clock.batches.points == 31
    assert world.files() == set()


def test_a_run_over_nothing_at_all_writes_no_file(tmp_path: Path) -> None:
    world = World(tmp_path, Sparse(rows=90, splits=2))
    run = world.executed()
    assert (run.state, run.counts.read, run.counts.output_files) == (RunState.SUCCESS, 0, 0)
    assert world.landed() == []
    assert world.files() == set()


def test_an_ended_run_is_not_executed_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    ended = world.executed()
    world.execution.execute("run1", AtOnce())
    assert world.run() == ended
    assert world.landed() == list(range(ROWS))


@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), LakeUnavailable("full")])
def test_a_commit_whose_answer_is_lost_is_looked_up_and_not_repeated(
    tmp_path: Path, error: Exception, landed: bool
) -> None:
    class Forgetful(DeltaLake):
        __slots__ = ()
        commits = 0

        def commit(self, *args: Any, **kwargs: Any) -> bool:
            Forgetful.commits += 1
            if Forgetful.commits > 2:
                return super().commit(*args, **kwargs)
            if landed:
                super().commit(*args, **kwargs)
            raise error

    world = World(tmp_path, lake=Forgetful(Folder(tmp_path / "lake")))
    assert world.executed().state is RunState.SUCCESS
    assert world.landed() == list(range(ROWS))


def test_a_lake_that_stays_away_fails_the_run_and_leaves_no_rows(tmp_path: Path) -> None:
    class Full(DeltaLake):
        __slots__ = ()

        def commit(self, *args: Any, **kwargs: Any) -> bool:
            raise LakeUnavailable("no space left on device", advice="Make room.")

    world = World(tmp_path, lake=Full(Folder(tmp_path / "lake")))
    run = world.executed()
    assert (run.state, run.errors[0].code, world.landed()) == (RunState.FAILED, "lake-unavailable", [])
    assert world.files() == set()


class BadQuarantine(DeltaLake):
    """Its quarantine commits fail: `times` times."""

    left: int
    error: Exception

    def __init__(self, root: Path, error: Exception, times: int) -> None:
        super().__init__(Folder(root))
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "left", times)

    def commit(self, table: TableRef, *args: Any, **kwargs: Any) -> bool:
        if table.kind is TableKind.QUARANTINE and self.left > 0:
            object.__setattr__(self, "left", self.left - 1)
            raise self.error
        return super().commit(table, *args, **kwargs)


def test_a_run_closes_only_when_its_rejects_are_kept_too(tmp_path: Path) -> None:
    lake = BadQuarantine(tmp_path / "lake", LakeUnavailable("no answer"), 20)
    world = World(tmp_path, Numbers(), Doubling(reject_every=100), tolerated_percent=5, lake=lake)
    run = world.executed()
    assert (run.state, len(world.landed()), len(world.quarantined())) == (RunState.PARTIAL_SUCCESS, 990, 10)
    # Far beyond the usual patience: the rows are published, so the run can no longer fail.
    assert len(world.slept) == 20


def test_published_rows_are_never_called_a_failure(tmp_path: Path) -> None:
    lake = BadQuarantine(tmp_path / "lake", LakeError("refused"), 10**9)
    world = World(tmp_path, Numbers(), Doubling(reject_every=100), tolerated_percent=5, lake=lake)
    run = world.executed()
    assert (run.state, len(world.landed()), run.counts.written) == (RunState.PARTIAL_SUCCESS, 990, 990)
    assert [error.code for error in run.errors] == ["INGEST-1212-400", "lake"]


def test_a_failed_run_whose_rejects_could_not_be_kept_says_so_after_why_it_failed(tmp_path: Path) -> None:
    lake = BadQuarantine(tmp_path / "lake", LakeUnavailable("no space left on device", advice="Make room."), 10**9)
    world = World(tmp_path, Numbers(), Doubling(reject_every=2), tolerated_percent=5, lake=lake)
    run = world.executed()
    assert (run.state, world.landed(), world.quarantined()) == (RunState.FAILED, [], [])
    assert [error.code for error in run.errors] == ["rejected-above-threshold", "lake-unavailable"]
    assert run.errors[1].message == "rejected rows were not kept: no space left on device"
    assert run.errors[1].advice == "Make room."
    assert world.files() == set()


def test_a_run_that_was_planned_keeps_its_mapping_set_and_its_tolerance(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(splits=1), Doubling(reject_every=100), tolerated_percent=5)
    world.database.mapping_sets.add(replace(world.database.mapping_sets.get(SCOPE, "mapping"), id="other"))
    mapped_by: list[str] = []

    def mapper_for(mapping_set: MappingSet, version: int, dataset: Dataset, keys: tuple[str, ...] = ()) -> Doubling:
        mapped_by.append(mapping_set.id)
        return world.mapper

    def changing(what: str) -> None:
        flow = world.database.flows.get(SCOPE, "flow")
        if what == "batch" and flow.mapping_id == "mapping":
            step = Transformation(name="Mapping", params={"mappingId": "other", "mappingVersion": 1})
            stamp = flow.stamp.touched()
            changed = replace(flow, transformations=(step,), options={}, stamp=stamp)
            world.database.flows.replace(flow, changed)
            raise Killed

    world.source.hook = changing
    world.add_run()
    execution = replace(world.execution, mapper_for=mapper_for)
    with pytest.raises(Killed):
        execution.execute("run1", AtOnce())
    execution.execute("run1", AtOnce())
    assert (world.run().state, len(world.landed())) == (RunState.PARTIAL_SUCCESS, 990)
    assert set(mapped_by) == {"mapping"}


@pytest.mark.parametrize("change", ["deleted", "less tolerant"])
def test_a_run_that_was_published_when_it_was_cut_off_is_no_failure_whatever_became_of_its_flow(
    tmp_path: Path, change: str
) -> None:
    class Fatal(DeltaLake):
        """The process ends right after the first commit."""

        struck = False

        def commit(self, *args: Any, **kwargs: Any) -> bool:
            done = super().commit(*args, **kwargs)
            if not Fatal.struck:
                Fatal.struck = True
                raise Killed
            return done

    world = World(
        tmp_path, Numbers(), Doubling(reject_every=100), tolerated_percent=5, lake=Fatal(Folder(tmp_path / "lake"))
    )
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    flow = world.database.flows.get(SCOPE, "flow")
    if change == "deleted":
        world.database.flows.delete(flow)
    else:
        world.database.flows.replace(flow, replace(flow, options={}, stamp=flow.stamp.touched()))
    world.execution.execute("run1", Remembering("start", "plan", "read"))
    assert (world.run().state, len(world.landed()), len(world.quarantined())) == (RunState.PARTIAL_SUCCESS, 990, 10)


class Remembering:
    """Steps of which some were recorded as done before the process ended."""

    def __init__(self, *done: str) -> None:
        self.done = done

    def run(self, name: str, step: Any) -> Any:
        return {"failed": False, "errors": []} if name in self.done else step()


CHILD = """
import sys, time
from pathlib import Path
from flowservice.adapters.dbos import DbosRuns
from tests.engine.world import Doubling, Numbers, World
home = Path(sys.argv[1])
world = World(home, Numbers(hook=lambda _: time.sleep(0.02)), Doubling(reject_every=100), tolerated_percent=5)
runs = DbosRuns(engine=world.database.engine, poll_s=0.05)
runs.prepare()
runs.start(world.execution.execute)
print("ready", flush=True)
while not world.run().has_ended:
    time.sleep(0.02)
runs.stop()
"""


def start_child(home: Path) -> "subprocess.Popen[bytes]":
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def kill_after(seconds: float, child: "subprocess.Popen[bytes]") -> bool:
    """Whether it was still at work."""
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    code = child.wait()
    assert child.stdout is not None
    child.stdout.close()
    return code != 0


@pytest.mark.slow
def test_a_process_killed_at_random_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    world = World(tmp_path, Numbers(), Doubling(reject_every=100), tolerated_percent=5)
    runs = DbosRuns(engine=world.database.engine)
    runs.prepare()
    with world.database.transaction() as within:
        runs.enqueue(world.add_run(), within)
    kills = sum(kill_after(chance.uniform(0.1, 1.5), start_child(tmp_path)) for _ in range(2))
    assert kills >= 1
    last = start_child(tmp_path)
    last.communicate()
    assert last.returncode == 0
    assert world.run().state is RunState.PARTIAL_SUCCESS
    assert world.landed() == [n for n in range(ROWS) if n % 100]
    assert len(world.quarantined()) == 10
    assert world.files() == set()

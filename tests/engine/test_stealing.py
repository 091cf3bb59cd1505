"""Threads take parts of splits that are being read; wherever the process ends, no row is lost or doubled."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest
from sqlalchemy import event

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.run import RunState
from flowservice.domain.staging import SplitProgress
from flowservice.engine.split_runner import SplitTask, ThreadSplits
from flowservice.errors import SourceUnavailable, StoreUnavailable, Throttled
from flowservice.sdk import Batch, Cursor, Division, Split
from tests.engine.world import AtOnce, Divisible, Doubling, World

ROWS = 300


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class Fate:
    """Counts the points at which the process might end; from the `fatal`-th on none of its threads does anything."""

    fatal: int = 10**9
    points: int = 0
    counting: Lock = field(default_factory=Lock)

    def strike(self, *_: object) -> None:
        time.sleep(0.0005)  # lets other threads work
        with self.counting:
            self.points += 1
            if self.points >= self.fatal:
                raise Killed


def divisible_world(home: Path, fate: Fate, *, splits: int = 1, awaited: bool = False) -> World:
    source = Divisible(rows=ROWS, splits=splits, batch_rows=5, hook=fate.strike, awaited=awaited)
    world = World(home, source, Doubling(reject_every=50), tolerated_percent=5, part_rows=20)
    event.listen(world.database.engine, "commit", fate.strike)
    return world


def check_whole(world: World) -> None:
    run = world.run()
    assert run.state is RunState.PARTIAL_SUCCESS, run.errors
    assert world.landed() == [n for n in range(ROWS) if n % 50]
    assert sorted(int(row["value"]) for row in world.quarantined()) == list(range(0, ROWS, 50))
    assert (run.counts.read, run.counts.rejected) == (ROWS, ROWS // 50)
    assert world.files() == set()
    splits = world.database.progress.splits("run1")
    assert all(split.done for split in splits)


def ranges(splits: list[SplitProgress]) -> list[tuple[int, int]]:
    return sorted((split.reads["range"]["from"], split.reads["range"]["to"]) for split in splits if split.reads)


def test_a_source_that_cannot_be_asked_for_a_part_is_read_and_not_asked_again_at_once(tmp_path: Path) -> None:
    asked: list[Split] = []

    class Busy(Divisible):
        def steal(self, split: Split) -> Division | None:
            asked.append(split)
            self.taken.set()
            raise Throttled("busy", retry_after_s=30)

    source = Busy(rows=ROWS, splits=1, batch_rows=5, hook=lambda _: time.sleep(0.002), awaited=True)
    world = World(tmp_path, source, Doubling(reject_every=50), tolerated_percent=5, part_rows=20)
    world.executed()
    check_whole(world)
    assert len(asked) == 1


@pytest.mark.parametrize("splits", [1, 3])
def test_idle_threads_take_parts_and_the_plan_stays(tmp_path: Path, splits: int) -> None:
    world = divisible_world(tmp_path, Fate(), splits=splits, awaited=splits == 1)
    world.executed()
    check_whole(world)
    stored = list(world.database.progress.splits("run1"))
    assert len(stored) == splits + world.source.steals  # type: ignore[attr-defined] # it is divisible
    assert world.source.steals > 0  # type: ignore[attr-defined]
    found = ranges(stored)
    if splits == 1:
        # Side by side, without a gap.
        assert [found[0][0], *(end for _, end in found)] == [*(start for start, _ in found), ROWS]
    plan = world.database.progress.plan("run1")
    assert len(plan["splits"]) == splits


def test_one_thread_takes_nothing(tmp_path: Path) -> None:
    world = divisible_world(tmp_path, Fate())
    world.threads = 1
    world.executed()
    check_whole(world)
    assert len(world.database.progress.splits("run1")) == 1


@pytest.mark.parametrize("tries", [8, pytest.param(200, marks=pytest.mark.faults)])
def test_a_run_that_is_cut_off_at_random_points_ends_as_if_it_was_not(
    tmp_path: Path, tries: int, figure: Callable[[str], None]
) -> None:
    draw = random.Random(tries)
    killed = divided = 0
    for number in range(tries):
        home = tmp_path / str(number)
        home.mkdir()
        divisible_world(home, Fate()).add_run()
        for _ in range(draw.randrange(1, 4)):
            fate = Fate(draw.randrange(20, 160))
            world = divisible_world(home, fate)
            try:
                world.execution.execute("run1", AtOnce())
            except Killed:
                killed += 1
            fate.fatal = 10**9  # for us, who look at what it left
            divided += sum(split.attempt == 0 for split in world.database.progress.splits("run1"))
            world.database.engine.dispose()
        last = divisible_world(home, Fate())
        last.execution.execute("run1", AtOnce())
        check_whole(last)
        last.database.engine.dispose()
    figure(f"stealing: {tries} runs, {killed} kills, {divided} parts stored that nobody had begun; each row once")
    assert killed > tries / 2


class OneDivision:
    """A database whose `divide` does something else the first time."""

    def __init__(self, database: SqlDatabase, first: Callable[[Callable[[], Any]], Any]) -> None:
        self._database, self._first = database, first
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @property
    def progress(self) -> "OneDivision":
        return OneDivisionStore(self)


class OneDivisionStore(OneDivision):
    def __init__(self, owner: OneDivision) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._owner._database.progress, name)

    def divide(self, progress: SplitProgress, **more: Any) -> SplitProgress:
        self._owner.calls += 1

        def call() -> Any:
            return self._owner._database.progress.divide(progress, **more)

        given: SplitProgress = self._owner._first(call) if self._owner.calls == 1 else call()
        return given


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_division_whose_answer_is_lost_is_looked_up(tmp_path: Path, is_stored: bool) -> None:
    def lost(call: Callable[[], Any]) -> Any:
        if is_stored:
            call()
        raise StoreUnavailable("no answer")

    world = divisible_world(tmp_path, Fate(), awaited=True)
    world.database = OneDivision(world.database, lost)
    world.executed()
    check_whole(world)
    assert world.source.opened >= 3  # to plan, to read, and to read anew


def test_a_split_that_reaches_its_cut_is_not_done_before_the_cut_is_stored(tmp_path: Path) -> None:
    seen: list[dict[int, bool]] = []

    def killed(call: Callable[[], Any]) -> Any:
        time.sleep(0.3)  # by now the reader is at its cut
        seen.append({split.number: split.done for split in world.database.progress.splits("run1")})
        raise Killed

    world = divisible_world(tmp_path, Fate(), awaited=True)
    world.database = OneDivision(world.database, killed)
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", AtOnce())
    assert seen == [{0: False}]
    assert [split.done for split in world.database.progress.splits("run1")] == [False]
    restarted = divisible_world(tmp_path, Fate())
    restarted.execution.execute("run1", AtOnce())
    check_whole(restarted)


class Failing(Divisible):
    """Fails now and then, on the way and when a part is to be taken."""

    failures: int = 0

    def read(self, split: Split, *, after: Cursor | None) -> Iterator[Batch]:
        for number, batch in enumerate(super().read(split, after=after)):
            yield batch
            if number == 6:
                self.failures += 1
                raise SourceUnavailable("try later")

    def steal(self, split: Split) -> Division | None:
        if self.failures % 2:
            self.failures += 1
            raise SourceUnavailable("try later")
        return super().steal(split)


def test_attempts_that_fail_go_on_with_what_they_have_left(tmp_path: Path) -> None:
    source = Failing(rows=ROWS, splits=2, batch_rows=5, hook=lambda _: time.sleep(0.001))
    world = World(tmp_path, source, Doubling(reject_every=50), tolerated_percent=5, part_rows=20)
    run = world.executed()
    assert run.counts.read == ROWS
    assert len(world.database.progress.splits("run1")) > 2


def test_work_is_asked_for_while_a_thread_is_idle() -> None:
    asked: list[int] = []
    release = Event()

    def task(leave_off: Callable[[], bool]) -> None:
        release.wait(5)

    def more() -> SplitTask | None:
        asked.append(1)
        if len(asked) == 3:
            release.set()
        return task if len(asked) < 3 else None

    ThreadSplits(4).run([task], more)
    assert len(asked) >= 3


def test_an_error_while_work_is_looked_for_ends_all() -> None:
    left_off = Event()

    def task(leave_off: Callable[[], bool]) -> None:
        while not leave_off():
            time.sleep(0.001)
        left_off.set()

    def more() -> SplitTask | None:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        ThreadSplits(2).run([task], more)
    assert left_off.is_set()

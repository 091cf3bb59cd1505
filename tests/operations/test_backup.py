"""A backup is one whole, whatever runs do meanwhile, and comes back as a home that goes on."""

import json
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.sealing.key_file import KeyFile
from flowservice.backing_up import backup
from flowservice.domain.dataset import Dataset
from flowservice.domain.run import RunState
from flowservice.errors import Invalid, NotFound
from flowservice.manifest import NAME
from flowservice.restoring import restore
from flowservice.settings import Settings
from tests.engine.world import SCOPE, AtOnce, Doubling, Numbers, World
from tests.live import Server
from tests.operations.typed import typed

ROWS = 60
KEYS = 20


class Halting:
    """Lets a run come to its `at`-th point, and there wait until it is let go on. Points are calls of its parts."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.points = 0
        self.thread: threading.Thread | None = None
        self._halted, self._go = threading.Event(), threading.Event()

    def point(self, *_: object) -> None:
        """One point."""
        if self.thread is not None and threading.current_thread() is not self.thread:
            return
        self.points += 1
        if self.points == self.at:
            self._halted.set()
            assert self._go.wait(30)

    def begin(self, run: Callable[[], None]) -> None:
        """Start it; returns when it waits, or is over."""

        def work() -> None:
            try:
                run()
            finally:
                self._halted.set()

        self.thread = threading.Thread(target=work)
        self.thread.start()
        assert self._halted.wait(30)

    def finish(self) -> None:
        """Let it go on to its end."""
        self._go.set()
        assert self.thread is not None
        self.thread.join(30)
        assert not self.thread.is_alive()


class Watched:
    """Passes calls on to `inner`, with a point before and after each."""

    def __init__(self, inner: Any, halting: Halting) -> None:
        self._inner, self._halting = inner, halting

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in {"commit", "upsert", "prepare", "sweep"}:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._halting.point()
            result = found(*args, **kwargs)
            self._halting.point()
            return result

        return call


def furnished(home: Path, halting: Halting, *, keys: bool) -> World:
    """A world in a home, whose runs read 60 numbers, one after the other; by keys, 20 rows are left of them."""
    home.mkdir(exist_ok=True)
    KeyFile(home / "key")
    world = World(
        home,
        Numbers(rows=ROWS, splits=2, batch_rows=10, hook=halting.point),
        Doubling(reject_every=30, modulo=KEYS if keys else 0),
        tolerated_percent=5,
        part_rows=10,
        lake=Watched(DeltaLake(Folder(home / "lake")), halting),
        threads=1,
        keys=("n",) if keys else (),
        url=f"sqlite:///{home / 'flowservice.db'}",
    )
    event.listen(world.database.engine, "commit", halting.point)
    return world


def landed_by_batch(world: World) -> Counter[str]:
    """How many rows of each batch are in the dataset."""
    dataset: Dataset = world.database.datasets.get(SCOPE, "dataset")
    table = world.lake.dataset(dataset.table)
    rows = table.to_table().to_pylist() if table else []
    return Counter(row["_flowservice"]["batchId"] for row in rows)


def check_whole(home: Path, *, keys: bool) -> int:
    """In a restored home, every run goes on to its end and its rows are there once. How many runs there were."""
    world = furnished(home, Halting(), keys=keys)
    known = [number for number in range(1, 6) if is_known(world, number)]
    for number in known:
        world.execution.execute(f"run{number}", AtOnce())
        assert world.run(number).state is RunState.PARTIAL_SUCCESS, world.run(number).errors
    rows = ROWS - ROWS // 30
    expected = {f"batch{number}": rows for number in known}
    if keys:
        expected = {f"batch{known[-1]}": KEYS} if known else {}
    assert landed_by_batch(world) == expected
    assert Counter(row["runId"] for row in world.quarantined()) == {f"run{number}": 2 for number in known}
    # And the flow runs on.
    world.executed(6)
    assert world.run(6).state is RunState.PARTIAL_SUCCESS, world.run(6).errors
    assert landed_by_batch(world)["batch6"] == (KEYS if keys else rows)
    # In an upsert, what it replaced stays for its undo.
    assert not [name for name in world.files() if keys is False or not name.startswith("part-")]
    world.database.engine.dispose()
    return len(known)


def is_known(world: World, number: int) -> bool:
    try:
        world.run(number)
    except NotFound:
        return False
    return True


def points_of_a_run(folder: Path, *, keys: bool) -> int:
    halting = Halting()
    world = furnished(folder, halting, keys=keys)
    world.executed(1)
    world.add_run(2)
    halting.points = 0
    world.execution.execute("run2", AtOnce())
    world.database.engine.dispose()
    return halting.points


@pytest.mark.parametrize("keys", [False, True], ids=["append", "upsert"])
@pytest.mark.parametrize("moment", ["ahead", "looked", "store"])
@pytest.mark.parametrize("stride", [pytest.param(7, marks=pytest.mark.faults), 60])
def test_a_backup_is_whole_wherever_a_run_stands_and_whatever_comes_after_it(
    tmp_path: Path, moment: str, keys: bool, stride: int
) -> None:
    points = points_of_a_run(tmp_path / "whole", keys=keys)
    assert points > 20
    for at in range(1 + ["ahead", "looked", "store"].index(moment) * stride // 3, points + 1, stride):
        home, again = tmp_path / f"home{at}", tmp_path / f"again{at}"
        halting = Halting(at)
        world = furnished(home, Halting(), keys=keys)
        world.executed(1)
        world.add_run(2)
        world.database.engine.dispose()
        world = furnished(home, halting, keys=keys)
        halting.points = 0
        halting.thread = None
        halting.begin(lambda world=world: world.execution.execute("run2", AtOnce()))

        def go_on(step: str, world: World = world, halting: Halting = halting) -> None:
            """All at once, between two steps of the backup: the run ends, another comes and goes, one begins."""
            if step == moment and halting.thread is not None and not is_known(world, 3):
                halting.finish()
                world.executed(3)
                world.add_run(4)

        backup(Settings(home=home), tmp_path / f"backup{at}", done=go_on)
        world.database.engine.dispose()
        restore(tmp_path / f"backup{at}", again)
        known = check_whole(again, keys=keys)
        # Where parts of a run went with its end, the store is copied once more, and knows the others.
        assert known in ({2, 4} if moment == "store" else {4}), at

"""The run queue and its worker: each run once, in the caller's transaction, across kills."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from flowservice.adapters.dbos import DbosRuns
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.run import Run, RunState
from flowservice.ports.runtime import Interrupted, Steps
from flowservice.service.leadership import Leadership
from flowservice.serving import forget_steps
from tests.engine.world import NOON, Numbers, World


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on each kind of database."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = World(tmp_path, Numbers(rows=400), url=url)
    yield made
    made.database.engine.dispose()


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def reached(executed: list[tuple[str, float]], count: int) -> bool:
    return len(executed) == count


def queue_of(world: World) -> DbosRuns:
    runs = DbosRuns(engine=world.database.engine)
    runs.prepare()
    return runs


def enqueue(runs: DbosRuns, database: SqlDatabase, run: Run) -> None:
    with database.transaction() as within:
        runs.enqueue(run, within)


@contextmanager
def serving(runs: DbosRuns, execute: Callable[[str, Steps], None]) -> Iterator[None]:
    runs.start(execute)
    try:
        yield
    finally:
        runs.stop()


def test_queued_runs_are_executed_soon_and_once(world: World) -> None:
    runs = queue_of(world)
    executed: list[tuple[str, float]] = []
    with serving(runs, lambda run_id, steps: executed.append((run_id, time.monotonic()))):
        for number in range(1, 4):
            run = world.add_run(number)
            queued_at = time.monotonic()
            enqueue(runs, world.database, run)
            enqueue(runs, world.database, run)
            wait_for(partial(reached, executed, number))
            assert executed[-1][1] - queued_at < 1
        enqueue(runs, world.database, world.run(1))
        time.sleep(0.6)
    assert [run_id for run_id, _ in executed] == ["run1", "run2", "run3"]


def test_a_run_is_queued_only_if_its_transaction_is(world: World) -> None:
    runs = queue_of(world)
    executed: list[str] = []
    with suppress(ZeroDivisionError), world.database.transaction() as within:
        runs.enqueue(world_run(within, world), within)
        raise ZeroDivisionError
    with serving(runs, lambda run_id, steps: executed.append(run_id)):
        time.sleep(0.6)
    assert executed == []


def world_run(within: SqlDatabase, world: World) -> Run:
    """A run added in the same transaction as it is queued."""
    inside = World.__new__(World)
    inside.database = within
    return inside.add_run(9)


def test_real_runs_go_through_the_queue_at_the_same_time(world: World) -> None:
    runs = queue_of(world)
    with serving(runs, world.execution.execute):
        for number in (1, 2, 3):
            enqueue(runs, world.database, world.add_run(number))
        wait_for(lambda: all(world.run(number).has_ended for number in (1, 2, 3)), 30)
    assert [world.run(number).state for number in (1, 2, 3)] == [RunState.SUCCESS] * 3
    assert len(world.landed()) == 1200


def test_a_stopped_worker_leaves_its_run_to_the_next_start(world: World) -> None:
    runs = queue_of(world)
    began = Event()

    def interrupted(run_id: str, steps: Steps) -> None:
        steps.run("one", began.set)
        runs.stopping.wait()
        raise Interrupted

    runs.start(interrupted)
    enqueue(runs, world.database, world.add_run())
    assert began.wait(5)
    stopped_at = time.monotonic()
    assert runs.stop()
    assert time.monotonic() - stopped_at < 3

    again = queue_of(world)
    executed: list[str] = []
    with serving(again, lambda run_id, steps: executed.append(run_id)):
        wait_for(lambda: executed)
    assert executed == ["run1"]


def test_a_run_that_does_not_leave_off_does_not_keep_the_worker_from_stopping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    runs = queue_of(world)
    began, release = Event(), Event()

    def stubborn(run_id: str, steps: Steps) -> None:
        began.set()
        release.wait()
        raise Interrupted

    runs.start(stubborn)
    enqueue(runs, world.database, world.add_run())
    assert began.wait(5)
    stopped_at = time.monotonic()
    assert not runs.stop(timeout_s=0.5)
    assert time.monotonic() - stopped_at < 3
    assert "goes on at the next start" in caplog.text
    release.set()


def test_steps_of_runs_that_ended_are_forgotten_and_all_others_kept(world: World) -> None:
    runs, release, executed = queue_of(world), Event(), list[str]()

    def execute(run_id: str, steps: Steps) -> None:
        executed.append(run_id)
        if run_id == "run4":
            steps.run("broken", lambda: 1 // 0)
        world.execution.execute(run_id, Pausing(steps, release) if run_id == "run3" else steps)

    with serving(runs, execute):
        for number in (1, 2):
            enqueue(runs, world.database, world.add_run(number))
            wait_for(lambda: executed_to_the_end(world) == number)  # noqa: B023 - asked at once
        assert runs.forget(before=datetime.now(UTC) - timedelta(days=1)) == 0
        for number in (3, 4):
            enqueue(runs, world.database, world.add_run(number))
        wait_for(lambda: statuses(world) == {"run1": "SUCCESS", "run2": "SUCCESS", "run3": "PENDING", "run4": "ERROR"})
        assert [runs.forget(before=datetime.now(UTC), limit=1) for _ in range(3)] == [1, 1, 0]
        assert statuses(world) == {"run3": "PENDING", "run4": "ERROR"}
        assert with_steps(world) == {"run3", "run4"}
        release.set()
        wait_for(lambda: statuses(world)["run3"] == "SUCCESS")
        # Queued once more, a run that was forgotten has nothing left to do.
        enqueue(runs, world.database, world.run(1))
        wait_for(lambda: statuses(world).get("run1") == "SUCCESS")
    assert executed.count("run1") == 2
    assert [world.run(number).state for number in (1, 2, 3)] == [RunState.SUCCESS] * 3
    assert len(world.landed()) == 1200


def test_steps_are_forgotten_once_an_hour_by_the_process_that_leads(world: World) -> None:
    asked: list[datetime] = []

    def forget(*, before: datetime) -> int:
        asked.append(before)
        return 2 - len(asked)

    leader = Leadership(database=world.database, holder="this")
    rounds = forget_steps(forget, leader, lambda: NOON, kept=timedelta(days=30))
    # The first round waits for the service to have caught up; where there was something to do there may be more.
    assert [rounds.go_round() for _ in range(3)] == [3600, 1, 3600]
    assert asked == [NOON - timedelta(days=30)] * 2
    leader.resign()
    Leadership(database=world.database, holder="another").lead()
    assert (rounds.go_round(), len(asked)) == (3600, 2)


class Pausing:
    """Steps that wait before the last one."""

    def __init__(self, steps: Steps, release: Event) -> None:
        self._steps, self._release = steps, release

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        if name == "close":
            assert self._release.wait(30)
        return self._steps.run(name, step)


def statuses(world: World) -> dict[str, str]:
    """Of each execution that DBOS knows."""
    return dict(system_rows(world, "workflow_status", "workflow_uuid, status"))


def with_steps(world: World) -> set[str]:
    """The runs of which it keeps anything."""
    tables = ("operation_outputs", "workflow_input", "workflow_output")
    return {run for table in tables for (run,) in system_rows(world, table, "workflow_uuid")}


def executed_to_the_end(world: World) -> int:
    """How many runs."""
    return list(statuses(world).values()).count("SUCCESS")


def system_rows(world: World, table: str, columns: str) -> list[Any]:
    schema = "dbos." if world.database.engine.dialect.name == "postgresql" else ""
    with world.database.engine.connect() as connection:
        return list(connection.execute(sa.text(f"SELECT {columns} FROM {schema}{table}")).all())


def test_nothing_is_said_on_the_console(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    runs = queue_of(world)
    with serving(runs, lambda run_id, steps: None):
        time.sleep(0.3)
    assert capfd.readouterr() == ("", "")
    assert not [
        handler for handler in logging.getLogger("dbos").handlers if not isinstance(handler, logging.NullHandler)
    ]


def test_the_shared_engine_keeps_its_fast_and_safe_journal(tmp_path: Path) -> None:
    world = World(tmp_path)
    runs = queue_of(world)
    with serving(runs, lambda run_id, steps: None), world.database.engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 1
        assert connection.execute(sa.text("PRAGMA busy_timeout")).scalar() == 30000


SCRIPT = Path(__file__).with_name("durable_worker.py")


class Worker:
    """A worker process."""

    def __init__(self, world: World, step_s: float = 0) -> None:
        root = Path(__file__).parents[2]
        self.log = world.home / "log"
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(world.home), world.url, str(step_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        )

    def lines(self) -> list[str]:
        return [line.split(" ", 1)[1] for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> tuple[bytes, bytes]:
        return self.process.communicate(timeout=20)


def test_a_killed_worker_goes_on_after_its_last_step_and_soon(world: World) -> None:
    runs = queue_of(world)
    enqueue(runs, world.database, world.add_run())
    first = Worker(world, step_s=0.8)
    wait_for(lambda: "begin run1 two" in first.lines())
    first.kill()
    second = Worker(world)
    wait_for(lambda: "done run1" in second.lines())
    out, err = second.stop()
    assert (out, err) == (b"", b"ready\n")
    assert [line for line in second.lines() if not line.startswith("ready")] == [
        "begin run1 one",
        "end run1 one",
        "begin run1 two",
        "begin run1 two",
        "end run1 two",
        "begin run1 three",
        "end run1 three",
        "done run1",
    ]
    times = {line.split(" ", 1)[1]: float(line.split(" ", 1)[0]) for line in second.log.read_text().splitlines()}
    ready_at = max(at for line, at in times.items() if line.startswith("ready"))
    assert times["begin run1 two"] - ready_at < 2.5

"""A run whose sandbox is closed ends without a trace, and the sandbox is empty afterwards."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Semaphore, Thread

import pytest

from flowservice.domain.identity import Sandbox, SandboxState
from flowservice.domain.run import RunState
from flowservice.engine.patience import Patience
from flowservice.engine.standing import Standing
from flowservice.errors import Cancelled, LakeUnavailable, NotFound, SourceUnavailable
from flowservice.service.admission import Admission
from flowservice.service.clearing import Clearing
from tests.engine.world import NOON, SCOPE, STAMP, AtOnce, Numbers, World


def closed(world: World, state: SandboxState = SandboxState.RESETTING) -> Sandbox:
    sandbox: Sandbox = world.database.tenancy.sandbox("org", "prod")
    new = sandbox.moved_to(state, by="user", at=NOON)
    world.database.tenancy.put_sandbox(new)
    return new


def clearing(world: World, admission: Admission | None = None) -> Clearing:
    return Clearing(database=world.database, lake=world.lake, admission=admission or Admission(), now=lambda: NOON)


def left_on_disk(world: World) -> list[str]:
    return [path.name for path in (world.home / "lake").rglob("*") if path.is_file()]


class Gate:
    """A source's hook that stands still at its `at`-th call until it is opened."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.calls = 0
        self.reached = Event()
        self.open = Event()

    def __call__(self, kind: str) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.reached.set()
            assert self.open.wait(20)


@pytest.mark.parametrize("state", [SandboxState.RESETTING, SandboxState.DELETING])
@pytest.mark.parametrize("at", [1, 2, 20])
def test_a_run_under_way_ends_before_its_sandbox_is_emptied(tmp_path: Path, state: SandboxState, at: int) -> None:
    gate = Gate(at)
    world = World(tmp_path, Numbers(hook=gate))
    world.add_run()
    at_work = Thread(target=world.execution.execute, args=("run1", AtOnce()))
    at_work.start()
    assert gate.reached.wait(20)
    closed(world, state)
    emptying = clearing(world)
    assert emptying.advance()
    assert world.run().state is RunState.IN_PROGRESS
    time.sleep(0.6)  # longer than a run goes on without a look at its sandbox
    gate.open.set()
    at_work.join(20)
    ended = world.run()
    assert (ended.state, ended.errors[0].code, world.landed()) == (RunState.FAILED, "cancelled", [])
    assert not emptying.advance()
    with pytest.raises(NotFound):
        world.database.runs.find("run1")
    assert world.database.progress.plan("run1") is None
    assert world.database.progress.splits("run1") == []
    assert left_on_disk(world) == []
    became = SandboxState.ACTIVE if state is SandboxState.RESETTING else SandboxState.DELETED
    assert world.database.tenancy.sandbox("org", "prod").state is became


def test_what_has_landed_goes_with_its_sandbox(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.executed().state is RunState.SUCCESS
    assert left_on_disk(world)
    closed(world)
    assert not clearing(world).advance()
    assert left_on_disk(world) == []
    with pytest.raises(NotFound):
        world.database.datasets.get(SCOPE, "dataset")


def test_a_run_that_waits_for_its_turn_does_not_hold_up_the_emptying(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add_run(1)
    closed(world)
    assert not clearing(world).advance()
    # The queue still knows the run, and hands it to a worker now.
    world.execution.execute("run1", AtOnce())
    assert left_on_disk(world) == []
    with pytest.raises(NotFound):
        world.run()


@pytest.mark.parametrize("step", ["start", "plan", "read", "commit", "close"])
def test_a_run_that_is_removed_between_its_steps_ends_quietly(tmp_path: Path, step: str) -> None:
    world = World(tmp_path)
    world.add_run()

    class Removing(AtOnce):
        def run(self, name: str, step_of_it: Callable[[], object]) -> object:
            if name == step:
                world.database.contents.stop("sandbox")
                while world.database.contents.remove("sandbox", limit=100):
                    pass
            return super().run(name, step_of_it)

    world.execution.execute("run1", Removing())
    with pytest.raises(NotFound):
        world.run()
    assert world.database.progress.splits("run1") == []


def test_a_sandbox_waits_for_calls_that_were_let_in_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    closed(world)
    admission = Admission()
    emptying = clearing(world, admission)
    with admission.entered("org", None):
        assert emptying.advance()
        assert world.database.datasets.get(SCOPE, "dataset")
    with admission.entered("org", "prod"):
        assert emptying.advance()
    with admission.entered("org", "other"):
        assert not emptying.advance()


def test_a_lake_that_cannot_be_reached_is_tried_again(tmp_path: Path) -> None:
    class Down:
        def __init__(self, failures: int) -> None:
            self.failures = failures

        def tidy(self) -> None:
            return

        def remove_sandbox(self, sandbox_id: str) -> None:
            self.failures -= 1
            if self.failures >= 0:
                raise LakeUnavailable("no answer")

    world = World(tmp_path)
    closed(world)
    lake: object = Down(1)
    emptying = Clearing(
        database=world.database,
        lake=lake,  # type: ignore[arg-type] # all that it is asked for
        admission=Admission(),
        now=lambda: NOON,
    )
    assert emptying.advance()
    assert world.database.tenancy.sandbox("org", "prod").state is SandboxState.RESETTING
    assert not emptying.advance()
    assert world.database.tenancy.sandbox("org", "prod").state is SandboxState.ACTIVE


def test_a_long_pause_is_left_when_the_sandbox_closes(tmp_path: Path) -> None:
    world = World(tmp_path)
    naps: list[float] = []

    def nap(pause_s: float) -> None:
        naps.append(pause_s)
        time.sleep(0.3)
        if len(naps) == 2:
            closed(world)

    run = world.add_run()
    assert run.stamp == STAMP
    patience = Standing(run=run, database=world.database).watched(Patience(sleep=nap))
    with pytest.raises(Cancelled):
        patience.sleep(3600)
    assert 2 <= len(naps) <= 5
    assert max(naps) <= 5
    time.sleep(0.6)
    with pytest.raises(Cancelled):
        patience.wait(1, SourceUnavailable("busy"))


def told_to_end(world: World, number: int = 1) -> None:
    run = world.run(number)
    world.database.runs.replace(run, replace(run, cancelled_by="ann", stamp=run.stamp.touched()))


def delete_flow(world: World) -> None:
    world.database.flows.delete(world.database.flows.get(SCOPE, "flow"))


@pytest.mark.parametrize(
    ("act", "code", "told"),
    [(told_to_end, "cancelled", "cancelled by ann"), (delete_flow, "not-found", "the flow was deleted")],
)
def test_a_run_that_reads_ends_when_it_is_cancelled_or_its_flow_is_deleted(
    tmp_path: Path, act: Callable[[World], None], code: str, told: str
) -> None:
    gate = Gate(5)
    world = World(tmp_path, Numbers(hook=gate))
    world.add_run()
    at_work = Thread(target=world.execution.execute, args=("run1", AtOnce()))
    at_work.start()
    assert gate.reached.wait(20)
    act(world)
    time.sleep(0.6)  # longer than a run goes on without a look
    gate.open.set()
    at_work.join(20)
    ended = world.run()
    assert (ended.state, ended.errors[0].code, world.landed(), world.files()) == (
        RunState.FAILED,
        code,
        [],
        set(),
    )
    assert told in ended.errors[0].message
    assert gate.calls < 25


@pytest.mark.parametrize("waits_for", ["turn", "place"])
def test_a_run_that_waits_behind_others_ends_when_it_is_cancelled(tmp_path: Path, waits_for: str) -> None:
    world = World(tmp_path)
    world.add_run(1)
    world.add_run(2, flow_id="flow" if waits_for == "turn" else "other")
    execution = replace(world.execution, places=Semaphore(0 if waits_for == "place" else 1), patience=Patience())
    waiting = Thread(target=execution.execute, args=("run2", AtOnce()))
    waiting.start()
    time.sleep(0.3)
    assert not world.run(2).has_ended
    told_to_end(world, 2)
    waiting.join(20)
    assert (world.run(2).state, world.run(2).errors[0].code) == (RunState.FAILED, "cancelled")
    assert world.run(1).state is RunState.SCHEDULED


@pytest.mark.parametrize("step", ["commit", "close"])
def test_a_cancellation_that_comes_when_the_rows_are_published_is_too_late(tmp_path: Path, step: str) -> None:
    class Killed(Exception):
        pass

    class Until(AtOnce):
        def run(self, name: str, step_of_it: Callable[[], object]) -> object:
            done = super().run(name, step_of_it)
            if name == "commit":
                raise Killed
            return done

    class After(AtOnce):
        """What the killed process recorded: all before `step`."""

        def run(self, name: str, step_of_it: Callable[[], object]) -> object:
            recorded = ["start", "plan", "read", "commit", "close"]
            done = recorded.index(name) < recorded.index(step)
            return {"failed": False, "errors": []} if done else super().run(name, step_of_it)

    world = World(tmp_path)
    world.add_run()
    with pytest.raises(Killed):
        world.execution.execute("run1", Until())
    told_to_end(world)
    world.execution.execute("run1", After())
    assert (world.run().state, len(world.landed())) == (RunState.SUCCESS, 1000)


def test_a_run_that_was_cancelled_before_its_rows_are_published_publishes_none(tmp_path: Path) -> None:
    class Telling(AtOnce):
        def run(self, name: str, step_of_it: Callable[[], object]) -> object:
            if name == "commit":
                told_to_end(world)
            return super().run(name, step_of_it)

    world = World(tmp_path)
    world.add_run()
    world.execution.execute("run1", Telling())
    assert (world.run().state, world.landed(), world.files()) == (RunState.FAILED, [], set())
    assert world.executed(2).state is RunState.SUCCESS


def test_a_run_that_reads_for_too_long_fails_and_the_next_one_takes_its_rows(tmp_path: Path) -> None:
    world = World(tmp_path, Numbers(hook=lambda _: time.sleep(0.1)))
    world.add_run()
    replace(world.execution, most_minutes=0).execute("run1", AtOnce())
    run = world.run()
    assert (run.state, run.errors[0].code, world.landed()) == (RunState.FAILED, "run-timeout", [])
    assert "FLOWSERVICE_RUN_TIMEOUT_MINUTES" in run.errors[0].advice
    assert world.executed(2).state is RunState.SUCCESS
    assert len(world.landed()) == 1000

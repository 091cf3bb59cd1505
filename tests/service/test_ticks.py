"""Several processes on one store: one of them starts what is due, and if more do, every slot is started once still."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from flowservice.adapters.dbos import DbosRuns
from flowservice.domain.flow import Flow
from flowservice.domain.query import Query
from flowservice.service.leadership import LASTS, TICK
from tests import crowd
from tests.crowd import Ticker
from tests.engine.world import NOON, SCOPE, Numbers, World

PROCESSES = 3
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WITHIN_S = 10.0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on each kind of database."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = World(tmp_path, Numbers(rows=1), url=url)
    yield made
    made.database.engine.dispose()


def queued_ids(world: World) -> list[str]:
    """The ids of all workflows, as the run queue keeps them."""
    engine = world.database.engine
    table = "dbos.workflow_status" if engine.dialect.name == "postgresql" else "workflow_status"
    with engine.connect() as connection:
        return list(connection.execute(sa.text(f"SELECT workflow_uuid FROM {table}")).scalars())


def check_started_once(world: World, flows: Sequence[Flow]) -> None:
    """Each flow has one run, for its slot, with one batch and one workflow, and its next slot is due."""
    runs = world.database.runs.list(SCOPE, Query(limit=5_000)).items
    batches = world.database.batches.list(SCOPE, Query(limit=5_000)).items
    slots = {flow.id: flow.next_run_at for flow in flows}
    assert Counter((run.flow_id, run.slot_at, run.number) for run in runs) == Counter(
        (flow_id, slot, 1) for flow_id, slot in slots.items()
    )
    assert sorted(run.batch_id for run in runs) == sorted(batch.id for batch in batches)
    assert sorted(queued_ids(world)) == sorted(run.id for run in runs)
    moved = (world.database.flows.get(SCOPE, flow.id) for flow in flows)
    assert {flow.id: flow.next_run_at for flow in moved} == {
        flow_id: slot + HOUR for flow_id, slot in slots.items() if slot is not None
    }


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("count", [200, pytest.param(1_000, marks=pytest.mark.faults)])
def test_a_slot_that_many_processes_find_due_gets_one_run_one_batch_one_workflow(world: World, count: int) -> None:
    DbosRuns(engine=world.database.engine).prepare()
    flows = crowd.add_flows(world, [NOON + timedelta(milliseconds=60 * number) for number in range(count)])
    with crowd.tickers(*(Ticker(world.url, f"p{n}", at=NOON + MINUTE) for n in range(PROCESSES))) as processes:
        for process in processes:
            process.go()
        counted = [process.started() for process in processes]
    # Where two met, one of them may have left a flow to the next tick.
    queue = DbosRuns(engine=world.database.engine)
    queue.prepare()
    counted.append(crowd.runs_over(world.database, queue, lambda: NOON + MINUTE).start_due())
    assert sum(counted) == count
    check_started_once(world, flows)


@pytest.mark.parametrize(
    "world",
    [pytest.param("sqlite", marks=pytest.mark.faults), pytest.param("postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_one_process_leads_and_a_killed_or_stopped_leader_is_replaced_within_seconds(world: World) -> None:
    DbosRuns(engine=world.database.engine).prepare()
    leases = world.database.leases
    first, second, third = (Ticker(world.url, name) for name in ("first", "second", "third"))
    with crowd.tickers(first, second, third):
        first.go()
        wait_for(lambda: leases.holder(TICK) == "first", 5)
        second.go()
        third.go()
        time.sleep(LASTS.total_seconds() + 1)
        assert leases.holder(TICK) == "first"

        first.signal(signal.SIGSTOP)
        wait_for(lambda: leases.holder(TICK) in {"second", "third"}, WITHIN_S)
        leader, other = (second, third) if leases.holder(TICK) == "second" else (third, second)
        first.signal(signal.SIGCONT)
        # The revived one finds that it leads no more, whatever it was about to do.
        flows = crowd.add_flows(world, [datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)] * 50)
        wait_for(lambda: len(queued_ids(world)) == len(flows), WITHIN_S)
        check_started_once(world, flows)

        leader.end()
        other.signal(signal.SIGSTOP)
        wait_for(lambda: leases.holder(TICK) == "first", WITHIN_S)

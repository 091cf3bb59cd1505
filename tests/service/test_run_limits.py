"""Limits of flows at work: in the tick, for runs on demand, and who comes first when there is room again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller
from flowservice.domain.run import Run, RunState
from flowservice.domain.run_limits import RunLimits
from flowservice.errors import NotCancellable
from tests.service.conftest import NOON
from tests.service.test_runs import HOUR, HOURLY, MINUTE, Office


def account_flow(office: Office, account: str, schedule: dict[str, Any]) -> Flow:
    """A flow that reads from that account."""
    flow = office.flow(schedule)
    endpoint = replace(flow.source, base_connection_id=account)
    changed = replace(flow, source=endpoint, stamp=flow.stamp.touched())
    office.database.flows.replace(flow, changed)
    return changed


def at_work(office: Office) -> set[str]:
    """The flows with a run at work."""
    return {run.flow_id for run in office.stored() if not run.has_ended and not run.is_waiting}


Opening = Callable[..., Office]


@pytest.fixture
def opened(database: SqlDatabase, caller: Caller) -> Opening:
    def open_it(**limits: int) -> Office:
        return Office(database, caller, limits=RunLimits(**limits))

    return open_it


@pytest.mark.parametrize("limit", ["per_org", "per_sandbox"])
def test_flows_beyond_the_limit_stay_due_and_start_when_others_end(opened: Opening, limit: str) -> None:
    office = opened(**{limit: 2})
    flows = [office.flow(HOURLY) for _ in range(5)]
    assert [office.at(NOON), office.at(NOON + MINUTE)] == [2, 0]
    due = [flow for flow in flows if office.found(flow).next_run_at == NOON]
    assert len(due) == 3
    for run in office.stored():
        office.moved(run, RunState.SUCCESS)
    assert office.at(NOON + 2 * MINUTE) == 2
    # The slot that they missed meanwhile is one run's.
    for run in office.stored():
        office.moved(run, RunState.SUCCESS)
    assert office.at(NOON + HOUR + MINUTE) == 2
    assert len({run.flow_id for run in office.stored()}) == 5


def test_an_account_that_is_at_its_limit_keeps_no_other_one_waiting(opened: Opening) -> None:
    office = opened(per_connection=1)
    busy = [account_flow(office, "busy", HOURLY) for _ in range(250)]
    free = account_flow(office, "free", {**HOURLY, "startTime": int((NOON + MINUTE).timestamp())})
    assert office.at(NOON + 2 * MINUTE) == 2
    begun = at_work(office)
    assert free.id in begun
    assert len(begun.intersection(flow.id for flow in busy)) == 1
    assert len(office.queue.ids) == 2


def test_a_run_on_demand_waits_for_room_and_comes_before_slots(opened: Opening) -> None:
    office = opened(per_sandbox=1)
    once = office.flow({})
    office.at(NOON)
    office.moved(office.stored()[0], RunState.SUCCESS)
    hourly, due = office.flow(HOURLY), office.flow(HOURLY)
    assert office.at(NOON) == 1
    assert at_work(office) in ({hourly.id}, {due.id})
    asked = office.runs.create(office.caller, flow_id=once.id, params={})
    assert (asked.is_waiting, asked.starts_at, len(office.queue.ids)) == (True, NOON, 2)
    assert office.at(NOON + MINUTE) == 0
    for run in office.stored():
        if not run.is_waiting:
            office.moved(run, RunState.SUCCESS)
    assert office.at(NOON + 2 * MINUTE) == 1
    assert at_work(office) == {once.id}
    assert office.queue.ids[-1] == asked.id


def test_a_repeated_run_waits_for_room_too(opened: Opening) -> None:
    office = opened(per_org=1)
    flow = office.flow({})
    office.at(NOON)
    failed = office.moved(office.stored()[0], RunState.FAILED)
    office.flow({})
    assert office.at(NOON + MINUTE) == 1
    again = office.runs.repeat(office.caller, failed)
    assert (again.flow_id, again.is_waiting, again.parent_id) == (flow.id, True, failed.id)


def test_a_second_run_of_a_flow_at_work_lines_up_behind_the_first(opened: Opening) -> None:
    office = opened(per_org=1)
    flow = office.flow({})
    office.at(NOON)
    assert not office.runs.create(office.caller, flow_id=flow.id, params={}).is_waiting
    assert [run.number for run in office.stored()] == [1, 2]


def cancelled(office: Office, run: Run) -> Run:
    office.runs.cancel(office.caller, run.id)
    return office.database.runs.find(run.id)


def test_a_run_that_waits_ends_at_once_when_it_is_cancelled(opened: Opening) -> None:
    office = opened()
    flow = office.flow({"startTime": int((NOON + HOUR).timestamp())})
    later = {"startTime": int((NOON + HOUR).timestamp())}
    run = cancelled(office, office.runs.create(office.caller, flow_id=flow.id, params=later))
    assert (run.state, run.cancelled_by, run.errors[0].code) == (RunState.FAILED, "u", "cancelled")
    assert office.runs.start_due() == 0
    with pytest.raises(NotCancellable):
        office.runs.cancel(office.caller, run.id)


def test_a_run_at_work_is_told_once_and_a_run_that_landed_is_undone_instead(opened: Opening) -> None:
    office = opened()
    office.flow({})
    office.at(NOON)
    told = cancelled(office, office.stored()[0])
    assert (told.state, told.cancelled_by) == (RunState.SCHEDULED, "u")
    assert cancelled(office, told).stamp == told.stamp
    ended = office.moved(told, RunState.SUCCESS)
    with pytest.raises(NotCancellable, match="success"):
        office.runs.cancel(office.caller, ended.id)

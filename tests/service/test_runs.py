"""Which runs start when: slots, runs that wait, runs that repeat others, and what is refused."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from flowservice.adapters.sealing.box import EnvelopeBox
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.connectors.azure_table import connector
from flowservice.domain.connection import TargetConnection
from flowservice.domain.flow import COPY, Endpoint, Flow, FlowState, Operation, Transformation
from flowservice.domain.identity import Caller
from flowservice.domain.query import Query
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Counts, Run, RunState
from flowservice.domain.run_limits import RunLimits
from flowservice.domain.schedule import parsed_schedule
from flowservice.domain.window import DeltaColumn, Window
from flowservice.engine.ledger import Ledger
from flowservice.errors import (
    ConnectorRunsNot,
    DeltaColumnDiffers,
    EmptyFlowId,
    Error,
    FlowDisabled,
    NotFound,
    NotOnDemand,
    NotRetriable,
    RunNeedsDeltaColumn,
    RunNotCreated,
    UnknownFlow,
)
from flowservice.ports.database import Database
from flowservice.sdk import Connector, Egress
from flowservice.service.connections import Connections
from flowservice.service.delta_columns import DeltaColumns
from flowservice.service.launch import UNLIMITED
from flowservice.service.masking import Masking
from flowservice.service.runs import Runs
from flowservice.service.sources import OpenSources
from flowservice.service.specs import Specs
from tests.service.conftest import NOON, CountingIds

NOON_S = int(NOON.timestamp())
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOURLY = {"startTime": NOON_S, "frequency": "hour", "interval": 1}
LAKE = SpecRef(id="c604ff05-7f1a-43c0-8e18-33bf874cb11c")


@dataclass
class Queued:
    """A queue that remembers what it was given."""

    ids: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Flows whose runs it does not take."""

    def enqueue(self, run: Run, within: Database) -> None:
        if run.flow_id in self.refused:
            raise RunNotCreated("the queue does not take it")
        self.ids.append(run.id)


@dataclass
class Office:
    """Runs over a store, at a time that a test sets."""

    database: SqlDatabase
    caller: Caller
    now: datetime = NOON
    queue: Queued = field(default_factory=Queued)
    connectors: tuple[Connector, ...] = (connector,)
    ids: CountingIds = field(default_factory=CountingIds)
    limits: RunLimits = UNLIMITED

    @property
    def runs(self) -> Runs:
        specs = Specs(self.connectors, self.database)
        accounts = Connections(
            self.database,
            specs,
            OpenSources(specs, EnvelopeBox(lambda: [b"k" * 32]), Egress(local=True)),
            lambda: self.now,
            self.ids,
            Masking(database=self.database, labels=frozenset()),
        )
        columns = DeltaColumns(self.database, specs, accounts)
        return Runs(self.database, self.queue, lambda: self.now, self.ids, columns, self.limits)

    def flow(self, schedule: dict[str, Any], **more: Any) -> Flow:
        stamp = Stamp.first(self.caller, at=self.now)
        target = TargetConnection(id=self.ids.uuid(), stamp=stamp, spec=LAKE, params={"dataSetId": "d"})
        self.database.target_connections.add(target)
        plan = parsed_schedule(schedule, now=self.now)
        flow = Flow(
            id=self.ids.uuid(),
            stamp=stamp,
            flow_spec=SpecRef(id="flow-spec"),
            source=Endpoint(id="s", spec=SpecRef(id=connector.id)),
            target=Endpoint.of(target),
            schedule=plan,
            schedule_sent=schedule,
            next_run_at=plan.first_run(now=self.now),
        )
        flow = replace(flow, **more)
        self.database.flows.add(flow)
        return flow

    def found(self, flow: Flow) -> Flow:
        return self.database.flows.get(self.caller.scope, flow.id)

    def stored(self) -> list[Run]:
        """All runs, the oldest first."""
        return sorted(
            self.database.runs.list(self.caller.scope, Query(limit=1000)).items, key=lambda run: (run.number, run.id)
        )

    def at(self, moment: datetime) -> int:
        """How many runs the tick starts at that moment."""
        self.now = moment
        return self.runs.start_due()

    def moved(self, run: Run, state: RunState, **more: Any) -> Run:
        """The run in progress, or ended."""
        run = self.database.runs.find(run.id)
        for step in (RunState.IN_PROGRESS, state):
            if run.state is not step and not run.has_ended:
                new = replace(run.moved_to(step, at=self.now), **more)
                self.database.runs.replace(run, new)
                run = new
        return run

    def switched(self, flow: Flow, state: FlowState) -> Flow:
        known = self.found(flow)
        switched = known.switched(state, self.caller, at=self.now)
        self.database.flows.replace(known, switched)
        return switched


@pytest.fixture
def office(database: SqlDatabase, caller: Caller) -> Office:
    return Office(database, caller)


# --- slots -----------------------------------------------------------------------------------------------------------


def test_a_slot_starts_one_run_however_often_the_tick_comes(office: Office) -> None:
    flow = office.flow(HOURLY)
    assert office.at(NOON - MINUTE) == 0
    assert [office.at(NOON + n * timedelta(seconds=1)) for n in range(3)] == [1, 0, 0]
    (run,) = office.stored()
    assert (run.number, run.slot_at, run.state, run.flow_id) == (1, NOON, RunState.SCHEDULED, flow.id)
    assert office.found(flow).next_run_at == NOON + HOUR
    assert office.queue.ids == [run.id]
    assert office.database.batches.get(office.caller.scope, run.batch_id).run_id == run.id


def test_two_ticks_at_once_start_a_slot_once(office: Office) -> None:
    for _ in range(20):
        office.flow(HOURLY)
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: office.runs.start_due(), range(8)))
    assert sum(started) == 20
    assert len(office.stored()) == len(set(office.queue.ids)) == 20


def test_a_start_in_the_past_is_due_at_once_and_the_grid_stays(office: Office) -> None:
    office.now = NOON + 10 * MINUTE
    flow = office.flow(HOURLY)
    assert office.at(office.now) == 1
    assert office.stored()[0].slot_at == office.now
    assert office.found(flow).next_run_at == NOON + HOUR


def test_after_a_pause_one_run_stands_for_all_slots_that_passed(office: Office) -> None:
    flow = office.flow(HOURLY)
    office.at(NOON)
    office.moved(office.stored()[0], RunState.SUCCESS)
    assert office.at(NOON + 7 * HOUR + MINUTE) == 1
    assert office.at(NOON + 7 * HOUR + 2 * MINUTE) == 0
    assert [run.slot_at for run in office.stored()] == [NOON, NOON + 7 * HOUR]
    assert office.found(flow).next_run_at == NOON + 8 * HOUR


def test_a_clock_that_is_put_back_starts_no_slot_twice_and_goes_on_with_the_next(office: Office) -> None:
    flow = office.flow(HOURLY)
    assert office.at(NOON) == 1
    office.moved(office.stored()[0], RunState.SUCCESS)
    back = [NOON - HOUR + 10 * n * MINUTE for n in range(12)]
    assert [office.at(moment) for moment in back] == [0] * 12
    assert office.found(flow).next_run_at == NOON + HOUR
    assert office.at(NOON + HOUR) == 1
    assert [run.slot_at for run in office.stored()] == [NOON, NOON + HOUR]


def test_a_clock_that_is_put_back_while_a_slot_is_started_does_not_bring_it_up_again(office: Office) -> None:
    flow = office.flow(HOURLY)

    shown = iter([NOON])
    runs = replace(office.runs, now=lambda: next(shown, NOON - HOUR))
    assert runs.start_due() == 1
    (run,) = office.stored()
    assert run.slot_at == NOON
    assert office.found(flow).next_run_at == NOON + HOUR
    office.moved(run, RunState.SUCCESS)
    assert [office.at(moment) for moment in (NOON - HOUR, NOON, NOON + HOUR)] == [0, 0, 1]


def test_a_clock_that_is_put_forward_leaves_no_slot_out_one_run_stands_for_them(office: Office) -> None:
    flows = [office.flow({**HOURLY, "backfill": backfill}) for backfill in (True, False)]
    for moment in (NOON, NOON + 9 * HOUR + MINUTE, NOON + 9 * HOUR + 2 * MINUTE):
        office.at(moment)
        for run in office.stored():
            office.moved(run, RunState.SUCCESS)
    started = [(run.flow_id, run.slot_at) for run in office.stored()]
    assert sorted(started) == sorted((flow.id, slot) for flow in flows for slot in (NOON, NOON + 9 * HOUR))
    assert {office.found(flow).next_run_at for flow in flows} == {NOON + 10 * HOUR}


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_slots_stay_where_they_are_when_the_local_clock_changes(
    office: Office, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        start = datetime.fromisoformat(f"{day}T12:30:00+00:00")
        office.now = start
        office.flow({"startTime": int(start.timestamp()), "frequency": "minute", "interval": 15})
        for n in range(96):
            assert [office.at(start + n * 15 * MINUTE + shift * MINUTE) for shift in (0, 7, 14)] == [1, 0, 0]
            office.moved(office.stored()[-1], RunState.SUCCESS)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [run.slot_at for run in office.stored()] == [start + n * 15 * MINUTE for n in range(96)]


def test_slots_that_come_while_a_run_waits_in_line_are_its_own(office: Office) -> None:
    flow = office.flow(HOURLY)
    office.at(NOON)
    office.moved(office.stored()[0], RunState.IN_PROGRESS)
    assert [office.at(NOON + n * HOUR) for n in (1, 2, 3)] == [1, 0, 0]
    assert [run.number for run in office.stored()] == [1, 2]
    assert office.found(flow).next_run_at == NOON + 4 * HOUR


def test_a_disabled_flow_starts_nothing_and_goes_on_with_its_next_slot(office: Office) -> None:
    flow = office.flow(HOURLY)
    office.at(NOON)
    office.moved(office.stored()[0], RunState.SUCCESS)
    assert office.switched(flow, FlowState.DISABLED).last_operation is Operation.DISABLE
    assert office.at(NOON + 5 * HOUR) == 0
    office.now = NOON + 5 * HOUR + MINUTE
    enabled = office.switched(flow, FlowState.ENABLED)
    assert (enabled.next_run_at, enabled.last_operation) == (NOON + 6 * HOUR, Operation.ENABLE)
    assert office.at(office.now) == 0
    assert office.at(NOON + 6 * HOUR) == 1


def test_a_flow_that_was_disabled_before_its_only_run_still_has_it(office: Office) -> None:
    flow = office.flow({"startTime": NOON_S + 60})
    office.switched(flow, FlowState.DISABLED)
    assert office.at(NOON + HOUR) == 0
    office.switched(flow, FlowState.ENABLED)
    assert office.at(NOON + HOUR) == 1
    assert office.found(flow).next_run_at is None


def test_a_flow_that_cannot_start_keeps_no_other_from_it(office: Office) -> None:
    broken, sound = office.flow(HOURLY), office.flow(HOURLY)
    office.queue.refused.add(broken.id)
    assert office.at(NOON) == 1
    assert office.stored()[0].flow_id == sound.id
    assert office.found(broken).next_run_at == NOON + HOUR


@pytest.mark.parametrize(("ran", "due"), [(0, NOON + 2 * MINUTE), (3, NOON + HOUR)])
def test_a_flow_by_another_schedule_is_due_at_its_next_slot_or_at_once_if_it_never_ran(
    office: Office, ran: int, due: datetime
) -> None:
    flow = office.flow(HOURLY, runs_started=ran)
    at = NOON + 2 * MINUTE
    sent = HOURLY | {"interval": 1, "backfill": "true"}
    changed = flow.rescheduled(parsed_schedule(sent, now=at), sent, at=at)
    assert (changed.next_run_at, changed.schedule_sent) == (due, sent)


# --- on demand -------------------------------------------------------------------------------------------------------


def test_a_run_on_demand_takes_no_slot_of_the_flow(office: Office) -> None:
    flow = office.flow({"startTime": NOON_S + 60})
    run = office.runs.create(office.caller, flow_id=flow.id, params={})
    assert (run.number, run.window, office.queue.ids) == (1, None, [run.id])
    assert office.found(flow).next_run_at == NOON + MINUTE
    assert office.at(NOON + MINUTE) == 1


def test_a_run_waits_for_its_time_and_nobody_waits_for_it(office: Office) -> None:
    flow = office.flow({})
    office.at(NOON)
    office.moved(office.stored()[0], RunState.SUCCESS)
    later = office.runs.create(office.caller, flow_id=flow.id, params={"startTime": str(NOON_S + 3600)})
    assert (later.state, later.number, later.starts_at) == (RunState.SCHEDULED, 0, NOON + HOUR)
    sooner = office.runs.create(office.caller, flow_id=flow.id, params={"startTime": NOON_S})
    assert sooner.number == 2
    assert Ledger(database=office.database, now=lambda: NOON).has_turn(sooner)
    office.moved(sooner, RunState.SUCCESS)
    assert [office.at(NOON + n * MINUTE) for n in (59, 60, 61)] == [0, 1, 0]
    started = office.database.runs.find(later.id)
    assert (started.number, started.etag) == (3, later.etag)
    assert office.queue.ids[-1] == later.id
    assert office.database.batches.get(office.caller.scope, later.batch_id).run_id == later.id


@pytest.mark.parametrize("gone", [True, False])
def test_a_run_that_waited_fails_if_its_flow_is_gone_or_disabled_by_then(office: Office, gone: bool) -> None:
    flow = office.flow({"startTime": NOON_S + 99_999})
    run = office.runs.create(office.caller, flow_id=flow.id, params={"startTime": NOON_S + 60})
    if gone:
        office.database.flows.delete(office.found(flow))
    else:
        office.switched(flow, FlowState.DISABLED)
    assert office.at(NOON + MINUTE) == 0
    failed = office.database.runs.find(run.id)
    assert (failed.state, failed.completed_at) == (RunState.FAILED, NOON + MINUTE)
    assert failed.errors[0].code == ("not-found" if gone else "flow-disabled")
    assert office.queue.ids == []
    assert office.at(NOON + 2 * MINUTE) == 0


def test_a_window_is_of_the_flows_delta_column(office: Office) -> None:
    copy = Transformation(name=COPY, params={"deltaColumn": {"name": "changed"}})
    flow = office.flow({}, transformations=(copy,))
    window = {"windowStartTime": NOON_S - 60, "windowEndTime": str(NOON_S)}
    run = office.runs.create(office.caller, flow_id=flow.id, params={"startTime": NOON_S, **window})
    assert run.window == Window(column=DeltaColumn(name="changed"), start=NOON - MINUTE, end=NOON)
    same = window | {"deltaColumn": {"name": "changed"}}
    assert office.runs.create(office.caller, flow_id=flow.id, params=same).window == run.window
    assert office.found(flow).transformations == (copy,)
    with pytest.raises(DeltaColumnDiffers):
        office.runs.create(office.caller, flow_id=flow.id, params=window | {"deltaColumn": {"name": "other"}})


def test_what_cannot_run_on_demand_is_refused(office: Office) -> None:
    flow = office.flow({"startTime": NOON_S + 99})
    disabled = office.flow({}, state=FlowState.DISABLED)

    def refused(error: type[Error], flow_id: str, params: dict[str, Any] | None = None) -> None:
        with pytest.raises(error) as caught:
            office.runs.create(office.caller, flow_id=flow_id, params=params or {})
        assert type(caught.value) is error
        assert caught.value.advice

    refused(EmptyFlowId, "")
    refused(UnknownFlow, "11111111-2222-4333-8444-555555555555")
    refused(FlowDisabled, disabled.id)
    refused(NotOnDemand, office.flow(HOURLY).id)
    refused(RunNeedsDeltaColumn, flow.id, {"windowStartTime": 1})
    office.connectors = ()
    refused(ConnectorRunsNot, flow.id)
    office.connectors = (connector,)
    assert office.stored() == []


def test_a_flow_that_changes_all_the_time_gets_no_run_and_an_error_that_says_so(office: Office) -> None:
    flow = office.flow({"startTime": NOON_S + 99})

    class Meddling(CountingIds):
        """Someone else changes the flow whenever an id is made."""

        def uuid(self) -> str:
            known = office.found(flow)
            office.database.flows.replace(known, replace(known, stamp=known.stamp.touched()))
            return CountingIds.uuid(self)

    office.ids = Meddling(office.ids.numbers)
    with pytest.raises(RunNotCreated):
        office.runs.create(office.caller, flow_id=flow.id, params={})
    assert office.stored() == []


# --- again -----------------------------------------------------------------------------------------------------------

FAILED, NOTHING = (RunState.FAILED, Counts()), (RunState.SUCCESS, Counts(read=4, filtered=4))


@pytest.mark.parametrize("ending", [FAILED, NOTHING], ids=["failed", "landed nothing"])
@pytest.mark.parametrize("schedule", [HOURLY, {}], ids=["recurring", "once"])
def test_a_run_that_landed_nothing_is_repeated_over_its_window(
    office: Office, schedule: dict[str, Any], ending: tuple[RunState, Counts]
) -> None:
    flow = office.flow(schedule)
    office.at(NOON)
    window = Window(column=DeltaColumn(name="changed"), end=NOON)
    state, counts = ending
    run = office.moved(office.stored()[0], state, window=window, counts=counts, params={"startTime": "5"})
    again = office.runs.repeat(office.caller, run)
    assert (again.parent_id, again.root_id, again.number) == (run.id, run.id, 2)
    assert (again.window, again.params, again.slot_at) == (window, run.params, run.slot_at)
    assert office.found(flow).next_run_at == (NOON + HOUR if schedule else None)
    assert office.queue.ids == [run.id, again.id]
    third = office.runs.repeat(office.caller, office.moved(again, RunState.FAILED))
    assert (third.parent_id, third.root_id) == (again.id, run.id)


def test_a_run_that_has_landed_or_not_ended_is_not_repeated(office: Office) -> None:
    office.flow({})
    office.at(NOON)
    (run,) = office.stored()
    for state, counts in ((None, Counts()), (RunState.IN_PROGRESS, Counts()), (RunState.PARTIAL_SUCCESS, Counts())):
        run = office.moved(run, state, counts=counts) if state else run
        with pytest.raises(NotRetriable):
            office.runs.repeat(office.caller, run)
    with pytest.raises(NotRetriable):
        office.runs.repeat(office.caller, replace(run, state=RunState.SUCCESS, counts=Counts(read=1, written=1)))


def test_a_run_is_repeated_by_one_run_at_a_time_and_never_after_it_landed(office: Office) -> None:
    office.flow({})
    office.at(NOON)
    run = office.moved(office.stored()[0], RunState.FAILED)
    again = office.runs.repeat(office.caller, run)
    with pytest.raises(NotRetriable):
        office.runs.repeat(office.caller, run)
    office.moved(again, RunState.SUCCESS, counts=Counts(read=1, written=1))
    with pytest.raises(NotRetriable):
        office.runs.repeat(office.caller, run)


def test_two_who_repeat_a_run_at_once_make_one_run(office: Office) -> None:
    office.flow({})
    office.at(NOON)
    run = office.moved(office.stored()[0], RunState.FAILED)

    def repeated(_: int) -> bool:
        try:
            office.runs.repeat(office.caller, run)
        except NotRetriable:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(repeated, range(4))) == 1
    assert len(office.stored()) == 2


def test_a_failed_run_whose_rows_a_later_one_took_is_not_repeated(office: Office) -> None:
    office.flow(HOURLY)
    office.at(NOON)
    run = office.moved(office.stored()[0], RunState.FAILED)
    office.at(NOON + HOUR)
    office.moved(office.stored()[1], RunState.SUCCESS)
    with pytest.raises(NotRetriable):
        office.runs.repeat(office.caller, run)


def test_a_run_on_demand_is_not_repeated_over_rows_that_another_has_landed_or_may_land(office: Office) -> None:
    flow = office.flow({}, transformations=(Transformation(name=COPY, params={"deltaColumn": {"name": "changed"}}),))
    office.at(NOON)
    whole = office.moved(office.stored()[0], RunState.FAILED)

    def asked(start: int, end: int) -> Run:
        return office.runs.create(
            office.caller, flow_id=flow.id, params={"windowStartTime": start, "windowEndTime": end}
        )

    early = office.moved(asked(0, 10), RunState.FAILED)
    late = office.moved(asked(5, 20), RunState.FAILED)
    nothing = office.moved(asked(0, 100), RunState.SUCCESS)
    landed = office.moved(asked(10, 20), RunState.SUCCESS, counts=Counts(read=1, written=1))
    for run in (whole, late, nothing):
        with pytest.raises(NotRetriable, match=landed.id):
            office.runs.repeat(office.caller, run)
    # Half-open windows that meet share no row.
    again = office.runs.repeat(office.caller, early)
    assert (again.window, again.parent_id) == (early.window, early.id)


def test_a_flow_that_is_deleted_while_it_starts_keeps_no_other_from_it(office: Office) -> None:
    gone, other = office.flow(HOURLY), office.flow({**HOURLY, "startTime": NOON_S + 1})

    @dataclass
    class Deleting(CountingIds):
        def uuid(self) -> str:
            with suppress(NotFound):
                office.database.flows.delete(office.found(gone))
            return CountingIds.uuid(self)

    office.ids = Deleting(office.ids.numbers)
    assert office.at(NOON + MINUTE) == 1
    assert [run.flow_id for run in office.stored()] == [other.id]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda office, flow: office.switched(flow, FlowState.DISABLED), FlowDisabled),
        (lambda office, flow: office.database.flows.delete(office.found(flow)), UnknownFlow),
    ],
)
def test_a_run_of_a_flow_that_is_disabled_or_gone_is_not_repeated(
    office: Office, change: Callable[[Office, Flow], object], error: type[Error]
) -> None:
    flow = office.flow({})
    office.at(NOON)
    run = office.moved(office.stored()[0], RunState.FAILED)
    change(office, flow)
    with pytest.raises(error):
        office.runs.repeat(office.caller, run)

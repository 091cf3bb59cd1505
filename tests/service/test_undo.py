"""Which runs are undone, which are run again after that, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Counts, Run, RunState
from flowservice.domain.window import DeltaColumn, Window
from flowservice.errors import Error, Forbidden, NotFound, NotRetriable, NotUndoable, UnknownFlow
from tests.service.conftest import NOON
from tests.service.test_runs import HOUR, HOURLY, Office

WRITTEN = Counts(read=5, written=5)
COLUMN = DeltaColumn(name="changed")


@pytest.fixture
def office(database: SqlDatabase, caller: Caller) -> Office:
    database.datasets.add(
        Dataset(id="d", stamp=Stamp.first(caller, at=NOON), schema_ref=SchemaRef(id="s", content_type="json"))
    )
    return Office(database, caller)


def landed(office: Office, schedule: dict[str, Any], *, hour: int = 0) -> Run:
    """The newest run of the office's flow, which took an hour and has landed."""
    office.at(NOON + hour * HOUR)
    window = Window(column=COLUMN, start=NOON + (hour - 1) * HOUR, end=NOON + hour * HOUR) if schedule else None
    return office.moved(office.stored()[-1], RunState.SUCCESS, counts=WRITTEN, window=window)


def undone(office: Office, run: Run, *, rewinds: bool = False) -> Run:
    """The run after its undo."""
    undo = office.runs.undo(office.caller, run.id)
    office.moved(undo, RunState.SUCCESS, rewinds=rewinds)
    run = office.database.runs.find(run.id)
    told = replace(run, undone_by=undo.id, stamp=run.stamp.touched())
    office.database.runs.replace(run, told)
    return told


def test_an_undo_is_a_run_of_the_flow_with_a_number_and_a_batch_of_its_own(office: Office) -> None:
    flow = office.flow(HOURLY)
    run = landed(office, HOURLY)
    undo = office.runs.undo(office.caller, run.id)
    assert (undo.undoes, undo.number, undo.flow_id, undo.state) == (run.id, 2, flow.id, RunState.SCHEDULED)
    assert (undo.dataset_id, undo.window, undo.slot_at, undo.parent_id) == (run.dataset_id, run.window, None, None)
    assert office.queue.ids == [run.id, undo.id]
    assert office.database.batches.get(office.caller.scope, undo.batch_id).run_id == undo.id
    assert (office.found(flow).runs_started, office.found(flow).next_run_at) == (2, NOON + HOUR)


def test_a_disabled_flow_undoes_its_runs(office: Office) -> None:
    flow = office.flow({})
    run = landed(office, {})
    office.switched(flow, FlowState.DISABLED)
    assert office.runs.undo(office.caller, run.id).number == 2


@pytest.mark.parametrize(
    ("state", "counts", "told"),
    [
        (None, Counts(), "has not ended"),
        (RunState.IN_PROGRESS, Counts(), "has not ended"),
        (RunState.FAILED, Counts(read=3), "landed no row"),
        (RunState.SUCCESS, Counts(read=3, filtered=3), "landed no row"),
        (RunState.PARTIAL_SUCCESS, Counts(read=3, rejected=3), "landed no row"),
    ],
)
def test_a_run_that_landed_nothing_is_not_undone(
    office: Office, state: RunState | None, counts: Counts, told: str
) -> None:
    office.flow({})
    office.at(NOON)
    (run,) = office.stored()
    if state is not None:
        office.moved(run, state, counts=counts)
    with pytest.raises(NotUndoable, match=told):
        office.runs.undo(office.caller, run.id)


def test_a_run_is_undone_by_one_undo_at_a_time_and_once(office: Office) -> None:
    office.flow({})
    run = landed(office, {})
    undo = office.runs.undo(office.caller, run.id)
    with pytest.raises(NotUndoable, match=f"is being undone by run {undo.id}"):
        office.runs.undo(office.caller, run.id)
    # One that failed leaves the rows to another.
    office.moved(undo, RunState.FAILED)
    undone(office, run)
    with pytest.raises(NotUndoable, match="undone already"):
        office.runs.undo(office.caller, run.id)
    with pytest.raises(NotUndoable, match="is an undo itself"):
        office.runs.undo(office.caller, undo.id)


def test_two_who_undo_a_run_at_once_make_one_undo(office: Office) -> None:
    office.flow({})
    run = landed(office, {})

    def undo(_: int) -> bool:
        try:
            office.runs.undo(office.caller, run.id)
        except NotUndoable:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(undo, range(4))) == 1
    assert len(office.stored()) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda office, flow: office.database.flows.delete(office.found(flow)), UnknownFlow),
        (lambda office, flow: office.database.datasets.delete(_dataset(office)), NotUndoable),
    ],
)
def test_without_its_flow_or_dataset_a_run_is_not_undone(
    office: Office, change: Callable[[Office, Flow], object], error: type[Error]
) -> None:
    flow = office.flow({})
    run = landed(office, {})
    change(office, flow)
    with pytest.raises(error):
        office.runs.undo(office.caller, run.id)


def _dataset(office: Office) -> Dataset:
    return office.database.datasets.get(office.caller.scope, "d")


def test_whoever_may_not_run_may_not_undo(office: Office) -> None:
    office.flow({})
    run = landed(office, {})
    for permission in (Permission.RUN, Permission.VIEW_SOURCES):
        lacking = replace(office.caller, permissions=office.caller.permissions - {permission})
        with pytest.raises(Forbidden):
            office.runs.undo(lacking, run.id)
    elsewhere = replace(office.caller, scope=replace(office.caller.scope, sandbox_id="77aa"))
    with pytest.raises(NotFound):
        office.runs.undo(elsewhere, run.id)


# --- run again -------------------------------------------------------------------------------------------------------


def test_a_run_that_was_undone_is_run_again_and_an_undo_never_is(office: Office) -> None:
    office.flow({})
    run = undone(office, landed(office, {}))
    again = office.runs.repeat(office.caller, run)
    assert (again.parent_id, again.number) == (run.id, 3)
    office.moved(again, RunState.SUCCESS, counts=WRITTEN)
    with pytest.raises(NotRetriable, match="run again already"):
        office.runs.repeat(office.caller, run)
    undone(office, again)
    assert office.runs.repeat(office.caller, run).number == 5
    for undo in (one for one in office.stored() if one.undoes is not None):
        with pytest.raises(NotRetriable, match="is an undo"):
            office.runs.repeat(office.caller, undo)


def test_a_run_on_demand_is_repeated_once_the_one_that_took_its_rows_is_undone(office: Office) -> None:
    flow = office.flow({})
    office.at(NOON)
    failed = office.moved(office.stored()[0], RunState.FAILED)
    other = office.runs.create(office.caller, flow_id=flow.id, params={})
    other = office.moved(other, RunState.SUCCESS, counts=WRITTEN)
    with pytest.raises(NotRetriable):
        office.runs.repeat(office.caller, failed)
    undone(office, other)
    assert office.runs.repeat(office.caller, failed).parent_id == failed.id


def test_rows_that_the_next_window_has_are_not_taken_by_a_repeat_too(office: Office) -> None:
    office.flow(HOURLY)
    first, second = landed(office, HOURLY), landed(office, HOURLY, hour=1)
    office.at(NOON + 2 * HOUR)
    third = office.moved(
        office.stored()[-1],
        RunState.SUCCESS,
        window=Window(column=COLUMN, start=NOON + HOUR, end=NOON + 2 * HOUR),
    )
    second = undone(office, second, rewinds=True)
    for run in (second, third):
        with pytest.raises(NotRetriable, match="the next run of the flow takes the rows"):
            office.runs.repeat(office.caller, run)
    # What lies before it, no window takes any more.
    first = undone(office, first)
    assert office.runs.repeat(office.caller, first).window == first.window


def test_while_an_undo_is_under_way_no_window_is_repeated(office: Office) -> None:
    office.flow(HOURLY)
    first, second = landed(office, HOURLY), landed(office, HOURLY, hour=1)
    first = undone(office, first)
    undo = office.runs.undo(office.caller, second.id)
    with pytest.raises(NotRetriable, match=f"run {undo.id} is undoing another run"):
        office.runs.repeat(office.caller, first)
    office.moved(undo, RunState.FAILED)
    assert office.runs.repeat(office.caller, first).window == first.window


def test_an_undo_takes_no_rows_of_a_failed_run(office: Office) -> None:
    office.flow(HOURLY)
    first = landed(office, HOURLY)
    office.at(NOON + HOUR)
    window = Window(column=COLUMN, start=NOON, end=NOON + HOUR)
    failed = office.moved(office.stored()[-1], RunState.FAILED, window=window)
    undone(office, first)
    assert office.runs.repeat(office.caller, failed).window == window

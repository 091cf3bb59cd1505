"""Whose rejected rows are replayed, and what a replay is among the runs of its flow."""

from dataclasses import replace
from typing import Any

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.dataset import Dataset, SchemaRef
from flowservice.domain.flow import FlowState
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.quarantine import Wanted
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Counts, Run, RunState
from flowservice.domain.window import Window
from flowservice.errors import Error, Forbidden, NotFound, NotReplayable, NotRetriable, NotUndoable
from tests.service.conftest import NOON
from tests.service.test_runs import HOUR, HOURLY, Office
from tests.service.test_undo import COLUMN, undone

PARTLY = Counts(read=5, written=3, rejected=2)
ALL = Wanted()


@pytest.fixture
def office(database: SqlDatabase, caller: Caller) -> Office:
    database.datasets.add(
        Dataset(id="d", stamp=Stamp.first(caller, at=NOON), schema_ref=SchemaRef(id="s", content_type="json"))
    )
    return Office(database, caller)


def partly(office: Office, schedule: dict[str, Any]) -> Run:
    """The newest run of a flow, which rejected two rows."""
    office.flow(schedule)
    office.at(NOON)
    return office.moved(office.stored()[-1], RunState.PARTIAL_SUCCESS, counts=PARTLY)


def test_a_replay_is_a_run_of_the_flow_that_says_whose_rows_it_takes(office: Office) -> None:
    run = partly(office, HOURLY)
    chosen = Wanted(codes=("a", "b"), rows=("r",))
    replay = office.runs.replay(office.caller, run.id, chosen)
    assert (replay.replays, replay.number, replay.params) == (run.id, 2, {"codes": ["a", "b"], "rows": ["r"]})
    assert (replay.dataset_id, replay.window, replay.slot_at) == (run.dataset_id, run.window, None)
    assert office.queue.ids == [run.id, replay.id]
    assert office.database.batches.get(office.caller.scope, replay.batch_id).run_id == replay.id


def test_a_disabled_flow_replays_its_rows(office: Office) -> None:
    run = partly(office, {})
    office.switched(office.database.flows.get(office.caller.scope, run.flow_id), FlowState.DISABLED)
    assert office.runs.replay(office.caller, run.id, ALL).number == 2


@pytest.mark.parametrize(
    ("state", "counts", "told"),
    [
        (None, Counts(), "has not ended"),
        (RunState.IN_PROGRESS, Counts(), "has not ended"),
        (RunState.FAILED, Counts(read=3, rejected=3), "published nothing"),
        (RunState.SUCCESS, Counts(read=3, written=3), "rejected no row"),
    ],
)
def test_a_run_without_rows_that_wait_is_not_replayed(
    office: Office, state: RunState | None, counts: Counts, told: str
) -> None:
    office.flow({})
    office.at(NOON)
    (run,) = office.stored()
    if state is not None:
        office.moved(run, state, counts=counts)
    with pytest.raises(NotReplayable, match=told):
        office.runs.replay(office.caller, run.id, ALL)


def test_neither_a_replay_nor_an_undo_nor_an_undone_run_is_replayed(office: Office) -> None:
    run = partly(office, {})
    replay = office.runs.replay(office.caller, run.id, ALL)
    office.moved(replay, RunState.PARTIAL_SUCCESS, counts=Counts(read=2, rejected=2))
    with pytest.raises(NotReplayable, match="is a replay itself"):
        office.runs.replay(office.caller, replay.id, ALL)
    undo = undone(office, run).undone_by
    with pytest.raises(NotReplayable, match="is undone"):
        office.runs.replay(office.caller, run.id, ALL)
    assert undo is not None
    with pytest.raises(NotReplayable, match="is an undo itself"):
        office.runs.replay(office.caller, undo, ALL)


def test_a_run_is_undone_once_its_replays_are(office: Office) -> None:
    run = partly(office, {})
    replay = office.runs.replay(office.caller, run.id, ALL)
    replay = office.moved(replay, RunState.SUCCESS, counts=Counts(read=2, written=2))
    with pytest.raises(NotUndoable, match=f"landed by run {replay.id}"):
        office.runs.undo(office.caller, run.id)
    undone(office, replay)
    assert office.runs.undo(office.caller, run.id).undoes == run.id


def test_a_replay_is_not_run_again(office: Office) -> None:
    replay = office.runs.replay(office.caller, partly(office, {}).id, ALL)
    with pytest.raises(NotRetriable, match="is a replay"):
        office.runs.repeat(office.caller, office.moved(replay, RunState.FAILED))


def test_a_replay_takes_no_rows_of_a_failed_run(office: Office) -> None:
    first = partly(office, HOURLY)
    office.at(NOON + HOUR)
    window = Window(column=COLUMN, start=NOON, end=NOON + HOUR)
    failed = office.moved(office.stored()[-1], RunState.FAILED, window=window)
    replay = office.runs.replay(office.caller, first.id, ALL)
    office.moved(replay, RunState.SUCCESS, counts=Counts(read=2, written=2))
    assert office.runs.repeat(office.caller, failed).window == window


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (
            lambda office: office.database.datasets.delete(office.database.datasets.get(office.caller.scope, "d")),
            NotReplayable,
        ),
        (lambda _: None, NotFound),
    ],
)
def test_what_is_gone_or_unknown_is_not_replayed(office: Office, spoil: Any, error: type[Error]) -> None:
    run = partly(office, {})
    spoil(office)
    with pytest.raises(error):
        office.runs.replay(office.caller, run.id if error is NotReplayable else "unknown", ALL)


def test_replaying_takes_the_permission_to_run(office: Office) -> None:
    run = partly(office, {})
    lacking = replace(office.caller, permissions=office.caller.permissions - {Permission.RUN})
    with pytest.raises(Forbidden):
        office.runs.replay(lacking, run.id, ALL)

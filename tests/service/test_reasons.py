"""Why flows need a look: by their last runs, and by what keeps those that are due."""

from dataclasses import replace

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.domain.flow import Flow, LastRun
from flowservice.domain.identity import Caller
from flowservice.domain.run import ROWS_FAILED, Reason, RunError, RunState, Tally
from flowservice.domain.run_limits import RunLimits
from flowservice.service.reasons import Reasons
from tests.service.conftest import NOON
from tests.service.test_run_limits import account_flow
from tests.service.test_runs import HOURLY, MINUTE, Office

SUMMARY = RunError(code=ROWS_FAILED, message="3 rows failed, 7 rows were ingested.")
GONE = RunError(code="not-found", message="the table is gone", advice="Make it.")
MISSING = Tally(code="INGEST-1555-400", field="_id", message="a required field is missing or null", count=2)
TOO_LONG = Tally(code="INGEST-1404-400", field="name", message="longer than 5 characters", count=1)


def ended(office: Office, state: RunState, *errors: RunError, rejections: tuple[Tally, ...] = ()) -> Flow:
    """A flow whose only run ended like this."""
    flow = office.flow(HOURLY)
    office.at(NOON)
    (run,) = [run for run in office.stored() if run.flow_id == flow.id]
    begun = run.moved_to(RunState.IN_PROGRESS, at=NOON)
    office.database.runs.replace(run, begun)
    over = replace(begun.moved_to(state, at=NOON), errors=errors, rejections=rejections)
    office.database.runs.replace(begun, over)
    return replace(flow, last_run=LastRun(id=run.id, state=state.value, started_at=NOON, completed_at=NOON))


@pytest.mark.parametrize(
    ("state", "errors", "rejections", "reason"),
    [
        (RunState.SUCCESS, (), (), None),
        (RunState.FAILED, (GONE,), (), Reason(error=GONE, rejection=None, rejection_kinds=0)),
        (RunState.FAILED, (GONE,), (MISSING,), Reason(error=GONE, rejection=MISSING, rejection_kinds=1)),
        (
            RunState.PARTIAL_SUCCESS,
            (SUMMARY,),
            (MISSING, TOO_LONG),
            Reason(error=None, rejection=MISSING, rejection_kinds=2),
        ),
        (RunState.PARTIAL_SUCCESS, (SUMMARY, GONE), (), Reason(error=GONE, rejection=None, rejection_kinds=0)),
    ],
)
def test_the_last_run_tells_its_first_error_and_its_most_frequent_rejection(
    database: SqlDatabase,
    caller: Caller,
    state: RunState,
    errors: tuple[RunError, ...],
    rejections: tuple[Tally, ...],
    reason: Reason | None,
) -> None:
    office = Office(database, caller)
    flow = ended(office, state, *errors, rejections=rejections)
    told = Reasons(database=database, limits=RunLimits()).of_last_runs(caller.scope, [flow])
    assert told == ({} if reason is None else {flow.id: reason})


def test_a_flow_that_is_kept_by_its_account_and_one_that_nobody_started(database: SqlDatabase, caller: Caller) -> None:
    limits = RunLimits(per_connection=1)
    office = Office(database, caller, limits=limits)
    flows = [account_flow(office, "busy", HOURLY) for _ in range(2)]
    office.at(NOON)
    (kept,) = [flow for flow in flows if office.found(flow).next_run_at == NOON]
    never = account_flow(office, "free", HOURLY)
    told = Reasons(database=database, limits=limits).of_lateness(caller.scope, [kept, never])
    assert {flow_id: hindrance.code for flow_id, hindrance in told.items()} == {
        kept.id: "no-room",
        never.id: "not-started",
    }
    assert office.at(NOON + 2 * MINUTE) == 1

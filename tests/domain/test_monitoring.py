"""What flows did, summed; which come first, and how late they are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flowservice.domain.flow import Endpoint, Flow, FlowState
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Scope
from flowservice.domain.monitoring import Activity, overview
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import RunState
from flowservice.domain.schedule import Frequency, Schedule

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCOPE = Scope(org_id="A@AdobeOrg", sandbox_id="s", sandbox_name="prod")
CALLER = Caller(scope=SCOPE, tenant_id="t", user_id="u", client_id="c", permissions=ALL_PERMISSIONS)


def flow(name: str, *, due: datetime | None = None, state: FlowState = FlowState.ENABLED) -> Flow:
    end = Endpoint(id="e", spec=SpecRef(id="spec"))
    return Flow(
        id=name,
        name=name,
        stamp=Stamp.first(CALLER, at=NOON),
        flow_spec=SpecRef(id="spec"),
        source=end,
        target=end,
        schedule=Schedule(frequency=Frequency.ONCE, start_at=NOON),
        schedule_sent={},
        next_run_at=due,
        state=state,
    )


def did(flow_id: str, bucket: int = 0, *, state: RunState = RunState.SUCCESS, rejected: int = 0) -> Activity:
    return Activity(
        flow_id=flow_id, bucket=bucket, state=state, runs=1, read=10, written=10 - rejected, rejected=rejected
    )


def test_sums_are_by_time_and_by_flow_and_count_what_is_gone_in_all() -> None:
    activity = [did("a"), did("a", 1, state=RunState.FAILED, rejected=10), did("gone", 1, rejected=2)]
    told = overview(NOON, HOUR, 3, activity, [flow("a"), flow("b")], now=NOON + 3 * HOUR)
    assert (told.totals.read, told.totals.written, told.totals.rejected) == (30, 18, 12)
    assert [sums.read for sums in told.series] == [10, 20, 0]
    assert told.series[1].runs[RunState.FAILED] == 1
    assert {each.flow.id: each.sums.read for each in told.flows} == {"a": 20, "b": 0}
    assert told.until == NOON + 3 * HOUR


def test_flows_that_need_a_look_come_first() -> None:
    now = NOON + HOUR
    flows = [flow("fine"), flow("rejecting"), flow("failing"), flow("late", due=NOON), flow("b late", due=NOON - HOUR)]
    activity = [did("rejecting", rejected=3), did("failing", state=RunState.FAILED), did("fine")]
    told = overview(NOON, HOUR, 1, activity, flows, now=now)
    assert [each.flow.id for each in told.flows] == ["b late", "late", "failing", "rejecting", "fine"]
    assert [each.late_by for each in told.flows][:3] == [2 * HOUR, HOUR, None]


def test_a_flow_is_late_after_a_minute_and_only_while_it_is_enabled() -> None:
    now = NOON + timedelta(seconds=59)
    assert overview(NOON, HOUR, 1, [], [flow("a", due=NOON)], now=now).flows[0].late_by is None
    now = NOON + timedelta(seconds=60)
    assert overview(NOON, HOUR, 1, [], [flow("a", due=NOON)], now=now).flows[0].late_by == timedelta(seconds=60)
    paused = replace(flow("a", due=NOON), state=FlowState.DISABLED)
    assert overview(NOON, HOUR, 1, [], [paused], now=now).flows[0].late_by is None

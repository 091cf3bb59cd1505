"""What is said to be in the way of a flow that is late."""

import pytest

from flowservice.domain.hindrance import hindrance
from flowservice.domain.run_limits import AtWork, Occupancy, RunLimits


@pytest.mark.parametrize(
    ("limits", "message", "setting"),
    [
        (RunLimits(per_org=2), "2 flows are at work in this organisation", "FLOWSERVICE_RUNS_PER_ORG"),
        (RunLimits(per_sandbox=1), "1 flow is at work in this sandbox", "FLOWSERVICE_RUNS_PER_SANDBOX"),
        (RunLimits(per_connection=1), "1 flow is at work on its account", "FLOWSERVICE_RUNS_PER_CONNECTION"),
    ],
)
def test_a_full_place_is_named_with_the_setting_that_limits_it(limits: RunLimits, message: str, setting: str) -> None:
    busy = [AtWork(flow_id=flow, org_id="o", sandbox_id="s", connection_id="c") for flow in ("a", "b")]
    next_one = AtWork(flow_id="next", org_id="o", sandbox_id="s", connection_id="c")
    told = hindrance(Occupancy.of(limits, busy).full(next_one))
    assert told.code == "no-room"
    assert told.message.startswith(message)
    assert setting in told.advice


def test_where_there_is_room_nobody_has_started_it() -> None:
    told = hindrance(None)
    assert told.code == "not-started"
    assert "flowservice doctor" in told.advice

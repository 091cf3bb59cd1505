"""How many flows may be at work at a time, by organisation, sandbox and account."""

import pytest

from flowservice.domain.run_limits import AtWork, Occupancy, RunLimits


def at_work(flow: str, *, org: str = "o", sandbox: str = "s", connection: str | None = "c") -> AtWork:
    return AtWork(flow_id=flow, org_id=org, sandbox_id=sandbox, connection_id=connection)


def test_without_limits_there_is_always_room() -> None:
    limits = RunLimits()
    assert not limits.are_any
    assert Occupancy.of(limits, [at_work(str(n)) for n in range(100)]).has_room(at_work("next"))


@pytest.mark.parametrize(
    ("limits", "elsewhere"),
    [
        (RunLimits(per_org=2), at_work("next", org="other")),
        (RunLimits(per_sandbox=2), at_work("next", sandbox="other")),
        (RunLimits(per_connection=2), at_work("next", connection="other")),
        (RunLimits(per_connection=2), at_work("next", connection=None)),
    ],
)
def test_a_limit_holds_for_those_that_share_a_place_and_for_no_others(limits: RunLimits, elsewhere: AtWork) -> None:
    assert limits.are_any
    occupancy = Occupancy.of(limits, [at_work("a")])
    assert occupancy.has_room(at_work("next"))
    occupancy.add(at_work("b"))
    assert not occupancy.has_room(at_work("next"))
    assert occupancy.has_room(elsewhere)


def test_further_runs_of_a_flow_at_work_need_no_room() -> None:
    assert Occupancy.of(RunLimits(per_org=1), [at_work("a"), at_work("a")]).has_room(at_work("a"))

"""Schedules as clients write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowservice.domain.schedule import parsed_schedule
from flowservice.errors import BackfillNotAllowed, BadSchedule, IntervalNotAllowed, NotSupported

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())


@pytest.mark.parametrize("start", [NOON_S, str(NOON_S)])
def test_a_start_is_epoch_seconds_as_number_or_text(start: object) -> None:
    assert parsed_schedule({"startTime": start, "frequency": "once"}, now=NOON).start_at == NOON


@pytest.mark.parametrize("sent", [{}, {"interval": 0, "timeUnit": "day"}, {"frequency": "once", "startTime": 0}])
def test_a_start_that_is_past_or_missing_is_now(sent: dict[str, Any]) -> None:
    assert parsed_schedule(sent, now=NOON).first_run(now=NOON) == NOON


def test_a_start_to_come_is_waited_for() -> None:
    later = NOON + timedelta(hours=1)
    schedule = parsed_schedule({"startTime": int(later.timestamp())}, now=NOON)
    assert schedule.first_run(now=NOON) == later
    assert schedule.next_after(later) is None


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"frequency": "yearly"}, BadSchedule),
        ({"frequency": 7}, BadSchedule),
        ({"frequency": "hour", "interval": 1}, NotSupported),
        ({"frequency": "once", "interval": "15"}, IntervalNotAllowed),
        ({"frequency": "once", "backfill": True}, BackfillNotAllowed),
        ({"startTime": "soon"}, BadSchedule),
        ({"startTime": True}, BadSchedule),
        ({"startTime": 1.5}, BadSchedule),
        ({"startTime": -1}, BadSchedule),
        ({"startTime": NOON_S * 1000}, BadSchedule),
        ({"startTime": "9" * 5000}, BadSchedule),
        ({"startTime": "\uff11\uff12"}, BadSchedule),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(sent: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        parsed_schedule(sent, now=NOON)

"""When a flow runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from flowservice.errors import BackfillNotAllowed, BadSchedule, IntervalNotAllowed, NotSupported

_LATEST_S: Final = 253_402_300_799
"""9999-12-31T23:59:59Z in epoch seconds; what is larger was meant as milliseconds."""


class Frequency(StrEnum):
    """Units of a schedule. Only `once` runs in this version."""

    ONCE = "once"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A flow's schedule. A start in the past means now."""

    frequency: Frequency
    start_at: datetime

    def first_run(self, *, now: datetime) -> datetime:
        """When the first run is due."""
        return max(self.start_at, now)

    def next_after(self, _at: datetime) -> datetime | None:
        """The slot after `_at`; None: never again."""
        return None


def parsed_schedule(sent: Mapping[str, Any], *, now: datetime) -> Schedule:
    """The schedule that a client wrote.

    `startTime` is epoch seconds as a number or a numeric text; without it the flow starts at once. `interval: 0` goes
    with `once`, for the aepp client sends it so.
    Raises BadSchedule, IntervalNotAllowed, BackfillNotAllowed, NotSupported.
    """
    word = sent.get("frequency", Frequency.ONCE)
    try:
        frequency = Frequency(word)
    except ValueError:
        raise BadSchedule(
            "scheduleParams.frequency is not a known frequency", advice="It must be once, minute, hour, day or week."
        ) from None
    if frequency is not Frequency.ONCE:
        raise NotSupported(
            f"scheduleParams.frequency {frequency} is not supported yet: flows run once and on demand",
            advice="Use frequency once, and POST /runs for each further run.",
        )
    if _seconds(sent, "interval"):
        raise IntervalNotAllowed("scheduleParams.interval does not go with frequency once", advice="Leave it out.")
    if sent.get("backfill") is not None:
        raise BackfillNotAllowed("scheduleParams.backfill does not go with frequency once", advice="Leave it out.")
    start_s = _seconds(sent, "startTime")
    return Schedule(frequency=frequency, start_at=now if start_s is None else datetime.fromtimestamp(start_s, UTC))


def _seconds(sent: Mapping[str, Any], member: str) -> int | None:
    value = sent.get(member)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).isascii():
        raise BadSchedule(f"scheduleParams.{member} must be a whole number")
    try:
        number = int(value)
    except ValueError:
        raise BadSchedule(f"scheduleParams.{member} must be a whole number") from None
    if not 0 <= number <= _LATEST_S:
        raise BadSchedule(
            f"scheduleParams.{member} is out of range", advice="Times are epoch seconds, not milliseconds."
        )
    return number

"""When a flow runs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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

"""When a flow runs: its slots, and what may be said and changed of them. All times are UTC; no slot drifts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.epoch import LATEST_S, seconds, whole_number
from flowservice.errors import (
    BackfillIsFixed,
    BackfillNotAllowed,
    BadInterval,
    BadSchedule,
    CannotBecomeOnce,
    IntervalNotAllowed,
    MissingField,
    StartHasPassed,
    StartInPast,
)

_JUST_NOW: Final = timedelta(minutes=1)
"""A start no longer ago than this was a caller's `now`, also where starts in the past are refused."""
_LATEST: Final = datetime.fromtimestamp(LATEST_S, UTC)


class Frequency(StrEnum):
    """Units of a schedule."""

    ONCE = "once"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


_UNITS: Final[Mapping[Frequency, timedelta]] = {
    Frequency.MINUTE: timedelta(minutes=1),
    Frequency.HOUR: timedelta(hours=1),
    Frequency.DAY: timedelta(days=1),
    Frequency.WEEK: timedelta(weeks=1),
}
_LONGEST: Final = timedelta(days=36_525)
"""A century: more was not meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRules:
    """What the operator allows."""

    min_interval_minutes: int = 15
    """Of the frequency `minute`; the others start at 1."""
    strict_start: bool = False
    """Refuse a start in the past instead of reading it as now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A flow's schedule. Its slots are `start_at` and every `interval` x `frequency` from there."""

    frequency: Frequency
    start_at: datetime
    """As the client wrote it, also where it was past already: then the first run is due at once, and the grid stays."""
    interval: int = 0
    """In units of the frequency; 0 with `once`."""
    backfill: bool = True
    """Whether the first run takes everything. Without it, it takes what appears from `takes_from` on."""
    takes_from: datetime | None = None
    """The later of the start and the moment of the schedule's making; None with backfill or `once`."""

    @property
    def period(self) -> timedelta | None:
        """The time between two slots; None: there is one slot."""
        unit = _UNITS.get(self.frequency)
        return None if unit is None else unit * self.interval

    def first_run(self, *, now: datetime) -> datetime:
        """When the first run is due: at the start; at once if that has passed."""
        return max(self.start_at, now)

    def next_after(self, at: datetime) -> datetime | None:
        """The first slot later than `at`; None: there is none."""
        if at < self.start_at:
            return self.start_at
        period = self.period
        if period is None:
            return None
        passed = (at - self.start_at) // period
        return self.start_at + (passed + 1) * period if at < _LATEST - period else None

    def slot_at(self, at: datetime) -> datetime:
        """The newest slot that is not later than `at`; the start if there is none."""
        if at < self.start_at or self.period is None:
            return self.start_at
        return self.start_at + (at - self.start_at) // self.period * self.period


DOCUMENTED: Final = ScheduleRules()
"""The rules as published, for a service that nobody configured."""


def parsed_schedule(sent: Mapping[str, Any], *, now: datetime, rules: ScheduleRules = DOCUMENTED) -> Schedule:
    """The schedule that a client wrote. Members that we do not know are let pass, as real clients send some.

    `startTime` is epoch seconds as a number or a numeric text; without it the flow starts at once. `interval: 0` goes
    with `once`, for the aepp client sends it so.
    Raises BadSchedule, MissingField, BadInterval, IntervalNotAllowed, BackfillNotAllowed, StartInPast.
    """
    schedule = _read(sent, now=now, rules=rules)
    _check_start(schedule, now=now, rules=rules)
    return schedule


def changed_schedule(
    old: Schedule, sent: Mapping[str, Any], *, now: datetime, rules: ScheduleRules = DOCUMENTED
) -> Schedule:
    """The schedule `old` after a client replaced it by `sent`: the whole `scheduleParams`, with what did not change.

    Before the start everything may change, but for a recurring flow to become `once`. After it the start stays,
    whether it is sent again or left out; frequency and interval may change, and the slots are counted anew from the
    start; `backfill` may not; and a flow that runs `once` is done.
    Raises what `parsed_schedule` raises, and StartHasPassed, CannotBecomeOnce, BackfillIsFixed.
    """
    known = {name: value for name, value in sent.items() if value is not None}
    new = _read({"startTime": int(old.start_at.timestamp()), **known}, now=now, rules=rules)
    was_once, is_once = old.frequency is Frequency.ONCE, new.frequency is Frequency.ONCE
    # A start that the client left out is kept to the microsecond, and is shown and sent in seconds.
    start_moves = new.start_at != old.start_at.replace(microsecond=0)
    has_started = old.start_at <= now
    if is_once and not was_once:
        raise CannotBecomeOnce(
            "a recurring flow cannot be changed to frequency once", advice="Disable it, and create another flow."
        )
    if has_started and (start_moves or was_once is not is_once):
        raise StartHasPassed(
            "the start time of the flow has passed; the start cannot be changed any more",
            advice="Send the startTime that a GET returns; a flow that ran once can be run again by POST /runs.",
        )
    if has_started and new.backfill is not old.backfill:
        raise BackfillIsFixed(
            "scheduleParams.backfill cannot be changed after the start", advice="Send the value that a GET returns."
        )
    if start_moves:
        _check_start(new, now=now, rules=rules)
        return new
    return replace(new, start_at=old.start_at, takes_from=old.takes_from if has_started else new.takes_from)


def _read(sent: Mapping[str, Any], *, now: datetime, rules: ScheduleRules) -> Schedule:
    frequency = _frequency(sent.get("frequency"))
    start_s = seconds(sent, "startTime", at="scheduleParams", error=BadSchedule)
    start_at = now if start_s is None else datetime.fromtimestamp(start_s, UTC)
    interval = whole_number(sent, "interval", at="scheduleParams", error=BadSchedule)
    backfill = _truth(sent.get("backfill"))
    if frequency is Frequency.ONCE:
        if interval:
            raise IntervalNotAllowed("scheduleParams.interval does not go with frequency once", advice="Leave it out.")
        if backfill is not None:
            raise BackfillNotAllowed("scheduleParams.backfill does not go with frequency once", advice="Leave it out.")
        return Schedule(frequency=frequency, start_at=start_at)
    takes_all = backfill is not False
    return Schedule(
        frequency=frequency,
        start_at=start_at,
        interval=_interval(frequency, interval, rules),
        backfill=takes_all,
        takes_from=None if takes_all else max(start_at, now).replace(microsecond=0),
    )


def _frequency(word: Any) -> Frequency:
    try:
        return Frequency.ONCE if word is None else Frequency(word)
    except ValueError:
        raise BadSchedule(
            "scheduleParams.frequency is not a known frequency", advice="It must be once, minute, hour, day or week."
        ) from None


def _interval(frequency: Frequency, interval: int | None, rules: ScheduleRules) -> int:
    if interval is None:
        raise MissingField(
            f"scheduleParams.interval is missing; frequency {frequency} needs it",
            advice="Send the number of units between two runs.",
        )
    least = rules.min_interval_minutes if frequency is Frequency.MINUTE else 1
    if interval < least:
        raise BadInterval(
            f"scheduleParams.interval is below the minimum of {least} for frequency {frequency}",
            advice=f"Send {least} or more; FLOWSERVICE_MIN_INTERVAL_MINUTES is the operator's minimum in minutes.",
        )
    if interval > _LONGEST // _UNITS[frequency]:
        raise BadSchedule("scheduleParams.interval is longer than a century", advice="Send fewer units.")
    return interval


def _truth(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise BadSchedule("scheduleParams.backfill must be true or false")


def _check_start(schedule: Schedule, *, now: datetime, rules: ScheduleRules) -> None:
    if rules.strict_start and schedule.start_at < now - _JUST_NOW:
        raise StartInPast("scheduleParams.startTime lies in the past", advice="Send a time to come, in epoch seconds.")

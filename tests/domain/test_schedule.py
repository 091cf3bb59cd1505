"""Schedules as clients write and change them, and the slots that follow from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowservice.domain.schedule import Frequency, Schedule, ScheduleRules, changed_schedule, parsed_schedule
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

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
HOUR_S = 3600
HOURLY = {"startTime": NOON_S, "frequency": "hour", "interval": 1}
LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(1), "week": timedelta(7)}

moments = st.integers(10**9, 10**10).map(lambda ms: datetime.fromtimestamp(ms / 10, UTC))
schedules = st.builds(
    lambda word, interval, start: Schedule(
        frequency=Frequency(word), interval=interval, start_at=start.replace(microsecond=0)
    ),
    st.sampled_from(sorted(LENGTHS)),
    st.integers(1, 500),
    moments,
)


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [NOON_S, str(NOON_S)])
def test_a_start_is_epoch_seconds_as_number_or_text(start: object) -> None:
    assert parsed_schedule({"startTime": start, "frequency": "once"}, now=NOON).start_at == NOON


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"timeUnit": "day", "interval": 0, "exportMode": "DAILY_FULL_EXPORT", "foldernameTemplate": "%DESTINATION%"},
        {"interval": "0"},
        {"frequency": "once", "startTime": 0},
        {"frequency": "once", "interval": None, "backfill": None},
        {"frequency": "minute", "interval": "15", "foldernameTemplate": "%DATASET_ID%"},
        {"frequency": "day", "interval": 1, "startTime": 1, "endTime": 5},
    ],
)
def test_a_start_that_is_past_or_missing_is_now(sent: dict[str, Any]) -> None:
    assert parsed_schedule(sent, now=NOON).first_run(now=NOON) == NOON


def test_a_start_to_come_is_waited_for_and_once_has_no_second_slot() -> None:
    later = NOON + timedelta(hours=1)
    schedule = parsed_schedule({"startTime": int(later.timestamp())}, now=NOON)
    assert schedule.first_run(now=NOON) == later
    assert schedule.next_after(NOON) == later
    assert schedule.next_after(later) is None


@pytest.mark.parametrize("word", sorted(LENGTHS))
@pytest.mark.parametrize("interval", [20, "20"])
def test_every_frequency_has_its_length(word: str, interval: object) -> None:
    schedule = parsed_schedule({"startTime": NOON_S, "frequency": word, "interval": interval}, now=NOON)
    assert schedule.period == 20 * LENGTHS[word]


@pytest.mark.parametrize("sent", [True, "true", "True", None])
def test_with_backfill_the_first_run_takes_everything(sent: object) -> None:
    assert parsed_schedule(HOURLY | {"backfill": sent}, now=NOON).takes_from is None


@pytest.mark.parametrize("sent", [False, "false", "FALSE"])
@pytest.mark.parametrize(("start_s", "takes_from"), [(NOON_S - 99, NOON), (NOON_S + 60, NOON + timedelta(minutes=1))])
def test_without_backfill_it_takes_what_appears_from_the_start_on(
    sent: object, start_s: int, takes_from: datetime
) -> None:
    schedule = parsed_schedule(HOURLY | {"backfill": sent, "startTime": start_s}, now=NOON)
    assert (schedule.backfill, schedule.takes_from) == (False, takes_from)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"frequency": "yearly"}, BadSchedule),
        ({"frequency": 7}, BadSchedule),
        ({"frequency": ["hour"]}, BadSchedule),
        ({"frequency": "hour"}, MissingField),
        ({"frequency": "hour", "interval": 0}, BadInterval),
        ({"frequency": "hour", "interval": -1}, BadInterval),
        ({"frequency": "hour", "interval": "-1"}, BadInterval),
        ({"frequency": "minute", "interval": 14}, BadInterval),
        ({"frequency": "minute", "interval": "14"}, BadInterval),
        ({"frequency": "minute", "interval": True}, BadSchedule),
        ({"frequency": "minute", "interval": 15.5}, BadSchedule),
        ({"frequency": "week", "interval": 10**9}, BadSchedule),
        ({"frequency": "day", "interval": 1, "backfill": "yes"}, BadSchedule),
        ({"frequency": "day", "interval": 1, "backfill": 1}, BadSchedule),
        ({"frequency": "once", "interval": "15"}, IntervalNotAllowed),
        ({"interval": 1}, IntervalNotAllowed),
        ({"frequency": "once", "backfill": True}, BackfillNotAllowed),
        ({"frequency": "once", "backfill": "false"}, BackfillNotAllowed),
        ({"startTime": "soon"}, BadSchedule),
        ({"startTime": True}, BadSchedule),
        ({"startTime": 1.5}, BadSchedule),
        ({"startTime": -1}, BadSchedule),
        ({"startTime": [1]}, BadSchedule),
        ({"startTime": "9" * 5000}, BadSchedule),
        ({"startTime": "\uff11\uff12"}, BadSchedule),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(sent: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        parsed_schedule(sent, now=NOON)
    assert type(caught.value) is error


def test_milliseconds_are_told_from_seconds() -> None:
    with pytest.raises(BadSchedule) as caught:
        parsed_schedule({"startTime": NOON_S * 1000}, now=NOON)
    assert "not milliseconds" in caught.value.advice


def test_the_operator_may_allow_shorter_intervals_or_only_longer_ones() -> None:
    minutely = {"frequency": "minute", "interval": 1}
    assert parsed_schedule(minutely, now=NOON, rules=ScheduleRules(min_interval_minutes=1)).interval == 1
    with pytest.raises(BadInterval):
        parsed_schedule(minutely | {"interval": 59}, now=NOON, rules=ScheduleRules(min_interval_minutes=60))


def test_a_strict_service_refuses_a_start_in_the_past_but_not_a_callers_now() -> None:
    strict = ScheduleRules(strict_start=True)
    with pytest.raises(StartInPast):
        parsed_schedule({"startTime": NOON_S - 61}, now=NOON, rules=strict)
    assert parsed_schedule({"startTime": NOON_S - 59}, now=NOON, rules=strict).first_run(now=NOON) == NOON


# --- slots -----------------------------------------------------------------------------------------------------------


@given(schedules, moments)
def test_the_next_slot_is_the_first_one_later_on_the_grid_of_the_start(schedule: Schedule, at: datetime) -> None:
    period, slot = schedule.period, schedule.next_after(at)
    assert period is not None
    assert slot is not None
    assert slot > at
    assert slot >= schedule.start_at
    assert (slot - schedule.start_at) % period == timedelta(0)
    assert slot == schedule.start_at or slot - period <= at


@given(schedules, moments)
def test_a_moment_lies_between_its_slot_and_the_next(schedule: Schedule, at: datetime) -> None:
    slot, following = schedule.slot_at(at), schedule.next_after(at)
    assert schedule.period is not None
    if at < schedule.start_at:
        assert slot == following == schedule.start_at
    else:
        assert slot <= at
        assert following == slot + schedule.period


@given(schedules, st.integers(1, 40))
def test_slots_do_not_drift_however_late_each_run_starts(schedule: Schedule, runs: int) -> None:
    at, period = schedule.start_at, schedule.period
    assert period is not None
    for _ in range(runs):
        slot = schedule.next_after(at + period / 3)
        assert slot is not None
        at = slot
    assert at == schedule.start_at + runs * period


def test_the_last_slots_lie_before_the_end_of_time() -> None:
    weekly = Schedule(frequency=Frequency.WEEK, interval=5_000, start_at=datetime(9999, 12, 31, tzinfo=UTC))
    assert weekly.next_after(datetime(9999, 12, 31, 1, tzinfo=UTC)) is None


# --- changing --------------------------------------------------------------------------------------------------------

HOURLY_FROM_NOON = parsed_schedule(HOURLY, now=NOON)
BEFORE, AFTER = NOON - timedelta(hours=1), NOON + timedelta(hours=5)


def test_after_the_start_frequency_and_interval_may_change_and_the_grid_stays() -> None:
    for kept in ({"startTime": str(NOON_S)}, {}):
        changed = changed_schedule(
            HOURLY_FROM_NOON, {"frequency": "minute", "interval": "30", "backfill": "true", **kept}, now=AFTER
        )
        assert (changed.start_at, changed.period, changed.takes_from) == (NOON, timedelta(minutes=30), None)


def test_a_schedule_sent_again_is_the_same() -> None:
    sent = HOURLY | {"backfill": False}
    old = parsed_schedule(sent, now=NOON)
    for at in (NOON, AFTER):
        assert changed_schedule(old, sent, now=at) == old


def test_a_start_that_the_client_left_out_is_kept_to_the_microsecond() -> None:
    now = NOON + timedelta(microseconds=7)
    old = parsed_schedule({"frequency": "hour", "interval": 1}, now=now)
    assert changed_schedule(old, {"frequency": "hour", "interval": 2}, now=AFTER).start_at == now


def test_before_the_start_everything_may_change() -> None:
    later_s = NOON_S + HOUR_S
    changed = changed_schedule(
        HOURLY_FROM_NOON,
        {"startTime": later_s, "frequency": "day", "interval": 2, "backfill": False},
        now=BEFORE,
    )
    later = NOON + timedelta(hours=1)
    assert (changed.start_at, changed.period, changed.takes_from) == (later, timedelta(days=2), later)
    once = parsed_schedule({"startTime": NOON_S}, now=BEFORE)
    assert changed_schedule(once, HOURLY, now=BEFORE) == HOURLY_FROM_NOON
    without = changed_schedule(HOURLY_FROM_NOON, HOURLY | {"backfill": False}, now=BEFORE)
    assert (without.backfill, without.takes_from) == (False, NOON)


@pytest.mark.parametrize(
    ("old", "sent", "now", "error"),
    [
        (HOURLY, HOURLY | {"startTime": NOON_S + HOUR_S}, AFTER, StartHasPassed),
        (HOURLY, HOURLY | {"startTime": NOON_S + 9 * HOUR_S}, AFTER, StartHasPassed),
        ({"startTime": NOON_S}, HOURLY, AFTER, StartHasPassed),
        ({"startTime": NOON_S}, {"startTime": NOON_S + 9 * HOUR_S}, AFTER, StartHasPassed),
        (HOURLY, {"startTime": NOON_S, "frequency": "once"}, AFTER, CannotBecomeOnce),
        (HOURLY, {"startTime": NOON_S, "frequency": "once"}, BEFORE, CannotBecomeOnce),
        (HOURLY, HOURLY | {"backfill": "false"}, AFTER, BackfillIsFixed),
        (HOURLY | {"backfill": False}, HOURLY, AFTER, BackfillIsFixed),
        (HOURLY, HOURLY | {"interval": 0}, AFTER, BadInterval),
        (HOURLY, HOURLY | {"frequency": "minute"}, AFTER, BadInterval),
        (HOURLY, HOURLY | {"frequency": "soon"}, AFTER, BadSchedule),
        (HOURLY, HOURLY | {"startTime": NOON_S * 1000}, BEFORE, BadSchedule),
        (HOURLY, HOURLY | {"interval": None}, AFTER, MissingField),
    ],
)
def test_a_change_that_is_not_allowed_is_refused(
    old: dict[str, Any], sent: dict[str, Any], now: datetime, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        changed_schedule(parsed_schedule(old, now=BEFORE), sent, now=now)
    assert type(caught.value) is error


def test_a_strict_service_refuses_to_move_a_start_into_the_past() -> None:
    moved = HOURLY | {"startTime": NOON_S - 9 * HOUR_S}
    with pytest.raises(StartInPast):
        changed_schedule(HOURLY_FROM_NOON, moved, now=BEFORE, rules=ScheduleRules(strict_start=True))
    assert changed_schedule(HOURLY_FROM_NOON, moved, now=BEFORE).first_run(now=BEFORE) == BEFORE

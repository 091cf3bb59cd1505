"""Delta columns as clients write them, and windows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowservice.domain.run_params import RunParams
from flowservice.domain.window import DeltaColumn, Window
from flowservice.errors import BadField, BadRunParams, BadWindow, Invalid, RunNeedsDeltaColumn

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
HOUR = timedelta(hours=1)
COLUMN = DeltaColumn(name="changed")


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "changed"},
        {"name": "changed", "dateFormat": "dd.MM.yyyy HH:mm:ss,SSS", "timezone": "Europe/Berlin"},
        {"name": "changed", "dateFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"},
        {"name": "o'clock", "dateFormat": "yyyy''MM''dd hh:mm a", "timezone": "UTC"},
    ],
)
def test_a_delta_column_reads_back_as_it_was_sent(sent: dict[str, Any]) -> None:
    assert DeltaColumn.of(sent).to_json() == sent


def test_what_is_null_or_not_known_is_left_out() -> None:
    assert DeltaColumn.of({"name": "n", "dateFormat": None, "timezone": "", "more": 1}) == DeltaColumn(name="n")


@pytest.mark.parametrize(
    "sent",
    [
        "changed",
        {},
        {"name": ""},
        {"name": 7},
        {"name": "x" * 256},
        {"name": "n", "dateFormat": 7},
        {"name": "n", "dateFormat": "yyyy-MM"},
        {"name": "n", "dateFormat": "yyyy-MM-dd yyyy"},
        {"name": "n", "dateFormat": "yyyy-MM-dd HH hh"},
        {"name": "n", "dateFormat": "EEE yyyy-MM-dd"},
        {"name": "n", "dateFormat": "yyyy-MM-dd 'open"},
        {"name": "n", "dateFormat": "yyyyMMdd" + "-" * 99},
        {"name": "n", "timezone": "Mars/Olympus"},
        {"name": "n", "timezone": "../../etc/passwd"},
        {"name": "n", "timezone": "localtime"},
        {"name": "n", "timezone": "Factory"},
        {"name": "n", "timezone": ["UTC"]},
    ],
)
def test_what_cannot_be_a_delta_column_is_refused(sent: Any) -> None:
    with pytest.raises(BadField):
        DeltaColumn.of(sent)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(column=COLUMN, start=NOON, end=NOON + HOUR), Window(column=COLUMN, start=NOON, end=NOON + HOUR)),
        (Window(column=COLUMN, start=NOON - HOUR, end=NOON + HOUR), Window(column=COLUMN, start=NOON, end=NOON + HOUR)),
        (Window(column=COLUMN, end=NOON + HOUR), Window(column=COLUMN, start=NOON, end=NOON + HOUR)),
        (Window(column=COLUMN, start=NOON - HOUR), Window(column=COLUMN, start=NOON)),
        (Window(column=COLUMN, end=NOON - HOUR), Window(column=COLUMN, start=NOON, end=NOON)),
    ],
)
def test_what_others_have_taken_is_cut_off_a_window(window: Window, expected: Window) -> None:
    assert window.after(NOON) == expected
    assert window.after(None) == window


# --- of runs on demand -----------------------------------------------------------------------------------------------


def test_times_of_a_run_are_epoch_seconds_as_numbers_or_texts() -> None:
    asked = RunParams.of({"startTime": str(NOON_S), "windowStartTime": 0, "windowEndTime": NOON_S})
    assert (asked.starts_at, asked.window_start) == (NOON, datetime(1970, 1, 1, tzinfo=UTC))
    assert asked.window(COLUMN) == Window(column=COLUMN, start=asked.window_start, end=NOON)


def test_without_bounds_a_run_takes_everything() -> None:
    assert RunParams.of({}).window(None) is None
    assert RunParams.of({"deltaColumn": {"name": "changed"}}).window(COLUMN) is None


def test_a_window_of_no_length_is_one() -> None:
    asked = RunParams.of({"windowStartTime": 5, "windowEndTime": 5})
    assert asked.window(COLUMN) is not None


@pytest.mark.parametrize("bound", ["windowStartTime", "windowEndTime"])
def test_a_window_without_a_delta_column_cannot_be(bound: str) -> None:
    with pytest.raises(RunNeedsDeltaColumn):
        RunParams.of({bound: 5}).window(None)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"startTime": "soon"}, BadRunParams),
        ({"startTime": NOON_S * 1000}, BadRunParams),
        ({"windowStartTime": 1.5}, BadRunParams),
        ({"windowEndTime": -1}, BadRunParams),
        ({"windowEndTime": {}}, BadRunParams),
        ({"deltaColumn": "changed"}, BadRunParams),
        ({"deltaColumn": {"name": ""}}, BadRunParams),
        ({"windowStartTime": 5, "windowEndTime": 4}, BadWindow),
    ],
)
def test_params_that_cannot_be_understood_are_refused(sent: dict[str, Any], error: type[Invalid]) -> None:
    with pytest.raises(error) as caught:
        RunParams.of(sent)
    assert type(caught.value) is error
    assert caught.value.advice

"""Values of a delta column as points in time, each by itself."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowservice.domain.window import DeltaColumn
from flowservice.engine.delta_times import times
from flowservice.sdk import to_text


def read(values: Any, kind: pa.DataType | None = None, **column: Any) -> list[Any]:
    return times(pa.array(values, kind), DeltaColumn(name="changed", **column)).to_list()


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - what is compared is naive, in UTC


def test_texts_are_iso_8601_without_a_zone_in_utc() -> None:
    assert read(
        [
            "2026-01-01T00:00:00Z",
            "2026-01-01 05:06:07",
            "2026-01-01",
            "2026-01-01T00:00:00.1234567+02:00",
            "1601-01-01T00:00:00Z",
        ]
    ) == [
        at(2026, 1, 1),
        at(2026, 1, 1, 5, 6, 7),
        at(2026, 1, 1),
        at(2025, 12, 31, 22, 0, 0, 123456),
        at(1601, 1, 1),
    ]


@pytest.mark.parametrize("value", ["", "soon", "7", "01/02/2026", "2026-13-01", "-1717000000", "1e9", None])
def test_what_is_no_time_is_none(value: str | None) -> None:
    assert read([value], pa.string()) == [None]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1_717_000_000, at(2024, 5, 29, 16, 26, 40)),
        (1_717_000_000_123, at(2024, 5, 29, 16, 26, 40, 123000)),
        (1_717_000_000_123_456, at(2024, 5, 29, 16, 26, 40, 123456)),
        (1_717_000_000.75, at(2024, 5, 29, 16, 26, 40)),
        (99_999_999, None),
        (10**18, None),
        (-5, None),
        (True, None),
        (b"2026-01-01", None),
    ],
)
def test_a_number_is_an_epoch_if_it_clearly_is_one(value: Any, moment: datetime | None) -> None:
    assert read([value]) == [moment]


@pytest.mark.parametrize(
    ("date_format", "text", "moment"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2026-03-01 12:13:14", at(2026, 3, 1, 12, 13, 14)),
        ("dd.MM.yyyy HH:mm", "01.03.2026 12:13", at(2026, 3, 1, 12, 13)),
        ("MM/dd/yyyy hh:mm a", "03/01/2026 12:01 am", at(2026, 3, 1, 0, 1)),
        ("MM/dd/yyyy hh:mm a", "03/01/2026 12:01 PM", at(2026, 3, 1, 12, 1)),
        ("yyyyMMddHHmmssSSS", "20260301121314567", at(2026, 3, 1, 12, 13, 14, 567000)),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-03-01T12:13:14.500+02:00", at(2026, 3, 1, 10, 13, 14, 500000)),
        ("'at' yyyy.MM.dd [HH]", "at 2026.03.01 [12]", at(2026, 3, 1, 12)),
        ("yyyyMMdd", "20260301", at(2026, 3, 1)),
        ("yyyyMMdd", "2026030", None),
        ("yyyyMMdd", "202603011", None),
        ("dd/MM/yyyy", "31/13/2026", None),
        ("MM/dd/yyyy hh:mm a", "03/01/2026 13:01 PM", None),
        ("dd/MM/yyyy", "2026-03-01T12:00:00Z", at(2026, 3, 1, 12)),
    ],
)
def test_a_format_reads_just_what_it_says_and_iso_8601_goes_always(
    date_format: str, text: str, moment: datetime | None
) -> None:
    assert read([text], date_format=date_format) == [moment]


def test_a_format_reads_numbers_by_their_digits() -> None:
    assert read([20260301], date_format="yyyyMMdd") == [at(2026, 3, 1)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01 05:06:07", at(2026, 7, 1, 3, 6, 7)),
        ("2026-01-01 05:06:07", at(2026, 1, 1, 4, 6, 7)),
        ("2026-07-01T05:06:07Z", at(2026, 7, 1, 5, 6, 7)),
        ("2026-07-01T05:06:07-05:00", at(2026, 7, 1, 10, 6, 7)),
        # The hour that the clock shows twice counts as its second pass; the one that it skips as the next one.
        ("2026-10-25 02:30:00", at(2026, 10, 25, 1, 30)),
        ("2026-03-29 02:30:00", at(2026, 3, 29, 1, 30)),
        ("1782882367", at(2026, 7, 1, 5, 6, 7)),
    ],
)
def test_a_time_zone_is_that_of_times_without_an_offset(text: str, moment: datetime) -> None:
    assert read([text], timezone="Europe/Berlin") == [moment]


def test_times_stay_and_dates_begin_their_day() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert read([moment], pa.timestamp("us", "UTC"), timezone="Europe/Berlin") == [at(2026, 3, 1, 12)]
    assert read([moment], pa.timestamp("ms", "Asia/Tokyo")) == [at(2026, 3, 1, 12)]
    assert read([at(2026, 3, 1, 12)], pa.timestamp("s"), timezone="Europe/Berlin") == [at(2026, 3, 1, 11)]
    assert read([1_999], pa.timestamp("ns", "UTC")) == [at(1970, 1, 1, 0, 0, 0, 1)]
    assert read([date(2026, 3, 1)]) == [at(2026, 3, 1)]
    assert read([], pa.string(), date_format="yyyyMMdd") == []


values = st.one_of(
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
)


@given(values, st.sampled_from([None, "yyyyMMdd", "yyyy-MM-dd HH:mm"]), st.sampled_from([None, "America/New_York"]))
def test_a_value_is_the_same_time_typed_or_as_canonical_text(
    value: Any, date_format: str | None, timezone: str | None
) -> None:
    kind = pa.timestamp("us", "UTC") if isinstance(value, datetime) else None
    array = pa.array([value], kind)
    column = DeltaColumn(name="changed", date_format=date_format, timezone=timezone)
    assert times(array, column).to_list() == times(to_text(array), column).to_list()

"""The oracle's texts, numbers and moments are those by which values land."""

import struct
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from flowservice.domain.xdm_tree import Leaf
from flowservice.domain.xdm_types import XdmType
from flowservice.engine.coercion import coerced
from flowservice.engine.dates import moments
from flowservice.sdk import to_text
from tests.expressions.generating import case
from tests.expressions.values import RowError, moment_in, number_in, text, whole

_RANDOM = Random(1)
_FORMS = (
    "2024-05-01",
    "2024-05-01T10:00",
    "2024-05-01T10:00:00",
    "2024-05-01 10:00:59.5Z",
    "2024-05-01T10:00:00,123456789+02:00",
    "2024-05-01T10:00 -0330",
    "2024-05-01T10+02",
    "2024/05/01",
    "2024.05.01",
    "2024-May-01",
    "20240501",
    "05-01-2024",
    "05012024",
    "5/01/2024",
    "1.5.2024",
    "05/31/2024 12:00:00 AM",
    "31.5.2024 01:02:03 pm",
    "01.May.2024",
    "01-may-2024",
    "2024-02-30",
    "0000-01-01",
    "9999-12-31T23:59:59.999999-01:00",
    "0001-01-01T00:00:00+01:00",
    "2024-05-01T24:00",
    "2024-05-01T10:60",
    "",
    "x",
    " 2024-05-01",
    "2024-5-1",
    "13/01/2024",
    "2024-05-01T10:00:00+19:00",
    "2024-05-01z",
    "05/31/2024 00:00:00 AM",
    "05/31/2024 13:00:00 PM",
)


def test_decimals_have_the_canonical_text() -> None:
    numbers = [struct.unpack("d", _RANDOM.randbytes(8))[0] for _ in range(2_000)]
    numbers += [_RANDOM.randrange(-(10**6), 10**6) * 10.0 ** _RANDOM.randrange(-12, 20) for _ in range(2_000)]
    assert [text(number) for number in numbers] == to_text(pa.array(numbers)).to_pylist()


def test_moments_have_the_canonical_text() -> None:
    start = datetime(1, 1, 1, tzinfo=UTC)
    times = [start + timedelta(microseconds=_RANDOM.randrange(0, 315_537_897_599_999_999)) for _ in range(1_000)]
    times += [datetime(2018, 12, 3, 13, 43, 9, micros, tzinfo=UTC) for micros in (0, 1, 10, 650_000)]
    assert [text(time) for time in times] == to_text(pa.array(times, pa.timestamp("us", "UTC"))).to_pylist()


def test_texts_are_read_as_moments_in_the_known_forms() -> None:
    changed = [form[:i] + _RANDOM.choice("0159-/.:TZ+ aM") + form[i + 1 :] for form in _FORMS for i in range(len(form))]
    shorter = [form[:i] + form[i + 1 :] for form in _FORMS for i in range(len(form))]
    given = [*_FORMS, *changed, *shorter]
    assert [moment_in(one) for one in given] == moments(pl.Series(given)).to_list()


def _decimal(written: str) -> float | None:
    found = number_in(written)
    return None if found is None else float(found)


@pytest.mark.parametrize(("kind", "read"), [(XdmType.NUMBER, _decimal), (XdmType.LONG, whole)])
def test_texts_are_read_as_numbers_as_they_land(kind: XdmType, read: Any) -> None:
    given = [
        row[name] for seed in range(60) for row in case(seed, 20).rows for name in ("t", "n") if row[name] is not None
    ]
    landed = coerced(pa.array(given), Leaf(type=kind)).to_pylist()
    for one, value in zip(given, landed, strict=True):
        if one in ("NaN", "Infinity"):
            continue
        try:
            found = read(one)
        except RowError:
            found = None
        assert found == value, one

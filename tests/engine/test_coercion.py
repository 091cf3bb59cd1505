"""Coercion: what becomes of a value, and that it never depends on how its neighbours are typed."""

import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.xdm_arrow import leaf_type
from flowservice.domain.xdm_tree import Leaf
from flowservice.domain.xdm_types import XdmType
from flowservice.engine.coercion import coerced
from flowservice.sdk import to_text

LEAVES = [
    *(Leaf(type=kind) for kind in XdmType if kind not in {XdmType.OBJECT, XdmType.ARRAY, XdmType.MAP}),
    Leaf(type=XdmType.INT, is_wide=True),
]
UTC_US = pa.timestamp("us", tz="UTC")


def one(value: Any, kind: XdmType) -> Any:
    (out,) = coerced(pa.array([value]), Leaf(type=kind)).to_pylist()
    return out


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("007", 7),
        ("7.", 7),
        ("7.000", 7),
        ("1e+16", 10**16),
        ("1.5e3", 1500),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("9.3e+18", None),
        ("7.5", None),
        ("1.55e1", None),
        ("", None),
        (" 7", None),
        ("+-7", None),
        ("1_000", None),
        ("0x10", None),
        ("seven", None),
        ("\u0667", None),
        ("true", None),
    ],
)
def test_text_becomes_a_long(text: str, number: int | None) -> None:
    assert one(text, XdmType.LONG) == number


@pytest.mark.parametrize(
    ("kind", "edge"), [(XdmType.BYTE, 2**7), (XdmType.SHORT, 2**15), (XdmType.INT, 2**31), (XdmType.LONG, 2**63)]
)
def test_an_integer_beyond_its_type_becomes_null(kind: XdmType, edge: int) -> None:
    texts = [str(edge - 1), str(edge), str(-edge), str(-edge - 1)]
    assert coerced(pa.array(texts), Leaf(type=kind)).to_pylist() == [edge - 1, None, -edge, None]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e-3", -0.001),
        ("+2E2", 200.0),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ("1e999", None),
        ("inf", None),
        ("nan", None),
        ("1,5", None),
        ("", None),
        (".", None),
    ],
)
def test_text_becomes_a_number(text: str, number: float | None) -> None:
    assert one(text, XdmType.NUMBER) == number


def test_nan_is_a_number() -> None:
    assert str(one("NaN", XdmType.NUMBER)) == "nan"


@pytest.mark.parametrize("text", ["y", "yes", "Y", "YES", "on", "ON", "true", "TRUE", "True", "Yes"])
def test_words_for_true(text: str) -> None:
    assert one(text, XdmType.BOOLEAN) is True


@pytest.mark.parametrize("text", ["n", "N", "no", "NO", "off", "OFF", "false", "FALSE", "False", "No"])
def test_words_for_false(text: str) -> None:
    assert one(text, XdmType.BOOLEAN) is False


@pytest.mark.parametrize("value", ["", "1", "0", "t", "ja", 1, 0, 1.0])
def test_other_words_are_no_truth(value: Any) -> None:
    assert one(value, XdmType.BOOLEAN) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-12-03T13:43:09Z", "2018-12-03T13:43:09"),
        ("2018-12-03T13:43:09.6504459Z", "2018-12-03T13:43:09.650445"),
        ("2018-12-03T13:43:09.999999999Z", "2018-12-03T13:43:09.999999"),
        ("2018-12-03T13:43:09", "2018-12-03T13:43:09"),
        ("2018-12-03 13:43:09+0100", "2018-12-03T12:43:09"),
        ("2018-12-03 13:43:09.123-05:30", "2018-12-03T19:13:09.123"),
        ("2018-12-03T13:43+02", "2018-12-03T11:43:00"),
        ("2018-12-03 13:43:09.123", "2018-12-03T13:43:09.123"),
        ("2019-10-23 11:24", "2019-10-23T11:24:00"),
        ("2019-10-17 11:55:12", "2019-10-17T11:55:12"),
        ("2016-11-09T11:44:44.797", "2016-11-09T11:44:44.797"),
        ("2018-12-03", "2018-12-03T00:00:00"),
        ("2018/12/03", "2018-12-03T00:00:00"),
        ("2018.12.03", "2018-12-03T00:00:00"),
        ("2018-Dec-03", "2018-12-03T00:00:00"),
        ("20181203", "2018-12-03T00:00:00"),
        ("12-03-2018", "2018-12-03T00:00:00"),
        ("12032018", "2018-12-03T00:00:00"),
        ("2/03/2018", "2018-02-03T00:00:00"),
        ("12/03/2018", "2018-12-03T00:00:00"),
        ("03.2.2018", "2018-02-03T00:00:00"),
        ("2/03/2018 01:02:03 PM", "2018-02-03T13:02:03"),
        ("2/03/2018 12:02:03 am", "2018-02-03T00:02:03"),
        ("03.2.2018 12:02:03 PM", "2018-02-03T12:02:03"),
        ("03.Dec.2018", "2018-12-03T00:00:00"),
        ("03-dec-2018", "2018-12-03T00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999"),
    ],
)
def test_text_becomes_a_moment(text: str, moment: str) -> None:
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert one(text, XdmType.DATE_TIME) == expected
    assert one(text, XdmType.DATE) == expected.date()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2018-02-30",
        "2018-13-01",
        "2018-12-03T24:00:00Z",
        "2018-12-03T23:60:00Z",
        "2018-12-03T23:59:60Z",
        "2018-12-03T23:59:59+19:00",
        "18-12-03",
        "0000-01-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "12018-12-03",
        "1543844589",
        "2018-12-03T13:43:09Zulu",
        "31/12/2018",
    ],
)
def test_other_text_is_no_moment(text: str) -> None:
    assert one(text, XdmType.DATE_TIME) is None
    assert one(text, XdmType.DATE) is None


def test_a_moment_becomes_its_day_in_utc() -> None:
    assert one("2018-12-03T23:30:00-02:00", XdmType.DATE) == date(2018, 12, 4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234, "1234"),
        (1.5, "1.5"),
        (True, "true"),
        (b"\x00\xff", "AP8="),
        (datetime(2018, 12, 3, 1, 2, 3, 450000, tzinfo=UTC), "2018-12-03T01:02:03.45Z"),
    ],
)
def test_a_scalar_becomes_its_text(value: Any, text: str) -> None:
    assert one(value, XdmType.STRING) == text


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type.value)
def test_a_nested_value_is_no_value_of_a_leaf(leaf: Leaf) -> None:
    assert coerced(pa.array([{"a": 1}, None]), leaf).to_pylist() == [None, None]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type.value)
def test_no_value_stays_no_value(leaf: Leaf) -> None:
    for values in (pa.nulls(2), pa.nulls(2, pa.string()), pa.nulls(2, pa.float64()), pa.nulls(0, UTC_US)):
        out = coerced(values, leaf)
        assert out.type == leaf_type(leaf)
        assert out.null_count == len(values)


def _samples(random_: random.Random) -> dict[str, pa.Array]:
    def ints(bits: int) -> list[int]:
        edges = [
            0,
            1,
            -1,
            2**7 - 1,
            2**7,
            -(2**7),
            2**15,
            -(2**15),
            2**31 - 1,
            2**31,
            -(2**31),
            2**53 + 1,
            -(2**53) - 1,
        ]
        edges += [2**63 - 1, -(2**63)]
        edges += [random_.randint(-(2**k), 2**k) for k in range(1, 63) for _ in range(5)]
        return [n for n in edges if -(2 ** (bits - 1)) <= n < 2 ** (bits - 1)]

    floats = [0.0, -0.0, 0.5, -0.5, 1e15, 1e16, 1e17, 2.0**63, -(2.0**63), 2.0**53 + 2, 5e-324, 1.7e308, 1e-5, 3.0]
    floats += [float("nan"), float("inf"), float("-inf")]
    floats += [random_.uniform(-1, 1) * 10.0 ** random_.randint(-20, 20) for _ in range(300)]
    floats += [float(random_.randint(-(2**k), 2**k)) for k in range(1, 70) for _ in range(3)]
    start = datetime(1601, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(microseconds=random_.randrange(0, 265_000_000_000_000_000)) for _ in range(300)]
    moments += [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), start]
    words = ["", "yes", "No", "12", "1.50", "2018-12-03", "2018-12-03 01:02", "x", "NaN", "1e+16", "12032018"]
    words += [str(random_.choice([random_.randint(-400, 400), random_.random()])) for _ in range(50)]
    return {
        "int8": pa.array(ints(8), pa.int8()),
        "int32": pa.array(ints(32), pa.int32()),
        "int64": pa.array(ints(64), pa.int64()),
        "float32": pa.array([0.1, 1e10, 3.0, float("nan")], pa.float32()),
        "float64": pa.array(floats, pa.float64()),
        "bool": pa.array([True, False]),
        "timestamp": pa.array(moments, UTC_US),
        "date": pa.array([m.date() for m in moments], pa.date32()),
        "binary": pa.array([b"", b"\x00", random_.randbytes(20), b"\xb6\x89\xe0"], pa.binary()),
        "string": pa.array(words),
        "large_string": pa.array(words, pa.large_string()),
    }


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: f"{leaf.type.value}{'-wide' if leaf.is_wide else ''}")
@pytest.mark.parametrize("source", list(_samples(random.Random(0))))
@pytest.mark.parametrize("seed", [1, 2])
def test_typed_values_and_their_text_become_the_same(source: str, leaf: Leaf, seed: int) -> None:
    values = _samples(random.Random(seed))[source]
    values = pa.concat_arrays([values, pa.nulls(2, values.type)])
    typed, from_text = coerced(values, leaf), coerced(to_text(values), leaf)
    assert typed.type == from_text.type == leaf_type(leaf)
    assert str(typed.to_pylist()) == str(from_text.to_pylist())  # as text: NaN equals nothing, and -0.0 is not 0.0


@pytest.mark.parametrize("seed", [1, 2])
def test_no_text_beyond_the_grammar_is_read_as_a_number(seed: int) -> None:
    random_ = random.Random(seed)
    texts = ["".join(random_.choices("0123456789+-.eE _xinfaN", k=random_.randint(1, 5))) for _ in range(20_000)]
    decimal = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
    whole = re.compile(r"[+-]?[0-9]+(\.0*)?|[+-]?[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")
    numbers = coerced(pa.array(texts), Leaf(type=XdmType.NUMBER)).to_pylist()
    longs = coerced(pa.array(texts), Leaf(type=XdmType.LONG)).to_pylist()
    for text, number, long in zip(texts, numbers, longs, strict=True):
        assert number is None or (decimal.fullmatch(text) and number == float(text)) or text == "NaN", text
        assert number is not None or not decimal.fullmatch(text) or abs(float(text)) == float("inf"), text
        assert long is None or (whole.fullmatch(text) and long == float(text)), text

"""What each kind of value becomes, and that a broken page becomes nothing: one table for both decoders."""

import base64
import contextlib
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flowservice.connectors.azure_table import native
from flowservice.connectors.azure_table.decoder import Decoder
from flowservice.connectors.azure_table.native import NativeDecoder
from flowservice.connectors.azure_table.page_faults import OversizedPage
from flowservice.connectors.azure_table.portable import PortableDecoder
from flowservice.errors import BrokenPage, Drifted
from flowservice.sdk import SOURCE_TYPE, to_text

MICROSECONDS = pa.timestamp("us", "UTC")

DECODERS: dict[str, Callable[..., Decoder]] = {"portable": PortableDecoder}
if native.VERSION is not None:
    DECODERS["native"] = NativeDecoder


@pytest.fixture(params=DECODERS, autouse=True)
def _each_decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.new", DECODERS[request.param])


new: Callable[..., Decoder] = PortableDecoder
"""Makes an empty decoder of the kind that the test runs with."""


def decode(page: bytes) -> pa.RecordBatch:
    decoder = new()
    decoder.add(page)
    return decoder.batch()


def resident_mb() -> float:
    """What this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def body(*values: str, **top: Any) -> bytes:
    """A page of entities whose further members are given as raw JSON."""
    entities = ",".join(
        f'{{"odata.etag":"W/x","PartitionKey":"p","RowKey":"{row}"{"," if value else ""}{value}}}'
        for row, value in enumerate(values)
    )
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in top.items())
    return f'{{"odata.metadata":"m","value":[{entities}]{rest}}}'.encode()


def column(*values: str) -> tuple[pa.DataType, list[Any], str]:
    """(Arrow type, values, Edm type) of property `v`."""
    rows = decode(body(*values))
    field = rows.schema.field("v")
    return field.type, rows.column("v").to_pylist(), field.metadata[SOURCE_TYPE].decode()


def microseconds(*values: str) -> list[int]:
    found: list[int] = decode(body(*values)).column("v").cast(pa.int64()).to_pylist()
    return found


LONG = '"v@odata.type":"Edm.Int64","v":'
DATE = '"v@odata.type":"Edm.DateTime","v":'
DOUBLE = '"v@odata.type":"Edm.Double","v":'
GUID = '"v@odata.type":"Edm.Guid","v":'
BINARY = '"v@odata.type":"Edm.Binary","v":'


@pytest.mark.parametrize(
    ("values", "arrow", "expected", "edm"),
    [
        (['"v":"text"', '"v":""'], pa.string(), ["text", ""], "Edm.String"),
        (['"v":2147483647', '"v":-2147483648'], pa.int32(), [2**31 - 1, -(2**31)], "Edm.Int32"),
        (['"v":3000000000', '"v":1'], pa.int64(), [3_000_000_000, 1], "Edm.Int64"),
        (['"v":123456789012345680000'], pa.float64(), [123456789012345680000.0], "Edm.Double"),
        (['"v":9223372036854775808'], pa.float64(), [9223372036854775808.0], "Edm.Double"),
        (
            [LONG + '"9223372036854775807"', LONG + '"-9223372036854775808"'],
            pa.int64(),
            [2**63 - 1, -(2**63)],
            "Edm.Int64",
        ),
        ([LONG + '"5"', '"v":7'], pa.int64(), [5, 7], "Edm.Int64"),
        (['"v":7', LONG + '"-3000000000"'], pa.int64(), [7, -3_000_000_000], "Edm.Int64"),
        (['"v":1e308', '"v":5e-324', '"v":1E+21'], pa.float64(), [1e308, 5e-324, 1e21], "Edm.Double"),
        (
            [DOUBLE + '"Infinity"', DOUBLE + '"-Infinity"', '"v":1.5', DOUBLE + "2", DOUBLE + "2.5"],
            pa.float64(),
            [float("inf"), float("-inf"), 1.5, 2.0, 2.5],
            "Edm.Double",
        ),
        (['"v":true', '"v":false', ""], pa.bool_(), [True, False, None], "Edm.Boolean"),
        (
            [GUID + '"C9DA6455-213D-42C9-9A79-3E9149A57833"', ""],
            pa.string(),
            ["c9da6455-213d-42c9-9a79-3e9149a57833", None],
            "Edm.Guid",
        ),
        (
            [BINARY + '""', BINARY + '"AA=="', BINARY + '"AAE="', BINARY + '"AAEC"', BINARY + r'"\/\/8="'],
            pa.binary(),
            [b"", b"\0", b"\0\1", b"\0\1\2", b"\xff\xff"],
            "Edm.Binary",
        ),
        (['"v@odata.type":"Edm.String","v":"1"', '"v":"2"'], pa.string(), ["1", "2"], "Edm.String"),
        (['"v@odata.type":"Edm.Int32","v":1', '"v":2'], pa.int32(), [1, 2], "Edm.Int32"),
        (['"v@odata.type":"Edm.Int32","v":"1"', '"v":2'], pa.int32(), [1, 2], "Edm.Int32"),
        (['"v@odata.type":"Edm.Int32","v":"1"'], pa.int32(), [1], "Edm.Int32"),
        (['"v@odata.type":"Edm.Boolean","v":true', '"v":false'], pa.bool_(), [True, False], "Edm.Boolean"),
        (['"v@odata.type":"Edm.Boolean","v":"true"'], pa.bool_(), [True], "Edm.Boolean"),
        (['"v@odata.type":"Edm.Boolean","v":"true"', '"v":false'], pa.bool_(), [True, False], "Edm.Boolean"),
        (['"v":null', '"v":1'], pa.int32(), [None, 1], "Edm.Int32"),
        (['"v@odata.type":"Edm.Int64","v":null', LONG + '"1"'], pa.int64(), [None, 1], "Edm.Int64"),
        (['"v":"1","v@odata.type":"Edm.Int64"'], pa.int64(), [1], "Edm.Int64"),
        (['"v@odata.type":"Edm.Unknown","v":"x"'], pa.string(), ["x"], "Edm.String"),
        (['"v@odata.type":null,"v":"x"'], pa.string(), ["x"], "Edm.String"),
    ],
)
def test_a_value_becomes(values: list[str], arrow: pa.DataType, expected: list[Any], edm: str) -> None:
    assert column(*values) == (arrow, expected, edm)


def test_nan_is_a_number_among_numbers() -> None:
    arrow, values, _ = column(DOUBLE + '"NaN"', '"v":0.5', '"v":-0.0')
    assert arrow == pa.float64()
    assert [str(value) for value in values] == ["nan", "0.5", "-0.0"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1601-01-01T00:00:00Z", -11644473600000000),
        ("9999-12-31T23:59:59.9999999Z", 253402300799999999),
        ("2024-02-29T12:00:00Z", 1709208000000000),
        ("1970-01-01T00:00:00.1Z", 100_000),
        ("1970-01-01T00:00:00.12Z", 120_000),
        ("1970-01-01T00:00:00.123Z", 123_000),
        ("1970-01-01T00:00:00.1234Z", 123_400),
        ("1970-01-01T00:00:00.12345Z", 123_450),
        ("1970-01-01T00:00:00.123456Z", 123_456),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T02:00:00.1234567+02:00", 123_456),
    ],
)
def test_a_moment_is_cut_to_microseconds(text: str, expected: int) -> None:
    assert microseconds(f'{DATE}"{text}"') == [expected]


@pytest.mark.parametrize("century", [1, 1600, 1900, 2000, 2100, 9900])
def test_each_day_is_where_the_calendar_has_it(century: int) -> None:
    first = date(century, 1, 1)
    days = [first + timedelta(days=number) for number in range((date(century + 99, 12, 31) - first).days + 1)]
    read = microseconds(*(f'{DATE}"{day}T00:00:00Z"' for day in days))
    assert [micros // 86_400_000_000 for micros in read] == [(day - date(1970, 1, 1)).days for day in days]


@pytest.mark.parametrize("day", ["2023-02-29", "1900-02-29", "2024-04-31", "2024-00-01", "2024-13-01", "2024-01-00"])
def test_a_day_that_no_calendar_has_is_no_moment(day: str) -> None:
    with pytest.raises(Drifted, match="DateTime"):
        decode(body(f'{DATE}"{day}T00:00:00Z"'))


def test_moments_with_and_without_offset_share_a_column() -> None:
    assert microseconds(f'{DATE}"1970-01-01T00:00:01Z"', "", f'{DATE}"1970-01-01T02:00:00+02:00"') == [
        1_000_000,
        None,
        0,
    ]


def test_the_timestamp_needs_no_annotation() -> None:
    rows = decode(body('"Timestamp":"2018-12-03T13:43:09.65Z"'))
    assert rows.schema.field("Timestamp").type == MICROSECONDS
    assert rows.column("Timestamp")[0].as_py() == datetime(2018, 12, 3, 13, 43, 9, 650_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['"v":3', '"v":3.5', ""], ["3", "3.5", None]),
        (['"v":3000000000', '"v":3.5'], ["3000000000", "3.5"]),
        (['"v":"x"', '"v":true', LONG + '"5"'], ["x", "true", "5"]),
        ([DATE + '"2018-12-03T13:43:09.6500000Z"', '"v":"x"'], ["2018-12-03T13:43:09.65Z", "x"]),
        ([GUID + '"C9DA6455-213D-42C9-9A79-3E9149A57833"', '"v":1'], ["c9da6455-213d-42c9-9a79-3e9149a57833", "1"]),
        ([BINARY + '"AA=="', '"v":1'], ["AA==", "1"]),
        ([DOUBLE + '"NaN"', '"v":"x"', DOUBLE + '"-Infinity"'], ["NaN", "x", "-Infinity"]),
        (['"v":1', '"v":123456789012345680000'], ["1", "1.2345678901234568e+20"]),
    ],
)
def test_mixed_types_are_canonical_text(values: list[str], expected: list[str | None]) -> None:
    assert column(*values) == (pa.string(), expected, "Edm.String")


def test_a_value_does_not_depend_on_its_neighbours() -> None:
    values = [
        '"v":3',
        '"v":3.5',
        DATE + '"2020-01-01T00:00:00.5Z"',
        BINARY + '"AAEC"',
        '"v":false',
        LONG + '"7"',
        '"v":"t"',
    ]
    together = column(*values)[1]
    alone = [to_text(decode(body(value)).column("v"))[0].as_py() for value in values]
    assert together == alone


def test_columns_are_the_keys_the_timestamp_and_then_as_they_appear() -> None:
    rows = decode(body('"b":1,"Timestamp":"2020-01-01T00:00:00Z"', '"a":2,"b":3', '"name":1,"Name":2,"日本":3,"été":4'))
    assert rows.schema.names == ["PartitionKey", "RowKey", "Timestamp", "b", "a", "name", "Name", "日本", "été"]
    assert rows.column("b").to_pylist() == [1, 3, None]


def test_what_has_no_value_at_all_is_no_column() -> None:
    assert decode(body('"v":null', "")).schema.names == ["PartitionKey", "RowKey"]


@pytest.mark.parametrize(
    "text",
    [
        '},{"odata.etag":"',
        '\u0000\b\f\n\r\t"\\/',
        "\u2028",
        "𝄞 \U0001f389",
        "x" * 32_768,
    ],
)
def test_text_comes_through_whole(text: str) -> None:
    assert column(f'"v":{json.dumps(text)}', f'"v":{json.dumps(text, ensure_ascii=False)}')[1] == [text, text]


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert column(r'"v":"a\ud800b"', r'"v":"\ud834\udd1e"')[1] == ["a\ufffdb", "𝄞"]


def test_252_properties_are_252_columns() -> None:
    assert decode(body(",".join(f'"p{n}":{n}' for n in range(252)))).num_columns == 254


def test_an_empty_page_has_no_rows() -> None:
    assert decode(b'{"odata.metadata":"m","value":[]}').num_rows == 0


def test_unknown_members_and_white_space_are_passed_over() -> None:
    page = json.dumps(json.loads(body('"v":1', other=[1], odata_count=2)), indent=2).encode()
    assert decode(page).column("v").to_pylist() == [1]


@pytest.mark.parametrize(
    "twice", ['"v":1,"v":2', '"v":null,"v":1', r'"v":1,"\u0076":1', '"v" :1,"v" :1', r'"\\":1,"\\":1']
)
def test_of_a_property_that_comes_twice_nobody_knows_which_is_meant(twice: str) -> None:
    with pytest.raises(BrokenPage, match="twice"):
        decode(body(twice))


def test_a_page_cut_at_any_byte_is_broken() -> None:
    whole = body('"v":"é😀"', LONG + '"1"', DATE + '"2020-01-01T00:00:00Z"')
    for length in range(len(whole)):
        with pytest.raises(BrokenPage):
            decode(whole[:length])


@pytest.mark.parametrize(
    "page", [b"[]", b"{}", b'{"value":{}}', b'{"value":[1]}', b"\xff", b"<html>", b'{"value":[]} x']
)
def test_what_is_no_page_is_broken(page: bytes) -> None:
    with pytest.raises(BrokenPage):
        decode(page)


@pytest.mark.parametrize("value", ['"v":[1]', '"v":{"a":1}', '"v@odata.type":"Edm.Int64","v":["1"]'])
def test_no_table_holds_a_nested_value(value: str) -> None:
    with pytest.raises(BrokenPage, match="'v'"):
        decode(body(value))


@pytest.mark.parametrize(
    "value",
    [
        LONG + '"secret"',
        LONG + '"9223372036854775808"',
        LONG + "5.5",
        LONG + "true",
        LONG + '"1_0"',
        DATE + '"secret"',
        DATE + "5",
        DOUBLE + '"secret"',
        BINARY + '"s"',
        BINARY + '"__8AAE-="',
        BINARY + '"$$"',
        GUID + "5",
        '"v@odata.type":"Edm.Int32","v":3000000000',
        '"v@odata.type":"Edm.Boolean","v":"secret"',
    ],
)
def test_a_value_that_is_not_what_it_says_is_named_but_not_quoted(value: str) -> None:
    with pytest.raises(Drifted, match="'v'") as drifted:
        decode(body('"v":null', value))
    assert "secret" not in str(drifted.value)


def test_binary_survives_every_byte() -> None:
    data = bytes(range(256))
    assert column(f'{BINARY}"{base64.b64encode(data).decode()}"')[1] == [data]


def test_pages_become_one_batch() -> None:
    decoder = new()
    assert [decoder.add(body('"a":1', '"a":2')), decoder.add(body('"b":true')), decoder.add(body())] == [2, 1, 0]
    assert (decoder.rows, decoder.last_key) == (3, ("p", "0"))
    rows = decoder.batch()
    assert rows.select(["a", "b"]).to_pydict() == {"a": [1, 2, None], "b": [None, None, True]}
    assert decoder.rows == 0
    assert decoder.batch().num_rows == 0


def test_a_column_first_seen_on_a_later_page_is_null_before() -> None:
    decoder = new()
    for _ in range(149):
        decoder.add(body("", ""))
    decoder.add(body("", '"late":"x"'))
    rows = decoder.batch()
    assert rows.column("late").null_count == 299
    assert rows.column("late")[299].as_py() == "x"


@pytest.mark.parametrize("broken", ['"a":2,"c":1,"c":2', LONG + '"x"', '"a":[1]', '"a":"x"}}'])
def test_of_a_page_that_is_refused_nothing_is_kept(broken: str) -> None:
    decoder = new()
    decoder.add(body('"a":1,"b":"x"'))
    with pytest.raises((BrokenPage, Drifted)):
        decoder.add(body('"a":"text","new":1,"b":null', broken))
    decoder.add(body('"a":3,"d":1'))
    rows = decoder.batch()
    assert rows.schema.names == ["PartitionKey", "RowKey", "a", "b", "d"]
    assert rows.column("a").to_pylist() == [1, 3]
    assert decoder.add(body('"d":1')) == 1
    assert decoder.batch().schema.names == ["PartitionKey", "RowKey", "d"]


def test_only_the_columns_that_are_wanted_are_decoded() -> None:
    decoder = new(columns=["b", "Timestamp", "nothing"])
    decoder.add(body(LONG + '"no number"' + ',"b":1,"Timestamp":"2020-01-01T00:00:00Z"'))
    assert decoder.last_key == ("p", "0")
    assert decoder.batch().schema.names == ["Timestamp", "b"]


def test_declared_types_stand_in_for_annotations() -> None:
    decoder = new(declared={"a": "Edm.Int64", "b": "Edm.Double", "Timestamp": "Edm.String"})
    decoder.add(body('"a":"5","b":2,"Timestamp":"then"', '"a@odata.type":"Edm.Int32","a":6,"b":"NaN"'))
    rows = decoder.batch()
    assert [rows.column(name).to_pylist()[0] for name in ("Timestamp", "a", "b")] == ["then", 5, 2.0]
    assert rows.column("a").type == pa.int64()


def test_a_value_before_its_annotation_is_what_the_annotation_says() -> None:
    late = ['"v":"5","v@odata.type":"Edm.Int64"', '"Timestamp":"x","Timestamp@odata.type":"Edm.Guid"']
    rows = decode(body('"v":"not yet"', *late))
    assert rows.column("v").to_pylist() == ["not yet", "5", None]
    assert rows.column("Timestamp").to_pylist() == [None, None, "x"]


def test_an_entity_without_texts_as_keys_has_no_key() -> None:
    decoder = new()
    decoder.add(b'{"value":[{"PartitionKey":"p","RowKey":"r"},{"PartitionKey":"p","RowKey":5}]}')
    assert decoder.last_key is None


def test_many_batches_come_out_as_the_first_one() -> None:
    decoder = new()
    page = body('"a":1,"s":"x"', '"a":2,"s":"é"')
    decoder.add(page)
    first = decoder.batch()
    for _ in range(50):
        decoder.add(page)
        assert decoder.batch().equals(first)


def test_names_without_end_are_no_columns_without_end() -> None:
    decoder = new()
    for batch in range(20):
        names = [f"n{batch}_{number}" for number in range(2000)]
        decoder.add(body(*(",".join(f'"{name}":1' for name in names[at : at + 500]) for at in range(0, 2000, 500))))
        assert decoder.batch().num_columns == 2002


def test_a_page_of_which_each_entity_has_properties_of_its_own_comes_with_fewer_rows() -> None:
    wide = [",".join(f'"n{row}_{number}":1' for number in range(200)) for row in range(300)]
    decoder = new()
    decoder.add(body("", ""))
    with pytest.raises(OversizedPage):
        decoder.add(body(*wide))
    assert decoder.rows == 2
    assert decoder.batch().num_columns == 2
    assert decoder.add(body(*wide[:40])) == 40
    assert decoder.batch().num_columns == 8002


def test_an_entity_with_more_properties_than_a_table_has_is_refused() -> None:
    decode(body(",".join(f'"v{n}@odata.type":"Edm.Int32","v{n}":{n}' for n in range(500))))
    with pytest.raises(BrokenPage):
        decode(body(",".join(f'"v{n}":{n}' for n in range(1100))))


@pytest.mark.parametrize(
    "page",
    [
        b'{"value":[' + b",".join(b'{"%d":1}' % number for number in range(60_000)) + b"]}",
        b'{"value":[{' + b",".join(b'"v%d":"1"' % n for n in range(500)) + b"}]}",
        b'{"value":[{' + b",".join(b'"v":1' for _ in range(300_000)) + b"}]}",
    ],
)
def test_a_hostile_page_takes_little_time_and_memory(page: bytes) -> None:
    began, before = time.process_time(), resident_mb()
    with contextlib.suppress(BrokenPage):
        decode(page)
    assert time.process_time() - began < 3
    assert resident_mb() - before < 300


def test_types_behind_their_values_take_no_longer_for_many() -> None:
    members = [f'"v{n}":"{n}"' for n in range(500)] + [f'"v{n}@odata.type":"Edm.Int64"' for n in range(500)]
    began = time.process_time()
    rows = decode(body(*[",".join(members)] * 200))
    assert time.process_time() - began < 5
    assert rows.column("v7").to_pylist() == [7] * 200


def test_a_value_between_an_annotation_and_what_it_is_about_is_not_lost() -> None:
    between = '"v@odata.type":"Edm.Int64","b":1,"v":"5"'
    decoder = new()
    for _ in range(3):
        with pytest.raises(BrokenPage, match="twice"):
            decoder.add(body(f'"b":2,{between}'))
    for page in (body(between), body(between, f'"a":1,{between}')):
        decoder.add(page)
    rows = decoder.batch()
    assert rows.column("b").to_pylist() == [1, 1, 1]
    assert rows.column("v").to_pylist() == [5, 5, 5]


def test_a_comma_too_many_is_no_white_space() -> None:
    decoder = new()
    decoder.add(body('"c":1 ,"v@odata.type":"Edm.Int64","v":"5"'))
    with pytest.raises(BrokenPage):
        decoder.add(body('"c":1,,"v@odata.type":"Edm.Int64","v":"5"'))


def test_deep_nesting_is_refused_and_not_followed() -> None:
    for deep in (b'{"value":[],"x":' + b"[" * 100_000, b'{"value":[],"x":' + b"[" * 2000 + b"]" * 2000 + b"}"):
        with pytest.raises(BrokenPage):
            decode(deep)

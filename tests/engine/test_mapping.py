"""A mapped batch: every row lands or is rejected with its reason, whatever batch it came in."""

import json
import random
from collections.abc import Mapping as JsonObject
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.domain.run import merged
from flowservice.domain.xdm_tree import ObjectField, tree_of
from flowservice.engine.mapping import Mapper
from flowservice.engine.row_mapper import REJECTS, Mapped
from flowservice.errors import BadMapping, BadSchema
from flowservice.sdk import to_text


def tree(**properties: JsonObject[str, Any]) -> ObjectField:
    required = [name for name, node in properties.items() if node.get("needed")]
    return tree_of({"type": "object", "properties": properties, "required": required})


def mapper(of: ObjectField, feeds: JsonObject[str, str], **constants: str) -> Mapper:
    direct = [
        Mapping(id="", kind=MappingKind.ATTRIBUTE, source_type="ATTRIBUTE", source=source, destination=path)
        for path, source in feeds.items()
    ]
    static = [
        Mapping(id="", kind=MappingKind.STATIC, source_type="STATIC", source=value, destination=path)
        for path, value in constants.items()
    ]
    version = MappingVersion(version=0, schema_id="", schema_content_type="", mappings=(*direct, *static))
    return Mapper(version, of)


def batch(**columns: Any) -> pa.RecordBatch:
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(arrays)


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
PERSON = tree(
    _id={"type": "string", "needed": True},
    person={
        "type": "object",
        "properties": {
            "name": {"type": "object", "properties": {"fullName": TEXT, "firstName": TEXT}},
            "birthDate": {"type": "string", "format": "date"},
        },
    },
    tags={"type": "array", "items": TEXT},
    notes={"type": "object", "additionalProperties": TEXT},
)
PERSON_FEEDS = {"_id": "Id", "person.name.fullName": "Name", "person.birthDate": "Birth"}


def test_rows_land_in_the_whole_schema() -> None:
    mapped = mapper(PERSON, PERSON_FEEDS).apply(batch(Id=["1", "2"], Name=["Ada", None], Birth=["1815-12-10", None]))
    assert mapped.rows.schema.names == ["_id", "person", "tags", "notes"]
    assert mapped.rows.to_pylist() == [
        {
            "_id": "1",
            "person": {"name": {"fullName": "Ada", "firstName": None}, "birthDate": date(1815, 12, 10)},
            "tags": None,
            "notes": None,
        },
        {"_id": "2", "person": None, "tags": None, "notes": None},
    ]
    assert mapped.rejects.num_rows == 0
    assert mapped.warnings == mapped.rejections == ()


def test_an_object_without_values_inside_one_with_values_is_left_out() -> None:
    mapped = mapper(PERSON, PERSON_FEEDS).apply(batch(Id=["1"], Birth=["1815-12-10"]))
    assert mapped.rows["person"].to_pylist() == [{"name": None, "birthDate": date(1815, 12, 10)}]


def test_a_row_without_a_required_value_is_rejected_with_its_source() -> None:
    mapped = mapper(PERSON, PERSON_FEEDS).apply(batch(Id=["1", None], Name=["Ada", "Bob"], Extra=[1, 2]))
    assert mapped.rows["_id"].to_pylist() == ["1"]
    assert mapped.rejects.schema == REJECTS
    (reject,) = mapped.rejects.to_pylist()
    assert json.loads(reject.pop("row")) == {"Extra": "2", "Name": "Bob"}
    assert reject == {
        "code": "INGEST-1555-400",
        "field": "_id",
        "message": "_id: a required field is missing or null",
        "value": None,
    }


def test_a_rejected_value_is_shown_in_short_and_its_row_whole() -> None:
    short = tree(t={"type": "string", "maxLength": 5})
    (reject,) = mapper(short, {"t": "Text"}).apply(batch(Text=["x" * 30_000])).rejects.to_pylist()
    assert reject["value"] == "x" * 1000
    assert json.loads(reject["row"]) == {"Text": "x" * 30_000}


def test_a_required_field_that_nothing_feeds_rejects_every_row() -> None:
    mapped = mapper(PERSON, {"person.birthDate": "Birth"}).apply(batch(Birth=["1815-12-10", None]))
    assert mapped.rows.num_rows == 0
    assert [(tally.field, tally.count) for tally in mapped.rejections] == [("_id", 2)]


NESTED = tree(
    outer={
        "type": "object",
        "required": ["key", "inner"],
        "properties": {
            "key": TEXT,
            "other": TEXT,
            "inner": {"type": "object", "required": ["deep"], "properties": {"deep": TEXT, "free": TEXT}},
        },
    },
    alone=TEXT,
)
NESTED_FEEDS = {"outer.key": "k", "outer.other": "o", "outer.inner.deep": "d", "outer.inner.free": "f", "alone": "a"}


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        ({"a": "x"}, []),
        ({}, []),
        ({"k": "1", "d": "1"}, []),
        ({"o": "1"}, ["outer.key", "outer.inner"]),
        ({"k": "1"}, ["outer.inner"]),
        ({"f": "1"}, ["outer.key", "outer.inner.deep"]),
        ({"k": "1", "f": "1"}, ["outer.inner.deep"]),
    ],
)
def test_required_counts_only_inside_an_object_that_has_a_value(row: dict[str, str], missing: list[str]) -> None:
    columns = {name: pa.array([row.get(name)], pa.string()) for name in "koadf"}
    mapped = mapper(NESTED, NESTED_FEEDS).apply(batch(**columns))
    assert [tally.field for tally in mapped.rejections] == missing
    assert mapped.rows.num_rows == (0 if missing else 1)


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        ({"type": "string", "enum": ["a", "b"]}, ["a", "b"], ["c", "A", ""]),
        ({"type": "integer", "enum": [1, 2, 2.5, 2**70]}, ["1", "2.0"], ["3"]),
        ({"type": "number", "enum": [1, 2.5]}, ["1", "2.5"], ["2", "NaN"]),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, ["DE"], ["de", "DEU"]),
        ({"type": "string", "pattern": "b"}, ["abc"], ["acd"]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "äöü"], ["a", "abcd", ""]),
        ({"type": "integer", "minimum": 1, "maximum": 10}, ["1", "10"], ["0", "11"]),
        ({"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1}, [str(2**53 - 1)], [str(2**53)]),
        ({"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, [str(2**63 - 1), str(-(2**63))], []),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3}, ["2"], ["1", "3"]),
        ({"type": "number", "minimum": 0.5, "exclusiveMaximum": 1}, ["0.5", "0.99"], ["0.49", "1", "NaN"]),
    ],
)
def test_values_must_obey_their_field(rule: dict[str, Any], kept: list[str], broken: list[str]) -> None:
    mapped = mapper(tree(f=rule), {"f": "v"}).apply(batch(v=[*kept, *broken, None]))
    assert mapped.rows.num_rows == len(kept) + 1
    assert mapped.rejects["value"].to_pylist() == broken
    assert set(mapped.rejects["code"].to_pylist()) <= {"INGEST-1404-400"}
    assert not mapped.warnings


def test_a_row_tells_all_its_reasons_and_counts_in_each() -> None:
    both = tree(a={"type": "string", "maxLength": 1}, b={"type": "string", "needed": True})
    mapped = mapper(both, {"a": "x", "b": "y"}).apply(batch(x=["long"], y=pa.nulls(1, pa.string())))
    (reject,) = mapped.rejects.to_pylist()
    assert (reject["code"], reject["field"]) == ("INGEST-1555-400", "b")
    assert reject["message"] == "b: a required field is missing or null; a: longer than 1 characters"
    assert [(tally.field, tally.count) for tally in mapped.rejections] == [("b", 1), ("a", 1)]


def test_a_value_of_the_wrong_type_becomes_null_with_a_warning_that_does_not_quote_it() -> None:
    mapped = mapper(tree(total={"type": "number"}), {"total": "Total"}).apply(batch(Total=["12", "secret", None]))
    assert mapped.rows["total"].to_pylist() == [12.0, None, None]
    (warning,) = mapped.warnings
    assert (warning.code, warning.field, warning.count) == ("MAPPER-3700-400", "total", 1)
    assert warning.message == (
        "Data conversion failed at destination path total. The expected data type was: NUMBER, actual data type was: "
        "STRING. Check the value. sourceField: Total destinationField: total"
    )


def test_a_required_value_of_the_wrong_type_is_rejected() -> None:
    mapped = mapper(tree(n={"type": "integer", "needed": True}), {"n": "v"}).apply(batch(v=["1", "x"]))
    assert mapped.rows["n"].to_pylist() == [1]
    assert mapped.rejects["value"].to_pylist() == ["x"]


def test_a_constant_feeds_every_row() -> None:
    mapped = mapper(tree(kind=TEXT, n=WHOLE), {}, kind="order", n="7").apply(batch(v=[1, 2]))
    assert mapped.rows.to_pylist() == [{"kind": "order", "n": 7}] * 2
    assert mapped.warnings == ()


@pytest.mark.parametrize(
    ("field", "constant", "message"),
    [
        (WHOLE, "x", "no value of the type"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "not one of those allowed"),
        ({"type": "integer", "maximum": 5}, "6", "above the maximum"),
        ({"type": "string", "format": "date"}, "tomorrow", "no value of the type date"),
    ],
)
def test_a_constant_that_no_row_can_have_is_refused(field: JsonObject[str, Any], constant: str, message: str) -> None:
    with pytest.raises(BadMapping, match=message):
        mapper(tree(f=field), {}, f=constant)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("Id", "Id"),
        ("${First Name}", "First Name"),
        (r"${First\.Name}", "First.Name"),
        (r"First\.Name", "First.Name"),
        ("Full.Name", "Full.Name"),
        ("First Name", "First Name"),
        ("order-id", "order-id"),
        ("größe", "größe"),
        ("$x", "$x"),
        ("size", "size"),
    ],
)
def test_a_source_names_a_column(source: str, column: str) -> None:
    one = mapper(tree(f=TEXT), {"f": source})
    assert one.source_columns == (column,)
    assert one.apply(batch(**{column: ["x"]})).rows["f"].to_pylist() == ["x"]


def test_one_column_may_feed_several_fields() -> None:
    two = mapper(tree(a=TEXT, b=WHOLE), {"a": "v", "b": "v"})
    assert two.source_columns == ("v",)
    assert two.apply(batch(v=["7"])).rows.to_pylist() == [{"a": "7", "b": 7}]


def test_a_pattern_that_cannot_be_matched_in_linear_time_is_refused() -> None:
    with pytest.raises(BadSchema, match="pattern of f"):
        mapper(tree(f={"type": "string", "pattern": "(?=a)"}), {"f": "v"})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(BadMapping, match=r"did you mean 'person\.name\.fullName'"):
        mapper(PERSON, {"person.name.fulName": "v"})


def test_a_batch_without_rows() -> None:
    mapped = mapper(PERSON, PERSON_FEEDS).apply(batch(Id=pa.array([], pa.string())))
    assert (mapped.rows.num_rows, mapped.rejects.num_rows) == (0, 0)


# --- values do not depend on neighbours ------------------------------------------------------------------------------

EVERYTHING = tree(
    key={"type": "string", "needed": True},
    text={"type": "string", "maxLength": 25},
    whole={"type": "integer"},
    small={"type": "integer", "minimum": -128, "maximum": 127},
    number={"type": "number", "maximum": 1e12},
    truth={"type": "boolean"},
    moment={"type": "string", "format": "date-time"},
    inner={
        "type": "object",
        "required": ["day"],
        "properties": {"day": {"type": "string", "format": "date"}, "again": TEXT},
    },
)
EVERYTHING_FEEDS = {
    "key": "k",
    "text": "a",
    "whole": "a",
    "small": "b",
    "number": "b",
    "truth": "c",
    "moment": "d",
    "inner.day": "d",
    "inner.again": "c",
}


def _value(random_: random.Random) -> Any:
    return random_.choice(
        [
            None,
            random_.randint(-300, 300),
            random_.randint(-(2**63), 2**63 - 1),
            random_.uniform(-1e14, 1e14),
            float(random_.randint(-200, 200)),
            random_.random() < 0.5,
            datetime(2020, 1, 1, random_.randrange(24), tzinfo=UTC),
            random_.choice(["", "yes", "12", "1e+3", "2018-12-03", "12/31/2018", "x" * 30]),
            random_.randbytes(4),
        ]
    )


def _column(values: list[Any]) -> pa.Array:
    """What a source hands over: typed where the batch has one type, else canonical text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        if kinds == {datetime}:
            return pa.array(values, pa.timestamp("us", tz="UTC"))
        return pa.array(values)
    return pa.concat_arrays([to_text(_column([value])) for value in values])


def _batches(rows: list[dict[str, Any]], size: int) -> list[pa.RecordBatch]:
    out = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        columns = {name: [row[name] for row in part] for name in "kabcd"}
        # A column without any value in a batch does not come at all.
        given = {name: values for name, values in columns.items() if any(value is not None for value in values)}
        out.append(
            batch(**{name: _column(values) for name, values in given.items()})
            if given
            else pa.RecordBatch.from_struct_array(pa.array([{}] * len(part), pa.struct([])))
        )
    return out


def _all(mapped: list[Mapped]) -> tuple[str, str, list[tuple[str, str, int]], list[tuple[str, str, int]]]:
    rows, rejects = pa.concat_tables(m.rows for m in mapped), pa.concat_tables(m.rejects for m in mapped)
    warned, broken = merged(t for m in mapped for t in m.warnings), merged(t for m in mapped for t in m.rejections)
    return (
        str(rows.to_pylist()),
        str(rejects.to_pylist()),
        [(t.code, t.field, t.count) for t in warned],
        [(t.code, t.field, t.count) for t in broken],
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_rows_land_in_batches_of_any_size(seed: int) -> None:
    random_ = random.Random(seed)
    rows = [{"k": f"k{n}" if n % 7 else None} | {name: _value(random_) for name in "abcd"} for n in range(120)]
    everything = mapper(EVERYTHING, EVERYTHING_FEEDS)
    whole, tens, ones = (_all([everything.apply(b) for b in _batches(rows, size)]) for size in (120, 10, 1))
    assert whole == tens == ones
    assert len(whole[2]) >= 5
    assert len(whole[3]) >= 4

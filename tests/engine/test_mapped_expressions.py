"""Expressions within mappings: what lands, what is counted, what is refused."""

from collections.abc import Mapping as JsonObject
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.expressions.parsing import parse
from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.domain.xdm_tree import ObjectField, tree_of
from flowservice.engine.expressions import Scope, source_column, values
from flowservice.engine.mapping import Mapper
from flowservice.engine.row_mapper import Mapped
from flowservice.errors import BadExpression, BadMapping
from flowservice.sdk import to_text

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer", "meta:xdmType": "long"}, {"type": "number"}
TEXTS = {"type": "array", "items": TEXT}


def mapper(properties: JsonObject[str, Any], feeds: JsonObject[str, str], required: Sequence[str] = ()) -> Mapper:
    tree: ObjectField = tree_of({"type": "object", "properties": properties, "required": list(required)})
    mappings = tuple(
        Mapping(id="", kind=MappingKind.EXPRESSION, source_type="EXPRESSION", source=source, destination=path)
        for path, source in feeds.items()
    )
    return Mapper(MappingVersion(version=0, schema_id="", schema_content_type="", mappings=mappings), tree)


def applied(mapping: Mapper, **columns: Any) -> Mapped:
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    return mapping.apply(pa.RecordBatch.from_pydict(arrays))


def rows(mapping: Mapper, **columns: Any) -> Any:
    return applied(mapping, **columns).rows.to_pylist()


def test_what_is_computed_lands_in_the_types_of_the_schema() -> None:
    mapping = mapper(
        {
            "name": TEXT,
            "cents": WHOLE,
            "ratio": NUMBER,
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"},
            "tags": TEXTS,
            "size": TEXT,
            "notes": {"type": "object", "additionalProperties": WHOLE},
        },
        {
            "name": 'concat(first, " ", last)',
            "cents": "total * 100",
            "ratio": "total / 3.0",
            "day": 'date(born, "dd.MM.yyyy")',
            "at": "date(seen)",
            "tags": 'split(words, ",")',
            "size": 'iif(total > 5, "large", "small")',
            "notes": 'to_map("a", total, "b", "2")',
        },
    )
    made = rows(
        mapping,
        first=["Ada", None],
        last=["Lovelace", "Hopper"],
        total=[6, 3],
        born=["10.12.1815", "09.12.1906"],
        seen=["2024-05-01T10:00:00+02:00", None],
        words=["a,,b", ""],
    )
    assert made == [
        {
            "name": "Ada Lovelace",
            "cents": 600,
            "ratio": 2.0,
            "day": date(1815, 12, 10),
            "at": datetime(2024, 5, 1, 8, tzinfo=UTC),
            "tags": ["a", "b"],
            "size": "large",
            "notes": [("a", 6), ("b", 2)],
        },
        {
            "name": " Hopper",
            "cents": 300,
            "ratio": 1.0,
            "day": date(1906, 12, 9),
            "at": None,
            "tags": [],
            "size": "small",
            "notes": [("a", 3), ("b", 2)],
        },
    ]


def test_an_error_makes_null_and_counts_a_warning() -> None:
    done = applied(mapper({"n": WHOLE, "other": TEXT}, {"n": "to_integer(v)", "other": "v"}), v=["1", "x", None])
    assert done.rows.to_pylist() == [{"n": 1, "other": "1"}, {"n": None, "other": "x"}, {"n": None, "other": None}]
    (warning,) = done.warnings
    assert (warning.code, warning.field, warning.count) == ("MAPPER-3700-400", "n", 1)
    assert "sourceField: to_integer(v) destinationField: n" in warning.message
    assert "x" not in warning.message.replace("expected", "").split("sourceField")[0]


def test_a_result_that_does_not_fit_the_field_is_null_and_a_warning() -> None:
    done = applied(mapper({"n": WHOLE}, {"n": "concat(v, v)"}), v=["1", "x"])
    assert done.rows.to_pylist() == [{"n": 11}, {"n": None}]
    assert [warning.count for warning in done.warnings] == [1]


def test_an_error_in_a_required_field_rejects_the_row() -> None:
    done = applied(mapper({"n": WHOLE}, {"n": "to_integer(v)"}, required=["n"]), v=["1", "x"])
    assert done.rows.to_pylist() == [{"n": 1}]
    (reject,) = done.rejects.to_pylist()
    assert (reject["code"], reject["field"], reject["value"]) == ("INGEST-1555-400", "n", "x")


def test_an_object_is_copied_field_by_field_and_a_mapping_of_a_field_counts_more() -> None:
    person = {"type": "object", "properties": {"name": TEXT, "age": WHOLE, "city": TEXT}}
    mapping = mapper({"person": person}, {"person": "p", "person.city": "upper(p.town)"})
    source = pa.array([{"name": "Ada", "age": "36", "city": "x", "town": "Rome", "more": "y"}, None])
    assert rows(mapping, p=source) == [{"person": {"name": "Ada", "age": 36, "city": "ROME"}}, {"person": None}]


def test_arrays_of_objects_land_item_by_item() -> None:
    item = {"type": "object", "properties": {"sku": TEXT, "price": NUMBER}}
    mapping = mapper(
        {"items": {"type": "array", "items": item}, "skus": TEXTS},
        {"items": 'arrays_to_objects("sku", split(skus, "|"), "price", split(prices, "|"))', "skus": "xs[*].sku"},
    )
    made = rows(mapping, skus=["a|b", None], prices=["1.5|2", "3"], xs=pa.array([[{"sku": "q"}, {"sku": None}], []]))
    assert made == [
        {"items": [{"sku": "a", "price": 1.5}, {"sku": "b", "price": 2.0}], "skus": ["q", None]},
        {"items": None, "skus": []},
    ]


def test_json_lands_as_what_the_field_is() -> None:
    place = {"type": "object", "properties": {"city": TEXT, "zip": WHOLE}}
    mapping = mapper(
        {"place": place, "tags": TEXTS, "city": TEXT},
        {"place": "json_to_object(j).place", "tags": "json_to_object(j).tags", "city": "json_to_object(j).place.city"},
    )
    text = '{"place": {"city": "Rome", "zip": 184}, "tags": ["a", 2, null]}'
    assert rows(mapping, j=[text, None, "{}"]) == [
        {"place": {"city": "Rome", "zip": 184}, "tags": ["a", "2", None], "city": "Rome"},
        {"place": None, "tags": None, "city": None},
        {"place": None, "tags": None, "city": None},
    ]
    assert [warning.count for warning in applied(mapping, j=["{"]).warnings] == [1, 1, 1]


def test_a_value_becomes_the_same_whether_its_column_comes_typed_or_as_text_and_beside_whom() -> None:
    feeds = {"a": "v + 1", "b": "concat(v, w)", "c": "iif(v > 2, v, w)", "d": "v * w", "e": "min(v, w)"}
    mapping = mapper(dict.fromkeys(feeds, TEXT), feeds)
    typed = {"v": pa.array([1, 2, None, 4]), "w": pa.array([1.5, None, 2.0, 1e20])}
    as_text = {name: to_text(values) for name, values in typed.items()}
    whole = rows(mapping, **typed)
    assert rows(mapping, **as_text) == whole
    one_by_one = [rows(mapping, **{name: values[at : at + 1] for name, values in typed.items()})[0] for at in range(4)]
    assert one_by_one == whole


def test_a_batch_without_rows_or_columns_is_mapped() -> None:
    mapping = mapper({"n": TEXT}, {"n": "lower(v)"})
    assert rows(mapping, v=pa.array([], pa.string())) == []
    assert rows(mapping, other=["x"]) == [{"n": None}]
    assert mapping.source_columns == ("v",)


@pytest.mark.parametrize(
    "expression",
    [
        "[v, 1]",
        '{"a": v, "b": 2}',
        'to_map("a", v, v, 1)',
        '{"a": v, "b": 2}[v]',
        'map_get_values({"a": v}, ["a", v])',
        "transformArray([v, 1], x -> x + v)",
        'arrays_to_object("a", [v], "b", [1, 2])',
        'extract_regex(v, "(a)(b)?")',
        "v % 2.5",
        "coalesce(v, [1][0])",
    ],
)
def test_constants_beside_columns_without_rows_make_no_row(expression: str) -> None:
    made = values(parse(expression), Scope(0, {"v": source_column(pa.array([], pa.string()))}))
    assert len(made.values) == 0


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("upper(v) + lower(split(v, ','))", 12),
        ("iif(v > 1, [1], 2)", 1),
        ("concat(v, true * 2)", 16),
        ('format(date(v), "bb")', 1),
    ],
)
def test_an_error_of_kinds_tells_the_innermost_place(expression: str, place: int) -> None:
    with pytest.raises(BadExpression, match=f"character {place}: "):
        mapper({"n": TEXT}, {"n": expression})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ('matches_regex(v, "(?=a)")', "pattern"),
        ('format(date(v), "yyyy-bb")', "letter 'b'"),
        ("true * 2", "works on numbers"),
        ("[1, [2]]", "no one kind"),
        ("fpid_to_ecid(v)", "not public"),
        ("upper(v", "ends too soon"),
        ("v = 1", "does not compare"),
        (r'concat(v, "\ud800")', "character 11: a text holds half of a sign"),
        ("v + 1e999", "character 5: the number is beyond the range"),
    ],
)
def test_what_fails_whatever_the_rows_are_is_refused_at_once(expression: str, message: str) -> None:
    with pytest.raises(BadExpression, match="'n'") as refused:
        mapper({"n": TEXT}, {"n": expression})
    assert message in refused.value.message


def test_json_that_is_too_deep_is_lost_and_no_more() -> None:
    deep = "[" * 400 + "]" * 400
    mapping = mapper({"n": TEXT, "other": TEXT}, {"n": "json_to_object(j).a", "other": "k"})
    done = applied(mapping, j=['{"a": 1}', f'{{"a": {deep}}}'], k=["x", "y"])
    assert done.rows.to_pylist() == [{"n": "1", "other": "x"}, {"n": None, "other": "y"}]
    assert [warning.count for warning in done.warnings] == [1]


def test_a_date_pattern_without_a_time_gives_each_row_its_moment() -> None:
    pattern, fitting = "a", "PM"
    mapping = mapper({"n": {"type": "string", "format": "date-time"}}, {"n": f'date(v, "{pattern}")'})
    done = applied(mapping, v=[fitting, "nothing of it", None, fitting])
    landed = [row["n"] is not None for row in done.rows.to_pylist()]
    assert landed == [True, False, False, True]
    assert [warning.count for warning in done.warnings] == [1]
    by_column = mapper({"n": {"type": "string", "format": "date-time"}}, {"n": "date(v, p)"})
    done = applied(by_column, v=[fitting, "no", fitting], p=[pattern, pattern, None])
    assert [row["n"] is not None for row in done.rows.to_pylist()] == [True, False, False]


def test_a_sign_beyond_16_bits_may_be_written_as_two_halves() -> None:
    assert rows(mapper({"n": TEXT}, {"n": r'concat(v, "\ud83d\ude00")'}), v=["a"]) == [{"n": "a😀"}]


def test_an_array_cannot_fill_a_single_field() -> None:
    with pytest.raises(BadMapping, match="gives an array, the field takes a single value"):
        mapper({"n": TEXT}, {"n": 'split("a b", " ")'})

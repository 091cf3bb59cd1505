"""Reading a row filter: what is well-formed, and what is told of what is not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from flowservice import errors as e
from flowservice.sdk import (
    AllOf,
    AnyOf,
    Condition,
    Relation,
    RowFilter,
    columns_of,
    filter_json,
    moment,
    outline,
    row_filter,
)
from tests.sdk.test_filtering import FILTERS


def applied(name: str, *params: Any) -> dict[str, Any]:
    return {"nodeType": "fnApply", "fnName": name, "params": list(params)}


def field(name: Any = "city") -> dict[str, Any]:
    return {"nodeType": "fieldLookup", "fieldName": name}


def literal(value: Any) -> dict[str, Any]:
    return {"nodeType": "literal", "value": value}


def said(value: Any, **other: Any) -> dict[str, Any]:
    return {"type": "PQL", "format": "pql/json", "value": value, **other}


def read(value: Any) -> RowFilter | None:
    return row_filter(said(value), at="filters")


GHENT = Condition(column="city", relation=Relation.EQ, values=("Ghent",))
CITY = applied("=", field(), literal("Ghent"))
TOTAL = applied(">", field("total"), literal(100))


def test_the_documented_example_is_read() -> None:
    wanted = read(applied("and", CITY, TOTAL))
    assert wanted == AllOf((GHENT, Condition(column="total", relation=Relation.GT, values=(100,))))
    assert columns_of(wanted) == ("city", "total")
    assert outline(wanted) == "(city = and total >)"


@pytest.mark.parametrize("name", ["=", "=="])
def test_equality_has_two_spellings(name: str) -> None:
    assert read(applied(name, field(), literal("Ghent"))) == GHENT


def test_an_empty_object_is_no_filter() -> None:
    assert row_filter({}, at="filters") is None


@pytest.mark.parametrize("word", ["not", "NOT"])
def test_a_not_is_carried_down_to_the_conditions(word: str) -> None:
    wanted = read(applied(word, applied("and", CITY, applied("or", TOTAL, applied(word, applied("isNull", field()))))))
    assert wanted == AnyOf(
        (
            Condition(column="city", relation=Relation.NE, values=("Ghent",)),
            AllOf(
                (
                    Condition(column="total", relation=Relation.LE, values=(100,)),
                    Condition(column="city", relation=Relation.IS_NULL),
                )
            ),
        )
    )


@given(wanted=FILTERS)
def test_a_filter_reads_back_as_it_was_written(wanted: RowFilter) -> None:
    assert row_filter(filter_json(wanted), at="filters") == wanted


def nested(depth: int) -> Any:
    value: Any = CITY
    for _ in range(depth - 1):
        value = applied("not", value)
    return value


@pytest.mark.parametrize(
    ("sent", "kind", "place"),
    [
        ([], e.BadRowFilter, "filters must be an object"),
        (None, e.BadRowFilter, "filters must be an object"),
        ({"type": "PQL"}, e.UnknownFilterFormat, "filters/format"),
        ({"format": "pql/json"}, e.UnknownFilterType, "filters/type"),
        (said(CITY, type="pql"), e.UnknownFilterType, "filters/type"),
        (said(CITY, format="json"), e.UnknownFilterFormat, "filters/format"),
        (said(None), e.MissingFilterValue, "filters/value"),
        (said("city = 'Ghent'"), e.BadRowFilter, "filters/value/nodeType"),
        (said(literal(1)), e.BadRowFilter, "filters/value/nodeType"),
        (said({"nodeType": "fnApply", "params": []}), e.MissingOperator, "filters/value/fnName"),
        (said(applied("")), e.MissingOperator, "filters/value/fnName"),
        (said({**CITY, "fnName": 7}), e.MissingOperator, "filters/value/fnName"),
        (said(applied("soundsLike", field(), literal("x"))), e.UnknownRowOperator, "filters/value/fnName"),
        (said({**CITY, "params": None}), e.BadRowFilter, "filters/value/params"),
        (said(applied("=")), e.BadRowFilter, "filters/value/params"),
        (said(applied("=", field())), e.MissingFilterValue, "filters/value/params/1"),
        (said(applied("=", field(), literal(1), literal(2))), e.BadRowFilter, "filters/value/params"),
        (said(applied("isNull", field(), literal(1))), e.BadRowFilter, "filters/value/params"),
        (said(applied("isNull", literal(1))), e.BadRowFilter, "filters/value/params/0"),
        (said(applied("=", literal(1), field())), e.BadRowFilter, "filters/value/params/0"),
        (said(applied("=", field(), field())), e.BadRowFilter, "filters/value/params/1/nodeType"),
        (said(applied("=", field(""), literal(1))), e.BadRowFilter, "filters/value/params/0/fieldName"),
        (said(applied("=", field("x" * 256), literal(1))), e.BadRowFilter, "filters/value/params/0/fieldName"),
        (said(applied("=", field("\ud800"), literal(1))), e.BadRowFilter, "filters/value/params/0/fieldName"),
        (said(applied("=", field(), literal(None))), e.MissingFilterValue, "filters/value/params/1/value"),
        (said(applied("=", field(), literal([1]))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("=", field(), literal({}))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("=", field(), literal(10**400))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("=", field(), literal(float("nan")))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("=", field(), literal("\udc00"))), e.BadRowFilter, "filters/value/params/1/value"),
        (said(applied("=", field(), literal("x" * 40_000))), e.BadRowFilter, "filters/value/params/1/value"),
        (said(applied("like", field(), literal(7))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("like", field(), literal("%" * 1_001))), e.BadRowFilter, "filters/value/params/1/value"),
        (said(applied("<", field(), literal(True))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("in", field(), literal("x"))), e.FilterValueType, "filters/value/params/1/value"),
        (said(applied("in", field(), literal([]))), e.MissingFilterValue, "filters/value/params/1/value"),
        (said(applied("in", field(), literal(["x", None]))), e.MissingFilterValue, "filters/value/params/1/value/1"),
        (said(applied("in", field(), literal(["x"] * 1_001))), e.BadRowFilter, "filters/value/params/1/value"),
        (said(applied("not")), e.NotOfSeveral, "filters/value/params"),
        (said(applied("not", CITY, TOTAL)), e.NotOfSeveral, "filters/value/params"),
        (said(applied("and", CITY)), e.BadRowFilter, "filters/value/params"),
        (said(applied("or")), e.BadRowFilter, "filters/value/params"),
        (said(applied("or", CITY, "x")), e.BadRowFilter, "filters/value/params/1/nodeType"),
        (said(applied("or", *[CITY] * 101)), e.BadRowFilter, "filters/value/params/100/params"),
        (said(nested(21)), e.BadRowFilter, "nested too deep"),
        (said(nested(3_000)), e.BadRowFilter, "nested too deep"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(sent: Any, kind: type[e.Error], place: str) -> None:
    with pytest.raises(kind) as refused:
        row_filter(sent, at="filters")
    assert type(refused.value) is kind
    assert place in refused.value.message
    assert refused.value.advice
    assert len(refused.value.message) < 300


def test_what_is_just_within_the_limits_is_read() -> None:
    assert read(nested(20)) is not None
    assert read(applied("or", *[CITY] * 100)) is not None
    assert read(applied("in", field(), literal(["x"] * 1_000))) is not None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01 12:30:01", datetime(2026, 3, 1, 12, 30, 1, tzinfo=UTC)),
        ("2026-03-01T12:30:01.1234567Z", datetime(2026, 3, 1, 12, 30, 1, 123456, tzinfo=UTC)),
        ("2026-03-01T12:30:01,5+0130", datetime(2026, 3, 1, 11, 0, 1, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:30-02", datetime(2026, 3, 1, 14, 30, tzinfo=UTC)),
        ("2026-02-30", None),
        ("0001-01-01T00:00+01:00", None),
        ("2026-03-01T25:00Z", None),
        ("2026-03-01Z", None),
        ("2026-3-1", None),
        ("20260301", None),
        ("2026-03-01-0001", None),
        ("\u0662026-03-01", None),
    ],
)
def test_a_text_names_a_moment_or_it_does_not(text: str, at: datetime | None) -> None:
    assert moment(text) == at

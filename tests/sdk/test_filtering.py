"""Which rows pass a filter: as an oracle says that looks at each value by itself, however columns are typed."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowservice.sdk import AllOf, AnyOf, Condition, Literal, Relation, RowFilter, passing, to_text
from tests.sdk.filter_oracle import passes

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS: Final = ("a", "b")
EDGES: Final = (0, 1, -1, 7, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 5.0, 5.5, -0.0, 1e16, 1e300, 1e-7)
NUMBERS: Final = (
    st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
WORDS: Final = (
    "",
    "a",
    "ab",
    "abc",
    "true",
    "false",
    "7",
    "007",
    "+7",
    "7.50",
    ".5",
    "1e3",
    "1e999",
    "9007199254740993",
    "9223372036854775808",
    "NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "\u0667",
    "AAEC",
    "2026-03-01",
    "2026-03-01T12:00:00Z",
    "2026-03-01T12:00:00.5Z",
    "2026-03-01T12:00:00.500Z",
    "2026-03-01 12:00",
    "2026-03-01T13:00:00+01:00",
    "2026-02-30T12:00:00Z",
    "2026-03-01T12:00:60Z",
    "2026-03-01-0001",
    "\uffee",
    "\U0001f469",
    "a\nb",
    "a%",
    "a_c",
)
TEXTS: Final = st.sampled_from(WORDS) | st.text(max_size=4)
TIMES: Final = st.sampled_from(
    [NOON, NOON.replace(microsecond=500_000), NOON.replace(second=1, microsecond=7)]
) | st.integers(0, 253402300799 + 11644473600).map(lambda s: datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
BY_TYPE: Final[dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    "text": (pa.string(), TEXTS),
    "int32": (pa.int32(), st.integers(-(2**31), 2**31 - 1) | st.sampled_from([0, 7])),
    "int64": (pa.int64(), NUMBERS.filter(lambda n: isinstance(n, int))),
    "double": (pa.float64(), st.floats() | st.sampled_from([5.0, 7.0, float("inf")])),
    "truth": (pa.bool_(), st.booleans()),
    "time": (pa.timestamp("us", "UTC"), TIMES),
    "binary": (pa.binary(), st.binary(max_size=4)),
}
LITERALS: Final[st.SearchStrategy[Literal]] = TEXTS | NUMBERS | st.booleans()
ORDERING: Final = (Relation.LT, Relation.LE, Relation.GT, Relation.GE)


def conditions(column: st.SearchStrategy[str]) -> st.SearchStrategy[Condition]:
    def made(*relations: Relation) -> Callable[[str, Any], Condition]:
        return lambda name, drawn: Condition(
            column=name, relation=drawn[0], values=drawn[1] if isinstance(drawn[1], tuple) else (drawn[1],)
        )

    kinds = (
        st.tuples(st.sampled_from([Relation.EQ, Relation.NE]), LITERALS),
        st.tuples(st.sampled_from(ORDERING), TEXTS | NUMBERS),
        st.tuples(st.sampled_from([Relation.LIKE, Relation.NOT_LIKE]), st.text(alphabet="a%_\\\n7.", max_size=5)),
        st.tuples(
            st.sampled_from([Relation.IN, Relation.NOT_IN]), st.lists(LITERALS, min_size=1, max_size=4).map(tuple)
        ),
        st.tuples(st.sampled_from([Relation.IS_NULL, Relation.NOT_NULL]), st.just(())),
    )
    return st.builds(made(), column, st.one_of(*kinds))


FILTERS: Final[st.SearchStrategy[RowFilter]] = st.recursive(
    conditions(st.sampled_from((*COLUMNS, "absent"))),
    lambda parts: (
        st.lists(parts, min_size=2, max_size=3).map(tuple).flatmap(lambda of: st.sampled_from([AllOf(of), AnyOf(of)]))
    ),
    max_leaves=5,
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 8))
    columns = {}
    for name in COLUMNS:
        kind, values = BY_TYPE[draw(st.sampled_from(sorted(BY_TYPE)))]
        columns[name] = pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
    return pa.table(columns)


@settings(max_examples=600, deadline=None)
@given(table=tables(), wanted=FILTERS)
def test_each_row_passes_as_an_oracle_says(table: pa.Table, wanted: RowFilter) -> None:
    expected = [passes(row, wanted) is True for row in table.to_pylist()]
    assert passing(table, wanted).to_pylist() == expected


@settings(max_examples=200, deadline=None)
@given(table=tables(), wanted=FILTERS)
def test_a_verdict_is_the_same_whether_a_column_comes_typed_or_as_text(table: pa.Table, wanted: RowFilter) -> None:
    as_text = pa.table({name: to_text(table.column(name)) for name in table.column_names})
    assert passing(as_text, wanted) == passing(table, wanted)
    one_by_one = [passing(table.slice(at, 1), wanted)[0].as_py() for at in range(table.num_rows)]
    assert one_by_one == passing(table, wanted).to_pylist()


def kept(values: list[Any], relation: Relation, *literals: Literal) -> list[Any]:
    table = pa.table({"a": pa.array(values)})
    mask = passing(table, Condition(column="a", relation=relation, values=literals))
    return [value for value, good in zip(values, mask.to_pylist(), strict=True) if good]


def test_numbers_compare_exactly_beyond_what_a_float_can_tell() -> None:
    numbers = [2**53 - 1, 2**53, 2**53 + 1]
    assert kept(numbers, Relation.GT, 2**53) == [2**53 + 1]
    assert kept(numbers, Relation.EQ, 2**53 + 1) == [2**53 + 1]
    assert kept([float(2**53), float(2**53 + 2)], Relation.GE, 2**53 + 1) == [float(2**53 + 2)]
    assert kept([2, 3], Relation.GT, 2.5) == [3]


def test_text_that_is_a_number_compares_as_one_and_other_text_is_unknown_to_a_number() -> None:
    texts = ["7", "007", "10.50", "seven", None, "NaN"]
    assert kept(texts, Relation.GE, 7) == ["7", "007", "10.50"]
    assert kept(texts, Relation.NE, 7) == ["10.50"]


def test_a_null_passes_neither_a_condition_nor_its_opposite() -> None:
    values = ["x", "y", None]
    assert kept(values, Relation.EQ, "x") == ["x"]
    assert kept(values, Relation.NE, "x") == ["y"]
    assert kept(values, Relation.NOT_IN, "x") == ["y"]
    assert kept(values, Relation.NOT_LIKE, "x%") == ["y"]
    assert kept(values, Relation.IS_NULL) == [None]


@pytest.mark.parametrize("literal", ["2026-03-01T12:00:00Z", "2026-03-01 12:00", "2026-03-01T13:00:00+01:00"])
def test_times_compare_as_moments_however_the_literal_is_written(literal: str) -> None:
    times = [NOON.replace(hour=11), NOON, NOON.replace(microsecond=1)]
    assert kept(times, Relation.EQ, literal) == [NOON]
    assert kept(times, Relation.GT, literal) == times[2:]


def test_keys_that_begin_with_a_date_compare_as_text() -> None:
    keys = ["2026-02-28-0009", "2026-03-01-0001", "2026-03-02-0001"]
    assert kept(keys, Relation.GE, "2026-03-01") == keys[1:]


def test_text_is_ordered_by_code_points() -> None:
    texts = ["\uffee", "\U0001f469"]
    assert kept(texts, Relation.GT, "\uffee") == ["\U0001f469"]


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("Gh%", ["Ghent", "Gh"]),
        ("%ent", ["Ghent"]),
        ("Gh_nt", ["Ghent"]),
        ("G%t", ["Ghent"]),
        ("%", ["Ghent", "Gh", "a.c", "a%", "x\ny", ""]),
        ("a.c", ["a.c"]),
        ("a\\%", ["a%"]),
        ("x_y", ["x\ny"]),
        ("", [""]),
    ],
)
def test_like_takes_the_whole_text(pattern: str, fitting: list[str]) -> None:
    assert kept(["Ghent", "Gh", "a.c", "a%", "x\ny", ""], Relation.LIKE, pattern) == fitting


def test_the_longest_pattern_is_taken() -> None:
    assert kept(["x" * 1000, "x"], Relation.LIKE, "_" * 1000) == ["x" * 1000]
    assert kept(["x" * 1500, "x"], Relation.LIKE, "%_" * 500) == ["x" * 1500]


def test_nested_values_are_there_and_cannot_be_compared() -> None:
    nested = [{"x": 1}, None]
    assert kept(nested, Relation.NOT_NULL) == [{"x": 1}]
    assert kept(nested, Relation.EQ, "x") == kept(nested, Relation.NE, 1) == []


def test_rows_without_columns_pass_what_asks_for_null() -> None:
    rows = pa.table({"other": [1, 2]})
    for relation, expected in ((Relation.IS_NULL, [True, True]), (Relation.NOT_NULL, [False, False])):
        assert passing(rows, Condition(column="a", relation=relation)).to_pylist() == expected
    nothing = pa.RecordBatch.from_arrays([], schema=pa.schema([]))
    assert len(passing(nothing, Condition(column="a", relation=Relation.EQ, values=("x",)))) == 0


def _forms() -> Iterator[tuple[Relation, Literal]]:
    yield from itertools.product(ORDERING, ("x", "2026-03-01", 5, 5.5, 2**70, -1e300))


@pytest.mark.parametrize(("relation", "literal"), list(_forms()))
@pytest.mark.parametrize("kind", sorted(BY_TYPE))
def test_every_type_meets_every_literal(relation: Relation, literal: Literal, kind: str) -> None:
    rows = pa.table({"a": pa.nulls(3, BY_TYPE[kind][0])})
    assert passing(rows, Condition(column="a", relation=relation, values=(literal,))).to_pylist() == [False] * 3

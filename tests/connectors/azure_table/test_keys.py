"""Order and midpoints of keys: what sampling, and later splitting, stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowservice.connectors.azure_table.keys import Key, KeyRange, Span, alphabet, midway, order, successor
from flowservice.errors import Drifted

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_the_order_is_that_of_utf_16() -> None:
    assert sorted(["\U0001f389", "\uff21", "a", ""], key=order) == ["", "a", "\U0001f389", "\uff21"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (KeyRange(), None),
        (KeyRange(start="a", end="b"), "PartitionKey ge 'a' and PartitionKey lt 'b'"),
        (KeyRange(after="it's"), "PartitionKey gt 'it''s'"),
        (KeyRange(partition="p", after="", end="x"), "PartitionKey eq 'p' and RowKey gt '' and RowKey lt 'x'"),
    ],
)
def test_a_range_is_a_filter_without_or(keys: KeyRange, expected: str | None) -> None:
    assert keys.filter() == expected
    assert KeyRange.from_json(keys.to_json()) == keys


ROWS = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("b", "3"), ("c", "1"), ("d", "")]
ENDS = st.one_of(st.none(), st.sampled_from([*ROWS, ("a", ""), ("b", ""), ("bb", "x"), ("e", "")]))


def rows_of(legs: tuple[KeyRange, ...]) -> list[Key]:
    """What queries over `ROWS` find, one after the other."""
    return [row for leg in legs for row in ROWS if is_in(leg, row)]


def is_in(leg: KeyRange, row: Key) -> bool:
    key = row[0] if leg.partition is None else row[1]
    return (
        leg.partition in {None, row[0]}
        and (leg.after is None or key > leg.after)
        and (leg.start is None or key >= leg.start)
        and (leg.end is None or key < leg.end)
    )


@given(start=ENDS, end=ENDS, after=ENDS)
def test_a_span_is_read_in_order_and_whole(start: Key | None, end: Key | None, after: Key | None) -> None:
    span = Span(start=start, end=end)
    inside = [row for row in ROWS if (start is None or row >= start) and (end is None or row < end)]
    assert rows_of(span.legs()) == inside
    assert Span.from_json(span.to_json()) == span
    if after is not None and after[1] and (start is None or after >= start):
        assert rows_of(span.legs(after=after)) == [row for row in inside if row > after]


@given(start=ENDS, end=ENDS, nearer=ENDS)
def test_a_span_goes_on_behind_a_leg_of_one_that_ended_later(
    start: Key | None, end: Key | None, nearer: Key | None
) -> None:
    nearer = end if nearer is None or (end is not None and nearer > end) else nearer
    span = Span(start=start, end=nearer)
    expected = [row for row in ROWS if (start is None or row >= start) and (nearer is None or row < nearer)]
    for leg in Span(start=start, end=end).legs()[:1]:
        read = [row for row in rows_of((leg,)) if span.has_end_above(row)]
        assert [*read, *rows_of(span.beyond(leg))] == expected


def test_a_span_between_two_keys_has_both() -> None:
    assert rows_of(Span.between(("a", "2"), ("b", "2")).legs()) == [("a", "2"), ("b", "1"), ("b", "2")]


@pytest.mark.parametrize("stored", [{"partition": "p"}, {"start": "a"}, {"end": ["a"]}])
def test_a_foreign_span_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(Drifted):
        Span.from_json(stored)


@pytest.mark.parametrize(
    ("keys", "letters"),
    [(["t-07"], "0123456789"), (["t-0a"], "0123456789abcdef"), (["t-q"], "abcdefghijklmnopqrstuvwxyz"), (["t-é"], "é")],
)
def test_the_alphabet_is_closed_by_class(keys: list[str], letters: str) -> None:
    assert alphabet(keys, prefix=2) == letters


@given(low=KEYS, high=KEYS)
def test_midway_is_between(low: str, high: str) -> None:
    found = midway(low, high, letters=alphabet([low, high], prefix=0))
    assert found is None or order(low) < order(found) < order(high)


def test_digits_split_evenly() -> None:
    digits = "0123456789"
    assert midway("tenant-000", "tenant-1", letters=digits) in {"tenant-04", "tenant-05"}


@given(prefix=KEYS, rest=KEYS)
def test_the_successor_is_above_all_with_the_prefix(prefix: str, rest: str) -> None:
    above = successor(prefix)
    assert above is None or order(prefix + rest) < order(above)


def test_nothing_is_above_the_last() -> None:
    assert successor("") is None
    assert successor("\uffff") is None
    assert successor("a\uffff") == "b"


def test_beyond_a_range_that_ends_within_a_partition_comes_the_rest_of_it() -> None:
    leg = KeyRange(partition="p", end="r")
    assert Span().beyond(leg) == (KeyRange(partition="p", start="r"), KeyRange(after="p"))
    assert Span(end=("p", "s")).beyond(leg) == (KeyRange(partition="p", start="r", end="s"),)
    assert Span(end=("p", "r")).beyond(leg) == ()
    assert Span(end=("q", "")).beyond(leg) == (KeyRange(partition="p", start="r"), KeyRange(after="p", end="q"))

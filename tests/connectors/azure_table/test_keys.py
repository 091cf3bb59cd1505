"""Order and midpoints of keys: what sampling, and later splitting, stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowservice.connectors.azure_table.keys import KeyRange, alphabet, midway, order, successor

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


def test_what_comes_after_an_entity_is_its_partition_and_then_the_others() -> None:
    assert KeyRange(end="z").past("p", "r") == (KeyRange(partition="p", after="r"), KeyRange(after="p", end="z"))
    assert KeyRange(partition="p", end="z").past("p", "r") == (KeyRange(partition="p", after="r", end="z"),)


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

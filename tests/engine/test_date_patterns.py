"""Letters of date patterns that the oracle of expressions leaves out."""

from typing import Any

import pyarrow as pa
import pytest

from flowservice.domain.expressions.parsing import parse
from flowservice.engine.expressions import Scope, source_column, values
from flowservice.engine.expressions.column import text
from flowservice.errors import BadExpression


def of(expression: str, **row: str) -> Any:
    columns = {name: source_column(pa.array([value])) for name, value in row.items()}
    return text(values(parse(expression), Scope(1, columns))).values[0]


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("LLL L", "Feb 2"),
        ("kk", "24"),
        ("KK a", "00 AM"),
        ("F", "5"),
        ("V", "Europe/Paris"),
        ("O", "GMT+01:00"),
        ("q", "1"),
        ("qqq", "Q1"),
    ],
)
def test_a_letter_is_written(pattern: str, written: str) -> None:
    assert of(f'format(zone_date_to_zone(d, "Europe/Paris"), "{pattern}")', d="2024-02-28T23:30:00Z") == written


@pytest.mark.parametrize(
    ("pattern", "told", "read"),
    [
        ("yyyy-LL-dd", "2024-02-29", "2024-02-29T00:00:00Z"),
        ("yyyy-MM-dd kk:mm", "2024-02-29 24:05", "2024-02-29T00:05:00Z"),
        ("yyyy-MM-dd KK:mm a", "2024-02-29 11:05 PM", "2024-02-29T23:05:00Z"),
    ],
)
def test_a_letter_is_read(pattern: str, told: str, read: str) -> None:
    assert of(f'date(d, "{pattern}")', d=told) == read


@pytest.mark.parametrize(("pattern", "told"), [("kk", "25"), ("kk", "0"), ("KK", "12"), ("LL", "13")])
def test_what_is_out_of_range_is_an_error(pattern: str, told: str) -> None:
    assert of(f'date(d, "{pattern}")', d=told) is None


@pytest.mark.parametrize("letter", ["F", "V", "O", "q"])
def test_a_letter_that_is_only_written_cannot_be_read(letter: str) -> None:
    with pytest.raises(BadExpression, match="cannot be read, only written"):
        of(f'date(d, "yyyy {letter}")', d="2024 1")


@pytest.mark.parametrize("letter", ["G", "Y", "W", "b", "n"])
def test_other_letters_are_refused(letter: str) -> None:
    with pytest.raises(BadExpression, match="unknown letter"):
        of(f'format(date(d), "{letter}")', d="2024-02-29")

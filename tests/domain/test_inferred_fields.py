"""Fields for the columns of a source: legal names, each its own, the same each time."""

import re
from random import Random

import pytest

from flowservice.domain.inferred_fields import Renamed, inferred, legal_name


def names(*columns: str) -> dict[str, tuple[str, Renamed | None]]:
    return {made.column: (made.name, made.renamed) for made in inferred(dict.fromkeys(columns, "string"))}


def test_a_legal_name_stays() -> None:
    assert names("RowKey", "a-b", "2nd", "x_") == {
        "RowKey": ("RowKey", None),
        "a-b": ("a-b", None),
        "2nd": ("2nd", None),
        "x_": ("x_", None),
    }


@pytest.mark.parametrize(
    ("column", "name"),
    [("First Name", "First_Name"), ("_x", "x"), ("--", ""), ("größe{}", "gr__e__"), ("a.b", "a_b"), ("名前", "")],
)
def test_other_characters_become_underscores_and_none_comes_first(column: str, name: str) -> None:
    assert legal_name(column) == name


def test_names_that_a_table_cannot_tell_apart_are_numbered() -> None:
    assert names("name", "NAME", "Name") == {
        "name": ("name", None),
        "NAME": ("NAME_2", Renamed.TAKEN),
        "Name": ("Name_3", Renamed.TAKEN),
    }


def test_a_legal_name_is_kept_where_another_one_becomes_the_same() -> None:
    assert names("a b", "a.b", "a_b", "a_b_2") == {
        "a b": ("a_b_3", Renamed.CHARACTERS),
        "a.b": ("a_b_4", Renamed.CHARACTERS),
        "a_b": ("a_b", None),
        "a_b_2": ("a_b_2", None),
    }


def test_a_column_of_whose_name_nothing_is_left_gets_one() -> None:
    assert names("名", "column", "前") == {
        "名": ("column_2", Renamed.NAMELESS),
        "column": ("column", None),
        "前": ("column_3", Renamed.NAMELESS),
    }


def test_whatever_columns_are_called_their_names_are_legal_and_differ() -> None:
    chance = Random(7)
    for _ in range(300):
        columns = ["".join(chance.choices("aAbB_-. é名2", k=chance.randint(1, 4))) for _ in range(30)]
        made = inferred(dict.fromkeys(columns, "long"))
        assert [field.column for field in made] == list(dict.fromkeys(columns))
        assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", field.name) for field in made)
        assert len({field.name.casefold() for field in made}) == len(made)
        assert all((field.renamed is None) is (field.name == field.column) for field in made)

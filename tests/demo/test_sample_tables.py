"""The demo's tables: the same every time, and as awkward as promised."""

from collections.abc import Callable

import pytest

from demo.azurite import Azurite
from demo.tables import TABLES, TableAccount, seed, stored


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_is_the_same_every_time_and_its_keys_are_unique(name: str) -> None:
    rows = list(TABLES[name](1_000))
    assert rows == list(TABLES[name](1_000))
    assert len({(row["PartitionKey"], row["RowKey"]) for row in rows}) == 1_000


def test_customers_have_every_type_and_a_mixed_column() -> None:
    rows = list(TABLES["customers"](2_000))
    annotations = {value for row in rows for name, value in row.items() if name.endswith("@odata.type")}
    assert annotations == {"Edm.Guid", "Edm.DateTime", "Edm.Int64", "Edm.Binary", "Edm.Double"}
    values = {type(value) for row in rows for value in row.values()}
    assert values == {str, int, float, bool}
    assert {"loyaltyPoints@odata.type" in row for row in rows} == {True, False}


@pytest.mark.azurite
def test_what_is_seeded_is_stored(azurite: Azurite, new_table: Callable[[str], str]) -> None:
    account = TableAccount(endpoint=azurite.endpoint)
    table = new_table("orders")
    told: list[int] = []
    assert seed(account, table, TABLES["orders"](1_250), progress=told.append) == 1_250
    assert max(told) == 1_250
    keys = {(row["PartitionKey"], row["RowKey"]) for row in stored(account, table)}
    assert keys == {(row["PartitionKey"], row["RowKey"]) for row in TABLES["orders"](1_250)}

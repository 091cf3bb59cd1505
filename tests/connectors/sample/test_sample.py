"""Sample data keeps the contract of a source, and has what there is to see in it."""

import re
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pytest

from flowservice.connectors.sample import NoSignin, connector
from flowservice.connectors.sample.source import SampleSource
from flowservice.connectors.sample.tables import TABLES
from flowservice.errors import BadField, NoSuchObject, SourceError
from flowservice.sdk import SOURCE_TYPE, Egress, Keyed, Located, Selection, Source, Stepped, parsed
from flowservice.sdk.testing import Rows, SourceContract


class TestCustomers(SourceContract):
    path = "customers"
    key = ("id",)
    delta_column = "registeredAt"
    check_steps = connector.check_steps

    @pytest.fixture
    def source(self) -> Source:
        return connector.open("No Sign-in", NoSignin(), Egress())

    def expected(self) -> Rows:
        return [(f"C{number:04d}",) for number in range(1, 1_001)]


class TestOrders(TestCustomers):
    path = "orders"
    delta_column = "placedAt"

    def expected(self) -> Rows:
        return [(f"O{number:05d}",) for number in range(1, 5_001)]


def read(table: str, *columns: str) -> pl.DataFrame:
    """All rows; a column of which some batch has text is text."""
    source = SampleSource()
    splits = source.plan(Selection(path=table, columns=columns or None)).splits
    batches = [pl.DataFrame(pl.from_arrow(batch.rows)) for split in splits for batch in source.read(split, after=None)]
    as_text = {name for batch in batches for name, kind in batch.schema.items() if kind == pl.String}
    return pl.concat(batch.with_columns(pl.col(as_text & set(batch.columns)).cast(pl.String)) for batch in batches)


def sampled(table: str, rows: int = 1_000) -> pa.Table:
    return SampleSource().sample(table, rows=rows).rows


def test_everybody_gets_the_same_rows() -> None:
    assert sampled("customers", 1).to_pylist() == [
        {
            "id": "C0001",
            "firstName": "Gunda",
            "lastName": "Eastervale",
            "email": "gunda.eastervale1@example.com",
            "birthDate": "1965-09-18",
            "town": "Lower Quenby",
            "country": "PT",
            "newsletter": False,
            "loyaltyPoints": 2095,
            "registeredAt": datetime(2021, 1, 1, 15, 54, tzinfo=UTC),
        }
    ]
    assert sampled("orders", 1).to_pylist() == [
        {
            "id": "O00001",
            "customerId": "C0969",
            "productId": "P22",
            "quantity": 1,
            "unitPrice": 33.2,
            "coupon": None,
            "status": "cancelled",
            "placedAt": datetime(2025, 1, 1, 0, 58, tzinfo=UTC),
            "deliveredAt": None,
        }
    ]


def test_nobody_in_it_can_be_written_to() -> None:
    told = read("customers", "email")["email"].drop_nulls()
    assert len(told) == 997
    assert told.str.ends_with("@example.com").all()


def test_values_that_are_wrong_on_purpose_are_few_and_told_in_the_documentation() -> None:
    rows = read("customers")
    assert rows["email"].null_count() == 3
    assert rows["email"].drop_nulls().is_duplicated().sum() == 2
    born = rows["birthDate"].drop_nulls()
    assert born.filter(~born.str.contains(r"^(19|20)\d\d-(0\d|1[0-2])-\d\d$")).to_list() == [
        "31.02.1990",
        "1985-13-01",
        "unknown",
    ]
    points = rows["loyaltyPoints"]
    assert points.filter(~points.str.contains(r"^\d+$")).to_list() == ["none", "1.2k", "n/a"]
    quantities = read("orders")["quantity"]
    assert quantities.filter(~quantities.str.contains(r"^\d$")).to_list() == ["two", "1 box"]


def test_a_sample_tells_types_and_the_column_that_mixes_them() -> None:
    sample = SampleSource().sample("customers", rows=1_000)
    types = {field.name: field.metadata[SOURCE_TYPE] for field in sample.rows.schema}
    assert types["registeredAt"] == b"time"
    assert types["newsletter"] == b"boolean"
    assert types["loyaltyPoints"] == b"text"
    (mixed,) = sample.mixed
    assert (mixed.name, mixed.seen, mixed.widened_to) == ("loyaltyPoints", ("integer", "text"), "text")
    # What a sample does not come upon is found by the run.
    orders = SampleSource().sample("orders", rows=1_000)
    assert orders.mixed == ()
    assert orders.rows.schema.field("quantity").type == pa.int64()


def test_a_sample_is_taken_from_all_over_the_table() -> None:
    ids = sampled("orders", 5).column("id").to_pylist()
    assert ids == ["O00001", "O01001", "O02001", "O03001", "O04001"]
    assert sampled("products", 1_000).num_rows == 24


def test_a_number_is_a_number_where_no_text_stands_beside_it() -> None:
    source = SampleSource()
    (split,) = source.plan(Selection(path="orders", columns=("quantity",))).splits
    kinds = [batch.rows.schema.field("quantity").type for batch in source.read(split, after=None)]
    assert [place for place, kind in enumerate(kinds) if kind == pa.string()] == [2, 7]
    assert {kind for kind in kinds if kind != pa.string()} == {pa.int64()}


def test_orders_come_one_after_the_other_and_belong_to_customers_and_products() -> None:
    orders = read("orders")
    placed = orders["placedAt"]
    assert placed.is_sorted()
    assert placed.n_unique() == len(orders)
    assert orders["customerId"].is_in(read("customers")["id"].to_list()).all()
    assert orders["productId"].is_in(read("products")["id"].to_list()).all()
    delivered = orders.filter(pl.col("deliveredAt").is_not_null())
    assert (delivered["deliveredAt"] > delivered["placedAt"]).all()
    assert set(delivered["status"]) == {"delivered"}


@pytest.mark.parametrize("name", TABLES)
def test_the_key_tells_rows_apart_and_comes_unasked(name: str) -> None:
    source = SampleSource()
    assert isinstance(source, Keyed)
    (key,) = source.key_columns
    assert read(name)[key].is_unique().all()
    assert read(name, read(name).columns[-1]).columns == [key, read(name).columns[-1]]


def test_all_its_accounts_are_the_same_one() -> None:
    one, other = SampleSource(), SampleSource()
    assert isinstance(one, Located)
    assert isinstance(other, Located)
    assert one.account_names & other.account_names


def test_its_check_counts_the_rows() -> None:
    source = SampleSource()
    assert isinstance(source, Stepped)
    assert source.check_step("make-rows").message == "3 tables with 6,024 rows are there."
    with pytest.raises(SourceError, match="no step"):
        source.check_step("authenticate")


def test_there_is_no_other_table() -> None:
    with pytest.raises(NoSuchObject, match="Customers") as refused:
        SampleSource().sample("Customers", rows=1)
    assert all(name in refused.value.advice for name in TABLES)


def test_it_asks_for_nothing_and_takes_nothing() -> None:
    with pytest.raises(BadField, match=re.escape("auth/params/password")):
        parsed(NoSignin, {"password": "x"}, at="auth/params")
    assert not NoSignin.model_fields

"""The connector against the emulator: the source contract, and tables with all that makes them awkward."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from demo.azurite import Azurite
from demo.tables import Entity, TableAccount, customers, seed
from flowservice.connectors.azure_table import BY_CONNECTION_STRING, Config, connector
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.source import TableSource
from flowservice.errors import BadCredentials, Denied
from flowservice.sdk import Selection, Source, parsed
from flowservice.sdk.testing import Rows, SourceContract, keys_of
from tests.connectors.azure_table.signatures import account_sas, table_sas
from tests.connectors.azure_table.table_server import LAPTOP

pytestmark = pytest.mark.azurite

ROWS = 2_600
NewTable = Callable[[str], str]


@pytest.fixture(scope="module")
def seeded(azurite: Azurite) -> str:
    """A table of customers that no test changes."""
    seed(TableAccount(endpoint=azurite.endpoint), "contract", customers(ROWS))
    return "contract"


@pytest.fixture
def source(azurite: Azurite, seeded: str) -> Iterator[TableSource]:
    """Small pages, so that there are many batches to resume after, and parts to be taken."""
    opened = TableSource(parse(azurite.connection_string), page_rows=500, batch_rows=500, least_pages=0, egress=LAPTOP)
    yield opened
    opened.close()


class TestContract(SourceContract):
    path = "contract"
    key = ("PartitionKey", "RowKey")
    delta_column = "createdAt"
    check_steps = connector.check_steps

    def expected(self) -> Rows:
        return sorted((str(row["PartitionKey"]), str(row["RowKey"])) for row in customers(ROWS))


def read(source: Source, table: str, *columns: str) -> pa.Table:
    reading = source.plan(Selection(path=table, columns=columns or None))
    batches = [pa.Table.from_batches([b.rows]) for s in reading.splits for b in source.read(s, after=None)]
    return pa.concat_tables(batches, promote_options="permissive")


@pytest.mark.parametrize("page_rows", [10, 1000])
def test_the_same_rows_come_whatever_the_page_size(azurite: Azurite, seeded: str, page_rows: int) -> None:
    source = TableSource(parse(azurite.connection_string), page_rows=page_rows, egress=LAPTOP)
    split = source.plan(Selection(path=seeded)).splits[0]
    rows = keys_of(source.read(split, after=None), ("PartitionKey", "RowKey", "email", "visits", "createdAt"))
    source.close()
    assert len(rows) == ROWS
    # The emulator keeps moments as written; ours end at the microsecond.
    assert [row[:4] for row in rows] == sorted(
        (str(row["PartitionKey"]), str(row["RowKey"]), str(row["email"]), str(row["visits"])) for row in customers(ROWS)
    )


def test_every_type_comes_back(azurite: Azurite, source: TableSource, new_table: NewTable) -> None:
    table = new_table("types")
    entity: Entity = {
        "PartitionKey": "it's",
        "RowKey": "r é+%",
        "text": "日本",
        "small": 7,
        "large": "9223372036854775807",
        "large@odata.type": "Edm.Int64",
        "number": 1.5,
        "nan": "NaN",
        "nan@odata.type": "Edm.Double",
        "flag": True,
        "moment": "9999-12-31T23:59:59.9999999Z",
        "moment@odata.type": "Edm.DateTime",
        "guid": "C9DA6455-213D-42C9-9A79-3E9149A57833",
        "guid@odata.type": "Edm.Guid",
        "bytes": "AAEC/w==",
        "bytes@odata.type": "Edm.Binary",
    }
    seed(TableAccount(endpoint=azurite.endpoint), table, iter([entity]))
    rows = read(source, table)
    assert {field.name: str(field.type) for field in rows.schema} == {
        "PartitionKey": "string",
        "RowKey": "string",
        "Timestamp": "timestamp[us, tz=UTC]",
        "text": "string",
        "small": "int32",
        "large": "int64",
        "number": "double",
        "nan": "double",
        "flag": "bool",
        "moment": "timestamp[us, tz=UTC]",
        "guid": "string",
        "bytes": "binary",
    }
    (row,) = rows.drop_columns(["nan", "Timestamp", "moment"]).to_pylist()
    assert row == {
        "PartitionKey": "it's",
        "RowKey": "r é+%",
        "text": "日本",
        "small": 7,
        "large": 2**63 - 1,
        "number": 1.5,
        "flag": True,
        "guid": "c9da6455-213d-42c9-9a79-3e9149a57833",
        "bytes": b"\x00\x01\x02\xff",
    }
    assert rows.column("moment").cast(pa.int64()).to_pylist() == [253402300799999999]


def test_selected_columns_come_with_the_keys_alone(source: TableSource, seeded: str) -> None:
    rows = read(source, seeded, "email", "note")
    assert rows.schema.names == ["PartitionKey", "RowKey", "email", "note"]
    assert rows.column("email").null_count == 0
    assert 0 < rows.column("note").null_count < ROWS


def test_a_sample_sees_all_partitions_and_rare_types(source: TableSource, seeded: str) -> None:
    sample = source.sample(seeded, rows=1000)
    assert 500 < sample.rows.num_rows <= 1000
    assert set(sample.rows.column("PartitionKey").to_pylist()) == {"DE", "FR", "JP", "PL", "US"}
    assert [(mixed.name, mixed.seen, mixed.widened_to) for mixed in sample.mixed] == [
        ("loyaltyPoints", ("Edm.Int64", "Edm.String"), "Edm.String")
    ]
    keys = list(zip(*(sample.rows.column(name).to_pylist() for name in ("PartitionKey", "RowKey")), strict=True))
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("key", ["{0:06d}", "tenant-{0:08d}", "{1:032x}"], ids=["digits", "long prefix", "hex"])
@pytest.mark.parametrize("hot", [True, False], ids=["one partition", "many partitions"])
def test_a_sample_reaches_the_end_of_the_keys(
    azurite: Azurite, source: TableSource, new_table: NewTable, key: str, hot: bool
) -> None:
    table = new_table("spread")
    names = sorted(key.format(n, n * 2**110 // 13) for n in range(400))
    entities: list[Entity] = [
        {"PartitionKey": "all" if hot else name, "RowKey": name if hot else "", "late" if n >= 300 else "early": n}
        for n, name in enumerate(names)
    ]
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(entities))
    sample = source.sample(table, rows=40)
    assert {"early", "late"} <= set(sample.rows.schema.names)
    assert 20 <= sample.rows.num_rows <= 40
    assert {"early", "late"} <= set(source.sample(table, rows=10).rows.schema.names)


def test_int32_and_double_sample_as_numbers_and_batch_as_text(
    azurite: Azurite, source: TableSource, new_table: NewTable
) -> None:
    table = new_table("mixed")
    rows: list[Entity] = [{"PartitionKey": "p", "RowKey": "1", "v": 3}, {"PartitionKey": "p", "RowKey": "2", "v": 3.5}]
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(rows))
    sample = source.sample(table, rows=10)
    assert sample.rows.column("v").to_pylist() == [3.0, 3.5]
    assert (sample.mixed[0].seen, sample.mixed[0].widened_to) == (("Edm.Double", "Edm.Int32"), "Edm.Double")
    assert read(source, table).column("v").to_pylist() == ["3", "3.5"]


def test_an_empty_table_has_no_rows_and_no_columns(azurite: Azurite, source: TableSource, new_table: NewTable) -> None:
    table = new_table("empty")
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(()))
    assert source.sample(table, rows=10).rows.num_columns == 0
    (split,) = source.plan(Selection(path=table)).splits
    assert list(source.read(split, after=None)) == []


def test_the_published_connector_opens_the_emulator(azurite: Azurite) -> None:
    config = parsed(Config, {"connectionString": azurite.connection_string}, at="params")
    source = connector.open(BY_CONNECTION_STRING, config, LAPTOP)
    source.check()
    source.close()


def test_a_wrong_key_is_refused(azurite: Azurite) -> None:
    text = azurite.connection_string.replace("AccountKey=Eby8", "AccountKey=AAAA")
    source = TableSource(parse(text), egress=LAPTOP)
    with pytest.raises(BadCredentials, match="not accepted"):
        source.check()
    source.close()


def signing_in(azurite: Azurite, sas: str) -> TableSource:
    return TableSource(parse(f"TableEndpoint={azurite.endpoint};SharedAccessSignature={sas}"), egress=LAPTOP)


def test_a_signature_for_one_table_reads_that_table_alone(azurite: Azurite, seeded: str) -> None:
    source = signing_in(azurite, f"?{table_sas(seeded)}")
    source.check()
    assert [node.name for node in source.explore("")] == [seeded]
    assert read(source, seeded, "email").num_rows == ROWS
    assert source.sample(seeded, rows=100).rows.num_rows > 50
    source.close()


def test_a_signature_for_the_account_reads_every_table(azurite: Azurite, seeded: str) -> None:
    source = signing_in(azurite, account_sas())
    source.check()
    assert seeded in [node.name for node in source.explore("")]
    assert read(source, seeded, "email").num_rows == ROWS
    source.close()


def test_a_signature_that_may_not_list_tables_is_told_what_it_lacks(azurite: Azurite) -> None:
    source = signing_in(azurite, account_sas(srt="o"))
    with pytest.raises(Denied) as refused:
        source.check()
    assert "srt=c" in refused.value.advice
    source.close()


def test_a_signature_for_a_range_of_keys_is_sent_whole(azurite: Azurite, seeded: str) -> None:
    # The keys are part of what is signed; the emulator does not limit what it shows to them.
    source = signing_in(azurite, table_sas(seeded, spk="FR", srk="0", epk="JP", erk="1"))
    source.check()
    assert read(source, seeded, "email").num_rows > 0
    source.close()


@pytest.mark.parametrize("made", [account_sas(se="2020-01-01"), table_sas("contract", se="2020-01-01")])
def test_an_expired_signature_is_refused_as_expired(azurite: Azurite, seeded: str, made: str) -> None:
    source = signing_in(azurite, made)
    with pytest.raises(BadCredentials, match="signature expired on 2020-01-01 00:00 UTC") as refused:
        source.check()
    assert "Make a new one" in refused.value.advice
    source.close()


def test_a_run_warns_of_a_signature_that_expires_within_the_day(
    azurite: Azurite, seeded: str, caplog: pytest.LogCaptureFixture
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(hours=20)
    source = signing_in(azurite, sas := table_sas(seeded, se=f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}"))
    source.plan(Selection(path=seeded))
    source.close()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"account devstoreaccount1: its shared access signature expires on {tomorrow:%Y-%m-%d}" in record.message
    assert sas.partition("sig=")[2] not in record.message

"""What an account holds: tables, their columns from a sample of all rows, and a preview."""

import base64
import json
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, refusal


def base64_of(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode().rstrip("=")


def compared(column: str, operator: str = "=", value: Any = "x") -> Any:
    operands = [{"nodeType": "fieldLookup", "fieldName": column}, {"nodeType": "literal", "value": value}]
    return {"nodeType": "fnApply", "fnName": operator, "params": operands}


def filters(value: Any) -> str:
    """The filter whose `value` that is, as a query has it."""
    return base64_of({"type": "PQL", "format": "pql/json", "value": value})


@pytest.fixture(scope="module")
def odd(azurite: Azurite) -> str:
    """A table with a value of every type, a mixed column, and a column that few rows have."""
    rows: list[dict[str, Any]] = [
        {
            "PartitionKey": f"{number % 3}",
            "RowKey": f"{number:05d}",
            "word": "Zoë 👩‍👩‍👧",
            "whole": number,
            "long@odata.type": "Edm.Int64",
            "long": str(2**60 + number),
            "real": number + 0.5,
            "yes": number % 2 == 0,
            "at@odata.type": "Edm.DateTime",
            "at": "2026-02-03T04:05:06.1234567Z",
            "key@odata.type": "Edm.Guid",
            "key": "0f6f1c1e-58b4-4c6d-9d38-1b1f5a2b3c4d",
            "raw@odata.type": "Edm.Binary",
            "raw": "AAEC",
            "mixed": number if number % 2 else "text",
        }
        for number in range(300)
    ]
    rows[299]["rare"] = "seen"
    return resources.seeded(azurite, "odd", rows)


def explored(client: Client, account: str, **query: str) -> Any:
    """The answer to exploring the account."""
    return client.get(f"{FLOW}/connections/{account}/explore", params=query)


@pytest.mark.parametrize("kind", ["root", "ROOT", "Root"])
def test_the_root_is_a_bare_list_of_tables(client: Client, account: str, odd: str, kind: str) -> None:
    nodes = explored(client, account, objectType=kind).json()
    assert {"type": "table", "name": odd, "path": odd, "canPreview": True, "canFetchSchema": True} in nodes


def test_a_table_shows_its_columns_with_their_types(client: Client, account: str, odd: str) -> None:
    shown = explored(client, account, objectType="table", object=odd).json()
    columns = {column["name"]: column for column in shown["schema"]["columns"]}
    assert shown["format"] == "flat"
    assert "data" not in shown
    assert {name: columns[name]["meta:xdmType"] for name in columns} | {"PartitionKey": "string"} == {
        "PartitionKey": "string",
        "RowKey": "string",
        "Timestamp": "date-time",
        "word": "string",
        "whole": "int",
        "long": "long",
        "real": "number",
        "yes": "boolean",
        "at": "date-time",
        "key": "string",
        "raw": "string",
        "mixed": "string",
        "rare": "string",
    }
    assert columns["at"]["xdm"] == {"type": "string", "format": "date-time"}
    assert columns["whole"]["xdm"] == {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
    assert len(columns["mixed"]["mixedTypes"]) == 2
    assert columns["rare"]["coverage"] < 0.01
    assert shown["keyColumns"] == ["PartitionKey", "RowKey"]


@pytest.mark.parametrize("preview", ["true", "True"])
def test_a_preview_adds_rows(client: Client, account: str, odd: str, preview: str) -> None:
    rows = explored(client, account, objectType="table", object=odd, preview=preview).json()["data"]
    assert 0 < len(rows) <= 100
    row = rows[0]
    assert row["word"] == "Zoë 👩‍👩‍👧"
    assert row["at"].startswith("2026-02-03T04:05:06.123456")
    assert row["raw"] == "AAEC"
    assert isinstance(row["long"], int)
    assert row["long"] >= 2**60


@pytest.mark.parametrize(
    ("value", "longs"),
    [
        (compared("rare", "=", "seen"), [299]),
        (compared("long", ">=", 2**60 + 298), [298, 299]),
        (compared("mixed", "<", 8), [1, 3, 5, 7]),
        (compared("word", "=", "nobody"), []),
        ({"nodeType": "fnApply", "fnName": "not", "params": [compared("RowKey", "like", "000__")]}, range(100, 200)),
    ],
)
def test_a_preview_with_a_filter_shows_rows_that_pass(
    client: Client, account: str, odd: str, value: Any, longs: list[int]
) -> None:
    query = {"objectType": "table", "object": odd, "filters": filters(value)}
    answer = explored(client, account, **query, preview="true").json()
    shown = {row["long"] - 2**60 for row in answer["data"]}
    # Of many that pass, a hundred are shown.
    assert shown == set(longs) if len(longs) < 100 else len(shown) == 100 and min(shown) >= 100
    plain = explored(client, account, objectType="table", object=odd).json()
    assert answer["schema"] == plain["schema"] == explored(client, account, **query).json()["schema"]


def test_an_empty_filter_is_none(client: Client, account: str, odd: str) -> None:
    query = {"objectType": "table", "object": odd, "preview": "true"}
    assert explored(client, account, **query, filters="e30").json() == explored(client, account, **query).json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "CONNECTOR-1334-400"),
        ({"objectType": "nonsense"}, "CONNECTOR-1358-400"),
        ({"objectType": ""}, "CONNECTOR-1358-400"),
        ({"objectType": "table"}, "CONNECTOR-1334-400"),
        ({"objectType": "table", "object": ""}, "CONNECTOR-1334-400"),
        ({"objectType": "table", "object": "doesNotExist"}, "FLOW-1101-404"),
        ({"objectType": "folder", "object": "x"}, "CONNECTOR-1336-400"),
        ({"objectType": "file", "object": "x"}, "CONNECTOR-1336-400"),
        ({"objectType": "rest", "object": "json"}, "CONNECTOR-1336-400"),
        ({"objectType": "rest"}, "CONNECTOR-1334-400"),
        ({"objectType": "table", "object": "odd", "preview": "maybe"}, "FLOW-1451-400"),
        ({"objectType": "table", "object": "odd", "filters": "not base64!"}, "CONNECTOR-1389-400"),
        ({"objectType": "table", "object": "odd", "filters": "W10="}, "CONNECTOR-1389-400"),
        ({"objectType": "table", "object": "odd", "filters": base64_of({"type": "SQL"})}, "CONNECTOR-1355-400"),
        ({"objectType": "table", "object": "odd", "FILTERS": filters(compared("nothing"))}, "CONNECTOR-1378-400"),
        ({"objectType": "table", "object": "odd", "filters": filters(compared("whole"))}, "CONNECTOR-1379-400"),
        ({"objectType": "root", "filters": filters(compared("word"))}, "CONNECTOR-1353-400"),
        ({"objectType": "root", "columnDelimiter": "ab"}, "CONNECTOR-1331-400"),
        ({"objectType": "root", "column_delimiter": "Ω≈"}, "CONNECTOR-1331-400"),
        ({"objectType": "root", "fileType": "xlsx"}, "CONNECTOR-1327-400"),
        ({"objectType": "root", "CompressionType": "rar"}, "FLOW-1451-400"),
        ({"objectType": "root", "encoding": "EBCDIC"}, "FLOW-1451-400"),
        ({"objectType": "root", "determineProperties": "perhaps"}, "FLOW-1451-400"),
        ({"objectType": "table", "object": "odd", "determineProperties": "true"}, "CONNECTOR-1371-400"),
        (
            {"objectType": "table", "object": "odd", "determineProperties": "true", "fileType": "json"},
            "CONNECTOR-1374-400",
        ),
        (
            {"objectType": "table", "object": "odd", "DETERMINE_PROPERTIES": "True", "columnDelimiter": ","},
            "CONNECTOR-1374-400",
        ),
    ],
)
def test_what_cannot_be_explored_says_why(client: Client, account: str, query: dict[str, str], code: str) -> None:
    refusal(explored(client, account, **query), code)


@pytest.mark.parametrize(
    "other",
    [
        {"fileType": "delimited"},
        {"FileType": "Delimited", "columnDelimiter": "\\t"},
        {"FILE_TYPE": "PARQUET", "columnDelimiter": "%09"},
        {"compressionType": "tarGzip", "encoding": "utf-8"},
        {"determineProperties": "false", "COLUMN_DELIMITER": "|", "unknown": "x"},
    ],
)
def test_what_clients_say_of_files_plays_no_part_in_a_table(
    client: Client, account: str, odd: str, other: dict[str, str]
) -> None:
    plain = explored(client, account, objectType="table", object=odd)
    for spelt in ({"objectType": "TABLE", "object": odd}, {"OBJECT_TYPE": "table", "Object": odd}):
        answer = explored(client, account, **spelt, **other)
        assert (answer.status_code, answer.json()["schema"]) == (200, plain.json()["schema"])


def test_the_columns_of_a_table_are_told_however_the_parameter_is_spelt(client: Client, account: str, odd: str) -> None:
    told = client.get(f"{FLOW}/connections/{account}/configs", params={"object": odd}).json()
    assert client.get(f"{FLOW}/connections/{account}/configs", params={"OBJECT": odd}).json() == told


@pytest.mark.parametrize("name", ["../etc", "a b", "x'y", "Tables", "%2e%2e", "\u202e", "a" * 500, "odd()", "odd?x=1"])
def test_a_name_that_no_table_can_have_is_refused(client: Client, account: str, odd: str, name: str) -> None:
    refusal(explored(client, account, objectType="table", object=name))


def test_an_empty_table_has_its_keys_as_columns(client: Client, account: str, azurite: Azurite) -> None:
    table = resources.seeded(azurite, "empty", [])
    shown = explored(client, account, objectType="table", object=table, preview="true").json()
    assert {column["name"] for column in shown["schema"]["columns"]} <= {"PartitionKey", "RowKey", "Timestamp"}
    assert shown["data"] == []

"""Row filters and columns of source connections, from the call that makes one to the rows that land."""

from typing import Any

import pytest
from deltalake import DeltaTable

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, Dataflow, refusal, status

DATE = "2026-03-01T12:00:00Z"
ENTITIES: list[dict[str, Any]] = [
    {
        "PartitionKey": f"p{number % 3}",
        "RowKey": f"{number:05d}",
        "name": f"Person {number}",
        "age": number,
        "mark": str(number) if number % 4 else number,
        "seen@odata.type": "Edm.DateTime",
        "seen": f"2026-03-01T{number % 24:02d}:00:00Z",
        "isOld": number >= 100,
        **({"note": "rare"} if number % 50 == 0 else {}),
    }
    for number in range(200)
]


def compared(column: str, operator: str, *value: Any) -> Any:
    operands = [{"nodeType": "fieldLookup", "fieldName": column}]
    operands += [{"nodeType": "literal", "value": one} for one in value]
    return applied(operator, *operands)


def applied(name: str, *params: Any) -> Any:
    return {"nodeType": "fnApply", "fnName": name, "params": list(params)}


def pql(value: Any) -> Any:
    return {"type": "PQL", "format": "pql/json", "value": value}


@pytest.fixture(scope="module")
def chosen(client: Client, azurite: Azurite) -> Dataflow:
    """All that a flow needs over a table of many types; its mapping reads the key and the name."""
    return resources.names_flow(client, azurite.connection_string, resources.seeded(azurite, "chosen", ENTITIES))


def source(chosen: Dataflow, **params: Any) -> Any:
    body = resources.source(chosen.connection_id, chosen.table, params={"tableName": chosen.table, **params})
    return chosen.client.post(f"{FLOW}/sourceConnections", json=body)


@pytest.fixture
def target(chosen: Dataflow) -> tuple[str, str]:
    """A dataset of a test's own, and a target connection to it."""
    client = chosen.client
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(chosen.schema_id, "filtered"))
    dataset_id = reference.removeprefix("@/dataSets/")
    return dataset_id, client.made(f"{FLOW}/targetConnections", resources.target(dataset_id))["id"]


def landed(server: Server, dataset_id: str) -> list[str]:
    (table,) = server.home.rglob(dataset_id)
    return sorted(DeltaTable(str(table)).to_pyarrow_table(columns=["_id"]).column("_id").to_pylist())


YOUNG, RARE, EARLY = (
    compared("age", "<", 120),
    compared("note", "=", "rare"),
    compared("seen", "<", "2026-03-01T02:00Z"),
)


@pytest.mark.parametrize(
    ("value", "passing"),
    [
        (compared("age", "<", 50), lambda n: n < 50),
        (applied("and", compared("PartitionKey", "=", "p1"), YOUNG), lambda n: n % 3 == 1 and n < 120),
        (applied("or", compared("RowKey", "like", "0019%"), RARE), lambda n: n >= 190 or n % 50 == 0),
        (applied("not", compared("note", "isNull")), lambda n: n % 50 == 0),
        (compared("mark", ">=", 180), lambda n: n >= 180),
        (applied("and", EARLY, compared("isOld", "=", True)), lambda n: n % 24 < 2 and n >= 100),
        (compared("name", "in", ["Person 7", "Person 77", "nobody"]), lambda n: n in {7, 77}),
        (compared("RowKey", ">", "00500"), lambda n: False),
    ],
)  # fmt: skip
def test_a_flow_lands_exactly_the_rows_that_pass(
    chosen: Dataflow, server: Server, target: tuple[str, str], value: Any, passing: Any
) -> None:
    client, (dataset_id, target_id) = chosen.client, target
    source_id = source(chosen, filters=pql(value)).json()["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(source_id, target_id, chosen.mapping_id))["id"]
    (run,) = resources.ended(client, flow)
    expected = sorted(f"{number:05d}" for number in range(200) if passing(number))
    records = run["metrics"]["recordSummary"]
    assert (status(run), records["outputRecordCount"]) == ("success", len(expected))
    assert records["inputRecordCount"] == records["outputRecordCount"] + records["skippedRecordCount"]
    assert (landed(server, dataset_id) if expected else []) == expected


def test_a_run_reads_only_what_the_service_was_asked_for(
    chosen: Dataflow, server: Server, target: tuple[str, str]
) -> None:
    client, (dataset_id, target_id) = chosen.client, target
    wanted = applied("and", compared("PartitionKey", "=", "p1"), compared("mark", ">=", 100))
    source_id = source(chosen, filters=pql(wanted)).json()["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(source_id, target_id, chosen.mapping_id))["id"]
    (run,) = resources.ended(client, flow)
    records = run["metrics"]["recordSummary"]
    # The marks are of two types: which of the partition's 67 pass is decided after reading.
    assert (records["inputRecordCount"], records["outputRecordCount"]) == (67, 34)
    assert len(landed(server, dataset_id)) == 34
    (line,) = [line for line in server.log.read_text().splitlines() if f"run {run['id']} filters rows" in line]
    assert "by the source: PartitionKey =" in line
    assert "after reading: mark >=" in line


def test_a_flow_keeps_the_filter_that_its_source_connection_had(
    chosen: Dataflow, server: Server, target: tuple[str, str]
) -> None:
    client, (dataset_id, target_id) = chosen.client, target
    source_id = source(chosen, filters=pql(compared("age", "<", 3))).json()["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(source_id, target_id, chosen.mapping_id))["id"]
    resources.ended(client, flow)
    change = {"op": "replace", "path": "/params/filters", "value": pql(compared("age", ">", 195))}
    answer = client.patch(f"{FLOW}/sourceConnections/{source_id}", json=[change], headers={"If-Match": "*"})
    assert answer.status_code == 200
    client.made(f"{FLOW}/runs", {"flowId": flow})
    resources.ended(client, flow, runs=2)
    assert landed(server, dataset_id) == sorted(["00000", "00001", "00002"] * 2)
    (shown,) = client.get(f"{FLOW}/sourceConnections/{source_id}").json()["items"]
    assert shown["params"]["filters"] == pql(compared("age", ">", 195))


@pytest.mark.parametrize(
    ("filters", "code", "place"),
    [
        ({"type": "SQL"}, "CONNECTOR-1355-400", "params/filters/type"),
        (pql(compared("age", "=")), "CONNECTOR-1357-400", "params/filters/value/params/1"),
        (pql(compared("nothing", "=", "x")), "CONNECTOR-1378-400", "nothing"),
        (pql(compared("age", ">", "old")), "CONNECTOR-1379-400", "age"),
        (pql(compared("age", "=", True)), "CONNECTOR-1379-400", "age"),
        (pql(compared("isOld", "=", 1)), "CONNECTOR-1379-400", "isOld"),
        (pql(compared("seen", ">", "yesterday")), "CONNECTOR-1379-400", "seen"),
        (pql(compared("seen", "in", [DATE, 7])), "CONNECTOR-1379-400", "seen"),
        ([], "FLOW-1452-400", "filters"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_with_its_place(
    chosen: Dataflow, filters: Any, code: str, place: str
) -> None:
    assert place in refusal(source(chosen, filters=filters), code)["errorMessage"]


@pytest.mark.parametrize(
    "value",
    [
        compared("mark", "=", "7"),
        compared("mark", "=", 7),
        compared("name", "=", 7),
        compared("seen", "like", "2026-03%"),
        compared("seen", ">=", "2026-03-01"),
        compared("age", "like", "1%"),
    ],
)
def test_a_value_that_may_be_compared_is_taken(chosen: Dataflow, value: Any) -> None:
    assert source(chosen, filters=pql(value)).status_code == 201


def test_a_draft_takes_no_malformed_filter(chosen: Dataflow) -> None:
    body = resources.source(chosen.connection_id, chosen.table, params={"filters": {"type": "SQL"}})
    refusal(chosen.client.post(f"{FLOW}/sourceConnections?mode=draft", json=body), "CONNECTOR-1355-400")


def test_a_mapping_reads_selected_columns_alone_and_a_filter_any(
    chosen: Dataflow, server: Server, target: tuple[str, str]
) -> None:
    client, (dataset_id, target_id) = chosen.client, target
    wanted = pql(compared("age", "<", 2))
    narrow = source(chosen, columns=[{"name": "name"}], filters=wanted).json()["id"]
    refusal(client.post(f"{FLOW}/flows", json=resources.flow(narrow, target_id, chosen.mapping_id)), "FLOW-1419-400")
    wide = source(chosen, columns=[{"name": "name"}, {"name": "RowKey"}], filters=wanted).json()["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(wide, target_id, chosen.mapping_id))["id"]
    resources.ended(client, flow)
    assert landed(server, dataset_id) == ["00000", "00001"]

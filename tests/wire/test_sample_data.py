"""Sample data through the API: an account that asks for nothing, and rows that show what becomes of wrong values."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, SAMPLE_DATA, SANDBOXES, refusal

SPEC: Final = {"id": SAMPLE_DATA, "version": "1.0"}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """A client of a sandbox of its own."""
    with server.client() as calls:
        body = {"name": "trying", "title": "Trying", "type": "development"}
        calls.made(f"{SANDBOXES}/sandboxes", body, status=202)
    with server.client(sandbox="trying") as calls:
        yield calls


@pytest.fixture(scope="module")
def account(client: Client) -> str:
    """An account of sample data."""
    return str(client.made(f"{FLOW}/connections", resources.sample_account())["id"])


def run_of(client: Client, account: str, table: str, *, key: str = "") -> Any:
    """The run of a dataflow that lands every column in a schema of its own, upserted by a column if one is named."""
    made = client.made(f"/v1/connections/{account}/schema", {"object": table, "title": f"Sample {table}"})
    fields = {one["source"]: one["path"] for one in made["fields"]}
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(made["schemaId"], f"sample {table}"))
    params: dict[str, Any] = {"dataSetId": reference.removeprefix("@/dataSets/")}
    if key:
        params |= {"writeMode": "upsert", "keyFields": [fields[key]]}
    source = client.made(f"{FLOW}/sourceConnections", resources.source(account, table, connectionSpec=SPEC))
    target = client.made(f"{FLOW}/targetConnections", resources.target(params["dataSetId"], params=params))
    options = {"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True}
    body = resources.flow(source["id"], target["id"], made["mappingSetId"], options=options)
    (run,) = resources.ended(client, client.made(f"{FLOW}/flows", body)["id"])
    return run


def test_an_account_needs_no_secret_and_its_check_passes(client: Client, account: str) -> None:
    shown = client.one(f"{FLOW}/connections/{account}")
    assert shown["auth"] == {"specName": "No Sign-in", "params": {}}
    checked = client.post(f"/v1/connections/{account}/check").json()
    assert [(step["name"], step["status"]) for step in checked["steps"]] == [
        ("parse-input", "passed"),
        ("make-rows", "passed"),
    ]
    other = resources.sample_account(auth={"specName": "Other", "params": {}})
    refusal(client.post(f"{FLOW}/connections", json=other))


def test_its_tables_are_explored_and_tell_coverage_and_mixed_types(client: Client, account: str) -> None:
    path = f"{FLOW}/connections/{account}/explore"
    assert [node["name"] for node in client.get(f"{path}?objectType=root").json()] == [
        "customers",
        "orders",
        "products",
    ]
    shown = client.get(f"{path}?objectType=table&object=customers&preview=true").json()
    columns = {column["name"]: column for column in shown["schema"]["columns"]}
    assert shown["sampledRowCount"] == 1_000
    assert len(shown["data"]) == 100
    assert columns["loyaltyPoints"]["mixedTypes"] == ["integer", "text"]
    assert columns["email"]["coverage"] == 0.997
    assert columns["registeredAt"]["meta:xdmType"] == "date-time"
    assert shown["keyColumns"] == ["id"]


def test_words_among_numbers_become_nothing_with_a_warning(client: Client, account: str) -> None:
    run = run_of(client, account, "orders")
    assert resources.status(run) == "success"
    rows = run["metrics"]["recordSummary"]
    assert (rows["inputRecordCount"], rows["outputRecordCount"]) == (5_000, 5_000)
    (warning,) = rows["warningInfo"]
    assert warning["count"] == 2
    assert warning["field"].endswith(".quantity")


def test_customers_without_the_key_wait_in_quarantine(client: Client, account: str) -> None:
    run = run_of(client, account, "customers", key="email")
    assert resources.status(run) == "partialSuccess"
    rows = run["metrics"]["recordSummary"]
    assert rows["inputRecordCount"] == 1_000
    assert rows["failedRecordCount"] == 3
    # Two have the same e-mail: one of them is there.
    assert rows["outputRecordCount"] == 996
    rejected = client.get(f"/v1/runs/{run['id']}/rejects").json()
    assert "C0058" in str(rejected)

"""Changing what exists: JSON Patch under an etag, on all four collections."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, UNKNOWN, Dataflow, refusal

COLLECTIONS = ("connections", "sourceConnections", "targetConnections", "flows")


@pytest.fixture(params=COLLECTIONS)
def collection(request: pytest.FixtureRequest) -> str:
    """Each of the collections."""
    return str(request.param)


@pytest.fixture
def path(client: Client, dataflow: Dataflow, azurite: Any, collection: str) -> Iterator[str]:
    """The path of a resource of the test's own."""
    bodies = {
        "connections": lambda: resources.connection(azurite.connection_string, description="old"),
        "sourceConnections": lambda: resources.source(dataflow.connection_id, dataflow.table, description="old"),
        "targetConnections": lambda: resources.target(dataflow.dataset_id, description="old"),
        "flows": lambda: dataflow.body(description="old", scheduleParams=resources.never()),
    }
    made = f"{FLOW}/{collection}/{client.made(f'{FLOW}/{collection}', bodies[collection]())['id']}"
    yield made
    client.delete(made)


def test_a_patch_answers_the_new_etag(client: Client, path: str, collection: str) -> None:
    before = client.one(path)
    steps = [
        {"op": "Replace", "path": "/name", "value": "new"},
        {"op": "remove", "path": "/description", "value": "ignored"},
        {"op": "add", "path": "/labels", "value": ["core/C12"]},
        {"op": "ADD", "path": "/labels/-", "value": "core/C4"},
        {"op": "add", "path": "/policy", "value": {"enforcementRefs": ["/dulepolicy/marketingActions/core/x"]}},
    ]
    answer = client.patch(path, json=steps, headers={"If-Match": before["etag"]})
    assert answer.status_code == 200, answer.text
    after = client.one(path)
    assert answer.json()["id"] == after["id"]
    assert answer.json()["etag"] == after["etag"] == after["version"] != before["etag"]
    assert (after["name"], after["labels"]) == ("new", ["core/C12", "core/C4"])
    assert "description" not in after
    assert after["updatedAt"] >= before["updatedAt"]
    untouched = {name: value for name, value in before.items() if name not in _MOVED}
    assert {name: after[name] for name in untouched} == untouched
    if collection == "flows":
        assert (answer.json()["name"], answer.json()["state"]) == ("new", "enabled")


_MOVED = {"name", "description", "etag", "version", "updatedAt", "updatedBy", "updatedClient", "lastOperation"}


def test_if_match_may_come_as_a_parameter_and_without_quotes(client: Client, path: str) -> None:
    for step, query in (("a", True), ("b", False)):
        etag = client.one(path)["etag"]
        patch = [{"op": "replace", "path": "/name", "value": step}]
        params = {"if-match": etag} if query else None
        headers = {} if query else {"if-match": etag.strip('"')}
        assert client.patch(f"{path}/", json=patch, params=params, headers=headers).status_code == 200
        assert client.one(path)["name"] == step


def test_a_patch_without_or_with_an_old_etag_is_refused(client: Client, path: str) -> None:
    patch = [{"op": "replace", "path": "/name", "value": "new"}]
    etag = client.one(path)["etag"]
    refusal(client.patch(path, json=patch), "FLOW-1403-400")
    body = refusal(client.patch(path, json=patch, headers={"If-Match": '"old"'}), "FLOW-1404-412")
    assert body["title"] == "Version not matching"
    assert body["errorMessage"].startswith('Supplied version=["')
    assert client.one(path)["etag"] == etag
    refusal(client.patch(path[:-36] + UNKNOWN, json=patch, headers={"If-Match": "*"}), "FLOW-1439-404")


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"op": "move", "from": "/name", "path": "/description"}, "FLOW-1434-400"),
        ({"op": "copy", "from": "/name", "path": "/description"}, "FLOW-1434-400"),
        ({"op": "test", "path": "/name", "value": "x"}, "FLOW-1434-400"),
        ({"op": "replace", "path": "/id", "value": "x"}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/etag", "value": "x"}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/state", "value": "disabled"}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/sandboxName", "value": "x"}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/inheritedAttributes", "value": {}}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/unifiedMetadata", "value": {}}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/nothing", "value": 1}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/name", "value": 7}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/name", "value": "x" * 256}, "FLOW-1455-400"),
        ({"op": "replace", "path": "/description", "value": "x" * 4_001}, "FLOW-1455-400"),
        ({"op": "add", "path": "/labels", "value": "core/C1"}, "FLOW-1455-400"),
        ({"op": "add", "path": "/labels", "value": [1]}, "FLOW-1455-400"),
        ({"op": "add", "path": "/policy", "value": []}, "FLOW-1455-400"),
        ({"op": "add", "path": "/name"}, "FLOW-1455-400"),
        ({"path": "/name"}, "FLOW-1455-400"),
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing(client: Client, path: str, step: dict[str, Any], code: str) -> None:
    before = client.one(path)
    sound = {"op": "replace", "path": "/name", "value": "half-made"}
    refusal(client.patch(path, json=[sound, step], headers={"If-Match": before["etag"]}), code)
    assert client.one(path) == before


def test_of_two_writers_on_one_etag_one_wins(client: Client, path: str) -> None:
    for _ in range(5):
        etag = client.one(path)["etag"]
        statuses: list[int] = []

        def write(name: str, etag: str = etag, statuses: list[int] = statuses) -> None:
            step = [{"op": "replace", "path": "/name", "value": name}]
            statuses.append(client.patch(path, json=step, headers={"If-Match": etag}).status_code)

        writers = [threading.Thread(target=write, args=(f"writer {number}",)) for number in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(statuses) == [200, 412, 412, 412]


# --- what only some of them have -------------------------------------------------------------------------------------


def test_the_spec_of_a_connection_is_fixed(client: Client, dataflow: Dataflow) -> None:
    for path in (f"connections/{dataflow.connection_id}", f"sourceConnections/{dataflow.source_id}"):
        step = [{"op": "replace", "path": "/connectionSpec/id", "value": resources.LAKE}]
        refusal(client.patch(f"{FLOW}/{path}", json=step, headers={"If-Match": "*"}), "FLOW-1414-400")


@pytest.mark.parametrize("collection", ["sourceConnections"], indirect=True)
@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"op": "replace", "path": "/params/tableName", "value": "doesNotExist"}, "FLOW-1101-404"),
        ({"op": "remove", "path": "/params"}, "CONNECTOR-1304-400"),
        ({"op": "add", "path": "/params/columns", "value": [{"name": "nothing"}]}, "CONNECTOR-1378-400"),
        ({"op": "replace", "path": "/data", "value": {"format": "json"}}, "CONNECTOR-1327-400"),
        ({"op": "replace", "path": "/baseConnectionId", "value": UNKNOWN}, "FLOW-1455-400"),
    ],
)
def test_a_changed_source_must_still_be_readable(client: Client, path: str, step: dict[str, Any], code: str) -> None:
    before = client.one(path)
    refusal(client.patch(path, json=[step], headers={"If-Match": "*"}), code)
    assert client.one(path) == before


@pytest.mark.parametrize("collection", ["targetConnections"], indirect=True)
def test_a_changed_target_must_still_have_a_dataset(client: Client, path: str) -> None:
    before = client.one(path)
    for value, code in (("0" * 24, "FLOW-1452-400"), ("", "CONNECTOR-1325-400"), (None, "CONNECTOR-1304-400")):
        step = [{"op": "replace", "path": "/params/dataSetId", "value": value}]
        refusal(client.patch(path, json=step, headers={"If-Match": "*"}), code)
    assert client.one(path) == before


@pytest.mark.parametrize("collection", ["flows"], indirect=True)
@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"op": "replace", "path": "/transformations", "value": []}, "CONNECTOR-1370-400"),
        ({"op": "replace", "path": "/transformations/0/params/mappingVersion", "value": 9}, "FLOW-1412-400"),
        ({"op": "replace", "path": "/transformations/0/params/mappingId", "value": "0" * 32}, "FLOW-1439-404"),
        ({"op": "add", "path": "/options/partialIngestionPercent", "value": 200}, "FLOW-1452-400"),
        ({"op": "replace", "path": "/scheduleParams/frequency", "value": "never"}, "CONNECTOR-1397-400"),
        ({"op": "add", "path": "/scheduleParams/interval", "value": 15}, "CONNECTOR-1361-400"),
        ({"op": "replace", "path": "/flowSpec/id", "value": UNKNOWN}, "FLOW-1455-400"),
    ],
)
def test_a_changed_flow_must_still_be_able_to_run(client: Client, path: str, step: dict[str, Any], code: str) -> None:
    before = client.one(path)
    refusal(client.patch(path, json=[step], headers={"If-Match": "*"}), code)
    assert client.one(path) == before


def test_a_changed_source_does_not_reach_flows_made_from_it(client: Client, dataflow: Dataflow, azurite: Any) -> None:
    few = resources.seeded(azurite, "fewpeople", resources.people(3))
    source = client.made(f"{FLOW}/sourceConnections", resources.source(dataflow.connection_id, dataflow.table))["id"]
    flow = dataflow.started(sourceConnectionIds=[source])
    resources.ended(client, flow)
    step = [{"op": "replace", "path": "/params/tableName", "value": few}]
    assert client.patch(f"{FLOW}/sourceConnections/{source}", json=step, headers={"If-Match": "*"}).status_code == 200
    client.made(f"{FLOW}/runs", {"flowId": flow})
    assert {run["metrics"]["recordSummary"]["inputRecordCount"] for run in resources.ended(client, flow, runs=2)} == {
        40
    }
    later = dataflow.started(sourceConnectionIds=[source])
    (run,) = resources.ended(client, later)
    assert run["metrics"]["recordSummary"]["inputRecordCount"] == 3


def test_a_changed_name_does_not_make_a_flow_run_again(client: Client, dataflow: Dataflow) -> None:
    flow = dataflow.started(name="once")
    resources.ended(client, flow)
    step = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert client.patch(f"{FLOW}/flows/{flow}", json=step, headers={"If-Match": "*"}).status_code == 200
    client.made(f"{FLOW}/runs", {"flowId": flow})
    assert len(resources.ended(client, flow, runs=2)) == 2

"""Every documented operation is answered as docs/operations.md says, and every difference there names a test that
exists."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from demo.azurite import Azurite
from docs import operations as docs
from tests.live import ROOT, Client, Server
from tests.wire import resources
from tests.wire.provoking import BATCH_PROVIDER
from tests.wire.resources import AZURE_TABLE, FLOW, LAKE, Dataflow, ended

OPERATIONS: Final = {operation.name: operation for operation in docs.operations()}
ANY: Final = {"If-Match": "*"}
RENAMED: Final = [{"op": "replace", "path": "/name", "value": "renamed"}]


@dataclass(frozen=True, kw_only=True)
class World:
    client: Client
    dataflow: Dataflow
    landed: str
    repeatable: str
    """Run that landed nothing, and so may be run again."""
    connection_string: str
    credentials: dict[str, str]

    def body(self, collection: str) -> dict[str, Any]:
        flow = self.dataflow
        bodies: Mapping[str, Callable[[], dict[str, Any]]] = {
            "connections": lambda: resources.connection(self.connection_string),
            "sourceConnections": lambda: resources.source(flow.connection_id, flow.table),
            "targetConnections": lambda: resources.target(flow.dataset_id),
            "flows": lambda: flow.body(scheduleParams=resources.never()),
            "connectionSpecs": lambda: {"name": "own", "type": "generic-rest", "providerId": BATCH_PROVIDER},
            "flowSpecs": lambda: {
                "name": "own",
                "providerId": BATCH_PROVIDER,
                "sourceConnectionSpecIds": [AZURE_TABLE],
                "targetConnectionSpecIds": [LAKE],
            },
        }
        return bodies[collection]()

    def made(self, collection: str, query: str = "") -> str:
        return str(self.client.made(f"{FLOW}/{collection}{query}", self.body(collection))["id"])


@pytest.fixture(scope="module")
def world(client: Client, server: Server, azurite: Azurite, dataflow: Dataflow, landed: str) -> World:
    """What the operations work on."""
    flow = dataflow.started(scheduleParams=resources.never())
    # Nothing changed in the second of 1970 that is asked for.
    params = {"startTime": 1, "windowStartTime": 1, "windowEndTime": 2, "deltaColumn": {"name": "Timestamp"}}
    client.made(f"{FLOW}/runs", {"flowId": flow, "params": params})
    (run,) = ended(client, flow)
    known = server.credentials()
    return World(
        client=client,
        dataflow=dataflow,
        landed=landed,
        repeatable=run["id"],
        connection_string=azurite.connection_string,
        credentials={
            "grant_type": "client_credentials",
            "client_id": known["clientId"],
            "client_secret": known["clientSecret"],
        },
    )


# What is sent along with the operations that take more than a path.
QUERIES: Final[Mapping[str, Callable[[World], dict[str, str]]]] = {
    "exploreConnection": lambda _: {"objectType": "root"},
    "exploreConnectionSpec": lambda _: {"objectType": "root"},
    "getConnectionConfigs": lambda at: {"object": at.dataflow.table},
    "getConnectionSpecConfigs": lambda _: {"outputType": "activationDatasets", "outputField": "datasets"},
    "flowAction": lambda _: {"op": "disable"},
    "runAction": lambda _: {"op": "re-trigger"},
    "connectionAction": lambda _: {"op": "PUBLISH"},
    "sourceConnectionAction": lambda _: {"op": "PUBLISH"},
    "targetConnectionAction": lambda _: {"op": "PUBLISH"},
    "getLandingZoneContainer": lambda _: {"type": "user_drop_zone"},
    "getLandingZoneCredentials": lambda _: {"type": "user_drop_zone"},
    "refreshLandingZoneCredentials": lambda _: {"type": "user_drop_zone", "action": "refresh"},
}
BODIES: Final[Mapping[str, Callable[[World], Any]]] = {
    "createRun": lambda at: {"flowId": at.landed},
    "updateRun": lambda at: {"flowId": at.landed},
    "refreshLandingZoneCredentials": lambda _: {},
    "createEncryptionKey": lambda _: {"encryptionAlgorithm": "PGP", "params": {"passPhrase": "x"}},
    "createMappingSet": lambda at: resources.mapping_set(at.dataflow.schema_id, {"RowKey": "_id"}),
    "streamingIngest": lambda _: {"x": 1},
}


def called(world: World, operation: docs.Operation) -> httpx.Response:
    """The answer to the operation, on a resource of its own where it changes one."""
    collection = operation.path.removeprefix(f"{FLOW}/").split("/")[0]
    path = operation.path
    if "{id}" in path:
        path = path.replace("{id}", _id(world, operation, collection))
    body = BODIES[operation.name](world) if operation.name in BODIES else None
    if body is None and operation.method in {"POST", "PUT"} and path.startswith(FLOW):
        body = {} if path.endswith("/search") else None if path.endswith("/action") else world.body(collection)
    if operation.method == "PATCH":
        body = RENAMED
    query = QUERIES[operation.name](world) if operation.name in QUERIES else None
    if operation.name == "imsToken":
        return world.client.post(path, data=world.credentials)
    return world.client.request(operation.method, path, params=query, json=body, headers=ANY)


def _id(world: World, operation: docs.Operation, collection: str) -> str:
    if collection == "runs":
        return world.repeatable
    if operation.method == "GET":
        return {
            "connections": world.dataflow.connection_id,
            "sourceConnections": world.dataflow.source_id,
            "targetConnections": world.dataflow.target_id,
            "flows": world.landed,
            "connectionSpecs": AZURE_TABLE,
            "flowSpecs": resources.CRM_TO_AEP,
        }[collection]
    if collection not in {"connections", "sourceConnections", "targetConnections", "flows", "connectionSpecs"}:
        return resources.UNKNOWN if collection != "flowSpecs" else world.made(collection)
    drafted = operation.path.endswith("/action") and collection != "flows"
    return world.made(collection, "?mode=draft" if drafted else "")


def test_all_documented_operations_are_there() -> None:
    of_the_service = [name for name, found in OPERATIONS.items() if found.path.startswith(f"{FLOW}/")]
    assert (len(of_the_service), len(OPERATIONS), len(docs.operations())) == (45, 53, 53)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_answered_as_the_docs_say(world: World, name: str) -> None:
    operation = OPERATIONS[name]
    answer = called(world, operation)
    assert answer.status_code == operation.status, answer.text
    if operation.code:
        body = answer.json()
        assert operation.code in {body["type"].rpartition("/")[2], body["code"]}
        assert operation.why
        assert body["advice"]
    elif operation.status != 204:
        assert answer.json()


@pytest.mark.parametrize("difference", docs.DIFFERENCES, ids=lambda difference: difference.what[:40])
def test_a_difference_has_a_reason_and_a_test_that_exists(difference: docs.Difference) -> None:
    assert difference.what.endswith(".")
    assert difference.why.endswith(".")
    if difference.test:
        file, _, name = difference.test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

"""What the tests of the wire make through the API: bodies as small as they may be, and a whole dataflow of them."""

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

from demo.azurite import Azurite
from demo.tables import TableAccount, seed
from tests.live import Client

FLOW: Final = "/data/foundation/flowservice"
REGISTRY: Final = "/data/foundation/schemaregistry"
CATALOG: Final = "/data/foundation/catalog"
DATASETS: Final = "/data/foundation/dataset/datasets"
PREP: Final = "/data/foundation/conversion"
POLICY: Final = "/data/foundation/dulepolicy"
SANDBOXES: Final = "/data/foundation/sandbox-management"

AZURE_TABLE: Final = "ecde33f2-c56f-46cc-bdea-ad151c16cd69"
SAMPLE_DATA: Final = "8e0d5c1f-6a3b-4f27-9b64-2d7c90e1a5f8"
LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_TO_AEP: Final = "14518937-270c-4525-bdec-c2ba7cce3860"
BY_STRING: Final = "Connection String Based Authentication"
PROFILE: Final = "https://ns.adobe.com/xdm/context/profile"
UNKNOWN: Final = "11111111-2222-4333-8444-555555555555"

_ENDED: Final = frozenset({"success", "partialSuccess", "failed"})
_numbers = itertools.count(1)


def refusal(answer: httpx.Response, code: str = "") -> Any:
    """The body of an answer that refuses as documented, with a `code` such as `FLOW-1439-404`."""
    body = answer.json()
    assert 400 <= answer.status_code < 500, answer.text
    if answer.request.url.path.startswith(DATASETS):
        assert (body["status"], body["code"]) == (HTTPStatus(answer.status_code).name, f"PES-{answer.status_code}")
        return body
    assert body["status"] == answer.status_code
    assert body["type"].endswith(code), answer.text
    assert body["title"]
    assert "items" not in body
    return body


def policy(*labels: str, actions: Sequence[str] = ("core/emailTargeting",), **other: Any) -> dict[str, Any]:
    """A policy that denies the actions for data with one of the labels. It is enabled."""
    return {
        "name": "denied",
        "status": "ENABLED",
        "marketingActionRefs": [f"../marketingActions/{action}" for action in actions],
        "deny": {"operator": "OR", "operands": [{"label": label} for label in labels]},
        **other,
    }


def draft(**other: Any) -> dict[str, Any]:
    """A new dataflow, filled in up to its second step."""
    return {"name": "People", "kind": "dataflow", "step": "select", "body": {"table": "people"}, **other}


def people(count: int) -> list[dict[str, Any]]:
    """Entities with a name, an age, and a mark that is text and mostly a number."""
    return [
        {"PartitionKey": "p", "RowKey": f"{number:05d}", "name": f"Person {number}", "age": number, "mark": str(number)}
        for number in range(count)
    ]


def seeded(azurite: Azurite, table: str, entities: Iterable[dict[str, Any]]) -> str:
    """`table`, made and filled."""
    seed(TableAccount(endpoint=azurite.endpoint), table, iter(entities))
    return table


def connection(connection_string: str, **other: Any) -> dict[str, Any]:
    """A body of `POST /connections`."""
    auth = {"specName": BY_STRING, "params": {"connectionString": connection_string}}
    return {"name": "account", "auth": auth, "connectionSpec": {"id": AZURE_TABLE, "version": "1.0"}, **other}


def sample_account(**other: Any) -> dict[str, Any]:
    """A body of `POST /connections` that makes an account of sample data."""
    auth = {"specName": "No Sign-in", "params": {}}
    return {"name": "Sample data", "auth": auth, "connectionSpec": {"id": SAMPLE_DATA, "version": "1.0"}, **other}


def source(base_id: str, table: str, **other: Any) -> dict[str, Any]:
    """A body of `POST /sourceConnections`."""
    return {
        "name": "source",
        "baseConnectionId": base_id,
        "data": {"format": "tabular"},
        "params": {"tableName": table},
        "connectionSpec": {"id": AZURE_TABLE, "version": "1.0"},
        **other,
    }


def target(dataset_id: str, **other: Any) -> dict[str, Any]:
    """A body of `POST /targetConnections`."""
    spec = {"id": LAKE, "version": "1.0"}
    return {"name": "target", "params": {"dataSetId": dataset_id}, "connectionSpec": spec, **other}


def field_group(tenant: str, fields: Mapping[str, Any], *, required: Sequence[str] = ()) -> dict[str, Any]:
    """A body of `POST /tenant/fieldgroups`: own fields of the tenant."""
    own = {"type": "object", "properties": dict(fields), "required": list(required)}
    return {
        "type": "object",
        "title": f"Own fields {next(_numbers)}",
        "meta:intendedToExtend": [PROFILE],
        "definitions": {"own": {"properties": {tenant: own}}},
        "allOf": [{"$ref": "#/definitions/own"}],
    }


def schema(*refs: str) -> dict[str, Any]:
    """A body of `POST /tenant/schemas`."""
    return {"type": "object", "title": f"Schema {next(_numbers)}", "allOf": [{"$ref": ref} for ref in refs]}


def dataset(schema_id: str, name: str = "rows") -> dict[str, Any]:
    """A body of `POST /dataSets`."""
    return {"name": name, "schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"}}


def mapping_set(schema_id: str, mapping: Mapping[str, str]) -> dict[str, Any]:
    """A body of `POST /mappingSets` in the tutorials' dialect."""
    rules = [{"sourceAttribute": column, "destinationXdmPath": path} for column, path in mapping.items()]
    return {"version": 0, "xdmSchema": schema_id, "xdmVersion": "1.0", "id": None, "mappings": rules}


def flow(source_id: str, target_id: str, mapping_id: str, **other: Any) -> dict[str, Any]:
    """A body of `POST /flows` that is due at once."""
    return {
        "name": "flow",
        "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [source_id],
        "targetConnectionIds": [target_id],
        "transformations": [{"name": "Mapping", "params": {"mappingId": mapping_id, "mappingVersion": 0}}],
        "scheduleParams": {"startTime": "1717000000", "frequency": "once"},
        **other,
    }


def never() -> dict[str, Any]:
    """A schedule that does not come up during the tests."""
    return {"startTime": int(time.time()) + 86_400, "frequency": "once"}


@dataclass(frozen=True, kw_only=True)
class Dataflow:
    """Ids of everything up to the mapping set; flows are made from it."""

    client: Client
    tenant: str
    table: str
    connection_id: str
    source_id: str
    schema_id: str
    dataset_id: str
    target_id: str
    mapping_id: str

    def body(self, **other: Any) -> dict[str, Any]:
        """A body of `POST /flows` over these."""
        return flow(self.source_id, self.target_id, self.mapping_id, **other)

    def started(self, **other: Any) -> str:
        """The id of a new flow."""
        return str(self.client.made(f"{FLOW}/flows", self.body(**other))["id"])


def dataflow(
    client: Client,
    connection_string: str,
    table: str,
    *,
    fields: Mapping[str, Any],
    mapping: Mapping[str, str],
    required: Sequence[str] = (),
) -> Dataflow:
    """All that a flow needs. In `mapping`, a path `.name` is a field of the tenant's own."""
    tenant = "_" + str(client.get(f"{REGISTRY}/stats").json()["tenantId"])
    connection_id = client.made(f"{FLOW}/connections", connection(connection_string))["id"]
    source_id = client.made(f"{FLOW}/sourceConnections", source(connection_id, table))["id"]
    group = client.made(f"{REGISTRY}/tenant/fieldgroups", field_group(tenant, fields, required=required))
    schema_id = client.made(f"{REGISTRY}/tenant/schemas", schema(PROFILE, group["$id"]))["$id"]
    (reference,) = client.made(f"{CATALOG}/dataSets", dataset(schema_id, f"rows of {table}"))
    dataset_id = reference.removeprefix("@/dataSets/")
    paths = {column: f"{tenant}{path}" if path.startswith(".") else path for column, path in mapping.items()}
    return Dataflow(
        client=client,
        tenant=tenant,
        table=table,
        connection_id=connection_id,
        source_id=source_id,
        schema_id=schema_id,
        dataset_id=dataset_id,
        target_id=client.made(f"{FLOW}/targetConnections", target(dataset_id))["id"],
        mapping_id=client.made(f"{PREP}/mappingSets", mapping_set(schema_id, paths), status=200)["id"],
    )


def names_flow(client: Client, connection_string: str, table: str) -> Dataflow:
    """All that a flow needs that lands the key and the name of each row, and nothing else."""
    fields = {"name": {"type": "string"}}
    return dataflow(client, connection_string, table, fields=fields, mapping={"RowKey": "_id", "name": ".name"})


def ended(client: Client, flow_id: str, *, runs: int = 1, within_s: float = 60) -> list[Any]:
    """The runs of a flow, the newest first, once there are so many and all have ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found: list[Any] = client.get(f"{FLOW}/runs", params={"property": f"flowId=={flow_id}"}).json()["items"]
        if len(found) >= runs and all(status(run) in _ENDED for run in found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{flow_id} has not ended within {within_s:.0f} s: {found}")


def status(run: Mapping[str, Any]) -> str:
    """How a run is doing."""
    return str(run["metrics"]["statusSummary"]["status"])

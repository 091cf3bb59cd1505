"""Nothing leaks: every operation of the API's document, from another organisation, another sandbox, and without each
permission. An id of elsewhere is answered to the letter like an id that nobody has."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from demo.azurite import Azurite
from flowservice.app import App
from flowservice.domain.identity import ALL_PERMISSIONS, Permission
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, DATASETS, FLOW, POLICY, PREP, REGISTRY, SANDBOXES, Dataflow

CREDENTIALS: Final = "/v1/credentials"
DRY_RUNS: Final = "/v1/flows"
EXPORT: Final = "/data/foundation/export"
BATCH_PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
STRANGERS: Final = ("other_org", "other_sandbox")
_ADMINISTERED: Final = (SANDBOXES, CREDENTIALS)
"""What belongs to the organisation, not to a sandbox of it."""
_EVERYBODYS: Final = tuple(f"{POLICY}/{kind}/core" for kind in ("labels", "marketingActions", "policies"))
"""What is the same for all."""
_MAKING: Final = frozenset({"usage-labels-put-custom", "marketing-actions-put-custom"})
"""Calls that make a caller's own of that name, where the caller has none."""
_RENAME: Final = [{"op": "replace", "path": "/name", "value": "stolen"}]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One of the document's operations."""

    name: str
    method: str
    path: str
    permissions: frozenset[Permission]

    @property
    def collection(self) -> str:
        """The path up to its first parameter."""
        return self.path.partition("/{")[0]


@pytest.fixture(scope="session")
def operations(anonymous: httpx.Client) -> list[Operation]:
    """Every operation that needs to be signed in for."""
    document = anonymous.get("/v1/openapi.json").json()
    return [
        Operation(
            name=call["operationId"],
            method=method.upper(),
            path=path,
            permissions=frozenset(map(Permission, call["x-permissions"])),
        )
        for path, item in document["paths"].items()
        for method, call in item.items()
        if "security" in call
    ]


def hex_of(value: str) -> str:
    """Another id of the same style: each digit another one."""
    return re.sub(r"[0-9a-f]", lambda found: "fedcba9876543210"[int(found[0], 16)], value)


@pytest.fixture(scope="module")
def ours(client: Client, dataflow: Dataflow, landed: str) -> dict[str, str]:
    """Ids of one resource of each kind, by the collection that holds it."""
    (run, *_) = resources.ended(client, landed)
    alt_ids: dict[str, str] = {}
    tenant = dataflow.tenant.removeprefix("_")
    for segment, body in (
        ("schemas", None),
        ("fieldgroups", None),
        ("classes", {"title": "Isolated", "type": "object", "allOf": [{"$ref": f"{XDM}/data/record"}]}),
        ("datatypes", {"title": "Isolated", "type": "object", "properties": {"a": {"type": "string"}}}),
    ):
        path = f"{REGISTRY}/tenant/{segment}"
        made = client.made(path, body) if body else client.get(path).json()["results"][0]
        assert tenant in made["$id"]
        alt_ids[f"{REGISTRY}/{segment}"] = made["meta:altId"]
    united: dict[str, Any] = {"title": "Isolated", "type": "object", "meta:immutableTags": ["union"]}
    united["allOf"] = [{"$ref": alt_ids[f"{REGISTRY}/classes"]}]
    client.made(f"{REGISTRY}/tenant/schemas", united)
    alt_ids[f"{REGISTRY}/unions"] = alt_ids[f"{REGISTRY}/classes"] + "__union"
    display = {"@type": "xdm:alternateDisplayInfo", "xdm:title": {"en_us": "Key"}, "xdm:sourceProperty": "/_id"}
    display["xdm:sourceSchema"] = dataflow.schema_id
    descriptor = client.made(f"{REGISTRY}/tenant/descriptors", display)["@id"]
    rpc = dict.fromkeys(("sampledata", "export", "auditlog"), alt_ids[f"{REGISTRY}/schemas"])
    alt_ids |= {f"{REGISTRY}/{call}": ref for call, ref in rpc.items()}
    custom = {"name": "generic-rest-extension", "type": "generic-rest", "providerId": BATCH_PROVIDER}
    connection_spec = client.made(f"{FLOW}/connectionSpecs", custom)["id"]
    flow_spec = {"name": "isolated", "providerId": BATCH_PROVIDER, "sourceConnectionSpecIds": [connection_spec]}
    dataset = client.get(f"{CATALOG}/dataSets/{dataflow.dataset_id}").json()[dataflow.dataset_id]
    labels = client.put(f"{DATASETS}/{dataflow.dataset_id}/labels", json={"labels": []}, headers={"If-Match": "*"})
    assert labels.status_code == 200
    for collection, known in (("labels", "OURS_ALONE"), ("marketingActions", "oursAlone")):
        named = {"name": known, "category": "Custom"}
        assert client.put(f"{POLICY}/{collection}/custom/{known}", json=named).status_code in {200, 201}
    return {
        f"{FLOW}/connections": dataflow.connection_id,
        f"{FLOW}/connectionSpecs": connection_spec,
        f"{FLOW}/sourceConnections": dataflow.source_id,
        f"{FLOW}/targetConnections": dataflow.target_id,
        f"{FLOW}/flows": landed,
        DRY_RUNS: landed,
        "/v1/drafts": client.made("/v1/drafts", resources.draft())["id"],
        f"{FLOW}/flowSpecs": client.made(f"{FLOW}/flowSpecs", flow_spec)["id"],
        f"{FLOW}/runs": run["id"],
        f"{CATALOG}/dataSets": dataflow.dataset_id,
        f"{CATALOG}/v2/dataSets": dataflow.dataset_id,
        f"{CATALOG}/batches": run["providerRefId"],
        f"{EXPORT}/files": _file(client, run["providerRefId"]),
        "view": dataset["viewId"],
        f"{PREP}/mappingSets": dataflow.mapping_id,
        "schema": dataflow.schema_id,
        **alt_ids,
        f"{REGISTRY}/descriptors": descriptor,
        f"{POLICY}/labels/custom": "OURS_ALONE",
        f"{POLICY}/marketingActions/custom": "oursAlone",
        f"{POLICY}/policies/custom": client.made(f"{POLICY}/policies/custom", resources.policy("OURS_ALONE"))["id"],
    }


def _file(client: Client, batch_id: str) -> str:
    found = client.get(f"{EXPORT}/batches/{batch_id}/files").json()
    return str(found["data"][0]["dataSetFileId"])


XDM: Final = "https://ns.adobe.com/xdm"


@pytest.fixture(params=STRANGERS)
def stranger(request: pytest.FixtureRequest) -> Client:
    """A client that must see nothing of ours."""
    calls: Client = request.getfixturevalue(request.param)
    return calls


@pytest.fixture(scope="module")
def bodies(dataflow: Dataflow, azurite: Azurite) -> dict[str, Any]:
    """Sound bodies, so that nothing but the id in the path is wrong, by operation."""
    mapping = resources.mapping_set("https://ns.adobe.com/xdm/context/profile", {"RowKey": "_id"})
    spec = {"name": "generic-rest-extension", "type": "generic-rest", "providerId": BATCH_PROVIDER}
    return {
        "data-prep-replace": mapping,
        "data-prep-add": {"source": "RowKey", "destination": "_id"},
        "data-prep-replace-one": {"source": "RowKey", "destination": "_id"},
        "specs-replace-connection-spec": spec,
        "specs-replace-flow-spec": {"name": "stolen", "providerId": BATCH_PROVIDER},
        "catalog-replace": {"name": "stolen", "schemaRef": {"id": f"{XDM}/context/profile", "contentType": "x"}},
        "catalog-patch": {"name": "stolen"},
        "catalog-merge": {"name": "stolen"},
        "dataset-labels-create": {"labels": []},
        "dataset-labels-replace": {"labels": []},
        "runs-replaced": {"flowId": "x"},
        "drafts-replace": resources.draft(),
        "credentials-change": {"name": "stolen"},
        "sandboxes-rename": {"title": "stolen"},
        "sandboxes-reset": {"action": "reset"},
        "schemas-from-sources-make": {"object": "people", "title": "stolen"},
        "schema-drift-accept": {"id": "stolen"},
        "schema-drift-ignore": {"id": "stolen"},
        "schema-registry-replace-schemas": resources.schema(resources.PROFILE),
        "schema-registry-replace-fieldgroups": {"title": "stolen", "type": "object"},
        "schema-registry-replace-datatypes": {"title": "stolen", "type": "object"},
        "schema-registry-replace-classes": {
            "title": "stolen",
            "type": "object",
            "allOf": [{"$ref": f"{XDM}/data/record"}],
        },
        "evaluations-datasets-custom": [{"entityType": "dataSet", "entityId": "x"}],
        "policies-replace": resources.policy("C2"),
        "schema-registry-replace-descriptor": {"@type": "xdm:alternateDisplayInfo"},
    }


QUERIES: Final = {
    "connections-explore": "?objectType=root",
    "connections-configs": "?object=people",
    "connections-act": "?op=publish",
    "source-connections-act": "?op=publish",
    "target-connections-act": "?op=publish",
    "flows-act": "?op=disable",
    "runs-act": "?op=re-trigger",
    "specs-explore": "?objectType=root",
    "evaluations-labels-custom": "?duleLabels=C2",
    "specs-configs": "?outputType=activationDatasets&outputField=datasets",
}


def filled(operation: Operation, ids: Mapping[str, str]) -> str | None:
    """The operation's path with ids in it; None where it has none of a resource."""
    if "{" not in operation.path or operation.path.startswith((*_ADMINISTERED, *_EVERYBODYS)):
        return None
    collection = operation.collection
    if collection.startswith(REGISTRY):
        segment = operation.path.rsplit("/", 2)[-2]
        path = operation.path.replace("{container}", "tenant")
        known = ids.get(f"{REGISTRY}/{segment}")
        return re.sub(r"\{\w+\}", known, path) if known and "{" in path else None
    path = operation.path.replace("{view_id}", ids["view"]).replace("{number}", "1")
    # Our own additions to what the Flow Service has.
    collection = collection.replace("/v1/datasets", f"{CATALOG}/dataSets").replace("/v1/", f"{FLOW}/")
    collection = collection.replace(DATASETS, f"{CATALOG}/dataSets")
    # Of the Catalog's batches and datasets, too.
    collection = collection.replace(f"{EXPORT}/datasets", f"{CATALOG}/dataSets")
    collection = collection.replace(f"{EXPORT}/batches", f"{CATALOG}/batches")
    known = ids.get(operation.collection) or ids[collection]
    return re.sub(r"\{\w+\}", known, path, count=1) + QUERIES.get(operation.name, "")


def said(answer: httpx.Response, *ids: str) -> tuple[int, str]:
    """Status and body, without the ids that were asked for and the request's own."""
    text = answer.text
    for resource_id in ids:
        text = text.replace(resource_id, "ID").replace(json.dumps(resource_id)[1:-1], "ID")
    text = re.sub(r'"(request-id|registryRequestId)":"[^"]*"', "", text)
    return answer.status_code, re.sub(r'"timestamp":"[^"]*"', "", text)


def unknown(ids: Mapping[str, str]) -> dict[str, str]:
    """Ids of the same styles that nobody has."""
    return {
        name: value if "://" in value else (hex_of(value) if value.islower() or value.isdigit() else value[::-1])
        for name, value in ids.items()
    } | {"schema": ids["schema"].rsplit("/", 1)[0] + "/" + hex_of(ids["schema"].rsplit("/", 1)[1])}


def test_an_id_in_the_path_is_answered_like_one_that_nobody_has(
    stranger: Client, client: Client, operations: list[Operation], ours: dict[str, str], bodies: dict[str, Any]
) -> None:
    nobody = {
        name: re.sub(r"[^.]+$", lambda found: hex_of(found[0]), value) if value.startswith("_") else value
        for name, value in unknown(ours).items()
    }
    nobody |= {
        name: value.rpartition(".")[0] + "." + hex_of(value.rpartition(".")[2])
        for name, value in ours.items()
        if value.startswith("_")
    }
    tried = 0
    for operation in operations:
        path, none = filled(operation, ours), filled(operation, nobody)
        if path is None or none is None or operation.name in _MAKING:
            continue
        assert path != none
        tried += 1
        body = bodies.get(operation.name, _RENAME if operation.method == "PATCH" else None)
        call: Callable[[str], httpx.Response] = lambda at, method=operation.method, body=body: stranger.request(  # type: ignore[misc] # noqa: E731
            method, at, json=body, headers={"If-Match": "*"}
        )
        theirs, nobodys = call(path), call(none)
        assert theirs.status_code == 404, (operation, theirs.text)
        assert said(theirs, *ours.values()) == said(nobodys, *nobody.values()), operation
    assert tried > 40
    for collection, resource_id in ours.items():
        if collection.startswith("/data/") and not collection.startswith(REGISTRY) and "/v2/" not in collection:
            assert client.get(f"{collection}/{resource_id}").status_code == 200


def test_who_makes_something_of_our_name_makes_their_own(stranger: Client, client: Client) -> None:
    for collection in (f"{POLICY}/labels/custom", f"{POLICY}/marketingActions/custom"):
        named = {"name": "OF_BOTH", "category": "Custom"}
        assert client.put(f"{collection}/OF_BOTH", json=named).status_code in {200, 201}
        before = client.get(f"{collection}/OF_BOTH").json()
        made = stranger.put(f"{collection}/OF_BOTH", json=named | {"category": "Stolen", "description": "stolen"})
        assert made.status_code == 201
        assert client.get(f"{collection}/OF_BOTH").json() == before
        assert stranger.get(f"{collection}/OF_BOTH").json() != before


def test_no_answer_without_an_id_holds_one_of_ours(
    stranger: Client, operations: list[Operation], ours: dict[str, str], client: Client
) -> None:
    for operation in operations:
        if operation.method != "GET" or "{" in operation.path.replace("{container}", ""):
            continue
        path = operation.path.replace("{container}", "tenant")
        for query in ("", "?limit=100", "?count=true"):
            answer = stranger.get(path + query)
            assert answer.status_code < 500, (operation, answer.text)
            assert not [name for name, value in ours.items() if value in answer.text], operation


FILTERS: Final = {
    f"{FLOW}/connections": ("id", "name", "connectionSpec.id"),
    f"{FLOW}/sourceConnections": ("id", "baseConnectionId", "params.tableName"),
    f"{FLOW}/targetConnections": ("id", "params.dataSetId"),
    f"{FLOW}/flows": ("id", "sourceConnectionIds", "targetConnectionIds[]", "transformations[].params.mappingId"),
    f"{FLOW}/runs": ("id", "flowId", "providerRefId"),
    f"{FLOW}/connectionSpecs": ("id",),
    f"{FLOW}/flowSpecs": ("id", "sourceConnectionSpecIds[]"),
}


def test_no_filter_search_or_token_reaches_ours(stranger: Client, client: Client, ours: dict[str, str]) -> None:
    # One of several values is enough: our ids all at once.
    values = ",".join(dict.fromkeys(ours.values()))
    for path, fields in FILTERS.items():
        assert client.get(f"{path}?property=id=={values}").json()["items"] != []
        for field in fields:
            query = f"property={field}=={values}"
            found = stranger.get(f"{path}?{query}")
            assert found.status_code == 200, found.text
            assert found.json()["items"] == []
            assert stranger.get(f"{path}?count=true&{query}").json() == {"count": 0}
            if path.rsplit("/", 1)[1] in {"connections", "flows", "flowSpecs"}:
                searched = stranger.post(f"{path}/search", json={"queryString": query})
                assert searched.json()["items"] == [], searched.text
        page = client.get(f"{path}?limit=1").json()
        href = page["_links"].get("next", {}).get("href")
        if href:
            stolen = stranger.get(f"{FLOW}{href}")
            assert stolen.status_code in {200, 400}
            assert not [value for value in ours.values() if value in stolen.text]
    for query in ("dataSet", "dataSetId", "property=relatedObjects.id="):
        assert stranger.get(f"{CATALOG}/batches?{query}={ours[f'{CATALOG}/dataSets']}").json() == {}
    for query in (f"id={ours[f'{CATALOG}/dataSets']}", f"property=schemaRef.id=={ours['schema']}"):
        assert stranger.get(f"{CATALOG}/dataSets?{query}").json() == {}
    dataset = ours[f"{CATALOG}/dataSets"]
    theirs, nobodys = (stranger.get(f"/v1/datasets/labels?dataSet={one}") for one in (dataset, hex_of(dataset)))
    assert theirs.status_code == 404
    assert said(theirs, dataset) == said(nobodys, hex_of(dataset))


@pytest.fixture
def theirs(stranger: Client, azurite: Azurite, people: str) -> Dataflow:
    """A stranger's own dataflow, to mix our ids into."""
    return resources.names_flow(stranger, azurite.connection_string, people)


def placed(body: Any, *path: str | int, value: str) -> Any:
    """A copy of the body with another value at the path."""
    changed = copy.deepcopy(body)
    node: Any = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


def test_an_id_in_a_body_is_answered_like_one_that_nobody_has(
    stranger: Client, theirs: Dataflow, ours: dict[str, str], azurite: Azurite
) -> None:
    nobody = unknown(ours)
    account, source = resources.connection(azurite.connection_string), resources.source("", theirs.table)
    flow = theirs.body(scheduleParams=resources.never())
    target, dataset = resources.target(theirs.dataset_id), resources.dataset(theirs.schema_id)
    mapping = resources.mapping_set(theirs.schema_id, {"RowKey": "_id"})
    newer = {"outputSchema": {"schemaRef": {"id": ""}}, "mappings": mapping["mappings"]}
    schema = resources.schema(resources.PROFILE, "")
    group = resources.field_group(theirs.tenant, {"x": {"type": "string"}})
    specs = {"name": "x", "providerId": BATCH_PROVIDER, "sourceConnectionSpecIds": [""]}
    own_schema = {"data": {"schema": {"id": ""}}}
    descriptor = {"@type": "xdm:descriptorRelationship", "xdm:sourceProperty": "/_id"}
    relation = {**descriptor, "xdm:sourceSchema": theirs.schema_id}
    carried = {"$id": "x", "meta:resourceType": "datatypes", "title": "T", "properties": {"x": {}}}
    suggestion, suggested = f"{PREP}/mappingSets/suggestion", {"columns": ["a"]}
    entity = {"entityType": "dataSet", "entityId": ""}
    places: list[tuple[str, str, Any, tuple[str | int, ...], str]] = [
        ("POST", f"{FLOW}/connections", account, ("connectionSpec", "id"), f"{FLOW}/connectionSpecs"),
        ("POST", f"{FLOW}/sourceConnections", source, ("baseConnectionId",), f"{FLOW}/connections"),
        ("POST", f"{FLOW}/sourceConnections?mode=draft", source, ("baseConnectionId",), f"{FLOW}/connections"),
        ("POST", f"{FLOW}/sourceConnections", source, ("connectionSpec", "id"), f"{FLOW}/connectionSpecs"),
        ("POST", f"{FLOW}/targetConnections", target, ("params", "dataSetId"), f"{CATALOG}/dataSets"),
        ("POST", f"{FLOW}/targetConnections?mode=draft", target, ("params", "dataSetId"), f"{CATALOG}/dataSets"),
        ("POST", f"{FLOW}/targetConnections", target | {"baseConnectionId": ""}, ("baseConnectionId",),
         f"{FLOW}/connections"),
        ("POST", f"{FLOW}/targetConnections", target | own_schema, ("data", "schema", "id"), "schema"),
        ("POST", f"{FLOW}/flows", flow, ("sourceConnectionIds", 0), f"{FLOW}/sourceConnections"),
        ("POST", f"{FLOW}/flows", flow, ("targetConnectionIds", 0), f"{FLOW}/targetConnections"),
        ("POST", f"{FLOW}/flows?mode=draft", flow, ("targetConnectionIds", 0), f"{FLOW}/targetConnections"),
        ("POST", f"{FLOW}/flows", flow, ("flowSpec", "id"), f"{FLOW}/flowSpecs"),
        ("POST", f"{FLOW}/flows", flow, ("transformations", 0, "params", "mappingId"), f"{PREP}/mappingSets"),
        ("POST", f"{FLOW}/runs", {"flowId": ""}, ("flowId",), f"{FLOW}/flows"),
        ("POST", f"{FLOW}/flowSpecs", specs, ("sourceConnectionSpecIds", 0), f"{FLOW}/connectionSpecs"),
        ("POST", f"{CATALOG}/dataSets", dataset, ("schemaRef", "id"), "schema"),
        ("POST", f"{PREP}/mappingSets", mapping, ("xdmSchema",), "schema"),
        ("POST", f"{PREP}/mappingSets", newer, ("outputSchema", "schemaRef", "id"), "schema"),
        ("PUT", f"{PREP}/mappingSets/{theirs.mapping_id}", mapping, ("xdmSchema",), "schema"),
        ("POST", suggestion, suggested, ("datasetId",), f"{CATALOG}/dataSets"),
        ("POST", suggestion, {"columns": ["a"]}, ("xdmSchema",), "schema"),
        ("POST", suggestion, {"datasetId": theirs.dataset_id}, ("sourceConnectionId",), f"{FLOW}/sourceConnections"),
        ("POST", suggestion, {"datasetId": theirs.dataset_id, "object": "people"}, ("connectionId",),
         f"{FLOW}/connections"),
        ("POST", f"{REGISTRY}/tenant/schemas", schema, ("allOf", 1, "$ref"), "schema"),
        ("POST", f"{REGISTRY}/tenant/fieldgroups", group, ("meta:intendedToExtend", 0), "schema"),
        ("POST", f"{REGISTRY}/tenant/descriptors", descriptor, ("xdm:sourceSchema",), "schema"),
        ("POST", f"{REGISTRY}/tenant/descriptors", relation, ("xdm:destinationSchema",), "schema"),
        ("POST", f"{POLICY}/marketingActions/core/analytics/constraints", [entity], (0, "entityId"),
         f"{CATALOG}/dataSets"),
        ("POST", f"{POLICY}/policies/custom", resources.policy("C2"), ("marketingActionRefs", 0), "action-ref"),
        ("POST", f"{REGISTRY}/rpc/import", carried, ("properties", "x", "$ref"), "schema"),
        ("POST", f"{REGISTRY}/tenant/fieldgroups", group,
         ("definitions", "own", "properties", theirs.tenant, "properties", "x"), "schema-ref"),
    ]  # fmt: skip
    for method, path, body, place, kind in places:
        answers = []
        for ids in (ours, nobody):
            value: Any = {"$ref": ids["schema"]} if kind == "schema-ref" else ids.get(kind)
            if kind == "action-ref":
                value = f"../marketingActions/custom/{ids[f'{POLICY}/marketingActions/custom']}"
            answer = stranger.request(method, path, json=placed(body, *place, value=value))
            assert 400 <= answer.status_code < 500 or kind == "schema", (path, place, answer.text)
            answers.append(said(answer, *ids.values()))
        if answers[0][0] < 300:
            # A field group may name what it is meant for before that exists: an id is a text there.
            assert place[0] == "meta:intendedToExtend"
            continue
        assert answers[0] == answers[1], (path, place)


def test_an_id_in_a_patch_is_answered_like_one_that_nobody_has(
    stranger: Client, theirs: Dataflow, ours: dict[str, str]
) -> None:
    nobody = unknown(ours)
    draft = stranger.made(f"{FLOW}/flows?mode=draft", theirs.body())["id"]
    places = [
        (f"{FLOW}/targetConnections/{theirs.target_id}", "/params/dataSetId", f"{CATALOG}/dataSets"),
        (f"{FLOW}/flows/{draft}", "/sourceConnectionIds/0", f"{FLOW}/sourceConnections"),
        (f"{FLOW}/flows/{draft}", "/targetConnectionIds/0", f"{FLOW}/targetConnections"),
        (f"{CATALOG}/dataSets/{theirs.dataset_id}", "/schemaRef/id", "schema"),
    ]
    for path, pointer, kind in places:
        answers = []
        for ids in (ours, nobody):
            patch = [{"op": "replace", "path": pointer, "value": ids[kind]}]
            answer = stranger.patch(path, json=patch, headers={"If-Match": "*"})
            assert 400 <= answer.status_code < 500, (path, answer.text)
            answers.append(said(answer, *ids.values()))
        assert answers[0] == answers[1], (path, pointer)


def test_what_belongs_to_the_organisation_is_invisible_to_another_one(
    client: Client, other_org: Client, server: Server, operations: list[Operation], other_sandbox: Client
) -> None:
    ids = {"name": "dev", "client_id": server.credentials()["clientId"]}
    nobody = {"name": "nothing", "client_id": hex_of(ids["client_id"])}
    bodies = {"sandboxes-rename": {"title": "x"}, "sandboxes-reset": {"action": "reset"}}
    bodies["credentials-change"] = {"name": "x"}
    tried = 0
    for operation in operations:
        if not operation.path.startswith(_ADMINISTERED) or "{" not in operation.path:
            continue
        tried += 1
        answers = []
        for known in (ids, nobody):
            path = re.sub(r"\{(\w+)\}", lambda found, known=known: known[found[1]], operation.path)  # type: ignore[misc]
            answer = other_org.request(operation.method, path, json=bodies.get(operation.name))
            assert answer.status_code == 404, (operation, answer.text)
            answers.append(said(answer, *known.values()))
        assert answers[0] == answers[1], operation
    assert tried == 8
    assert client.get(f"{SANDBOXES}/sandboxes/dev").json()["state"] == "active"


# --- permissions -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def allowed(server: Server, app: App) -> Iterator[Callable[[frozenset[Permission]], Client]]:
    """Clients of the shared organisation that may do just some things."""
    made: dict[frozenset[Permission], Client] = {}
    known = server.credentials()

    def client_with(permissions: frozenset[Permission]) -> Client:
        if permissions not in made:
            operator = app.identity.operator(known["orgId"])
            new = app.described(app.credentials.add(operator, permissions=permissions))
            made[permissions] = server.client({**known, **new})
        return made[permissions]

    yield client_with
    for calls in made.values():
        calls.close()


def test_every_operation_needs_just_the_permissions_that_the_document_names(
    allowed: Callable[[frozenset[Permission]], Client], operations: list[Operation], ours: dict[str, str]
) -> None:
    """With an id that nobody has: whoever may, learns that; whoever may not, learns nothing."""
    nobody = unknown(ours)
    for operation in operations:
        path = filled(operation, nobody) or re.sub(r"\{\w+\}", "nothing", operation.path)
        path = path.replace("/nothing/schemas", "/tenant/schemas")
        for permission in Permission:
            lacking = allowed(ALL_PERMISSIONS - {permission}).request(operation.method, path, json={})
            refused = lacking.status_code == 403
            assert refused is (permission in operation.permissions), (operation, permission, lacking.text)
            if refused:
                body = lacking.json()
                assert body.get("errorCode", body["code"]) == "forbidden"
                if path.startswith(FLOW):
                    assert lacking.json()["type"].endswith("FLOW-2118-403")
        enough = allowed(operation.permissions).request(operation.method, path, json={})
        assert enough.status_code != 403, (operation, enough.text)


def test_without_a_permission_an_id_of_ours_is_answered_like_one_that_nobody_has(
    allowed: Callable[[frozenset[Permission]], Client], operations: list[Operation], ours: dict[str, str]
) -> None:
    nobody, calls = unknown(ours), allowed(frozenset())
    for operation in operations:
        path, none = filled(operation, ours), filled(operation, nobody)
        if path is None or none is None:
            continue
        answers = [said(calls.request(operation.method, at, json={}), *ours.values(), *nobody.values())
                   for at in (path, none)]  # fmt: skip
        assert answers[0][0] == 403
        assert answers[0] == answers[1], operation

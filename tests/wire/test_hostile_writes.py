"""No body makes the service fail: every write of the API's document, with hostile JSON in the place of every member.
What is refused says so as documented."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.provoking import BATCH_PROVIDER
from tests.wire.resources import (
    AZURE_TABLE,
    CATALOG,
    DATASETS,
    FLOW,
    LAKE,
    POLICY,
    PREP,
    REGISTRY,
    SANDBOXES,
    Dataflow,
    refusal,
)

ANY: Final = {"If-Match": "*"}
HOSTILE: Final[Mapping[str, str]] = {
    "null": "null",
    "infinite": "1e400",
    "400 digits": "9" * 400,
    "past 64 bits": "-9223372036854775809",
    "fraction": "-7.5",
    "surrogate": '"\\ud800"',
    "NUL": '"a\\u0000b"',
    "signs": '"\\u202e\'\\";--<script>${jndi:x}%s{0}\\ufffe"',
    "long": '"' + "x" * 70_000 + '"',
    "empty": '""',
    "list": "[[]]",
    "object": '{"": {}, "$ref": "#", "x\\u202e": [1e308]}',
    "deep": "[" * 120 + "]" * 120,
}
VALUES_A_MEMBER: Final = 2
WITHOUT_BODY: Final = frozenset({"/ims/token/{version}"})


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A server of its own, and a sound body and path of every write."""

    client: Client
    sound: Mapping[str, tuple[str, Any]]
    """By method and path as the document has them: the path to call, and what would be taken there."""


def _scene(client: Client, azurite: Azurite, flow: Dataflow) -> Scene:
    waiting = flow.started(scheduleParams=resources.never())
    run = client.made(f"{FLOW}/runs", {"flowId": waiting})["id"]
    resources.ended(client, waiting)
    columns = {"tableName": flow.table, "columns": [{"name": "name"}]}
    own = {"age": {"type": "integer", "title": "Age", "minimum": 1, "maximum": 9}}
    account = resources.connection(azurite.connection_string, description="words", labels=["core/C1"], policy={})
    source = resources.source(flow.connection_id, flow.table, params=columns)
    target = resources.target(flow.dataset_id, data={"schema": {"id": flow.schema_id}})
    target["params"] |= {"writeMode": "upsert", "keyFields": ["_id"]}
    options: dict[str, Any] = {"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True, "maxRejectedRecords": 9}
    options["schemaDrift"] = {"newColumns": "hold", "removedColumns": "null", "typeChanges": "reject"}
    flow_body = flow.body(scheduleParams=resources.never() | {"endTime": 1}, options=options, description="words")
    connection_spec = {
        "name": "own", "type": "generic-rest", "providerId": BATCH_PROVIDER, "attributes": {"category": "x"},
        "authSpec": [{"name": "A", "type": "A", "spec": {"type": "object", "properties": {"a": {"type": "string"}}}}],
        "sourceSpec": {"attributes": {"urlParams": {"host": "https://example.com"}}, "spec": {"type": "object"}},
    }  # fmt: skip
    flow_spec = {
        "name": "own", "providerId": BATCH_PROVIDER, "sourceConnectionSpecIds": [AZURE_TABLE],
        "targetConnectionSpecIds": [LAKE], "transformationSpecs": [{"name": "Copy", "spec": {"type": "object"}}],
    }  # fmt: skip
    from_source = {
        "object": flow.table, "title": "x", "description": "x", "form": "composed", "classId": resources.PROFILE,
        "columns": ["name"], "classFields": {"_id": "RowKey"}, "mapping": True, "dryRun": False,
    }  # fmt: skip
    rename = [{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/labels"}]
    action = {
        "percentCompleted": 100,
        "status": {"value": "COMPLETED", "properties": {"a": 1}, "errors": [{"message": "x", "code": "x"}]},
        "recordTypes": [{"type": "x"}],
    }
    search = {"property": ["name==x"], "queryString": "state==enabled", "limit": 5, "orderby": "name", "count": False}
    dataset = {
        **resources.dataset(flow.schema_id), "description": "words", "tags": {"a": ["b"]},
        "fileDescription": {"format": "parquet"}, "enableErrorDiagnostics": True,
    }  # fmt: skip
    (reference,) = client.made(f"{CATALOG}/dataSets", dataset)
    spare = reference.rpartition("/")[2]
    mapping = resources.mapping_set(flow.schema_id, {"RowKey": "_id"}) | {"name": "set", "tags": {}, "inputSchema": {}}
    mapped = client.made(f"{PREP}/mappingSets", mapping, status=200)["id"]
    rule_id = client.get(f"{PREP}/mappingSets/{mapped}/mappings").json()[0]["id"]
    rule = {
        "source": "RowKey", "destination": "_id", "sourceType": "EXPRESSION", "name": "a", "description": "b",
        "identity": True, "identityGroup": "c", "namespaceCode": "d", "onError": "reject",
    }  # fmt: skip
    sandbox = {"name": "dev", "title": "Dev", "type": "development"}
    client.made(f"{SANDBOXES}/sandboxes", sandbox, status=202)
    credential = {"name": "x", "permissions": ["run", "view-sources"]}
    client_id = client.made("/v1/credentials", credential)["clientId"]
    update = {"flowId": waiting, "metrics": {"a": 1}, "activities": [{}], "recordTypes": ["x"], "predecessors": [{}]}
    resource_type: dict[str, Any] = {
        "title": "T",
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"]}},
    }
    record = {"title": "T", "type": "object", "allOf": [{"$ref": "https://ns.adobe.com/xdm/data/record"}]}
    registry = f"{REGISTRY}/tenant"
    group = resources.field_group(flow.tenant, own)
    group_id = client.made(f"{registry}/fieldgroups", group)["$id"]
    made_schema = client.made(f"{registry}/schemas", resources.schema(resources.PROFILE, group_id))
    altered = {
        "schemas": (made_schema["meta:altId"], resources.schema(resources.PROFILE)),
        "fieldgroups": (client.made(f"{registry}/fieldgroups", group)["meta:altId"], group),
        "classes": (client.made(f"{registry}/classes", record)["meta:altId"], record),
        "datatypes": (client.made(f"{registry}/datatypes", resource_type)["meta:altId"], resource_type),
    }
    display = {
        "@type": "xdm:alternateDisplayInfo", "xdm:sourceSchema": made_schema["$id"], "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/_id", "xdm:title": {"en_us": "Key"}, "meta:enum": {"a": "A"},
    }  # fmt: skip
    option = {"id": made_schema["$id"], "contentType": "x", "schemaPath": "/properties/_id"}
    parent = {"namespace": "AEP", "type": "schema", "id": flow.schema_id}
    labels: dict[str, Any] = {
        "labels": ["C2"],
        "optionalLabels": [{"option": option, "labels": []}],
        "parents": [parent],
    }
    labels["entityId"] = {"namespace": "AEP", "type": "dataset", "id": spare}
    described = client.made(f"{registry}/descriptors", display)["@id"]
    related = {**display, "@type": "xdm:descriptorRelationship", "xdm:destinationSchema": made_schema["$id"]}
    related |= {"xdm:destinationProperty": "/_id", "xdm:cardinality": "M:1", "xdm:sourceProperty": "/personID"}
    carried = {"$id": "x", "meta:altId": "y", "meta:resourceType": "datatypes", "meta:tenantNamespace": "_z"}
    changed = [{"op": "replace", "path": "/title", "value": "x"}, {"op": "add", "path": "/description", "value": "x"}]
    policy: dict[str, Any] = {
        "name": "No letters", "status": "DRAFT", "description": "words",
        "marketingActionRefs": ["../marketingActions/core/emailTargeting"],
        "deny": {"operator": "AND", "operands": [{"label": "C2"}, {"operator": "OR", "operands": [{"label": "I1"}]}]},
    }  # fmt: skip
    policy_id = client.made(f"{POLICY}/policies/custom", policy)["id"]
    entity: dict[str, Any] = {"entityType": "dataSet", "entityId": spare}
    entity["entityMeta"] = {"fields": [f"/properties/{flow.tenant}/properties/name"]}
    label = {"name": "LOYALTY", "category": "Custom", "friendlyName": "Loyalty", "description": "words"}
    sound: dict[str, tuple[str, Any]] = {
        "POST /connectionSpecs": ("", connection_spec),
        "PUT /connectionSpecs/{spec_id}": (
            client.made(f"{FLOW}/connectionSpecs", connection_spec)["id"],
            connection_spec,
        ),
        "POST /flowSpecs": ("", flow_spec),
        "PUT /flowSpecs/{spec_id}": (client.made(f"{FLOW}/flowSpecs", flow_spec)["id"], flow_spec),
        "POST /runs": ("", {"flowId": waiting, "params": {"startTime": 1, "deltaColumn": {"name": "x"}}}),
        "PUT /runs/{run_id}": (run, update),
        "POST /runs/{run_id}/action": (run, action),
        "POST /flowSpecs/search": ("", search),
    }
    for name, parameter, body, made in (
        ("connections", "connection_id", account, flow.connection_id),
        ("sourceConnections", "connection_id", source, flow.source_id),
        ("targetConnections", "connection_id", target, flow.target_id),
        ("flows", "flow_id", flow_body, waiting),
    ):
        sound[f"POST /{name}"] = ("", body)
        sound[f"POST /{name}/search"] = ("", search)
        sound[f"PATCH /{name}/{{{parameter}}}"] = (made, rename)
        sound[f"POST /{name}/{{{parameter}}}/action"] = (made, action)
    named = {
        key.replace(" /", f" {FLOW}/"): (path, body)
        for key, (path, body) in sound.items()
        if key not in {"POST /sourceConnections/search", "POST /targetConnections/search"}
    }
    named |= {
        f"POST {CATALOG}/dataSets": ("", dataset),
        f"PUT {CATALOG}/dataSets/{{dataset_id}}": (spare, dataset),
        f"PATCH {CATALOG}/dataSets/{{dataset_id}}": (spare, dataset),
        f"PATCH {CATALOG}/v2/dataSets/{{dataset_id}}": (spare, [{"op": "replace", "path": "/name", "value": "x"}]),
        f"POST {DATASETS}/{{dataset_id}}/labels": (spare, labels),
        f"PUT {DATASETS}/{{dataset_id}}/labels": (spare, labels),
        f"POST {PREP}/mappingSets": ("", mapping),
        f"PUT {PREP}/mappingSets/{{set_id}}": (mapped, mapping),
        f"POST {PREP}/mappingSets/{{set_id}}/mappings": (mapped, rule | {"destination": "personID"}),
        f"PUT {PREP}/mappingSets/{{set_id}}/mappings/{{mapping_id}}": (f"{mapped}|{rule_id}", rule),
        f"POST {PREP}/mappingSets/validate": ("", mapping),
        f"POST {PREP}/mappingSets/preview": ("", {"data": [{"RowKey": "1"}], "mappingSet": mapping}),
        f"POST {PREP}/mappingSets/suggestion": (
            "",
            {"datasetId": flow.dataset_id, "columns": [{"name": "RowKey", "type": "string"}], "excludeUnmapped": False},
        ),
        f"POST {PREP}/languages/el/validate": ("", {"expression": "upper(RowKey)"}),
        f"POST {SANDBOXES}/sandboxes": ("", sandbox),
        f"PATCH {SANDBOXES}/sandboxes/{{name}}": ("dev", {"title": "Dev"}),
        f"PUT {SANDBOXES}/sandboxes/{{name}}": ("dev", {"action": "nothing"}),
        "POST /v1/credentials": ("", credential),
        "POST /v1/schedules/preview": (
            "",
            {"scheduleParams": resources.never() | {"frequency": "hour", "interval": 1}},
        ),
        "POST /v1/mapping-tables/read": ("", {"table": "source,destination\nRowKey,_id\n"}),
        "POST /v1/mapping-tables/write": ("", {"mappings": [rule]}),
        "POST /v1/flows/{flow_id}/dryRun": (waiting, {"rows": 1}),
        "POST /v1/drafts": ("", resources.draft()),
        "PUT /v1/drafts/{draft_id}": (client.made("/v1/drafts", resources.draft())["id"], resources.draft()),
        "POST /v1/session": ("", {"code": "0" * 40}),
        "POST /v1/connections/check": ("", account),
        "POST /v1/connections/{connection_id}/schema": (flow.connection_id, from_source),
        "POST /v1/flows/{flow_id}/drift/accept": (waiting, {"id": "x"}),
        "POST /v1/flows/{flow_id}/drift/ignore": (waiting, {"id": "x"}),
        "POST /v1/runs/{run_id}/replay": (run, {"codes": ["x"], "fields": ["x"], "rows": ["x"], "dryRun": True}),
        "PATCH /v1/credentials/{client_id}": (client_id, credential),
        f"POST {REGISTRY}/tenant/schemas": ("", resources.schema(resources.PROFILE)),
        f"POST {REGISTRY}/tenant/fieldgroups": ("", resources.field_group(flow.tenant, own, required=["age"])),
        f"POST {REGISTRY}/tenant/classes": ("", record),
        f"POST {REGISTRY}/tenant/behaviors": ("", record),
        f"POST {REGISTRY}/tenant/datatypes": ("", resource_type),
        f"POST {REGISTRY}/tenant/descriptors": ("", related),
        f"PUT {REGISTRY}/tenant/descriptors/{{descriptor_id}}": (described, display),
        f"PUT {POLICY}/labels/custom/{{name}}": ("LOYALTY", label),
        f"PUT {POLICY}/marketingActions/custom/{{name}}": ("letters", {"name": "letters", "description": "words"}),
        f"POST {POLICY}/policies/custom": ("", policy),
        f"PUT {POLICY}/policies/custom/{{policy_id}}": (policy_id, policy),
        f"PATCH {POLICY}/policies/custom/{{policy_id}}": (policy_id, rename[:1]),
        **{
            f"POST {POLICY}/marketingActions/{kind}/{{name}}/constraints": (name, [entity])
            for kind, name in (("core", "emailTargeting"), ("custom", "letters"))
        },
        f"POST {POLICY}/bulk-eval": (
            "",
            [
                {
                    "evalRef": f"{POLICY}/marketingActions/core/emailTargeting/constraints",
                    "includeDraft": True,
                    "entityList": [entity],
                }
            ],
        ),
        f"PUT {POLICY}/enabledCorePolicies": ("", {"policyIds": ["corepolicy_0001"]}),
        f"POST {REGISTRY}/rpc/import": ("", [{**resource_type, **carried}]),
    }
    for segment, (ref, body) in altered.items():
        named[f"PUT {REGISTRY}/tenant/{segment}/{{ref}}"] = (ref, body)
        named[f"PATCH {REGISTRY}/tenant/{segment}/{{ref}}"] = (ref, changed)
    return Scene(client=client, sound=named)


@pytest.fixture(scope="module")
def scene(either_server: Server, azurite: Azurite, people: str) -> Iterator[Scene]:
    """On each database: what one takes may be too much for the other."""
    with either_server.client() as client:
        yield _scene(client, azurite, resources.names_flow(client, azurite.connection_string, people))


def test_every_write_of_the_document_is_tried(scene: Scene) -> None:
    document = scene.client.get("/v1/openapi.json").json()
    writes = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, call in item.items()
        if "requestBody" in call and path not in WITHOUT_BODY
    }
    assert writes == scene.sound.keys()


def test_no_member_of_any_body_makes_the_service_fail(scene: Scene) -> None:
    # Each member in its turn gets the next values of the circle; every value comes up dozens of times.
    values = itertools.cycle(HOSTILE.items())
    for name, (ref, body) in scene.sound.items():
        method, _, template = name.partition(" ")
        path = _filled(template, ref)
        for member in _members(body):
            for what, hostile in itertools.islice(values, VALUES_A_MEMBER):
                content = json.dumps(_placed(body, member, "@@hostile@@")).replace('"@@hostile@@"', hostile)
                _tried(scene.client, method, path, content, (name, member, what))


def test_members_that_are_missing_or_more_than_there_are_do_no_harm(scene: Scene) -> None:
    for name, (ref, body) in scene.sound.items():
        method, _, template = name.partition(" ")
        path = _filled(template, ref)
        for member in _members(body):
            _tried(scene.client, method, path, json.dumps(_without(body, member)), (name, member))
        if isinstance(body, dict):
            extra = json.dumps(body)[:-1] + ', "x": 1, "x": 2, "__proto__": {"a": []}, "": ""}'
            _tried(scene.client, method, path, extra, (name, "extra"))


def _tried(client: Client, method: str, path: str, content: str, what: Any) -> None:
    op = {"op": "finalize"} if path.endswith("/action") else None
    answer: httpx.Response = client.request(method, path, content=content, params=op, headers=ANY)
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code == 401:
        # No code that signs in.
        assert (path, answer.json()["error_code"]) == ("/v1/session", "401013"), (what, answer.text)
    elif answer.status_code >= 400:
        refusal(answer)


def _filled(template: str, ref: str) -> str:
    """The path with `ref` in it; of two parameters each has its part of it."""
    for part in ref.split("|"):
        head, brace, rest = template.partition("{")
        template = head + part + rest.partition("}")[2] if brace else template
    return template


def _members(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from _members(value, (*at, key))


def _placed(body: Any, member: tuple[Any, ...], value: Any) -> Any:
    copied = json.loads(json.dumps(body))
    node = copied
    for step in member[:-1]:
        node = node[step]
    node[member[-1]] = value
    return copied


def _without(body: Any, member: tuple[Any, ...]) -> Any:
    copied = json.loads(json.dumps(body))
    node = copied
    for step in member[:-1]:
        node = node[step]
    del node[member[-1]]
    return copied

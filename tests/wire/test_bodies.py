"""Bodies that no sound client sends: each is refused with a documented error, and nothing is made."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, Dataflow, refusal

COLLECTIONS = (
    f"{FLOW}/connections",
    f"{FLOW}/sourceConnections",
    f"{FLOW}/targetConnections",
    f"{FLOW}/flows",
    f"{FLOW}/runs",
    f"{REGISTRY}/tenant/schemas",
    f"{REGISTRY}/tenant/fieldgroups",
    f"{REGISTRY}/tenant/classes",
    f"{REGISTRY}/tenant/datatypes",
    f"{CATALOG}/dataSets",
    f"{PREP}/mappingSets",
)


@pytest.mark.parametrize("path", COLLECTIONS)
@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{not json}",
        b"{'single': 'quotes'}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1} trailing',
        b"\xff\xfe{",
        b'{"name": "\xff\xfe"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\\ud800"}',
        b"\x00",
        b"name=value&other=1",
        b"<xml/>",
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(client: Client, path: str, content: bytes) -> None:
    refusal(client.post(path, content=content, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("path", COLLECTIONS)
@pytest.mark.parametrize("body", [[], [{}], "text", 7, True, None, {}, {"unknown": 1}])
def test_a_body_that_is_no_object_or_lacks_everything_is_refused(client: Client, path: str, body: Any) -> None:
    refusal(client.post(path, content=json.dumps(body)))


@pytest.mark.parametrize("path", COLLECTIONS)
def test_an_empty_body_is_refused(client: Client, path: str) -> None:
    body = refusal(client.post(path))
    if path.startswith(FLOW):
        assert body["type"] == "https://ns.adobe.com/aep/errors/FLOW-1405-400"


def test_a_body_that_is_needed_is_missed_wherever_the_path_ends(client: Client) -> None:
    assert refusal(client.post("/v1/credentials"))["code"] == "body-empty"
    connectors = "/data/foundation/connectors/landingzone/credentials?type=user_drop_zone&action=refresh"
    assert refusal(client.post(connectors))["code"] == "not-supported"


@pytest.mark.parametrize("path", COLLECTIONS)
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting_is_refused(client: Client, path: str, opening: bytes, closing: bytes, depth: int) -> None:
    refusal(client.post(path, content=opening * depth + b"1" + closing * depth))


@pytest.mark.parametrize("depth", [100, 900])
@pytest.mark.parametrize(
    ("path", "member"),
    [
        (f"{FLOW}/connections", "auth.params"),
        (f"{FLOW}/sourceConnections", "params"),
        (f"{FLOW}/sourceConnections", "data"),
        (f"{FLOW}/targetConnections", "data"),
        (f"{FLOW}/flows", "transformations"),
        (f"{FLOW}/flows", "options"),
        (f"{FLOW}/flows", "scheduleParams"),
        (f"{FLOW}/runs", "params"),
        (f"{CATALOG}/dataSets", "tags"),
        (f"{CATALOG}/dataSets", "fileDescription"),
        (f"{PREP}/mappingSets", "inputSchema"),
        (f"{PREP}/mappingSets", "mappings"),
        (f"{REGISTRY}/tenant/fieldgroups", "definitions"),
        (f"{REGISTRY}/tenant/schemas", "allOf"),
    ],
)
def test_deep_nesting_within_a_body_does_no_harm(
    client: Client, bodies: dict[str, dict[str, Any]], path: str, member: str, depth: int
) -> None:
    body = copy.deepcopy(bodies[path])
    nested: Any = "end"
    for _ in range(depth):
        nested = {"x": nested}
    _place(body, member.split("."), nested)
    assert client.post(path, content=json.dumps(body)).status_code < 500


def test_a_huge_body_is_refused(client: Client) -> None:
    body = {"name": "x" * 11_000_000}
    assert "larger" in refusal(client.post(f"{FLOW}/connections", json=body))["errorMessage"]


@pytest.mark.parametrize(
    "content_type",
    [None, "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "nonsense"],
)
def test_json_is_read_whatever_the_content_type_says(client: Client, dataflow: Dataflow, content_type: str) -> None:
    content = json.dumps(resources.target(dataflow.dataset_id))
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.post(f"{FLOW}/targetConnections", content=content, headers=headers)
    assert answer.status_code == 201
    assert client.delete(f"{FLOW}/targetConnections/{answer.json()['id']}").status_code == 204


@pytest.fixture(scope="module")
def bodies(client: Client, azurite: Azurite, dataflow: Dataflow) -> dict[str, dict[str, Any]]:
    """A sound body for each collection."""
    flow = dataflow.body(
        scheduleParams=resources.never(), options={"partialIngestionPercent": 5, "errorDiagnosticsEnabled": True}
    )
    columns = {"tableName": dataflow.table, "columns": [{"name": "name"}]}
    schema = {**resources.schema(resources.PROFILE), "description": "words"}
    own = {"age": {"type": "integer", "title": "Age", "minimum": 1, "maximum": 9}}
    return {
        f"{FLOW}/connections": resources.connection(azurite.connection_string, description="words"),
        f"{FLOW}/sourceConnections": resources.source(dataflow.connection_id, dataflow.table, params=columns),
        f"{FLOW}/targetConnections": resources.target(dataflow.dataset_id, data={"schema": {"id": dataflow.schema_id}}),
        f"{FLOW}/flows": flow,
        f"{FLOW}/runs": {"flowId": resources.UNKNOWN, "params": {"startTime": 1}},
        f"{REGISTRY}/tenant/schemas": schema,
        f"{REGISTRY}/tenant/fieldgroups": resources.field_group(dataflow.tenant, own, required=["age"]),
        f"{CATALOG}/dataSets": {
            **resources.dataset(dataflow.schema_id),
            "description": "words",
            "tags": {"a": ["b"]},
            "fileDescription": {"format": "parquet"},
            "enableErrorDiagnostics": True,
        },
        f"{PREP}/mappingSets": {
            **resources.mapping_set(dataflow.schema_id, {"RowKey": "_id"}),
            "name": "set",
            "tags": {},
            "inputSchema": {},
        },
    }


_WRONG: tuple[Any, ...] = (-7.5, "", "x\u0000\u202e'\";--" * 500, [[]], {"x": {}})


def _leaves(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _leaves(value, (*at, key))


def _place(body: Any, path: Any, value: Any) -> None:
    *parents, last = path
    for step in parents:
        body = body[step]
    body[last] = value


@pytest.mark.parametrize("path", [path for path in COLLECTIONS if not path.endswith(("classes", "datatypes"))])
def test_a_wrong_value_anywhere_is_never_a_failure_of_ours(
    client: Client, bodies: dict[str, dict[str, Any]], path: str
) -> None:
    for member in _leaves(bodies[path]):
        for wrong in _WRONG:
            body = copy.deepcopy(bodies[path])
            _place(body, member, wrong)
            answer = client.post(path, json=body)
            assert answer.status_code < 500, (member, wrong, answer.text)
            if answer.status_code >= 400:
                refusal(answer)


def _wrong(member: str) -> tuple[Any, ...]:
    """Values of types that the member does not take."""
    return ("x" if "Percent" in member or "startTime" in member else 7, [[]], {"x": 1})


@pytest.mark.parametrize(
    ("path", "member", "wrong"),
    [
        (f"{FLOW}/{collection}", member, wrong)
        for collection, members in {
            "connections": ("name", "connectionSpec", "connectionSpec.id", "auth", "auth.specName", "auth.params"),
            "sourceConnections": ("name", "connectionSpec.id", "baseConnectionId", "data", "params"),
            "targetConnections": ("name", "connectionSpec.id", "data", "params", "params.dataSetId"),
            "flows": (
                "name",
                "flowSpec.id",
                "sourceConnectionIds",
                "targetConnectionIds",
                "transformations",
                "transformations.0",
                "transformations.0.name",
                "transformations.0.params",
                "transformations.0.params.mappingId",
                "scheduleParams",
                "scheduleParams.frequency",
                "options",
                "options.partialIngestionPercent",
                "options.errorDiagnosticsEnabled",
            ),
            "runs": ("flowId", "params", "params.startTime"),
        }.items()
        for member in members
        for wrong in _wrong(member)
        if not (wrong == {"x": 1} and member in {"data", "auth.params", "options", "params"})
        and not (wrong == {"x": 1} and member == "scheduleParams")
    ],
)
def test_a_value_of_the_wrong_type_is_refused(
    client: Client, bodies: dict[str, dict[str, Any]], path: str, member: str, wrong: Any
) -> None:
    body = copy.deepcopy(bodies[path])
    _place(body, [int(step) if step.isdigit() else step for step in member.split(".")], wrong)
    before = client.get(f"{path}?count=true").json()
    refusal(client.post(path, json=body))
    assert client.get(f"{path}?count=true").json() == before


HOSTILE = [
    "Ω≈ç√∫µ≤",
    "السلام",
    "\u202eright to left",
    "e\u0301",
    "👩‍👩‍👧",
    "'; DROP TABLE connections; --",
    "<b>x</b>",
    "${jndi:x}",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_may_be_any_text_and_is_found_by_it(client: Client, dataflow: Dataflow, name: str) -> None:
    made = client.made(f"{FLOW}/targetConnections", resources.target(dataflow.dataset_id, name=name))
    assert client.one(f"{FLOW}/targetConnections/{made['id']}")["name"] == name
    found = client.get(f"{FLOW}/targetConnections", params={"property": f'name=="{name}"'}).json()["items"]
    assert [item["id"] for item in found] == [made["id"]]
    client.delete(f"{FLOW}/targetConnections/{made['id']}")


@pytest.mark.parametrize("ref", [*HOSTILE, "..", "%00", "%ff", "a" * 3_000, "%2e%2e%2f", "*", "null", "'", '"'])
@pytest.mark.parametrize(
    "path",
    [
        *(f"{FLOW}/{name}" for name in ("connections", "flows", "runs", "connectionSpecs", "sourceConnections")),
        f"{CATALOG}/dataSets",
        f"{CATALOG}/batches",
        f"{PREP}/mappingSets",
        f"{REGISTRY}/tenant/schemas",
    ],
)
def test_an_odd_id_is_not_found(client: Client, path: str, ref: str) -> None:
    answer = client.get(f"{path}/{ref}")
    if ref != "..":  # the client takes that step itself
        assert answer.status_code == 404, answer.text
        refusal(answer)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("policy", {"enforcementRefs": 5}),
        ("policy", {"duleLabels": [{}]}),
        ("unifiedMetadata", {"tagIds": "x"}),
        ("unifiedMetadata", {"parentFolderId": []}),
        ("connectionSpec", {"id": resources.LAKE, "version": "9" * 300}),
        ("data", {"format": 5}),
        ("data", {"schema": 7}),
    ],
)
def test_what_we_know_of_an_object_has_its_type(client: Client, dataflow: Dataflow, member: str, value: Any) -> None:
    body = resources.target(dataflow.dataset_id, **{member: value})
    refusal(client.post(f"{FLOW}/targetConnections", json=body), "FLOW-1452-400")


def test_what_we_do_not_know_of_an_object_is_kept(client: Client, dataflow: Dataflow) -> None:
    governed = {"policy": {"enforcementRefs": ["x"], "own": [1, {"a": None}]}, "unifiedMetadata": {"own": 1.5}}
    made = client.made(f"{FLOW}/targetConnections", resources.target(dataflow.dataset_id, **governed))
    shown = client.one(f"{FLOW}/targetConnections/{made['id']}")
    assert {name: shown[name] for name in governed} == governed
    client.delete(f"{FLOW}/targetConnections/{made['id']}")

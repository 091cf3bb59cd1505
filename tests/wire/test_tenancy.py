"""What belongs to one sandbox does not exist in another one, nor for another organisation."""

from collections.abc import Callable
from typing import Any

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, SANDBOXES, Dataflow, refusal

NEIGHBOURS = ["other_org", "other_sandbox"]


@pytest.fixture(params=NEIGHBOURS)
def stranger(request: pytest.FixtureRequest) -> Client:
    """A client that must see nothing of ours."""
    calls: Client = request.getfixturevalue(request.param)
    return calls


@pytest.fixture(scope="module")
def ours(client: Client, dataflow: Dataflow, landed: str) -> dict[str, str]:
    """Ids of one resource of each kind."""
    (run, *_) = resources.ended(client, landed)
    schema = client.get(f"{REGISTRY}/tenant/schemas").json()["results"]
    group = client.get(f"{REGISTRY}/tenant/fieldgroups").json()["results"]
    return {
        f"{FLOW}/connections": dataflow.connection_id,
        f"{FLOW}/sourceConnections": dataflow.source_id,
        f"{FLOW}/targetConnections": dataflow.target_id,
        f"{FLOW}/flows": landed,
        f"{FLOW}/runs": run["id"],
        f"{CATALOG}/dataSets": dataflow.dataset_id,
        f"{CATALOG}/batches": run["providerRefId"],
        f"{PREP}/mappingSets": dataflow.mapping_id,
        f"{REGISTRY}/tenant/schemas": next(
            known["meta:altId"] for known in schema if known["$id"] == dataflow.schema_id
        ),
        f"{REGISTRY}/tenant/fieldgroups": group[0]["meta:altId"],
    }


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("DELETE", "", None),
    ("PATCH", "", [{"op": "replace", "path": "/name", "value": "stolen"}]),
    ("PUT", "", {"mappings": [], "xdmSchema": "x"}),
    ("GET", "/test", None),
    ("GET", "/explore?objectType=root", None),
    ("GET", "/mappings", None),
    ("POST", "/action?op=disable", None),
    ("POST", "/action?op=enable", None),
    ("POST", "/action?op=publish", None),
    ("POST", "/action?op=re-trigger", None),
]


@pytest.mark.parametrize(("method", "rest", "body"), CALLS)
def test_no_call_reaches_a_stranger_s_resource(
    stranger: Client, client: Client, ours: dict[str, str], method: str, rest: str, body: Any
) -> None:
    for collection, resource_id in ours.items():
        answer = stranger.request(method, f"{collection}/{resource_id}{rest}", json=body, headers={"If-Match": "*"})
        assert answer.status_code in {404, 405, 400}, (collection, answer.status_code, answer.text)
        if answer.status_code == 400:
            # An action that no resource of this kind takes.
            assert "/action" in rest, (collection, answer.text)
        assert "tabular" not in answer.text
    for collection, resource_id in ours.items():
        assert client.get(f"{collection}/{resource_id}").status_code == 200
    assert client.one(f"{FLOW}/flows/{ours[f'{FLOW}/flows']}")["state"] == "enabled"


def test_no_list_shows_a_stranger_s_resources(stranger: Client, ours: dict[str, str], dataflow: Dataflow) -> None:
    for collection, resource_id in ours.items():
        for query in ("", "?limit=100", f"?property=id=={resource_id}"):
            answer = stranger.get(f"{collection}{query}")
            assert answer.status_code == 200, answer.text
            assert resource_id not in answer.text
        if collection.startswith(FLOW):
            assert stranger.get(f"{collection}?count=true&property=id=={resource_id}").json() == {"count": 0}
    assert stranger.get(f"{CATALOG}/batches?dataSet={dataflow.dataset_id}").json() == {}
    assert dataflow.schema_id not in stranger.get(f"{REGISTRY}/stats").text


@pytest.fixture
def theirs(request: pytest.FixtureRequest, stranger: Client, azurite: Azurite, people: str) -> Dataflow:
    """A stranger's own dataflow, to mix our ids into."""
    return resources.names_flow(stranger, azurite.connection_string, people)


def test_no_body_can_refer_to_a_stranger_s_resource(stranger: Client, theirs: Dataflow, dataflow: Dataflow) -> None:
    own = theirs.body(scheduleParams=resources.never())
    mapping = {"name": "Mapping", "params": {"mappingId": dataflow.mapping_id, "mappingVersion": 0}}
    refused: list[tuple[str, Any]] = [
        (f"{FLOW}/sourceConnections", resources.source(dataflow.connection_id, dataflow.table)),
        (f"{FLOW}/targetConnections", resources.target(dataflow.dataset_id)),
        (f"{FLOW}/flows", own | {"sourceConnectionIds": [dataflow.source_id]}),
        (f"{FLOW}/flows", own | {"targetConnectionIds": [dataflow.target_id]}),
        (f"{FLOW}/flows", own | {"transformations": [mapping]}),
        (f"{CATALOG}/dataSets", resources.dataset(dataflow.schema_id)),
        (f"{PREP}/mappingSets", resources.mapping_set(dataflow.schema_id, {"RowKey": "_id"})),
        (f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE, dataflow.schema_id)),
    ]
    for path, body in refused:
        refusal(stranger.post(path, json=body))
    assert stranger.post(f"{FLOW}/flows", json=own).status_code == 201


def test_no_run_is_started_on_a_stranger_s_flow(stranger: Client, client: Client, landed: str) -> None:
    runs = f"{FLOW}/runs?count=true&property=flowId=={landed}"
    before = client.get(runs).json()
    refusal(stranger.post(f"{FLOW}/runs", json={"flowId": landed}), "FLOW-1430-404")
    assert client.get(runs).json() == before


def test_the_same_title_may_be_used_by_strangers(client: Client, stranger: Client) -> None:
    body = {**resources.schema(resources.PROFILE), "title": f"Shared title {stranger.headers['x-sandbox-name']}"}
    if stranger.headers["x-gw-ims-org-id"] != client.headers["x-gw-ims-org-id"]:
        body["title"] += " across organisations"
    assert client.post(f"{REGISTRY}/tenant/schemas", json=body).status_code == 201
    assert stranger.post(f"{REGISTRY}/tenant/schemas", json=body).status_code == 201
    refusal(client.post(f"{REGISTRY}/tenant/schemas", json=body))


def test_sandboxes_are_those_of_the_own_organisation(client: Client, other_org: Client, other_sandbox: Client) -> None:
    def ids(calls: Client) -> dict[str, str]:
        return {sandbox["name"]: sandbox["id"] for sandbox in calls.get(f"{SANDBOXES}/sandboxes").json()["sandboxes"]}

    assert {"prod", "dev"} <= set(ids(client))
    assert "prod" in ids(other_org)
    assert not set(ids(client).values()) & set(ids(other_org).values())
    refusal(other_org.get(f"{SANDBOXES}/sandboxes/dev"))
    assert other_org.get(f"{FLOW}/flows", headers={"x-sandbox-name": "dev"}).status_code == 404


# --- permissions -----------------------------------------------------------------------------------------------------


def test_without_view_sources_nothing_can_be_read(
    without: Callable[[Permission], Client], ours: dict[str, str]
) -> None:
    calls = without(Permission.VIEW_SOURCES)
    for collection, resource_id in ours.items():
        for path in (collection, f"{collection}/{resource_id}"):
            refused = refusal(calls.get(path))
            assert refused["status"] == 403, path
    for path in ("connectionSpecs", "flowSpecs", f"connectionSpecs/{resources.AZURE_TABLE}"):
        refusal(calls.get(f"{FLOW}/{path}"), "FLOW-2118-403")
    connection = f"{FLOW}/connections/{ours[f'{FLOW}/connections']}"
    refusal(calls.get(f"{connection}/test"), "FLOW-2118-403")
    refusal(calls.get(f"{connection}/explore?objectType=root"), "FLOW-2118-403")


def test_without_manage_sources_nothing_can_be_changed(
    without: Callable[[Permission], Client], ours: dict[str, str], dataflow: Dataflow, azurite: Azurite
) -> None:
    calls = without(Permission.MANAGE_SOURCES)
    bodies: dict[str, Any] = {
        f"{FLOW}/connections": resources.connection(azurite.connection_string),
        f"{FLOW}/sourceConnections": resources.source(dataflow.connection_id, dataflow.table),
        f"{FLOW}/targetConnections": resources.target(dataflow.dataset_id),
        f"{FLOW}/flows": dataflow.body(),
        f"{CATALOG}/dataSets": resources.dataset(dataflow.schema_id),
        f"{PREP}/mappingSets": resources.mapping_set(dataflow.schema_id, {"RowKey": "_id"}),
        f"{REGISTRY}/tenant/schemas": resources.schema(resources.PROFILE),
        f"{REGISTRY}/tenant/fieldgroups": resources.field_group(dataflow.tenant, {"x": {"type": "string"}}),
    }
    for path, body in bodies.items():
        assert refusal(calls.post(path, json=body))["status"] == 403, path
    for collection in ("connections", "sourceConnections", "targetConnections", "flows"):
        refusal(calls.delete(f"{FLOW}/{collection}/{ours[f'{FLOW}/{collection}']}"), "FLOW-2118-403")
    patch = [{"op": "replace", "path": "/name", "value": "x"}]
    path = f"{FLOW}/connections/{dataflow.connection_id}"
    refusal(calls.patch(path, json=patch, headers={"If-Match": "*"}), "FLOW-2118-403")
    refusal(calls.post(f"{FLOW}/flows/{ours[f'{FLOW}/flows']}/action?op=disable"), "FLOW-2118-403")
    set_path = f"{PREP}/mappingSets/{dataflow.mapping_id}"
    refusal(calls.put(set_path, json=bodies[f"{PREP}/mappingSets"]))


def test_without_run_nothing_can_be_run(without: Callable[[Permission], Client], landed: str) -> None:
    refusal(without(Permission.RUN).post(f"{FLOW}/runs", json={"flowId": landed}), "FLOW-2118-403")


def test_without_manage_secrets_no_connection_is_made_and_no_auth_changed(
    without: Callable[[Permission], Client], client: Client, azurite: Azurite
) -> None:
    calls = without(Permission.MANAGE_SECRETS)
    body = resources.connection(azurite.connection_string)
    refusal(calls.post(f"{FLOW}/connections", json=body), "FLOW-2118-403")
    path = f"{FLOW}/connections/{client.made(f'{FLOW}/connections', body)['id']}"
    if_match = {"If-Match": "*"}
    other = azurite.connection_string.replace("AccountName", "accountname") + ";"
    secret = [{"op": "replace", "path": "/auth/params/connectionString", "value": other}]
    refusal(calls.patch(path, json=secret, headers=if_match), "FLOW-2118-403")
    name = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert calls.patch(path, json=name, headers=if_match).status_code == 200
    assert client.one(path)["name"] == "renamed"
    assert client.delete(path).status_code == 204


def test_without_view_data_no_row_of_a_source_is_shown(
    without: Callable[[Permission], Client], dataflow: Dataflow
) -> None:
    path = f"{FLOW}/connections/{dataflow.connection_id}/explore?objectType=table&object={dataflow.table}"
    calls = without(Permission.VIEW_DATA)
    refusal(calls.get(f"{path}&preview=true"), "FLOW-2118-403")
    assert "data" not in calls.get(path).json()


def test_without_the_other_permissions_sources_can_be_worked_with(
    without: Callable[[Permission], Client], landed: str
) -> None:
    for permission in (Permission.VIEW_DATA, Permission.MANAGE_SECRETS, Permission.ADMINISTER):
        assert without(permission).get(f"{FLOW}/flows/{landed}").status_code == 200

"""A customer's own source definitions: checked, kept, shown, and replaced."""

import copy
from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, LAKE, UNKNOWN, refusal

BATCH = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
STREAMING = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
TEMPLATE = "6499120c-0b15-42dc-936e-847ea3c24d72"


def spec(**other: Any) -> dict[str, Any]:
    """A body of `POST /connectionSpecs`: a REST source with everything that one can say."""
    return {
        "name": "generic-rest-extension",
        "type": "generic-rest",
        "description": "Campaign mails",
        "providerId": BATCH,
        "version": "1.0",
        "attributes": {"category": "ecommerce", "isSource": True, "connectorName": "Campaigns", "own": [1, None]},
        "authSpec": [
            {
                "name": "OAuth2 Refresh Code",
                "type": "OAuth2RefreshCode",
                "spec": {
                    "$schema": "http://json-schema.org/draft-07/schema#",
                    "type": "object",
                    "properties": {"accessToken": {"type": "string", "format": "password"}},
                    "required": ["accessToken"],
                },
            }
        ],
        "sourceSpec": {
            "attributes": {
                "uiAttributes": {"isSource": True, "label": {"text": "Campaigns"}},
                "urlParams": {"host": "https://example.com", "path": "/3.0/reports/${campaignId}", "method": "GET"},
                "contentPath": {"path": "$.emails", "skipAttributes": ["_links"], "overrideWrapperAttribute": "email"},
                "paginationParams": {
                    "type": "OFFSET", "limitName": "count", "limitValue": "100", "offSetName": "offset"
                },
                "scheduleParams": {"scheduleStartParamName": "since"},
            },
            "spec": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {"campaignId": {"type": "string"}},
                "required": ["campaignId"],
            },
        },
        "exploreSpec": {"name": "Resource", "type": "Resource", "requestSpec": {"type": "object"}},
        **other,
    }  # fmt: skip


@pytest.fixture
def made(client: Client) -> str:
    """The id of a spec of the test's own."""
    return str(client.made(f"{FLOW}/connectionSpecs", spec())["id"])


def test_a_spec_reads_as_it_was_written(client: Client) -> None:
    answer = client.post(f"{FLOW}/connectionSpecs", json=spec())
    assert answer.status_code == 201
    made = answer.json()
    (shown,) = made["items"]
    assert shown["id"] == made["id"]
    assert answer.headers["location"] == f"{FLOW}/connectionSpecs/{made['id']}"
    read = client.one(f"{FLOW}/connectionSpecs/{made['id']}")
    assert read == shown
    attributes = {"isSupported": False, "unsupportedReason": shown["attributes"]["unsupportedReason"]}
    assert {name: read[name] for name in spec()} == spec(attributes=spec()["attributes"] | attributes)
    assert isinstance(read["createdAt"], int)
    assert made["id"] in {item["id"] for item in client.get(f"{FLOW}/connectionSpecs").json()["items"]}
    by_name = client.get(f"{FLOW}/connectionSpecs?property=attributes.connectorName==Campaigns").json()["items"]
    assert made["id"] in {item["id"] for item in by_name}


def test_another_sandbox_and_another_organisation_do_not_have_it(
    client: Client, other_org: Client, other_sandbox: Client, made: str
) -> None:
    for stranger in (other_org, other_sandbox):
        path = f"{FLOW}/connectionSpecs/{made}"
        refusal(stranger.get(path), "FLOW-1439-404")
        refusal(stranger.put(path, json=spec()), "FLOW-1439-404")
        refusal(stranger.get(f"{path}/explore?objectType=root"), "FLOW-1439-404")
        refusal(stranger.get(f"{path}/configs?outputType=activationDatasets&outputField=datasets"), "FLOW-1439-404")
        assert made not in stranger.get(f"{FLOW}/connectionSpecs").text
        flows = {"name": "x", "providerId": BATCH, "sourceConnectionSpecIds": [made]}
        refusal(stranger.post(f"{FLOW}/flowSpecs", json=flows), "FLOW-1413-400")
        account = {"name": "x", "connectionSpec": {"id": made, "version": "1.0"}}
        refusal(stranger.post(f"{FLOW}/connections", json=account), "FLOW-1413-400")


def test_a_put_replaces_the_whole(client: Client, made: str) -> None:
    path = f"{FLOW}/connectionSpecs/{made}"
    body = client.one(path) | {"description": "Changed"}
    del body["exploreSpec"]
    answer = client.put(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == made
    read = client.one(path)
    assert read == answer.json()
    assert read["description"] == "Changed"
    assert "exploreSpec" not in read


def test_running_a_customer_s_own_source_is_a_clear_refusal(client: Client, made: str) -> None:
    body = {"name": "x", "connectionSpec": {"id": made, "version": "1.0"}, "auth": {"specName": "x", "params": {}}}
    refusal(client.post(f"{FLOW}/connections", json=body), "FLOW-1100-400")
    refusal(client.get(f"{FLOW}/connectionSpecs/{made}/explore?objectType=root"), "FLOW-1100-400")


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """A body with another value at `path`; `...` removes it."""
    body = copy.deepcopy(spec())
    node: Any = body
    for step in path[:-1]:
        node = node[step]
    if to is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return body


ATTRIBUTES = ("sourceSpec", "attributes")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (changed("name", to=...), "name"),
        (changed("name", to=""), "name"),
        (changed("name", to="x" * 256), "name"),
        (changed("name", to="azure-table-storage"), "azure-table-storage"),
        (changed("type", to="generic-ftp"), "type"),
        (changed("type", to=...), "type"),
        (changed("providerId", to=...), "providerId"),
        (changed("providerId", to=UNKNOWN), "providerId"),
        (changed("providerId", to=STREAMING), "providerId"),
        (changed("attributes", to=[]), "attributes"),
        (changed("authSpec", to={}), "authSpec"),
        (changed("authSpec", 0, "name", to=...), "authSpec/0/name"),
        (changed("authSpec", 0, "spec", to="object"), "authSpec/0/spec"),
        (changed("authSpec", 0, "spec", to={"type": "objekt"}), "authSpec/0/spec"),
        (changed("authSpec", to=[spec()["authSpec"][0]] * 2), "authSpec"),
        (changed("sourceSpec", "spec", "properties", to={}), "campaignId"),
        (changed("sourceSpec", "spec", "required", to="campaignId"), "sourceSpec/spec"),
        (changed(*ATTRIBUTES, "urlParams", "method", to="DELETE"), "urlParams/method"),
        (changed(*ATTRIBUTES, "paginationParams", "type", to="ALL"), "paginationParams/type"),
        (changed(*ATTRIBUTES, "paginationParams", "limitName", to=...), "limitName"),
        (changed(*ATTRIBUTES, "paginationParams", "limitValue", to="many"), "limitValue"),
        (changed(*ATTRIBUTES, "contentPath", "skipAttributes", to="x"), "skipAttributes"),
        (changed("exploreSpec", "type", to="Anything"), "exploreSpec/type"),
        (changed("exploreSpec", "requestSpec", to={"properties": []}), "exploreSpec/requestSpec"),
    ],
)
def test_a_malformed_spec_names_the_member(client: Client, made: str, body: Any, named: str) -> None:
    before = client.get(f"{FLOW}/connectionSpecs").json()
    for answer in (
        client.post(f"{FLOW}/connectionSpecs", json=body),
        client.put(f"{FLOW}/connectionSpecs/{made}", json=body),
    ):
        assert named in refusal(answer)["errorMessage"]
    assert client.get(f"{FLOW}/connectionSpecs").json() == before


def test_a_documented_connection_spec_stays(client: Client) -> None:
    refusal(client.put(f"{FLOW}/connectionSpecs/{resources.AZURE_TABLE}", json=spec()), "FLOW-1426-400")
    refusal(client.put(f"{FLOW}/connectionSpecs/{UNKNOWN}", json=spec()), "FLOW-1439-404")
    other = spec(id=UNKNOWN)
    own = client.made(f"{FLOW}/connectionSpecs", spec())["id"]
    refusal(client.put(f"{FLOW}/connectionSpecs/{own}", json=other), "FLOW-1452-400")


# --- flow specs ------------------------------------------------------------------------------------------------------


def test_a_new_source_is_added_to_a_documented_flow_spec(client: Client, other_sandbox: Client, made: str) -> None:
    path = f"{FLOW}/flowSpecs/{TEMPLATE}"
    body = client.one(path)
    answer = client.put(path, json=body | {"sourceConnectionSpecIds": [*body["sourceConnectionSpecIds"], made]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == TEMPLATE
    assert client.one(path)["sourceConnectionSpecIds"][-1] == made
    listed = [spec for spec in client.get(f"{FLOW}/flowSpecs").json()["items"] if spec["id"] == TEMPLATE]
    assert [spec["sourceConnectionSpecIds"][-1] for spec in listed] == [made]
    # A second change, and the other sandbox keeps what is documented.
    assert client.put(path, json=body).status_code == 200
    assert client.one(path)["sourceConnectionSpecIds"] == body["sourceConnectionSpecIds"]
    assert other_sandbox.one(path) == body


def test_a_flow_spec_of_one_s_own(client: Client, made: str) -> None:
    body = {
        "name": "Own flows",
        "providerId": BATCH,
        "version": "1.0",
        "sourceConnectionSpecIds": [made],
        "targetConnectionSpecIds": [LAKE],
        "transformationSpecDTOS": [{"name": "Mapping", "spec": {"type": "object"}}],
        "attributes": {"frequency": "batch", "isSourceFlow": True},
    }
    shown = client.made(f"{FLOW}/flowSpecs", body)
    assert shown["transformationSpecs"] == body["transformationSpecDTOS"]
    assert client.one(f"{FLOW}/flowSpecs/{shown['id']}") == shown
    refusal(client.post(f"{FLOW}/flowSpecs", json=body | {"sourceConnectionSpecIds": [UNKNOWN]}), "FLOW-1413-400")
    for wrong in ({"sourceConnectionSpecIds": made}, {"name": None}, {"scheduleSpec": {"name": "x", "spec": []}}):
        refusal(client.post(f"{FLOW}/flowSpecs", json=body | wrong), "-400")
    refusal(client.put(f"{FLOW}/flowSpecs/{made}", json=body), "FLOW-1439-404")


# --- explore and configs through a spec ------------------------------------------------------------------------------


def test_sources_with_accounts_are_not_explored_through_their_spec(client: Client) -> None:
    path = f"{FLOW}/connectionSpecs/{resources.AZURE_TABLE}/explore?objectType=root"
    refusal(client.get(path), "CONNECTOR-1372-400")


def test_a_landing_zone_is_a_clear_refusal(client: Client) -> None:
    zones = f"{FLOW}/connectionSpecs/26f526f2-58f4-4712-961d-e41bf1ccc0e8/explore?objectType=root"
    assert "Landing Zone" in refusal(client.get(zones), "FLOW-1100-400")["errorMessage"]


def test_the_datasets_of_the_sandbox_can_be_listed_through_a_spec(
    client: Client, dataflow: resources.Dataflow, other_sandbox: Client
) -> None:
    path = f"{FLOW}/connectionSpecs/{LAKE}/configs?outputType=activationDatasets&outputField=datasets"
    found: list[Any] = []
    while True:
        answer = client.get(f"{path}&limit=1&start={len(found)}").json()
        found += answer["items"]
        if not answer["pageInfo"]["hasNext"]:
            break
    everything = client.get(path).json()
    assert everything["items"] == found
    assert dataflow.dataset_id in {item["id"] for item in found}
    assert dataflow.dataset_id not in other_sandbox.get(path).text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "CONNECTOR-1334-400"),
        ("?authType=IamBasedAuthentication", "CONNECTOR-1301-400"),
        ("?outputType=x&outputField=datasets", "FLOW-1451-400"),
        ("?outputType=activationDatasets", "FLOW-1451-400"),
        ("?outputType=activationDatasets&outputField=datasets&limit=0", "FLOW-1451-400"),
        ("?outputType=activationDatasets&outputField=datasets&start=-1", "FLOW-1451-400"),
    ],
)
def test_configs_that_there_are_not(client: Client, query: str, code: str) -> None:
    refusal(client.get(f"{FLOW}/connectionSpecs/{LAKE}/configs{query}"), code)


def test_the_columns_of_a_table_as_configs(client: Client, dataflow: resources.Dataflow) -> None:
    path = f"{FLOW}/connections/{dataflow.connection_id}/configs"
    items = client.get(f"{path}?object={dataflow.table}").json()["items"]
    assert {"columnName": "age", "columnType": "int"} in items
    refusal(client.get(path), "CONNECTOR-1334-400")
    refusal(client.get(f"{path}?object=doesNotExist"), "FLOW-1101-404")

"""Drafts: kept incomplete, completed by patches, published in the documented order."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from demo.azurite import KEY, Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, LAKE, Dataflow, refusal
from tests.wire.test_connections import WRONG_KEY

SPEC = {"id": resources.AZURE_TABLE, "version": "1.0"}


def draft(client: Client, collection: str, body: dict[str, Any]) -> str:
    """The id of a new draft."""
    made = client.made(f"{FLOW}/{collection}?mode=draft", body)
    shown = client.one(f"{FLOW}/{collection}/{made['id']}")
    assert shown["state"] == "draft"
    assert shown["etag"] == made["etag"]
    return str(made["id"])


def publish(client: Client, collection: str, draft_id: str) -> dict[str, Any]:
    """The answer to publishing a draft."""
    answer = client.post(f"{FLOW}/{collection}/{draft_id}/action?op=publish")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "etag"}
    assert client.one(f"{FLOW}/{collection}/{draft_id}")["state"] == "enabled"
    return dict(answer.json())


def patch(client: Client, collection: str, draft_id: str, *steps: dict[str, Any]) -> None:
    """Patch what was just read."""
    path = f"{FLOW}/{collection}/{draft_id}"
    answer = client.patch(path, json=list(steps), headers={"If-Match": client.one(path)["etag"]})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def drafts(client: Client) -> Iterator[dict[str, str]]:
    """Ids of drafts that the test made, by collection; removed at the end."""
    made: dict[str, str] = {}
    yield made
    for collection, draft_id in made.items():
        client.delete(f"{FLOW}/{collection}/{draft_id}")


def test_a_dataflow_can_be_drafted_whole_and_published_step_by_step(
    client: Client, dataflow: Dataflow, azurite: Azurite, drafts: dict[str, str]
) -> None:
    base = drafts["connections"] = draft(client, "connections", {"name": "account", "connectionSpec": SPEC})
    source = draft(client, "sourceConnections", {"name": "source", "baseConnectionId": base, "connectionSpec": SPEC})
    target = draft(client, "targetConnections", {"name": "target", "connectionSpec": {"id": LAKE, "version": "1.0"}})
    body = {
        "name": "drafted",
        "flowSpec": {"id": resources.CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [source],
        "targetConnectionIds": [target],
    }
    flow = draft(client, "flows", body)
    shown = client.one(f"{FLOW}/flows/{flow}")
    assert shown["inheritedAttributes"]["targetConnections"][0]["connectionSpec"]["id"] == LAKE
    assert shown["transformations"] == []

    # Nothing can be published before what it stands on.
    for collection, draft_id, code in [
        ("connections", base, "CONNECTOR-1304-400"),
        ("sourceConnections", source, "FLOW-1456-400"),
        ("targetConnections", target, "CONNECTOR-1304-400"),
        ("flows", flow, "FLOW-1456-400"),
    ]:
        refusal(client.post(f"{FLOW}/{collection}/{draft_id}/action?op=publish"), code)

    auth = {"specName": resources.BY_STRING, "params": {"connectionString": azurite.connection_string}}
    patch(client, "connections", base, {"op": "add", "path": "/auth", "value": auth})
    publish(client, "connections", base)
    patch(client, "sourceConnections", source, {"op": "add", "path": "/params/tableName", "value": dataflow.table})
    publish(client, "sourceConnections", source)
    patch(client, "targetConnections", target, {"op": "add", "path": "/params/dataSetId", "value": dataflow.dataset_id})
    publish(client, "targetConnections", target)
    refusal(client.post(f"{FLOW}/flows/{flow}/action?op=publish"), "CONNECTOR-1370-400")
    mapping = {"name": "Mapping", "params": {"mappingId": dataflow.mapping_id, "mappingVersion": 0}}
    patch(
        client,
        "flows",
        flow,
        {"op": "add", "path": "/transformations/-", "value": mapping},
        {"op": "add", "path": "/scheduleParams", "value": {"startTime": "1717000000", "frequency": "once"}},
    )
    publish(client, "flows", flow)
    (run,) = resources.ended(client, flow)
    assert resources.status(run) == "success"
    assert run["metrics"]["recordSummary"]["outputRecordCount"] == 40
    client.delete(f"{FLOW}/flows/{flow}")
    client.delete(f"{FLOW}/sourceConnections/{source}")
    client.delete(f"{FLOW}/targetConnections/{target}")


def test_a_draft_s_ends_may_be_exchanged_and_a_published_flow_s_may_not(client: Client, dataflow: Dataflow) -> None:
    other = client.made(f"{FLOW}/sourceConnections", resources.source(dataflow.connection_id, dataflow.table))["id"]
    flow = draft(client, "flows", dataflow.body(scheduleParams=resources.never()))
    step = {"op": "replace", "path": "/sourceConnectionIds/0", "value": other}
    patch(client, "flows", flow, step)
    assert client.one(f"{FLOW}/flows/{flow}")["inheritedAttributes"]["sourceConnections"][0]["id"] == other
    publish(client, "flows", flow)
    refusal(client.patch(f"{FLOW}/flows/{flow}", json=[step], headers={"If-Match": "*"}), "FLOW-1455-400")
    client.delete(f"{FLOW}/flows/{flow}")
    client.delete(f"{FLOW}/sourceConnections/{other}")


def test_a_draft_never_runs(client: Client, dataflow: Dataflow) -> None:
    flow = draft(client, "flows", dataflow.body())
    refusal(client.post(f"{FLOW}/runs", json={"flowId": flow}), "CONNECTOR-1388-400")
    for op in ("enable", "disable"):
        refusal(client.post(f"{FLOW}/flows/{flow}/action?op={op}"), "FLOW-1422-400")
    time.sleep(1.5)  # longer than the tick
    assert client.get(f"{FLOW}/runs?count=true&property=flowId=={flow}").json() == {"count": 0}
    client.delete(f"{FLOW}/flows/{flow}")


def test_what_a_draft_holds_must_be_right(client: Client, dataflow: Dataflow) -> None:
    secret = {"specName": resources.BY_STRING, "params": {"connectionstring": "AccountKey=c2VjcmV0"}}
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("connections", {"name": "x", "connectionSpec": {"id": resources.UNKNOWN}}, "FLOW-1413-400"),
        ("connections", {"name": "x", "connectionSpec": SPEC, "auth": {"specName": "None"}}, "FLOW-1415-400"),
        ("connections", {"name": "x", "connectionSpec": SPEC, "auth": secret}, "FLOW-1452-400"),
        (
            "sourceConnections",
            {"name": "x", "connectionSpec": SPEC, "baseConnectionId": resources.UNKNOWN},
            "FLOW-1439-404",
        ),
        ("sourceConnections", {"name": "x", "connectionSpec": SPEC, "params": {"unknown": 1}}, "FLOW-1452-400"),
        (
            "sourceConnections",
            {"name": "x", "connectionSpec": SPEC, "data": {"format": "json"}},
            "CONNECTOR-1327-400",
        ),
        (
            "targetConnections",
            {"name": "x", "connectionSpec": {"id": LAKE}, "params": {"dataSetId": ""}},
            "CONNECTOR-1325-400",
        ),
        ("flows", dataflow.body(sourceConnectionIds=[]), "CONNECTOR-1321-400"),
        ("flows", dataflow.body(state="draft"), "FLOW-1410-400"),
        ("flows", dataflow.body(transformations=[{"name": "Shuffle"}]), "-400"),
        ("flows", dataflow.body(scheduleParams={"frequency": "never"}), "CONNECTOR-1397-400"),
    ]
    for collection, body, code in refused:
        before = client.get(f"{FLOW}/{collection}?count=true").json()
        answer = client.post(f"{FLOW}/{collection}?mode=draft", json=body)
        refusal(answer, code)
        assert "c2VjcmV0" not in answer.text
        assert client.get(f"{FLOW}/{collection}?count=true").json() == before


def test_a_drafted_secret_is_masked_and_tested_when_published(
    client: Client, azurite: Azurite, drafts: dict[str, str]
) -> None:
    wrong = azurite.connection_string.replace(KEY, WRONG_KEY)
    body = resources.connection(wrong)
    base = drafts["connections"] = draft(client, "connections", body)
    path = f"{FLOW}/connections/{base}"
    assert WRONG_KEY not in client.get(path).text
    refusal(client.get(f"{path}/explore?objectType=root"), "FLOW-1456-400")
    refusal(client.post(f"{path}/action?op=publish"), "FLOW-1100-400")
    assert client.one(path)["state"] == "draft"
    sound = {"op": "replace", "path": "/auth/params/connectionString", "value": azurite.connection_string}
    patch(client, "connections", base, sound)
    publish(client, "connections", base)
    assert client.get(f"{path}/test").json() == {"result": True}


def test_only_a_draft_can_be_published(client: Client, dataflow: Dataflow) -> None:
    for collection, resource_id in [
        ("connections", dataflow.connection_id),
        ("sourceConnections", dataflow.source_id),
        ("targetConnections", dataflow.target_id),
    ]:
        refusal(client.post(f"{FLOW}/{collection}/{resource_id}/action?op=PUBLISH"), "FLOW-1422-400")
    refusal(client.post(f"{FLOW}/connections?mode=sketch", json={}), "-400")


def test_a_spec_that_takes_no_drafts_says_so(client: Client, dataflow: Dataflow) -> None:
    streaming = client.get(f"{FLOW}/flowSpecs?property=attributes.isDraftModeSupported==false").json()["items"]
    assert streaming
    custom = {"name": "Own flows", "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a"}
    custom |= {"sourceConnectionSpecIds": [resources.AZURE_TABLE], "targetConnectionSpecIds": [LAKE]}  # type: ignore[dict-item]
    spec = client.made(f"{FLOW}/flowSpecs", custom)["id"]
    body = dataflow.body(flowSpec={"id": spec, "version": "1.0"}, scheduleParams=resources.never())
    refusal(client.post(f"{FLOW}/flows?mode=draft", json=body), "CONNECTOR-1368-400")
    flow = client.made(f"{FLOW}/flows", body)["id"]
    assert client.delete(f"{FLOW}/flows/{flow}").status_code == 204

"""Versions of flows, over HTTP."""

import time
from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow, refusal

pytestmark = pytest.mark.azurite


def changed(client: Client, flow_id: str, *operations: dict[str, Any]) -> None:
    """The flow after a JSON Patch."""
    etag = client.one(f"{FLOW}/flows/{flow_id}")["etag"]
    answer = client.patch(f"{FLOW}/flows/{flow_id}", json=list(operations), headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text


def versions(client: Client, flow_id: str, query: str = "") -> list[dict[str, Any]]:
    """The versions of the flow, the newest first."""
    found: list[dict[str, Any]] = client.get(f"/v1/flows/{flow_id}/versions{query}").json()["items"]
    return found


def hourly(dataflow: Dataflow, name: str) -> dict[str, Any]:
    """A body of a flow that runs every 6 hours, from tomorrow on."""
    start = int(time.time()) + 86_400
    body = dataflow.body(name=name, scheduleParams={"startTime": start, "frequency": "hour", "interval": 6})
    body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}})
    return body


def test_each_saved_change_is_a_version_and_can_be_reverted_to(client: Client, dataflow: Dataflow) -> None:
    flow_id = client.made(f"{FLOW}/flows", hourly(dataflow, "First"))["id"]
    schedule = client.one(f"{FLOW}/flows/{flow_id}")["scheduleParams"]
    changed(client, flow_id, {"op": "replace", "path": "/name", "value": "Second"})
    changed(
        client,
        flow_id,
        {"op": "add", "path": "/scheduleParams", "value": {**schedule, "interval": 12}},
        {"op": "add", "path": "/options", "value": {"partialIngestionPercent": 7}},
    )
    # Neither of these tells it to do something else.
    client.made(f"{FLOW}/flows/{flow_id}/action?op=disable", None, status=200)
    client.made(f"{FLOW}/flows/{flow_id}/action?op=enable", None, status=200)
    changed(client, flow_id, {"op": "replace", "path": "/name", "value": "Second"})
    found = versions(client, flow_id)
    assert [(one["number"], one["origin"], one["name"], one["isCurrent"]) for one in found] == [
        (3, "changed", "Second", True),
        (2, "changed", "Second", False),
        (1, "made", "First", False),
    ]
    assert found[0]["scheduleParams"]["interval"] == 12
    assert found[0]["target"]["params"]["dataSetId"] == dataflow.dataset_id
    reverted = client.made(f"/v1/flows/{flow_id}/versions/1/revert", None, status=200)
    assert reverted["number"] == 4
    now = client.one(f"{FLOW}/flows/{flow_id}")
    assert (now["name"], now["scheduleParams"], now["options"]) == ("First", schedule, {})
    assert client.get(f"/v1/flows/{flow_id}").json()["nextRunAt"] == schedule["startTime"] * 1_000
    newest = client.get(f"/v1/flows/{flow_id}/versions/4").json()
    assert (newest["origin"], newest["revertsTo"], newest["isCurrent"]) == ("reverted", 1, True)
    # Once more, there is nothing to revert.
    assert client.made(f"/v1/flows/{flow_id}/versions/1/revert", None, status=200)["number"] == 4
    stale = client.post(f"/v1/flows/{flow_id}/versions/2/revert", headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    refusal(client.get(f"/v1/flows/{flow_id}/versions/5"))
    refusal(client.post(f"/v1/flows/{flow_id}/versions/5/revert"))


def test_versions_are_paged_and_go_with_their_flow(client: Client, dataflow: Dataflow) -> None:
    flow_id = dataflow.started(name="v1", scheduleParams=resources.never())
    for number in range(2, 6):
        changed(client, flow_id, {"op": "replace", "path": "/name", "value": f"v{number}"})
    first = client.get(f"/v1/flows/{flow_id}/versions?limit=2").json()
    assert ([one["name"] for one in first["items"]], first["next"]) == (["v5", "v4"], 4)
    last = client.get(f"/v1/flows/{flow_id}/versions?limit=3&below=4").json()
    assert ([one["name"] for one in last["items"]], last["next"]) == (["v3", "v2", "v1"], None)
    client.delete(f"{FLOW}/flows/{flow_id}")
    refusal(client.get(f"/v1/flows/{flow_id}/versions"))


def test_a_draft_goes_back_to_other_ends_and_a_published_flow_does_not(client: Client, dataflow: Dataflow) -> None:
    other = client.made(f"{FLOW}/sourceConnections", resources.source(dataflow.connection_id, "people"))["id"]
    body = dataflow.body(name="Draft", scheduleParams=resources.never())
    flow_id = client.made(f"{FLOW}/flows?mode=draft", body)["id"]
    changed(client, flow_id, {"op": "add", "path": "/sourceConnectionIds", "value": [other]})
    client.made(f"/v1/flows/{flow_id}/versions/1/revert", None, status=200)
    assert client.one(f"{FLOW}/flows/{flow_id}")["sourceConnectionIds"] == [dataflow.source_id]
    client.made(f"{FLOW}/flows/{flow_id}/action?op=publish", None, status=200)
    origins = [one["origin"] for one in versions(client, flow_id)]
    # Publishing tells it to do nothing else.
    assert origins == ["reverted", "changed", "made"]
    assert "elsewhere" in str(refusal(client.post(f"/v1/flows/{flow_id}/versions/2/revert")))

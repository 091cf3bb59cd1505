"""Undoing a run, from the call that asks for it to what lists, the catalog and the lake say afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, UNKNOWN, Dataflow, ended, refusal, status


@pytest.fixture
def own(client: Client, azurite: Azurite, people: str) -> Dataflow:
    """A dataset of its own for the 40 people."""
    return resources.names_flow(client, azurite.connection_string, people)


def undone(client: Client, run: Any, flow_id: str, *, runs: int) -> Any:
    """The undo of `run`, once it has ended as the newest of so many runs of the flow."""
    answer = client.post(f"/v1/runs/{run['id']}/undo")
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"id", "etag"}
    assert answer.headers["location"] == f"{FLOW}/runs/{answer.json()['id']}"
    newest = ended(client, flow_id, runs=runs)[0]
    assert newest["id"] == answer.json()["id"]
    return newest


def extensions(run: Any) -> Any:
    return run["metrics"]["statusSummary"]["extensions"]


def names(server: Server, flow: Dataflow) -> list[str]:
    """The name in each row of the dataset."""
    sql = f'SELECT {flow.tenant}.name FROM "{flow.dataset_id}"'
    return [row["name"] for row in server.rows(sql)]


def held(server: Server, flow: Dataflow) -> int:
    return len(names(server, flow))


def batch(client: Client, run: Any) -> Any:
    return client.get(f"{CATALOG}/batches/{run['providerRefId']}").json()[run["providerRefId"]]


def test_a_run_is_undone_and_run_again(client: Client, server: Server, own: Dataflow) -> None:
    flow_id = own.started()
    (run,) = ended(client, flow_id)
    assert held(server, own) == 40
    undo = undone(client, run, flow_id, runs=2)
    assert status(undo) == "success"
    records = undo["metrics"]["recordSummary"]
    assert (records["inputRecordCount"], records["outputRecordCount"]) == (0, 0)
    assert (records["deletedRecordCount"], records["updatedRecordCount"]) == (40, 0)
    assert extensions(undo) == {"type": "one-time", "undoes": run["id"], "takesWindowAgain": False}
    assert held(server, own) == 0
    shown = client.one(f"{FLOW}/runs/{run['id']}")
    assert (status(shown), extensions(shown)["undoneBy"]) == ("success", undo["id"])
    assert shown["etag"] != run["etag"]
    assert shown["metrics"]["recordSummary"]["outputRecordCount"] == 40
    assert (batch(client, run)["status"], batch(client, undo)["status"]) == ("inactive", "success")
    inactive = client.get(f"{CATALOG}/batches", params={"dataSet": own.dataset_id, "status": "inactive"}).json()
    assert list(inactive) == [run["providerRefId"]]
    query = f"property=metrics.statusSummary.extensions.undoneBy=={undo['id']}"
    assert [found["id"] for found in client.get(f"{FLOW}/runs?{query}").json()["items"]] == [run["id"]]

    again = client.post(f"{FLOW}/runs/{run['id']}/action?op=re-trigger")
    assert again.status_code == 200, again.text
    repeated = ended(client, flow_id, runs=3)[0]
    assert (repeated["id"], status(repeated)) == (again.json()["id"], "success")
    assert held(server, own) == 40
    refusal(client.post(f"{FLOW}/runs/{run['id']}/action?op=re-trigger"), "CONNECTOR-1387-400")


def test_a_disabled_flow_still_undoes_its_runs(client: Client, server: Server, own: Dataflow) -> None:
    flow_id = own.started()
    (run,) = ended(client, flow_id)
    client.post(f"{FLOW}/flows/{flow_id}/action?op=disable")
    assert status(undone(client, run, flow_id, runs=2)) == "success"
    assert held(server, own) == 0


def test_an_upsert_gives_back_what_it_replaced(client: Client, server: Server, azurite: Azurite, own: Dataflow) -> None:
    body = resources.target(own.dataset_id)
    body["params"] |= {"writeMode": "upsert", "keyFields": ["_id"]}
    target_id = client.made(f"{FLOW}/targetConnections", body)["id"]
    ended(client, client.made(f"{FLOW}/flows", resources.flow(own.source_id, target_id, own.mapping_id))["id"])
    entities = [entity | {"name": "Other"} for entity in resources.people(45)[30:]]
    table = resources.seeded(azurite, "otherpeople", entities)
    source_id = client.made(f"{FLOW}/sourceConnections", resources.source(own.connection_id, table))["id"]
    flow_id = client.made(f"{FLOW}/flows", resources.flow(source_id, target_id, own.mapping_id))["id"]
    (run,) = ended(client, flow_id)
    assert (held(server, own), names(server, own).count("Other")) == (45, 15)
    records = undone(client, run, flow_id, runs=2)["metrics"]["recordSummary"]
    assert (records["deletedRecordCount"], records["updatedRecordCount"]) == (5, 10)
    assert (held(server, own), names(server, own).count("Other")) == (40, 0)


def test_what_cannot_be_undone_is_refused(client: Client, own: Dataflow) -> None:
    def refused(run_id: str, told: str) -> None:
        answer = client.post(f"/v1/runs/{run_id}/undo")
        body = answer.json()
        assert (answer.status_code, body["code"]) == (400, "run-not-undoable"), answer.text
        assert told in body["detail"]
        assert body["advice"]

    flow_id = own.started()
    (run,) = ended(client, flow_id)
    undo = undone(client, run, flow_id, runs=2)
    refused(run["id"], "undone already")
    refused(undo["id"], "is an undo itself")
    refusal(client.post(f"{FLOW}/runs/{undo['id']}/action?op=re-trigger"), "CONNECTOR-1387-400")
    client.delete(f"{FLOW}/flows/{flow_id}")
    answer = client.post(f"/v1/runs/{run['id']}/undo")
    assert (answer.status_code, answer.json()["code"]) == (404, "flow-unknown")


def test_a_run_that_is_not_there_or_elsewhere_is_not_found(client: Client, other_sandbox: Client, landed: str) -> None:
    (run, *_) = ended(client, landed)
    for calls, run_id in ((client, UNKNOWN), (other_sandbox, run["id"])):
        answer = calls.post(f"/v1/runs/{run_id}/undo")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text


@pytest.mark.parametrize("permission", [Permission.RUN, Permission.VIEW_SOURCES])
def test_undoing_takes_the_permission_to_run(without: Callable[[Permission], Client], permission: Permission) -> None:
    answer = without(permission).post(f"/v1/runs/{UNKNOWN}/undo")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

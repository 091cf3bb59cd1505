"""Schema drift over HTTP: a policy is kept and checked, changes are held, decided about, and land."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from demo.azurite import Azurite
from flowservice import cli
from flowservice.app import App
from flowservice.domain.dataset import TableRef
from flowservice.domain.identity import Sandbox
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, REGISTRY, UNKNOWN, Dataflow, ended, refusal, status

HOLD = {"newColumns": "hold", "removedColumns": "hold", "typeChanges": "hold"}


@pytest.fixture(scope="module")
def drifting(client: Client, azurite: Azurite) -> Dataflow:
    table = resources.seeded(azurite, "driftingpeople", resources.people(5))
    return resources.names_flow(client, azurite.connection_string, table)


def extensions(run: Any) -> Any:
    return run["metrics"]["statusSummary"]["extensions"]


def typed(server: Server, *words: str) -> str:
    """What the command prints for whoever owns the server's home."""
    done = CliRunner().invoke(cli.app, [*words, "--home", str(server.home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def ran(client: Client, flow_id: str, runs: int) -> Any:
    client.made(f"{FLOW}/runs", {"flowId": flow_id})
    return ended(client, flow_id, runs=runs)[0]


def test_a_new_column_is_held_accepted_and_lands(
    client: Client, server: Server, app: App, prod: Sandbox, azurite: Azurite, drifting: Dataflow
) -> None:
    flow_id = drifting.started(options={"schemaDrift": HOLD})
    (first,) = ended(client, flow_id)
    assert status(first) == "success"
    path = f"/v1/flows/{flow_id}/drift"
    known = client.get(path).json()
    assert (known["policy"], known["held"], known["lastMet"]) == (HOLD, None, None)
    assert {"name": "age", "types": ["Edm.Int32"]} in known["columns"]
    late = {"PartitionKey": "p", "RowKey": "90000", "name": "Late", "loyalty level": 7}
    resources.seeded(azurite, drifting.table, [late])
    change = {"kind": "newColumn", "column": "loyalty level", "was": [], "now": ["Edm.Int32"]}
    trial = client.post(f"/v1/flows/{flow_id}/dryRun", json={"rows": 10}).json()
    assert trial["schemaDrift"] == {"changes": [change], "isHeld": True}
    assert client.get(path).json() == known
    failed = ran(client, flow_id, 2)
    (error,) = failed["metrics"]["statusSummary"]["errors"]
    assert (status(failed), error["code"], path in error["advice"]) == ("failed", "schema-drift-held", True)
    assert extensions(failed)["schemaDrift"] == [change]
    held = client.get(path).json()["held"]
    assert (held["runs"], held["lastRunId"], held["reason"]) == (1, failed["id"], None)
    assert [{name: found[name] for name in change} for found in held["changes"]] == [change]
    assert f"flows drift {flow_id} --accept {held['id']}" in typed(server, "flows", "drift", flow_id)
    for decision in ("accept", "ignore"):
        answer = client.post(f"{path}/{decision}", json={"id": "0" * 32})
        assert (answer.status_code, answer.json()["code"]) == (409, "drift-changed")
    told = json.loads(typed(server, "flows", "drift", flow_id, "--accept", held["id"], "--json"))
    assert told["held"] is None
    run = ran(client, flow_id, 3)
    assert (status(run), "schemaDrift" in extensions(run)) == ("success", False)
    assert run["metrics"]["recordSummary"]["outputRecordCount"] == 6
    rows = app.lake.dataset(TableRef(sandbox_id=prod.id, dataset_id=drifting.dataset_id)).to_table().to_pylist()
    (own,) = (row[drifting.tenant] for row in rows if row["_id"] == "90000")
    assert own == {"name": "Late", "loyalty_level": 7}
    flow = client.get(f"{FLOW}/flows/{flow_id}").json()["items"][0]
    assert flow["transformations"][0]["params"]["mappingVersion"] == 1
    assert flow["options"] == {"schemaDrift": HOLD}
    full = {"Accept": "application/vnd.adobe.xed-full+json;version=1"}
    ref = drifting.schema_id.replace(":", "%3A").replace("/", "%2F")
    schema = client.get(f"{REGISTRY}/tenant/schemas/{ref}", headers=full).json()
    assert schema["properties"][drifting.tenant]["properties"]["loyalty_level"]["title"] == "loyalty level"
    assert client.get(f"{CATALOG}/batches/{run['providerRefId']}").json()[run["providerRefId"]]["status"] == "success"
    client.delete(f"{FLOW}/flows/{flow_id}")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("hold", "options.schemaDrift must be an object"),
        ({"newColumn": "hold"}, "has no member 'newColumn'"),
        ({"newColumns": "null"}, "newColumns must be one of ignore, add, hold"),
        ({"removedColumns": ["hold"]}, "removedColumns must be one of null, hold"),
        ({"typeChanges": None}, "typeChanges must be one of reject, hold"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_and_nothing_is_made(
    client: Client, drifting: Dataflow, sent: Any, told: str
) -> None:
    before = client.get(f"{FLOW}/flows", params={"count": "true"}).json()
    answer = client.post(f"{FLOW}/flows", json=drifting.body(options={"schemaDrift": sent}))
    assert told in refusal(answer, "FLOW-1452-400")["report"]["detailed-message"]
    assert client.get(f"{FLOW}/flows", params={"count": "true"}).json() == before


def test_a_policy_can_be_changed(client: Client, drifting: Dataflow) -> None:
    flow_id = drifting.started(scheduleParams=resources.never())
    asked = client.get(f"/v1/flows/{flow_id}/drift").json()
    assert asked["policy"] == {"newColumns": "ignore", "removedColumns": "null", "typeChanges": "reject"}
    assert (asked["held"], asked["columns"]) == (None, [])
    change = [{"op": "add", "path": "/options/schemaDrift", "value": {"newColumns": "add"}}]
    assert client.patch(f"{FLOW}/flows/{flow_id}", json=change, headers={"If-Match": "*"}).status_code == 200
    assert client.get(f"/v1/flows/{flow_id}/drift").json()["policy"]["newColumns"] == "add"
    wrong = [{"op": "replace", "path": "/options/schemaDrift", "value": {"newColumns": "x"}}]
    refusal(client.patch(f"{FLOW}/flows/{flow_id}", json=wrong, headers={"If-Match": "*"}), "FLOW-1452-400")
    client.delete(f"{FLOW}/flows/{flow_id}")


def test_a_flow_that_is_not_there_has_no_drift(client: Client) -> None:
    assert client.get(f"/v1/flows/{UNKNOWN}/drift").status_code == 404
    for decision in ("accept", "ignore"):
        assert client.post(f"/v1/flows/{UNKNOWN}/drift/{decision}", json={"id": "x"}).status_code == 404

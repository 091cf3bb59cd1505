"""The unmodified `aepp` client: its classes FlowService and FlowManager, method by method, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.journeys.aepp_client import told_by
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow

pytestmark = pytest.mark.azurite

METHODS = """
import time
from aepp import flowservice

fs = flowservice.FlowService()
spec = {"id": given["spec"], "version": "1.0"}
auth = {"specName": given["auth"], "params": {"connectionString": given["connectionString"]}}

told["connection"] = made = fs.createConnection(name="by client", connectionSpec=spec, auth=auth)
told["connection_by_data"] = fs.createConnection(data={"name": "by data", "connectionSpec": spec, "auth": auth})
told["refused_connection"] = fs.createConnection(name="nothing", connectionSpec={"id": "nothing"}, auth=auth)
told["patched_connection"] = fs.patchConnection(made["id"], [{"op": "Replace", "path": "/name", "value": "patched"}])
told["read_connection"] = fs.getConnection(made["id"])
told["test"] = fs.connectionTest(made["id"])
told["connections"] = [item["id"] for item in fs.getConnections(n_results="inf")]
told["resource"] = fs.getResource(fs.endpoint + "/connections", params={"limit": 1})
told["deleted"] = fs.deleteConnection(told["connection_by_data"]["id"])
told["deleted_again"] = fs.deleteConnection(told["connection_by_data"]["id"])

told["specs"] = len(fs.getConnectionSpecs())
names = fs.getConnectionSpecsMap()
told["names"] = {name: names.get(name) for name in (
    "landing-zone", "datalake", "activation-datalake", "Data Landing Zone", "Streaming Connection", given["specName"])}
told["spec"] = fs.getConnectionSpec(given["spec"])
told["spec_id"] = fs.getConnectionSpecIdFromName("azure-table-storage")
told["flow_specs"] = [item["id"] for item in fs.getFlowSpecs()]
told["flow_spec_id"] = fs.getFlowSpecIdFromNames("CRMToAEP")
told["zone_flow_spec_id"] = fs.getFlowSpecIdFromNames("CloudStorageToAEP", "landing-zone", "datalake")
told["flow_spec"] = fs.getFlowSpec(told["flow_spec_id"])

source = {"name": "s", "baseConnectionId": made["id"], "connectionSpec": spec, "data": {"format": "tabular"},
          "params": {"tableName": given["table"]}}
told["source"] = fs.createSourceConnection(source)
read = fs.getSourceConnection(told["source"]["id"])
told["patched_source"] = fs.updateSourceConnection(
    read["id"], read["etag"], [{"op": "add", "path": "/description", "value": "by client"}])
told["source_read"] = fs.getSourceConnection(read["id"])
told["stale_source"] = fs.updateSourceConnection(
    read["id"], read["etag"], [{"op": "add", "path": "/description", "value": "again"}])
told["target"] = fs.createTargetConnection(name="t", connectionSpecId=given["lake"], datasetId=given["dataset"])
told["lake_target"] = fs.createTargetConnectionDataLake("lake", given["dataset"], given["schema"])
read = fs.getTargetConnection(told["target"]["id"])
told["patched_target"] = fs.updateTargetConnection(
    read["id"], read["etag"], [{"op": "replace", "path": "/name", "value": "renamed"}])
told["target_read"] = fs.getTargetConnection(read["id"])

told["flow"] = flow = fs.createFlow(
    told["flow_spec_id"], name="by client", source_connection_id=told["source"]["id"],
    target_connection_id=told["target"]["id"], schedule_frequency="once",
    transformation_mapping_id=given["mapping"], transformation_name=None)
told["scheduled_flow"] = fs.createFlow(told["flow_spec_id"], obj={
    "name": "later", "flowSpec": {"id": told["flow_spec_id"], "version": "1.0"},
    "sourceConnectionIds": [told["source"]["id"]], "targetConnectionIds": [told["lake_target"]["id"]],
    "transformations": [{"name": "Mapping", "params": {"mappingId": given["mapping"], "mappingVersion": "0"}}],
    "scheduleParams": {"startTime": str(int(time.time()) + 86400), "frequency": "once"}})

def ended(count):
    for _ in range(600):
        runs = fs.getRuns(prop=[f"flowId=={flow['id']}"])
        states = [run["metrics"]["statusSummary"]["status"] for run in runs]
        if len(runs) >= count and all(state in ("success", "failed", "partialSuccess") for state in states):
            return runs
        time.sleep(0.1)
    raise SystemExit(f"the runs did not end: {states}")

told["runs"] = ended(1)
told["created_run"] = fs.createRun(flow["id"])
told["run"] = fs.getRun(told["created_run"]["id"])
ended(2)
told["one_run"] = fs.getRuns(limit=1, n_results=1, prop=f"flowId=={flow['id']}")
told["failed_runs"] = fs.getRuns(prop=[f"flowId=={flow['id']}", "metrics.statusSummary.status==Failed"])

told["flow_read"] = read = fs.getFlow(flow["id"])
told["patched_flow"] = fs.updateFlow(flow["id"], read["etag"], [{"op": "Add", "path": "/description", "value": "new"}])
told["disabled"] = fs.postFlowAction(flow["id"], "disable"), fs.getFlow(flow["id"])["state"]
told["refused_run"] = fs.createRun(flow["id"])
told["enabled"] = fs.postFlowAction(flow["id"], "enable"), fs.getFlow(flow["id"])["state"]
told["flows"] = [item["id"] for item in fs.getFlows(n_results="inf")]
told["by_mapping"] = [item["id"] for item in fs.getFlows(filterMappingSetIds=[given["mapping"]])]
told["by_source"] = [item["id"] for item in fs.getFlows(filterSourceIds=[told["source"]["id"]])]
told["by_target"] = [item["id"] for item in fs.getFlows(filterTargetIds=[told["lake_target"]["id"]])]
told["profile_flows"] = fs.getUPSFlows(), fs.getUISFlows(), fs.getUPSFlow(given["dataset"]), fs.getUISFlow("x")
told["exportable"] = fs.getExportableDatasets(given["lake"])

manager = flowservice.FlowManager(flow["id"])
told["manager"] = {"type": manager.flowType, "spec": manager.flowSpec, "source": manager.flowSourceConnection,
                   "target": manager.flowTargetConnection, "mapping": manager.flowMapping, "dataset": manager.datasetId,
                   "frequency": manager.frequency, "summary": manager.summary()}
told["manager_runs"] = len(manager.getRuns())
told["manager_specs"] = manager.getFlowSpec()["id"], manager.getSourceConnection()["id"]
told["manager_patch"] = manager.updateFlow([{"op": "replace", "path": "/name", "value": "managed"}])
told["manager_name"] = manager.name
other = flowservice.FlowManager(flow["id"])
told["manager_mapping"] = other.updateFlowMapping(given["mapping"])

told["streaming"] = fs.createConnectionStreaming(name="stream", sourceId="s", dataType="xdm", paramName="p")
told["profile"] = fs.createConnectionToUPS(name="to profile")
told["zone"] = fs.getLandingZoneContainer()
told["zone_credential"] = fs.getLandingZoneCredential()
told["zone_explored"] = fs.exploreLandingZone()
told["zone_source"] = fs.createSourceConnectionDataLandingZone(name="zone", path="a.csv")
told["zone_target"] = fs.createTargetConnectionDataLandingZone(name="zone", path="a")
told["s3"] = fs.createBaseConnectionS3Target("s3", "key", "secret")

told["gone"] = [fs.deleteFlow(flow["id"]), fs.deleteFlow(told["scheduled_flow"]["id"]),
                fs.deleteSourceConnection(told["source"]["id"]), fs.deleteTargetConnection(told["target"]["id"]),
                fs.deleteTargetConnection(told["lake_target"]["id"]), fs.deleteConnection(made["id"])]
"""

PAGES = """
from aepp import flowservice

fs = flowservice.FlowService()
told["connections"] = [item["id"] for item in fs.getConnections(n_results="inf")]
told["sources"] = [item["id"] for item in fs.getSourceConnections(n_results="inf")]
told["targets"] = [item["id"] for item in fs.getTargetConnections(n_results="inf")]
told["limited"] = len(fs.getTargetConnections(n_results=100, limit=10))
told["flows"] = [item["id"] for item in fs.getFlows(n_results="inf")]
told["runs"] = [item["id"] for item in fs.getRuns(limit=50, n_results="inf", prop=[f"flowId=={given['flow']}"])]
"""


@pytest.fixture(scope="module")
def server(either_server: Server) -> Server:
    """A server of the module's own on each database."""
    return either_server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """A client of that server."""
    with server.client() as calls:
        yield calls


@pytest.fixture(scope="module")
def dataflow(client: Client, azurite: Azurite) -> Dataflow:
    """All that a flow needs, made there."""
    table = resources.seeded(azurite, "aepppeople", resources.people(12))
    return resources.names_flow(client, azurite.connection_string, table)


@pytest.fixture(scope="module")
def told(server: Server, dataflow: Dataflow, azurite: Azurite) -> dict[str, Any]:
    """What the methods returned."""
    return told_by(
        server,
        METHODS,
        spec=resources.AZURE_TABLE,
        specName="azure-table-storage",
        auth=resources.BY_STRING,
        connectionString=azurite.connection_string,
        table=dataflow.table,
        lake=resources.LAKE,
        dataset=dataflow.dataset_id,
        schema=dataflow.schema_id,
        mapping=dataflow.mapping_id,
    )


def test_connections(told: dict[str, Any]) -> None:
    made = told["connection"]["id"]
    assert told["patched_connection"]["id"] == made
    assert told["read_connection"]["name"] == "patched"
    assert told["test"] == {"result": True}
    assert {made, told["connection_by_data"]["id"]} <= set(told["connections"])
    assert told["resource"]["items"]
    assert told["deleted"] == 204
    assert told["deleted_again"]["status"] == 404
    assert told["refused_connection"]["status"] == 400
    assert told["refused_connection"]["type"].endswith("FLOW-1413-400")


def test_specs(told: dict[str, Any]) -> None:
    assert told["specs"] > 50
    assert None not in told["names"].values()
    assert told["spec_id"] == resources.AZURE_TABLE == told["spec"]["items"][0]["id"]
    assert told["flow_spec_id"] == resources.CRM_TO_AEP
    assert told["flow_spec_id"] in told["flow_specs"]
    assert told["zone_flow_spec_id"] in told["flow_specs"]
    assert told["flow_spec"]["attributes"]["frequency"] == "batch"


def test_source_and_target_connections(told: dict[str, Any]) -> None:
    assert told["patched_source"]["id"] == told["source"]["id"]
    assert told["source_read"]["description"] == "by client"
    assert told["stale_source"]["status"] == 412
    assert told["target_read"]["name"] == "renamed"
    assert told["lake_target"]["id"]


def test_flows_and_runs(told: dict[str, Any]) -> None:
    flow = told["flow"]["id"]
    (first,) = told["runs"]
    assert first["metrics"]["statusSummary"]["status"] == "success"
    assert first["metrics"]["recordSummary"]["outputRecordCount"] == 12
    assert told["created_run"]["items"][0]["id"] == told["created_run"]["id"] == told["run"][0]["id"]
    assert len(told["one_run"]) == 1
    assert told["failed_runs"] == []
    assert set(told["patched_flow"]) == {"id", "etag", "name", "version", "state"}
    assert told["disabled"][1] == "disabled"
    assert told["refused_run"]["type"].endswith("CONNECTOR-1388-400")
    assert told["enabled"][1] == "enabled"
    assert {flow, told["scheduled_flow"]["id"]} <= set(told["flows"])
    assert flow in told["by_mapping"]
    assert flow in told["by_source"]
    assert told["by_target"] == [told["scheduled_flow"]["id"]]
    assert told["profile_flows"] == [[], [], {"error": "not found"}, {"error": "not found"}]


def test_the_flow_manager(told: dict[str, Any], dataflow: Dataflow) -> None:
    manager = told["manager"]
    assert manager["type"] == "source"
    assert manager["spec"]["name"] == "CRMToAEP"
    assert manager["source"]["params"] == {"tableName": dataflow.table}
    # The client takes the source's spec for the target's, too.
    assert manager["target"]["connectionSpec"]["name"] == "azure-table-storage"
    assert manager["target"]["params"]["datasetName"] == f"rows of {dataflow.table}"
    assert manager["mapping"]["id"] == dataflow.mapping_id
    assert manager["mapping"]["createdDate"]
    assert manager["dataset"] == dataflow.dataset_id
    assert manager["frequency"] == "batch"
    assert told["manager_runs"] == 2
    assert told["manager_patch"]["name"] == told["manager_name"] == "managed"
    assert told["manager_mapping"]["id"] == told["flow"]["id"]


@pytest.mark.parametrize(
    "call",
    ["streaming", "profile", "zone", "zone_credential", "zone_explored", "zone_source", "zone_target", "s3"],
)
def test_what_is_not_here_is_refused_clearly(told: dict[str, Any], call: str) -> None:
    assert told[call]["status"] == 400
    assert told[call]["advice"]


def test_everything_can_be_deleted(told: dict[str, Any], dataflow: Dataflow) -> None:
    assert told["gone"] == [204] * 6
    assert dataflow.dataset_id in {item["id"] for item in told["exportable"]}


@pytest.mark.parametrize(
    "either_server", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)], indirect=True, scope="module"
)
def test_every_list_is_paged_to_its_end(server: Server, client: Client, dataflow: Dataflow, azurite: Azurite) -> None:
    account = resources.connection(azurite.connection_string)
    source = resources.source(dataflow.connection_id, dataflow.table)
    target = resources.target(dataflow.dataset_id)
    flow = dataflow.started(name="many runs", scheduleParams=resources.never())
    later = {"flowId": flow, "params": {"startTime": resources.never()["startTime"]}}
    bodies: dict[str, tuple[str, Any]] = {
        "connections": ("connections", account),
        "sources": ("sourceConnections", source),
        "targets": ("targetConnections", target),
        "flows": ("flows", dataflow.body(scheduleParams=resources.never())),
        "runs": ("runs", later),
    }
    made = {
        name: [client.made(f"{FLOW}/{collection}", body)["id"] for _ in range(104)]
        for name, (collection, body) in bodies.items()
    }
    told = told_by(server, PAGES, flow=flow)
    for name, ids in made.items():
        found = told[name]
        assert len(found) == len(set(found)), name
        assert [item for item in found if item in set(ids)] == ids[::-1], name
    assert told["limited"] == 100

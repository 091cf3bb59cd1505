"""The unmodified `aepp` client: its classes Catalog and Sandboxes, method by method."""

from typing import Any

import pytest

from demo.azurite import Azurite
from tests.journeys.aepp_client import told_by
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW

pytestmark = pytest.mark.azurite

CATALOG = """
from aepp import catalog

api = catalog.Catalog()
schema, dataset = given["schema"], given["dataset"]

made = api.createDataSet(name="Made By Client", schemaId=schema, profileEnabled=True, tags={"team": ["shop"]})
told["made"] = made
own = made[0].split("/")[-1]
told["upserting"] = api.createDataSet(name="Upserting", schemaId=schema, upsert=True, identityEnabled=True,
                                      unifiedTags=["u1"], systemLabels=["C1"])
told["whole"] = api.createDataSet(data={"name": "Whole", "schemaRef": {"id": schema, "contentType": "x"}})
told["union"] = api.createUnionProfileDataset()

def tags():
    return api.getDataSet(own)[own]["tags"]

told["tags"] = []
for change in (
    api.enableDatasetProfile, api.enableDatasetUpsert, api.disableDatasetProfile, api.enableDatasetIdentity,
    api.disableDatasetIdentity, api.disableDatasetValidationContext,
):
    told["tags"].append([change(own), tags()])
told["profile_upsert"] = [api.enableDatasetProfile(own, upsert=True), tags()["unifiedProfile"]]
told["patched"] = [api.patchDataset(own, {"description": "by patch"}), api.getDataSet(own)[own]["description"]]
told["patched_v2"] = [api.patchDatasetV2(own, {"tags": {"more": ["1"]}}), tags()]
told["ttl"] = api.setDatasetTTL(own, "P3M")
whole = api.getDataSet(own)[own]
told["put"] = [api.putDataset(own, {**whole, "name": "Renamed"}), api.getDataSet(own)[own]["name"]]

told["list"] = api.getDataSets(output="list")
told["frame"] = list(api.getDataSets(output="df").index)
told["by_schema"] = list(api.getDataSets(property=f"schemaRef.id=={schema}"))
told["tables"] = api.data.table_names
infos = api.getDatasetsInfos()
told["infos"] = infos[infos["id"] == dataset].to_dict("records")
told["snapshots"] = api.getProfileSnapshotDatasets()
told["observable"] = api.getDataSetObservableSchema(dataset, appendDatasetInfo=True)

view = api.getDataSet(dataset)[dataset]["viewId"]
told["views"] = list(api.getDataSetViews(dataset))
told["view"] = api.getDataSetView(dataset, view)[view]["dataSetId"]
told["files"] = api.getDataSetViewFiles(dataset, view)
told["resources"] = api.getResources()
told["resource"] = list(api.getResource(api.endpoint + "/dataSets", params={"limit": 1}))

told["batches"] = api.getBatches(limit=100)
told["some_batches"] = api.getBatches(limit=1, n_results=2)
told["batch_frame"] = list(api.getBatches(output="dataframe", dataSet=dataset).index)
told["last"] = api.getLastBatches(dataset)
batch = given["batch"]
told["batch"] = api.getBatch(batch)
told["active"] = api.findActiveBatch(batch)
told["failed"] = api.getFailedBatchesDF(n_results=100).to_dict("index")
told["mapper_errors"] = len(api.getMapperErrors(limit=100))

told["deleted"] = [api.deleteDataSet(own), api.getDataSet(own)]
told["in_use"] = api.deleteDataSet(dataset)
"""

SANDBOXES = """
from aepp import sandboxes, catalog
import time

api = sandboxes.Sandboxes()
told["types"] = [known["id"] for known in api.getSandboxTypes()]
told["made"] = api.createSandbox(name="by-aepp", title="By aepp", type_sandbox="development")
told["names"] = [known["name"] for known in api.getSandboxes()]
told["read"] = api.getSandbox("by-aepp")
told["id"] = api.getSandboxId("by-aepp")
told["updated"] = api.updateSandbox("by-aepp", {"title": "Another"})
told["inside"] = catalog.Catalog(sandbox="by-aepp").getDataSets(limit=10)

def waited(state):
    for _ in range(200):
        if api.getSandbox("by-aepp")["state"] == state:
            return True
        time.sleep(0.05)
    return False

told["reset"] = [api.resetSandbox("by-aepp"), waited("active")]
told["deleted"] = [api.deleteSandbox("by-aepp"), waited("deleted")]
told["kept"] = api.deleteSandbox("prod")
"""


@pytest.fixture(scope="module")
def spoilt(client: Client, azurite: Azurite) -> str:
    """Id of a batch that failed: its rows lack a field that the schema requires."""
    entities = resources.people(5)
    entities[3]["mark"] = "none"
    own = resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "aeppspoilt", entities),
        fields={"name": {"type": "string"}, "mark": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "mark": ".mark"},
        required=("mark",),
    )
    (run,) = resources.ended(client, own.started(options={"errorDiagnosticsEnabled": True}))
    assert resources.status(run) == "failed"
    return str(run["providerRefId"])


@pytest.fixture(scope="module")
def landed(client: Client, azurite: Azurite) -> dict[str, Any]:
    """A dataset with rows, and the batch that brought them."""
    table = resources.seeded(azurite, "aeppcatalogpeople", resources.people(40))
    own = resources.names_flow(client, azurite.connection_string, table)
    (run,) = resources.ended(client, own.started())
    return {"schema": own.schema_id, "dataset": own.dataset_id, "batch": run["providerRefId"]}


@pytest.fixture(scope="module")
def catalog(server: Server, landed: dict[str, Any], spoilt: str) -> dict[str, Any]:
    """What the client told of the catalog."""
    return told_by(server, CATALOG, **landed)


def test_datasets_are_created(catalog: dict[str, Any], landed: dict[str, Any]) -> None:
    for name in ("made", "upserting", "whole"):
        (reference,) = catalog[name]
        assert reference.startswith("@/dataSets/")
    # There is no union schema here, and the client is told so.
    assert catalog["union"]["status"] == 400


def test_datasets_are_changed(catalog: dict[str, Any]) -> None:
    made = catalog["made"]
    expected = [
        {"unifiedProfile": ["enabled:true"]},
        {"unifiedProfile": ["enabled:true", "isUpsert:true"]},
        {"unifiedProfile": ["enabled:false"]},
        {"unifiedIdentity": ["enabled:true"]},
        {"unifiedIdentity": ["enabled:false"]},
        {"acp_validationContext": ["disabled"]},
    ]
    for (answer, tags), wanted in zip(catalog["tags"], expected, strict=True):
        assert answer == made
        assert tags == {**tags, **wanted, "team": ["shop"]}
    assert catalog["profile_upsert"] == [made, ["enabled:true", "isUpsert:true"]]
    assert catalog["patched"] == [made, "by patch"]
    assert catalog["patched_v2"][0] == made
    assert catalog["patched_v2"][1] == {**catalog["patched_v2"][1], "more": ["1"], "team": ["shop"]}
    assert catalog["put"] == [made, "Renamed"]
    # Rows do not expire here, and nobody is told that they do.
    assert catalog["ttl"]["status"] == 400


def test_datasets_are_listed(catalog: dict[str, Any], landed: dict[str, Any]) -> None:
    names = {one["name"]: one["id"] for one in catalog["list"]}
    assert {"Renamed", "Upserting", "Whole"} <= names.keys()
    assert set(catalog["frame"]) == {one["id"] for one in catalog["list"]}
    assert set(catalog["by_schema"]) == {
        landed["dataset"],
        *(names[name] for name in ("Renamed", "Upserting", "Whole")),
    }
    assert catalog["tables"]["Upserting"] == ["upserting"]
    (info,) = catalog["infos"]
    assert (info["datalake_rows"], info["datalake_files"], info["dataBehavior"]) == (40, 1, "record")
    assert info["datalake_storageSize"] > 500
    assert (info["tableFormat"], info["fileFormat"]) == ("delta", "parquet")
    assert catalog["snapshots"] == {}
    assert catalog["observable"] == {"datasetId": landed["dataset"]}


def test_views_and_files_are_read(catalog: dict[str, Any], landed: dict[str, Any]) -> None:
    assert len(catalog["views"]) == 1
    assert catalog["view"] == landed["dataset"]
    (file,) = catalog["files"].values()
    assert (file["records"], file["batchId"], file["dataSetId"]) == (40, landed["batch"], landed["dataset"])
    assert "@/dataSets" in catalog["resources"]
    assert len(catalog["resource"]) == 1


def test_batches_are_read(catalog: dict[str, Any], landed: dict[str, Any], spoilt: str) -> None:
    assert {landed["batch"], spoilt} <= catalog["batches"].keys()
    assert len(catalog["some_batches"]) >= 2
    assert catalog["batch_frame"] == [landed["batch"]]
    assert list(catalog["last"]) == [landed["batch"]]
    assert catalog["batch"][landed["batch"]]["status"] == "success"
    assert catalog["active"] == landed["batch"]
    failed = catalog["failed"][spoilt]
    assert failed["invalidRecordCount"] == 1
    assert failed["flowId"]
    assert "rejected-above-threshold" in failed["errorCode"]
    assert catalog["mapper_errors"] == 0


def test_diagnostics_of_a_batch_are_read(server: Server, spoilt: str) -> None:
    program = """
    from aepp import dataaccess

    api = dataaccess.DataAccess()
    batch = given["batch"]
    told["meta"] = api.getBatchMeta(batch)
    told["errors"] = api.getBatchMeta(batch, path="row_errors", limit=5)
    told["inputs"] = api.getBatchMeta(batch, path="input_files")
    # One line is JSON, too: the client reads nothing else.
    told["row"] = api.getBatchMeta(batch, path="row_errors/" + told["errors"]["data"][0]["name"])
    told["sample"] = api.getBatchMeta(batch, path="row_errors_sample.json")
    told["failed"] = api.getBatchFailed(batch)
    told["failed_row"] = api.getBatchFailed(batch, path=told["failed"][0]["name"])
    """
    told = told_by(server, program, batch=spoilt)
    assert [file["name"] for file in told["meta"]["data"]] == ["row_errors", "input_files", "row_errors_sample.json"]
    assert len(told["errors"]["data"]) == len(told["inputs"]["data"]) == len(told["failed"]) == 1
    assert told["row"] == told["sample"]
    assert (told["row"]["RowKey"], told["row"]["mark"]) == ("00003", "none")
    assert told["row"]["_errors"][0]["code"] == "1555"
    assert told["failed_row"]["_validationErrors"][0]["keyword"] == "required"


def test_datasets_are_deleted_unless_a_flow_needs_them(catalog: dict[str, Any]) -> None:
    status, after = catalog["deleted"]
    assert (status, after["status"]) == (200, 404)
    assert (catalog["in_use"]["status"], catalog["in_use"]["code"]) == (400, "in-use")


def test_sandboxes_are_made_changed_reset_and_deleted(server: Server) -> None:
    told = told_by(server, SANDBOXES)
    assert told["types"] == ["development", "production"]
    assert (told["made"]["name"], told["made"]["state"]) == ("by-aepp", "creating")
    assert {"prod", "by-aepp"} <= set(told["names"])
    assert told["read"]["id"] == told["id"] == told["made"]["id"]
    assert told["updated"]["title"] == "Another"
    assert told["inside"] == {}
    assert told["reset"][0]["state"] == "resetting"
    assert told["reset"][1]
    assert told["deleted"] == [202, True]
    assert told["kept"]["status"] == 400


def test_the_client_signs_in_with_an_authorization_code_too(server: Server, landed: dict[str, Any]) -> None:
    """It then sends the id of the sandbox along with its name."""
    program = """
    from aepp import catalog
    api = catalog.Catalog()
    told["sandbox_id"] = api.header.get("x-sandbox-id")
    told["dataset"] = api.getDataSet(given["dataset"])
    from aepp import flowservice
    told["flows"] = len(flowservice.FlowService().getFlows())
    """
    told = told_by(server, program, grant="authorization_code", **landed)
    with server.client() as calls:
        assert told["sandbox_id"] == calls.get(f"{resources.SANDBOXES}/sandboxes/prod").json()["id"]
        assert calls.get(f"{FLOW}/flows?count=true").json()["count"] == told["flows"]
    assert landed["dataset"] in told["dataset"]

"""Rejected rows over HTTP: read by the documented diagnostics and by our own calls, tried again, replayed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, UNKNOWN, Dataflow, ended, refusal, status

EXPORT: Final = "/data/foundation/export/batches"
BAD: Final = range(0, 40, 10)


@pytest.fixture(scope="module")
def spoilt(client: Client, azurite: Azurite) -> Dataflow:
    """40 people of whom each tenth has a mark that is no number; `spare` is one in all."""
    entities = resources.people(40)
    for number in BAD:
        entities[number] |= {"mark": "none", "spare": 7}
    return resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "spoiltpeople", entities),
        fields={"name": {"type": "string"}, "mark": {"type": "integer"}, "note": {"type": "string"}},
        mapping={"RowKey": "_id", "name": ".name", "mark": ".mark", "spare": ".note"},
        required=("mark",),
    )


@pytest.fixture(scope="module")
def partial(client: Client, spoilt: Dataflow) -> Any:
    """The run that landed all but those."""
    flow_id = spoilt.started(options={"partialIngestionPercent": 10, "errorDiagnosticsEnabled": True})
    (run,) = ended(client, flow_id)
    assert status(run) == "partialSuccess"
    return run


def remapped(client: Client, flow: Dataflow, mark: str) -> None:
    """The mapping set's next version takes the mark from another column."""
    paths = {"RowKey": "_id", "name": f"{flow.tenant}.name", mark: f"{flow.tenant}.mark"}
    body = resources.mapping_set(flow.schema_id, paths)
    assert client.put(f"{PREP}/mappingSets/{flow.mapping_id}", json=body).status_code == 200


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_run_and_its_batch_lead_to_the_rows(client: Client, spoilt: Dataflow, partial: Any) -> None:
    records = partial["metrics"]["recordSummary"]
    assert records["failedRecordCount"] == 4
    assert [(info["code"], info["count"], info["field"]) for info in records["failedInfo"]] == [
        ("INGEST-1555-400", 4, f"{spoilt.tenant}.mark")
    ]
    manifest = partial["metrics"]["statusSummary"]["extensions"]["manifest"]
    assert manifest["failedRecords"].startswith(str(client.base_url).rstrip("/"))
    (file,) = client.get(manifest["failedRecords"]).json()["data"]
    rows = lines(client.get(file["_links"]["self"]["href"]).text)
    assert [row["RowKey"] for row in rows] == [f"{number:05d}" for number in BAD]
    assert {row["PartitionKey"] for row in rows} == {"p"}
    assert rows[0]["mark"] == "none"
    assert [(error["code"], error["column"]) for error in rows[0]["_errors"]] == [("1555", f"{spoilt.tenant}.mark")]
    assert rows[0]["_filename"] == "spoiltpeople"
    assert lines(client.get(manifest["sampleErrors"]).text) == rows
    batch = client.get(f"{CATALOG}/batches/{partial['providerRefId']}").json()[partial["providerRefId"]]
    assert [error["code"] for error in batch["errors"]] == ["INGEST-1212-400", "INGEST-1555-400"]
    assert batch["errors"][1]["recordCount"] == 4


def test_diagnostics_are_listed_as_documented(client: Client, partial: Any) -> None:
    base = f"{EXPORT}/{partial['providerRefId']}"

    def named(path: str) -> Any:
        answer = client.get(f"{base}{path}").json()
        assert answer["_page"] == {"limit": 100, "count": len(answer["data"])}
        assert all(int(file["length"]) >= 0 for file in answer["data"])
        return {file["name"]: int(file["length"]) for file in answer["data"]}

    assert list(named("/meta")) == ["row_errors", "input_files", "row_errors_sample.json"]
    errors = named("/meta?path=row_errors")
    text = client.get(f"{base}/meta?path=row_errors/validation_errors_1.json").text
    assert errors == {"validation_errors_1.json": len(text.encode())}
    assert list(named("/meta?path=input_files")) == ["fileMetaData1.json"]
    inputs = client.get(f"{base}/meta?path=input_files/fileMetaData1.json")
    assert lines(inputs.text) == [{"path": "spoiltpeople"}]
    (name,) = named("/failed")
    failed = lines(client.get(f"{base}/failed?path={name}").text)
    assert [row["RowKey"] for row in failed] == [f"{number:05d}" for number in BAD]
    (violation,) = failed[0]["_validationErrors"]
    assert violation["keyword"] == "required"
    assert violation["pointerToViolation"].endswith("/mark")
    assert named("/meta?path=row_errors&start=1") == {}
    for path in ("/meta?path=nothing", "/meta?path=row_errors/validation_errors_2.json", "/failed?path=nothing"):
        answer = client.get(f"{base}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path


def test_rows_are_counted_filtered_and_paged(client: Client, spoilt: Dataflow, partial: Any) -> None:
    path = f"/v1/runs/{partial['id']}/rejects"
    first = client.get(path, params={"limit": 3}).json()
    (count,) = first["counts"]
    assert (count["code"], count["field"], count["count"]) == ("INGEST-1555-400", f"{spoilt.tenant}.mark", 4)
    second = client.get(path, params={"limit": 3, "after": first["next"]}).json()
    assert [len(first["rejects"]), len(second["rejects"]), second["next"]] == [3, 1, None]
    rows = [*first["rejects"], *second["rejects"]]
    assert [row["key"] for row in rows] == [{"PartitionKey": "p", "RowKey": f"{number:05d}"} for number in BAD]
    assert (rows[0]["value"], rows[0]["mappingVersion"], rows[0]["runId"]) == ("none", 0, partial["id"])
    assert client.get(path, params={"code": "other"}).json() == {"counts": [], "rejects": [], "next": None}
    assert len(client.get(path, params={"code": ["other", "INGEST-1555-400"], "limit": 0}).json()["counts"]) == 1
    of_dataset = client.get(f"/v1/datasets/{spoilt.dataset_id}/rejects", params={"field": count["field"]}).json()
    assert {row["id"] for row in rows} <= {row["id"] for row in of_dataset["rejects"]}
    assert client.get(path, params={"state": "gone"}).status_code == 400


def test_rows_are_tried_again_and_replayed_once(
    client: Client, server: Server, azurite: Azurite, spoilt: Dataflow
) -> None:
    flow = _alone(client, spoilt)
    flow_id = flow.started(options={"partialIngestionPercent": 10})
    (run,) = ended(client, flow_id)
    path = f"/v1/runs/{run['id']}"
    assert client.post(f"{path}/replay", json={"dryRun": True}).json()["wouldPass"] == 0
    remapped(client, flow, "spare")
    trial = client.post(f"{path}/replay", json={"dryRun": True}).json()
    assert (trial["count"], trial["wouldPass"], trial["mappingVersion"]) == (4, 4, 1)
    assert [(tally["code"], tally["wouldPass"]) for tally in trial["codes"]] == [("INGEST-1555-400", 4)]
    assert _marks(server, flow, 7) == 1  # its own mark
    answer = client.post(f"{path}/replay")
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{FLOW}/runs/{answer.json()['id']}"
    replay = ended(client, flow_id, runs=2)[0]
    assert (replay["id"], status(replay)) == (answer.json()["id"], "success")
    assert replay["metrics"]["statusSummary"]["extensions"]["replays"] == run["id"]
    assert replay["metrics"]["recordSummary"]["outputRecordCount"] == 4
    assert _marks(server, flow, 7) == 5
    found = client.get(f"{path}/rejects").json()["rejects"]
    assert {(row["state"], row["replayRunId"]) for row in found} == {("replayed", replay["id"])}
    client.post(f"{path}/replay")
    assert ended(client, flow_id, runs=3)[0]["metrics"]["recordSummary"]["inputRecordCount"] == 0
    assert _marks(server, flow, 7) == 5
    refusal(client.post(f"{FLOW}/runs/{replay['id']}/action?op=re-trigger"), "CONNECTOR-1387-400")
    refused = client.post(f"{path[:3]}/runs/{run['id']}/undo").json()
    assert (refused["code"], replay["id"] in refused["advice"]) == ("run-not-undoable", True)


def test_the_operator_reads_and_replays_rows(client: Client, server: Server, spoilt: Dataflow) -> None:
    flow = _alone(client, spoilt)
    flow_id = flow.started(options={"maxRejectedRecords": 4})
    (run,) = ended(client, flow_id)
    assert status(run) == "partialSuccess"
    shown = server.run("runs", "rejects", run["id"])
    assert "INGEST-1555-400" in shown
    found = json.loads(server.run("runs", "rejects", run["id"], "--json"))["rejects"]
    remapped(client, flow, "spare")
    assert "1 of 1 rows would pass" in server.run("runs", "replay", run["id"], "--dry-run", "--row", found[0]["id"])
    told = json.loads(server.run("runs", "replay", run["id"], "--row", found[0]["id"], "--json"))
    replay = ended(client, flow_id, runs=2)[0]
    assert (replay["id"], replay["metrics"]["recordSummary"]["outputRecordCount"]) == (told["id"], 1)


def test_a_run_with_more_rejects_than_the_flow_takes_fails_and_keeps_them(client: Client, spoilt: Dataflow) -> None:
    options = {"partialIngestionPercent": 50, "maxRejectedRecords": 3}
    flow_id = spoilt.started(options=options)
    (run,) = ended(client, flow_id)
    assert status(run) == "failed"
    (reason,) = run["metrics"]["statusSummary"]["errors"]
    assert reason["code"] == "rejected-above-threshold"
    assert "3" in reason["message"]
    assert client.one(f"{FLOW}/flows/{flow_id}")["options"] == options
    assert client.get(f"/v1/runs/{run['id']}/rejects").json()["counts"][0]["count"] == 4
    answer = client.post(f"/v1/runs/{run['id']}/replay")
    assert (answer.status_code, answer.json()["code"]) == (400, "run-not-replayable")
    assert "re-trigger" in answer.json()["advice"]


@pytest.mark.parametrize("most", [-1, 1.5, True, "3", 2**60])
def test_a_cap_that_is_no_number_of_rows_is_refused(client: Client, spoilt: Dataflow, most: Any) -> None:
    body = spoilt.body(options={"maxRejectedRecords": most})
    refused = refusal(client.post(f"{FLOW}/flows", json=body))
    assert "maxRejectedRecords" in refused["errorMessage"]


@pytest.mark.parametrize("permission", [Permission.VIEW_DATA, Permission.VIEW_SOURCES])
def test_rows_take_the_permission_to_view_data(without: Callable[[Permission], Client], permission: Permission) -> None:
    for path in (f"/v1/runs/{UNKNOWN}/rejects", "/v1/datasets/x/rejects", f"{EXPORT}/x/meta", f"{EXPORT}/x/failed"):
        assert without(permission).get(path).status_code == 403, path


def _alone(client: Client, flow: Dataflow) -> Dataflow:
    """The same source into a dataset and by a mapping set of its own."""
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(flow.schema_id, "alone"))
    dataset_id = reference.removeprefix("@/dataSets/")
    paths = {"RowKey": "_id", "name": ".name", "mark": ".mark", "spare": ".note"}
    mapping = {column: f"{flow.tenant}{path}" if path[0] == "." else path for column, path in paths.items()}
    return replace(
        flow,
        dataset_id=dataset_id,
        target_id=client.made(f"{FLOW}/targetConnections", resources.target(dataset_id))["id"],
        mapping_id=client.made(f"{PREP}/mappingSets", resources.mapping_set(flow.schema_id, mapping), status=200)["id"],
    )


def _marks(server: Server, flow: Dataflow, mark: int) -> int:
    sql = f'SELECT count(*) AS n FROM "{flow.dataset_id}" WHERE {flow.tenant}.mark = {mark}'
    return int(json.loads(server.run("sql", sql, "--format", "ndjson"))["n"])

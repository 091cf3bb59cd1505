"""What a run lands, and what it tells of it."""

from typing import Any

import pytest

from demo.azurite import Azurite
from tests.connectors.azure_table.table_server import Answer, Request, entity, page, serving
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, UNKNOWN, Dataflow, ended, refusal, status


def test_a_run_tells_what_it_did(client: Client, server: Server, dataflow: Dataflow, landed: str) -> None:
    run = ended(client, landed)[-1]
    metrics = run["metrics"]
    assert run["flowId"] == landed
    assert run["flowSpec"]["id"] == resources.CRM_TO_AEP
    assert run["etag"].startswith('"')
    assert metrics["statusSummary"]["status"] == "success"
    assert metrics["statusSummary"]["errors"] == []
    records = metrics["recordSummary"]
    assert (records["inputRecordCount"], records["outputRecordCount"], records["createdRecordCount"]) == (40, 40, 40)
    assert (records["failedRecordCount"], records["warningRecordCount"], records["skippedRecordCount"]) == (0, 0, 0)
    assert metrics["sizeSummary"]["inputBytes"] > 0
    assert metrics["sizeSummary"]["outputBytes"] > 0
    assert metrics["fileSummary"]["outputFileCount"] == 1
    duration = metrics["durationSummary"]
    assert run["createdAt"] <= duration["startedAtUTC"] <= duration["completedAtUTC"]
    copy, promotion = run["activities"]
    assert copy["sourceInfo"][0]["id"] == dataflow.source_id
    assert promotion["targetInfo"][0]["reference"] == {"type": "Batch", "ids": [run["providerRefId"]]}
    assert client.one(f"{FLOW}/runs/{run['id']}") == run


def test_the_batch_of_a_run_is_in_the_catalog(client: Client, dataflow: Dataflow, landed: str) -> None:
    run = ended(client, landed)[-1]
    batch_id = run["providerRefId"]
    batch = client.get(f"{CATALOG}/batches/{batch_id}").json()[batch_id]
    assert batch["status"] == "success"
    assert batch["relatedObjects"] == [{"type": "dataSet", "id": dataflow.dataset_id}]
    assert batch["tags"]["flowId"] == [landed]
    assert batch["errors"] == []
    assert (batch["metrics"]["inputRecordCount"], batch["metrics"]["outputRecordCount"]) == (40, 40)
    assert batch_id in client.get(f"{CATALOG}/batches?dataSet={dataflow.dataset_id}&limit=100").json()
    dataset = client.get(f"{CATALOG}/dataSets/{dataflow.dataset_id}").json()[dataflow.dataset_id]
    assert dataset["lastBatchStatus"] == "success"


def test_a_flow_runs_again_on_demand(client: Client, server: Server, azurite: Azurite, people: str) -> None:
    own = _landing(client, azurite, people)
    flow_id = own.started()
    ended(client, flow_id)
    answer = client.post(f"{FLOW}/runs/", json={"flowId": flow_id, "params": {"startTime": "1717000000"}})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["items"] == [{"id": body["id"], "etag": body["etag"]}]
    assert answer.headers["location"] == f"{FLOW}/runs/{body['id']}"
    newest, first = ended(client, flow_id, runs=2)
    assert (newest["id"], status(newest), status(first)) == (body["id"], "success", "success")
    assert client.get(f"{FLOW}/runs?count=true&property=flowId=={flow_id}").json() == {"count": 2}
    assert server.rows(f'SELECT count(*) AS n FROM "{own.dataset_id}"') == [{"n": 80}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"flowId": UNKNOWN}, "FLOW-1430-404"),
        ({"flowId": ""}, "FLOW-1446-400"),
        ({}, "FLOW-1446-400"),
        ({"params": {"startTime": 1}}, "FLOW-1446-400"),
        ({"flowId": "landed", "params": {"startTime": "soon"}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"startTime": [1]}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"startTime": 10**30}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"startTime": 1_717_000_000_000}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"windowEndTime": 1.5}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"deltaColumn": "changed"}}, "CONNECTOR-1384-400"),
        ({"flowId": "landed", "params": {"windowStartTime": 5}}, "CONNECTOR-1383-400"),
        ({"flowId": "landed", "params": {"windowStartTime": 5, "windowEndTime": 4}}, "CONNECTOR-1381-400"),
    ],
)
def test_a_run_that_cannot_be_is_refused(client: Client, landed: str, body: dict[str, Any], code: str) -> None:
    if body.get("flowId") == "landed":
        body = body | {"flowId": landed}
    refusal(client.post(f"{FLOW}/runs", json=body), code)


def test_a_disabled_flow_does_not_run(client: Client, dataflow: Dataflow) -> None:
    flow_id = dataflow.started(scheduleParams=resources.never())
    client.post(f"{FLOW}/flows/{flow_id}/action?op=disable")
    refusal(client.post(f"{FLOW}/runs", json={"flowId": flow_id}), "CONNECTOR-1388-400")
    client.delete(f"{FLOW}/flows/{flow_id}")


# --- values that do not fit ------------------------------------------------------------------------------------------


def _landing(client: Client, azurite: Azurite, table: str, *, required: tuple[str, ...] = ()) -> Dataflow:
    return resources.dataflow(
        client,
        azurite.connection_string,
        table,
        fields={"name": {"type": "string"}, "mark": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "mark": ".mark"},
        required=required,
    )


@pytest.fixture(scope="module")
def spoilt(azurite: Azurite) -> str:
    """A table of 40 people, three of whom have a mark that is no number."""
    entities = resources.people(40)
    for number in (3, 17, 39):
        entities[number]["mark"] = "none"
    return resources.seeded(azurite, "spoilt", entities)


def test_a_value_that_does_not_fit_is_null_and_counted(
    client: Client, server: Server, azurite: Azurite, spoilt: str
) -> None:
    own = _landing(client, azurite, spoilt)
    (run,) = ended(client, own.started())
    records = run["metrics"]["recordSummary"]
    assert status(run) == "success"
    assert (records["outputRecordCount"], records["failedRecordCount"], records["warningRecordCount"]) == (40, 0, 3)
    (warning,) = records["warningInfo"]
    assert warning["count"] == 3
    assert warning["field"] == f"{own.tenant}.mark"
    sql = f'SELECT _id FROM "{own.dataset_id}" WHERE "{own.tenant}".mark IS NULL ORDER BY _id'
    assert [row["_id"] for row in server.rows(sql)] == ["00003", "00017", "00039"]


def test_a_row_without_a_required_field_fails_the_run_unless_that_is_tolerated(
    client: Client, server: Server, azurite: Azurite, spoilt: str
) -> None:
    own = _landing(client, azurite, spoilt, required=("mark",))
    (run,) = ended(client, own.started())
    assert status(run) == "failed"
    assert run["metrics"]["recordSummary"]["outputRecordCount"] == 0
    (error, *_) = run["metrics"]["statusSummary"]["errors"]
    assert error["code"]
    assert "3 of 40" in error["message"]
    batch = client.get(f"{CATALOG}/batches/{run['providerRefId']}").json()[run["providerRefId"]]
    assert batch["status"] in {"failed", "failure"}
    assert batch["errors"]

    options = {"partialIngestionPercent": 10, "errorDiagnosticsEnabled": True}
    (run,) = ended(client, own.started(options=options))
    assert status(run) == "partialSuccess"
    records = run["metrics"]["recordSummary"]
    assert (records["inputRecordCount"], records["outputRecordCount"], records["failedRecordCount"]) == (40, 37, 3)
    assert sum(info["count"] for info in records["failedInfo"]) == 3
    assert server.rows(f'SELECT count(*) AS n FROM "{own.dataset_id}"') == [{"n": 37}]
    kept = [
        file for file in (server.home / "lake").rglob("*.parquet") if "reject" in str(file) or "quaran" in str(file)
    ]
    assert kept, sorted(str(file) for file in (server.home / "lake").rglob("*.parquet"))[-5:]

    below = {"partialIngestionPercent": 7.4}
    assert status(ended(client, own.started(options=below))[0]) == "failed"
    exactly = {"partialIngestionPercent": 7.5}
    assert status(ended(client, own.started(options=exactly))[0]) == "partialSuccess"


# --- a faulty source -------------------------------------------------------------------------------------------------


class Faulty:
    """A table of two pages, the second of which is cut in the middle a number of times."""

    def __init__(self, cuts: int) -> None:
        self.cuts = cuts
        self.is_reading = False

    def __call__(self, request: Request) -> Answer:
        first = page([entity(number, name="x", mark=number) for number in range(10)], next_partition="q")
        if not request.path.endswith("/faulty()") and not request.path.endswith("/faulty"):
            return page([{"TableName": "faulty"}])
        if "NextPartitionKey" not in request.query:
            return first
        second = page([entity(number, name="x", mark=number) for number in range(10, 20)])
        if self.is_reading and self.cuts > 0:
            self.cuts -= 1
            return Answer(body=second.body, headers=second.headers, cut_at=len(second.body) // 2)
        return second


def test_a_page_cut_in_the_middle_is_read_again(client: Client, server: Server) -> None:
    faulty = Faulty(cuts=2)
    with serving(faulty) as table_server:
        account = table_server.account
        own = _through(client, account.endpoint)
        faulty.is_reading = True
        (run,) = ended(client, own.started())
    assert faulty.cuts == 0
    assert status(run) == "success"
    assert run["metrics"]["recordSummary"]["outputRecordCount"] == 20
    sql = f'SELECT count(*) AS n, count(DISTINCT _id) AS ids FROM "{own.dataset_id}"'
    assert server.rows(sql) == [{"n": 20, "ids": 20}]


def test_a_source_that_has_gone_fails_the_run_and_lands_nothing(client: Client, server: Server) -> None:
    faulty = Faulty(cuts=0)
    with serving(faulty) as table_server:
        own = _through(client, table_server.account.endpoint)
        flow_id = own.started(scheduleParams=resources.never())
        # From now on the table is not there: no use to try again.
        table_server.answer = lambda _: Answer(status=404, body=b'{"odata.error":{"code":"TableNotFound"}}')
        client.made(f"{FLOW}/runs", {"flowId": flow_id})
        (run,) = ended(client, flow_id)
    assert status(run) == "failed"
    (error,) = run["metrics"]["statusSummary"]["errors"]
    assert "faulty" in error["message"]
    assert error["advice"]
    assert server.rows(f'SELECT count(*) AS n FROM "{own.dataset_id}"') == [{"n": 0}]


def _through(client: Client, endpoint: str) -> Dataflow:
    from demo.azurite import ACCOUNT, KEY

    return resources.dataflow(
        client,
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint}",
        "faulty",
        fields={"name": {"type": "string"}, "mark": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "mark": ".mark"},
    )

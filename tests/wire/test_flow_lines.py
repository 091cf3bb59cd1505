"""Flows as people look for them, over HTTP."""

from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow, refusal

pytestmark = pytest.mark.azurite


def names(client: Client, query: str) -> list[str]:
    """The names of the flows that fit, in their order."""
    return [line["name"] for line in client.get(f"/v1/flows?{query}").json()["items"]]


def test_a_flow_is_told_with_what_stands_around_it(client: Client, landed: str, dataflow: Dataflow) -> None:
    line = client.get(f"/v1/flows/{landed}").json()
    (run, *_) = client.get(f"{FLOW}/runs?property=flowId=={landed}").json()["items"]
    records = run["metrics"]["recordSummary"]
    assert line["account"] == {"id": dataflow.connection_id, "name": "account"}
    assert line["dataset"] == {"id": dataflow.dataset_id, "name": f"rows of {dataflow.table}"}
    assert line["source"] == {"connectionSpec": {"id": resources.AZURE_TABLE, "version": "1.0"}, "path": dataflow.table}
    assert line["schedule"]["frequency"] == "once"
    assert (line["nextRunAt"], line["lateByMs"]) == (None, None)
    newest = line["recentRuns"][0]
    assert (newest["id"], newest["state"]) == (run["id"], run["state"])
    assert (newest["received"], newest["ingested"]) == (records["inputRecordCount"], records["outputRecordCount"])
    assert line["lastRun"]["id"] == run["id"]
    refusal(client.get(f"/v1/flows/{resources.UNKNOWN}"))


def test_flows_are_found_sorted_and_paged(client: Client, dataflow: Dataflow) -> None:
    account = dataflow.connection_id
    ids = {
        name: dataflow.started(name=name, scheduleParams=resources.never()) for name in ("Line b%", "line A", "Line c")
    }
    client.made(f"{FLOW}/flows/{ids['Line c']}/action?op=disable", None, status=200)
    within = f"account={account}&orderby=name"
    assert names(client, f"q=LINE&{within}") == ["line A", "Line b%", "Line c"]
    assert names(client, f"q=line&account={account}&orderby=-name") == ["Line c", "Line b%", "line A"]
    # A sign of patterns is a sign like any other.
    assert names(client, f"q=%25&{within}") == ["Line b%"]
    assert names(client, f"q={ids['line A']}&{within}") == ["line A"]
    assert names(client, f"q=line&state=disabled&{within}") == ["Line c"]
    assert names(client, f"q=line&state=disabled&state=enabled&limit=2&{within}") == ["line A", "Line b%"]
    assert names(client, f"q=line&offset=2&limit=2&{within}") == ["Line c"]
    assert names(client, f"q=line&lastRun=failed&{within}") == []
    assert names(client, f"q=line&lastRun=never&dataset={dataflow.dataset_id}&{within}") == [
        "line A",
        "Line b%",
        "Line c",
    ]
    assert names(client, f"q=line&source={resources.UNKNOWN}&{within}") == []
    assert names(client, f"q=line&late=true&{within}") == []
    told: dict[str, Any] = client.get(f"/v1/flows?q=line&limit=1&{within}").json()
    assert told["count"] == 3
    # A disabled flow has no next run: it comes last, both ways.
    assert names(client, f"q=line&account={account}&orderby=nextRun")[-1] == "Line c"
    assert names(client, f"q=line&account={account}&orderby=-nextRun")[-1] == "Line c"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "orderby=x", "state=x", "lastRun=x", "offset=-1", "late=x"])
def test_a_search_that_is_none_is_refused(client: Client, query: str) -> None:
    refusal(client.get(f"/v1/flows?{query}"))


@pytest.fixture(scope="module")
def strict(client: Client, azurite: Azurite) -> Dataflow:
    """All that a flow needs that rejects three rows of nine for their age, and one for its name."""
    rows = [{**row, "age": "old" if number < 3 else number} for number, row in enumerate(resources.people(9))]
    del rows[8]["name"]
    return resources.dataflow(
        client,
        azurite.connection_string,
        resources.seeded(azurite, "withreasons", rows),
        fields={"name": {"type": "string"}, "age": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "age": ".age"},
        required=("name", "age"),
    )


def test_a_flow_whose_last_run_failed_tells_why_without_a_further_call(client: Client, strict: Dataflow) -> None:
    flow_id = strict.started(name="Puts up with nothing")
    (run,) = resources.ended(client, flow_id)
    (error, *_) = run["metrics"]["statusSummary"]["errors"]
    told = client.get(f"/v1/flows/{flow_id}").json()["lastRun"]["reason"]
    assert told["error"] == {key: error[key] for key in ("code", "message", "advice")}
    assert "4 of 9 rows were rejected" in told["error"]["message"]
    assert told["rejection"]["field"] == f"{strict.tenant}.age"
    listed = client.get("/v1/monitoring?failuresOnly=true&limit=1000").json()["flows"]
    (line,) = [each for each in listed if each["flowId"] == flow_id]
    assert line["lastRun"]["reason"] == told
    assert line["hindrance"] is None


def test_a_flow_whose_last_run_rejected_rows_tells_the_most_frequent_reason(client: Client, strict: Dataflow) -> None:
    flow_id = strict.started(options={"partialIngestionPercent": 90, "errorDiagnosticsEnabled": True})
    resources.ended(client, flow_id)
    told = client.get(f"/v1/flows/{flow_id}").json()["lastRun"]["reason"]
    assert told["error"] is None
    assert told["rejectionKinds"] == 2
    assert (told["rejection"]["count"], told["rejection"]["field"]) == (3, f"{strict.tenant}.age")

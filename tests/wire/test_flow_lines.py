"""Flows as people look for them, over HTTP."""

from typing import Any

import pytest

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

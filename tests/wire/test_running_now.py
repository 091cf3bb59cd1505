"""Running a flow out of its turn, over HTTP."""

import time

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow, refusal

pytestmark = pytest.mark.azurite


def test_a_recurring_flow_runs_now_and_keeps_its_slots_and_windows(client: Client, dataflow: Dataflow) -> None:
    start = int(time.time()) + 86_400
    body = dataflow.body(name="Tomorrow", scheduleParams={"startTime": start, "frequency": "day", "interval": 1})
    body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}})
    flow_id = client.made(f"{FLOW}/flows", body)["id"]
    ran: list[dict[str, int]] = []
    for runs in (1, 2):
        made = client.made(f"/v1/flows/{flow_id}/run", None)
        run, *_ = resources.ended(client, flow_id, runs=runs)
        assert (run["id"], resources.status(run)) == (made["id"], "success")
        ran.append(run["metrics"]["durationSummary"]["extensions"])
    assert "windowStart" not in ran[0]
    assert ran[1]["windowStart"] == ran[0]["windowEnd"]
    assert client.get(f"/v1/flows/{flow_id}").json()["nextRunAt"] == start * 1_000
    client.made(f"{FLOW}/flows/{flow_id}/action?op=disable", None, status=200)
    refusal(client.post(f"/v1/flows/{flow_id}/run"))


def test_a_flow_that_runs_once_runs_again_over_everything(client: Client, dataflow: Dataflow) -> None:
    flow_id = dataflow.started(name="Once more")
    resources.ended(client, flow_id)
    client.made(f"/v1/flows/{flow_id}/run", None)
    again, first = resources.ended(client, flow_id, runs=2)
    read = [run["metrics"]["recordSummary"]["inputRecordCount"] for run in (again, first)]
    assert read[0] == read[1] > 0
    refusal(client.post(f"/v1/flows/{resources.UNKNOWN}/run"))

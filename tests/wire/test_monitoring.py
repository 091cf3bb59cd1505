"""What flows did, over HTTP, and when a schedule would run."""

import time
from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow, refusal


@pytest.mark.azurite
def test_runs_and_their_rows_are_summed(client: Client, landed: str) -> None:
    runs = client.get(f"{FLOW}/runs?property=flowId=={landed}").json()["items"]
    told = client.get("/v1/monitoring?buckets=4&limit=1000").json()
    (flow,) = [each for each in told["flows"] if each["flowId"] == landed]
    records = [run["metrics"]["recordSummary"] for run in runs]
    assert flow["received"] == sum(each["inputRecordCount"] for each in records)
    assert flow["ingested"] == sum(each["outputRecordCount"] for each in records)
    assert sum(flow["runs"].values()) == len(runs)
    assert flow["lastRun"]["id"] in {run["id"] for run in runs}
    assert told["totals"]["received"] == sum(bucket["received"] for bucket in told["series"]) >= flow["received"]
    assert len(told["series"]) == 4
    assert told["flowCount"] >= 1
    # Before there was anything, nothing happened.
    past = client.get("/v1/monitoring?since=0&until=86400000&buckets=1").json()
    assert past["totals"]["received"] == 0
    needing = client.get("/v1/monitoring?failuresOnly=true&limit=0").json()
    assert needing["flows"] == []
    assert needing["flowCount"] <= told["flowCount"]


@pytest.mark.parametrize(
    "query", ["since=5&until=5", "since=9&until=5", "since=0", "buckets=0", "buckets=367", "since=x"]
)
def test_a_span_that_is_none_is_refused(client: Client, query: str) -> None:
    refusal(client.get(f"/v1/monitoring?{query}"))


def test_the_next_runs_of_a_schedule_are_told(client: Client) -> None:
    start = int(time.time()) + 3_600
    sent: dict[str, Any] = {"startTime": start, "frequency": "hour", "interval": 6, "backfill": False}
    told = client.made("/v1/schedules/preview", {"scheduleParams": sent}, status=200)
    assert told["runs"] == [(start + step * 6 * 3_600) * 1_000 for step in range(5)]
    assert (told["frequency"], told["interval"], told["backfill"]) == ("hour", 6, False)
    assert told["takesFrom"] == start * 1_000
    once = client.made("/v1/schedules/preview?count=3", {"scheduleParams": resources.never()}, status=200)
    assert len(once["runs"]) == 1
    error = refusal(
        client.post("/v1/schedules/preview", json={"scheduleParams": {"frequency": "minute", "interval": 1}})
    )
    assert "minimum" in str(error)


@pytest.mark.azurite
def test_the_versions_of_a_table_are_told_with_their_runs(client: Client, landed: str, dataflow: Dataflow) -> None:
    (run, *_) = client.get(f"{FLOW}/runs?property=flowId=={landed}").json()["items"]
    told = client.get(f"/v1/datasets/{dataflow.dataset_id}/snapshots").json()
    assert told["location"].endswith(dataflow.dataset_id)
    by_run = {version["runId"]: version for version in told["snapshots"]}
    assert by_run[run["id"]]["flowId"] == landed
    assert by_run[run["id"]]["written"] == run["metrics"]["recordSummary"]["outputRecordCount"]
    versions = [version["version"] for version in told["snapshots"]]
    assert versions == sorted(versions, reverse=True)
    assert told["snapshots"][-1]["operation"] == "CREATE TABLE"
    assert len(client.get(f"/v1/datasets/{dataflow.dataset_id}/snapshots?limit=1").json()["snapshots"]) == 1
    refusal(client.get("/v1/datasets/nothing/snapshots"))

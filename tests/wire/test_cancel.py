"""Cancelling a run, from the call that asks for it to what the run and the dataset say afterwards."""

from collections.abc import Callable

import pytest

from flowservice.domain.identity import Permission
from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, UNKNOWN, Dataflow, ended, status


def waiting_run(client: Client, flow: Dataflow) -> tuple[str, str]:
    """A flow of which nothing is due, and a run of it that waits for its time."""
    flow_id = flow.started(scheduleParams=resources.never())
    later = {"startTime": resources.never()["startTime"]}
    return flow_id, client.made(f"{FLOW}/runs", {"flowId": flow_id, "params": later})["id"]


def test_a_run_that_waits_for_its_time_is_cancelled(client: Client, dataflow: Dataflow) -> None:
    flow_id, run_id = waiting_run(client, dataflow)
    answer = client.post(f"/v1/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json()["id"]) == (202, run_id), answer.text
    run = client.one(f"{FLOW}/runs/{run_id}")
    assert (status(run), run["etag"]) == ("failed", answer.json()["etag"])
    summary = run["metrics"]["statusSummary"]
    (error,) = summary["errors"]
    assert error["code"] == "cancelled"
    assert summary["extensions"]["cancelledBy"] in error["message"]
    query = f"property=metrics.statusSummary.extensions.cancelledBy=={summary['extensions']['cancelledBy']}"
    assert run_id in [found["id"] for found in client.get(f"{FLOW}/runs?{query}").json()["items"]]
    again = client.post(f"{FLOW}/runs/{run_id}/action?op=re-trigger")
    assert again.status_code == 200, again.text
    assert status(ended(client, flow_id, runs=2)[0]) == "success"


def test_a_run_that_has_ended_is_not_cancelled_and_the_refusal_names_what_can_be_done(
    client: Client, dataflow: Dataflow
) -> None:
    flow_id = dataflow.started()
    (run,) = ended(client, flow_id)
    answer = client.post(f"/v1/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (400, "run-not-cancellable")
    assert f"/v1/runs/{run['id']}/undo" in answer.json()["advice"]
    assert client.one(f"{FLOW}/runs/{run['id']}")["etag"] == run["etag"]
    assert client.post(f"/v1/runs/{UNKNOWN}/cancel").status_code == 404


@pytest.mark.parametrize("permission", [Permission.RUN, Permission.VIEW_SOURCES])
def test_cancelling_takes_the_permission_to_run(
    without: Callable[[Permission], Client], permission: Permission
) -> None:
    answer = without(permission).post(f"/v1/runs/{UNKNOWN}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

"""Flows that run again and again: what they land, what they tell, and which schedules are refused."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.azurite import Azurite
from tests import hasty
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow, ended, refusal, status

COPY = {"name": "Copy", "params": {"deltaColumn": {"name": "changed"}}}
NOW_S = int(time.time())
DAILY = {"startTime": NOW_S + 86_400, "frequency": "day", "interval": 1}


@pytest.fixture(scope="module")
def changes(azurite: Azurite) -> str:
    """A table of 40 people with the time of their change."""
    return resources.seeded(azurite, "changes", [changed(number) for number in range(40)])


def changed(number: int) -> dict[str, Any]:
    """A person who changed on the first of March 2026, a minute after the one before."""
    moment = f"2026-03-01T12:{number % 60:02d}:00Z"
    person = {"PartitionKey": "p", "RowKey": f"{number:05d}", "name": f"Person {number}", "isOld": True}
    return person | {"changed": moment, "changed@odata.type": "Edm.DateTime"}


@pytest.fixture(scope="module")
def over_changes(client: Client, azurite: Azurite, changes: str) -> Dataflow:
    return resources.names_flow(client, azurite.connection_string, changes)


def body(dataflow: Dataflow, schedule: Any, *copy: Any, **other: Any) -> dict[str, Any]:
    mapping = {"name": "Mapping", "params": {"mappingId": dataflow.mapping_id, "mappingVersion": 0}}
    return dataflow.body(scheduleParams=schedule, transformations=[*copy, mapping], **other)


def landed(server: Server, dataflow: Dataflow) -> list[str]:
    """The ids of the rows in the dataset, in order."""
    sql = f'SELECT _id FROM "{dataflow.dataset_id}" ORDER BY _id'
    return [row["_id"] for row in server.rows(sql)]


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("schedule", "copy", "code"),
    [
        (DAILY | {"frequency": "monthly"}, [COPY], "CONNECTOR-1397-400"),
        (DAILY | {"frequency": ["day"]}, [COPY], "CONNECTOR-1397-400"),
        (DAILY | {"startTime": NOW_S * 1000}, [COPY], "CONNECTOR-1397-400"),
        (DAILY | {"interval": "0"}, [COPY], "CONNECTOR-1362-400"),
        (DAILY | {"frequency": "minute", "interval": 14}, [COPY], "CONNECTOR-1362-400"),
        ({"startTime": NOW_S, "frequency": "hour"}, [COPY], "CONNECTOR-1304-400"),
        (DAILY | {"backfill": "no"}, [COPY], "CONNECTOR-1397-400"),
        (DAILY, [], "CONNECTOR-1367-400"),
        (DAILY, [{"name": "Copy", "params": {}}], "CONNECTOR-1367-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": {}}}], "FLOW-1452-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": "changed"}}], "FLOW-1452-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": {"name": "changed", "dateFormat": "x"}}}], "FLOW-1452-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": {"name": "changed", "timezone": "X"}}}], "FLOW-1452-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": {"name": "nothing"}}}], "CONNECTOR-1378-400"),
        (DAILY, [{"name": "Copy", "params": {"deltaColumn": {"name": "isOld"}}}], "CONNECTOR-1379-400"),
        ({"startTime": NOW_S, "frequency": "once"}, [COPY], "CONNECTOR-1369-400"),
        ({"startTime": NOW_S, "interval": 5}, [], "CONNECTOR-1361-400"),
        ({"startTime": NOW_S, "backfill": "true"}, [], "CONNECTOR-1364-400"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    client: Client, over_changes: Dataflow, schedule: Any, copy: list[Any], code: str
) -> None:
    refused = refusal(client.post(f"{FLOW}/flows", json=body(over_changes, schedule, *copy)), code)
    assert refused["errorMessage"]


@pytest.mark.azurite
@pytest.mark.parametrize("percent", [0, -1, 100.5, "5", True, [5]])
def test_a_tolerance_is_above_0_and_at_most_100(client: Client, over_changes: Dataflow, percent: Any) -> None:
    options = {"partialIngestionPercent": percent}
    refusal(client.post(f"{FLOW}/flows", json=body(over_changes, DAILY, COPY, options=options)), "FLOW-1452-400")


@pytest.mark.azurite
@pytest.mark.parametrize(
    "schedule",
    [
        {"startTime": str(NOW_S + 9_999), "frequency": "minute", "interval": "15", "backfill": "true"},
        {"startTime": NOW_S + 9_999, "frequency": "week", "interval": 2, "backfill": False, "endTime": 1, "x": []},
    ],
)
def test_a_schedule_reads_back_with_the_types_that_were_sent(
    client: Client, over_changes: Dataflow, schedule: dict[str, Any]
) -> None:
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, schedule, COPY))["id"]
    flow = client.one(f"{FLOW}/flows/{flow_id}")
    assert flow["scheduleParams"] == schedule
    assert flow["transformations"][0] == COPY
    assert flow["lastOperation"] == {"started": flow["createdAt"], "updated": 0, "operation": "create"}
    refusal(client.post(f"{FLOW}/runs", json={"flowId": flow_id}), "CONNECTOR-1386-400")
    for op in ("disable", "enable"):
        client.post(f"{FLOW}/flows/{flow_id}/action?op={op}")
        flow = client.one(f"{FLOW}/flows/{flow_id}")
        assert (flow["lastOperation"]["operation"], flow["lastOperation"]["started"]) == (op, flow["updatedAt"])
    client.delete(f"{FLOW}/flows/{flow_id}")


HOSTILE: list[Any] = [
    None,
    -7.5,
    10**30,
    "",
    "x\u0000\u202e'\";--",
    "\ud800",
    "x" * 70_000,
    [[]],
    {"x": {}},
]


@pytest.mark.azurite
@pytest.mark.parametrize("wrong", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_value_anywhere_is_never_a_failure_of_ours(
    client: Client, over_changes: Dataflow, wrong: Any
) -> None:
    for member in ("name", "dateFormat", "timezone"):
        copy = {"name": "Copy", "params": {"deltaColumn": {"name": "changed", member: wrong}}}
        _taken_or_refused(client, f"{FLOW}/flows", body(over_changes, DAILY, copy))
    for member in ("startTime", "frequency", "interval", "backfill"):
        _taken_or_refused(client, f"{FLOW}/flows", body(over_changes, DAILY | {member: wrong}, COPY))
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, resources.never()))["id"]
    for member in ("startTime", "windowStartTime", "windowEndTime", "deltaColumn"):
        params = {"startTime": NOW_S, "deltaColumn": {"name": "nothing"}, member: wrong}
        if wrong is not None:
            refusal(client.post(f"{FLOW}/runs", content=json.dumps({"flowId": flow_id, "params": params})))
    for column in ({"name": wrong}, {"name": "nothing", "timezone": wrong}):
        params = {"startTime": NOW_S, "deltaColumn": column}
        refusal(client.post(f"{FLOW}/runs", content=json.dumps({"flowId": flow_id, "params": params})))
    assert client.get(f"{FLOW}/runs?count=true&property=flowId=={flow_id}").json() == {"count": 0}
    client.delete(f"{FLOW}/flows/{flow_id}")


def _taken_or_refused(client: Client, path: str, sent: dict[str, Any]) -> None:
    answer = client.post(path, content=json.dumps(sent))
    if answer.status_code == 201:
        client.delete(f"{path}/{answer.json()['id']}")
    else:
        refusal(answer)


# --- run -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hasty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: minutes take two seconds, and starts in the past are refused."""
    running = hasty.server(
        tmp_path_factory.mktemp("hasty") / "home", env={"FLOWSERVICE_STRICT_START_TIME": "true"}
    ).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def hasty_client(hasty_server: Server) -> Iterator[Client]:
    with hasty_server.client() as calls:
        yield calls


@pytest.mark.azurite
def test_a_strict_server_refuses_a_start_in_the_past(hasty_client: Client, azurite: Azurite, changes: str) -> None:
    dataflow = resources.names_flow(hasty_client, azurite.connection_string, changes)
    past = DAILY | {"startTime": 1_717_000_000}
    refusal(hasty_client.post(f"{FLOW}/flows", json=body(dataflow, past, COPY)), "CONNECTOR-1360-400")


def windows_of(runs: list[Any]) -> list[tuple[int | None, int | None]]:
    """The windows of runs, the oldest first."""
    found = [run["metrics"]["durationSummary"]["extensions"] for run in reversed(runs)]
    return [(window.get("windowStart"), window.get("windowEnd")) for window in found]


def started_by_now(client: Client, flow_id: str) -> list[Any]:
    """The runs of a flow that have a window, the newest first."""
    runs = client.get(f"{FLOW}/runs", params={"property": f"flowId=={flow_id}", "limit": 100}).json()["items"]
    return [run for run in runs if run["metrics"]["durationSummary"]["extensions"]]


def written(client: Client, flow_id: str) -> int:
    """How many rows the runs of a flow say that they landed."""
    runs = started_by_now(client, flow_id)
    return sum(run["metrics"]["recordSummary"]["outputRecordCount"] for run in runs)


def until(truth: Callable[[], bool], *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.azurite
def test_a_recurring_flow_lands_every_row_once_while_rows_are_added(
    hasty_client: Client, hasty_server: Server, azurite: Azurite, new_table: Callable[[str], str]
) -> None:
    table = new_table("growing")
    resources.seeded(azurite, table, resources.people(50))
    dataflow = resources.names_flow(hasty_client, azurite.connection_string, table)
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
    schedule = {"frequency": "minute", "interval": 1, "backfill": True}
    flow_id = hasty_client.made(f"{FLOW}/flows", body(dataflow, schedule, copy))["id"]
    rows = 50
    deadline = time.monotonic() + 7
    while time.monotonic() < deadline:
        resources.seeded(azurite, table, resources.people(rows + 7)[rows:])
        rows += 7
        time.sleep(0.25)
    until(lambda: written(hasty_client, flow_id) >= rows, within_s=20)
    assert hasty_client.post(f"{FLOW}/flows/{flow_id}/action?op=disable").status_code == 200
    runs = ended(hasty_client, flow_id, runs=4)
    assert {status(run) for run in runs} == {"success"}
    assert written(hasty_client, flow_id) == rows
    windows = windows_of(runs)
    assert windows[0][0] is None
    assert [start for start, _ in windows[1:]] == [end for _, end in windows[:-1]]
    flow = hasty_client.one(f"{FLOW}/flows/{flow_id}")
    assert flow["lastRunDetails"]["id"] == runs[0]["id"]
    assert flow["lastRunDetails"]["state"] == "success"

    # While it is disabled nothing runs; then it goes on where it ended.
    resources.seeded(azurite, table, resources.people(rows + 9)[rows:])
    time.sleep(3)
    assert len(ended(hasty_client, flow_id, runs=4)) == len(runs)
    hasty_client.post(f"{FLOW}/flows/{flow_id}/action?op=enable")
    until(lambda: written(hasty_client, flow_id) >= rows + 9, within_s=20)
    assert landed(hasty_server, dataflow) == [f"{number:05d}" for number in range(rows + 9)]
    assert windows_of(started_by_now(hasty_client, flow_id))[len(runs)][0] == windows[-1][1]
    assert hasty_client.delete(f"{FLOW}/flows/{flow_id}").status_code == 204


@pytest.mark.azurite
def test_rows_without_a_time_are_told_of(client: Client, server: Server, azurite: Azurite) -> None:
    people = [changed(number) for number in range(10)]
    del people[3]["changed"], people[3]["changed@odata.type"]
    people[4] |= {"changed": "2999-01-01T00:00:00Z"}
    table = resources.seeded(azurite, "timeless", people)
    dataflow = resources.names_flow(client, azurite.connection_string, table)
    schedule = {"startTime": NOW_S, "frequency": "hour", "interval": 1}
    flow_id = client.made(f"{FLOW}/flows", body(dataflow, schedule, COPY))["id"]
    (run,) = ended(client, flow_id)
    records = run["metrics"]["recordSummary"]
    assert (status(run), records["outputRecordCount"]) == ("success", 8)
    (info,) = records["skippedInfo"]
    assert (info["code"], info["field"], info["count"]) == ("delta-column-empty", "changed", 1)
    assert records["inputRecordCount"] == records["skippedRecordCount"] + 8
    assert landed(server, dataflow) == [f"{number:05d}" for number in range(10) if number not in {3, 4}]
    client.delete(f"{FLOW}/flows/{flow_id}")


# --- on demand over windows, later, and again ------------------------------------------------------------------------

FIRST_S = 1_772_366_400  # 2026-03-01T12:00:00Z


@pytest.mark.azurite
def test_runs_on_demand_take_windows_and_the_flow_keeps_the_delta_column(
    client: Client, server: Server, azurite: Azurite, changes: str
) -> None:
    dataflow = resources.names_flow(client, azurite.connection_string, changes)
    flow_id = client.made(f"{FLOW}/flows", body(dataflow, resources.never()))["id"]
    etag = client.one(f"{FLOW}/flows/{flow_id}")["etag"]

    def asked(**params: Any) -> dict[str, Any]:
        return {"flowId": flow_id, "params": {"startTime": str(NOW_S), **params}}

    window = {"windowStartTime": str(FIRST_S + 300), "windowEndTime": FIRST_S + 480}
    refusal(client.post(f"{FLOW}/runs", json=asked(**window)), "CONNECTOR-1383-400")
    for name, code in (("nothing", "CONNECTOR-1378-400"), ("isOld", "CONNECTOR-1379-400"), ("", "CONNECTOR-1384-400")):
        refusal(client.post(f"{FLOW}/runs", json=asked(**window, deltaColumn={"name": name})), code)
    assert client.one(f"{FLOW}/flows/{flow_id}")["etag"] == etag

    params = asked(**window, deltaColumn={"name": "changed"})
    made = client.made(f"{FLOW}/runs", params)
    assert made["items"] == [{"id": made["id"], "etag": made["etag"]}]
    (run,) = ended(client, flow_id)
    assert (status(run), run["params"]) == ("success", params["params"])
    assert windows_of([run]) == [((FIRST_S + 300) * 1000, (FIRST_S + 480) * 1000)]
    assert landed(server, dataflow) == ["00005", "00006", "00007"]
    flow = client.one(f"{FLOW}/flows/{flow_id}")
    assert flow["transformations"][0] == COPY
    assert flow["lastOperation"]["operation"] == "update"
    assert flow["etag"] != etag

    refusal(client.post(f"{FLOW}/runs", json=asked(**window, deltaColumn={"name": "other"})), "CONNECTOR-1382-400")
    client.made(f"{FLOW}/runs", asked(windowStartTime=FIRST_S + 38 * 60))
    ended(client, flow_id, runs=2)
    assert landed(server, dataflow) == ["00005", "00006", "00007", "00038", "00039"]
    client.made(f"{FLOW}/runs", {"flowId": flow_id, "status": "active"})
    newest, *_ = ended(client, flow_id, runs=3)
    assert (newest["metrics"]["recordSummary"]["outputRecordCount"], windows_of([newest])) == (40, [(None, None)])
    client.delete(f"{FLOW}/flows/{flow_id}")


@pytest.mark.azurite
def test_a_run_waits_as_scheduled_until_its_start_has_come(client: Client, over_changes: Dataflow) -> None:
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, resources.never()))["id"]
    start_s = int(time.time()) + 3
    made = client.made(f"{FLOW}/runs", {"flowId": flow_id, "params": {"startTime": start_s}})
    run = client.one(f"{FLOW}/runs/{made['id']}")
    assert (status(run), run["state"], run["activities"]) == ("scheduled", "scheduled", [])
    assert "startedAtUTC" not in run["metrics"]["durationSummary"]
    client.made(f"{FLOW}/runs", {"flowId": flow_id})
    until(lambda: status(client.one(f"{FLOW}/runs/{made['id']}")) == "success", within_s=15)
    run = client.one(f"{FLOW}/runs/{made['id']}")
    assert run["metrics"]["durationSummary"]["startedAtUTC"] >= start_s * 1000
    sooner = next(other for other in ended(client, flow_id, runs=2) if other["id"] != run["id"])
    assert sooner["metrics"]["durationSummary"]["completedAtUTC"] < start_s * 1000
    client.delete(f"{FLOW}/flows/{flow_id}")


@pytest.mark.azurite
def test_a_failed_run_is_run_again_over_its_window(client: Client, azurite: Azurite) -> None:
    people = [changed(number) for number in range(12)]
    del people[7]["name"]
    table = resources.seeded(azurite, "repairable", people)
    dataflow = resources.dataflow(
        client,
        azurite.connection_string,
        table,
        fields={"name": {"type": "string"}, "isOld": {"type": "boolean"}},
        mapping={"RowKey": "_id", "name": ".name", "isOld": ".isOld"},
        required=("name",),
    )
    flow_id = client.made(f"{FLOW}/flows", body(dataflow, resources.never()))["id"]
    window = {"windowStartTime": FIRST_S + 300, "windowEndTime": FIRST_S + 600, "deltaColumn": {"name": "changed"}}
    client.made(f"{FLOW}/runs", {"flowId": flow_id, "params": {"startTime": NOW_S, **window}})
    (failed,) = ended(client, flow_id)
    assert status(failed) == "failed"
    assert failed["metrics"]["recordSummary"]["failedRecordCount"] == 1
    action = f"{FLOW}/runs/{failed['id']}/action"

    refusal(client.post(f"{action}?op=cancel"), "CONNECTOR-1333-400")
    refusal(client.post(action), "CONNECTOR-1334-400")
    refusal(client.post(f"{FLOW}/runs/{resources.UNKNOWN}/action?op=re-trigger"), "FLOW-1439-404")
    refusal(client.post(f"{action}?op=re-trigger", headers={"If-Match": '"stale"'}), "FLOW-1404-412")
    client.post(f"{FLOW}/flows/{flow_id}/action?op=disable")
    refusal(client.post(f"{action}?op=re-trigger"), "CONNECTOR-1388-400")
    client.post(f"{FLOW}/flows/{flow_id}/action?op=enable")

    answer = client.post(f"{action}?op=RE_TRIGGER", headers={"If-Match": failed["etag"]})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "etag"}
    again = ended(client, flow_id, runs=2)[0]
    assert (again["id"], again["parentFlowRunId"], status(again)) == (answer.json()["id"], failed["id"], "failed")
    assert windows_of([again]) == windows_of([failed]) != [(None, None)]
    assert failed["parentFlowRunId"] is None

    tolerant = body(dataflow, resources.never(), options={"partialIngestionPercent": 50})
    over = client.made(f"{FLOW}/flows", tolerant)
    client.made(f"{FLOW}/runs", {"flowId": over["id"], "params": {"startTime": NOW_S, **window}})
    (landed_run,) = ended(client, over["id"])
    assert status(landed_run) == "partialSuccess"
    refusal(client.post(f"{FLOW}/runs/{landed_run['id']}/action?op=retrigger"), "CONNECTOR-1387-400")

    empty = {"windowStartTime": 5, "windowEndTime": 6}
    made = client.made(f"{FLOW}/runs", {"flowId": over["id"], "params": {"startTime": NOW_S, **empty}})
    ended(client, over["id"], runs=2)
    assert client.post(f"{FLOW}/runs/{made['id']}/action?op=Re-Trigger").status_code == 200
    assert status(ended(client, over["id"], runs=3)[0]) == "success"
    for known in (flow_id, over["id"]):
        client.delete(f"{FLOW}/flows/{known}")


@pytest.mark.azurite
def test_a_users_token_may_not_write_a_run(client: Client, landed_flow: str) -> None:
    run = ended(client, landed_flow)[0]
    path = f"{FLOW}/runs/{run['id']}"
    refusal(client.put(path, json={"flowId": landed_flow}), "FLOW-1403-400")
    refusal(client.put(path, json={"flowId": landed_flow}, headers={"If-Match": '"stale"'}), "FLOW-1404-412")
    refusal(client.put(path, json={"flowId": 7}, headers={"If-Match": run["etag"]}), "-400")
    refusal(client.put(path, json={"metrics": {}}, headers={"If-Match": run["etag"]}), "FLOW-1427-400")
    refusal(client.put(f"{path}?if-match={run['etag']}", json={"flowId": landed_flow}), "FLOW-1427-400")
    refusal(client.put(f"{FLOW}/runs/{resources.UNKNOWN}", json={}, headers={"If-Match": "*"}), "FLOW-1439-404")
    assert client.one(path) == run


@pytest.fixture(scope="module")
def landed_flow(client: Client, over_changes: Dataflow) -> str:
    """Id of a flow that has run."""
    flow_id = str(client.made(f"{FLOW}/flows", body(over_changes, {"frequency": "once"}))["id"])
    ended(client, flow_id)
    return flow_id


# --- changed after it ran --------------------------------------------------------------------------------------------


@pytest.mark.azurite
def test_a_flow_with_a_run_that_waits_does_not_become_a_recurring_one(client: Client, over_changes: Dataflow) -> None:
    start = NOW_S + 99_999
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, {"startTime": start, "frequency": "once"}))["id"]
    window = {"windowStartTime": 1, "windowEndTime": 2, "deltaColumn": {"name": "changed"}}
    client.made(f"{FLOW}/runs", {"flowId": flow_id, "params": {"startTime": start - 999, **window}})
    hourly = {"startTime": start, "frequency": "hour", "interval": 1}
    answer = client.patch(
        f"{FLOW}/flows/{flow_id}",
        json=[{"op": "replace", "path": "/scheduleParams", "value": hourly}],
        headers={"If-Match": "*"},
    )
    assert "waits for its time" in refusal(answer, "CONNECTOR-1366-400")["errorMessage"]
    client.delete(f"{FLOW}/flows/{flow_id}")


@pytest.mark.azurite
def test_a_flow_that_has_run_reads_its_delta_column_as_before(client: Client, over_changes: Dataflow) -> None:
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, DAILY | {"startTime": NOW_S}, COPY))["id"]
    ended(client, flow_id)
    column = {"name": "changed", "timezone": "Europe/Berlin"}
    steps = [{"op": "add", "path": "/transformations/0/params/deltaColumn", "value": column}]
    answer = client.patch(f"{FLOW}/flows/{flow_id}", json=steps, headers={"If-Match": "*"})
    assert "gap" in refusal(answer, "CONNECTOR-1382-400")["errorMessage"]
    client.delete(f"{FLOW}/flows/{flow_id}")


@pytest.mark.azurite
def test_a_flow_with_a_run_that_waits_keeps_its_delta_column_and_takes_the_run_with_it(
    client: Client, over_changes: Dataflow
) -> None:
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, resources.never()))["id"]
    window = {"windowStartTime": 1, "windowEndTime": 2, "deltaColumn": {"name": "changed"}}
    params = {"startTime": NOW_S + 99_999, **window}
    run_id = client.made(f"{FLOW}/runs", {"flowId": flow_id, "params": params})["id"]
    step = {"op": "remove", "path": "/transformations/0"}
    answer = client.patch(f"{FLOW}/flows/{flow_id}", json=[step], headers={"If-Match": "*"})
    refusal(answer, "CONNECTOR-1382-400")
    client.delete(f"{FLOW}/flows/{flow_id}")
    run = client.one(f"{FLOW}/runs/{run_id}")
    assert status(run) == "failed"
    assert [error["code"] for error in run["metrics"]["statusSummary"]["errors"]] == ["flow-unknown"]


@pytest.mark.azurite
@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/name"},
        {"op": "replace", "path": "/name", "value": ""},
        {"op": "replace", "path": "/name", "value": "  "},
    ],
)
def test_a_flow_keeps_a_name(client: Client, over_changes: Dataflow, step: dict[str, str]) -> None:
    flow_id = client.made(f"{FLOW}/flows", body(over_changes, resources.never()))["id"]
    refusal(client.patch(f"{FLOW}/flows/{flow_id}", json=[step], headers={"If-Match": "*"}), "CONNECTOR-1304-400")
    client.delete(f"{FLOW}/flows/{flow_id}")


@pytest.mark.azurite
def test_a_transformation_stands_once(client: Client, over_changes: Dataflow) -> None:
    refused = refusal(client.post(f"{FLOW}/flows", json=body(over_changes, DAILY, COPY, COPY)), "FLOW-1452-400")
    assert "two of one name" in refused["errorMessage"]

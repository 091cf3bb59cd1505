"""Dry runs, from the call to the answer: what a run would do, and that nothing is different after it."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from demo.azurite import Azurite
from flowservice.domain.identity import Permission
from tests.live import Client, Server, command
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, UNKNOWN, Dataflow, refusal

FIELDS = {"team": {"type": "string"}, "score": {"type": "integer"}, "said": {"type": "string"}}
MAPPING = {"RowKey": "_id", "team": ".team", "score": ".score", "said": ".said"}
COUNTS = ("read", "filtered", "rejected", "superseded", "written")


def entity(number: int, **more: Any) -> dict[str, Any]:
    known = {"score": number, "team": f"t{number % 3}", "said": f"first {number}"}
    return {"PartitionKey": "p", "RowKey": f"{number:05d}", **known, **more}


@pytest.fixture(scope="module")
def teams(client: Client, azurite: Azurite) -> Dataflow:
    """30 entities of three teams; one has no team, which is required, and one a score that is no number."""
    entities = [entity(number) for number in range(28)]
    entities += [{"PartitionKey": "p", "RowKey": "00028", "score": 28}, entity(29, score="many")]
    table = resources.seeded(azurite, "dryteams", entities)
    return resources.dataflow(
        client, azurite.connection_string, table, fields=FIELDS, mapping=MAPPING, required=("team",)
    )


def path(flow_id: str) -> str:
    return f"/v1/flows/{flow_id}/dryRun"


def tried(client: Client, flow_id: str, **body: Any) -> Any:
    answer = client.post(path(flow_id), json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(done: Any) -> tuple[int, ...]:
    return tuple(done["counts"][name] for name in COUNTS)


def waiting(teams: Dataflow, **other: Any) -> str:
    """A flow that does not come up during the tests."""
    return teams.started(**{"scheduleParams": resources.never(), **other})


@pytest.fixture(scope="module")
def flow(teams: Dataflow) -> str:
    return waiting(teams, options={"partialIngestionPercent": 5})


def test_it_shows_rows_before_and_after_with_rejects_and_warnings(teams: Dataflow, flow: str) -> None:
    answer = teams.client.post(path(flow))
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["flowId"], done["tableName"], done["writeMode"]) == (flow, "dryteams", "append")
    assert (done["keyFields"], done["window"], done["hasMore"], done["cutBy"]) == ([], None, False, None)
    assert counts(done) == (30, 0, 1, 0, 29)
    assert (done["toleratedPercent"], done["isTolerable"]) == (5, True)
    assert [row["before"]["RowKey"] for row in done["rows"]] == [f"{number:05d}" for number in range(20)]
    # The page mixes numbers and texts in `score`, so the source hands over texts.
    assert done["rows"][7] == {
        "before": {"PartitionKey": "p", "RowKey": "00007", "team": "t1", "score": "7", "said": "first 7"},
        "after": {"_id": "00007", teams.tenant: {"team": "t1", "score": 7, "said": "first 7"}},
    }
    (reject,) = done["rejects"]
    assert (reject["code"], reject["field"], reject["value"]) == ("INGEST-1555-400", f"{teams.tenant}.team", None)
    assert reject["row"] == {"PartitionKey": "p", "RowKey": "00028", "score": "28"}
    assert [(tally["field"], tally["count"]) for tally in done["rejections"]] == [(f"{teams.tenant}.team", 1)]
    assert [(tally["field"], tally["count"]) for tally in done["warnings"]] == [(f"{teams.tenant}.score", 1)]
    changes = done["schemaChanges"]
    assert (changes["makesTable"], changes["clash"]) == (True, None)
    assert {"path": f"{teams.tenant}.score", "type": "int64"} in changes["columns"]


def test_nothing_is_different_afterwards_and_a_run_lands_these_rows(teams: Dataflow, server: Server) -> None:
    client, flow_id = teams.client, waiting(teams, options={"partialIngestionPercent": 5})
    before = client.one(f"{FLOW}/flows/{flow_id}")
    done = tried(client, flow_id)
    assert client.one(f"{FLOW}/flows/{flow_id}") == before
    assert client.get(f"{FLOW}/runs", params={"property": f"flowId=={flow_id}"}).json()["items"] == []
    assert client.get(f"{CATALOG}/batches", params={"dataSet": teams.dataset_id}).json() == {}
    assert not list((server.home / "lake").rglob(f"*{teams.dataset_id}*"))
    client.made(f"{FLOW}/runs", {"flowId": flow_id})
    (run,) = resources.ended(client, flow_id)
    records = run["metrics"]["recordSummary"]
    assert (records["inputRecordCount"], records["failedRecordCount"], records["outputRecordCount"]) == (30, 1, 29)
    sql = f'SELECT _id, {teams.tenant} AS own FROM "{teams.dataset_id}" ORDER BY _id LIMIT 20'
    rows = server.rows(sql)
    assert [row["after"] for row in done["rows"]] == [{"_id": row["_id"], teams.tenant: row["own"]} for row in rows]
    known = tried(client, flow_id)["schemaChanges"]
    assert known == {"makesTable": False, "columns": [], "clash": None}


def test_so_many_rows_are_read_as_are_asked_for(teams: Dataflow, flow: str) -> None:
    done = tried(teams.client, flow, rows=3)
    assert (counts(done), done["hasMore"], done["cutBy"]) == ((3, 0, 0, 0, 3), True, "rows")
    assert len(done["rows"]) == 3
    assert tried(teams.client, flow, rows=10_000)["hasMore"] is False


def test_without_tolerance_one_reject_is_too_many(teams: Dataflow) -> None:
    done = tried(teams.client, waiting(teams))
    assert (done["toleratedPercent"], done["isTolerable"]) == (0, False)


def test_the_row_filter_of_the_source_applies(teams: Dataflow) -> None:
    client = teams.client
    body = resources.source(teams.connection_id, teams.table)
    column = {"nodeType": "fieldLookup", "fieldName": "said"}
    value = {"nodeType": "fnApply", "fnName": "like", "params": [column, {"nodeType": "literal", "value": "%2"}]}
    body["params"]["filters"] = {"type": "PQL", "format": "pql/json", "value": value}
    source_id = client.made(f"{FLOW}/sourceConnections", body)["id"]
    flow = resources.flow(source_id, teams.target_id, teams.mapping_id, scheduleParams=resources.never())
    done = tried(client, client.made(f"{FLOW}/flows", flow)["id"])
    assert counts(done) == (30, 27, 0, 0, 3)
    assert [row["before"]["RowKey"] for row in done["rows"]] == ["00002", "00012", "00022"]


def test_of_an_upsert_it_tells_inserts_and_updates(teams: Dataflow, azurite: Azurite) -> None:
    client = teams.client
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(teams.schema_id, "tried by upsert"))
    body = resources.target(reference.removeprefix("@/dataSets/"))
    body["params"] |= {"writeMode": "upsert", "keyFields": ["_id"]}
    target_id = client.made(f"{FLOW}/targetConnections", body)["id"]
    tolerant = {"options": {"partialIngestionPercent": 5}}
    first = client.made(f"{FLOW}/flows", resources.flow(teams.source_id, target_id, teams.mapping_id, **tolerant))["id"]
    resources.ended(client, first)
    done = tried(client, first)
    assert (done["writeMode"], done["keyFields"]) == ("upsert", ["_id"])
    assert (done["counts"]["inserted"], done["counts"]["updated"]) == (0, 29)
    table = resources.seeded(azurite, "dryteams2", [entity(number) for number in (3, 40, 41)])
    other = client.made(f"{FLOW}/sourceConnections", resources.source(teams.connection_id, table))["id"]
    flow = resources.flow(other, target_id, teams.mapping_id, scheduleParams=resources.never())
    done = tried(client, client.made(f"{FLOW}/flows", flow)["id"])
    assert (done["counts"]["inserted"], done["counts"]["updated"]) == (2, 1)


def test_a_recurring_flow_is_tried_over_its_next_window(teams: Dataflow) -> None:
    start = int(time.time()) + 3_600
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}}
    mapping = teams.body()["transformations"]
    schedule = {"startTime": start, "frequency": "hour", "interval": 1}
    flow_id = teams.started(transformations=[copy, *mapping], scheduleParams=schedule)
    window = tried(teams.client, flow_id)["window"]
    assert (window["deltaColumn"], window["start"]) == ({"name": "Timestamp"}, None)
    assert window["end"].endswith("Z")


def test_a_flow_is_tried_in_any_state(teams: Dataflow) -> None:
    client, flow_id = teams.client, waiting(teams)
    client.post(f"{FLOW}/flows/{flow_id}/action?op=disable").raise_for_status()
    assert counts(tried(client, flow_id)) == (30, 0, 1, 0, 29)
    body = teams.body(scheduleParams=resources.never())
    draft = client.made(f"{FLOW}/flows?mode=draft", body)["id"]
    assert counts(tried(client, draft)) == (30, 0, 1, 0, 29)
    assert client.one(f"{FLOW}/flows/{draft}")["state"] == "draft"


def test_a_draft_needs_a_mapping_and_published_ends(teams: Dataflow) -> None:
    client = teams.client
    body = teams.body(scheduleParams=resources.never())
    bare = client.made(f"{FLOW}/flows?mode=draft", {**body, "transformations": []})["id"]
    assert refusal(client.post(path(bare)))["code"] == "mapping-missing"
    source = resources.source(teams.connection_id, teams.table)
    source_id = client.made(f"{FLOW}/sourceConnections?mode=draft", source)["id"]
    early = client.made(f"{FLOW}/flows?mode=draft", {**body, "sourceConnectionIds": [source_id]})["id"]
    assert refusal(client.post(path(early)))["code"] == "not-published"


def test_a_source_that_does_not_answer_is_told_with_its_code(client: Client) -> None:
    with Azurite() as other:
        table = resources.seeded(other, "dryaway", resources.people(1))
        away = resources.names_flow(client, other.connection_string, table)
        flow_id = waiting(away)
        assert counts(tried(client, flow_id)) == (1, 0, 0, 0, 1)
    assert refusal(client.post(path(flow_id)))["code"] == "source-unreachable"


@pytest.mark.parametrize(
    "body",
    [
        {"rows": 0},
        {"rows": -1},
        {"rows": "x"},
        {"rows": "5"},
        {"rows": 10_001},
        {"rows": 1e9},
        {"rows": 1.5},
        {"rows": True},
        {"rows": None},
        {"rows": [5]},
        {"row": 5},
        [],
        "rows",
        5,
    ],
)
def test_a_body_that_makes_no_sense_is_refused(teams: Dataflow, flow: str, body: Any) -> None:
    assert refusal(teams.client.post(path(flow), json=body))["code"] == "field-invalid"


def test_what_is_no_json_is_refused(teams: Dataflow, flow: str) -> None:
    assert refusal(teams.client.post(path(flow), content=b"{rows"))["code"] == "field-invalid"


@pytest.mark.parametrize("flow_id", [UNKNOWN, "x", "%20", "a%2Fb", "'"])
def test_a_flow_that_nobody_has_is_not_found(client: Client, flow_id: str) -> None:
    assert refusal(client.post(path(flow_id)))["status"] == 404


def test_a_flow_of_another_sandbox_or_organisation_is_not_found(
    flow: str, other_sandbox: Client, other_org: Client
) -> None:
    for stranger in (other_sandbox, other_org):
        assert refusal(stranger.post(path(flow)))["status"] == 404


def test_the_sandbox_is_the_one_that_the_header_names(client: Client, flow: str) -> None:
    answer = client.post(path(flow), headers={"x-sandbox-name": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (404, "sandbox-not-found")
    assert client.post(path(flow), headers={"x-sandbox-name": ""}).status_code == 200


def test_it_takes_what_a_run_and_what_a_preview_take(flow: str, without: Callable[[Permission], Client]) -> None:
    needed = {Permission.VIEW_SOURCES, Permission.RUN, Permission.VIEW_DATA}
    for permission in Permission:
        answer = without(permission).post(path(flow), json={"rows": 1})
        assert answer.status_code == (403 if permission in needed else 200), (permission, answer.text)


def test_the_operator_tries_a_flow_from_the_command_line(teams: Dataflow, flow: str, server: Server) -> None:
    done = json.loads(server.run("flows", "dry-run", flow, "--rows", "4", "--json"))
    assert done == tried(teams.client, flow, rows=4)
    text = server.run("flows", "dry-run", flow)
    assert "rejected           1" in text
    assert '+ {"_id": "00000"' in text
    unknown = subprocess.run(
        command("flows", "dry-run", UNKNOWN, "--home", str(server.home)),
        check=False,
        capture_output=True,
        text=True,
        env=server.env,
    )
    assert (unknown.returncode, "not found" in unknown.stderr) == (1, True)

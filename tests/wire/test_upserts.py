"""Upserts, from the call that asks for them to the rows that are replaced."""

import json
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, Dataflow, refusal, status

FIELDS = {
    "team": {"type": "string"},
    "score": {"type": "number"},
    "when": {"type": "string", "format": "date-time"},
    "said": {"type": "string"},
}
MAPPING = {"RowKey": "_id", "team": ".team", "score": ".score", "said": ".said"}


def entity(number: int, team: str | None, said: str) -> dict[str, Any]:
    known = {} if team is None else {"team": team}
    return {"PartitionKey": "p", "RowKey": f"{number:05d}", "score": 0.5, "said": said, **known}


@pytest.fixture(scope="module")
def teams(client: Client, azurite: Azurite) -> Dataflow:
    """Entities of which several are of one team, and one of none; a mapping of everything."""
    entities = [entity(number, f"t{number % 3}", f"first {number}") for number in range(10)] + [entity(10, None, "x")]
    table = resources.seeded(azurite, "teams", entities)
    return resources.dataflow(client, azurite.connection_string, table, fields=FIELDS, mapping=MAPPING)


def target(teams: Dataflow, dataset_id: str = "", **params: Any) -> Any:
    body = resources.target(dataset_id or teams.dataset_id)
    body["params"] |= params
    return teams.client.post(f"{FLOW}/targetConnections", json=body)


def upserting(teams: Dataflow, key: str) -> tuple[str, str]:
    """A dataset of its own, and a target that upserts into it."""
    client = teams.client
    (reference,) = client.made(f"{CATALOG}/dataSets", resources.dataset(teams.schema_id, f"upserted by {key}"))
    dataset_id = reference.removeprefix("@/dataSets/")
    answer = target(teams, dataset_id, writeMode="upsert", keyFields=[key.format(tenant=teams.tenant)])
    assert answer.status_code == 201, answer.text
    return dataset_id, answer.json()["id"]


def held(server: Server, teams: Dataflow, dataset_id: str, condition: str = "true") -> dict[str, str]:
    sql = f'SELECT _id, {teams.tenant}.said FROM "{dataset_id}" WHERE {condition}'
    rows = server.rows(sql)
    found = {row["_id"]: row["said"] for row in rows}
    assert len(found) == len(rows)
    return found


def counts(run: Any) -> tuple[int, int, int, int]:
    records = run["metrics"]["recordSummary"]
    return (
        records["inputRecordCount"],
        records["outputRecordCount"],
        records["skippedRecordCount"],
        records["failedRecordCount"],
    )


def test_a_second_run_replaces_what_the_first_one_landed(teams: Dataflow, server: Server, azurite: Azurite) -> None:
    client, (dataset_id, target_id) = teams.client, upserting(teams, "_id")
    flow = client.made(f"{FLOW}/flows", resources.flow(teams.source_id, target_id, teams.mapping_id))["id"]
    (run,) = resources.ended(client, flow)
    assert (status(run), counts(run)) == ("success", (11, 11, 0, 0))
    table = resources.seeded(azurite, "teams2", [entity(number, "t9", f"second {number}") for number in (3, 11)])
    other = client.made(f"{FLOW}/sourceConnections", resources.source(teams.connection_id, table))["id"]
    flow = client.made(f"{FLOW}/flows", resources.flow(other, target_id, teams.mapping_id))["id"]
    (run,) = resources.ended(client, flow)
    assert (status(run), counts(run)) == ("success", (2, 2, 0, 0))
    expected = {f"{number:05d}": f"first {number}" for number in range(10)} | {"00010": "x"}
    assert held(server, teams, dataset_id) == expected | {"00003": "second 3", "00011": "second 11"}
    assert held(server, teams, dataset_id, f"{teams.tenant}.team = 't9'") == {"00003": "second 3", "00011": "second 11"}
    assert held(server, teams, dataset_id, "_id = '00001'") == {"00001": "first 1"}


def test_rows_of_one_key_land_once_and_one_without_a_key_is_kept_in_quarantine(teams: Dataflow, server: Server) -> None:
    client, (dataset_id, target_id) = teams.client, upserting(teams, "{tenant}.team")
    body = resources.flow(teams.source_id, target_id, teams.mapping_id, options={"partialIngestionPercent": 50})
    (run,) = resources.ended(client, client.made(f"{FLOW}/flows", body)["id"])
    assert (status(run), counts(run)) == ("partialSuccess", (11, 3, 7, 1))
    assert held(server, teams, dataset_id) == {"00007": "first 7", "00008": "first 8", "00009": "first 9"}
    sql = f'SELECT code, field, "row" FROM "{dataset_id}-quarantine"'
    (rejected,) = server.rows(sql)
    assert (rejected["code"], rejected["field"]) == ("key-missing", f"{teams.tenant}.team")
    assert json.loads(rejected["row"])["RowKey"] == "00010"


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"writeMode": "merge"}, "writeMode"),
        ({"writeMode": 1}, "writeMode"),
        ({"writeMode": "upsert"}, "keyFields"),
        ({"writeMode": "upsert", "keyFields": []}, "keyFields"),
        ({"writeMode": "upsert", "keyFields": "_id"}, "keyFields"),
        ({"writeMode": "upsert", "keyFields": [1]}, "keyFields"),
        ({"writeMode": "upsert", "keyFields": ["_id", "_id"]}, "keyFields"),
        ({"writeMode": "upsert", "keyFields": ["_idd"]}, "did you mean '_id'"),
        ({"writeMode": "upsert", "keyFields": ["{tenant}"]}, "cannot be part of a key"),
        ({"writeMode": "upsert", "keyFields": ["{tenant}.score"]}, "cannot be part of a key"),
        ({"keyFields": ["_id"]}, "upserts alone"),
    ],
)
def test_a_write_mode_that_cannot_be_is_refused(teams: Dataflow, params: dict[str, Any], told: str) -> None:
    if isinstance(params.get("keyFields"), list):
        keys = [str(key).format(tenant=teams.tenant) if isinstance(key, str) else key for key in params["keyFields"]]
        params = params | {"keyFields": keys}
    assert told in json.dumps(refusal(target(teams, **params)), ensure_ascii=False)


def test_a_flow_has_to_feed_the_key(teams: Dataflow) -> None:
    _, target_id = upserting(teams, "{tenant}.when")
    answer = teams.client.post(f"{FLOW}/flows", json=resources.flow(teams.source_id, target_id, teams.mapping_id))
    assert f"{teams.tenant}.when" in json.dumps(refusal(answer))


def test_a_target_shows_its_write_mode(teams: Dataflow) -> None:
    dataset_id, target_id = upserting(teams, "_id")
    shown = teams.client.one(f"{FLOW}/targetConnections/{target_id}")
    assert shown["params"] == {"dataSetId": dataset_id, "writeMode": "upsert", "keyFields": ["_id"]}

"""Actions: op in any spelling, subOp, the body that may come along."""

from typing import Any

import pytest

from tests.live import Client
from tests.wire import resources
from tests.wire.resources import FLOW, UNKNOWN, Dataflow, refusal


@pytest.fixture(scope="module")
def flow(client: Client, dataflow: Dataflow) -> str:
    """A flow that is not due."""
    return dataflow.started(name="to act on", scheduleParams=resources.never())


@pytest.mark.parametrize("op", ["disable", "DISABLE", "Dis-able", "enable", "ENABLE", "ENABLE&subOp=APPLY"])
def test_op_is_read_without_regard_to_case_and_dashes(client: Client, flow: str, op: str) -> None:
    answer = client.post(f"{FLOW}/flows/{flow}/action?op={op}")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "etag"}


def test_enabling_what_is_enabled_changes_nothing(client: Client, flow: str) -> None:
    client.post(f"{FLOW}/flows/{flow}/action?op=enable")
    etag = client.one(f"{FLOW}/flows/{flow}")["etag"]
    assert client.post(f"{FLOW}/flows/{flow}/action?op=enable").json() == {"id": flow, "etag": etag}


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("", None, "CONNECTOR-1334-400"),
        ("?op=", None, "CONNECTOR-1334-400"),
        ("?op=explode", None, "CONNECTOR-1398-400"),
        ("?op=retrigger", None, "CONNECTOR-1398-400"),
        ("?op=FINALIZE", None, "FLOW-1402-400"),
        ("?op=FINALIZE_UPDATE&subOp=PROGRESS", {"percentCompleted": 5}, "FLOW-1402-400"),
        ("?op=enable&subOp=SKIP", None, "FLOW-1435-400"),
        ("?op=enable&subOp=ROLLBACK", None, "FLOW-1436-400"),
        ("?op=FINALIZE&subOp=PROGRESS,APPLY", None, "FLOW-1406-400"),
        ("?op=FINALIZE&subOp=PROGRESS&subOp=APPLY", None, "FLOW-1406-400"),
        ("?op=FINALIZE&subOp=PROGRESS", {"status": {"value": "FAILED"}}, "FLOW-1407-400"),
        ("?op=enable", {"status": {"value": "COMPLETED"}, "percentCompleted": 50}, "FLOW-1408-400"),
        ("?op=enable", {"status": {"value": "DONE"}}, "FLOW-1437-400"),
        ("?op=enable", {"percentCompleted": 101}, "FLOW-1452-400"),
        ("?op=enable", {"percentCompleted": "5"}, "FLOW-1452-400"),
        ("?op=enable", [], "FLOW-1452-400"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(client: Client, flow: str, query: str, body: Any, code: str) -> None:
    etag = client.one(f"{FLOW}/flows/{flow}")["etag"]
    refusal(client.post(f"{FLOW}/flows/{flow}/action{query}", json=body), code)
    assert client.one(f"{FLOW}/flows/{flow}")["etag"] == etag


@pytest.mark.parametrize("collection", ["connections", "sourceConnections", "targetConnections", "flows"])
def test_an_action_on_what_does_not_exist_is_not_found(client: Client, collection: str) -> None:
    refusal(client.post(f"{FLOW}/{collection}/{UNKNOWN}/action?op=publish"), "FLOW-1439-404")


def test_an_action_with_an_old_etag_is_refused(client: Client, flow: str) -> None:
    path = f"{FLOW}/flows/{flow}/action?op=disable"
    refusal(client.post(path, headers={"If-Match": '"old"'}), "FLOW-1404-412")
    assert client.post(path, headers={"If-Match": client.one(f"{FLOW}/flows/{flow}")["etag"]}).status_code == 200

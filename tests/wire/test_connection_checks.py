"""The check of a connection in named steps: what each finds, where it stops, and what is kept of the last one."""

import json
import socket
from collections.abc import Iterator
from typing import Any, Final

import pytest

from demo.azurite import ACCOUNT, KEY, Azurite
from flowservice.domain.identity import Permission
from flowservice.service.masked_rows import MARK
from tests.connectors.azure_table.table_server import Answer, serving
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, UNKNOWN

CHECKS: Final = "/v1/connections"
STEPS: Final = [
    "parse-input",
    "resolve-host",
    "network-policy",
    "tls",
    "authenticate",
    "list-tables",
    "read-entity",
    "clock-difference",
]
WRONG_KEY: Final = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="


def string(endpoint: str, *, key: str = KEY, name: str = ACCOUNT) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};TableEndpoint={endpoint}"


def checked(client: Client, connection_string: str) -> dict[str, Any]:
    """The check of what no connection has yet."""
    answer = client.post(f"{CHECKS}/check", json=resources.connection(connection_string))
    assert answer.status_code == 200, answer.text
    for secret in (KEY, WRONG_KEY, "sig="):
        assert secret not in answer.text
    found: dict[str, Any] = answer.json()
    assert [step["name"] for step in found["steps"]] == STEPS
    assert all(step["title"] and step["ms"] >= 0 for step in found["steps"])
    return found


def failed_at(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The failed step; those before it passed or had nothing to look at, those after it were not taken."""
    at = STEPS.index(name)
    statuses = [step["status"] for step in found["steps"]]
    assert (found["passed"], statuses[at]) == (False, "failed")
    assert "failed" not in statuses[:at]
    assert all(step["message"] for step in found["steps"][: at + 1])
    assert all((step["status"], step["message"]) == ("skipped", "") for step in found["steps"][at + 1 :])
    step: dict[str, Any] = found["steps"][at]
    assert step["advice"]
    return step


def count(client: Client) -> int:
    return int(client.get(f"{FLOW}/connections?count=true").json()["count"])


@pytest.fixture
def account_id(client: Client, azurite: Azurite) -> Iterator[str]:
    """A connection of the test's own."""
    made = client.made(f"{FLOW}/connections", resources.connection(azurite.connection_string))["id"]
    yield made
    client.delete(f"{FLOW}/connections/{made}")


def last(client: Client, connection_id: str) -> dict[str, Any] | None:
    items = client.get(f"{CHECKS}/health").json()["items"]
    return next((item for item in items if item["connectionId"] == connection_id), None)


def test_every_step_of_a_sound_account_passes_and_nothing_is_kept(
    client: Client, azurite: Azurite, people: str
) -> None:
    before, healths = count(client), client.get(f"{CHECKS}/health").json()
    found = checked(client, azurite.connection_string)
    assert found["passed"] is True
    assert {step["status"] for step in found["steps"]} == {"passed"}
    told = {step["name"]: step["message"] for step in found["steps"]}
    assert "without TLS" in told["tls"]
    assert told["list-tables"].startswith("Tables: ")
    assert "agree" in told["clock-difference"]
    assert (count(client), client.get(f"{CHECKS}/health").json()) == (before, healths)


def test_what_cannot_be_read_stops_at_the_settings(client: Client) -> None:
    for sent in ("AccountName=x", "nonsense", string("http://127.0.0.1:1", key="no key"), string("http://a@b:1")):
        assert failed_at(checked(client, sent), "parse-input")["code"] in {"field-invalid", "field-missing"}
    for auth in (None, {"specName": "Nothing", "params": {}}, {"specName": resources.BY_STRING, "params": {}}):
        body = {**resources.connection("x"), "auth": auth}
        assert failed_at(client.post(f"{CHECKS}/check", json=body).json(), "parse-input")


def test_a_name_that_nobody_has_stops_at_the_host(client: Client) -> None:
    step = failed_at(checked(client, string("http://nowhere.invalid")), "resolve-host")
    assert (step["code"], "unknown" in step["message"]) == ("source-unreachable", True)


def test_an_address_that_no_source_may_be_at_stops_at_the_policy(client: Client) -> None:
    step = failed_at(checked(client, string("http://169.254.169.254")), "network-policy")
    assert (step["code"], "egress_allowed" in step["advice"]) == ("destination-refused", True)


def test_an_address_that_nobody_serves_stops_at_the_connection(client: Client) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        step = failed_at(checked(client, string(f"http://127.0.0.1:{reserved.getsockname()[1]}")), "tls")
    assert "refused the connection" in step["message"]


def test_an_answer_without_tls_where_tls_is_meant_stops_at_the_connection(client: Client, azurite: Azurite) -> None:
    assert failed_at(checked(client, string(azurite.endpoint.replace("http:", "https:"))), "tls")


def test_a_wrong_key_stops_at_the_sign_in(client: Client, azurite: Azurite) -> None:
    step = failed_at(checked(client, string(azurite.endpoint, key=WRONG_KEY)), "authenticate")
    assert step["code"] == "source-credentials"


def test_who_may_not_list_tables_is_recognised_all_the_same(client: Client) -> None:
    refused = Answer(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
    with serving(lambda _: refused) as server:
        step = failed_at(checked(client, string(f"http://127.0.0.1:{server.port}/{ACCOUNT}")), "list-tables")
    assert step["code"] == "source-denied"


def test_the_first_request_carries_nothing_of_the_credential(client: Client) -> None:
    with serving(lambda _: Answer(status=403)) as server:
        failed_at(checked(client, string(f"http://127.0.0.1:{server.port}/{ACCOUNT}")), "authenticate")
        first, second, *_ = server.requests
    assert "authorization" not in {name.lower() for name in first.headers}
    assert "authorization" in {name.lower() for name in second.headers}


def test_an_account_without_a_table_passes(client: Client) -> None:
    with serving(lambda _: Answer(body=json.dumps({"value": []}).encode())) as server:
        found = checked(client, string(f"http://127.0.0.1:{server.port}/{ACCOUNT}"))
    assert found["passed"] is True
    assert found["steps"][STEPS.index("read-entity")]["status"] == "skipped"


def test_the_spec_has_to_exist_and_be_readable_here(client: Client, azurite: Azurite) -> None:
    body = resources.connection(azurite.connection_string)
    unknown = client.post(f"{CHECKS}/check", json={**body, "connectionSpec": {"id": UNKNOWN}})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "spec-unknown")
    assert client.post(f"{CHECKS}/check").status_code == 400
    assert client.post(f"{CHECKS}/check", json={**body, "name": 1}).status_code == 400


def test_a_check_of_a_connection_is_kept_as_its_last_one(
    client: Client, account_id: str, azurite: Azurite, server: Server
) -> None:
    born = last(client, account_id)
    assert born is not None
    assert (born["passed"], born["failed"]) == (True, None)
    answer = client.post(f"{CHECKS}/{account_id}/check")
    assert (answer.status_code, answer.json()["passed"]) == (200, True)
    again = last(client, account_id)
    assert again is not None
    assert again["checkedAt"] > born["checkedAt"]
    assert client.get(f"{FLOW}/connections/{account_id}/test").status_code == 200
    tested = last(client, account_id)
    assert tested is not None
    assert tested["checkedAt"] > again["checkedAt"]
    assert client.delete(f"{FLOW}/connections/{account_id}").status_code == 204
    assert last(client, account_id) is None


def test_a_failed_check_is_kept_with_its_step(client: Client, azurite: Azurite) -> None:
    with serving(lambda _: Answer(body=json.dumps({"value": []}).encode())) as table_server:
        endpoint = f"http://127.0.0.1:{table_server.port}/{ACCOUNT}"
        made = client.made(f"{FLOW}/connections", resources.connection(string(endpoint)))["id"]
    step = failed_at(client.post(f"{CHECKS}/{made}/check").json(), "tls")
    kept = last(client, made)
    assert kept is not None
    assert (kept["passed"], kept["failed"]) == (False, step)
    assert client.get(f"{FLOW}/connections/{made}/test").status_code == 400
    kept = last(client, made)
    assert kept is not None
    assert (kept["passed"], kept["failed"]["name"], kept["failed"]["code"]) == (False, "check", step["code"])
    edit = [{"op": "replace", "path": "/auth/params/connectionString", "value": azurite.connection_string}]
    assert client.patch(f"{FLOW}/connections/{made}", json=edit, headers={"If-Match": "*"}).status_code == 200
    kept = last(client, made)
    assert kept is not None
    assert kept["passed"] is True
    client.delete(f"{FLOW}/connections/{made}")


def test_a_draft_is_checked_as_far_as_it_goes(client: Client) -> None:
    draft = {"name": "x", "connectionSpec": {"id": resources.AZURE_TABLE}}
    made = client.made(f"{FLOW}/connections?mode=draft", draft)["id"]
    assert last(client, made) is None
    assert failed_at(client.post(f"{CHECKS}/{made}/check").json(), "parse-input")["code"] == "field-missing"
    client.delete(f"{FLOW}/connections/{made}")


def test_checks_are_of_their_sandbox_alone(
    client: Client, other_sandbox: Client, other_org: Client, account_id: str
) -> None:
    for stranger in (other_sandbox, other_org):
        assert last(stranger, account_id) is None
        assert stranger.post(f"{CHECKS}/{account_id}/check").status_code == 404


def test_what_is_typed_is_checked_by_who_may_make_connections(without: Any, azurite: Azurite, account_id: str) -> None:
    body = resources.connection(azurite.connection_string)
    for permission in (Permission.MANAGE_SOURCES, Permission.MANAGE_SECRETS, Permission.VIEW_SOURCES):
        assert without(permission).post(f"{CHECKS}/check", json=body).status_code == 403
    assert without(Permission.MANAGE_SOURCES).post(f"{CHECKS}/{account_id}/check").status_code == 200
    assert without(Permission.VIEW_SOURCES).post(f"{CHECKS}/{account_id}/check").status_code == 403
    assert MARK not in without(Permission.MANAGE_SECRETS).get(f"{CHECKS}/health").text

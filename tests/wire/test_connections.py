"""Accounts: made only if they work, changed with an etag, deleted if nothing reads through them."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from demo.azurite import ACCOUNT, KEY, Azurite
from tests.connectors.azure_table.table_server import Answer, serving
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, UNKNOWN, Dataflow, refusal

CONNECTIONS = f"{FLOW}/connections"
# As sound as the real one, and not it.
WRONG_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="


def count(client: Client) -> int:
    """How many connections there are."""
    return int(client.get(f"{CONNECTIONS}?count=true").json()["count"])


@pytest.fixture
def made(client: Client, azurite: Azurite) -> Iterator[dict[str, str]]:
    """A connection of the test's own: its id and etag."""
    body = resources.connection(azurite.connection_string, description="to try")
    answer = client.made(CONNECTIONS, body)
    yield answer
    client.delete(f"{CONNECTIONS}/{answer['id']}")


def test_a_create_answers_id_and_etag_alone_and_says_where(client: Client, azurite: Azurite) -> None:
    answer = client.post(CONNECTIONS, json=resources.connection(azurite.connection_string))
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"id", "etag"}
    assert body["etag"].startswith('"')
    assert body["etag"].endswith('"')
    assert answer.headers["location"] == f"{CONNECTIONS}/{body['id']}"
    assert client.delete(f"{CONNECTIONS}/{body['id']}").content == b""


def test_a_connection_reads_as_documented(client: Client, made: dict[str, str]) -> None:
    shown = client.one(f"{CONNECTIONS}/{made['id']}")
    stamped = ("createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient")
    assert set(stamped) | {"sandboxId", "sandboxName", "imsOrgId"} <= set(shown)
    assert shown["id"] == made["id"]
    assert shown["state"] == "enabled"
    assert shown["version"] == shown["etag"] == made["etag"]
    assert shown["connectionSpec"] == {"id": resources.AZURE_TABLE, "version": "1.0"}
    assert shown["auth"]["specName"] == resources.BY_STRING
    assert set(shown["auth"]["params"]["connectionString"]) == {"*"}
    assert isinstance(shown["createdAt"], int)


def test_a_connection_without_a_spec_version_gets_the_newest(client: Client, azurite: Azurite) -> None:
    body = resources.connection(azurite.connection_string, connectionSpec={"id": resources.AZURE_TABLE})
    connection_id = client.made(CONNECTIONS, {**body, "providerId": "anything"})["id"]
    assert client.one(f"{CONNECTIONS}/{connection_id}")["connectionSpec"]["version"] == "1.0"
    client.delete(f"{CONNECTIONS}/{connection_id}")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"connectionSpec": {"id": UNKNOWN}}, "FLOW-1413-400"),
        ({"auth": None}, "CONNECTOR-1304-400"),
        ({"auth": {"specName": "Nothing", "params": {}}}, "FLOW-1415-400"),
        ({"auth": {"specName": resources.BY_STRING, "params": {}}}, "CONNECTOR-1304-400"),
        ({"auth": {"specName": resources.BY_STRING}}, "CONNECTOR-1304-400"),
        ({"name": None}, "-400"),
    ],
)
def test_a_body_that_lacks_something_says_what(
    client: Client, azurite: Azurite, change: dict[str, Any], code: str
) -> None:
    before = count(client)
    body = refusal(client.post(CONNECTIONS, json={**resources.connection(azurite.connection_string), **change}), code)
    assert body["errorMessage"]
    assert count(client) == before
    if code.startswith("FLOW-1413"):
        assert body["message"] == "Please provide a valid spec id"


def string(azurite: Azurite, **parts: str | None) -> str:
    """The emulator's connection string with other parts; None leaves one out."""
    sound: dict[str, str | None] = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": ACCOUNT,
        "AccountKey": KEY,
        "TableEndpoint": azurite.endpoint,
    }
    return ";".join(f"{key}={value}" for key, value in {**sound, **parts}.items() if value is not None)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"AccountKey": None}, "AccountKey"),
        ({"AccountKey": "not base64!"}, "AccountKey"),
        ({"AccountKey": KEY[:-5]}, "AccountKey"),
        ({"AccountKey": ""}, "AccountKey"),
        ({"AccountName": None}, "AccountName"),
        ({"AccountName": None, "TableEndpoint": None}, "AccountName"),
        ({"accountkey": KEY}, "AccountKey comes twice"),
        ({"DefaultEndpointsProtocol": "ftp"}, "DefaultEndpointsProtocol"),
        ({"TableEndpoint": "127.0.0.1:10002"}, "TableEndpoint"),
        ({"TableEndpoint": "http://host:99999/"}, "TableEndpoint"),
        ({"TableEndpoint": None, "TableSecondaryEndpoint": "http://x/"}, "TableSecondaryEndpoint"),
        ({"AccountKey": None, "SharedAccessSignature": "sv=1"}, "SharedAccessSignature"),
        ({"UseDevelopmentStorage": "maybe"}, "UseDevelopmentStorage"),
    ],
)
def test_a_connection_string_that_is_not_whole_names_the_part(
    client: Client, azurite: Azurite, parts: dict[str, str | None], named: str
) -> None:
    before = count(client)
    answer = client.post(CONNECTIONS, json=resources.connection(string(azurite, **parts)))
    assert named in refusal(answer)["errorMessage"]
    assert KEY not in answer.text
    assert count(client) == before


@pytest.mark.parametrize("text", ["", " ", ";;;", "foo", "=;=", "AccountName", "\u202e", "x" * 100_000])
def test_what_is_no_connection_string_is_refused(client: Client, text: str) -> None:
    assert len(refusal(client.post(CONNECTIONS, json=resources.connection(text)))["errorMessage"]) < 1_000


@pytest.mark.parametrize("shape", ["{};", " {} ", "{};BlobEndpoint=http://127.0.0.1:1/x", "{};QueueEndpoint=x"])
def test_trailing_semicolons_blanks_and_other_services_do_no_harm(client: Client, azurite: Azurite, shape: str) -> None:
    body = resources.connection(shape.format(string(azurite)))
    connection_id = client.made(CONNECTIONS, body)["id"]
    client.delete(f"{CONNECTIONS}/{connection_id}")


def test_a_wrong_key_is_told_as_such_and_nothing_is_stored(client: Client, azurite: Azurite) -> None:
    before = count(client)
    body = refusal(client.post(CONNECTIONS, json=resources.connection(string(azurite, AccountKey=WRONG_KEY))))
    assert "key" in body["errorMessage"]
    assert "cannot reach" not in body["errorMessage"]
    assert body["advice"]
    assert count(client) == before


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://127.0.0.1:1/devstoreaccount1", "refused the connection"),
        ("http://no-such-host.invalid/devstoreaccount1", "name is unknown"),
    ],
)
def test_a_wrong_host_is_told_as_such_and_nothing_is_stored(
    client: Client, azurite: Azurite, endpoint: str, why: str
) -> None:
    before = count(client)
    started = time.monotonic()
    body = refusal(client.post(CONNECTIONS, json=resources.connection(string(azurite, TableEndpoint=endpoint))))
    assert time.monotonic() - started < 10
    assert endpoint.split("/")[2] in body["errorMessage"]
    assert why in body["errorMessage"]
    assert count(client) == before


def test_a_host_that_never_answers_is_given_up_within_ten_seconds(client: Client, azurite: Azurite) -> None:
    before = count(client)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/devstoreaccount1"
        started = time.monotonic()
        answer = client.post(CONNECTIONS, json=resources.connection(string(azurite, TableEndpoint=endpoint)))
        assert time.monotonic() - started < 10
    assert "did not answer in time" in refusal(answer)["errorMessage"]
    assert count(client) == before


@pytest.mark.parametrize(("asked", "told"), [("inf", None), ("nan", None), ("1e300", "3600"), ("7", "7")])
def test_a_pause_that_a_source_asks_for_is_passed_on_only_if_it_makes_sense(
    client: Client, asked: str, told: str | None
) -> None:
    with serving(lambda _: Answer(status=503, headers={"Retry-After": asked})) as busy:
        text = f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={busy.account.endpoint}"
        answer = client.post(CONNECTIONS, json=resources.connection(text))
    assert (answer.status_code, answer.json()["code"]) == (503, "source-throttled")
    assert answer.headers.get("Retry-After") == told


def test_a_connection_that_works_tests_true(client: Client, account: str) -> None:
    answer = client.get(f"{CONNECTIONS}/{account}/test")
    assert (answer.status_code, answer.json()) == (200, {"result": True})


def test_an_account_that_has_gone_fails_its_test_with_the_reason(client: Client) -> None:
    with Azurite() as passing:
        connection_id = client.made(CONNECTIONS, resources.connection(passing.connection_string))["id"]
    assert "cannot reach" in refusal(client.get(f"{CONNECTIONS}/{connection_id}/test"))["errorMessage"]
    client.delete(f"{CONNECTIONS}/{connection_id}")


# --- changing --------------------------------------------------------------------------------------------------------


def rename(client: Client, connection_id: str, name: str, **sent: Any) -> Any:
    """The answer to a patch of the name."""
    patch = [{"op": "replace", "path": "/name", "value": name}]
    return client.patch(f"{CONNECTIONS}/{connection_id}", json=patch, **sent)


@pytest.mark.parametrize("shape", ["header", "unquoted header", "query", "unquoted query", "star", "lower-case header"])
def test_a_patch_takes_the_etag_in_every_form_that_clients_send(
    client: Client, made: dict[str, str], shape: str
) -> None:
    etag = made["etag"].strip('"') if shape.startswith("unquoted") else made["etag"]
    sent: dict[str, Any] = {"headers": {"If-Match": etag}}
    if shape.endswith("query"):
        sent = {"params": {"if-match": etag}}
    if shape == "star":
        sent = {"headers": {"If-Match": "*"}}
    if shape == "lower-case header":
        sent = {"headers": {"if-match": etag}}
    answer = rename(client, made["id"], "renamed", **sent)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"id", "etag"}
    assert answer.json()["etag"] != made["etag"]
    assert client.one(f"{CONNECTIONS}/{made['id']}")["name"] == "renamed"


def test_a_patch_needs_an_etag(client: Client, made: dict[str, str]) -> None:
    refusal(rename(client, made["id"], "renamed"), "FLOW-1403-400")


def test_a_patch_with_a_stale_etag_changes_nothing(client: Client, made: dict[str, str]) -> None:
    headers = {"If-Match": made["etag"]}
    assert rename(client, made["id"], "first", headers=headers).status_code == 200
    body = refusal(rename(client, made["id"], "second", headers=headers), "FLOW-1404-412")
    assert "does not match the current version" in body["errorMessage"]
    assert client.one(f"{CONNECTIONS}/{made['id']}")["name"] == "first"


def test_a_patch_may_be_one_operation_under_a_form_header_and_in_capitals(client: Client, made: dict[str, str]) -> None:
    answer = client.patch(
        f"{CONNECTIONS}/{made['id']}/",
        content='{"op": "Replace", "path": "/description", "value": "new"}',
        headers={"If-Match": made["etag"], "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200, answer.text
    assert client.one(f"{CONNECTIONS}/{made['id']}")["description"] == "new"


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([{"op": "replace", "path": "/id", "value": "x"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/state", "value": "x"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/etag", "value": "x"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/imsOrgId", "value": "x"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "", "value": {}}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/connectionSpec/id", "value": "x"}], "FLOW-1414-400"),
        ([{"op": "move", "path": "/name", "from": "/description"}], "FLOW-1434-400"),
        ([{"op": "copy", "path": "/name", "from": "/description"}], "FLOW-1434-400"),
        ([{"op": "test", "path": "/name", "value": "x"}], "FLOW-1434-400"),
        ([{"op": "replace", "path": "/name", "value": 7}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/name", "value": ""}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/name", "value": "x" * 300}], "FLOW-1455-400"),
        ([{"op": "remove", "path": "/name"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/auth/nothing/deep", "value": 7}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/auth", "value": 7}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "/auth/params", "value": {}}], "CONNECTOR-1304-400"),
        ([{"op": "add", "path": "/auth/params/other", "value": 1}], "FLOW-1452-400"),
        ([{"op": "replace", "path": "/name"}], "FLOW-1455-400"),
        ([{"path": "/name", "value": "x"}], "FLOW-1455-400"),
        ([{"op": "replace", "path": "name", "value": "x"}], "FLOW-1455-400"),
        (["replace"], "FLOW-1455-400"),
        ("replace", "FLOW-1455-400"),
        ([], "FLOW-1405-400"),
        ([{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/nothing"}], "FLOW-1455-400"),
    ],
)
def test_a_patch_that_does_not_apply_changes_nothing(
    client: Client, made: dict[str, str], patch: Any, code: str
) -> None:
    path = f"{CONNECTIONS}/{made['id']}"
    before = client.one(path)
    refusal(client.patch(path, json=patch, headers={"If-Match": "*"}), code)
    assert client.one(path) == before


def test_new_credentials_are_tested_before_they_are_kept(
    client: Client, azurite: Azurite, made: dict[str, str]
) -> None:
    path = f"{CONNECTIONS}/{made['id']}"
    wrong = [{"op": "replace", "path": "/auth/params/connectionString", "value": string(azurite, AccountKey=WRONG_KEY)}]
    assert "key" in refusal(client.patch(path, json=wrong, headers={"If-Match": "*"}))["errorMessage"]
    sound = [{"op": "replace", "path": "/auth/params", "value": {"connectionString": string(azurite)}}]
    assert client.patch(path, json=sound, headers={"If-Match": "*"}).status_code == 200
    assert client.get(f"{path}/test").json() == {"result": True}


def test_a_masked_secret_sent_back_keeps_the_secret(client: Client, made: dict[str, str]) -> None:
    path = f"{CONNECTIONS}/{made['id']}"
    auth = client.one(path)["auth"]
    patch = [{"op": "replace", "path": "/auth", "value": auth}]
    assert client.patch(path, json=patch, headers={"If-Match": "*"}).status_code == 200
    assert client.get(f"{path}/test").json() == {"result": True}


# --- deleting --------------------------------------------------------------------------------------------------------


def test_what_is_deleted_is_gone(client: Client, azurite: Azurite) -> None:
    connection_id = client.made(CONNECTIONS, resources.connection(azurite.connection_string))["id"]
    assert client.delete(f"{CONNECTIONS}/{connection_id}/").status_code == 204
    for answer in (
        client.get(f"{CONNECTIONS}/{connection_id}"),
        client.get(f"{CONNECTIONS}/{connection_id}/test"),
        client.get(f"{CONNECTIONS}/{connection_id}/explore?objectType=root"),
        client.delete(f"{CONNECTIONS}/{connection_id}"),
        rename(client, connection_id, "x", headers={"If-Match": "*"}),
    ):
        refusal(answer, "FLOW-1439-404")


def test_what_a_flow_uses_cannot_be_deleted(client: Client, dataflow: Dataflow, landed: str) -> None:
    refusal(client.delete(f"{CONNECTIONS}/{dataflow.connection_id}"), "FLOW-1418-400")
    refusal(client.delete(f"{FLOW}/sourceConnections/{dataflow.source_id}"), "FLOW-1447-400")
    refusal(client.delete(f"{FLOW}/targetConnections/{dataflow.target_id}"), "FLOW-1447-400")


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_no_answer_log_or_file_holds_a_secret(client: Client, server: Server, azurite: Azurite) -> None:
    # A signature that works with the emulator, and is found nowhere else.
    made = client.made(CONNECTIONS, resources.connection(azurite.connection_string))
    path = f"{CONNECTIONS}/{made['id']}"
    refused = client.post(CONNECTIONS, json=resources.connection(string(azurite, AccountKey=WRONG_KEY)))
    cut = client.post(CONNECTIONS, json=resources.connection(string(azurite, AccountKey="CUT!" + KEY)))
    answers = [
        refused,
        cut,
        client.get(path),
        client.get(CONNECTIONS, params={"limit": "100"}),
        client.get(f"{path}/test"),
        client.get(f"{path}/explore?objectType=root"),
        client.patch(
            path,
            json=[{"op": "test", "path": "/auth/params/connectionString", "value": KEY}],
            headers={"If-Match": "*"},
        ),
    ]
    secrets = (KEY, KEY[:40], WRONG_KEY[:40], "CUT!")
    for answer in answers:
        assert not [secret for secret in secrets if secret in answer.text], answer.request.url
    kept = [server.log, *(file for file in server.home.rglob("*") if file.is_file())]
    assert any(file.suffix == ".db" for file in kept)
    for file in kept:
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file
    client.delete(path)

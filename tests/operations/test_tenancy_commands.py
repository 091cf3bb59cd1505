"""Organisations and credentials as an operator makes them, while the server runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowservice.app import App
from flowservice.settings import Settings
from tests.live import Client, Server
from tests.operations.typed import typed
from tests.wire.resources import FLOW

FIELDS = ["clientId", "clientSecret", "orgId", "scopes", "tokenUrl"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: the first credential of its home is changed and removed."""
    running = Server(tmp_path_factory.mktemp("tenancy") / "home").start()
    yield running
    assert running.stop() == 0


def told(server: Server, *arguments: str) -> Any:
    return json.loads(server.run(*arguments, "--json"))


def refused(server: Server, *arguments: str) -> str:
    answer = typed(*arguments, home=server.home)
    assert (answer.returncode, answer.stdout) == (1, ""), answer.stdout
    assert answer.stderr.startswith("flowservice: ")
    assert "Traceback" not in answer.stderr
    return answer.stderr


def status(server: Server, credentials: dict[str, str]) -> int:
    form = {"client_id": credentials["clientId"], "client_secret": credentials["clientSecret"]}
    return httpx.post(f"{server.url}/ims/token/v3", data=form).status_code


def works(client: Client) -> bool:
    return client.get(f"{FLOW}/flows").status_code == 200


def test_a_second_organisation_works_while_serving(own: Server) -> None:
    made = told(own, "orgs", "add", "NORTH-1@AdobeOrg")
    assert (made["orgId"], made["tenantId"]) == ("NORTH-1@AdobeOrg", "north_1")
    credentials = told(own, "credentials", "add", "--org", "NORTH-1@AdobeOrg")
    assert list(credentials) == FIELDS
    assert credentials["orgId"] == "NORTH-1@AdobeOrg"
    assert credentials["tokenUrl"] == f"{own.url}/ims/token/v3"
    with own.client(credentials) as calls:
        assert works(calls)
        sandboxes = calls.get("/data/foundation/sandbox-management/sandboxes").json()["sandboxes"]
        assert [one["name"] for one in sandboxes] == ["prod"]
        assert calls.get("/data/foundation/schemaregistry/stats").json()["tenantId"] == "north_1"
    orgs = told(own, "orgs", "list")
    assert [org["orgId"] for org in orgs] == [own.credentials()["orgId"], "NORTH-1@AdobeOrg"]
    assert "NORTH-1@AdobeOrg" in own.run("orgs", "list")


def test_an_organisation_may_be_named_in_short_and_given_a_tenant(own: Server) -> None:
    assert told(own, "orgs", "add", "SHORT", "--tenant", "brief")["orgId"] == "SHORT@AdobeOrg"
    assert told(own, "credentials", "add", "--org", "SHORT")["orgId"] == "SHORT@AdobeOrg"
    assert told(own, "orgs", "add", "7up")["tenantId"] == "t7up"
    assert told(own, "orgs", "add", "7.up")["tenantId"] == "t7_up"
    assert told(own, "orgs", "add", "7-up")["tenantId"] == "t7_up_1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("orgs", "add", "SHORT"), "exists already"),
        (("orgs", "add", "new", "--tenant", "brief"), "has the tenant id"),
        (("orgs", "add", "new", "--tenant", "flowservice"), "reserved"),
        (("orgs", "add", "new", "--tenant", "Ω"), "tenant id"),
        (("orgs", "add", "a b"), "organisation"),
        (("orgs", "add", "x@Other"), "organisation"),
        (("orgs", "add", ""), "organisation"),
        (("credentials", "add", "--org", "nobody"), "nobody@AdobeOrg"),
        (("credentials", "add", "--permission", "fly"), "permission"),
        (("credentials", "list", "--org", "nobody"), "nobody@AdobeOrg"),
        (("credentials", "rotate", "nobody"), "client id"),
        (("credentials", "revoke", "nobody"), "client id"),
    ],
)
def test_what_cannot_be_is_told(own: Server, arguments: tuple[str, ...], words: str) -> None:
    if arguments[2:3] == ("SHORT",) or "brief" in arguments:
        typed("orgs", "add", "SHORT", "--tenant", "brief", home=own.home)
    tenancy = App(Settings(home=own.home)).database.tenancy
    known = tenancy.orgs()
    before = [known, [tenancy.credentials(org.id) for org in known]]
    assert words in refused(own, *arguments)
    assert [tenancy.orgs(), [tenancy.credentials(org.id) for org in known]] == before


def test_a_credential_may_have_few_permissions_and_a_name(own: Server) -> None:
    made = told(own, "credentials", "add", "--permission", "view-sources", "--permission", "run", "--name", "loader")
    assert list(made) == FIELDS
    (listed,) = [known for known in told(own, "credentials", "list") if known["clientId"] == made["clientId"]]
    assert (listed["name"], listed["permissions"]) == ("loader", ["run", "view-sources"])
    assert made["clientSecret"] not in own.run("credentials", "list")
    with own.client(made) as calls:
        assert works(calls)
        assert calls.post(f"{FLOW}/flows", json={}).status_code == 403
        assert calls.get("/v1/credentials").status_code == 403


def test_rotate_and_revoke_work_while_serving(own: Server) -> None:
    made = told(own, "credentials", "add")
    rotated = told(own, "credentials", "rotate", made["clientId"])
    assert list(rotated) == FIELDS
    assert (status(own, made), status(own, rotated)) == (401, 200)
    with own.client(rotated) as calls:
        assert works(calls)
        assert made["clientId"] in own.run("credentials", "revoke", made["clientId"])
        assert calls.get(f"{FLOW}/flows").json()["error_code"] == "401013"
    assert status(own, rotated) == 401
    assert "client id" in refused(own, "credentials", "revoke", made["clientId"])


def test_the_file_of_the_first_credential_follows_it(own: Server) -> None:
    first = own.credentials()
    rotated = told(own, "credentials", "rotate", first["clientId"])
    assert own.credentials() == rotated
    assert (own.home / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert status(own, rotated) == 200
    # Through the API too, by whoever administers.
    with own.client() as calls:
        by_api = calls.post(f"/v1/credentials/{first['clientId']}/rotate").json()
    assert own.credentials()["clientSecret"] == by_api["clientSecret"]
    assert own.run("token").strip()
    for known in told(own, "credentials", "list"):
        if known["clientId"] != first["clientId"]:
            own.run("credentials", "revoke", known["clientId"])
    assert "last" in refused(own, "credentials", "revoke", first["clientId"])
    assert own.credentials()["clientId"] == first["clientId"]
    other = told(own, "credentials", "add")
    own.run("credentials", "revoke", first["clientId"])
    assert "credentials add" in refused(own, "credentials", "show")
    assert status(own, other) == 200


@pytest.mark.parametrize(
    "arguments",
    [("orgs", "add", "x"), ("orgs", "list"), ("credentials", "add"), ("credentials", "list")],
)
def test_a_home_that_was_never_served_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = typed(*arguments, home=tmp_path / "nowhere")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "flowservice serve" in answer.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_no_home_is_left_as_it_is(tmp_path: Path) -> None:
    assert "there is no store" in typed("orgs", "list", home=tmp_path).stderr
    assert list(tmp_path.iterdir()) == []

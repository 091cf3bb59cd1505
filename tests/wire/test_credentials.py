"""Credentials over HTTP, and that each call needs the permissions that the docs name."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from flowservice.api.permissions import needed
from flowservice.app import App
from flowservice.domain.identity import ALL_PERMISSIONS, Permission
from tests.live import Client, Server
from tests.wire.resources import FLOW, SANDBOXES, UNKNOWN

PATH = "/v1/credentials"
NAMES = {permission.value for permission in Permission}


@pytest.fixture(scope="module")
def admin(server: Server, app: App) -> Iterator[Client]:
    """An administrator of an organisation of its own, so that the others keep their credentials."""
    org = app.identity.add_org("CREDENTIALS@AdobeOrg")
    made = app.described(app.identity.add_credential(org.id))
    with server.client(made) as calls:
        yield calls


def made(admin: Client, **body: Any) -> dict[str, Any]:
    answer = admin.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def signed_in(server: Server, credential: dict[str, Any]) -> Client:
    return server.client({name: str(value) for name, value in credential.items()})


def refused(answer: httpx.Response, status: int, code: str) -> Any:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["detail"]
    return body


def test_a_credential_is_made_shown_and_of_use(admin: Client, server: Server) -> None:
    body = made(admin, name="loader", permissions=["run", "view-sources"])
    assert set(body) >= {"clientId", "clientSecret", "orgId", "scopes", "tokenUrl"}
    assert body["permissions"] == ["view-sources", "run"]
    assert body["tokenUrl"] == f"{server.url}/ims/token/v3"
    shown = admin.get(f"{PATH}/{body['clientId']}").json()
    assert shown == {name: value for name, value in body.items() if name not in {"clientSecret", "tokenUrl"}}
    listed = admin.get(PATH).json()["credentials"]
    assert shown in listed
    assert body["clientSecret"] not in admin.get(PATH).text
    with signed_in(server, body) as calls:
        assert calls.get(f"{FLOW}/flows").status_code == 200
        assert calls.post(f"{FLOW}/flows", json={}).json()["type"].endswith("FLOW-2118-403")


def test_without_permissions_a_credential_has_those_of_its_maker(admin: Client) -> None:
    assert set(made(admin)["permissions"]) == NAMES
    assert made(admin, permissions=[])["permissions"] == []


def test_rotating_makes_the_old_secret_useless(admin: Client, server: Server) -> None:
    first = made(admin)
    answer = admin.post(f"{PATH}/{first['clientId']}/rotate")
    assert answer.status_code == 200
    second = answer.json()
    assert second["clientSecret"] != first["clientSecret"]
    assert second["secretChangedAt"] >= first["secretChangedAt"]

    def status(credential: dict[str, Any]) -> int:
        form = {"client_id": credential["clientId"], "client_secret": credential["clientSecret"]}
        return httpx.post(f"{server.url}/ims/token/v3", data=form).status_code

    assert (status(first), status(second)) == (401, 200)


def test_a_revoked_credential_s_tokens_stop_at_once(admin: Client, server: Server) -> None:
    body = made(admin)
    with signed_in(server, body) as calls:
        assert calls.get(f"{FLOW}/flows").status_code == 200
        answer = admin.delete(f"{PATH}/{body['clientId']}")
        assert (answer.status_code, answer.content) == (204, b"")
        for path in (f"{FLOW}/flows", PATH, f"{SANDBOXES}/sandboxes"):
            assert calls.get(path).json()["error_code"] == "401013"
    refused(admin.get(f"{PATH}/{body['clientId']}"), 404, "not-found")
    refused(admin.delete(f"{PATH}/{body['clientId']}"), 404, "not-found")


def test_permissions_change_at_once(admin: Client, server: Server) -> None:
    body = made(admin)
    with signed_in(server, body) as calls:
        answer = admin.patch(f"{PATH}/{body['clientId']}", json={"permissions": ["run"], "name": "runner"})
        assert (answer.json()["permissions"], answer.json()["name"]) == (["run"], "runner")
        assert calls.get(f"{FLOW}/flows").status_code == 403
        kept = admin.patch(f"{PATH}/{body['clientId']}", json={}).json()
        assert (kept["permissions"], kept["name"]) == (["run"], "runner")


def test_nobody_grants_what_they_do_not_have(admin: Client, server: Server) -> None:
    strong = made(admin)
    weak = made(admin, permissions=["administer", "run"])
    with signed_in(server, weak) as calls:
        refused(calls.post(PATH, json={"permissions": ["view-data"]}), 403, "forbidden")
        refused(calls.patch(f"{PATH}/{weak['clientId']}", json={"permissions": sorted(NAMES)}), 403, "forbidden")
        # The secret of a stronger one would be as good as its permissions.
        refused(calls.post(f"{PATH}/{strong['clientId']}/rotate"), 403, "forbidden")
        assert calls.post(PATH, json={}).json()["permissions"] == ["run", "administer"]
        assert calls.post(f"{PATH}/{weak['clientId']}/rotate").status_code == 200


def test_the_last_administrator_stays(server: Server, app: App) -> None:
    org = app.identity.add_org("LAST@AdobeOrg")
    only = app.described(app.identity.add_credential(org.id))
    with server.client(only) as calls:
        own = f"{PATH}/{only['clientId']}"
        made(calls, permissions=["run"])
        assert "last" in refused(calls.delete(own), 400, "administrator-last")["detail"]
        refused(calls.patch(own, json={"permissions": ["run"]}), 400, "administrator-last")
        other = made(calls)
        assert calls.delete(f"{PATH}/{other['clientId']}").status_code == 204
        made(calls)
        assert calls.delete(own).status_code == 204


def test_credentials_of_others_do_not_exist(admin: Client, client: Client) -> None:
    stranger = client.headers["x-api-key"]
    for call in (
        admin.get(f"{PATH}/{stranger}"),
        admin.delete(f"{PATH}/{stranger}"),
        admin.post(f"{PATH}/{stranger}/rotate"),
        admin.patch(f"{PATH}/{stranger}", json={"name": "mine"}),
    ):
        refused(call, 404, "not-found")
    assert stranger not in admin.get(PATH).text
    assert client.get(f"{FLOW}/flows").status_code == 200


BODIES: list[Any] = [
    {"permissions": "run"},
    {"permissions": ["fly"]},
    {"permissions": [7]},
    {"permissions": [None]},
    {"permissions": ["run"] * 51},
    {"permissions": {"run": True}},
    {"name": 7},
    {"name": "x" * 256},
    {"name": "x\u0000"},
    {"clientId": "mine"},
    [],
    "x",
    7,
    None,
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_cannot_be_is_refused_and_makes_nothing(admin: Client, body: Any) -> None:
    before = admin.get(PATH).json()
    for answer in (
        admin.post(PATH, json=body),
        admin.patch(f"{PATH}/{admin.headers['x-api-key']}", json=body),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["detail"]
    assert admin.get(PATH).json() == before


@pytest.mark.parametrize("name", ["", "Ω\u202e👩‍👩‍👧", "'; --", "<b>"])
def test_a_name_may_be_any_text(admin: Client, name: str) -> None:
    assert made(admin, name=name, permissions=[])["name"] == name


@pytest.mark.parametrize("ref", ["nobody", "%00", "Ω", "a" * 3000, "*"])
def test_an_unknown_client_id_is_not_found(admin: Client, ref: str) -> None:
    refused(admin.get(f"{PATH}/{ref}"), 404, "not-found")


def test_the_gateway_stands_before_our_own_paths(admin: Client, anonymous: httpx.Client) -> None:
    assert anonymous.get(PATH).json()["error_code"] == "403010"
    assert anonymous.get("/v1/nothing").json()["error_code"] == "403010"
    headers = dict(admin.headers) | {"x-gw-ims-org-id": "OTHER@AdobeOrg"}
    assert anonymous.get(PATH, headers=headers).json()["error_code"] == "403025"
    sandboxless = dict(admin.headers) | {"x-sandbox-name": "nowhere"}
    assert anonymous.get(PATH, headers=sandboxless).status_code == 200
    for public in ("/v1/openapi.json", "/v1/docs"):
        assert anonymous.get(public).status_code == 200


# --- the matrix ------------------------------------------------------------------------------------------------------


def operations(anonymous: httpx.Client) -> list[tuple[str, str]]:
    document = anonymous.get("/v1/openapi.json").json()
    return [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith(("/data/", "/v1/"))
    ]


@pytest.fixture(scope="module")
def lacking(server: Server, admin: Client) -> Iterator[dict[Permission, Client]]:
    """Clients of one organisation that lack one permission each."""
    clients = {
        permission: signed_in(
            server, made(admin, permissions=[other.value for other in ALL_PERMISSIONS - {permission}])
        )
        for permission in Permission
    }
    yield clients
    for calls in clients.values():
        calls.close()


def test_each_call_is_refused_without_a_permission_that_it_needs_and_not_without_another(
    anonymous: httpx.Client, lacking: dict[Permission, Client]
) -> None:
    asked = operations(anonymous)
    assert len(asked) > 60
    for method, path in asked:
        url = re.sub(r"{\w+}", UNKNOWN, path)
        needs = needed(method, url)
        for permission, calls in lacking.items():
            body: Any = {} if method in {"POST", "PUT", "PATCH"} else None
            answer = calls.request(method, url, json=body, headers={"If-Match": "*"})
            assert answer.status_code < 500, (method, path, answer.text)
            assert (answer.status_code == 403) == (permission in needs), (method, path, permission, answer.text)
            if answer.status_code == 403:
                assert permission.value in answer.text
                if path.startswith(FLOW):
                    assert answer.json()["type"].endswith("FLOW-2118-403")

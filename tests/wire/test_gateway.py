"""What is answered before a service is reached."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from flowservice.adapters.tokens.jwt import JwtTokens
from flowservice.app import App, utc_now
from flowservice.domain.identity import Sandbox, SandboxState
from tests.live import Client, Server
from tests.wire.resources import FLOW, SANDBOXES, UNKNOWN

SPECS = f"{FLOW}/connectionSpecs"
NEEDED = ("authorization", "x-api-key", "x-gw-ims-org-id")

MISSING_TOKEN = (403, {"error_code": "403010", "message": "Oauth token is missing."})
BAD_TOKEN = (401, {"error_code": "401013", "message": "Oauth token is not valid"})
MISSING_KEY = (403, {"error_code": "403000", "message": "Api Key is required"})
BAD_KEY = (403, {"error_code": "403003", "message": "Api Key is invalid"})
MISSING_ORG = (400, {"error_code": "400003", "message": "Missing header"})
BAD_ORG = (403, {"error_code": "403025", "message": "Profile is not valid"})
MALFORMED_ORG = (403, {"error_code": "403027", "message": "User region is missing"})


def answered(client: Client, *, without: tuple[str, ...] = (), **headers: str) -> tuple[int, Any]:
    """Status and body of a read with other headers than the client's own."""
    sent = {name: value for name, value in client.headers.items() if name not in without}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = httpx.get(f"{client.base_url}{SPECS}", headers=sent)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("without", "refused"),
    [
        (NEEDED, MISSING_TOKEN),
        (("x-api-key", "x-gw-ims-org-id"), MISSING_KEY),
        (("x-gw-ims-org-id",), MISSING_ORG),
        (("authorization",), MISSING_TOKEN),
        (("x-api-key",), MISSING_KEY),
    ],
)
def test_missing_headers_are_told_in_the_documented_order(
    client: Client, without: tuple[str, ...], refused: tuple[int, Any]
) -> None:
    assert answered(client, without=without) == refused


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"authorization": "Bearer nonsense"}, BAD_TOKEN),
        ({"authorization": "Bearer"}, BAD_TOKEN),
        ({"authorization": "Basic dTpw"}, BAD_TOKEN),
        ({"authorization": "Bearer nonsense", "x_api_key": "wrong"}, BAD_TOKEN),
        ({"x_api_key": "wrong"}, BAD_KEY),
        ({"x_api_key": "wrong", "x_gw_ims_org_id": "wrong"}, BAD_KEY),
        ({"x_gw_ims_org_id": "no org"}, MALFORMED_ORG),
        ({"x_gw_ims_org_id": "@AdobeOrg"}, MALFORMED_ORG),
        ({"x_gw_ims_org_id": "ABC@AdobeOrg"}, BAD_ORG),
        ({"x_gw_ims_org_id": "ABC@AdobeOrg", "x_sandbox_name": "none"}, BAD_ORG),
    ],
)
def test_wrong_headers_are_told_in_the_documented_order(
    client: Client, headers: dict[str, str], refused: tuple[int, Any]
) -> None:
    assert answered(client, without=(), **headers) == refused


def test_the_scheme_bearer_may_be_in_lower_case(client: Client) -> None:
    token = client.headers["authorization"].split(" ")[1]
    assert answered(client, authorization=f"bearer {token}")[0] == 200


def test_an_expired_token_is_not_valid(client: Client, app: App) -> None:
    claims = {"client_id": client.headers["x-api-key"], "org": client.headers["x-gw-ims-org-id"], "jti": "1"}
    expired = app.identity.tokens.issue(claims, at=utc_now(), lifetime_s=-1)
    assert answered(client, authorization=f"Bearer {expired}") == BAD_TOKEN


def test_a_token_of_another_signer_is_not_valid(client: Client) -> None:
    claims = {"client_id": client.headers["x-api-key"], "org": client.headers["x-gw-ims-org-id"]}
    forged = JwtTokens(lambda: [b"x" * 32]).issue(claims, at=utc_now(), lifetime_s=600)
    assert answered(client, authorization=f"Bearer {forged}") == BAD_TOKEN


def test_a_token_without_a_signature_is_not_valid(client: Client) -> None:
    # {"alg":"none"}.{"client_id":"x"}.
    assert answered(client, authorization="Bearer eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJ4In0.") == BAD_TOKEN


def test_a_token_is_of_use_in_its_own_organisation_only(client: Client, other_org: Client) -> None:
    token = other_org.headers["authorization"]
    assert answered(client, authorization=token) == BAD_KEY
    assert answered(client, authorization=token, x_api_key=other_org.headers["x-api-key"]) == BAD_ORG


def test_an_unknown_sandbox_is_not_found(client: Client) -> None:
    status, body = answered(client, x_sandbox_name="nowhere")
    assert (status, body["type"], body["status"]) == (404, "https://ns.adobe.com/aep/errors/FLOW-2100-404", 404)


def test_a_sandbox_that_is_not_active_is_not_found(client: Client, app: App, prod: Sandbox) -> None:
    app.database.tenancy.add_sandbox(
        replace(prod, id=app.ids.uuid(), name="going", is_default=False, state=SandboxState.DELETING)
    )
    assert answered(client, x_sandbox_name="going")[1]["type"].endswith("FLOW-2100-404")


def test_without_a_sandbox_header_the_default_one_is_meant(client: Client) -> None:
    assert answered(client, without=("x-sandbox-name",))[0] == 200


def test_the_sandbox_api_ignores_the_sandbox_header(client: Client) -> None:
    answer = client.get(f"{SANDBOXES}/sandboxes/prod", headers={"x-sandbox-name": "nowhere"})
    assert (answer.status_code, answer.json()["name"]) == (200, "prod")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that wants the sandbox header."""
    home: Path = tmp_path_factory.mktemp("strict") / "home"
    running = Server(home, env={"FLOWSERVICE_STRICT_SANDBOX_HEADER": "true"}).start()
    with running.client() as calls:
        yield calls
    running.stop()


def test_a_strict_server_wants_the_sandbox_header(strict: Client) -> None:
    status, body = answered(strict, without=("x-sandbox-name",))
    assert (status, body["type"]) == (400, "https://ns.adobe.com/aep/errors/FLOW-2105-400")
    assert answered(strict)[0] == 200
    sandboxless = {"x-sandbox-name": ""}
    assert strict.post(f"/v1/flows/{UNKNOWN}/dryRun", headers=sandboxless).json()["code"] == "sandbox-missing"
    assert strict.get("/v1/credentials", headers=sandboxless).status_code == 200


@pytest.mark.parametrize("path", [SPECS, f"{FLOW}/connections", f"{FLOW}/connections/{UNKNOWN}", SANDBOXES])
def test_a_trailing_slash_changes_nothing(client: Client, path: str) -> None:
    plain, slashed = client.get(path), client.get(f"{path}/")
    assert plain.status_code == slashed.status_code
    assert plain.json().keys() == slashed.json().keys()


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", SPECS, {}),
        ("GET", SPECS, {"authorization": ""}),
        ("GET", SPECS, {"x-sandbox-name": "nowhere"}),
        ("GET", f"{FLOW}/flows/{UNKNOWN}", {}),
        ("POST", f"{FLOW}/flows", {}),
        ("GET", "/nowhere", {}),
        ("GET", "/health", {}),
        ("POST", "/ims/token/v3", {}),
        ("PUT", SPECS, {}),
    ],
)
def test_every_answer_carries_a_request_id(client: Client, method: str, path: str, headers: dict[str, str]) -> None:
    made = client.request(method, path, headers=headers)
    echoed = client.request(method, path, headers={**headers, "x-request-id": "my-own-1"})
    assert len(made.headers["x-request-id"]) >= 8
    assert echoed.headers.get_list("x-request-id") == ["my-own-1"]


def test_a_request_id_is_in_the_body_of_an_error(client: Client) -> None:
    answer = client.get(f"{FLOW}/flows/{UNKNOWN}", headers={"x-request-id": "find-me"})
    assert answer.json()["report"]["request-id"] == "find-me"


@pytest.mark.parametrize("path", [f"{FLOW}/flows/a%0Ab", f"{FLOW}/flows/%0A/action", "/v1/credentials/%0Aa"])
def test_a_line_break_in_a_path_is_looked_for_like_any_text(client: Client, path: str) -> None:
    assert client.request("POST" if "action" in path else "GET", path).status_code in {400, 404}


def test_an_unknown_path_is_not_found(client: Client) -> None:
    answer = client.get(f"{FLOW}/nothing")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.json()["type"].endswith("FLOW-1439-404")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{FLOW}/connections"),
        ("DELETE", f"{FLOW}/connections"),
        ("PUT", f"{FLOW}/connections/{UNKNOWN}"),
        ("DELETE", f"{FLOW}/runs/{UNKNOWN}"),
        ("DELETE", SPECS),
    ],
)
def test_a_method_that_a_path_does_not_take_is_refused(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path, json={} if method == "PUT" else None)
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert "GET" in answer.headers["allow"]


def test_raw_quotes_commas_and_brackets_in_a_filter_are_taken(client: Client) -> None:
    host, port = client.base_url.host, client.base_url.port
    lines = [
        (
            f'GET {FLOW}/flowSpecs?property=name=="CRMToAEP"&property=targetConnectionSpecIds[]==a,'
            "c604ff05-7f1a-43c0-8e18-33bf874cb11c HTTP/1.1"
        ),
        f"Host: {host}",
        *(f"{name}: {client.headers[name]}" for name in NEEDED),
        "Connection: close",
    ]
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"CRMToAEP"' in answer


def test_a_get_may_carry_a_body(client: Client) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (b"", b"--x--\r\n", b"{not json"):
        assert client.request("GET", SPECS, content=content, headers=form).status_code == 200


def test_a_token_is_checked_quickly(client: Client) -> None:
    client.get(f"{FLOW}/runs")
    started = time.monotonic()
    for _ in range(20):
        client.get(f"{FLOW}/runs?limit=1")
    assert time.monotonic() - started < 5

"""Signing in from a browser: the link that `serve` prints, the cookie that stands for a token, and how it ends."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from flowservice.app import App
from flowservice.domain.identity import ALL_PERMISSIONS, Permission
from flowservice.service.credentials import NewCredential
from flowservice.service.identity import NotAuthenticated
from flowservice.settings import Settings
from tests.live import Client, Server, command
from tests.wire.resources import FLOW, SANDBOXES

SESSION: Final = "/v1/session"
LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/signin#[0-9a-f]{40}")
NOT_SIGNED_IN: Final = (401, {"error_code": "401013", "message": "Oauth token is not valid"})
NO_TOKEN: Final = (403, {"error_code": "403010", "message": "Oauth token is missing."})
Browser = tuple[httpx.Client, dict[str, Any]]


@pytest.fixture(scope="module")
def credential(app: App, server: Server) -> NewCredential:
    """A credential of the shared organisation that may do everything."""
    return app.credentials.add(app.identity.operator(server.credentials()["orgId"]), name="browsers")


@pytest.fixture
def browser(server: Server, app: App) -> Iterator[Callable[[str], Browser]]:
    """Signs in as a credential: what makes its calls, and what signing in answered."""
    opened: list[httpx.Client] = []

    def sign_in(client_id: str) -> Browser:
        calls = httpx.Client(base_url=server.url, timeout=60)
        opened.append(calls)
        answer = calls.post(SESSION, json={"code": app.sessions.new_code(client_id)})
        assert answer.status_code == 200, answer.text
        return calls, answer.json()

    yield sign_in
    for calls in opened:
        calls.close()


def said(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def of(session: dict[str, Any], **more: str) -> dict[str, str]:
    """The headers of a call of a page."""
    return {"x-csrf-token": session["csrfToken"], **{name.replace("_", "-"): value for name, value in more.items()}}


def test_serve_prints_an_unbroken_link_by_which_one_browser_signs_in_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "home", env={"NO_COLOR": "1", "COLUMNS": "20"}).start()
    assert server.process is not None
    assert server.process.stdout is not None
    line = server.process.stdout.readline()
    (link,) = LINK.findall(line)
    assert link.startswith(f"{server.url}/signin#")
    with httpx.Client(base_url=server.url) as calls:
        answer = calls.post(SESSION, json={"code": link.partition("#")[2]})
        assert answer.json()["clientId"] == server.credentials()["clientId"]
        again = calls.post(SESSION, json={"code": link.partition("#")[2]})
        assert (again.status_code, again.json()["error_code"]) == (401, "401013")
        (cookie,) = calls.cookies.jar
    log = server.log.read_text()
    assert server.stop() == 0
    for secret in (link.partition("#")[2], str(cookie.value), answer.json()["csrfToken"]):
        assert secret not in log
        for file in (tmp_path / "home").glob("flowservice.db*"):
            assert secret.encode() not in file.read_bytes()


def test_a_link_is_printed_for_a_credential_of_ones_choice(server: Server, app: App, credential: NewCredential) -> None:
    client_id = credential.credential.client_id
    env = {**server.env, "COLUMNS": "20", "NO_COLOR": "1"}
    arguments = ("sign-in", "--home", str(server.home), "--client-id", client_id, "--url", "https://flows.example/")
    printed = subprocess.run(command(*arguments), check=True, capture_output=True, text=True, env=env).stdout
    assert re.fullmatch(r"https://flows\.example/signin#[0-9a-f]{40}\n", printed)
    assert app.sessions.begin(printed.strip().partition("#")[2]).credential.client_id == client_id
    (link,) = LINK.findall(server.run("sign-in"))
    assert link.startswith(f"{server.url}/signin#")
    unknown = subprocess.run(
        command("sign-in", "--home", str(server.home), "--client-id", "nobody"),
        check=False,
        capture_output=True,
        text=True,
        env=env,
    )
    assert (unknown.returncode, unknown.stdout, "no such client id" in unknown.stderr) == (1, "", True)


def test_a_home_whose_first_credential_was_revoked_signs_in_another_administrator(tmp_path: Path) -> None:
    app = App(Settings(home=tmp_path))
    app.prepare()
    (org,) = app.database.tenancy.orgs()
    operator = app.identity.operator(org.id)
    (first,) = app.credentials.all(operator)
    app.credentials.add(operator, permissions=frozenset({Permission.RUN}))
    second = app.credentials.add(operator)
    app.credentials.revoke(operator, first.client_id)
    code = app.sign_in_link("http://h").partition("#")[2]
    assert app.sessions.begin(code).credential.client_id == second.credential.client_id
    app.database.engine.dispose()


def test_the_answer_tells_who_signed_in_and_the_cookie_is_for_our_own_pages_alone(
    server: Server, app: App, credential: NewCredential
) -> None:
    answer = httpx.post(f"{server.url}{SESSION}", json={"code": app.sessions.new_code(credential.credential.client_id)})
    told = answer.json()
    assert told["clientId"] == credential.credential.client_id
    assert (told["name"], told["orgId"]) == ("browsers", credential.credential.org_id)
    assert set(told["permissions"]) == {permission.value for permission in ALL_PERMISSIONS}
    hours = (told["expiresAt"] / 1000 - app.now().timestamp()) / 3600
    assert 11.9 < hours <= 12
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_behind_tls_the_cookie_is_for_tls_alone(server: Server, app: App, credential: NewCredential) -> None:
    code = app.sessions.new_code(credential.credential.client_id)
    answer = httpx.post(f"{server.url}{SESSION}", json={"code": code}, headers={"x-forwarded-proto": "https"})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_a_session_stands_for_token_api_key_and_organisation(
    browser: Callable[[str], Browser], credential: NewCredential, client: Client
) -> None:
    calls, session = browser(credential.credential.client_id)
    assert calls.get(SESSION).json() == session
    assert calls.get(f"{FLOW}/connections", headers=of(session)).status_code == 200
    assert calls.get("/v1/credentials", headers=of(session)).json() == client.get("/v1/credentials").json()
    assert calls.get(f"{SANDBOXES}/", headers=of(session)).status_code == 200
    unknown = calls.get(f"{FLOW}/flows", headers=of(session, x_sandbox_name="nowhere"))
    assert unknown.json()["type"].endswith("FLOW-2100-404")


def test_the_cookie_alone_is_of_no_use(browser: Callable[[str], Browser], credential: NewCredential) -> None:
    calls, session = browser(credential.credential.client_id)
    for path in (f"{FLOW}/connections", "/v1/credentials", "/v1/connectors"):
        assert said(calls.get(path)) == NO_TOKEN
    assert said(calls.post(f"{FLOW}/runs", json={})) == NO_TOKEN
    assert said(calls.delete(SESSION)) == NOT_SIGNED_IN
    for wrong in ("", "x", session["csrfToken"][:-1], session["csrfToken"].upper()):
        assert said(calls.get(f"{FLOW}/flows", headers={"x-csrf-token": wrong})) == NOT_SIGNED_IN
        assert said(calls.delete(SESSION, headers={"x-csrf-token": wrong})) == NOT_SIGNED_IN
    assert calls.get(f"{FLOW}/flows", headers=of(session)).status_code == 200


def test_without_the_cookie_the_csrf_token_is_of_no_use(
    browser: Callable[[str], Browser], credential: NewCredential, anonymous: httpx.Client
) -> None:
    _, session = browser(credential.credential.client_id)
    assert said(anonymous.get(f"{FLOW}/flows", headers=of(session))) == NOT_SIGNED_IN
    assert said(anonymous.get(SESSION)) == NOT_SIGNED_IN


def test_a_session_works_in_its_own_organisation_alone(
    browser: Callable[[str], Browser], credential: NewCredential, other_org: Client
) -> None:
    calls, session = browser(credential.credential.client_id)
    theirs = of(session, x_gw_ims_org_id=other_org.headers["x-gw-ims-org-id"])
    assert said(calls.get(f"{FLOW}/flows", headers=theirs))[1]["error_code"] == "403025"
    their_key = of(session, x_api_key=other_org.headers["x-api-key"])
    assert said(calls.get(f"{FLOW}/flows", headers=their_key))[1]["error_code"] == "403003"


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"origin": "http://[::"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_no_page_of_another_origin_makes_calls_signs_in_or_out(
    browser: Callable[[str], Browser], credential: NewCredential, app: App, sent: dict[str, str]
) -> None:
    calls, session = browser(credential.credential.client_id)
    code = app.sessions.new_code(credential.credential.client_id)
    for answer in (
        calls.get("/v1/connectors", headers=of(session) | sent),
        calls.delete(SESSION, headers=of(session) | sent),
        calls.post(SESSION, json={"code": code}, headers=sent),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "origin-other")
    ours = {"origin": str(calls.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert calls.get(f"{FLOW}/flows", headers=of(session) | ours).status_code == 200
    assert calls.post(SESSION, json={"code": code}, headers=ours).status_code == 200


def test_two_tabs_share_a_session_and_two_browsers_do_not(
    browser: Callable[[str], Browser], credential: NewCredential
) -> None:
    calls, session = browser(credential.credential.client_id)
    assert calls.get(SESSION).json()["csrfToken"] == session["csrfToken"]
    elsewhere, other = browser(credential.credential.client_id)
    assert said(elsewhere.get(f"{FLOW}/flows", headers=of(session))) == NOT_SIGNED_IN
    assert calls.delete(SESSION, headers=of(session)).status_code == 204
    assert elsewhere.get(f"{FLOW}/flows", headers=of(other)).status_code == 200


def test_after_signing_out_a_copied_cookie_is_of_no_use(
    browser: Callable[[str], Browser], credential: NewCredential
) -> None:
    calls, session = browser(credential.credential.client_id)
    copied = dict(calls.cookies)
    answer = calls.delete(SESSION, headers=of(session))
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (204, True)
    assert not calls.cookies
    calls.cookies.update(copied)
    assert said(calls.get(SESSION)) == NOT_SIGNED_IN
    assert said(calls.get(f"{FLOW}/flows", headers=of(session))) == NOT_SIGNED_IN


def test_what_becomes_of_a_credential_counts_at_once(
    browser: Callable[[str], Browser], client: Client, app: App
) -> None:
    made = client.made("/v1/credentials", {"name": "brief"})
    path = f"/v1/credentials/{made['clientId']}"
    calls, session = browser(made["clientId"])
    code = app.sessions.new_code(made["clientId"])
    assert client.patch(path, json={"permissions": ["run"]}).status_code == 200
    assert calls.get(SESSION).json()["permissions"] == ["run"]
    assert calls.get(f"{FLOW}/flows", headers=of(session)).json()["type"].endswith("FLOW-2118-403")
    assert client.delete(path).status_code == 204
    assert said(calls.get(SESSION)) == NOT_SIGNED_IN
    assert said(calls.get(f"{FLOW}/flows", headers=of(session))) == NOT_SIGNED_IN
    assert calls.post(SESSION, json={"code": code}).status_code == 401


def test_ending_all_tokens_ends_sessions_and_codes(tmp_path: Path) -> None:
    app = App(Settings(home=tmp_path))
    app.prepare()
    signed_in = app.sessions.begin(app.sign_in_link("http://h").partition("#")[2])
    code = app.sign_in_link("http://h").partition("#")[2]
    app.rotate_keys(keep_old=False, end_tokens=False)
    assert app.sessions.known(signed_in.token).csrf_token == signed_in.csrf_token
    app.rotate_keys(keep_old=False, end_tokens=True)
    for call, secret in ((app.sessions.known, signed_in.token), (app.sessions.begin, code)):
        with pytest.raises(NotAuthenticated):
            call(secret)
    app.database.engine.dispose()


def test_a_token_that_is_sent_counts_before_the_cookie(
    browser: Callable[[str], Browser], credential: NewCredential, client: Client
) -> None:
    calls, session = browser(credential.credential.client_id)
    assert said(calls.get(f"{FLOW}/flows", headers=of(session, authorization="Bearer x"))) == NOT_SIGNED_IN
    assert calls.get(f"{FLOW}/flows", headers=dict(client.headers)).status_code == 200

"""Access tokens."""

from typing import Any

import httpx
import pytest

from tests.live import Server


@pytest.fixture(scope="module")
def fields(server: Server) -> dict[str, str]:
    """The fields of a sound token call."""
    known = server.credentials()
    return {
        "grant_type": "client_credentials",
        "client_id": known["clientId"],
        "client_secret": known["clientSecret"],
        "scope": known["scopes"],
    }


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("place", ["data", "params"])
def test_a_token_is_given_for_form_and_query_on_every_version(
    anonymous: httpx.Client, fields: dict[str, str], version: str, place: str
) -> None:
    sent: dict[str, Any] = {place: fields}
    answer = anonymous.post(f"/ims/token/{version}", **sent)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 86_399
    assert answer.headers["cache-control"] == "no-store"


def test_a_token_call_may_be_a_multipart_form_and_end_in_a_slash(
    anonymous: httpx.Client, fields: dict[str, str]
) -> None:
    parts = {name: (None, value) for name, value in fields.items()}
    assert anonymous.post("/ims/token/v3/", files=parts).status_code == 200


def test_scope_may_be_left_out(anonymous: httpx.Client, fields: dict[str, str]) -> None:
    sent = {name: value for name, value in fields.items() if name != "scope"}
    assert anonymous.post("/ims/token/v3", data=sent).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "\x00'; --"}, 401, "invalid_client"),
        ({"client_secret": "Ω"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_refused_token_call_answers_as_oauth_does(
    anonymous: httpx.Client, fields: dict[str, str], change: dict[str, str], status: int, error: str
) -> None:
    answer = anonymous.post("/ims/token/v3", data={**fields, **change})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert fields["client_secret"] not in answer.text


def test_who_is_unknown_and_whose_secret_is_wrong_look_the_same(
    anonymous: httpx.Client, fields: dict[str, str]
) -> None:
    unknown = anonymous.post("/ims/token/v3", data={**fields, "client_id": "nobody"})
    wrong = anonymous.post("/ims/token/v3", data={**fields, "client_secret": "wrong"})
    assert unknown.json() == wrong.json()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe=1", b"&&&=", b'{"client_id": 1}'])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "nonsense"]
)
def test_a_broken_token_call_is_refused(anonymous: httpx.Client, content: bytes, content_type: str) -> None:
    answer = anonymous.post("/ims/token/v3", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400, answer.text


def test_a_huge_token_call_is_refused(anonymous: httpx.Client) -> None:
    form = {"client_id": "x" * 11_000_000}
    assert 400 <= anonymous.post("/ims/token/v3", data=form).status_code < 500


def test_an_unknown_version_is_not_found(anonymous: httpx.Client, fields: dict[str, str]) -> None:
    assert anonymous.post("/ims/token/v9", data=fields).status_code == 404

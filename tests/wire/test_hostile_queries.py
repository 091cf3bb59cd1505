"""No query, token, form or token of somebody else's making makes the service fail, on either database."""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest

from tests.live import Client, Server
from tests.wire import resources
from tests.wire.provoking import BATCH_PROVIDER
from tests.wire.resources import AZURE_TABLE, CATALOG, FLOW, REGISTRY, refusal

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=x"


@pytest.fixture(scope="module")
def caller(either_server: Server) -> Iterator[Client]:
    with either_server.client() as calls:
        yield calls


def packed(*parts: Any) -> str:
    """A continuation token as a client may make one up."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(parts).encode())).decode().rstrip("=")


def keys(*values: Any) -> str:
    """Where a list goes on, as a client may make it up."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def part(name: str, value: str) -> bytes:
    """A field of a form in parts."""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--x--\r\n'.encode()


@pytest.mark.parametrize(
    "query",
    [
        {"property": "updatedAt>1e-9999999999999999999"},
        {"property": "updatedAt>1e-400"},
        {"property": "createdAt==0e9999999999999999999"},
        {"property": "createdAt==1e400,5"},
        {"property": "createdAt>1e308"},
        {"property": "description>5"},
        {"property": "description<1e-320"},
        {"orderby": "description"},
        {"orderby": "-description,name"},
        {"continuationToken": packed(["\ud800==a"], "", "", 5, "x")},
        {"continuationToken": packed(["name==\0"], "", "", 5, "x")},
        {"continuationToken": packed(["name==" + "," * 900_000], "", "", 5, "x")},
        {"continuationToken": packed([], "description", "", 5, keys(2**40, 0.0, "", 5, "x"))},
        {"continuationToken": packed([], "description", "", 5, keys(0, 1e308, "x", -5, "x"))},
    ],
    ids=lambda query: str(query)[:60],
)
def test_lists_answer_whatever_is_asked(caller: Client, query: Mapping[str, str]) -> None:
    for number in ("1e-400", "1e-320", "0e99999", "-1E+400", "1e308", "5", "x"):
        account = {"name": f"n{number}", "description": number, "connectionSpec": {"id": AZURE_TABLE}}
        caller.made(f"{FLOW}/connections?mode=draft", account)
    answer = caller.get(f"{FLOW}/connections", params=query)
    assert answer.status_code in {200, 400}, answer.text


@pytest.mark.parametrize(
    "path",
    [
        f"{CATALOG}/dataSets?created=5,1e300",
        f"{CATALOG}/dataSets?created=5,5.5",
        f"{CATALOG}/dataSets?property=created>1e300",
        f"{CATALOG}/batches?property=metrics.n==5,3000000000",
        f"{CATALOG}/batches?property=metrics.n<1e308",
        f"{CATALOG}/batches?started==5,1e300",
        f"{REGISTRY}/tenant/schemas/%2500",
        f"{REGISTRY}/tenant/schemas/a%00",
        f"{REGISTRY}/tenant/schemas/https:%2F%2Fns.adobe.com%2Fx%2500",
    ],
)
def test_neighbours_answer_whatever_is_asked(caller: Client, path: str) -> None:
    assert caller.get(path).status_code < 500


def test_a_search_of_many_commas_is_refused_at_once(caller: Client) -> None:
    body = {"queryString": "name==" + "," * 5_000_000}
    assert refusal(caller.post(f"{FLOW}/flows/search", json=body))["code"] == "filter-too-large"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"client_id=%00&client_secret=%00"),
        (FORM, b"client_id=%ff%fe&client_secret=%ff"),
        (f"{MULTIPART}; charset=undefined", part("client_id", "a")),
        (f"{MULTIPART}; charset=utf-7", part("client_id", "a") + part("client_secret", "+2AA-")),
        (MULTIPART, part('f"; filename="f', "f")),
        ("multipart/form-data", b"x"),
        (MULTIPART, b"--y"),
        ("nonsense", b"\xff"),
    ],
)
def test_a_form_of_a_stranger_is_refused(either_server: Server, content_type: str, body: bytes) -> None:
    answer = httpx.post(f"{either_server.url}/ims/token/v3", content=body, headers={"Content-Type": content_type})
    assert answer.status_code in {400, 401}, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"client_id=a&client_secret=" + b"x" * 1_000_000),
        (MULTIPART, b"".join(part(f"n{number}", "x")[:-7] for number in range(30)) + b"--x--\r\n"),
    ],
    ids=["long", "many"],
)
def test_a_form_that_is_too_large_is_not_read(either_server: Server, content_type: str, body: bytes) -> None:
    answer = httpx.post(f"{either_server.url}/ims/token/v3", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert "the form cannot be read" in answer.json()["error_description"]


@pytest.mark.parametrize(
    "header",
    [{"alg": "HS256", "crit": 5}, {"alg": "HS256", "crit": ["x"]}, {"alg": ["HS256"]}, [], 5, {"alg": "none"}],
)
def test_a_token_of_a_strangers_making_is_no_token(either_server: Server, caller: Client, header: Any) -> None:
    told: list[Any] = [header, {}]
    parts = [base64.urlsafe_b64encode(json.dumps(member).encode()).decode().rstrip("=") for member in told]
    headers = {"Authorization": f"Bearer {'.'.join([*parts, 'AAAA'])}", "x-api-key": caller.headers["x-api-key"]}
    answer = httpx.get(f"{either_server.url}{FLOW}/flows", headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "401013")


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "a{99999999999}"},
        {"pattern": "a{" + "9" * 5_000 + "}"},
        {"pattern": "(" * 3_000 + ")" * 3_000},
        {"pattern": "x" * 10_001},
        {"required": [str(number) for number in range(1_001)]},
    ],
    ids=["repeats", "digits", "nesting", "long", "list"],
)
def test_a_schema_that_cannot_be_checked_is_refused(caller: Client, schema: Mapping[str, Any]) -> None:
    body = {
        "name": "mine",
        "type": "generic-rest",
        "providerId": BATCH_PROVIDER,
        "version": "1.0",
        "authSpec": [{"name": "Basic", "type": "Basic", "spec": {"type": "object", "properties": {"a": schema}}}],
    }
    refused = refusal(caller.post(f"{FLOW}/connectionSpecs", json=body))
    assert refused["code"] == "spec-invalid"
    assert "cannot be used" in refused["errorMessage"] or "more than" in refused["errorMessage"]


def test_patches_make_no_document_deeper_than_a_body_may_be(caller: Client) -> None:
    body = {"name": "d", "connectionSpec": {"id": resources.LAKE}, "data": {"a": {}}}
    made = caller.made(f"{FLOW}/targetConnections?mode=draft", body)
    path, depth = f"{FLOW}/targetConnections/{made['id']}", 2
    while depth < 400:
        steps = [{"op": "add", "path": "/data" + "/a" * depth, "value": {}}]
        answer = caller.patch(path, json=steps, headers={"If-Match": "*"})
        if answer.status_code != 200:
            break
        depth += 1
    assert "deep" in refusal(answer)["errorMessage"]
    assert depth < 130
    assert caller.get(path).status_code == 200

"""Every error of our tree is provoked over HTTP and answered as documented, or stands on a list that says why no call
alone provokes it, and which test does. An error that is on neither fails this suite."""

import ast
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import pytest

from demo.azurite import Azurite
from flowservice import errors as e
from flowservice.api.problems import CATALOGUE
from flowservice.app import App
from flowservice.domain.identity import Permission, SandboxState
from tests.live import ROOT, Client, Server
from tests.wire import resources
from tests.wire.provoking import BATCH_PROVIDER, DELTA, NOT_BY_A_CALL, PROVOKED, Place
from tests.wire.resources import DATASETS, FLOW, LAKE, UNKNOWN, Dataflow, ended

TITLES: Final = {
    "FLOW-1403-400": "Header is missing",
    "FLOW-2100-404": "Sandbox not found",
    "FLOW-2106-404": "Sandbox not found",
}
TITLES_BY_STATUS: Final = {
    403: "Forbidden",
    404: "Resource not found",
    405: "Method not allowed",
    412: "Version not matching",
    503: "Service Unavailable",
}
_numbers = count(1)


@pytest.fixture(scope="module")
def place(
    client: Client, server: Server, app: App, azurite: Azurite, dataflow: Dataflow, landed: str, limited: Client,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:  # fmt: skip
    """Everything that a call may need to be refused."""
    (run, *_) = ended(client, landed)
    mapping = {"name": "Mapping", "params": {"mappingId": dataflow.mapping_id, "mappingVersion": 0}}
    waiting = dataflow.started(scheduleParams=resources.never())
    # The first run over a window gives the flow its delta column.
    window = {"startTime": 1, "windowStartTime": 1, "windowEndTime": 2, "deltaColumn": {"name": "Timestamp"}}
    client.made(f"{FLOW}/runs", {"flowId": waiting, "params": window})
    schedule = {"startTime": "1717000000", "frequency": "hour", "interval": 1}
    hourly = dataflow.started(scheduleParams=schedule, transformations=[DELTA, mapping])
    draft = client.made(
        f"{FLOW}/connections?mode=draft", {"name": "x", "connectionSpec": {"id": resources.AZURE_TABLE}}
    )
    old = [{**person, "isOld": True} for person in resources.people(3)]
    table = resources.seeded(azurite, "flagged", old)
    spec = {"name": "undraftable", "providerId": BATCH_PROVIDER}
    spec |= {"sourceConnectionSpecIds": [resources.AZURE_TABLE], "targetConnectionSpecIds": [LAKE]}  # type: ignore[dict-item]
    demanding = Server(
        tmp_path_factory.mktemp("demanding") / "home",
        env={
            "FLOWSERVICE_STRICT_SANDBOX_HEADER": "true",
            "FLOWSERVICE_STRICT_START_TIME": "true",
            "FLOWSERVICE_MAX_SANDBOXES": "1",
        },
    ).start()
    with ExitStack() as stack:
        strict = stack.enter_context(demanding.client())
        yield Place(
            client=client,
            strict=strict,
            strict_flow=resources.dataflow(
                strict, azurite.connection_string, dataflow.table, fields={}, mapping={"RowKey": "_id"}
            ),
            dormant=_dormant(app, stack.enter_context(_of_dormant(server, app))),
            limited=limited,
            dataflow=dataflow,
            landed=landed,
            run=run["id"],
            waiting=waiting,
            hourly=hourly,
            flagged=client.made(f"{FLOW}/sourceConnections", resources.source(dataflow.connection_id, table))["id"],
            draft=draft["id"],
            undraftable=client.made(f"{FLOW}/flowSpecs", spec)["id"],
        )
    assert demanding.stop() == 0
    ended(client, hourly)
    ended(client, waiting)
    for flow in (waiting, hourly):
        assert client.delete(f"{FLOW}/flows/{flow}").status_code == 204


@pytest.fixture(scope="module")
def limited(without: Any) -> Client:
    """May not manage sources."""
    calls: Client = without(Permission.MANAGE_SOURCES)
    return calls


DORMANT = "D0A0D0A0D0A0D0A0D0A0D0A0@AdobeOrg"


def _of_dormant(server: Server, app: App) -> Client:
    org = app.identity.add_org(DORMANT, tenant_id="dormant")
    return server.client(app.described(app.identity.add_credential(org.id)))


def _dormant(app: App, client: Client) -> Callable[[], Client]:
    def closed() -> Client:
        (default,) = app.database.tenancy.sandboxes(DORMANT)
        app.database.tenancy.put_sandbox(replace(default, state=SandboxState.RESETTING))
        return client

    return closed


def _row(kind: type[e.Error]) -> type[e.Error]:
    return next(base for base in kind.__mro__ if base in CATALOGUE)


def _tree(kind: type[e.Error]) -> Iterator[type[e.Error]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == e.__name__:
            yield from _tree(child)


# --- complete --------------------------------------------------------------------------------------------------------


def test_every_error_is_provoked_or_says_why_not() -> None:
    kinds = set(_tree(e.Error))
    assert kinds == PROVOKED.keys() | NOT_BY_A_CALL.keys()
    assert not PROVOKED.keys() & NOT_BY_A_CALL.keys()


def test_every_row_of_the_table_is_provoked_or_says_why_not() -> None:
    assert {_row(kind) for kind in PROVOKED} | NOT_BY_A_CALL.keys() >= CATALOGUE.keys()


@pytest.mark.parametrize("kind", NOT_BY_A_CALL, ids=lambda kind: kind.__name__)
def test_what_no_call_provokes_names_a_test_that_exists(kind: type[e.Error]) -> None:
    why, test = NOT_BY_A_CALL[kind]
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert why
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_codes_are_stable_words_of_their_own() -> None:
    codes = [kind.code for kind in set(_tree(e.Error))]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
def test_an_error_is_answered_as_documented(place: Place, kind: type[e.Error]) -> None:
    number, call = PROVOKED[kind]
    place.client.headers["x-request-id"] = f"catalogue-{next(_numbers)}"
    try:
        answer = call(place)
    finally:
        del place.client.headers["x-request-id"]
    body = answer.json()
    if answer.request.url.path.startswith(DATASETS):
        assert (body["errorCode"], body["code"]) == (kind.code, number), answer.text
        assert body["status"] == HTTPStatus(answer.status_code).name
        assert body["advice"]
        return
    assert (body["code"], body["type"].rsplit("/", 1)[-1]) == (kind.code, number.rsplit("/", 1)[-1]), answer.text
    assert type(body["status"]) is int
    assert body["status"] == answer.status_code
    assert body["advice"]
    assert answer.headers["content-type"] == "application/json"
    (request_id,) = answer.headers.get_list("x-request-id")
    service = answer.request.url.path.removeprefix("/data/foundation").split("/")[1]
    if service == "flowservice":
        _check_flow_body(body, number, request_id, kind=answer.request.url.path.split("/")[4])
    elif service == "schemaregistry":
        assert body["report"]["registryRequestId"] == request_id
        assert body["report"]["detailed-message"] == body["detail"]
    elif service == "sandbox-management":
        assert body["report"] == {"request-id": request_id}
        assert body["title"]
    else:
        assert body["report"] == {"request-id": request_id}
        assert body["detail"]


def _check_flow_body(body: Any, number: str, request_id: str, *, kind: str) -> None:
    status = int(number[-3:])
    assert body["type"] == f"https://ns.adobe.com/aep/errors/{number}"
    assert body["status"] == status
    usual = "Bad Request" if number.startswith("CONNECTOR") else "Invalid request"
    assert body["title"] == (TITLES.get(number) or TITLES_BY_STATUS.get(status, usual))
    assert body["errorMessage"] == body["errorDetails"] == body["report"]["detailed-message"]
    assert 5 < len(body["errorMessage"]) < 1_500
    assert body["report"]["request-id"] == request_id
    assert body["report"]["type"] == kind
    assert set(body) - {"message"} == {
        "type", "title", "status", "report", "errorMessage", "errorDetails", "code", "advice"
    }  # fmt: skip


def test_a_resource_that_is_not_there_is_named_in_the_report(client: Client) -> None:
    body = client.get(f"{FLOW}/flows/{UNKNOWN}").json()
    assert body["report"]["id"] == UNKNOWN
    assert body["errorMessage"] == "flow not found with the given id"


def test_an_unknown_spec_is_told_in_the_older_words_too(place: Place) -> None:
    assert PROVOKED[e.UnknownSpec][1](place).json()["message"] == "Please provide a valid spec id"


def test_a_stale_etag_is_told_in_the_documented_words(place: Place) -> None:
    current = place.client.one(f"{FLOW}/flows/{place.waiting}")["etag"]
    body = PROVOKED[e.OtherEtag][1](place).json()
    assert body["errorMessage"] == (
        f'Supplied version=["\\"0f01aa\\""] does not match the current version on entity=["{_quoted(current)}"]'
    )


def _quoted(etag: str) -> str:
    return etag.replace('"', '\\"')


# --- before any service ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "code", "message"),
    [
        ({"x-gw-ims-org-id": ""}, 400, "400003", "Missing header"),
        ({"authorization": "Bearer nonsense"}, 401, "401013", "Oauth token is not valid"),
        ({"x-api-key": ""}, 403, "403000", "Api Key is required"),
        ({"x-api-key": "unknown"}, 403, "403003", "Api Key is invalid"),
        ({"authorization": ""}, 403, "403010", "Oauth token is missing."),
        ({"x-gw-ims-org-id": "OTHER@AdobeOrg"}, 403, "403025", "Profile is not valid"),
        ({"x-gw-ims-org-id": "malformed"}, 403, "403027", "User region is missing"),
    ],
)
@pytest.mark.parametrize("path", [f"{FLOW}/flows", f"{FLOW}/nothing", "/v1/credentials", "/data/nothing"])
def test_the_gateway_answers_in_a_shape_of_its_own(
    client: Client, path: str, headers: dict[str, str], status: int, code: str, message: str
) -> None:
    answer = client.get(path, headers=headers | {"x-request-id": "gateway-1"})
    assert (answer.status_code, answer.json()) == (status, {"error_code": code, "message": message})
    assert answer.headers["x-request-id"] == "gateway-1"


# --- request ids -----------------------------------------------------------------------------------------------------

PLACES: Final = [
    ("GET", f"{FLOW}/flows"),
    ("GET", f"{FLOW}/nothing"),
    ("GET", "/nothing"),
    ("GET", "/data/nothing"),
    ("DELETE", f"{FLOW}/flows"),
    ("POST", f"{FLOW}/flows"),
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/v1/docs"),
    ("GET", "/v1/docs/static/swagger-ui.css"),
    ("GET", "/v1/docs/static/nothing"),
    ("GET", "/v1/openapi.json"),
    ("POST", "/ims/token/v3"),
    ("GET", "/ims/token/v3"),
    ("POST", "/ims/token/v9"),
    ("GET", f"{FLOW}/flows/%00"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_every_answer_carries_a_request_id(client: Client, method: str, path: str) -> None:
    made = client.request(method, path)
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])
    echoed = client.request(method, path, headers={"x-request-id": "my-own-1"})
    assert echoed.headers.get_list("x-request-id") == ["my-own-1"]
    assert made.status_code == echoed.status_code < 500


@pytest.mark.parametrize(
    "hostile",
    [b"x" * 5_000, b"two words", b"tab\tbed", b"\xe4\xf6\xfc", "\u202e\U0001f469".encode(), b"<script>" * 20, b""],
)
@pytest.mark.parametrize("path", [f"{FLOW}/flows", f"{FLOW}/flows/{UNKNOWN}", "/v1/docs", "/nothing"])
def test_a_hostile_request_id_is_replaced(client: Client, path: str, hostile: bytes) -> None:
    answer = client.get(path, headers=[(b"x-request-id", hostile)])
    assert answer.status_code in {200, 404}
    (told,) = answer.headers.get_list("x-request-id")
    assert re.fullmatch(r"[0-9a-f]{32}", told)
    if path.endswith(UNKNOWN):
        assert answer.json()["report"]["request-id"] == told


@pytest.mark.parametrize("hostile", [b"a\x00b", b"a\x01b", b"a\x1b[31mb", b"a\x7fb", b"a\r\n b", b"a\x0bb"])
def test_control_characters_in_a_request_id_do_no_harm(client: Client, server: Server, hostile: bytes) -> None:
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    answer = _raw(host, port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: " + hostile)
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert hostile not in head
    assert hostile not in server.log.read_bytes()
    assert client.get("/health").status_code == 200


def _raw(host: str, port: int, head: bytes) -> bytes:
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(head + b"\r\n\r\n")
        return b"".join(iter(lambda: raw.recv(65536), b""))

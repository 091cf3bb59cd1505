"""Sandboxes, credentials and the catalog with the control store on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.aepp_client import told_by
from tests.journeys.test_aepp_catalog import SANDBOXES
from tests.live import Server
from tests.postgres import Postgres
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, PREP, REGISTRY, refusal
from tests.wire.waiting import settled


@pytest.fixture(scope="module")
def server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("on-postgres") / "home"
    running = Server(home, env={"FLOWSERVICE_DATABASE_URL": postgres.new_database()}).start()
    yield running
    assert running.stop() == 0


def test_sandboxes_are_made_changed_reset_and_deleted(server: Server) -> None:
    told = told_by(server, SANDBOXES)
    assert told["reset"][1]
    assert told["deleted"] == [202, True]


def test_credentials_rotate_and_end(server: Server) -> None:
    with server.client() as calls:
        made = calls.made("/v1/credentials", {"permissions": ["administer", "run"]})
        with server.client(made) as other:
            rotated = other.post(f"/v1/credentials/{made['clientId']}/rotate").json()
            assert rotated["clientSecret"] != made["clientSecret"]
            assert calls.delete(f"/v1/credentials/{made['clientId']}").status_code == 204
            assert other.get("/v1/credentials").json()["error_code"] == "401013"
        own = calls.headers["x-api-key"]
        assert calls.delete(f"/v1/credentials/{own}").json()["code"] == "administrator-last"


def test_datasets_are_changed_found_and_emptied_with_their_sandbox(server: Server) -> None:
    with server.client() as calls:
        body = {"name": "shop", "title": "Shop", "type": "development"}
        calls.made(f"{resources.SANDBOXES}/sandboxes", body, status=202)
    with server.client(sandbox="shop") as calls:
        schema = calls.made(f"{REGISTRY}/tenant/schemas", resources.schema(resources.PROFILE))["$id"]
        made = [calls.made(f"{CATALOG}/dataSets", resources.dataset(schema, f"set {n}"))[0][11:] for n in range(3)]
        path = f"{CATALOG}/dataSets"
        assert calls.patch(f"{path}/{made[0]}", json={"tags": {"a": ["x"]}}).status_code == 200
        for query, found in (
            ("property=name~2$", [made[2]]),
            ("tags=a:x", [made[0]]),
            ("name=set*&orderBy=desc:name&limit=2", [made[2], made[1]]),
            ("property=!tags.a&orderBy=name", [made[1], made[2]]),
        ):
            assert list(calls.get(f"{path}?{query}").json()) == found, query
        assert calls.delete(f"{path}/{made[1]}").status_code == 200
        assert calls.put(f"{resources.SANDBOXES}/sandboxes/shop", json={"action": "reset"}).status_code == 202
        settled(calls, "shop", "active")
        assert calls.get(path).json() == {}
        assert calls.get(f"{REGISTRY}/tenant/schemas").json()["results"] == []


@pytest.mark.parametrize(
    "path", [f"{FLOW}/connections", f"{CATALOG}/dataSets", f"{PREP}/mappingSets", "/v1/credentials"]
)
def test_a_nul_is_never_a_failure_of_ours(server: Server, path: str) -> None:
    nul: Any = {"name": "x\u0000y", "schemaRef": {"id": "\u0000"}, "\u0000": 1}
    with server.client() as calls:
        assert calls.get(f"{path}/%00").status_code == 404
        assert calls.get(f"{path}?property=name==%00").status_code == 400
        assert "NUL" in calls.post(path, json=nul).text
        assert calls.get(path, headers={"x-sandbox-name": "%00"}).status_code in {200, 404}
        form = {"client_id": "\x00", "client_secret": "x"}
        assert calls.post("/ims/token/v3", data=form).status_code == 401
        refusal(calls.get(f"{FLOW}/flows/%00"), "FLOW-1439-404")

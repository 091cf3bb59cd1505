"""Resetting and deleting sandboxes that hold rows in the lake, on a server that may be killed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.azurite import Azurite
from flowservice.app import App
from flowservice.domain.identity import SandboxState
from flowservice.settings import Settings
from tests.live import Client, Server
from tests.operations.typed import typed
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, POLICY, PREP, REGISTRY, SANDBOXES, Dataflow, refusal
from tests.wire.waiting import settled, tidied

pytestmark = pytest.mark.azurite

TABLES = (
    "connections",
    "source_connections",
    "target_connections",
    "flows",
    "runs",
    "schemas",
    "datasets",
    "batches",
    "mapping_sets",
    "custom_labels",
    "marketing_actions",
    "policies",
    "enabled_core_policies",
)


@dataclass
class Place:
    """A server, and the tables of its home."""

    server: Server
    connection_string: str
    table: str
    clients: list[Client] = field(default_factory=list)

    def landed(self, sandbox: str) -> Dataflow:
        """A new sandbox (but for prod) with rows in the lake."""
        with self.server.client() as calls:
            if sandbox != "prod":
                body = {"name": sandbox, "title": sandbox, "type": "development"}
                calls.made(f"{SANDBOXES}/sandboxes", body, status=202)
        client = self.server.client(sandbox=sandbox)
        self.clients.append(client)
        for kind in ("labels", "marketingActions"):
            assert client.put(f"{POLICY}/{kind}/custom/OWN", json={"name": "OWN", "category": "Custom"}).is_success
        client.made(f"{POLICY}/policies/custom", resources.policy("OWN", actions=["custom/OWN"]))
        assert client.put(f"{POLICY}/enabledCorePolicies", json=["corepolicy_0001"]).is_success
        flow = resources.names_flow(client, self.connection_string, self.table)
        (run,) = resources.ended(client, flow.started())
        assert resources.status(run) == "success"
        return flow

    def rows(self, sandbox_id: str) -> dict[str, int]:
        """How many rows of the control store belong to a sandbox."""
        with closing(sqlite3.connect(f"file:{self.server.home}/flowservice.db?mode=ro", uri=True)) as store:
            counted = {
                table: store.execute(f"SELECT count(*) FROM {table} WHERE sandbox_id = ?", [sandbox_id]).fetchone()[0]
                for table in TABLES
            }
            of_runs = "SELECT count(*) FROM {} WHERE run_id NOT IN (SELECT id FROM runs)"
            for table in ("plans", "splits"):
                counted[f"{table} of no run"] = store.execute(of_runs.format(table)).fetchone()[0]
            return counted

    def tables(self, sandbox_id: str) -> list[Path]:
        """The tables of a sandbox on disk."""
        return list((self.server.home / "lake" / sandbox_id).glob("*"))

    def id_of(self, sandbox: str) -> str:
        with self.server.client() as calls:
            return str(calls.get(f"{SANDBOXES}/sandboxes/{sandbox}").json()["id"])


@pytest.fixture(scope="module")
def place(azurite: Azurite, people: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    server = Server(tmp_path_factory.mktemp("emptying") / "home").start()
    made = Place(server=server, connection_string=azurite.connection_string, table=people)
    yield made
    for client in made.clients:
        client.close()
    assert server.stop() == 0


@pytest.fixture(scope="module")
def kept(place: Place) -> Dataflow:
    """What no other sandbox's end may touch."""
    return place.landed("prod")


def check_kept(place: Place, kept: Dataflow) -> None:
    with place.server.client() as calls:
        for path, one in ((f"{FLOW}/connections", kept.connection_id), (f"{CATALOG}/dataSets", kept.dataset_id)):
            assert calls.get(f"{path}/{one}").status_code == 200
        found = calls.get(f"{CATALOG}/dataSets/{kept.dataset_id}").json()[kept.dataset_id]
        assert found["extensions"]["adobe_lakeHouse"]["metrics"]["rowCount"] == 40
    assert place.server.rows(f'SELECT count(*) AS n FROM "{kept.dataset_id}"') == [{"n": 40}]


@pytest.mark.parametrize("verb", ["reset", "delete"])
def test_all_that_a_sandbox_holds_goes_and_no_other_one_is_touched(place: Place, kept: Dataflow, verb: str) -> None:
    name = f"all-{verb}"
    gone = place.landed(name)
    sandbox_id = place.id_of(name)
    held = place.rows(sandbox_id)
    assert [table for table in TABLES if not held[table]] == []
    assert place.tables(sandbox_id)
    with place.server.client() as calls:
        path = f"{SANDBOXES}/sandboxes/{name}"
        answer = calls.put(path, json={"action": "reset"}) if verb == "reset" else calls.delete(path)
        assert answer.status_code == 202
        settled(calls, name, "active" if verb == "reset" else "deleted", within_s=10)
    assert set(place.rows(sandbox_id).values()) == {0}
    assert place.tables(sandbox_id) == []
    tidied(place.server.home)
    check_kept(place, kept)
    listed = gone.client.get(f"{FLOW}/flows")
    if verb == "delete":
        asked = typed("sql", "--sandbox", name, f'SELECT * FROM "{gone.dataset_id}"', home=place.server.home)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert "was deleted" in asked.stderr
        refusal(listed, "FLOW-2100-404")
        return
    for lists in (f"{FLOW}/flows", f"{FLOW}/runs", f"{CATALOG}/dataSets", f"{CATALOG}/batches", f"{PREP}/mappingSets"):
        assert gone.dataset_id not in gone.client.get(lists).text
    assert gone.client.get(f"{REGISTRY}/tenant/schemas").json()["results"] == []
    # The same table lands again, in the same sandbox.
    again = resources.names_flow(gone.client, place.connection_string, place.table)
    (run,) = resources.ended(gone.client, again.started())
    assert resources.status(run) == "success"


def test_a_server_killed_in_the_middle_finishes_at_its_next_start(place: Place, kept: Dataflow) -> None:
    names = {"closing it": "closed", "some rows": "begun", "all rows": "emptied", "the lake": "moved"}
    for name in names.values():
        place.landed(name)
    ids = {name: place.id_of(name) for name in names.values()}
    assert place.server.kill() == -9
    app = App(Settings(home=place.server.home))
    for after, name in names.items():
        sandbox = app.database.tenancy.sandbox(place.server.credentials()["orgId"], name)
        app.database.tenancy.put_sandbox(sandbox.moved_to(SandboxState.DELETING, by="x", at=sandbox.created_at))
        # What the killed process had come to.
        if after != "closing it":
            app.database.contents.stop(ids[name])
            app.database.contents.remove(ids[name], limit=1 if after == "some rows" else 1000)
        if after == "the lake":
            removed = place.server.home / "lake" / ".removed"
            removed.mkdir(exist_ok=True)
            (place.server.home / "lake" / ids[name]).rename(removed / "half")
    app.database.engine.dispose()
    place.server.start()
    for name, sandbox_id in ids.items():
        with place.server.client() as calls:
            settled(calls, name, "deleted", within_s=10)
        assert set(place.rows(sandbox_id).values()) == {0}
        assert place.tables(sandbox_id) == []
    tidied(place.server.home)
    check_kept(place, kept)


def test_a_server_killed_right_after_the_call_finishes_too(place: Place, kept: Dataflow) -> None:
    place.landed("struck")
    sandbox_id = place.id_of("struck")
    with place.server.client() as calls:
        answer = calls.put(f"{SANDBOXES}/sandboxes/struck", json={"action": "reset"})
        assert answer.status_code == 202
        assert place.server.kill() == -9
    place.server.start()
    with place.server.client() as calls:
        settled(calls, "struck", "active", within_s=10)
    assert set(place.rows(sandbox_id).values()) == {0}
    assert place.tables(sandbox_id) == []
    check_kept(place, kept)


def test_while_a_sandbox_is_emptied_nobody_gets_in(place: Place) -> None:
    with place.server.client() as calls:
        body = {"name": "shut", "title": "t", "type": "development"}
        calls.made(f"{SANDBOXES}/sandboxes", body, status=202)
        app = App(Settings(home=place.server.home))
        scope = app.database.tenancy.sandbox(calls.headers["x-gw-ims-org-id"], "shut").scope
        # A run in progress of which no worker knows: the sandbox cannot be emptied while it is there.
        stuck = _stuck_run(app, scope)
        assert calls.delete(f"{SANDBOXES}/sandboxes/shut").status_code == 202
        for answer in (
            calls.get(f"{FLOW}/flows", headers={"x-sandbox-name": "shut"}),
            calls.post(f"{FLOW}/flows", json={}, headers={"x-sandbox-name": "shut"}),
        ):
            assert "deleting" in refusal(answer, "FLOW-2100-404")["errorMessage"]
        busy = [
            calls.delete(f"{SANDBOXES}/sandboxes/shut"),
            calls.put(f"{SANDBOXES}/sandboxes/shut", json={"action": "reset"}),
            calls.patch(f"{SANDBOXES}/sandboxes/shut", json={"title": "t"}),
            calls.post(f"{SANDBOXES}/sandboxes", json=body),
        ]
        assert [refusal(answer)["status"] for answer in busy] == [409] * 4
        assert calls.get(f"{SANDBOXES}/sandboxes/shut").json()["state"] == "deleting"
        app.database.runs.delete(stuck)
        settled(calls, "shut", "deleted")
        app.database.engine.dispose()


def _stuck_run(app: App, scope: Any) -> Any:
    from flowservice.domain.resource import SpecRef, Stamp
    from flowservice.domain.run import Run, RunState

    run = Run(
        id=app.ids.uuid(),
        stamp=Stamp.first(app.identity.itself(scope), at=app.credentials.now()),
        flow_id="f",
        flow_spec=SpecRef(id="s"),
        source_connection_id="s",
        target_connection_id="t",
        dataset_id="d",
        number=1,
        batch_id="b",
        state=RunState.IN_PROGRESS,
    )
    app.database.runs.add(run)
    return run


def test_prod_can_be_reset(place: Place, kept: Dataflow) -> None:
    with place.server.client() as calls:
        app = App(Settings(home=place.server.home))
        stuck = _stuck_run(app, app.database.tenancy.sandbox(calls.headers["x-gw-ims-org-id"], "prod").scope)
        assert calls.put(f"{SANDBOXES}/sandboxes/prod", json={"action": "reset"}).status_code == 202
        refusal(calls.get(f"{FLOW}/flows", headers={"x-sandbox-name": ""}), "FLOW-2106-404")
        # What belongs to the organisation goes on.
        assert calls.get(f"{SANDBOXES}/sandboxes/prod").json()["state"] == "resetting"
        assert calls.get("/v1/credentials").status_code == 200
        app.database.runs.delete(stuck)
        app.database.engine.dispose()
        settled(calls, "prod", "active")
        assert calls.get(f"{CATALOG}/dataSets").json() == {}
        assert calls.get(f"{FLOW}/flows").json()["items"] == []
    assert place.tables(place.id_of("prod")) == []

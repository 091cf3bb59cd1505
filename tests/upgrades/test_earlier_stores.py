"""A store of every earlier version, with a run in flight, goes on under this one: nothing is lost, nothing doubled."""

import json
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.azurite import Azurite
from tests.live import Client, Server
from tests.upgrades.make_store import (
    BAD_EVERY,
    ENV,
    FACTS,
    FIRST_WITH_WINDOWS,
    IN_FLIGHT,
    LANDED,
    RECURRING,
    ROWS,
    STORES,
    changed,
    good,
    held_port,
    rows,
)
from tests.wire import resources
from tests.wire.resources import CATALOG, FLOW, ended, status

KEPT = sorted(archive.name.removesuffix(".tar.xz") for archive in STORES.glob("*.tar.xz"))


def unpacked(version: str, home: Path) -> dict[str, Any]:
    """What is told of the store of that version, which is in `home` now."""
    home.mkdir(mode=0o700)
    with tarfile.open(STORES / f"{version}.tar.xz") as tar:
        tar.extractall(home, filter="data")
    facts: dict[str, Any] = json.loads((home / FACTS).read_text())
    (home / FACTS).unlink()
    return facts


def queried(home: Path, query: str, *values: str) -> list[Any]:
    """The first column of what an untouched store answers."""
    with closing(sqlite3.connect(home / "flowservice.db")) as store:
        return [row[0] for row in store.execute(query, values)]


@pytest.fixture(scope="module")
def window_ends(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, datetime]:
    """By version that had windows: where the last one of its recurring flow ends."""
    ends = {}
    for version in KEPT:
        home = tmp_path_factory.mktemp("asked") / "home"
        facts = unpacked(version, home)
        if RECURRING in facts:
            (plan,) = queried(home, "SELECT document FROM plans WHERE run_id = ?", facts[RECURRING]["run"])
            ends[version] = datetime.fromisoformat(json.loads(plan)["window"]["to"])
    return ends


@pytest.fixture(scope="module")
def late_rows(window_ends: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """Rows of the recurring flow's table that no version has seen: just before, at and after the end of each window."""
    times = [end + timedelta(seconds=by) for end in window_ends.values() for by in (-1, 0, 1)]
    # Their numbers leave out those of bad rows.
    return {f"{ROWS[RECURRING] + 1 + number:05d}": at for number, at in enumerate(times)}


@pytest.fixture(scope="module")
def emulator(late_rows: Mapping[str, datetime]) -> Iterator[Azurite]:
    """The table service whose port is sealed in the stores; who tests at the same time waits."""
    with held_port() as port, Azurite(port=port) as running:
        for name in (LANDED, IN_FLIGHT):
            resources.seeded(running, name, rows(ROWS[name]))
        known = {person["RowKey"]: person for person in resources.people(ROWS[RECURRING] + 100)}
        more = [changed(known[key], at) for key, at in late_rows.items()]
        resources.seeded(running, RECURRING, [*rows(ROWS[RECURRING]), *more])
        yield running


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A store of an earlier version, served by this one."""

    version: str
    server: Server
    client: Client
    facts: dict[str, Any]

    def landed(self, name: str) -> list[str]:
        """The keys in a dataset, in order."""
        return [row["_id"] for row in self.server.rows(f'SELECT _id FROM "{self.facts[name]["dataset"]}" ORDER BY _id')]

    def run_once_more(self, flow_id: str, *, runs: int) -> Any:
        """The newest run of a flow, which has so many by now."""
        return ended(self.client, flow_id, runs=runs)[0]


OFTEN = {KEPT[0], *KEPT[-2:]}
"""The first version and the last ones; `make faults` opens the others, too."""


@pytest.fixture(
    scope="module",
    params=[version if version in OFTEN else pytest.param(version, marks=pytest.mark.faults) for version in KEPT],
)
def opened(
    request: pytest.FixtureRequest, emulator: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    """Each store, opened by a server."""
    home = tmp_path_factory.mktemp(request.param) / "home"
    facts = unpacked(request.param, home)
    server = Server(home, env=ENV).start()
    with closing(server.client()) as client:
        yield Opened(version=request.param, server=server, client=client, facts=facts)
    assert server.stop() == 0


@pytest.mark.azurite
def test_the_run_in_flight_goes_on_and_lands_each_row_once(opened: Opened) -> None:
    (run,) = ended(opened.client, opened.facts[IN_FLIGHT]["flow"])
    told = [error["code"] for error in run["metrics"]["statusSummary"]["errors"]]
    assert (status(run), told) == ("partialSuccess", ["INGEST-1212-400"]), run["metrics"]
    records = run["metrics"]["recordSummary"]
    bad = ROWS[IN_FLIGHT] // BAD_EVERY
    assert (records["inputRecordCount"], records["outputRecordCount"]) == (ROWS[IN_FLIGHT], ROWS[IN_FLIGHT] - bad)
    assert records["failedRecordCount"] == bad
    assert opened.landed(IN_FLIGHT) == good(ROWS[IN_FLIGHT])


@pytest.mark.azurite
def test_the_next_window_begins_where_the_last_one_ended(
    opened: Opened, window_ends: Mapping[str, datetime], late_rows: Mapping[str, datetime]
) -> None:
    if RECURRING not in opened.facts:
        assert opened.version < FIRST_WITH_WINDOWS
        return
    end = window_ends[opened.version]
    runs = ended(opened.client, opened.facts[RECURRING]["flow"], runs=2)
    windows = [run["metrics"]["durationSummary"]["extensions"] for run in runs[::-1]]
    assert windows[1]["windowStart"] == windows[0]["windowEnd"] == int(end.timestamp() * 1000)
    more = [key for key, at in late_rows.items() if at >= end]
    assert more
    assert opened.landed(RECURRING) == sorted([*good(ROWS[RECURRING]), *more])


@pytest.mark.azurite
def test_rejects_of_the_run_that_went_on_can_be_replayed(opened: Opened) -> None:
    known = opened.facts[IN_FLIGHT]
    (run,) = ended(opened.client, known["flow"])
    answer = opened.client.post(f"/v1/runs/{run['id']}/replay")
    assert answer.status_code == 201, answer.text
    replay = opened.run_once_more(known["flow"], runs=2)
    # They are as wrong as they were, and stay where they are.
    assert replay["metrics"]["recordSummary"]["failedRecordCount"] == ROWS[IN_FLIGHT] // BAD_EVERY, replay
    assert opened.landed(IN_FLIGHT) == good(ROWS[IN_FLIGHT])


@pytest.mark.azurite
def test_old_secrets_open(opened: Opened) -> None:
    answer = opened.client.get(f"{FLOW}/connections/{opened.facts[LANDED]['connection']}/test")
    assert answer.json() == {"result": True}


@pytest.mark.azurite
def test_lists_and_the_catalog_find_what_is_old(opened: Opened) -> None:
    known = opened.facts[LANDED]
    found = opened.client.get(f"{FLOW}/flows", params={"property": f"name=={LANDED}"}).json()["items"]
    assert [flow["id"] for flow in found] == [known["flow"]]
    found = opened.client.get(f"{FLOW}/runs", params={"property": "metrics.recordSummary.inputRecordCount==300"})
    assert [run["id"] for run in found.json()["items"]] == [known["run"]]
    assert set(opened.client.get(f"{CATALOG}/dataSets", params={"name": f"rows of {LANDED}"}).json()) == {
        known["dataset"]
    }


@pytest.mark.azurite
def test_what_an_old_run_landed_can_be_read_and_undone(opened: Opened) -> None:
    known = opened.facts[LANDED]
    assert opened.landed(LANDED) == good(ROWS[LANDED])
    rejected = opened.client.get(f"/v1/runs/{known['run']}/rejects")
    assert rejected.status_code == 200, rejected.text
    answer = opened.client.post(f"/v1/runs/{known['run']}/undo")
    assert answer.status_code == 201, answer.text
    undo = opened.run_once_more(known["flow"], runs=2)
    assert status(undo) == "success", undo
    assert opened.landed(LANDED) == []

"""`kill -9` in a recurring flow: whatever is cut off, the windows of its runs hold every row exactly once.

Rows come all the time; minutes take two seconds. `make faults` kills more often, `FAULTS_SEED` at other moments.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from demo.azurite import Azurite
from tests import hasty
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW

_LONGEST_S = 3.0
"""A kill comes up to so long after a start: more than a slot and the run of it."""


@contextmanager
def growing(azurite: Azurite, table: str) -> Iterator[Callable[[], int]]:
    """A table to which rows come all the time; yields what ends that and tells how many there are."""
    stop = Event()
    written = 200
    resources.seeded(azurite, table, resources.people(written))

    def write() -> None:
        nonlocal written
        while not stop.wait(0.2):
            resources.seeded(azurite, table, resources.people(written + 13)[written:])
            written += 13

    writer = Thread(target=write, daemon=True)
    writer.start()

    def ended() -> int:
        stop.set()
        writer.join()
        return written

    try:
        yield ended
    finally:
        ended()


@pytest.mark.azurite
@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.faults)])
def test_the_windows_of_a_flow_whose_server_is_killed_hold_every_row_once(
    azurite: Azurite, tmp_path: Path, new_table: Callable[[str], str], figure: Callable[[str], None], kills: int
) -> None:
    draw = random.Random(os.environ.get("FAULTS_SEED", "kill -9"))
    table = new_table("killed")
    server = hasty.server(tmp_path / "home", env={"FLOWSERVICE_PART_MAX_ROWS": "50"}).start()
    try:
        with growing(azurite, table) as ended:
            with closing(server.client()) as client:
                dataset_id, flow_id = flow_over(client, azurite, table)
            for _ in range(kills):
                sleep(draw.uniform(0, _LONGEST_S))
                assert server.kill() == -9
                server.start()
            rows = ended()
        with closing(server.client()) as client:
            runs = all_landed(client, flow_id, rows)
        check(server, dataset_id, runs, rows)
        figure(f"recurring flow, {kills} kills: {rows} rows in {len(runs)} windows, each once")
    finally:
        server.stop()


def flow_over(client: Client, azurite: Azurite, table: str) -> tuple[str, str]:
    """A flow that lands the table every minute, by the service's own `Timestamp`; its dataset and its id."""
    dataflow = resources.names_flow(client, azurite.connection_string, table)
    body = dataflow.body(scheduleParams={"frequency": "minute", "interval": "1"})
    body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "Timestamp"}}})
    return dataflow.dataset_id, str(client.made(f"{FLOW}/flows", body)["id"])


def all_landed(client: Client, flow_id: str, rows: int) -> list[Any]:
    """The ended runs of the flow, the oldest first, once they say that `rows` rows are in."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        listed = client.get(f"{FLOW}/runs", params={"property": f"flowId=={flow_id}", "limit": 100}).json()["items"]
        runs = [run for run in listed if resources.status(run) not in {"scheduled", "inProgress"}]
        if sum(run["metrics"]["recordSummary"]["outputRecordCount"] for run in runs) >= rows:
            client.post(f"{FLOW}/flows/{flow_id}/action?op=disable")
            return runs[::-1]
        sleep(0.3)
    raise AssertionError(f"{rows} rows have not landed: {listed}")


def check(server: Server, dataset_id: str, runs: list[Any], rows: int) -> None:
    assert {resources.status(run) for run in runs} == {"success"}
    windows = [run["metrics"]["durationSummary"]["extensions"] for run in runs]
    assert [window["windowStart"] for window in windows[1:]] == [window["windowEnd"] for window in windows[:-1]]
    landed = server.rows(f'SELECT _id FROM "{dataset_id}" ORDER BY _id')
    assert [row["_id"] for row in landed] == [f"{number:05d}" for number in range(rows)]

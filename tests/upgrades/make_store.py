"""Makes a store of an earlier version, with a run in flight, by that version's own code.

    git worktree add --detach ../earlier <the last commit before the new migration>
    python -m tests.upgrades.make_store ../earlier

This is to be done for each migration that is added: a test asks for the store of every version that was.

The store holds a flow that landed, one that recurs (from the version on that knows windows) and one whose server was
killed while it read: parts of its table are recorded, others are not. Its table service is an emulator on a port that
is sealed into the store, so tests start one there. The keys and credentials within open nothing else.
"""

import argparse
import fcntl
import io
import json
import os
import socket
import sqlite3
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from demo.azurite import Azurite
from tests.connectors.azure_table.table_server import Answer, Request, serving
from tests.live import ROOT, Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, ended

PORT: Final = 18473
STORES: Final = Path(__file__).parent / "stores"
FACTS: Final = "facts.json"
LANDED, IN_FLIGHT, RECURRING = "landed", "inflight", "recurring"
ROWS: Final[Mapping[str, int]] = {LANDED: 300, IN_FLIGHT: 4000, RECURRING: 200}
BAD_EVERY: Final = 100
"""Each hundredth row of a table cannot be landed."""
FIELDS: Final = {"name": {"type": "string"}, "mark": {"type": "integer", "minimum": 0}}
MAPPING: Final = {"RowKey": "_id", "name": ".name", "mark": ".mark"}
PART_ROWS: Final = 300
ENV: Final = {"FLOWSERVICE_PART_MAX_ROWS": str(PART_ROWS)}
FIRST_WITH_WINDOWS: Final = "0005"
_OF_A_CONNECTION: Final = frozenset(
    {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "content-encoding", "accept-encoding"}
)
_PATH: Final = "/$()',="
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def held_port() -> Iterator[int]:
    """The port that is sealed in the stores, for one at a time of those who test on this machine."""
    with (Path(tempfile.gettempdir()) / f"flowservice-port-{PORT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield PORT


def rows(count: int) -> Iterator[dict[str, Any]]:
    """The rows of a table; their time of change is long over."""
    for person in resources.people(count):
        number = int(person["RowKey"])
        bad = number % BAD_EVERY == 0
        yield changed({**person, "mark": "-1" if bad else str(number)}, _EPOCH + timedelta(minutes=number))


def changed(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The row with the time of its change."""
    return {**row, "changedAt": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "changedAt@odata.type": "Edm.DateTime"}


def good(count: int) -> list[str]:
    """The keys of the rows that can be landed."""
    return [f"{number:05d}" for number in range(count) if number % BAD_EVERY]


class Failing:
    """Passes requests on to an emulator, but has no page after the second one of the table that is in flight.

    Its reader tries again, hands over what it has, and tries again.
    """

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self._pages = 0

    def __call__(self, request: Request) -> Answer:
        # Neither who looks at a sample, nor for a cut, names the column.
        if f"/{IN_FLIGHT}(" in request.path and "mark" in request.query.get("$select", ""):
            self._pages += 1
            if self._pages > 2:
                return Answer(status=500)
        headers = {name: value for name, value in request.headers.items() if name not in _OF_A_CONNECTION}
        url = f"http://127.0.0.1:{self._azurite.port}{quote(request.path, safe=_PATH)}"
        answer = httpx.get(url, params=request.query, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name not in _OF_A_CONNECTION}
        return Answer(status=answer.status_code, body=answer.content, headers=kept)


def make(checkout: Path) -> Path:
    """The archive of a store by the code in `checkout`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        held_port() as port,
        Azurite() as azurite,
        serving(Failing(azurite), port=port) as table_server,
    ):
        home = Path(folder) / "home"
        path = os.pathsep.join(map(str, (ROOT / "tests/as_installed", checkout / "src", ROOT)))
        server = Server(home, env={**ENV, "PYTHONPATH": path}, executed=True).start()
        try:
            facts = _fill(server, azurite, azurite.connection_string.replace(str(azurite.port), str(table_server.port)))
        except BaseException:
            print(server.log.read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            with suppress(ProcessLookupError):
                server.kill()
        facts["revision"] = _settle(home / "flowservice.db")
        for commit in (home / "lake").rglob("_delta_log/*.json"):
            # Where the table was made.
            commit.write_text(commit.read_text().replace(folder, "/srv"))
        _refuse_traces(home, folder)
        return _pack(home, facts)


def _fill(server: Server, azurite: Azurite, connection_string: str) -> dict[str, Any]:
    """Everything that the store is to hold. Ends with the kill."""
    with closing(server.client()) as client:
        facts: dict[str, Any] = {}
        for name in (LANDED, RECURRING, IN_FLIGHT):
            resources.seeded(azurite, name, rows(ROWS[name]))
            flow = resources.dataflow(client, connection_string, name, fields=FIELDS, mapping=MAPPING)
            body = flow.body(name=name, options={"partialIngestionPercent": 5})
            if name == RECURRING:
                if _revision(server) < FIRST_WITH_WINDOWS:
                    continue
                start = datetime.now(UTC) - timedelta(minutes=14)
                body["scheduleParams"] = {
                    "startTime": int(start.timestamp()),
                    "frequency": "minute",
                    "interval": 15,
                    "backfill": "true",
                }
                body["transformations"].append({"name": "Copy", "params": {"deltaColumn": {"name": "changedAt"}}})
            flow_id = client.made(f"{FLOW}/flows", body)["id"]
            facts[name] = {
                "flow": flow_id,
                "dataset": flow.dataset_id,
                "connection": flow.connection_id,
                "tenant": flow.tenant,
            }
            if name == IN_FLIGHT:
                _kill_in_mid_read(server, flow_id)
            else:
                facts[name]["run"] = _landed(client, flow_id, ROWS[name])
        return facts


def _landed(client: Client, flow_id: str, count: int) -> str:
    (run,) = ended(client, flow_id)
    records = run["metrics"]["recordSummary"]
    assert resources.status(run) == "partialSuccess", run
    assert records["outputRecordCount"] == len(good(count)), run
    return str(run["id"])


def _kill_in_mid_read(server: Server, flow_id: str) -> None:
    query = (
        "SELECT splits.document FROM splits JOIN runs ON runs.id = splits.run_id"
        " WHERE runs.flow_id = ? AND runs.state = 'inProgress'"
    )
    deadline = time.monotonic() + 90
    with closing(sqlite3.connect(f"file:{server.home / 'flowservice.db'}?mode=ro", uri=True)) as store:
        while not any(json.loads(document)["staged"] for (document,) in store.execute(query, (flow_id,))):
            assert time.monotonic() < deadline, "the run staged nothing"
            time.sleep(0.05)
    server.kill()
    with closing(sqlite3.connect(server.home / "flowservice.db")) as store:
        splits = [json.loads(document) for (document,) in store.execute(query, (flow_id,))]
    read = sum(staged["counts"]["read"] for split in splits for staged in split["staged"])
    assert 0 < read < ROWS[IN_FLIGHT], f"{read} rows were read: try again"
    print(f"killed when {read} rows of {ROWS[IN_FLIGHT]} were recorded")


def _revision(server: Server) -> str:
    with closing(sqlite3.connect(f"file:{server.home / 'flowservice.db'}?mode=ro", uri=True)) as store:
        return str(store.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _settle(store: Path) -> str:
    """Make the store small, and its server nameless. Its schema's revision."""
    with closing(sqlite3.connect(store)) as connection:
        revision = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        with suppress(sqlite3.OperationalError):
            connection.execute("UPDATE leases SET holder = 'gone', until_ms = 0")
        connection.commit()
        connection.execute("VACUUM")
    return revision


def _refuse_traces(home: Path, folder: str) -> None:
    for file in home.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            for trace in (folder, str(Path.home()), socket.gethostname()):
                assert len(trace) < 4 or trace.encode() not in held, f"{file} tells where it was made: {trace}"


def _pack(home: Path, facts: Mapping[str, Any]) -> Path:
    STORES.mkdir(exist_ok=True)
    archive = STORES / f"{facts['revision']}.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for name in ("flowservice.db", "key", "credentials.json", "lake"):
            tar.add(home / name, arcname=name, filter=_nobodys)
        told = json.dumps(facts, indent=2).encode()
        entry = tarfile.TarInfo(FACTS)
        entry.size = len(told)
        tar.addfile(entry, io.BytesIO(told))
    return archive


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def main() -> None:
    """`python -m tests.upgrades.make_store CHECKOUT`."""
    parser = argparse.ArgumentParser(description="Make the store of an earlier version.")
    parser.add_argument("checkout", type=Path, help="A checkout of its code.")
    made = make(parser.parse_args().checkout.resolve())
    print(f"{made.relative_to(ROOT)}: {made.stat().st_size} bytes")


if __name__ == "__main__":
    main()

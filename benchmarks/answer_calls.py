"""How many calls are answered in a second, next to an echo of one table, and how late is the slowest at 100 a second?

    python -m benchmarks.answer_calls

`flowservice serve` and the echo (`benchmarks.echo`: FastAPI, SQLAlchemy, one process each) on one PostgreSQL, called by
one generator in turns: 6 of 10 calls read a target connection (there: a row), 2 list twenty, 2 write (create, patch,
delete; there: create). Generator, server and database share the cores of the machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.generator import LIST, READ, WRITE, Outcome, Plan
from benchmarks.measuring import CODE, ROOT, Cost, claim, watched
from benchmarks.run_flow import serving
from demo.tutorial import CUSTOMERS, DATA_LAKE, Tutorial
from tests.postgres import running

SHARE: Final = 0.5
"""Of the echo's throughput."""
RATE: Final = 100.0
READS_S, WRITES_S = 0.1, 0.25
"""The 99th percentile at that rate."""
CONNECTIONS: Final = 8
STORED: Final = 500
ROUNDS: Final = 5
ROUND_S, STEADY_S, WARM_S = 4.0, 30.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that runs, and the calls it gets."""

    name: str
    process: int
    plan: Plan


def run() -> list[str]:
    """Print the tables; the claims that do not hold."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(durable=True) as postgres,
        _flowservice(Path(folder) / "home", postgres.new_database()) as ours,
        _echo(postgres.new_database()) as theirs,
    ):
        for peer in (ours, theirs):
            _loaded(replace(peer.plan, seconds=WARM_S))
        rounds = [(_measured(ours), _measured(theirs)) for _ in range(ROUNDS)]
        steady = _loaded(replace(ours.plan, seconds=STEADY_S, rate=RATE))
    mine, others = ([costs[side] for costs in rounds] for side in (0, 1))
    print(
        f"{CONNECTIONS} connections, {ROUNDS} rounds of {ROUND_S:.0f} s each, in turns; {os.cpu_count()} cores for all"
    )
    print(f"{'':<14}{'calls/s':>9}{'lowest':>9}{'highest':>9}{'CPU ms a call':>15}")
    for name, costs in (("flowservice", mine), ("echo", others)):
        speeds = [cost.rows / cost.wall_s for cost in costs]
        cpu_ms = statistics.median(1000 * cost.cpu_s / cost.rows for cost in costs)
        print(f"{name:<14}{statistics.median(speeds):>9.0f}{min(speeds):>9.0f}{max(speeds):>9.0f}{cpu_ms:>15.2f}")
    print(f"\n{steady.calls} calls at {RATE:.0f} a second, ms after the time each was meant to be sent")
    print(f"{'':<14}{'median':>9}{'p90':>9}{'p99':>9}{'slowest':>9}")
    for kind in (READ, LIST, WRITE):
        taken = steady.latencies_s[kind]
        shown = (_percentile(taken, 50), _percentile(taken, 90), _percentile(taken, 99), max(taken))
        print(f"{kind:<14}" + "".join(f"{1000 * seconds:>9.1f}" for seconds in shown))
    print()
    share = statistics.median((a.rows / a.wall_s) / (b.rows / b.wall_s) for a, b in rounds)
    reads = _percentile([*steady.latencies_s[READ], *steady.latencies_s[LIST]], 99)
    writes = _percentile(steady.latencies_s[WRITE], 99)
    return [
        *claim(f"at least {SHARE} of the calls a second of the echo", f"{share:.2f}", share >= SHARE),
        *claim(
            f"at {RATE:.0f} calls a second 99 of 100 reads within {1000 * READS_S:.0f} ms",
            f"{1000 * reads:.1f} ms",
            reads <= READS_S,
        ),
        *claim(
            f"at {RATE:.0f} calls a second 99 of 100 writes within {1000 * WRITES_S:.0f} ms",
            f"{1000 * writes:.1f} ms",
            writes <= WRITES_S,
        ),
    ]


@contextmanager
def _flowservice(home: Path, database_url: str) -> Iterator[Peer]:
    from flowservice.app import read_credentials

    with serving(home, FLOWSERVICE_DATABASE_URL=database_url) as (url, process):
        tutorial = Tutorial(url=url, credentials=read_credentials(home / "credentials.json"))
        tutorial.sign_in()
        schema_id, _ = tutorial.schema(CUSTOMERS)
        body = _target(schema_id, tutorial.dataset("measured", schema_id))
        path = "/data/foundation/flowservice/targetConnections"
        names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
        headers = {name: tutorial.http.headers[name] for name in names}
        ids = _stored(tutorial.http, path, body)
        tutorial.close()
        yield Peer(name="flowservice", process=process, plan=_plan("flowservice", url, headers, body, ids))


@contextmanager
def _echo(database_url: str) -> Iterator[Peer]:
    command = [sys.executable, "-m", "benchmarks.echo", database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=CODE, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            body = _target("https://ns.adobe.com/tenant/schemas/0123456789abcdef0123456789abcdef", "0" * 24)
            with httpx.Client(base_url=url) as client:
                ids = _stored(client, "/rows", body)
            yield Peer(name="echo", process=server.pid, plan=_plan("echo", url, {}, body, ids))
        finally:
            server.terminate()


def _target(schema_id: str, dataset_id: str) -> dict[str, Any]:
    version = "application/vnd.adobe.xed-full+json;version=1"
    return {
        "name": "Lake",
        "description": "What is measured",
        "data": {"format": "parquet_xdm", "schema": {"id": schema_id, "version": version}},
        "params": {"dataSetId": dataset_id},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }


def _stored(client: httpx.Client, path: str, body: dict[str, Any]) -> list[str]:
    """The ids of what is there to be read."""
    return [client.post(path, json=body).raise_for_status().json()["id"] for _ in range(STORED)]


def _plan(target: str, url: str, headers: dict[str, str], body: dict[str, Any], ids: list[str]) -> Plan:
    port = int(url.rsplit(":", 1)[-1])
    return Plan(port=port, target=target, headers=headers, body=body, ids=ids, connections=CONNECTIONS, seconds=ROUND_S)


def _measured(peer: Peer) -> Cost:
    """Calls as rows, with the CPU seconds of the server."""
    with watched(0, peer.process) as cost:
        outcome = _loaded(peer.plan)
        return replace(cost(), rows=outcome.calls, wall_s=outcome.wall_s)


def _loaded(plan: Plan) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.generator"]
    done = subprocess.run(
        command, input=json.dumps(asdict(plan)), stdout=subprocess.PIPE, text=True, env=CODE, cwd=ROOT, check=True
    )
    return Outcome(**json.loads(done.stdout))


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    sys.exit(1 if run() else 0)

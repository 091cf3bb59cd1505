"""What does a whole run cost: table to Delta commit through the service, and SDK, pandas and Parquet doing the same?

    python -m benchmarks.run_flow

The tutorial's flow on `flowservice serve`: pages, mapping of 15 columns onto nested fields, validation, Parquet, one
Delta commit, the run's own records. A fresh server for each length, warmed up by a table of 100 rows; CPU seconds and
memory are the server's, all its threads, from the POST of the flow to the end of its run. The peer renames the same
columns and converts their types, without nesting, checks, restarts or a table format.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measuring import (
    CODE,
    LONG,
    MOST_MB,
    SHORT,
    Cost,
    claim,
    in_own_process,
    memory_claims,
    report,
    table,
    watched,
)
from benchmarks.read_pages import ROW_GROUP
from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed
from demo.tutorial import CUSTOMERS, Target, Tutorial


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    with Azurite() as emulator:
        account = TableAccount(endpoint=emulator.endpoint)
        for rows in (100, SHORT, LONG):
            seed(account, _name(rows), customers(rows))
        ours, longer = (_landed(emulator.connection_string, rows, readers=8) for rows in (SHORT, LONG))
        alone, longer_alone = (_landed(emulator.connection_string, rows, readers=1) for rows in (SHORT, LONG))
        theirs = in_own_process(__spec__.name, emulator.connection_string, str(SHORT))
    costs = [
        ("flowservice, up to 8 ranges", ours),
        ("flowservice, up to 8 ranges", longer),
        ("flowservice, 1 range", alone),
        ("flowservice, 1 range", longer_alone),
        ("azure-data-tables and pandas", theirs),
    ]
    print(table(costs), end="\n\n")
    print(f"azure-data-tables and pandas use {theirs.cpu_s / ours.cpu_s:.1f} times the CPU of the whole service")
    # A longer table is read in more ranges at a time, each with memory of its own: up to a limit, whatever its length.
    return [
        *claim(
            f"a run needs at most {MOST_MB:.0f} MB above idle", f"{longer.peak_mb:.0f} MB", longer.peak_mb <= MOST_MB
        ),
        *memory_claims("a run in one range", alone, longer_alone),
    ]


def _name(rows: int) -> str:
    return f"customers{rows}"


def _landed(connection_string: str, rows: int, *, readers: int) -> Cost:
    """What a server spends on landing a table of so many rows."""
    threads = {"FLOWSERVICE_SPLIT_THREADS": str(readers)}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "home", **threads) as (url, process):
        tutorial = signed_in(url, Path(folder) / "home")
        _whole(tutorial.ended_run(tutorial.land(connection_string, _name(100), CUSTOMERS, name="warmup")[1]), 100)
        return measured_run(tutorial, process, connection_string, _name(rows), CUSTOMERS, rows)[0]


def signed_in(url: str, home: Path) -> Tutorial:
    """A client of a server on that home."""
    from flowservice.app import read_credentials

    tutorial = Tutorial(url=url, credentials=read_credentials(home / "credentials.json"))
    tutorial.sign_in()
    return tutorial


def measured_run(
    tutorial: Tutorial, process: int, connection_string: str, name: str, target: Target, rows: int
) -> tuple[Cost, Any]:
    """What the server `process` spends from the POST of a flow to the end of its run, and the run's metrics.

    Raises RuntimeError unless the run lands `rows` rows.
    """
    connection_id = tutorial.connect(connection_string)
    source_id = tutorial.source(connection_id, name)
    schema_id, tenant = tutorial.schema(target)
    target_id = tutorial.target(tutorial.dataset("measured", schema_id), schema_id)
    mapping_id = tutorial.mapping(target, schema_id, tenant)
    with watched(rows, process) as cost:
        flow_id = tutorial.flow("measured", source_id, target_id, mapping_id)
        run = tutorial.ended_run(flow_id, within_s=3600)
        taken = cost()
    return taken, _whole(run, rows)


def _whole(run: Any, rows: int) -> Any:
    metrics = run["metrics"]
    if metrics["recordSummary"]["outputRecordCount"] != rows:
        raise RuntimeError(f"the run did not land its {rows} rows: {metrics}")
    return metrics


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """A server on a home, with environment variables besides: where it is, and its process."""
    command = [
        sys.executable,
        "-c",
        "from flowservice.cli import main; main()",
        "serve",
        "--home",
        str(home),
        "--port",
        "0",
    ]
    with (
        home.with_suffix(".log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**CODE, **settings}) as server,
    ):
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if "ready at" not in line:
                raise RuntimeError(f"the service did not start: {home.with_suffix('.log').read_text()[-2000:]}")
            yield line.rsplit(" ", 1)[-1].strip().rstrip("/"), server.pid
        finally:
            server.terminate()


def _with_pandas(connection_string: str, name: str, target: Path) -> int:
    """Rows to a table of the mapping's fields, as one writes it by hand."""
    import pandas as pd
    from azure.data.tables import EntityProperty, TableClient

    def plain(value: object) -> object:
        return value.value if isinstance(value, EntityProperty) else value

    with TableClient.from_connection_string(connection_string, name) as client:
        rows: list[dict[str, Any]] = [
            {column: plain(value) for column, value in entity.items() if column in CUSTOMERS.mapping}
            for entity in client.list_entities(select=list(CUSTOMERS.mapping))
        ]
    frame = pd.DataFrame(rows, columns=list(CUSTOMERS.mapping))
    frame["customerId"] = frame["customerId"].astype(str)
    for column in ("birthDate", "createdAt"):
        frame[column] = pd.to_datetime(frame[column].astype(str), utc=True, format="ISO8601")
    frame["loyaltyPoints"] = pd.to_numeric(frame["loyaltyPoints"], errors="coerce").astype("Int64")
    frame.rename(columns=CUSTOMERS.mapping).to_parquet(target, compression="zstd", row_group_size=ROW_GROUP)
    return len(frame)


def _measured_with_pandas(connection_string: str, rows: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        _with_pandas(connection_string, _name(100), Path(folder) / "warmup.parquet")
        with watched(rows) as cost:
            _with_pandas(connection_string, _name(rows), Path(folder) / "t.parquet")
            return cost()


if __name__ == "__main__":
    if sys.argv[1:]:
        report(_measured_with_pandas(sys.argv[1], int(sys.argv[2])))
    else:
        sys.exit(1 if run() else 0)

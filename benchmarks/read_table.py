"""What does it cost to bring an Azure table into Parquet: with our connector, and with the vendor's SDK and pandas?

    python benchmarks/read_table.py [--rows 20000] [--long-rows 60000]

Both read the same table of the emulator in the same run, each in a process of its own, and write Parquet (zstd). CPU
seconds are the reading process's alone (user and system): the emulator's work is the same for both and not counted. The
peak is resident memory above what the process held before it read. A longer table tells whether memory grows with it.
Nothing is written into the repository. Exit 1 if we do not cost at least 4 times less CPU.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

GOAL: Final = 4.0
# A row group as engines like it; the same for both.
ROW_GROUP: Final = 64_000


def read_with_connector(connection_string: str, table: str, target: Path) -> Callable[[], int]:
    """Our `read`, batch by batch, into one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from flowservice.connectors.azure_table.connection_string import parse
    from flowservice.connectors.azure_table.source import TableSource
    from flowservice.sdk import Selection, to_text

    def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """What an engine does: absent columns become null, and text what is text in the target."""
        columns = []
        for field in schema:
            at = batch.schema.get_field_index(field.name)
            column = batch.column(at) if at >= 0 else pa.nulls(batch.num_rows, field.type)
            if column.type != field.type:
                column = to_text(column) if field.type == pa.string() else column.cast(field.type)
            columns.append(column)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def run() -> int:
        source = TableSource(parse(connection_string))
        schema = source.sample(table, rows=1000).rows.schema.remove_metadata()
        schema = pa.schema([field.remove_metadata() for field in schema])
        (split,) = source.plan(Selection(path=table)).splits
        rows = 0
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in source.read(split, after=None):
                writer.write_batch(fitted(batch.rows, schema), row_group_size=ROW_GROUP)
                rows += batch.rows.num_rows
        source.close()
        return rows

    return run


def read_with_sdk(connection_string: str, table: str, target: Path) -> Callable[[], int]:
    """`azure-data-tables` to pandas to Parquet, as its users write it."""
    import pandas as pd
    from azure.data.tables import EntityProperty, TableClient

    def plain(value: object) -> object:
        # Int64 comes as a tuple of value and type, which Parquet cannot hold.
        return value.value if isinstance(value, EntityProperty) else value

    def run() -> int:
        with TableClient.from_connection_string(connection_string, table) as client:
            rows = [{name: plain(value) for name, value in entity.items()} for entity in client.list_entities()]
        frame = pd.DataFrame(rows)
        for name in frame.columns:
            if frame[name].dtype == object:
                kinds = {type(value) for value in frame[name].dropna()}
                if len(kinds) > 1 or any(not issubclass(kind, str | bytes | int | float) for kind in kinds):
                    frame[name] = frame[name].map(lambda value: None if value is None or value != value else str(value))
        frame.to_parquet(target, compression="zstd", row_group_size=ROW_GROUP)
        return len(frame)

    return run


READERS: Final = {"flowservice": read_with_connector, "azure-data-tables": read_with_sdk}


def measured(reader: str, connection_string: str, table: str) -> dict[str, float]:
    """In this process: rows, wall and CPU seconds, peak MB above idle."""
    with tempfile.TemporaryDirectory() as folder:
        # A few rows first: libraries load parts of themselves at first use, and that is not the table's cost.
        READERS[reader](connection_string, "warmup", Path(folder) / "warmup.parquet")()
        run = READERS[reader](connection_string, table, Path(folder) / "t.parquet")
        idle, peak, done = _resident_mb(), [0.0], threading.Event()

        def watch() -> None:
            while not done.wait(0.01):
                peak[0] = max(peak[0], _resident_mb())

        watching = threading.Thread(target=watch)
        watching.start()
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        rows = run()
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
        done.set()
        watching.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"rows": rows, "wall_s": wall, "cpu_s": cpu, "peak_mb": max(0.0, peak[0] - idle)}


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def in_own_process(reader: str, connection_string: str, table: str) -> dict[str, float]:
    """As `measured`, in a fresh interpreter, so that neither pays for the other's imports or garbage."""
    command = [sys.executable, __file__, "--measure", reader, connection_string, table]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--long-rows", type=int, default=60_000, help="0 leaves the longer table out")
    arguments.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(measured(*given.measure)))
        return 0

    from demo.azurite import Azurite
    from demo.tables import TableAccount, customers, seed

    results: list[tuple[str, dict[str, float]]] = []
    with Azurite() as emulator:
        account = TableAccount(endpoint=emulator.endpoint)
        seed(account, "warmup", customers(100))
        seed(account, "short", customers(given.rows))
        results += [(name, in_own_process(name, emulator.connection_string, "short")) for name in READERS]
        if given.long_rows:
            seed(account, "long", customers(given.long_rows))
            results.append(("flowservice", in_own_process("flowservice", emulator.connection_string, "long")))
    _print(results)
    ratio = results[1][1]["cpu_s"] / results[0][1]["cpu_s"]
    verdict = "reached" if ratio >= GOAL else "MISSED"
    print(f"\nazure-data-tables uses {ratio:.1f} times our CPU; the goal of {GOAL:.0f} times is {verdict}")
    return 0 if ratio >= GOAL else 1


def _print(results: list[tuple[str, dict[str, Any]]]) -> None:
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    print(f"{'reader':<20}{'rows':>8}{'wall s':>9}{'rows/s':>9}{'CPU s':>8}{'rows/CPU s':>12}{'peak MB':>9}")
    for name, result in results:
        rows, wall, cpu = result["rows"], result["wall_s"], result["cpu_s"]
        print(
            f"{name:<20}{rows:>8.0f}{wall:>9.2f}{rows / wall:>9.0f}{cpu:>8.2f}{rows / cpu:>12.0f}"
            f"{result['peak_mb']:>9.0f}"
        )


if __name__ == "__main__":
    sys.exit(main())

"""What does it cost to bring an Azure table into Parquet: with our connector, and with the vendor's SDK and pandas?

    python -m benchmarks.read_table

Both read the same table of the emulator in the same run, each in a process of its own, and write Parquet (zstd). CPU
seconds are the reading process's alone (user and system): the emulator's work is the same for both and not counted. The
peak is resident memory above what the process held before it read. A longer table tells whether memory grows with it.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.measuring import LONG, SHORT, Cost, claim, in_own_process, memory_claims, report, table, watched
from demo.azurite import Azurite
from demo.tables import TableAccount, customers, seed

GOAL: Final = 4.0
# A row group as engines like it; the same for both.
ROW_GROUP: Final = 64_000
ROWS: Final = {"warmup": 100, "short": SHORT, "long": LONG}


def read_with_connector(connection_string: str, table: str, target: Path) -> Callable[[], int]:
    """Our `read`, batch by batch, into one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from flowservice.connectors.azure_table.connection_string import parse
    from flowservice.connectors.azure_table.source import TableSource
    from flowservice.sdk import Egress, Selection, to_text

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
        source = TableSource(parse(connection_string), egress=Egress(local=True))
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


def measured(reader: str, connection_string: str, name: str) -> Cost:
    """What a reader costs in this process."""
    with tempfile.TemporaryDirectory() as folder:
        # A few rows first: libraries load parts of themselves at first use, and that is not the table's cost.
        READERS[reader](connection_string, "warmup", Path(folder) / "warmup.parquet")()
        read = READERS[reader](connection_string, name, Path(folder) / "t.parquet")
        with watched(ROWS[name]) as cost:
            rows = read()
            taken = cost()
    if rows != ROWS[name]:
        raise RuntimeError(f"{reader} read {rows} of {ROWS[name]} rows")
    return taken


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    with Azurite() as emulator:
        account = TableAccount(endpoint=emulator.endpoint)
        for name, rows in ROWS.items():
            seed(account, name, customers(rows))
        turns = (("flowservice", "short"), ("azure-data-tables", "short"), ("flowservice", "long"))
        costs = [
            (reader, in_own_process(__spec__.name, reader, emulator.connection_string, name)) for reader, name in turns
        ]
    print(table(costs), end="\n\n")
    ours, theirs, longer = (cost for _, cost in costs)
    ratio = theirs.cpu_s / ours.cpu_s
    return [
        *claim(f"azure-data-tables uses at least {GOAL:.0f} times our CPU", f"{ratio:.1f} times", ratio >= GOAL),
        *memory_claims("reading a table", ours, longer),
    ]


if __name__ == "__main__":
    if sys.argv[1:]:
        report(measured(*sys.argv[1:]))
    else:
        sys.exit(1 if run() else 0)

"""What does reading a table cost: flowservice, the vendor's SDK and dlt on the same pages, in the same run?

    python -m benchmarks.read_pages

200 real pages of 1,000 entities (`pages`), served by nginx (`replay`). Each reader runs in an interpreter of its own;
CPU seconds are its own, all threads, without the loading of libraries. Ours is the median of five rounds; a peer reads
the first 40 pages once. `into Arrow` ends with record batches or a table in memory, `into Parquet` with a file (zstd).
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measuring import Cost, claim, in_own_process, report, table, watched
from benchmarks.pages import PAGE_ROWS, pages
from benchmarks.replay import TABLE, NoNginx, Replay, replay

PAGES: Final = 200
PEER_PAGES: Final = 40
ROUNDS: Final = 5
ROW_GROUP: Final = 64_000

ARROW_SDK, PARQUET_SDK, PARQUET_DLT, ORJSON = 100.0, 45.0, 65.0, 3.0
"""How many times our CPU the peers use at least, and how many times faster than `orjson.loads` we decode."""
CEILING_ROWS: Final = 20_000
"""Entities a second that an account gives (learn.microsoft.com/azure/storage/tables/scalability-targets)."""
ARROW_SHARE, PARQUET_SHARE = 0.06, 0.15
"""What keeping up with that takes of a core at most."""


def _source(connection_string: str) -> Any:
    from flowservice.connectors.azure_table.connection_string import parse
    from flowservice.connectors.azure_table.source import TableSource
    from flowservice.sdk import Egress

    return TableSource(parse(connection_string), egress=Egress(local=True))


def ours_to_arrow(connection_string: str, _: Path) -> int:
    """All batches of a table, held together."""
    from flowservice.sdk import Selection

    source = _source(connection_string)
    (split,) = source.plan(Selection(path=TABLE)).splits
    batches = [batch.rows for batch in source.read(split, after=None)]
    source.close()
    return sum(int(rows.num_rows) for rows in batches)


def ours_to_parquet(connection_string: str, target: Path) -> int:
    """Row group by row group into one file, of the columns that the first row group has.

    Raises ValueError for a column that comes later: a flow would know it from its dataset's schema.
    """
    import pyarrow.parquet as pq

    from flowservice.sdk import Selection

    source = _source(connection_string)
    (split,) = source.plan(Selection(path=TABLE)).splits
    groups = _row_groups(batch.rows for batch in source.read(split, after=None))
    first = next(groups)
    rows = 0
    with pq.ParquetWriter(target, first.schema, compression="zstd") as writer:
        for group in chain([first], groups):
            # A column that the group lacks becomes null.
            fitting = group if group.schema.equals(first.schema) else _as(first.schema, group)
            writer.write_table(fitting, row_group_size=ROW_GROUP)
            rows += group.num_rows
    source.close()
    return rows


def _row_groups(batches: Iterator[Any]) -> Iterator[Any]:
    """Tables of `ROW_GROUP` rows, or of a batch more."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for batch in batches:
        waiting.append(pa.table(batch.columns, schema=pa.schema([field.remove_metadata() for field in batch.schema])))
        if sum(map(len, waiting)) >= ROW_GROUP:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting, promote_options="default")


def _as(schema: Any, group: Any) -> Any:
    import pyarrow as pa

    known = pa.concat_tables([schema.empty_table(), group], promote_options="default")
    return known.cast(schema)


def ours_fetch_only(connection_string: str, _: Path) -> int:
    """Bodies of pages, not looked at."""
    source = _source(connection_string)
    token: Any = {}
    read = 0
    while token is not None:
        page = source._service.open(TABLE, {"$top": "1000", **token})
        read += len(page.body())
        token = page.next
    source.close()
    return read


def _plain(value: object) -> object:
    from azure.data.tables import EntityProperty

    # Int64 comes as a tuple of value and type.
    return value.value if isinstance(value, EntityProperty) else value


def _sdk_rows(connection_string: str) -> list[dict[str, Any]]:
    from azure.data.tables import TableClient

    with TableClient.from_connection_string(connection_string, TABLE) as client:
        return [
            {name: _plain(value) for name, value in entity.items()}
            for page, entities in zip(range(PEER_PAGES), client.list_entities().by_page(), strict=False)
            for entity in entities
        ]


def sdk_to_arrow(connection_string: str, _: Path) -> int:
    """`azure-data-tables`, then `pyarrow.Table.from_pylist`."""
    import pyarrow as pa

    rows = _sdk_rows(connection_string)
    names = {name: None for row in rows for name in row}
    return len(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]))


def sdk_to_parquet(connection_string: str, target: Path) -> int:
    """`azure-data-tables` to pandas to Parquet, as its users write it."""
    import pandas as pd

    frame = pd.DataFrame(_sdk_rows(connection_string))
    for name in frame.columns:
        if frame[name].dtype == object:
            kinds = {type(value) for value in frame[name].dropna()}
            if len(kinds) > 1 or any(not issubclass(kind, str | bytes | int | float) for kind in kinds):
                frame[name] = frame[name].map(lambda value: None if value is None or value != value else str(value))
    frame.to_parquet(target, compression="zstd", row_group_size=ROW_GROUP)
    return len(frame)


def dlt_to_parquet(connection_string: str, target: Path) -> int:
    """A dlt resource over the SDK, into files of Parquet."""
    import dlt
    from azure.data.tables import TableClient

    @dlt.resource(name=TABLE)
    def entities() -> Any:
        with TableClient.from_connection_string(connection_string, TABLE) as client:
            for _, found in zip(range(PEER_PAGES), client.list_entities().by_page(), strict=False):
                yield [{name: _plain(value) for name, value in entity.items()} for entity in found]

    os.environ["DLT_DATA_DIR"] = str(target.parent)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = dlt.pipeline(
        pipeline_name="peer",
        pipelines_dir=str(target.parent / "dlt"),
        destination=dlt.destinations.filesystem(bucket_url=f"file://{target.parent}/out"),
        dataset_name="d",
    )
    pipeline.run(entities(), loader_file_format="parquet")
    trace = pipeline.last_trace
    assert trace is not None
    assert trace.last_normalize_info is not None
    return int(trace.last_normalize_info.row_counts[TABLE])


READERS: Final[dict[str, Callable[[str, Path], int]]] = {
    "flowservice into Arrow": ours_to_arrow,
    "flowservice into Parquet": ours_to_parquet,
    "fetch only": ours_fetch_only,
    "azure-data-tables into Arrow": sdk_to_arrow,
    "azure-data-tables, pandas into Parquet": sdk_to_parquet,
    "dlt into Parquet": dlt_to_parquet,
}


def measured(reader: str, connection_string: str) -> Cost:
    """What a reader costs in this process."""
    read = READERS[reader]
    for library in ("azure.data.tables", "dlt", "pandas", "pyarrow.parquet"):
        import_module(library)
    is_ours = reader.startswith(("flowservice", "fetch"))
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1 if is_ours else 1):
            rows = (PAGES if is_ours else PEER_PAGES) * PAGE_ROWS
            with watched(rows) as cost:
                found = read(connection_string, Path(folder) / f"{number}.parquet")
                costs.append(cost())
            if reader != "fetch only" and found != rows:
                raise RuntimeError(f"{reader} read {found} of {rows} rows")
    costs = costs[1:] or costs  # the first round of ours loads libraries; a minute of a peer's does not notice
    middle = sorted(costs, key=lambda cost: cost.cpu_s)[len(costs) // 2]
    return Cost(
        rows=middle.rows, wall_s=median(cost.wall_s for cost in costs), cpu_s=middle.cpu_s, peak_mb=middle.peak_mb
    )


def decoding() -> tuple[float, float]:
    """Seconds a row of our decoder, and of `orjson.loads` alone, on the same bytes: each the best of seven rounds."""
    import time

    import orjson

    from flowservice.connectors.azure_table.decoder import new_decoder

    bodies = pages(20)
    decoder = new_decoder()

    def ours() -> None:
        for number, body in enumerate(bodies):
            decoder.add(body)
            if number % 8 == 7:
                decoder.batch()
        decoder.batch()

    def theirs() -> None:
        for body in bodies:
            orjson.loads(body)

    def best(work: Callable[[], None]) -> float:
        taken = []
        for _ in range(7):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
        return min(taken) / (len(bodies) * PAGE_ROWS)

    size = sum(map(len, bodies)) / (len(bodies) * PAGE_ROWS)
    mine, other = best(ours), best(theirs)
    print(f"decoding: {size / mine / 1e6:.0f} MB/s, {1e-6 / mine:.2f} M rows/s; ", end="")
    print(f"orjson.loads alone: {size / other / 1e6:.0f} MB/s")
    return mine, other


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    try:
        with replay(pages(PAGES)) as server:
            costs = {reader: _cost(reader, server) for reader in READERS}
            for reader in ("fetch only", "flowservice into Arrow", "flowservice into Parquet"):
                costs[f"{reader}, TLS"] = _cost(reader, server, tls=True)
    except NoNginx as missing:
        return [str(missing)]
    print(table(list(costs.items())), end="\n\n")
    mine, other = decoding()
    a_row = {reader: cost.cpu_s / cost.rows for reader, cost in costs.items()}
    arrow, parquet = a_row["flowservice into Arrow"], a_row["flowservice into Parquet"]
    ratios = (
        ("azure-data-tables into Arrow", arrow, ARROW_SDK),
        ("azure-data-tables, pandas into Parquet", parquet, PARQUET_SDK),
        ("dlt into Parquet", parquet, PARQUET_DLT),
    )
    missed = []
    for peer, ours, goal in ratios:
        ratio = a_row[peer] / ours
        missed += claim(f"{peer}: at least {goal:.0f} times our CPU", f"{ratio:.0f} times", ratio >= goal)
    faster = other / mine
    missed += claim(
        f"decoding is at least {ORJSON:.0f} times as fast as orjson.loads", f"{faster:.2f}", faster >= ORJSON
    )
    for what, cost, most in (("Arrow", arrow, ARROW_SHARE), ("Parquet", parquet, PARQUET_SHARE)):
        share = cost * CEILING_ROWS
        text = f"an account's {CEILING_ROWS} entities/s into {what} take at most {most:.0%} of a core"
        missed += claim(text, f"{share:.1%}", share <= most)
    return missed


def _cost(reader: str, server: Replay, *, tls: bool = False) -> Cost:
    address = server.tls_connection_string if tls else server.connection_string
    return in_own_process(__spec__.name, reader, address, SSL_CERT_FILE=str(server.authority))


if __name__ == "__main__":
    if sys.argv[1:]:
        report(measured(*sys.argv[1:]))
    else:
        sys.exit(1 if run() else 0)

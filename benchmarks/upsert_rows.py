"""What does an upsert cost beside the merge of Delta Lake that it is made of?

    python -m benchmarks.upsert_rows

Into a table of 2,000,000 rows, rows of which half are there already, one in ten of them twice. Ours takes the last row
of each key out of the staged files, merges, and remembers the run; the peer merges rows in memory of which no two have
one key, which somebody else has taken care of. Each in a process of its own, on a table of its own.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.measuring import Cost, claim, in_own_process, report, table, watched

HELD: Final = 2_000_000
CAME: Final = (10_000, 200_000)
GOAL: Final = 1.5
"""How many times the peer's wall time ours takes at most."""
_SCHEMA: Final = pa.schema(
    [("_tenant", pa.struct([("key", pa.string()), ("name", pa.string()), ("points", pa.int64())])), ("at", pa.int64())]
)


def _rows(first: int, last: int, said: str) -> pa.Table:
    numbers = pa.array(range(first, last), pa.int64())
    texts = numbers.cast(pa.string())
    names = pa.array([f"{said} {number % 1000}" for number in range(first, last)])
    tenant = pa.StructArray.from_arrays([texts, names, numbers], fields=list(_SCHEMA.field("_tenant").type))
    return pa.Table.from_arrays([tenant, numbers], schema=_SCHEMA)


def measured(who: str, rows: str) -> Cost:
    """What an upsert of so many rows costs."""
    from deltalake import DeltaTable

    from flowservice.adapters.delta import DeltaLake, Folder
    from flowservice.domain.dataset import TableRef
    from flowservice.ports.lake import Versions

    came = int(rows)
    first = HELD - came // 2
    with tempfile.TemporaryDirectory() as folder:
        lake, ref = DeltaLake(Folder(Path(folder))), TableRef(sandbox_id="s", dataset_id="d")
        lake.prepare(ref, _SCHEMA)
        parts = [_part(lake, ref, f"run=0/{low}.parquet", _rows(low, low + 250_000, "old")) for low in _steps()]
        lake.commit(ref, parts, app_id="flow", number=1, note={})
        new = _rows(first, first + came, "new")
        again = pa.concat_tables([new, _rows(first, first + came // 10, "newer")])
        versions = pa.array([0] * came + [1] * (came // 10), pa.timestamp("us", "UTC"))
        part = _part(lake, ref, "run=1/0.parquet", again.append_column("version", versions))
        staged = Versions(parts=[part], keys=["_tenant.key"], version="version")
        with watched(came) as cost:
            if who == "flowservice":
                lake.superseded(ref, staged)
                lake.upsert(ref, staged, app_id="flow", number=2, note={})
            else:
                merging = DeltaTable(lake.location(ref)).merge(
                    new, "held._tenant.key = came._tenant.key", source_alias="came", target_alias="held"
                )
                merging.when_matched_update_all().when_not_matched_insert_all().execute()
            taken = cost()
        held: Any = lake.dataset(ref)
        if held.count_rows() != HELD + came - came // 2:
            raise RuntimeError(f"{who} left {held.count_rows()} rows")
    return taken


def _steps() -> range:
    return range(0, HELD, 250_000)


def _part(lake: Any, ref: Any, name: str, rows: pa.Table) -> Any:
    writer = lake.writer(ref, name, rows.schema)
    writer.write(rows)
    return writer.close()


def run() -> list[str]:
    """Print the table; the claims that do not hold."""
    costs = {
        (who, rows): in_own_process(__spec__.name, who, str(rows)) for rows in CAME for who in ("flowservice", "merge")
    }
    print(table([(f"{who}, {rows} rows", cost) for (who, rows), cost in costs.items()]), end="\n\n")
    missed = []
    for rows in CAME:
        ratio = costs["flowservice", rows].wall_s / costs["merge", rows].wall_s
        text = f"an upsert of {rows} rows takes at most {GOAL:g} times a merge of rows without duplicates"
        missed += claim(text, f"{ratio:.2f} times", ratio <= GOAL)
    return missed


if __name__ == "__main__":
    if sys.argv[1:]:
        report(measured(*sys.argv[1:]))
    else:
        sys.exit(1 if run() else 0)

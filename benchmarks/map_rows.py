"""How many rows does the mapping bring into their schema, in a second of one core?

    python -m benchmarks.map_rows

Batches of the size that the connector hands over. Wall seconds may be fewer than CPU seconds: columns are converted on
several cores. Other work on the machine shows in the wall time alone.
"""

import itertools
import json
import sys
import time
from collections.abc import Mapping as JsonObject
from typing import Any, Final

import pyarrow as pa

from demo.tables import customers
from demo.tutorial import CUSTOMERS
from flowservice.connectors.azure_table import portable
from flowservice.connectors.azure_table.columns import to_batch
from flowservice.domain.mapping import Mapping, MappingKind, MappingVersion
from flowservice.domain.xdm_tree import tree_of
from flowservice.engine.mapping import Mapper
from flowservice.sdk import to_text

BATCH_ROWS: Final = 8_000
ATLEAST_S: Final = 1.5
_DATES: Final = {"birthDate": "date", "createDate": "date-time"}


def run() -> list[str]:
    """Print the table. Nothing is claimed."""
    print(f"{'':<46}{'rows/s':>10}{'rows/CPU s':>12}{'µs a batch of 1':>17}")
    for name, mapper, batch in _cases():
        wall, cpu = _rows_a_second(mapper, batch)
        fixed_us = 1e6 / _rows_a_second(mapper, batch.slice(0, 1))[0]
        print(f"{name:<46}{wall:>10.0f}{cpu:>12.0f}{fixed_us:>17.0f}")
    return []


def _cases() -> list[tuple[str, Mapper, pa.RecordBatch]]:
    # Through JSON, as they come: every value is a string or number of its own.
    entities = json.loads(json.dumps(list(itertools.islice(customers(), BATCH_ROWS))))
    typed = to_batch(portable.columns(entities), len(entities))
    text = pa.RecordBatch.from_arrays([to_text(column) for column in typed.columns], names=typed.schema.names)
    feeds = {path.replace("{tenant}", "_tenant"): column for column, path in CUSTOMERS.mapping.items()}
    tutorial = _mapper(_schema(feeds, CUSTOMERS.own_fields), feeds)
    wide = {f"wide.c{number}": f"c{number}" for number in range(100)}
    hundred = pa.RecordBatch.from_pydict({f"c{number}": typed.column("email") for number in range(100)})
    return [
        ("the tutorial's 15 columns, typed", tutorial, typed),
        ("the tutorial's 15 columns, all of them text", tutorial, text),
        ("one column of text", _mapper(_schema({"email": ""}, {}), {"email": "email"}), typed),
        ("100 columns of text", _mapper(_schema(wide, {}), wide), hundred),
    ]


def _schema(paths: JsonObject[str, str], own: JsonObject[str, Any]) -> dict[str, Any]:
    """A schema that has these paths: own fields as stated, dates by their names, all others text."""
    root: dict[str, Any] = {"type": "object", "properties": {}}
    for path in paths:
        *above, name = path.split(".")
        node = root
        for part in above:
            node = node["properties"].setdefault(part, {"type": "object", "properties": {}})
        plain = {"type": "string", **({"format": _DATES[name]} if name in _DATES else {})}
        node["properties"][name] = own.get(name, plain)
    return root


def _mapper(schema: dict[str, Any], feeds: JsonObject[str, str]) -> Mapper:
    mappings = tuple(
        Mapping(id="", kind=MappingKind.ATTRIBUTE, source_type="ATTRIBUTE", source=column, destination=path)
        for path, column in feeds.items()
    )
    return Mapper(MappingVersion(version=0, schema_id="", schema_content_type="", mappings=mappings), tree_of(schema))


def _rows_a_second(mapper: Mapper, batch: pa.RecordBatch) -> tuple[float, float]:
    """By the wall clock and by CPU time."""
    mapper.apply(batch)
    rows, cpu, started = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - started < ATLEAST_S:
        mapper.apply(batch)
        rows += batch.num_rows
    return rows / (time.perf_counter() - started), rows / (time.process_time() - cpu)


if __name__ == "__main__":
    sys.exit(1 if run() else 0)

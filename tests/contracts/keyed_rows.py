"""A table of every kind of column whose rows have a key of two fields, and rows for it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from flowservice.domain.dataset import TableRef

TABLE = TableRef(sandbox_id="s1", dataset_id="d1")
SCHEMA = pa.schema(
    [
        ("_tenant", pa.struct([("rowKey", pa.string()), ("Part Key", pa.int64()), ('say "hi"', pa.string())])),
        ("born", pa.date32()),
        ("total", pa.decimal128(20, 4)),
        ("photo", pa.binary()),
        ("tags", pa.list_(pa.string())),
        ("names", pa.map_(pa.string(), pa.list_(pa.struct([("id", pa.string())])))),
        ("_flowservice", pa.struct([("batchId", pa.string()), ("ingestedAt", pa.timestamp("us", "UTC"))])),
    ]
)
STAGED = SCHEMA.append(pa.field("version", pa.timestamp("us", "UTC")))
"""Of rows on their way to be upserted."""
WIDER = pa.schema(
    [("_tenant", pa.struct([*SCHEMA.field("_tenant").type, ("more", pa.string())])), ("extra", pa.int64())]
)
"""Columns that may come later, one of them within another."""
KEYS = ("_tenant.rowKey", "_tenant.Part Key")


def keyed_row(key: str, number: int, said: str) -> dict[str, Any]:
    """A row without the columns that the service adds."""
    return {
        "_tenant": {"rowKey": key, "Part Key": number, 'say "hi"': said},
        "born": date(1815, 12, 10),
        "total": Decimal("1.2500"),
        "photo": b"\x00\xff",
        "tags": ["x", None],
        "names": [("email", [{"id": key}])],
    }

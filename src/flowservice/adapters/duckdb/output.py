"""A result as text: for people, for programs, for spreadsheets.

`ndjson` prints one JSON object a row and nothing else, `csv` a header and rows, `table` columns side by side and the
number of rows. A value is written the same way in all of them:

| value | text |
| --- | --- |
| timestamp with time zone | `2018-12-03T13:43:09.650000Z`; without one the same less the `Z` |
| date, time | `2018-12-03`, `13:43:09` |
| integer, decimal | its exact digits, a JSON number of any length |
| NaN and the infinities | the strings `NaN`, `Infinity`, `-Infinity`: JSON has no such numbers |
| binary | base64 with padding |
| struct, map | a JSON object; the keys of a map as text |
| null | `null` in JSON, nothing in `csv` and `table` |
"""

import base64
import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TextIO

import pyarrow as pa

_WIDEST_CELL: Final = 60


def write(rows: pa.RecordBatchReader, format_name: str, to: TextIO) -> int:
    """Write all rows in one of FORMATS; how many. Raises KeyError for another format, Invalid from the query."""
    return _WRITERS[format_name](rows, to)


def _ndjson(rows: pa.RecordBatchReader, to: TextIO) -> int:
    names = [f"{json.dumps(name, ensure_ascii=False)}:" for name in rows.schema.names]
    count = 0
    for batch in rows:
        for values in _values(batch):
            members = (name + _json(value) for name, value in zip(names, values, strict=True))
            to.write("{" + ",".join(members) + "}\n")
        count += batch.num_rows
    return count


def _csv(rows: pa.RecordBatchReader, to: TextIO) -> int:
    sheet = csv.writer(to, lineterminator="\n")
    sheet.writerow(rows.schema.names)
    count = 0
    for batch in rows:
        sheet.writerows([_plain(value) for value in values] for values in _values(batch))
        count += batch.num_rows
    return count


def _table(rows: pa.RecordBatchReader, to: TextIO) -> int:
    lines = [[_cell(name) for name in rows.schema.names]]
    for batch in rows:
        lines += [[_cell(_plain(value)) for value in values] for values in _values(batch)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        to.write("  ".join(padded).rstrip() + "\n")
    count = len(lines) - 2
    to.write(f"({count} {'row' if count == 1 else 'rows'})\n")
    return count


def _values(batch: pa.RecordBatch) -> "zip[tuple[Any, ...]]":
    """The rows of a batch; columns may have equal names."""
    return zip(*(column.to_pylist(maps_as_pydicts="lossy") for column in batch.columns), strict=True)


def _plain(value: Any) -> str:
    """A value outside JSON: text without quotes, nothing for null, JSON for what is nested."""
    if value is None:
        return ""
    text = _json(value)
    return str(json.loads(text)) if text.startswith('"') else text


def _cell(text: str) -> str:
    # Data must not steer the terminal: control characters show as escapes.
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= _WIDEST_CELL else shown[: _WIDEST_CELL - 1] + "…"


def _json(value: Any) -> str:
    # First what there is most of: text, and nothing.
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ",".join([_name(key) + _json(inner) for key, inner in value.items()]) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | tuple):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return _quoted(_scalar(value))


def _name(key: Any) -> str:
    return _field(key) if isinstance(key, str) else f"{_quoted(_plain(key))}:"


@lru_cache(maxsize=4096)
def _field(name: str) -> str:
    return f"{_quoted(name)}:"


def _scalar(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds()}S"
    if isinstance(value, tuple):
        # Arrow's interval of months, days and nanoseconds.
        months, days, nanoseconds = value
        return f"P{months}M{days}DT{nanoseconds / 1e9:g}S"
    return str(value)


_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


_WRITERS: Final[Mapping[str, Callable[[pa.RecordBatchReader, TextIO], int]]] = {
    "table": _table,
    "ndjson": _ndjson,
    "csv": _csv,
}
FORMATS: Final = tuple(_WRITERS)

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import add
from typing import Any, Final, TextIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

_WIDEST_CELL: Final = 60


def write(rows: pa.RecordBatchReader, format_name: str, to: TextIO) -> int:
    """Write all rows in one of FORMATS; how many. Raises KeyError for another format, Invalid from the query."""
    return _WRITERS[format_name](rows, to)


def _ndjson(rows: pa.RecordBatchReader, to: TextIO) -> int:
    keys = [f"{_quoted(name)}:" for name in rows.schema.names]
    count = 0
    for batch in rows:
        columns = [_quick_texts(column) if _is_quick(column) else _texts(column) for column in batch.columns]
        to.writelines("{" + ",".join(map(add, keys, values)) + "}\n" for values in zip(*columns, strict=True))
        count += batch.num_rows
    return count


def _quick_texts(column: pa.Array) -> Iterator[str]:
    for value in column.to_pylist():
        yield orjson.dumps(value, default=_unusual, option=orjson.OPT_UTC_Z).decode()


def _texts(column: pa.Array) -> Iterator[str]:
    return map(_json, column.to_pylist(maps_as_pydicts="lossy"))


def _is_quick(column: pa.Array) -> bool:
    """Whether orjson writes the column as the table above says: it has no word for NaN and takes a tuple for a list."""
    kind = column.type
    if pa.types.is_struct(kind):
        return all(_is_quick(child) for child in column.flatten())
    if pa.types.is_floating(kind):
        return bool(pc.all(pc.is_finite(column), min_count=0).as_py())
    return not pa.types.is_nested(kind) and not pa.types.is_interval(kind)


def _unusual(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    return _scalar(value)


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
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(_plain(key))}:{_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | tuple):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return _quoted(_scalar(value))


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


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_WRITERS: Final[Mapping[str, Callable[[pa.RecordBatchReader, TextIO], int]]] = {
    "table": _table,
    "ndjson": _ndjson,
    "csv": _csv,
}
FORMATS: Final = tuple(_WRITERS)

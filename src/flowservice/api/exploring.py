"""What exploring shows: nodes, columns with their XDM types, and preview rows as JSON."""

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from flowservice.sdk import SOURCE_TYPE, Node, Sample
from flowservice.service.previews import Preview

_INT32: Final = {"minimum": -(2**31), "maximum": 2**31 - 1}
_INT64: Final = {"minimum": -(2**63), "maximum": 2**63 - 1}


def node(item: Node) -> dict[str, Any]:
    """One entry of a listing."""
    return {
        "type": item.kind,
        "name": item.name,
        "path": item.path,
        "canPreview": item.can_preview,
        "canFetchSchema": item.can_fetch_schema,
    }


def table(seen: Preview, *, rows: Sequence[pa.Table] | None = None) -> dict[str, Any]:
    """A table's columns, and its `rows` if there are any to be shown.

    A column in which several source types were seen says so in `mixedTypes`; `coverage` is the share of sampled rows
    that have a value. `keyColumns` are those by which the source tells rows apart, where it says so.
    """
    sample = seen.sample
    mixed = {column.name: list(column.seen) for column in sample.mixed}
    columns = []
    for field in sample.rows.schema:
        column = _column(field)
        if field.name in mixed:
            column["mixedTypes"] = mixed[field.name]
        if sample.rows.num_rows:
            column["coverage"] = round(1 - sample.rows.column(field.name).null_count / sample.rows.num_rows, 4)
        columns.append(column)
    shown: dict[str, Any] = {
        "format": "flat",
        "schema": {"columns": columns},
        "sampledRowCount": sample.rows.num_rows,
    }
    if seen.key_columns:
        shown["keyColumns"] = list(seen.key_columns)
    if rows is not None:
        shown["data"] = [
            {name: json_value(value) for name, value in row.items() if value is not None}
            for part in rows
            for row in part.to_pylist()
        ]
    return shown


def configs(sample: Sample) -> dict[str, Any]:
    """A table's columns, by name and XDM type."""
    columns = [_column(field) for field in sample.rows.schema]
    return {"items": [{"columnName": shown["name"], "columnType": shown["meta:xdmType"]} for shown in columns]}


def row_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as XDM has it: what has no value is not there, in objects too."""
    filled = ((name, _filled(value)) for name, value in row.items())
    return {name: json_value(value) for name, value in filled if value is not None}


def _filled(value: Any) -> Any:
    """A value without members that have none; None if nothing is left of an object."""
    if isinstance(value, Mapping):
        kept = {name: inner for name, old in value.items() if (inner := _filled(old)) is not None}
        return kept or None
    return [_filled(inner) for inner in value] if isinstance(value, list) else value


def json_value(value: object) -> Any:
    """A value of Arrow as JSON: times in ISO 8601, binary in base64, numbers that JSON lacks as words."""
    if isinstance(value, datetime):
        text = value.isoformat()
        return text.replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    return value


def _column(field: pa.Field) -> dict[str, Any]:
    meta_type, xdm = _xdm(field.type)
    source_type = (field.metadata or {}).get(SOURCE_TYPE)
    shown = {"name": field.name, "type": source_type.decode() if source_type else str(field.type)}
    return {**shown, "meta:xdmType": meta_type, "xdm": xdm}


def _xdm(kind: pa.DataType) -> tuple[str, dict[str, Any]]:
    if pa.types.is_int64(kind):
        return "long", {"type": "integer", **_INT64}
    if pa.types.is_integer(kind):
        return "int", {"type": "integer", **_INT32}
    if pa.types.is_floating(kind):
        return "number", {"type": "number"}
    if pa.types.is_boolean(kind):
        return "boolean", {"type": "boolean"}
    if pa.types.is_timestamp(kind):
        return "date-time", {"type": "string", "format": "date-time"}
    if pa.types.is_date(kind):
        return "date", {"type": "string", "format": "date"}
    return "string", {"type": "string"}

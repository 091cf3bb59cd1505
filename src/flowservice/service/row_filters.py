"""Row filters of source connections and of previews: well-formed, and fitting the table."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from flowservice.errors import FilterValueType
from flowservice.sdk import Literal, Relation, RowFilter, conditions, moment, row_filter
from flowservice.service.source_columns import Sampled

_OF_TEXT: Final = frozenset({Relation.LIKE, Relation.NOT_LIKE})


def filter_of(params: Mapping[str, Any]) -> RowFilter | None:
    """The filter in `params.filters`; None where there is none. Raises BadRowFilter."""
    sent = params.get("filters")
    return None if sent is None else row_filter(sent, at="params/filters")


def check_types(wanted: RowFilter, sampled: Sampled) -> None:
    """Return if each value may be compared with its column. Raises FilterValueType.

    A column that holds several types takes values of all of them.
    """
    for condition in conditions(wanted):
        kind = sampled.types.get(condition.column)
        if kind is None or condition.relation in _OF_TEXT:
            continue
        for value in condition.values:
            needed = _needed(kind, value)
            if needed:
                raise FilterValueType(
                    f"the row filter compares the column {condition.column[:80]} with a value of another type",
                    advice=f"Send {needed}.",
                )


def _needed(kind: pa.DataType, value: Literal) -> str:
    """What should stand in place of `value`; empty if it is right."""
    is_text, is_truth = isinstance(value, str), isinstance(value, bool)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "a number, without quotes" if is_text or is_truth else ""
    if pa.types.is_boolean(kind):
        return "" if is_truth else "true or false, without quotes"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        is_moment = isinstance(value, str) and moment(value) is not None
        return "" if is_moment else "a text in ISO 8601, such as 2026-03-01T12:00:00Z"
    if pa.types.is_binary(kind):
        return "" if is_text else "a text in base64"
    return ""

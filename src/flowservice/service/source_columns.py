"""Whether a source has the columns that are asked of it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flowservice.sdk import Source

_SAMPLES: Final = (1_000, 20_000)
"""Rows to look at: few first, and more before a column is called unknown, for rows may be sparse."""


def unknown_columns(source: Source, path: str, wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that no sampled row of the table has, in their order. Raises NoSuchObject."""
    unknown = list(dict.fromkeys(wanted))
    for rows in _SAMPLES:
        if not unknown:
            break
        known = set(source.sample(path, rows=rows).rows.column_names)
        unknown = [column for column in unknown if column not in known]
    return unknown


def named_columns(params: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The columns that `params.columns` names; None where it names none."""
    columns = params.get("columns")
    return tuple(str(column["name"]) for column in columns) if columns else None

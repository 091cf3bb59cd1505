"""What a mapping set makes of sample rows."""

from collections.abc import Mapping as JsonObject
from dataclasses import dataclass
from typing import Any, Final

from flowservice.domain.mapping import Mapping

MOST_ROWS: Final = 200
"""Rows that are tried at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFault:
    """Why a mapping gave nothing for a row, or the row would be rejected. `mapping`: None if none feeds it."""

    mapping: Mapping | None
    destination: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRow:
    """One row: the nested fields that it would land with (empty if it would be rejected), and what went wrong."""

    data: JsonObject[str, Any]
    faults: tuple[MappingFault, ...]

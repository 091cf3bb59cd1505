"""Whether a source has the columns that are asked of it, and of which types they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from flowservice.errors import UnknownColumn
from flowservice.sdk import Sample, Source

_SAMPLES: Final = (1_000, 20_000)
"""Rows to look at: few first, and more before a column is called unknown, for rows may be sparse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What samples of a table tell of the columns that are asked for."""

    types: Mapping[str, pa.DataType]
    """Of those that some row has, and in one type."""
    unknown: tuple[str, ...]
    """Those that no row has, in the order in which they were asked for."""

    def check(self, path: str) -> None:
        """Raises UnknownColumn."""
        if self.unknown:
            raise UnknownColumn(
                f"the table {path[:80]} has no column {', '.join(name[:80] for name in self.unknown[:5])}",
                advice="Explore the table and send columns as they are listed there.",
            )


def sampled(source: Source, path: str, wanted: Iterable[str], *, first: Sample | None = None) -> Sampled:
    """What is known of the columns `wanted`. `first` is a sample that was taken already. Raises NoSuchObject."""
    unknown = list(dict.fromkeys(wanted))
    types: dict[str, pa.DataType] = {}
    for rows in _SAMPLES:
        if not unknown:
            break
        sample, first = first or source.sample(path, rows=rows), None
        mixed = {column.name for column in sample.mixed}
        known = {field.name: field.type for field in sample.rows.schema}
        types |= {name: known[name] for name in unknown if name in known and name not in mixed}
        unknown = [name for name in unknown if name not in known]
    return Sampled(types=types, unknown=tuple(unknown))


def named_columns(params: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The columns that `params.columns` names; None where it names none."""
    columns = params.get("columns")
    return tuple(str(column["name"]) for column in columns) if columns else None

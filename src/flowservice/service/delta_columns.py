"""Whether a flow names the delta column that it needs, and its source has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from flowservice.domain.connection import SourceConnection
from flowservice.domain.flow import COPY, Endpoint, Transformation
from flowservice.domain.identity import Scope
from flowservice.domain.schedule import Frequency
from flowservice.domain.spec import SpecKind
from flowservice.domain.window import DeltaColumn
from flowservice.errors import (
    DeltaColumnDiffers,
    DeltaColumnHasNoTimes,
    DeltaColumnNotAllowed,
    MissingDeltaColumn,
    UnknownColumn,
)
from flowservice.ports.database import Database
from flowservice.sdk import Source
from flowservice.service.connections import Connections
from flowservice.service.specs import Specs

_SAMPLES: Final = (1_000, 20_000)
"""Rows to look at: few first, and more before a column is called unknown, for rows may be sparse."""


def recurs(schedule_sent: Mapping[str, Any]) -> bool | None:
    """Whether a client asks for another frequency than `once`; None for one that does not exist."""
    word = schedule_sent.get("frequency", Frequency.ONCE)
    return None if word not in list(Frequency) and word is not None else word not in (None, Frequency.ONCE)


def same_column(known: DeltaColumn | None, asked: DeltaColumn) -> None:
    """Return if `asked` is the column that a flow has `known` already, or it has none. Raises DeltaColumnDiffers."""
    if known is not None and asked.name != known.name:
        raise DeltaColumnDiffers(
            "the delta column is not that of the flow's Copy transformation",
            advice=f"Send {known.name[:80]}, or create another flow.",
        )


@dataclass(frozen=True, slots=True)
class DeltaColumns:
    """The checks of delta columns. A recurring flow needs one over a table; a flow that runs once takes everything."""

    database: Database
    specs: Specs
    connections: Connections

    def check(
        self,
        source: SourceConnection,
        steps: Sequence[Transformation],
        *,
        recurs: bool | None,
        kept: DeltaColumn | None = None,
    ) -> None:
        """Return if the Copy transformation among `steps` is as a flow over `source` needs it.

        `kept` is the column that the stored flow has: a flow that runs once keeps the one that a run over a window
        named. Dials the source for a column that it does not know yet.
        Raises MissingDeltaColumn, DeltaColumnNotAllowed, BadField, UnknownColumn, DeltaColumnHasNoTimes, SourceError.
        """
        sent = next((step.params.get("deltaColumn") for step in steps if step.name == COPY), None)
        column = None if sent is None else DeltaColumn.of(sent)
        if column is None and recurs and self._is_table(source):
            raise MissingDeltaColumn(
                "a flow that reads a table more than once needs a delta column",
                advice='Add the transformation {"name": "Copy", "params": {"deltaColumn": {"name": …}}}.',
            )
        if column is not None and recurs is False and column != kept:
            raise DeltaColumnNotAllowed("a delta column does not go with frequency once", advice="Leave Copy out.")
        if column is not None and column != kept:
            self.exists(source.stamp.scope, Endpoint.of(source), column)

    def exists(self, scope: Scope, source: Endpoint, column: DeltaColumn) -> None:
        """Return if the table has the column, and with values that may be times.

        Raises UnknownColumn, DeltaColumnHasNoTimes, SourceError.
        """
        base = self.database.connections.get(scope, str(source.base_connection_id))
        with self.connections.opened(base) as opened:
            kind = _type(opened, str(source.params["tableName"]), column.name)
        if kind is None:
            raise UnknownColumn(
                f"the source has no column {column.name[:80]}, which is to be the delta column",
                advice="Explore the table to see its columns.",
            )
        if pa.types.is_boolean(kind) or pa.types.is_binary(kind) or pa.types.is_nested(kind):
            raise DeltaColumnHasNoTimes(
                f"the column {column.name[:80]} holds no times; it cannot be the delta column",
                advice="Name a column of times, of texts in a date format, or of epoch seconds.",
            )

    def _is_table(self, source: SourceConnection) -> bool:
        return bool(self.specs.known(source.stamp.scope, SpecKind.CONNECTION, source.spec.id)["type"] == "table")


def _type(source: Source, path: str, name: str) -> pa.DataType | None:
    """The type of a column; None if no sampled row has it."""
    for rows in _SAMPLES:
        schema = source.sample(path, rows=rows).rows.schema
        index = schema.get_field_index(name)
        if index >= 0:
            return schema.field(index).type
    return None

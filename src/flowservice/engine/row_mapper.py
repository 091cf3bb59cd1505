"""What the engine wants of a mapping: rows of a source become rows of a dataset, or rejects with a reason."""

from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from flowservice.domain.dataset import Dataset
from flowservice.domain.mapping import MappingSet
from flowservice.domain.run import Tally

REJECTS: Final = pa.schema([(name, pa.string()) for name in ("code", "field", "message", "value", "row")])
"""Columns of rejected rows: the first reason, the target field, the offending value cut short, the row as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What became of one batch: every row of it is in `rows` or in `rejects`, once."""

    rows: pa.Table
    rejects: pa.Table
    warnings: tuple[Tally, ...] = ()
    rejections: tuple[Tally, ...] = ()
    kept: pa.BooleanArray | None = None
    """Which rows of the batch those in `rows` are, in order; None: all."""
    traced: tuple[tuple[Tally, pa.BooleanArray], ...] = ()
    """What went wrong, warnings first, and in which rows of the batch; empty where a mapper does not tell."""


class RowMapper(Protocol):
    """One version of a mapping set, made ready for a dataset. Used from several threads."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of the rows: that of the dataset, without the system column."""

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of the source that the mapping reads."""

    def apply(self, batch: pa.RecordBatch) -> Mapped:
        """`batch` mapped. A column that the batch lacks is null in every row. The outcome of a row is its own."""


class MapperFor(Protocol):
    """Makes a mapper."""

    def __call__(
        self, mapping_set: MappingSet, version: int, dataset: Dataset, keys: tuple[str, ...] = ()
    ) -> RowMapper:
        """The mapper of that version, which rejects rows without a value in one of `keys` (dotted paths).

        Raises BadMapping, BadMappingVersion, BadSchema.
        """

"""A dry run: what the next run of a flow would do with the first rows that it takes, told without doing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from flowservice.domain.drift import Change
from flowservice.domain.run import Counts, RunError, Tally
from flowservice.domain.window import Window
from flowservice.domain.write_mode import WriteMode

MOST_ROWS: Final = 10_000
ROWS: Final = 1_000
"""Read unless another number is asked for."""


class Cut(StrEnum):
    """Why a dry run left rows unread, by its name on the wire."""

    ROWS = "rows"
    """It has as many as were asked for."""
    TIME = "time"
    SIZE = "size"
    """There is no room for more in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row of the source and what it becomes: values of Python by column, as Arrow hands them out."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row that would go into quarantine: the first reason, the offending value cut short, and the row as text."""

    code: str
    field: str
    message: str
    value: str | None
    row: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """A column that the dataset's table would get: its dotted path, and its type as Arrow writes it."""

    path: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChanges:
    """What would become of the dataset's table."""

    makes_table: bool = False
    columns: tuple[NewColumn, ...] = ()
    clash: RunError | None = None
    """Why the table cannot take the rows: the run would fail with this, whatever they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What came of it. The counts are of the rows that were read, and tell no bytes and files to be written."""

    flow_id: str
    path: str
    """The table at the source."""
    mode: WriteMode
    window: Window | None
    counts: Counts
    cut: Cut | None
    """Why there may be more rows; None: these were all."""
    inserted: int | None
    updated: int | None
    """Of an upsert: how many of the rows to be written have a key that the dataset does not have, and that it has; None
    for another mode, and where telling would take too long."""
    rows: tuple[ShownRow, ...]
    rejects: tuple[Reject, ...]
    warnings: tuple[Tally, ...]
    rejections: tuple[Tally, ...]
    skipped: tuple[Tally, ...]
    absent: tuple[str, ...]
    """Columns that the mapping reads and a sample of the source did not show."""
    changes: SchemaChanges
    drift: tuple[Change, ...] = ()
    """How the columns of the source differ from what the flow knows."""
    is_held: bool = False
    """Whether a run would not read before somebody has decided about these differences."""
    tolerated_percent: float
    most_rejected: int | None = None
    """How many rejected rows the flow tolerates; None: any number, if their share is tolerated."""

    @property
    def is_tolerable(self) -> bool:
        """Whether a run that goes on as it began would publish its rows."""
        return self.counts.tolerable(self.tolerated_percent, self.most_rejected)

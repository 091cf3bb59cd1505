"""Rejected rows, as the tables beside those of the datasets hold them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from flowservice.domain.dataset import TableRef
from flowservice.domain.quarantine import Quarantined, RejectTally, Wanted


class Quarantine(Protocol):
    """Reads quarantine tables. A row has a line of the run that rejected it, and one of each that replayed it.

    Every method raises LakeError, LakeUnavailable; of a table that does not exist there are no rows.
    """

    def tallies(self, table: TableRef, wanted: Wanted) -> Sequence[RejectTally]:
        """How many rows there are of each code and field, the most frequent first."""

    def page(
        self, table: TableRef, wanted: Wanted, *, after: str | None = None, start: int = 0, limit: int
    ) -> Sequence[Quarantined]:
        """Rows as they stand, by their names, past `after` and past `start` further ones."""

    def lines(
        self, table: TableRef, wanted: Wanted, schema: pa.Schema, *, after: str | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The last line of each row, by their names, past `after`, with the columns of `schema`; those that the table
        lacks are null. To be closed when it is not read to its end."""

    def lines_of(self, table: TableRef, batch_id: str) -> int:
        """How many lines the run of that batch wrote."""

"""Error diagnostics of batches, as files of so many rejected rows each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flowservice.domain.dataset import Batch
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.quarantine import WAITING, Quarantined, Wanted
from flowservice.ports.database import Database
from flowservice.ports.quarantine import Quarantine
from flowservice.service.masking import Masking

FILE_ROWS: Final = 5_000
SAMPLE_ROWS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """What the run of a batch rejected, as it said then: later replays change nothing of it."""

    database: Database
    quarantine: Quarantine
    masking: Masking

    def batch(self, caller: Caller, batch_id: str) -> Batch:
        """Raises NotFound."""
        for permission in (Permission.VIEW_SOURCES, Permission.VIEW_DATA):
            caller.may(permission)
        return self.database.batches.get(caller.scope, batch_id)

    def files(self, batch: Batch) -> int:
        """How many files there are. Raises NotFound, LakeError."""
        table = self.database.datasets.get(batch.stamp.scope, batch.dataset_id).quarantine
        rows = sum(tally.count for tally in self.quarantine.tallies(table, _rejected_by(batch)))
        return -(-rows // FILE_ROWS)

    def rows(self, caller: Caller, batch: Batch, *, file: int) -> Sequence[Quarantined]:
        """The rows in that file, from 0; none past the last one. Raises NotFound, LakeError."""
        return self._rows(caller, batch, start=file * FILE_ROWS, limit=FILE_ROWS)

    def sample(self, caller: Caller, batch: Batch) -> Sequence[Quarantined]:
        """The first rows of all. Raises NotFound, LakeError."""
        return self._rows(caller, batch, start=0, limit=SAMPLE_ROWS)

    def input(self, batch: Batch) -> str | None:
        """The table at the source that the batch's run read; None if it came to no plan."""
        plan = self.database.progress.plan(batch.run_id)
        return None if plan is None else plan.get("path")

    def _rows(self, caller: Caller, batch: Batch, *, start: int, limit: int) -> Sequence[Quarantined]:
        table = self.database.datasets.get(batch.stamp.scope, batch.dataset_id).quarantine
        rows = self.quarantine.page(table, _rejected_by(batch), start=start, limit=limit)
        return self.masking.rejects(caller, batch.dataset_id, rows)


def _rejected_by(batch: Batch) -> Wanted:
    return Wanted(batch_id=batch.id, states=WAITING)

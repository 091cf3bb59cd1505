"""The versions of a dataset's table, with the runs that made them."""

from dataclasses import dataclass

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.run import Run
from flowservice.errors import NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSnapshot:
    """A version of a table, and the run that made it, if one did and it is known still."""

    snapshot: Snapshot
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where a dataset's table is, and its newest versions, the newest first; none before anything landed."""

    location: str
    snapshots: tuple[MadeSnapshot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Histories of datasets."""

    database: Database
    lake: Lake

    def of(self, caller: Caller, dataset_id: str, *, limit: int) -> History:
        """The newest versions of a dataset's table. Raises NotFound, LakeError."""
        caller.may(Permission.VIEW_SOURCES)
        table = self.database.datasets.get(caller.scope, dataset_id).table
        found = self.lake.snapshots(table, limit=limit)
        runs = self._runs(caller, {each.run_id for each in found if each.run_id is not None})
        return History(
            location=self.lake.location(table),
            snapshots=tuple(MadeSnapshot(snapshot=each, run=runs.get(each.run_id or "")) for each in found),
        )

    def _runs(self, caller: Caller, run_ids: set[str]) -> dict[str, Run]:
        found: dict[str, Run] = {}
        for run_id in run_ids:
            try:
                found[run_id] = self.database.runs.get(caller.scope, run_id)
            except NotFound:
                continue
        return found

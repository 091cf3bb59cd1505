"""Rejected rows, for those who may see rows: to be read, and to be tried again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.quarantine import Quarantined, RejectTally, ReplayTrial, Wanted
from flowservice.ports.database import Database
from flowservice.ports.quarantine import Quarantine
from flowservice.ports.runtime import TryingReplays
from flowservice.service.masking import Masking
from flowservice.service.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectPage:
    """Rejected rows as they stand, how many there are of each kind, and where the next page begins (None: nowhere)."""

    tallies: Sequence[RejectTally]
    rows: Sequence[Quarantined]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejects:
    """Reads quarantine and writes nothing."""

    database: Database
    quarantine: Quarantine
    runs: Runs
    trying: TryingReplays
    masking: Masking

    def of_run(self, caller: Caller, run_id: str, wanted: Wanted, *, after: str | None, limit: int) -> RejectPage:
        """Rows that a run rejected; of a replay, those of the run whose rows it replays. Raises NotFound, LakeError."""
        caller.may(Permission.VIEW_DATA)
        run = self.runs.get(caller, run_id)
        wanted = replace(wanted, run_id=run.replays or run.id)
        return self._page(caller, run.dataset_id, wanted, after=after, limit=limit)

    def of_dataset(
        self, caller: Caller, dataset_id: str, wanted: Wanted, *, after: str | None, limit: int
    ) -> RejectPage:
        """Rows that all runs into a dataset rejected. Raises NotFound, LakeError."""
        caller.may(Permission.VIEW_DATA)
        return self._page(caller, dataset_id, wanted, after=after, limit=limit)

    def tried(self, caller: Caller, run_id: str, chosen: Wanted) -> ReplayTrial:
        """What a replay of the chosen rows would do.

        Raises NotFound, UnknownFlow, NotReplayable, BadMapping, LakeError.
        """
        for permission in (Permission.VIEW_SOURCES, Permission.RUN):
            caller.may(permission)
        run, flow = self.runs.replayable(caller, run_id)
        return self.trying.replay_trial(flow, run, chosen)

    def _page(self, caller: Caller, dataset_id: str, wanted: Wanted, *, after: str | None, limit: int) -> RejectPage:
        caller.may(Permission.VIEW_SOURCES)
        table = self.database.datasets.get(caller.scope, dataset_id).quarantine
        # One more than asked for tells whether there is a next page.
        rows = self.quarantine.page(table, wanted, after=after, limit=limit + 1) if limit else ()
        shown = rows[:limit]
        return RejectPage(
            tallies=self.quarantine.tallies(table, wanted),
            rows=self.masking.rejects(caller, dataset_id, shown),
            next=shown[-1].id if len(rows) > len(shown) else None,
        )

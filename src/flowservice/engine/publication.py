"""Publishing what a run staged: rows into the dataset, rejects into quarantine, each once whatever happens."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow as pa

from flowservice.domain.dataset import SYSTEM_COLUMN, Dataset, TableRef
from flowservice.domain.run import Run, RunError
from flowservice.domain.staging import Part, run_folder
from flowservice.domain.write_mode import BESIDE, WriteMode
from flowservice.engine.landing import QUARANTINE, VERSION_COLUMN
from flowservice.engine.outcome import Totals
from flowservice.engine.patience import Patience
from flowservice.errors import Error, LakeError, LakeUnavailable, OutcomeUnknown, Transient
from flowservice.ports.lake import RUN_NOTE, Earlier, Lake, Versions

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Commits of one run."""

    run: Run
    dataset: Dataset
    lake: Lake
    patience: Patience
    mode: WriteMode = BESIDE
    earlier: Earlier | None = None
    """Of a replay: the rows of the dataset that give way to rows with the same key; None: all of them do."""

    def superseded(self, totals: Totals) -> int:
        """How many of the rows to publish are older versions of others. Raises LakeError."""
        if not self.mode.is_upsert:
            return 0
        staged = self._versions(totals.data)
        return self.patience.repeated(lambda: self.lake.superseded(self.dataset.table, staged))

    def passed_over(self, totals: Totals) -> int:
        """Once published: how many of the rows did not go out, since the dataset has newer ones. Raises LakeError."""
        if not self.mode.is_upsert:
            return 0
        change = self.patience.outlasting(
            LakeUnavailable, lambda: self.lake.change(self.dataset.table, {RUN_NOTE: self.run.id})
        )
        if change is None:
            raise LakeError(
                "the table's log does not know the commit of the run", advice="Look at the table's history."
            )
        return totals.counts.written - change.inserted - change.updated

    def publish(self, totals: Totals, schema: pa.Schema) -> Sequence[RunError]:
        """Everything into its table. What could not be done after the data was in.

        Raises LakeError while nothing is published.
        """
        data, quarantine = self.dataset.table, self.dataset.quarantine
        self.patience.repeated(lambda: self.lake.prepare(data, schema))
        if totals.rejects:
            # Both tables are ready before the first commit: little is left that could stop the second.
            self.patience.repeated(lambda: self.lake.prepare(quarantine, QUARANTINE))
        if self.mode.is_upsert:
            staged = self._versions(totals.data)
            self.commit(data, partial(self.lake.upsert, data, staged), endless=False)
        else:
            self.commit(data, partial(self.lake.commit, data, totals.data), endless=False)
        try:
            if totals.rejects:
                self.commit(quarantine, partial(self.lake.commit, quarantine, totals.rejects), endless=True)
        except LakeError as error:
            # The rows are published; to call the run failed would invite a second run and double them.
            _LOG.exception("run %s: rejects are not in quarantine", self.run.id)
            return [not_kept(error)]
        return []

    def keep_rejects(self, totals: Totals) -> None:
        """Rejects alone, as diagnostics of a run that publishes nothing. Raises LakeError."""
        if totals.rejects:
            self.patience.repeated(lambda: self.lake.prepare(self.dataset.quarantine, QUARANTINE))
            table = self.dataset.quarantine
            self.commit(table, partial(self.lake.commit, table, totals.rejects), endless=False)

    def sweep(self, keep: Totals | None) -> None:
        """Remove files of the run that no table and none of `keep` names. Never fails: they cost room, no more."""
        for table, parts in (
            # What was upserted is in files of the table's own.
            (self.dataset.table, keep.data if keep and not self.mode.is_upsert else ()),
            (self.dataset.quarantine, keep.rejects if keep else ()),
        ):
            try:
                self.lake.sweep(table, run_folder(self.run.id), parts)
            except LakeError:
                _LOG.warning("run %s: files that nothing refers to could not be removed", self.run.id, exc_info=True)

    def _versions(self, parts: Sequence[Part]) -> Versions:
        untold = frozenset({SYSTEM_COLUMN})  # when a row came says nothing of which one is the last
        return Versions(parts=parts, keys=self.mode.keys, version=VERSION_COLUMN, untold=untold, earlier=self.earlier)

    def commit(self, table: TableRef, commit: Callable[..., bool], *, endless: bool) -> None:
        """Have the run's number committed by `commit`, or find that it was done before.

        Once an outcome is unknown, or with `endless`, there is no giving up on what is transient: nobody may say that
        the run failed while its rows may be in the table.
        """
        failures = 0
        while True:
            try:
                if not commit(app_id=self.run.flow_id, number=self.run.number, note={RUN_NOTE: self.run.id}):
                    self._made_sure(table)
            except (OutcomeUnknown, Transient) as error:
                failures += 1
                endless = endless or isinstance(error, OutcomeUnknown)
                if failures >= self.patience.tries and not endless:
                    raise
                self.patience.wait(failures, error)
            else:
                return

    def _made_sure(self, table: TableRef) -> None:
        """Return if what the table holds already is this run, not a later one of the flow. Raises LakeError."""
        highest = self.lake.committed(table, self.run.flow_id)
        if highest != self.run.number:
            raise LakeError(
                f"run {highest} of the flow is in the table already; nothing of run {self.run.number} was published",
                advice="Run the flow again.",
            )


def not_kept(error: Error) -> RunError:
    """What a run says whose rejects could not be kept."""
    return RunError(code=error.code, message=f"rejected rows were not kept: {error.message}", advice=error.advice)

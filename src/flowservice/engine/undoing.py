"""Taking a run back: its rows out of the dataset, and for an upsert what they replaced back in their place."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from flowservice.domain.dataset import BATCH_COLUMN, BatchStatus, Dataset
from flowservice.domain.query import Condition, Operator
from flowservice.domain.run import Run, RunError
from flowservice.domain.window import Window
from flowservice.domain.write_mode import WriteMode
from flowservice.engine.flow_runs import replays_of
from flowservice.engine.outcome import Done
from flowservice.engine.patience import Patience
from flowservice.engine.pending import reached
from flowservice.engine.plan import Plan, time_of, time_text
from flowservice.engine.publication import Publication
from flowservice.errors import LakeError, LakeUnavailable, NotFound, NotUndoable
from flowservice.ports.database import Database, every
from flowservice.ports.lake import RUN_NOTE, Change, Lake, Marked, Upserted

_LOG: Final = logging.getLogger(__name__)
_REJECTS: Final = "runId"
"""Of quarantine: the run that read a row, whoever replayed it since."""
_TOLD: Final = "batchId"
"""Of quarantine: the batch of the run that says something of a row."""
ROWS_MISSING: Final = "undone-rows-missing"
"""Code of the note of an undo that did not find all rows of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """What an undo does, and the flow's watermark after it."""

    undoes: str
    mode: WriteMode
    """How the run's rows joined the others."""
    rewinds: bool
    """Whether the next run takes the rows of the run's window again."""
    watermark: datetime | None
    clock: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "undoes": self.undoes,
            "keys": list(self.mode.keys),
            "rewinds": self.rewinds,
            "watermark": time_text(self.watermark),
            "clock": time_text(self.clock),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "UndoPlan":
        """The plan that `to_json` wrote."""
        return cls(
            undoes=stored["undoes"],
            mode=WriteMode(keys=tuple(stored["keys"])),
            rewinds=stored["rewinds"],
            watermark=time_of(stored["watermark"]),
            clock=time_of(stored.get("clock")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Plans and makes undos. Every method may be repeated: what was done already is done once."""

    database: Database
    lake: Lake
    patience: Patience

    def planned(self, run: Run) -> UndoPlan:
        """A new plan for an undo whose turn has come. Raises NotUndoable, NotFound, LakeError."""
        undone, dataset = self._undone(run), self._dataset(run)
        if undone.undone_by is not None:
            raise NotUndoable(f"run {undone.id} is undone already", advice="There is nothing left to do.")
        for replay in replays_of(self.database, undone):
            replay.check_unreplayed(undone)
        stored = self.database.progress.plan(undone.id)
        if stored is None:
            raise NotFound(f"the plan of run {undone.id} is gone", advice="Its rows can be deleted by hand alone.")
        plan = Plan.from_json(stored)
        known = self.patience.repeated(lambda: reached(run, dataset, database=self.database, lake=self.lake))
        # Without a watermark of its own, the run moved none; nor did a replay.
        moved = undone.window is not None and plan.watermark is not None and undone.replays is None
        rewinds = moved and not self._is_overtaken(undone)
        return UndoPlan(
            undoes=undone.id,
            mode=plan.mode,
            rewinds=rewinds,
            watermark=_earlier(known.watermark, undone.window) if rewinds else known.watermark,
            # What was written since then need not be late for a window that begins anew.
            clock=None if rewinds else known.clock,
        )

    def take_back(self, run: Run, plan: UndoPlan) -> Done:
        """The rows, and then what was rejected. Raises ChangedSince, EarlierRowsGone, LakeError: nothing is undone."""
        undone, dataset = self._undone(run), self._dataset(run)
        publication = Publication(run=run, dataset=dataset, lake=self.lake, patience=self.patience)
        rows = Marked(column=BATCH_COLUMN, value=undone.batch_id)
        commit: Callable[..., bool] = partial(self.lake.withdraw, dataset.table, rows)
        if plan.mode.is_upsert:
            upserted = Upserted(
                rows=rows,
                keys=plan.mode.keys,
                note={RUN_NOTE: undone.id},
                withdrawn=frozenset(self._withdrawn(dataset)),
            )
            commit = partial(self.lake.restore, dataset.table, upserted)
        publication.commit(dataset.table, commit, endless=False)
        # From here on nothing may fail it any more: the rows are gone.
        notes = list(self._without_rejects(undone, dataset, publication))
        change = self._change(run, dataset)
        if change is None:
            return Done(notes=notes)
        # An upsert is taken back as a whole or not at all.
        if not plan.mode.is_upsert:
            notes += _missing(undone, change)
        return Done(notes=notes, deleted=change.deleted - change.inserted, restored=change.inserted)

    def _without_rejects(self, undone: Run, dataset: Dataset, publication: Publication) -> Iterator[RunError]:
        """Take the rejected rows out of quarantine; what could not be done.

        Of a replay, only what it said of them goes: they wait again as they did before it.
        """
        if not undone.counts.rejected and undone.replays is None:
            return
        table = dataset.quarantine
        rejects = Marked(column=_REJECTS, value=undone.id)
        if undone.replays is not None:
            rejects = Marked(column=_TOLD, value=undone.batch_id)
        try:
            known = self.patience.outlasting(LakeUnavailable, lambda: self.lake.committed(table, undone.flow_id))
            if known is not None:
                publication.commit(table, partial(self.lake.withdraw, table, rejects), endless=True)
        except LakeError as error:
            _LOG.exception("run %s: rejects are still in quarantine", publication.run.id)
            message = f"rejected rows are still in quarantine: {error.message}"
            yield RunError(code=error.code, message=message, advice=error.advice)

    def _change(self, run: Run, dataset: Dataset) -> Change | None:
        """What the undo did to the dataset; None if the log cannot be asked."""
        try:
            return self.patience.outlasting(
                LakeUnavailable, lambda: self.lake.change(dataset.table, {RUN_NOTE: run.id})
            )
        except LakeError:
            _LOG.exception("run %s: its rows cannot be counted", run.id)
            return None

    def _undone(self, run: Run) -> Run:
        return self.database.runs.find(run.undoes or "")

    def _dataset(self, run: Run) -> Dataset:
        return self.database.datasets.get(run.stamp.scope, run.dataset_id)

    def _is_overtaken(self, undone: Run) -> bool:
        """Whether rows beyond the beginning of its window are in the lake by another run: they would land twice."""
        others = (other for other in self._runs_after(undone, self._first(undone)) if other.id != undone.id)
        return any(
            other.has_rows
            and (other.window is None or undone.window is None or undone.window.onward.overlaps(other.window))
            for other in others
        )

    def _first(self, undone: Run) -> int:
        """The number of the run that had the window first: earlier ones took what lies before it."""
        if undone.root_id is None:
            return undone.number
        try:
            return self.database.runs.find(undone.root_id).number
        except NotFound:
            return 0

    def _runs_after(self, undone: Run, number: int) -> Iterator[Run]:
        conditions = (
            Condition(path=("flow_id",), operator=Operator.EQ, values=(undone.flow_id,)),
            Condition(path=("number",), operator=Operator.GT, values=(str(number),)),
        )
        return every(self.database.runs, undone.stamp.scope, conditions)

    def _withdrawn(self, dataset: Dataset) -> Iterator[str]:
        """Batches of the dataset whose rows were taken back: none of them comes back by way of another undo."""
        conditions = (
            Condition(path=("dataset_id",), operator=Operator.EQ, values=(dataset.id,)),
            Condition(path=("state",), operator=Operator.EQ, values=(BatchStatus.INACTIVE.value,)),
        )
        return (batch.id for batch in every(self.database.batches, dataset.stamp.scope, conditions))


def _missing(undone: Run, change: Change) -> Iterator[RunError]:
    missing = undone.counts.written - change.deleted
    if missing > 0:
        yield RunError(
            code=ROWS_MISSING,
            message=f"{missing} of the {undone.counts.written} rows that run {undone.id} landed were not in the "
            "dataset any more",
            advice="A later upsert replaced them, or somebody deleted them: look at the table's history.",
        )


def _earlier(reached: datetime | None, window: Window | None) -> datetime | None:
    """The beginning of `window`, unless the flow's next window begins before it anyway; None is the very beginning."""
    start = None if window is None else window.start
    return None if reached is None or start is None else min(reached, start)

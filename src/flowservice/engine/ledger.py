"""What a run writes about itself: the run, its batch, its dataset and its flow, together or not at all."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from flowservice.domain.dataset import Batch, BatchStatus
from flowservice.domain.drift import Change, SourceShape, ToldDrift
from flowservice.domain.flow import Flow, LastRun
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run, RunState
from flowservice.engine.drift import shape_in
from flowservice.engine.outcome import Outcome, Totals
from flowservice.engine.plan import Plan
from flowservice.errors import Conflict, NotFound, Stale
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock

T = TypeVar("T")

_TRIES: Final = 20
"""Of a transaction that another one overtakes."""
_MOST_CHANGES: Final = 50
"""That a run tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Writes the course of runs. Every method may be repeated: what is written already stays."""

    database: Database
    now: Clock

    def has_turn(self, run: Run) -> bool:
        """Whether all earlier runs of the flow have ended.

        Their numbers guard the commits in the lake: after a later one, an earlier one would pass for done.
        """
        unfinished = Query(
            conditions=(
                Condition(path=("flow_id",), operator=Operator.EQ, values=(run.flow_id,)),
                Condition(
                    path=("state",),
                    operator=Operator.EQ,
                    values=(RunState.SCHEDULED.value, RunState.IN_PROGRESS.value),
                ),
            ),
            limit=1000,
        )
        others = self.database.runs.list(run.stamp.scope, unfinished).items
        return all(other.is_waiting or other.number >= run.number for other in others)

    def start(self, run_id: str) -> None:
        """The run is in progress and its batch is loading."""

        def write(database: Database) -> None:
            run = database.runs.find(run_id)
            if run.state is RunState.SCHEDULED:
                database.runs.replace(run, run.moved_to(RunState.IN_PROGRESS, at=self.now()))
            self._move_batch(database, run, BatchStatus.LOADING, tags=self._tags(database, run))

        self._write(write)

    def has_planned(self, run_id: str, plan: Plan) -> None:
        """The run takes the rows of the plan's window, and its flow knows the columns that were seen."""

        def write(database: Database) -> None:
            run, drift = database.runs.find(run_id), plan.drift[:_MOST_CHANGES]
            window = plan.window or run.window
            is_new = run.planned_at is None or (run.window, run.drift) != (window, drift)
            if is_new and not run.has_ended:
                at = self.now()
                # Of a run that was cut off it stays the first time: what it plans is kept.
                told = replace(run, window=window, drift=drift, planned_at=run.planned_at or at)
                database.runs.replace(run, replace(told, stamp=run.stamp.moved(None, at=at)))
            if plan.seen:
                self._learn(database, run, plan)

        self._write(write)

    def _learn(self, database: Database, run: Run, plan: Plan) -> None:
        try:
            database.flows.get(run.stamp.scope, run.flow_id)
        except NotFound:
            return
        known, at = shape_in(database, run.stamp.scope, run.flow_id), self.now()
        before = known or SourceShape(id=run.flow_id, stamp=Stamp.of_service(run.stamp.scope, at=at))
        told = None
        if plan.drift and (before.told is None or before.told.run_id != run.id):
            told = ToldDrift(changes=plan.drift[:_MOST_CHANGES], run_id=run.id, at=at)
        learned = before.learned(plan.seen, plan.drift, reads=plan.reads, told=told)
        if known is None:
            try:
                database.source_shapes.add(learned)
            except Conflict:
                # Another process works on the same run, or on another one of the flow.
                raise Stale("the columns of the source became known meanwhile") from None
        elif learned != known:
            database.source_shapes.replace(known, replace(learned, stamp=known.stamp.moved(None, at=at)))

    def hold(self, run: Run, held: Sequence[Change], *, reason: str) -> None:
        """The flow of the run holds these changes for review; the run reads nothing."""

        def write(database: Database) -> None:
            known, at = database.source_shapes.get(run.stamp.scope, run.flow_id), self.now()
            holding = known.holding(held, run_id=run.id, at=at, reason=reason)
            database.source_shapes.replace(known, replace(holding, stamp=known.stamp.moved(None, at=at)))
            found = database.runs.find(run.id)
            if found.drift != (drift := tuple(held[:_MOST_CHANGES])) and not found.has_ended:
                database.runs.replace(found, replace(found, drift=drift, stamp=found.stamp.moved(None, at=at)))

        self._write(write)

    def has_planned_undo(self, run_id: str, *, rewinds: bool) -> None:
        """Whether the next run of the flow takes the rows again that this one takes back."""

        def write(database: Database) -> None:
            run = database.runs.find(run_id)
            if run.rewinds is not rewinds and not run.has_ended:
                database.runs.replace(run, replace(run, rewinds=rewinds, stamp=run.stamp.moved(None, at=self.now())))

        self._write(write)

    def has_read(self, run_id: str, totals: Totals) -> None:
        """Everything is read; the batch is being promoted."""

        def write(database: Database) -> None:
            run = database.runs.find(run_id)
            if run.read_completed_at is None and not run.has_ended:
                at = self.now()
                new = replace(run, read_completed_at=at, counts=totals.counts, stamp=run.stamp.moved(None, at=at))
                database.runs.replace(run, new)
                self._move_batch(database, run, BatchStatus.STAGING)

        self._write(write)

    def close(self, run_id: str, outcome: Outcome) -> Run:
        """The run has ended, and its batch, dataset and flow tell it; so does the run that it undid."""

        def write(database: Database) -> Run:
            run = database.runs.find(run_id)
            if run.has_ended:
                return run
            ended = replace(
                run.moved_to(outcome.state, at=self.now()),
                started_at=run.started_at or self.now(),
                counts=outcome.totals.counts,
                warnings=outcome.totals.warnings,
                rejections=outcome.totals.rejections,
                skipped=outcome.totals.skipped,
                errors=outcome.errors,
            )
            database.runs.replace(run, ended)
            if run.undoes is not None and outcome.has_landed:
                self._tell_undone(database, run.undoes, by=ended)
            diagnostics = self._tell_flow_and_dataset(database, ended, landed=outcome.has_landed)
            self._move_batch(
                database,
                ended,
                BatchStatus.SUCCESS if outcome.has_landed else BatchStatus.FAILED,
                metrics=outcome.batch_metrics(),
                errors=outcome.batch_errors(diagnostics=diagnostics),
                completed_at=ended.completed_at,
            )
            return ended

        return self._write(write)

    def _tell_undone(self, database: Database, run_id: str, *, by: Run) -> None:
        """The run and its batch tell that their rows were taken back. They stay what they ended as."""
        at = self.now()
        undone = database.runs.find(run_id)
        database.runs.replace(undone, replace(undone, undone_by=by.id, stamp=undone.stamp.moved(None, at=at)))
        with suppress(NotFound):
            batch = database.batches.get(undone.stamp.scope, undone.batch_id)
            inactive = replace(batch, status=BatchStatus.INACTIVE, stamp=batch.stamp.moved(None, at=at))
            database.batches.replace(batch, inactive)

    def _tell_flow_and_dataset(self, database: Database, run: Run, *, landed: bool) -> bool:
        """Write what they show of their newest run; whether either wants error diagnostics. Both may be gone."""
        scope = run.stamp.scope
        wanted = False
        try:
            flow = database.flows.get(scope, run.flow_id)
            shown = LastRun(
                id=run.id,
                state=run.state.value,
                started_at=run.started_at or self.now(),
                completed_at=run.completed_at or self.now(),
            )
            database.flows.replace(flow, flow.ended(shown))
            wanted = _wants_diagnostics(flow)
        except NotFound:
            pass
        try:
            dataset = database.datasets.get(scope, run.dataset_id)
            database.datasets.replace(dataset, dataset.received(run.batch_id, landed=landed))
            wanted = wanted or dataset.enable_error_diagnostics
        except NotFound:
            pass
        return wanted

    def _move_batch(self, database: Database, run: Run, status: BatchStatus, **changes: Any) -> None:
        """The run's batch in `status`. It is made where nobody did; one that has ended is left alone."""
        scope, at = run.stamp.scope, self.now()
        try:
            batch = database.batches.get(scope, run.batch_id)
        except NotFound:
            batch = Batch(
                id=run.batch_id,
                stamp=Stamp(scope=scope, created=run.stamp.created, updated=run.stamp.created),
                dataset_id=run.dataset_id,
                flow_id=run.flow_id,
                run_id=run.id,
            )
            database.batches.add(batch)
        if batch.status in (BatchStatus.SUCCESS, BatchStatus.FAILED, BatchStatus.INACTIVE):
            return
        new = replace(
            batch,
            status=status,
            started_at=batch.started_at or at,
            stamp=batch.stamp.moved(None, at=at),
            **changes,
        )
        database.batches.replace(batch, new)

    def _tags(self, database: Database, run: Run) -> dict[str, tuple[str, ...]]:
        """What the batch tells of the flow's options, besides what it says already."""
        scope = run.stamp.scope
        tags: dict[str, tuple[str, ...]] = {"flowId": (run.flow_id,)}
        with suppress(NotFound):
            flow = database.flows.get(scope, run.flow_id)
            tags["acp_enableErrorDiagnostics"] = (str(_wants_diagnostics(flow)).lower(),)
            tags["acp_partialIngestionPercent"] = (f"{flow.tolerated_percent:g}",)
        with suppress(NotFound):
            tags |= database.batches.get(scope, run.batch_id).tags
        return tags

    def _write(self, write: Callable[[Database], T]) -> T:
        """One transaction, repeated with fresh reads when another change came between."""
        for _ in range(_TRIES - 1):
            try:
                with self.database.transaction() as database:
                    return write(database)
            except Stale:
                continue
        with self.database.transaction() as database:
            return write(database)


def _wants_diagnostics(flow: Flow) -> bool:
    # Partial ingestion without diagnostics would hide what it leaves out.
    return bool(flow.options.get("errorDiagnosticsEnabled")) or flow.tolerated_percent > 0

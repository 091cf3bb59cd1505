"""A run from its first to its last step. Kill the process anywhere: a replay ends the same."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Semaphore
from typing import Any, Final, TypeAlias, TypeVar

import pyarrow as pa

from flowservice.domain.dataset import Dataset
from flowservice.domain.run import Run, RunError, RunState
from flowservice.domain.write_mode import BESIDE
from flowservice.engine.landing import data_schema
from flowservice.engine.ledger import Ledger
from flowservice.engine.outcome import Done, Outcome, Totals
from flowservice.engine.patience import Patience
from flowservice.engine.plan import Plan, Route
from flowservice.engine.planning import Planning
from flowservice.engine.publication import Publication, not_kept
from flowservice.engine.reject_limit import RejectLimit
from flowservice.engine.replaying import Replaying, taken
from flowservice.engine.row_mapper import MapperFor
from flowservice.engine.split import SplitReader
from flowservice.engine.split_runner import SplitRunner, ThreadSplits
from flowservice.engine.standing import Reading, Standing
from flowservice.engine.stealing import Attempts
from flowservice.engine.step import PartLimits
from flowservice.engine.undoing import Undoing, UndoPlan
from flowservice.engine.windowing import Selected
from flowservice.errors import Error, LakeUnavailable, NotFound, Stale, StoreUnavailable
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.ports.quarantine import Quarantine
from flowservice.ports.runtime import AddingColumns, Clock, Interrupted, LabellingTables, Sources, Steps
from flowservice.sdk import Source

_LOG: Final = logging.getLogger(__name__)
_TURN_POLL_S: Final = 0.5

T = TypeVar("T")


Work: TypeAlias = Callable[[str], Done]
"""A step on a run id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Executes runs, from any thread. Dials a source only within `execute`."""

    database: Database
    lake: Lake
    quarantine: Quarantine
    sources: Sources
    mapper_for: MapperFor
    now: Clock
    adding: AddingColumns
    labelling: LabellingTables
    splits: SplitRunner = field(default_factory=ThreadSplits)
    limits: PartLimits = field(default_factory=PartLimits)
    patience: Patience = field(default_factory=Patience)
    places: Semaphore = field(default_factory=lambda: Semaphore(4))
    """How many runs work at a time. One that waits for an earlier run of its flow takes none."""
    window_lag: timedelta = timedelta(minutes=2)
    """How far a window's end stays behind the source's clock."""
    most_minutes: int = 7 * 24 * 60
    """How long a run may read at a time. A process that goes on with it counts anew."""

    def execute(self, run_id: str, steps: Steps) -> None:
        """Bring the run to its end, whatever that is. Raises Interrupted when the process stops."""
        try:
            run = self._with_store(lambda: self.database.runs.find(run_id))
        except NotFound:
            _LOG.warning("run %s was removed before it began", run_id)
            return
        if run.has_ended:
            self._with_store(lambda: self._sweep(run))
            return
        standing = Standing(run=run, database=self.database)
        while self._with_store(standing.is_good) and not self._with_store(lambda: self._ledger.has_turn(run)):
            self.patience.keep_going()
            self.patience.sleep(_TURN_POLL_S)
        with self._place(standing):
            outcome: dict[str, Any] = {}
            for name, work in self._works(run):
                outcome = steps.run(name, partial(_reported, partial(self._repeated, work), run_id))
                if outcome["failed"]:
                    break
            self._close(run, steps, outcome)

    def _repeated(self, work: Work, run_id: str) -> Done:
        return self._with_store(lambda: work(run_id))

    def _with_store(self, call: Callable[[], T]) -> T:
        """The result of `call`, which may be repeated. A run outlasts its store: without it nobody can say how it ends,
        and what it did already may not be called a failure."""
        return self.patience.outlasting(StoreUnavailable, call)

    @contextmanager
    def _place(self, standing: Standing) -> Iterator[None]:
        """One of the places; none for a run that may not go on: it has only to say so."""
        while not self.places.acquire(timeout=_TURN_POLL_S):
            self.patience.keep_going()
            if not self._with_store(standing.is_good):
                yield
                return
        try:
            self.patience.keep_going()
            yield
        finally:
            self.places.release()

    def _works(self, run: Run) -> tuple[tuple[str, Work], ...]:
        start = ("start", self._start)
        if run.undoes is not None:
            return start, ("plan", self._plan_undo), ("commit", self._take_back)
        if run.replays is not None:
            return start, ("plan", self._plan_replay), ("read", self._read_again), ("commit", self._commit_replay)
        return start, ("plan", self._plan), ("read", self._read), ("commit", self._commit)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(database=self.database, now=self.now)

    def _start(self, run_id: str) -> Done:
        self._ledger.start(run_id)
        return Done()

    def _plan(self, run_id: str) -> Done:
        run, patience = self._standing(run_id, reads=True)
        planning = Planning(
            database=self.database,
            lake=self.lake,
            sources=self.sources,
            mapper_for=self.mapper_for,
            now=self.now,
            window_lag=self.window_lag,
            adding=self.adding,
            labelling=self.labelling,
            patience=patience,
        )
        self._ledger.has_planned(run_id, planning.plan(run))
        return Done()

    def _read(self, run_id: str) -> Done:
        # Another process that reads the same run has taken over a split: it may be about to die, or to end the run.
        return self.patience.outlasting(Stale, partial(self._read_on, run_id))

    def _read_on(self, run_id: str) -> Done:
        """Read what is not read yet. Raises Stale if another process does, too."""
        run, patience = self._standing(run_id, reads=True)
        plan = self._plan_of(run_id)
        route = Route.of(run, self.database, plan)
        with route.opened(self.database, self.sources) as source:
            self._stage(run, plan, route, source, patience)
        return Done()

    def _stage(
        self,
        run: Run,
        plan: Plan,
        route: Route,
        source: Source,
        patience: Patience,
        choose: Callable[[pa.RecordBatch], Selected] | None = None,
    ) -> None:
        known = self.database.progress.splits(run.id)
        reader = SplitReader(
            run=run,
            plan=plan,
            dataset=route.dataset,
            source=source,
            mapper=route.mapper(plan.mapping_version, self.mapper_for, plan.mode),
            lake=self.lake,
            progress=self.database.progress,
            now=self.now,
            limits=self.limits,
            patience=patience,
            attempts=Attempts(source=source, store=self.database.progress, plan=plan),
            limit=RejectLimit(most=plan.most_rejected, counted={one.number: one.rejected for one in known}),
            choose=choose,
        )
        reader.limit.check()
        self.splits.run([partial(reader.stage, split) for split in plan.unread(known)], reader.more)
        if unread := plan.unread(self.database.progress.splits(run.id)):
            raise RuntimeError(f"splits were left unread: {[split.number for split in unread]}")
        self._ledger.has_read(run.id, self._totals(run.id))

    def _commit(self, run_id: str) -> Done:
        # By the plan alone, whatever became of the flow: a replay may find the rows published, and has to say so.
        run = self.database.runs.find(run_id)
        scope, plan = run.stamp.scope, self._plan_of(run_id)
        dataset = self.database.datasets.get(scope, run.dataset_id)
        self._check_unless_done(run, dataset)
        totals = self._totals(run_id)
        totals.counts.balanced()
        publication = Publication(run=run, dataset=dataset, lake=self.lake, patience=self.patience, mode=plan.mode)
        totals.tolerable(self._tolerated(run, plan), plan.most_rejected)
        mapping_set = self.database.mapping_sets.get(scope, plan.mapping_id)
        mapper = self.mapper_for(mapping_set, plan.mapping_version, dataset, plan.mode.keys)
        # Before they are published, and again after a crash: the staged rows are there until the run has ended.
        superseded = publication.superseded(totals)
        return Done(notes=publication.publish(totals, data_schema(mapper.schema)), superseded=superseded)

    def _tolerated(self, run: Run, plan: Plan) -> float:
        """The share of rejected rows, in percent, up to which the run publishes."""
        if plan.tolerated_percent is not None:
            return plan.tolerated_percent
        try:
            return self.database.flows.get(run.stamp.scope, run.flow_id).tolerated_percent
        except NotFound:
            return 0.0

    def _plan_replay(self, run_id: str) -> Done:
        run, patience = self._standing(run_id)
        if self._kept_plan(run_id) is None:
            self.database.progress.keep_plan(run_id, self._replaying.planned(run, patience).to_json())
        return Done()

    def _read_again(self, run_id: str) -> Done:
        run, patience = self._standing(run_id)
        plan, replaying = self._plan_of(run_id), self._replaying
        with closing(replaying.rows(run)) as rows:
            self._stage(run, plan, Route.of(run, self.database, plan), rows, patience, taken)
        return Done()

    def _commit_replay(self, run_id: str) -> Done:
        # Not to be stopped halfway: a replay of this step may find the rows published, and has to say so.
        run = self.database.runs.find(run_id)
        scope, plan, totals = run.stamp.scope, self._plan_of(run_id), self._totals(run_id)
        dataset = self.database.datasets.get(scope, run.dataset_id)
        self._check_unless_done(run, dataset)
        totals.counts.balanced()
        publication = Publication(
            run=run,
            dataset=dataset,
            lake=self.lake,
            patience=self.patience,
            mode=plan.mode,
            earlier=self._replaying.earlier(run),
        )
        mapping_set = self.database.mapping_sets.get(scope, plan.mapping_id)
        mapper = self.mapper_for(mapping_set, plan.mapping_version, dataset, plan.mode.keys)
        notes = publication.publish(totals, data_schema(mapper.schema))
        return Done(notes=notes, superseded=publication.passed_over(totals))

    @property
    def _replaying(self) -> Replaying:
        return Replaying(database=self.database, lake=self.lake, quarantine=self.quarantine, mapper_for=self.mapper_for)

    def _plan_undo(self, run_id: str) -> Done:
        run, patience = self._standing(run_id)
        if self.database.progress.plan(run_id) is None:
            self.database.progress.keep_plan(run_id, self._undoing(patience).planned(run).to_json())
        self._ledger.has_planned_undo(run_id, rewinds=self._undo_plan_of(run_id).rewinds)
        return Done()

    def _take_back(self, run_id: str) -> Done:
        # Not to be stopped halfway: a replay may find that the rows are gone, and has to say so.
        run = self.database.runs.find(run_id)
        self._check_unless_done(run, self.database.datasets.get(run.stamp.scope, run.dataset_id))
        return self._undoing(self.patience).take_back(run, self._undo_plan_of(run_id))

    def _undoing(self, patience: Patience) -> Undoing:
        return Undoing(database=self.database, lake=self.lake, patience=patience)

    def _standing(self, run_id: str, *, reads: bool = False) -> tuple[Run, Patience]:
        """The run, and a patience that ends when the run has to. Raises Cancelled, NotFound."""
        run = self.database.runs.find(run_id)
        reading = Reading.begun(most_minutes=self.most_minutes) if reads else None
        standing = Standing(run=run, database=self.database, reading=reading)
        standing.check()
        return run, standing.watched(self.patience)

    def _check_unless_done(self, run: Run, dataset: Dataset) -> None:
        """Return if the run may commit, or has done so before its process was killed. Raises Cancelled, LakeError."""
        known = self.patience.outlasting(LakeUnavailable, lambda: self.lake.committed(dataset.table, run.flow_id))
        if known != run.number:
            Standing(run=run, database=self.database).check()

    def _close(self, run: Run, steps: Steps, outcome: dict[str, Any]) -> None:
        keeps = outcome["failed"] and run.reads_source
        # After why it failed, which stays the first error.
        notes = self._with_store(lambda: self._keep_rejects(run.id)) if keeps else []

        def close() -> str:
            totals = self._totals(run.id).without(outcome.get("superseded", 0))  # an earlier version kept none
            if run.undoes is not None:
                totals = totals.taken_back(deleted=outcome.get("deleted", 0), restored=outcome.get("restored", 0))
            errors = [*(RunError(**error) for error in outcome["errors"]), *notes]
            ended = Outcome.failed(totals, errors) if outcome["failed"] else Outcome.published(totals, errors)
            return self._closed(run.id, ended).state.value

        try:
            _LOG.info("run %s ended: %s", run.id, steps.run("close", partial(self._with_store, close)))
            self._with_store(lambda: self._sweep(self.database.runs.find(run.id)))
        except NotFound:
            _LOG.info("run %s was removed together with its sandbox", run.id)

    def _keep_rejects(self, run_id: str) -> Sequence[RunError]:
        """Keep the rejects of a run that publishes nothing, as diagnostics. Why that could not be done: never an error
        of its own, which would hide why the run failed."""
        totals = self._totals(run_id)
        if not totals.rejects:
            return []
        try:
            run = self.database.runs.find(run_id)
            if not self.database.tenancy.is_open(run.stamp.scope):
                # It is being emptied. Whatever else ends a run, its rejects tell something.
                return []
            dataset = self.database.datasets.get(run.stamp.scope, run.dataset_id)
            Publication(run=run, dataset=dataset, lake=self.lake, patience=self.patience).keep_rejects(totals)
        except StoreUnavailable:
            raise
        except Error as error:
            _LOG.warning("run %s: its rejects could not be kept: %s", run_id, error.message)
            return [not_kept(error)]
        return []

    def _closed(self, run_id: str, outcome: Outcome) -> Run:
        """The closed run. Raises Interrupted while the database does not take it: a start tries again."""
        for failures in range(1, self.patience.tries):
            try:
                return self._with_store(lambda: self._ledger.close(run_id, outcome))
            except NotFound:
                raise
            # Also the driver's own errors: a run that is published must not end as anything else.
            except Exception as error:  # noqa: BLE001
                _LOG.warning("run %s could not be closed yet", run_id, exc_info=True)
                self.patience.wait(failures, error)
        raise Interrupted

    def _sweep(self, run: Run) -> None:
        """Remove what an ended run left behind: files of attempts that were cut off, or all of a failed run's."""
        if run.undoes is not None:
            # It stages nothing.
            return
        try:
            dataset = self.database.datasets.get(run.stamp.scope, run.dataset_id)
        except NotFound:
            return
        plan = self._kept_plan(run.id)
        keep = None if run.state is RunState.FAILED else self._totals(run.id)
        mode = BESIDE if plan is None else plan.mode
        Publication(run=run, dataset=dataset, lake=self.lake, patience=self.patience, mode=mode).sweep(keep)

    def _totals(self, run_id: str) -> Totals:
        return Totals.of(self.database.progress.splits(run_id))

    def _kept_plan(self, run_id: str) -> Plan | None:
        stored = self.database.progress.plan(run_id)
        return None if stored is None else Plan.from_json(stored)

    def _plan_of(self, run_id: str) -> Plan:
        """The plan of a run that was planned."""
        plan = self._kept_plan(run_id)
        if plan is None:
            raise NotFound(f"the plan of run {run_id} is gone", advice="Run the flow again.")
        return plan

    def _undo_plan_of(self, run_id: str) -> UndoPlan:
        """The plan of an undo that was planned."""
        stored = self.database.progress.plan(run_id)
        if stored is None:
            raise NotFound(f"the plan of run {run_id} is gone", advice="Undo the run again.")
        return UndoPlan.from_json(stored)


def _reported(work: Work, run_id: str) -> dict[str, Any]:
    """What the step `work` came to, as JSON: an error is a result like others, and a replay finds it again."""
    failed = True
    try:
        done, failed = work(run_id), False
    except Error as error:
        _LOG.warning("run %s: %s: %s", run_id, error.code, error.message)
        done = Done(notes=[RunError(code=error.code, message=error.message, advice=error.advice)])
    # Whatever it is, the run must end and say so.
    except Exception:  # noqa: BLE001
        _LOG.exception("run %s failed by a defect of the service", run_id)
        message = "the service failed on its own side"
        advice = "Its log holds the details under the run's id; please report them."
        done = Done(notes=[RunError(code=Error.code, message=message, advice=advice)])
    return {
        "failed": failed,
        "errors": [{"code": one.code, "message": one.message, "advice": one.advice} for one in done.notes],
        "superseded": done.superseded,
        "deleted": done.deleted,
        "restored": done.restored,
    }

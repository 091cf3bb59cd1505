"""Runs: started on demand, when due, or again; and read."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar

from flowservice.domain.dataset import Batch
from flowservice.domain.flow import Flow, Operation
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Condition, Operator, Page, Query
from flowservice.domain.resource import Mark, Stamp
from flowservice.domain.run import Run, RunError, RunState
from flowservice.domain.run_params import RunParams
from flowservice.domain.staging import read_so_far
from flowservice.errors import (
    ConnectorRunsNot,
    EmptyFlowId,
    Error,
    NoConnector,
    NotFound,
    NotOnDemand,
    NotRetriable,
    RunNotCreated,
    RunsAreManaged,
    Stale,
    UnknownFlow,
)
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids, RunQueue
from flowservice.service.delta_columns import DeltaColumns, same_column
from flowservice.service.readable import Readable

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)

_TRIES: Final = 5
_DUE_AT_ONCE: Final = 100
_MOST_RUNS: Final = 1_000
_LANDED: Final = frozenset({RunState.SUCCESS, RunState.PARTIAL_SUCCESS})


@dataclass(frozen=True, slots=True)
class Runs(Readable[Run]):
    """Writes runs and queues them, in one transaction each."""

    database: Database
    queue: RunQueue
    now: Clock
    ids: Ids
    delta_columns: DeltaColumns

    @property
    def store(self) -> Store[Run]:
        """Where they live."""
        return self.database.runs

    def create(self, caller: Caller, *, flow_id: str, params: Mapping[str, Any]) -> Run:
        """A run of a flow on demand: queued now, or waiting for `params.startTime`. Without a window it takes all rows.

        Raises EmptyFlowId, UnknownFlow, FlowDisabled, NotOnDemand, ConnectorRunsNot, RunNotCreated, BadRunParams,
        BadWindow, RunNeedsDeltaColumn, DeltaColumnDiffers, UnknownColumn, DeltaColumnHasNoTimes, SourceError.
        """
        caller.may(Permission.RUN)
        if not flow_id:
            raise EmptyFlowId("flowId is missing", advice="Send the id of the flow to run.")
        asked = RunParams.of(params)
        self._check_column(self._on_demand(caller, flow_id), asked)

        def launch() -> Run:
            flow, at = self._on_demand(caller, flow_id), self.now()
            run = replace(self._made(flow, Stamp.first(caller, at=at)), params=params)
            moved = flow
            if asked.delta_column is not None:
                same_column(flow.delta_column, asked.delta_column)
                if flow.delta_column is None:
                    moved = flow.keeping(asked.delta_column).noted(Operation.UPDATE, at=at)
                    moved = replace(moved, stamp=flow.stamp.moved(caller, at=at))
            run = replace(run, window=asked.window(moved.delta_column))
            if asked.starts_at is not None and asked.starts_at > at:
                return self._waiting(flow, moved, replace(run, starts_at=asked.starts_at))
            return self._queued(flow, moved.counted(), run)

        return _repeated(launch)

    def repeat(self, caller: Caller, run: Run) -> Run:
        """A new run over the window of one that failed or landed nothing.

        Raises NotRetriable, UnknownFlow, FlowDisabled, RunNotCreated.
        """
        caller.may(Permission.RUN)
        landed_nothing = run.state is RunState.SUCCESS and run.counts.written == 0
        if run.state is not RunState.FAILED and not landed_nothing:
            raise NotRetriable(
                f"run {run.id} is {run.state.value} and cannot be run again",
                advice="Only a failed run, or a successful one that ingested no record, can.",
            )

        def launch() -> Run:
            flow, at = self._flow(caller, run.flow_id), self.now()
            root_id = run.root_id or run.id
            self._check_not_covered(flow, run, root_id)
            again = replace(
                self._made(flow, Stamp.first(caller, at=at)),
                params=run.params,
                slot_at=run.slot_at,
                window=run.window,
                parent_id=run.id,
                root_id=root_id,
            )
            return self._queued(flow, flow.counted(), again)

        return _repeated(launch)

    def refuse_writing(self, caller: Caller) -> NoReturn:
        """Raises Forbidden, RunsAreManaged."""
        caller.may(Permission.RUN)
        raise RunsAreManaged(
            "a user's token may not manage flow runs", advice="Runs are written by the service; POST /runs makes one."
        )

    def get(self, caller: Caller, resource_id: str) -> Run:
        """With what it has read so far. Raises NotFound."""
        # A class with slots is made twice, and `super()` would speak of the first.
        return self._as_it_stands(Readable.get(self, caller, resource_id))

    def list(self, caller: Caller, query: Query) -> Page[Run]:
        """A page, each as `get` gives it. Raises BadQuery."""
        page = Readable.list(self, caller, query)
        return replace(page, items=[self._as_it_stands(run) for run in page.items])

    def start_due(self) -> int:
        """Queue a run of every flow that is due, and every run whose time has come; how many.

        A slot runs once: the flow moves on in the transaction. After a pause one run stands for all slots that passed.
        """
        at = self.now()
        started = sum(self._due(flow) for flow in self.database.flows.due(at=at, limit=_DUE_AT_ONCE))
        return started + sum(self._come(run) for run in self.database.runs.waiting(at=at, limit=_DUE_AT_ONCE))

    def _due(self, flow: Flow) -> bool:
        """Start the flow's run; whether that was done."""
        mark, at = flow.stamp.created, self.now()
        recurs = flow.schedule.period is not None
        try:
            if recurs and self._has_a_run_in_line(flow):
                # It has not begun, and will take the rows of this slot, too.
                self.database.flows.replace(flow, flow.passed(at=at))
                return False
            stamp = Stamp(scope=flow.stamp.scope, created=replace(mark, at=at), updated=replace(mark, at=at))
            run = self._made(flow, stamp)
            if recurs:
                run = replace(run, slot_at=max(flow.schedule.slot_at(at), flow.next_run_at or at))
            self._queued(flow, flow.started(at=at), run)
        except Stale:
            # Someone changed the flow in between; the next tick sees what became of it.
            return False
        except Error as error:
            # One flow that cannot start must not keep the others from it.
            _LOG.warning("flow %s is due but cannot start: %s", flow.id, error.message)
            return False
        return True

    def _come(self, run: Run) -> bool:
        """Start a run that waited; whether that was done. It fails if its flow is gone or disabled by now."""
        try:
            flow = self.database.flows.get(run.stamp.scope, run.flow_id)
            self._queued(flow, flow.counted(), run, was=run)
        except Stale:
            return False
        except Error as error:
            self._given_up(run, error)
            return False
        return True

    def _given_up(self, run: Run, error: Error) -> None:
        reason = RunError(code=error.code, message=error.message, advice=error.advice)
        failed = replace(run.moved_to(RunState.FAILED, at=self.now()), errors=(reason,))
        # Otherwise another process has done the same.
        with suppress(Stale):
            self.database.runs.replace(run, failed)

    def _has_a_run_in_line(self, flow: Flow) -> bool:
        runs = self._runs_of(flow, ("state",), RunState.SCHEDULED.value)
        return any(run.slot_at is not None and run.parent_id is None for run in runs)

    def _check_not_covered(self, flow: Flow, run: Run, root_id: str) -> None:
        """Return if nobody else has taken the rows of `run`, or is about to: they would land twice."""
        repeats = [other for other in self._runs_of(flow, ("root_id",), root_id) if other.id != run.id]
        if any(not other.has_ended or other.counts.written for other in repeats):
            raise NotRetriable(
                f"run {run.id} was run again already", advice=f"Look at the runs with parentFlowRunId {root_id}."
            )
        if flow.schedule.period is not None and run.state is RunState.FAILED:
            for state in _LANDED:
                if any(other.number > run.number for other in self._runs_of(flow, ("state",), state.value)):
                    raise NotRetriable(
                        f"a later run of the flow has taken the rows of run {run.id}",
                        advice="There is nothing left to do: a window begins where the last one that landed ended.",
                    )

    def _runs_of(self, flow: Flow, path: tuple[str, ...], value: str) -> Sequence[Run]:
        conditions = (
            Condition(path=("flow_id",), operator=Operator.EQ, values=(flow.id,)),
            Condition(path=path, operator=Operator.EQ, values=(value,)),
        )
        return self.database.runs.list(flow.stamp.scope, Query(conditions=conditions, limit=_MOST_RUNS)).items

    def _check_column(self, flow: Flow, asked: RunParams) -> None:
        """Dials the source for a delta column that is new to the flow."""
        if asked.delta_column is not None and flow.delta_column is None:
            source = self.database.source_connections.get(flow.stamp.scope, flow.source.id)
            self.delta_columns.exists(source, asked.delta_column)

    def _on_demand(self, caller: Caller, flow_id: str) -> Flow:
        flow = self._flow(caller, flow_id)
        if flow.schedule.period is not None:
            raise NotOnDemand(
                f"a flow with frequency {flow.schedule.frequency} does not run on demand",
                advice="Only a flow with frequency once does; to run a failed run again, use op=re-trigger.",
            )
        flow.check_enabled()
        try:
            self.delta_columns.specs.connector(flow.source.spec.id)
        except NoConnector as error:
            raise ConnectorRunsNot(error.message, advice=error.advice) from None
        return flow

    def _flow(self, caller: Caller, flow_id: str) -> Flow:
        try:
            return self.database.flows.get(caller.scope, flow_id)
        except NotFound:
            raise UnknownFlow("flow not found with the given id", advice="GET /flows lists the flows.") from None

    def _as_it_stands(self, run: Run) -> Run:
        """A run writes its counts when all is read; until then the parts it has finished tell them."""
        if run.state is not RunState.IN_PROGRESS or run.read_completed_at is not None:
            return run
        return replace(run, counts=read_so_far(self.database.progress.splits(run.id)))

    def _made(self, flow: Flow, stamp: Stamp) -> Run:
        """A run without a number, stored nowhere. Raises RunNotCreated."""
        try:
            target = self.database.target_connections.get(flow.stamp.scope, flow.target.id)
        except NotFound:
            raise RunNotCreated(
                "the run could not be created: the flow's target connection is gone", advice="Create another flow."
            ) from None
        return Run(
            id=self.ids.uuid(),
            stamp=stamp,
            flow_id=flow.id,
            flow_spec=flow.flow_spec,
            source_connection_id=flow.source.id,
            target_connection_id=flow.target.id,
            dataset_id=str(target.params["dataSetId"]),
            number=0,
            batch_id=self.ids.ulid(stamp.created.at),
        )

    def _waiting(self, flow: Flow, moved: Flow, run: Run) -> Run:
        with self.database.transaction() as tx:
            if moved is not flow:
                tx.flows.replace(flow, moved)
            tx.runs.add(run)
        return run

    def _queued(self, flow: Flow, moved: Flow, run: Run, *, was: Run | None = None) -> Run:
        """The run with the number that the flow gives it, and its batch; both stored, and the run in the queue."""
        stamp = run.stamp if was is None else run.stamp.touched()
        numbered = replace(run, number=moved.runs_started, stamp=stamp)
        batch = Batch(
            id=run.batch_id,
            stamp=Stamp(scope=run.stamp.scope, created=_at(run, self.now()), updated=_at(run, self.now())),
            dataset_id=run.dataset_id,
            flow_id=flow.id,
            run_id=run.id,
            tags={"flowId": (flow.id,), "runId": (run.id,)},
        )
        with self.database.transaction() as tx:
            tx.flows.replace(flow, moved)
            if was is None:
                tx.runs.add(numbered)
            else:
                tx.runs.replace(was, numbered)
            tx.batches.add(batch)
            self.queue.enqueue(numbered, tx)
        return numbered


def _repeated(attempt: Callable[[], T]) -> T:
    """The result of `attempt`, tried again where another writer came in between. Raises RunNotCreated."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except Stale:
            time.sleep(0.01)
    raise RunNotCreated("the run could not be created: the flow changes all the time", advice="Try again.")


def _at(run: Run, at: datetime) -> Mark:
    return replace(run.stamp.created, at=at)

"""Runs: started on demand, when due, or again; and read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from flowservice.domain.flow import Flow, Operation
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.quarantine import Wanted
from flowservice.domain.query import Page, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import LANDED, Run, RunError, RunState
from flowservice.domain.run_limits import RunLimits
from flowservice.domain.run_params import RunParams
from flowservice.domain.staging import read_so_far
from flowservice.errors import (
    Cancelled,
    ConnectorRunsNot,
    EmptyFlowId,
    NoConnector,
    NotCancellable,
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
from flowservice.service.contention import repeated
from flowservice.service.delta_columns import DeltaColumns, same_column
from flowservice.service.due_runs import DueRuns
from flowservice.service.launch import UNLIMITED, Launch
from flowservice.service.readable import Readable
from flowservice.service.replay import Replay
from flowservice.service.undo import Undo


@dataclass(frozen=True, slots=True)
class Runs(Readable[Run]):
    """Writes runs and queues them, in one transaction each."""

    database: Database
    queue: RunQueue
    now: Clock
    ids: Ids
    delta_columns: DeltaColumns
    limits: RunLimits = UNLIMITED

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
            run = replace(self._launch.made(flow, Stamp.first(caller, at=at)), params=params)
            moved = flow
            if asked.delta_column is not None:
                same_column(flow.delta_column, asked.delta_column)
                if flow.delta_column is None:
                    moved = flow.keeping(asked.delta_column).noted(Operation.UPDATE, at=at)
                    moved = replace(moved, stamp=flow.stamp.moved(caller, at=at))
            run = replace(run, window=asked.window(moved.delta_column))
            if asked.starts_at is not None and asked.starts_at > at:
                return self._launch.waiting(flow, moved, replace(run, starts_at=asked.starts_at))
            return self._queued(flow, moved, run)

        return _created(launch)

    def run_now(self, caller: Caller, flow_id: str) -> Run:
        """A run of the flow, now: over the whole table where it runs once, else over its next window, out of its turn.

        The slots of a recurring flow stay as they are, and its windows follow each other, whoever starts a run. Where a
        run waits that has not begun, it is that one, for it takes these rows, too.
        Raises EmptyFlowId, UnknownFlow, FlowDisabled, ConnectorRunsNot, RunNotCreated.
        """
        caller.may(Permission.RUN)
        flow = self._flow(caller, flow_id)
        if flow.schedule.period is None:
            return self.create(caller, flow_id=flow_id, params={})

        def launch() -> Run:
            flow, at = self._startable(caller, flow_id), self.now()
            if self.database.runs.with_a_run_in_line([flow.id]):
                scheduled = self._launch.runs_of(flow, ("state",), RunState.SCHEDULED.value)
                waiting = next((run for run in scheduled if run.slot_at is not None and run.parent_id is None), None)
                if waiting is not None:
                    return waiting
            run = self._launch.made(flow, Stamp.first(caller, at=at))
            # What tells it from a run of the schedule, and is what somebody who asks for a run says.
            return self._queued(flow, flow, replace(run, slot_at=at, params={"startTime": int(at.timestamp())}))

        return _created(launch)

    def repeat(self, caller: Caller, run: Run) -> Run:
        """A new run over the window of one that failed, landed nothing, or was undone.

        Raises NotRetriable, UnknownFlow, FlowDisabled, RunNotCreated.
        """
        caller.may(Permission.RUN)
        if run.replays is not None:
            raise NotRetriable(
                f"run {run.id} is a replay and cannot be run again",
                advice=f"Replay the rows that wait once more: POST /v1/runs/{run.replays}/replay.",
            )
        if run.undoes is not None:
            raise NotRetriable(
                f"run {run.id} is an undo and cannot be run again",
                advice=f"Undo the run once more: POST /v1/runs/{run.undoes}/undo.",
            )
        landed_nothing = run.state is RunState.SUCCESS and run.counts.written == 0
        if run.state is not RunState.FAILED and not landed_nothing and run.undone_by is None:
            raise NotRetriable(
                f"run {run.id} is {run.state.value} and cannot be run again",
                advice="Only a failed run, one that was undone, or a successful one that ingested no record, can.",
            )

        def launch() -> Run:
            flow, at = self._flow(caller, run.flow_id), self.now()
            root_id = run.root_id or run.id
            self._check_not_covered(flow, run, root_id)
            again = replace(
                self._launch.made(flow, Stamp.first(caller, at=at)),
                params=run.params,
                slot_at=run.slot_at,
                window=run.window,
                parent_id=run.id,
                root_id=root_id,
            )
            return self._queued(flow, flow, again)

        return _created(launch)

    def cancel(self, caller: Caller, run_id: str) -> Run:
        """The run, told to end. One that waits for its time or for room has ended, another does so in a moment.

        It ends as failed, with nothing published, unless it is publishing already. To ask twice changes nothing.
        Raises NotFound, NotCancellable.
        """
        caller.may(Permission.RUN)

        def cancel() -> Run:
            run = self.database.runs.get(caller.scope, run_id)
            if run.has_ended:
                back = f"To take its rows out of the dataset again: POST /v1/runs/{run.id}/undo."
                raise NotCancellable(
                    f"run {run.id} has ended already: {run.state.value}",
                    advice=back if run.has_rows else "There is nothing left to do.",
                )
            if run.cancelled_by is not None:
                return run
            told = replace(run, cancelled_by=caller.user_id, stamp=run.stamp.moved(caller, at=self.now()))
            if run.is_waiting:
                reason = RunError(
                    code=Cancelled.code,
                    message=f"the run was cancelled by {caller.user_id} before it began",
                    advice="POST /runs makes another one.",
                )
                ended = run.moved_to(RunState.FAILED, at=self.now())
                told = replace(ended, cancelled_by=caller.user_id, stamp=told.stamp, errors=(reason,))
            self.database.runs.replace(run, told)
            return told

        return repeated(cancel)

    def undo(self, caller: Caller, run_id: str) -> Run:
        """A new run that takes the rows of a run out of its dataset again.

        Raises NotFound, NotUndoable, UnknownFlow, RunNotCreated.
        """
        caller.may(Permission.RUN)
        undo = Undo(self._launch)

        def launch() -> Run:
            run = self.get(caller, run_id)
            return undo.queued(caller, self._flow(caller, run.flow_id), run)

        return _created(launch)

    def replay(self, caller: Caller, run_id: str, chosen: Wanted) -> Run:
        """A new run that replays the chosen ones of the rows that a run rejected.

        Raises NotFound, NotReplayable, UnknownFlow, RunNotCreated.
        """
        caller.may(Permission.RUN)
        replay = Replay(self._launch)

        def launch() -> Run:
            run = self.get(caller, run_id)
            return replay.queued(caller, self._flow(caller, run.flow_id), run, chosen)

        return _created(launch)

    def replayable(self, caller: Caller, run_id: str) -> tuple[Run, Flow]:
        """A run whose rejected rows can be replayed, and its flow. Raises NotFound, NotReplayable, UnknownFlow."""
        run = self.get(caller, run_id)
        Replay(self._launch).check(run)
        return run, self._flow(caller, run.flow_id)

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
        """Queue a run of every flow that is due, and every run whose time has come; how many."""
        return DueRuns(self._launch).start()

    @property
    def _launch(self) -> Launch:
        return Launch(self.database, self.queue, self.now, self.ids, self.limits)

    def _queued(self, flow: Flow, moved: Flow, run: Run) -> Run:
        """The run in the queue; where as many flows are at work as may be, waiting for room."""
        queued = self._launch.queued_with_room(flow, moved.counted(), run)
        return queued or self._launch.waiting(flow, moved, replace(run, starts_at=self.now()))

    def _check_not_covered(self, flow: Flow, run: Run, root_id: str) -> None:
        """Return if nobody else has taken the rows of `run`, or is about to: they would land twice."""
        repeats = [other for other in self._launch.runs_of(flow, ("root_id",), root_id) if other.id != run.id]
        if any(not other.has_ended or other.has_rows for other in repeats):
            raise NotRetriable(
                f"run {run.id} was run again already", advice=f"Look at the runs with parentFlowRunId {root_id}."
            )
        if flow.schedule.period is None:
            for state in (*LANDED, RunState.SCHEDULED, RunState.IN_PROGRESS):
                others = (other for other in self._launch.runs_of(flow, ("state",), state.value) if other.id != run.id)
                same = next((other for other in others if _has_rows_of(run, other)), None)
                if same is not None:
                    raise NotRetriable(
                        f"run {same.id} of the flow takes, or has taken, rows of run {run.id}",
                        advice="What is missing, run by POST /runs with a window of its own.",
                    )
        else:
            self._check_not_overtaken(flow, run)

    def _check_not_overtaken(self, flow: Flow, run: Run) -> None:
        """Return if no window of the recurring flow, past or to come, has the rows of `run`. Raises NotRetriable."""
        later = [undo for undo in self._launch.undos_of(flow) if undo.number > run.number]
        if run.window is not None:
            for undo in later:
                if not undo.has_ended:
                    raise NotRetriable(
                        f"run {undo.id} is undoing another run of the flow", advice="Try again once it has ended."
                    )
                if (
                    undo.state in LANDED
                    and undo.rewinds
                    and undo.window is not None
                    and undo.window.onward.overlaps(run.window)
                ):
                    raise NotRetriable(
                        f"the next run of the flow takes the rows of run {run.id}, or has taken them",
                        advice="There is nothing left to do: its window begins where that of the undone run began.",
                    )
        if run.state is RunState.FAILED:
            for state in LANDED:
                others = (other for other in self._launch.runs_of(flow, ("state",), state.value))
                if any(
                    other.number > run.number and other.parent_id is None and other.reads_source for other in others
                ):
                    raise NotRetriable(
                        f"a later run of the flow has taken the rows of run {run.id}",
                        advice="There is nothing left to do: a window begins where the last one that landed ended.",
                    )

    def _check_column(self, flow: Flow, asked: RunParams) -> None:
        """Dials the source for a delta column that is new to the flow."""
        if asked.delta_column is not None and flow.delta_column is None:
            self.delta_columns.exists(flow.stamp.scope, flow.source, asked.delta_column)

    def _on_demand(self, caller: Caller, flow_id: str) -> Flow:
        flow = self._flow(caller, flow_id)
        if flow.schedule.period is not None:
            raise NotOnDemand(
                f"a flow with frequency {flow.schedule.frequency} does not run on demand",
                advice="Only a flow with frequency once does; to run a failed run again, use op=re-trigger.",
            )
        return self._startable(caller, flow_id)

    def _startable(self, caller: Caller, flow_id: str) -> Flow:
        flow = self._flow(caller, flow_id)
        flow.check_enabled()
        try:
            self.delta_columns.specs.connector(flow.stamp.scope, flow.source.spec.id)
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


def _has_rows_of(run: Run, other: Run) -> bool:
    """Whether `other` has landed rows that `run` would take, or may yet."""
    if not other.reads_source or other.undone_by is not None or (other.has_ended and not other.counts.written):
        return False
    return run.window is None or other.window is None or run.window.overlaps(other.window)


def _created(attempt: Callable[[], Run]) -> Run:
    """The run that `attempt` makes, tried again where another writer came in between. Raises RunNotCreated."""
    try:
        return repeated(attempt)
    except Stale:
        raise RunNotCreated(
            "the run could not be created: the flow changes all the time", advice="Try again."
        ) from None

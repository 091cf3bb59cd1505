"""From a flow to a run of it: numbered, stored with its batch, and queued, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.dataset import Batch
from flowservice.domain.flow import Flow
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run
from flowservice.domain.run_limits import AtWork, Occupancy, RunLimits
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids, RunQueue

_MOST_RUNS: Final = 1_000
UNLIMITED: Final = RunLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A flow that is due, as read, the flow as it moves on, and its run; None: a run in line takes this slot, too."""

    flow: Flow
    moved: Flow
    run: Run | None


@dataclass(frozen=True, slots=True)
class Launch:
    """Writes runs. Each write is one transaction, and raises Stale if the flow or run has changed since it was read."""

    database: Database
    queue: RunQueue
    now: Clock
    ids: Ids
    limits: RunLimits = UNLIMITED

    def made(self, flow: Flow, stamp: Stamp) -> Run:
        """A run without a number, stored nowhere."""
        return Run(
            id=self.ids.uuid(),
            stamp=stamp,
            flow_id=flow.id,
            flow_spec=flow.flow_spec,
            source_connection_id=flow.source.id,
            target_connection_id=flow.target.id,
            dataset_id=flow.dataset_id,
            connection_id=flow.source.base_connection_id,
            number=0,
            batch_id=self.ids.ulid(stamp.created.at),
        )

    def waiting(self, flow: Flow, moved: Flow, run: Run) -> Run:
        """The run stored, for its time has yet to come; and the flow as `moved`."""
        # Written even if nothing of it changed: what a change of the flow found of its runs holds until it is made.
        noted = replace(flow, stamp=flow.stamp.touched()) if moved is flow else moved
        with self.database.transaction() as tx:
            tx.flows.replace(flow, noted)
            tx.runs.add(run)
        return run

    def queued(self, flow: Flow, moved: Flow, run: Run) -> Run:
        """The run with the number of the flow as `moved`, in the queue; it, its batch and the flow are stored."""
        with self.database.transaction() as tx:
            return self._put(tx, flow, moved, run)

    def queued_with_room(self, flow: Flow, moved: Flow, run: Run, *, was: Run | None = None) -> Run | None:
        """As `queued`, but nothing is done, and None, while as many flows are at work as may be.

        `was` is the run as it is stored already, waiting.
        """
        with self.database.transaction() as tx:
            if not _occupancy(tx, self.limits, [run]).has_room(AtWork.of(run)):
                return None
            return self._put(tx, flow, moved, run, was=was)

    def _put(self, tx: Database, flow: Flow, moved: Flow, run: Run, *, was: Run | None = None) -> Run:
        stamp = run.stamp if was is None else run.stamp.touched()
        numbered = replace(run, number=moved.runs_started, stamp=stamp)
        tx.flows.replace(flow, moved)
        if was is None:
            tx.runs.add(numbered)
        else:
            tx.runs.replace(was, numbered)
        tx.batches.add(self._batch_of(numbered))
        self.queue.enqueue(numbered, tx)
        return numbered

    def all_queued(self, asked: Sequence[Start]) -> Sequence[Start]:
        """Those for which there is room, each as `queued` does it, but in one transaction for all.

        An error of one keeps all of them from it.
        """
        with self.database.transaction() as tx:
            starts = self._with_room(tx, asked)
            runs = [replace(start.run, number=start.moved.runs_started) for start in starts if start.run is not None]
            tx.flows.replace_all([(start.flow, start.moved) for start in starts])
            tx.runs.add_all(runs)
            tx.batches.add_all([self._batch_of(run) for run in runs])
            for run in runs:
                self.queue.enqueue(run, tx)
        return starts

    def _with_room(self, tx: Database, asked: Sequence[Start]) -> Sequence[Start]:
        occupancy = _occupancy(tx, self.limits, [start.run for start in asked if start.run is not None])
        starts = []
        for start in asked:
            if start.run is not None:
                one = AtWork.of(start.run)
                if not occupancy.has_room(one):
                    continue
                occupancy.add(one)
            starts.append(start)
        return starts

    def runs_of(self, flow: Flow, path: tuple[str, ...], value: str) -> Sequence[Run]:
        """The flow's newest runs with that value at the path."""
        conditions = (
            Condition(path=("flow_id",), operator=Operator.EQ, values=(flow.id,)),
            Condition(path=path, operator=Operator.EQ, values=(value,)),
        )
        return self.database.runs.list(flow.stamp.scope, Query(conditions=conditions, limit=_MOST_RUNS)).items

    def undos_of(self, flow: Flow) -> Sequence[Run]:
        """The flow's newest undos."""
        conditions = (
            Condition(path=("flow_id",), operator=Operator.EQ, values=(flow.id,)),
            Condition(path=("undoes",), operator=Operator.NE, values=("",)),
        )
        return self.database.runs.list(flow.stamp.scope, Query(conditions=conditions, limit=_MOST_RUNS)).items

    def _batch_of(self, run: Run) -> Batch:
        made = replace(run.stamp.created, at=self.now())
        return Batch(
            id=run.batch_id,
            stamp=Stamp(scope=run.stamp.scope, created=made, updated=made),
            dataset_id=run.dataset_id,
            flow_id=run.flow_id,
            run_id=run.id,
            tags={"flowId": (run.flow_id,), "runId": (run.id,)},
        )


def _occupancy(tx: Database, limits: RunLimits, runs: Sequence[Run]) -> Occupancy:
    """Who is at work now, and until the transaction ends: nobody joins them meanwhile."""
    if not limits.are_any:
        return Occupancy(limits)
    org_ids = sorted({run.stamp.scope.org_id for run in runs})
    for org_id in org_ids:
        tx.tenancy.hold(org_id)
    return Occupancy.of(limits, tx.runs.at_work(org_ids))

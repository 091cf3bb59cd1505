"""From a flow to a run of it: numbered, stored with its batch, and queued, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.dataset import Batch
from flowservice.domain.flow import Flow
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids, RunQueue

_MOST_RUNS: Final = 1_000


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

    def queued(self, flow: Flow, moved: Flow, run: Run, *, was: Run | None = None) -> Run:
        """The run with the number of the flow as `moved`, in the queue; it, its batch and the flow are stored.

        `was` is the run as it is stored already, waiting.
        """
        stamp = run.stamp if was is None else run.stamp.touched()
        numbered = replace(run, number=moved.runs_started, stamp=stamp)
        with self.database.transaction() as tx:
            tx.flows.replace(flow, moved)
            if was is None:
                tx.runs.add(numbered)
            else:
                tx.runs.replace(was, numbered)
            tx.batches.add(self._batch_of(numbered))
            self.queue.enqueue(numbered, tx)
        return numbered

    def all_queued(self, starts: Sequence[Start]) -> None:
        """Each as `queued` does it, but in one transaction for all: an error of one keeps all of them from it."""
        runs = [replace(start.run, number=start.moved.runs_started) for start in starts if start.run is not None]
        with self.database.transaction() as tx:
            tx.flows.replace_all([(start.flow, start.moved) for start in starts])
            tx.runs.add_all(runs)
            tx.batches.add_all([self._batch_of(run) for run in runs])
            for run in runs:
                self.queue.enqueue(run, tx)

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

"""Undoing a run: a further run of its flow, which takes the rows of that one out of the dataset again."""

from dataclasses import dataclass, replace

from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Stamp
from flowservice.domain.run import LANDED, Run
from flowservice.errors import NotFound, NotUndoable
from flowservice.service.launch import Launch


@dataclass(frozen=True, slots=True)
class Undo:
    """Starts undos."""

    launch: Launch

    def queued(self, caller: Caller, flow: Flow, run: Run) -> Run:
        """A run of the flow that undoes `run`, in the queue. The flow need not be enabled: nothing is read.

        Raises NotUndoable; Stale if the flow has changed since it was read.
        """
        self._check(flow, run)
        undo = replace(
            self.launch.made(flow, Stamp.first(caller, at=self.launch.now())),
            # Whatever became of the flow: what this run did is taken back.
            source_connection_id=run.source_connection_id,
            target_connection_id=run.target_connection_id,
            dataset_id=run.dataset_id,
            # It reads nothing, and need not wait for room.
            connection_id=None,
            window=run.window,
            undoes=run.id,
        )
        return self.launch.queued(flow, flow.numbered(), undo)

    def _check(self, flow: Flow, run: Run) -> None:
        """Return if the run landed rows that nobody takes back. What becomes of them meanwhile, the undo itself finds.

        Raises NotUndoable.
        """
        if run.undoes is not None:
            raise NotUndoable(
                f"run {run.id} is an undo itself",
                advice=f"To have the rows again: POST /runs/{run.undoes}/action?op=re-trigger.",
            )
        if not run.has_ended:
            raise NotUndoable(f"run {run.id} has not ended", advice="Wait for its end.")
        if run.undone_by is not None:
            raise NotUndoable(
                f"run {run.id} is undone already, by run {run.undone_by}", advice="There is nothing left to do."
            )
        if run.state not in LANDED or not run.counts.written:
            raise NotUndoable(f"run {run.id} landed no row", advice="There is nothing to undo.")
        for replay in self.launch.runs_of(flow, ("replays",), run.id):
            replay.check_unreplayed(run)
        undos = self.launch.runs_of(flow, ("undoes",), run.id)
        if at_work := next((undo for undo in undos if not undo.has_ended), None):
            raise NotUndoable(f"run {run.id} is being undone by run {at_work.id}", advice="Wait for its end.")
        try:
            self.launch.database.datasets.get(run.stamp.scope, run.dataset_id)
        except NotFound:
            raise NotUndoable(
                f"the dataset of run {run.id} is gone", advice="Its rows went with it: there is nothing to undo."
            ) from None

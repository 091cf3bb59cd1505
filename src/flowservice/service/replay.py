"""Replaying rejected rows: a further run of their flow, which maps them as they would be mapped now."""

from dataclasses import dataclass, replace

from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller
from flowservice.domain.quarantine import Wanted
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run
from flowservice.errors import NotFound, NotReplayable
from flowservice.service.launch import Launch


@dataclass(frozen=True, slots=True)
class Replay:
    """Starts replays."""

    launch: Launch

    def queued(self, caller: Caller, flow: Flow, run: Run, chosen: Wanted) -> Run:
        """A run of the flow that replays those of the rejected rows of `run` that are chosen and wait, in the queue.

        The flow need not be enabled: nothing is read from the source. Raises NotReplayable; Stale if the flow has
        changed since it was read.
        """
        self.check(run)
        replay = replace(
            self.launch.made(flow, Stamp.first(caller, at=self.launch.now())),
            # Whatever became of the flow: the rows go where the others of that run are.
            source_connection_id=run.source_connection_id,
            target_connection_id=run.target_connection_id,
            dataset_id=run.dataset_id,
            # It reads no source, and need not wait for room there.
            connection_id=None,
            window=run.window,
            params=chosen.to_json(),
            replays=run.id,
        )
        return self.launch.queued(flow, flow.numbered(), replay)

    def check(self, run: Run) -> None:
        """Return if rejected rows of `run` can land. What becomes of them meanwhile, the replay itself finds.

        Raises NotReplayable.
        """
        run.check_replayable()
        try:
            self.launch.database.datasets.get(run.stamp.scope, run.dataset_id)
        except NotFound:
            raise NotReplayable(
                f"the dataset of run {run.id} is gone", advice="Its rejected rows went with it."
            ) from None

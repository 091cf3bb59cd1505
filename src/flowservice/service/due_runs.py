"""What the tick starts: flows that are due, and runs whose time has come."""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.flow import Flow
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run, RunError, RunState
from flowservice.errors import Error, NotFound, Stale, Transient
from flowservice.service.launch import Launch

_LOG: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class DueRuns:
    """Starts them, each in a transaction of its own."""

    launch: Launch

    def start(self) -> int:
        """Queue a run of every flow that is due, and every run whose time has come; how many.

        A slot runs once: the flow moves on in the transaction. After a pause one run stands for all slots that passed.
        """
        at, database = self.launch.now(), self.launch.database
        started = sum(self._due(flow) for flow in database.flows.due(at=at, limit=_AT_ONCE))
        return started + sum(self._come(run) for run in database.runs.waiting(at=at, limit=_AT_ONCE))

    def _due(self, flow: Flow) -> bool:
        """Start the flow's run; whether that was done."""
        mark, at = flow.stamp.created, self.launch.now()
        recurs = flow.schedule.period is not None
        try:
            if recurs and self._has_a_run_in_line(flow):
                # It has not begun, and will take the rows of this slot, too.
                self.launch.database.flows.replace(flow, flow.passed(at=at))
                return False
            stamp = Stamp(scope=flow.stamp.scope, created=replace(mark, at=at), updated=replace(mark, at=at))
            run = self.launch.made(flow, stamp)
            if recurs:
                run = replace(run, slot_at=max(flow.schedule.slot_at(at), flow.next_run_at or at))
            self.launch.queued(flow, flow.started(at=at), run)
        except (Stale, Transient):
            # Someone changed the flow in between, or the store has a bad moment; the next tick sees what became of it.
            return False
        except Error as error:
            # One flow that cannot start must not keep the others from it.
            _LOG.warning("flow %s is due but cannot start: %s", flow.id, error.message)
            if recurs:
                # Otherwise someone has changed or deleted the flow in between.
                with suppress(Stale, NotFound):
                    self.launch.database.flows.replace(flow, flow.passed(at=at))
            return False
        return True

    def _come(self, run: Run) -> bool:
        """Start a run that waited; whether that was done. It fails if its flow is gone or disabled by now."""
        try:
            flow = self.launch.database.flows.get(run.stamp.scope, run.flow_id)
            self.launch.queued(flow, flow.counted(), run, was=run)
        except (Stale, Transient):
            return False
        except Error as error:
            self._given_up(run, error)
            return False
        return True

    def _given_up(self, run: Run, error: Error) -> None:
        reason = RunError(code=error.code, message=error.message, advice=error.advice)
        failed = replace(run.moved_to(RunState.FAILED, at=self.launch.now()), errors=(reason,))
        # Otherwise another process has done the same, or the sandbox was emptied.
        with suppress(Stale, NotFound):
            self.launch.database.runs.replace(run, failed)

    def _has_a_run_in_line(self, flow: Flow) -> bool:
        runs = self.launch.runs_of(flow, ("state",), RunState.SCHEDULED.value)
        return any(run.slot_at is not None and run.parent_id is None for run in runs)

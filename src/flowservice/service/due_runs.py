"""What the tick starts: flows that are due, and runs whose time has come."""

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from flowservice.domain.flow import Flow
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run, RunError, RunState
from flowservice.errors import Error, NotFound, Stale, Transient
from flowservice.service.launch import Launch, Start

_LOG: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class DueRuns:
    """Starts them: flows many in a transaction, or each in its own where that fails."""

    launch: Launch

    def start(self) -> int:
        """Queue a run of every flow that is due, and every run whose time has come; how many.

        A slot runs once: the flow moves on in the transaction. After a pause one run stands for all slots that passed.
        A flow or a run for which there is no room stays as it is: a later call finds it due still.
        """
        # Runs that somebody asked for come before those of slots.
        at = self.launch.now()
        return self._runs_come(at) + self._flows_due(at)

    def _runs_come(self, at: datetime) -> int:
        started, last = 0, None
        while runs := self.launch.database.runs.waiting(at=at, limit=_AT_ONCE, after=last):
            started += sum(self._come(run) for run in runs)
            last = runs[-1]
        return started

    def _flows_due(self, at: datetime) -> int:
        started, last = 0, None
        while flows := self.launch.database.flows.due(at=at, limit=_AT_ONCE, after=last):
            in_line = self.launch.database.runs.with_a_run_in_line([flow.id for flow in flows])
            try:
                started += self._together(flows, in_line)
            except Transient:
                # The store has a bad moment: the next tick finds them due still.
                break
            last = flows[-1]
        return started

    def _together(self, flows: Sequence[Flow], in_line: AbstractSet[str]) -> int:
        """Start the flows' runs; how many. Raises Transient."""
        try:
            starts = [self._start(flow, is_in_line=flow.id in in_line) for flow in flows]
            return sum(start.run is not None for start in self.launch.all_queued(starts))
        except Transient:
            raise
        except Error:
            # Another process started some of them, or one of them cannot start.
            return sum(self._alone(flow, is_in_line=flow.id in in_line) for flow in flows)

    def _start(self, flow: Flow, *, is_in_line: bool) -> Start:
        """What starting it comes to. Raises FlowDisabled."""
        # A clock that was put back meanwhile must not make the slot come up once more.
        now = self.launch.now()
        at = max(now, flow.next_run_at or now)
        recurs = flow.schedule.period is not None
        if recurs and is_in_line:
            # That run has not begun, and will take the rows of this slot, too.
            return Start(flow=flow, moved=flow.passed(at=at), run=None)
        made = replace(flow.stamp.created, at=now)
        run = self.launch.made(flow, Stamp(scope=flow.stamp.scope, created=made, updated=made))
        if recurs:
            run = replace(run, slot_at=max(flow.schedule.slot_at(at), flow.next_run_at or at))
        return Start(flow=flow, moved=flow.started(at=at), run=run)

    def _alone(self, flow: Flow, *, is_in_line: bool) -> bool:
        """Start the flow's run; whether that was done."""
        try:
            start = self._start(flow, is_in_line=is_in_line)
            queued = self.launch.all_queued([start])
        except (Stale, Transient):
            # Someone changed the flow in between, or the store has a bad moment; the next tick sees what became of it.
            return False
        except Error as error:
            # One flow that cannot start must not keep the others from it.
            _LOG.warning("flow %s is due but cannot start: %s", flow.id, error.message)
            if flow.schedule.period is not None:
                # Otherwise someone has changed or deleted the flow in between.
                with suppress(Stale, NotFound):
                    at = max(self.launch.now(), flow.next_run_at or self.launch.now())
                    self.launch.database.flows.replace(flow, flow.passed(at=at))
            return False
        return bool(queued) and start.run is not None

    def _come(self, run: Run) -> bool:
        """Start a run that waited; whether that was done. It fails if its flow is gone or disabled by now."""
        try:
            flow = self.launch.database.flows.get(run.stamp.scope, run.flow_id)
            return self.launch.queued_with_room(flow, flow.counted(), run, was=run) is not None
        except (Stale, Transient):
            return False
        except Error as error:
            self._given_up(run, error)
            return False

    def _given_up(self, run: Run, error: Error) -> None:
        reason = RunError(code=error.code, message=error.message, advice=error.advice)
        failed = replace(run.moved_to(RunState.FAILED, at=self.launch.now()), errors=(reason,))
        # Otherwise another process has done the same, or the sandbox was emptied.
        with suppress(Stale, NotFound):
            self.launch.database.runs.replace(run, failed)

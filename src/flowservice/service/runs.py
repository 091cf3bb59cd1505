"""Runs: started on demand or when due, and read."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flowservice.domain.dataset import Batch
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Page, Query
from flowservice.domain.resource import Stamp
from flowservice.domain.run import Run, RunState
from flowservice.domain.schedule import Frequency
from flowservice.domain.staging import read_so_far
from flowservice.errors import BadField, BadWindow, Error, MissingField, NotFound, NotSupported, Stale, UnknownFlow
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids, RunQueue
from flowservice.service.contention import repeated
from flowservice.service.readable import Readable

_LOG: Final = logging.getLogger(__name__)

_DUE_AT_ONCE: Final = 100
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""A start this far ahead is a caller's `now`."""


@dataclass(frozen=True, slots=True)
class Runs(Readable[Run]):
    """Writes runs and queues them, in one transaction each."""

    database: Database
    queue: RunQueue
    now: Clock
    ids: Ids

    @property
    def store(self) -> Store[Run]:
        """Where they live."""
        return self.database.runs

    def create(self, caller: Caller, *, flow_id: str, params: Mapping[str, Any]) -> Run:
        """Queue one run of a flow now. Raises UnknownFlow, FlowDisabled, BadWindow, NotSupported."""
        caller.may(Permission.RUN)
        if not flow_id:
            raise MissingField("flowId is missing", advice="Send the id of the flow to run.")
        _check_window(params, now=self.now())

        def launch() -> Run:
            try:
                flow = self.database.flows.get(caller.scope, flow_id)
            except NotFound:
                raise UnknownFlow("flow not found with the given id", advice="GET /flows lists the flows.") from None
            if flow.schedule is not None and flow.schedule.frequency is not Frequency.ONCE:
                raise NotSupported("only a flow with frequency once runs on demand")
            return self._launch(flow, Stamp.first(caller, at=self.now()), params)

        return repeated(launch)

    def get(self, caller: Caller, resource_id: str) -> Run:
        """With what it has read so far. Raises NotFound."""
        # A class with slots is made twice, and `super()` would speak of the first.
        return self._as_it_stands(Readable.get(self, caller, resource_id))

    def list(self, caller: Caller, query: Query) -> Page[Run]:
        """A page, each as `get` gives it. Raises BadQuery."""
        page = Readable.list(self, caller, query)
        return replace(page, items=[self._as_it_stands(run) for run in page.items])

    def start_due(self) -> int:
        """Queue a run of every flow that is due; how many. A slot runs once: the flow moves on in the transaction."""
        started = 0
        for flow in self.database.flows.due(at=self.now(), limit=_DUE_AT_ONCE):
            mark = flow.stamp.created
            stamp = Stamp(scope=flow.stamp.scope, created=mark, updated=mark)
            at = self.now()
            try:
                self._launch(flow, _at(stamp, at), {})
            except Stale:
                # Someone changed the flow in between; the next tick sees what became of it.
                continue
            except Error as error:
                # One flow that cannot start must not keep the others from it.
                _LOG.warning("flow %s is due but cannot start: %s", flow.id, error.message)
                continue
            started += 1
        return started

    def _as_it_stands(self, run: Run) -> Run:
        """A run writes its counts when all is read; until then the parts it has finished tell them."""
        if run.state is not RunState.IN_PROGRESS or run.read_completed_at is not None:
            return run
        return replace(run, counts=read_so_far(self.database.progress.splits(run.id)))

    def _launch(self, flow: Flow, stamp: Stamp, params: Mapping[str, Any]) -> Run:
        started = flow.started(at=stamp.created.at)
        run_id, batch_id = self.ids.uuid(), self.ids.ulid(stamp.created.at)
        run = Run(
            id=run_id,
            stamp=stamp,
            flow_id=flow.id,
            flow_spec=flow.flow_spec,
            source_connection_id=flow.source.id,
            target_connection_id=flow.target.id,
            dataset_id=str(flow.target.params["dataSetId"]),
            number=started.runs_started,
            batch_id=batch_id,
            params=params,
        )
        batch = Batch(
            id=batch_id,
            stamp=stamp,
            dataset_id=run.dataset_id,
            flow_id=flow.id,
            run_id=run_id,
            tags={"flowId": (flow.id,), "runId": (run_id,)},
        )
        with self.database.transaction() as tx:
            tx.flows.replace(flow, started)
            tx.runs.add(run)
            tx.batches.add(batch)
            self.queue.enqueue(run, tx)
        return run


def _at(stamp: Stamp, at: datetime) -> Stamp:
    return Stamp(
        scope=stamp.scope,
        created=type(stamp.created)(at=at, by=stamp.created.by, client=stamp.created.client),
        updated=type(stamp.updated)(at=at, by=stamp.updated.by, client=stamp.updated.client),
    )


def _check_window(params: Mapping[str, Any], *, now: datetime) -> None:
    times = {name: _epoch(params, name) for name in ("startTime", "windowStartTime", "windowEndTime")}
    start, end = times["windowStartTime"], times["windowEndTime"]
    if start is not None and end is not None and end < start:
        raise BadWindow("params.windowEndTime lies before params.windowStartTime")
    begins = times["startTime"]
    if begins is not None and begins > now + _CLOCKS_DIFFER:
        raise NotSupported(
            "a run on demand starts at once; params.startTime lies in the future",
            advice="Leave startTime out, or send epoch seconds (not milliseconds) of now; for later use a schedule.",
        )
    if start is not None or end is not None or params.get("deltaColumn"):
        raise NotSupported(
            "runs over a window of a delta column are not supported yet",
            advice="Leave windowStartTime, windowEndTime and deltaColumn out: the run reads everything.",
        )


def _epoch(params: Mapping[str, Any], name: str) -> datetime | None:
    value = params.get(name)
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadField(f"params.{name} must be epoch seconds") from None

"""The run queue and the worker that serves it.

DBOS keeps one instance a process and a registry of its own beside it. Both are filled in `start` and emptied in `stop`:
importing this module registers nothing, and only one `DbosRuns` of a process can be started at a time.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition, Event
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient

from flowservice.domain.run import Run
from flowservice.ports.database import Database
from flowservice.ports.runtime import Interrupted, Steps

_APPLICATION: Final = "flowservice"
_EXECUTOR: Final = "local"
"""Fixed, so that the runs of a killed process are found by the next one of this machine."""
_QUEUE: Final = "runs"
_WORKFLOW: Final = "run"
_OVER: Final = "SUCCESS"
"""The state of an execution that came to its end, however the run ended."""
_LOG: Final = logging.getLogger(__name__)


class DbosSteps:
    """Fills ports.runtime.Steps within a workflow."""

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        """The result of `step`, now or from before a crash."""
        return DBOS.run_step({"name": name}, step)


@dataclass(slots=True, kw_only=True)
class DbosRuns:
    """Fills ports.runtime.RunQueue, and executes what is queued between `start` and `stop`.

    `engine` is that of our own database; the system tables lie in it (in PostgreSQL in the schema `dbos`).
    """

    engine: sa.Engine
    version: str = "1"
    """Of the steps of a run, not of the package: DBOS lets lie what a process of another version began. Raise it only
    when a run that is under way could not be continued."""
    concurrency: int = 64
    """Runs taken up at a time by this process. More than work at once: some wait for an earlier run of their flow."""
    poll_s: float = 0.2
    """How often the queue is looked at; a run starts about that long after it was queued."""
    stopping: Event = field(default_factory=Event)
    """Set when the worker shall leave off: whoever executes a run watches it."""
    _client: DBOSClient | None = None
    _running: int = 0
    _changed: Condition = field(default_factory=Condition)

    def prepare(self) -> None:
        """Create or widen the system tables and the queue. Before the first `enqueue` or `start`; may be repeated."""
        _speak_through_logging()
        DBOS.migrate(self.engine.url.render_as_string(hide_password=False))
        self._client = DBOSClient(
            system_database_engine=self.engine, use_listen_notify=False, application_name=_APPLICATION
        )
        # Before the launch, which then listens at once instead of finding the queue a second later.
        self._client.register_queue(
            _QUEUE, worker_concurrency=self.concurrency, polling_interval_sec=self.poll_s, on_conflict="always_update"
        )

    def enqueue(self, run: Run, within: Database) -> None:
        """Queue the run in the caller's transaction. The workflow has the run's id, so a repetition changes nothing."""
        if self._client is None:
            raise RuntimeError("the run queue is not prepared")
        self._client.enqueue_in_transaction(
            within.connection,
            {"workflow_name": _WORKFLOW, "queue_name": _QUEUE, "workflow_id": run.id},
            run.id,
        )

    def forget(self, *, before: datetime, limit: int = 500) -> int:
        """Delete the steps of up to `limit` runs whose execution was over by then, the oldest first; how many.

        Nobody asks for the steps of a run again that has ended: should it be queued or resumed all the same, its own
        state says that there is nothing to do. An execution that was over by a defect of the service is left for people
        to look at.
        """
        if self._client is None:
            raise RuntimeError("the run queue is not prepared")
        over = self._client.list_workflows(
            name=_WORKFLOW,
            status=_OVER,
            completed_before=before.isoformat(),
            limit=limit,
            load_input=False,
            load_output=False,
        )
        self._client.delete_workflows([workflow.workflow_id for workflow in over])
        return len(over)

    def start(self, execute: Callable[[str, Steps], None]) -> None:
        """Begin to execute queued runs, and those that a killed process left."""
        self.stopping.clear()
        DBOS(
            config={
                "name": _APPLICATION,
                "system_database_engine": self.engine,
                "application_version": self.version,
                "executor_id": _EXECUTOR,
                "enable_otlp": False,
                "use_listen_notify": False,
                "run_migrations": False,
                "log_level": "WARNING",
            }
        )

        # A run is resumed however often its process is killed; what it staged only grows.
        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        def run(run_id: str) -> None:
            with self._counted():
                execute(run_id, DbosSteps())

        DBOS.launch()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Leave off within about `timeout_s`; whether no run was still at work then.

        Unfinished runs go on at the next `start`, also those that did not leave off in time.
        """
        self.stopping.set()
        with self._changed:
            idle = self._changed.wait_for(lambda: not self._running, timeout_s)
        DBOS.destroy(destroy_registry=True)
        if self._client is not None:
            self._client.destroy()
            self._client = None
        if not idle:
            _LOG.warning("stopped while a run was at work; it goes on at the next start")
        return idle

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """One more run is at work. Raises Interrupted once the worker stops."""
        if self.stopping.is_set():
            raise Interrupted
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, runs: int) -> None:
        with self._changed:
            self._running += runs
            self._changed.notify_all()


def _speak_through_logging() -> None:
    """Keep DBOS from installing a console handler: what it says goes the way of all logs."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)

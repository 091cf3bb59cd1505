"""The process under test: the service as `app` wires it, with its tick and its worker, but without the API.

It ends by itself once nothing is left to do. What is small in tests is made small here: pauses, pages, batches.
"""

import faulthandler
import functools
import os
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from flowservice import logs
from flowservice.adapters.dbos import DbosRuns
from flowservice.adapters.delta import DeltaLake
from flowservice.app import App
from flowservice.connectors.azure_table.retries import Retries
from flowservice.connectors.azure_table.source import TableSource
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Scope
from flowservice.domain.quarantine import Wanted
from flowservice.domain.query import Query
from flowservice.domain.run import Run
from flowservice.engine.execution import Execution
from flowservice.engine.mapping import Mapper
from flowservice.errors import NotReplayable, NotUndoable, StoreUnavailable
from flowservice.serving import tick
from flowservice.settings import Settings
from tests.faults.modes import Act, Shape
from tests.faults.strikes import Strike, armed

__all__ = ["PRELOADED", "STUCK", "Orders", "begin_work", "caller", "is_idle", "name_all", "newest", "work"]

PRELOADED: Final = (DbosRuns, DeltaLake, Execution, Mapper)
"""What `app` imports late: with them loaded once, a process starts within a moment."""
STUCK: Final = 70
"""Exit code of a process that would not come to an end."""
_LOOK_S: Final = 0.05
_QUEUE_S: Final = 0.1
_PENDING: Final = "SELECT count(*) FROM {schema}workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a process has to do."""

    home: Path
    clock: datetime
    """When it starts; from then on time passes as it does."""
    act: Act
    shape: Shape
    database_url: str | None = None
    strike: Strike | None = None
    within_s: float = 60.0
    tries: int = 8
    """How often what may pass is tried."""

    @property
    def mark(self) -> Path:
        """Made when the strike comes."""
        return self.home.parent / "struck"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home.parent / "log"


def work(orders: Orders) -> None:
    """Do it, and end the process: 0, or `STUCK`."""
    with orders.log.open("a") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    logs.configure("info")
    hurried(orders.shape)
    if orders.strike is not None:
        armed(orders.strike, orders.mark)
    idle = _worked(orders)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of a run that does not leave off are not waited for.
    os._exit(0 if idle else STUCK)


def _worked(orders: Orders) -> bool:
    """Whether all was done in time."""
    began = time.monotonic()

    def now() -> datetime:
        return orders.clock + timedelta(seconds=time.monotonic() - began)

    settings = Settings(
        home=orders.home,
        part_max_rows=orders.shape.part_rows,
        split_threads=orders.shape.threads,
        database_url=orders.database_url,
    )
    app = App(settings, now)
    begin_work(app, tries=orders.tries)
    if orders.act == "undo":
        _ask_for_undo(app)
    if orders.act == "replay":
        _ask_for_replay(app)
    ticks = tick(app.runs, app.leadership)
    ticks.start()
    until = began + orders.within_s
    while not (idle := is_idle(app)) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    if not idle:
        faulthandler.dump_traceback(all_threads=True)
    ticks.stop()
    app.queue.stop()
    return idle


def begin_work(app: App, *, tries: int) -> None:
    """Let this process execute what is queued; what may pass is tried so often."""
    app.queue.poll_s = _QUEUE_S
    app.queue.prepare()
    execution = app.execution()
    patience = replace(execution.patience, first_pause_s=0.01, longest_pause_s=0.1, tries=tries)
    app.queue.start(replace(execution, patience=patience).execute)


def is_idle(app: App) -> bool:
    """Whether nothing is due, queued or at work."""
    is_postgres = app.database.engine.dialect.name == "postgresql"
    try:
        if app.database.flows.due(at=app.now(), limit=1):
            return False
        with app.database.engine.connect() as connection:
            query = _PENDING.format(schema="dbos." if is_postgres else "")
            return not connection.execute(sa.text(query)).scalar_one()
    except (StoreUnavailable, sa.exc.DBAPIError):
        return False


def _ask_for_undo(app: App) -> None:
    """As a client does: of the newest run that landed, unless that was asked for already."""
    run = newest(app)
    if run.undoes is not None:
        return
    try:
        app.runs.undo(caller(app), run.id)
    except NotUndoable as error:
        sys.stderr.write(f"not undone: {error.message}\n")


def _ask_for_replay(app: App) -> None:
    """The same with a replay of its rejected rows."""
    name_all(app)
    run = newest(app)
    if run.replays is not None:
        return
    try:
        app.runs.replay(caller(app), run.id, Wanted())
    except NotReplayable as error:
        sys.stderr.write(f"not replayed: {error.message}\n")


def name_all(app: App) -> None:
    """Let a second version of the mapping set name each row by its row key. Flows keep the first one."""
    (known,) = app.database.mapping_sets.list(caller(app).scope, Query(limit=2)).items
    first = known.versions[0]
    if known.current != first:
        return
    named = tuple(
        replace(mapping, source="RowKey") if mapping.source == "name" else mapping for mapping in first.mappings
    )
    assert named != first.mappings, "nothing is mapped from `name`"
    second = replace(first, version=first.version + 1, mappings=named)
    app.database.mapping_sets.replace(
        known, replace(known, versions=(first, second), stamp=known.stamp.moved(caller(app), at=app.now()))
    )


def caller(app: App) -> Caller:
    """Who may do everything."""
    (org,) = app.database.tenancy.orgs()
    (sandbox,) = app.database.tenancy.sandboxes(org.id)
    scope = Scope(org_id=org.id, sandbox_id=sandbox.id, sandbox_name=sandbox.name)
    return Caller(scope=scope, tenant_id=org.tenant_id, user_id="user", client_id="client", permissions=ALL_PERMISSIONS)


def newest(app: App) -> Run:
    """The run with the highest number."""
    found = app.database.runs.list(caller(app).scope, Query(limit=1000)).items
    return max(found, key=lambda run: run.number)


def hurried(shape: Shape) -> None:
    """Let the connector read pages of a few rows and pause for moments."""
    original = TableSource.__init__

    @functools.wraps(original)
    def smaller(self: TableSource, *args: Any, **kwargs: Any) -> None:
        small = {"page_rows": shape.page_rows, "batch_rows": shape.batch_rows, "least_pages": 2}
        retries = Retries(first_s=0.01, longest_s=0.05)
        original(self, *args, **{**kwargs, **small, "retries": retries})

    TableSource.__init__ = smaller  # type: ignore[method-assign] # in this process alone
    whole = functools.partialmethod(TableService.__init__, whole_page=timedelta(seconds=1.5))
    TableService.__init__ = whole  # type: ignore[method-assign, assignment] # in this process alone

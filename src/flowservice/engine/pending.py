"""Which rows a run has to take: its window, and the flow's watermark once they are in the lake.

The watermark of a flow stands in the plan of the highest run number that the lake table holds for it. So a run that
failed moves nothing, and its rows are in the next window; and windows of a flow neither overlap nor leave a gap.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flowservice.domain.dataset import Dataset
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.run import Run, RunState
from flowservice.domain.window import DeltaColumn, Late, Window
from flowservice.engine.plan import Pending, Route, time_of
from flowservice.errors import LakeError, MissingDeltaColumn, NotFound
from flowservice.ports.database import Database
from flowservice.ports.lake import Lake
from flowservice.ports.runtime import Clock
from flowservice.sdk import Clocked, Dated, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a flow has come."""

    watermark: datetime | None = None
    """Where its next window begins; None: at the very beginning."""
    clock: datetime | None = None
    """What the source's clock showed when that was decided; None: nobody knows."""


def pending(
    run: Run,
    route: Route,
    source: Source,
    *,
    database: Database,
    lake: Lake,
    now: Clock,
    window_lag: timedelta,
) -> Pending:
    """What `run` has to take. To be asked in the run's turn. Raises MissingDeltaColumn, LakeError, SourceError."""
    schedule = route.flow.schedule
    if schedule.period is None:
        return Pending(window=run.window)
    known = reached(run, route.dataset, database=database, lake=lake)
    mark = known.watermark
    if run.window is not None:
        window = run.window.after(mark) if _repeats_a_failure(run, database) else run.window
        ends = [at for at in (mark, window.end) if at is not None]
        return Pending(window=window, watermark=max(ends, default=None), clock=known.clock)
    column = route.flow.delta_column
    if column is None:
        raise MissingDeltaColumn(
            f"flow {route.flow.id} is recurring and names no delta column",
            advice="Add the transformation Copy with its deltaColumn.",
        )
    start = schedule.takes_from if mark is None else mark
    # What the source writes now may carry a time that is a little older: clocks differ, commits take their time.
    told = source.server_time() if isinstance(source, Clocked) else None
    clock = told or max(run.slot_at or now(), schedule.slot_at(now()))
    end = (clock - window_lag).replace(microsecond=0)
    if start is not None:
        end = max(start, end)
    late = _late(source, column, since=known.clock)
    return Pending(window=Window(column=column, start=start, end=end), watermark=end, clock=told, late=late)


def _late(source: Source, column: DeltaColumn, *, since: datetime | None) -> Late | None:
    """The rows to tell of that were written `since` the last window was decided, with a time before its end."""
    written = source.change_column() if isinstance(source, Dated) else None
    # By the time of the change itself nothing comes late: the lag sees to that.
    return None if since is None or written is None or written == column.name else Late(column=written, since=since)


def reached(run: Run, dataset: Dataset, *, database: Database, lake: Lake) -> Reached:
    """What the plan of the highest run of the run's flow that is in the lake says. Raises LakeError."""
    number = lake.committed(dataset.table, run.flow_id)
    if number is None:
        return Reached()
    conditions = (
        Condition(path=("flow_id",), operator=Operator.EQ, values=(run.flow_id,)),
        Condition(path=("number",), operator=Operator.EQ, values=(str(number),)),
    )
    found = database.runs.list(run.stamp.scope, Query(conditions=conditions, limit=1)).items
    plan = database.progress.plan(found[0].id) if found else None
    if plan is None:
        # To begin anew would double what is there.
        raise LakeError(
            f"run {number} of flow {run.flow_id} is in the table, but the service knows nothing of it",
            advice="The control store is older than the lake; restore the one that belongs to it.",
        )
    # That of an undo, too: the rest of it is another.
    return Reached(watermark=time_of(plan.get("watermark")), clock=time_of(plan.get("clock")))


def _repeats_a_failure(run: Run, database: Database) -> bool:
    """Whether the run repeats one that landed nothing because it failed: then others may have taken its rows since.

    One that succeeded without a row is repeated over its own window, which no other run of the flow takes.
    """
    if run.parent_id is None:
        return False
    try:
        return database.runs.find(run.parent_id).state is RunState.FAILED
    except NotFound:
        return True

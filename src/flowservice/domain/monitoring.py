"""What the flows of a sandbox did over a span of time: rows, runs and failures, in all, by time and by flow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.hindrance import Hindrance
from flowservice.domain.run import Reason, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What the runs of one flow did that began in one bucket of time and have one state. Rows unless said otherwise."""

    flow_id: str
    bucket: int
    """From 0, from the beginning of the span."""
    state: RunState
    runs: int
    read: int
    written: int
    rejected: int


@dataclass(slots=True)
class Sums:
    """Runs by their state, and rows."""

    runs: dict[RunState, int] = field(default_factory=lambda: dict.fromkeys(RunState, 0))
    read: int = 0
    written: int = 0
    rejected: int = 0

    def add(self, more: Activity) -> None:
        """Count this in."""
        self.runs[more.state] += more.runs
        self.read += more.read
        self.written += more.written
        self.rejected += more.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowActivity:
    """A flow, what it did, and how late it is."""

    flow: Flow
    sums: Sums
    late_by: timedelta | None
    """How long it has been due without having been started; None: it is not late."""

    @property
    def needs_a_look(self) -> bool:
        """Whether it is late, or runs of it failed or rejected rows."""
        return self.late_by is not None or self.sums.runs[RunState.FAILED] > 0 or self.sums.rejected > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFlow:
    """A flow of an overview, and why it needs a look."""

    activity: FlowActivity
    hindrance: Hindrance | None
    """What is in its way; None: it is not late."""
    reason: Reason | None
    """Why the last run did not land all; None: it did, or there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A span of time, in buckets of equal length."""

    since: datetime
    until: datetime
    bucket: timedelta
    totals: Sums
    series: tuple[Sums, ...]
    flows: tuple[FlowActivity, ...]
    """Those that need a look come first: late, then failed, then rejecting ones."""


def overview(
    since: datetime,
    bucket: timedelta,
    buckets: int,
    activity: Iterable[Activity],
    flows: Iterable[Flow],
    *,
    now: datetime,
) -> Overview:
    """The overview of `buckets` buckets from `since` on; runs of flows that are gone count in all but by flow."""
    totals, series, by_flow = Sums(), tuple(Sums() for _ in range(buckets)), dict[str, Sums]()
    for each in activity:
        totals.add(each)
        series[each.bucket].add(each)
        by_flow.setdefault(each.flow_id, Sums()).add(each)
    told = [
        FlowActivity(flow=flow, sums=by_flow.get(flow.id, Sums()), late_by=late_by(flow, now=now)) for flow in flows
    ]
    told.sort(key=_urgency)
    return Overview(
        since=since, until=since + buckets * bucket, bucket=bucket, totals=totals, series=series, flows=tuple(told)
    )


LATE_AFTER: Final = timedelta(minutes=1)
"""A flow that is due is started within seconds; after a minute something is in its way."""


def late_by(flow: Flow, *, now: datetime) -> timedelta | None:
    """How long a flow has been due without having been started; None: it is not late."""
    if flow.state is not FlowState.ENABLED or flow.next_run_at is None:
        return None
    late = now - flow.next_run_at
    return late if late >= LATE_AFTER else None


def _urgency(told: FlowActivity) -> tuple[float, int, int, str]:
    late = told.late_by.total_seconds() if told.late_by else 0.0
    return (-late, -told.sums.runs[RunState.FAILED], -told.sums.rejected, told.flow.name.casefold())

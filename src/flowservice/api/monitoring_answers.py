"""What monitoring answers, for the API's own document."""

from pydantic import Field

from flowservice.api.answers import Answer
from flowservice.api.reason_answers import Explained, ReasonTold


class RunCounts(Answer):
    """Runs by how they are or ended."""

    scheduled: int
    in_progress: int
    success: int
    partial_success: int
    failed: int


class ActivitySums(Answer):
    """Runs that began in a span of time, and their rows."""

    runs: RunCounts
    received: int = Field(description="Rows read from sources.")
    ingested: int = Field(description="Rows that landed.")
    rejected: int = Field(description="Rows kept back, with their reasons, in quarantine.")


class ActivityBucket(ActivitySums):
    """The sums of one bucket."""

    at: int = Field(description="Its beginning, epoch milliseconds.")


class LastRunTold(Answer):
    """The newest run of a flow that ended."""

    id: str
    state: str
    started_at: int
    completed_at: int
    reason: ReasonTold | None = Field(description="Null where all rows landed, or the run is gone.")


class FlowActivityTold(ActivitySums):
    """One flow."""

    flow_id: str
    name: str
    state: str
    dataset_id: str
    last_run: LastRunTold | None
    next_run_at: int | None
    late_by_ms: int | None = Field(description="How long it has been due without being started; null: not late.")
    hindrance: Explained | None = Field(description="What is in its way; null: not late.")


class Monitored(Answer):
    """An overview of a sandbox."""

    since: int = Field(description="Epoch milliseconds, as all times here.")
    until: int
    bucket_ms: int
    totals: ActivitySums
    flows_late: int
    flows_failing: int = Field(description="Flows with a failed run in the span.")
    series: list[ActivityBucket]
    flows: list[FlowActivityTold] = Field(description="Late ones first, then failing ones, then rejecting ones.")
    flow_count: int = Field(description="How many flows there are; the list may be shorter.")


class SchedulePreview(Answer):
    """When a schedule runs."""

    runs: list[int] = Field(description="The next runs, epoch milliseconds; with frequency `once` a single one.")
    frequency: str
    interval: int | None
    backfill: bool = Field(description="Whether the first run takes all rows that there are.")
    takes_from: int | None = Field(description="From when on rows count without backfill; null: from the beginning.")


class TableVersion(Answer):
    """A version of a table."""

    version: int = Field(description="Delta's own number.")
    committed_at: int = Field(description="Epoch milliseconds.")
    operation: str = Field(description="Delta's word for what made it.")
    run_id: str | None = Field(description="The run that made it; null: a change of columns or labels, or upkeep.")
    flow_id: str | None = Field(description="Of that run, while it is known.")
    written: int | None = Field(description="Rows that the run wrote.")
    deleted: int | None = Field(description="Rows that the run took out.")


class History(Answer):
    """The newest versions of a dataset's table."""

    location: str
    snapshots: list[TableVersion]

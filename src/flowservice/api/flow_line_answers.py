"""What lists of flows as people look for them answer, for the API's own document."""

from typing import Literal

from pydantic import Field

from flowservice.api.answers import Answer, SpecRef
from flowservice.api.reason_answers import Explained, ReasonTold

RunState = Literal["scheduled", "inProgress", "success", "partialSuccess", "failed"]


class Named(Answer):
    """Something by its id and name."""

    id: str
    name: str | None = Field(description="Null where it is gone.")


class SourceOfLine(Answer):
    """Where a flow reads."""

    connection_spec: SpecRef
    path: str | None = Field(description="The table, as the source connection names it.")


class ScheduleOfLine(Answer):
    """When a flow runs."""

    frequency: Literal["once", "minute", "hour", "day", "week"]
    interval: int | None = Field(description="Units of the frequency between two runs; null with `once`.")
    start_time: int = Field(description="Epoch milliseconds, as all times here.")


class EndedRun(Answer):
    """The newest run that ended."""

    id: str
    state: RunState
    started_at: int
    completed_at: int
    reason: ReasonTold | None = Field(description="Null where all rows landed, or the run is gone.")


class RecentRun(Answer):
    """One of the newest runs."""

    id: str
    state: RunState
    created_at: int
    started_at: int | None
    received: int = Field(description="Rows read; -1 where a run that failed cannot know.")
    ingested: int
    rejected: int = Field(description="-1 where a run that failed cannot know.")


class FlowLine(Answer):
    """A flow with what stands around it."""

    id: str
    name: str
    description: str
    state: Literal["draft", "enabled", "disabled"]
    source: SourceOfLine
    account: Named | None
    dataset: Named | None
    write_mode: Literal["append", "upsert"]
    key_fields: list[str] = Field(description="Of an upsert: the fields that together tell which row is meant.")
    schedule: ScheduleOfLine | None = Field(description="Null for a draft without one.")
    next_run_at: int | None = Field(description="Null where nothing is due, or the flow is not enabled.")
    late_by_ms: int | None = Field(description="How long it has been due without being started; null: not late.")
    hindrance: Explained | None = Field(description="What is in its way; null: not late.")
    last_run: EndedRun | None
    recent_runs: list[RecentRun] = Field(description="The ten newest, the newest first.")
    created_at: int
    updated_at: int
    updated_by: str


class FlowLines(Answer):
    """A part of a list."""

    items: list[FlowLine]
    count: int = Field(description="How many fit in all.")

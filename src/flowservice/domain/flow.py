"""A flow: from one source connection to one target connection, by a schedule, through a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from flowservice.domain.connection import EndConnection
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Governed, SpecRef
from flowservice.domain.schedule import Schedule
from flowservice.errors import BadTransition, FlowDisabled


class FlowState(StrEnum):
    """States that this server gives a flow."""

    DRAFT = "draft"
    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """A step between source and target, such as `Mapping` with its set's id and version."""

    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """What is shown of a flow's newest ended run."""

    id: str
    state: str
    started_at: datetime
    completed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A source or target connection as it was when the flow took it up: later changes of it do not reach the flow."""

    id: str
    spec: SpecRef
    base_connection_id: str | None = None
    base_spec: SpecRef | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, end: EndConnection) -> Self:
        """The connection as it is now."""
        return cls(
            id=end.id,
            spec=end.spec,
            base_connection_id=end.base_connection_id,
            base_spec=end.base_spec,
            params=end.params,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Governed):
    """A dataflow. `schedule_sent` is the schedule exactly as the client wrote it, for reading back."""

    flow_spec: SpecRef
    source: Endpoint
    target: Endpoint
    schedule: Schedule | None = None
    """None: a draft that has none yet."""
    schedule_sent: Mapping[str, Any] = field(default_factory=dict)
    transformations: tuple[Transformation, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: FlowState = FlowState.ENABLED
    next_run_at: datetime | None = None
    """When the tick shall start the next run; None: nothing is due."""
    runs_started: int = 0
    """How many runs there were; the newest has this number."""
    last_run: LastRun | None = None

    @property
    def mapping_id(self) -> str | None:
        """The mapping set of the flow."""
        return next((str(step.params["mappingId"]) for step in self.transformations if step.name == "Mapping"), None)

    @property
    def mapping_version(self) -> int:
        """The pinned version of the mapping set; 0 where none is named."""
        versions = (step.params.get("mappingVersion") for step in self.transformations if step.name == "Mapping")
        return int(next(versions, None) or 0)

    @property
    def tolerated_percent(self) -> float:
        """The share of rejected rows, in percent, up to which a run still publishes; 0 without partial ingestion."""
        return float(self.options.get("partialIngestionPercent") or 0)

    def started(self, *, at: datetime) -> "Flow":
        """The flow with one more run, and nothing more due for this slot. Raises FlowDisabled."""
        if self.state is not FlowState.ENABLED or self.schedule is None:
            raise FlowDisabled(
                f"flow {self.id} is {self.state.value}", advice="Enable it first: POST /flows/{id}/action?op=enable."
            )
        return replace(
            self,
            runs_started=self.runs_started + 1,
            next_run_at=self.schedule.next_after(at),
            stamp=self.stamp.touched(),
        )

    def ended(self, run: LastRun) -> "Flow":
        """The flow with its newest ended run; itself where a later one has ended already."""
        if self.last_run is not None and self.last_run.started_at > run.started_at:
            return self
        return replace(self, last_run=run, stamp=self.stamp.touched())

    def switched(self, state: FlowState, caller: Caller, *, at: datetime) -> "Flow":
        """The flow in `state`; itself where it is already. Raises BadTransition for a draft, which is published."""
        if state is self.state:
            return self
        if self.state is FlowState.DRAFT:
            raise BadTransition(
                f"flow {self.id} is a draft", advice="Publish it first: POST /flows/{id}/action?op=publish."
            )
        return replace(self, state=state, stamp=self.stamp.moved(caller, at=at))

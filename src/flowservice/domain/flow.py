"""A flow: from one source connection to one target connection, by a schedule, through a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from flowservice.domain.connection import EndConnection
from flowservice.domain.identity import Caller
from flowservice.domain.resource import Governed, SpecRef
from flowservice.domain.schedule import Schedule
from flowservice.domain.window import DeltaColumn
from flowservice.domain.write_mode import WriteMode
from flowservice.errors import BadTransition, FlowDisabled


class FlowState(StrEnum):
    """States that this server gives a flow."""

    DRAFT = "draft"
    ENABLED = "enabled"
    DISABLED = "disabled"


class Operation(StrEnum):
    """What a client did with a flow, by its name on the wire."""

    CREATE = "create"
    UPDATE = "update"
    ENABLE = "enable"
    DISABLE = "disable"


COPY: Final = "Copy"
"""Name of the transformation that holds the delta column."""


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
    """A dataflow. `schedule_sent` is the schedule exactly as the client wrote it, for reading back.

    A draft may lack its transformations and its schedule: nothing is due then.
    """

    flow_spec: SpecRef
    source: Endpoint
    target: Endpoint
    schedule: Schedule
    schedule_sent: Mapping[str, Any]
    transformations: tuple[Transformation, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: FlowState = FlowState.ENABLED
    next_run_at: datetime | None = None
    """When the tick shall start the next run; None: nothing is due."""
    runs_started: int = 0
    """How many runs there were; the newest has this number."""
    versions: int = 0
    """How many versions of it are kept; the newest has this number. 0: it was last changed before they were."""
    last_run: LastRun | None = None
    last_operation: Operation = Operation.CREATE
    operated_at: datetime | None = None
    """When that was; None: when the flow was made."""

    @property
    def delta_column(self) -> DeltaColumn | None:
        """The column whose values place rows in windows."""
        params = (step.params.get("deltaColumn") for step in self.transformations if step.name == COPY)
        sent = next((column for column in params if column), None)
        return None if sent is None else DeltaColumn.of(sent)

    @property
    def mode(self) -> WriteMode:
        """How its rows join those of the dataset."""
        return WriteMode.of(self.target.params)

    @property
    def dataset_id(self) -> str:
        """The dataset that its rows go into; empty in a draft whose target names none."""
        return str(self.target.params.get("dataSetId") or "")

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
        """The share of rejected rows, in percent, up to which a run still publishes; 0 without partial ingestion.

        Where only a number of rows is named, the share plays no part.
        """
        without = 100 if self.most_rejected else 0
        return float(self.options.get("partialIngestionPercent") or without)

    @property
    def most_rejected(self) -> int | None:
        """How many rejected rows there may be for a run to publish; None: any number, if the share is tolerated."""
        most = self.options.get("maxRejectedRecords")
        return None if most is None else int(most)

    def started(self, *, at: datetime) -> "Flow":
        """The flow with one more run, and its next slot due. Raises FlowDisabled."""
        return self.passed(at=at).counted()

    def counted(self) -> "Flow":
        """The flow with one more run, which stands for no slot. Raises FlowDisabled."""
        self.check_enabled()
        return self.numbered()

    def numbered(self) -> "Flow":
        """The flow with one more run, whether it is enabled or not: what undoes a run reads nothing."""
        return replace(self, runs_started=self.runs_started + 1, stamp=self.stamp.touched())

    def check_enabled(self) -> None:
        """Return if runs may start. Raises FlowDisabled."""
        if self.state is not FlowState.ENABLED:
            raise FlowDisabled(
                f"flow {self.id} is {self.state.value}", advice="Enable it first: POST /flows/{id}/action?op=enable."
            )

    def passed(self, *, at: datetime) -> "Flow":
        """The flow with the slots up to `at` behind it; the next one is due."""
        return replace(self, next_run_at=self.schedule.next_after(at), stamp=self.stamp.touched())

    def ended(self, run: LastRun) -> "Flow":
        """The flow with its newest ended run; itself where a later one has ended already."""
        if self.last_run is not None and self.last_run.started_at > run.started_at:
            return self
        return replace(self, last_run=run, stamp=self.stamp.touched())

    def switched(self, state: FlowState, caller: Caller, *, at: datetime) -> "Flow":
        """The flow in `state`; itself where it is already. Raises BadTransition for a draft, which is published.

        Slots that went by while it was disabled are not made up for: the next window covers them.
        """
        if state is self.state:
            return self
        if self.state is FlowState.DRAFT:
            raise BadTransition(
                f"flow {self.id} is a draft", advice="Publish it first: POST /flows/{id}/action?op=publish."
            )
        due = self.next_run_at
        missed = due is not None and due <= at and self.schedule.period is not None
        moved = replace(
            self,
            state=state,
            next_run_at=self.schedule.next_after(at) if missed else due,
            stamp=self.stamp.moved(caller, at=at),
        )
        return moved.noted(Operation.ENABLE if state is FlowState.ENABLED else Operation.DISABLE, at=at)

    def rescheduled(self, schedule: Schedule, sent: Mapping[str, Any], *, at: datetime) -> "Flow":
        """The flow by another schedule, as a client `sent` it. Whoever changes the flow moves its stamp.

        A flow that never ran is due at its start, at once if that has passed; another one at its next slot.
        """
        due = schedule.next_after(at) if self.runs_started else schedule.first_run(now=at)
        return replace(self, schedule=schedule, schedule_sent=sent, next_run_at=due)

    def noted(self, operation: Operation, *, at: datetime) -> "Flow":
        """The flow that says what a client did with it last. Whoever changes the flow moves its stamp."""
        return replace(self, last_operation=operation, operated_at=at)

    def keeping(self, column: DeltaColumn) -> "Flow":
        """The flow with `column` in its Copy transformation, as its first run over a window names it."""
        others = tuple(step for step in self.transformations if step.name != COPY)
        copy = Transformation(name=COPY, params={"deltaColumn": column.to_json()})
        return replace(self, transformations=(copy, *others))

"""Flows as lines of a list: what people look for them by, and what they want to see of each at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.hindrance import Hindrance
from flowservice.domain.run import Reason, RunState


class FlowOrder(StrEnum):
    """What a list of flows is sorted by, by its name on the wire."""

    NAME = "name"
    STATE = "state"
    CREATED = "createdAt"
    UPDATED = "updatedAt"
    LAST_RUN = "lastRun"
    NEXT_RUN = "nextRun"


NEVER_RAN = "never"
"""Stands for the state of the last run of a flow that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSearch:
    """Which flows, in which order, and which part of them. What is empty limits nothing."""

    text: str = ""
    """Part of the name, or the id."""
    states: tuple[FlowState, ...] = ()
    last_runs: tuple[str, ...] = ()
    """How the newest ended run ended; `NEVER_RAN` for flows without one."""
    spec_ids: tuple[str, ...] = ()
    """Connection specs of sources."""
    account_ids: tuple[str, ...] = ()
    dataset_ids: tuple[str, ...] = ()
    due_before: datetime | None = None
    """Only enabled flows whose next run should have started before this."""
    order: FlowOrder = FlowOrder.LAST_RUN
    descending: bool = True
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowsFound:
    """A part of what was looked for, and how much there is in all."""

    flows: Sequence[Flow]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRun:
    """A run as far as a small mark can tell it. Rows are -1 where a run that failed cannot know."""

    id: str
    flow_id: str
    state: RunState
    created_at: datetime
    started_at: datetime | None
    read: int
    written: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLine:
    """A flow with what stands around it."""

    flow: Flow
    account_name: str | None
    """None: it is gone, or a draft names none."""
    dataset_name: str | None
    late_by: timedelta | None
    """How long it has been due without having been started; None: it is not late."""
    hindrance: Hindrance | None
    """What is in its way; None: it is not late."""
    reason: Reason | None
    """Why the last run did not land all; None: it did, or there is none."""
    recent: Sequence[RecentRun]
    """The newest runs, the newest first."""

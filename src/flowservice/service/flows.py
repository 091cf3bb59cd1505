"""What people and programs may do with flows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flowservice.domain.flow import Endpoint, Flow, FlowState
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.schedule import parsed_schedule
from flowservice.errors import BadTransition, MissingField, StateNotAllowed
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.content import FlowContent
from flowservice.service.drafts import takes_drafts
from flowservice.service.flow_checks import Ends, FlowChecks
from flowservice.service.readable import Readable


@dataclass(frozen=True, slots=True)
class Flows(Readable[Flow]):
    """Makes a flow only if it can run."""

    database: Database
    checks: FlowChecks
    now: Clock
    ids: Ids

    @property
    def store(self) -> Store[Flow]:
        """Where they live."""
        return self.database.flows

    def create(
        self, caller: Caller, flow_spec: SpecRef, content: FlowContent, *, state: str | None = None, draft: bool = False
    ) -> Flow:
        """A new flow, checked in the documented order; a start in the past or now is due at once.

        A draft has both ends, of whatever state, and may lack the rest.
        Raises StateNotAllowed, MissingField, UnknownSpec, OneSourceOneTarget, NotFound, WrongTarget, NotPublished,
        DraftUnsupported, MissingMapping, DeltaColumnNotAllowed, BadMappingVersion, BadMapping, SchemaMismatch,
        BadSchedule and its kin.
        """
        caller.may(Permission.MANAGE_SOURCES)
        if state is not None:
            raise StateNotAllowed("state cannot be sent when creating a flow", advice="Leave it out.")
        ends = self.checks.ends(caller, flow_spec, content.source_ids, content.target_ids)
        if draft:
            takes_drafts(ends.spec)
        now = self.now()
        sketch = Flow(
            id=self.ids.uuid(),
            stamp=Stamp.first(caller, at=now),
            flow_spec=flow_spec,
            source=Endpoint.of(ends.source),
            target=Endpoint.of(ends.target),
            state=FlowState.DRAFT if draft else FlowState.ENABLED,
        )
        flow = self._with(sketch, content)
        if not draft:
            self._can_run(caller, flow, ends)
        flow = _scheduled(flow, content.schedule, now=now)
        self.database.flows.add(flow)
        return flow

    def change(self, caller: Caller, flow: Flow, content: FlowContent) -> Flow:
        """The flow with other content, checked like a new one. A run under way goes on as it was planned.

        Raises as `create`, and Stale.
        """
        caller.may(Permission.MANAGE_SOURCES)
        now = self.now()
        ends = self.checks.ends(caller, flow.flow_spec, content.source_ids, content.target_ids)
        changed = replace(self._with(flow, content), stamp=flow.stamp.moved(caller, at=now))
        if flow.state is FlowState.DRAFT:
            changed = replace(changed, source=Endpoint.of(ends.source), target=Endpoint.of(ends.target))
        elif changed.transformations != flow.transformations:
            self._can_run(caller, changed, ends)
        if flow.state is FlowState.DRAFT or (content.schedule or {}) != flow.schedule_sent:
            changed = _scheduled(changed, content.schedule, now=now)
        self.database.flows.replace(flow, changed)
        return changed

    def publish(self, caller: Caller, flow: Flow) -> Flow:
        """The draft checked like a new flow, and enabled. Raises BadTransition unless it is one, and as `create`."""
        caller.may(Permission.MANAGE_SOURCES)
        if flow.state is not FlowState.DRAFT:
            raise BadTransition(f"flow {flow.id} is no draft", advice="Only a draft can be published.")
        now = self.now()
        ends = self.checks.ends(caller, flow.flow_spec, (flow.source.id,), (flow.target.id,))
        # The ends may have been completed since the draft was made.
        sketch = replace(
            flow,
            state=FlowState.ENABLED,
            source=Endpoint.of(ends.source),
            target=Endpoint.of(ends.target),
            stamp=flow.stamp.moved(caller, at=now),
        )
        self._can_run(caller, sketch, ends)
        published = _scheduled(sketch, flow.schedule_sent, now=now)
        self.database.flows.replace(flow, published)
        return published

    def switch(self, caller: Caller, flow: Flow, state: FlowState) -> Flow:
        """The flow enabled or disabled; a disabled flow starts no run. Raises BadTransition for a draft, Stale."""
        caller.may(Permission.MANAGE_SOURCES)
        switched = flow.switched(state, caller, at=self.now())
        if switched is not flow:
            self.database.flows.replace(flow, switched)
        return switched

    def delete(self, caller: Caller, flow_id: str) -> None:
        """Delete the flow; a run in progress ends and its rows stay. Raises NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        self.database.flows.delete(self.database.flows.get(caller.scope, flow_id))

    def _with(self, flow: Flow, content: FlowContent) -> Flow:
        """The flow with the content's own parts, each well-formed by itself."""
        return replace(
            flow,
            name=content.name,
            description=content.description,
            governance=content.governance,
            transformations=self.checks.steps(content.transformations),
            options=self.checks.options(content.options),
        )

    def _can_run(self, caller: Caller, flow: Flow, ends: Ends) -> None:
        if not flow.name.strip():
            raise MissingField("name is missing")
        self.checks.published(ends)
        self.checks.transformations(caller, ends, flow.transformations)


def _scheduled(flow: Flow, sent: Mapping[str, Any] | None, *, now: datetime) -> Flow:
    """The flow with the schedule that was sent, and due by it unless it is a draft.

    Outside a draft, nothing sent means once, and now. Raises BadSchedule and its kin.
    """
    drafted = flow.state is FlowState.DRAFT
    if sent is None and drafted:
        return replace(flow, schedule=None, schedule_sent={})
    schedule = parsed_schedule(sent or {}, now=now)
    due = None if drafted else schedule.first_run(now=now)
    return replace(flow, schedule=schedule, schedule_sent=sent or {}, next_run_at=due)

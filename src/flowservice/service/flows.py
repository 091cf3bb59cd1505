"""What people and programs may do with flows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.schedule import DOCUMENTED, ScheduleRules, parsed_schedule
from flowservice.errors import MissingField, StateNotAllowed
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.delta_columns import DeltaColumns, recurs
from flowservice.service.flow_checks import FlowChecks
from flowservice.service.readable import Readable


@dataclass(frozen=True, slots=True)
class Flows(Readable[Flow]):
    """Makes a flow only if it can run."""

    database: Database
    checks: FlowChecks
    now: Clock
    ids: Ids
    delta_columns: DeltaColumns
    rules: ScheduleRules = DOCUMENTED

    @property
    def store(self) -> Store[Flow]:
        """Where they live."""
        return self.database.flows

    def create(
        self,
        caller: Caller,
        *,
        name: str,
        description: str,
        flow_spec: SpecRef,
        source_ids: Sequence[str],
        target_ids: Sequence[str],
        transformations: Sequence[Mapping[str, Any]],
        schedule: Mapping[str, Any],
        options: Mapping[str, Any],
        state: str | None,
    ) -> Flow:
        """A new flow, checked in the documented order; a start in the past or now is due at once.

        Raises StateNotAllowed, MissingField, UnknownSpec, OneSourceOneTarget, NotFound, WrongTarget, MissingMapping,
        BadMappingVersion, BadMapping, SchemaMismatch, MissingDeltaColumn, DeltaColumnNotAllowed, UnknownColumn,
        DeltaColumnHasNoTimes, BadSchedule and its kin.
        """
        caller.may(Permission.MANAGE_SOURCES)
        if state is not None:
            raise StateNotAllowed("state cannot be sent when creating a flow", advice="Leave it out.")
        if not name.strip():
            raise MissingField("name is missing")
        ends = self.checks.ends(caller, flow_spec, source_ids, target_ids)
        steps = self.checks.transformations(caller, ends, transformations)
        self.delta_columns.check(ends.source, steps, recurs=recurs(schedule))
        now = self.now()
        plan = parsed_schedule(schedule, now=now, rules=self.rules)
        flow = Flow(
            id=self.ids.uuid(),
            stamp=Stamp.first(caller, at=now),
            name=name,
            description=description,
            flow_spec=flow_spec,
            source=ends.source_endpoint,
            target=ends.target_endpoint,
            schedule=plan,
            schedule_sent=schedule,
            transformations=steps,
            options=self.checks.options(options),
            next_run_at=plan.first_run(now=now),
        )
        self.database.flows.add(flow)
        return flow

    def switch(self, caller: Caller, flow: Flow, state: FlowState) -> Flow:
        """The flow enabled or disabled; a disabled flow starts no run. Raises Stale."""
        caller.may(Permission.MANAGE_SOURCES)
        switched = flow.switched(state, caller, at=self.now())
        if switched is not flow:
            self.database.flows.replace(flow, switched)
        return switched

    def delete(self, caller: Caller, flow_id: str) -> None:
        """Delete the flow; a run in progress ends and its rows stay. Raises NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        self.database.flows.delete(self.database.flows.get(caller.scope, flow_id))

"""What people and programs may do with flows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flowservice.domain.flow import Endpoint, Flow, FlowState, Operation, Transformation
from flowservice.domain.flow_version import Origin
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.run import Run, RunError, RunState
from flowservice.domain.schedule import DOCUMENTED, Schedule, ScheduleRules, changed_schedule, parsed_schedule
from flowservice.domain.window import DeltaColumn
from flowservice.errors import (
    BadTransition,
    DeltaColumnDiffers,
    MissingField,
    NotFound,
    StartHasPassed,
    StateNotAllowed,
    UnknownFlow,
)
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.content import FlowContent
from flowservice.service.contention import repeated
from flowservice.service.delta_columns import DeltaColumns, recurs
from flowservice.service.drafts import takes_drafts
from flowservice.service.flow_checks import Ends, FlowChecks
from flowservice.service.kept_versions import added, replaced
from flowservice.service.readable import Readable
from flowservice.service.target_connections import target_dataset

_MOST_RUNS: Final = 10_000


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
        self, caller: Caller, flow_spec: SpecRef, content: FlowContent, *, state: str | None = None, draft: bool = False
    ) -> Flow:
        """A new flow, checked in the documented order; a start in the past or now is due at once.

        A draft has both ends, of whatever state, and may lack the rest. Without a schedule a flow runs once, and now.
        Raises StateNotAllowed, MissingField, UnknownSpec, OneSourceOneTarget, NotFound, WrongTarget, NotPublished,
        DraftUnsupported, MissingMapping, BadMappingVersion, BadMapping, SchemaMismatch, MissingDeltaColumn,
        DeltaColumnNotAllowed, UnknownColumn, DeltaColumnHasNoTimes, BadSchedule and its kin.
        """
        caller.may(Permission.MANAGE_SOURCES)
        if state is not None:
            raise StateNotAllowed("state cannot be sent when creating a flow", advice="Leave it out.")
        ends = self.checks.ends(caller, flow_spec, content.source_ids, content.target_ids)
        steps = self.checks.steps(content.transformations)
        sent = content.schedule or {}
        if draft:
            takes_drafts(ends.spec)
        else:
            self._check(caller, content.name, ends, steps, recurs=recurs(sent))
        now = self.now()
        schedule = parsed_schedule(sent, now=now, rules=self.rules)
        flow = Flow(
            id=self.ids.uuid(),
            stamp=Stamp.first(caller, at=now),
            name=content.name,
            description=content.description,
            governance=content.governance,
            flow_spec=flow_spec,
            source=Endpoint.of(ends.source),
            target=Endpoint.of(ends.target),
            schedule=schedule,
            schedule_sent=sent,
            transformations=steps,
            options=self.checks.options(content.options),
            state=FlowState.DRAFT if draft else FlowState.ENABLED,
            next_run_at=None if draft else schedule.first_run(now=now),
        )
        with self._settled(flow) as tx:
            return added(tx, flow)

    def slots(self, caller: Caller, sent: Mapping[str, Any], *, count: int) -> tuple[Schedule, Sequence[datetime]]:
        """A schedule that is not kept, and its next `count` runs. Raises as `create` for what is no schedule."""
        caller.may(Permission.VIEW_SOURCES)
        now = self.now()
        schedule = parsed_schedule(sent, now=now, rules=self.rules)
        slots = [schedule.first_run(now=now)]
        while len(slots) < count and (following := schedule.next_after(slots[-1])) is not None:
            slots.append(following)
        return schedule, slots

    def change(self, caller: Caller, flow: Flow, content: FlowContent, *, reverts_to: int | None = None) -> Flow:
        """The flow with other content, checked like a new one. A run under way goes on as it was planned.

        `reverts_to`: the version of it that had this content.

        Raises as `create`; StartHasPassed, CannotBecomeOnce, BackfillIsFixed, DeltaColumnDiffers; Stale.
        """
        caller.may(Permission.MANAGE_SOURCES)
        now = self.now()
        ends = self.checks.ends(caller, flow.flow_spec, content.source_ids, content.target_ids)
        sent = content.schedule or {}
        changed = replace(
            flow,
            name=content.name,
            description=content.description,
            governance=content.governance,
            transformations=self.checks.steps(content.transformations),
            options=self.checks.options(content.options),
            stamp=flow.stamp.moved(caller, at=now),
        ).noted(Operation.UPDATE, at=now)
        if flow.state is FlowState.DRAFT:
            changed = replace(
                changed,
                source=Endpoint.of(ends.source),
                target=Endpoint.of(ends.target),
                schedule=parsed_schedule(sent, now=now, rules=self.rules),
                schedule_sent=sent,
            )
        else:
            steps = changed.transformations
            if (steps, recurs(sent)) != (flow.transformations, recurs(flow.schedule_sent)):
                taken_up = _as_taken_up(ends, flow)
                self._check(caller, content.name, taken_up, steps, recurs=recurs(sent), kept=flow.delta_column)
            if not content.name.strip():
                raise _nameless()
            if recurs(sent) and flow.schedule.period is None and self._has_runs(flow):
                # Runs on demand leave no watermark: a window would take their rows again.
                raise StartHasPassed(
                    "a flow that has run once, or has a run that waits for its time, cannot become a recurring one",
                    advice="Create another flow.",
                )
            if sent != flow.schedule_sent:
                schedule = changed_schedule(flow.schedule, sent, now=now, rules=self.rules)
                changed = changed.rescheduled(schedule, sent, at=now)
            column = flow.delta_column
            if column is not None and changed.delta_column != column and self._has_runs(flow):
                raise DeltaColumnDiffers(
                    "the delta column of a flow that has run cannot be changed, nor how it is read: its windows would "
                    "overlap or leave a gap",
                    advice="Create another flow.",
                )
        origin = Origin.CHANGED if reverts_to is None else Origin.REVERTED
        with self._settled(changed) as tx:
            return replaced(tx, flow, changed, origin, reverts_to=reverts_to)

    def publish(self, caller: Caller, flow: Flow) -> Flow:
        """The draft checked like a new flow, and enabled. Raises BadTransition unless it is one, and as `create`."""
        caller.may(Permission.MANAGE_SOURCES)
        if flow.state is not FlowState.DRAFT:
            raise BadTransition(f"flow {flow.id} is no draft", advice="Only a draft can be published.")
        completed, now = self._completed(caller, flow, flow.name), self.now()
        published = replace(
            completed,
            state=FlowState.ENABLED,
            next_run_at=completed.schedule.first_run(now=now),
            stamp=flow.stamp.moved(caller, at=now),
        ).noted(Operation.ENABLE, at=now)
        with self._settled(published) as tx:
            return replaced(tx, flow, published, Origin.PUBLISHED)

    def runnable(self, caller: Caller, flow: Flow) -> Flow:
        """The flow as its runs know it; a draft as they would once it is published, though it may lack a name.

        Nothing is stored. Raises for a draft as `create`.
        """
        caller.may(Permission.VIEW_SOURCES)
        return self._completed(caller, flow, None) if flow.state is FlowState.DRAFT else flow

    def _completed(self, caller: Caller, draft: Flow, name: str | None) -> Flow:
        """The draft checked like a new flow, with its ends and its schedule as they are now."""
        ends = self.checks.ends(caller, draft.flow_spec, (draft.source.id,), (draft.target.id,))
        self._check(caller, name, ends, draft.transformations, recurs=recurs(draft.schedule_sent))
        return replace(
            draft,
            # They may have been completed since the draft was made.
            source=Endpoint.of(ends.source),
            target=Endpoint.of(ends.target),
            schedule=parsed_schedule(draft.schedule_sent, now=self.now(), rules=self.rules),
        )

    def switch(self, caller: Caller, flow: Flow, state: FlowState) -> Flow:
        """The flow enabled or disabled; a disabled flow starts no run. Raises BadTransition for a draft, Stale."""
        caller.may(Permission.MANAGE_SOURCES)
        switched = flow.switched(state, caller, at=self.now())
        if switched is not flow:
            self.database.flows.replace(flow, switched)
        return switched

    def delete(self, caller: Caller, flow_id: str) -> None:
        """Delete the flow; what landed stays. A run that still reads fails, and so do runs that wait for their time.

        Raises NotFound.
        """
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            flow = self.database.flows.get(caller.scope, flow_id)
            with self.database.transaction() as tx:
                tx.flows.delete(flow)
                with suppress(NotFound):
                    tx.source_shapes.delete(tx.source_shapes.get(caller.scope, flow_id))
                for run in self._scheduled(flow, tx):
                    if run.is_waiting:
                        gone = RunError(code=UnknownFlow.code, message="the flow was deleted", advice="Create it anew.")
                        failed = replace(run.moved_to(RunState.FAILED, at=self.now()), errors=(gone,))
                        tx.runs.replace(run, failed)

        # The bookkeeping of its runs may come in between.
        repeated(delete)

    @contextmanager
    def _settled(self, flow: Flow) -> Iterator[Database]:
        """A transaction that writes the flow, in which all that it needs is there and stays. Raises NotFound."""
        scope = flow.stamp.scope
        with self.database.transaction() as tx:
            # The checks took their time, and whoever deletes holds the organisation, too.
            tx.tenancy.hold(scope.org_id)
            tx.source_connections.get(scope, flow.source.id)
            tx.target_connections.get(scope, flow.target.id)
            if flow.source.base_connection_id is not None:
                tx.connections.get(scope, flow.source.base_connection_id)
            if flow.state is not FlowState.DRAFT:
                target_dataset(tx, scope, flow.target.params)
            yield tx

    def _has_runs(self, flow: Flow) -> bool:
        """Whether it has run, or will by a run that waits."""
        return bool(flow.runs_started or self._scheduled(flow, self.database))

    def _scheduled(self, flow: Flow, database: Database) -> Sequence[Run]:
        """The runs of the flow that have not begun."""
        conditions = (
            Condition(path=("flow_id",), operator=Operator.EQ, values=(flow.id,)),
            Condition(path=("state",), operator=Operator.EQ, values=(RunState.SCHEDULED,)),
        )
        return database.runs.list(flow.stamp.scope, Query(conditions=conditions, limit=_MOST_RUNS)).items

    def _check(
        self,
        caller: Caller,
        name: str | None,
        ends: Ends,
        steps: Sequence[Transformation],
        *,
        recurs: bool | None,
        kept: DeltaColumn | None = None,
    ) -> None:
        if name is not None and not name.strip():
            raise _nameless()
        self.checks.published(ends)
        self.checks.transformations(caller, ends, steps)
        self.delta_columns.check(ends.source, steps, recurs=recurs, kept=kept)


def _nameless() -> MissingField:
    return MissingField("name is missing", advice="Give the flow a name.")


def _as_taken_up(ends: Ends, flow: Flow) -> Ends:
    """The ends as the flow knows them: what was changed of them since does not reach it."""
    source = replace(ends.source, params=flow.source.params, base_connection_id=flow.source.base_connection_id)
    return replace(ends, source=source, target=replace(ends.target, params=flow.target.params))

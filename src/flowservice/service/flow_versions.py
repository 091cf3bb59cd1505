"""Versions of flows: each saved change is kept, can be looked at, and be reverted to."""

from collections.abc import Sequence
from dataclasses import dataclass

from flowservice.domain.flow import Flow, FlowState
from flowservice.domain.flow_version import FlowVersion, Origin
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Condition, Operator, Query
from flowservice.errors import NotFound, PatchFailed
from flowservice.ports.database import Database
from flowservice.service.content import FlowContent
from flowservice.service.flows import Flows


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersions:
    """Looks back, and goes back."""

    database: Database
    flows: Flows

    def list(self, caller: Caller, flow_id: str, *, limit: int, below: int | None = None) -> Sequence[FlowVersion]:
        """The newest versions of a flow, the newest first, of those with a number `below`. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        flow = self.database.flows.get(caller.scope, flow_id)
        newest = min(flow.versions, below - 1 if below is not None else flow.versions)
        if flow.versions == 0:
            return [_only(flow)] if below is None or below > 1 else []
        ids = tuple(f"{flow.id}-{number}" for number in range(newest, max(newest - limit, 0), -1))
        if not ids:
            return []
        condition = Condition(path=("id",), operator=Operator.EQ, values=ids)
        found = self.database.flow_versions.list(caller.scope, Query(conditions=(condition,), limit=len(ids))).items
        return sorted(found, key=lambda version: -version.number)

    def get(self, caller: Caller, flow_id: str, number: int) -> FlowVersion:
        """One version. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        flow = self.database.flows.get(caller.scope, flow_id)
        if flow.versions == 0 and number == 1:
            return _only(flow)
        try:
            return self.database.flow_versions.get(caller.scope, f"{flow.id}-{number}")
        except NotFound:
            raise NotFound(
                f"flow {flow.id} has no version {number}", advice=f"GET /v1/flows/{flow.id}/versions lists them."
            ) from None

    def revert(self, caller: Caller, flow: Flow, number: int) -> Flow:
        """The flow as that version of it was, as a further version; checked as any change is.

        The flow itself where it does not differ. Raises NotFound, PatchFailed, and what changing a flow raises; Stale.
        """
        caller.may(Permission.MANAGE_SOURCES)
        version = self.get(caller, flow.id, number)
        ends = (version.source.id, version.target.id)
        if flow.state is not FlowState.DRAFT and ends != (flow.source.id, flow.target.id):
            raise PatchFailed(
                f"version {number} reads or lands elsewhere, and both ends stay once a flow is published",
                advice="Create another flow.",
            )
        content = FlowContent(
            name=version.name,
            description=version.description,
            governance=version.governance,
            source_ids=(version.source.id,),
            target_ids=(version.target.id,),
            transformations=tuple({"name": step.name, "params": step.params} for step in version.transformations),
            schedule=version.schedule_sent,
            options=version.options,
        )
        return self.flows.change(caller, flow, content, reverts_to=number)


def _only(flow: Flow) -> FlowVersion:
    """The one version of a flow that nobody has changed since versions are kept."""
    return FlowVersion.of(flow, 1, Origin.BEFORE)

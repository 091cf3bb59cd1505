"""Flows as people look for them, each with its ends by name and its newest runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from flowservice.domain.flow import Flow
from flowservice.domain.flow_line import FlowLine, FlowSearch, RecentRun
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.monitoring import LATE_AFTER, late_by
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.resource import Resource
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock
from flowservice.service.reasons import Reasons

R = TypeVar("R", bound=Resource)

RECENT: Final = 10
"""Runs that are told of each flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLines:
    """Lists flows with what stands around them."""

    database: Database
    reasons: Reasons
    now: Clock

    def find(self, caller: Caller, search: FlowSearch, *, late: bool) -> tuple[Sequence[FlowLine], int]:
        """A part of what fits, and how much fits in all. `late`: only flows that are."""
        caller.may(Permission.VIEW_SOURCES)
        wanted = replace(search, due_before=self.now() - LATE_AFTER) if late else search
        found = self.database.flows.find(caller.scope, wanted)
        return self._lines(caller.scope, found.flows), found.count

    def get(self, caller: Caller, flow_id: str) -> FlowLine:
        """One flow. Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        (line,) = self._lines(caller.scope, [self.database.flows.get(caller.scope, flow_id)])
        return line

    def _lines(self, scope: Scope, flows: Sequence[Flow]) -> Sequence[FlowLine]:
        accounts = _names(self.database.connections, scope, {flow.source.base_connection_id for flow in flows})
        datasets = _names(self.database.datasets, scope, {flow.dataset_id for flow in flows})
        recent = self.database.runs.recent(scope, [flow.id for flow in flows], each=RECENT)
        by_flow: dict[str, list[RecentRun]] = {}
        for run in recent:
            by_flow.setdefault(run.flow_id, []).append(run)
        now = self.now()
        late = {flow.id: by for flow in flows if (by := late_by(flow, now=now)) is not None}
        hindrances = self.reasons.of_lateness(scope, [flow for flow in flows if flow.id in late])
        reasons = self.reasons.of_last_runs(scope, flows)
        return [
            FlowLine(
                flow=flow,
                account_name=accounts.get(flow.source.base_connection_id or ""),
                dataset_name=datasets.get(flow.dataset_id),
                late_by=late.get(flow.id),
                hindrance=hindrances.get(flow.id),
                reason=reasons.get(flow.id),
                recent=by_flow.get(flow.id, ()),
            )
            for flow in flows
        ]


def _names(store: Store[R], scope: Scope, ids: Iterable[str | None]) -> Mapping[str, str]:
    """The names of those that are there, by id."""
    wanted = tuple(sorted({one for one in ids if one}))
    if not wanted:
        return {}
    condition = Condition(path=("id",), operator=Operator.EQ, values=wanted)
    return {one.id: one.name for one in store.list(scope, Query(conditions=(condition,), limit=len(wanted))).items}

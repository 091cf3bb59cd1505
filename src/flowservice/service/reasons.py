"""Why flows need a look: what became of their last runs, and what is in their way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flowservice.domain.flow import Flow
from flowservice.domain.hindrance import Hindrance, hindrance
from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Query
from flowservice.domain.run import Reason, RunState
from flowservice.domain.run_limits import AtWork, Occupancy, RunLimits
from flowservice.ports.database import Database

_TOGETHER: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Tells them of many flows of a sandbox at once. Of each, by the flow's id; who needs no look is not among them."""

    database: Database
    limits: RunLimits

    def of_last_runs(self, scope: Scope, flows: Iterable[Flow]) -> Mapping[str, Reason]:
        """Why the last run of each flow failed or is only a partial success."""
        ids = [flow.last_run.id for flow in flows if flow.last_run and flow.last_run.state != RunState.SUCCESS.value]
        found = {}
        for start in range(0, len(ids), _TOGETHER):
            some = tuple(ids[start : start + _TOGETHER])
            condition = Condition(path=("id",), operator=Operator.EQ, values=some)
            for run in self.database.runs.list(scope, Query(conditions=(condition,), limit=len(some))).items:
                if run.reason is not None:
                    found[run.flow_id] = run.reason
        return found

    def of_lateness(self, scope: Scope, late: Sequence[Flow]) -> Mapping[str, Hindrance]:
        """What is in the way of each of these, which are late."""
        at_work = self.database.runs.at_work([scope.org_id]) if late and self.limits.are_any else ()
        occupancy = Occupancy.of(self.limits, at_work)
        return {flow.id: hindrance(occupancy.full(_joining(flow))) for flow in late}


def _joining(flow: Flow) -> AtWork:
    """The flow as one that is at work."""
    scope = flow.stamp.scope
    return AtWork(
        flow_id=flow.id,
        org_id=scope.org_id,
        sandbox_id=scope.sandbox_id,
        connection_id=flow.source.base_connection_id,
    )

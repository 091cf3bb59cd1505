"""Dry runs: what the next run of a flow would do, for those who may run it and see its rows."""

from dataclasses import dataclass

from flowservice.domain.dry_run import DryRun
from flowservice.domain.identity import Caller, Permission
from flowservice.ports.runtime import Rehearsing
from flowservice.service.flows import Flows
from flowservice.service.masking import Masking


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Dials the source and writes nothing."""

    flows: Flows
    rehearsal: Rehearsing
    masking: Masking

    def take(self, caller: Caller, flow_id: str, *, rows: int) -> DryRun:
        """What the next run of the flow, in whatever state it is, would do with the first `rows` rows that it takes.

        A draft is taken as publishing would make it. Raises NotFound, for a draft as `Flows.create`, and as
        `Rehearsing.dry_run`.
        """
        # It does what a run does as far as reading, and shows rows as a preview does.
        for permission in (Permission.VIEW_SOURCES, Permission.RUN, Permission.VIEW_DATA):
            caller.may(permission)
        flow = self.flows.runnable(caller, self.flows.get(caller, flow_id))
        return self.masking.dry_run(caller, flow, self.rehearsal.dry_run(flow, rows=rows))

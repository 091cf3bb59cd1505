"""What the flows of a sandbox did, and which of them need a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.monitoring import FlowActivity, ListedFlow, Overview, overview
from flowservice.errors import BadQuery
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock
from flowservice.service.reasons import Reasons

MOST_BUCKETS: Final = 366
_LONGEST: Final = timedelta(days=366)
_SHORTEST_BUCKET: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Overviews of a sandbox."""

    database: Database
    reasons: Reasons
    now: Clock

    def overview(self, caller: Caller, since: datetime | None, until: datetime | None, *, buckets: int) -> Overview:
        """What happened from `since` (None: a day before the end) until `until` (None: now). Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        now = self.now()
        end = until or now
        begin = since or end - timedelta(days=1)
        # Whole milliseconds, so that the last bucket reaches the end.
        length = timedelta(milliseconds=ceil((end - begin) / timedelta(milliseconds=buckets)))
        if length < _SHORTEST_BUCKET or end - begin > _LONGEST:
            raise BadQuery(
                "from and to span no time, too little for so many buckets, or more than 366 days",
                advice="Send epoch milliseconds, from before to, or leave both out for the last day.",
            )
        activity = self.database.runs.activity(caller.scope, since=begin, bucket=length, buckets=buckets)
        flows = every(self.database.flows, caller.scope)
        return overview(begin, length, buckets, activity, flows, now=now)

    def listed(self, caller: Caller, flows: Sequence[FlowActivity]) -> Sequence[ListedFlow]:
        """These flows of an overview, each with why it needs a look."""
        caller.may(Permission.VIEW_SOURCES)
        reasons = self.reasons.of_last_runs(caller.scope, [each.flow for each in flows])
        late = [each.flow for each in flows if each.late_by is not None]
        hindrances = self.reasons.of_lateness(caller.scope, late)
        return [
            ListedFlow(activity=each, hindrance=hindrances.get(each.flow.id), reason=reasons.get(each.flow.id))
            for each in flows
        ]

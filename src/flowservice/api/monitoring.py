"""Monitoring: what the flows of a sandbox did, and which need a look. Our own addition."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from flowservice.api import answers
from flowservice.api import monitoring_answers as told
from flowservice.api.calls import Calling
from flowservice.api.reasons import hindrance_json, reason_json
from flowservice.domain.epoch import milliseconds
from flowservice.domain.monitoring import ListedFlow, Overview, Sums
from flowservice.domain.run import RunState
from flowservice.service.monitoring import MOST_BUCKETS, Monitoring

_LATEST: Final = 253_402_300_799_000
"""The end of the year 9999, in epoch milliseconds."""


def router(monitoring: Monitoring) -> APIRouter:
    """Look."""
    routes = APIRouter(prefix="/v1/monitoring", tags=["Monitoring"])

    @routes.get("", summary="What flows did over a span of time", responses=answers.of(told.Monitored))
    def overview(
        caller: Calling,
        since: Annotated[int | None, Query(ge=0, le=_LATEST, description="Epoch ms; without it a day before.")] = None,
        until: Annotated[int | None, Query(ge=0, le=_LATEST, description="Epoch ms; without it now.")] = None,
        buckets: Annotated[int, Query(ge=1, le=MOST_BUCKETS, description="Into how many parts it is cut.")] = 24,
        limit: Annotated[int, Query(ge=0, le=1_000, description="Flows to list.")] = 100,
        failures_only: Annotated[
            bool, Query(alias="failuresOnly", description="List late, failing and rejecting flows alone.")
        ] = False,
    ) -> dict[str, Any]:
        """Runs count by when they were made. Those of flows that are gone count in all, but are listed no more."""
        found = monitoring.overview(caller, _moment(since), _moment(until), buckets=buckets)
        wanted = [each for each in found.flows if not failures_only or each.needs_a_look]
        return _shown(found, monitoring.listed(caller, wanted[:limit]), count=len(wanted))

    return routes


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def _shown(found: Overview, listed: Sequence[ListedFlow], *, count: int) -> dict[str, Any]:
    return {
        "since": milliseconds(found.since),
        "until": milliseconds(found.until),
        "bucketMs": round(found.bucket / timedelta(milliseconds=1)),
        "totals": _sums(found.totals),
        "flowsLate": sum(each.late_by is not None for each in found.flows),
        "flowsFailing": sum(each.sums.runs[RunState.FAILED] > 0 for each in found.flows),
        "series": [
            {"at": milliseconds(found.since + place * found.bucket), **_sums(sums)}
            for place, sums in enumerate(found.series)
        ],
        "flows": [_flow(each) for each in listed],
        "flowCount": count,
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "runs": {state.value: count for state, count in sums.runs.items()},
        "received": sums.read,
        "ingested": sums.written,
        "rejected": sums.rejected,
    }


def _flow(listed: ListedFlow) -> dict[str, Any]:
    told = listed.activity
    flow = told.flow
    last = flow.last_run
    return {
        "flowId": flow.id,
        "name": flow.name,
        "state": flow.state.value,
        "datasetId": flow.dataset_id,
        **_sums(told.sums),
        "lastRun": None
        if last is None
        else {
            "id": last.id,
            "state": last.state,
            "startedAt": milliseconds(last.started_at),
            "completedAt": milliseconds(last.completed_at),
            "reason": reason_json(listed.reason),
        },
        "nextRunAt": None if flow.next_run_at is None else milliseconds(flow.next_run_at),
        "lateByMs": None if told.late_by is None else round(told.late_by / timedelta(milliseconds=1)),
        "hindrance": hindrance_json(listed.hindrance),
    }

"""Runs."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from flowservice.api import run_document, wire
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.api.flowservice import BASE
from flowservice.api.listing import FullList, envelope, one, query
from flowservice.errors import UnknownRunAction
from flowservice.service.runs import Runs

_NAMES: Final = {
    "id": "id",
    "flowId": "flow_id",
    "flowSpec": "flow_spec",
    "state": "state",
    "metrics.statusSummary.status": "state",
    "metrics.recordSummary.inputRecordCount": "counts.read",
    "metrics.recordSummary.outputRecordCount": "counts.written",
    "metrics.recordSummary.failedRecordCount": "counts.rejected",
    "metrics": None,
    "params": "params",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


def router(runs: Runs) -> APIRouter:
    """Create, list, read and repeat."""
    routes = APIRouter(prefix=BASE, tags=["Runs"])

    @routes.get("/runs", summary="List runs")
    def listed(caller: Calling, call: FullList) -> dict[str, Any]:
        asked = query(call, _NAMES)
        if call.count:
            return {"count": runs.count(caller, asked)}
        return envelope(runs.list(caller, asked), run_document.run, "runs")

    @routes.post("/runs", status_code=201, summary="Run a flow on demand")
    def create(caller: Calling, body: wire.RunBody, response: Response) -> dict[str, Any]:
        """Published clients read the answer in two shapes; this one holds both."""
        run = runs.create(caller, flow_id=body.flow_id, params=body.params or {})
        response.headers["Location"] = f"{BASE}/runs/{run.id}"
        return wire.created(run) | {"items": [wire.created(run)]}

    @routes.get("/runs/{run_id}", summary="Read a run")
    def read(caller: Calling, run_id: str) -> dict[str, Any]:
        return one(run_document.run(runs.get(caller, run_id)))

    @routes.post("/runs/{run_id}/action", summary="Run a failed run again")
    def action(caller: Calling, run_id: str, if_match: IfMatch, op: Annotated[str, Query()] = "") -> dict[str, Any]:
        """`op=re-trigger`: a new run over the window of one that failed, or that ingested no record."""
        run = runs.get(caller, run_id)
        if op.lower().replace("-", "").replace("_", "") != "retrigger":
            raise UnknownRunAction("op names no action of runs", advice="Send op=re-trigger.")
        matching(run, if_match, required=False)
        return wire.created(runs.repeat(caller, run))

    @routes.put("/runs/{run_id}", summary="Replace a run (for providers)")
    def replaced(caller: Calling, run_id: str, if_match: IfMatch, _: wire.RunUpdateBody) -> dict[str, Any]:
        """Runs are written by the service alone: with a user's token this is always refused (FLOW-1427)."""
        matching(runs.get(caller, run_id), if_match)
        runs.refuse_writing(caller)

    return routes

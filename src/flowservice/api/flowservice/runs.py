"""Runs."""

from typing import Any, Final

from fastapi import APIRouter, Response

from flowservice.api import run_document, wire
from flowservice.api.calls import Calling
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.service.runs import Runs

FIELDS: Final = Fields(
    names=STAMPED
    | {
        "flowId",
        "flowSpec",
        "params",
        "parentFlowRunId",
        "childFlowRunIds",
        "predecessors",
        "recordTypes",
        "metrics",
        "activities",
    }
)


def router(runs: Runs) -> APIRouter:
    """Create, list and read."""
    routes = APIRouter(prefix=BASE, tags=["Runs"])

    Collection(name="runs", noun="runs", items=runs, fields=FIELDS, shown=run_document.run).add_list(routes)

    @routes.post("/runs", status_code=201, summary="Run a flow on demand")
    def create(caller: Calling, body: wire.RunBody, response: Response) -> dict[str, Any]:
        """Published clients read the answer in two shapes; this one holds both."""
        run = runs.create(caller, flow_id=body.flow_id, params=body.params or {})
        response.headers["Location"] = f"{BASE}/runs/{run.id}"
        return wire.created(run) | {"items": [wire.created(run)]}

    @routes.get("/runs/{run_id}", summary="Read a run")
    def read(caller: Calling, run_id: str) -> dict[str, Any]:
        return one(run_document.run(runs.get(caller, run_id)))

    return routes

"""Runs."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from flowservice.api import answers, run_document, wire
from flowservice.api.actions import RunAction
from flowservice.api.calls import NEVER_DONE, Calling, IfMatch, matching
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
RunId = Annotated[str, Path(description="Id of a run: a UUID.")]


def router(runs: Runs, public_url: str | None) -> APIRouter:
    """Create, list, read and repeat. Without a `public_url`, links lead to the address that the caller used."""
    routes = APIRouter(prefix=BASE, tags=["Runs"])

    Collection(
        name="runs",
        noun="runs",
        items=runs,
        fields=FIELDS,
        shown=run_document.run,
        answer=answers.Run,
        linked=lambda item, address: run_document.run(item, (public_url or address).rstrip("/")),
    ).add_list(routes)

    @routes.post(
        "/runs", status_code=201, summary="Run a flow on demand", responses=answers.of(answers.RunCreated, status=201)
    )
    def create(caller: Calling, body: wire.RunBody, response: Response) -> dict[str, Any]:
        """Published clients read the answer in two shapes; this one holds both."""
        run = runs.create(caller, flow_id=body.flow_id, params=body.params or {})
        response.headers["Location"] = f"{BASE}/runs/{run.id}"
        return wire.created(run) | {"items": [wire.created(run)]}

    @routes.get("/runs/{run_id}", summary="Read a run", responses=answers.of(answers.One[answers.Run]))
    def read(caller: Calling, run_id: RunId, request: Request) -> dict[str, Any]:
        address = (public_url or str(request.base_url)).rstrip("/")
        return one(run_document.run(runs.get(caller, run_id), address))

    @routes.post("/runs/{run_id}/action", summary="Run a failed run again", responses=answers.of(answers.Created))
    def act(caller: Calling, run_id: RunId, _op: RunAction, if_match: IfMatch) -> dict[str, Any]:
        """`op=re-trigger`: a new run over the window of one that failed, or that ingested no record."""
        run = runs.get(caller, run_id)
        matching(run, if_match, required=False)
        return wire.created(runs.repeat(caller, run))

    @routes.put("/runs/{run_id}", summary="Replace a run (for providers)", openapi_extra=NEVER_DONE)
    def replaced(caller: Calling, run_id: RunId, if_match: IfMatch, _: wire.RunUpdateBody) -> dict[str, Any]:
        """Runs are written by the service alone: with a user's token this is always refused (FLOW-1427)."""
        matching(runs.get(caller, run_id), if_match)
        runs.refuse_writing(caller)

    return routes

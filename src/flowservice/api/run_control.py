"""Cancelling and undoing a run: our own additions, for a run has to be stopped or taken back now and then."""

from typing import Any, Final

from fastapi import APIRouter, Response

from flowservice.api import answers, wire
from flowservice.api.calls import Calling
from flowservice.api.flowservice import BASE as FLOW_SERVICE
from flowservice.api.flowservice.runs import RunId
from flowservice.service.runs import Runs

BASE: Final = "/v1/runs"


def router(runs: Runs) -> APIRouter:
    """Cancel and undo."""
    routes = APIRouter(prefix=BASE, tags=["Runs"])

    @routes.post(
        "/{run_id}/undo", status_code=201, summary="Undo a run", responses=answers.of(answers.Created, status=201)
    )
    def undo(caller: Calling, run_id: RunId, response: Response) -> dict[str, Any]:
        """A new run of the flow takes the rows of this one out of its dataset again; of an upsert, it puts back what
        they replaced. How that ended, and whether the next run takes the rows again, the new run tells."""
        made = runs.undo(caller, run_id)
        response.headers["Location"] = f"{FLOW_SERVICE}/runs/{made.id}"
        return wire.created(made)

    @routes.post(
        "/{run_id}/cancel", status_code=202, summary="Cancel a run", responses=answers.of(answers.Created, status=202)
    )
    def cancel(caller: Calling, run_id: RunId) -> dict[str, Any]:
        """The run ends as failed, and publishes nothing, in a moment; one that is publishing already goes on to its
        end, and can be undone then. `cancelledBy` of the run tells who asked."""
        return wire.created(runs.cancel(caller, run_id))

    return routes

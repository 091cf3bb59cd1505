"""Running a flow now, cancelling and undoing a run: our own additions, for a schedule does not know what is urgent."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from flowservice.api import answers, wire
from flowservice.api.calls import Calling
from flowservice.api.flowservice import BASE as FLOW_SERVICE
from flowservice.api.flowservice.runs import RunId
from flowservice.service.runs import Runs


def router(runs: Runs) -> APIRouter:
    """Run, cancel and undo."""
    routes = APIRouter(prefix="/v1", tags=["Runs"])

    @routes.post(
        "/flows/{flow_id}/run",
        status_code=201,
        summary="Run a flow now",
        responses=answers.of(answers.Created, status=201),
    )
    def run_now(
        caller: Calling, flow_id: Annotated[str, Path(description="Id of a flow: a UUID.")], response: Response
    ) -> dict[str, Any]:
        """Also of a flow that recurs: a run over its next window, out of its turn. Its slots stay as they are. Where a
        run waits that has not begun, the answer is that one."""
        made = runs.run_now(caller, flow_id)
        response.headers["Location"] = f"{FLOW_SERVICE}/runs/{made.id}"
        return wire.created(made)

    @routes.post(
        "/runs/{run_id}/undo", status_code=201, summary="Undo a run", responses=answers.of(answers.Created, status=201)
    )
    def undo(caller: Calling, run_id: RunId, response: Response) -> dict[str, Any]:
        """A new run of the flow takes the rows of this one out of its dataset again; of an upsert, it puts back what
        they replaced. How that ended, and whether the next run takes the rows again, the new run tells."""
        made = runs.undo(caller, run_id)
        response.headers["Location"] = f"{FLOW_SERVICE}/runs/{made.id}"
        return wire.created(made)

    @routes.post(
        "/runs/{run_id}/cancel",
        status_code=202,
        summary="Cancel a run",
        responses=answers.of(answers.Created, status=202),
    )
    def cancel(caller: Calling, run_id: RunId) -> dict[str, Any]:
        """The run ends as failed, and publishes nothing, in a moment; one that is publishing already goes on to its
        end, and can be undone then. `cancelledBy` of the run tells who asked."""
        return wire.created(runs.cancel(caller, run_id))

    return routes

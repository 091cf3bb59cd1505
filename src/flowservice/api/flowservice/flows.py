"""Flows."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from flowservice.api import wire
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.domain.flow import FlowState
from flowservice.errors import BadQuery
from flowservice.service.flows import Flows

FIELDS: Final = Fields(
    names=STAMPED
    | {
        "flowSpec",
        "sourceConnectionIds",
        "targetConnectionIds",
        "transformations",
        "scheduleParams",
        "options",
        "runs",
        "lastOperation",
        "lastRunDetails",
    }
)
_STATES: Final = {"enable": FlowState.ENABLED, "disable": FlowState.DISABLED}


def router(flows: Flows, wake: Callable[[], None]) -> APIRouter:
    """Create, list, read, enable, disable and delete. `wake` tells the tick that a flow may be due."""
    routes = APIRouter(prefix=BASE, tags=["Flows"])

    collection = Collection(name="flows", noun="flows", items=flows, fields=FIELDS, shown=wire.flow)
    collection.add_list(routes)
    collection.add_search(routes)

    @routes.post("/flows", status_code=201, summary="Create a flow")
    def create(caller: Calling, body: wire.FlowBody, response: Response) -> dict[str, Any]:
        """With frequency `once` and a start that has come, its run starts at once."""
        flow = flows.create(
            caller,
            name=body.name,
            description=body.description or "",
            flow_spec=body.flow_spec.ref(),
            source_ids=body.source_connection_ids,
            target_ids=body.target_connection_ids,
            transformations=body.transformations or [],
            schedule=body.schedule_params or {},
            options=body.options or {},
            state=body.state,
        )
        wake()
        response.headers["Location"] = f"{BASE}/flows/{flow.id}"
        return wire.created(flow)

    @routes.get("/flows/{flow_id}", summary="Read a flow")
    def read(caller: Calling, flow_id: str) -> dict[str, Any]:
        return one(wire.flow(flows.get(caller, flow_id)))

    @routes.post("/flows/{flow_id}/action", summary="Enable or disable a flow")
    def action(caller: Calling, flow_id: str, if_match: IfMatch, op: Annotated[str, Query()] = "") -> dict[str, Any]:
        state = _STATES.get(op.lower())
        if state is None:
            raise BadQuery("op is unknown", advice="Send op=enable or op=disable.")
        flow = flows.get(caller, flow_id)
        matching(flow, if_match, required=False)
        switched = flows.switch(caller, flow, state)
        wake()
        return wire.created(switched)

    @routes.delete("/flows/{flow_id}", status_code=204, summary="Delete a flow")
    def delete(caller: Calling, flow_id: str) -> None:
        flows.delete(caller, flow_id)

    return routes

"""Flows."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from flowservice.api import answers, wire
from flowservice.api.actions import FlowAction, Op
from flowservice.api.calls import Calling, Drafted, IfMatch, matching
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.api.patching import Operations, changed, edited
from flowservice.domain.flow import Flow, FlowState
from flowservice.service.contention import repeated
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
_ENDS: Final = frozenset({"sourceConnectionIds", "targetConnectionIds"})
FlowId = Annotated[str, Path(description="Id of a flow: a UUID.")]


def router(flows: Flows, wake: Callable[[], None]) -> APIRouter:
    """Create, list, read, change, publish, enable, disable and delete. `wake` tells the tick that a flow may be due."""
    routes = APIRouter(prefix=BASE, tags=["Flows"])

    collection = Collection(
        name="flows", noun="flows", items=flows, fields=FIELDS, shown=wire.flow, answer=answers.Flow
    )
    collection.add_list(routes)
    collection.add_search(routes)

    @routes.post("/flows", status_code=201, summary="Create a flow", responses=answers.of(answers.Created, status=201))
    def create(caller: Calling, draft: Drafted, body: wire.FlowBody, response: Response) -> dict[str, Any]:
        """With frequency `once` and a start that has come, its run starts at once."""
        flow = flows.create(caller, body.flow_spec.ref(), body.content(), state=body.state, draft=draft)
        wake()
        response.headers["Location"] = f"{BASE}/flows/{flow.id}"
        return wire.created(flow)

    @routes.get("/flows/{flow_id}", summary="Read a flow", responses=answers.of(answers.One[answers.Flow]))
    def read(caller: Calling, flow_id: FlowId) -> dict[str, Any]:
        return one(wire.flow(flows.get(caller, flow_id)))

    @routes.patch("/flows/{flow_id}", summary="Change a flow", responses=answers.of(answers.FlowChanged))
    def patch(caller: Calling, flow_id: FlowId, if_match: IfMatch, operations: Operations) -> dict[str, Any]:
        """A JSON Patch; what is changed is checked as in a new flow. Both ends can be changed in a draft only.

        The answer also names `name`, `version` and `state`, which published clients read.
        """

        def change(flow: Flow) -> Flow:
            fixed = frozenset[str]() if flow.state is FlowState.DRAFT else _ENDS
            edit = edited(wire.FlowEdit, wire.flow(flow), operations, fixed=fixed)
            return flows.change(caller, flow, edit.content())

        flow = changed(lambda: flows.get(caller, flow_id), if_match, change)
        wake()
        return wire.created(flow) | {"name": flow.name, "version": flow.etag, "state": flow.state.value}

    @routes.post(
        "/flows/{flow_id}/action", summary="Publish, enable or disable a flow", responses=answers.of(answers.Created)
    )
    def act(caller: Calling, flow_id: FlowId, op: FlowAction, if_match: IfMatch) -> dict[str, Any]:
        """A disabled flow starts no run."""

        def acted() -> Flow:
            flow = flows.get(caller, flow_id)
            matching(flow, if_match, required=False)
            if op is Op.PUBLISH:
                return flows.publish(caller, flow)
            return flows.switch(caller, flow, FlowState.ENABLED if op is Op.ENABLE else FlowState.DISABLED)

        flow = repeated(acted)
        wake()
        return wire.created(flow)

    @routes.delete("/flows/{flow_id}", status_code=204, summary="Delete a flow")
    def delete(caller: Calling, flow_id: FlowId) -> None:
        flows.delete(caller, flow_id)

    return routes

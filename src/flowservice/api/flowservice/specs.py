"""Connection specs and flow specs."""

from typing import Any

from fastapi import APIRouter

from flowservice.api.calls import Calling
from flowservice.api.flowservice import BASE
from flowservice.api.listing import FullList, one
from flowservice.domain.identity import Permission
from flowservice.service.specs import Specs, selected


def router(specs: Specs) -> APIRouter:
    """Listing and reading specs. The whole catalog is one page: clients look names up in it."""
    routes = APIRouter(prefix=BASE, tags=["Specs"])

    @routes.get("/connectionSpecs", summary="List connection specs")
    def connection_specs(caller: Calling, call: FullList) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        found = selected(specs.connection_specs, call.conditions)
        return {"count": len(found)} if call.count else {"items": found, "_links": {}}

    @routes.get("/connectionSpecs/{spec_id}", summary="Read a connection spec")
    def connection_spec(caller: Calling, spec_id: str) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        return one(specs.connection_spec(spec_id))

    @routes.get("/flowSpecs", summary="List flow specs")
    def flow_specs(caller: Calling, call: FullList) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        found = selected(specs.flow_specs, call.conditions)
        return {"count": len(found)} if call.count else {"items": found, "_links": {}}

    @routes.get("/flowSpecs/{spec_id}", summary="Read a flow spec")
    def flow_spec(caller: Calling, spec_id: str) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        return one(specs.flow_spec(spec_id))

    return routes

"""The Sandbox API: listing and reading."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from flowservice.api import wire
from flowservice.api.calls import Calling
from flowservice.service.sandboxes import Sandboxes

BASE = "/data/foundation/sandbox-management"


def router(sandboxes: Sandboxes) -> APIRouter:
    """Sandboxes of the caller's organisation."""
    routes = APIRouter(prefix=BASE, tags=["Sandboxes"])

    @routes.get("/sandboxes", summary="List sandboxes")
    def listed(
        caller: Calling,
        limit: Annotated[int | None, Query(ge=1)] = None,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        found = [wire.sandbox(sandbox) for sandbox in sandboxes.all(caller)]
        shown = found[offset : offset + limit] if limit else found[offset:]
        return {
            "sandboxes": shown,
            "_page": {"limit": limit or len(found), "count": len(shown)},
            "_links": {"page": {"href": f"{BASE}/sandboxes?limit={{limit}}&offset={{offset}}", "templated": True}},
        }

    @routes.get("/", summary="List the caller's active sandboxes", include_in_schema=False)
    @routes.get("", summary="List the caller's active sandboxes")
    def active(caller: Calling) -> dict[str, Any]:
        return listed(caller)

    @routes.get("/sandboxes/{name}", summary="Read a sandbox")
    def read(caller: Calling, name: str) -> dict[str, Any]:
        return wire.sandbox(sandboxes.get(caller, name))

    @routes.get("/sandboxTypes", summary="List sandbox types")
    def types() -> dict[str, Any]:
        named = {"development": "Development", "production": "Production"}
        return {"sandboxTypes": [{"id": name, "title": title} for name, title in named.items()]}

    return routes

"""The Sandbox API."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response
from starlette.requests import Request

from flowservice.api import answers, wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.property_query import check_known, property_criteria, sort_keys
from flowservice.domain.criteria import in_order, passing
from flowservice.domain.identity import Sandbox, SandboxState
from flowservice.errors import BadField
from flowservice.service.sandboxes import TYPES, Sandboxes

BASE: Final = "/data/foundation/sandbox-management"
_FIELDS: Final = (
    "id",
    "name",
    "title",
    "state",
    "type",
    "region",
    "isDefault",
    "eTag",
    "createdDate",
    "lastModifiedDate",
    "createdBy",
    "modifiedBy",
)
Name = Annotated[str, Path(description="Name of the sandbox.", examples=["shop-dev"])]
Limit = Annotated[int | None, Query(ge=1, le=1_000_000, description="Sandboxes a page; without it all.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")]
ValidationOnly = Annotated[
    bool, Query(alias="validationOnly", description="Say whether it could be done, and do nothing.")
]
IgnoreWarnings = Annotated[
    bool, Query(alias="ignoreWarnings", description="Taken for compatibility: nothing here only warns.")
]
_DONE_OR_CHECKED: Final = answers.of(told.SandboxSummary, status=202) | answers.of(told.SandboxSummary)


def router(sandboxes: Sandboxes) -> APIRouter:
    """Sandboxes of the caller's organisation."""
    routes = APIRouter(prefix=BASE, tags=["Sandboxes"])

    @routes.get("/sandboxes", summary="List sandboxes", responses=answers.of(told.SandboxPage))
    def listed(
        caller: Calling,
        request: Request,
        limit: Limit = None,
        offset: Offset = 0,
        wanted: Annotated[list[str], Query(alias="property", description="For example `state==active`.")] = [],  # noqa: B006
        order: Annotated[str | None, Query(alias="orderBy", description="For example `-createdDate`.")] = None,
    ) -> dict[str, Any]:
        """Deleted ones are left out unless `property` speaks of the state."""
        criteria = [criterion for text in wanted for criterion in property_criteria(text)]
        keys = [] if order is None else list(sort_keys(order))
        for path in [*(criterion.path for criterion in criteria), *(key.path for key in keys)]:
            check_known(path, _FIELDS)
        of_state = any(criterion.path == ("state",) for criterion in criteria)
        known = [one for one in sandboxes.all(caller) if of_state or one.state is not SandboxState.DELETED]
        documents = [wire.sandbox(one) for one in known]
        documents = [documents[place] for place in passing(documents, criteria)]
        documents = [documents[place] for place in in_order(documents, keys)]
        return _page(documents, limit, offset, request)

    @routes.get("/", summary="List the caller's active sandboxes", include_in_schema=False)
    @routes.get("", summary="List the caller's active sandboxes", responses=answers.of(told.SandboxPage))
    def active(caller: Calling, request: Request, limit: Limit = None, offset: Offset = 0) -> dict[str, Any]:
        known = [wire.sandbox(one) for one in sandboxes.all(caller) if one.state is SandboxState.ACTIVE]
        return _page(known, limit, offset, request)

    @routes.post(
        "/sandboxes",
        status_code=202,
        summary="Create a sandbox",
        responses=answers.of(told.SandboxSummary, status=202),
    )
    def create(caller: Calling, body: wire.SandboxBody) -> dict[str, Any]:
        """An empty one, which can be worked in at once although the answer says `creating`."""
        made = sandboxes.create(caller, name=body.name, title=body.title, kind=body.type)
        return _short(made) | {"state": SandboxState.CREATING.value}

    @routes.get("/sandboxes/{name}", summary="Read a sandbox", responses=answers.of(told.Sandbox))
    def read(caller: Calling, name: Name) -> dict[str, Any]:
        """Also one that was deleted, unless another one has its name by now."""
        return wire.sandbox(sandboxes.get(caller, name))

    @routes.patch("/sandboxes/{name}", summary="Change the title of a sandbox", responses=answers.of(told.Sandbox))
    def rename(caller: Calling, name: Name, body: wire.SandboxTitleBody) -> dict[str, Any]:
        return wire.sandbox(sandboxes.rename(caller, name, title=body.title))

    @routes.put("/sandboxes/{name}", status_code=202, summary="Reset a sandbox", responses=_DONE_OR_CHECKED)
    def reset(
        caller: Calling,
        name: Name,
        body: wire.SandboxActionBody,
        response: Response,
        validation_only: ValidationOnly = False,
        _ignore_warnings: IgnoreWarnings = False,
    ) -> dict[str, Any]:
        """Removes all that it holds, also from the lake; until that is done nobody can work in it."""
        if body.action != "reset":
            raise BadField("action is unknown", advice='Send {"action": "reset"}.')
        response.status_code = 200 if validation_only else 202
        return _short(sandboxes.reset(caller, name, only_check=validation_only))

    @routes.delete("/sandboxes/{name}", status_code=202, summary="Delete a sandbox", responses=_DONE_OR_CHECKED)
    def delete(
        caller: Calling,
        name: Name,
        response: Response,
        validation_only: ValidationOnly = False,
        _ignore_warnings: IgnoreWarnings = False,
    ) -> dict[str, Any]:
        """Removes it with all that it holds, also from the lake. The default sandbox cannot be deleted."""
        response.status_code = 200 if validation_only else 202
        return _short(sandboxes.delete(caller, name, only_check=validation_only))

    @routes.get("/sandboxTypes", summary="List sandbox types", responses=answers.of(told.SandboxTypes))
    def types(_caller: Calling) -> dict[str, Any]:
        return {"sandboxTypes": [{"id": name, "title": title} for name, title in TYPES.items()]}

    return routes


def _short(sandbox: Sandbox) -> dict[str, Any]:
    whole = wire.sandbox(sandbox)
    return {name: whole[name] for name in ("id", "name", "title", "state", "type", "region")}


def _page(found: Sequence[Mapping[str, Any]], limit: int | None, offset: int, request: Request) -> dict[str, Any]:
    size = limit or len(found)
    shown = found[offset : offset + size]
    links: dict[str, Any] = {"page": {"href": f"{BASE}/sandboxes?limit={{limit}}&offset={{offset}}", "templated": True}}
    if limit and offset + limit < len(found):
        links["next"] = _link(request, limit, offset + limit)
    if limit and offset:
        links["prev"] = _link(request, limit, max(0, offset - limit))
    return {"sandboxes": list(shown), "_page": {"limit": size, "count": len(shown)}, "_links": links}


def _link(request: Request, limit: int, offset: int) -> dict[str, Any]:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"limit", "offset"}]
    query = urlencode([*kept, ("limit", limit), ("offset", offset)])
    return {"href": f"{request.scope['path']}?{query}", "templated": False}

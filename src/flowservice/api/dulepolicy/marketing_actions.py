"""Marketing actions: the core ones, and one's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.dulepolicy import BASE, wire
from flowservice.api.dulepolicy import answers as told
from flowservice.api.dulepolicy.listing import OF_CORE, OF_CUSTOM, Listing, page
from flowservice.domain.policy_name import check_same, checked_name
from flowservice.service.marketing_actions import MarketingActions

Name = Annotated[str, Path(description="Name of the marketing action.")]
_ACTION: Any = answers.of(told.CustomAction)


def router(actions: MarketingActions, public_url: str | None) -> APIRouter:
    """Marketing actions, core and custom."""
    routes = APIRouter(prefix=f"{BASE}/marketingActions", tags=["Marketing actions"])
    _add_core(routes, actions, public_url)

    @routes.get(
        "/custom",
        summary="List custom marketing actions",
        name="list-custom",
        responses=answers.of(told.Page[told.CustomAction]),
    )
    def listed(caller: Calling, asked: Listing, request: Request) -> dict[str, Any]:
        at = wire.address(request, public_url)
        return page((wire.custom_action(action, at) for action in actions.list(caller)), asked, fields=OF_CUSTOM)

    @routes.get("/custom/{name}", summary="Read a custom marketing action", name="read-custom", responses=_ACTION)
    def read(caller: Calling, name: Name, request: Request) -> dict[str, Any]:
        return wire.custom_action(actions.get(caller, name), wire.address(request, public_url))

    @routes.put(
        "/custom/{name}",
        summary="Create or replace a custom marketing action",
        name="put-custom",
        responses=answers.of(told.CustomAction, status=201) | _ACTION,
    )
    def put(caller: Calling, name: Name, body: wire.ActionBody, request: Request, response: Response) -> dict[str, Any]:
        """201 where there was none of that name."""
        check_same(checked_name(body.name), name)
        action, is_new = actions.put(caller, name, body.description or "")
        response.status_code = 201 if is_new else 200
        return wire.custom_action(action, wire.address(request, public_url))

    @routes.delete(
        "/custom/{name}",
        summary="Delete a custom marketing action",
        name="delete-custom",
        response_class=Response,
        status_code=200,
    )
    def delete(caller: Calling, name: Name) -> Response:
        """The answer is empty."""
        actions.delete(caller, name)
        return Response()

    return routes


def _add_core(routes: APIRouter, actions: MarketingActions, public_url: str | None) -> None:
    @routes.get(
        "/core",
        summary="List core marketing actions",
        name="list-core",
        responses=answers.of(told.Page[told.CoreAction]),
    )
    def listed(caller: Calling, asked: Listing, request: Request) -> dict[str, Any]:
        at = wire.address(request, public_url)
        return page((wire.core_action(action, at) for action in actions.core(caller)), asked, fields=OF_CORE)

    @routes.get(
        "/core/{name}",
        summary="Read a core marketing action",
        name="read-core",
        responses=answers.of(told.CoreAction),
    )
    def read(caller: Calling, name: Name, request: Request) -> dict[str, Any]:
        return wire.core_action(actions.core_one(caller, name), wire.address(request, public_url))

"""Usage labels: the core ones, and one's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.dulepolicy import BASE, wire
from flowservice.api.dulepolicy import answers as told
from flowservice.api.dulepolicy.listing import OF_CORE, OF_CUSTOM, Listing, page
from flowservice.domain.label import custom_name
from flowservice.service.labels import Labels

Name = Annotated[str, Path(description="Name of the label.")]
_LABEL: Any = answers.of(told.CustomLabel)


def router(labels: Labels, public_url: str | None) -> APIRouter:
    """Labels, core and custom."""
    routes = APIRouter(prefix=f"{BASE}/labels", tags=["Usage labels"])
    _add_core(routes, labels, public_url)

    @routes.get(
        "/custom",
        summary="List custom labels",
        name="list-custom",
        responses=answers.of(told.Page[told.CustomLabel]),
    )
    def listed(caller: Calling, asked: Listing, request: Request) -> dict[str, Any]:
        at = wire.address(request, public_url)
        return page((wire.custom_label(label, at) for label in labels.list(caller)), asked, fields=OF_CUSTOM)

    @routes.get("/custom/{name}", summary="Read a custom label", name="read-custom", responses=_LABEL)
    def read(caller: Calling, name: Name, request: Request) -> dict[str, Any]:
        return wire.custom_label(labels.get(caller, name), wire.address(request, public_url))

    @routes.put(
        "/custom/{name}",
        summary="Create or replace a custom label",
        name="put-custom",
        responses=answers.of(told.CustomLabel, status=201) | _LABEL,
    )
    def put(caller: Calling, name: Name, body: wire.LabelBody, request: Request, response: Response) -> dict[str, Any]:
        """201 where there was none of that name. A label is never deleted: data may carry it."""
        label, is_new = labels.put(caller, custom_name(body.name, path_name=name), body.content())
        response.status_code = 201 if is_new else 200
        return wire.custom_label(label, wire.address(request, public_url))

    return routes


def _add_core(routes: APIRouter, labels: Labels, public_url: str | None) -> None:
    @routes.get("/core", summary="List core labels", name="list-core", responses=answers.of(told.Page[told.CoreLabel]))
    def listed(caller: Calling, asked: Listing, request: Request) -> dict[str, Any]:
        at = wire.address(request, public_url)
        return page((wire.core_label(label, at) for label in labels.core(caller)), asked, fields=OF_CORE)

    @routes.get("/core/{name}", summary="Read a core label", name="read-core", responses=answers.of(told.CoreLabel))
    def read(caller: Calling, name: Name, request: Request) -> dict[str, Any]:
        return wire.core_label(labels.core_one(caller, name), wire.address(request, public_url))

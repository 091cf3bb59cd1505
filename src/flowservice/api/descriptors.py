"""Descriptors of the Schema Registry."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Response
from starlette.requests import Request

from flowservice.api import answers, registry_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.api.schemaregistry import BASE, Accept, OrderBy, Property, Start
from flowservice.domain.descriptor import Descriptor, descriptor_document
from flowservice.service.descriptors import Descriptors, Matches

DescriptorId = Annotated[str, Path(description="`@id` of a descriptor.")]
Limit = Annotated[
    int | None,
    Query(ge=0, description=f"Descriptors a page, up to {registry_wire.MAX_LIMIT}. Without it all come at once."),
]
_PATH: Final = "/tenant/descriptors"


def router(descriptors: Descriptors) -> APIRouter:
    """Create, list, read, replace and delete descriptors."""
    routes = APIRouter(prefix=BASE, tags=["Schema registry"])

    @routes.post(
        _PATH,
        status_code=201,
        summary="Create a descriptor",
        name="create-descriptor",
        responses=answers.of(told.RegistryDescriptor, status=201),
    )
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()], response: Response) -> dict[str, Any]:
        """Says something of a field: that it is an identity, leads to another schema, has another title."""
        return _tagged(descriptors.create(caller, body), response)

    @routes.get(
        _PATH,
        summary="List descriptors",
        name="list-descriptors",
        responses=answers.of(told.RegistryDescriptors),
    )
    def listed(
        caller: Calling,
        request: Request,
        accept: Accept = None,
        orderby: OrderBy = None,
        limit: Limit = None,
        start: Start = None,
        _property: Property = None,
    ) -> dict[str, Any]:
        """By type, as objects (`xdm`), ids (`xdm-id`) or paths (`xdm-link`); in one list with `xdm-v2`."""
        return registry_wire.descriptors(
            [descriptor_document(one) for one in descriptors.list(caller)],
            form=registry_wire.form_of(accept),
            properties=request.query_params.getlist("property"),
            orderby=orderby,
            limit=limit,
            start=start,
        )

    @routes.get(
        _PATH + "/{descriptor_id}",
        summary="Read a descriptor",
        name="read-descriptor",
        responses=answers.of(told.RegistryDescriptor),
    )
    def read(caller: Calling, descriptor_id: DescriptorId, response: Response) -> dict[str, Any]:
        """The header `ETag` names this state of it."""
        return _tagged(descriptors.get(caller, descriptor_id), response)

    @routes.put(
        _PATH + "/{descriptor_id}",
        summary="Replace a descriptor",
        name="replace-descriptor",
        responses=answers.of(told.RegistryDescriptor),
    )
    def replace(
        caller: Calling,
        descriptor_id: DescriptorId,
        body: Annotated[dict[str, Any], Body()],
        if_match: IfMatch,
        response: Response,
    ) -> dict[str, Any]:
        """The body is whole; what the registry assigns is left alone. `If-Match`, if it is sent, names the `ETag` that
        was read."""
        return _tagged(descriptors.replace(caller, descriptor_id, body, matches=_unchanged_since(if_match)), response)

    @routes.delete(_PATH + "/{descriptor_id}", status_code=204, summary="Delete a descriptor", name="delete-descriptor")
    def delete(caller: Calling, descriptor_id: DescriptorId, if_match: IfMatch) -> None:
        """`If-Match` as for `PUT`."""
        descriptors.delete(caller, descriptor_id, matches=_unchanged_since(if_match))

    return routes


def _tagged(descriptor: Descriptor, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = descriptor.etag
    return descriptor_document(descriptor)


def _unchanged_since(if_match: str | None) -> Matches:
    return lambda descriptor: matching(descriptor, if_match, required=False)

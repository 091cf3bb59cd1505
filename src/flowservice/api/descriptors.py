"""Descriptors of the Schema Registry."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query
from starlette.requests import Request

from flowservice.api import answers, registry_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.schemaregistry import BASE, Accept, OrderBy, Property, Start
from flowservice.domain.descriptor import descriptor_document
from flowservice.service.descriptors import Descriptors

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
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Says something of a field: that it is an identity, leads to another schema, has another title."""
        return descriptor_document(descriptors.create(caller, body))

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
    def read(caller: Calling, descriptor_id: DescriptorId) -> dict[str, Any]:
        return descriptor_document(descriptors.get(caller, descriptor_id))

    @routes.put(
        _PATH + "/{descriptor_id}",
        summary="Replace a descriptor",
        name="replace-descriptor",
        responses=answers.of(told.RegistryDescriptor),
    )
    def replace(
        caller: Calling, descriptor_id: DescriptorId, body: Annotated[dict[str, Any], Body()]
    ) -> dict[str, Any]:
        """The body is whole; what the registry assigns is left alone."""
        return descriptor_document(descriptors.replace(caller, descriptor_id, body))

    @routes.delete(_PATH + "/{descriptor_id}", status_code=204, summary="Delete a descriptor", name="delete-descriptor")
    def delete(caller: Calling, descriptor_id: DescriptorId) -> None:
        descriptors.delete(caller, descriptor_id)

    return routes

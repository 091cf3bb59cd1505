"""What the Schema Registry does with a resource as a whole: samples, export and import, its history."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import WithJsonSchema

from flowservice.api import answers
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.api.registry_wire import audit_trail
from flowservice.api.schemaregistry import BASE, Ref, named
from flowservice.service.schema_exchange import SchemaExchange
from flowservice.service.schemas import Schemas

Export = Annotated[
    Any,
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}}),
    Body(description="Resources, as an export answers them."),
]


def router(schemas: Schemas, exchange: SchemaExchange) -> APIRouter:
    """The calls below `/rpc`."""
    routes = APIRouter(prefix=BASE, tags=["Schema registry"])

    @routes.get(
        "/rpc/sampledata/{ref}",
        summary="Make a sample of a schema",
        name="sample",
        responses=answers.of(told.RegistrySample),
    )
    def sample(caller: Calling, ref: Ref) -> dict[str, Any]:
        """An object that is valid by the schema, with a value in every field."""
        return dict(schemas.sample(caller, named(ref)))

    @routes.get(
        "/rpc/export/{ref}", summary="Export a resource", name="export", responses=answers.of(told.RegistryResources)
    )
    def export(caller: Calling, ref: Ref) -> list[dict[str, Any]]:
        """With all resources of your own that it builds on, and the descriptors of all of them."""
        return [dict(document) for document in exchange.exported(caller, named(ref))]

    @routes.post("/rpc/export", summary="Import resources", name="import-by-export", include_in_schema=False)
    @routes.post("/rpc/import", summary="Import resources", name="import", responses=answers.of(told.RegistryResources))
    def imported(caller: Calling, body: Export) -> list[dict[str, Any]]:
        """All or none of them, under new ids; references between them, and the tenant's name, are made to fit."""
        return [dict(document) for document in exchange.imported(caller, body)]

    @routes.get(
        "/rpc/auditlog/{ref}",
        summary="Read what was changed in a resource",
        name="audit",
        responses=answers.of(told.RegistryAudit),
    )
    def audit(caller: Calling, ref: Ref) -> list[dict[str, Any]]:
        """The newest change first, each as the steps of a JSON Patch."""
        return [audit_trail(change) for change in schemas.history(caller, named(ref))]

    return routes

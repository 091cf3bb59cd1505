"""The Schema Registry."""

from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Body, Header, Query
from starlette.requests import Request

from flowservice.api import registry_wire
from flowservice.api.calls import Calling
from flowservice.domain.schema import SchemaKind
from flowservice.service.schemas import Container, Schemas

BASE: Final = "/data/foundation/schemaregistry"
_KINDS: Final = {
    "schemas": SchemaKind.SCHEMAS,
    "classes": SchemaKind.CLASSES,
    "fieldgroups": SchemaKind.FIELD_GROUPS,
    "mixins": SchemaKind.FIELD_GROUPS,
    "datatypes": SchemaKind.DATA_TYPES,
    "behaviors": SchemaKind.BEHAVIORS,
}
Accept = Annotated[str | None, Header(description="`application/vnd.adobe.xed-full+json; version=1` and its kin.")]


def router(schemas: Schemas) -> APIRouter:
    """Create, list and read schemas, classes, field groups, data types; list and read behaviours."""
    routes = APIRouter(prefix=BASE, tags=["Schema registry"])

    @routes.get("/stats", summary="Tenant id and counts")
    def stats(caller: Calling) -> dict[str, Any]:
        return dict(schemas.stats(caller))

    for segment, kind in _KINDS.items():
        _add(routes, schemas, segment, kind)
    return routes


def _add(routes: APIRouter, schemas: Schemas, segment: str, kind: SchemaKind) -> None:
    documented = segment != "mixins"

    @routes.post(
        f"/tenant/{segment}",
        status_code=201,
        summary=f"Create one of {segment}",
        include_in_schema=documented,
        name=f"create-{segment}",
    )
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        made = schemas.create(caller, kind, body)
        return dict(schemas.get(caller, Container.TENANT, kind, made.id))

    @routes.get(
        f"/{{container}}/{segment}", summary=f"List {segment}", include_in_schema=documented, name=f"list-{segment}"
    )
    def listed(
        caller: Calling,
        container: Container,
        request: Request,
        accept: Accept = None,
        orderby: str | None = None,
        limit: Annotated[int, Query(ge=0)] = registry_wire.DEFAULT_LIMIT,
        start: str | None = None,
    ) -> dict[str, Any]:
        return registry_wire.page(
            schemas.list(caller, container, kind),
            form=registry_wire.form_of(accept),
            properties=request.query_params.getlist("property"),
            orderby=orderby,
            limit=limit,
            start=start,
        )

    @routes.get(
        f"/{{container}}/{segment}/{{ref}}",
        summary=f"Read one of {segment}",
        include_in_schema=documented,
        name=f"read-{segment}",
    )
    def read(caller: Calling, container: Container, ref: str, accept: Accept = None) -> dict[str, Any]:
        form = registry_wire.form_of(accept)
        # The gateway leaves %2F encoded, so that a `$id` is one segment.
        named = unquote(ref)
        known = schemas.get(caller, container, kind, named)
        return dict(registry_wire.shown(schemas.full(caller, named) if form.is_full else known, form))

"""The Schema Registry."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Path, Query
from starlette.requests import Request

from flowservice.api import answers, registry_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import NEVER_DONE, Calling
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
Kept = Annotated[Container, Path(description="Whose: the standard's (`global`) or your own (`tenant`).")]
Ref = Annotated[
    str, Path(description="`$id`, percent-encoded, or `meta:altId`.", examples=["_tenant.schemas.6655a1e20000"])
]


def router(schemas: Schemas) -> APIRouter:
    """Create, list and read schemas, classes, field groups, data types; list and read behaviours."""
    routes = APIRouter(prefix=BASE, tags=["Schema registry"])

    @routes.get("/stats", summary="Tenant id and counts", responses=answers.of(told.RegistryStats))
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
        responses=answers.of(told.RegistryResource, status=201),
        openapi_extra=NEVER_DONE if kind is SchemaKind.BEHAVIORS else None,
    )
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        made = schemas.create(caller, kind, body)
        return dict(schemas.get(caller, Container.TENANT, kind, made.id))

    @routes.get(
        f"/{{container}}/{segment}",
        summary=f"List {segment}",
        include_in_schema=documented,
        name=f"list-{segment}",
        responses=answers.of(told.RegistryPage),
    )
    def listed(
        caller: Calling,
        container: Kept,
        request: Request,
        accept: Accept = None,
        orderby: Annotated[str | None, Query(description="`title`, `-updated`; commas for several.")] = None,
        limit: Annotated[
            int, Query(ge=0, description=f"Resources a page, up to {registry_wire.MAX_LIMIT}.")
        ] = registry_wire.DEFAULT_LIMIT,
        start: Annotated[str | None, Query(description="`_page.next` of the page before.")] = None,
        _property: Annotated[
            list[str] | None, Query(alias="property", description="For example `meta:class==https://…`; repeatable.")
        ] = None,
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
        responses=answers.of(told.RegistryResource),
    )
    def read(caller: Calling, container: Kept, ref: Ref, accept: Accept = None) -> dict[str, Any]:
        form = registry_wire.form_of(accept)
        # The gateway leaves %2F encoded, so that a `$id` is one segment.
        named = ref.replace("%2F", "/").replace("%2f", "/")
        known = schemas.get(caller, container, kind, named)
        return dict(registry_wire.shown(schemas.full(caller, named) if form.is_full else known, form))

"""The Schema Registry."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Path, Query
from starlette.requests import Request

from flowservice.api import answers, registry_wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import NEVER_DONE, Calling, IfMatch, matching
from flowservice.api.patching import Operations
from flowservice.domain.descriptor import descriptor_document
from flowservice.domain.identity import Caller
from flowservice.domain.registry import flattened, with_deprecations, with_descriptors
from flowservice.domain.schema import SchemaKind, SchemaResource
from flowservice.service.descriptors import Descriptors
from flowservice.service.schemas import Container, Matches, Schemas

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
UnionRef = Annotated[
    str, Path(description="`$id`, percent-encoded, or `meta:altId`.", examples=["_xdm.context.profile__union"])
]
OrderBy = Annotated[str | None, Query(description="`title`, `-updated`; commas for several.")]
Limit = Annotated[int, Query(ge=0, description=f"Resources a page, up to {registry_wire.MAX_LIMIT}.")]
Start = Annotated[str | None, Query(description="`_page.next` of the page before.")]
ValidationOnly = Annotated[
    bool, Query(alias="validationOnly", description="Say whether it could be changed so, and change nothing.")
]
Property = Annotated[
    list[str] | None, Query(alias="property", description="For example `meta:class==https://…`; repeatable.")
]


def router(schemas: Schemas, descriptors: Descriptors) -> APIRouter:
    """Schemas, classes, field groups, data types; behaviours and unions, which nobody makes."""
    routes = APIRouter(prefix=BASE, tags=["Schema registry"])

    @routes.get("/stats", summary="Tenant id and counts", responses=answers.of(told.RegistryStats))
    def stats(caller: Calling) -> dict[str, Any]:
        return dict(schemas.stats(caller))

    for segment, kind in _KINDS.items():
        _add_reads(routes, schemas, descriptors, segment, kind)
        _add_create(routes, schemas, segment, kind)
        if kind is not SchemaKind.BEHAVIORS:
            _add_changes(routes, schemas, segment, kind)
    _add_unions(routes, schemas)
    return routes


def named(ref: str) -> str:
    """The id in a path: the gateway leaves %2F encoded, so that a `$id` is one segment."""
    return ref.replace("%2F", "/").replace("%2f", "/")


def _add_create(routes: APIRouter, schemas: Schemas, segment: str, kind: SchemaKind) -> None:
    @routes.post(
        f"/tenant/{segment}",
        status_code=201,
        summary=f"Create one of {segment}",
        include_in_schema=segment != "mixins",
        name=f"create-{segment}",
        responses=answers.of(told.RegistryResource, status=201),
        openapi_extra=NEVER_DONE if kind is SchemaKind.BEHAVIORS else None,
    )
    def create(caller: Calling, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        made = schemas.create(caller, kind, body)
        return dict(schemas.get(caller, Container.TENANT, kind, made.id))


def _add_changes(routes: APIRouter, schemas: Schemas, segment: str, kind: SchemaKind) -> None:
    documented = segment != "mixins"

    def shown(caller: Caller, resource: SchemaResource) -> dict[str, Any]:
        return dict(schemas.get(caller, Container.TENANT, kind, resource.id))

    @routes.put(
        f"/tenant/{segment}/{{ref}}",
        summary=f"Replace one of {segment}",
        include_in_schema=documented,
        name=f"replace-{segment}",
        responses=answers.of(told.RegistryResource),
    )
    def replace(
        caller: Calling,
        ref: Ref,
        body: Annotated[dict[str, Any], Body()],
        if_match: IfMatch,
        validation_only: ValidationOnly = False,
    ) -> dict[str, Any]:
        """What the registry assigns may stand in the body, and is left alone. What a dataset with rows rests on, and
        what is in a union, only takes additions. `If-Match`, if it is sent, names the resource's `eTag`."""
        made = schemas.replace(
            caller, kind, named(ref), body, matches=_unchanged_since(if_match), only_check=validation_only
        )
        return shown(caller, made)

    @routes.patch(
        f"/tenant/{segment}/{{ref}}",
        summary=f"Change one of {segment}",
        include_in_schema=documented,
        name=f"change-{segment}",
        responses=answers.of(told.RegistryResource),
    )
    def change(
        caller: Calling, ref: Ref, operations: Operations, if_match: IfMatch, validation_only: ValidationOnly = False
    ) -> dict[str, Any]:
        """A JSON Patch of the resource as it is read, references unresolved. `If-Match` as for `PUT`."""
        made = schemas.change(
            caller, kind, named(ref), operations, matches=_unchanged_since(if_match), only_check=validation_only
        )
        return shown(caller, made)

    @routes.delete(
        f"/tenant/{segment}/{{ref}}",
        status_code=204,
        summary=f"Delete one of {segment}",
        include_in_schema=documented,
        name=f"delete-{segment}",
    )
    def delete(caller: Calling, ref: Ref) -> None:
        """Its descriptors go too. Refused while something uses it: the answer says what."""
        schemas.delete(caller, kind, named(ref))


def _unchanged_since(if_match: str | None) -> Matches:
    return lambda resource: matching(resource, if_match, required=False)


def _add_reads(routes: APIRouter, schemas: Schemas, descriptors: Descriptors, segment: str, kind: SchemaKind) -> None:
    documented = segment != "mixins"

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
        orderby: OrderBy = None,
        limit: Limit = registry_wire.DEFAULT_LIMIT,
        start: Start = None,
        _property: Property = None,
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
        """`-full` resolves every reference, `-flat` names each field by its path, `-notext` leaves out titles and
        descriptions, `-desc` adds descriptors, `-deprecated` marks the fields that one of them deprecates."""
        form = registry_wire.form_of(accept)
        document = schemas.get(caller, container, kind, named(ref))
        if form.is_described or form.has_deprecations:
            said = [descriptor_document(one) for one in descriptors.of(caller, document)]
        document = schemas.full(caller, named(ref)) if form.is_full else document
        if form.has_deprecations:
            document = with_deprecations(document, said)
        if form.is_described:
            document = with_descriptors(document, said)
        if form.is_flat:
            document = flattened(document)
        return dict(registry_wire.shown(document, form))


def _add_unions(routes: APIRouter, schemas: Schemas) -> None:
    @routes.get("/tenant/unions", summary="List unions", name="list-unions", responses=answers.of(told.RegistryPage))
    def listed(
        caller: Calling,
        request: Request,
        accept: Accept = None,
        orderby: OrderBy = None,
        limit: Limit = registry_wire.DEFAULT_LIMIT,
        start: Start = None,
        _property: Property = None,
    ) -> dict[str, Any]:
        """One for each class with schemas that are tagged `union`."""
        return registry_wire.page(
            schemas.unions(caller),
            form=registry_wire.form_of(accept),
            properties=request.query_params.getlist("property"),
            orderby=orderby,
            limit=limit,
            start=start,
        )

    @routes.get(
        "/tenant/unions/{ref}", summary="Read a union", name="read-union", responses=answers.of(told.RegistryResource)
    )
    def read(caller: Calling, ref: UnionRef, accept: Accept = None) -> dict[str, Any]:
        """`-full` shows the fields of all schemas in it."""
        form = registry_wire.form_of(accept)
        return dict(registry_wire.shown(schemas.union(caller, named(ref), is_full=form.is_full), form))

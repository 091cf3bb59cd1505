"""Connection specs and flow specs."""

from typing import Any, Final

from fastapi import APIRouter

from flowservice.api.calls import Calling
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.domain.identity import Permission
from flowservice.service.spec_documents import Document
from flowservice.service.specs import SpecList, Specs

_SPEC: Final = STAMPED | {"type", "attributes", "permissionsInfo", "entitlementInfo"}
_CONNECTION_SPEC: Final = Fields(
    names=_SPEC | {"authSpec", "sourceSpec", "targetSpec", "exploreSpec", "encryptionSpecs", "uiAttributes"}
)
_FLOW_SPEC: Final = Fields(
    names=_SPEC
    | {
        "sourceConnectionSpecIds",
        "targetConnectionSpecIds",
        "optionSpec",
        "transformationSpecs",
        "scheduleSpec",
        "runSpec",
    }
)
_WHOLE: Final = 1_000
"""More than there are: the whole catalog is one page, for clients look names up in it."""


def router(specs: Specs) -> APIRouter:
    """Listing and reading specs, and searching flow specs."""
    routes = APIRouter(prefix=BASE, tags=["Specs"])

    Collection(
        name="connectionSpecs",
        noun="connection specs",
        items=SpecList(lambda: specs.connection_specs),
        fields=_CONNECTION_SPEC,
        shown=_itself,
        page_size=_WHOLE,
    ).add_list(routes)

    @routes.get("/connectionSpecs/{spec_id}", summary="Read a connection spec")
    def connection_spec(caller: Calling, spec_id: str) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        return one(specs.connection_spec(spec_id))

    flow_specs = Collection(
        name="flowSpecs",
        noun="flow specs",
        items=SpecList(lambda: specs.flow_specs),
        fields=_FLOW_SPEC,
        shown=_itself,
        page_size=_WHOLE,
    )
    flow_specs.add_list(routes)
    flow_specs.add_search(routes)

    @routes.get("/flowSpecs/{spec_id}", summary="Read a flow spec")
    def flow_spec(caller: Calling, spec_id: str) -> dict[str, Any]:
        caller.may(Permission.VIEW_SOURCES)
        return one(specs.flow_spec(spec_id))

    return routes


def _itself(document: Document) -> Document:
    return document

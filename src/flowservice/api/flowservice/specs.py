"""Connection specs and flow specs."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from flowservice.api import answers
from flowservice.api.calls import NEVER_DONE, Calling
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.api.spec_bodies import ConnectionSpecBody, FlowSpecBody
from flowservice.domain.criteria import Search
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.spec import SpecKind
from flowservice.errors import AuthTypeUnsupported, BadQuery, ExploreThroughSpec, MissingParameter
from flowservice.service.custom_specs import CustomSpecs
from flowservice.service.datasets import Datasets
from flowservice.service.spec_documents import Document, stored_spec
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
SpecId = Annotated[str, Path(description="Id of a spec: a UUID.")]


def router(specs: Specs, custom: CustomSpecs, datasets: Datasets) -> APIRouter:
    """List, read, create and replace. The whole catalog is one page: clients look names up in it."""
    routes = APIRouter(prefix=BASE, tags=["Specs"])

    def collection(name: str, noun: str, kind: SpecKind, fields: Fields) -> Collection[Document]:
        items = SpecList(lambda scope: specs.all(scope, kind))
        return Collection(
            name=name, noun=noun, items=items, fields=fields, shown=_itself, answer=answers.Spec, page_size=_WHOLE
        )

    connection_specs = collection("connectionSpecs", "connection specs", SpecKind.CONNECTION, _CONNECTION_SPEC)
    flow_specs = collection("flowSpecs", "flow specs", SpecKind.FLOW, _FLOW_SPEC)

    def read(caller: Caller, kind: SpecKind, spec_id: SpecId) -> Document:
        caller.may(Permission.VIEW_SOURCES)
        return specs.get(caller.scope, kind, spec_id)

    connection_specs.add_list(routes)

    @routes.post(
        "/connectionSpecs",
        status_code=201,
        summary="Create a connection spec of your own",
        responses=answers.of(answers.SpecCreated, status=201),
    )
    def create_connection_spec(caller: Calling, body: ConnectionSpecBody, response: Response) -> dict[str, Any]:
        """Kept and checked; connections cannot be made from it yet."""
        spec = custom.create(caller, SpecKind.CONNECTION, body.document())
        response.headers["Location"] = f"{BASE}/connectionSpecs/{spec.spec_id}"
        return {"id": spec.spec_id, **one(stored_spec(spec))}

    @routes.get(
        "/connectionSpecs/{spec_id}", summary="Read a connection spec", responses=answers.of(answers.One[answers.Spec])
    )
    def connection_spec(caller: Calling, spec_id: SpecId) -> dict[str, Any]:
        return one(read(caller, SpecKind.CONNECTION, spec_id))

    @routes.put(
        "/connectionSpecs/{spec_id}",
        summary="Replace a connection spec of your own",
        responses=answers.of(answers.Spec),
    )
    def replace_connection_spec(caller: Calling, spec_id: SpecId, body: ConnectionSpecBody) -> Document:
        return stored_spec(custom.put(caller, SpecKind.CONNECTION, spec_id, body.document()))

    @routes.get(
        "/connectionSpecs/{spec_id}/explore",
        summary="Explore without a connection",
        openapi_extra=NEVER_DONE,
    )
    def explore(caller: Calling, spec_id: SpecId) -> dict[str, Any]:
        """For sources that need no connection. None of those that this server reads is one."""
        spec = read(caller, SpecKind.CONNECTION, spec_id)
        if not spec["attributes"].get("isSupported"):
            specs.connector(caller.scope, spec_id)
        raise ExploreThroughSpec(
            f"the sources of {spec['name']} are explored through a connection"[:200],
            advice="Create a connection and call GET /connections/{id}/explore.",
        )

    @routes.get(
        "/connectionSpecs/{spec_id}/configs",
        summary="Read what a connection can be configured with",
        responses=answers.of(answers.SpecConfigs),
    )
    def configs(
        caller: Calling,
        spec_id: SpecId,
        auth_type: Annotated[str | None, Query(alias="authType", description="Not supported.")] = None,
        output_type: Annotated[str | None, Query(alias="outputType", description="`activationDatasets`.")] = None,
        output_field: Annotated[str | None, Query(alias="outputField", description="`datasets`.")] = None,
        start: Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
        limit: Annotated[int, Query(ge=1, le=100, description="Items a page.")] = 100,
    ) -> dict[str, Any]:
        """`outputType=activationDatasets&outputField=datasets` lists the datasets of the sandbox."""
        read(caller, SpecKind.CONNECTION, spec_id)
        if auth_type is not None:
            raise AuthTypeUnsupported(
                "this server holds no role or account of a cloud", advice="Give credentials in auth.params instead."
            )
        if output_type is None:
            raise MissingParameter(
                "the query parameter outputType is missing",
                advice="Send outputType=activationDatasets&outputField=datasets.",
            )
        if (output_type, output_field) != ("activationDatasets", "datasets"):
            raise BadQuery(
                "outputType and outputField name nothing that can be listed",
                advice="Send outputType=activationDatasets&outputField=datasets.",
            )
        found = datasets.find(caller, Search(limit=limit + 1, start=start))
        return {
            "items": [{"id": dataset.id, "name": dataset.name} for dataset in found[:limit]],
            "pageInfo": {"hasNext": len(found) > limit},
        }

    flow_specs.add_list(routes)
    flow_specs.add_search(routes)

    @routes.post(
        "/flowSpecs",
        status_code=201,
        summary="Create a flow spec of your own",
        responses=answers.of(answers.Spec, status=201),
    )
    def create_flow_spec(caller: Calling, body: FlowSpecBody, response: Response) -> Document:
        """Every connection spec that it names must be there."""
        spec = custom.create(caller, SpecKind.FLOW, body.document())
        response.headers["Location"] = f"{BASE}/flowSpecs/{spec.spec_id}"
        return stored_spec(spec)

    @routes.get("/flowSpecs/{spec_id}", summary="Read a flow spec", responses=answers.of(answers.One[answers.Spec]))
    def flow_spec(caller: Calling, spec_id: SpecId) -> dict[str, Any]:
        return one(read(caller, SpecKind.FLOW, spec_id))

    @routes.put("/flowSpecs/{spec_id}", summary="Replace a flow spec", responses=answers.of(answers.Spec))
    def replace_flow_spec(caller: Calling, spec_id: SpecId, body: FlowSpecBody) -> Document:
        """A documented one too: the sandbox has its own form of it from then on."""
        return stored_spec(custom.put(caller, SpecKind.FLOW, spec_id, body.document()))

    return routes


def _itself(document: Document) -> Document:
    return document

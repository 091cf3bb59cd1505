"""Connections: accounts at foreign systems."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response
from starlette.requests import Request

from flowservice.api import exploring, wire
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.domain.connection import Connection
from flowservice.errors import ExploreUnsupported, MissingParameter, UnknownObjectType
from flowservice.service.connections import Connections, shown_auth

FIELDS: Final = Fields(
    names=STAMPED | {"connectionSpec", "auth"},
    # Of all that a connection signs in with no filter may tell anything.
    hidden=frozenset({("auth", "params")}),
)
_OBJECT_TYPES: Final = frozenset({"root", "folder", "file", "table", "rest"})


def router(connections: Connections) -> APIRouter:
    """Create, list, read, change, delete, test and explore."""
    routes = APIRouter(prefix=BASE, tags=["Connections"])

    def shown(connection: Connection) -> dict[str, Any]:
        return wire.connection(connection, shown_auth(connection.auth, connections.secret_names(connection)))

    collection = Collection(
        name="connections", noun="connections", items=connections, fields=FIELDS, shown=shown, page_size=20
    )
    collection.add_list(routes)
    collection.add_search(routes)

    @routes.post("/connections", status_code=201, summary="Create a connection")
    def create(caller: Calling, body: wire.ConnectionBody, response: Response) -> dict[str, Any]:
        """Tests the credentials first: what does not work is not stored."""
        connection = connections.create(
            caller,
            name=body.name,
            description=body.description or "",
            spec=body.connection_spec.ref(),
            auth_name=body.auth.spec_name if body.auth else None,
            auth_params=body.auth.params if body.auth else {},
        )
        response.headers["Location"] = f"{BASE}/connections/{connection.id}"
        return wire.created(connection)

    @routes.get("/connections/{connection_id}", summary="Read a connection")
    def read(caller: Calling, connection_id: str) -> dict[str, Any]:
        return one(shown(connections.get(caller, connection_id)))

    @routes.patch("/connections/{connection_id}", summary="Change a connection")
    def patch(
        caller: Calling, connection_id: str, if_match: IfMatch, operations: Annotated[Any, Body()]
    ) -> dict[str, Any]:
        """A JSON Patch on name, description and auth. Changed credentials are tested first."""
        connection = connections.get(caller, connection_id)
        matching(connection, if_match)
        return wire.created(connections.patch(caller, connection, operations))

    @routes.delete("/connections/{connection_id}", status_code=204, summary="Delete a connection")
    def delete(caller: Calling, connection_id: str) -> None:
        connections.delete(caller, connection_id)

    @routes.get("/connections/{connection_id}/test", summary="Test a connection")
    def test(caller: Calling, connection_id: str) -> dict[str, bool]:
        connections.test(caller, connection_id)
        return {"result": True}

    @routes.get("/connections/{connection_id}/explore", summary="Explore a connection", response_model=None)
    def explore(
        caller: Calling,
        connection_id: str,
        request: Request,
        object_type: Annotated[str | None, Query(alias="objectType")] = None,
        path: Annotated[str | None, Query(alias="object")] = None,
        preview: str = "false",
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """The root lists tables; a table shows its columns, and its first sampled rows with `preview=true`."""
        kind = _object_type(object_type)
        if request.query_params.get("filters"):
            raise ExploreUnsupported("row filters are not supported yet", advice="Leave filters out.")
        if kind == "root":
            return [exploring.node(node) for node in connections.explore(caller, connection_id, "")]
        if not path:
            raise MissingParameter("the query parameter object is missing", advice="Send the name of the table.")
        if kind != "table":
            raise ExploreUnsupported(
                f"this source has no objects of type {kind}", advice="Use objectType=root or objectType=table."
            )
        sample = connections.sample(caller, connection_id, path)
        return exploring.table(sample, preview=preview.lower() == "true")

    return routes


def _object_type(value: str | None) -> str:
    if value is None:
        raise MissingParameter(
            "the query parameter objectType is missing", advice="Send objectType=root or objectType=table."
        )
    kind = value.lower()
    if kind not in _OBJECT_TYPES:
        raise UnknownObjectType("objectType is unknown", advice="Send root, folder, file, table or rest.")
    return kind

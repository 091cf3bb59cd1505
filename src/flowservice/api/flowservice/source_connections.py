"""Source connections."""

from typing import Any, Final

from fastapi import APIRouter, Response

from flowservice.api import wire
from flowservice.api.calls import Calling
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.service.source_connections import SourceConnections

FIELDS: Final = Fields(names=STAMPED | {"connectionSpec", "baseConnectionId", "data", "params"})


def router(connections: SourceConnections) -> APIRouter:
    """Create, list, read and delete."""
    routes = APIRouter(prefix=BASE, tags=["Source connections"])

    Collection(
        name="sourceConnections",
        noun="source connections",
        items=connections,
        fields=FIELDS,
        shown=wire.source_connection,
    ).add_list(routes)

    @routes.post("/sourceConnections", status_code=201, summary="Create a source connection")
    def create(caller: Calling, body: wire.SourceConnectionBody, response: Response) -> dict[str, Any]:
        connection = connections.create(
            caller,
            name=body.name,
            description=body.description or "",
            base_connection_id=body.base_connection_id,
            spec=body.connection_spec.ref(),
            data=body.data or {},
            params=body.params or {},
        )
        response.headers["Location"] = f"{BASE}/sourceConnections/{connection.id}"
        return wire.created(connection)

    @routes.get("/sourceConnections/{connection_id}", summary="Read a source connection")
    def read(caller: Calling, connection_id: str) -> dict[str, Any]:
        return one(wire.source_connection(connections.get(caller, connection_id)))

    @routes.delete("/sourceConnections/{connection_id}", status_code=204, summary="Delete a source connection")
    def delete(caller: Calling, connection_id: str) -> None:
        connections.delete(caller, connection_id)

    return routes

"""Target connections."""

from typing import Any, Final

from fastapi import APIRouter, Response

from flowservice.api import wire
from flowservice.api.calls import Calling
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.service.target_connections import TargetConnections

FIELDS: Final = Fields(names=STAMPED | {"connectionSpec", "baseConnectionId", "data", "params"})


def router(connections: TargetConnections) -> APIRouter:
    """Create, list, read and delete."""
    routes = APIRouter(prefix=BASE, tags=["Target connections"])

    Collection(
        name="targetConnections",
        noun="target connections",
        items=connections,
        fields=FIELDS,
        shown=wire.target_connection,
    ).add_list(routes)

    @routes.post("/targetConnections", status_code=201, summary="Create a target connection")
    def create(caller: Calling, body: wire.TargetConnectionBody, response: Response) -> dict[str, Any]:
        connection = connections.create(
            caller,
            name=body.name,
            description=body.description or "",
            spec=body.connection_spec.ref(),
            data=body.data or {},
            params=body.params or {},
        )
        response.headers["Location"] = f"{BASE}/targetConnections/{connection.id}"
        return wire.created(connection)

    @routes.get("/targetConnections/{connection_id}", summary="Read a target connection")
    def read(caller: Calling, connection_id: str) -> dict[str, Any]:
        return one(wire.target_connection(connections.get(caller, connection_id)))

    @routes.delete("/targetConnections/{connection_id}", status_code=204, summary="Delete a target connection")
    def delete(caller: Calling, connection_id: str) -> None:
        connections.delete(caller, connection_id)

    return routes

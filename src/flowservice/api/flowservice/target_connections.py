"""Target connections."""

from typing import Any, Final

from fastapi import APIRouter, Response

from flowservice.api import wire
from flowservice.api.calls import Calling
from flowservice.api.flowservice import BASE
from flowservice.api.listing import FullList, envelope, one, query
from flowservice.service.target_connections import TargetConnections

_NAMES: Final = {
    "id": "id",
    "name": "name",
    "description": "description",
    "state": "state",
    "connectionSpec": "spec",
    "baseConnectionId": "base_connection_id",
    "data": "data",
    "params": "params",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


def router(connections: TargetConnections) -> APIRouter:
    """Create, list, read and delete."""
    routes = APIRouter(prefix=BASE, tags=["Target connections"])

    @routes.get("/targetConnections", summary="List target connections")
    def listed(caller: Calling, call: FullList) -> dict[str, Any]:
        asked = query(call, _NAMES)
        if call.count:
            return {"count": connections.count(caller, asked)}
        return envelope(connections.list(caller, asked), wire.target_connection, "targetConnections")

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

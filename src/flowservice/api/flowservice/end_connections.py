"""Source connections and target connections: two collections of one form."""

from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Path, Response

from flowservice.api import answers, wire
from flowservice.api.actions import Publishing
from flowservice.api.calls import Calling, Drafted, IfMatch, matching
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.api.patching import Operations, changed, edited
from flowservice.domain.connection import ConnectionState, EndConnection
from flowservice.service.end_connections import EndConnections

E = TypeVar("E", bound=EndConnection)

FIELDS: Final = Fields(names=STAMPED | {"connectionSpec", "baseConnectionId", "data", "params"})
ConnectionId = Annotated[str, Path(description="Id of a source or target connection: a UUID.")]


def router(connections: EndConnections[E], collection: str) -> APIRouter:
    """Create, list, read, change, publish and delete. `collection` is sourceConnections or targetConnections."""
    noun = connections.noun
    routes = APIRouter(prefix=BASE, tags=[f"{noun.capitalize()}s"])

    Collection(
        name=collection,
        noun=f"{noun}s",
        items=connections,
        fields=FIELDS,
        shown=wire.end_connection,
        answer=answers.EndConnection,
    ).add_list(routes)

    @routes.post(
        f"/{collection}", status_code=201, summary=f"Create a {noun}", responses=answers.of(answers.Created, status=201)
    )
    def create(caller: Calling, draft: Drafted, body: wire.EndBody, response: Response) -> dict[str, Any]:
        """Stored only if a flow can use it, except as a draft."""
        connection = connections.create(caller, body.connection_spec.ref(), body.content(), draft=draft)
        response.headers["Location"] = f"{BASE}/{collection}/{connection.id}"
        return wire.created(connection)

    @routes.get(
        f"/{collection}/{{connection_id}}",
        summary=f"Read a {noun}",
        responses=answers.of(answers.One[answers.EndConnection]),
    )
    def read(caller: Calling, connection_id: ConnectionId) -> dict[str, Any]:
        return one(wire.end_connection(connections.get(caller, connection_id)))

    @routes.patch(f"/{collection}/{{connection_id}}", summary=f"Change a {noun}", responses=answers.of(answers.Created))
    def patch(
        caller: Calling, connection_id: ConnectionId, if_match: IfMatch, operations: Operations
    ) -> dict[str, Any]:
        """A JSON Patch on name, description, data, params, labels and policy; flows made from it stay as they are.

        The connection below can be changed in a draft only.
        """

        def change(connection: E) -> E:
            fixed = frozenset[str]() if connection.state is ConnectionState.DRAFT else frozenset({"baseConnectionId"})
            edit = edited(wire.EndEdit, wire.end_connection(connection), operations, fixed=fixed)
            return connections.change(caller, connection, edit.content())

        return wire.created(changed(lambda: connections.get(caller, connection_id), if_match, change))

    @routes.post(
        f"/{collection}/{{connection_id}}/action",
        summary=f"Publish a drafted {noun}",
        responses=answers.of(answers.Created),
    )
    def act(caller: Calling, connection_id: ConnectionId, _op: Publishing, if_match: IfMatch) -> dict[str, Any]:
        """Checked like a new one."""
        connection = connections.get(caller, connection_id)
        matching(connection, if_match, required=False)
        return wire.created(connections.publish(caller, connection))

    @routes.delete(f"/{collection}/{{connection_id}}", status_code=204, summary=f"Delete a {noun}")
    def delete(caller: Calling, connection_id: ConnectionId) -> None:
        connections.delete(caller, connection_id)

    return routes

"""Connections: accounts at foreign systems."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from starlette.requests import Request

from flowservice.api import answers, exploring, wire
from flowservice.api.actions import Publishing
from flowservice.api.calls import Calling, Drafted, IfMatch, matching
from flowservice.api.collection import STAMPED, Collection
from flowservice.api.explore_call import Exploring, table_named
from flowservice.api.flowservice import BASE
from flowservice.api.listing import Fields, one
from flowservice.api.patching import Operations, changed, edited
from flowservice.domain.connection import Connection
from flowservice.service.connections import Connections, shown_auth
from flowservice.service.contention import repeated

FIELDS: Final = Fields(
    names=STAMPED | {"connectionSpec", "auth"},
    # Of all that a connection signs in with no filter may tell anything.
    hidden=frozenset({("auth", "params")}),
)
ConnectionId = Annotated[str, Path(description="Id of a connection: a UUID.")]


def router(connections: Connections) -> APIRouter:
    """Create, list, read, change, delete, test and explore."""
    routes = APIRouter(prefix=BASE, tags=["Connections"])

    def shown(connection: Connection) -> dict[str, Any]:
        return wire.connection(connection, shown_auth(connection.auth, connections.secret_names(connection)))

    collection = Collection(
        name="connections",
        noun="connections",
        items=connections,
        fields=FIELDS,
        shown=shown,
        answer=answers.Connection,
        page_size=20,
    )
    collection.add_list(routes)
    collection.add_search(routes)

    @routes.post(
        "/connections",
        status_code=201,
        summary="Create a connection",
        responses=answers.of(answers.Created, status=201),
    )
    def create(caller: Calling, draft: Drafted, body: wire.ConnectionBody, response: Response) -> dict[str, Any]:
        """Tests the credentials first: what does not work is not stored, except as a draft."""
        connection = connections.create(caller, body.connection_spec.ref(), body.content(), draft=draft)
        response.headers["Location"] = f"{BASE}/connections/{connection.id}"
        return wire.created(connection)

    @routes.get(
        "/connections/{connection_id}",
        summary="Read a connection",
        responses=answers.of(answers.One[answers.Connection]),
    )
    def read(caller: Calling, connection_id: ConnectionId) -> dict[str, Any]:
        return one(shown(connections.get(caller, connection_id)))

    @routes.patch("/connections/{connection_id}", summary="Change a connection", responses=answers.of(answers.Created))
    def patch(
        caller: Calling, connection_id: ConnectionId, if_match: IfMatch, operations: Operations
    ) -> dict[str, Any]:
        """A JSON Patch on name, description, auth, labels and policy. Changed credentials are tested first."""

        def change(connection: Connection) -> Connection:
            edit = edited(wire.ConnectionEdit, shown(connection), operations)
            return connections.change(caller, connection, edit.content())

        return wire.created(changed(lambda: connections.get(caller, connection_id), if_match, change))

    @routes.post(
        "/connections/{connection_id}/action", summary="Publish a draft", responses=answers.of(answers.Created)
    )
    def act(caller: Calling, connection_id: ConnectionId, _op: Publishing, if_match: IfMatch) -> dict[str, Any]:
        """Tests the credentials first."""

        def published() -> Connection:
            connection = connections.get(caller, connection_id)
            matching(connection, if_match, required=False)
            return connections.publish(caller, connection)

        # Its secret may be sealed anew meanwhile.
        return wire.created(repeated(published))

    @routes.delete("/connections/{connection_id}", status_code=204, summary="Delete a connection")
    def delete(caller: Calling, connection_id: ConnectionId) -> None:
        connections.delete(caller, connection_id)

    @routes.get("/connections/{connection_id}/test", summary="Test a connection", responses=answers.of(answers.Tested))
    def test(caller: Calling, connection_id: ConnectionId) -> dict[str, bool]:
        connections.test(caller, connection_id)
        return {"result": True}

    @routes.get(
        "/connections/{connection_id}/explore",
        summary="Explore a connection",
        response_model=None,
        responses=answers.of(list[answers.Node] | answers.Table),
    )
    def explore(
        caller: Calling,
        connection_id: ConnectionId,
        call: Exploring,
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """The root lists tables; a table shows its columns, and with `preview=true` its first sampled rows, or with
        `filters` rows that pass."""
        if not call.path:
            return [exploring.node(node) for node in connections.explore(caller, connection_id, "")]
        if call.preview:
            preview = connections.preview(caller, connection_id, call.path, call.wanted)
            return exploring.table(preview, rows=preview.rows)
        return exploring.table(connections.described(caller, connection_id, call.path, call.wanted))

    @routes.get(
        "/connections/{connection_id}/configs",
        summary="Read the columns of an object",
        responses=answers.of(answers.Configs),
    )
    def configs(
        caller: Calling,
        connection_id: ConnectionId,
        request: Request,
        _object: Annotated[str | None, Query(alias="object", description="Name of the table.")] = None,
    ) -> dict[str, Any]:
        """Name and type of each column of the table."""
        return exploring.configs(connections.sample(caller, connection_id, table_named(request)))

    return routes

"""What is read from a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowservice.domain.connection import SourceConnection
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.errors import BadField, InUse, MissingField, NotSupported, UnknownColumn
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.sdk import Selection, parsed
from flowservice.service.connections import Connections
from flowservice.service.readable import Readable
from flowservice.service.source_columns import named_columns, unknown_columns
from flowservice.service.specs import Specs
from flowservice.service.usage import flows_at


@dataclass(frozen=True, slots=True)
class SourceConnections(Readable[SourceConnection]):
    """Makes sure that what is to be read exists."""

    database: Database
    specs: Specs
    connections: Connections
    now: Clock
    ids: Ids

    @property
    def store(self) -> Store[SourceConnection]:
        """Where they live."""
        return self.database.source_connections

    def create(
        self,
        caller: Caller,
        *,
        name: str,
        description: str,
        base_connection_id: str | None,
        spec: SpecRef,
        data: Mapping[str, Any],
        params: Mapping[str, Any],
    ) -> SourceConnection:
        """A new source connection over an existing table with the named columns.

        Raises UnknownSpec, NoConnector, MissingField, NotFound (base connection), BadField, NoSuchObject,
        UnknownColumn.
        """
        caller.may(Permission.MANAGE_SOURCES)
        connector = self.specs.connector(spec.id)
        if base_connection_id is None:
            raise MissingField("baseConnectionId is missing", advice="Name the connection to read from.")
        base = self.database.connections.get(caller.scope, base_connection_id)
        if base.spec.id != spec.id:
            raise BadField("connectionSpec.id is not the spec of the base connection", advice=f"Send {base.spec.id}.")
        parsed(connector.params, params, at="params")
        if params.get("filters"):
            raise NotSupported("row filters are not supported yet", advice="Leave params.filters out.")
        with self.connections.opened(base) as source:
            path = str(params["tableName"])
            columns = named_columns(params)
            source.plan(Selection(path=path, columns=columns))
            unknown = unknown_columns(source, path, columns or ())
        if unknown:
            raise UnknownColumn(
                f"the table {path[:80]} has no column {', '.join(name[:80] for name in unknown[:5])}",
                advice="Explore the table and send columns as they are listed there.",
            )
        connection = SourceConnection(
            id=self.ids.uuid(),
            stamp=Stamp.first(caller, at=self.now()),
            name=name,
            description=description,
            spec=spec,
            base_connection_id=base.id,
            base_spec=base.spec,
            data=data,
            params=params,
        )
        self.database.source_connections.add(connection)
        return connection

    def delete(self, caller: Caller, connection_id: str) -> None:
        """Raises NotFound; InUse while a flow reads it."""
        caller.may(Permission.MANAGE_SOURCES)
        connection = self.database.source_connections.get(caller.scope, connection_id)
        if flows_at(self.database, caller.scope, "source", connection.id):
            raise InUse("a flow still reads this source connection", advice="Delete the flow first.")
        self.database.source_connections.delete(connection)

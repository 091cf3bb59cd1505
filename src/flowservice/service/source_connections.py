"""What is read from a connection."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from flowservice.domain.connection import Connection, ConnectionState, SourceConnection
from flowservice.domain.identity import Caller
from flowservice.domain.spec import SpecKind
from flowservice.errors import BadField, MissingField, NotPublished, WrongFormat
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.sdk import Connector, Selection, columns_of, parsed
from flowservice.service.connections import Connections
from flowservice.service.drafts import takes_drafts
from flowservice.service.end_connections import EndConnections
from flowservice.service.row_filters import check_types, filter_of
from flowservice.service.source_columns import named_columns, sampled
from flowservice.service.specs import Specs


@dataclass(frozen=True, slots=True)
class SourceConnections(EndConnections[SourceConnection]):
    """Makes sure that what is to be read exists."""

    kind: ClassVar = SourceConnection
    end: ClassVar = "source"
    noun: ClassVar = "source connection"

    database: Database
    specs: Specs
    connections: Connections
    now: Clock
    ids: Ids

    def store_of(self, database: Database) -> Store[SourceConnection]:
        """Where they live in that database."""
        return database.source_connections

    def checked(self, caller: Caller, end: SourceConnection) -> SourceConnection:
        """A source over an existing table with the named columns, and with those of its row filter.

        Raises UnknownSpec, NoConnector, MissingField, NotFound (base connection), NotPublished, BadField, WrongFormat,
        BadRowFilter, NoSuchObject, UnknownColumn.
        """
        connector = self.specs.connector(caller.scope, end.spec.id)
        base = self._base(caller, end)
        if base is None:
            raise MissingField("baseConnectionId is missing", advice="Name the connection to read from.")
        if base.state is ConnectionState.DRAFT:
            raise NotPublished(
                f"the connection {base.id} is a draft",
                advice=f"Publish it first: POST /connections/{base.id}/action?op=publish.",
            )
        _check_format(connector, end)
        parsed(connector.params, end.params, at="params")
        wanted = filter_of(end.params)
        with self.connections.opened(base) as source:
            path = str(end.params["tableName"])
            columns = named_columns(end.params)
            source.plan(Selection(path=path, columns=columns))
            known = sampled(source, path, (*(columns or ()), *(columns_of(wanted) if wanted else ())))
        known.check(path)
        if wanted is not None:
            check_types(wanted, known)
        return replace(end, base_spec=base.spec)

    def drafted(self, caller: Caller, end: SourceConnection) -> SourceConnection:
        """A source that may still lack its connection, table and columns; a row filter must be well-formed.

        Raises DraftUnsupported, BadRowFilter and as `checked`.
        """
        connector = self.specs.connector(caller.scope, end.spec.id)
        takes_drafts(self.specs.known(caller.scope, SpecKind.CONNECTION, end.spec.id))
        base = self._base(caller, end)
        _check_format(connector, end)
        with suppress(MissingField):
            parsed(connector.params, end.params, at="params")
        filter_of(end.params)
        return replace(end, base_spec=None if base is None else base.spec)

    def _base(self, caller: Caller, end: SourceConnection) -> Connection | None:
        if end.base_connection_id is None:
            return None
        base = self.database.connections.get(caller.scope, end.base_connection_id)
        if base.spec.id != end.spec.id:
            raise BadField("connectionSpec.id is not the spec of the base connection", advice=f"Send {base.spec.id}.")
        return base


def _check_format(connector: Connector, end: SourceConnection) -> None:
    handed_over = connector.attributes.get("dataFormat")
    if end.data.get("format") not in (None, handed_over):
        raise WrongFormat(
            f"data.format must be {handed_over} for {connector.name}", advice=f"Send {handed_over}, or leave it out."
        )

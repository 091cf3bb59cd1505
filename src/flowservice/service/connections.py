"""What people and programs may do with connections."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.connection import Connection, Signin
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import MAX_DESCRIPTION, MAX_NAME, SpecRef, Stamp
from flowservice.errors import BadField, InUse, MissingField, PatchFailed
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.sdk import Node, Sample, Source
from flowservice.service.patch import patched
from flowservice.service.readable import Readable
from flowservice.service.sources import OpenSources, auth_named
from flowservice.service.specs import Specs
from flowservice.service.usage import flows_at

MASK: Final = "********"
"""What is shown in place of a secret."""

_SAMPLE_ROWS: Final = 1_000
_EDITABLE: Final = frozenset({"name", "description", "auth"})


@dataclass(frozen=True, slots=True)
class Connections(Readable[Connection]):
    """Accounts at foreign systems: made only if they work, and explored."""

    database: Database
    specs: Specs
    sources: OpenSources
    now: Clock
    ids: Ids

    @property
    def store(self) -> Store[Connection]:
        """Where they live."""
        return self.database.connections

    def create(
        self,
        caller: Caller,
        *,
        name: str,
        description: str,
        spec: SpecRef,
        auth_name: str | None,
        auth_params: Mapping[str, Any],
    ) -> Connection:
        """A new connection, stored only after the source accepted it.

        Raises UnknownSpec, NoConnector, UnknownAuth, BadField, MissingField, and what `Source.check` raises.
        """
        caller.may(Permission.MANAGE_SOURCES)
        caller.may(Permission.MANAGE_SECRETS)
        connector = self.specs.connector(spec.id)
        if auth_name is None:
            raise MissingField("auth is missing", advice="Send auth.specName and auth.params as the spec says.")
        connection_id = self.ids.uuid()
        connection = Connection(
            id=connection_id,
            stamp=Stamp.first(caller, at=self.now()),
            name=name,
            description=description,
            spec=spec,
            auth=self.sources.sealed(auth_named(connector, auth_name), auth_params, owner=connection_id),
        )
        self._check(connection)
        self.database.connections.add(connection)
        return connection

    def patch(self, caller: Caller, connection: Connection, operations: object) -> Connection:
        """The connection with a JSON Patch applied; changed credentials must work.

        Raises PatchFailed, PatchUnsupported, SpecIsFixed, Stale, and what `Source.check` raises.
        """
        caller.may(Permission.MANAGE_SOURCES)
        new = patched(self.editable(connection), operations, editable=_EDITABLE)
        name, description, auth = new.get("name", ""), new.get("description", ""), new.get("auth")
        if not isinstance(name, str) or not isinstance(description, str) or not isinstance(auth, Mapping):
            raise PatchFailed("name and description are texts, auth is an object")
        if not name or len(name) > MAX_NAME or len(description) > MAX_DESCRIPTION:
            raise PatchFailed(
                f"name has 1 to {MAX_NAME} characters, description up to {MAX_DESCRIPTION}", advice="Shorten the text."
            )
        changed = replace(
            connection,
            name=name,
            description=description,
            auth=self._changed_auth(connection, auth),
            stamp=connection.stamp.moved(caller, at=self.now()),
        )
        if self._signs_in_otherwise(changed, connection):
            caller.may(Permission.MANAGE_SECRETS)
            self._check(changed)
        self.database.connections.replace(connection, changed)
        return changed

    def delete(self, caller: Caller, connection_id: str) -> None:
        """Raises NotFound; InUse while flows read through it."""
        caller.may(Permission.MANAGE_SOURCES)
        connection = self.database.connections.get(caller.scope, connection_id)
        flows = flows_at(self.database, caller.scope, "source", connection.id, member="base_connection_id")
        if flows:
            raise InUse(
                f"{flows} flow{'s' if flows > 1 else ''} still use{'' if flows > 1 else 's'} this connection",
                advice="Delete those flows first: GET /flows?property="
                f"inheritedAttributes.sourceConnections[].baseConnection.id=={connection.id} lists them.",
            )
        self.database.connections.delete(connection)

    def test(self, caller: Caller, connection_id: str) -> None:
        """Return if the source accepts the connection. Raises what `Source.check` raises."""
        caller.may(Permission.VIEW_SOURCES)
        self._check(self.database.connections.get(caller.scope, connection_id))

    def explore(self, caller: Caller, connection_id: str, path: str) -> Sequence[Node]:
        """What lies below `path`. Raises NoSuchObject."""
        caller.may(Permission.VIEW_SOURCES)
        with self.opened(self.database.connections.get(caller.scope, connection_id)) as source:
            return list(source.explore(path))

    def sample(self, caller: Caller, connection_id: str, path: str, *, rows_shown: bool = False) -> Sample:
        """Rows from all over a table, and its columns. Raises NoSuchObject."""
        caller.may(Permission.VIEW_SOURCES)
        if rows_shown:
            caller.may(Permission.VIEW_DATA)
        with self.opened(self.database.connections.get(caller.scope, connection_id)) as source:
            return source.sample(path, rows=_SAMPLE_ROWS)

    def editable(self, connection: Connection) -> dict[str, Any]:
        """The part that a patch works on, with secrets masked."""
        return {
            "name": connection.name,
            "description": connection.description,
            "auth": shown_auth(connection.auth, self.secret_names(connection)),
        }

    def secret_names(self, connection: Connection) -> frozenset[str]:
        """Names of the auth fields that were sealed."""
        if connection.auth is None or not connection.auth.sealed:
            return frozenset()
        return frozenset(self.sources.revealed(connection)) - frozenset(connection.auth.params)

    @contextmanager
    def opened(self, connection: Connection) -> Iterator[Source]:
        """The connection's source, checked, and closed at the end.

        The check comes first because it answers within 10 s: what a caller waits for must not try a dead host for long,
        as a run may.
        """
        with closing(self.sources.open(connection)) as source:
            source.check()
            yield source

    def _check(self, connection: Connection) -> None:
        with self.opened(connection):
            return

    def _signs_in_otherwise(self, changed: Connection, connection: Connection) -> bool:
        names = [known.auth.spec_name if known.auth else "" for known in (changed, connection)]
        return names[0] != names[1] or self.sources.revealed(changed) != self.sources.revealed(connection)

    def _changed_auth(self, connection: Connection, auth: Mapping[str, Any]) -> Signin:
        connector = self.specs.connector(connection.spec.id)
        spec_name, params = auth.get("specName"), auth.get("params")
        if not isinstance(spec_name, str) or not isinstance(params, Mapping):
            raise BadField("auth needs specName (a text) and params (an object)")
        kept = self.sources.revealed(connection)
        # A secret that still shows the mask was not changed.
        merged = {name: kept.get(name, value) if value == MASK else value for name, value in params.items()}
        return self.sources.sealed(auth_named(connector, spec_name), merged, owner=connection.id)


def shown_auth(auth: Signin | None, secret_names: frozenset[str]) -> dict[str, Any] | None:
    """An auth as clients may see it."""
    if auth is None:
        return None
    return {"specName": auth.spec_name, "params": {**auth.params, **dict.fromkeys(sorted(secret_names), MASK)}}

"""What people and programs may do with connections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from flowservice.domain.connection import Connection, ConnectionState, Signin
from flowservice.domain.connection_check import CheckedStep, LastCheck, StepStatus
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.domain.spec import SpecKind
from flowservice.errors import (
    BadField,
    BadTransition,
    Error,
    InUse,
    Invalid,
    MissingField,
    NotFound,
    NotPublished,
    SourceError,
)
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.sdk import Node, RowFilter, Sample, Source
from flowservice.service.check_steps import CHECKED
from flowservice.service.content import AuthContent, ConnectionContent
from flowservice.service.contention import repeated
from flowservice.service.drafts import takes_drafts
from flowservice.service.masked_rows import MARK
from flowservice.service.masking import Masking
from flowservice.service.previews import Preview, key_columns, preview, sampled_table
from flowservice.service.readable import Readable
from flowservice.service.sources import OpenSources, auth_named
from flowservice.service.specs import Specs
from flowservice.service.usage import flows_at


@dataclass(frozen=True, slots=True)
class Connections(Readable[Connection]):
    """Accounts at foreign systems: made only if they work, and explored."""

    database: Database
    specs: Specs
    sources: OpenSources
    now: Clock
    ids: Ids
    masking: Masking

    @property
    def store(self) -> Store[Connection]:
        """Where they live."""
        return self.database.connections

    def create(self, caller: Caller, spec: SpecRef, content: ConnectionContent, *, draft: bool = False) -> Connection:
        """A new connection, stored only after the source accepted it. A draft may lack its sign-in and dials nothing.

        Raises UnknownSpec, NoConnector, DraftUnsupported, UnknownAuth, BadField, MissingField, and what `Source.check`
        raises.
        """
        caller.may(Permission.MANAGE_SOURCES)
        caller.may(Permission.MANAGE_SECRETS)
        self.specs.connector(caller.scope, spec.id)
        if draft:
            takes_drafts(self.specs.known(caller.scope, SpecKind.CONNECTION, spec.id))
        connection_id = self.ids.uuid()
        sketch = Connection(
            id=connection_id,
            stamp=Stamp.first(caller, at=self.now()),
            spec=spec,
            state=ConnectionState.DRAFT if draft else ConnectionState.ENABLED,
        )
        connection = self._with(sketch, content)
        if not draft:
            self._check(connection)

        def add(tx: Database, known: Connection) -> None:
            tx.connections.add(known)
            if not draft:
                self._keep_passed(tx, known)

        return self._stored(connection, add)

    def change(self, caller: Caller, connection: Connection, content: ConnectionContent) -> Connection:
        """The connection with other content; changed credentials must work, except in a draft.

        Raises MissingField, UnknownAuth, BadField, Stale, and what `Source.check` raises.
        """
        caller.may(Permission.MANAGE_SOURCES)
        changed = replace(self._with(connection, content), stamp=connection.stamp.moved(caller, at=self.now()))
        differs = self._signs_in_otherwise(changed, connection)
        if differs:
            caller.may(Permission.MANAGE_SECRETS)
        if connection.state is not ConnectionState.DRAFT:
            signs_in(changed)
            if differs:
                self._check(changed)

        def write(tx: Database, known: Connection) -> None:
            tx.connections.replace(connection, known)
            if differs and known.state is not ConnectionState.DRAFT:
                self._keep_passed(tx, known)

        return self._stored(changed, write)

    def publish(self, caller: Caller, connection: Connection) -> Connection:
        """The draft checked and enabled. Raises BadTransition unless it is one, and as `create`."""
        caller.may(Permission.MANAGE_SOURCES)
        if connection.state is not ConnectionState.DRAFT:
            raise BadTransition(f"the connection {connection.id} is no draft", advice="Only a draft can be published.")
        self._check(connection)
        stamp = connection.stamp.moved(caller, at=self.now())
        published = replace(connection, state=ConnectionState.ENABLED, stamp=stamp)
        with self.database.transaction() as tx:
            tx.connections.replace(connection, published)
            self._keep_passed(tx, published)
        return published

    def delete(self, caller: Caller, connection_id: str) -> None:
        """Raises NotFound; InUse while flows read through it."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as tx:
                # Until it is done, nobody makes a flow that reads through it.
                tx.tenancy.hold(caller.scope.org_id)
                connection = tx.connections.get(caller.scope, connection_id)
                flows = flows_at(tx, caller.scope, "source", connection.id, member="base_connection_id")
                if flows:
                    raise InUse(
                        f"{flows} flow{'s' if flows > 1 else ''} still use{'' if flows > 1 else 's'} this connection",
                        advice="Delete those flows first: GET /flows?property="
                        f"inheritedAttributes.sourceConnections[].baseConnection.id=={connection.id} lists them.",
                    )
                tx.connections.delete(connection)

        repeated(delete)

    def test(self, caller: Caller, connection_id: str) -> None:
        """Return if the source accepts the connection, a draft's too. Raises what `Source.check` raises.

        Either is kept as its last check.
        """
        caller.may(Permission.VIEW_SOURCES)
        connection = self.database.connections.get(caller.scope, connection_id)
        try:
            self._check(connection)
        except (Invalid, SourceError) as error:
            self.database.connection_checks.keep(caller.scope, self._last(connection, error))
            raise
        self._keep_passed(self.database, connection)

    def explore(self, caller: Caller, connection_id: str, path: str) -> Sequence[Node]:
        """What lies below `path`. Raises NoSuchObject."""
        caller.may(Permission.VIEW_SOURCES)
        with self.opened(self._published(caller, connection_id)) as source:
            return list(source.explore(path))

    def sample(self, caller: Caller, connection_id: str, path: str) -> Sample:
        """Rows from all over a table, and its columns. Raises NoSuchObject."""
        return self.described(caller, connection_id, path, None).sample

    def described(self, caller: Caller, connection_id: str, path: str, wanted: RowFilter | None) -> Preview:
        """The columns of a table, without rows to show; `wanted` has to make sense there, and leaves out none.

        Raises NoSuchObject, UnknownColumn, FilterValueType.
        """
        caller.may(Permission.VIEW_SOURCES)
        with self.opened(self._published(caller, connection_id)) as source:
            return Preview(sample=sampled_table(source, path, wanted), key_columns=key_columns(source))

    def preview(self, caller: Caller, connection_id: str, path: str, wanted: RowFilter | None) -> Preview:
        """The same, with rows to show that pass `wanted`, without values that labels hide from the caller.

        Raises as `described`; Forbidden for a filter by such values.
        """
        caller.may(Permission.VIEW_SOURCES)
        caller.may(Permission.VIEW_DATA)
        connection = self._published(caller, connection_id)
        hidden = self.masking.hidden_columns(caller, path, reads=self._same_account(connection))
        self.masking.preview_filter(hidden, wanted)
        with self.opened(connection) as source:
            return self.masking.preview(preview(source, path, wanted), hidden)

    def _published(self, caller: Caller, connection_id: str) -> Connection:
        connection = self.database.connections.get(caller.scope, connection_id)
        if connection.state is ConnectionState.DRAFT:
            raise NotPublished(
                f"the connection {connection.id} is a draft",
                advice="Publish it first: POST /connections/{id}/action?op=publish.",
            )
        return connection

    def _same_account(self, connection: Connection) -> Callable[[str], bool]:
        """Tells whether a base connection of the sandbox, by its id, reads the account that `connection` reads."""
        own = cache(lambda: self.sources.account_names(connection))

        @cache
        def is_same(other_id: str) -> bool:
            if other_id == connection.id:
                return True
            try:
                other = self.database.connections.get(connection.stamp.scope, other_id)
                names = self.sources.account_names(other)
            except NotFound:
                return False
            except Error:
                # It cannot be told: a key that seals is gone, or the connector is. Better to hide too much.
                return True
            return not names.isdisjoint(own())

        return is_same

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

    def _stored(self, connection: Connection, write: Callable[[Database, Connection], None]) -> Connection:
        """The connection as it was written: its secret was sealed a while ago, before the source was asked, and the key
        may be gone since."""
        with self.database.transaction() as tx:
            tx.connections.hold_keys()
            connection = self.sources.renewed(connection)
            write(tx, connection)
        return connection

    def _keep_passed(self, database: Database, connection: Connection) -> None:
        database.connection_checks.keep(connection.stamp.scope, self._last(connection, None))

    def _last(self, connection: Connection, error: Error | None) -> LastCheck:
        failed = None
        if error is not None:
            failed = CheckedStep(
                name=CHECKED.name,
                title=CHECKED.title,
                status=StepStatus.FAILED,
                message=error.message,
                advice=error.advice,
                code=error.code,
            )
        return LastCheck(connection_id=connection.id, checked_at=self.now(), failed=failed)

    def _check(self, connection: Connection) -> None:
        signs_in(connection)
        with self.opened(connection):
            return

    def _signs_in_otherwise(self, changed: Connection, connection: Connection) -> bool:
        names = [known.auth.spec_name if known.auth else "" for known in (changed, connection)]
        return names[0] != names[1] or self.sources.revealed(changed) != self.sources.revealed(connection)

    def _with(self, connection: Connection, content: ConnectionContent) -> Connection:
        return replace(
            connection,
            name=content.name,
            description=content.description,
            governance=content.governance,
            auth=None if content.auth is None else self._sealed(connection, content.auth),
        )

    def _sealed(self, connection: Connection, auth: AuthContent) -> Signin:
        connector = self.specs.connector(connection.stamp.scope, connection.spec.id)
        named = auth_named(connector, auth.spec_name)
        kept = self.sources.revealed(connection)
        masked = [name for name, value in auth.params.items() if value == MARK and name in kept]
        before = connection.auth.params if connection.auth else {}
        moved = [name for name in sorted(named.destination) if auth.params.get(name) != before.get(name)]
        if masked and moved:
            raise BadField(
                f"auth/params/{masked[0]} is masked, and auth/params/{moved[0]} was changed",
                advice="Send the secrets again: they are not sent to another place than the one they were given for.",
            )
        # A secret that still shows the mask was not changed.
        params = {name: kept.get(name, value) if value == MARK else value for name, value in auth.params.items()}
        # What is there must be right, also in a draft: a secret under a wrong name would be kept in clear.
        with suppress(MissingField):
            self.sources.config(named, params)
        return self.sources.sealed(named, params, owner=connection.id)


def signs_in(connection: Connection) -> None:
    """Return if it says how to sign in. Raises MissingField."""
    if connection.auth is None:
        raise MissingField("auth is missing", advice="Send auth.specName and auth.params as the spec says.")


def shown_auth(auth: Signin | None, secret_names: frozenset[str]) -> dict[str, Any] | None:
    """An auth as clients may see it."""
    if auth is None:
        return None
    return {"specName": auth.spec_name, "params": {**auth.params, **dict.fromkeys(sorted(secret_names), MARK)}}

"""Organisations, sandboxes and credentials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect
from flowservice.domain.epoch import milliseconds
from flowservice.domain.identity import Credential, Entrant, Org, Sandbox, SandboxState, Scope
from flowservice.errors import Conflict, NotFound

_ORG: Final = TypeAdapter(Org)
_SANDBOX: Final = TypeAdapter(Sandbox)
_CREDENTIAL: Final = TypeAdapter(Credential)
_GONE: Final = "/"
"""No name of a sandbox has it: a deleted sandbox keeps its row under `<name>/<id>`, and the name is free."""


def _entrant(is_meant: sa.ColumnElement[bool]) -> sa.Select[Any]:
    credentials, orgs, sandboxes = tables.credentials, tables.orgs, tables.sandboxes
    of_org = credentials.join(orgs, orgs.c.id == credentials.c.org_id)
    there = of_org.outerjoin(sandboxes, sa.and_(sandboxes.c.org_id == credentials.c.org_id, is_meant))
    found = sa.select(credentials.c.document, orgs.c.document, sandboxes.c.document).select_from(there)
    return found.where(credentials.c.client_id == sa.bindparam("client_id"))


# Built once: every call of a client asks for one of them.
_ENTRANT_NAMED: Final = _entrant(tables.sandboxes.c.name == sa.bindparam("sandbox_name"))
_ENTRANT_BY_DEFAULT: Final = _entrant(tables.sandboxes.c.document["is_default"].as_boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTenancy:
    """Fills `ports.database.TenancyStore`."""

    connect: Connect

    def add_org(self, org: Org) -> None:
        document = _ORG.dump_python(org, mode="json")
        row = {"id": org.id, "created_at_ms": milliseconds(org.created_at), "document": document}
        self._insert(tables.orgs, row, f"the organisation {org.id} exists already")

    def orgs(self) -> Sequence[Org]:
        query = sa.select(tables.orgs.c.document).order_by(tables.orgs.c.created_at_ms, tables.orgs.c.id)
        with self.connect(reading=True) as connection:
            return [_ORG.validate_python(document) for document in connection.execute(query).scalars()]

    def org(self, org_id: str) -> Org:
        query = sa.select(tables.orgs.c.document).where(tables.orgs.c.id == org_id)
        with self.connect(reading=True) as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise _no_org(org_id)
        return _ORG.validate_python(document)

    def hold(self, org_id: str) -> None:
        table = tables.orgs
        with self.connect() as connection:
            # An update, which takes the lock on either database.
            if not connection.execute(table.update().where(table.c.id == org_id).values(id=org_id)).rowcount:
                raise _no_org(org_id)

    def add_sandbox(self, sandbox: Sandbox) -> None:
        row = {"id": sandbox.id, "org_id": sandbox.org_id, **_sandbox_values(sandbox)}
        self._insert(tables.sandboxes, row, f"a sandbox named {sandbox.name} exists already")

    def put_sandbox(self, sandbox: Sandbox) -> None:
        table = tables.sandboxes
        with self.connect() as connection:
            connection.execute(table.update().where(table.c.id == sandbox.id).values(_sandbox_values(sandbox)))

    def sandbox(self, org_id: str, name: str) -> Sandbox:
        table = tables.sandboxes
        query = sa.select(table.c.document).where(table.c.org_id == org_id)
        with self.connect(reading=True) as connection:
            found = connection.execute(query.where(table.c.name == name)).scalars().all()
            if not found:
                former = query.where(table.c.name.startswith(f"{name}{_GONE}", autoescape=True))
                found = connection.execute(former).scalars().all()
        if not found:
            raise NotFound(
                "no sandbox of that name", advice="GET /data/foundation/sandbox-management/sandboxes lists them."
            )
        return max(map(_SANDBOX.validate_python, found), key=lambda sandbox: sandbox.updated_at)

    def sandboxes(self, org_id: str) -> Sequence[Sandbox]:
        query = sa.select(tables.sandboxes.c.document).where(tables.sandboxes.c.org_id == org_id)
        with self.connect(reading=True) as connection:
            found = [_SANDBOX.validate_python(document) for document in connection.execute(query).scalars()]
        return sorted(found, key=lambda sandbox: (not sandbox.is_default, sandbox.name))

    def sandboxes_in(self, states: Collection[SandboxState]) -> Sequence[Sandbox]:
        with self.connect(reading=True) as connection:
            documents = connection.execute(sa.select(tables.sandboxes.c.document)).scalars().all()
        return [sandbox for sandbox in map(_SANDBOX.validate_python, documents) if sandbox.state in states]

    def is_open(self, scope: Scope) -> bool:
        table = tables.sandboxes
        query = sa.select(table.c.document).where(table.c.id == scope.sandbox_id, table.c.org_id == scope.org_id)
        with self.connect(reading=True) as connection:
            document = connection.execute(query).scalar_one_or_none()
        return document is not None and _SANDBOX.validate_python(document).state is SandboxState.ACTIVE

    def add_credential(self, credential: Credential) -> None:
        row = {
            "client_id": credential.client_id,
            "org_id": credential.org_id,
            "document": _CREDENTIAL.dump_python(credential, mode="json"),
        }
        self._insert(tables.credentials, row, f"the client id {credential.client_id} exists already")

    def put_credential(self, credential: Credential) -> None:
        table = tables.credentials
        update = table.update().where(table.c.client_id == credential.client_id)
        with self.connect() as connection:
            document = _CREDENTIAL.dump_python(credential, mode="json")
            if not connection.execute(update.values(document=document)).rowcount:
                raise no_client()

    def remove_credential(self, client_id: str) -> None:
        table = tables.credentials
        with self.connect() as connection:
            if not connection.execute(table.delete().where(table.c.client_id == client_id)).rowcount:
                raise no_client()

    def credentials(self, org_id: str) -> Sequence[Credential]:
        query = sa.select(tables.credentials.c.document).where(tables.credentials.c.org_id == org_id)
        with self.connect(reading=True) as connection:
            found = [_CREDENTIAL.validate_python(document) for document in connection.execute(query).scalars()]
        return sorted(found, key=lambda credential: (credential.created_at, credential.client_id))

    def credential(self, client_id: str) -> Credential:
        query = sa.select(tables.credentials.c.document).where(tables.credentials.c.client_id == client_id)
        with self.connect(reading=True) as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise no_client()
        return _CREDENTIAL.validate_python(document)

    def entrant(self, client_id: str, sandbox_name: str | None) -> Entrant:
        query = _ENTRANT_BY_DEFAULT if sandbox_name is None else _ENTRANT_NAMED
        with self.connect(reading=True) as connection:
            found = connection.execute(query, {"client_id": client_id, "sandbox_name": sandbox_name}).first()
        if found is None:
            raise no_client()
        credential, org, sandbox = found
        return Entrant(
            credential=_CREDENTIAL.validate_python(credential),
            org=_ORG.validate_python(org),
            sandbox=None if sandbox is None else _SANDBOX.validate_python(sandbox),
        )

    def _insert(self, table: sa.Table, row: dict[str, object], clash: str) -> None:
        with self.connect() as connection:
            try:
                connection.execute(table.insert().values(row))
            except sa.exc.IntegrityError:
                raise Conflict(clash, advice="Choose another one.") from None


def _sandbox_values(sandbox: Sandbox) -> dict[str, object]:
    gone = sandbox.state is SandboxState.DELETED
    return {
        "name": f"{sandbox.name}{_GONE}{sandbox.id}" if gone else sandbox.name,
        "document": _SANDBOX.dump_python(sandbox, mode="json"),
    }


def _no_org(org_id: str) -> NotFound:
    return NotFound(f"there is no organisation {org_id[:150]}", advice="flowservice orgs list shows those there are.")


def no_client() -> NotFound:
    """No credential has that id."""
    return NotFound("no such client id", advice="flowservice credentials list shows those there are.")

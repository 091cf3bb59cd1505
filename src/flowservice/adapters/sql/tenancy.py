"""Organisations, sandboxes and credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect, epoch_ms
from flowservice.domain.identity import Credential, Org, Sandbox
from flowservice.errors import Conflict, NotFound

_ORG: Final = TypeAdapter(Org)
_SANDBOX: Final = TypeAdapter(Sandbox)
_CREDENTIAL: Final = TypeAdapter(Credential)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTenancy:
    """Fills `ports.database.TenancyStore`."""

    connect: Connect

    def add_org(self, org: Org) -> None:
        row = {"id": org.id, "created_at_ms": epoch_ms(org.created_at), "document": _ORG.dump_python(org, mode="json")}
        self._insert(tables.orgs, row, f"the organisation {org.id} exists already")

    def orgs(self) -> Sequence[Org]:
        query = sa.select(tables.orgs.c.document).order_by(tables.orgs.c.created_at_ms, tables.orgs.c.id)
        with self.connect() as connection:
            return [_ORG.validate_python(document) for document in connection.execute(query).scalars()]

    def org(self, org_id: str) -> Org:
        query = sa.select(tables.orgs.c.document).where(tables.orgs.c.id == org_id)
        with self.connect() as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise NotFound("no such organisation")
        return _ORG.validate_python(document)

    def add_sandbox(self, sandbox: Sandbox) -> None:
        row = {
            "id": sandbox.id,
            "org_id": sandbox.org_id,
            "name": sandbox.name,
            "document": _SANDBOX.dump_python(sandbox, mode="json"),
        }
        self._insert(tables.sandboxes, row, f"a sandbox named {sandbox.name} exists already")

    def sandbox(self, org_id: str, name: str) -> Sandbox:
        table = tables.sandboxes
        query = sa.select(table.c.document).where(table.c.org_id == org_id, table.c.name == name)
        with self.connect() as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise NotFound(
                "no sandbox of that name", advice="GET /data/foundation/sandbox-management/sandboxes lists them."
            )
        return _SANDBOX.validate_python(document)

    def sandboxes(self, org_id: str) -> Sequence[Sandbox]:
        query = sa.select(tables.sandboxes.c.document).where(tables.sandboxes.c.org_id == org_id)
        with self.connect() as connection:
            found = [_SANDBOX.validate_python(document) for document in connection.execute(query).scalars()]
        return sorted(found, key=lambda sandbox: (not sandbox.is_default, sandbox.name))

    def add_credential(self, credential: Credential) -> None:
        row = {
            "client_id": credential.client_id,
            "org_id": credential.org_id,
            "document": _CREDENTIAL.dump_python(credential, mode="json"),
        }
        self._insert(tables.credentials, row, f"the client id {credential.client_id} exists already")

    def credential(self, client_id: str) -> Credential:
        query = sa.select(tables.credentials.c.document).where(tables.credentials.c.client_id == client_id)
        with self.connect() as connection:
            document = connection.execute(query).scalar_one_or_none()
        if document is None:
            raise NotFound("no such client id")
        return _CREDENTIAL.validate_python(document)

    def _insert(self, table: sa.Table, row: dict[str, object], clash: str) -> None:
        with self.connect() as connection:
            try:
                connection.execute(table.insert().values(row))
            except sa.exc.IntegrityError:
                raise Conflict(clash) from None

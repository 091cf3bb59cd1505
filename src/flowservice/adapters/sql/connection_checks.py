"""What came of the last check of each connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from pydantic import TypeAdapter

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect
from flowservice.domain.connection_check import LastCheck
from flowservice.domain.epoch import milliseconds
from flowservice.domain.identity import Scope

_CHECK: Final = TypeAdapter(LastCheck)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlConnectionChecks:
    """Fills `ports.database.ConnectionCheckStore`."""

    connect: Connect

    def keep(self, scope: Scope, check: LastCheck) -> None:
        table, connections = tables.connection_checks, tables.connections
        told = {"checked_at_ms": milliseconds(check.checked_at), "document": _CHECK.dump_python(check, mode="json")}
        mine = sa.and_(table.c.id == check.connection_id, table.c.sandbox_id == scope.sandbox_id)
        is_there = sa.and_(connections.c.id == check.connection_id, connections.c.sandbox_id == scope.sandbox_id)
        with self.connect() as connection:
            if connection.execute(table.update().where(mine).values(told)).rowcount:
                return
            if connection.execute(sa.select(connections.c.id).where(is_there)).first() is None:
                return
            try:
                with connection.begin_nested():
                    row = {"id": check.connection_id, "sandbox_id": scope.sandbox_id, **told}
                    connection.execute(table.insert().values(row))
            except sa.exc.IntegrityError:
                # Somebody else's check ended at the same moment, or the connection is being deleted: theirs will do.
                return

    def all(self, scope: Scope) -> Sequence[LastCheck]:
        table = tables.connection_checks
        query = sa.select(table.c.document).where(table.c.sandbox_id == scope.sandbox_id)
        with self.connect(reading=True) as connection:
            documents = connection.execute(query.order_by(table.c.checked_at_ms.desc(), table.c.id)).scalars()
            return [_CHECK.validate_python(document) for document in documents]

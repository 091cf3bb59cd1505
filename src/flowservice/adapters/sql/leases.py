"""Leases: rows that one process at a time holds, for as long as it renews them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect


class _Now(sa.ColumnElement[int]):
    """The database's clock in epoch milliseconds, also within a transaction that has been open for long."""

    inherit_cache = True
    type = sa.BigInteger()


@compiles(_Now, "postgresql")
def _on_postgresql(_element: _Now, _compiler: SQLCompiler, **_more: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(_Now, "sqlite")
def _on_sqlite(_element: _Now, _compiler: SQLCompiler, **_more: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


_NOW: Final = _Now()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlLeases:
    """Fills `ports.database.LeaseStore`."""

    connect: Connect

    def take(self, name: str, holder: str, *, lasts: timedelta) -> bool:
        table, lasts_ms = tables.leases, lasts // timedelta(milliseconds=1)
        mine = {"holder": holder, "until_ms": _NOW + lasts_ms}
        is_free = sa.or_(
            table.c.holder == holder,
            table.c.until_ms < _NOW,
            # Nobody took it for so long: the clock was put back since, and it would last until that is made up for.
            table.c.until_ms > _NOW + 2 * lasts_ms,
        )
        with self.connect() as connection:
            if connection.execute(table.update().where(table.c.name == name, is_free).values(mine)).rowcount:
                return True
            if connection.execute(sa.select(table.c.name).where(table.c.name == name)).first() is not None:
                return False
            try:
                with connection.begin_nested():
                    connection.execute(table.insert().values(name=name, **mine))
            except sa.exc.IntegrityError:
                # Somebody was the first at the same moment.
                return False
        return True

    def give_up(self, name: str, holder: str) -> None:
        table = tables.leases
        with self.connect() as connection:
            connection.execute(table.delete().where(table.c.name == name, table.c.holder == holder))

    def holder(self, name: str) -> str | None:
        table = tables.leases
        held = sa.select(table.c.holder).where(table.c.name == name, table.c.until_ms >= _NOW)
        with self.connect(reading=True) as connection:
            found: str | None = connection.execute(held).scalar_one_or_none()
        return found

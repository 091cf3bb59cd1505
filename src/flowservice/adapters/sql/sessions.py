"""Sessions of browsers, and the codes that begin them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from flowservice.adapters.sql import tables
from flowservice.adapters.sql.resources import Connect
from flowservice.adapters.sql.tenancy import no_client
from flowservice.domain.epoch import milliseconds
from flowservice.domain.session import Session, SignInCode
from flowservice.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSessions:
    """Fills `ports.database.SessionStore`."""

    connect: Connect

    def add_code(self, code: SignInCode) -> None:
        row = {"hashed": code.hashed, "client_id": code.client_id, "expires_at_ms": milliseconds(code.expires_at)}
        self._insert(tables.sign_in_codes, row)

    def take_code(self, hashed: str, *, at: datetime) -> str:
        table = tables.sign_in_codes
        is_good = sa.and_(table.c.hashed == hashed, table.c.expires_at_ms > milliseconds(at))
        with self.connect() as connection:
            # One statement: of two processes only one finds the row.
            taken = connection.execute(table.delete().where(is_good).returning(table.c.client_id)).scalar_one_or_none()
        if taken is None:
            raise NotFound("the code is not known, was used, or has expired")
        return str(taken)

    def add(self, session: Session) -> None:
        row = {
            "hashed": session.hashed,
            "client_id": session.client_id,
            "created_at_ms": milliseconds(session.created_at),
            "expires_at_ms": milliseconds(session.expires_at),
        }
        self._insert(tables.sessions, row)

    def get(self, hashed: str, *, at: datetime) -> Session:
        table = tables.sessions
        is_good = sa.and_(table.c.hashed == hashed, table.c.expires_at_ms > milliseconds(at))
        with self.connect(reading=True) as connection:
            row = connection.execute(sa.select(table).where(is_good)).first()
        if row is None:
            raise NotFound("there is no such session")
        return Session(
            hashed=row.hashed,
            client_id=row.client_id,
            created_at=_time(row.created_at_ms),
            expires_at=_time(row.expires_at_ms),
        )

    def remove(self, hashed: str) -> None:
        table = tables.sessions
        with self.connect() as connection:
            connection.execute(table.delete().where(table.c.hashed == hashed))

    def forget(self, *, before: datetime | None) -> None:
        for table in (tables.sign_in_codes, tables.sessions):
            is_meant = sa.true() if before is None else table.c.expires_at_ms <= milliseconds(before)
            with self.connect() as connection:
                connection.execute(table.delete().where(is_meant))

    def _insert(self, table: sa.Table, row: dict[str, object]) -> None:
        with self.connect() as connection:
            try:
                connection.execute(table.insert().values(row))
            except sa.exc.IntegrityError:
                # Of no credential, or of one that is being revoked at this moment.
                raise no_client() from None


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)

"""Opening the control store: SQLite in a file, or PostgreSQL, by one URL."""

import os
import sqlite3
from contextlib import suppress
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

_BUSY_TIMEOUT_S: Final = 30


def open_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql://…`.

    On SQLite a transaction begins with its first write and takes the write lock at once: one that upgrades a read lock
    would fail without waiting (sqlite.org/lang_transaction.html). What it read before is guarded by revisions.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        from flowservice.adapters.sql.lost_connections import watch  # noqa: PLC0415 - loads the driver

        # Last in, first out: those in use are used again, and the others are found idle.
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=20,
            pool_use_lifo=True,
            skip_autocommit_rollback=True,
        )
        watch(engine)
        return engine
    if parsed.database:
        # Before SQLite makes it: the files beside it, of what is not yet written back, take its mode.
        with suppress(FileExistsError, FileNotFoundError):
            os.close(os.open(parsed.database, os.O_CREAT | os.O_EXCL, 0o600))
    engine = sa.create_engine(parsed, connect_args={"timeout": _BUSY_TIMEOUT_S}, pool_size=20)
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    connection.execute("PRAGMA journal_mode = WAL")
    # With WAL, NORMAL loses no committed transaction when the process is killed.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def without_transactions(engine: sa.Engine) -> sa.Engine:
    """The engine for calls that only read, on the same connections.

    Each statement sees what is committed when it begins, as in any transaction of ours on PostgreSQL; without one, a
    query is one exchange with the server instead of three. On SQLite a read begins no transaction as it is.
    """
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine

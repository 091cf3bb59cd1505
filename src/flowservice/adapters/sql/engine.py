"""Opening the control store: SQLite in a file, or PostgreSQL, by one URL."""

import os
import sqlite3
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_TIMEOUT_S: Final = 30
_IDLE_S: Final = 1.0
"""A connection that was in use this lately is taken to be alive still: asking costs as much as a query."""
_LAST_USED: Final = "last used"


def open_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql://…`.

    On SQLite a transaction begins with its first write and takes the write lock at once: one that upgrades a read lock
    would fail without waiting (sqlite.org/lang_transaction.html). What it read before is guarded by revisions.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        # Last in, first out: those in use are used again, and the others are found idle.
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=20,
            pool_use_lifo=True,
            skip_autocommit_rollback=True,
        )
        event.listen(engine, "handle_error", _note_absence)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", _ask_if_idle)
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


def _note_absence(context: sa.ExceptionContext) -> None:
    """Call it a lost connection if none could be made: DBOS waits for a server then, whatever its driver calls that.

    It knows `connection failed`; of a server whose socket is gone psycopg says `connection is bad`, and the run would
    lie there until the next start.
    """
    if context.connection is None and isinstance(context.original_exception, psycopg.OperationalError):
        context.is_disconnect = True


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_LAST_USED] = time.monotonic()


def _ask_if_idle(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Let the pool replace a connection that does not answer any more."""
    if time.monotonic() - record.info.get(_LAST_USED, time.monotonic()) < _IDLE_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error:
        raise sa.exc.DisconnectionError from None

"""Connections to PostgreSQL that are lost, or may be."""

import time
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

_IDLE_S: Final = 1.0
"""A connection that was in use this lately is taken to be alive still: asking costs as much as a query."""
_LAST_USED: Final = "last used"


def watch(engine: sa.Engine) -> None:
    """Let the pool notice connections that are lost."""
    event.listen(engine, "handle_error", _note_absence)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_if_idle)


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

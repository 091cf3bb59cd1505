"""What the driver raises when the store does not answer, as an error of ours. The one place that knows."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from flowservice.errors import StoreUnavailable

_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""SQLite also calls a wrong statement an operational error; only these have to do with the file or the machine."""


@contextmanager
def translated() -> Iterator[None]:
    """Let calls of the driver raise StoreUnavailable where the same call may work later."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise _unavailable("all connections are in use") from error
    except sa.exc.DBAPIError as error:
        if not _passes(error):
            raise
        # PostgreSQL's messages name hosts and users, and may quote values; SQLite's do not.
        raise _unavailable(
            str(error.orig) if isinstance(error.orig, sqlite3.Error) else "its connection failed"
        ) from error


def _passes(error: sa.exc.DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        # The low byte is the kind, the rest says more about it.
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _PASSING
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)


def _unavailable(reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the control store did not answer: {reason}",
        advice="Try again; if it lasts, check the disk's room and the database server: flowservice doctor.",
    )

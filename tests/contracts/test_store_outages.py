"""A store that does not answer raises StoreUnavailable, whatever its driver calls that; a wrong statement does not."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from dbos._utils import retriable_postgres_exception
from sqlalchemy import event

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.domain.identity import Org
from flowservice.errors import Conflict, StoreUnavailable
from tests.contracts.test_database import NOON, connection, sandbox_of
from tests.postgres import Postgres


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "control.db"


@pytest.fixture
def impatient(file: Path) -> Iterator[SqlDatabase]:
    """SQLite that waits for a lock a moment only."""
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 20"))
    yield SqlDatabase(engine=engine)
    engine.dispose()


def add_org(database: SqlDatabase, number: int = 1) -> None:
    database.tenancy.add_org(Org(id=f"{number}@AdobeOrg", tenant_id="t" * 5_000, created_at=NOON))


def add_orgs(database: SqlDatabase, count: int) -> None:
    for number in range(count):
        add_org(database, number)


def add_org_as_the_server_hangs_up(database: SqlDatabase) -> None:
    with database.transaction() as transaction:
        own = transaction.connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with database.engine.connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        add_org(transaction)


def test_a_locked_file(impatient: SqlDatabase, file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            add_org(impatient)
        with pytest.raises(StoreUnavailable), impatient.transaction() as transaction:
            add_org(transaction)
        other.rollback()
    add_org(impatient)
    assert len(impatient.tenancy.orgs()) == 1


def test_a_full_disk(impatient: SqlDatabase) -> None:
    def limit(raw: sqlite3.Connection, _record: Any) -> None:
        # Never less than the file has: what fits into its pages fits, and no more.
        raw.execute("PRAGMA max_page_count = 1")

    event.listen(impatient.engine, "connect", limit)
    with pytest.raises(StoreUnavailable, match="full"):
        add_orgs(impatient, 200)


def test_a_lost_connection(postgres: Postgres) -> None:
    engine = open_engine(postgres.new_database())
    migrate(engine)
    database = SqlDatabase(engine=engine)
    with pytest.raises(StoreUnavailable) as caught:
        add_org_as_the_server_hangs_up(database)
    assert "host" not in caught.value.message
    # The next call finds another connection.
    add_org(database)
    engine.dispose()


def test_connections_that_were_cut_while_nobody_used_them_are_noticed_by_nobody(postgres: Postgres) -> None:
    url = postgres.new_database()
    engine = open_engine(url)
    migrate(engine)
    database = SqlDatabase(engine=engine)
    with database.transaction(), database.transaction():
        add_org(database)
    with psycopg.connect(url, autocommit=True) as other:
        cut = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
    assert cut is not None
    assert cut[0] >= 2
    # Longer than a connection is taken to be alive without being asked.
    time.sleep(1.1)
    assert len(database.tenancy.orgs()) == 1
    add_org(database, 2)
    engine.dispose()


def test_no_server() -> None:
    engine = open_engine("postgresql://u:s3cret@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable) as caught:
        SqlDatabase(engine=engine).ping()
    assert "s3cret" not in f"{caught.value.message}{caught.value.advice}"


@pytest.mark.parametrize("server", ["127.0.0.1:9/none", "/none?host=/nowhere"], ids=["port", "socket"])
def test_durable_runs_wait_for_a_server_that_is_gone(server: str) -> None:
    with pytest.raises(sa.exc.OperationalError) as caught:
        open_engine(f"postgresql://u@{server}").connect()
    assert retriable_postgres_exception(caught.value)


def test_what_is_no_outage(database: SqlDatabase) -> None:
    caller = sandbox_of(database, "A@AdobeOrg")
    database.connections.add(connection(caller, 1))
    with pytest.raises(Conflict):
        database.connections.add(connection(caller, 1))
    with pytest.raises(sa.exc.DBAPIError), database.transaction() as transaction:
        transaction.connection.execute(sa.text("SELECT nonsense FROM nowhere"))

"""Every database that the stores run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.api.search_forms import FORMS
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'control.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[SqlDatabase]:
    """A migrated database."""
    engine = open_engine(database_url)
    migrate(engine)
    yield SqlDatabase(engine=engine, forms=FORMS)
    engine.dispose()

"""Every database that the stores run on, and every place that a lake may be at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowservice.adapters.delta import DeltaLake, Folder
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.migrate import migrate
from flowservice.api.search_forms import FORMS
from tests.object_stores import Shelf
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


_LONG = pytest.mark.faults  # `test_lake_on_object_stores.py` has the short form


@pytest.fixture(params=["folder", pytest.param("azure_blobs", marks=_LONG), pytest.param("s3", marks=_LONG)])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> DeltaLake:
    """An empty lake."""
    if request.param == "folder":
        return DeltaLake(Folder(tmp_path / "lake"))
    shelf: Shelf = request.getfixturevalue(request.param)
    return shelf.new_lake()


@pytest.fixture
def in_folder(tmp_path: Path) -> DeltaLake:
    """An empty lake in a folder, for what is said of folders alone."""
    return DeltaLake(Folder(tmp_path / "lake"))

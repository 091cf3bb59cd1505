"""Which stores are kept, and what a program does with a store of a later version."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from flowservice.adapters.sql import migrate
from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.adapters.sql.tables import HEAD
from flowservice.backing_up import backup
from flowservice.domain.identity import ALL_PERMISSIONS, Permission
from flowservice.errors import Invalid
from flowservice.restoring import restore
from flowservice.settings import Settings
from tests.operations.typed import typed
from tests.upgrades.make_store import STORES
from tests.upgrades.test_earlier_stores import queried, unpacked

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
CAME_TOGETHER = {"0002", "0003", "0012"}
"""Schemas that no version ever left in a store: later migrations were released with theirs."""


def test_a_store_is_kept_of_the_version_before_each_migration() -> None:
    before = {
        found[1]
        for path in VERSIONS.glob("v*.py")
        if (found := re.search(r'^down_revision = "(\d+)"', path.read_text(), re.MULTILINE))
    }
    kept = {archive.name.removesuffix(".tar.xz") for archive in STORES.glob("*.tar.xz")}
    assert before - CAME_TOGETHER - kept == set(), "python -m tests.upgrades.make_store says how to make one"
    assert HEAD in {path.name[1:5] for path in VERSIONS.glob("v*.py")}


def test_a_store_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'flowservice.db'}")
    migrate.migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Invalid, match=rf"schema '9999', of a later version .* up to {HEAD}") as refused:
        migrate.migrate(engine)
    assert "later one" in refused.value.advice
    engine.dispose()
    before = (tmp_path / "flowservice.db").read_bytes()
    answer = typed("credentials", "list", home=tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("flowservice: the control store has the schema '9999'")
    assert (tmp_path / "flowservice.db").read_bytes() == before


def test_an_old_store_is_backed_up_as_it_is_before_it_is_migrated(tmp_path: Path) -> None:
    home, again = tmp_path / "home", tmp_path / "again"
    unpacked("0001", home)
    did = backup(Settings(home=home), tmp_path / "kept.tar")
    # A table of rows for each of the two flows, and one of rejects for the one that had ended.
    assert did["tables"] == 3
    restore(tmp_path / "kept.tar", again)
    for place in (home, again):
        assert queried(place, "SELECT version_num FROM alembic_version") == ["0001"]
    # The parts of the run in flight have come along.
    (run,) = queried(home, "SELECT id FROM runs WHERE state = 'inProgress'")
    parts = {path.relative_to(home).as_posix() for path in home.rglob(f"run={run}/*.parquet")}
    assert parts
    assert {path.relative_to(again).as_posix() for path in again.rglob(f"run={run}/*.parquet")} == parts


def test_who_saw_rows_before_labels_hid_any_sees_them_whole(tmp_path: Path) -> None:
    home = tmp_path / "home"
    unpacked("0011", home)
    url = f"sqlite:///{home / 'flowservice.db'}"
    with closing(sqlite3.connect(home / "flowservice.db")) as store, store:
        (known,) = store.execute("SELECT document FROM credentials").fetchone()
        blind = {**json.loads(known), "client_id": "blind", "permissions": ["run", "view-sources"]}
        row = ("blind", blind["org_id"], json.dumps(blind))
        store.execute("INSERT INTO credentials (client_id, org_id, document) VALUES (?, ?, ?)", row)
    engine = open_engine(url)
    migrate.migrate(engine)
    tenancy = SqlDatabase(engine=engine).tenancy
    granted = {one.client_id: one.permissions for one in tenancy.credentials(blind["org_id"])}
    assert granted.pop("blind") == {Permission.RUN, Permission.VIEW_SOURCES}
    assert set(granted.values()) == {ALL_PERMISSIONS}
    engine.dispose()

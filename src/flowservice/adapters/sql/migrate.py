"""Bringing the control store to the schema of this version."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from flowservice.adapters.sql.tables import HEAD
from flowservice.errors import Invalid

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"


def migrate(engine: sa.Engine) -> None:
    """Apply what is missing, in one transaction. Safe to call from several processes at once.

    Raises Invalid, and changes nothing, if a later version of the program wrote the store.
    """
    current = _current(engine)
    if current == HEAD:
        return
    if current is not None:
        check_known(current)
    # Imported late: a start that has nothing to migrate need not wait for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        alone(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        connection.commit()


def check_known(revision: str) -> None:
    """Return if this program can open a store with a schema of that revision. Raises Invalid."""
    known = {path.name[1:5] for path in _VERSIONS.glob("v*.py")}
    if revision not in known:
        raise Invalid(
            f"the control store has the schema {revision[:20]!r}, of a later version of the program than this one, "
            f"which knows schemas up to {HEAD}",
            advice="Start the version that wrote it, or a later one; or restore a backup from before the upgrade.",
        )


def alone(connection: sa.Connection) -> None:
    """On PostgreSQL, wait for other processes that bring the store to this version; SQLite's writers wait anyway."""
    if connection.dialect.name == "postgresql":
        # The key is the first 8 bytes of "flowserv".
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7380391178436407926)"))


def _current(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return version

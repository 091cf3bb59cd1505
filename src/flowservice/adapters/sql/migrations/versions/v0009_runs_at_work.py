"""Runs at work are counted by what they share."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("runs", sa.Column("connection_id", sa.String, nullable=True))
    at_work = sa.text("state IN ('scheduled', 'inProgress') AND starts_at_ms IS NULL")
    op.create_index("ix_runs_at_work", "runs", ["org_id"], sqlite_where=at_work, postgresql_where=at_work)

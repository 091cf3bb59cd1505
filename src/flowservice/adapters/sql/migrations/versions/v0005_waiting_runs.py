"""Runs may wait for a time to come."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("starts_at_ms", sa.BigInteger, nullable=True))
    op.create_index("ix_runs_starts_at_ms", "runs", ["starts_at_ms"])

"""Search tables: what clients see of each resource, to filter and sort by. Filled when the service starts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("connections", "source_connections", "target_connections", "flows"):
        create_search(name)
    create_search(
        "runs",
        sa.Column("flow_id", sa.String),
        sa.Column("state", sa.String),
        sa.Column("started_at_ms", sa.BigInteger),
        sa.Column("records_read", sa.BigInteger),
        sa.Column("records_written", sa.BigInteger),
        sa.Column("records_rejected", sa.BigInteger),
    )
    op.create_table(
        "search_forms",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )


def create_search(name: str, *own: sa.Column[Any]) -> None:
    table = f"{name}_search"
    op.create_table(
        table,
        sa.Column("id", sa.String, sa.ForeignKey(f"{name}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sandbox_id", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        *own,
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
    )
    op.create_index(f"ix_{table}_sandbox_id_created_at_ms_id", table, ["sandbox_id", "created_at_ms", "id"])
    for column in own:
        op.create_index(
            f"ix_{table}_sandbox_id_{column.name}_created_at_ms_id",
            table,
            ["sandbox_id", column.name, "created_at_ms", "id"],
        )

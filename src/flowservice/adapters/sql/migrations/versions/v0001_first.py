"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

# The columns that a table has beside those of every resource.
RESOURCES: dict[str, tuple[sa.Column[Any], ...]] = {
    "connections": (),
    "source_connections": (sa.Column("base_connection_id", sa.String),),
    "target_connections": (),
    "flows": (sa.Column("next_run_at_ms", sa.BigInteger),),
    "runs": (sa.Column("flow_id", sa.String),),
    "schemas": (sa.Column("alt_id", sa.String), sa.Column("kind", sa.String)),
    "datasets": (),
    "batches": (sa.Column("dataset_id", sa.String),),
    "mapping_sets": (),
}
INDEXED = ("base_connection_id", "next_run_at_ms", "flow_id", "alt_id", "dataset_id")


def upgrade() -> None:
    op.create_table(
        "orgs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
    )
    op.create_table(
        "sandboxes",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, sa.ForeignKey("orgs.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.UniqueConstraint("org_id", "name"),
    )
    op.create_table(
        "credentials",
        sa.Column("client_id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, sa.ForeignKey("orgs.id"), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
    )
    for name, own in RESOURCES.items():
        create_resources(name, *own)
    op.create_table(
        "plans",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("document", DOCUMENT, nullable=False),
    )
    op.create_table(
        "splits",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
    )


def create_resources(name: str, *own: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.String, sa.ForeignKey("sandboxes.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        *own,
    )
    op.create_index(f"ix_{name}_sandbox_id_created_at_ms_id", name, ["sandbox_id", "created_at_ms", "id"])
    for column in own:
        if column.name in INDEXED:
            op.create_index(f"ix_{name}_{column.name}", name, [column.name])

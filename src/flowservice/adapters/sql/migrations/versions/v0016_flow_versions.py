"""What each flow was told to do, version by version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "flow_versions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.String, sa.ForeignKey("sandboxes.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("flow_id", sa.String, sa.ForeignKey("flows.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index(
        "ix_flow_versions_sandbox_id_created_at_ms_id", "flow_versions", ["sandbox_id", "created_at_ms", "id"]
    )
    op.create_index("ix_flow_versions_flow_id", "flow_versions", ["flow_id"])

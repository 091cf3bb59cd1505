"""Usage labels, marketing actions and policies of one's own, and which core policies are enabled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("custom_labels", "marketing_actions", "policies", "enabled_core_policies"):
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
        )
        op.create_index(f"ix_{name}_sandbox_id_created_at_ms_id", name, ["sandbox_id", "created_at_ms", "id"])

"""Browsers that have signed in, the codes by which they do, and the last check of each connection."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _of_a_credential("sign_in_codes")
    _of_a_credential("sessions", sa.Column("created_at_ms", sa.BigInteger, nullable=False))
    op.create_table(
        "connection_checks",
        sa.Column("id", sa.String, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sandbox_id", sa.String, nullable=False),
        sa.Column("checked_at_ms", sa.BigInteger, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
    )
    op.create_index(
        "ix_connection_checks_sandbox_id_checked_at_ms", "connection_checks", ["sandbox_id", "checked_at_ms"]
    )


def _of_a_credential(name: str, *own: sa.Column[int]) -> None:
    op.create_table(
        name,
        sa.Column("hashed", sa.String, primary_key=True),
        sa.Column(
            "client_id",
            sa.String,
            sa.ForeignKey("credentials.client_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        *own,
    )
    op.create_index(f"ix_{name}_client_id", name, ["client_id"])

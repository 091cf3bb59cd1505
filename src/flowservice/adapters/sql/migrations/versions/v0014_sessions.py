"""Browsers that have signed in, and the codes by which they do."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _of_a_credential("sign_in_codes")
    _of_a_credential("sessions", sa.Column("created_at_ms", sa.BigInteger, nullable=False))


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

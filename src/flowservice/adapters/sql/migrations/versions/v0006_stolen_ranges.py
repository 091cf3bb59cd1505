"""A split may read another range than planned: a part of it was taken over, or it is such a part."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("splits", sa.Column("reads", DOCUMENT, nullable=True))

"""The labels of datasets, which tables do not say theirs yet, and who goes on seeing what labels will hide."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("dataset_labels", "labels_due"):
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

    # Labels hid nothing so far: who saw rows sees them whole.
    credentials = sa.table("credentials", sa.column("client_id", sa.String), sa.column("document", DOCUMENT))
    connection = op.get_bind()
    for client_id, document in connection.execute(sa.select(credentials.c.client_id, credentials.c.document)).all():
        if "view-data" in document["permissions"]:
            granted = {**document, "permissions": [*document["permissions"], "view-masked-data"]}
            mine = credentials.c.client_id == client_id
            connection.execute(credentials.update().where(mine).values(document=granted))

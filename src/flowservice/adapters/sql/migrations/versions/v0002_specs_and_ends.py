"""Customers' own specs; a flow keeps what its ends said when it took them up."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "specs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.String, sa.ForeignKey("sandboxes.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("kind", sa.String),
    )
    op.create_index("ix_specs_sandbox_id_created_at_ms_id", "specs", ["sandbox_id", "created_at_ms", "id"])
    keep_params_of_ends()


def keep_params_of_ends() -> None:
    flows = sa.table("flows", sa.column("id"), sa.column("document", DOCUMENT))
    connection = op.get_bind()
    params: dict[str, dict[str, Any]] = {}
    for name in ("source", "target"):
        table = sa.table(f"{name}_connections", sa.column("id"), sa.column("document", DOCUMENT))
        rows = connection.execute(sa.select(table.c.id, table.c.document))
        params[name] = {row.id: _json(row.document).get("params") or {} for row in rows}
    for row in connection.execute(sa.select(flows.c.id, flows.c.document)).all():
        document = _json(row.document)
        for name, known in params.items():
            document[name]["params"] = known.get(document[name]["id"], {})
        connection.execute(flows.update().where(flows.c.id == row.id).values(document=document))


def _json(document: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return loaded

"""The tables of the control store.

A resource is one row: what is looked up or sorted by stands in columns, the whole resource in `document` (JSON).
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

HEAD: Final = "0016"
"""The last migration: what it leaves are the tables below."""

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

DOCUMENT: Final = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

orgs: Final = sa.Table(
    "orgs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
)

sandboxes: Final = sa.Table(
    "sandboxes",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("org_id", sa.ForeignKey("orgs.id"), nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    sa.UniqueConstraint("org_id", "name"),
)

credentials: Final = sa.Table(
    "credentials",
    metadata,
    sa.Column("client_id", sa.String, primary_key=True),
    sa.Column("org_id", sa.ForeignKey("orgs.id"), nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
)


def _of_a_credential(name: str, *own: sa.Column[int]) -> sa.Table:
    """What a browser signs in by. Goes when its credential goes."""
    return sa.Table(
        name,
        metadata,
        # What is told of it is known to its bearer alone.
        sa.Column("hashed", sa.String, primary_key=True),
        sa.Column("client_id", sa.ForeignKey(credentials.c.client_id, ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        *own,
    )


sign_in_codes: Final = _of_a_credential("sign_in_codes")
sessions: Final = _of_a_credential("sessions", sa.Column("created_at_ms", sa.BigInteger, nullable=False))


def _resources(name: str, *own: sa.Column[str] | sa.Column[int] | sa.Column[int | None]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.ForeignKey("sandboxes.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        *own,
        # Lists are per sandbox and newest first.
        sa.Index(None, "sandbox_id", "created_at_ms", "id"),
    )


connections: Final = _resources("connections")
connection_checks: Final = sa.Table(
    "connection_checks",
    metadata,
    # Goes when its connection goes.
    sa.Column("id", sa.ForeignKey(connections.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("sandbox_id", sa.String, nullable=False),
    sa.Column("checked_at_ms", sa.BigInteger, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    sa.Index(None, "sandbox_id", "checked_at_ms"),
)
source_connections: Final = _resources("source_connections", sa.Column("base_connection_id", sa.String, index=True))
target_connections: Final = _resources("target_connections")
flows: Final = _resources("flows", sa.Column("next_run_at_ms", sa.BigInteger, index=True, nullable=True))
flow_versions: Final = _resources(
    "flow_versions",
    # Goes when its flow goes.
    sa.Column("flow_id", sa.ForeignKey(flows.c.id, ondelete="CASCADE"), nullable=False, index=True),
)
runs: Final = _resources(
    "runs",
    sa.Column("flow_id", sa.String, index=True),
    sa.Column("starts_at_ms", sa.BigInteger, index=True, nullable=True),
    sa.Column("connection_id", sa.String, nullable=True),
)
AT_WORK: Final = sa.and_(
    runs.c.state.in_([sa.literal_column(f"'{state}'") for state in ("scheduled", "inProgress")]),
    runs.c.starts_at_ms.is_(None),
)
"""The runs that are queued or in progress: few, of however many there were."""
sa.Index("ix_runs_at_work", runs.c.org_id, sqlite_where=AT_WORK, postgresql_where=AT_WORK)
schemas: Final = _resources("schemas", sa.Column("alt_id", sa.String, index=True), sa.Column("kind", sa.String))
descriptors: Final = _resources("descriptors", sa.Column("schema_id", sa.String, index=True))
schema_changes: Final = _resources("schema_changes", sa.Column("schema_id", sa.String, index=True))
datasets: Final = _resources("datasets")
dataset_labels: Final = _resources("dataset_labels")
labels_due: Final = _resources("labels_due")
batches: Final = _resources("batches", sa.Column("dataset_id", sa.String, index=True))
mapping_sets: Final = _resources("mapping_sets")
source_shapes: Final = _resources("source_shapes")
custom_labels: Final = _resources("custom_labels")
marketing_actions: Final = _resources("marketing_actions")
policies: Final = _resources("policies")
enabled_core_policies: Final = _resources("enabled_core_policies")
drafts: Final = _resources("drafts")
specs: Final = _resources("specs", sa.Column("kind", sa.String))


def _search(resources: sa.Table, *own: sa.Column[str] | sa.Column[int]) -> sa.Table:
    """What clients see of the resources, for filters and orders (`lines.py`). Goes when its resource goes."""
    return sa.Table(
        f"{resources.name}_search",
        metadata,
        sa.Column("id", sa.ForeignKey(resources.c.id, ondelete="CASCADE"), primary_key=True),
        sa.Column("sandbox_id", sa.String, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        *own,
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("texts", sa.Text, nullable=False),
        sa.Index(None, "sandbox_id", "created_at_ms", "id"),
        # In an order that lists have, so that the index gives them one.
        *(sa.Index(None, "sandbox_id", column.name, "created_at_ms", "id") for column in own),
    )


connections_search: Final = _search(connections)
source_connections_search: Final = _search(source_connections)
target_connections_search: Final = _search(target_connections)
flows_search: Final = _search(flows)
runs_search: Final = _search(
    runs,
    sa.Column("flow_id", sa.String),
    sa.Column("state", sa.String),
    sa.Column("started_at_ms", sa.BigInteger),
    sa.Column("records_read", sa.BigInteger),
    sa.Column("records_written", sa.BigInteger),
    sa.Column("records_rejected", sa.BigInteger),
)

search_forms: Final = sa.Table(
    "search_forms",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    # Which form the rows of that search table have.
    sa.Column("number", sa.Integer, nullable=False),
)

plans: Final = sa.Table(
    "plans",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("document", DOCUMENT, nullable=False),
)

splits: Final = sa.Table(
    "splits",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    # Beside the document, which an attempt writes whole: somebody else may change it meanwhile.
    sa.Column("reads", DOCUMENT, nullable=True),
)

leases: Final = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    # By the clock of the database, so that those of the processes need not agree.
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)

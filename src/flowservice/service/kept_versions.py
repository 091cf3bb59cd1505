"""Writing a flow together with the version that it is."""

from flowservice.domain.flow import Flow
from flowservice.domain.flow_version import Origin, versioned
from flowservice.ports.database import Database


def added(tx: Database, flow: Flow) -> Flow:
    """The new flow as it is stored, with its first version. Raises Conflict."""
    stored, versions = versioned(None, flow, Origin.MADE)
    tx.flows.add(stored)
    tx.flow_versions.add_all(versions)
    return stored


def replaced(tx: Database, old: Flow, new: Flow, origin: Origin, *, reverts_to: int | None = None) -> Flow:
    """`new` as it is stored in place of `old`, with the version that it is. Raises Stale, NotFound."""
    stored, versions = versioned(old, new, origin, reverts_to=reverts_to)
    tx.flows.replace(old, stored)
    tx.flow_versions.add_all(versions)
    return stored

"""Sandboxes of an organisation, as a caller sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

from flowservice.domain.identity import Caller, Sandbox
from flowservice.ports.database import Database


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """Lists and reads sandboxes. They belong to the organisation, so the caller's own sandbox plays no part."""

    database: Database

    def all(self, caller: Caller) -> Sequence[Sandbox]:
        """Every sandbox of the organisation, the default one first."""
        return self.database.tenancy.sandboxes(caller.scope.org_id)

    def get(self, caller: Caller, name: str) -> Sandbox:
        """Raises NotFound."""
        return self.database.tenancy.sandbox(caller.scope.org_id, name)

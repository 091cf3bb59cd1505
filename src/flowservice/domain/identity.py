"""Who calls, on behalf of which organisation, and in which sandbox."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from flowservice.errors import Forbidden


class Permission(StrEnum):
    """What a credential may do. The set is fixed."""

    VIEW_SOURCES = "view-sources"
    MANAGE_SOURCES = "manage-sources"
    RUN = "run"
    VIEW_DATA = "view-data"
    MANAGE_SECRETS = "manage-secrets"
    ADMINISTER = "administer"


ALL_PERMISSIONS: Final = frozenset(Permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """An organisation. `tenant_id` names its own fields and schemas (without the leading underscore)."""

    id: str
    tenant_id: str
    created_at: datetime


class SandboxState(StrEnum):
    """What a sandbox is up to; only an active one can be worked in."""

    ACTIVE = "active"
    CREATING = "creating"
    RESETTING = "resetting"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """An isolated part of an organisation. Every resource belongs to one and is invisible elsewhere."""

    id: str
    org_id: str
    name: str
    title: str
    type: str
    state: SandboxState
    region: str
    is_default: bool
    revision: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str

    @property
    def scope(self) -> "Scope":
        """The scope of resources in this sandbox."""
        return Scope(org_id=self.org_id, sandbox_id=self.id, sandbox_name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A client of an organisation. The secret is kept as a hash."""

    client_id: str
    org_id: str
    secret_hash: str
    user_id: str
    scopes: str
    permissions: frozenset[Permission]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One sandbox of one organisation: where a resource lives."""

    org_id: str
    sandbox_id: str
    sandbox_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A request that passed the gateway."""

    scope: Scope
    tenant_id: str
    user_id: str
    client_id: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> None:
        """Return if allowed. Raises Forbidden."""
        if permission not in self.permissions:
            raise Forbidden(
                f"the credential lacks the permission {permission.value}",
                advice="Use a credential that has it, or ask an administrator to grant it.",
            )

"""Who calls, on behalf of which organisation, and in which sandbox."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from flowservice.errors import BadField, Forbidden

RESERVED_TENANT: Final = "flowservice"
"""A tenant's own fields live in `_<tenant id>`; `_flowservice` is what the service adds to each row."""

_ORG_HOST: Final = "AdobeOrg"
_ORG_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}@AdobeOrg")
_TENANT_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SANDBOX_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,255}")
MAX_TITLE: Final = 256


class Permission(StrEnum):
    """What a credential may do. The set is fixed."""

    VIEW_SOURCES = "view-sources"
    MANAGE_SOURCES = "manage-sources"
    RUN = "run"
    VIEW_DATA = "view-data"
    MANAGE_SECRETS = "manage-secrets"
    ADMINISTER = "administer"
    VIEW_MASKED_DATA = "view-masked-data"
    """With `view-data`: see the values that labels hide from others."""


ALL_PERMISSIONS: Final = frozenset(Permission)


def named_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """The permissions of these names. Raises BadField."""
    try:
        return frozenset(Permission(name) for name in names)
    except ValueError:
        known = ", ".join(permission.value for permission in Permission)
        raise BadField("a permission is unknown", advice=f"The permissions are {known}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """An organisation. `tenant_id` names its own fields and schemas (without the leading underscore)."""

    id: str
    tenant_id: str
    created_at: datetime


def org_id_of(text: str) -> str:
    """The id of an organisation as an operator typed it: `@AdobeOrg` may be left out. Raises BadField."""
    org_id = text if "@" in text else f"{text}@{_ORG_HOST}"
    if not _ORG_ID.fullmatch(org_id):
        raise BadField(
            "the id of an organisation is 1 to 100 letters, digits, dots, dashes or underscores, then @AdobeOrg",
            advice="For example NORTHWIND@AdobeOrg.",
        )
    return org_id


def tenant_id_of(text: str) -> str:
    """A tenant id that may be used. Raises BadField."""
    if not _TENANT_ID.fullmatch(text):
        raise BadField("a tenant id is a lower-case letter, then up to 62 lower-case letters, digits or underscores")
    if text == RESERVED_TENANT:
        raise BadField(f"the tenant id {text} is reserved for the system column of landed rows")
    return text


def derived_tenant_id(org_id: str, taken: Iterable[str]) -> str:
    """A tenant id made of an organisation's id, none of `taken`."""
    letters = re.sub(r"[^a-z0-9]+", "_", org_id.partition("@")[0].lower()).strip("_")[:50]
    stem = letters if letters[:1].isalpha() else f"t{letters}"
    unusable = {*taken, RESERVED_TENANT}
    candidates = (stem if not number else f"{stem}_{number}" for number in range(len(unusable) + 1))
    return next(candidate for candidate in candidates if candidate not in unusable)


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

    def titled(self, title: str, *, by: str, at: datetime) -> Self:
        """This sandbox with another title."""
        return replace(self, title=title, revision=self.revision + 1, updated_at=at, updated_by=by)

    def moved_to(self, state: SandboxState, *, by: str, at: datetime) -> Self:
        """This sandbox in another state."""
        return replace(self, state=state, revision=self.revision + 1, updated_at=at, updated_by=by)


def sandbox_name_of(text: str) -> str:
    """A name that a sandbox may have. Raises BadField."""
    if not _SANDBOX_NAME.fullmatch(text):
        raise BadField(
            "the name of a sandbox is a lower-case letter, then up to 255 lower-case letters, digits or hyphens",
            advice="For example dev-2; the title may be any text.",
        )
    return text


def sandbox_title_of(text: str) -> str:
    """A title that a sandbox may have. Raises BadField."""
    if not text.strip() or len(text) > MAX_TITLE:
        raise BadField(f"the title of a sandbox has 1 to {MAX_TITLE} characters", advice="Send another title.")
    return text


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
    name: str = ""
    """What its owner calls it."""
    secret_changed_at: datetime | None = None

    @property
    def is_administrator(self) -> bool:
        """Whether it may administer the organisation."""
        return Permission.ADMINISTER in self.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A credential that makes a call, with what the call is judged by."""

    credential: Credential
    org: Org
    sandbox: Sandbox | None
    """The one that the call names; None if there is none of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One sandbox of one organisation: where a resource lives."""

    org_id: str
    sandbox_id: str
    sandbox_name: str

    @classmethod
    def of_org(cls, org_id: str) -> Self:
        """In no sandbox, for what concerns the organisation as a whole: no resource is found there."""
        return cls(org_id=org_id, sandbox_id="", sandbox_name="")


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

    def may_grant(self, permissions: frozenset[Permission]) -> None:
        """Return if the caller has all of them: nobody hands on what they do not have. Raises Forbidden."""
        if lacking := sorted(permission.value for permission in permissions - self.permissions):
            raise Forbidden(
                f"the credential lacks {', '.join(lacking)}, and nobody can grant what they do not have",
                advice="Use a credential that has every permission of the other one.",
            )

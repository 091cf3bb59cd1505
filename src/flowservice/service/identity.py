"""Tokens, organisations, and who a request comes from."""

import hmac
from dataclasses import dataclass
from typing import Final

from flowservice.domain.identity import (
    ALL_PERMISSIONS,
    Caller,
    Entrant,
    Org,
    Sandbox,
    SandboxState,
    Scope,
    derived_tenant_id,
    org_id_of,
    tenant_id_of,
)
from flowservice.errors import (
    Conflict,
    EverySandbox,
    Invalid,
    NoDefaultSandbox,
    NotFound,
    SandboxIdNotAllowed,
    SandboxNotFound,
)
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids, Tokens
from flowservice.service.credentials import Credentials, NewCredential, hashed

DEFAULT_SANDBOX: Final = "prod"
REGION: Final = "VA7"
SYSTEM: Final = "system"
"""Who did what nobody asked for by a call."""
_SANDBOXES: Final = "GET /data/foundation/sandbox-management/sandboxes lists the sandboxes of the organisation."


class NotAuthenticated(Invalid):
    """The token, the client or the organisation is not what it should be. `reason` tells the gateway which."""

    code = "not-authenticated"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A bearer token and its lifetime."""

    value: str
    lifetime_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says."""

    client_id: str
    org_id: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Organisations, credentials and tokens."""

    database: Database
    tokens: Tokens
    now: Clock
    ids: Ids
    token_lifetime_s: int

    def add_org(self, org_id: str, *, tenant_id: str | None = None) -> Org:
        """A new organisation with its default sandbox. Without a tenant id, one is made of the organisation's.

        Raises Conflict, BadField.
        """
        known = self.database.tenancy.orgs()
        taken = {org.tenant_id for org in known}
        if tenant_id in taken:
            raise Conflict(f"another organisation has the tenant id {tenant_id}", advice="Choose another one.")
        at = self.now()
        tenant_id = derived_tenant_id(org_id, taken) if tenant_id is None else tenant_id_of(tenant_id)
        org = Org(id=org_id_of(org_id), tenant_id=tenant_id, created_at=at)
        sandbox = Sandbox(
            id=self.ids.uuid(),
            org_id=org.id,
            name=DEFAULT_SANDBOX,
            title="Production",
            type="production",
            state=SandboxState.ACTIVE,
            region=REGION,
            is_default=True,
            revision=1,
            created_at=at,
            created_by=SYSTEM,
            updated_at=at,
            updated_by=SYSTEM,
        )
        with self.database.transaction() as tx:
            tx.tenancy.add_org(org)
            tx.tenancy.add_sandbox(sandbox)
        return org

    def add_credential(self, org_id: str) -> NewCredential:
        """A new credential with all permissions. Raises NotFound for an unknown organisation."""
        return Credentials(database=self.database, now=self.now, ids=self.ids).add(self.operator(org_id))

    def token(self, client_id: str, client_secret: str) -> AccessToken:
        """A token for the credential. Raises NotAuthenticated, never saying which of the two was wrong."""
        try:
            # No database takes every text, and no client id has anything but letters and digits.
            is_id = client_id.isascii() and client_id.isalnum()
            credential = self.database.tenancy.credential(client_id) if is_id else None
        except NotFound:
            credential = None
        # Compared in either case, so that the time taken does not tell whether the client exists.
        expected = credential.secret_hash if credential else hashed("")
        if not hmac.compare_digest(expected, hashed(client_secret)) or credential is None:
            raise NotAuthenticated("client", "the client id or the client secret is wrong")
        claims = {"client_id": credential.client_id, "org": credential.org_id, "jti": self.ids.uuid()}
        value = self.tokens.issue(claims, at=self.now(), lifetime_s=self.token_lifetime_s)
        return AccessToken(value=value, lifetime_s=self.token_lifetime_s)

    def claims(self, token: str) -> Claims:
        """What the token says. Raises NotAuthenticated if it is forged, malformed or expired."""
        try:
            said = self.tokens.verify(token, at=self.now())
        except Invalid as error:
            raise NotAuthenticated("token", error.message) from None
        return Claims(client_id=str(said.get("client_id")), org_id=str(said.get("org")))

    def entrant(self, claims: Claims, *, sandbox_name: str | None) -> Entrant:
        """Who calls, and the sandbox that the call names (no name: the default one), as the store has them now.

        Nothing of it is kept from call to call: that a credential was revoked or a sandbox closed is seen by the next
        call, whichever process did it. Raises NotAuthenticated for a revoked credential.
        """
        try:
            entrant = self.database.tenancy.entrant(claims.client_id, sandbox_name)
        except NotFound:
            raise NotAuthenticated("token", "the credential was revoked") from None
        if entrant.org.id != claims.org_id:
            raise NotAuthenticated("token", "the token is of another organisation")
        return entrant

    def caller(self, entrant: Entrant, *, sandbox_name: str | None, sandbox_id: str | None = None) -> Caller:
        """The caller in the sandbox that `entrant` was asked for with.

        Raises SandboxNotFound unless it exists and is active, EverySandbox for `*`, SandboxIdNotAllowed for an id that
        is not the sandbox's.
        """
        sandbox = self._active(entrant, sandbox_name)
        if sandbox_id is not None and sandbox_id != sandbox.id:
            raise SandboxIdNotAllowed(
                "x-sandbox-id is not the id of the sandbox that the call names",
                advice="Leave x-sandbox-id out; x-sandbox-name says which sandbox is meant.",
            )
        return _caller(entrant, sandbox.scope)

    def member(self, entrant: Entrant) -> Caller:
        """The caller in no sandbox: for what concerns the whole organisation, whatever state its sandboxes are in."""
        return _caller(entrant, Scope.of_org(entrant.org.id))

    def _active(self, entrant: Entrant, name: str | None) -> Sandbox:
        if name == "*":
            raise EverySandbox("calls across all sandboxes are restricted", advice="Name one sandbox.")
        sandbox = entrant.sandbox
        if name is None:
            if sandbox is None or sandbox.state is not SandboxState.ACTIVE:
                raise NoDefaultSandbox("the default sandbox is not active", advice=_SANDBOXES)
            return sandbox
        try:
            sandbox = sandbox or self.database.tenancy.sandbox(entrant.org.id, name)
        except NotFound:
            raise SandboxNotFound("sandbox not found", advice=_SANDBOXES) from None
        if sandbox.state is not SandboxState.ACTIVE:
            raise SandboxNotFound(f"the sandbox is not active but {sandbox.state.value}", advice=_SANDBOXES)
        return sandbox

    def operator(self, org_id: str) -> Caller:
        """Who owns the home, as a caller in an organisation. Raises NotFound."""
        return self.itself(Scope.of_org(org_id))

    def itself(self, scope: Scope) -> Caller:
        """The service as a caller, for what it does on behalf of a run."""
        return Caller(
            scope=scope,
            tenant_id=self.database.tenancy.org(scope.org_id).tenant_id,
            user_id=SYSTEM,
            client_id=SYSTEM,
            permissions=ALL_PERMISSIONS,
        )


def _caller(entrant: Entrant, scope: Scope) -> Caller:
    credential = entrant.credential
    return Caller(
        scope=scope,
        tenant_id=entrant.org.tenant_id,
        user_id=credential.user_id,
        client_id=credential.client_id,
        permissions=credential.permissions,
    )

"""Tokens, credentials, and who a request comes from."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from flowservice.domain.identity import ALL_PERMISSIONS, Caller, Credential, Org, Sandbox, SandboxState, Scope
from flowservice.errors import BadField, Invalid, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids, Tokens

RESERVED_TENANT: Final = "flowservice"
"""A tenant's own fields live in `_<tenant id>`; `_flowservice` is what the service adds to each row."""

DEFAULT_SANDBOX: Final = "prod"
DEFAULT_SCOPES: Final = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"


class NotAuthenticated(Invalid):
    """The token, the client or the organisation is not what it should be. `reason` tells the gateway which."""

    code = "not-authenticated"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A credential just made: the only time its secret can be seen."""

    credential: Credential
    secret: str


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

    def add_org(self, org_id: str, *, tenant_id: str) -> Org:
        """A new organisation with its default sandbox. Raises Conflict; BadField for a reserved tenant id."""
        if tenant_id == RESERVED_TENANT:
            raise BadField(f"the tenant id {tenant_id} is reserved for the system column of landed rows")
        at = self.now()
        org = Org(id=org_id, tenant_id=tenant_id, created_at=at)
        sandbox = Sandbox(
            id=self.ids.uuid(),
            org_id=org_id,
            name=DEFAULT_SANDBOX,
            title="Production",
            type="production",
            state=SandboxState.ACTIVE,
            region="VA7",
            is_default=True,
            revision=1,
            created_at=at,
            created_by="system",
            updated_at=at,
            updated_by="system",
        )
        with self.database.transaction() as tx:
            tx.tenancy.add_org(org)
            tx.tenancy.add_sandbox(sandbox)
        return org

    def add_credential(self, org_id: str) -> NewCredential:
        """A new credential with all permissions. Raises NotFound for an unknown organisation."""
        self.database.tenancy.org(org_id)
        secret = "p8e-" + secrets.token_urlsafe(32)
        credential = Credential(
            client_id=self.ids.hex(32),
            org_id=org_id,
            secret_hash=_hashed(secret),
            user_id=f"{self.ids.hex(24).upper()}@techacct.adobe.com",
            scopes=DEFAULT_SCOPES,
            permissions=ALL_PERMISSIONS,
            created_at=self.now(),
        )
        self.database.tenancy.add_credential(credential)
        return NewCredential(credential=credential, secret=secret)

    def token(self, client_id: str, client_secret: str) -> AccessToken:
        """A token for the credential. Raises NotAuthenticated, never saying which of the two was wrong."""
        try:
            credential = self.database.tenancy.credential(client_id)
        except NotFound:
            credential = None
        # Compared in either case, so that the time taken does not tell whether the client exists.
        expected = credential.secret_hash if credential else _hashed("")
        if not hmac.compare_digest(expected, _hashed(client_secret)) or credential is None:
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

    def credential(self, claims: Claims, api_key: str) -> Credential:
        """The credential behind the api key. Raises NotAuthenticated unless it is the token's own."""
        try:
            if api_key != claims.client_id:
                raise NotFound("another client's token")
            return self.database.tenancy.credential(api_key)
        except NotFound:
            raise NotAuthenticated("api-key", "the api key is not the client id of the token") from None

    def caller(self, credential: Credential, *, sandbox_name: str | None) -> Caller:
        """The caller in a sandbox (None: the default one). Raises NotFound unless it exists and is active."""
        tenancy = self.database.tenancy
        if sandbox_name is None:
            sandbox = next((known for known in tenancy.sandboxes(credential.org_id) if known.is_default), None)
        else:
            sandbox = tenancy.sandbox(credential.org_id, sandbox_name)
        if sandbox is None or sandbox.state is not SandboxState.ACTIVE:
            raise NotFound(
                "sandbox not found or not active",
                advice="GET /data/foundation/sandbox-management/sandboxes lists the sandboxes of the organisation.",
            )
        return Caller(
            scope=sandbox.scope,
            tenant_id=tenancy.org(credential.org_id).tenant_id,
            user_id=credential.user_id,
            client_id=credential.client_id,
            permissions=credential.permissions,
        )

    def itself(self, scope: Scope) -> Caller:
        """The service as a caller, for what it does on behalf of a run."""
        return Caller(
            scope=scope,
            tenant_id=self.database.tenancy.org(scope.org_id).tenant_id,
            user_id="system",
            client_id="system",
            permissions=ALL_PERMISSIONS,
        )


def _hashed(secret: str) -> str:
    # The secret is 256 random bits: nothing to guess, so a slow hash would only slow down the token call.
    return hashlib.sha256(secret.encode()).hexdigest()

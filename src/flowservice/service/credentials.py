"""Credentials of an organisation: who may call, and what they may do."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.identity import Caller, Credential, Permission
from flowservice.domain.resource import MAX_NAME
from flowservice.errors import BadField, LastAdministrator, NotFound
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids

DEFAULT_SCOPES: Final = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A credential with a new secret: the only time that it can be seen."""

    credential: Credential
    secret: str


def _nobody(_credential: Credential, _secret: str | None) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What administrators do with the credentials of their organisation. Every call raises Forbidden to others.

    `tell` learns of a credential whose secret was changed, or that was revoked (None).
    """

    database: Database
    now: Clock
    ids: Ids
    tell: Callable[[Credential, str | None], None] = _nobody

    def all(self, caller: Caller) -> Sequence[Credential]:
        """All of the organisation, the oldest first."""
        caller.may(Permission.ADMINISTER)
        return self.database.tenancy.credentials(caller.scope.org_id)

    def get(self, caller: Caller, client_id: str) -> Credential:
        """Raises NotFound, for one of another organisation too."""
        caller.may(Permission.ADMINISTER)
        return _own(self.database, caller, client_id)

    def add(self, caller: Caller, *, name: str = "", permissions: frozenset[Permission] | None = None) -> NewCredential:
        """A new credential, by default with the caller's own permissions. Raises Forbidden for others, BadField."""
        caller.may(Permission.ADMINISTER)
        granted = caller.permissions if permissions is None else permissions
        caller.may_grant(granted)
        secret = _new_secret()
        credential = Credential(
            client_id=self.ids.hex(32),
            org_id=self.database.tenancy.org(caller.scope.org_id).id,
            secret_hash=hashed(secret),
            user_id=f"{self.ids.hex(24).upper()}@techacct.adobe.com",
            scopes=DEFAULT_SCOPES,
            permissions=granted,
            created_at=self.now(),
            name=_named(name),
        )
        self.database.tenancy.add_credential(credential)
        return NewCredential(credential=credential, secret=secret)

    def change(
        self,
        caller: Caller,
        client_id: str,
        *,
        name: str | None = None,
        permissions: frozenset[Permission] | None = None,
    ) -> Credential:
        """Another name or other permissions, at once also for tokens that are out. What is None stays.

        Raises NotFound, LastAdministrator, BadField, and Forbidden for permissions that the caller lacks.
        """
        caller.may(Permission.ADMINISTER)
        with self.database.transaction() as tx:
            tx.tenancy.hold(caller.scope.org_id)
            credential = _own(tx, caller, client_id)
            granted = credential.permissions if permissions is None else permissions
            caller.may_grant(granted - credential.permissions)
            changed = replace(credential, name=credential.name if name is None else _named(name), permissions=granted)
            tx.tenancy.put_credential(changed)
            _check_administered(tx, caller)
        return changed

    def rotate(self, caller: Caller, client_id: str) -> NewCredential:
        """A new secret; the old one is of no more use, while tokens that are out live on. Raises NotFound.

        Raises Forbidden for a credential that may do more than the caller: its secret would hand that over.
        """
        caller.may(Permission.ADMINISTER)
        secret = _new_secret()
        with self.database.transaction() as tx:
            tx.tenancy.hold(caller.scope.org_id)
            credential = _own(tx, caller, client_id)
            caller.may_grant(credential.permissions)
            rotated = replace(credential, secret_hash=hashed(secret), secret_changed_at=self.now())
            tx.tenancy.put_credential(rotated)
        self.tell(rotated, secret)
        return NewCredential(credential=rotated, secret=secret)

    def revoke(self, caller: Caller, client_id: str) -> Credential:
        """Remove it; its tokens stop working at once. Raises NotFound, LastAdministrator."""
        caller.may(Permission.ADMINISTER)
        with self.database.transaction() as tx:
            tx.tenancy.hold(caller.scope.org_id)
            credential = _own(tx, caller, client_id)
            tx.tenancy.remove_credential(client_id)
            _check_administered(tx, caller)
        self.tell(credential, None)
        return credential


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    # The secret is 256 random bits: nothing to guess, so a slow hash would only slow down the token call.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _new_secret() -> str:
    return "p8e-" + secrets.token_urlsafe(32)


def _own(database: Database, caller: Caller, client_id: str) -> Credential:
    try:
        credential = database.tenancy.credential(client_id)
    except NotFound:
        credential = None
    # Another organisation's is answered to the letter like one that nobody has.
    if credential is None or credential.org_id != caller.scope.org_id:
        raise NotFound("no such client id", advice="GET /v1/credentials lists those of the organisation.")
    return credential


def _check_administered(database: Database, caller: Caller) -> None:
    if not any(known.is_administrator for known in database.tenancy.credentials(caller.scope.org_id)):
        raise LastAdministrator(
            "this is the last credential of the organisation that may administer",
            advice="Add another one with the permission administer first, or rotate this one's secret.",
        )


def _named(name: str) -> str:
    if len(name) > MAX_NAME:
        raise BadField(f"the name of a credential has at most {MAX_NAME} characters", advice="Shorten it.")
    return name

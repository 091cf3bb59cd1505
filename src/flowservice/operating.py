"""What the operator who owns a home does with its keys, organisations and credentials, also while it serves."""

from collections.abc import Sequence
from typing import Any

from flowservice.app import App
from flowservice.domain.identity import Caller, Org, SandboxState, Scope, named_permissions, org_id_of
from flowservice.errors import NotFound
from flowservice.settings import Settings


def rotate_keys(settings: Settings, *, keep_old: bool, end_tokens: bool) -> dict[str, Any]:
    """Seal every secret of a home with a new key. Raises NotFound, and as `App.rotate_keys`."""
    did = served(settings).rotate_keys(keep_old=keep_old, end_tokens=end_tokens)
    return {
        "keyId": did.key_id,
        "keyFile": str(settings.key_path),
        "secretsResealed": did.resealed,
        "oldKeysRemoved": did.dropped,
        "secretsLost": list(did.lost),
    }


def sign_in_link(settings: Settings, *, client_id: str | None, url: str | None) -> str:
    """A link by which a browser signs in once. Raises NotFound for an unknown credential or an unserved home."""
    app = served(settings)
    return app.sign_in_link(url or app.known_url, client_id=client_id)


class Tenancy:
    """Organisations and credentials of one home. Raises NotFound for a home that was never served."""

    def __init__(self, settings: Settings) -> None:
        self._app = served(settings)
        self._orgs = self._app.database.tenancy.orgs()
        if not self._orgs:
            raise NotFound("there is no organisation yet", advice="Start the service once: flowservice serve.")

    def orgs(self) -> list[dict[str, Any]]:
        """Every organisation, the first one first."""
        return [_org(org) for org in self._orgs]

    def add_org(self, org_id: str, tenant_id: str | None) -> dict[str, Any]:
        """A new organisation. Raises Conflict, BadField."""
        return _org(self._app.identity.add_org(org_id_of(org_id), tenant_id=tenant_id))

    def credentials(self, org_id: str | None) -> list[dict[str, Any]]:
        """The credentials of an organisation, the oldest first, without secrets."""
        return [
            {
                "clientId": known.client_id,
                "name": known.name or "-",
                "createdAt": known.created_at.isoformat(timespec="seconds"),
                "permissions": sorted(permission.value for permission in known.permissions),
            }
            for known in self._app.credentials.all(self._operator(org_id))
        ]

    def add_credential(self, org_id: str | None, *, name: str, permissions: Sequence[str] | None) -> dict[str, str]:
        """A new credential, as `credentials show` prints one. Raises NotFound, BadField."""
        granted = named_permissions(permissions) if permissions else None
        made = self._app.credentials.add(self._operator(org_id), name=name, permissions=granted)
        return self._app.described(made)

    def rotate_credential(self, org_id: str | None, client_id: str) -> dict[str, str]:
        """A new secret. Raises NotFound."""
        return self._app.described(self._app.credentials.rotate(self._owner(org_id, client_id), client_id))

    def revoke_credential(self, org_id: str | None, client_id: str) -> None:
        """Raises NotFound, LastAdministrator."""
        self._app.credentials.revoke(self._owner(org_id, client_id), client_id)

    def _operator(self, org_id: str | None) -> Caller:
        return self._app.identity.operator(self._orgs[0].id if org_id is None else org_id_of(org_id))

    def _owner(self, org_id: str | None, client_id: str) -> Caller:
        """The operator in the organisation of a credential: without `--org` its client id tells which."""
        if org_id is None:
            org_id = self._app.database.tenancy.credential(client_id).org_id
        return self._operator(org_id)


def served(settings: Settings) -> App:
    """The parts of a home that was served before. Raises NotFound."""
    if settings.database_url is None and not (settings.home / "flowservice.db").is_file():
        raise NotFound(f"there is no store in {settings.home}", advice="Start the service once: flowservice serve.")
    return App(settings)


def scope_of(app: App, sandbox: str) -> Scope:
    """The sandbox of that name in the home's own organisation, the first one; others ask through the API.

    Raises NotFound, also for a sandbox that was deleted.
    """
    orgs = app.database.tenancy.orgs()
    if not orgs:
        raise NotFound("there is no organisation yet", advice="Start the service once: flowservice serve.")
    found = app.database.tenancy.sandbox(orgs[0].id, sandbox)
    if found.state is SandboxState.DELETED:
        raise NotFound(f"the sandbox {found.name} was deleted", advice="Name another one with --sandbox.")
    return found.scope


def _org(org: Org) -> dict[str, Any]:
    return {"orgId": org.id, "tenantId": org.tenant_id, "createdAt": org.created_at.isoformat(timespec="seconds")}

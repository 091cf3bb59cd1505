"""What people and programs may do with the sandboxes of their organisation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from flowservice.domain.identity import (
    Caller,
    Permission,
    Sandbox,
    SandboxState,
    sandbox_name_of,
    sandbox_title_of,
)
from flowservice.errors import BadField, DefaultSandbox, NotFound, SandboxBusy, SandboxLimit
from flowservice.ports.database import Database
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.identity import REGION

TYPES: Final = {"development": "Development", "production": "Production"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandboxes:
    """They belong to the organisation, so the sandbox of the caller plays no part.

    Any credential sees them; changing them takes the permission to administer. `close` is told that one waits to be
    emptied. `limit`: how many an organisation may have (None: any number).
    """

    database: Database
    now: Clock
    ids: Ids
    close: Callable[[], None]
    limit: int | None = None

    def all(self, caller: Caller) -> Sequence[Sandbox]:
        """Every sandbox of the organisation, the default one first; deleted ones too."""
        return self.database.tenancy.sandboxes(caller.scope.org_id)

    def get(self, caller: Caller, name: str) -> Sandbox:
        """Raises NotFound."""
        return self.database.tenancy.sandbox(caller.scope.org_id, name)

    def create(self, caller: Caller, *, name: str, title: str, kind: str) -> Sandbox:
        """A new, empty sandbox, active at once. Raises BadField, Conflict, SandboxLimit."""
        caller.may(Permission.ADMINISTER)
        at = self.now()
        sandbox = Sandbox(
            id=self.ids.uuid(),
            org_id=caller.scope.org_id,
            name=sandbox_name_of(name),
            title=sandbox_title_of(title),
            type=_kind(kind),
            state=SandboxState.ACTIVE,
            region=REGION,
            is_default=False,
            revision=1,
            created_at=at,
            created_by=caller.user_id,
            updated_at=at,
            updated_by=caller.user_id,
        )
        with self.database.transaction() as tx:
            tx.tenancy.hold(caller.scope.org_id)
            there = [known for known in tx.tenancy.sandboxes(caller.scope.org_id) if not _is_gone(known)]
            tx.tenancy.add_sandbox(sandbox)
            if self.limit is not None and len(there) >= self.limit:
                raise SandboxLimit(
                    f"the organisation has {len(there)} sandboxes, as many as this server allows",
                    advice="Delete one, or ask the operator to raise FLOWSERVICE_MAX_SANDBOXES.",
                )
        return sandbox

    def rename(self, caller: Caller, name: str, *, title: str) -> Sandbox:
        """Another title. Raises NotFound, BadField, SandboxBusy."""
        caller.may(Permission.ADMINISTER)
        sandbox_title_of(title)
        with self.database.transaction() as tx:
            renamed = self._ready(tx, caller, name).titled(title, by=caller.user_id, at=self.now())
            tx.tenancy.put_sandbox(renamed)
        return renamed

    def reset(self, caller: Caller, name: str, *, only_check: bool) -> Sandbox:
        """Begin to empty it; until it is active again it lets nobody in. Raises NotFound, SandboxBusy."""
        return self._begin(caller, name, SandboxState.RESETTING, only_check=only_check)

    def delete(self, caller: Caller, name: str, *, only_check: bool) -> Sandbox:
        """Begin to delete it with all that it holds. Raises NotFound, SandboxBusy, DefaultSandbox."""
        return self._begin(caller, name, SandboxState.DELETING, only_check=only_check)

    def _begin(self, caller: Caller, name: str, state: SandboxState, *, only_check: bool) -> Sandbox:
        caller.may(Permission.ADMINISTER)
        with self.database.transaction() as tx:
            sandbox = self._ready(tx, caller, name)
            if state is SandboxState.DELETING and sandbox.is_default:
                raise DefaultSandbox(
                    f"{sandbox.name} is the default sandbox and cannot be deleted", advice="Reset it instead."
                )
            if only_check:
                return sandbox
            closed = sandbox.moved_to(state, by=caller.user_id, at=self.now())
            tx.tenancy.put_sandbox(closed)
        self.close()
        return closed

    def _ready(self, database: Database, caller: Caller, name: str) -> Sandbox:
        """The sandbox if it is active, held until the transaction ends. Raises NotFound, SandboxBusy."""
        database.tenancy.hold(caller.scope.org_id)
        sandbox = database.tenancy.sandbox(caller.scope.org_id, name)
        if _is_gone(sandbox):
            raise NotFound("the sandbox was deleted", advice="Create one of that name, or name another one.")
        if sandbox.state is not SandboxState.ACTIVE:
            raise SandboxBusy(
                f"the sandbox is {sandbox.state.value}",
                advice="Wait until GET /data/foundation/sandbox-management/sandboxes/{name} says that it is active.",
            )
        return sandbox


def _is_gone(sandbox: Sandbox) -> bool:
    return sandbox.state is SandboxState.DELETED


def _kind(kind: str) -> str:
    if kind not in TYPES:
        raise BadField("type must be development or production", advice="Send one of the two.")
    return kind

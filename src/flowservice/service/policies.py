"""What people and programs may do with policies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from flowservice.domain.deny import Expression
from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.marketing_action import ActionRef
from flowservice.domain.policy import (
    CORE_POLICIES,
    AnyPolicy,
    CorePolicy,
    EnabledCorePolicies,
    Policy,
    PolicyStatus,
    core_policies,
)
from flowservice.domain.resource import Stamp
from flowservice.errors import BadField, NotFound
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.marketing_actions import is_known

_DIGITS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContent:
    """What a user says of a policy."""

    name: str
    actions: tuple[ActionRef, ...]
    deny: Expression
    status: PolicyStatus = PolicyStatus.DRAFT
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of a sandbox: its own ones, and which of the core ones it has enabled."""

    database: Database
    now: Clock
    ids: Ids

    def list(self, caller: Caller) -> Sequence[Policy]:
        """All of the sandbox's own, the newest first."""
        caller.may(Permission.VIEW_SOURCES)
        return list(every(self.database.policies, caller.scope))

    def get(self, caller: Caller, policy_id: str) -> Policy:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.policies.get(caller.scope, policy_id)

    def create(self, caller: Caller, content: PolicyContent) -> Policy:
        """A new policy. Raises BadField for an action that the sandbox does not have."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            # Nobody deletes its actions meanwhile.
            database.tenancy.hold(caller.scope.org_id)
            _check_actions(database, caller.scope, content)
            policy = Policy(
                id=self.ids.hex(_DIGITS),
                stamp=Stamp.first(caller, at=self.now()),
                **_members(content),
            )
            database.policies.add(policy)
        return policy

    def change(self, caller: Caller, policy_id: str, edit: Callable[[Policy], PolicyContent]) -> Policy:
        """The policy with what `edit` makes of it. Raises NotFound, BadField, and what `edit` raises."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            old = database.policies.get(caller.scope, policy_id)
            content = edit(old)
            _check_actions(database, caller.scope, content)
            new = replace(old, stamp=old.stamp.moved(caller, at=self.now()), **_members(content))
            database.policies.replace(old, new)
        return new

    def delete(self, caller: Caller, policy_id: str) -> None:
        """Raises NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            database.policies.delete(database.policies.get(caller.scope, policy_id))

    def core(self, caller: Caller) -> Sequence[CorePolicy]:
        """All core policies as they stand in the sandbox."""
        caller.may(Permission.VIEW_SOURCES)
        return _core(self.database, caller.scope)

    def core_one(self, caller: Caller, policy_id: str) -> CorePolicy:
        """Raises NotFound."""
        found = next((policy for policy in self.core(caller) if policy.id == policy_id), None)
        if found is None:
            raise NotFound(
                "there is no core policy with that id", advice="GET /policies/core lists them.", resource_id=policy_id
            )
        return found

    def enabled(self, caller: Caller) -> EnabledCorePolicies | None:
        """The list of enabled core policies; None where nobody has set it yet, and none is enabled."""
        caller.may(Permission.VIEW_SOURCES)
        return _enabled(self.database, caller.scope)

    def enable(self, caller: Caller, policy_ids: Sequence[str]) -> EnabledCorePolicies:
        """Let these core policies be enabled, and no others. Raises BadField naming an id that is none."""
        caller.may(Permission.MANAGE_SOURCES)
        known = {policy.id for policy in CORE_POLICIES}
        for policy_id in policy_ids:
            if policy_id not in known:
                raise BadField(
                    f"policyIds: there is no core policy {policy_id[:80]!r}", advice="GET /policies/core lists them."
                )
        wanted = tuple(dict.fromkeys(policy_ids))
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            old = _enabled(database, caller.scope)
            if old is None:
                stamp = Stamp.first(caller, at=self.now())
                new = EnabledCorePolicies(id=caller.scope.sandbox_id, stamp=stamp, policy_ids=wanted)
                database.enabled_core_policies.add(new)
            else:
                new = replace(old, stamp=old.stamp.moved(caller, at=self.now()), policy_ids=wanted)
                database.enabled_core_policies.replace(old, new)
        return new


def all_policies(database: Database, scope: Scope) -> Sequence[AnyPolicy]:
    """Those that may count in the sandbox: core ones by their ids, then its own, the oldest first."""
    return [*_core(database, scope), *reversed(list(every(database.policies, scope)))]


def _core(database: Database, scope: Scope) -> Sequence[CorePolicy]:
    enabled = _enabled(database, scope)
    return core_policies(() if enabled is None else enabled.policy_ids)


def _enabled(database: Database, scope: Scope) -> EnabledCorePolicies | None:
    try:
        return database.enabled_core_policies.get(scope, scope.sandbox_id)
    except NotFound:
        return None


def _members(content: PolicyContent) -> dict[str, Any]:
    return {
        "name": content.name,
        "description": content.description,
        "status": content.status,
        "actions": content.actions,
        "deny": content.deny,
    }


def _check_actions(database: Database, scope: Scope, content: PolicyContent) -> None:
    for place, action in enumerate(content.actions):
        if not is_known(database, scope, action):
            raise BadField(
                f"marketingActionRefs/{place}: there is no marketing action {action.path[:150]!r}",
                advice="GET /marketingActions/core and /marketingActions/custom list them; make your own with PUT.",
            )

"""What people and programs may do with marketing actions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.label import CORE, CUSTOM
from flowservice.domain.marketing_action import CORE_ACTIONS, ActionRef, CoreAction, MarketingAction
from flowservice.domain.policy_name import id_in
from flowservice.domain.resource import Stamp
from flowservice.errors import InUse
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock
from flowservice.service.by_name import by_name, none_named

_TOLD: Final = 20
"""Policies that an error names."""


def is_known(database: Database, scope: Scope, action: ActionRef) -> bool:
    """Whether the sandbox has that action."""
    if action.kind == CORE:
        return action.name in CORE_ACTIONS
    return by_name(database.marketing_actions, scope, action.name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingActions:
    """The custom actions of a sandbox, and the core ones, which are the same everywhere."""

    database: Database
    now: Clock

    def list(self, caller: Caller) -> Sequence[MarketingAction]:
        """All of the sandbox, the newest first."""
        caller.may(Permission.VIEW_SOURCES)
        return list(every(self.database.marketing_actions, caller.scope))

    def core(self, caller: Caller) -> Sequence[CoreAction]:
        """All core ones."""
        caller.may(Permission.VIEW_SOURCES)
        return tuple(CORE_ACTIONS.values())

    def core_one(self, caller: Caller, name: str) -> CoreAction:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        if name not in CORE_ACTIONS:
            raise none_named("core marketing action", name)
        return CORE_ACTIONS[name]

    def get(self, caller: Caller, name: str) -> MarketingAction:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return _named(self.database, caller.scope, name)

    def put(self, caller: Caller, name: str, description: str) -> tuple[MarketingAction, bool]:
        """The action with that description, and whether it is new. `name` was checked."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            # Else two who make the same action at once would both find none.
            database.tenancy.hold(caller.scope.org_id)
            old = by_name(database.marketing_actions, caller.scope, name)
            if old is None:
                stamp = Stamp.first(caller, at=self.now())
                new = MarketingAction(id=id_in(caller.scope, name), stamp=stamp, name=name, description=description)
                database.marketing_actions.add(new)
            else:
                new = replace(old, stamp=old.stamp.moved(caller, at=self.now()), description=description)
                database.marketing_actions.replace(old, new)
        return new, old is None

    def delete(self, caller: Caller, name: str) -> None:
        """Raises NotFound; InUse, saying which policies name it."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            # Nobody makes a policy that names it meanwhile.
            database.tenancy.hold(caller.scope.org_id)
            action = _named(database, caller.scope, name)
            _check_unnamed(database, caller.scope, ActionRef(CUSTOM, name))
            database.marketing_actions.delete(action)


def _check_unnamed(database: Database, scope: Scope, action: ActionRef) -> None:
    naming = sorted(policy.id for policy in every(database.policies, scope) if action in policy.actions)
    if naming:
        more = f" and {len(naming) - _TOLD} more" if len(naming) > _TOLD else ""
        raise InUse(
            f"the marketing action is named by the policies {', '.join(naming[:_TOLD])}{more}",
            advice="Delete these policies, or take the action out of them, and try again.",
        )


def _named(database: Database, scope: Scope, name: str) -> MarketingAction:
    found = by_name(database.marketing_actions, scope, name)
    if found is None:
        raise none_named("custom marketing action", name)
    return found

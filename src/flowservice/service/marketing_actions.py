"""What people and programs may do with marketing actions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.label import CORE
from flowservice.domain.marketing_action import CORE_ACTIONS, ActionRef, MarketingAction
from flowservice.domain.policy_name import id_in
from flowservice.domain.resource import Stamp
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock
from flowservice.service.by_name import by_name, none_named


def is_known(database: Database, scope: Scope, action: ActionRef) -> bool:
    """Whether the sandbox has that action."""
    if action.kind == CORE:
        return action.name in CORE_ACTIONS
    return by_name(database.marketing_actions, scope, action.name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingActions:
    """The custom actions of a sandbox. Core ones are the same everywhere (`domain.marketing_action.CORE_ACTIONS`)."""

    database: Database
    now: Clock

    def list(self, caller: Caller) -> Sequence[MarketingAction]:
        """All of the sandbox, the newest first."""
        caller.may(Permission.VIEW_SOURCES)
        return list(every(self.database.marketing_actions, caller.scope))

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
        """Raises NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        with self.database.transaction() as database:
            database.tenancy.hold(caller.scope.org_id)
            database.marketing_actions.delete(_named(database, caller.scope, name))


def _named(database: Database, scope: Scope, name: str) -> MarketingAction:
    found = by_name(database.marketing_actions, scope, name)
    if found is None:
        raise none_named("custom marketing action", name)
    return found

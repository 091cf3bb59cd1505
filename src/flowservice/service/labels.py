"""What people and programs may do with usage labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flowservice.domain.identity import Caller, Permission, Scope
from flowservice.domain.label import CORE_LABELS, CoreLabel, CustomLabel
from flowservice.domain.policy_name import id_in
from flowservice.domain.resource import Stamp
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock
from flowservice.service.by_name import by_name, none_named


def known_labels(database: Database, scope: Scope) -> frozenset[str]:
    """The bare names of all labels that data of the sandbox may carry: core ones and its own."""
    return frozenset(CORE_LABELS) | {label.name for label in every(database.custom_labels, scope)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelContent:
    """What a user says of a custom label beside its name."""

    category: str
    friendly_name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The custom labels of a sandbox, and the core ones, which are the same everywhere."""

    database: Database
    now: Clock

    def list(self, caller: Caller) -> Sequence[CustomLabel]:
        """All of the sandbox, the newest first."""
        caller.may(Permission.VIEW_SOURCES)
        return list(every(self.database.custom_labels, caller.scope))

    def core(self, caller: Caller) -> Sequence[CoreLabel]:
        """All core ones."""
        caller.may(Permission.VIEW_SOURCES)
        return tuple(CORE_LABELS.values())

    def core_one(self, caller: Caller, name: str) -> CoreLabel:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        if name not in CORE_LABELS:
            raise none_named("core label", name)
        return CORE_LABELS[name]

    def get(self, caller: Caller, name: str) -> CustomLabel:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        found = by_name(self.database.custom_labels, caller.scope, name)
        if found is None:
            raise none_named("custom label", name)
        return found

    def put(self, caller: Caller, name: str, content: LabelContent) -> tuple[CustomLabel, bool]:
        """The label with that content, and whether it is new. `name` was checked (`domain.label.custom_name`)."""
        caller.may(Permission.MANAGE_SOURCES)
        said = {
            "category": content.category,
            "friendly_name": content.friendly_name,
            "description": content.description,
        }
        with self.database.transaction() as database:
            # Else two who make the same label at once would both find none.
            database.tenancy.hold(caller.scope.org_id)
            old = by_name(database.custom_labels, caller.scope, name)
            if old is None:
                stamp = Stamp.first(caller, at=self.now())
                new = CustomLabel(id=id_in(caller.scope, name), stamp=stamp, name=name, **said)
                database.custom_labels.add(new)
            else:
                new = replace(old, stamp=old.stamp.moved(caller, at=self.now()), **said)
                database.custom_labels.replace(old, new)
        return new, old is None

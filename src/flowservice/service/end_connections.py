"""What source and target connections have in common: drafts, changes, publishing, deleting."""

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, TypeVar

from flowservice.domain.connection import ConnectionState, EndConnection
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import SpecRef, Stamp
from flowservice.errors import BadTransition, Referenced
from flowservice.ports.database import Database, Store
from flowservice.ports.runtime import Clock, Ids
from flowservice.service.content import EndContent
from flowservice.service.contention import repeated
from flowservice.service.readable import Readable
from flowservice.service.specs import Specs
from flowservice.service.usage import flows_at

E = TypeVar("E", bound=EndConnection)


class EndConnections(Readable[E]):
    """A use case over one store of ends."""

    __slots__ = ()

    kind: ClassVar[type[EndConnection]]
    end: ClassVar[str]
    """Which end of a flow: `source` or `target`."""
    noun: ClassVar[str]

    database: Database
    specs: Specs
    now: Clock
    ids: Ids

    @abstractmethod
    def store_of(self, database: Database) -> Store[E]:
        """Where they live in that database."""

    @property
    def store(self) -> Store[E]:
        """Where they live."""
        return self.store_of(self.database)

    @abstractmethod
    def checked(self, caller: Caller, end: E) -> E:
        """The end with what it inherits, if a flow can use it. Raises as `create` says."""

    @abstractmethod
    def drafted(self, caller: Caller, end: E) -> E:
        """The end as a draft: what is there must be right, and nothing need be there."""

    def create(self, caller: Caller, spec: SpecRef, content: EndContent, *, draft: bool = False) -> E:
        """A new end. Raises UnknownSpec, NoConnector, MissingField, BadField, NotFound, and what the source raises."""
        caller.may(Permission.MANAGE_SOURCES)
        sketch: E = self.kind(  # type: ignore[assignment] # E is what `kind` makes
            id=self.ids.uuid(), stamp=Stamp.first(caller, at=self.now()), spec=spec
        )
        sketch = _with(sketch, content)
        made = self._as_draft(caller, sketch) if draft else self.checked(caller, sketch)
        self.store.add(made)
        return made

    def change(self, caller: Caller, end: E, content: EndContent) -> E:
        """The end with other content, checked like a new one. Flows made from it keep what it was. Raises Stale."""
        caller.may(Permission.MANAGE_SOURCES)
        moved = replace(_with(end, content), stamp=end.stamp.moved(caller, at=self.now()))
        if end.state is ConnectionState.DRAFT:
            moved = self.drafted(caller, moved)
        elif (moved.base_connection_id, moved.data, moved.params) != (end.base_connection_id, end.data, end.params):
            moved = self.checked(caller, moved)
        self.store.replace(end, moved)
        return moved

    def publish(self, caller: Caller, end: E) -> E:
        """The draft checked and enabled. Raises BadTransition unless it is one, NotPublished, Stale."""
        caller.may(Permission.MANAGE_SOURCES)
        if end.state is not ConnectionState.DRAFT:
            raise BadTransition(f"the {self.noun} {end.id} is no draft", advice="Only a draft can be published.")
        stamp = end.stamp.moved(caller, at=self.now())
        published = self.checked(caller, replace(end, state=ConnectionState.ENABLED, stamp=stamp))
        self.store.replace(end, published)
        return published

    def delete(self, caller: Caller, end_id: str) -> None:
        """Raises NotFound; Referenced while a flow uses it."""
        caller.may(Permission.MANAGE_SOURCES)

        def delete() -> None:
            with self.database.transaction() as tx:
                # Until it is done, nobody makes a flow with this end.
                tx.tenancy.hold(caller.scope.org_id)
                store = self.store_of(tx)
                end = store.get(caller.scope, end_id)
                if flows_at(tx, caller.scope, self.end, end.id):
                    raise Referenced(f"a flow still uses this {self.noun}", advice="Delete the flow first.")
                store.delete(end)

        repeated(delete)

    def _as_draft(self, caller: Caller, end: E) -> E:
        return replace(self.drafted(caller, end), state=ConnectionState.DRAFT)


def _with(end: E, content: EndContent) -> E:
    return replace(
        end,
        name=content.name,
        description=content.description,
        governance=content.governance,
        base_connection_id=content.base_connection_id,
        data=content.data,
        params=content.params,
    )

"""What every collection of the Flow Service offers to those who may view sources: read one, list, count."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from flowservice.domain.identity import Caller, Permission
from flowservice.domain.query import Page, Query
from flowservice.domain.resource import Resource
from flowservice.ports.database import Store

R = TypeVar("R", bound=Resource)


class Readable(ABC, Generic[R]):
    """A use case over one store."""

    __slots__ = ()

    @property
    @abstractmethod
    def store(self) -> Store[R]:
        """Where the resources live."""

    def get(self, caller: Caller, resource_id: str) -> R:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.store.get(caller.scope, resource_id)

    def list(self, caller: Caller, query: Query) -> Page[R]:
        """A page. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.store.list(caller.scope, query)

    def count(self, caller: Caller, query: Query) -> int:
        """How many there are. Raises BadQuery."""
        caller.may(Permission.VIEW_SOURCES)
        return self.store.count(caller.scope, query)

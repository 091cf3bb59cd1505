"""What every stored thing has: an id, a place, its makers and a revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

from flowservice.domain.identity import Caller, Scope

MAX_NAME: Final = 255
MAX_DESCRIPTION: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Who did something, through which client, and when."""

    at: datetime
    by: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where a resource lives, who made and last changed it, and how often it changed."""

    scope: Scope
    created: Mark
    updated: Mark
    revision: int = 1
    """Counts every change: what guards a write against one that came between."""
    edition: int = 1
    """Counts the changes that a client sees as such: what the etag tells."""

    @classmethod
    def first(cls, caller: Caller, *, at: datetime) -> Self:
        """The stamp of something that `caller` makes."""
        mark = Mark(at=at, by=caller.user_id, client=caller.client_id)
        return cls(scope=caller.scope, created=mark, updated=mark)

    @classmethod
    def of_service(cls, scope: Scope, *, at: datetime) -> Self:
        """The stamp of bookkeeping of the service itself, which no client sees."""
        mark = Mark(at=at, by="", client="")
        return cls(scope=scope, created=mark, updated=mark)

    def moved(self, caller: Caller | None, *, at: datetime) -> Self:
        """The stamp after a change by `caller` (None: by the service itself)."""
        by = self.updated if caller is None else Mark(at=at, by=caller.user_id, client=caller.client_id)
        return replace(self, updated=replace(by, at=at), revision=self.revision + 1, edition=self.edition + 1)

    def touched(self) -> Self:
        """The stamp after bookkeeping of the service, such as counting a run: the etag that a client holds stays."""
        return replace(self, revision=self.revision + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A thing with an id in one sandbox. `name` may be empty."""

    id: str
    stamp: Stamp
    name: str = ""
    description: str = ""

    @property
    def etag(self) -> str:
        """The version as a strong etag, with its quotes: the shape that Azure deployments of AEP show."""
        changed_s = int(self.stamp.updated.at.timestamp())
        return f'"{self.stamp.edition:08x}-0000-0200-0000-{changed_s:08x}0000"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Governance:
    """Who may use a resource and where it is filed."""

    labels: tuple[str, ...] = ()
    """Access labels such as `core/C12`."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    """`enforcementRefs` and `duleLabels`."""
    unified_metadata: Mapping[str, Any] = field(default_factory=dict)
    """`tagIds` and `parentFolderId`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed(Resource):
    """A resource of the Flow Service that its users make: what connections, their ends and flows have in common."""

    governance: Governance = Governance()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecRef:
    """A reference to a connection spec or flow spec."""

    id: str
    version: str = "1.0"

"""How many flows may have a run at work at the same time, by what they share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from flowservice.domain.run import Run

_Place = Literal["org", "sandbox", "connection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A flow with a run that is queued or in progress, and what such runs share."""

    flow_id: str
    org_id: str
    sandbox_id: str
    connection_id: str | None
    """The account that it reads from; None: unknown, or it reads none."""

    @classmethod
    def of(cls, run: Run) -> "AtWork":
        """As the run would be one."""
        scope = run.stamp.scope
        return cls(
            flow_id=run.flow_id, org_id=scope.org_id, sandbox_id=scope.sandbox_id, connection_id=run.connection_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """The most flows at a time; None: any number. Of one flow, one run works at a time anyway."""

    per_org: int | None = None
    per_sandbox: int | None = None
    per_connection: int | None = None

    @property
    def are_any(self) -> bool:
        """Whether anything is limited."""
        return (self.per_org, self.per_sandbox, self.per_connection) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Full:
    """A place that has as many flows at work as it may have."""

    place: _Place
    most: int


@dataclass(slots=True)
class Occupancy:
    """Who is at work, and for whom there is room. `limits` hold for those that come, not for those that are there."""

    limits: RunLimits
    _flows: dict[tuple[_Place, str], set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, limits: RunLimits, at_work: Iterable[AtWork]) -> "Occupancy":
        """With these at work."""
        occupancy = cls(limits)
        for one in at_work:
            occupancy.add(one)
        return occupancy

    def has_room(self, one: AtWork) -> bool:
        """Whether it may join. A flow that is at work may have further runs wait behind its first."""
        return self.full(one) is None

    def full(self, one: AtWork) -> Full | None:
        """The first place without room for it."""
        for place, most in self._places(one):
            flows = self._flows.get(place, set())
            if most is not None and one.flow_id not in flows and len(flows) >= most:
                return Full(place[0], most)
        return None

    def add(self, one: AtWork) -> None:
        """It is at work."""
        for place, _ in self._places(one):
            self._flows.setdefault(place, set()).add(one.flow_id)

    def _places(self, one: AtWork) -> Iterable[tuple[tuple[_Place, str], int | None]]:
        yield ("org", one.org_id), self.limits.per_org
        yield ("sandbox", one.sandbox_id), self.limits.per_sandbox
        if one.connection_id is not None:
            yield ("connection", one.connection_id), self.limits.per_connection

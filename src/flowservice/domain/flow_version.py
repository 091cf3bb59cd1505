"""A version of a flow: what it was told to do from one change to the next, by whom and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from flowservice.domain.flow import Endpoint, Flow, Transformation
from flowservice.domain.resource import Governed, Stamp


class Origin(StrEnum):
    """How a version came to be, by its name on the wire."""

    MADE = "made"
    CHANGED = "changed"
    PUBLISHED = "published"
    REVERTED = "reverted"
    COLUMNS = "columns"
    """Columns of the source were taken up."""
    BEFORE = "before"
    """As the flow was before its versions were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersion(Governed):
    """All that can be told of a flow by its users, as it was. Its stamp says who saved it, and when."""

    flow_id: str
    number: int
    """From 1."""
    origin: Origin
    reverts_to: int | None = None
    """The version whose content it has again."""
    source: Endpoint
    target: Endpoint
    schedule_sent: Mapping[str, Any] = field(default_factory=dict)
    transformations: tuple[Transformation, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, flow: Flow, number: int, origin: Origin, *, reverts_to: int | None = None) -> "FlowVersion":
        """The flow as it is now."""
        saved = flow.stamp.updated
        return cls(
            id=f"{flow.id}-{number}",
            stamp=Stamp(scope=flow.stamp.scope, created=saved, updated=saved),
            name=flow.name,
            description=flow.description,
            governance=flow.governance,
            flow_id=flow.id,
            number=number,
            origin=origin,
            reverts_to=reverts_to,
            source=flow.source,
            target=flow.target,
            schedule_sent=flow.schedule_sent,
            transformations=flow.transformations,
            options=flow.options,
        )


def versioned(
    old: Flow | None, new: Flow, origin: Origin, *, reverts_to: int | None = None
) -> tuple[Flow, Sequence[FlowVersion]]:
    """`new` as it is to be stored in place of `old` (None: it is made), and the versions to be kept with it.

    None where nothing changed that a version tells. Of a flow from before versions were kept, `old` is one, too.
    """
    known = 0 if old is None else old.versions
    kept: list[FlowVersion] = []
    if old is not None:
        if _told(old) == _told(new):
            return new, ()
        if known == 0:
            known = 1
            kept.append(FlowVersion.of(old, known, Origin.BEFORE))
    kept.append(FlowVersion.of(new, known + 1, origin, reverts_to=reverts_to))
    return replace(new, versions=known + 1), kept


def _told(flow: Flow) -> tuple[object, ...]:
    return (
        flow.name,
        flow.description,
        flow.governance,
        flow.source,
        flow.target,
        flow.schedule_sent,
        flow.transformations,
        flow.options,
    )

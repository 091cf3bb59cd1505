"""What a run sees of the columns of its source before it reads, and how that differs from what its flow knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from flowservice.domain.drift import MOST_COLUMNS, Change, DriftPolicy, SeenColumn, SourceShape, in_words
from flowservice.domain.flow import Flow
from flowservice.domain.identity import Scope
from flowservice.domain.xdm_arrow import xdm_type_of
from flowservice.errors import NotFound, SchemaDriftHeld
from flowservice.ports.database import Database
from flowservice.sdk import SOURCE_TYPE, Sample, Source

_SAMPLE_ROWS: Final = 1_000
_LARGER_SAMPLE_ROWS: Final = 20_000
"""Looked at before a run is held for lack of a column: few rows may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a sample of the source tells."""

    seen: tuple[SeenColumn, ...] = ()
    absent: tuple[str, ...] = ()
    """Columns that the mapping reads and the sample did not show."""
    changes: tuple[Change, ...] = ()

    def held_by(self, policy: DriftPolicy) -> tuple[Change, ...]:
        """The changes for which a run may not read."""
        return tuple(change for change in self.changes if policy.holds(change))


def known_shape(database: Database, flow: Flow) -> SourceShape | None:
    """What the flow knows of its source; None: nothing yet."""
    return shape_in(database, flow.stamp.scope, flow.id)


def shape_in(database: Database, scope: Scope, flow_id: str) -> SourceShape | None:
    """The same by the flow's id."""
    try:
        return database.source_shapes.get(scope, flow_id)
    except NotFound:
        return None


def observed(
    source: Source,
    path: str,
    *,
    mapped: Sequence[str],
    reads: Sequence[str],
    selected: frozenset[str] | None,
    known: SourceShape | None,
    policy: DriftPolicy,
) -> Observed:
    """What a sample of the table `path` shows. Raises SourceError.

    Args:
        mapped: the columns that the mapping reads; without any nothing is looked at.
        reads: these, and those of the row filter and the window.
        selected: the columns that the source connection names; None: all.
        known: what the flow knows; None: nothing, and then nothing differs.
    """
    if not mapped:
        return Observed()

    def look(rows: int) -> tuple[SeenColumn, ...]:
        return _seen(source.sample(path, rows=rows), reads=reads, selected=selected)

    seen = look(_SAMPLE_ROWS)
    changes = () if known is None else known.changes(seen, reads)
    if known is not None and policy.holds_removed and any(not change.now for change in changes):
        seen = look(_LARGER_SAMPLE_ROWS)
        changes = known.changes(seen, reads)
    names = {column.name for column in seen}
    return Observed(seen=seen, absent=tuple(name for name in mapped if name not in names), changes=changes)


def held_back(flow: Flow, held: Sequence[Change], *, reason: str = "") -> SchemaDriftHeld:
    """The error of a run that does not read for these changes."""
    because = f" ({reason})" if reason else ""
    return SchemaDriftHeld(
        f"the columns of the source changed, and the flow holds such changes for review{because}: {in_words(held)}",
        advice=f"Look at the changes: GET /v1/flows/{flow.id}/drift. Then accept or ignore them there, or map the "
        "columns otherwise. Nothing was read; the next run takes all rows that wait.",
    )


def _seen(sample: Sample, *, reads: Sequence[str], selected: frozenset[str] | None) -> tuple[SeenColumn, ...]:
    mixed = {column.name: column.seen for column in sample.mixed}
    fields = [field for field in sample.rows.schema if selected is None or field.name in selected]
    read = frozenset(reads)
    # Of too many columns at least those that matter.
    fields.sort(key=lambda field: field.name not in read)
    return tuple(
        SeenColumn(name=field.name, types=tuple(sorted(mixed.get(field.name) or (_type(field),))), xdm=_xdm(field.type))
        for field in fields[:MOST_COLUMNS]
    )


def _type(field: pa.Field) -> str:
    told = (field.metadata or {}).get(SOURCE_TYPE)
    return str(field.type) if told is None else told.decode()


def _xdm(kind: pa.DataType) -> str:
    return xdm_type_of(kind) or ""

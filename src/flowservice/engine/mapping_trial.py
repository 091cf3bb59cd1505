"""Mapping sets tried on rows that a client sends."""

from collections.abc import Mapping as JsonObject
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flowservice.domain.expressions.syntax import Node
from flowservice.domain.mapping import MappingVersion
from flowservice.domain.mapping_trial import MappingFault, TriedRow
from flowservice.domain.xdm_tree import ObjectField
from flowservice.engine.expressions import Scope, values
from flowservice.engine.mapping import Mapper
from flowservice.engine.mapping_faults import faults
from flowservice.errors import BadField, Error
from flowservice.sdk import to_text


class MappingTrials:
    """Fills `ports.runtime.TryingMappings`."""

    def faults(
        self, version: MappingVersion, tree: ObjectField, source: pa.Schema | None = None
    ) -> tuple[Error | None, ...]:
        """What is wrong with each mapping: see the port."""
        return faults(version, tree, source or pa.schema([]))

    def rows(
        self, version: MappingVersion, tree: ObjectField, rows: Sequence[JsonObject[str, Any]]
    ) -> tuple[TriedRow, ...]:
        """What becomes of each row: see the port."""
        mapper = Mapper(version, tree)
        batches = [_batch(row) for row in rows]
        # Those with the same columns go together: a row's outcome is its own.
        alike: dict[str, list[int]] = {}
        for at, batch in enumerate(batches):
            alike.setdefault(batch.schema.to_string(), []).append(at)
        tried: dict[int, TriedRow] = {}
        for places in alike.values():
            together = pa.concat_batches([batches[at] for at in places])
            tried |= zip(places, _tried(mapper, version, together), strict=True)
        return tuple(tried[at] for at in range(len(batches)))

    def check(self, expression: Node) -> None:
        """Return if an expression is sound whatever the source is: see the port."""
        values(expression, Scope(0, {}))


def _tried(mapper: Mapper, version: MappingVersion, batch: pa.RecordBatch) -> list[TriedRow]:
    mapped = mapper.apply(batch)
    by_field = {mapping.destination: mapping for mapping in version.mappings}
    landed = iter(mapped.rows.to_pylist(maps_as_pydicts="lossy"))
    kept = [True] * batch.num_rows if mapped.kept is None else mapped.kept.to_pylist()
    faults: list[list[MappingFault]] = [[] for _ in range(batch.num_rows)]
    for tally, rows in mapped.traced:
        for at in pc.indices_nonzero(rows).to_pylist():
            fault = MappingFault(mapping=by_field.get(tally.field), destination=tally.field, message=tally.message)
            faults[at].append(fault)
    return [
        TriedRow(data=next(landed) if is_kept else {}, faults=tuple(told))
        for is_kept, told in zip(kept, faults, strict=True)
    ]


def _batch(row: JsonObject[str, Any]) -> pa.RecordBatch:
    """A row as a source would give it: single values as canonical text. Raises BadField for a mixed array."""
    arrays = []
    for name, value in row.items():
        try:
            arrays.append(pa.array([_text(value)]))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise BadField(
                f"the arrays of the column {name[:80]!r} hold values of different shapes",
                advice="Send arrays of single values, or of objects.",
            ) from error
    if not arrays:
        return pa.RecordBatch.from_pylist([{}], schema=pa.schema([("", pa.null())]))
    return pa.RecordBatch.from_arrays(arrays, names=list(row))


def _text(value: Any) -> Any:
    if isinstance(value, JsonObject):
        return {name: _text(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_text(item) for item in value]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        # A JSON number may be beyond the integers of a column.
        return str(value)
    return to_text(pa.array([value]))[0].as_py()

"""Mapping sets tried on rows that a client sends."""

from collections.abc import Mapping as JsonObject
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from flowservice.domain.mapping import MappingVersion
from flowservice.domain.mapping_trial import MappingFault, TriedRow
from flowservice.domain.xdm_tree import ObjectField
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
        # One at a time: what is wrong with a row is told of that row.
        return tuple(_tried(mapper, version, _batch(row)) for row in rows)


def _tried(mapper: Mapper, version: MappingVersion, batch: pa.RecordBatch) -> TriedRow:
    mapped = mapper.apply(batch)
    by_field = {mapping.destination: mapping for mapping in version.mappings}
    faults = tuple(
        MappingFault(mapping=by_field.get(tally.field), destination=tally.field, message=tally.message)
        for tally in (*mapped.warnings, *mapped.rejections)
    )
    landed = mapped.rows.to_pylist()
    return TriedRow(data=landed[0] if landed else {}, faults=faults)


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

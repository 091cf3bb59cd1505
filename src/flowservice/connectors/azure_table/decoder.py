"""Pages of entities to Arrow, column by column.

`orjson` parses a page, then every column is taken as one list and converted by Arrow's kernels; no row is handled by
itself. Types come from the `@odata.type` annotations of `minimalmetadata`:

| Edm | JSON | Arrow |
| --- | --- | --- |
| String | string | string |
| Int32, Int64 | number; string with annotation | int32, int64 |
| Double | number with point or exponent; `"NaN"`, `"Infinity"`, `"-Infinity"` with annotation | float64 |
| Boolean | true, false | bool |
| DateTime | string with 0 to 7 fraction digits | timestamp[us, UTC]; the 7th digit is cut |
| Guid | string | string, lower case |
| Binary | base64 | binary |

A column that holds several Edm types is canonical text (`sdk.to_text`), except that Int32 and Int64 together are int64.
Source: learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from flowservice.connectors.azure_table import edm
from flowservice.errors import BrokenPage, Drifted
from flowservice.sdk import SOURCE_TYPE, to_text

Entity: TypeAlias = dict[str, Any]
"""An entity as its JSON has it, annotations included."""

SYSTEM: Final = ("PartitionKey", "RowKey", "Timestamp")
_ANNOTATION: Final = "@odata.type"
# Entities whose dicts fit into a common second-level cache.
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True)
class Column:
    """A property over many entities: values by Edm type, not yet made one array."""

    name: str
    length: int
    parts: Mapping[str, tuple[pa.Array, Sequence[int] | None]]
    """Edm type to (values, their row numbers; None: every row, in order)."""

    @property
    def seen(self) -> frozenset[str]:
        """The Edm types that occur; nulls have none."""
        return frozenset(self.parts)

    def array(self) -> tuple[pa.Array, str]:
        """One array of `length`, and the Edm type it has; text if types are mixed."""
        if len(self.parts) == 1:
            ((kind, (values, rows)),) = self.parts.items()
            return _spread(values, rows, self.length), kind
        kind = edm.INT64 if self.seen == {edm.INT32, edm.INT64} else edm.STRING
        return self.array_as(kind), kind

    def array_as(self, kind: str) -> pa.Array:
        """One array of `length` in which every value is widened to `kind`."""
        convert: Callable[[pa.Array], pa.Array] = (
            to_text if kind == edm.STRING else lambda values: values.cast(edm.ARROW[kind])
        )
        pieces = [(convert(values), rows) for values, rows in self.parts.values()]
        if len(pieces) == 1:
            return _spread(*pieces[0], self.length)
        positions: list[int] = list(chain.from_iterable(rows or () for _, rows in pieces))
        return _spread(pa.concat_arrays([values for values, _ in pieces]), positions, self.length)


def parse(body: bytes | memoryview) -> list[Entity]:
    """The entities of a page. Raises BrokenPage if the body is cut or garbled; nothing of it is then used."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        page = _with_lone_surrogates(bytes(body))
    entities = page.get("value") if isinstance(page, dict) else None
    if not isinstance(entities, list) or not all(type(entity) is dict for entity in entities):
        raise BrokenPage("a page of the table service holds no list of entities", advice=AGAIN)
    return entities


def to_batch(entities: Sequence[Entity]) -> pa.RecordBatch:
    """Entities as one batch of `len(entities)` rows, in their order.

    Columns: PartitionKey, RowKey and Timestamp where they occur, then by first appearance. A property that is null in
    every entity is left out. Field metadata holds the Edm type.

    Raises:
        Drifted: a value is not of the type that its annotation states.
        BrokenPage: a value has a shape that no table can hold.
    """
    arrays, fields = [], []
    for column in columns(entities):
        array, kind = column.array()
        arrays.append(array)
        fields.append(field(column.name, kind))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def decode(body: bytes | memoryview) -> pa.RecordBatch:
    """One page as one batch. Raises as `parse` and `to_batch`."""
    return to_batch(parse(body))


def field(name: str, kind: str) -> pa.Field:
    """The Arrow field of a property of an Edm type."""
    return pa.field(name, edm.ARROW[kind], metadata={SOURCE_TYPE: kind})


def columns(entities: Sequence[Entity]) -> Iterator[Column]:
    """The properties of entities that have at least one value, in the order of `to_batch`."""
    members = _transposed(entities)
    properties = [name for name in members if not name.startswith("odata.") and not name.endswith(_ANNOTATION)]
    for name in sorted(properties, key=lambda name: SYSTEM.index(name) if name in SYSTEM else len(SYSTEM)):
        values, stated = members[name], members.get(name + _ANNOTATION)
        if stated is None and name == "Timestamp":  # minimal metadata leaves its annotation out
            stated = [edm.DATETIME if type(value) is str else None for value in values]
        column = _column(name, values, stated)
        if column.parts:
            yield column


def _transposed(entities: Sequence[Entity]) -> dict[str, list[Any]]:
    """Each member's values, None where an entity lacks it, in the order in which members first appear.

    In blocks that stay in the processor's cache: every entity is looked at once for each of its members.
    """
    members: dict[str, list[Any]] = {}
    for start in range(0, len(entities), _BLOCK):
        block = entities[start : start + _BLOCK]
        for name in dict.fromkeys(chain.from_iterable(block)):
            values = members.setdefault(name, [])
            values.extend(repeat(None, start - len(values)))
            values.extend([entity.get(name) for entity in block])
    for values in members.values():
        values.extend(repeat(None, len(entities) - len(values)))
    return members


def _column(name: str, values: list[Any], stated: list[Any] | None) -> Column:
    try:
        kind = edm.uniform(values, stated)
        array = edm.arrays[kind](values) if kind is not None and kind != edm.INT32 else None
        if kind == edm.INT32 and (array := edm.bare_integers(values)) is not None:
            kind, array = edm.narrowed(array)
        if kind is not None and array is not None:
            return Column(name, len(values), {kind: (array, None)})
        rows: dict[str, list[int]] = {}
        for row, (value, annotation) in enumerate(zip(values, stated or [None] * len(values), strict=True)):
            if value is not None:
                rows.setdefault(edm.kind_of(value, annotation), []).append(row)
        parts = {kind: (edm.arrays[kind]([values[row] for row in of]), of) for kind, of in rows.items()}
        return Column(name, len(values), parts)
    except edm.Unfit as unfit:
        # `from None`: the messages of the parsers quote the value, which may be personal data.
        raise Drifted(
            f"property {name!r} is annotated {unfit.kind} and holds a value that is none",
            advice="Write the entity again with the right type; the table service would not have accepted this.",
        ) from None
    except edm.Nested:
        raise BrokenPage(f"property {name!r} holds a list or object, which no table can", advice=AGAIN) from None


def _spread(values: pa.Array, rows: Sequence[int] | None, length: int) -> pa.Array:
    """`values` at the places `rows` of an array of `length`, null elsewhere."""
    if rows is None:
        return values
    places: list[int | None] = [None] * length
    for at, row in enumerate(rows):
        places[row] = at
    return pc.take(values, pa.array(places, pa.int32()))


AGAIN: Final = "The same page is asked for again; if it stays broken, look at the network and proxies in between."


def _with_lone_surrogates(body: bytes) -> object:
    """A body that `orjson` refuses. Strings of the service are UTF-16 and may hold half a surrogate pair.

    UTF-8, and so Arrow, cannot: such a half becomes U+FFFD. Raises BrokenPage if the body is not JSON at all.
    """
    try:
        page = json.loads(body)
        text = json.dumps(page, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenPage("a page of the table service was cut or garbled", advice=AGAIN) from None

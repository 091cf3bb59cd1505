"""The portable decoder: pages of entities to Arrow, column by column, where the native one is not built.

`orjson` parses a page, then every column is taken as one list and converted by Arrow's kernels; no row is handled by
itself. What values become is said in `decoder`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, Final, NoReturn, TypeAlias

import orjson
import pyarrow as pa

from flowservice.connectors.azure_table import edm
from flowservice.connectors.azure_table.columns import Column, to_batch
from flowservice.connectors.azure_table.page_faults import (
    garbled,
    keyless,
    nested,
    oversized,
    repeated,
    shapeless,
    unfit,
)
from flowservice.errors import Drifted

Entity: TypeAlias = dict[str, Any]
"""An entity as its JSON has it, annotations included."""

_ANNOTATION: Final = "@odata.type"
_KEYS: Final = frozenset(("PartitionKey", "RowKey"))
_MOST_BYTES: Final = 2**31 - 1
# Rows times columns of a batch: where each entity has properties of its own, a batch is mostly nulls.
_MOST_CELLS: Final = 2**22
# An entity has 255 properties at most, each with an annotation at most.
_MOST_MEMBERS: Final = 1024
# Entities whose dicts fit into a common second-level cache.
_BLOCK: Final = 256


class PortableDecoder:
    """Fills `decoder.Decoder`."""

    def __init__(self, *, columns: Sequence[str] | None = None, declared: Mapping[str, str] | None = None) -> None:
        # Keys are looked at in any case: reading goes on after the last one.
        self._dropped = frozenset() if columns is None else _KEYS - frozenset(columns)
        self._wanted = None if columns is None else _KEYS | frozenset(columns)
        self._declared = declared or {}
        self._pages: list[tuple[int, dict[str, Column]]] = []
        self._last: Entity = {}
        self._bytes = 0
        self._names: set[str] = set()

    @property
    def rows(self) -> int:
        """Entities since the last batch."""
        return sum(rows for rows, _ in self._pages)

    @property
    def last_key(self) -> tuple[str, str] | None:
        """The keys of the last of them."""
        if any(self._kind_of_key(name) != edm.STRING for name in ("PartitionKey", "RowKey")):
            return None
        return self._last["PartitionKey"], self._last["RowKey"]

    def _kind_of_key(self, name: str) -> str | None:
        value = self._last.get(name)
        stated = self._last.get(name + _ANNOTATION)
        return (
            None
            if value is None
            else edm.kind_of(
                value, stated if isinstance(stated, str) and stated in edm.ARROW else self._declared.get(name)
            )
        )

    def add(self, body: bytes | memoryview) -> int:
        """Append a page, or nothing of it."""
        if self._bytes + len(body) > _MOST_BYTES:
            raise oversized()
        entities = parse(body)
        if entities:
            names = self._names | self._properties(entities)
            if (self.rows + len(entities)) * len(names) > _MOST_CELLS:
                raise oversized()
            found = columns(entities, wanted=self._wanted, declared=self._declared)
            self._pages.append((len(entities), {column.name: column for column in found}))
            self._names = names
            self._last = entities[-1]
            self._bytes += len(body)
        return len(entities)

    def _properties(self, entities: Sequence[Entity]) -> set[str]:
        """The names of their properties. Raises BrokenPage if an entity has more than any table has."""
        if any(len(entity) > _MOST_MEMBERS for entity in entities):
            raise shapeless()
        members = set(chain.from_iterable(entities))
        return {name for name in members if _is_property(name) and (self._wanted is None or name in self._wanted)}

    def batch(self) -> pa.RecordBatch:
        """All rows since the last batch."""
        pages, self._pages, self._last, self._bytes, self._names = self._pages, [], {}, 0, set()
        names = dict.fromkeys(chain.from_iterable(found for _, found in pages))
        wanted = [name for name in names if name not in self._dropped]
        return to_batch((_joined(name, pages) for name in wanted), sum(rows for rows, _ in pages))


def _joined(name: str, pages: Sequence[tuple[int, Mapping[str, Column]]]) -> Column:
    """A column over all pages."""
    nothing = Column(name)
    own = [(rows, found.get(name, nothing).parts) for rows, found in pages]
    kinds = dict.fromkeys(chain.from_iterable(parts for _, parts in own))
    return Column(
        name,
        {
            kind: pa.concat_arrays(
                [parts[kind] if kind in parts else pa.nulls(rows, edm.ARROW[kind]) for rows, parts in own]
            )
            for kind in kinds
        },
    )


def parse(body: bytes | memoryview) -> list[Entity]:
    """The entities of a page. Raises BrokenPage; nothing of it is then used."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parsed_slowly(bytes(body))
    if isinstance(page, dict):
        entities = page.get("value")
        if isinstance(entities, list) and all(type(entity) is dict for entity in entities):
            return entities if _has_each_once(bytes(body), page, entities) else _parsed_slowly(bytes(body))
    raise shapeless()


def key_of(entity: Entity) -> tuple[str, str]:
    """PartitionKey and RowKey. Raises BrokenPage."""
    match entity:
        case {"PartitionKey": str() as partition, "RowKey": str() as row}:
            return partition, row
        case _:
            raise keyless()


def _has_each_once(body: bytes, page: Mapping[str, Any], entities: Sequence[Entity]) -> bool:
    """Whether surely no object has a member twice, of which `orjson` keeps the last.

    Every member has a `":` behind its name. Within texts the quote is escaped; a name that ends in a backslash, and
    blanks before the colon, are left to the slow way.
    """
    members = len(page) + sum(map(len, entities))
    colons = body.count(b'":') - body.count(b'\\":')
    return colons == members and b'\\\\":' not in body and _SPACED.search(body) is None


_SPACED: Final = re.compile(rb'"[ \t\r\n]+:')


class _Members(list[tuple[str, Any]]):
    """The members of an object, those that come twice, too."""


def _parsed_slowly(body: bytes) -> list[Entity]:
    """What `orjson` refuses, or cannot tell.

    Texts of the service are UTF-16 and may hold half a surrogate pair; an object may have a member twice.
    """
    try:
        page = json.loads(body.decode(), object_pairs_hook=_Members, **_STRICT)
    except (ValueError, RecursionError):
        raise garbled() from None
    if not isinstance(page, _Members):
        raise shapeless()
    top = dict(page)
    if len(top) < len(page) and [name for name, _ in page].count("value") > 1:
        raise repeated("value")
    entities = top.get("value")
    if not isinstance(entities, list) or isinstance(entities, _Members):
        raise shapeless()
    return [_entity(members) for members in entities]


def _entity(members: object) -> Entity:
    if not isinstance(members, _Members):
        raise shapeless()
    entity: Entity = {}
    for name, value in ((_whole(name), value) for name, value in members):
        if name in entity:
            raise repeated(name)
        entity[name] = _whole(value) if type(value) is str else value
    return entity


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refused(_: str) -> NoReturn:
    raise ValueError


def _finite(digits: str) -> float:
    if (number := float(digits)) - number != 0:
        raise ValueError
    return number


def _whole_number(digits: str) -> int:
    _finite(digits)  # one that is beyond a double is as much of a number as one that is not finite
    return int(digits)


_STRICT: Final[Mapping[str, Any]] = {
    "parse_constant": _refused,
    "parse_float": _finite,
    "parse_int": _whole_number,
}


def columns(
    entities: Sequence[Entity], *, wanted: frozenset[str] | None = None, declared: Mapping[str, str] | None = None
) -> Iterator[Column]:
    """The properties of entities, as they first appear; one that is null throughout has no part.

    Raises BrokenPage for nested values before Drifted for those that are not what they say.
    """
    members = _transposed(entities)
    names = filter(_is_property, members)
    misfit: Drifted | None = None
    found = []
    for name in names if wanted is None else filter(wanted.__contains__, names):
        stated = _stated(name, members[name], members.get(name + _ANNOTATION), declared or {})
        try:
            found.append(_column(name, members[name], stated))
        except Drifted as error:
            misfit = misfit or error
    if misfit is not None:
        raise misfit
    return iter(found)


def _is_property(name: str) -> bool:
    return not name.startswith("odata.") and not name.endswith(_ANNOTATION)


def _stated(
    name: str, values: list[Any], annotations: list[Any] | None, declared: Mapping[str, str]
) -> list[Any] | None:
    """What is said of the type of each value."""
    known = declared.get(name)
    if known is None and name == "Timestamp":  # minimal metadata leaves its annotation out
        kinds = [edm.DATETIME if type(value) is str else None for value in values]
    elif known is not None:
        kinds = [known] * len(values)
    else:
        return annotations
    if annotations is None:
        return kinds
    return [
        annotation if isinstance(annotation, str) and annotation in edm.ARROW else kind
        for annotation, kind in zip(annotations, kinds, strict=True)
    ]


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
            return Column(name, {kind: array})
        kinds = [
            None if value is None else edm.kind_of(value, annotation)
            for value, annotation in zip(values, stated or repeat(None), strict=False)
        ]
        # All rows, with nulls in place of what is of another type.
        parts = {
            kind: edm.arrays[kind]([value if own == kind else None for value, own in zip(values, kinds, strict=True)])
            for kind in dict.fromkeys(kinds)
            if kind is not None
        }
        return Column(name, parts)
    except edm.Unfit as error:
        # `from None`: the messages of the parsers quote the value.
        raise unfit(name, error.kind) from None
    except edm.Nested:
        raise nested(name) from None

"""Kinds of values, and which one is known of values that stand side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from tests.expressions.dates import in_zone
from tests.expressions.values import Json, Loose, Map, Value, text


class Scalar(Enum):
    """Kinds without parts."""

    NULL = "null"
    TRUTH = "truth"
    WHOLE = "whole number"
    DECIMAL = "decimal number"
    TEXT = "text"
    LOOSE = "loose text"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and the zone in which it is shown: UTC where the expression does not tell it."""

    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Array:
    """An array, all of whose items are of one kind."""

    item: "Kind"


@dataclass(frozen=True, slots=True)
class Object:
    """An object of known fields, in order."""

    fields: tuple[tuple[str, "Kind"], ...]

    def field(self, name: str) -> "Kind":
        """The kind of a field; that of null where there is none."""
        return dict(self.fields).get(name, NULL)


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map of unknown keys, all of whose values are of one kind."""

    value: "Kind"


Kind: TypeAlias = Scalar | Moment | Array | Object | MapOf
Shape: TypeAlias = Mapping[str, Kind]
"""Kinds of the source's columns."""

NULL, TRUTH, WHOLE, DECIMAL = Scalar.NULL, Scalar.TRUTH, Scalar.WHOLE, Scalar.DECIMAL
TEXT, LOOSE, JSON = Scalar.TEXT, Scalar.LOOSE, Scalar.JSON
MOMENT: Final = Moment()
NUMBERS: Final = frozenset((WHOLE, DECIMAL))
TEXTS: Final = frozenset((TEXT, LOOSE, JSON))


class Unlike(Exception):
    """Kinds that cannot stand side by side."""


def common(kinds: Iterable[Kind]) -> Kind:
    """The one kind of branches, items or candidates. Raises Unlike."""
    found: Kind = NULL
    for kind in kinds:
        found = _both(found, kind)
    return found


def _both(a: Kind, b: Kind) -> Kind:
    if a == b or b is NULL:
        return a
    if a is NULL:
        return b
    if isinstance(a, Moment) and isinstance(b, Moment):
        return MOMENT
    if is_scalar(a) and is_scalar(b):
        return DECIMAL if a in NUMBERS and b in NUMBERS else LOOSE
    if isinstance(a, Array) and isinstance(b, Array):
        return Array(_both(a.item, b.item))
    if isinstance(a, MapOf) and isinstance(b, MapOf):
        return MapOf(_both(a.value, b.value))
    if isinstance(a, Object) and isinstance(b, Object):
        names = list(dict.fromkeys(name for name, _ in (*a.fields, *b.fields)))
        return Object(tuple((name, _both(a.field(name), b.field(name))) for name in names))
    if isinstance(a, Object | MapOf) and isinstance(b, Object | MapOf):
        parts = [
            kind.value if isinstance(kind, MapOf) else common(field for _, field in kind.fields) for kind in (a, b)
        ]
        return MapOf(_both(*parts))
    raise Unlike(f"{words(a)} beside {words(b)}")


def is_scalar(kind: Kind) -> bool:
    """Whether it is a single value, or null."""
    return isinstance(kind, Scalar | Moment)


def unzoned(kind: Kind) -> Kind:
    """The same whatever the zone of a moment."""
    return MOMENT if isinstance(kind, Moment) else kind


def words(kind: Kind) -> str:
    """A kind in messages."""
    if isinstance(kind, Scalar):
        return kind.value
    return {Moment: "moment", Array: "an array", Object: "an object", MapOf: "a map"}[type(kind)]


def turned(value: Value, kind: Kind) -> Value:
    """A value of a kind as one of the common kind of it and others."""
    if value is None or kind is NULL:
        return None
    if isinstance(kind, Array):
        return [turned(item, kind.item) for item in value]
    if isinstance(kind, MapOf):
        is_map = isinstance(value, Map)
        return Map((key, turned(item, kind.value)) for key, item in value.items() if is_map or item is not None)
    if isinstance(kind, Object):
        return {name: turned(value.get(name), field) for name, field in kind.fields}
    if isinstance(kind, Moment):
        return in_zone(value, kind.zone)
    if kind is DECIMAL:
        return float(value)
    if kind is LOOSE and not isinstance(value, Loose):
        return Loose(text(value) or "")
    return value


def kind_of_source(value: Any) -> Kind:
    """The kind of a column that holds such a value: loose texts, in arrays and objects or alone."""
    if value is None:
        return NULL
    if isinstance(value, Mapping):
        return Object(tuple((name, kind_of_source(item)) for name, item in value.items()))
    if isinstance(value, list):
        return Array(common(map(kind_of_source, value)))
    return LOOSE


def shape_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Kind]:
    """The shape of a source with these rows."""
    shape: dict[str, Kind] = {}
    for row in rows:
        for name, value in row.items():
            shape[name] = _both(shape.get(name, NULL), kind_of_source(value))
    return shape


def of_source(value: Any, kind: Kind) -> Value:
    """A value of the source as one of its column's kind: canonical texts."""
    if value is None or kind is NULL:
        return None
    if isinstance(kind, Array):
        return [of_source(item, kind.item) for item in value]
    if isinstance(kind, Object):
        return {name: of_source(value.get(name), field) for name, field in kind.fields}
    return Loose(text(value) or "")


def plain(value: Value) -> Any:
    """A result for a comparison: JSON's own values; moments as texts; fields that are null are left out."""
    if isinstance(value, Json):
        return value.value
    if isinstance(value, datetime):
        return text(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Map):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return value

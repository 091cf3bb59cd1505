"""What kind of value a node of an expression has. Known before the first row: docs/expressions.md, "Values"."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import TypeAlias

from flowservice.errors import BadExpression


class Scalar(Enum):
    """Kinds of single values, and of none."""

    NULL = "null"
    TRUTH = "a truth value"
    WHOLE = "a whole number"
    DECIMAL = "a decimal number"
    TEXT = "a text"
    LOOSE = "a loose text"
    """A value of the source, as its canonical text: a number where it reads like one."""
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant; `zone` is the one in which it is shown, by its IANA name or as an offset (`+02:00`)."""

    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Array:
    """A list of items of one kind."""

    of: "Kind"


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """Known fields, in their order, which counts."""

    fields: Mapping[str, "Kind"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and tuple(self.fields.items()) == tuple(other.fields.items())

    def __hash__(self) -> int:
        return hash(tuple(self.fields.items()))


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Text keys that only the values know, to values of one kind."""

    of: "Kind"


Kind: TypeAlias = Scalar | Moment | Array | Object | Dictionary


def is_scalar(kind: Kind) -> bool:
    """Whether it is a single value, or null."""
    return isinstance(kind, Scalar | Moment)


def in_words(kind: Kind) -> str:
    """For people."""
    match kind:
        case Scalar():
            return kind.value
        case Moment():
            return "a moment"
        case Array():
            return "an array"
        case Object() | Dictionary():
            return "an object"


def united(kinds: Iterable[Kind]) -> Kind:
    """The kind of a value that is one of these. Raises BadExpression for an array or object beside something else."""
    null: Kind = Scalar.NULL
    return reduce(_both, kinds, null)


def _both(one: Kind, other: Kind) -> Kind:
    if one == other or other is Scalar.NULL:
        return one
    if one is Scalar.NULL:
        return other
    match one, other:
        case Array(), Array():
            return Array(_both(one.of, other.of))
        case Dictionary(), Dictionary():
            return Dictionary(_both(one.of, other.of))
        case Object(), Object():
            names = (*one.fields, *(name for name in other.fields if name not in one.fields))
            null = Scalar.NULL
            return Object({name: _both(one.fields.get(name, null), other.fields.get(name, null)) for name in names})
        case Object(), Dictionary():
            return Dictionary(united((*one.fields.values(), other.of)))
        case Dictionary(), Object():
            return Dictionary(united((one.of, *other.fields.values())))
    if {one, other} == {Scalar.WHOLE, Scalar.DECIMAL}:
        return Scalar.DECIMAL
    if isinstance(one, Moment) and isinstance(other, Moment):
        return Moment()
    if is_scalar(one) and is_scalar(other):
        return Scalar.LOOSE
    raise BadExpression(
        f"a value that may be {in_words(one)} or {in_words(other)} has no one kind",
        advice="Give all branches and items of an expression the same kind.",
    )

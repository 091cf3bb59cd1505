"""What clients see of a resource, as what they filter and sort by: the paths of a document and the values there.

A path is dotted and knows no array index: every element of an array counts, so `params.columns.name` of two columns has
two values. A condition holds if any of them fulfils it; `!=` holds if none is equal. `==` compares the value's JSON
text (a text without its quotes); an ordering compares numbers, which are JSON numbers and texts that look like one.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from flowservice.domain.identity import Scope
from flowservice.domain.query import Condition, Operator, Order, Path
from flowservice.domain.resource import Resource
from flowservice.errors import BadFilterValue, BadValueType, UnsupportedForField

R = TypeVar("R", bound=Resource)

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
LONGEST_NUMBER: Final = 40
"""Characters; what is longer is a text."""
_ORDERINGS: Final[Mapping[Operator, Callable[[float, float], bool]]] = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A path that stands in a column of its own, because it is filtered by often."""

    name: str
    is_number: bool = False
    follows_creation: bool = False
    """A time in epoch milliseconds that is never before `createdAt`: what is early there was created early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm(Generic[R]):
    """How resources of one kind are searched."""

    number: int
    """Counts the changes to what the other members make of a resource. Stored forms of another number are made anew."""
    shown: Callable[[R], Mapping[str, Any]]
    """The document that clients see, without anything secret."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    """By path. Two paths may share a column where they always show the same."""
    placed: Mapping[str, Callable[[Scope], str]] = field(default_factory=dict)
    """Paths that show the same for all of one sandbox: nothing of them is stored."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Paths that always show what another path shows; that one is stored."""
    words: frozenset[str] = frozenset()
    """Paths that are compared without regard to case and underscores."""
    codes: tuple[str, ...] = ()
    """Paths that most of these resources have. Their place here is stored in their stead, so that less is scanned."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document that is no object and no array, with its path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def text_of(value: Any) -> str:
    """A leaf as filters compare it. Double quotes around a text do not count: an etag has them, a filter loses them."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def number_of(text: str) -> float | None:
    """The number that a text looks like; None where it does not."""
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    # What is too small or too large for a float, PostgreSQL does not take for a number.
    is_too_small = number == 0 and bool(Decimal(text))
    return None if is_too_small or not math.isfinite(number) else number


def folded(text: str) -> str:
    """A word without regard to case and underscores: `PARTIAL_SUCCESS` is `partialSuccess`."""
    return text.replace("_", "").lower()


def bound(condition: Condition) -> Decimal:
    """The number that an ordering compares with. Raises BadValueType."""
    value = condition.values[0]
    if number_of(value) is None:
        raise BadValueType(
            f"{condition.operator} compares numbers, and the value for {'.'.join(condition.path)[:80]} is none",
            advice="Times are epoch milliseconds.",
        )
    return Decimal(value)


def wholes(condition: Condition) -> list[int]:
    """The whole ones of the values that an equality compares a number with. Raises BadFilterValue."""
    if any(number_of(value) is None for value in condition.values):
        raise BadFilterValue(
            f"{'.'.join(condition.path)[:80]} is compared with numbers", advice="Times are epoch milliseconds."
        )
    return [int(number) for number in map(Decimal, condition.values) if number == int(number)]


def without_ordering(condition: Condition) -> UnsupportedForField:
    """What to raise where a path holds texts alone."""
    return UnsupportedForField(
        f"{condition.operator} is not supported for {'.'.join(condition.path)[:80]}", advice="Use == or !=."
    )


def fulfils(document: Mapping[str, Any], condition: Condition) -> bool:
    """Whether a document that is at hand meets a condition. Raises BadValueType."""
    wanted = ".".join(condition.path)
    found = [text_of(value) for path, value in leaves(document) if path == wanted]
    if condition.operator in {Operator.EQ, Operator.NE}:
        values = set(map(text_of, condition.values))
        return any(text in values for text in found) is (condition.operator is Operator.EQ)
    limit, compare = float(bound(condition)), _ORDERINGS[condition.operator]
    return any(number is not None and compare(number, limit) for number in map(number_of, found))


def sort_key(document: Mapping[str, Any], order: Order) -> tuple[int, float, str]:
    """Where a document stands in an order: numbers, then texts, then those without a value."""
    wanted = ".".join(order.path)
    found = [text_of(value) for path, value in leaves(document) if path == wanted]
    numbers = [number for number in map(number_of, found) if number is not None]
    if numbers:
        return (0, min(numbers), "")
    return (1, 0.0, found[0]) if found else (2, 0.0, "")


def projected(document: Mapping[str, Any], paths: tuple[Path, ...]) -> dict[str, Any]:
    """The parts of a document that lie on one of the paths."""
    heads: dict[str, list[Path]] = {}
    for path in paths:
        heads.setdefault(path[0], []).append(path[1:])
    return {
        name: value if () in heads[name] else _inside(value, tuple(heads[name]))
        for name, value in document.items()
        if name in heads
    }


def _inside(value: Any, paths: tuple[Path, ...]) -> Any:
    if isinstance(value, Mapping):
        return projected(value, paths)
    return [_inside(inner, paths) for inner in value] if isinstance(value, list | tuple) else None

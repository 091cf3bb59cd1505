"""What to list: conditions, order, size and where to go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

R_co = TypeVar("R_co", covariant=True)

Path: TypeAlias = tuple[str, ...]
"""The steps to a value inside a document."""


class Operator(StrEnum):
    """Comparisons a filter may use."""

    EQ = "=="
    NE = "!="
    LE = "<="
    GE = ">="
    LT = "<"
    GT = ">"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`path` `operator` any of `values`."""

    path: Path
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sort key: a path of the document that clients see."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of a list. Without `order` the newest come first. `after` is the token a former page ended with."""

    conditions: tuple[Condition, ...] = ()
    """On the fields that the store keeps to look resources up by, in the domain's names: what the service asks."""
    shown: tuple[Condition, ...] = ()
    """On paths of the document that clients see (`domain.search`): what they ask."""
    order: tuple[Order, ...] = ()
    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[R_co]):
    """Some of the items, and the token of the next page if there are more."""

    items: Sequence[R_co]
    next: str | None = None

"""What to list: conditions, order, size and where to go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


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
    """`path` `operator` any of `values`. A path names the stored resource's fields, in the domain's names."""

    path: tuple[str, ...]
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sort key."""

    path: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of a list. Without `order` the newest come first. `after` is the token a former page ended with."""

    conditions: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[R_co]):
    """Some of the items, and the token of the next page if there are more."""

    items: Sequence[R_co]
    next: str | None = None

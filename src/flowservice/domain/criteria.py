"""What the catalog's lists ask of an object: tests of its properties, on JSON as clients see it.

The same tests can be put to a database; here they are put to documents, for what no database can tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flowservice.errors import BadQuery

Path: TypeAlias = tuple[str, ...]
"""Steps into a document; what lies within a list is stepped into, whatever its place."""


class Relation(StrEnum):
    """What may be asked of a property."""

    EXISTS = "exists"
    MISSING = "missing"
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    MATCHES = "~"


class Kind(StrEnum):
    """How a property is compared."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    """Kept as text in ISO 8601, compared as epoch milliseconds."""
    TEXTS = "texts"
    """A list: one of its members has to pass."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with wildcards between its `parts`."""

    parts: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Whether the whole `text` is of that form. Takes a time linear in its length a part."""
        first, *middle, last = self.parts
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One test of the property at `path`, against any of `values`."""

    path: Path
    relation: Relation
    values: tuple[str | Pattern, ...] = ()
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """A property to sort by. What lacks it comes last."""

    path: Path
    descending: bool = False
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A page of those that pass all `criteria`. Without `order` the newest come first."""

    criteria: tuple[Criterion, ...] = ()
    order: tuple[SortKey, ...] = ()
    limit: int = 20
    start: int = 0


def passing(documents: Sequence[Mapping[str, Any]], criteria: Sequence[Criterion]) -> list[int]:
    """Places of the documents that pass all of `criteria`. Raises BadQuery for an unusable regular expression."""
    places = list(range(len(documents)))
    for criterion in criteria:
        found = [list(_at(documents[place], criterion.path)) for place in places]
        if criterion.relation is Relation.MATCHES:
            verdicts = _matching(found, criterion)
        else:
            verdicts = [_passes(values, criterion) for values in found]
        places = [place for place, good in zip(places, verdicts, strict=True) if good]
    return places


def in_order(documents: Sequence[Mapping[str, Any]], order: Sequence[SortKey]) -> list[int]:
    """Places of the documents, sorted."""
    places = list(range(len(documents)))
    for key in reversed(order):
        values = {place: next(_at(documents[place], key.path), None) for place in places}
        there = [place for place in places if values[place] is not None]
        there.sort(key=lambda place: _rank(values[place]), reverse=key.descending)
        places = there + [place for place in places if values[place] is None]
    return places


_RELATIONS: Final = {
    Relation.LT: lambda left, right: left < right,
    Relation.LE: lambda left, right: left <= right,
    Relation.GT: lambda left, right: left > right,
    Relation.GE: lambda left, right: left >= right,
}


def number(text: str | Pattern) -> float | None:
    """The number that a value of a query stands for, if it is one."""
    if isinstance(text, Pattern):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _at(node: Any, path: Path) -> Iterator[Any]:
    if isinstance(node, list):
        for inner in node:
            yield from _at(inner, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, Mapping) and path[0] in node:
        yield from _at(node[path[0]], path[1:])


def _passes(values: list[Any], criterion: Criterion) -> bool:
    relation = criterion.relation
    if relation in {Relation.EXISTS, Relation.MISSING}:
        return bool(values) is (relation is Relation.EXISTS)
    if relation in {Relation.EQ, Relation.NE}:
        equal = any(_equals(value, wanted) for value in values for wanted in criterion.values)
        return equal is (relation is Relation.EQ)
    return any(_compares(value, relation, wanted) for value in values for wanted in criterion.values)


def _equals(value: Any, wanted: str | Pattern) -> bool:
    if isinstance(wanted, Pattern):
        return wanted.fits(_text(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(wanted) == value
    return _text(value) == wanted


def _compares(value: Any, relation: Relation, wanted: str | Pattern) -> bool:
    if isinstance(wanted, Pattern) or isinstance(value, bool | dict):
        return False
    if isinstance(value, int | float):
        right = number(wanted)
        return right is not None and bool(_RELATIONS[relation](value, right))
    return bool(_RELATIONS[relation](str(value), wanted))


def _matching(found: list[list[Any]], criterion: Criterion) -> list[bool]:
    """Whether a value of each list holds what the regular expression describes.

    RE2 takes a time linear in the text, whatever the expression: none can keep the service busy.
    """
    import pyarrow as pa  # noqa: PLC0415 - for this alone; commands start without it
    import pyarrow.compute as pc  # noqa: PLC0415

    owners = [place for place, values in enumerate(found) for _ in values]
    texts = pa.array([_text(value) for values in found for value in values], pa.string())
    (pattern,) = criterion.values
    try:
        matched = pc.match_substring_regex(texts, str(pattern)).to_pylist()
    except pa.ArrowInvalid:
        raise BadQuery(
            f"the regular expression for {'.'.join(criterion.path)[:100]} cannot be used",
            advice="Use the syntax of RE2: neither look-around nor back-references.",
        ) from None
    good = {owner for owner, match in zip(owners, matched, strict=True) if match}
    return [place in good for place in range(len(found))]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if isinstance(value, Mapping) else str(value)


def _rank(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, _text(value))

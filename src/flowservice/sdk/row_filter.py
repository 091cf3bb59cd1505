"""Row filters: which rows of a table are wanted. What clients send (`pql/json`) becomes a tree of conditions.

A `not` is carried down to the conditions as the JSON is read (`not (a or b)` is `not a and not b`), which changes
nothing, also where a value is null: what a row comes to is told in `sdk.filtering`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Final, TypeAlias

from flowservice.errors import (
    BadRowFilter,
    FilterValueType,
    MissingFilterValue,
    MissingOperator,
    NotOfSeveral,
    UnknownFilterFormat,
    UnknownFilterType,
    UnknownRowOperator,
)

Literal: TypeAlias = str | int | float | bool
"""A value that a column is compared with. Numbers are finite."""

MAX_DEPTH: Final = 20
MAX_CONDITIONS: Final = 100
MAX_VALUES: Final = 1_000
"""Of all conditions together."""
MAX_CHARACTERS: Final = 32_768
"""Of a text: as many as a property of Azure Table Storage can have."""
MAX_PATTERN: Final = 1_000
"""Characters of a pattern for `like`."""
MAX_COLUMN: Final = 255


class Relation(StrEnum):
    """What may be asked of a column."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    LIKE = "like"
    NOT_LIKE = "not like"
    IN = "in"
    NOT_IN = "not in"
    IS_NULL = "is null"
    NOT_NULL = "is not null"


ORDERS: Final = frozenset({Relation.LT, Relation.LE, Relation.GT, Relation.GE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One question to one column: one value, several for `in`, none for `is null`."""

    column: str
    relation: Relation
    values: tuple[Literal, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part has to hold."""

    parts: tuple["RowFilter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part has to hold."""

    parts: tuple["RowFilter", ...]


RowFilter: TypeAlias = Condition | AllOf | AnyOf

_WORDS: Final[Mapping[str, Relation]] = {
    "=": Relation.EQ,
    "==": Relation.EQ,
    "!=": Relation.NE,
    "<": Relation.LT,
    "<=": Relation.LE,
    ">": Relation.GT,
    ">=": Relation.GE,
    "like": Relation.LIKE,
    "in": Relation.IN,
    "isnull": Relation.IS_NULL,
}
_OPPOSITE: Final[Mapping[Relation, Relation]] = {
    Relation.EQ: Relation.NE,
    Relation.LT: Relation.GE,
    Relation.LE: Relation.GT,
    Relation.LIKE: Relation.NOT_LIKE,
    Relation.IN: Relation.NOT_IN,
    Relation.IS_NULL: Relation.NOT_NULL,
}
_NEGATED: Final[Mapping[Relation, Relation]] = {**_OPPOSITE, **{after: of for of, after in _OPPOSITE.items()}}
_OPERATORS: Final = "=, !=, <, <=, >, >=, like, in, isNull, not, and, or"


def row_filter(sent: object, *, at: str) -> RowFilter | None:
    """The filter that JSON from a client says; None for an empty object. `at` is where it stands, for messages.

    Raises BadRowFilter and its kinds, each naming the place.
    """
    if not isinstance(sent, Mapping):
        raise BadRowFilter(
            f"{at} must be an object", advice='Send {"type": "PQL", "format": "pql/json", "value": {…}}.'
        )
    if not sent:
        return None
    if sent.get("type") != "PQL":
        raise UnknownFilterType(f"{at}/type must be PQL", advice='Send "type": "PQL".')
    if sent.get("format") != "pql/json":
        raise UnknownFilterFormat(f"{at}/format must be pql/json", advice='Send "format": "pql/json".')
    if sent.get("value") is None:
        raise MissingFilterValue(f"{at}/value is missing", advice="Send the tree of functions as value.")
    return _Reader().read(sent["value"], f"{at}/value")


def filter_json(wanted: RowFilter) -> dict[str, Any]:
    """The filter as `row_filter` reads it."""
    return {"type": "PQL", "format": "pql/json", "value": _node(wanted)}


def conditions(wanted: RowFilter) -> Iterator[Condition]:
    """All conditions, in order."""
    if isinstance(wanted, Condition):
        yield wanted
        return
    for part in wanted.parts:
        yield from conditions(part)


def columns_of(wanted: RowFilter) -> tuple[str, ...]:
    """The columns that are asked about, each once."""
    return tuple(dict.fromkeys(condition.column for condition in conditions(wanted)))


def parts_of(wanted: RowFilter) -> tuple[RowFilter, ...]:
    """What has to hold all at once: the parts of an `and`, else the whole."""
    return wanted.parts if isinstance(wanted, AllOf) else (wanted,)


def outline(wanted: RowFilter) -> str:
    """Columns and operators, for logs: values may be personal data."""
    if isinstance(wanted, Condition):
        return f"{wanted.column} {wanted.relation}"
    word = " and " if isinstance(wanted, AllOf) else " or "
    return "(" + word.join(outline(part) for part in wanted.parts) + ")"


_MOMENT: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)? ?(Z|z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)


def moment(text: str) -> datetime | None:
    """The moment that a text in ISO 8601 names, to the microsecond (further digits are cut); None: it names none.

    A date is its midnight; no offset means UTC.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, east_h, east_m = found.groups(default="")
    numbers = [int(part or 0) for part in (year, month, day, hour, minute, second, fraction[:6].ljust(6, "0"))]
    try:
        east = timedelta(hours=int(east_h or 0), minutes=int(east_m or 0)) * (-1 if sign == "-" else 1)
        return datetime(*numbers, tzinfo=timezone(east)).astimezone(UTC)  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError):
        return None


class _Reader:
    """Reads one filter, and counts how large it gets."""

    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def read(self, node: object, at: str, *, depth: int = 1, negated: bool = False) -> RowFilter:
        if depth > MAX_DEPTH:
            raise BadRowFilter(f"{at[:200]} is nested too deep", advice=f"Nest functions at most {MAX_DEPTH} deep.")
        if not isinstance(node, Mapping) or node.get("nodeType") != "fnApply":
            raise BadRowFilter(
                f"{at}/nodeType must be fnApply",
                advice='Send {"nodeType": "fnApply", "fnName": "=", "params": […]}.',
            )
        name = node.get("fnName")
        if not isinstance(name, str) or not name:
            raise MissingOperator(f"{at}/fnName is missing", advice=f"Name an operator: {_OPERATORS}.")
        params = node.get("params")
        if not isinstance(params, list):
            raise BadRowFilter(f"{at}/params must be an array", advice="Send the operands of fnName as params.")
        word, within = name.lower(), f"{at}/params"
        if word == "not":
            if len(params) != 1:
                raise NotOfSeveral(f"{within} of not must hold one function", advice="Put and or or into it.")
            return self.read(params[0], f"{within}/0", depth=depth + 1, negated=not negated)
        if word in {"and", "or"}:
            if len(params) < 2:
                raise BadRowFilter(f"{within} of {word} must hold two functions or more", advice=f"Leave {word} out.")
            parts = tuple(
                self.read(param, f"{within}/{place}", depth=depth + 1, negated=negated)
                for place, param in enumerate(params)
            )
            return AllOf(parts) if (word == "and") is not negated else AnyOf(parts)
        relation = _WORDS.get(word)
        if relation is None:
            raise UnknownRowOperator(f"{at}/fnName is not supported", advice=f"Use one of {_OPERATORS}.")
        return self._condition(relation, params, within, negated=negated)

    def _condition(self, relation: Relation, params: list[Any], at: str, *, negated: bool) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise BadRowFilter(f"{at} is one condition too many", advice=f"Send at most {MAX_CONDITIONS} conditions.")
        if not params or len(params) > 2 or (relation is Relation.IS_NULL and len(params) != 1):
            needed = "a fieldLookup" if relation is Relation.IS_NULL else "a fieldLookup and a literal"
            raise BadRowFilter(f"{at} must hold {needed}", advice="Compare a column with a value, in this order.")
        column = _column(params[0], f"{at}/0")
        values: tuple[Literal, ...] = ()
        if relation is not Relation.IS_NULL:
            values = self._literals(relation, params[1] if len(params) > 1 else None, f"{at}/1")
        return Condition(column=column, relation=_NEGATED[relation] if negated else relation, values=values)

    def _literals(self, relation: Relation, node: object, at: str) -> tuple[Literal, ...]:
        if node is not None and (not isinstance(node, Mapping) or node.get("nodeType") != "literal"):
            raise BadRowFilter(f"{at}/nodeType must be literal", advice='Send {"nodeType": "literal", "value": …}.')
        value = None if node is None else node.get("value")
        if value is None:
            raise MissingFilterValue(f"{at}/value is missing", advice="Send a value, or use isNull.")
        if relation is not Relation.IN:
            return (_literal(relation, value, f"{at}/value"),)
        if not isinstance(value, list):
            raise FilterValueType(f"{at}/value must be an array for in", advice="Send the values in an array.")
        if not value:
            raise MissingFilterValue(f"{at}/value is an empty array", advice="Send at least one value.")
        self._values += len(value)
        if self._values > MAX_VALUES:
            raise BadRowFilter(f"{at}/value has too many values", advice=f"Send at most {MAX_VALUES} in all.")
        return tuple(_literal(relation, one, f"{at}/value/{place}") for place, one in enumerate(value))


def _column(node: object, at: str) -> str:
    if not isinstance(node, Mapping) or node.get("nodeType") != "fieldLookup":
        raise BadRowFilter(
            f"{at}/nodeType must be fieldLookup", advice='Send {"nodeType": "fieldLookup", "fieldName": "…"}.'
        )
    name = node.get("fieldName")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_COLUMN or not _is_whole(name):
        raise BadRowFilter(f"{at}/fieldName must be the name of a column", advice="Explore the table to see them.")
    return name


def _literal(relation: Relation, value: object, at: str) -> Literal:
    """Raises FilterValueType, BadRowFilter, MissingFilterValue."""
    if value is None:
        raise MissingFilterValue(f"{at} is null", advice="Send a value, or use isNull.")
    if not isinstance(value, str | int | float):
        raise FilterValueType(f"{at} must be a text, a number, true or false", advice="Use in for several values.")
    if relation is Relation.LIKE and not isinstance(value, str):
        raise FilterValueType(f"{at} must be a text for like", advice="Send a pattern such as Gh%.")
    if relation in ORDERS and isinstance(value, bool):
        raise FilterValueType(f"{at} must be a text or a number for {relation}", advice="Compare truth with = or !=.")
    if isinstance(value, str):
        longest = MAX_PATTERN if relation is Relation.LIKE else MAX_CHARACTERS
        if len(value) > longest or not _is_whole(value):
            raise BadRowFilter(f"{at} is no text of at most {longest} characters", advice="Send a shorter text.")
        return value
    if not isinstance(value, bool) and not _is_finite(value):
        raise FilterValueType(f"{at} is too large for a number", advice="Send a number of 64 bits.")
    return value


def _is_whole(text: str) -> bool:
    """Whether no half of a surrogate pair is in it: no source has such text."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _node(wanted: RowFilter) -> dict[str, Any]:
    if not isinstance(wanted, Condition):
        name = "and" if isinstance(wanted, AllOf) else "or"
        return _function(name, *(_node(part) for part in wanted.parts))
    relation, is_negated = wanted.relation, wanted.relation not in set(_WORDS.values())
    name = next(word for word, known in _WORDS.items() if known is (_NEGATED[relation] if is_negated else relation))
    operands: list[dict[str, Any]] = [{"nodeType": "fieldLookup", "fieldName": wanted.column}]
    if wanted.values:
        is_list = relation in {Relation.IN, Relation.NOT_IN}
        operands.append({"nodeType": "literal", "value": list(wanted.values) if is_list else wanted.values[0]})
    function = _function({"isnull": "isNull"}.get(name, name), *operands)
    return _function("not", function) if is_negated else function


def _function(name: str, *params: dict[str, Any]) -> dict[str, Any]:
    return {"nodeType": "fnApply", "fnName": name, "params": list(params)}

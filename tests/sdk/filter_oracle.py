"""What a row filter says of one row, value by value in plain Python: what the columnar one is compared with."""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from flowservice.sdk import AllOf, Condition, Relation, RowFilter, moment, to_text

_CANONICAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DIGITS: Final = re.compile(r"[+-]?\d+", re.ASCII)


def passes(row: Mapping[str, Any], wanted: RowFilter) -> bool | None:
    """True, False, or None for unknown. `row` holds Python values; what it lacks is null."""
    if isinstance(wanted, Condition):
        return _condition(row.get(wanted.column), wanted)
    verdicts = [passes(row, part) for part in wanted.parts]
    decisive = not isinstance(wanted, AllOf)
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _condition(value: Any, asked: Condition) -> bool | None:
    relation = asked.relation
    if relation is Relation.IS_NULL:
        return value is None
    if relation is Relation.NOT_NULL:
        return value is not None
    if value is None:
        return None
    text = _text(value, repr(value))
    if relation is Relation.LIKE:
        return _like(text, str(asked.values[0]))
    if relation is Relation.NOT_LIKE:
        return not _like(text, str(asked.values[0]))
    if relation in {Relation.IN, Relation.NOT_IN}:
        verdicts = [_compared(text, Relation.EQ, one) for one in asked.values]
        found = True if True in verdicts else None if None in verdicts else False
        return found if relation is Relation.IN or found is None else not found
    return _compared(text, relation, asked.values[0])


@lru_cache(maxsize=4096, typed=True)
def _text(value: Any, _shown: str) -> str:
    """`_shown` tells minus zero from zero."""
    return str(to_text(pa.array([value]))[0])


def _compared(text: str, relation: Relation, literal: Any) -> bool | None:
    if isinstance(literal, bool):
        if text not in {"true", "false"}:
            return None
        return (text == str(literal).lower()) is (relation is Relation.EQ)
    if isinstance(literal, int | float):
        number = _number(text)
        return None if number is None else _ordered(number, relation, Fraction(literal))
    at = moment(literal)
    if at is not None and _CANONICAL.fullmatch(text) and (mine := moment(text)) is not None:
        return _ordered(mine, relation, at)
    return _ordered([ord(one) for one in text], relation, [ord(one) for one in literal])


def _number(text: str) -> Any:
    if text in {"Infinity", "+Infinity", "-Infinity"}:
        return float(text)
    if _DIGITS.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return Fraction(int(text))
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None
    return Fraction(float(text))


def _ordered(left: Any, relation: Relation, right: Any) -> bool:
    verdicts = {
        Relation.EQ: left == right,
        Relation.NE: left != right,
        Relation.LT: left < right,
        Relation.LE: left <= right,
        Relation.GT: left > right,
        Relation.GE: left >= right,
    }
    return bool(verdicts[relation])


def _like(text: str, pattern: str) -> bool:
    """By taking both apart character by character."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    if pattern[0] == "\\" and len(pattern) > 1:
        return text[:1] == pattern[1] and _like(text[1:], pattern[2:])
    return bool(text) and (pattern[0] == "_" or text[0] == pattern[0]) and _like(text[1:], pattern[1:])

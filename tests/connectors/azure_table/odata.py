"""`$filter` as the table service is documented to read it, put to one entity: the emulator is laxer with types."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeAlias

Typed: TypeAlias = tuple[str, Any]
"""Edm type without `Edm.`, and value; a DateTime is its number of 100 ns since 1601."""
EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_TOKEN: Final = re.compile(
    r"\s*(?P<token>[()]|datetime'[^']*'|X'[0-9a-f]*'|'(?:[^']|'')*'|-?[0-9]+(?:\.[0-9]+)?L?|[A-Za-z_][A-Za-z0-9_]*)"
)
_NUMBERS: Final = frozenset({"Int32", "Int64", "Double"})


def ticks(at: datetime) -> int:
    delta = at - EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 10


def comparisons(condition: str) -> int:
    return sum(token in {"eq", "ne", "lt", "le", "gt", "ge"} for token in _tokens(condition))


def holds(condition: str, entity: Mapping[str, Typed], *, promotes: bool) -> bool:
    """Whether the entity fulfils it. `promotes`: numbers of different types are compared as floats, else not at all."""
    tokens = _tokenized(condition)
    verdict, at = _or(tokens, 0, entity, promotes)
    assert tokens[at] == "", f"{condition} ends at {at}"
    return verdict


@cache
def _tokenized(condition: str) -> list[str]:
    return [*_tokens(condition), ""]


def _tokens(condition: str) -> Iterator[str]:
    at = 0
    while at < len(condition):
        found = _TOKEN.match(condition, at)
        assert found is not None, f"{condition!r} cannot be read at {at}"
        yield found["token"]
        at = found.end()


_Step: TypeAlias = tuple[bool, int]


def _or(tokens: list[str], at: int, entity: Mapping[str, Typed], promotes: bool) -> _Step:
    return _chain("or", _and, any, tokens, at, entity, promotes)


def _and(tokens: list[str], at: int, entity: Mapping[str, Typed], promotes: bool) -> _Step:
    return _chain("and", _unary, all, tokens, at, entity, promotes)


def _chain(
    word: str,
    inner: Callable[..., _Step],
    joined: Callable[[list[bool]], bool],
    tokens: list[str],
    at: int,
    entity: Mapping[str, Typed],
    promotes: bool,
) -> _Step:
    verdict, at = inner(tokens, at, entity, promotes)
    verdicts = [verdict]
    while tokens[at] == word:
        verdict, at = inner(tokens, at + 1, entity, promotes)
        verdicts.append(verdict)
    return joined(verdicts), at


def _unary(tokens: list[str], at: int, entity: Mapping[str, Typed], promotes: bool) -> _Step:
    if tokens[at] == "not":
        assert tokens[at + 1] == "("
        verdict, at = _unary(tokens, at + 1, entity, promotes)
        return not verdict, at
    if tokens[at] == "(":
        verdict, at = _or(tokens, at + 1, entity, promotes)
        assert tokens[at] == ")"
        return verdict, at + 1
    name, operator, literal = tokens[at : at + 3]
    return _compared(entity.get(name), operator, _literal(literal), promotes), at + 3


def _literal(token: str) -> Typed:
    if token.startswith("'"):
        return "String", token[1:-1].replace("''", "'")
    if token.startswith("datetime"):
        at = datetime.fromisoformat(token[9:-1])
        assert at.year >= 1601
        return "DateTime", ticks(at)
    if token in {"true", "false"}:
        return "Boolean", token == "true"
    if token.endswith("L"):
        assert -(2**63) <= int(token[:-1]) < 2**63
        return "Int64", int(token[:-1])
    if "." in token:
        return "Double", float(token)
    assert -(2**31) <= int(token) < 2**31
    return "Int32", int(token)


def _compared(value: Typed | None, operator: str, literal: Typed, promotes: bool) -> bool:
    if value is None:
        return False
    (kind, left), (asked, right) = value, literal
    if kind != asked:
        if not promotes or kind not in _NUMBERS or asked not in _NUMBERS:
            return False
        left, right = float(left), float(right)
    if kind == "String":
        left, right = (text.encode("utf-16-be") for text in (left, right))
    verdicts = {
        "eq": left == right,
        "ne": left != right,
        "lt": left < right,
        "le": left <= right,
        "gt": left > right,
        "ge": left >= right,
    }
    return bool(verdicts[operator])

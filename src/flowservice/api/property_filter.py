"""The grammar of `property`: conditions such as `params.tableName==orders,customers`, and bare paths to show alone."""

import re
from collections.abc import Sequence
from typing import Final

from flowservice.domain.query import Condition, Operator, Path
from flowservice.errors import (
    BadQuery,
    EmptyFilterValue,
    FilterTooLarge,
    SeveralValues,
    UnknownOperator,
    UnsupportedOperator,
)

MAX_CONDITIONS: Final = 20
MAX_VALUES: Final = 100
MAX_STEPS: Final = 16
MAX_STEP: Final = 200
MAX_VALUE: Final = 4_000
"""Characters, as many as the longest description has."""

_OPERATORS: Final = "=!<>~&|"
_CONDITION: Final = re.compile(rf"(?P<path>[^{_OPERATORS}]*)(?P<rest>[{_OPERATORS}].*)", re.DOTALL)
_STEP: Final = re.compile(r"[^\s\[\]\"\x00-\x1f\x7f][^\[\]\"\x00-\x1f\x7f]*")
_QUOTED: Final = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)
_ADVICE: Final = "Use ==, !=, <, <=, > or >=."


def parsed(texts: Sequence[str]) -> tuple[tuple[Condition, ...], tuple[Path, ...]]:
    """Every `property` of a call: the conditions, and the paths that stand without one.

    Raises UnknownOperator, UnsupportedOperator, EmptyFilterValue, SeveralValues, FilterTooLarge, BadQuery.
    """
    conditions: list[Condition] = []
    shown: list[Path] = []
    for text in texts:
        if any(sign in text for sign in _OPERATORS):
            conditions.append(condition(text))
        else:
            shown += paths(text)
    values = sum(len(item.values) for item in conditions)
    if len(conditions) > MAX_CONDITIONS or values > MAX_VALUES:
        raise _too_many()
    return tuple(conditions), tuple(dict.fromkeys(shown))


def condition(text: str) -> Condition:
    """`path==value` as a condition. Raises as `parsed` does."""
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise BadQuery("a property filter must look like path==value", advice=_ADVICE)
    where = path(found["path"])
    operator, value = _split(found["rest"])
    values = tuple(_values(value))
    if not all(values):
        raise EmptyFilterValue(f"the filter on {'.'.join(where)[:80]} has an empty value", advice="Send path==value.")
    if max(map(len, values)) > MAX_VALUE:
        raise FilterTooLarge(f"a value of a filter has up to {MAX_VALUE} characters", advice="Send a shorter one.")
    if len(values) > 1 and operator not in {Operator.EQ, Operator.NE}:
        raise SeveralValues(f"{operator} takes one value", advice="Use == for several values.")
    return Condition(path=where, operator=operator, values=values)


def paths(text: str) -> tuple[Path, ...]:
    """Paths with commas between them. Raises BadQuery, FilterTooLarge."""
    found = tuple(dict.fromkeys(path(part) for part in text.split(",")))
    if len(found) > MAX_VALUES:
        raise FilterTooLarge(f"at most {MAX_VALUES} paths are shown", advice="Leave property out to see all of them.")
    return found


def path(text: str) -> Path:
    """A dotted path. `[]` after a step says that it is an array, which is looked into anyway.

    Raises BadQuery, FilterTooLarge.
    """
    steps = [step.removesuffix("[]") for step in text.strip().split(".")]
    if len(steps) > MAX_STEPS or any(len(step) > MAX_STEP for step in steps):
        raise FilterTooLarge(
            f"a path has up to {MAX_STEPS} steps of {MAX_STEP} characters", advice="Filter by a shorter path."
        )
    if not all(map(_STEP.fullmatch, steps)):
        raise BadQuery(
            "a path is made of names with a full stop between them",
            advice="Write property=params.columns[].name==email; an array takes [] without a number.",
        )
    return tuple(steps)


def _too_many() -> FilterTooLarge:
    return FilterTooLarge(
        f"a list takes up to {MAX_CONDITIONS} conditions with {MAX_VALUES} values in all",
        advice="Ask several times for a part of the values each.",
    )


def _split(rest: str) -> tuple[Operator, str]:
    """The operator at the start, and what follows it. After `==` any sign belongs to the value."""
    if rest.startswith("=="):
        return Operator.EQ, rest[2:]
    sign = rest[: len(rest) - len(rest.lstrip(_OPERATORS))]
    if "~" in sign:
        raise UnsupportedOperator("the operator ~ is not implemented", advice=_ADVICE)
    if sign == "=":
        return Operator.EQ, rest[1:]
    for operator in (Operator.NE, Operator.LE, Operator.GE, Operator.LT, Operator.GT):
        if sign == operator or (operator in {Operator.NE, Operator.LE, Operator.GE} and sign.startswith(operator)):
            return operator, rest[len(operator) :]
    if "&" in sign or "|" in sign:
        raise UnknownOperator("a filter has no && and no ||", advice="Repeat the parameter property for AND.")
    raise UnknownOperator("the filter's operator is unknown", advice=_ADVICE)


def _values(text: str) -> list[str]:
    """Values with commas between them; one in double quotes may hold commas, and `\\"` for a quote."""
    values: list[str] = []
    at = 0
    while at <= len(text):
        if len(values) > MAX_VALUES:
            raise _too_many()
        quoted = _QUOTED.match(text, at)
        if quoted is not None:
            values.append(quoted[1].replace('\\"', '"'))
            at = quoted.end()
            if not text[:at].endswith(","):
                break
            continue
        end = text.find(",", at)
        bare = text[at:] if end < 0 else text[at:end]
        if "&&" in bare or "||" in bare:
            raise UnknownOperator("a filter has no && and no ||", advice="Repeat the parameter property for AND.")
        values.append(bare.strip())
        at += len(bare) + 1
    return values

"""How functions are told to the evaluation: which names they have, and as what they take their arguments."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson
import polars as pl

from flowservice.domain.expressions.kinds import Array, Dictionary, Kind, Object, Scalar, united
from flowservice.domain.expressions.syntax import Call
from flowservice.engine.expressions.column import (
    Column,
    as_kind,
    by_value,
    dictionary_of,
    either,
    height_of,
    keep,
    lost_of,
    moment,
    number,
    text,
    truth,
    unfit,
    whole,
)
from flowservice.engine.expressions.evaluation import FUNCTIONS, Scope, evaluated
from flowservice.errors import BadExpression

Rows = Callable[..., Column]
_Made = TypeVar("_Made", bound=Rows)


def array(column: Column) -> Column:
    """As an array: anything else is lost."""
    if not isinstance(column.kind, Array) and column.kind is not Scalar.NULL:
        raise unfit(column, "an array")
    return column


def mapping(column: Column) -> Column:
    """As a map: an object's fields by their names; anything else is lost."""
    if isinstance(column.kind, Object):
        return dictionary_of(column, united(column.kind.fields.values()))
    if column.kind is Scalar.JSON:
        return by_value(column, _json_entries, Dictionary(Scalar.JSON))
    if not isinstance(column.kind, Dictionary) and column.kind is not Scalar.NULL:
        raise unfit(column, "a map")
    return column


def _json_entries(value: str) -> list[dict[str, str | None]]:
    """The entries of a JSON object. Raises ValueError for other JSON."""
    held = orjson.loads(value)
    if not isinstance(held, dict):
        raise ValueError(type(held).__name__)
    return entries({key: None if of is None else orjson.dumps(of).decode() for key, of in held.items()})


def anything(column: Column) -> Column:
    """As it is."""
    return column


_TAKEN: Final[dict[str, Callable[[Column], Column]]] = {
    "t": text,
    "w": whole,
    "n": number,
    "m": moment,
    "b": truth,
    "a": array,
    "d": mapping,
    "x": anything,
}


def function(*names: str, takes: str) -> Callable[[_Made], _Made]:
    """Make a function of columns known by these names.

    `takes` has a letter for each parameter: `t` text, `w` whole number, `n` number, `m` moment, `b` truth, `a` array,
    `d` map, `x` anything; the last one counts for all that follow. What an argument lost, the result has lost.
    """

    def register(of: _Made) -> _Made:
        def called(call: Call, scope: Scope) -> Column:
            given = [evaluated(argument, scope) for argument in call.arguments]
            letters = takes[: len(given)].ljust(len(given), takes[-1:])
            columns = [_TAKEN[letter](column) for letter, column in zip(letters, given, strict=True)]
            lost = lost_of(*columns)
            for letter, column in zip(letters, columns, strict=True):
                if letter in "ad" and column.kind is Scalar.NULL:
                    # No array or map at all: nothing comes of it.
                    return keep(column, lost)
            found = of(*columns)
            return keep(found, lost if found.lost is None else lost_of(found, *columns))

        FUNCTIONS.update(dict.fromkeys(names, called))
        return of

    return register


def special(*names: str) -> Callable[[Callable[[Call, Scope], Column]], Callable[[Call, Scope], Column]]:
    """Make a function of the call itself known by these names: it evaluates what it needs."""

    def register(of: Callable[[Call, Scope], Column]) -> Callable[[Call, Scope], Column]:
        FUNCTIONS.update(dict.fromkeys(names, of))
        return of

    return register


def all_constant(columns: Sequence[Column]) -> bool:
    """Whether each of them is one value for all rows."""
    return all(column.is_constant for column in columns)


def full(columns: Sequence[Column]) -> list[Column]:
    """All of them with a row for each row of the result."""
    height = height_of(columns)
    return [column.full(height) for column in columns]


def nulls(like: Sequence[Column], kind: Kind = Scalar.NULL) -> Column:
    """A column of nulls."""
    empty = as_kind(Column(Scalar.NULL, pl.Series([None]).new_from_index(0, height_of(like))), kind)
    return Column(kind, empty.values, lost_of(*like), all_constant(like))


def for_each(of: Callable[..., Column], varying: Sequence[Column], fixed: Sequence[Column]) -> Column:
    """`of(*varying, *values of fixed)`, for functions that need some arguments as constants: patterns, formats, zones.

    Rows are taken together by the values of `fixed`, and the function is called once for each. Where one of the values
    is null, so is the result.
    """
    if all_constant(fixed):
        values = [column.value for column in fixed]
        if any(value is None for value in values):
            return nulls([*varying, *fixed])
        return of(*varying, *values)
    height = height_of([*varying, *fixed])
    rows = pl.DataFrame({str(at): column.full(height).values for at, column in enumerate(fixed)}).with_row_index("row")
    names = [name for name in rows.columns if name != "row"]
    parts: list[Column] = []
    order: list[pl.Series] = []
    for values_of, part in rows.group_by(names, maintain_order=True):
        at = part["row"]
        if any(value is None for value in values_of):
            found = Column(Scalar.NULL, pl.Series([None]).new_from_index(0, len(at)))
        else:
            picked = [_gathered(column.full(height), at) for column in varying]
            found = _of_rows(of, picked, values_of).full(len(at))
        parts.append(found)
        order.append(at)
    kind = united(part.kind for part in parts)
    if not parts:
        return nulls([*varying, *fixed])
    values_ = pl.concat([as_kind(part, kind).values for part in parts])
    lost = pl.concat([_lost(part) for part in parts])
    back = pl.concat(order).arg_sort()
    return keep(Column(kind, values_.gather(back)), lost.gather(back))


def _of_rows(of: Callable[..., Column], picked: Sequence[Column], fixed: Sequence[Any]) -> Column:
    """What would refuse a constant is an error of the rows here."""
    try:
        return of(*picked, *fixed)
    except BadExpression:
        nulls_ = pl.Series([None]).new_from_index(0, height_of(picked))
        failed = pl.select(pl.all_horizontal([pl.lit(column.values.is_not_null()) for column in picked])).to_series()
        return Column(Scalar.NULL, nulls_, either(lost_of(*picked), failed))


def _gathered(column: Column, at: pl.Series) -> Column:
    return Column(column.kind, column.values.gather(at), None if column.lost is None else column.lost.gather(at))


def _lost(part: Column) -> pl.Series:
    return pl.Series([False]).new_from_index(0, len(part.values)) if part.lost is None else part.lost


def entries(pairs: Any) -> list[dict[str, Any]]:
    """A dictionary as the entries of a map."""
    return [{"key": key, "value": value} for key, value in pairs.items()]

"""Operators over columns: docs/expressions.md, "Operators"."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import orjson
import polars as pl
import pyarrow.compute as pc

from flowservice.domain.expressions.kinds import Array, Dictionary, Kind, Moment, Object, Scalar, in_words
from flowservice.domain.expressions.parsing import bad
from flowservice.domain.expressions.syntax import Operator
from flowservice.engine.expressions.column import (
    Column,
    Numbers,
    by_value,
    computed,
    constant,
    either,
    keep,
    lost_of,
    moment,
    number,
    numbers,
    select,
    text,
    truth,
    whole,
)
from flowservice.sdk.text import text_of

_TEXTS: Final = (Scalar.TEXT, Scalar.LOOSE, Scalar.JSON)
_NUMBERS: Final = (Scalar.WHOLE, Scalar.DECIMAL)
_ARITHMETIC: Final = (Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE, Operator.REMAINDER)
_Two = Callable[[pl.Expr, pl.Expr], pl.Expr]


def unary(operator: Operator, operand: Column, *, at: int) -> Column:
    """An operator before its operand. Raises BadExpression for an operand that can be none."""
    if operand.kind is Scalar.JSON and operator not in (Operator.IS_EMPTY, Operator.SIZE):
        operand = text(operand)
    match operator:
        case Operator.NOT:
            condition = truth(operand)
            return keep(replace(condition, values=~condition.values), condition.lost)
        case Operator.IS_EMPTY:
            size = size_of(operand)
            return replace(size, kind=Scalar.TRUTH, values=size.values == 0)
        case Operator.SIZE:
            return size_of(operand)
        case Operator.COMPLEMENT:
            _check_number(operand.kind, operator, at=at)
            number_ = whole(operand)
            found = keep(computed(Scalar.WHOLE, lambda values: -1 - values, number_), number_.lost)
            return replace(text(found), kind=Scalar.LOOSE) if operand.kind in _TEXTS else found
        case _:
            _check_number(operand.kind, operator, at=at)
            # The least of 64 bits has no counterpart: it is lost, as with other ways beyond.
            return _arithmetic(Operator.SUBTRACT, constant(0, Scalar.WHOLE), operand)


def size_of(column: Column) -> Column:
    """Characters, items or keys; 0 of null."""
    match column.kind:
        case Array() | Dictionary():
            sizes = column.values.list.len()
        case Object(fields=fields):
            given = [column.values.struct.field(name).is_not_null().cast(pl.Int64) for name in fields]
            sizes = sum(given, start=pl.Series([0]).new_from_index(0, len(column.values)))
        case Scalar.JSON:
            sizes = by_value(column, _json_size, Scalar.WHOLE).values
        case Scalar.NULL:
            sizes = pl.Series([0]).new_from_index(0, len(column.values))
        case _:
            sizes = text(column).values.str.len_chars()
    return keep(Column(Scalar.WHOLE, sizes.cast(pl.Int64).fill_null(0), None, column.is_constant), column.lost)


def _json_size(value: str) -> int:
    held = orjson.loads(value)
    return len(held) if isinstance(held, dict | list | str) else len(value)


def binary(operator: Operator, left: Column, right: Column, *, at: int) -> Column:
    """An operator between two operands, other than `&&` and `||`. Raises BadExpression for kinds that do not fit."""
    left, right = (text(side) if side.kind is Scalar.JSON else side for side in (left, right))
    if operator in _ARITHMETIC:
        if operator is Operator.ADD and _joins(left.kind, right.kind):
            one, other = text(left), text(right)
            return keep(computed(Scalar.TEXT, lambda a, b: a + b, one, other), lost_of(one, other))
        for side in (left, right):
            _check_number(side.kind, operator, at=at)
        return _arithmetic(operator, left, right)
    return _comparison(operator, left, right, at=at)


def _joins(left: Kind, right: Kind) -> bool:
    """Whether `+` joins texts, whatever the values."""
    kinds = left, right
    if not all(isinstance(kind, Scalar | Moment) for kind in kinds):
        return False
    beside = any(isinstance(kind, Moment) or kind is Scalar.TRUTH for kind in kinds)
    return Scalar.TEXT in kinds or (beside and any(kind in (*_TEXTS, Scalar.NULL) for kind in kinds))


def _check_number(kind: Kind, operator: Operator, *, at: int) -> None:
    if kind not in (*_NUMBERS, *_TEXTS, Scalar.NULL):
        raise bad(
            f"{operator.value} works on numbers, not on {in_words(kind)}",
            at=at,
            advice="Convert it, or take a part of it.",
        )


# --- arithmetic --------------------------------------------------------------------------------------------------


def _arithmetic(operator: Operator, left: Column, right: Column) -> Column:
    is_constant = left.is_constant and right.is_constant
    if left.kind is right.kind is Scalar.NULL:
        return keep(left if len(left.values) >= len(right.values) else right, lost_of(left, right))
    nulls = select(left.expr.is_null() | right.expr.is_null(), is_constant=is_constant)
    one, other = numbers(left), numbers(right)
    wholes = _whole_result(operator, one, other, is_constant=is_constant)
    is_loose = one.is_loose or other.is_loose
    if operator is not Operator.ADD:
        # What is no number is an error beside a null, too.
        for side, found in ((left, one), (right, other)):
            nulls = select(pl.lit(nulls) & ~_unread(side, found), is_constant=is_constant)
    if wholes is not None and not is_loose:
        return _with_failures(Scalar.WHOLE, wholes, nulls, left, right, is_constant=is_constant)
    # Where both are whole, the whole result counts, or that it did not fit.
    parts = _decimal_parts(one), _decimal_parts(other)
    result = _decimal_result(operator, *parts)
    decimals = select(pl.when(result.is_finite()).then(result), is_constant=is_constant)
    if not is_loose:
        return _with_failures(Scalar.DECIMAL, decimals, nulls, left, right, is_constant=is_constant)
    as_text = text_of(pl.lit(decimals), pl.Float64())
    both_whole = pl.lit(value=False)
    if wholes is not None:
        assert one.whole is not None
        assert other.whole is not None
        both_whole = _lit(one.whole).is_not_null() & _lit(other.whole).is_not_null()
        as_text = pl.when(both_whole).then(pl.lit(wholes).cast(pl.String)).otherwise(as_text)
    if operator is Operator.ADD:
        no_numbers = parts[0].is_null() | parts[1].is_null()
        as_text = pl.when(no_numbers).then(text(left).expr + text(right).expr).otherwise(as_text)
    values = select(as_text, is_constant=is_constant)
    return _with_failures(Scalar.LOOSE, values, nulls, left, right, is_constant=is_constant)


def _unread(side: Column, found: Numbers) -> pl.Expr:
    if not found.is_loose:
        return pl.lit(value=False)
    return side.expr.is_not_null() & _decimal_parts(found).is_null()


def _with_failures(
    kind: Kind, values: pl.Series, nulls: pl.Series, left: Column, right: Column, *, is_constant: bool
) -> Column:
    lost = lost_of(left, right)
    if values.null_count():
        lost = either(lost, values.is_null() & ~nulls)
    return keep(Column(kind, values, None, is_constant), lost)


def _lit(values: pl.Series) -> pl.Expr:
    return pl.lit(values[0], values.dtype) if len(values) == 1 else pl.lit(values)


def _whole_result(operator: Operator, one: Numbers, other: Numbers, *, is_constant: bool) -> pl.Series | None:
    if one.whole is None or other.whole is None:
        return None
    # 128 bits hold every result; those beyond 64 become null.
    a, b = (_lit(side.whole).cast(pl.Int128) for side in (one, other) if side.whole is not None)
    divisor = pl.when(b != 0).then(b)
    # Rounded towards zero, as in Java; Polars rounds down.
    quotient = a.abs() // divisor.abs() * a.sign() * divisor.sign()
    results: dict[Operator, pl.Expr] = {
        Operator.ADD: a + b,
        Operator.SUBTRACT: a - b,
        Operator.MULTIPLY: a * b,
        Operator.DIVIDE: quotient,
        Operator.REMAINDER: a - quotient * b,
    }
    return select(results[operator].cast(pl.Int64, strict=False), is_constant=is_constant)


def _decimal_parts(side: Numbers) -> pl.Expr:
    parts = [_lit(part).cast(pl.Float64) for part in (side.whole, side.decimal) if part is not None]
    return parts[0] if len(parts) == 1 else pl.coalesce(parts)


def _decimal_result(operator: Operator, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    if operator is Operator.REMAINDER:
        return _remainder(a, b)
    if operator is Operator.DIVIDE:
        # Polars multiplies by the inverse of a constant, which rounds otherwise.
        pairs = pl.select(pl.struct(a.alias("a"), b.alias("b"))).to_series().struct
        divided = pc.divide(pairs.field("a").to_arrow(), pairs.field("b").to_arrow())
        return pl.lit(pl.Series(divided))
    return _decimal_operation(operator)(a, b)


def _remainder(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """With the sign of the dividend, and exact: what Polars has rounds. Python takes each pair."""
    pairs = pl.select(pl.struct(a.alias("a"), b.alias("b"))).to_series().struct
    made = map(_fmod, pairs.field("a").to_list(), pairs.field("b").to_list())
    return pl.lit(pl.Series(list(made), dtype=pl.Float64))


def _fmod(dividend: float | None, divisor: float | None) -> float | None:
    if dividend is None or divisor is None or divisor == 0 or math.isinf(dividend):
        return None
    return math.fmod(dividend, divisor)


def _decimal_operation(operator: Operator) -> _Two:
    return {
        Operator.ADD: lambda a, b: a + b,
        Operator.SUBTRACT: lambda a, b: a - b,
        Operator.MULTIPLY: lambda a, b: a * b,
    }[operator]


# --- comparison --------------------------------------------------------------------------------------------------

_COMPARED: Final[dict[Operator, _Two]] = {
    Operator.EQUAL: lambda a, b: a == b,
    Operator.UNEQUAL: lambda a, b: a != b,
    Operator.LESS: lambda a, b: a < b,
    Operator.AT_MOST: lambda a, b: a <= b,
    Operator.GREATER: lambda a, b: a > b,
    Operator.AT_LEAST: lambda a, b: a >= b,
}
_EQUALITY: Final = (Operator.EQUAL, Operator.UNEQUAL)


def _comparison(operator: Operator, left: Column, right: Column, *, at: int) -> Column:
    is_constant = left.is_constant and right.is_constant
    nulls = left.expr.is_null(), right.expr.is_null()
    lost = lost_of(left, right)
    if Scalar.NULL in (left.kind, right.kind):
        holds: pl.Expr = pl.lit(None, pl.Boolean)
        failed = None
    else:
        holds, failed = _holds(operator, left, right, at=at)
    if operator in _EQUALITY:
        same = nulls[0] & nulls[1] if operator is Operator.EQUAL else nulls[0] ^ nulls[1]
        holds = pl.when(nulls[0] | nulls[1]).then(same).otherwise(holds)
    else:
        holds = pl.when(nulls[0] | nulls[1]).then(pl.lit(value=False)).otherwise(holds)
    values = select(holds, is_constant=is_constant)
    if failed is not None:
        lost = either(lost, select(failed & ~nulls[0] & ~nulls[1], is_constant=is_constant))
    return keep(Column(Scalar.TRUTH, values, None, is_constant), lost)


def _holds(operator: Operator, left: Column, right: Column, *, at: int) -> tuple[pl.Expr, pl.Expr | None]:
    """Whether it holds where neither is null, and where it is an error."""
    compared = _COMPARED[operator]
    kinds = left.kind, right.kind
    if all(kind in _NUMBERS for kind in kinds):
        return compared(left.expr, right.expr), None
    if all(kind is Scalar.TRUTH for kind in kinds) and operator in _EQUALITY:
        return compared(left.expr, right.expr), None
    if any(kind is Scalar.TRUTH for kind in kinds) and any(kind in _TEXTS for kind in kinds):
        return compared(text(left).expr, text(right).expr), None
    if any(isinstance(kind, Moment) for kind in kinds) and all(
        isinstance(kind, Moment) or kind in _TEXTS for kind in kinds
    ):
        return _or_failed(operator, moment(left).expr, moment(right).expr)
    if any(kind in _NUMBERS for kind in kinds) and any(kind in _TEXTS for kind in kinds):
        return _or_failed(operator, *_numbers_compared(left, right))
    if all(kind in _TEXTS for kind in kinds):
        texts = compared(text(left).expr, text(right).expr)
        if Scalar.TEXT in kinds:
            return texts, None
        a, b = _numbers_compared(left, right)
        return pl.when(a.is_not_null() & b.is_not_null()).then(compared(a, b)).otherwise(texts), None
    if operator in _EQUALITY and all(isinstance(kind, Scalar | Moment) for kind in kinds):
        # A truth value, a number and a moment are never the same.
        return pl.lit(operator is Operator.UNEQUAL), None
    raise bad(f"{operator.value} cannot compare {in_words(kinds[0])} and {in_words(kinds[1])}", at=at)


def _numbers_compared(left: Column, right: Column) -> tuple[pl.Expr, pl.Expr]:
    """Both as numbers of one type: whole where all are, so that none is rounded."""
    one, other = numbers(left), numbers(right)
    if one.decimal is None and other.decimal is None and one.whole is not None and other.whole is not None:
        return _lit(one.whole), _lit(other.whole)
    return _decimal_parts(one), _decimal_parts(other)


def _or_failed(operator: Operator, a: pl.Expr, b: pl.Expr) -> tuple[pl.Expr, pl.Expr | None]:
    """A side that is no number or moment equals nothing, and is an error where order is asked for."""
    failed = a.is_null() | b.is_null()
    if operator in _EQUALITY:
        return pl.when(failed).then(pl.lit(operator is Operator.UNEQUAL)).otherwise(_COMPARED[operator](a, b)), None
    return _COMPARED[operator](a, b), failed


def is_given(column: Column) -> Column:
    """The condition of `?:`: neither null nor empty, nor false, nor zero."""
    match column.kind:
        case Scalar.TRUTH | Scalar.WHOLE | Scalar.DECIMAL:
            return truth(column)
        case Scalar.TEXT | Scalar.LOOSE | Scalar.JSON:
            words = text(column)
            zero = number(replace(words, lost=None)).values == 0
            is_none = (size_of(column).values == 0) | (words.values == "false") | zero.fill_null(value=False)
            values = ~is_none.fill_null(value=True)
        case Moment():
            values = column.values.is_not_null()
        case _:
            values = size_of(column).values > 0
    return Column(Scalar.TRUTH, values, column.lost, column.is_constant)

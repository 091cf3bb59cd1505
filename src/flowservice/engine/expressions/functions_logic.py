"""Functions that choose: conditions, candidates, the least and the greatest."""

import os
from dataclasses import replace
from functools import reduce

import polars as pl
import pyarrow as pa

from flowservice.domain.expressions.checking import path_of
from flowservice.domain.expressions.kinds import Moment, Scalar, is_scalar, united
from flowservice.domain.expressions.parsing import bad
from flowservice.domain.expressions.syntax import Call, Literal, Operator
from flowservice.engine.expressions import operators
from flowservice.engine.expressions.column import (
    Column,
    as_kind,
    constant,
    decimals,
    either,
    keep,
    replace_nulls,
    select,
    text,
    truth,
    whole,
)
from flowservice.engine.expressions.evaluation import Scope, chosen, evaluated
from flowservice.engine.expressions.functions import all_constant, function, special


@special("iif")
def _iif(call: Call, scope: Scope) -> Column:
    condition, yes, no = (evaluated(argument, scope) for argument in call.arguments)
    return chosen(truth(condition), yes, no)


@special("decode")
def _decode(call: Call, scope: Scope) -> Column:
    key, *options = (evaluated(argument, scope) for argument in call.arguments)
    # The last one is there for every key if nothing belongs to it.
    otherwise = options.pop() if len(options) % 2 else constant(None, Scalar.NULL)
    pairs = list(zip(options[::2], options[1::2], strict=True))
    found = otherwise
    for option, value in reversed(pairs):
        found = chosen(operators.binary(Operator.EQUAL, key, option, at=call.at), value, found)
    return keep(found, either(key.lost, found.lost))


@special("coalesce")
def _coalesce(call: Call, scope: Scope) -> Column:
    *candidates, found = (evaluated(argument, scope) for argument in call.arguments)
    for candidate in reversed(candidates):
        given = Column(Scalar.TRUTH, candidate.values.is_not_null(), candidate.lost, candidate.is_constant)
        found = chosen(replace_nulls(given), candidate, found)
    return found


@function("nullify", takes="x")
def _nullify() -> Column:
    return constant(None, Scalar.NULL)


@special("min")
def _min(call: Call, scope: Scope) -> Column:
    return _extreme(Operator.LESS, call, scope)


@special("max")
def _max(call: Call, scope: Scope) -> Column:
    return _extreme(Operator.GREATER, call, scope)


def _extreme(operator: Operator, call: Call, scope: Scope) -> Column:
    options = [evaluated(argument, scope) for argument in call.arguments]
    kind = united(option.kind for option in options)
    if not is_scalar(kind):
        raise bad(f"{call.name} compares single values", at=call.at, advice="Give it the values as arguments.")
    columns = [as_kind(option, kind) for option in options]
    if kind is Scalar.JSON:
        columns = [text(column) for column in columns]
        kind = Scalar.LOOSE
    if kind is not Scalar.LOOSE:
        return _folded(operator, columns, at=call.at)
    # By value where all read like numbers, else by their texts.
    plain = _folded(operator, [replace(column, kind=Scalar.TEXT) for column in columns], at=call.at)
    numeric = _folded(operator, columns, at=call.at)
    is_number = select(
        pl.all_horizontal([lit_of(decimals(column), column).is_not_null() for column in columns]),
        is_constant=all_constant(columns),
    )
    return chosen(
        Column(Scalar.TRUTH, is_number, None, all_constant(columns)),
        replace(numeric, kind=kind),
        replace(plain, kind=kind),
    )


def lit_of(values: pl.Series, like: Column) -> pl.Expr:
    """Values beside other columns."""
    return pl.lit(values[0], values.dtype) if like.is_constant else pl.lit(values)


def _folded(operator: Operator, columns: list[Column], *, at: int) -> Column:
    def better(one: Column, other: Column) -> Column:
        wins = operators.binary(operator, other, one, at=at)
        picked = chosen(wins, other, one)
        # One null makes the result null, as with other functions.
        nulls = one.expr.is_null() | other.expr.is_null()
        is_constant = one.is_constant and other.is_constant
        values = select(pl.when(~nulls).then(picked.expr), is_constant=is_constant)
        lost = either(either(one.lost, other.lost), picked.lost)
        return keep(Column(picked.kind, values, None, is_constant), lost)

    return reduce(better, columns)


@function("is_empty", takes="x")
def _is_empty(given: Column) -> Column:
    size = operators.size_of(given)
    return replace(size, kind=Scalar.TRUTH, values=size.values == 0)


@function("size_of", takes="x")
def _size_of(given: Column) -> Column:
    return operators.size_of(given)


# --- numbers -----------------------------------------------------------------------------------------------------


@function("to_integer", takes="w")
def _to_integer(given: Column) -> Column:
    return given


@function("to_bigint", takes="x")
def _to_bigint(given: Column) -> Column:
    """What stands after the point is cut off."""
    if given.kind in (Scalar.WHOLE, Scalar.NULL):
        return whole(given)
    numbers = decimals(given)
    exact = whole(Column(given.kind, given.values, None, given.is_constant))
    cut = pl.lit(numbers).sign() * pl.lit(numbers).abs().floor()
    inside = pl.when((cut >= -(2.0**63)) & (cut < 2.0**63)).then(cut).cast(pl.Int64, strict=False)
    values = select(pl.coalesce(pl.lit(exact.values), inside), is_constant=given.is_constant)
    failed = values.is_null() & given.values.is_not_null()
    return Column(Scalar.WHOLE, values, either(given.lost, failed), given.is_constant)


@function("to_decimal", takes="n")
def _to_decimal(given: Column) -> Column:
    return as_kind(given, Scalar.DECIMAL)


@function("to_float", takes="n")
def _to_float(given: Column) -> Column:
    """As a number of 32 bits holds it."""
    values = given.values.cast(pl.Float32).cast(pl.String).cast(pl.Float64)
    failed = values.is_infinite().fill_null(value=False)
    return keep(Column(Scalar.DECIMAL, values, None, given.is_constant), either(given.lost, failed))


# --- of no argument ----------------------------------------------------------------------------------------------


@special("now")
def _now(call: Call, scope: Scope) -> Column:
    del call
    return constant(scope.now, Moment())


@special("timestamp")
def _timestamp(call: Call, scope: Scope) -> Column:
    del call
    return constant(int(scope.now.timestamp() * 1_000), Scalar.WHOLE)


@special("uuid", "guid")
def _uuid(call: Call, scope: Scope) -> Column:
    """Version 4, one a row: random bits drawn at once."""
    del call
    drawn = pa.Array.from_buffers(pa.binary(16), scope.height, [None, pa.py_buffer(os.urandom(16 * scope.height))])
    digits = pl.lit(pl.Series(drawn.cast(pa.binary()))).bin.encode("hex")
    # Four bits say the version, two the variant.
    variant = digits.str.slice(16, 1).replace_strict(list("0123456789abcdef"), list("89ab" * 4), return_dtype=pl.String)
    parts = [
        digits.str.slice(0, 8),
        digits.str.slice(8, 4),
        pl.lit("4") + digits.str.slice(13, 3),
        variant + digits.str.slice(17, 3),
        digits.str.slice(20, 12),
    ]
    return Column(Scalar.TEXT, select(pl.concat_str(parts, separator="-")))


@special("contains_key", "is_set")
def _contains_key(call: Call, scope: Scope) -> Column:
    """Whether the path leads to a value; what is null is not there."""
    (path,) = call.arguments
    if not isinstance(path, Literal) or not isinstance(path.value, str):
        raise bad("contains_key takes a path as a constant text", at=path.at)
    found = evaluated(path_of(path.value), scope)
    return Column(Scalar.TRUTH, found.values.is_not_null(), found.lost, found.is_constant)


@special("fpid_to_ecid")
def _fpid_to_ecid(call: Call, scope: Scope) -> Column:
    del scope
    raise bad("the rule of fpid_to_ecid is not public", at=call.at, advice="Map the first-party id as it is.")

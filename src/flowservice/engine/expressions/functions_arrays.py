"""Functions over arrays."""

import polars as pl

from flowservice.domain.expressions.kinds import Array, Object, Scalar, united
from flowservice.domain.expressions.parsing import bad
from flowservice.domain.expressions.syntax import Call, Lambda
from flowservice.engine.expressions.column import (
    Column,
    as_kind,
    dtype_of,
    either,
    flattened,
    keep,
    lists_of,
    lost_of,
    rebuilt,
    rows_of,
    select,
    truth,
    unfit,
)
from flowservice.engine.expressions.evaluation import Scope, array_of, check_different, chosen, evaluated
from flowservice.engine.expressions.functions import all_constant, full, function, special
from flowservice.engine.expressions.functions_text import summed


@function("to_array", takes="bx")
def _to_array(with_nulls: Column, *values: Column) -> Column:
    everything = array_of(list(values))
    return chosen(with_nulls, everything, without_nulls(everything))


def without_nulls(column: Column) -> Column:
    """Arrays without items that are null."""
    items, lens = flattened(column)
    kept = items.values.is_not_null()
    left = lists_of(items.values.filter(kept), summed(kept.cast(pl.Int64), lens), column.values.is_null())
    return Column(column.kind, left, column.lost, column.is_constant)


@function("add_to_array", takes="ax")
def _add_to_array(array: Column, *values: Column) -> Column:
    return joined([array, array_of(list(values))])


@function("join_arrays", takes="a")
def _join_arrays(*arrays: Column) -> Column:
    return joined(list(arrays))


def joined(arrays: list[Column]) -> Column:
    """Arrays one after the other; null where one is."""
    kind = united(array.kind for array in arrays)
    is_constant = all_constant(arrays)
    lists = [as_kind(array, kind).expr for array in arrays]
    nulls = [array.expr.is_null() for array in arrays]
    # A constant list would count as one list for all rows only beside others.
    values = select(
        pl.when(~pl.any_horizontal(nulls)).then(pl.concat_list(lists)).cast(dtype_of(kind)), is_constant=is_constant
    )
    return keep(Column(kind, values, None, is_constant), lost_of(*arrays))


@function("first", takes="x")
def _first(*values: Column) -> Column:
    return _end(values, 0)


@function("last", takes="x")
def _last(*values: Column) -> Column:
    return _end(values, -1)


def _end(values: tuple[Column, ...], at: int) -> Column:
    if len(values) == 1 and isinstance(values[0].kind, Array):
        array, kind = values[0], values[0].kind.of
        found = select(array.expr.list.get(at, null_on_oob=True), is_constant=array.is_constant)
        return Column(kind, found, array.lost, array.is_constant)
    # The others say which kind it is.
    kind = united(value.kind for value in values)
    return keep(as_kind(values[at], kind), lost_of(*values))


@function("flattenArray", takes="a")
def _flatten_array(array: Column) -> Column:
    items, lens = flattened(array)
    while isinstance(items.kind, Array):
        inner, inner_lens = flattened(items)
        items, lens = inner, summed(inner_lens, lens)
    return rebuilt(items, lens, array)


@function("upsert_array_append", "upsert_array_replace", takes="ax")
def _upsert_array(array: Column, index: Column | None = None) -> Column:
    """Marks of streaming updates: beyond those, the array as it is."""
    del index
    return array


@special("filterArray")
def _filter_array(call: Call, scope: Scope) -> Column:
    array, items, lens, body = _over_items(call, scope)
    if not isinstance(array.kind, Array):
        return array
    kept = truth(body)
    left = Column(items.kind, items.values.filter(kept.values), None)
    counts = summed(kept.values.cast(pl.Int64), lens)
    found = Column(array.kind, lists_of(left.values, counts, array.values.is_null()), None)
    return keep(found, either(array.lost, _lost_within(kept, lens, array)))


@special("transformArray")
def _transform_array(call: Call, scope: Scope) -> Column:
    array, _, lens, body = _over_items(call, scope)
    if not isinstance(array.kind, Array):
        return array
    return rebuilt(body, lens, array)


def _over_items(call: Call, scope: Scope) -> tuple[Column, Column, pl.Series, Column]:
    """The arrays, their items, how many each has, and the lambda's values for the items."""
    given, function_ = call.arguments
    if not isinstance(function_, Lambda):
        raise bad(f"{call.name} needs a lambda", at=function_.at, advice="Write x -> and an expression over x.")
    array = evaluated(given, scope).full(scope.height)
    if array.kind is Scalar.NULL:
        return array, array, pl.Series([0]), array
    if not isinstance(array.kind, Array):
        raise unfit(array, "an array")
    items, lens = flattened(array)
    inner = scope.within(lens, function_.parameter, items)
    return array, items, lens, evaluated(function_.body, inner).full(inner.height)


def _lost_within(items: Column, lens: pl.Series, array: Column) -> pl.Series | None:
    if items.lost is None or not items.lost.any():
        return None
    return lists_of(items.lost, lens, array.values.is_null()).list.any().fill_null(value=False)


def _as_array(column: Column) -> Column:
    if not isinstance(column.kind, Array) and column.kind is not Scalar.NULL:
        raise unfit(column, "an array")
    return as_kind(column, Array(Scalar.NULL)) if column.kind is Scalar.NULL else column


@special("arrays_to_object", "arrays_to_objects")
def _arrays_to_object(call: Call, scope: Scope) -> Column:
    given = [evaluated(argument, scope) for argument in call.arguments]
    if len(given) % 2:
        raise bad(f"{call.name} takes names and arrays in turn", at=call.at)
    names, columns = given[::2], given[1::2]
    for name, argument in zip(names, call.arguments[::2], strict=True):
        if not name.is_constant or name.kind is not Scalar.TEXT:
            raise bad("the names of the fields must be constant texts", at=argument.at)
    check_different([name.value for name in names], at=call.at)
    arrays = [_as_array(column) for column in columns]
    is_constant = all_constant(arrays)
    arrays = arrays if is_constant else full(arrays)
    nulls = select(pl.any_horizontal([array.expr.is_null() for array in arrays]), is_constant=is_constant)
    # An array that is null has no items, whatever the others have.
    longest = select(
        pl.when(~pl.lit(nulls)).then(pl.max_horizontal([array.expr.list.len() for array in arrays])).otherwise(0),
        is_constant=is_constant,
    )
    rows = rows_of(longest)
    starts = longest.cum_sum() - longest
    place = pl.int_range(len(rows), eager=True) - starts.gather(rows).cast(pl.Int64)
    parts = []
    fields = {}
    for name, array in zip(names, arrays, strict=True):
        assert isinstance(array.kind, Array)
        items, lens = flattened(array)
        first = lens.cast(pl.Int64).cum_sum() - lens.cast(pl.Int64)
        inside = pl.lit(place) < pl.lit(lens.cast(pl.Int64).gather(rows))
        at = select(pl.when(inside).then(pl.lit(first.gather(rows)) + pl.lit(place)))
        fields[name.value] = array.kind.of
        parts.append(items.values.gather(at).alias(name.value))
    kind = Object(fields)
    objects = pl.DataFrame(parts).to_struct() if parts else pl.Series([], dtype=dtype_of(kind))
    made = lists_of(objects, longest, nulls)
    return keep(Column(Array(kind), made, None, is_constant), lost_of(*arrays))

"""Functions over objects, maps and JSON."""

from typing import Any

import orjson
import polars as pl

from flowservice.domain.expressions.kinds import Array, Dictionary, Object, Scalar, is_scalar, united
from flowservice.domain.expressions.parsing import bad
from flowservice.domain.expressions.syntax import Call, Reference
from flowservice.engine.expressions.column import (
    Column,
    as_kind,
    by_value,
    computed,
    constant,
    flattened,
    interleaved,
    keep,
    lists_of,
    lost_of,
    rows_of,
    select,
    text,
    unfit,
)
from flowservice.engine.expressions.evaluation import (
    Scope,
    array_of,
    check_different,
    evaluated,
    looked_up,
    member,
    nothing,
    object_of,
)
from flowservice.engine.expressions.functions import (
    all_constant,
    entries,
    for_each,
    full,
    function,
    mapping,
    special,
)

_TEXT_MAP = Dictionary(Scalar.TEXT)


def _pairs(call: Call, scope: Scope) -> list[Column]:
    """The arguments, keys and values in turn."""
    if len(call.arguments) % 2:
        raise bad(f"{call.name} takes keys and values in turn", at=call.at)
    return [evaluated(argument, scope) for argument in call.arguments]


@special("to_object")
def _to_object(call: Call, scope: Scope) -> Column:
    given = _pairs(call, scope)
    keys = [text(key) for key in given[::2]]
    for key, argument in zip(keys, call.arguments[::2], strict=True):
        if not key.is_constant or key.value is None:
            raise bad(
                "the names of an object's fields must be constant", at=argument.at, advice="Use to_map(key, value)."
            )
    check_different([key.value for key in keys], at=call.at)
    return object_of({key.value: value for key, value in zip(keys, given[1::2], strict=True)})


@special("to_map")
def _to_map(call: Call, scope: Scope) -> Column:
    given = _pairs(call, scope)
    return _map_of([text(key) for key in given[::2]], given[1::2])


def _map_of(keys: list[Column], values: list[Column]) -> Column:
    """Maps of these keys to these values. The last of a key counts; null keys are left out."""
    kind = united(value.kind for value in values)
    columns = [*keys, *(as_kind(value, kind) for value in values)]
    is_constant = all_constant(columns)
    columns = columns if is_constant else full(columns)
    count = len(keys)
    if not count:
        return constant([], Dictionary(Scalar.NULL))
    height = len(columns[0].values)
    parts = {"key": columns[:count], "value": columns[count:]}
    pairs = pl.DataFrame({name: interleaved([column.values for column in part]) for name, part in parts.items()})
    found = _distinct(pairs, select(pl.repeat(count, height)), keep_="last", nulls=select(pl.repeat(False, height)))
    return keep(Column(Dictionary(kind), found, None, is_constant), lost_of(*columns))


def _distinct(pairs: pl.DataFrame, lens: pl.Series, *, keep_: Any, nulls: pl.Series) -> pl.Series:
    """Entries as maps of so many each, one a key. Null keys are left out."""
    frame = pairs.with_columns(rows_of(lens).alias("row")).filter(pl.col("key").is_not_null())
    # A later value of a key takes the place of the first, as in a map that keeps its order.
    order = frame.unique(["row", "key"], keep="first", maintain_order=True).select("row", "key")
    values = frame.unique(["row", "key"], keep=keep_, maintain_order=True)
    kept = order.join(values, on=["row", "key"], how="left", maintain_order="left")
    counts = (
        pl.DataFrame({"row": pl.int_range(len(lens), eager=True)})
        .join(kept.group_by("row").len(), on="row", how="left", maintain_order="left")["len"]
        .fill_null(0)
    )
    return lists_of(kept.select("key", "value").to_struct(), counts, nulls)


@special("object_to_map")
def _object_to_map(call: Call, scope: Scope) -> Column:
    arguments = call.arguments
    if len(arguments) == 1:
        given = evaluated(arguments[0], scope)
        if given.kind is Scalar.NULL:
            return given
        return mapping(given)
    if len(arguments) == 2:
        array = evaluated(arguments[0], scope)
        if isinstance(array.kind, Array):
            # The attribute's name may stand without quotes here.
            named = arguments[1]
            key = constant(named.name, Scalar.TEXT) if isinstance(named, Reference) else text(evaluated(named, scope))
            return _keyed(array, key, at=call.at)
    if len(arguments) % 2:
        raise bad("object_to_map takes an object, an array and a key, or pairs of keys and values", at=call.at)
    return _to_map(call, scope)


@special("array_to_map")
def _array_to_map(call: Call, scope: Scope) -> Column:
    array, key = (evaluated(argument, scope) for argument in call.arguments)
    return _keyed(array, text(key), at=call.at)


def _keyed(array: Column, key: Column, *, at: int) -> Column:
    """Maps of the objects of arrays, by what one field of them holds."""
    if not key.is_constant:
        raise bad("the field by which objects are mapped must be constant", at=at)
    if array.kind is Scalar.NULL:
        return array
    if not isinstance(array.kind, Array):
        raise unfit(array, "an array")

    def keyed(given: Column, name: str) -> Column:
        items, lens = flattened(given)
        if not isinstance(items.kind, Object | Dictionary):
            raise unfit(items, "an object")
        pairs = pl.DataFrame({"key": text(member(items, name, at=0)).values, "value": items.values})
        found = _distinct(pairs, lens, keep_="last", nulls=given.values.is_null())
        return Column(Dictionary(items.kind), found, given.lost, given.is_constant)

    return for_each(keyed, (array,), (key,))


@function("add_to_map", takes="d")
def _add_to_map(*maps: Column) -> Column:
    kind = united(each.kind for each in maps)
    assert isinstance(kind, Dictionary)
    is_constant = all_constant(maps)
    columns = [as_kind(each, kind) for each in (maps if is_constant else full(maps))]
    joined = select(pl.concat_list([column.expr for column in columns]), is_constant=is_constant)
    items, lens = flattened(Column(kind, joined))
    nulls = joined.is_null()
    found = _distinct(items.values.struct.unnest(), lens, keep_="first", nulls=nulls)
    return keep(Column(kind, found, None, is_constant), lost_of(*maps))


@function("get", takes="xx")
def _get(of: Column, key: Column) -> Column:
    if is_scalar(of.kind) and of.kind is not Scalar.JSON:
        return nothing(of)
    if isinstance(of.kind, Object) and key.is_constant:
        name = text(key).value
        return constant(None, Scalar.NULL) if name is None else member(of, name, at=0)
    if of.kind is Scalar.JSON and key.is_constant:
        return member(of, str(text(key).value), at=0)
    found = mapping(of)
    return found if found.kind is Scalar.NULL else looked_up(found, text(key))


@function("map_get_values", takes="xx")
def _map_get_values(of: Column, key: Column) -> Column:
    """The value of one key; of several, the map of those that are there."""
    if isinstance(of.kind, Object) and not isinstance(key.kind, Array) and key.is_constant:
        return _get(of, key)
    given = mapping(of)
    if given.kind is Scalar.NULL:
        return given
    if not isinstance(key.kind, Array):
        return looked_up(given, text(key))
    return _some_of(given, key)


def _some_of(given: Column, key: Column) -> Column:
    """The entries with one of the row's keys, in the order in which these are asked for."""
    assert isinstance(given.kind, Dictionary)
    is_constant = all_constant((given, key))
    maps, keys = (given, key) if is_constant else full((given, key))
    names, counts = flattened(keys)
    items, lens = flattened(maps)
    asked = pl.DataFrame({"row": rows_of(counts), "key": text(names).values}).unique(maintain_order=True)
    held = items.values.struct
    frame = pl.DataFrame({"row": rows_of(lens), "key": held.field("key"), "value": held.field("value")})
    found = asked.join(frame, on=["row", "key"], how="inner", maintain_order="left")
    rows = pl.DataFrame({"row": pl.int_range(len(lens), eager=True)})
    kept = rows.join(found.group_by("row").len(), on="row", how="left", maintain_order="left")["len"].fill_null(0)
    nulls = select(maps.expr.is_null() | keys.expr.is_null(), is_constant=is_constant)
    lists = lists_of(found.select("key", "value").to_struct(), kept, nulls)
    return keep(Column(given.kind, lists, None, is_constant), lost_of(maps, keys))


@function("map_has_keys", takes="dx")
def _map_has_keys(given: Column, key: Column) -> Column:
    """True as soon as one key is there."""
    keys = key if isinstance(key.kind, Array) else array_of([key])
    some = _some_of(given, keys)
    has = pl.when(key.expr.is_not_null()).then(some.expr.list.len() > 0)
    return Column(Scalar.TRUTH, select(has, is_constant=some.is_constant), some.lost, some.is_constant)


@function("get_keys", takes="d")
def _get_keys(given: Column) -> Column:
    items, lens = flattened(given)
    keys = lists_of(items.values.struct.field("key"), lens, given.values.is_null())
    return Column(Array(Scalar.TEXT), keys, given.lost, given.is_constant)


@function("str_to_object", takes="ttt")
def _str_to_object(
    given: Column, value_delimiter: Column | None = None, field_delimiter: Column | None = None
) -> Column:
    fixed = (_or(value_delimiter, ":"), _or(field_delimiter, ","))

    def parsed(texts: Column, between: str, after: str) -> Column:
        return by_value(texts, lambda value: entries(_fields(value, between, after)), _TEXT_MAP)

    found = for_each(parsed, (given,), fixed)
    return found if isinstance(found.kind, Dictionary) else as_kind(found, _TEXT_MAP)


def _or(delimiter: Column | None, otherwise: str) -> Column:
    """A delimiter, or the usual one where it is null or empty."""
    if delimiter is None:
        return constant(otherwise, Scalar.TEXT)

    def given(texts: pl.Expr) -> pl.Expr:
        return pl.when(texts != "").then(texts).otherwise(pl.lit(otherwise))

    return computed(Scalar.TEXT, given, delimiter)


def _fields(value: str, between: str, after: str) -> dict[str, str]:
    """Keys and values of delimited text, trimmed. A piece without the inner delimiter is none."""
    found: dict[str, str] = {}
    for piece in value.split(after):
        key, sign, held = piece.partition(between)
        if sign and key.strip():
            found[key.strip()] = held.strip()
    return found


@function("get_values", takes="tttt")
def _get_values(given: Column, key: Column, value_delimiter: Column, field_delimiter: Column | None = None) -> Column:
    fixed = (key, _or(value_delimiter, ":"), _or(field_delimiter, ","))

    def parsed(texts: Column, name: str, between: str, after: str) -> Column:
        return by_value(texts, lambda value: _fields(value, between, after).get(name), Scalar.TEXT)

    return for_each(parsed, (given,), fixed)


@function("json_to_object", takes="t")
def _json_to_object(given: Column) -> Column:
    def checked(value: str) -> str | None:
        parsed = orjson.loads(value)
        try:
            return None if parsed is None else orjson.dumps(parsed).decode()
        except orjson.JSONEncodeError as error:
            # It reads deeper JSON than it writes.
            raise ValueError(str(error)) from error

    return by_value(given, checked, Scalar.JSON)

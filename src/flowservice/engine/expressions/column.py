"""A column of values of one kind, and the conversions between kinds."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa

from flowservice.domain.expressions.kinds import Array, Dictionary, Kind, Moment, Object, Scalar, in_words, is_scalar
from flowservice.engine.dates import moments
from flowservice.errors import BadExpression
from flowservice.sdk.text import text_of

_NUMERIC: Final = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_INT64_EDGE: Final = 2.0**63
_TRUE_WORDS: Final = ("true", "yes", "y", "on")
_UTC: Final = pl.Datetime("us", "UTC")
FIXED_ZONES: Final = {
    # Fixed offsets, whatever the season: PST is eight hours behind in summer, too.
    **dict.fromkeys(("UTC", "UT", "GMT", "WET"), "+00:00"),
    **dict.fromkeys(("WEST", "CET"), "+01:00"),
    **dict.fromkeys(("CEST", "EET"), "+02:00"),
    **dict.fromkeys(("EEST", "MSK"), "+03:00"),
    "EST": "-05:00",
    "EDT": "-04:00",
    "CST": "-06:00",
    "CDT": "-05:00",
    "MST": "-07:00",
    "MDT": "-06:00",
    "PST": "-08:00",
    "PDT": "-07:00",
    "AKST": "-09:00",
    "AKDT": "-08:00",
    "HST": "-10:00",
    "JST": "+09:00",
    "AEST": "+10:00",
    "AEDT": "+11:00",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`values` of a kind; null where there is none, and where it was lost to an error.

    `lost` says which were (None: none). A constant has one row, whatever the others have.
    """

    kind: Kind
    values: pl.Series
    lost: pl.Series | None = None
    is_constant: bool = False
    read_as: dict[str, Any] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)
    """What its texts read as, once that was asked for: several expressions often read one column of a batch."""

    @property
    def value(self) -> Any:
        """The value of a constant, as Python has it."""
        return self.values[0]

    @property
    def expr(self) -> pl.Expr:
        """The values within an expression over columns of one height."""
        if not self.is_constant:
            return pl.lit(self.values)
        if self.values.dtype.is_nested():
            return pl.lit(self.values).first()
        return pl.lit(self.values[0], self.values.dtype)

    def full(self, height: int) -> "Column":
        """The same with a row for each of `height`."""
        if not self.is_constant:
            return self
        if not height:
            return Column(self.kind, self.values.clear())
        lost = None if self.lost is None else self.lost.new_from_index(0, height)
        return Column(self.kind, self.values.new_from_index(0, height), lost)


def dtype_of(kind: Kind) -> pl.DataType:
    """How values of a kind are kept."""
    match kind:
        case Moment():
            return _UTC
        case Array():
            return pl.List(dtype_of(kind.of))
        case Object():
            return pl.Struct({name: dtype_of(of) for name, of in kind.fields.items()})
        case Dictionary():
            return pl.List(pl.Struct({"key": pl.String(), "value": dtype_of(kind.of)}))
        case Scalar.NULL:
            return pl.Null()
        case Scalar.TRUTH:
            return pl.Boolean()
        case Scalar.WHOLE:
            return pl.Int64()
        case Scalar.DECIMAL:
            return pl.Float64()
        case _:
            return pl.String()


def constant(value: Any, kind: Kind) -> Column:
    """A column of one value."""
    return Column(kind, pl.Series([value], dtype=dtype_of(kind)), is_constant=True)


def computed(kind: Kind, of: Callable[..., pl.Expr], *inputs: Column, fails: bool = False) -> Column:
    """`of` the inputs' expressions, row by row. `fails`: null where no input is null is an error."""
    is_constant = all(column.is_constant for column in inputs)
    values = select(of(*(column.expr for column in inputs)).cast(dtype_of(kind)), is_constant=is_constant)
    height = height_of(inputs)
    if len(values) != height:
        # Where constants decide alone, Polars gives one value.
        values = values.new_from_index(0, height) if height else values.clear()
    lost = lost_of(*inputs)
    if fails and values.null_count():
        failed = values.is_null()
        for column in inputs:
            if column.values.null_count() or column.is_constant:
                failed = select(pl.lit(failed) & column.expr.is_not_null(), is_constant=is_constant)
        lost = either(lost, failed)
    return Column(kind, values, lost, is_constant)


def by_value(column: Column, of: Callable[..., Any], kind: Kind, *more: Any) -> Column:
    """A Python function of each different value, for what no expression over columns can say.

    `of(value, *more)` gives a value of the kind or None; a ValueError loses the value.
    """
    different = column.values.unique()
    made: list[Any] = []
    failed: list[bool] = []
    for value in different:
        try:
            made.append(None if value is None else of(value, *more))
            failed.append(False)
        except ValueError:
            made.append(None)
            failed.append(True)
    table = pl.DataFrame(
        [different.alias("in"), pl.Series("out", made, dtype=dtype_of(kind)), pl.Series("lost", failed)]
    )
    found = (
        column.values.alias("in").to_frame().join(table, on="in", how="left", nulls_equal=True, maintain_order="left")
    )
    lost = found["lost"].rename("") if any(failed) else None
    return Column(kind, found["out"].rename(""), either(column.lost, lost), column.is_constant)


def height_of(columns: Sequence[Column]) -> int:
    """The rows of a result over these columns; 1 where all are constant."""
    return max((len(column.values) for column in columns if not column.is_constant), default=1)


def select(expression: pl.Expr, *, is_constant: bool = False) -> pl.Series:
    """The values of an expression over literal columns."""
    found = pl.select(expression).to_series()
    return found.head(1) if is_constant else found


def lost_of(*columns: Column) -> pl.Series | None:
    """The rows that any of these lost."""
    lost: pl.Series | None = None
    for column in columns:
        lost = either(lost, column.lost)
    return lost


def either(one: pl.Series | None, other: pl.Series | None) -> pl.Series | None:
    """Rows in one of them; None: no rows. Series of one row stand for all."""
    if one is None or other is None:
        return other if one is None else one
    return one | other


def keep(column: Column, lost: pl.Series | None) -> Column:
    """The same, null in the rows that are lost."""
    if lost is None or not lost.any():
        return replace(column, lost=None)
    is_constant = column.is_constant and len(lost) == 1
    values = select(pl.when(~pl.lit(lost)).then(column.expr), is_constant=is_constant)
    if not is_constant and len(lost) == 1:
        lost = lost.new_from_index(0, len(values))
    return Column(column.kind, values, lost, is_constant)


def replace_nulls(column: Column) -> Column:
    """A condition without nulls: false where nothing is."""
    return replace(column, values=column.values.fill_null(value=False))


# --- conversions -------------------------------------------------------------------------------------------------


def text(column: Column) -> Column:
    """As canonical text. Raises BadExpression for arrays, objects and maps."""
    match column.kind:
        case Scalar.TEXT | Scalar.LOOSE:
            return column
        case Scalar.NULL:
            return computed(Scalar.TEXT, lambda values: values.cast(pl.String), column)
        case Scalar.JSON:
            return by_value(column, json_text, Scalar.LOOSE)
        case Moment(zone=zone):
            return computed(Scalar.TEXT, lambda values: _moment_text(values, zone), column)
        case Scalar():
            return computed(Scalar.LOOSE, lambda values: text_of(values, column.values.dtype), column)
        case _:
            raise unfit(column, "a text")


def json_text(value: str) -> str:
    """JSON as text: of a string what it holds, of others JSON."""
    return str(orjson.loads(value)) if value.startswith('"') else value


def _moment_text(values: pl.Expr, zone: str) -> pl.Expr:
    if zone == "UTC":
        return text_of(values, _UTC)
    local = local_time(values, zone)
    minutes = offset_minutes(values, zone)
    shown = pl.when(minutes == 0).then(pl.lit("Z")).otherwise(offset_text(minutes))
    return text_of(local, pl.Datetime("us")).str.strip_suffix("Z") + shown


def fixed_offset(zone: str) -> int | None:
    """Minutes east of UTC of a zone that is an offset (`+02:00`)."""
    if zone[:1] not in "+-" or not zone:
        return None
    hours, minutes = zone[1:].split(":")
    return (int(hours) * 60 + int(minutes)) * (-1 if zone[0] == "-" else 1)


def local_time(values: pl.Expr, zone: str) -> pl.Expr:
    """What clocks show in a zone, without the zone."""
    fixed = fixed_offset(zone)
    if fixed is not None:
        return values.dt.replace_time_zone(None) + timedelta(minutes=fixed)
    return values.dt.convert_time_zone(zone).dt.replace_time_zone(None)


def offset_minutes(values: pl.Expr, zone: str) -> pl.Expr:
    """Minutes east of UTC, of each moment in a zone."""
    return (local_time(values, zone) - values.dt.replace_time_zone(None)).dt.total_minutes()


def offset_text(minutes: pl.Expr, *, colon: bool = True) -> pl.Expr:
    """`+02:00`, or `+0200`."""
    size = minutes.abs()
    sign = pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    digits = [(size // 60).cast(pl.String).str.zfill(2), (size % 60).cast(pl.String).str.zfill(2)]
    return pl.concat_str([sign, digits[0], pl.lit(":" if colon else ""), digits[1]])


def unfit(column: Column, wanted: str) -> BadExpression:
    """The error of a kind that cannot be the wanted one, whatever the row."""
    return BadExpression(
        f"{in_words(column.kind)} cannot be {wanted}",
        advice="Convert it, or take a part of it; see docs/expressions.md.",
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column as numbers: `whole` where a value is a whole number of 64 bits, else `decimal`; both null: no number."""

    whole: pl.Series | None
    decimal: pl.Series | None
    is_loose: bool
    """Whether texts decide row by row which of the two it is."""


def numbers(column: Column) -> Numbers:
    """The numbers of a column. Raises BadExpression for a kind that has none."""
    if "numbers" not in column.read_as:
        column.read_as["numbers"] = _numbers(column)
    found: Numbers = column.read_as["numbers"]
    return found


def _numbers(column: Column) -> Numbers:
    match column.kind:
        case Scalar.WHOLE:
            return Numbers(column.values, None, is_loose=False)
        case Scalar.DECIMAL:
            return Numbers(None, column.values, is_loose=False)
        case Scalar.TEXT | Scalar.LOOSE:
            texts = column.values
        case Scalar.JSON:
            texts = text(column).values
        case Scalar.NULL:
            return Numbers(column.values.cast(pl.Int64), None, is_loose=False)
        case _:
            raise unfit(column, "a number")
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == texts.null_count():
        return Numbers(whole, None, is_loose=True)
    value = pl.lit(texts)
    guarded = pl.when(value.str.contains(_NUMERIC) & pl.lit(whole).is_null()).then(value)
    parsed = guarded.cast(pl.Float64, strict=False)
    return Numbers(whole, select(pl.when(parsed.is_finite()).then(parsed)), is_loose=True)


def decimals(column: Column) -> pl.Series:
    """The numbers of a column as decimals; null where it has none."""
    found = numbers(column)
    whole = None if found.whole is None else found.whole.cast(pl.Float64)
    if whole is None or found.decimal is None:
        return found.decimal if whole is None else whole  # type: ignore[return-value]
    return select(pl.coalesce(pl.lit(whole), pl.lit(found.decimal)))


def _converted(column: Column, kind: Kind, values: pl.Series) -> Column:
    failed = values.is_null() & column.values.is_not_null() if values.null_count() else None
    return Column(kind, values, either(column.lost, failed), column.is_constant)


def number(column: Column) -> Column:
    """As decimals, or as whole numbers where all are by their kind; other values are lost. Raises as `numbers`."""
    if column.kind is Scalar.WHOLE or column.kind is Scalar.DECIMAL:
        return column
    if column.kind is Scalar.NULL:
        return whole(column)
    return _converted(column, Scalar.DECIMAL, decimals(column))


def whole(column: Column) -> Column:
    """As whole numbers. `3.0` is one; other values are lost. Raises as `numbers`."""
    if column.kind is Scalar.WHOLE:
        return column
    found = numbers(column)
    if found.decimal is None:
        assert found.whole is not None
        return _converted(column, Scalar.WHOLE, found.whole)
    exact = found.whole
    if found.is_loose:
        # Digits are kept that a decimal would round.
        texts = text(column).values
        cut = select(pl.lit(texts).str.extract(r"^([+-]?[0-9]+)\.0*$").cast(pl.Int64, strict=False))
        exact = cut if exact is None else select(pl.coalesce(pl.lit(exact), pl.lit(cut)))
    value = pl.lit(found.decimal)
    is_whole = (value == value.round(0)) & (value >= -_INT64_EDGE) & (value < _INT64_EDGE)
    rounded = pl.when(is_whole).then(value).cast(pl.Int64, strict=False)
    values = select(rounded if exact is None else pl.coalesce(pl.lit(exact), rounded))
    return _converted(column, Scalar.WHOLE, values)


def moment(column: Column) -> Column:
    """As moments. Texts are read in the forms of docs/values.md; others are lost. Raises BadExpression."""
    if isinstance(column.kind, Moment):
        return column
    if "moment" not in column.read_as:
        column.read_as["moment"] = _moment(column)
    found: Column = column.read_as["moment"]
    return found


def _moment(column: Column) -> Column:
    if column.kind is Scalar.NULL:
        return computed(Moment(), lambda values: values.cast(_UTC), column)
    if column.kind in (Scalar.TEXT, Scalar.LOOSE, Scalar.JSON):
        return _converted(column, Moment(), moments(text(column).values))
    raise unfit(column, "a moment")


def truth(column: Column) -> Column:
    """As a condition: never null but where the value was lost. Raises BadExpression for kinds that are none."""
    match column.kind:
        case Scalar.TRUTH:
            values = column.values.fill_null(value=False)
        case Scalar.WHOLE | Scalar.DECIMAL:
            values = (column.values != 0).fill_null(value=False)
        case Scalar.TEXT | Scalar.LOOSE | Scalar.JSON:
            values = _texts_truth(text(column))
        case Scalar.NULL:
            values = pl.Series([False]).new_from_index(0, len(column.values))
        case _:
            raise unfit(column, "a condition")
    return Column(Scalar.TRUTH, values, column.lost, column.is_constant)


def _texts_truth(column: Column) -> pl.Series:
    is_word = column.values.str.to_lowercase().is_in(_TRUE_WORDS).fill_null(value=False)
    if (is_word | column.values.is_null()).all():
        return is_word
    return is_word | (decimals(column) != 0).fill_null(value=False)


def as_kind(column: Column, kind: Kind) -> Column:
    """As the kind that unites it with others (`kinds.united`): no value is lost."""
    if column.kind == kind:
        return column
    if kind is Scalar.DECIMAL:
        return computed(kind, lambda values: values.cast(pl.Float64), column)
    if kind is Scalar.LOOSE and is_scalar(column.kind):
        return replace(text(column), kind=kind)
    if column.kind is Scalar.NULL or isinstance(column.kind, Moment):
        return Column(kind, column.values.cast(dtype_of(kind)), column.lost, column.is_constant)
    match column.kind, kind:
        case Array(), Array():
            items, lens = flattened(column)
            return rebuilt(as_kind(items, kind.of), lens, column)
        case Dictionary(), Dictionary():
            entries, lens = flattened(column)
            return rebuilt(_entries(entries, kind.of), lens, column, kind=kind)
        case Object(), Object():
            fields = [as_kind(field(column, name), of).values.alias(name) for name, of in kind.fields.items()]
            return _struct(fields, column, kind)
        case Object(), Dictionary():
            return dictionary_of(column, kind.of)
    raise AssertionError(f"{column.kind} is no {kind}")


def _entries(entries: Column, of: Kind) -> Column:
    values = entries.values.struct.field("value")
    fields = Column(Object({"key": Scalar.TEXT, "value": of}), entries.values)
    value = as_kind(Column(_value_kind(entries), values), of).values
    parts = [entries.values.struct.field("key").alias("key"), value.alias("value")]
    return replace(fields, values=pl.DataFrame(parts).to_struct())


def _value_kind(entries: Column) -> Kind:
    assert isinstance(entries.kind, Object)
    return entries.kind.fields["value"]


def _struct(fields: list[pl.Series], like: Column, kind: Kind) -> Column:
    if not fields:
        return Column(kind, like.values, like.lost, like.is_constant)
    whole_ = pl.DataFrame(fields).to_struct()
    values = select(pl.when(like.values.is_not_null()).then(pl.lit(whole_)))
    return Column(kind, values, like.lost, like.is_constant)


def dictionary_of(column: Column, of: Kind) -> Column:
    """An object's fields as a map; fields that are null are not in it."""
    assert isinstance(column.kind, Object)
    entry = pl.Struct({"key": pl.String(), "value": dtype_of(of)})
    lists = []
    for name in column.kind.fields:
        value = as_kind(field(column, name), of).values
        pair = pl.DataFrame([pl.Series("key", [name]).new_from_index(0, len(value)), value.alias("value")]).to_struct()
        lists.append(pl.when(pl.lit(value).is_not_null()).then(pl.lit(pair)))
    if not lists:
        empty = pl.Series([[]], dtype=pl.List(entry)).new_from_index(0, len(column.values))
        return Column(Dictionary(of), empty, column.lost, column.is_constant)
    joined = pl.concat_list(lists).list.drop_nulls()
    values = select(pl.when(column.values.is_not_null()).then(joined))
    return Column(Dictionary(of), values, column.lost, column.is_constant)


def field(column: Column, name: str) -> Column:
    """A field of objects; null where it is not there."""
    assert isinstance(column.kind, Object)
    if name not in column.kind.fields:
        return Column(
            Scalar.NULL, pl.Series([None]).new_from_index(0, len(column.values)), column.lost, column.is_constant
        )
    values = column.values.struct.field(name)
    return Column(column.kind.fields[name], values, column.lost, column.is_constant)


# --- arrays ------------------------------------------------------------------------------------------------------


def flattened(column: Column) -> tuple[Column, pl.Series]:
    """All items of arrays (entries of maps), one after the other, and how many each row has."""
    kind: Kind
    match column.kind:
        case Array():
            kind = column.kind.of
        case Dictionary():
            kind = Object({"key": Scalar.TEXT, "value": column.kind.of})
        case _:
            raise AssertionError(f"{column.kind} has no items")
    lens = column.values.list.len().fill_null(0)
    return Column(kind, column.values.explode(empty_as_null=False, keep_nulls=False)), lens


def rebuilt(items: Column, lens: pl.Series, like: Column, *, kind: Kind | None = None) -> Column:
    """The reverse of `flattened`: arrays of `items`, null where `like` is. A lost item loses its array."""
    values = lists_of(items.values, lens, like.values.is_null())
    made = Column(kind or Array(items.kind), values, like.lost, like.is_constant)
    if items.lost is None or not items.lost.any():
        return made
    failed = lists_of(items.lost, lens, like.values.is_null()).list.any().fill_null(value=False)
    return keep(made, either(like.lost, failed))


def rows_of(lens: pl.Series) -> pl.Series:
    """The row that each item is of, where the rows have so many."""
    return pl.int_range(len(lens), eager=True).repeat_by(lens).explode(empty_as_null=False, keep_nulls=False)


def interleaved(columns: Sequence[pl.Series]) -> pl.Series:
    """The first value of each column, then the second of each, and so on. Columns are of one length."""
    count, height = len(columns), len(columns[0])
    places = pl.int_range(height * count)
    return pl.concat(columns).gather(select((places % count) * height + places // count))


def lists_of(items: pl.Series, lens: pl.Series, nulls: pl.Series) -> pl.Series:
    """Lists of so many of the items each."""
    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lens.cum_sum().cast(pl.Int64)]).to_arrow()
    mask = nulls.to_arrow() if nulls.any() else None
    made = pa.LargeListArray.from_arrays(offsets, items.to_arrow(), mask=mask)
    return pl.Series(made, dtype=pl.List(items.dtype))

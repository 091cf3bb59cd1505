"""Which rows pass a row filter.

A value is judged by its canonical text (`sdk.text`) alone, so the verdict on a row depends neither on its neighbours
nor on the type that its column happens to have in a batch. Typed shortcuts give exactly what the text would.

| literal | values that can be compared | how |
| --- | --- | --- |
| number | numbers, and text that is one (`7`, `007`, `1.50`, `1e3`, `Infinity`) | by their exact value |
| true, false | truth values, and the text `true` or `false`; by `=`, `!=`, `in` | |
| text in ISO 8601 (`moment`) | times, and text written as canonical text writes a time | as moments |
| the same | all other values | their text, by code points |
| other text | all values | their text, by code points |

A null, and a value that cannot be compared, makes the condition unknown: neither it nor its negation keeps the row, as
in SQL. `and` and `or` follow; a row is kept if the whole is true. `NaN` is no number. `like` takes the whole text: `%`
is any characters, `_` one, `\\` makes the next one plain.

No negation is left in a `RowFilter` but in its conditions, so what is unknown can be called false there.
"""

import math
import re
from datetime import datetime
from functools import cached_property
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.sdk.row_filter import AllOf, Condition, Literal, Relation, RowFilter, moment
from flowservice.sdk.text import to_text

_WHOLE: Final = r"^[+-]?[0-9]+$"
_NUMBER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_INFINITE: Final = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
_CANONICAL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,5}[1-9])?Z$"
_INT64: Final = range(-(2**63), 2**63)


def passing(rows: pa.RecordBatch | pa.Table, wanted: RowFilter) -> pa.BooleanArray:
    """For each row whether it passes; never null. A column that `rows` lacks is null in all of them."""
    mask = _mask(rows, wanted, {})
    return mask.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.bool_())


def _mask(rows: pa.RecordBatch | pa.Table, wanted: RowFilter, columns: dict[str, "_Column"]) -> pl.Series:
    if isinstance(wanted, Condition):
        column = columns.get(wanted.column)
        if column is None:
            index = rows.schema.get_field_index(wanted.column)
            values = pa.nulls(rows.num_rows) if index < 0 else rows.column(index)
            column = columns[wanted.column] = _Column(values)
        return _verdict(column, wanted)
    first, *others = (_mask(rows, part, columns) for part in wanted.parts)
    for mask in others:
        first = first & mask if isinstance(wanted, AllOf) else first | mask
    return first


class _Column:
    """A column's values as what they can be compared as; each form is made when it is first asked for."""

    def __init__(self, values: pa.Array | pa.ChunkedArray) -> None:
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        self._values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    @cached_property
    def there(self) -> pl.Series:
        return pl.Series("", self._values.is_valid(), dtype=pl.Boolean)

    @cached_property
    def text(self) -> pl.Series:
        if pa.types.is_nested(self._values.type):
            return pl.Series("", [None] * len(self._values), dtype=pl.String)
        return pl.Series("", to_text(self._values), dtype=pl.String)

    @cached_property
    def whole(self) -> pl.Series:
        """The whole numbers of 64 bits."""
        kind = self._values.type
        if pa.types.is_integer(kind):
            return pl.Series("", self._values).cast(pl.Int64, strict=False)
        if pa.types.is_float64(kind) or pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
            return pl.Series("", [None] * len(self._values), dtype=pl.Int64)
        digits = pl.when(pl.col("").str.contains(_WHOLE)).then(pl.col(""))
        return self.text.to_frame().select(digits.cast(pl.Int64, strict=False)).to_series()

    @cached_property
    def real(self) -> pl.Series:
        """All other numbers."""
        kind = self._values.type
        if pa.types.is_float64(kind):
            return pl.Series("", self._values).fill_nan(None)
        is_done = self.whole.null_count() == self._values.null_count
        if is_done or pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
            return pl.Series("", [None] * len(self._values), dtype=pl.Float64)
        rest = pl.DataFrame({"": self.text, "whole": self.whole})
        fits = pl.col("whole").is_null() & pl.col("").str.contains(_NUMBER)
        number = pl.when(fits).then(pl.col("")).cast(pl.Float64, strict=False)
        word = pl.col("").replace_strict(_INFINITE, default=None, return_dtype=pl.Float64)
        return rest.select(pl.when(number.is_finite()).then(number).otherwise(word)).to_series()

    @cached_property
    def moments(self) -> pl.Series:
        """The times, and the texts that canonical text could have written for one; naive, in UTC."""
        if self._values.type == pa.timestamp("us", tz="UTC"):
            times = pl.Series("", self._values).dt.replace_time_zone(None)
            # Others have no canonical text of that form.
            return (
                times.to_frame().select(pl.when(pl.col("").dt.year().is_between(0, 9999)).then(pl.col(""))).to_series()
            )
        column = pl.col("")
        shaped = pl.when(column.str.contains(_CANONICAL)).then(column)
        seconds = shaped.str.head(19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
        digits = shaped.str.slice(20).str.strip_chars_end("Z").str.pad_end(6, "0")
        micros = digits.cast(pl.Int64, strict=False).fill_null(0)
        return self.text.to_frame().select(seconds + pl.duration(microseconds=micros, time_unit="us")).to_series()


def _verdict(column: _Column, asked: Condition) -> pl.Series:
    match asked.relation:
        case Relation.IS_NULL:
            return ~column.there
        case Relation.NOT_NULL:
            return column.there
        case Relation.LIKE | Relation.NOT_LIKE:
            fits = column.text.str.contains(_pattern(str(asked.values[0])))
            return (fits if asked.relation is Relation.LIKE else ~fits).fill_null(value=False)
        case Relation.IN:
            return _any_of(column, asked.values)
        case Relation.NOT_IN:
            return _none_of(column, asked.values)
        case relation:
            return _compared(column, relation, asked.values[0])


def _any_of(column: _Column, values: tuple[Literal, ...]) -> pl.Series:
    plain = [value for value in values if isinstance(value, str) and moment(value) is None]
    found = column.text.is_in(plain).fill_null(value=False)
    for value in set(values).difference(plain):
        found |= _compared(column, Relation.EQ, value)
    return found


def _none_of(column: _Column, values: tuple[Literal, ...]) -> pl.Series:
    plain = [value for value in values if isinstance(value, str) and moment(value) is None]
    left = (~column.text.is_in(plain)).fill_null(value=False)
    for value in set(values).difference(plain):
        left &= _compared(column, Relation.NE, value)
    return left


def _compared(column: _Column, relation: Relation, value: Literal) -> pl.Series:
    if isinstance(value, bool):
        word = "true" if value is (relation is Relation.EQ) else "false"
        return (column.text == word).fill_null(value=False)
    if isinstance(value, int | float):
        return _by_whole(column.whole, relation, value) | _by_real(column.real, relation, value)
    at = moment(value)
    by_text = _ordered(column.text, relation, value)
    if at is None:
        return by_text
    times = column.moments
    return by_text.zip_with(times.is_null(), _ordered(times, relation, at.replace(tzinfo=None)))


def _by_whole(numbers: pl.Series, relation: Relation, value: float) -> pl.Series:
    """Exactly, also where a float could not tell the numbers apart."""
    above, below = math.ceil(value), math.floor(value)
    if relation in {Relation.EQ, Relation.NE}:
        is_one = above == below and above in _INT64
        equal = numbers == above if is_one else numbers != numbers  # noqa: PLR0124 - false, and null stays null
        return (equal if relation is Relation.EQ else ~equal).fill_null(value=False)
    bound = above if relation in {Relation.LT, Relation.GE} else below
    if bound in _INT64:
        return _ordered(numbers, relation, bound)
    is_passed = (bound > 0) is (relation in {Relation.LT, Relation.LE})
    return numbers.is_not_null() if is_passed else numbers.is_null() & False


def _by_real(numbers: pl.Series, relation: Relation, value: float) -> pl.Series:
    """Exactly, also for a whole number that no float is: then its neighbour among the floats stands for it."""
    nearest = float(value)
    if nearest == value:
        return _ordered(numbers, relation, nearest)
    match relation:
        case Relation.EQ:
            return numbers.is_null() & False
        case Relation.NE:
            return numbers.is_not_null()
        case Relation.LT | Relation.LE:
            relation = Relation.LT if nearest > value else Relation.LE
        case _:
            relation = Relation.GE if nearest > value else Relation.GT
    return _ordered(numbers, relation, nearest)


def _ordered(values: pl.Series, relation: Relation, bound: str | float | datetime) -> pl.Series:
    match relation:
        case Relation.EQ:
            verdict = values == bound
        case Relation.NE:
            verdict = values != bound
        case Relation.LT:
            verdict = values < bound
        case Relation.LE:
            verdict = values <= bound
        case Relation.GT:
            verdict = values > bound
        case _:
            verdict = values >= bound
    return verdict.fill_null(value=False)


def _pattern(like: str) -> str:
    """A pattern for `like` as a regular expression."""
    parts = []
    for piece in re.findall(r"\\.|.", like, re.DOTALL):
        if piece == "%":
            parts.append(".*")
        elif piece == "_":
            parts.append(".")
        else:
            parts.append(f"\\x{{{ord(piece[-1]):X}}}")
    return f"(?s)^{''.join(parts)}$"

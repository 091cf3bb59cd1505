"""Values of a delta column as points in time.

A value that is a time already stays. Any other becomes canonical text and is read as the column's `dateFormat`, then as
ISO 8601; without a `dateFormat` also as an epoch: 9 to 11 digits are seconds, 12 to 14 milliseconds, 15 to 17
microseconds. What fits none of these (a running number, say) is no time. Each value is read by itself, so its window
never depends on its neighbours.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.domain.window import DeltaColumn
from flowservice.engine.dates import iso_moments
from flowservice.engine.fallback import first_fitting
from flowservice.sdk import to_text

_NAIVE: Final = pl.Datetime("us")
_HAS_OFFSET: Final = r"(?:[Zz]|[T ][0-9:.,]+ ?[+-][0-9]{2}(?::?[0-9]{2})?)$"
_EPOCH: Final = r"^(?P<whole>[0-9]{9,17})(?:\.[0-9]*)?$"


def times(values: pa.Array, column: DeltaColumn) -> pl.Series:
    """`values` as naive timestamps in microseconds, UTC; null where a value is null or no time."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return times(values.dictionary_decode(), column)
    if pa.types.is_timestamp(kind):
        # Cut, not rounded: a value just before the end of a window must not leave it.
        series = pl.Series(values.cast(pa.timestamp("us", kind.tz), safe=False))
        if kind.tz is None:
            return _localised(series, column)
        return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if pa.types.is_null(kind) or pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_binary(kind):
        return pl.Series([None] * len(values), dtype=_NAIVE)
    text = pl.Series(to_text(values), dtype=pl.String)
    iso: Callable[[pl.Series], pl.Series] = partial(_iso, column=column)
    if column.pattern is None:
        return first_fitting(text, (iso, _epoch))
    formatted = partial(_formatted, pattern=column.pattern, column=column)
    return first_fitting(text, (formatted, iso))


def _iso(text: pl.Series, column: DeltaColumn) -> pl.Series:
    moments = iso_moments(text)
    if column.timezone is None:
        return moments
    return moments.zip_with(text.str.contains(_HAS_OFFSET).fill_null(value=True), _localised(moments, column))


def _formatted(text: pl.Series, pattern: str, column: DeltaColumn) -> pl.Series:
    """By way of ISO 8601, which is then read as any other."""
    groups = text.to_frame("text").select(pl.col("text").str.extract_groups(pattern).alias("part")).unnest("part")

    def part(name: str, missing: str) -> pl.Expr:
        return pl.col(name) if name in groups.columns else pl.lit(missing)

    hour = part("H", "00")
    if "I" in groups.columns:
        twelve = pl.col("I").cast(pl.Int64, strict=False)
        afternoon = part("a", "am").str.to_lowercase().eq("pm").cast(pl.Int64)
        hour = pl.when(twelve.is_between(1, 12)).then(twelve % 12 + 12 * afternoon).cast(pl.String).str.zfill(2)
    fraction = (pl.lit("."), pl.col("f")) if "f" in groups.columns else ()
    dash, colon = pl.lit("-"), pl.lit(":")
    day = (part("Y", ""), dash, part("m", ""), dash, part("d", ""))
    clock = (pl.lit("T"), hour, colon, part("M", "00"), colon, part("S", "00"), *fraction, part("z", ""))
    return _iso(groups.select(pl.concat_str(*day, *clock).alias("iso")).to_series(), column)


def _localised(moments: pl.Series, column: DeltaColumn) -> pl.Series:
    """Times on the clock of the column's zone as UTC.

    An hour that the clock showed twice is taken for its second pass: a row may then land a window later, but never
    belongs to one that has been read already. A time that the clock skipped counts as the one an hour later.
    """
    if column.timezone is None:
        return moments
    found, later = (
        series.dt.replace_time_zone(column.timezone, ambiguous="latest", non_existent="null")
        for series in (moments, moments.dt.offset_by("1h"))
    )
    return found.fill_null(later).dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _epoch(text: pl.Series) -> pl.Series:
    digits = pl.col("text").str.extract(_EPOCH, 1)
    length, number = digits.str.len_chars(), digits.cast(pl.Int64, strict=False)
    micros = pl.when(length <= 11).then(number * 1_000_000).when(length <= 14).then(number * 1_000).otherwise(number)
    return text.to_frame("text").select(micros.cast(_NAIVE)).to_series()

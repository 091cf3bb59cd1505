"""Text to points in time: ISO 8601 and the eighteen patterns of Data Prep. No zone means UTC."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import polars as pl

from flowservice.engine.fallback import Parser, first_fitting

_NAIVE: Final = pl.Datetime("us")

# [0-9], not \d: that matches the digits of every script.
_CANONICAL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z?$"
_ISO: Final = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<h>[01][0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9])(?:[.,](?P<f>[0-9]{0,9}))?)?"
    r" ?(?P<z>[Zz]|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)?)?$"
)
_YEAR, _MONTH, _DAY, _NAME, _M = "[0-9]{4}", "(?:0[1-9]|1[0-2])", "[0-3][0-9]", "[A-Za-z]{3}", "(?:0?[1-9]|1[0-2])"
_CLOCK: Final = " (?:0[0-9]|1[0-2]):[0-5][0-9]:[0-5][0-9] [AaPp][Mm]"
_PATTERNS: Final = (
    # In the published order: the first one that fits decides. The ISO forms before these are covered above.
    (rf"^{_YEAR}/{_MONTH}/{_DAY}$", "%Y/%m/%d"),
    (rf"^{_YEAR}\.{_MONTH}\.{_DAY}$", "%Y.%m.%d"),
    (rf"^{_YEAR}-{_NAME}-{_DAY}$", "%Y-%b-%d"),
    (rf"^{_YEAR}{_MONTH}{_DAY}$", "%Y%m%d"),
    (rf"^{_MONTH}-{_DAY}-{_YEAR}$", "%m-%d-%Y"),
    (rf"^{_MONTH}{_DAY}{_YEAR}$", "%m%d%Y"),
    (rf"^{_M}/{_DAY}/{_YEAR}$", "%m/%d/%Y"),
    (rf"^{_DAY}\.{_M}\.{_YEAR}$", "%d.%m.%Y"),
    (rf"^{_M}/{_DAY}/{_YEAR}{_CLOCK}$", "%m/%d/%Y %I:%M:%S %p"),
    (rf"^{_DAY}\.{_M}\.{_YEAR}{_CLOCK}$", "%d.%m.%Y %I:%M:%S %p"),
    (rf"^{_DAY}\.{_NAME}\.{_YEAR}$", "%d.%b.%Y"),
    (rf"^{_DAY}-{_NAME}-{_YEAR}$", "%d-%b-%Y"),
)


def moments(text: pl.Series) -> pl.Series:
    """`text` as timestamps in microseconds, UTC; null where it is no moment of the years 1 to 9999.

    More than six digits of a second's fraction are cut, not rounded.
    """
    out = first_fitting(text, _PARSERS)
    inside = (out.dt.year() >= 1) & (out.dt.year() <= 9999)
    return out.set(~inside.fill_null(value=False), None).dt.replace_time_zone("UTC")


def iso_moments(text: pl.Series) -> pl.Series:
    """ISO 8601 alone, as naive timestamps in microseconds: an offset is taken off, no zone is left as it stands."""
    return first_fitting(text, _ISO_PARSERS)


def _canonical(text: pl.Series) -> pl.Series:
    """The shape of canonical text, and the same with a blank or without a zone: by far the most frequent."""
    column = pl.col("text")
    seconds = pl.when(column.str.contains(_CANONICAL)).then(column.str.head(19).str.replace(" ", "T", literal=True))
    fraction = column.str.slice(20).str.strip_chars_end("Z")
    return _select(text, _moment(seconds, fraction))


def _moment(seconds: pl.Expr, fraction: pl.Expr) -> pl.Expr:
    """Text up to the second, and the digits of its fraction (may be empty or null)."""
    # Polars reads this shape quickly, and one with a fraction five times slower.
    whole = seconds.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    micros = fraction.str.pad_end(6, "0").str.head(6).cast(pl.Int64, strict=False).fill_null(0)
    return whole + pl.duration(microseconds=micros, time_unit="us")


def _iso(text: pl.Series) -> pl.Series:
    part = pl.col("text").str.extract_groups(_ISO).struct
    # Groups that took no part in a match are empty or null, depending on the engine's version.
    h, m, s, f, z = (pl.when(part[name] != "").then(part[name]) for name in "hmsfz")
    colon, zero = pl.lit(":"), pl.lit("00")
    clock = [h.fill_null(zero), colon, m.fill_null(zero), colon, s.fill_null(zero)]
    moment = _moment(pl.concat_str(part["date"], pl.lit("T"), *clock), f)
    digits = z.str.slice(1).str.replace(":", "", literal=True).str.pad_end(4, "0")
    hours, rest = (digits.str.slice(start, 2).cast(pl.Int64, strict=False) for start in (0, 2))
    minutes = hours * 60 + rest
    east = pl.when(z.str.starts_with("-")).then(-minutes).when(z.str.starts_with("+")).then(minutes).fill_null(0)
    return _select(text, moment - pl.duration(minutes=east, time_unit="us"))


def _shaped(text: pl.Series, pattern: str, shape: str) -> pl.Series:
    """The pattern guards `shape`, which alone would let years of any length pass."""
    guarded = pl.when(pl.col("text").str.contains(pattern)).then(pl.col("text"))
    return _select(text, guarded.str.to_datetime(shape, time_unit="us", strict=False))


def _select(text: pl.Series, moment: pl.Expr) -> pl.Series:
    return text.to_frame("text").select(moment.cast(_NAIVE)).to_series()


_ISO_PARSERS: Final[Sequence[Parser]] = (
    _canonical,
    partial(_shaped, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", shape="%Y-%m-%d"),
    _iso,
)
_PARSERS: Final[Sequence[Parser]] = (
    *_ISO_PARSERS,
    *(partial(_shaped, pattern=pattern, shape=shape) for pattern, shape in _PATTERNS),
)

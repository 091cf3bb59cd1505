"""Text to points in time: ISO 8601 and the eighteen patterns of Data Prep. No zone means UTC."""

from typing import Final

import polars as pl

_UTC: Final = pl.Datetime("us", "UTC")
_NAIVE: Final = pl.Datetime("us")

# [0-9], not \d: that matches the digits of every script.
_CANONICAL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z$"
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
    text = text.alias("text")
    out = _fitting(text, _CANONICAL, "%Y-%m-%dT%H:%M:%S%.fZ")
    if _open(text, out):
        out = _first_of(out, _iso(text))
    for pattern, shape in _PATTERNS:
        if not _open(text, out):
            break
        out = _first_of(out, _fitting(text, pattern, shape))
    inside = (out.dt.year() >= 1) & (out.dt.year() <= 9999)
    return out.set(~inside.fill_null(value=False), None).dt.replace_time_zone("UTC")


def _open(text: pl.Series, out: pl.Series) -> bool:
    """Whether some text is not understood yet."""
    return out.null_count() > text.null_count()


def _first_of(out: pl.Series, more: pl.Series) -> pl.Series:
    return out.to_frame("out").select(pl.coalesce("out", pl.lit(more))).to_series()


def _fitting(text: pl.Series, pattern: str, shape: str) -> pl.Series:
    """Text of that pattern parsed. The pattern guards `shape`, which alone would let years of any length pass."""
    if not text.str.contains(pattern).any():
        return pl.Series("out", [None], dtype=_NAIVE).new_from_index(0, len(text))
    guarded = pl.when(pl.col("text").str.contains(pattern)).then(pl.col("text"))
    return text.to_frame().select(guarded.str.to_datetime(shape, time_unit="us", strict=False)).to_series()


def _iso(text: pl.Series) -> pl.Series:
    part = pl.col("text").str.extract_groups(_ISO).struct
    # Groups that took no part in a match are empty or null, depending on the engine's version.
    h, m, s, f, z = (pl.when(part[name] != "").then(part[name]) for name in "hmsfz")
    zero = pl.lit("00")
    moment = pl.concat_str(
        part["date"],
        pl.lit("T"),
        h.fill_null(zero),
        pl.lit(":"),
        m.fill_null(zero),
        pl.lit(":"),
        s.fill_null(zero),
        pl.lit("."),
        f.fill_null("").str.pad_end(6, "0").str.slice(0, 6),
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False)
    digits = z.str.slice(1).str.replace(":", "", literal=True).str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    )
    signed = pl.when(z.str.starts_with("-")).then(-minutes).when(z.str.starts_with("+")).then(minutes).otherwise(0)
    east = pl.duration(minutes=signed.fill_null(0), time_unit="us")
    return text.to_frame().select(moment - east).to_series()

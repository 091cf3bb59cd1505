"""Values to the type that a target field wants.

One rule: a value that has the target's type already stays as it is; any other becomes canonical text (`sdk.text`) and
is parsed. Typed shortcuts give exactly what the text would, only sooner. So a column may come typed in one batch and as
text in the next, and the same value lands.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl
import pyarrow as pa

from flowservice.domain.xdm_arrow import leaf_type
from flowservice.domain.xdm_tree import Leaf
from flowservice.domain.xdm_types import INTEGERS, XdmType
from flowservice.engine.dates import moments
from flowservice.engine.fallback import Parser, first_fitting
from flowservice.sdk import to_text

_WHOLE: Final = r"^[+-]?[0-9]+(?:\.0*)?$"
_SCIENTIFIC: Final = r"^[+-]?[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+$"
_WORDS: Final = {"NaN": float("nan"), "Infinity": float("inf"), "+Infinity": float("inf"), "-Infinity": float("-inf")}
_TRUE: Final = ("y", "yes", "on", "true")
_FALSE: Final = ("n", "no", "off", "false")
_INT64_EDGE: Final = 2.0**63


def coerced(values: pa.Array, leaf: Leaf) -> pa.Array:
    """`values` in the type of `leaf`, same length. What cannot be that type becomes null; nothing is raised."""
    wanted = leaf_type(leaf)
    if values.type == wanted:
        return values
    if pa.types.is_dictionary(values.type):
        return coerced(values.dictionary_decode(), leaf)
    if pa.types.is_null(values.type) or pa.types.is_nested(values.type):
        return pa.nulls(len(values), wanted)
    shortcut = _shortcut(values.type, leaf.type)
    series = shortcut(pl.Series(values)) if shortcut else _PARSERS[leaf.type](pl.Series(to_text(values)))
    if leaf.type in INTEGERS:
        # A whole number that does not fit the narrower type is no value of it.
        series = series.cast(pl.Int64).cast(_NARROW[XdmType.LONG if leaf.is_wide else leaf.type], strict=False)
    return series.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(wanted)


_NARROW: Final = {XdmType.LONG: pl.Int64, XdmType.INT: pl.Int32, XdmType.SHORT: pl.Int16, XdmType.BYTE: pl.Int8}


def _shortcut(source: pa.DataType, target: XdmType) -> Parser | None:
    """The way without text, where there is one."""
    if pa.types.is_signed_integer(source) and target in INTEGERS:
        return lambda values: values
    if pa.types.is_signed_integer(source) and target is XdmType.NUMBER:
        return lambda values: values.cast(pl.Float64)
    if pa.types.is_float64(source) and target in INTEGERS:
        return _whole_floats
    if source == pa.timestamp("us", tz="UTC") and target is XdmType.DATE:
        return lambda values: values.dt.date()
    return None


def _whole_floats(values: pl.Series) -> pl.Series:
    """Floats that are whole numbers of 64 bits."""
    number = pl.col("v")
    is_whole = number.is_finite() & (number == number.round(0)) & (number >= -_INT64_EDGE) & (number < _INT64_EDGE)
    return values.to_frame("v").select(pl.when(is_whole).then(number).cast(pl.Int64, strict=False)).to_series()


def _strings(text: pl.Series) -> pl.Series:
    return text


def _integers(text: pl.Series) -> pl.Series:
    """`7`, `+7`, `-7`, `7.`, `7.00`; and `1e+16` where that is a whole number, as large floats are written."""
    return first_fitting(text, (_digits, _with_point, _scientific))


def _digits(text: pl.Series) -> pl.Series:
    return text.cast(pl.Int64, strict=False)


def _with_point(text: pl.Series) -> pl.Series:
    column = pl.col("v")
    whole = pl.when(column.str.contains(_WHOLE)).then(column.str.replace(r"\.0*$", ""))
    return text.to_frame("v").select(whole.cast(pl.Int64, strict=False)).to_series()


def _scientific(text: pl.Series) -> pl.Series:
    column = pl.col("v")
    floats = pl.when(column.str.contains(_SCIENTIFIC)).then(column).cast(pl.Float64, strict=False)
    return _whole_floats(text.to_frame("v").select(floats).to_series())


def _numbers(text: pl.Series) -> pl.Series:
    """Decimal and scientific notation, and the words for what is no number. Beyond the range of 64 bits: null."""
    return first_fitting(text, (_decimals, _words))


def _decimals(text: pl.Series) -> pl.Series:
    parsed = pl.col("v").cast(pl.Float64, strict=False)
    # Polars reads more words as infinite or no number than we do, and overflow as infinite.
    return text.to_frame("v").select(pl.when(parsed.is_finite()).then(parsed)).to_series()


def _words(text: pl.Series) -> pl.Series:
    return text.replace_strict(_WORDS, default=None, return_dtype=pl.Float64)


def _booleans(text: pl.Series) -> pl.Series:
    word = pl.col("v").str.to_lowercase()
    truth = pl.when(word.is_in(_TRUE)).then(pl.lit(True)).when(word.is_in(_FALSE)).then(pl.lit(False))
    return text.to_frame("v").select(truth).to_series()


def _dates(text: pl.Series) -> pl.Series:
    return moments(text).dt.date()


_PARSERS: Final[Mapping[XdmType, Parser]] = {
    XdmType.STRING: _strings,
    XdmType.NUMBER: _numbers,
    XdmType.BOOLEAN: _booleans,
    XdmType.DATE: _dates,
    XdmType.DATE_TIME: moments,
    **dict.fromkeys(INTEGERS, _integers),
}

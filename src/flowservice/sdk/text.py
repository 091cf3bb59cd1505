"""Canonical text: the one way in which a value of any source type is written as text.

Whatever is not already of the type that a target column wants is first written as this text and then parsed. A
connector uses the same function for a column that mixes types within one batch. So a value becomes the same thing
whether its neighbours share its type or not.

| Arrow | text |
| --- | --- |
| string | itself |
| integers | digits |
| floats | shortest digits that read back the same, with `.` or an exponent; `NaN`, `Infinity`, `-Infinity` |
| bool | `true`, `false` |
| timestamp, UTC | `2018-12-03T13:43:09.65Z`: microseconds, trailing zeros and a bare point cut |
| date | `2018-12-03` |
| binary | base64 with padding |
"""

import polars as pl
import pyarrow as pa


def to_text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """`values` as a `string` array of the same length; nulls stay null. Raises TypeError for nested types."""
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), pa.string())
    series = pl.Series(values)
    text = pl.select(text_of(pl.lit(series), series.dtype)).to_series()
    return text.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def text_of(values: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The same as an expression over a column of `dtype`. Raises TypeError for nested types."""
    if dtype == pl.String:
        text = values
    elif dtype.is_float():
        text = values.cast(pl.String).replace({"inf": "Infinity", "-inf": "-Infinity"})
    elif dtype.is_integer() or dtype == pl.Boolean:
        text = values.cast(pl.String)
    elif isinstance(dtype, pl.Datetime):
        seconds = values.dt.cast_time_unit("us").dt.replace_time_zone(None).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
        text = seconds.str.strip_chars_end("0").str.strip_chars_end(".") + "Z"
    elif dtype == pl.Date:
        text = values.dt.to_string("%Y-%m-%d")
    elif dtype == pl.Binary:
        text = values.bin.encode("base64")
    else:
        raise TypeError(f"{dtype} has no canonical text")
    return text

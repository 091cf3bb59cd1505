"""Parsers in order: each gets what those before it could not read."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import polars as pl

Parser: TypeAlias = Callable[[pl.Series], pl.Series]
"""Text to values of one type, the same length; null where it cannot be read."""


def first_fitting(text: pl.Series, parsers: Sequence[Parser]) -> pl.Series:
    """Each text as the first parser reads it that can. Later, slower parsers see only the rest."""
    out = parsers[0](text)
    for parser in parsers[1:]:
        rest = (out.is_null() & text.is_not_null()).arg_true()
        if rest.is_empty():
            break
        out = out.scatter(rest, parser(text.gather(rest)))
    return out

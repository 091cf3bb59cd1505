"""Functions over texts: strings, regular expressions, hashes."""

import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Final

import polars as pl

from flowservice.domain.expressions.kinds import Array, Kind, Scalar
from flowservice.domain.xdm_patterns import ADVICE, is_linear
from flowservice.engine.expressions.column import (
    Column,
    by_value,
    computed,
    constant,
    either,
    flattened,
    interleaved,
    keep,
    lists_of,
    rebuilt,
    select,
    text,
)
from flowservice.engine.expressions.functions import all_constant, for_each, full, function
from flowservice.errors import BadExpression

_TEXTS: Final = Array(Scalar.TEXT)
_LONGEST: Final = 100_000
"""Characters that padding makes at most."""


@function("concat", takes="t")
def _concat(*parts: Column) -> Column:
    return computed(Scalar.TEXT, lambda *texts: pl.concat_str(texts, ignore_nulls=True), *parts)


@function("lower", "lcase", takes="t")
def _lower(given: Column) -> Column:
    return computed(Scalar.TEXT, lambda texts: texts.str.to_lowercase(), given)


@function("upper", "ucase", takes="t")
def _upper(given: Column) -> Column:
    return computed(Scalar.TEXT, lambda texts: texts.str.to_uppercase(), given)


@function("ltrim", takes="t")
def _ltrim(given: Column) -> Column:
    return computed(Scalar.TEXT, lambda texts: texts.str.strip_chars_start(), given)


@function("rtrim", takes="t")
def _rtrim(given: Column) -> Column:
    return computed(Scalar.TEXT, lambda texts: texts.str.strip_chars_end(), given)


@function("trim", takes="t")
def _trim(given: Column) -> Column:
    return computed(Scalar.TEXT, lambda texts: texts.str.strip_chars(), given)


@function("left", takes="tw")
def _left(given: Column, count: Column) -> Column:
    return guarded(lambda texts, counts: texts.str.slice(0, _length(counts)), given, count)


@function("right", takes="tw")
def _right(given: Column, count: Column) -> Column:
    def end(texts: pl.Expr, counts: pl.Expr) -> pl.Expr:
        length = texts.str.len_chars().cast(pl.Int64)
        return texts.str.slice((length - counts.clip(0)).clip(0))

    return guarded(end, given, count)


def guarded(of: Callable[..., pl.Expr], *inputs: Column, kind: Kind = Scalar.TEXT) -> Column:
    """`of` the inputs where none of them is null."""

    def made(*exprs: pl.Expr) -> pl.Expr:
        return pl.when(pl.all_horizontal([expr.is_not_null() for expr in exprs])).then(of(*exprs))

    return computed(kind, made, *inputs)


def _length(counts: pl.Expr) -> pl.Expr:
    return counts.clip(0, 2**31).cast(pl.UInt64)


@function("substr", takes="tww")
def _substr(given: Column, start: Column, length: Column) -> Column:
    def part(texts: pl.Expr, starts: pl.Expr, lengths: pl.Expr) -> pl.Expr:
        # What lies before the start counts, and is cut off.
        return texts.str.slice(starts.clip(0, 2**31), _length(lengths.clip(0, 2**31) + starts.clip(-(2**31), 0)))

    return guarded(part, given, start, length)


@function("lpad", takes="twt")
def _lpad(given: Column, count: Column, padding: Column) -> Column:
    return _padded(given, count, padding, lambda texts, fill: fill + texts)


@function("rpad", takes="twt")
def _rpad(given: Column, count: Column, padding: Column) -> Column:
    return _padded(given, count, padding, lambda texts, fill: texts + fill)


def _padded(given: Column, count: Column, padding: Column, joined: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Column:
    blank = computed(Scalar.TEXT, lambda pads: pl.when(pads != "").then(pads).otherwise(pl.lit(" ")), padding)

    def padded(texts: Column, counts: Column, pad: str) -> Column:
        missing = select(
            (counts.expr.clip(0) - texts.expr.str.len_chars().cast(pl.Int64)).clip(0),
            is_constant=all_constant((texts, counts)),
        )
        most = min(int(str(missing.max() or 0)), _LONGEST)
        fill = pl.lit(pad * (most // len(pad) + 1))
        fits = pl.when((counts.expr <= _LONGEST) | (pl.lit(missing) == 0)).then(pl.lit(missing))
        return computed(
            Scalar.TEXT,
            lambda values, _: pl.when(fits.is_not_null()).then(joined(values, fill.str.slice(0, fits.cast(pl.UInt64)))),
            texts,
            counts,
            fails=True,
        )

    return for_each(padded, (given, count), (blank,))


@function("replacestr", takes="ttt")
def _replacestr(given: Column, find: Column, replacement: Column) -> Column:
    def replaced(texts: Column, by: Column, literal: str) -> Column:
        if not literal:
            return computed(Scalar.TEXT, lambda values, other: pl.when(other.is_not_null()).then(values), texts, by)

        # As pieces between what is found: the replacement may differ from row to row, and `$` means nothing in it.
        def joined(values: pl.Expr, other: pl.Expr) -> pl.Expr:
            return values.str.split(literal).list.join(other)

        return computed(Scalar.TEXT, joined, texts, by)

    return for_each(replaced, (given, replacement), (find,))


@function("instr", takes="ttww")
def _instr(given: Column, find: Column, start: Column | None = None, occurrence: Column | None = None) -> Column:
    start = start or constant(0, Scalar.WHOLE)
    occurrence = occurrence or constant(1, Scalar.WHOLE)

    def place(texts: Column, starts: Column, literal: str, count: int) -> Column:
        if count < 1:
            is_constant = all_constant((texts, starts))
            failed = select(texts.expr.is_not_null() & starts.expr.is_not_null(), is_constant=is_constant)
            nothing = computed(
                Scalar.WHOLE, lambda values, at: values.str.len_chars().cast(pl.Int64) * at * 0, texts, starts
            )
            return keep(nothing, either(nothing.lost, failed))

        def found(values: pl.Expr, at: pl.Expr) -> pl.Expr:
            at = at.clip(0)
            rest = values.str.slice(at.clip(0, 2**31))
            length = values.str.len_chars().cast(pl.Int64)
            if not literal:
                return length * at * 0 - 1
            pieces = rest.str.split(literal)
            before = pieces.list.head(count).list.join(literal).str.len_chars().cast(pl.Int64)
            missing = pieces.list.len() <= count
            return pl.when(missing & values.is_not_null() & at.is_not_null()).then(-1).otherwise(at + before)

        return computed(Scalar.WHOLE, found, texts, starts)

    return for_each(place, (given, start), (find, occurrence))


@function("split", takes="tt")
def _split(given: Column, separator: Column) -> Column:
    def pieces(texts: Column, signs: str) -> Column:
        pattern = f"[^{re.escape(signs)}]+" if signs else r"(?s).+"
        return computed(_TEXTS, lambda values: values.str.extract_all(pattern), texts)

    return for_each(pieces, (given,), (separator,))


@function("explode", takes="tt")
def _explode(given: Column, pattern: Column | None = None) -> Column:
    def pieces(texts: Column, regex: str) -> Column:
        check_pattern(regex)
        return by_pieces(texts, regex)

    return for_each(pieces, (given,), (pattern or constant(",", Scalar.TEXT),))


def by_pieces(texts: Column, regex: str) -> Column:
    """Texts cut at each match of a pattern. A match of nothing does not cut."""
    # Noncharacters are meant for marks within a program: they come in no text.
    start, end, here = "\ufdd0", "\ufdd1", "\ufdd2"

    def cut(values: pl.Expr) -> pl.Expr:
        if not regex:
            return pl.concat_list(values)
        # A pattern without signs of its own is found as it stands, which is quicker.
        if re.escape(regex) == regex:
            return values.str.split(regex)
        marked = values.str.replace_all(f"({regex})", f"{start}${{1}}{end}")
        some = marked.str.replace_all(start + end, "", literal=True)
        return some.str.replace_all(f"{start}[^{end}]*{end}", here).str.split(here)

    return computed(_TEXTS, cut, texts)


def check_pattern(regex: str) -> None:
    """Return if it can be matched in linear time. Raises BadExpression."""
    if not is_linear(regex):
        raise BadExpression(f"the pattern {regex[:80]!r} cannot be used", advice=ADVICE)


@function("matches_regex", takes="tt")
def _matches_regex(given: Column, pattern: Column) -> Column:
    def matches(texts: Column, regex: str) -> Column:
        check_pattern(regex)
        return computed(Scalar.TRUTH, lambda values: values.str.contains(rf"\A(?:{regex})\z"), texts)

    return for_each(matches, (given,), (pattern,))


@function("extract_regex", takes="tt")
def _extract_regex(given: Column, pattern: Column) -> Column:
    def groups(texts: Column, regex: str) -> Column:
        check_pattern(regex)
        parts = select(texts.expr.str.extract_groups(f"({regex})"), is_constant=texts.is_constant)
        found = [parts.struct.field(name) for name in parts.struct.fields]
        matched = select(texts.expr.str.contains(regex), is_constant=texts.is_constant)
        height = len(matched)
        rows = lists_of(interleaved(found), select(pl.repeat(len(found), height)), matched.is_null())
        values = select(
            pl.when(pl.lit(matched))
            .then(pl.lit(rows))
            .when(~pl.lit(matched))
            .then(pl.lit(pl.Series([[]], dtype=rows.dtype).new_from_index(0, height)))
        )
        return Column(_TEXTS, values, texts.lost, texts.is_constant)

    return for_each(groups, (given,), (pattern,))


@function("array_to_string", takes="ta")
def _array_to_string(separator: Column, items: Column) -> Column:
    flat, lens = flattened(items)
    while isinstance(flat.kind, Array):
        lens, flat = _flatter(flat, lens)
    return _join(separator, rebuilt(flat, lens, items))


@function("join", takes="ta")
def _join(separator: Column, items: Column) -> Column:
    separator, items = full((separator, items)) if not all_constant((separator, items)) else (separator, items)
    flat, lens = flattened(items)
    texts = text(flat)
    lists = lists_of(texts.values.fill_null(""), lens, items.values.is_null())
    joined = select(pl.lit(lists).list.join(separator.expr), is_constant=items.is_constant and separator.is_constant)
    lost = items.lost
    if texts.lost is not None:
        lost = either(lost, lists_of(texts.lost, lens, items.values.is_null()).list.any().fill_null(value=False))
    return Column(Scalar.TEXT, joined, lost, items.is_constant and separator.is_constant)


def _flatter(items: Column, lens: pl.Series) -> tuple[pl.Series, Column]:
    """One level less: how many items of items each row has, and these."""
    inner, inner_lens = flattened(items)
    return summed(inner_lens, lens), inner


def summed(counts: pl.Series, lens: pl.Series) -> pl.Series:
    """The sums of so many of the counts each."""
    sums = pl.concat([pl.Series([0], dtype=pl.Int64), counts.cast(pl.Int64).cum_sum()])
    ends = pl.concat([pl.Series([0], dtype=pl.Int64), lens.cast(pl.Int64).cum_sum()])
    at = sums.gather(ends)
    return at.slice(1) - at.slice(0, len(at) - 1)


@function("equals", takes="tt")
def _equals(one: Column, other: Column) -> Column:
    return computed(Scalar.TRUTH, lambda a, b: (a == b).fill_null(value=False), one, other)


@function("equalsIgnoreCase", takes="tt")
def _equals_ignore_case(one: Column, other: Column) -> Column:
    def same(a: pl.Expr, b: pl.Expr) -> pl.Expr:
        return (a.str.to_lowercase() == b.str.to_lowercase()).fill_null(value=False)

    return computed(Scalar.TRUTH, same, one, other)


# --- hashes ------------------------------------------------------------------------------------------------------


_CHARSETS: Final = {
    "UTF-8": "utf-8",
    "UTF-16": "utf-16-be",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "ISO-8859-1": "latin-1",
    "US-ASCII": "ascii",
}


def _bytes(value: str, charset: str) -> bytes:
    mark = b"\xfe\xff" if charset.upper() == "UTF-16" else b""
    return mark + value.encode(_CHARSETS[charset.upper()], "replace")


def _hash(name: str, of: Callable[[bytes], str]) -> None:
    def hashed(given: Column, charset: Column | None = None) -> Column:
        def by_charset(texts: Column, code: str) -> Column:
            if code.upper() not in _CHARSETS:
                raise BadExpression(f"there is no charset {code[:40]!r}", advice=f"Use one of {', '.join(_CHARSETS)}.")
            return by_value(texts, lambda value: of(_bytes(value, code)), Scalar.TEXT)

        return for_each(by_charset, (given,), (charset or constant("utf-8", Scalar.TEXT),))

    function(name, takes="tt")(hashed)


_hash("md5", lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest())
_hash("sha1", lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest())
_hash("sha256", lambda data: hashlib.sha256(data).hexdigest())
_hash("sha512", lambda data: hashlib.sha512(data).hexdigest())
# The bytes of the sum with the least significant one first, as the documented value has it.
_hash("crc32", lambda data: zlib.crc32(data).to_bytes(4, "little").hex())

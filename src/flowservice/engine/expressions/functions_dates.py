"""Functions over moments, and the patterns of dates.

Letters of patterns mean what Java's SimpleDateFormat says, but for weeks, which are those of ISO 8601; `V`, `O`, `Q`
and `q`, which only newer classes know, mean what those say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from flowservice.domain.expressions.kinds import Moment, Scalar
from flowservice.engine.expressions.column import (
    FIXED_ZONES,
    Column,
    computed,
    either,
    fixed_offset,
    keep,
    local_time,
    moment,
    offset_minutes,
    offset_text,
    select,
)
from flowservice.engine.expressions.evaluation import chosen
from flowservice.engine.expressions.functions import for_each, function
from flowservice.errors import BadExpression

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?")
_LONGEST_OFFSET: Final = 3
_NUMERIC: Final = frozenset("yMLdDHkKhmsSwFuQq")


@dataclass(frozen=True, slots=True)
class _Field:
    letter: str
    count: int


_Token = _Field | str


@lru_cache(maxsize=1_024)
def tokens(pattern: str) -> tuple[_Token, ...]:
    """Fields and literal texts of a pattern. Raises BadExpression for unknown letters and quotes that stay open."""
    return tuple(_tokens(pattern))


def _tokens(pattern: str) -> Iterator[_Token]:
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "'":
            if pattern.startswith("''", at):
                yield "'"
                at += 2
                continue
            end = at + 1
            held = ""
            while True:
                close = pattern.find("'", end)
                if close < 0:
                    raise BadExpression(f"the date pattern {pattern[:60]!r} has a quote that does not end")
                held += pattern[end:close]
                if not pattern.startswith("''", close):
                    break
                held += "'"
                end = close + 2
            yield held
            at = close + 1
        elif sign.isascii() and sign.isalpha():
            count = len(pattern[at:]) - len(pattern[at:].lstrip(sign))
            if sign not in "yMLwDdFEuaHkKhmsSzZXVOQq":
                raise BadExpression(
                    f"the date pattern {pattern[:60]!r} has the unknown letter {sign!r}",
                    advice="Put texts between single quotes.",
                )
            if sign == "X" and count > _LONGEST_OFFSET:
                raise BadExpression(f"the date pattern {pattern[:60]!r} has more than three X")
            yield _Field(sign, count)
            at += count
        else:
            yield sign
            at += 1


def zone_of(name: str) -> str:
    """A zone by its IANA name, a short name or an offset. Raises BadExpression."""
    name = FIXED_ZONES.get(name, name)
    if name in ("Z", "UTC"):
        return "UTC"
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        if hours > 18 or minutes > 59:
            raise _no_zone(name)
        return "UTC" if not hours and not minutes else f"{sign}{hours:02}:{minutes:02}"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _no_zone(name) from error
    return name


def _no_zone(name: str) -> BadExpression:
    return BadExpression(f"there is no time zone {name[:40]!r}", advice="Use a name such as Europe/Paris, or +02:00.")


# --- moments to text ---------------------------------------------------------------------------------------------


@function("format", takes="mt")
def _format(given: Column, pattern: Column) -> Column:
    return for_each(written, (given,), (pattern,))


@function("dformat", takes="wt")
def _dformat(given: Column, pattern: Column) -> Column:
    # Milliseconds that lead beyond the years 1 to 9999 are no date.
    inside = pl.when(given.expr.is_between(-62_135_596_800_000, 253_402_300_799_999)).then(given.expr)
    values = select(
        pl.from_epoch(inside, "ms").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), is_constant=given.is_constant
    )
    failed = values.is_null() & given.values.is_not_null()
    when = Column(Moment(), values, either(given.lost, failed), given.is_constant)
    return keep(for_each(written, (when,), (pattern,)), when.lost)


def written(given: Column, pattern: str) -> Column:
    """Moments by a pattern, in the zone in which they are shown."""
    assert isinstance(given.kind, Moment)
    parts = tokens(pattern)
    zone = given.kind.zone

    def text(values: pl.Expr) -> pl.Expr:
        local = local_time(values, zone)
        pieces = [pl.lit(part) if isinstance(part, str) else _piece(part, local, values, zone) for part in parts]
        return pl.when(values.is_not_null()).then(pl.concat_str([*pieces, pl.lit("")]))

    return computed(Scalar.TEXT, text, given)


def _digits(values: pl.Expr, count: int) -> pl.Expr:
    return values.cast(pl.Int64).cast(pl.String).str.zfill(count)


def _piece(part: _Field, local: pl.Expr, values: pl.Expr, zone: str) -> pl.Expr:
    date, count = local.dt, part.count
    hour = date.hour().cast(pl.Int64)
    weekday = date.weekday().cast(pl.Int64)
    match part.letter:
        case "y":
            year = date.year().cast(pl.Int64)
            return _digits(year % 100, 2) if count == 2 else _digits(year, count)
        case "M" | "L":
            month = date.month()
            if count < 3:
                return _digits(month, count)
            names = [name if count > 3 else name[:3] for name in _MONTHS]
            return month.cast(pl.Int64).replace_strict(list(range(1, 13)), names, return_dtype=pl.String, default=None)
        case "E":
            names = [name if count > 3 else name[:3] for name in _DAYS]
            return weekday.replace_strict(list(range(1, 8)), names, return_dtype=pl.String, default=None)
        case "a":
            return pl.when(hour < 12).then(pl.lit("AM")).otherwise(pl.lit("PM"))
        case "S":
            return _digits(date.millisecond(), count)
        case "z":
            return _zone_name(local, values, zone)
        case "Z":
            return offset_text(offset_minutes(values, zone), colon=False)
        case "X":
            return _iso_offset(offset_minutes(values, zone), count)
        case "V":
            return pl.lit(zone)
        case "O":
            minutes = offset_minutes(values, zone)
            return pl.lit("GMT") + pl.when(minutes == 0).then(pl.lit("")).otherwise(offset_text(minutes))
    number = {
        "d": date.day,
        "D": date.ordinal_day,
        "H": lambda: hour,
        "k": lambda: pl.when(hour == 0).then(24).otherwise(hour),
        "K": lambda: hour % 12,
        "h": lambda: pl.when(hour % 12 == 0).then(12).otherwise(hour % 12),
        "m": date.minute,
        "s": date.second,
        "u": lambda: weekday,
        "F": lambda: (date.day().cast(pl.Int64) - 1) // 7 + 1,
        "w": date.week,
        "Q": date.quarter,
        "q": date.quarter,
    }[part.letter]()
    if part.letter in "Qq" and count > 2:
        return pl.lit("Q") + _digits(number, 1)
    return _digits(number, count)


def _zone_name(local: pl.Expr, values: pl.Expr, zone: str) -> pl.Expr:
    del local
    if zone == "UTC":
        return pl.lit(zone)
    if fixed_offset(zone) is not None:
        return pl.lit(f"GMT{zone}")
    return values.dt.convert_time_zone(zone).dt.to_string("%Z")


def _iso_offset(minutes: pl.Expr, count: int) -> pl.Expr:
    text = offset_text(minutes, colon=count > 2)
    short = text.str.head(3) if count == 1 else text
    return pl.when(minutes == 0).then(pl.lit("Z")).otherwise(short)


# --- text to moments ---------------------------------------------------------------------------------------------


@function("date", takes="ttm")
def _date(given: Column, pattern: Column | None = None, default: Column | None = None) -> Column:
    found = moment(given) if pattern is None else for_each(read, (given,), (pattern,))
    if not isinstance(found.kind, Moment):
        found = moment(found)
    if default is None:
        return found
    # The default takes the place of null, not of what cannot be read.
    is_given = Column(Scalar.TRUTH, given.values.is_not_null(), given.lost, given.is_constant)
    return chosen(is_given, found, default)


def read(given: Column, pattern: str) -> Column:
    """Texts by a pattern, as moments. No zone means UTC; what does not fit is lost."""
    regex, fields = _reading(pattern)
    groups = select(given.expr.str.extract_groups(regex), is_constant=given.is_constant)
    names = groups.struct.fields
    part = {letter: pl.lit(groups.struct.field(name)) for letter, name in zip(fields, names, strict=True)}
    one = pl.lit("1")

    def whole(letter: str, otherwise: pl.Expr) -> pl.Expr:
        return part[letter].cast(pl.Int64, strict=False) if letter in part else otherwise.cast(pl.Int64)

    year = whole("y", pl.lit(1970)) if "yy" not in part else _full_year(part["yy"].cast(pl.Int64, strict=False))
    month = whole("M", one) if "MMM" not in part else _month(part["MMM"])
    hour = whole("H", pl.lit(0))
    hour_fits = pl.lit(value=True)
    if "k" in part:
        hour_fits = whole("k", one).is_between(1, 24)
        hour = whole("k", one) % 24
    if "h" in part or "K" in part:
        hour_fits = whole("h", one).is_between(1, 12) if "h" in part else whole("K", one) < 12
        twelve = whole("h", one) % 12 if "h" in part else whole("K", one)
        after = part["a"].str.to_lowercase() == "pm" if "a" in part else pl.lit(value=False)
        hour = twelve + pl.when(after).then(12).otherwise(0)
    minute, second, milli = (whole(letter, pl.lit(0)) for letter in "msS")
    day = whole("d", one)
    stamp = pl.concat_str(
        [
            _digits(year, 4),
            pl.lit("-"),
            _digits(month, 2),
            pl.lit("-"),
            _digits(day, 2),
            pl.lit("T"),
            _digits(hour, 2),
            pl.lit(":"),
            _digits(minute, 2),
            pl.lit(":"),
            _digits(second, 2),
        ]
    )
    naive = stamp.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    if "D" in part:
        start = pl.concat_str([_digits(year, 4), pl.lit("-01-01")]).str.to_datetime(
            "%Y-%m-%d", time_unit="us", strict=False
        )
        naive = start + pl.duration(days=whole("D", one) - 1, hours=hour, minutes=minute, seconds=second)
        naive = pl.when(naive.dt.year() == year).then(naive)
    # A leap second is no moment here, and neither is the hour 13 of twelve.
    fits = (second < 60) & hour_fits
    naive = pl.when(fits).then(naive + pl.duration(milliseconds=milli))
    if "E" in part:
        names = [day[:3].lower() for day in _DAYS] + [day.lower() for day in _DAYS]
        told = part["E"].str.to_lowercase().replace_strict(names, [*range(1, 8)] * 2, default=0, return_dtype=pl.Int64)
        naive = pl.when(naive.dt.weekday() == told).then(naive)
    minutes = _read_offset(part)
    utc = (naive - pl.duration(minutes=minutes)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    values = select(utc, is_constant=given.is_constant)
    if len(values) != len(given.values):
        # No letter tells anything: the pattern alone decides, of the texts that have its form.
        fits_form = given.expr.str.contains(regex)
        values = select(pl.when(fits_form).then(pl.lit(values).first()), is_constant=given.is_constant)
    failed = values.is_null() & given.values.is_not_null()
    return Column(Moment(), values, either(given.lost, failed), given.is_constant)


def _full_year(two: pl.Expr) -> pl.Expr:
    """Two digits mean 1969 to 2068."""
    return pl.when(two < 69).then(two + 2000).otherwise(two + 1900)


def _month(name: pl.Expr) -> pl.Expr:
    names = [month[:3].lower() for month in _MONTHS] + [month.lower() for month in _MONTHS]
    numbers = [*range(1, 13)] * 2
    # May is short and long at once.
    known = dict(zip(names, numbers, strict=True))
    return name.str.to_lowercase().replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.Int64
    )


def _read_offset(part: dict[str, pl.Expr]) -> pl.Expr:
    """Minutes east of UTC."""
    if "Z" in part:
        digits = part["Z"].str.replace(":", "", literal=True)
        size = digits.str.slice(1).str.pad_end(4, "0")
        minutes = size.str.head(2).cast(pl.Int64, strict=False) * 60 + size.str.slice(2).cast(pl.Int64, strict=False)
        return (
            pl.when(digits.str.to_uppercase() == "Z")
            .then(0)
            .when(digits.str.starts_with("-"))
            .then(-minutes)
            .otherwise(minutes)
        )
    if "z" in part:
        known = {name: fixed_offset(zone) for name, zone in FIXED_ZONES.items()}
        named = part["z"].replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Int64)
        offset = part["z"].str.strip_prefix("GMT")
        size = offset.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + offset.str.slice(4).cast(
            pl.Int64, strict=False
        )
        return pl.coalesce(named, pl.when(offset.str.starts_with("-")).then(-size).otherwise(size))
    return pl.lit(0)


_SHAPES: Final = {
    "a": "(?i:am|pm)",
    "E": "[A-Za-z]+",
    "X": r"Z|[+-]\d{2}(?::?\d{2})?",
    "Z": r"[+-]\d{2}:?\d{2}",
    "z": r"[A-Za-z]{1,5}(?:[+-]\d{2}:\d{2})?",
}


@lru_cache(maxsize=1_024)
def _reading(pattern: str) -> tuple[str, tuple[str, ...]]:
    """A regular expression with a group for each field, and the fields' names. Raises BadExpression."""
    parts = tokens(pattern)
    regex, fields = [], []
    for at, part in enumerate(parts):
        if isinstance(part, str):
            regex.append(re.escape(part))
            continue
        following = parts[at + 1] if at + 1 < len(parts) else ""
        is_tight = isinstance(following, _Field) and following.letter in _NUMERIC
        shape, name = _shape(part, is_tight=is_tight, pattern=pattern)
        regex.append(f"({shape})" if name else f"(?:{shape})")
        if name:
            if name in fields:
                raise BadExpression(f"the date pattern {pattern[:60]!r} reads {part.letter!r} twice")
            fields.append(name)
    if not fields:
        raise BadExpression(f"the date pattern {pattern[:60]!r} reads nothing")
    return rf"\A{''.join(regex)}\z".replace(r"\d", "[0-9]"), tuple(fields)


def _shape(part: _Field, *, is_tight: bool, pattern: str) -> tuple[str, str]:
    letter, count = part.letter, part.count
    if letter in "ML":
        return (
            (r"\d{1,2}" if count == 1 and not is_tight else rf"\d{{{count}}}", "M")
            if count < 3
            else ("[A-Za-z]{3,9}", "MMM")
        )
    if letter == "y":
        return (r"\d{2}", "yy") if count == 2 else (r"\d{4}", "y")
    if letter == "S":
        return (rf"\d{{{count}}}", "S")
    if letter == "D":
        return (r"\d{1,3}" if count < 3 and not is_tight else rf"\d{{{count}}}", "D")
    if letter in "dHkKhms":
        return (r"\d{1,2}" if count == 1 and not is_tight else rf"\d{{{count}}}", letter)
    if letter in "XZ":
        return _SHAPES[letter], "Z"
    if letter in "azE":
        return _SHAPES[letter], letter
    raise BadExpression(f"the letter {letter!r} of the date pattern {pattern[:60]!r} cannot be read, only written")


# --- parts -------------------------------------------------------------------------------------------------------

_PARTS: Final = {
    **dict.fromkeys(("year", "yyyy", "yy"), "year"),
    **dict.fromkeys(("quarter", "qq", "q"), "quarter"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("dayofyear", "dy", "y"), "dayofyear"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
    **dict.fromkeys(("week", "ww", "w"), "week"),
    **dict.fromkeys(("weekday", "dw"), "weekday"),
    **dict.fromkeys(("hour", "hh", "hh24"), "hour"),
    "hh12": "hour12",
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
    **dict.fromkeys(("millisecond", "sss", "ms"), "millisecond"),
}


_SETTABLE: Final = ("year", "month", "day", "hour", "minute", "second")


def part_of(name: str) -> str:
    """The component of that name, in any case. Raises BadExpression."""
    found = _PARTS.get(name.lower())
    if found is None:
        raise BadExpression(f"a date has no part {name[:40]!r}", advice=f"Use one of {', '.join(_PARTS)}.")
    return found


@function("date_part", takes="tm")
def _date_part(component: Column, given: Column) -> Column:
    def taken(when: Column, name: str) -> Column:
        part = part_of(name)
        assert isinstance(when.kind, Moment)
        zone = when.kind.zone
        return computed(Scalar.WHOLE, lambda values: _component(part, local_time(values, zone)), when)

    return for_each(taken, (given,), (component,))


def _component(part: str, local: pl.Expr) -> pl.Expr:
    date = local.dt
    return {
        "year": date.year,
        "quarter": date.quarter,
        "month": date.month,
        "dayofyear": date.ordinal_day,
        "day": date.day,
        "week": date.week,
        "weekday": date.weekday,
        "hour12": lambda: (date.hour().cast(pl.Int64) + 11) % 12 + 1,
        "hour": date.hour,
        "minute": date.minute,
        "second": date.second,
        "millisecond": date.millisecond,
    }[part]().cast(pl.Int64)


@function("set_date_part", takes="twm")
def _set_date_part(component: Column, value: Column, given: Column) -> Column:
    def replaced(amount: Column, when: Column, name: str) -> Column:
        part = part_of(name)
        if part not in _SETTABLE:
            raise BadExpression(f"{name[:40]!r} of a date cannot be set", advice=f"Set one of {', '.join(_SETTABLE)}.")
        assert isinstance(when.kind, Moment)
        zone = when.kind.zone

        def moved(amounts: pl.Expr, values: pl.Expr) -> pl.Expr:
            return _in_zone(_with_component(part, local_time(values, zone), amounts), zone)

        return computed(when.kind, moved, amount, when, fails=True)

    return for_each(replaced, (value, given), (component,))


def _with_component(part: str, local: pl.Expr, amounts: pl.Expr) -> pl.Expr:
    held = {name: amounts if name == part else _component(name, local) for name in _SETTABLE}
    if part in ("year", "month"):
        # A month with fewer days gives its last one.
        inside = pl.when(held["month"].is_between(1, 12) & held["year"].is_between(1, 9999))
        first = inside.then(pl.concat_str([_digits(held["year"], 4), _digits(held["month"], 2), pl.lit("01")]))
        last = first.str.to_date("%Y%m%d", strict=False).dt.month_end().dt.day().cast(pl.Int64)
        held["day"] = pl.min_horizontal(held["day"], last)
    digits = [pl.when(held[name] >= 0).then(_digits(held[name], 4 if name == "year" else 2)) for name in _SETTABLE]
    stamp = pl.concat_str(digits, separator=" ").str.to_datetime("%Y %m %d %H %M %S", time_unit="us", strict=False)
    at = stamp + pl.duration(microseconds=local.dt.microsecond().cast(pl.Int64))
    return pl.when(at.dt.year().is_between(1, 9999)).then(at)


def _in_zone(local: pl.Expr, zone: str) -> pl.Expr:
    """The moments at which clocks of a zone show this: the first of two; what they skip is moved on by the gap."""
    local = local.cast(pl.Datetime("us"))
    fixed = fixed_offset(zone)
    if fixed is not None:
        return (local - timedelta(minutes=fixed)).dt.replace_time_zone("UTC")
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC")

    def utc(clock: pl.Expr) -> pl.Expr:
        return clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")

    # Gaps are shorter than a day: the offset of the day before is the one that they are measured with.
    day = timedelta(days=1)
    return pl.coalesce(utc(local), utc(local - day) + day)


@function("make_date_time", "make_timestamp", takes="wwwwwwwt")
def _make_date_time(*parts: Column) -> Column:
    *numbers, zone = parts

    def made(*columns: Column | str) -> Column:
        *given, name = columns
        place = zone_of(str(name))

        def stamp(*exprs: pl.Expr) -> pl.Expr:
            *clock, nanos = exprs
            widths = (4, 2, 2, 2, 2, 2)
            digits = [
                pl.when(value >= 0).then(_digits(value, width)) for value, width in zip(clock, widths, strict=True)
            ]
            fits = nanos.is_between(0, 999_999_999) & clock[0].is_between(1, 9999) & (clock[5] < 60)
            inside = pl.when(fits).then(pl.concat_str(digits, separator=" "))
            at = inside.str.to_datetime("%Y %m %d %H %M %S", time_unit="us", strict=False)
            return _in_zone(at + pl.duration(microseconds=nanos // 1_000), place)

        return computed(Moment(place), stamp, *given, fails=True)  # type: ignore[arg-type]

    return _known_zone(for_each(made, numbers, (zone,)), zone)


@function("zone_date_to_utc", takes="m")
def _zone_date_to_utc(given: Column) -> Column:
    return Column(Moment(), given.values, given.lost, given.is_constant)


@function("zone_date_to_zone", takes="mt")
def _zone_date_to_zone(given: Column, zone: Column) -> Column:
    def shown(when: Column, name: str) -> Column:
        zone = zone_of(name)

        def inside(values: pl.Expr) -> pl.Expr:
            return pl.when(local_time(values, zone).dt.year().is_between(1, 9999)).then(values)

        return computed(Moment(zone), inside, when, fails=True)

    return _known_zone(for_each(shown, (given,), (zone,)), zone)


def _known_zone(found: Column, zone: Column) -> Column:
    """In UTC where rows tell the zone: a column is shown in one zone."""
    return found if zone.is_constant or not isinstance(found.kind, Moment) else replace(found, kind=Moment())

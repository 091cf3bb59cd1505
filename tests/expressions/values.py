"""Values of the oracle, in plain Python: what they are as texts, numbers, moments and conditions.

| kind | value |
| --- | --- |
| truth, whole, decimal, text, moment | bool, int, float, str, aware datetime |
| loose text | `Loose` |
| JSON | `Json` around what `json.loads` gives |
| array, object, map | list, dict, `Map` |
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, TypeAlias

Value: TypeAlias = Any
"""One of the above, or None."""

INT64: Final = 2**63
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")
_WHOLE: Final = re.compile(r"([+-]?[0-9]+)\.0*")
TRUE_WORDS: Final = ("true", "yes", "y", "on")


class RowError(Exception):
    """An error of a row: the attribute is null in it."""


class Loose(str):
    """A text of the source, or what was computed with one: a number where it reads like one."""

    __slots__ = ()


class Map(dict[str, Any]):
    """A map: its keys are there also where their values are null."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Json:
    """Parsed JSON, never JSON's null."""

    value: Any


def json_value(parsed: Any) -> Json | None:
    """What a part of a JSON document is as a value."""
    return None if parsed is None else Json(parsed)


def text_of_decimal(number: float) -> str:
    """The shortest digits that read back the same; exponents from 1e16 and below 1e-5."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if 1e-5 <= abs(number) < 1e-4:
        digits, exponent = repr(number).lstrip("-").split("e")
        digits = digits.replace(".", "")
        return ("-" if number < 0 else "") + "0." + "0" * (-int(exponent) - 1) + digits
    return re.sub(r"e-0(?=[0-9])", "e-", repr(number))


def text_of_moment(moment: datetime) -> str:
    """ISO 8601 in the moment's zone, microseconds without trailing zeros."""
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    head = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}"
    return f"{head}{fraction}{offset_text(moment, ':', zero='Z')}"


def offset_text(moment: datetime, colon: str, *, zero: str | None = None) -> str:
    """`+02:00`, or `zero` where that is given and the offset is none."""
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if seconds == 0 and zero is not None:
        return zero
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    return f"{sign}{seconds // 3600:02}{colon}{seconds // 60 % 60:02}"


def text(value: Value) -> str | None:
    """The canonical text of a scalar. JSON's strings are what they hold."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return text_of_decimal(value)
    if isinstance(value, datetime):
        return text_of_moment(value)
    if isinstance(value, Json):
        if isinstance(value.value, str):
            return value.value
        return json.dumps(value.value, ensure_ascii=False, separators=(",", ":"))
    raise TypeError(f"{type(value).__name__} has no text")


def number_in(written: str) -> int | float | None:
    """The number that a text reads like, or None."""
    if not _NUMBER.fullmatch(written):
        return None
    if _DIGITS.fullmatch(written) and -INT64 <= int(written) < INT64:
        return int(written)
    number = float(written)
    return number if math.isfinite(number) else None


def number(value: Value) -> int | float | None:
    """A number, or one of a text that reads like one; None of null. Raises RowError for any other text."""
    if value is None or type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    found = number_in(text(value) or "")
    if found is None:
        raise RowError(f"{text(value)!r} is no number")
    return found


def whole(value: Value) -> int | None:
    """A whole number of 64 bits, also of `3.0` and `1e3`. Raises RowError for others."""
    if isinstance(value, str | Json):
        written = text(value) or ""
        if match := _WHOLE.fullmatch(written):
            written = match[1]
        if _DIGITS.fullmatch(written):
            exact = int(written)
            if not -INT64 <= exact < INT64:
                raise RowError(f"{written} does not fit 64 bits")
            return exact
    found = number(value)
    if isinstance(found, float):
        if found != math.floor(found) or not -INT64 <= found < INT64:
            raise RowError(f"{found} is no whole number of 64 bits")
        return int(found)
    return found


def truth(value: Value) -> bool:
    """What a value is as a condition."""
    if value is None:
        return False
    if type(value) in (bool, int, float):
        return bool(value)
    written = text(value) or ""
    return written.lower() in TRUE_WORDS or bool(number_in(written))


def checked(result: float) -> int | float:
    """The result of arithmetic. Raises RowError beyond 64 bits, and for what is infinite or no number."""
    if isinstance(result, int):
        if not -INT64 <= result < INT64:
            raise RowError("beyond 64 bits")
    elif not math.isfinite(result):
        raise RowError("infinite or no number")
    return result


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO: Final = re.compile(
    r"(?P<y>[0-9]{4})-(?P<M>[0-9]{2})-(?P<d>[0-9]{2})"
    r"(?:[T ](?P<h>[01][0-9]|2[0-3]):(?P<m>[0-5][0-9])(?::(?P<s>[0-5][0-9])(?:[.,](?P<f>[0-9]{0,9}))?)?"
    r" ?(?P<z>[Zz]|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)?)?"
)
_M, _D, _Y = "(?P<M>0[1-9]|1[0-2])", "(?P<d>[0-3][0-9])", "(?P<y>[0-9]{4})"
_M1, _MMM = "(?P<M>0?[1-9]|1[0-2])", "(?P<N>[A-Za-z]{3})"
_CLOCK: Final = " (?P<h>0[0-9]|1[0-2]):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9]) (?P<a>[AaPp][Mm])"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        f"{_Y}/{_M}/{_D}",
        rf"{_Y}\.{_M}\.{_D}",
        f"{_Y}-{_MMM}-{_D}",
        f"{_Y}{_M}{_D}",
        f"{_M}-{_D}-{_Y}",
        f"{_M}{_D}{_Y}",
        f"{_M1}/{_D}/{_Y}",
        rf"{_D}\.{_M1}\.{_Y}",
        f"{_M1}/{_D}/{_Y}{_CLOCK}",
        rf"{_D}\.{_M1}\.{_Y}{_CLOCK}",
        rf"{_D}\.{_MMM}\.{_Y}",
        f"{_D}-{_MMM}-{_Y}",
    )
)


def moment_in(written: str) -> datetime | None:
    """The moment that a text tells in one of the forms of `docs/values.md`, or None. In UTC."""
    for form in (_ISO, *_FORMS):
        if (match := form.fullmatch(written)) and (found := _moment_of(match.groupdict())) is not None:
            return found
    return None


def _moment_of(part: Mapping[str, str | None]) -> datetime | None:
    name = part.get("N")
    if name is not None and name.lower() not in _MONTHS:
        return None
    month = _MONTHS.index(name.lower()) + 1 if name is not None else int(part["M"] or 0)
    hour = int(part.get("h") or 0)
    if half := part.get("a"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    micros = int(((part.get("f") or "") + "000000")[:6])
    zone = part.get("z") or "Z"
    digits = (zone[1:].replace(":", "") + "0000")[:4]
    east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    try:
        local = datetime(
            int(part["y"] or 0),
            month,
            int(part["d"] or 0),
            hour,
            int(part.get("m") or 0),
            int(part.get("s") or 0),
            micros,
            tzinfo=UTC,
        )
        return local - east
    except (ValueError, OverflowError):
        return None


def moment(value: Value) -> datetime | None:
    """A moment, or that of a text. Raises RowError for other texts."""
    if value is None or isinstance(value, datetime):
        return value
    found = moment_in(text(value) or "")
    if found is None:
        raise RowError(f"{text(value)!r} is no moment")
    return found


_OFFSETS: Final[Mapping[str, float]] = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "JST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip
NAMED_ZONES: Final[Mapping[str, timezone]] = {
    name: timezone(timedelta(hours=hours)) if hours else UTC for name, hours in _OFFSETS.items()
}
"""Names that stand for fixed offsets."""


def compared(a: Value, b: Value) -> int | None:
    """Below, equal or above (-1, 0, 1) of two values that are not null, or None where `==` calls them unequal by kind.

    Raises RowError where `<` is an error and `==` is false: a text that does not read as what stands beside it.
    """
    a, b = (Loose(text(v) or "") if isinstance(v, Json) else v for v in (a, b))
    if isinstance(a, str) and isinstance(b, str):
        if isinstance(a, Loose) and isinstance(b, Loose):
            left, right = number_in(a), number_in(b)
            if left is not None and right is not None:
                return _order(*_numbers(left, right))
        return _order(str(a), str(b))
    if isinstance(a, str) or isinstance(b, str):
        other = b if isinstance(a, str) else a
        if isinstance(other, bool):
            return _order(text(a) or "", text(b) or "")
        if isinstance(other, datetime):
            return _order(moment(a), moment(b))
        left, right = number(a), number(b)
        assert left is not None
        assert right is not None
        return _order(*_numbers(left, right))
    if isinstance(a, bool) or isinstance(b, bool):
        return _order(a, b) if isinstance(a, bool) and isinstance(b, bool) else None
    if isinstance(a, datetime) or isinstance(b, datetime):
        return _order(a, b) if isinstance(a, datetime) and isinstance(b, datetime) else None
    return _order(*_numbers(a, b))


def equal(a: Value, b: Value) -> bool:
    """`==`."""
    if a is None or b is None:
        return a is None and b is None
    try:
        return compared(a, b) == 0
    except RowError:
        return False


def _numbers(a: float, b: float) -> tuple[float, float]:
    return (a, b) if type(a) is type(b) else (float(a), float(b))


def _order(a: Any, b: Any) -> int:
    return int(a > b) - int(a < b)

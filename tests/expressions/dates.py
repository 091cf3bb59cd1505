"""The oracle's functions of dates, and Java's date patterns. Left out, as by the language: G Y L W F k K V O q."""

import re
from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tests.expressions.values import NAMED_ZONES, RowError, offset_text

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOW: Final = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)


class BadPattern(RowError):
    """No pattern; of a constant an error of the expression."""


@lru_cache(maxsize=1_000)
def zone_of(name: str) -> tzinfo:
    """A zone by a name of a fixed offset, an offset or an IANA name. Raises RowError."""
    if name in NAMED_ZONES:
        return NAMED_ZONES[name]
    if match := _OFFSET.fullmatch(name):
        hours, minutes = int(match[2]), int(match[3])
        if hours > 18 or minutes > 59:
            raise RowError(f"no offset {name!r}")
        east = timedelta(hours=hours, minutes=minutes) * (-1 if match[1] == "-" else 1)
        return timezone(east) if east else UTC
    if name in available_timezones():
        return ZoneInfo(name)
    raise RowError(f"no zone {name!r}")


@lru_cache(maxsize=1_000)
def tokens(pattern: str) -> tuple[tuple[str, int], ...]:
    """Letters with how many there are; texts between them with 0. Raises BadPattern."""
    found: list[tuple[str, int]] = []
    i = 0
    while i < len(pattern):
        sign = pattern[i]
        if pattern.startswith("''", i):
            found.append(("'", 0))
            i += 2
        elif sign == "'":
            i += 1
            literal = ""
            while True:
                if i >= len(pattern):
                    raise BadPattern("a quote does not end")
                if pattern.startswith("''", i):
                    literal += "'"
                    i += 2
                elif pattern[i] == "'":
                    i += 1
                    break
                else:
                    literal += pattern[i]
                    i += 1
            found.append((literal, 0))
        elif sign.isascii() and sign.isalpha():
            count = len(pattern[i:]) - len(pattern[i:].lstrip(sign))
            most = {"X": 3, "z": 3, "Q": 3}.get(sign, 100)
            if sign not in "yMdHhmsSaEDuwZXzQ" or count > most:
                raise BadPattern(f"no letter {sign * count!r}")
            found.append((sign, count))
            i += count
        else:
            found.append((sign, 0))
            i += 1
    return tuple(found)


def written(moment: datetime, pattern: str) -> str:
    """`format`."""
    return "".join(_written(moment, letter, count) if count else letter for letter, count in tokens(pattern))


def _written(moment: datetime, letter: str, count: int) -> str:
    numbers = {
        "d": moment.day,
        "H": moment.hour,
        "h": (moment.hour + 11) % 12 + 1,
        "m": moment.minute,
        "s": moment.second,
        "S": moment.microsecond // 1000,
        "D": moment.timetuple().tm_yday,
        "u": moment.isoweekday(),
        "w": moment.isocalendar().week,
    }
    if letter in numbers:
        return str(numbers[letter]).zfill(count)
    if letter == "y":
        return f"{moment.year % 100:02}" if count == 2 else str(moment.year).zfill(count)
    if letter == "M":
        name = MONTHS[moment.month - 1]
        return str(moment.month).zfill(count) if count <= 2 else name[:3] if count == 3 else name
    if letter == "E":
        name = DAYS[moment.weekday()]
        return name if count >= 4 else name[:3]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "Q":
        quarter = (moment.month + 2) // 3
        return f"Q{quarter}" if count == 3 else str(quarter).zfill(count)
    if letter == "Z":
        return offset_text(moment, "")
    if letter == "X":
        return offset_text(moment, ":" if count == 3 else "", zero="Z")[: 3 if count == 1 else None]
    is_offset = isinstance(moment.tzinfo, timezone) and moment.utcoffset()
    return f"GMT{offset_text(moment, ':')}" if is_offset else moment.tzname() or ""


@lru_cache(maxsize=1_000)
def reading(pattern: str) -> "re.Pattern[str]":
    """What a text of the pattern looks like; group names are the letters, `N` a month's name. Raises BadPattern."""
    parts, seen = [], set()
    for letter, count in tokens(pattern):
        if not count:
            parts.append(re.escape(letter))
            continue
        if letter in "uwQ":
            raise BadPattern(f"{letter!r} is not read")
        # The same letter twice has to say the same.
        parts.append(f"(?P={_group(letter, count)})" if _group(letter, count) in seen else _shape(letter, count))
        seen.add(_group(letter, count))
    return re.compile("".join(parts), re.IGNORECASE)


def _group(letter: str, count: int) -> str:
    return "N" if letter == "M" and count >= 3 else letter


def _shape(letter: str, count: int) -> str:
    one_or_two = "[0-9]{1,2}" if count == 1 else f"[0-9]{{{max(count, 2)}}}"
    shape = {
        "y": "[0-9]{2}" if count == 2 else "[0-9]{4}",
        "D": "[0-9]{1,3}" if count == 1 else "[0-9]{3}" if count == 3 else f"[0-9]{{{min(count, 3)},3}}",
        "S": f"[0-9]{{{count}}}",
        "a": "AM|PM",
        "E": "|".join(DAYS if count >= 4 else (day[:3] for day in DAYS)),
        "Z": "[+-][0-9]{2}:?[0-9]{2}",
        "X": "Z|[+-][0-9]{2}" + ("", "[0-9]{2}", ":[0-9]{2}")[min(count, 3) - 1],
        "z": "GMT[+-][0-9]{2}:[0-9]{2}|" + "|".join(sorted(set(NAMED_ZONES) - {"Z"}, key=len, reverse=True)),
    }
    if letter == "M" and count >= 3:
        return f"(?P<N>{'|'.join(MONTHS if count >= 4 else (month[:3] for month in MONTHS))})"
    return f"(?P<{letter}>{shape.get(letter, one_or_two)})"


def read(value: str, pattern: str) -> datetime:
    """`date` with a pattern. Raises RowError for a text that does not fit, BadPattern."""
    match = reading(pattern).fullmatch(value)
    if match is None:
        raise RowError(f"{value!r} is not of {pattern!r}")
    part = match.groupdict()
    year = int(part.get("y") or 1970)
    if "y" in part and len(part["y"]) == 2:
        year += 2000 if year <= 68 else 1900
    month, day = int(part.get("M") or 1), int(part.get("d") or 1)
    if "N" in part:
        month = [name[:3].lower() for name in MONTHS].index(part["N"][:3].lower()) + 1
    hour = int(part.get("H") or 0)
    if "h" in part and "H" not in part:
        hour = int(part["h"])
        if not 1 <= hour <= 12:
            raise RowError("no hour")
        hour = hour % 12 + (12 if (part.get("a") or "AM").upper() == "PM" else 0)
    millis = int(part.get("S") or 0)
    if millis > 999:
        raise RowError("more than 999 milliseconds")
    try:
        local = datetime(
            year, month, day, hour, int(part.get("m") or 0), int(part.get("s") or 0), millis * 1000, tzinfo=UTC
        )
        if "D" in part:
            if not 1 <= int(part["D"]) <= 365 + isleap(year):
                raise RowError("no such day of the year")
            local = local.replace(month=1, day=1) + timedelta(days=int(part["D"]) - 1)
        if "E" in part and DAYS[local.weekday()][:3].lower() != part["E"][:3].lower():
            raise RowError("another day of the week")
        zone = part.get("Z") or part.get("X") or part.get("z") or "Z"
        return local - _east(zone)
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error


def _east(zone: str) -> timedelta:
    zone = zone.upper()
    if zone in NAMED_ZONES:
        return NAMED_ZONES[zone].utcoffset(None)
    digits = (zone.removeprefix("GMT")[1:].replace(":", "") + "0000")[:4]
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 18 or minutes > 59:
        raise RowError(f"no offset {zone!r}")
    return timedelta(hours=hours, minutes=minutes) * (-1 if "-" in zone else 1)


PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    **dict.fromkeys(("year", "yyyy", "yy"), lambda m: m.year),
    **dict.fromkeys(("quarter", "qq", "q"), lambda m: (m.month + 2) // 3),
    **dict.fromkeys(("month", "mm", "m"), lambda m: m.month),
    **dict.fromkeys(("dayofyear", "dy", "y"), lambda m: m.timetuple().tm_yday),
    **dict.fromkeys(("day", "dd", "d"), lambda m: m.day),
    **dict.fromkeys(("week", "ww", "w"), lambda m: m.isocalendar().week),
    **dict.fromkeys(("weekday", "dw"), lambda m: m.isoweekday()),
    **dict.fromkeys(("hour", "hh", "hh24"), lambda m: m.hour),
    "hh12": lambda m: (m.hour + 11) % 12 + 1,
    **dict.fromkeys(("minute", "mi", "n"), lambda m: m.minute),
    **dict.fromkeys(("second", "ss", "s"), lambda m: m.second),
    **dict.fromkeys(("millisecond", "sss", "ms"), lambda m: m.microsecond // 1000),
}
SETTABLE: Final = {
    **dict.fromkeys(("year", "yyyy", "yy"), "year"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
    **dict.fromkeys(("hour", "hh"), "hour"),
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
}


def date_part(component: str, moment: datetime) -> int:
    """One part of a moment."""
    if component.lower() not in PARTS:
        raise RowError(f"no part {component!r}")
    return PARTS[component.lower()](moment)


def set_date_part(component: str, value: int, moment: datetime) -> datetime:
    """A moment with another part; of a clock time that comes twice the first, one that a zone skips moved on."""
    part = SETTABLE.get(component.lower())
    if part is None:
        raise RowError(f"no part {component!r}")
    try:
        year = value if part == "year" else moment.year
        month = value if part == "month" else moment.month
        day = value if part == "day" else min(moment.day, monthrange(year, month)[1])
        changed = moment.replace(year=year, month=month, day=day, fold=0)
        if part in ("hour", "minute", "second"):
            clock = {"hour": moment.hour, "minute": moment.minute, "second": moment.second, part: value}
            changed = changed.replace(hour=clock["hour"], minute=clock["minute"], second=clock["second"])
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error
    return settled(changed)


def make_date_time(
    year: int, month: int, day: int, hour: int, minute: int, second: int, nano: int, zone: str
) -> datetime:
    """A moment of its parts."""
    if not 0 <= nano <= 999_999_999:
        raise RowError("nanoseconds out of range")
    try:
        return settled(datetime(year, month, day, hour, minute, second, nano // 1000, tzinfo=zone_of(zone)))
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error


def settled(moment: datetime) -> datetime:
    """The same instant with a clock time that its zone has. Raises RowError outside the years 1 to 9999 of UTC."""
    try:
        return moment.astimezone(UTC).astimezone(moment.tzinfo)
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error


def of_millis(millis: int) -> datetime:
    """A moment of milliseconds since 1970."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error


def in_zone(moment: datetime, name: str) -> datetime:
    """The same instant in another zone."""
    try:
        return moment.astimezone(zone_of(name))
    except (ValueError, OverflowError) as error:
        raise RowError(str(error)) from error

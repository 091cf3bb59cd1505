"""Windows of a delta column: which rows of a table belong to a run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from flowservice.errors import BadField

_LONGEST_NAME: Final = 255
_LONGEST_FORMAT: Final = 64
_FORMAT_PART: Final = re.compile(
    r"yyyy|MM|dd|HH|hh|mm|ss|S{1,9}|a|X{1,3}|Z|'(?:[^']|'')*'|(?P<plain>[^A-Za-z'])|(?P<wrong>.)", re.DOTALL
)
_OFFSET: Final = "(?P<z>Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_PARTS: Final[Mapping[str, str]] = {
    "yyyy": "(?P<Y>[0-9]{4})",
    "MM": "(?P<m>[0-9]{2})",
    "dd": "(?P<d>[0-9]{2})",
    "HH": "(?P<H>[0-9]{2})",
    "hh": "(?P<I>[0-9]{2})",
    "mm": "(?P<M>[0-9]{2})",
    "ss": "(?P<S>[0-9]{2})",
    "a": "(?P<a>[AaPp][Mm])",
    **dict.fromkeys(("X", "XX", "XXX", "Z"), _OFFSET),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaColumn:
    """A source column whose value says when a row was written or changed.

    `date_format` reads texts that are not ISO 8601 (letters as in Java's SimpleDateFormat); `timezone` (an IANA name)
    is that of times without an offset, UTC unless given.
    """

    name: str
    date_format: str | None = None
    timezone: str | None = None

    @classmethod
    def of(cls, sent: Any, *, at: str = "transformations[].params.deltaColumn") -> "DeltaColumn":
        """The column that a client wrote. Raises BadField, which names `at`."""
        if not isinstance(sent, Mapping):
            raise BadField(f"{at} must be an object", advice='Send {"name": "<column>"}.')
        name, date_format, timezone = (sent.get(member) for member in ("name", "dateFormat", "timezone"))
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise BadField(f"{at}.name must be the name of a column", advice="Explore the table to see its columns.")
        if not isinstance(date_format, str | None) or not isinstance(timezone, str | None):
            raise BadField(f"{at}: dateFormat and timezone are texts")
        column = cls(name=name, date_format=date_format or None, timezone=timezone or None)
        column.check(at=at)
        return column

    def check(self, *, at: str) -> None:
        """Return if format and time zone can be used. Raises BadField."""
        if self.date_format is not None:
            _pattern(self.date_format, at=at)
        if self.timezone is not None and self.timezone not in _zones():
            raise BadField(f"{at}.timezone is no time zone", advice="Send an IANA name such as Europe/Berlin, or UTC.")

    @property
    def pattern(self) -> str | None:
        """The format as a regular expression with the groups Y, m, d, H, I, M, S, f, a and z; None without one."""
        return None if self.date_format is None else _pattern(self.date_format, at="deltaColumn")

    def to_json(self) -> dict[str, str]:
        """As the wire has it."""
        members = {"name": self.name, "dateFormat": self.date_format, "timezone": self.timezone}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows with `start` <= value of `column` < `end`; None is an open end."""

    column: DeltaColumn
    start: datetime | None = None
    end: datetime | None = None

    def overlaps(self, other: "Window") -> bool:
        """Whether a row may lie in both. What windows of different columns share, their bounds do not tell."""
        if self.column != other.column:
            return True
        return _begins_before_end(self, other) and _begins_before_end(other, self)

    @property
    def onward(self) -> "Window":
        """All from its beginning on."""
        return replace(self, end=None)

    def after(self, mark: datetime | None) -> "Window":
        """What of this window is not before `mark`; it may be empty, and then lies at `mark`."""
        if mark is None or (self.start is not None and self.start >= mark):
            return self
        return replace(self, start=mark, end=None if self.end is None else max(self.end, mark))


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Rows that came too late for the window of their time: those before a window that the source wrote `since` the one
    before it was decided. They land in none, and are counted."""

    column: str
    """In which the source tells when it wrote the row."""
    since: datetime


def _begins_before_end(one: Window, other: Window) -> bool:
    return one.start is None or other.end is None or one.start < other.end


def _pattern(date_format: str, *, at: str) -> str:
    if len(date_format) > _LONGEST_FORMAT:
        raise BadField(f"{at}.dateFormat is longer than {_LONGEST_FORMAT} characters")
    parts = list(_FORMAT_PART.finditer(date_format))
    if any(part["wrong"] for part in parts):
        raise BadField(
            f"{at}.dateFormat has letters that are not supported",
            advice="Use yyyy, MM, dd, HH, hh, mm, ss, SSS, a, X, Z and texts in single quotes.",
        )
    pattern = "".join(_part(part[0]) for part in parts)
    groups = re.findall(r"\(\?P<(\w)>", pattern)
    if len(groups) != len(set(groups)) or not {"Y", "m", "d"} <= set(groups) or {"H", "I"} <= set(groups):
        raise BadField(
            f"{at}.dateFormat names no whole date, or a part of it twice",
            advice="It needs a year, a month and a day, such as yyyy-MM-dd HH:mm:ss.",
        )
    return f"^{pattern}$"


def _part(text: str) -> str:
    if text.startswith("S"):
        return f"(?P<f>[0-9]{{{len(text)}}})"
    if text in _PARTS:
        return _PARTS[text]
    plain = (text[1:-1].replace("''", "'") or "'") if text.startswith("'") else text
    return "".join(character if character.isalnum() else f"\\x{{{ord(character):X}}}" for character in plain)


@cache
def _zones() -> frozenset[str]:
    # These two are no zones: what they mean, the machine says.
    return frozenset(available_timezones()) - {"localtime", "Factory"}

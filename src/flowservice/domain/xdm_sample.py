"""A sample of a schema: one object with a value in every field, valid by the schema itself."""

import re
from collections.abc import Mapping
from math import ceil, floor
from typing import Any, Final

import polars as pl

from flowservice.domain.xdm_resolve import Document
from flowservice.domain.xdm_types import INTEGERS, XdmType, xdm_type

_FORMATS: Final = {
    "email": "person@example.com",
    "uri": "https://example.com/sample",
    "uri-reference": "/sample",
    "hostname": "www.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "time": "12:30:00Z",
}
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_DATE: Final = "2024-03-15"
_DATE_TIME: Final = "2024-03-15T12:30:00Z"
_MAX_LENGTH: Final = 10_000
"""Characters of a text; a field that wants longer ones is left out."""

_ESCAPED: Final = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t", "r": "\r"}
_COUNT: Final = re.compile(r"\{(\d{1,4})(?:,\d*)?\}")
_MAX_REPEATS: Final = 1_000


def sample_of(schema: Document) -> dict[str, Any]:
    """A sample of a resolved schema. A field for which none was found is left out."""
    found = _sample(schema)
    return found if isinstance(found, dict) else {}


def _sample(node: Mapping[str, Any]) -> Any:
    """A value of the field; None where there is none."""
    if enum := node.get("enum"):
        return enum[0]
    kind = xdm_type(node, at="")
    match kind:
        case XdmType.OBJECT:
            values = ((name, _sample(child)) for name, child in node.get("properties", {}).items())
            return {name: value for name, value in values if value is not None}
        case XdmType.MAP:
            value = _sample(node["additionalProperties"])
            return {} if value is None else {"key": value}
        case XdmType.ARRAY:
            value = _sample(node["items"])
            return [] if value is None else [value]
        case XdmType.BOOLEAN:
            return True
        case XdmType.DATE:
            return _DATE
        case XdmType.DATE_TIME:
            return _DATE_TIME
        case XdmType.STRING:
            return _text(node)
    return _number(node, is_whole=kind in INTEGERS)


def _number(node: Mapping[str, Any], *, is_whole: bool) -> float | None:
    bounds = [node[name] for name in _BOUNDS if name in node]
    tries: list[float] = [1, *(bound + step for bound in bounds for step in (0, 1, -1))]
    if len(bounds) > 1:
        tries.append((min(bounds) + max(bounds)) / 2)
    if is_whole:
        tries = [whole for value in tries for whole in (floor(value), ceil(value))]
    return next((value for value in tries if _obeys(value, node)), None)


def _obeys(value: float, node: Mapping[str, Any]) -> bool:
    return (
        value >= node.get("minimum", value)
        and value <= node.get("maximum", value)
        and ("exclusiveMinimum" not in node or value > node["exclusiveMinimum"])
        and ("exclusiveMaximum" not in node or value < node["exclusiveMaximum"])
    )


def _text(node: Mapping[str, Any]) -> str | None:
    low, high = int(node.get("minLength", 0)), int(min(node.get("maxLength", _MAX_LENGTH), _MAX_LENGTH))
    if low > high:
        return None
    if (pattern := node.get("pattern")) is not None:
        return _of_pattern(pattern, low, high)
    value = _FORMATS.get(str(node.get("format")))
    if value is not None:
        return value if low <= len(value) <= high else None
    title = str(node.get("title") or "sample")
    return title[:high].ljust(low, "x")


def _of_pattern(pattern: str, low: int, high: int) -> str | None:
    """A text that the pattern matches. None where this simple reading of patterns finds none."""
    try:
        text, longer = _Pattern(pattern).text(), _Pattern(pattern, more=low).text()
    except (IndexError, ValueError, RecursionError):
        return None
    tries = (text, longer, text + "x" * (low - len(text)), "x" * (low - len(text)) + text)
    fitting = [text for text in tries if low <= len(text) <= high]
    if not fitting:
        return None
    matches = pl.Series(fitting).str.contains(pattern)
    return next((text for text, does in zip(fitting, matches, strict=True) if does), None)


class _Pattern:
    """Reads a pattern from left to right and takes the shortest of what it allows, and the first alternative.

    What may be repeated without end is, `more` times.

    What comes out is tried against the pattern, so that nothing depends on this understanding all of it.
    """

    def __init__(self, pattern: str, *, more: int = 0) -> None:
        self._pattern = pattern
        self._more = more
        self._at = 0

    def text(self) -> str:
        """A text that should match. Raises ValueError, IndexError for a pattern it does not understand."""
        out = self._alternatives()
        if self._at < len(self._pattern):
            raise ValueError("a bracket too many")
        return out

    def _alternatives(self) -> str:
        first = self._sequence()
        while self._peek() == "|":
            self._at += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        out = ""
        while self._peek() not in ("", "|", ")"):
            piece = self._piece()
            out += piece * self._repeats()
            if len(out) > _MAX_LENGTH:
                raise ValueError("too long")
        return out

    def _piece(self) -> str:
        sign = self._next()
        match sign:
            case "^" | "$":
                return ""
            case ".":
                return "a"
            case "(":
                if self._peek() == "?":
                    while self._next() not in (":", ">"):
                        pass
                inner = self._alternatives()
                self._at += 1  # the closing bracket
                return inner
            case "[":
                return self._set()
            case "\\":
                escaped = self._next()
                return "" if escaped in "bBAzZ" else _ESCAPED.get(escaped, escaped)
        return sign

    def _set(self) -> str:
        """The first character that a set such as `[A-Z0-9]` has."""
        is_negated = self._peek() == "^"
        self._at += is_negated
        members: list[str] = []
        while (sign := self._next()) != "]" or not members:
            members.append(_ESCAPED.get(escaped := self._next(), escaped) if sign == "\\" else sign)
        if not is_negated:
            return members[0]
        return next(letter for letter in "a0 -_A~" if letter not in members)

    def _repeats(self) -> int:
        sign = self._peek()
        if sign in ("?", "*", "+"):
            self._at += 1
            self._at += self._peek() in ("?", "+")  # lazy or possessive
            return max(int(sign == "+"), self._more if sign != "?" else 0)
        counted = _COUNT.match(self._pattern, self._at)
        if counted is None:
            return 1
        self._at = counted.end()
        self._at += self._peek() in ("?", "+")
        has_end = not counted[0].endswith(",}")
        return min(int(counted[1]) if has_end else max(int(counted[1]), self._more), _MAX_REPEATS)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

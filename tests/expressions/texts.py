"""The oracle's functions of texts: patterns, hashes, URLs, and the lists of Adobe Analytics."""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from tests.expressions.values import Map, RowError

WHITE: Final = "".join(
    chr(code)
    for code in (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
"""Unicode's White_Space. Python's own idea of it has four control characters more."""
MOST_PADDED: Final = 100_000
_ENCODINGS: Final = {
    "UTF-8": "utf-8",
    "UTF-16": "utf-16-be",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "ISO-8859-1": "latin-1",
    "US-ASCII": "ascii",
}
_BEYOND_LINEAR: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[1-9]|\(\?(?:=|!|<=|<!|P=|>|\())")
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^\x00-\x20/?#@]*@)?(?P<host>\[[0-9A-Fa-f:.]*\]|[^\x00-\x20/?#@:\[\]]*)"
    r"(?::(?P<port>[0-9]*))?(?P<path>/[^\x00-\x20?#]*)?(?:\?(?P<query>[^\x00-\x20#]*))?(?:#(?P<fragment>[^\x00-\x20]*))?"
)
_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "sftp": 22, "ssh": 22}
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


class BadRegex(RowError):
    """No pattern of the linear-time dialect; of a constant an error of the expression."""


@lru_cache(maxsize=1_000)
def regex(pattern: str) -> "re.Pattern[str]":
    """A pattern as Python's. Raises BadRegex."""
    if _BEYOND_LINEAR.search(pattern):
        raise BadRegex(f"{pattern!r} looks around or back")
    try:
        # Python's `$` is also before a last line break.
        return re.compile(re.sub(r"(?<!\\)((?:\\\\)*)\$(?![^\[]*\])", r"\1\\Z", pattern))
    except re.error as error:
        raise BadRegex(f"{pattern!r} is no pattern: {error}") from error


def explode(value: str, pattern: str = ",") -> list[str]:
    pieces, start = [], 0
    for match in regex(pattern).finditer(value):
        if match.end() > match.start():
            pieces.append(value[start : match.start()])
            start = match.end()
    return [*pieces, value[start:]]


def instr(value: str, wanted: str, start: int = 0, occurrence: int = 1) -> int:
    if occurrence < 1:
        raise RowError("an occurrence below 1")
    at = max(start, 0)
    if not wanted:
        return -1
    while True:
        at = value.find(wanted, at)
        occurrence -= 1
        if at < 0 or not occurrence:
            return at
        at += len(wanted)


def substr(value: str, start: int, length: int) -> str:
    return value[max(start, 0) : max(start + max(length, 0), 0)]


def split(value: str, separator: str) -> list[str]:
    pieces = [""]
    for sign in value:
        if sign in separator:
            pieces.append("")
        else:
            pieces[-1] += sign
    return [piece for piece in pieces if piece]


def padding(value: str, count: int, pad: str | None) -> str:
    """What is to be added."""
    if count > MOST_PADDED:
        raise RowError("too long")
    missing = max(count - len(value), 0)
    pad = pad or " "
    return (pad * missing)[:missing]


def extract_regex(value: str, pattern: str) -> list[str | None]:
    match = regex(pattern).search(value)
    return [match[0], *match.groups()] if match else []


def encoded(value: str, charset: str) -> bytes:
    """A text in a charset. Raises RowError for other charsets."""
    name = charset.upper()
    if name not in _ENCODINGS:
        raise RowError(f"no charset {charset!r}")
    return (b"\xfe\xff" if name == "UTF-16" else b"") + value.encode(_ENCODINGS[name], "replace")


def hashing(name: str) -> Callable[..., str]:
    """A function of a text and a charset."""

    def digest(value: str, charset: str = "UTF-8") -> str:
        data = encoded(value, charset)
        if name == "crc32":
            return zlib.crc32(data).to_bytes(4, "little").hex()
        return hashlib.new(name, data).hexdigest()

    return digest


def protocol(url: str) -> str | None:
    match = _URL.fullmatch(url)
    return match["scheme"].lower() if match else None


def host(url: str) -> str | None:
    match = _URL.fullmatch(url)
    return (match["host"] or None) if match else None


def port(url: str) -> int | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    if match["port"]:
        return int(match["port"]) if int(match["port"]) <= 65_535 else None
    return _PORTS.get(match["scheme"].lower())


def path(url: str, full: bool = True) -> str | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    found = match["path"] or ""
    return found if full else found.rpartition("/")[2]


def query(url: str, anchor: str) -> Map | None:
    if anchor not in ("retain", "remove", "append"):
        raise RowError(f"no word {anchor!r}")
    match = _URL.fullmatch(url)
    if match is None:
        return None
    found, last = Map(), None
    for piece in (match["query"] or "").split("&"):
        name, _, value = piece.partition("=")
        if name:
            found[name] = value
            last = name
    if anchor == "retain" and match["fragment"] is not None and last is not None:
        found[last] += "#" + match["fragment"]
    if anchor == "append" and match["fragment"] is not None:
        found["_anchor_"] = match["fragment"]
    return found


def percent_encoded(value: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in value.encode())


def percent_decoded(value: str) -> str:
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise RowError("no UTF-8") from error


def pairs(value: str, within: str | None, between: str | None) -> Map:
    """`str_to_object`."""
    found = Map()
    for piece in value.split(between or ","):
        key, sign, rest = piece.partition(within or ":")
        if sign and key.strip(WHITE):
            found[key.strip(WHITE)] = rest.strip(WHITE)
    return found


def event(events: str, name: str, between: str = ",") -> tuple[str, str | None] | None:
    """The value and id of an event in a list of events: `name[=value][:id]`."""
    for piece in events.split(between):
        head, colon, serial = piece.partition(":")
        known, _, value = head.partition("=")
        if piece and known == name:
            return value or "1", (serial or None) if colon else None
    return None


def products(value: str) -> Iterator[Sequence[str | None]]:
    """Products as their fields: category, name, quantity, price, events, eVars."""
    for piece in value.split(","):
        if piece:
            fields: list[str | None] = [field or None for field in piece.split(";")]
            yield (fields + [None] * 6)[:6]


def product_field(index: int) -> Callable[[str], list[str | None]]:
    return lambda value: [fields[index] for fields in products(value)]


def product_event(part: Callable[[tuple[str, str | None]], Any]) -> Callable[[str, str], list[Any]]:
    def of_each(value: str, name: str) -> list[Any]:
        found = [event(fields[4] or "", name, "|") for fields in products(value)]
        return [None if one is None else part(one) for one in found]

    return of_each


def product_evars(value: str, name: str) -> list[str | None]:
    found: list[str | None] = []
    for fields in products(value):
        one = [e.partition("=")[2] for e in (fields[5] or "").split("|") if e.partition("=")[0] == name]
        found.append((one[0] or None) if one else None)
    return found

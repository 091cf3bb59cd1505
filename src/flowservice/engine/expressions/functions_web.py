"""Functions over URLs. Python takes each different one apart: no expression over columns can."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote

from flowservice.domain.expressions.kinds import Dictionary, Scalar
from flowservice.engine.expressions.column import Column, by_value, constant
from flowservice.engine.expressions.functions import entries, for_each, function
from flowservice.errors import BadExpression

_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "sftp": 22, "ssh": 22}
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^\s/?#@]*@)?(?P<host>\[[^\s\]]*\]|[^\s/?#:@]*)(?::(?P<port>[0-9]*))?"
    r"(?P<path>/[^\s?#]*)?(?:\?(?P<query>[^\s#]*))?(?:#(?P<fragment>\S*))?"
)
_LAST_PORT: Final = 65_535


def _part(name: str, of: Callable[[re.Match[str]], object], kind: Scalar) -> None:
    def taken(url: str) -> object:
        parts = _URL.fullmatch(url)
        return None if parts is None else of(parts)

    function(name, takes="t")(lambda given: by_value(given, taken, kind))


def _port(parts: re.Match[str]) -> int | None:
    if not parts["port"]:
        return _PORTS.get(parts["scheme"].lower())
    return int(parts["port"]) if len(parts["port"]) < 6 and int(parts["port"]) <= _LAST_PORT else None


_part("get_url_protocol", lambda parts: parts["scheme"].lower(), Scalar.TEXT)
_part("get_url_host", lambda parts: parts["host"] or None, Scalar.TEXT)
_part("get_url_port", _port, Scalar.WHOLE)


@function("get_url_path", takes="tb")
def _get_url_path(given: Column, full_path: Column | None = None) -> Column:
    def taken(texts: Column, is_full: bool) -> Column:
        def path(url: str) -> str | None:
            parts = _URL.fullmatch(url)
            if parts is None:
                return None
            held = parts["path"] or ""
            return held if is_full else held.rsplit("/", 1)[-1]

        return by_value(texts, path, Scalar.TEXT)

    return for_each(taken, (given,), (full_path or constant(value=True, kind=Scalar.TRUTH),))


@function("get_url_query_str", takes="tt")
def _get_url_query_str(given: Column, anchor: Column) -> Column:
    def taken(texts: Column, way: str) -> Column:
        if way not in ("retain", "remove", "append"):
            raise BadExpression(f"{way[:40]!r} is no way to treat an anchor", advice="Use retain, remove or append.")
        return by_value(texts, _query, Dictionary(Scalar.TEXT), way)

    return for_each(taken, (given,), (anchor,))


def _query(url: str, way: str) -> list[dict[str, str]] | None:
    """The parameters; the anchor stays with the last value, goes, or comes under a key of its own."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return None
    found: dict[str, str] = {}
    last, anchor = "", parts["fragment"]
    for pair in (parts["query"] or "").split("&"):
        key, _, value = pair.partition("=")
        if key:
            found[key] = value
            last = key
    if anchor is not None and way == "retain" and last:
        found[last] += f"#{anchor}"
    if anchor is not None and way == "append":
        found["_anchor_"] = anchor
    return entries(found)


@function("get_url_encoded", takes="t")
def _get_url_encoded(given: Column) -> Column:
    return by_value(given, _encoded, Scalar.TEXT)


def _encoded(value: str) -> str:
    # Python leaves ~ as it is; the table of reserved characters does not.
    return quote(value, safe="").replace("~", "%7E")


@function("get_url_decoded", takes="t")
def _get_url_decoded(given: Column) -> Column:
    return by_value(given, lambda value: unquote(value, errors="strict"), Scalar.TEXT)

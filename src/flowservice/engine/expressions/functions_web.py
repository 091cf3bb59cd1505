"""Functions over URLs. Python takes each different one apart: no expression over columns does it as the standard says."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from flowservice.domain.expressions.kinds import Dictionary, Scalar
from flowservice.engine.expressions.column import Column, by_value, constant
from flowservice.engine.expressions.functions import entries, for_each, function

_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ssh": 22, "ws": 80, "wss": 443}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None: it is none."""
    if not _SCHEME.match(url) or any(sign.isspace() for sign in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _part(name: str, of: Callable[[SplitResult], object], kind: Scalar) -> None:
    def taken(url: str) -> object:
        parts = _split(url)
        return None if parts is None else of(parts)

    function(name, takes="t")(lambda given: by_value(given, taken, kind))


_part("get_url_protocol", lambda parts: parts.scheme or None, Scalar.TEXT)
_part("get_url_host", lambda parts: parts.hostname, Scalar.TEXT)
_part("get_url_port", lambda parts: parts.port or _PORTS.get(parts.scheme), Scalar.WHOLE)


@function("get_url_path", takes="tb")
def _get_url_path(given: Column, full_path: Column | None = None) -> Column:
    def taken(texts: Column, is_full: bool) -> Column:  # noqa: FBT001
        def path(url: str) -> str | None:
            parts = _split(url)
            if parts is None:
                return None
            return parts.path if is_full else parts.path.rsplit("/", 1)[-1]

        return by_value(texts, path, Scalar.TEXT)

    return for_each(taken, (given,), (full_path or constant(value=True, kind=Scalar.TRUTH),))


@function("get_url_query_str", takes="tt")
def _get_url_query_str(given: Column, anchor: Column) -> Column:
    def taken(texts: Column, way: str) -> Column:
        return by_value(texts, _query, Dictionary(Scalar.TEXT), way)

    return for_each(taken, (given,), (anchor,))


def _query(url: str, way: str) -> list[dict[str, str]] | None:
    """The parameters; the anchor stays with the last value, goes, or comes under a key of its own."""
    if way.lower() not in ("retain", "remove", "append"):
        raise ValueError(way)
    parts = _split(url)
    if parts is None:
        return None
    found: dict[str, str] = {}
    last = ""
    for pair in parts.query.split("&"):
        key, _, value = pair.partition("=")
        if key:
            found[unquote(key)] = unquote(value)
            last = unquote(key)
    if parts.fragment and way.lower() == "retain" and last:
        found[last] += f"#{parts.fragment}"
    if parts.fragment and way.lower() == "append":
        found["_anchor_"] = parts.fragment
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

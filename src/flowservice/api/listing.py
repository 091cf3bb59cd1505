"""Lists on the wire: what a call asks for, its continuation token, and the envelope of the answer."""

import base64
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from fastapi import Depends
from fastapi import Query as QueryParam
from starlette.requests import Request

from flowservice.api import property_filter
from flowservice.domain.query import Condition, Order, Page, Path, Query
from flowservice.domain.search import projected
from flowservice.errors import (
    BadQuery,
    BadSortPrefix,
    BadToken,
    FilterTooLarge,
    LimitWithCount,
    UnfilterableField,
    UnknownFilterField,
    UnsortableField,
)

T = TypeVar("T")

MAX_LIMIT: Final = 100
_MAX_ORDERS: Final = 5
_MAX_TOKEN: Final = 32_768
"""Characters. A longer one would not fit into the request line that brings it back."""
_MAX_UNPACKED: Final = 1_000_000
"""Bytes: more than the longest query and the longest sort keys take."""
_LIMIT: Final = re.compile(r"[0-9]{1,6}")
_ORDER: Final = re.compile(r"[A-Za-z_].*", re.DOTALL)
_FOLLOW_ON: Final = "Follow _links.next.href to get the rest."
_FOLLOW: Final = "Follow the link in _links.next.href, or repeat the first call."


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A list or search call in the client's own words."""

    texts: tuple[str, ...] = ()
    """Every `property`."""
    orderby: str = ""
    fields: str = ""
    """Paths to answer alone, besides those among `texts`."""
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call means, in the wire's own paths."""

    said: Said
    conditions: tuple[Condition, ...]
    shown: tuple[Path, ...]
    """Paths that alone are answered; all of them where there are none."""
    order: tuple[Order, ...]
    count: bool = False
    after: str | None = None
    """Where the store goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What the documents of a collection have."""

    names: frozenset[str]
    """Every member of the document."""
    hidden: frozenset[Path] = frozenset()
    """Paths that cannot be filtered or sorted by, with all below them."""


async def list_call(
    request: Request,
    limit: Annotated[str | None, QueryParam(description=f"Items a page, 1 to {MAX_LIMIT}.")] = None,
    orderby: Annotated[str | None, QueryParam(description="`name`, `+name`, `-name`; commas for several.")] = None,
    continuation_token: Annotated[
        str | None, QueryParam(alias="continuationToken", description="As in `_links.next.href` of the page before.")
    ] = None,
    count: Annotated[str, QueryParam(description="`true` answers the number of items alone.")] = "false",
    _property: Annotated[
        list[str] | None,
        QueryParam(
            alias="property",
            description="`path==value`; repeat for AND, commas for any of. "
            "Paths without a value: only these are answered.",
        ),
    ] = None,
) -> Asked:
    """A list call's query. Parameters that are not known are let pass."""
    said = Said(
        texts=tuple(request.query_params.getlist("property")),
        orderby=(orderby or "").strip(),
        limit=_limit(limit) if limit and limit.strip() else None,
    )
    return asked(said, count=counting(count), token=continuation_token or "", most=MAX_LIMIT)


def counting(text: str) -> bool:
    """Whether `count` asks to count. Clients write it in any case. Raises BadQuery."""
    if text.strip().lower() not in {"true", "false", ""}:
        raise BadQuery("count must be true or false", advice="Send true or false, or leave it out.")
    return text.strip().lower() == "true"


def asked(said: Said, *, count: bool, token: str, most: int) -> Asked:
    """The meaning of a call with at most `most` items a page. A token goes on with the query that it was made for.

    Raises BadQuery and its kin; BadToken where filter, order or projection come along and are others.
    """
    if said.limit is not None and not 1 <= said.limit <= most:
        raise BadQuery(f"limit must lie between 1 and {most}", advice=_FOLLOW_ON)
    if count and said.limit is not None:
        raise LimitWithCount("limit and count exclude each other", advice="Leave one of them out.")
    call = replace(_meaning(said), count=count)
    if not token:
        return call
    try:
        before, after = _read_token(token)
        meant = _meaning(before)
    except (BadQuery, ValueError, TypeError, RecursionError):
        raise BadToken("the continuation token is not one of this list", advice=_FOLLOW) from None
    for sent, known in ((call.conditions, meant.conditions), (call.order, meant.order), (call.shown, meant.shown)):
        if sent and sent != known:
            raise BadToken("the continuation token belongs to another query", advice=_FOLLOW)
    limit = said.limit or (before.limit and min(before.limit, most))
    return replace(meant, said=replace(before, limit=limit), count=count, after=after)


def _meaning(said: Said) -> Asked:
    conditions, bare = property_filter.parsed(said.texts)
    more = property_filter.paths(said.fields) if said.fields else ()
    return Asked(
        said=said,
        conditions=conditions,
        shown=tuple(dict.fromkeys((*bare, *more))),
        order=_orders(said.orderby) if said.orderby else (),
    )


def query(call: Asked, fields: Fields, default_limit: int) -> Query:
    """The call as a query. Raises UnknownFilterField, UnfilterableField, UnsortableField."""
    for path in (*(condition.path for condition in call.conditions), *call.shown):
        _check(path, fields, UnknownFilterField)
    for condition in call.conditions:
        _check_seen(condition.path, fields)
    for order in call.order:
        _check(order.path, fields, UnsortableField)
        if any(order.path[: len(path)] == path for path in fields.hidden):
            raise UnsortableField(f"{'.'.join(order.path)[:80]} cannot be sorted by", advice="Sort by another field.")
    return Query(shown=call.conditions, order=call.order, limit=call.said.limit or default_limit, after=call.after)


def envelope(page: Page[T], render: Callable[[T], Mapping[str, Any]], collection: str, call: Asked) -> dict[str, Any]:
    """A page as its clients read it: the link is relative, and the token its first and only parameter."""
    items = [render(item) for item in page.items]
    links = (
        {} if page.next is None else {"next": {"href": f"/{collection}?continuationToken={_token(call, page.next)}"}}
    )
    return {"items": [projected(item, call.shown) for item in items] if call.shown else items, "_links": links}


def one(item: Mapping[str, Any]) -> dict[str, Any]:
    """A single resource: a list of one."""
    return {"items": [item]}


def _orders(text: str) -> tuple[Order, ...]:
    """The keys of `orderby`. Raises BadSortPrefix, UnsortableField, FilterTooLarge."""
    found = tuple(_order(part) for part in text.split(","))
    if len(found) > _MAX_ORDERS:
        raise FilterTooLarge(f"orderby has up to {_MAX_ORDERS} keys", advice="Leave the last ones out.")
    return found


def _order(text: str) -> Order:
    # A raw + arrives as a blank.
    key = text.strip()
    descending = key.startswith("-")
    name = key[1:].strip() if key[:1] in {"+", "-"} else key
    if not name:
        raise UnsortableField("orderby has an empty key", advice="Use +name, -name or name, with commas between.")
    if not _ORDER.fullmatch(name):
        raise BadSortPrefix("a key of orderby has an unknown prefix", advice="Use +name, -name or name.")
    try:
        return Order(path=property_filter.path(name), descending=descending)
    except BadQuery as error:
        raise UnsortableField(error.message, advice="Sort by the path of a value, such as name.") from None


def _limit(text: str) -> int:
    if not _LIMIT.fullmatch(text.strip()):
        raise BadQuery(f"limit must be a number between 1 and {MAX_LIMIT}", advice=_FOLLOW_ON)
    return int(text)


def _check(path: Path, fields: Fields, unknown: type[BadQuery]) -> None:
    if path[0] not in fields.names:
        raise unknown(
            f"{'.'.join(path)[:80]} is not a field of this resource", advice="Read one to see its fields: GET by id."
        )


def _check_seen(path: Path, fields: Fields) -> None:
    if any(path[: len(hidden)] == hidden for hidden in fields.hidden):
        raise UnfilterableField(
            f"{'.'.join(path)[:80]} cannot be filtered by", advice="It may hold a secret; filter by another field."
        )


def _token(call: Asked, after: str) -> str:
    """The whole call, for its link carries nothing else. Clients cut it at `=`: base64url without padding."""
    said = call.said
    parts = json.dumps([said.texts, said.orderby, said.fields, said.limit, after], separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(parts.encode(), 9)).decode().rstrip("=")


def _read_token(token: str) -> tuple[Said, str]:
    """A call, and where the store goes on. Raises ValueError; what the parts say is for the reader to check."""
    if len(token) > _MAX_TOKEN:
        raise ValueError("too long")
    try:
        unpacking = zlib.decompressobj()
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        # Bounded: a few bytes may unpack to gigabytes.
        parts = json.loads(unpacking.decompress(packed, _MAX_UNPACKED))
    except zlib.error as error:
        raise ValueError("not packed") from error
    texts, orderby, fields, limit, after = parts
    is_whole = limit is None or (isinstance(limit, int) and limit >= 1)
    if not is_whole or not all(isinstance(text, str) for text in (*texts, orderby, fields, after)):
        raise ValueError("not its parts")
    if "\0" in "".join((*texts, orderby, fields, after)):
        raise ValueError("a NUL")
    # Raises a ValueError for halves of surrogate pairs.
    "".join((*texts, orderby, fields, after)).encode()
    return Said(texts=tuple(texts), orderby=orderby, fields=fields, limit=limit), after


ListCall: TypeAlias = Annotated[Asked, Depends(list_call)]

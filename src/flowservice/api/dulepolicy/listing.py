"""Lists of the Policy Service: filters, orders and pages.

A page goes on behind the last one's last item, wherever that stands by then. Clients loop for ever on a link that is a
template, and on a `next` that is null; so the last page has neither.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Query

from flowservice.api.registry_wire import filtered
from flowservice.errors import BadToken, UnsortableField

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 100
OF_CORE: Final = frozenset({"name"})
"""Members that core resources are filtered and sorted by."""
OF_CUSTOM: Final = frozenset(
    {"name", "status", "created", "createdClient", "createdUser", "updated", "updatedClient", "updatedUser"}
)

Document: TypeAlias = Mapping[str, Any]
Key: TypeAlias = tuple[str, bool]
"""A member to sort by, and whether the largest comes first."""
Place: TypeAlias = list[list[Any]]
"""Where a document stands in an order: for each key whether it is a text, the number, the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a list call asks for."""

    properties: tuple[str, ...]
    orderby: str
    limit: int
    start: str


async def list_call(
    limit: Annotated[int, Query(ge=1, description=f"Items a page, {MAX_LIMIT} at most.")] = DEFAULT_LIMIT,
    orderby: Annotated[str | None, Query(description="`name`, `-updated`; commas for several.")] = None,
    start: Annotated[str | None, Query(description="`_page.next` of the page before.")] = None,
    wanted: Annotated[
        list[str] | None,
        Query(alias="property", description="`name==C2`; a name alone: those that have it. Repeat for AND."),
    ] = None,
) -> Asked:
    """A list call's query. Parameters that are not known are let pass."""
    return Asked(properties=tuple(wanted or ()), orderby=orderby or "", limit=min(limit, MAX_LIMIT), start=start or "")


Listing = Annotated[Asked, Depends(list_call)]


def page(documents: Iterable[Document], asked: Asked, *, fields: frozenset[str], key: str = "name") -> dict[str, Any]:
    """A page of them.

    Args:
        fields: what they may be filtered and sorted by.
        key: what tells one from another, and orders the list where nothing else does.
    Raises:
        BadQuery: a condition, order or cursor that cannot be understood.
    """
    keys = _keys(asked.orderby, fields | {key}, key)
    found = filtered(documents, asked.properties, fields=fields | {key})
    order = cmp_to_key(_compared(keys))
    placed = sorted(((_place(document, keys), document) for document in found), key=lambda item: order(item[0]))
    if asked.start:
        after = order(_read(asked.start, keys))
        placed = [item for item in placed if order(item[0]) > after]
    shown = placed[: asked.limit]
    cursor = _cursor(shown[-1][0]) if len(placed) > len(shown) else None
    return {
        "_page": {"count": len(shown)} | ({} if cursor is None else {"next": cursor}),
        "_links": {"page": {} if cursor is None else {"href": cursor}},
        "children": [document for _, document in shown],
    }


def _keys(orderby: str, fields: frozenset[str], key: str) -> list[Key]:
    keys = []
    for part in filter(None, (part.strip() for part in orderby.split(","))):
        # A plus comes as a blank, which is gone by now.
        name = part.removeprefix("-").removeprefix("+")
        if name not in fields:
            raise UnsortableField(
                f"orderby: the list cannot be sorted by {name[:80]!r}", advice=f"Use {', '.join(sorted(fields))}."
            )
        keys.append((name, part.startswith("-")))
    return [*keys, (key, False)]


def _place(document: Document, keys: Sequence[Key]) -> Place:
    return [_ranked(document.get(name)) for name, _ in keys]


def _ranked(value: object) -> list[Any]:
    is_number = isinstance(value, int)
    return [not is_number, value if is_number else 0, "" if is_number or value is None else str(value)]


def _compared(keys: Sequence[Key]) -> Callable[[Place, Place], int]:
    def compare(one: Place, other: Place) -> int:
        for left, right, (_, descending) in zip(one, other, keys, strict=True):
            if left != right:
                return -1 if (left < right) is not descending else 1
        return 0

    return compare


def _cursor(place: Place) -> str:
    # Without padding: clients put it into a query as it is.
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _read(cursor: str, keys: Sequence[Key]) -> Place:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if not isinstance(place, list) or len(place) != len(keys) or not all(map(_is_rank, place)):
        raise BadToken("start is not the `next` of a page of this list", advice="Send _page.next of the page before.")
    return place


def _is_rank(rank: object) -> bool:
    return isinstance(rank, list) and [type(part) for part in rank] == [bool, int, str]

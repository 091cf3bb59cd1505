"""Lists of Data Access: a page of files, and where the next one is."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request

from flowservice.api.export_names import BASE

T = TypeVar("T")


def address(public_url: str | None, request: Request) -> str:
    """Where Data Access is for the caller: at `public_url`, or where the call came in."""
    return f"{(public_url or str(request.base_url)).rstrip('/')}{BASE}"


def page_json(
    items: Sequence[T], show: Callable[[T], dict[str, Any]], listing: str, *, limit: int, start: int
) -> dict[str, Any]:
    """The page that `limit` and `start` mean, of all `items`. Those alone are shown; `listing` is where the list is,
    up to its own parameters."""
    shown = items[start : start + limit]
    joint = "&" if "?" in listing else "?"
    links: dict[str, Any] = {"page": {"href": f"{listing}{joint}limit={{limit}}&start={{start}}", "templated": True}}
    if start + limit < len(items):
        links["next"] = {"href": f"{listing}{joint}limit={limit}&start={start + limit}", "templated": False}
    return {"data": [show(item) for item in shown], "_page": {"limit": limit, "count": len(shown)}, "_links": links}


def entry_json(name: str, length: int, href: str) -> dict[str, Any]:
    """A file, or a folder."""
    return {"name": name, "length": str(length), "_links": {"self": {"href": href}}}

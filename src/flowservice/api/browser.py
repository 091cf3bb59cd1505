"""What a browser sends of itself: the session's cookie, and which page a call comes from."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from flowservice.errors import OtherOrigin

COOKIE: Final = "flowservice_session"
CSRF_HEADER: Final = "x-csrf-token"


def cookie_of(headers: Headers) -> str | None:
    """What the session's cookie holds; None without one."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def check_same_origin(headers: Headers, public_url: str | None) -> None:
    """Return unless the browser says that a page of another origin makes the call. Raises OtherOrigin.

    What is not sent is not held against a caller: a browser sends `Origin` with every write and `Sec-Fetch-Site` with
    every call over TLS or to the machine itself. Another port of this host is another origin, although it gets the
    cookie.
    """
    site, origin = headers.get("sec-fetch-site", "same-origin"), headers.get("origin")
    ours = {headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()} - {""}
    if site != "same-origin" or (origin is not None and _place(origin) not in ours):
        raise OtherOrigin(
            "the call comes from a page of another address than this one",
            advice="Open the pages at the address that clients use; behind a proxy, set public_url to it.",
        )


def _place(origin: str) -> str:
    """Host and port of an origin, as a Host header has them; empty for one that is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""

"""What a route gets from the gateway and the request's headers. Async, for a sync dependency costs a thread each."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query
from starlette.requests import Request

from flowservice.domain.identity import Caller
from flowservice.domain.resource import Resource
from flowservice.errors import BadQuery, MissingIfMatch, OtherEtag

NEVER_DONE: Final[dict[str, Any]] = {"x-never-done": True}
"""What a route says in the document if it refuses every call that it understands."""


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Calling = Annotated[Caller, Depends(_caller)]


async def _if_match(
    header: Annotated[str | None, Header(alias="If-Match", description="The etag as last read.")] = None,
    parameter: Annotated[str | None, Query(alias="if-match", include_in_schema=False)] = None,
) -> str | None:
    # A published collection sends it as a query parameter.
    return header if header is not None else parameter


IfMatch = Annotated[str | None, Depends(_if_match)]


async def _drafted(
    mode: Annotated[str | None, Query(description="`draft` stores it incomplete, to be published later.")] = None,
) -> bool:
    if mode is None or mode.lower() == "draft":
        return mode is not None
    raise BadQuery("mode is unknown", advice="Send mode=draft, or leave it out.")


Drafted = Annotated[bool, Depends(_drafted)]


def matching(resource: Resource, if_match: str | None, *, required: bool = True) -> None:
    """Return if `If-Match` names the resource's etag. Raises MissingIfMatch, OtherEtag."""
    if if_match is None:
        if required:
            raise MissingIfMatch("the header If-Match is missing", advice="Send the etag that a GET returned.")
        return
    if not expect(resource.etag, if_match.split(",")):
        raise OtherEtag(
            f"Supplied version={json.dumps([if_match[:80]])} does not match "
            f"the current version on entity={json.dumps([resource.etag])}",
            advice="Read the resource again and repeat the change with its new etag.",
        )


def expect(etag: str, if_match: Sequence[str]) -> bool:
    """Whether one of the `If-Match` values names this etag. Quotes do not matter; `*` names any."""
    return any(value.strip() == "*" or value.strip().strip('"') == etag.strip('"') for value in if_match)

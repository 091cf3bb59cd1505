"""The list of a collection and, where there is one, its search: the same for every collection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response
from fastapi import Query as QueryParam
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from flowservice.api import answers
from flowservice.api.calls import Calling
from flowservice.api.listing import Asked, Fields, ListCall, Said, asked, counting, envelope, query
from flowservice.api.wire import Wire
from flowservice.domain.identity import Caller
from flowservice.domain.query import Page, Query
from flowservice.errors import Aggregation, BadField, FilterTooLarge

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

MAX_SEARCH_LIMIT: Final = 1_000

_MAX_PARTS: Final = 100

STAMPED: Final = frozenset(
    {
        "id",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
        "createdClient",
        "updatedClient",
        "sandboxId",
        "sandboxName",
        "imsOrgId",
        "name",
        "description",
        "state",
        "version",
        "etag",
        "labels",
        "policy",
        "unifiedMetadata",
        "providerId",
        "providerRefId",
        "typeInfo",
        "inheritedAttributes",
    }
)
"""Members that every resource may have."""


class Listable(Protocol[R_co]):
    """What is listed."""

    def list(self, caller: Caller, query: Query, /) -> Page[R_co]:
        """A page. Raises BadQuery."""

    def count(self, caller: Caller, query: Query, /) -> int:
        """How many match. Raises BadQuery."""


class SearchBody(Wire):
    """The body of a search."""

    query_string: str | None = Field(
        default=None, description="What stands after `?` in a list call, or a bare condition such as `state==enabled`."
    )
    limit: int | None = Field(default=None, description=f"Items a page, 1 to {MAX_SEARCH_LIMIT}.")
    orderby: str | None = Field(default=None, description="`name`, `+name`, `-name`; commas for several.")
    count: bool | None = Field(default=None, description="Answer the number of items alone.")
    projection_fields: str | None = Field(default=None, description="Paths to answer, with commas between them.")
    group_by_property: str | None = Field(default=None, description="Not supported.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Generic[R]):
    """One collection: `name` as in its path, what its documents have, and how one is shown."""

    name: str
    noun: str
    items: Listable[R]
    fields: Fields
    shown: Callable[[R], Mapping[str, Any]]
    answer: type[BaseModel]
    """What one looks like, for the API's document."""
    linked: Callable[[R, str], Mapping[str, Any]] | None = None
    """As `shown`, for documents with links that begin with the server's address; None: they have none."""
    page_size: int = 100
    """Items of a page where the call does not say."""

    def add_list(self, routes: APIRouter) -> None:
        """`GET /<name>`."""

        @routes.get(
            f"/{self.name}",
            summary=f"List {self.noun}",
            response_model=dict[str, Any],
            name=f"list-{self.name}",
            responses=self._listing(),
        )
        def listed(caller: Calling, call: ListCall, request: Request) -> Response:
            return self._answer(caller, call, request)

    def add_search(self, routes: APIRouter) -> None:
        """`POST /<name>/search`."""

        @routes.post(
            f"/{self.name}/search",
            summary=f"Search {self.noun}",
            response_model=dict[str, Any],
            name=f"search-{self.name}",
            responses=self._listing(),
        )
        def search(
            caller: Calling,
            body: SearchBody,
            request: Request,
            continuation_token: Annotated[
                str | None,
                QueryParam(alias="continuationToken", description="As in `_links.next.href` of the page before."),
            ] = None,
        ) -> Response:
            """The same filters, orders and pages as the list, from a body."""
            call = _search_call(body, continuation_token or "")
            return self._answer(caller, call, request, f"{self.name}/search")

    def _listing(self) -> dict[int | str, dict[str, Any]]:
        return answers.of(answers.Listing[answers.fields_of(self.answer)] | answers.Count)  # type: ignore[misc]

    def _shown_to(self, request: Request) -> Callable[[R], Mapping[str, Any]]:
        if (linked := self.linked) is None:
            return self.shown
        address = str(request.base_url)
        return lambda item: linked(item, address)

    def _answer(self, caller: Caller, call: Asked, request: Request, link: str = "") -> Response:
        wanted = query(call, self.fields, self.page_size)
        if call.count:
            body: Mapping[str, Any] = {"count": self.items.count(caller, wanted)}
        else:
            body = envelope(self.items.list(caller, wanted), self._shown_to(request), link or self.name, call)
        # Past FastAPI's own encoder, which takes as long for a hundred runs as finding and rendering them.
        try:
            return Response(orjson.dumps(body), media_type="application/json")
        except TypeError:
            # A number of more than 64 bits.
            return JSONResponse(body)


def _search_call(body: SearchBody, token: str) -> Asked:
    """Raises what `asked` raises; Aggregation; BadField where the query string and the body contradict each other."""
    if body.group_by_property:
        raise Aggregation("groupByProperty is not supported", advice="Leave it out, and group what the search finds.")
    texts, others = _query_string((body.query_string or "").strip())
    said: dict[str, Any] = {
        "orderby": body.orderby,
        "limit": body.limit,
        "count": body.count,
    }
    for name, value in others.items():
        if said[name] is not None:
            raise BadField(f"{name} stands in the body and in queryString", advice="Send it once.")
        said[name] = value
    limit, count = said["limit"], said["count"]
    if isinstance(limit, str):
        if not limit.isascii() or not limit.isdigit() or len(limit) > 6:
            raise BadField(f"limit must be a number between 1 and {MAX_SEARCH_LIMIT}", advice="Send fewer.")
        limit = int(limit)
    return asked(
        Said(
            texts=texts,
            orderby=(said["orderby"] or "").strip(),
            fields=(body.projection_fields or "").strip(),
            limit=limit,
        ),
        count=counting(count) if isinstance(count, str) else bool(count),
        token=token,
        most=MAX_SEARCH_LIMIT,
    )


def _query_string(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The `property` texts, and `orderby`, `limit` and `count` where they stand there too."""
    if not text:
        return (), {}
    named = text.removeprefix("?")
    if not named.startswith(("property=", "orderby=", "limit=", "count=")) or named.startswith("property=="):
        # A bare condition is no part of a URL: nothing in it is encoded.
        return (text,), {}
    try:
        pairs = parse_qsl(named, keep_blank_values=True, max_num_fields=_MAX_PARTS)
    except ValueError:
        raise FilterTooLarge(f"queryString has up to {_MAX_PARTS} parts", advice="Send fewer conditions.") from None
    others = {name: value for name, value in pairs if name in {"orderby", "limit", "count"} and value.strip()}
    return tuple(value for name, value in pairs if name == "property"), others

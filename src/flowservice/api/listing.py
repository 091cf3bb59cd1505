"""Lists on the wire: filters, order, paging, counting (flow-service contract, lists)."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends
from fastapi import Query as QueryParam
from starlette.requests import Request

from flowservice.domain.query import Condition, Operator, Order, Page, Query
from flowservice.errors import (
    BadQuery,
    BadSortPrefix,
    EmptyFilterValue,
    LimitWithCount,
    SeveralValues,
    UnfilterableField,
    UnknownFilterField,
    UnknownOperator,
    UnsortableField,
    UnsupportedOperator,
)

T = TypeVar("T")

_MAX_LIMIT: Final = 100
_CONDITION: Final = re.compile(
    r"(?P<path>[A-Za-z_][\w:\-]*(?:\[\])?(?:\.[\w:\-]+(?:\[\])?)*)\s*(?P<operator>[=!<>~&|]+)(?P<value>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCall:
    """What a list call asked for, in the wire's own paths."""

    conditions: tuple[Condition, ...]
    order: tuple[Order, ...]
    limit: int
    token: str | None
    count: bool


def list_call(default_limit: int) -> Callable[..., Awaitable[ListCall]]:
    """A dependency that reads a list call's query."""

    async def read(
        request: Request,
        limit: Annotated[int | None, QueryParam(description=f"Items a page, at most {_MAX_LIMIT}.")] = None,
        orderby: Annotated[str | None, QueryParam(description="`name`, `+name`, `-name`; commas for several.")] = None,
        continuation_token: Annotated[str | None, QueryParam(alias="continuationToken")] = None,
        count: Annotated[str, QueryParam(description="`true` answers the number of items alone.")] = "false",
        _property: Annotated[
            list[str] | None,
            QueryParam(alias="property", description="`path==value`; repeat for AND, commas for any of."),
        ] = None,
    ) -> ListCall:
        counting = count.lower() == "true"
        if counting and limit is not None:
            raise LimitWithCount("limit and count exclude each other", advice="Leave one of them out.")
        if limit is not None and not 1 <= limit <= _MAX_LIMIT:
            raise BadQuery(f"limit must lie between 1 and {_MAX_LIMIT}")
        return ListCall(
            conditions=tuple(condition(text) for text in request.query_params.getlist("property")),
            order=_orders(orderby) if orderby else (),
            limit=limit or default_limit,
            token=continuation_token,
            count=counting,
        )

    return read


def condition(text: str) -> Condition:
    """`path==value` as a condition.

    Raises UnknownOperator, UnsupportedOperator, EmptyFilterValue, SeveralValues, BadQuery.
    """
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise BadQuery("a property filter must look like path==value")
    sign, value = found["operator"], found["value"].strip()
    if sign == "~":
        raise UnsupportedOperator("the operator ~ is not implemented", advice="Use ==, !=, <, <=, > or >=.")
    if re.search(r"&&|\|\|", value) and not value.startswith('"'):
        raise UnknownOperator("a filter has no && and no ||", advice="Repeat the parameter property for AND.")
    try:
        operator = Operator("==" if sign == "=" else sign)
    except ValueError:
        raise UnknownOperator("the filter's operator is unknown", advice="Use ==, !=, <, <=, > or >=.") from None
    values = tuple(_bare(part) for part in value.split(",")) if not value.startswith('"') else (_bare(value),)
    if not value or not all(values):
        raise EmptyFilterValue(f"the filter on {found['path'][:80]} has no value")
    if len(values) > 1 and operator not in {Operator.EQ, Operator.NE}:
        raise SeveralValues(f"{operator} takes one value", advice="Use == for several values.")
    return Condition(path=tuple(found["path"].split(".")), operator=operator, values=values)


def query(call: ListCall, names: Mapping[str, str | None]) -> Query:
    """The call as a query over stored resources.

    `names` maps the paths of the wire to those of the domain, by their longest known prefix; None names a path that the
    wire has but that cannot be filtered by.
    """
    conditions = tuple(
        Condition(path=_stored(item.path, names, UnknownFilterField), operator=item.operator, values=item.values)
        for item in call.conditions
    )
    order = tuple(
        Order(path=_stored(item.path, names, UnsortableField), descending=item.descending) for item in call.order
    )
    return Query(conditions=conditions, order=order, limit=call.limit, after=call.token)


def envelope(page: Page[T], render: Callable[[T], Mapping[str, Any]], collection: str) -> dict[str, Any]:
    """A page as its clients read it: the link is relative, and the token its first and only parameter."""
    links = {"next": {"href": f"/{collection}?continuationToken={page.next}"}} if page.next else {}
    return {"items": [render(item) for item in page.items], "_links": links}


def one(item: Mapping[str, Any]) -> dict[str, Any]:
    """A single resource: a list of one."""
    return {"items": [item]}


def _bare(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value


def _orders(text: str) -> tuple[Order, ...]:
    orders = []
    for part in text.split(","):
        # A raw + arrives as a blank.
        key = part.strip()
        descending = key.startswith("-")
        path = key[1:].strip() if key[:1] in {"+", "-"} else key
        if not path:
            raise UnsortableField("orderby has an empty key")
        if not (path[0].isalpha() or path[0] == "_"):
            raise BadSortPrefix("a key of orderby has an unknown prefix", advice="Use +name, -name or name.")
        orders.append(Order(path=tuple(path.split(".")), descending=descending))
    return tuple(orders)


def _stored(path: Sequence[str], names: Mapping[str, str | None], unknown: type[BadQuery]) -> tuple[str, ...]:
    plain = [step.removesuffix("[]") for step in path]
    for length in range(len(plain), 0, -1):
        known = names.get(".".join(plain[:length]), "")
        if known is None:
            raise UnfilterableField(f"{'.'.join(plain)[:80]} cannot be filtered or sorted by")
        if known:
            return (*known.split("."), *plain[length:])
    raise unknown(f"{'.'.join(plain)[:80]} is not a field of this resource")


ConnectionList = Annotated[ListCall, Depends(list_call(20))]
FullList = Annotated[ListCall, Depends(list_call(100))]

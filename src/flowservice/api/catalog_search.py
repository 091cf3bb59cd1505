"""Lists of the catalog: the query parameters of a call, and the objects that it asks for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends
from fastapi import Query as QueryParam
from starlette.requests import Request

from flowservice.api.catalog_names import Names
from flowservice.api.property_query import (
    check_known,
    path_of,
    property_criteria,
    simple_criterion,
    sort_keys,
    tag_criteria,
)
from flowservice.domain.criteria import Criterion, Path, Relation, Search, SortKey, number, passing
from flowservice.domain.resource import Resource
from flowservice.errors import BadQuery

R = TypeVar("R", bound=Resource)

_CHUNK: Final = 500
MOST_LOOKED_AT: Final = 20_000
"""Objects that one call looks at for what the database cannot tell."""
_OBSERVABLE: Final = "observableSchema"
_CAP_WITH_SCHEMA: Final = 20
_MAX_CRITERIA: Final = 50
_BOUNDS: Final[Mapping[str, tuple[str, Relation]]] = {
    "createdAfter": ("created", Relation.GT),
    "createdBefore": ("created", Relation.LT),
    "updatedAfter": ("updated", Relation.GT),
    "updatedBefore": ("updated", Relation.LT),
    "startAfter": ("started", Relation.GT),
    "startBefore": ("started", Relation.LT),
    "endAfter": ("completed", Relation.GT),
    "endBefore": ("completed", Relation.LT),
}
_OTHERS: Final = frozenset({"limit", "start", "properties", "property", "orderBy", "sort", "tags"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCall:
    """The query of a list call."""

    limit: int
    start: int
    properties: str | None
    conditions: tuple[str, ...]
    order: str | None
    tags: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    """Every parameter that is not named above."""


async def _list_call(
    request: Request,
    limit: Annotated[int, QueryParam(ge=1, le=100, description="Objects a page.")] = 20,
    start: Annotated[int, QueryParam(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
    properties: Annotated[str | None, QueryParam(description="Properties to show, with commas between them.")] = None,
    conditions: Annotated[
        list[str] | None,
        QueryParam(alias="property", description="`p`, `!p`, `p==v`, `p!=v`, `p<v`, `p>=v`, `p~regex`; repeatable."),
    ] = None,
    order_by: Annotated[str | None, QueryParam(alias="orderBy", description="`asc:a,desc:b`.")] = None,
    sort: Annotated[str | None, QueryParam(description="Older name of orderBy.", deprecated=True)] = None,
    tags: Annotated[list[str] | None, QueryParam(description="`name:value`, `name:*`, `name:pre*`.")] = None,
) -> ListCall:
    if _OBSERVABLE in (properties or "").split(","):
        limit = min(limit, _CAP_WITH_SCHEMA)
    return ListCall(
        limit=limit,
        start=start,
        properties=properties,
        conditions=tuple(conditions or ()),
        order=sort if order_by is None else order_by,
        tags=tuple(tags or ()),
        others=tuple((name, value) for name, value in request.query_params.multi_items() if name not in _OTHERS),
    )


Listing = Annotated[ListCall, Depends(_list_call)]


def found(
    call: ListCall,
    names: Names,
    ask: Callable[[Search], Sequence[R]],
    shown: Callable[[R], Mapping[str, Any]],
    *,
    aliases: Mapping[str, Path] | None = None,
) -> Sequence[R]:
    """The objects that the call asks for. `aliases` are parameters with a name of their own. Raises BadQuery."""
    criteria = [names.meant(criterion) for criterion in _criteria(call, names, aliases or {})]
    order = [_stored_key(key, names) for key in sort_keys(call.order)] if call.order is not None else []
    if len(criteria) + len(order) > _MAX_CRITERIA:
        raise BadQuery(f"the query has more than {_MAX_CRITERIA} conditions", advice="Ask for less at once.")
    told = [(criterion, names.criterion(criterion)) for criterion in criteria]
    search = Search(
        criteria=tuple(stored for _, stored in told if stored is not None),
        order=tuple(order),
        limit=call.limit,
        start=call.start,
    )
    left = [criterion for criterion, stored in told if stored is None]
    return ask(search) if not left else _looked_through(search, left, ask, shown)


def _looked_through(
    search: Search,
    criteria: Sequence[Criterion],
    ask: Callable[[Search], Sequence[R]],
    shown: Callable[[R], Mapping[str, Any]],
) -> list[R]:
    """A page of what the database found and `criteria` let pass. Raises BadQuery if that is a needle in a haystack."""
    passed: list[R] = []
    for at in range(0, MOST_LOOKED_AT, _CHUNK):
        chunk = ask(Search(criteria=search.criteria, order=search.order, limit=_CHUNK, start=at))
        passed += [chunk[place] for place in passing([shown(one) for one in chunk], criteria)]
        if len(passed) >= search.start + search.limit or len(chunk) < _CHUNK:
            return passed[search.start : search.start + search.limit]
    raise BadQuery(
        f"the filter looks at more than {MOST_LOOKED_AT} objects one by one",
        advice="Add a condition that narrows it, such as createdAfter or dataSet.",
    )


def _criteria(call: ListCall, names: Names, aliases: Mapping[str, Path]) -> Iterator[Criterion]:
    for text in call.conditions:
        for criterion in property_criteria(text):
            check_known(criterion.path, names.fields)
            yield criterion
    for text in call.tags:
        yield from tag_criteria(text)
    for name, value in call.others:
        if name in aliases:
            simple = simple_criterion(name, value)
            yield Criterion(path=aliases[name], relation=simple.relation, values=simple.values)
        elif name in _BOUNDS and _BOUNDS[name][0] in names.fields:
            field, relation = _BOUNDS[name]
            if number(value) is None:
                raise BadQuery(f"{name} must be epoch milliseconds", advice="For example 1772447000000.")
            yield Criterion(path=(field,), relation=relation, values=(value,))
        else:
            check_known(path_of(name), names.fields)
            yield simple_criterion(name, value)


def _stored_key(key: SortKey, names: Names) -> SortKey:
    check_known(key.path, names.fields)
    stored = names.sort_key(key)
    if stored is None:
        raise BadQuery(
            f"cannot sort by {'.'.join(key.path)[:100]}", advice=f"Sort by one of {', '.join(sorted(names.stored))}."
        )
    return stored

"""The Schema Registry on the wire: forms asked for by `Accept`, and pages of lists. Documents are JSON already."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flowservice.domain.xdm_resolve import Document
from flowservice.errors import BadQuery

_FLAGS: Final = re.compile(r"application/vnd\.adobe\.(?:xed|xdm)[a-z]*((?:-[a-z0-9]+)*)\+json", re.IGNORECASE)
_CONDITION: Final = re.compile(r"([^=!<>~]+?)(==|!=|<=|>=|<|>|~)(.*)", re.DOTALL)
_TEXTS: Final = frozenset({"title", "description"})
MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How much of a resource to show. `is_full`: ask `Schemas.full` for it."""

    is_id: bool = False
    is_full: bool = False
    has_texts: bool = True


def form_of(accept: str | None) -> Form:
    """The form that an `Accept` header asks for. Families, versions and flags we do not know change nothing."""
    matched = _FLAGS.search(accept or "")
    flags = matched[1].lower().split("-") if matched else []
    return Form(is_id="id" in flags, is_full="full" in flags, has_texts="notext" not in flags)


def shown(document: Document, form: Form) -> Document:
    """A resource in that form."""
    if form.is_id:
        return {key: document[key] for key in ("$id", "meta:altId", "version", "title") if key in document}
    return document if form.has_texts else _without_texts(document)


def _without_texts(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_texts(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    # A field may be called `title`; only texts go, not fields.
    return {key: _without_texts(value) for key, value in node.items() if not (key in _TEXTS and isinstance(value, str))}


def page(
    documents: Iterable[Document],
    *,
    form: Form,
    properties: Sequence[str] = (),
    orderby: str | None = None,
    limit: int = DEFAULT_LIMIT,
    start: str | None = None,
) -> dict[str, Any]:
    """One page of a list.

    Args:
        properties: conditions such as `meta:class==https://…`, all of which must hold.
        orderby: properties with a comma between them, each with `-` before it for descending.
        start: `_page.next` of the page before.
    Raises:
        BadQuery: a condition or `start` that cannot be understood.
    """
    found = [document for document in documents if all(_holds(document, condition) for condition in properties)]
    if orderby:
        found.sort(key=lambda document: str(document["$id"]))  # so that equal keys keep one order on every page
    for key in reversed((orderby or "").split(",")):
        name = key.strip().lstrip("+-")
        if name:
            found.sort(key=partial(_sort_key, name), reverse=key.strip().startswith("-"))
    first = _offset(start)
    end = first + max(0, min(limit, MAX_LIMIT))
    results = [shown(document, form) for document in found[first:end]]
    following = str(end) if results and end < len(found) else None
    return {
        "results": results,
        "_page": {"orderby": orderby or "updated", "next": following, "count": len(results)},
        "_links": {"next": None if following is None else {"href": f"?start={following}"}},
    }


def _offset(start: str | None) -> int:
    if start is None or start == "":
        return 0
    if not re.fullmatch("[0-9]{1,9}", start):
        raise BadQuery("start is not the `next` of a former page")
    return int(start)


def _sort_key(name: str, document: Document) -> str:
    metadata = document.get("meta:registryMetadata", {})
    aliases = {"updated": "repo:lastModifiedDate", "created": "repo:createdDate"}
    value = metadata.get(aliases[name], "") if name in aliases else document.get(name, "")
    return str(value)


def _holds(document: Document, condition: str) -> bool:
    matched = _CONDITION.fullmatch(condition.strip())
    if matched is None:
        return condition.strip() in document
    name, operator, wanted = matched.groups()
    value = document.get(name.strip())
    values = [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]
    match operator:
        case "==":
            return wanted in values
        case "!=":
            return wanted not in values
        case "~":
            # Plain text, not a pattern: a caller's regular expression could run for ever.
            return any(wanted.strip("^$.*").casefold() in item.casefold() for item in values)
        case "<" | "<=" | ">" | ">=":
            return any(_compare(item, operator, wanted) for item in values)
    raise BadQuery("a property condition has no operator")


def _compare(value: str, operator: str, wanted: str) -> bool:
    if operator.startswith("<"):
        return value < wanted or (operator == "<=" and value == wanted)
    return value > wanted or (operator == ">=" and value == wanted)

"""The Schema Registry on the wire: forms asked for by `Accept`, and pages of lists. Documents are JSON already."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flowservice.domain.schema import SchemaChange
from flowservice.domain.xdm_patterns import matching
from flowservice.domain.xdm_resolve import Document
from flowservice.errors import BadQuery, UnknownFilterField

_FLAGS: Final = re.compile(r"application/vnd\.adobe\.(?:xed|xdm)[a-z]*((?:-[a-z0-9]+)*)\+json", re.IGNORECASE)
_CONDITION: Final = re.compile(r"([^=!<>~]+?)(==|!=|<=|>=|<|>|~)(.*)", re.DOTALL)
_JOINED: Final = re.compile(r",(?=[^,=!<>~]+(?:==|!=|<=|>=|<|>|~))")
"""A comma between two conditions, as clients join them."""
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MAX_CONDITIONS: Final = 50
_TEXTS: Final = frozenset({"title", "description"})
MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How much of a resource to show. `is_full`: ask `Schemas.full` for it.

    `is_flat`: with each field by its path. `is_described`: with its descriptors. `has_deprecations`: with
    `meta:status` of fields that a descriptor deprecates. Of a list of descriptors: `is_link` for paths, `is_paged` for
    one list instead of one for each type.
    """

    is_id: bool = False
    is_full: bool = False
    has_texts: bool = True
    is_flat: bool = False
    is_described: bool = False
    has_deprecations: bool = False
    is_link: bool = False
    is_paged: bool = False


def form_of(accept: str | None) -> Form:
    """The form that an `Accept` header asks for. Families, versions and flags we do not know change nothing."""
    matched = _FLAGS.search(accept or "")
    flags = matched[1].lower().split("-") if matched else []
    return Form(
        is_id="id" in flags,
        # A path leads through references.
        is_full="full" in flags or "flat" in flags,
        is_flat="flat" in flags,
        has_texts="notext" not in flags,
        is_described="desc" in flags,
        has_deprecations="deprecated" in flags or "deprecatefield" in flags,
        is_link="link" in flags,
        is_paged="v2" in flags,
    )


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
    most: int = MAX_LIMIT,
) -> dict[str, Any]:
    """One page of a list, of at most `most`.

    Args:
        properties: conditions such as `meta:class==https://…`, all of which must hold.
        orderby: properties with a comma between them, each with `-` before it for descending.
        start: `_page.next` of the page before.
    Raises:
        BadQuery: a condition or `start` that cannot be understood.
    """
    found = filtered(documents, properties)
    if orderby:
        found.sort(key=_identifier)  # so that equal keys keep one order on every page
    for key in reversed((orderby or "").split(",")):
        name = key.strip().lstrip("+-")
        if name:
            found.sort(key=partial(_sort_key, name), reverse=key.strip().startswith("-"))
    first = _offset(start)
    end = first + max(0, min(limit, most))
    results = [shown(document, form) for document in found[first:end]]
    following = str(end) if results and end < len(found) else None
    return {
        "results": results,
        "_page": {"orderby": orderby or "updated", "next": following, "count": len(results)},
        "_links": {"next": None if following is None else {"href": f"?start={following}"}},
    }


def filtered(
    documents: Iterable[Document], properties: Sequence[str], *, fields: Collection[str] | None = None
) -> list[Document]:
    """The documents that fulfil all conditions, given one by one or with commas between them.

    `fields` names what conditions may ask for, where that is not everything. Raises BadQuery.
    """
    found = list(documents)
    conditions = [part for text in properties for part in _JOINED.split(text)]
    if len(conditions) > _MAX_CONDITIONS:
        raise BadQuery(f"a list takes at most {_MAX_CONDITIONS} conditions", advice="Ask for less at once.")
    for condition in conditions:
        if fields is not None:
            _check_field(condition.strip(), fields)
        found = _fulfilling(found, condition.strip())
    return found


def _check_field(condition: str, fields: Collection[str]) -> None:
    matched = _CONDITION.fullmatch(condition)
    name = condition if matched is None else matched[1].strip()
    if name not in fields:
        raise UnknownFilterField(
            f"property: the list cannot be filtered by {name[:80]!r}", advice=f"Use {', '.join(sorted(fields))}."
        )


def _identifier(document: Document) -> str:
    return str(document.get("$id") or document.get("@id"))


def _offset(start: str | None) -> int:
    if start is None or start == "":
        return 0
    if not re.fullmatch("[0-9]{1,9}", start):
        raise BadQuery("start is not the `next` of a former page")
    return int(start)


def _sort_key(name: str, document: Document) -> tuple[bool, float, str]:
    value = _value(document, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return not is_number, value if is_number else 0, "" if is_number or value is None else str(value).casefold()


_ALIASES: Final = {
    "updated": ("meta:registryMetadata", "repo:lastModifiedDate"),
    "created": ("meta:registryMetadata", "repo:createdDate"),
}


def _value(document: Document, name: str) -> Any:
    """The value of a property: by its name, or by a path with `/` or full stops between names."""
    if name in document:
        return document[name]
    node: Any = document
    for step in _ALIASES.get(name) or re.split(r"[/.]", name):
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _fulfilling(documents: list[Document], condition: str) -> list[Document]:
    matched = _CONDITION.fullmatch(condition)
    if matched is None:
        return [document for document in documents if _value(document, condition) is not None]
    name, operator, wanted = matched.groups()
    held = [(document, _texts_of(_value(document, name.strip()))) for document in documents]
    match operator:
        case "==":
            return [document for document, values in held if wanted in values]
        case "!=":
            return [document for document, values in held if wanted not in values]
        case "~":
            texts = sorted({text for _, values in held for text in values})
            those = set(matching(wanted, texts))
            return [document for document, values in held if those & set(values)]
    return [document for document, values in held if any(_compare(value, operator, wanted) for value in values)]


def _texts_of(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts_of(item)]
    if value is None or isinstance(value, Mapping):
        return []
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _compare(value: str, operator: str, wanted: str) -> bool:
    if _NUMBER.fullmatch(value) and _NUMBER.fullmatch(wanted):
        difference = float(value) - float(wanted)
    else:
        difference = (value > wanted) - (value < wanted)
    return {"<": difference < 0, "<=": difference <= 0, ">": difference > 0, ">=": difference >= 0}[operator]


def descriptors(
    documents: Iterable[Document],
    *,
    form: Form,
    properties: Sequence[str] = (),
    orderby: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> dict[str, Any]:
    """A list of descriptors in one of its forms. It comes in pages only where `limit` is given. Raises BadQuery."""
    found = filtered(documents, properties)
    shape = _id if form.is_id else _link if form.is_link else dict
    if form.is_paged:
        size = max(1, len(found)) if limit is None else limit
        paged = page(found, form=Form(), orderby=orderby, limit=size, start=start, most=max(size, MAX_LIMIT))
        return {**paged, "results": [shape(document) for document in paged["results"]]}
    by_type: dict[str, list[Any]] = {}
    for document in found:
        by_type.setdefault(document["@type"], []).append(shape(document))
    return by_type


def _id(document: Document) -> Any:
    return document["@id"]


def _link(document: Document) -> Any:
    return f"/tenant/descriptors/{document['@id']}"


def audit_trail(change: SchemaChange) -> dict[str, Any]:
    """A change of a resource as the registry tells it."""
    kind = change.schema_id.rsplit("/", 2)[-2]
    mark, scope = change.stamp.created, change.stamp.scope
    return {
        "id": change.schema_id,
        "xdmType": kind,
        "version": change.name,
        "updatedUser": mark.by,
        "clientId": mark.client,
        "updatedTime": mark.at.strftime("%m-%d-%Y %H:%M:%S"),
        "imsOrg": scope.org_id,
        "sandBoxId": scope.sandbox_id,
        "auditTrails": [
            {
                "id": change.schema_id,
                "xdmType": kind,
                "action": step["op"],
                **{key: value for key, value in step.items() if key != "op"},
            }
            for step in change.steps
        ],
    }
